"""Measure varstore against its peers: same data, same machine, same run, warm, medians.

    python benchmarks/peers.py --full -o docs/benchmarks-table.md

Simulated cohorts come from tools/simulate.py and are kept in ``--data``, and so are the peers' own
files where only their size is wanted. A peer that is not installed is named in its row. Every
answer that a peer can give too is compared: one that differs, like any step that fails, makes the
exit status 1. Timings never do.

"process" is a whole process from start to end, interpreter and imports included; "warm" is one
call in a process that has the repository open and has made the same call before. Before anything
is timed, input files have been read once and varstore's numba cache is filled.
"""

import gzip
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import click
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
REAL_VCF = ROOT.parent / "shared/data/real/1kg_p3_chr22_16-16.5mb.vcf.gz"
VARSTORE = [sys.executable, "-m", "varstore"]
NOT_INSTALLED = "not installed"
NUM_COHORTS = 26

# Runs one command and writes its seconds, peak memory and exit status to a file. It is a small
# process of its own because the kernel counts a parent's memory as the child's until exec.
LAUNCHER = """
import os, sys, time
start = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - start
with open(sys.argv[1], "w") as file:
    file.write(f"[{seconds}, {usage.ru_maxrss * 1024}, {os.waitstatus_to_exitcode(status)}]")
"""

Columns = dict[str, np.ndarray]


class StepError(Exception):
    """A command that had to work did not, or an answer differs from a peer's."""


@dataclass(frozen=True)
class Dataset:
    """A VCF to measure on, its size, and 100 kb of it; the real one is there, others simulated."""

    name: str
    variants: int
    people: int
    region: str

    def __str__(self) -> str:
        kind = "1000 Genomes chr22" if self == REAL else "simulated"
        return f"{kind}, {self.variants:,} x {self.people:,}"


QUICK = Dataset("quick", 4_000, 1_000, "22:100,001-200,000")
SIM10K = Dataset("sim10k", 50_000, 10_000, "22:1,000,001-1,100,000")
SIM100K = Dataset("sim100k", 80_000, 100_000, "22:500,001-600,000")
REAL = Dataset("1kg", 6_109, 2_504, "22:16,200,001-16,300,000")


class Figure(NamedTuple):
    """Seconds ("s") or bytes ("B"), how they were taken, and the peak memory beside, in bytes."""

    value: float
    unit: str
    how: str
    memory: int | None = None


@dataclass(frozen=True)
class Row:
    """A line of the table; ``theirs`` is text where the peer has no figure, and says why."""

    task: str
    data: Dataset
    ours: Figure
    peer: str
    theirs: Figure | str
    answers: str = ""

    def ratio(self) -> float | None:
        """Return how many times as fast varstore is, or what share of the peer's bytes it takes."""
        if isinstance(self.theirs, str):
            return None
        if self.ours.unit == "s":
            return self.theirs.value / self.ours.value
        return self.ours.value / self.theirs.value


class Target(NamedTuple):
    """What is promised: a limit of the ratio or of varstore's own figure."""

    limit: float
    absolute: bool = False


TARGETS = {
    ("import", "plink2", "sim10k"): Target(2.5),
    ("import", "plink2", "sim100k"): Target(8),
    ("import", "bio2zarr", "sim10k"): Target(15),
    ("import, peak memory", "plink2", "sim100k"): Target(1.5e9, absolute=True),
    ("import, peak memory", "half the variants", "sim100k"): Target(1.1),
    ("allele counts, 30 % cohort", "plink2", "sim100k"): Target(5),
    ("allele counts, 30 % cohort, 100 kb", "plink2", "sim10k"): Target(0.003, absolute=True),
    ("allele counts, 30 % cohort, 100 kb", "plink2", "sim100k"): Target(0.003, absolute=True),
    ("call_genotype on disk", "bio2zarr", "sim10k"): Target(0.42),
    ("call_genotype on disk", "plink2", "sim10k"): Target(0.30),
    ("call_genotype on disk", "plink2", "sim100k"): Target(0.30),
    ("call_genotype on disk", "bio2zarr", "1kg"): Target(0.75),
    ("call_genotype on disk", "plink2", "1kg"): Target(0.58),
    ("cold start, count REPO", "plink2", "1kg"): Target(0.7, absolute=True),
    ("cold start, count REPO -S FILE", "plink2", "1kg"): Target(0.7, absolute=True),
}


