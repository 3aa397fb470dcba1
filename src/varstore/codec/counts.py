"""Counts of cohorts at some records: integer partials that add up. No numba: stored totals need none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BlockCounts:
    """Counts of cohorts over some records; partials over samples add up.

    alt_start : (records + 1,) int64, each record's first ALT allele in the axis ``alleles``
    allele_count, n_het, n_hom_alt : (cohorts, alleles) int64
    allele_number, n_hom_ref, n_missing : (cohorts, records) int64
    """

    num_alts: NDArray[np.int64]
    alt_start: NDArray[np.int64]
    allele_count: NDArray[np.int64]
    allele_number: NDArray[np.int64]
    n_hom_ref: NDArray[np.int64]
    n_het: NDArray[np.int64]
    n_hom_alt: NDArray[np.int64]
    n_missing: NDArray[np.int64]

    @classmethod
    def zeros(cls, cohorts: int, num_alts: NDArray[np.int64], *, genotypes: bool = True) -> BlockCounts:
        """Nothing counted yet, for records with these numbers of ALT alleles.

        genotypes : without, those counts stay 0, are read-only and take no memory
        """
        num_alts = np.array(num_alts, np.int64)  # writable: numba compiles read-only arrays apart
        alt_start = np.concatenate(([0], np.cumsum(num_alts)))
        by_allele, by_record = (cohorts, int(alt_start[-1])), (cohorts, len(num_alts))
        shapes = (by_allele, by_record, by_record, by_allele, by_allele, by_record)
        arrays = [np.zeros(shape, np.int64) for shape in (shapes if genotypes else shapes[:2])]
        arrays += [np.broadcast_to(np.int64(0), shape) for shape in shapes[len(arrays) :]]
        return cls(num_alts, alt_start, *arrays)

    def add(self, other: BlockCounts) -> None:
        """Add the counts of other samples at the same records."""
        self.allele_count[...] += other.allele_count
        self.allele_number[...] += other.allele_number
        if not self.n_missing.flags.writeable:
            return
        self.n_hom_ref[...] += other.n_hom_ref
        self.n_het[...] += other.n_het
        self.n_hom_alt[...] += other.n_hom_alt
        self.n_missing[...] += other.n_missing
