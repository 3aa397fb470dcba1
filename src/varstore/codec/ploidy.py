"""How many alleles the calls of a genotype block have, counted without decoding rows that have the block's ploidy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import blocks as _blocks
from ..kernels.ploidy import tally_rows
from ..kernels.rows import FILL, FORM_MASK, HALF, MISSING
from . import layout as _layout
from .layout import BlockSets, Scratch

# Codes decoded at a time.
_SLICE_CODES = 1 << 22


def tally_block(part: BlockSets, classes: NDArray[np.uint8], tally: NDArray[np.int64]) -> None:
    """Count calls by sample, class and number of alleles. Raises CorruptChunkError.

    classes : (rows,) uint8, of the rows that there are    tally : (samples, classes, ploidies) int64, added to
    """
    if part.num_samples == 0 or part.ploidy == 0:
        return
    num_rows = len(classes)
    odd = ((part.form[[MISSING, HALF, FILL], :num_rows] & FORM_MASK) != 0).any(axis=0)
    plain = np.bincount(classes[~odd], minlength=tally.shape[1])
    tally[: part.num_samples, :, part.ploidy] += plain
    step = max(1, _SLICE_CODES // (part.num_samples * part.ploidy))
    scratch = Scratch()
    for begin in range(0, num_rows, step):
        end = min(begin + step, num_rows)
        if odd[begin:end].any():
            codes = _holes(part, begin, end, scratch)
            tally_rows(codes, odd[begin:end], np.ascontiguousarray(classes[begin:end]), tally[: part.num_samples])


def _holes(part: BlockSets, begin: int, end: int, scratch: Scratch) -> NDArray[np.int8]:
    """Rows decoded but for their alleles: 0 stands for any."""
    out = np.zeros((end - begin, part.num_samples, part.ploidy), np.int8)
    for which in (MISSING, HALF, FILL):
        if which in part.sets:
            streams = part.sets[which]
            status = _blocks.expand_set(
                which, streams.form, streams.length, streams.at, streams.lists,
                streams.dense_planes((begin, end), scratch), part.values, part.num_samples, part.ploidy, begin, end,
                scratch.indexes, out,
            )  # fmt: skip
            _layout.check(status)
    return out