@dataclass
class Bench:
    """Where files are kept, how often things are run, and the imports timed so far."""

    directory: Path
    process_runs: int
    warm_runs: int
    imports: dict[str, Figure] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        return self.directory / name

    def vcf(self, data: Dataset) -> Path:
        """Return the data's VCF, simulated first if it has to be."""
        if data == REAL:
            return REAL_VCF
        path = self.path(f"{data.name}.vcf.gz")
        if not path.exists():
            part = self.path(f"part.{path.name}")
            size = ["--samples", str(data.people), "--variants", str(data.variants)]
            self.run([sys.executable, str(ROOT / "tools/simulate.py"), str(part), *size])
            part.rename(path)
        return path

    def half_vcf(self, data: Dataset) -> Path:
        """Return a VCF of the first half of the records, made with bgzip."""
        path = self.path(f"{data.name}.half.vcf.gz")
        if not path.exists():
            vcf, part = self.vcf(data), self.path(f"part.{path.name}")
            lines = len(read_header(vcf)) + data.variants // 2
            script = 'bgzip -dc "$0" | head -n "$1" | bgzip -@ 2 -c > "$2"'
            self.run(["sh", "-c", script, str(vcf), str(lines), str(part)])
            part.rename(path)
        return path

    def cohort(self, data: Dataset) -> tuple[list[str], str]:
        """Return a random 30 % of the people, and the name of a file that lists them."""
        samples = read_samples(self.vcf(data))
        ids = random.Random(30).sample(samples, len(samples) * 3 // 10)
        path = self.path(f"{data.name}.cohort.txt")
        path.write_text("\n".join(ids) + "\n")
        return ids, str(path)

    def cohorts(self, data: Dataset) -> tuple[dict[str, list[str]], str]:
        """Return everybody in 26 random cohorts, and the name of plink2's file of them."""
        samples = read_samples(self.vcf(data))
        random.Random(26).shuffle(samples)
        cohorts = {f"C{k:02d}": samples[k::NUM_COHORTS] for k in range(NUM_COHORTS)}
        lines = [f"{sample}\t{name}\n" for name, ids in cohorts.items() for sample in ids]
        path = self.path(f"{data.name}.cohorts.txt")
        path.write_text("#IID\tCOHORT\n" + "".join(lines))
        return cohorts, str(path)

    def run(self, command: Sequence[str], output: Path | None = None) -> Figure:
        """Run a command; return its time and the peak memory of the largest process in it."""
        report, errors = self.path("run.json"), self.path("run.err")
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(report), *command]
        with (output or self.path("run.out")).open("w") as out, errors.open("w") as err:
            subprocess.run(launcher, stdout=out, stderr=err, check=True)
        seconds, memory, status = json.loads(report.read_text())
        if status:
            raise StepError(f"{' '.join(command)}: status {status}: {errors.read_text()[-2000:]}")
        return Figure(seconds, "s", "process", memory)

    def repeat(self, command: Sequence[str], output: Path | None = None, remove: Path | None = None) -> Figure:
        """Run a command several times, its result removed before; return the median and peak."""
        figures = []
        for _ in range(self.process_runs):
            if remove is not None:
                shutil.rmtree(remove, ignore_errors=True)
            figures.append(self.run(command, output))
        most = max(figure.memory or 0 for figure in figures)
        return Figure(median(figure.value for figure in figures), "s", "process", most)

    def import_varstore(self, vcf: Path, name: str) -> Figure:
        """Time ``varstore create``, once a file and run."""
        if name not in self.imports:
            repository = self.path(name)
            command = [*VARSTORE, "create", str(repository), str(vcf), "--threads", "2"]
            shutil.rmtree(repository, ignore_errors=True)
            self.run(command)
            self.imports[name] = self.repeat(command, remove=repository)
        return self.imports[name]

    def import_whole(self, data: Dataset) -> Figure:
        return self.import_varstore(self.vcf(data), f"{data.name}.varstore")

    def repository(self, data: Dataset) -> Path:
        """Return the repository of the data, made by the code that is measured."""
        self.import_whole(data)
        return self.path(f"{data.name}.varstore")

    def import_plink2(self, data: Dataset) -> Figure | str:
        """Time ``plink2 --make-pgen``, once a file and run."""
        if not installed("plink2"):
            return NOT_INSTALLED
        name = f"{data.name}.pgen"
        if name not in self.imports:
            read_through(self.vcf(data))
            command = ["plink2", "--vcf", str(self.vcf(data)), "--make-pgen", "--threads", "2"]
            self.imports[name] = self.repeat([*command, "--out", str(self.path(data.name))])
        return self.imports[name]

    def query_plink2(self, data: Dataset, *options: str) -> Figure | str:
        """Time plink2 on its own file; its answers are called ``DATA.answer.*``."""
        if not installed("plink2"):
            return NOT_INSTALLED
        self.peer_file(data, "plink2")
        files = [
            "--pfile",
            str(self.path(data.name)),
            "--out",
            str(self.path(f"{data.name}.answer")),
        ]
        command = ["plink2", *files, "--threads", "2", *options]
        self.run(command)
        return self.repeat(command)

    def query_varstore(
        self, data: Dataset, method: str, names: Sequence[str], **arguments: Any
    ) -> tuple[Figure, Columns]:
        """Time a query in a process of its own; return these columns of its answer too."""
        return in_child(time_query, self.repository(data), method, names, arguments, self.warm_runs)

    def peer_file(self, data: Dataset, peer: str) -> Path | None:
        """Return a peer's file of the data, made once and kept; None if it is not installed."""
        vcf = str(self.vcf(data))
        name, command = {
            "plink2": ("pgen", ["plink2", "--make-pgen", "--threads", "2", "--vcf", vcf, "--out"]),
            "bio2zarr": ("vcz", convert_command(vcf, workers=2)),
            "savvy": ("sav", ["sav", "import", "--phasing", "full", vcf]),
            "bcftools": ("bcf", ["bcftools", "view", "--threads", "2", "-Ob", vcf, "-o"]),
        }[peer]
        path = self.path(f"{data.name}.{name}")
        if path.exists():
            return path
        if not installed(peer):
            return None
        if peer == "plink2":
            self.run([*command, str(path.with_suffix(""))])
            return path
        part = self.path(f"part.{path.name}")
        self.run([*command, str(part)])
        return part.rename(path)


