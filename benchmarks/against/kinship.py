"""Kinship of all pairs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from against.answers import Columns, StepError, read_samples
from against.bench import VARSTORE, Bench
from against.data import Dataset
from against.figures import Figure, Row

THRESHOLD = 0.0884
# plink2 2.00a3.5 counts a site or two too many for a few pairs where calls are missing;
# decoded calls say what ours say.
NSNP_DIFFERS = 0.001
DIGITS = 6e-6  # of a number that is printed with six of them
COUNTS = ("n_sites", "ibs0", "het_het")


def kinship_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """All pairs with a kinship of second degree: warm, with what they have in common, and as a process.

    Sites of one ALT allele, of one chromosome: numbers without labels.
    """
    options = ["--max-alleles", "2", "--mac", "1", "--make-king-table", "counts"]
    columns = "cols=id,nsnp,hethet,ibs0,kinship"
    theirs = bench.query_plink2(data, *options, columns, "--king-table-filter", str(THRESHOLD))
    names = ["sample_1", "sample_2", *COUNTS, "kinship"]
    ours, found = bench.query_varstore(data, "kinship", names, threshold=THRESHOLD, force=True)
    answers = check_kinship(bench, data, found, theirs)
    what = f"kinship of all pairs, {THRESHOLD} or more"
    yield Row(what, data, ours, "plink2", theirs, answers)
    command = [*VARSTORE, "kinship", str(bench.repository(data)), "--threshold", "0.49", "--force"]
    bench.run(command)
    options += [columns, "--king-table-filter", "0.49"]
    process = bench.repeat(command, bench.path(f"{data.name}.kinship.tsv"))
    yield Row("duplicates among all pairs, whole command", data, process, "plink2", bench.query_plink2(data, *options))


def check_kinship(bench: Bench, data: Dataset, found: Columns, theirs: Figure | str) -> str:
    """Raise StepError unless pairs and counts are plink2's, and kinship to the digits that it prints."""
    if isinstance(theirs, str):
        return ""
    place = {name: number for number, name in enumerate(read_samples(bench.vcf(data)))}
    pairs, printed = read_king_table(bench.path(f"{data.name}.answer.kin0"), place)
    ours = np.array([[place[name] for name in found[side].tolist()] for side in ("sample_1", "sample_2")])
    if pairs.shape != ours.shape or (pairs != ours).any():
        raise StepError(f"{ours.shape[1]} pairs, the peer has {pairs.shape[1]}, or others")
    for number, name in enumerate(COUNTS):
        apart = np.abs(found[name] - printed[number])
        differ = np.count_nonzero(apart)
        if name == "n_sites" and apart.max(initial=0) <= 3 and differ <= NSNP_DIFFERS * len(apart):
            continue
        if differ:
            raise StepError(f"{name}: {differ} of {len(apart)} pairs differ from the peer's")
    differ = np.flatnonzero(~(np.abs(found["kinship"] - printed[-1]) <= DIGITS))
    if differ.size:
        raise StepError(f"kinship: {differ.size} pairs differ from the peer's")
    return "equal"


def read_king_table(path: Path, place: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Read a .kin0 file: places of the pairs, the lower first, and counts and kinship, by pair."""
    with path.open() as file:
        header = file.readline().split()
        columns = [header.index(name) for name in ("NSNP", "IBS0", "HETHET", "KINSHIP")]
        rows = [line.split() for line in file]
    pairs = np.sort([[place[row[0]] for row in rows], [place[row[1]] for row in rows]], axis=0)
    printed = np.array([[float(row[column]) for row in rows] for column in columns])
    order = np.lexsort(pairs[::-1])
    return pairs[:, order], printed[:, order]
