"""Principal axes."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from against.answers import Columns, StepError, read_table
from against.bench import Bench, in_child, peak_memory
from against.data import Dataset
from against.figures import Figure, Row

AXES = 5
APART = 0.1  # of an eigenvalue, by which it stands out from those before and after it
ALIKE = 0.999


def pca_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Find axes at sites of a minor allele frequency of 1 % and more."""
    yield from rows(bench, data, f"{AXES} principal axes, MAF of 1 % and more", 0.01)


def pca_all_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Find axes at all sites of two alleles."""
    yield from rows(bench, data, f"{AXES} principal axes, all sites", 0.0)


def rows(bench: Bench, data: Dataset, task: str, min_maf: float) -> Iterator[Row]:
    arguments = {"axes": AXES, "min_maf": min_maf, "min_call_rate": 0.0, "prune": None}
    ours, columns = in_child(time_axes, bench.repository(data), arguments, min(3, bench.warm_runs))
    limits = ["--max-alleles", "2", "--maf", str(min_maf or 1e-9)]
    theirs = bench.query_plink2(data, *limits, "--pca", str(AXES), "approx")
    answers = "" if isinstance(theirs, str) else check_axes(bench, data, columns)
    yield Row(task, data, ours, "plink2 approx", theirs, answers)


def time_axes(repository: Path, arguments: dict[str, Any], runs: int) -> tuple[Figure, Columns]:
    """Open a repository, find its axes once for nothing and then ``runs`` times."""
    import warnings

    import varstore

    warnings.simplefilter("ignore")  # one chromosome is no ancestry, and is not meant to be
    repo = varstore.open(repository)
    seconds = []
    for _ in range(1 + runs):
        start = time.perf_counter()
        found = repo.pca(**arguments)
        seconds.append(time.perf_counter() - start)
    columns = {"coordinates": found.coordinates, "eigenvalue": found.eigenvalue}
    return Figure(median(seconds[1:]), "s", "warm", peak_memory()), columns


def check_axes(bench: Bench, data: Dataset, columns: Columns) -> str:
    """Raise StepError unless axes whose eigenvalues stand out are plink2's."""
    table = read_table(bench.path(f"{data.name}.answer.eigenvec"))
    theirs = np.array([table[f"PC{i + 1}"] for i in range(AXES)], dtype=float).T
    ours, value = columns["coordinates"], columns["eigenvalue"]
    below = 1 - value[1:] / value[:-1] > APART
    stand_out = np.flatnonzero(below & np.append(True, below[:-1]))
    alike = np.abs((theirs * ours).sum(axis=0)) / np.linalg.norm(theirs, axis=0) / np.linalg.norm(ours, axis=0)
    for axis in stand_out.tolist():
        if alike[axis] < ALIKE:
            raise StepError(f"axis {axis + 1}: its correlation with the peer's is {alike[axis]}")
    return f"{len(stand_out)} axes that stand out, r > {ALIKE}"