def installed(peer: str) -> bool:
    if peer == "bio2zarr":
        return find_spec("bio2zarr") is not None
    return shutil.which({"savvy": "sav"}.get(peer, peer)) is not None


def convert_command(vcf: str, workers: int) -> list[str]:
    convert = [sys.executable, "-m", "bio2zarr", "vcf2zarr", "convert", "-Q", "-f"]
    return [*convert, "-p", str(workers), vcf]


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of this module in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def time_query(
    repository: Path, method: str, names: Sequence[str], arguments: dict[str, Any], runs: int
) -> tuple[Figure, Columns]:
    """Open a repository, call a method once for nothing and then ``runs`` times.

    Cohorts are made once, as an analyst keeps them: ``repo.cohort(ids)``.
    """
    import varstore

    repo = varstore.open(repository)
    if "cohort" in arguments:
        arguments = {**arguments, "cohort": repo.cohort(arguments["cohort"])}
    if "cohorts" in arguments:
        cohorts = {name: repo.cohort(ids) for name, ids in arguments["cohorts"].items()}
        arguments = {**arguments, "cohorts": cohorts}
    call = getattr(repo, method)
    seconds = []
    for _ in range(1 + runs):
        start = time.perf_counter()
        table = call(**arguments)
        seconds.append(time.perf_counter() - start)
    columns = {name: np.asarray(table[name]) for name in names}
    return Figure(median(seconds[1:]), "s", "warm", peak_memory()), columns


