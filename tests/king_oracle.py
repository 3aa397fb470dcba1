"""KING-robust kinship and its labels by numpy over copies of ALT: an oracle, and what it takes to judge labels.

Kinship: Manichaikul et al. 2010, Bioinformatics 26:2867, equation 11, between families; sites at which both are
called. Degrees: its Table 1. First-degree pairs are parent and offspring where sites at which they are homozygous for
different alleles are 6 % or less of those of an unrelated pair, as errors of calls make them; full siblings have a
quarter, 5 % more or less.
"""

from dataclasses import dataclass

import numpy as np

COLUMNS = (
    "sample_1 sample_2 n_sites ibs0 ibs1 ibs2 het_het kinship ibs_distance relationship"
).split()  # fmt: skip
LABELS = ("duplicate/twin", None, "second degree", "third degree", "unrelated")
CUTOFFS = (2**-1.5, 2**-2.5, 2**-3.5, 2**-4.5)


@dataclass(frozen=True)
class Matrices:
    """(people, people) of each; ``fewer_hets`` is of the one with fewer heterozygous calls."""

    n_sites: np.ndarray
    ibs0: np.ndarray
    ibs1: np.ndarray
    het_het: np.ndarray
    fewer_hets: np.ndarray

    @property
    def kinship(self):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.fewer_hets > 0, 0.5 - (4 * self.ibs0 + self.ibs1) / (4 * self.fewer_hets), np.nan)


def compare(codes):
    """Counts of all pairs. codes : (people, sites) copies of ALT, -1 missing"""
    ref, het, alt, called = (
        np.asarray(flags, np.float32) for flags in (codes == 0, codes == 1, codes == 2, codes >= 0)
    )

    def both(a, b):
        return np.rint(a @ b.T).astype(np.int64)

    hets = both(het, called)
    ibs0 = both(ref, alt) + both(alt, ref)
    het_het = both(het, het)
    return Matrices(both(called, called), ibs0, hets + hets.T - 2 * het_het, het_het, np.minimum(hets, hets.T))


def labels(kinship, ibs0, n_sites, frequency):
    """Relationship of pairs. frequency : (sites,) of ALT"""
    opposite = (2 * frequency**2 * (1 - frequency) ** 2).mean()
    out = np.empty(kinship.shape, object)
    for place in np.ndindex(kinship.shape):
        degree = sum(not kinship[place] > cutoff for cutoff in CUTOFFS)
        parent = ibs0[place] <= 0.06 * opposite * n_sites[place]
        out[place] = LABELS[degree] or ("parent-offspring" if parent else "full sibling")
    return out


def table(names, codes, threshold):
    """Columns as of ``repo.kinship``, of the pairs with a kinship of the threshold or more."""
    found = compare(codes)
    copies = np.where(codes < 0, 0, codes).sum(axis=0)
    frequency = copies / np.maximum(1, 2 * (codes >= 0).sum(axis=0))
    first, second = np.triu_indices(len(names), 1)
    kept = found.kinship[first, second] >= threshold
    first, second = first[kept], second[kept]
    n_sites, ibs0, ibs1, kinship = (
        matrix[first, second] for matrix in (found.n_sites, found.ibs0, found.ibs1, found.kinship)
    )
    names = np.array([*names, None], object)
    columns = [names[first], names[second], n_sites, ibs0, ibs1, n_sites - ibs0 - ibs1, found.het_het[first, second]]
    columns += [kinship, (ibs1 + 2 * ibs0) / (2 * n_sites), labels(kinship, ibs0, n_sites, frequency)]
    return dict(zip(COLUMNS, columns, strict=True))
