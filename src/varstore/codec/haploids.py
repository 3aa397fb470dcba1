"""Counting haploid calls of cohorts in inner blocks."""

from __future__ import annotations

import numpy as np

from ..kernels import haploids as _haploids
from ..kernels.rows import EMPTY, FILL, FORM_MASK, HALF, OTHER
from .counting import Masks, awkward_planes, count_rows, dense_planes
from .counts import BlockCounts
from .genotype import expand_rows
from .layout import BlockSets, Scratch


def count_haploids(
    block: BlockSets, rows: tuple[int, int], masks: Masks, counts: BlockCounts, *, genotypes: bool = False,
    scratch: Scratch | None = None,
) -> None:  # fmt: skip
    """Add calls of exactly one allele to ``counts``: their alleles by allele, and how many they are.

    Arguments as of ``count_rows``; only ``allele_count`` and ``allele_number`` are written, whatever ``genotypes``.

    Raises CorruptChunkError.
    """
    if block.ploidy == 1:
        count_rows(block, rows, masks, counts, genotypes=False, scratch=scratch)
    elif block.ploidy > 2:
        _of_calls(block, rows, masks, counts)
    elif FILL in block.sets and (block.form[FILL, rows[0] : rows[1]] & FORM_MASK != EMPTY).any():
        # Every code is checked before it indexes the alleles.
        checked = BlockCounts.zeros(len(masks.members), counts.num_alts)
        scratch = Scratch() if scratch is None else scratch
        count_rows(block, rows, masks, checked, genotypes=False, scratch=scratch)
        dense = dense_planes(block, rows, scratch)
        planes, other = awkward_planes(block, rows, _awkward(block, rows), dense, scratch)
        _haploids.count_haploids(
            block.form, block.values, rows[0], rows[1], planes, other, counts.alt_start, masks.haplotypes(2),
            counts.allele_count, counts.allele_number,
        )  # fmt: skip


def _awkward(block: BlockSets, rows: tuple[int, int]) -> int:
    """How many rows have half calls, holes or further alleles."""
    first, end = rows
    odd = (block.form[HALF, first:end] | block.form[FILL, first:end] | block.form[OTHER, first:end]) & FORM_MASK
    return int(np.count_nonzero(odd != EMPTY))


def _of_calls(block: BlockSets, rows: tuple[int, int], masks: Masks, counts: BlockCounts) -> None:
    """Haploid calls of rows of higher ploidy, from their codes, some rows at a time."""
    checked = BlockCounts.zeros(len(masks.members), counts.num_alts)
    count_rows(block, rows, masks, checked, genotypes=False)
    step = max(1, (1 << 24) // (block.num_samples * block.ploidy))
    for begin in range(rows[0], rows[1], step):
        end = min(begin + step, rows[1])
        codes = np.empty((end - begin, block.num_samples, block.ploidy), np.int16)
        expand_rows(block, begin, end, codes)
        part = slice(begin - rows[0], end - rows[0])
        _haploids.count_haploid_calls(
            codes, masks.samples, counts.alt_start[part], counts.allele_count, counts.allele_number[:, part]
        )