def peak_memory() -> int | None:
    """Return the most memory this process has had, in bytes, where the system tells."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if "VmHWM" in line), None)


def read_genotypes(repository: Path, vcz: Path) -> tuple[Columns, Columns]:
    """Return the genotypes of the first thousand sites, varstore's and bio2zarr's."""
    import zarr

    import varstore

    theirs: Any = zarr.open(vcz, mode="r")
    position = theirs["variant_position"][:]
    end = np.searchsorted(position, position[:1000][-1], side="right")
    contig = theirs["contig_id"][:][theirs["variant_contig"][0]]
    region = f"{contig}:{position[0]}-{position[end - 1]}"
    ours = varstore.open(repository).genotypes(region)
    name = "call_genotype"
    return {name: np.asarray(ours.call_genotype)}, {name: theirs[name][:end]}


def read_through(path: Path) -> None:
    """Read a file, so that it is in memory when it is timed."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def read_header(vcf: Path) -> list[str]:
    lines: list[str] = []
    with gzip.open(vcf, "rt") as file:
        while not lines or lines[-1].startswith("##"):
            lines.append(file.readline())
    return lines


def read_samples(vcf: Path) -> list[str]:
    return read_header(vcf)[-1].split()[9:]


def read_table(path: Path) -> dict[str, list[str]]:
    """Read a tab-separated table with a header line."""
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))


def read_plink_counts(path: Path) -> Columns:
    """Read an .acount file, one row an ALT allele."""
    table = read_table(path)
    counts = [list(map(int, text.split(","))) for text in table["ALT_CTS"]]
    numbers = [int(text) for text in table["OBS_CT"]]
    return {
        "allele_count": np.concatenate(counts),
        "allele_number": np.repeat(numbers, [len(alts) for alts in counts]),
    }


def read_plink_genotypes(path: Path) -> Columns:
    """Read a .gcount file, one row an ALT allele.

    Genotypes of two ALT alleles come in the order 1/1, 1/2, 2/2, 1/3 ...
    """
    table = read_table(path)
    names = ["HOM_REF_CT", "HET_REF_ALT_CTS", "TWO_ALT_GENO_CTS", "MISSING_CT"]
    rows = []
    for texts in zip(*(table[name] for name in names), strict=True):
        (hom_ref,), with_ref, pairs, (missing,) = (list(map(int, t.split(","))) for t in texts)
        alts = range(len(with_ref))
        both = np.zeros((len(alts), len(alts)), dtype=np.int64)
        both[tuple(zip(*((low, high) for high in alts for low in range(high + 1)), strict=True))] = pairs
        hom_alt = both.diagonal()
        het = with_ref + both.sum(axis=0) + both.sum(axis=1) - 2 * hom_alt
        rows += [(hom_ref, het[alt], hom_alt[alt], missing) for alt in alts]
    columns = np.array(rows).T
    return dict(zip(["n_hom_ref", "n_het", "n_hom_alt", "n_missing"], columns, strict=True))


def check_equal(ours: Columns, theirs: Columns) -> str:
    """Raise StepError unless both have the same columns with the same values."""
    for name, expected in theirs.items():
        if ours[name].shape != expected.shape:
            raise StepError(f"{name}: shape {ours[name].shape}, the peer's is {expected.shape}")
        differ = np.flatnonzero((ours[name] != expected).reshape(len(expected), -1).any(axis=1))
        if differ.size:
            row = differ[0]
            raise StepError(
                f"{name}: {differ.size} of {len(expected)} rows differ from the peer's; "
                f"row {row} has {ours[name][row]}, the peer {expected[row]}"
            )
    return "equal"


def import_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    yield Row("import", data, bench.import_whole(data), "plink2", bench.import_plink2(data))


