"""Counts of cohorts in inner blocks: masks in, integer partials out that add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptChunkError
from ..kernels.blocks import OK
from ..kernels.count import MASK_WORDS, count_block
from .layout import BlockSets


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
    def zeros(cls, cohorts: int, num_alts: NDArray[np.int64]) -> BlockCounts:
        """Nothing counted yet, for records with these numbers of ALT alleles."""
        num_alts = np.ascontiguousarray(num_alts, np.int64)
        alt_start = np.concatenate(([0], np.cumsum(num_alts)))
        by_allele, by_record = (cohorts, int(alt_start[-1])), (cohorts, len(num_alts))
        a, r = (lambda: np.zeros(by_allele, np.int64)), (lambda: np.zeros(by_record, np.int64))
        return cls(num_alts, alt_start, a(), r(), r(), a(), a(), r())

    def add(self, other: BlockCounts) -> None:
        """Add the counts of other samples at the same records."""
        self.allele_count[...] += other.allele_count
        self.allele_number[...] += other.allele_number
        self.n_hom_ref[...] += other.n_hom_ref
        self.n_het[...] += other.n_het
        self.n_hom_alt[...] += other.n_hom_alt
        self.n_missing[...] += other.n_missing


def pack_mask(members: NDArray[np.bool_], ploidy: int) -> NDArray[np.uint64]:
    """(cohorts, samples) bool as (cohorts, 1024) words over the haplotypes of an inner block."""
    bits = members if ploidy == 1 else np.repeat(members, ploidy, axis=1)
    packed = np.packbits(bits, axis=1, bitorder="little")
    out = np.zeros((len(members), MASK_WORDS * 8), np.uint8)
    out[:, : packed.shape[1]] = packed
    return out.view(np.uint64)


def count_rows(
    block: BlockSets, rows: tuple[int, int], members: NDArray[np.bool_], counts: BlockCounts, *, genotypes: bool
) -> None:
    """Add the members of each cohort to ``counts``, which covers the rows ``rows[0]`` to ``rows[1]``.

    members : (cohorts, samples of the block) bool
    genotypes : count genotypes too, not alleles alone

    Raises CorruptChunkError.
    """
    status = count_block(
        block.form, block.reference, block.length, block.low, block.high, block.list_start, block.planes,
        block.plane_start, block.values, block.num_samples, block.ploidy, rows[0], rows[1], counts.num_alts,
        counts.alt_start, pack_mask(members, 1), pack_mask(members, block.ploidy), genotypes,
        counts.allele_count, counts.allele_number, counts.n_hom_ref, counts.n_het, counts.n_hom_alt,
        counts.n_missing,
    )  # fmt: skip
    if status != OK:
        raise CorruptChunkError(f"genotype block: impossible contents (status {status})")
