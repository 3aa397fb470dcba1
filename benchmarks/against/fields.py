"""FORMAT fields beside the genotypes: imports, their memory, and what they take on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from against.answers import Columns, check_equal
from against.bench import NOT_INSTALLED, Bench, in_child
from against.data import Dataset
from against.figures import Figure, Row
from against.imports import check_import


def import_fields_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Take in every field: counts are compared with plink2's, the fields with bio2zarr's."""
    task, ours = "import, all fields", bench.import_whole(data)
    bench.import_plink2(data)
    answers = check_import(bench, bench.repository(data), bench.path(data.name))
    yield Row(task, data, ours, "bcftools", bench.import_bcftools(data), answers)
    theirs = bench.import_bio2zarr(data)
    answers = ""
    if not isinstance(theirs, str):
        names = ["call_GQ", "call_DP", "call_AD"]
        vcz = bench.path(f"{data.name}.vcz")
        answers = check_equal(*in_child(read_fields, bench.repository(data), vcz, names))
    yield Row(task, data, ours, "bio2zarr", theirs, answers)


def read_fields(repository: Path, vcz: Path, names: list[str]) -> tuple[Columns, Columns]:
    """Return these fields at the biallelic of the first thousand sites, varstore's and bio2zarr's.

    The arrays are as wide as each needs for its records of most alleles: no wider are they compared.
    """
    import zarr

    batch: Any = zarr.open(next(repository.glob("batches/*")), mode="r")
    theirs: Any = zarr.open(vcz, mode="r")
    chosen = np.flatnonzero((theirs["variant_allele"][:1000] != "").sum(axis=1) == 2)
    both: list[Columns] = [{}, {}]
    for name in names:
        width = min(store[name].shape[2:] for store in (batch, theirs))
        for columns, store in zip(both, (batch, theirs), strict=True):
            columns[name] = store[name][:1000][(chosen, slice(None), *map(slice, width))]
    return both[0], both[1]


def import_gt_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Take GT alone from text with other fields, as plink2 does."""
    name = f"{data.name}.gt.varstore"
    ours = bench.import_varstore(bench.vcf(data), name, "--threads", "2", "--fields", "GT")
    theirs = bench.import_plink2(data)
    answers = check_import(bench, bench.path(name), bench.path(data.name))
    yield Row("import, GT of these", data, ours, "plink2", theirs, answers)


def memory_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    ours, theirs = bench.import_whole(data), bench.import_bcftools(data)
    ours = Figure(ours.memory or 0, "B", "process")
    if not isinstance(theirs, str):
        theirs = Figure(theirs.memory or 0, "B", "process")
    yield Row("import, peak memory", data, ours, "bcftools", theirs)


def size_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Compare whole stores, metadata included; what varstore derives from a batch is not in it."""
    (batch,) = bench.repository(data).glob("batches/*")
    path = bench.peer_file(data, "bio2zarr")
    theirs = NOT_INSTALLED if path is None else Figure(store_bytes(path), "B", "on disk")
    yield Row("everything on disk", data, Figure(store_bytes(batch), "B", "on disk"), "bio2zarr", theirs)


def store_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