def import_bio2zarr_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Take the better of one process and two workers, which need an index to share the file."""
    ours = bench.import_whole(data)
    if not installed("bio2zarr"):
        yield Row("import", data, ours, "bio2zarr", NOT_INSTALLED)
        return
    vcf, made = bench.vcf(data), bench.path(f"{data.name}.vcz")
    if data != REAL and installed("bcftools"):
        bench.run(["bcftools", "index", "-f", "-c", str(vcf)])
    figures = [bench.run([*convert_command(str(vcf), workers), str(made)]) for workers in (0, 2)]
    answers = check_equal(*in_child(read_genotypes, bench.repository(data), made))
    yield Row("import", data, ours, "bio2zarr", min(figures), answers)


def memory_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Compare the peak memory of an import with plink2's, and with that of half the variants."""
    task = "import, peak memory"
    ours, theirs = bench.import_whole(data), bench.import_plink2(data)
    ours = Figure(ours.memory or 0, "B", "process")
    if not isinstance(theirs, str):
        theirs = Figure(theirs.memory or 0, "B", "process")
    yield Row(task, data, ours, "plink2", theirs)
    half: Figure | str = NOT_INSTALLED
    if installed("bgzip"):
        taken = bench.import_varstore(bench.half_vcf(data), f"{data.name}.half.varstore")
        half = Figure(taken.memory or 0, "B", "process")
    yield Row(task, data, ours, "half the variants", half)


def counts_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    ids, ids_file = bench.cohort(data)
    names = ["allele_count", "allele_number"]
    ours, columns = bench.query_varstore(data, "count_alleles", names, cohort=ids)
    theirs = bench.query_plink2(data, "--keep", ids_file, "--freq", "counts")
    answers = check_plink2(bench, data, columns, theirs)
    yield Row("allele counts, 30 % cohort", data, ours, "plink2", theirs, answers)


def check_plink2(bench: Bench, data: Dataset, columns: Columns, theirs: Figure | str) -> str:
    if isinstance(theirs, str):
        return ""
    return check_equal(columns, read_plink_counts(bench.path(f"{data.name}.answer.acount")))


def region_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Count in 100 kb; what only reaches into them is not compared, plink2 leaves it out."""
    ids, ids_file = bench.cohort(data)
    names = ["allele_count", "allele_number", "position"]
    contig, interval = data.region.replace(",", "").split(":")
    start, end = interval.split("-")
    ours, columns = bench.query_varstore(data, "count_alleles", names, region=data.region, cohort=ids)
    where = ["--chr", contig, "--from-bp", start, "--to-bp", end]
    theirs = bench.query_plink2(data, *where, "--keep", ids_file, "--freq", "counts")
    begins_inside = columns["position"] >= int(start)
    columns = {name: column[begins_inside] for name, column in columns.items()}
    answers = check_plink2(bench, data, columns, theirs)
    yield Row("allele counts, 30 % cohort, 100 kb", data, ours, "plink2", theirs, answers)


def genotype_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    ids, ids_file = bench.cohort(data)
    names = ["n_hom_ref", "n_het", "n_hom_alt", "n_missing"]
    ours, columns = bench.query_varstore(data, "count_genotypes", names, cohort=ids)
    theirs = bench.query_plink2(data, "--keep", ids_file, "--geno-counts")
    answers = ""
    if not isinstance(theirs, str):
        expected = read_plink_genotypes(bench.path(f"{data.name}.answer.gcount"))
        answers = check_equal(columns, expected)
    yield Row("genotype counts, 30 % cohort", data, ours, "plink2", theirs, answers)


def cohorts_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    cohorts, file = bench.cohorts(data)
    names = ["allele_count", "allele_number"]
    ours, columns = bench.query_varstore(data, "count_alleles", names, cohorts=cohorts)
    options = ["--pheno", file, "--loop-cats", "COHORT", "--freq", "counts"]
    theirs = bench.query_plink2(data, *options)
    answers = ""
    if not isinstance(theirs, str):
        paths = [bench.path(f"{data.name}.answer.{name}.acount") for name in cohorts]
        tables = [read_plink_counts(path) for path in paths]
        by_site = {name: np.stack([table[name] for table in tables], axis=1) for name in names}
        answers = check_equal(columns, {name: both.reshape(-1) for name, both in by_site.items()})
    yield Row(f"allele counts, {NUM_COHORTS} cohorts", data, ours, "plink2", theirs, answers)


def size_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Compare what the genotypes take; whole files of plink2 (.pgen), savvy and BCF.

    The slow peers' files of 100,000 people are compared where they are there already.
    """
    arrays = bench.repository(data).glob("batches/*/call_genotype")
    ours = Figure(sum(map(num_bytes, arrays)), "B", "on disk")
    for peer in ("bio2zarr", "plink2", "savvy", "bcftools"):
        theirs: Figure | str = "takes too long"
        kept = {"savvy": "sav", "bcftools": "bcf"}.get(peer, "vcz")
        if data != SIM100K or peer == "plink2" or bench.path(f"{data.name}.{kept}").exists():
            path = bench.peer_file(data, peer)
            theirs = NOT_INSTALLED
            if path is not None:
                genotypes = path / "call_genotype" if path.is_dir() else path
                theirs = Figure(num_bytes(genotypes), "B", "on disk")
        yield Row("call_genotype on disk", data, ours, peer, theirs)


