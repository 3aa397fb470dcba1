"""Statistics of people: each carrier of a row adds to an accumulator row of their own.

Calls that are all reference are in no set and cost nothing; where a row is flipped, everybody is taken for homozygous
first (``base``), and those who are not take it back.
"""

from typing import Any

import numpy as np

from .blocks import set_indexes
from .count import is_awkward
from .jit import kernel
from .planes import BAD_VALUE, OK
from .rows import ALT, EMPTY, FLIPPED, FORM_MASK, PLANE

# Columns of an accumulator: calls by their class; ALT alleles of called calls, each once a call; copies of alleles that
# nobody else has; heterozygous calls, and calls that are not of two alleles, at sites that expect heterozygotes.
HET, HOM_ALT, NOT_CALLED, TRANSITIONS, TRANSVERSIONS, SINGLETONS, HET_EXPECTING, NOT_DIPLOID = range(8)
NUM_FIELDS = 8
# Kinds of ALT alleles.
NO_SNV, TRANSITION, TRANSVERSION = 0, 1, 2


@kernel
def _add_alleles(kind: int, single: bool, times: int, to: Any) -> None:
    """Add what carrying an ALT allele means to an accumulator."""
    to[TRANSITIONS] += times * (kind == TRANSITION)
    to[TRANSVERSIONS] += times * (kind == TRANSVERSION)
    to[SINGLETONS] += times * single


@kernel
def add_carriers(
    all_forms: Any, form: Any, length: Any, at: Any, lists: Any, dense_planes: Any, bits: int, ploidy: int,
    first_row: int, wanted: Any, alt_start: Any, kind: Any, single: Any, expected: Any, indexes: Any, tally: Any,
    base: Any,
) -> int:  # fmt: skip
    """Add the members of ALT of the rows that are not awkward; return a status.

    all_forms : (5, rows) uint8; form, length, at, lists : of ALT    dense_planes : from ``planes.materialise``
    ploidy : 1 or 2    wanted : (asked rows,) bool, from ``first_row`` on
    alt_start : (asked rows + 1,) int64 into ``kind`` (alleles,) uint8 and ``single`` (alleles,) bool
    expected : (asked rows,) float64, expected heterozygosity; 0: a site that does not count for it
    indexes : uint16 scratch with room for ``bits``
    tally : (samples, 8) int64, added to    base : (8,) int64, added to: what everybody has besides
    """
    dense = 0
    for row in range(first_row + wanted.size):
        this = form[row] & FORM_MASK
        out = row - first_row
        if out < 0 or not wanted[out] or is_awkward(all_forms, row):
            dense += this >= PLANE
            continue
        if form[row] == EMPTY:
            continue
        if alt_start[out] == alt_start[out + 1]:
            return BAD_VALUE
        num = 0
        if this != EMPTY:
            num = set_indexes(form, length, at, lists, dense_planes, bits, row, dense, indexes)
            if num < 0:
                return -num
        dense += this >= PLANE
        first = alt_start[out]
        expects = expected[out] > 0
        flipped = form[row] & FLIPPED != 0
        if flipped:
            base[HOM_ALT] += 1
            _add_alleles(kind[first], single[first], 1, base)
        i = 0
        while i < num:
            index = np.int64(indexes[i])
            sample = index // ploidy
            to = tally[sample]
            both = ploidy == 1 or (i + 1 < num and np.int64(indexes[i + 1]) // ploidy == sample)
            i += 2 if both and ploidy == 2 else 1
            if flipped:
                to[HOM_ALT] -= 1
            if not both:
                to[HET] += 1
                to[HET_EXPECTING] += expects
            elif not flipped:
                to[HOM_ALT] += 1
            if flipped == both:
                _add_alleles(kind[first], single[first], -1 if flipped else 1, to)
            elif not flipped:
                _add_alleles(kind[first], single[first], 1, to)
    return OK


@kernel
def add_missing(
    all_forms: Any, form: Any, length: Any, at: Any, lists: Any, dense_planes: Any, samples: int, first_row: int,
    wanted: Any, alt_start: Any, kind: Any, single: Any, expected: Any, indexes: Any, tally: Any, lost: Any,
) -> int:  # fmt: skip
    """Add the members of MISSING of the rows that are not awkward; return a status.

    form, length, at, lists : of MISSING    lost : (samples,) float64, expected heterozygosity of sites without a call
    Other arguments as of ``add_carriers``.
    """
    dense = 0
    for row in range(first_row + wanted.size):
        this = form[row] & FORM_MASK
        out = row - first_row
        if this != EMPTY and out >= 0 and wanted[out] and not is_awkward(all_forms, row):
            num = set_indexes(form, length, at, lists, dense_planes, samples, row, dense, indexes)
            if num < 0:
                return -num
            flipped = all_forms[ALT, row] & FLIPPED != 0
            if flipped and alt_start[out] == alt_start[out + 1]:
                return BAD_VALUE
            for i in range(num):
                to = tally[np.int64(indexes[i])]
                to[NOT_CALLED] += 1
                if flipped:
                    to[HOM_ALT] -= 1
                    _add_alleles(kind[alt_start[out]], single[alt_start[out]], -1, to)
                if expected[out] > 0:
                    to[NOT_DIPLOID] += 1
                    lost[np.int64(indexes[i])] += expected[out]
        dense += this >= PLANE
    return OK


@kernel
def add_calls(
    codes: Any, alt_start: Any, kind: Any, single: Any, expected: Any, tally: Any, lost: Any
) -> int:  # fmt: skip
    """Add decoded calls of any ploidy; return a status.

    codes : (rows, samples, ploidy) int16
    Other arguments as of ``add_carriers`` and ``add_missing``, by row of ``codes``.
    """
    for row in range(codes.shape[0]):
        first = alt_start[row]
        num_alts = alt_start[row + 1] - first
        for sample in range(codes.shape[1]):
            call, to = codes[row, sample], tally[sample]
            num, missing, only, differ = 0, False, np.int64(-1), False
            for h in range(call.size):
                code = np.int64(call[h])
                if code > num_alts:
                    return BAD_VALUE
                if code == -2:
                    continue
                num += 1
                missing = missing or code < 0
                differ = differ or (num > 1 and code != only)
                only = code
                if code > 0:
                    to[SINGLETONS] += single[first + code - 1]
            called = num > 0 and not missing
            if not called:
                to[NOT_CALLED] += 1
            elif differ:
                to[HET] += 1
            elif only > 0:
                to[HOM_ALT] += 1
            for h in range(call.size if called else 0):
                code = np.int64(call[h])
                seen = code <= 0
                for g in range(h):
                    seen = seen or call[g] == code
                if not seen:
                    _add_alleles(kind[first + code - 1], False, 1, to)
            if expected[row] > 0:
                if called and num == 2:
                    to[HET_EXPECTING] += differ
                else:
                    to[NOT_DIPLOID] += 1
                    lost[sample] += expected[row]
    return OK
