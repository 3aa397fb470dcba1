"""Counting cohorts in inner blocks: masks in, counts out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptChunkError
from ..kernels.blocks import OK
from ..kernels.count import MASK_WORDS, count_block
from .counts import BlockCounts
from .layout import BlockSets


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