def num_bytes(path: Path) -> int:
    """Return the size of a file, or of an array's chunks without its metadata."""
    if path.is_file():
        return path.stat().st_size
    files = (file for file in path.rglob("*") if file.is_file())
    return sum(file.stat().st_size for file in files if not file.name.startswith("."))


def cold_start_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Time the command line, from the shell's side; both answer in a file."""
    _, ids_file = bench.cohort(data)
    output = bench.path(f"{data.name}.answer.tsv")
    variants = {"": [], " -S FILE": ["-S", ids_file]}
    for text, options in variants.items():
        command = [*VARSTORE, "count", str(bench.repository(data)), *options]
        bench.run(command)
        ours = bench.repeat(command, output)
        table = read_table(output)
        columns = {name: np.array(table[name], dtype=np.int64) for name in ("allele_count", "allele_number")}
        keep = ["--keep", ids_file] if options else []
        theirs = bench.query_plink2(data, *keep, "--freq", "counts")
        answers = check_plink2(bench, data, columns, theirs)
        yield Row(f"cold start, count REPO{text}", data, ours, "plink2", theirs, answers)


class Task(NamedTuple):
    """A name for ``--only``, what measures it, and on what."""

    name: str
    measure: Callable[[Bench, Dataset], Iterator[Row]]
    data: tuple[Dataset, ...]


TASKS = [
    Task("import", import_rows, (SIM10K, SIM100K, REAL)),
    Task("import-bio2zarr", import_bio2zarr_rows, (SIM10K, REAL)),
    Task("memory", memory_rows, (SIM100K,)),
    Task("counts", counts_rows, (SIM10K, SIM100K, REAL)),
    Task("region", region_rows, (SIM10K, SIM100K, REAL)),
    Task("genotype-counts", genotype_rows, (SIM10K, SIM100K, REAL)),
    Task("cohorts", cohorts_rows, (SIM10K, SIM100K, REAL)),
    Task("size", size_rows, (SIM10K, SIM100K, REAL)),
    Task("cold-start", cold_start_rows, (REAL,)),
]


def quantity(value: float, unit: str) -> str:
    """Return seconds or bytes with three digits and a unit that suits them."""
    scales = {"s": [(1, "s"), (1e-3, "ms")], "B": [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]}[unit]
    scale, name = next(((s, n) for s, n in scales if value >= s), scales[-1])
    return f"{value / scale:.3g} {name}"


def ratio_text(ratio: float, unit: str) -> str:
    return f"{ratio:.3g} x" if unit == "s" else f"{ratio:.2f}"


