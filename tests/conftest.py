"""Fixtures that several test files share. Their names begin with ``fx_``."""

import gzip
import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import reference
import vcf_text

CHECKOUT = Path(__file__).resolve().parent.parent
SLICE = "real/1kg_p3_chr22_16-16.5mb.vcf.gz"
PANEL = "meta/integrated_call_samples_v3.20130502.ALL.panel"


def pytest_terminal_summary(terminalreporter):
    """Print what tests say they tried (``record_property``)."""
    reports = [report for report in terminalreporter.stats.get("passed", ()) if report.user_properties]
    if reports:
        terminalreporter.section("tried")
    for report in reports:
        tried = ", ".join(f"{name} {value}" for name, value in report.user_properties)
        terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {tried}")


@pytest.fixture(scope="session")
def fx_shared_data():
    """The folder of test data beside the checkout."""
    path = CHECKOUT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("needs the test data in ../shared/data")
    return path


@dataclass(frozen=True)
class Stored:
    """A VCF, as text file and as the oracle reads it, and the repository made from it."""

    source: Path
    vcf: reference.Vcf
    path: Path

    def ids(self, members):
        return [self.vcf.samples[member] for member in members]


@pytest.fixture(scope="session")
def fx_store(tmp_path_factory):
    """A function that writes VCF text (BGZF in odd blocks), stores it, and gives both as Stored."""
    import varstore as vs  # here, so that the oracle can be tested without the package

    def store(text, write=vcf_text.write_bgzf, **options):
        directory = tmp_path_factory.mktemp("stored")
        name = "source.vcf" if write is vcf_text.write_plain else "source.vcf.gz"
        source = write(directory / name, text, **options)
        vs.create(directory / "repo", source)
        return Stored(source, reference.read_vcf(text), directory / "repo")

    return store


@pytest.fixture(scope="session")
def fx_small(fx_store):
    """A small repository with every oddity: shared, never to be changed."""
    text = vcf_text.make_vcf(
        20,
        131,
        23,
        ploidy="mixed",
        missing=0.05,
        half_missing=0.05,
        max_alts=4,
        unphased=0.3,
        mixed_phase=0.3,
        extra_format=True,
        no_gt=0.1,
        contigs=("1", "22", "HLA-A*01:01:01:01", "empty", "X"),
    )
    return fx_store(text)


@pytest.fixture
def fx_memory(tmp_path):
    """A folder in memory where there is one: for tests that make thousands of files."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="varstore-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def fx_cli(tmp_path_factory):
    """A function that runs ``varstore`` as a process and gives what subprocess.run gives."""
    folder = tmp_path_factory.mktemp("cli")
    command = [sys.executable, str(Path(__file__).parent / "cli_server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def run(*arguments, status=0):
            arguments = list(map(str, arguments))
            said = [folder / "output", folder / "errors"]
            for path in said:
                path.write_bytes(b"")
            environment = {**os.environ, "COLUMNS": "1000", "NO_COLOR": "1"}
            request = {"arguments": arguments, "environment": environment, "folder": os.getcwd()}
            request |= {"output": str(said[0]), "errors": str(said[1])}
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            ended, _, _ = select.select([server.stdout], [], [], 120)
            if not ended:
                server.kill()
                pytest.fail(f"varstore {' '.join(arguments)} takes more than 120 s")
            code = int(server.stdout.readline())
            output, errors = (path.read_text() for path in said)
            assert code == status, errors
            return subprocess.CompletedProcess(["varstore", *arguments], code, output, errors)

        yield run
        server.kill()


@dataclass(frozen=True)
class Slice:
    """The slice of the 1000 Genomes: 6,109 records of 2,504 people.

    ``lines`` are the records as text, ``populations`` maps each super-population to its sample ids.
    """

    source: Path
    header: str
    lines: list[str]
    populations: dict[str, list[str]]

    def info(self):
        """INFO of each ALT in file order, one dict of texts a row: AC, AF, EUR_AF, ..., and AN."""
        for line in self.lines:
            fields = line.split("\t", 8)
            info = [field.partition("=")[::2] for field in fields[7].split(";")]
            values = {key: value.split(",") for key, value in info if key[-2:] in {"AC", "AF"}}
            number = dict(info)["AN"]
            for allele in range(len(fields[4].split(","))):
                yield {"AN": number} | {key: value[allele] for key, value in values.items()}


@pytest.fixture(scope="session")
def fx_slice(fx_shared_data):
    """The real slice with its panel."""
    source = fx_shared_data / SLICE
    header, mark, body = gzip.decompress(source.read_bytes()).decode().partition("#CHROM")
    columns, *lines = body.splitlines()
    panel = (fx_shared_data / PANEL).read_text().splitlines()[1:]
    population = {fields[0]: fields[2] for fields in map(str.split, panel) if fields}
    populations = {}
    for sample in columns.split("\t")[9:]:
        populations.setdefault(population[sample], []).append(sample)
    return Slice(source, f"{header}{mark}{columns}\n", lines, populations)


@pytest.fixture(scope="session")
def fx_slice_repo(fx_slice, tmp_path_factory):
    """The path of a repository made from the slice."""
    import varstore as vs

    path = tmp_path_factory.mktemp("slice") / "repo"
    vs.create(path, fx_slice.source)
    return path
