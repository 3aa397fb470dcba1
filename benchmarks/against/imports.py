"""Imports: how long they take, and how much memory."""

from collections.abc import Iterator

from against.answers import check_equal, read_genotypes
from against.bench import NOT_INSTALLED, Bench, convert_command, in_child, installed
from against.data import REAL, Dataset
from against.figures import Figure, Row


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
