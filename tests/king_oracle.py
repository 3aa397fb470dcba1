"""KING-robust kinship of all pairs, by products of matrices: an oracle for many people.

Manichaikul et al. 2010, Bioinformatics 26:2867, equation 11, between families; sites at which both are called.
"""

from dataclasses import dataclass

import numpy as np


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