def judge(row: Row) -> tuple[str, str]:
    """Return the row's target in words and whether it is met, both empty without a target."""
    target = TARGETS.get((row.task, row.peer, row.data.name))
    if target is None:
        return "", ""
    unit = row.ours.unit
    if target.absolute:
        met = row.ours.value <= target.limit
        return f"at most {quantity(target.limit, unit)}", "yes" if met else "no"
    ratio = row.ratio()
    faster = unit == "s"
    text = f"at {'least' if faster else 'most'} {ratio_text(target.limit, unit)}"
    if ratio is None:
        return text, "?"
    return text, "yes" if (ratio >= target.limit if faster else ratio <= target.limit) else "no"


def row_cells(row: Row) -> list[str]:
    ratio = row.ratio()
    figures = [row.ours, row.theirs]
    shown = [f if isinstance(f, str) else f"{quantity(f.value, f.unit)} {f.how}" for f in figures]
    memory = [f.memory for f in figures if not isinstance(f, str) and f.memory]
    return [
        row.task,
        str(row.data),
        shown[0],
        row.peer,
        shown[1],
        "" if ratio is None else ratio_text(ratio, row.ours.unit),
        *judge(row),
        " / ".join(quantity(size, "B") for size in memory),
        row.answers,
    ]


def markdown(rows: Sequence[Row]) -> str:
    head = "task,data,varstore,peer,peer's figure,ratio,target,met,peak memory,answers".split(",")
    lines = [head, ["---"] * len(head), *map(row_cells, rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def describe_machine() -> str:
    """Return one paragraph: processor, Python, and the versions of the peers found."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    parts = [*models[:1], f"{os.cpu_count()} cores", f"Python {platform.python_version()}"]
    for tool in ("plink2", "bcftools", "sav"):
        if shutil.which(tool):
            said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
            parts.append((said.stdout or said.stderr).splitlines()[0])
    if installed("bio2zarr"):
        parts.append(f"bio2zarr {metadata.version('bio2zarr')}")
    return "; ".join(parts) + "."


def measure(bench: Bench, tasks: Sequence[Task]) -> tuple[list[Row], list[str]]:
    """Return the rows of the tasks, and what failed."""
    rows: list[Row] = []
    failures = []
    for task in tasks:
        for data in task.data:
            click.echo(f"{task.name}, {data}", err=True)
            try:
                rows += task.measure(bench, data)
            except Exception as error:
                failures.append(f"{task.name}, {data}: {type(error).__name__}: {error}")
                click.echo(failures[-1], err=True)
    return rows, failures


def choose_tasks(quick: bool, full: bool, only: Sequence[str]) -> list[Task]:
    """Return the tasks with the data to run them on."""
    left_out = set() if full else {SIM100K}
    if not REAL_VCF.exists():
        click.echo(f"{REAL}: left out, there is no {REAL_VCF}", err=True)
        left_out.add(REAL)
    chosen = [task for task in TASKS if not only or task.name in only]
    if quick:
        return [task._replace(data=(QUICK,)) for task in chosen]
    return [task._replace(data=tuple(d for d in task.data if d not in left_out)) for task in chosen]


@click.command(help=__doc__.splitlines()[0])
@click.option("--quick", is_flag=True, help="Small data, everything once: checks, no figures.")
@click.option("--full", is_flag=True, help="With 100,000 people: hours the first time.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "benchmarks/data",
    help="Where simulated data and results are kept.",
)
@click.option("--only", multiple=True, type=click.Choice([task.name for task in TASKS]))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
def main(quick: bool, full: bool, data: Path, only: Sequence[str], output: Path | None) -> None:
    data.mkdir(parents=True, exist_ok=True)
    bench = Bench(data.resolve(), *((1, 3) if quick else (3, 15)))
    rows, failures = measure(bench, choose_tasks(quick, full, only))
    text = f"{describe_machine()}\n\n{markdown(rows)}"
    text += "".join(f"\nFailed: {failure}\n" for failure in failures)
    click.echo(text)
    if output is not None:
        output.write_text(text)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
