"""Runs of processes and warm calls, timed; the files they need, made once and kept."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from against.answers import Columns, StepError, read_header, read_samples
from against.data import REAL, REAL_VCF, ROOT, Dataset
from against.figures import Figure

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


def installed_environment() -> dict[str, str]:
    """The environment of commands: what pip installs is byte-compiled, so bytecode may be kept."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


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
            self.run([sys.executable, *self.recipe(data, part)])
            part.rename(path)
        return path

    def recipe(self, data: Dataset, path: Path) -> list[str]:
        """Return the tool that makes the data's VCF, and its arguments."""
        if data.repeats is not None:
            source, records = self.vcf(data.repeats), str(data.variants)
            return [str(ROOT / "tools/repeat_vcf.py"), str(source), str(path), "--records", records]
        size = ["--samples", str(data.people), "--variants", str(data.variants)]
        return [str(ROOT / "tools/simulate.py"), str(path), *size, *data.options]

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

    def overlapping_cohorts(self, data: Dataset) -> dict[str, list[str]]:
        """Return 26 random cohorts of 30 % of the people each."""
        samples, draw = read_samples(self.vcf(data)), random.Random(27)
        return {f"O{k:02d}": draw.sample(samples, len(samples) * 3 // 10) for k in range(NUM_COHORTS)}

    def runs_of_plink2(self, data: Dataset, cohorts: dict[str, list[str]]) -> tuple[Figure | str, list[str]]:
        """Time plink2 once a cohort, all together; return the names of its answers too."""
        if not installed("plink2"):
            return NOT_INSTALLED, []
        self.peer_file(data, "plink2")
        figures, answers = [], []
        for name, ids in cohorts.items():
            keep, out = self.path(f"{data.name}.{name}.txt"), f"{data.name}.alone.{name}"
            keep.write_text("\n".join(ids) + "\n")
            command = ["plink2", "--pfile", str(self.path(data.name)), "--out", str(self.path(out)), "--threads", "2"]
            figures.append(self.repeat([*command, "--keep", str(keep), "--freq", "counts"]))
            answers.append(f"{out}.acount")
        most = max(figure.memory or 0 for figure in figures)
        return Figure(sum(figure.value for figure in figures), "s", "process", most), answers

    def run(self, command: Sequence[str], output: Path | None = None) -> Figure:
        """Run a command; return its time and the peak memory of the largest process in it."""
        report, errors = self.path("run.json"), self.path("run.err")
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(report), *command]
        with (output or self.path("run.out")).open("w") as out, errors.open("w") as err:
            subprocess.run(launcher, stdout=out, stderr=err, check=True, env=installed_environment())
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

    def import_varstore(self, source: Path, name: str, *options: str, prefix: Sequence[str] = ()) -> Figure:
        """Time ``varstore create``, once a repository and run; before it, once for nothing if it is to be quoted."""
        if name not in self.imports:
            repository = self.path(name)
            command = [*prefix, *VARSTORE, "create", str(repository), str(source), *options]
            if self.process_runs > 1:
                shutil.rmtree(repository, ignore_errors=True)
                self.run(command)
            self.imports[name] = self.repeat(command, remove=repository)
        return self.imports[name]

    def import_whole(self, data: Dataset) -> Figure:
        return self.import_varstore(self.vcf(data), f"{data.name}.varstore", "--threads", "2")

    def repository(self, data: Dataset) -> Path:
        """Return the repository of the data, made by the code that is measured."""
        self.import_whole(data)
        return self.path(f"{data.name}.varstore")

    def import_plink2(self, data: Dataset, bcf: Path | None = None) -> Figure | str:
        """Time ``plink2 --make-pgen``, once a file and run, from the data's VCF or this BCF of it."""
        if not installed("plink2"):
            return NOT_INSTALLED
        name = f"{data.name}.bcf.pgen" if bcf else f"{data.name}.pgen"
        if name not in self.imports:
            source = bcf or self.vcf(data)
            read_through(source)
            command = ["plink2", "--bcf" if bcf else "--vcf", str(source), "--make-pgen", "--threads", "2"]
            self.imports[name] = self.repeat([*command, "--out", str(self.path(name).with_suffix(""))])
        return self.imports[name]

    def import_bcftools(self, data: Dataset) -> Figure | str:
        """Time ``bcftools view -Ob``, once a file and run."""
        if not installed("bcftools"):
            return NOT_INSTALLED
        path = self.path(f"{data.name}.bcf")
        if path.name not in self.imports:
            read_through(self.vcf(data))
            command = ["bcftools", "view", "--threads", "2", "-Ob", str(self.vcf(data)), "-o", str(path)]
            self.imports[path.name] = self.repeat(command)
        return self.imports[path.name]

    def import_bio2zarr(self, data: Dataset) -> Figure | str:
        """Time ``vcf2zarr convert``, the better of one process and two workers, who share the file by an index."""
        if not installed("bio2zarr"):
            return NOT_INSTALLED
        vcf, made = self.vcf(data), self.path(f"{data.name}.vcz")
        if made.name not in self.imports:
            if data != REAL and installed("bcftools"):
                self.run(["bcftools", "index", "-f", "-c", str(vcf)])
            part = self.path(f"part.{made.name}")
            runs = [self.run([*convert_command(str(vcf), workers), str(part)]) for workers in (0, 2)]
            self.imports[made.name] = min(runs)
            shutil.rmtree(made, ignore_errors=True)
            part.rename(made)
        return self.imports[made.name]

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
    ids = {name: repo.cohort(arguments[name]) for name in ("cohort", "a", "b") if name in arguments}
    arguments = {**arguments, **ids}
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


def read_through(path: Path) -> None:
    """Read a file, so that it is in memory when it is timed."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
