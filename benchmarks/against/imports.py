"""Imports: how long they take, and how much memory."""

import os
from collections.abc import Iterator
from pathlib import Path

from against.answers import Columns, StepError, check_equal, read_genotypes, read_plink_counts
from against.bench import NOT_INSTALLED, Bench, in_child, installed, time_query
from against.data import Dataset
from against.figures import Figure, Row

COUNTS = ["allele_count", "allele_number"]


def import_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    yield Row("import", data, bench.import_whole(data), "plink2", bench.import_plink2(data))


def import_bio2zarr_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    ours, theirs = bench.import_whole(data), bench.import_bio2zarr(data)
    answers = ""
    if not isinstance(theirs, str):
        answers = check_equal(*in_child(read_genotypes, bench.repository(data), bench.path(f"{data.name}.vcz")))
    yield Row("import", data, ours, "bio2zarr", theirs, answers)


def import_repeated_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Take in long text with all its INFO, of which plink2 keeps less."""
    ours, theirs = bench.import_whole(data), bench.import_plink2(data)
    answers = check_import(bench, bench.repository(data), bench.path(data.name))
    yield Row("import", data, ours, "plink2", theirs, answers)


def import_bcf_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    bcf = bench.peer_file(data, "bcftools")
    if bcf is None:
        raise StepError("bcftools, which makes the BCF, is not installed")
    repository = bench.path(f"{data.name}.bcf.varstore")
    ours = bench.import_varstore(bcf, repository.name, "--threads", "2")
    theirs = bench.import_plink2(data, bcf)
    answers = check_import(bench, repository, bench.path(f"{data.name}.bcf"))
    yield Row("import from BCF", data, ours, "plink2", theirs, answers)


def check_import(bench: Bench, repository: Path, pgen: Path) -> str:
    """Compare the counts of everybody with plink2's of the file it made (PGEN.pgen), if it is installed."""
    if not installed("plink2"):
        return ""
    answer = f"{pgen}.answer"
    bench.run(["plink2", "--pfile", str(pgen), "--threads", "2", "--freq", "counts", "--out", answer])
    return check_equal(count_everybody(repository), read_plink_counts(Path(f"{answer}.acount")))


def count_everybody(repository: Path) -> Columns:
    """Return the counts of every allele, from the blocks."""
    return in_child(time_query, repository, "count_alleles", COUNTS, {}, 1)[1]


def two_cores_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Compare two threads with one that is bound to one core."""
    ours, task, peer = bench.import_whole(data), "import, 2 threads", "1 thread, 1 core"
    if not installed("taskset"):
        yield Row(task, data, ours, peer, "taskset is not installed")
        return
    one = bench.path(f"{data.name}.one-core.varstore")
    prefix = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    theirs = bench.import_varstore(bench.vcf(data), one.name, "--threads", "1", prefix=prefix)
    answers = check_equal(count_everybody(bench.repository(data)), count_everybody(one))
    yield Row(task, data, ours, peer, theirs, answers)


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
