"""Statistics of sites."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from against.answers import Columns, StepError, read_table
from against.bench import VARSTORE, Bench
from against.data import Dataset
from against.figures import Figure, Row

DIGITS = 6e-6  # of a number that is printed with six of them


def hardy_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Test every site for Hardy-Weinberg proportions: warm, and as a process that prints all statistics."""
    theirs = bench.query_plink2(data, "--hardy")
    ours, columns = bench.query_varstore(data, "variant_stats", ["hwe_p_value", "position", "ref"])
    answers = check_hardy(bench, data, columns, theirs)
    yield Row("Hardy-Weinberg of all sites", data, ours, "plink2", theirs, answers)
    output = bench.path(f"{data.name}.answer.stats.tsv")
    command = [*VARSTORE, "stats", str(bench.repository(data)), "-o", str(output)]
    bench.run(command)
    process = bench.repeat(command)
    yield Row("Hardy-Weinberg of all sites, whole command", data, process, "plink2", theirs)


def check_hardy(bench: Bench, data: Dataset, columns: Columns, theirs: Figure | str) -> str:
    """Raise StepError unless the p values are plink2's, to the digits that it prints."""
    if isinstance(theirs, str):
        return ""
    printed = read_plink_hardy(bench.path(f"{data.name}.answer.hardy"), num_alts_of(columns))
    ours = columns["hwe_p_value"]
    if ours.shape != printed.shape:
        raise StepError(f"hwe_p_value: {len(ours)} rows, the peer has {len(printed)}")
    differ = np.flatnonzero(~(np.abs(ours - printed) <= DIGITS * printed))
    if differ.size:
        row = differ[0]
        raise StepError(
            f"hwe_p_value: {differ.size} of {len(ours)} rows differ from the peer's; "
            f"row {row} has {ours[row]}, the peer {printed[row]}"
        )
    return "equal"


def num_alts_of(columns: Columns) -> list[int]:
    """ALT alleles of each record: rows that follow one another with the same POS and REF."""
    new = np.ones(len(columns["position"]), bool)
    new[1:] = (columns["position"][1:] != columns["position"][:-1]) | (columns["ref"][1:] != columns["ref"][:-1])
    return np.diff(np.append(np.flatnonzero(new), len(new))).tolist()


def read_plink_hardy(path: Path, num_alts: list[int]) -> np.ndarray:
    """Read a .hardy file, one row an ALT: of a site with one ALT it has one row, of others one an allele, REF first."""
    values = np.array(read_table(path)["P"], dtype=float)
    sizes = [num if num == 1 else num + 1 for num in num_alts]
    if sum(sizes) != len(values):
        raise StepError(f"{path}: {len(values)} rows, expected {sum(sizes)}")
    keep = np.ones(len(values), bool)
    starts = np.cumsum([0, *sizes[:-1]])
    keep[starts[np.array(num_alts) > 1]] = False
    return values[keep]
