"""Figures, the rows they stand in, and what is promised of them."""

from dataclasses import dataclass
from typing import NamedTuple

from against.data import Dataset


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
    ("import", "plink2", "1kg-x66"): Target(3),
    ("import, all fields", "bio2zarr", "fields"): Target(10),
    ("import, all fields", "bcftools", "fields"): Target(2),
    ("import, GT of these", "plink2", "fields"): Target(3),
    ("import from BCF", "plink2", "sim10k"): Target(2.5),
    ("import from BCF", "plink2", "sim100k"): Target(4),
    ("import, 2 threads", "1 thread, 1 core", "sim10k"): Target(1.7),
    ("import, 2 threads", "1 thread, 1 core", "fields"): Target(1.7),
    ("import, peak memory", "bcftools", "five-fields"): Target(1e9, absolute=True),
    ("everything on disk", "bio2zarr", "fields"): Target(1),
    ("import, peak memory", "plink2", "sim100k"): Target(1.5e9, absolute=True),
    ("import, peak memory", "half the variants", "sim100k"): Target(1.1),
    ("allele counts, 30 % cohort", "plink2", "sim100k"): Target(5),
    ("allele counts, 30 % cohort, 100 kb", "plink2", "sim10k"): Target(0.003, absolute=True),
    ("allele counts, 30 % cohort, 100 kb", "plink2", "sim100k"): Target(0.003, absolute=True),
    ("allele counts, 26 cohorts", "26 runs of plink2", "sim10k"): Target(50),
    ("allele counts, 26 cohorts", "one cohort", "sim10k"): Target(0.5),
    ("allele counts, 26 cohorts, overlapping", "26 runs of plink2", "sim10k"): Target(50),
    ("allele counts, 26 cohorts, overlapping", "one cohort", "sim10k"): Target(0.5),
    ("one allele in a new 30 % cohort", "", "sim10k"): Target(0.002, absolute=True),
    ("Hudson's Fst, 3 groups", "plink2", "sim10k"): Target(4),
    ("Fisher's exact test, half and half", "plink1.9", "sim10k"): Target(10),
    ("Hardy-Weinberg of all sites", "plink2", "sim10k"): Target(3),
    ("kinship of all pairs, 0.0884 or more", "plink2", "sim10k"): Target(5),
    ("kinship of all pairs, 0.0884 or more", "plink2", "missing10k"): Target(3),
    ("LD pruning, all sites", "plink2", "sim10k"): Target(2),
    ("LD pruning, MAF of 1 % and more", "plink2", "sim10k"): Target(2),
    ("5 principal axes, MAF of 1 % and more", "plink2 approx", "sim10k"): Target(3),
    ("5 principal axes, all sites", "plink2 approx", "sim10k"): Target(20),
    ("call_genotype on disk", "bio2zarr", "sim10k"): Target(0.42),
    ("call_genotype on disk", "plink2", "sim10k"): Target(0.30),
    ("call_genotype on disk", "plink2", "sim100k"): Target(0.30),
    ("call_genotype on disk", "bio2zarr", "1kg"): Target(0.75),
    ("call_genotype on disk", "plink2", "1kg"): Target(0.58),
    ("add 1,000 people to 10,000", "to 1,000", "sim10k"): Target(1 / 1.2),
    ("add 1,000 people to 50,000", "to 1,000", "sim10k"): Target(1 / 1.2),
    ("allele counts, 30 % cohort, 32 batches", "one batch", "sim10k"): Target(0.25),
    ("the same, 32 batches compacted", "one batch", "sim10k"): Target(1 / 1.1),
    ("one allele in 100 batches", "", "ten-million"): Target(0.005, absolute=True),
    ("10 kb in 100 batches", "", "ten-million"): Target(0.005, absolute=True),
    ("one genome, table of its variants", "bcftools annotate", "genome"): Target(8),
    ("one genome, table of its variants", "vcfanno", "genome"): Target(10),
    ("its alleles looked up from arrays, one core", "", "genome"): Target(0.9, absolute=True),
    ("its alleles looked up from tuples, one core", "", "genome"): Target(4.5, absolute=True),
    ("two adds and export to BCF", "bcftools merge", "merge"): Target(3),
    ("cold start, count REPO", "plink2", "1kg"): Target(0.7, absolute=True),
    ("cold start, count REPO -S FILE", "plink2", "1kg"): Target(0.7, absolute=True),
    ("one against 100,000 by a sketch", "", "sketch"): Target(0.05, absolute=True),
    ("one against 100,000 by a sketch, 2 % missing", "", "sketch"): Target(0.05, absolute=True),
}
