"""Statistics of people: each carrier of a row adds to an accumulator row of their own.

Calls that are all reference are in no set and cost nothing; where a row is flipped, everybody is taken for homozygous
first (``base``), and those who are not take it back.
"""

from typing import Any

import numpy as np

from .awkward import is_awkward
from .blocks import set_indexes
from .intrinsics import bit_length
from .jit import kernel
from .planes import BAD_VALUE, EVEN_BITS, OK
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
def in_planes(ploidy: int, single: bool) -> bool:
    """Whether a dense row is added by ``add_planes``, many people at a time."""
    return ploidy == 2 and not single


@kernel
def add_planes(
    all_forms: Any, form: Any, dense_row: Any, dense_planes: Any, first_row: int, wanted: Any, alt_start: Any,
    kind: Any, single: Any, expected: Any, counters: Any, tally: Any, base: Any,
) -> int:  # fmt: skip
    """Add the dense rows of ALT of diploid calls that are not awkward; return a status.

    Rows of one kind are added up as planes: a word of ``counters`` has a bit of the heterozygous and one of the
    homozygous members of 32 people, and each further one the next binary digit.

    form, dense_row : of ALT    counters : (9, words) uint64 scratch; other arguments as of ``add_carriers``
    """
    for group in range(12):
        flipped, expects, this_kind = group & 1 != 0, group & 2 != 0, group >> 2
        num = 0
        for dense in range(dense_row.size):
            out = np.int64(dense_row[dense]) - first_row
            if out < 0 or out >= wanted.size or not wanted[out] or is_awkward(all_forms, out + first_row):
                continue
            first = alt_start[out]
            if first == alt_start[out + 1]:
                return BAD_VALUE
            if kind[first] != this_kind or not in_planes(2, single[first]):
                continue
            if (form[out + first_row] & FLIPPED != 0) != flipped or (expected[out] > 0) != expects:
                continue
            if num == 0:
                counters[:] = np.uint64(0)
            num += 1
            _add_plane(dense_planes[dense], counters, bit_length(num))
            if num == 255:
                _flush(counters, num, flipped, expects, this_kind, tally, base)
                num = 0
        if num > 0:
            _flush(counters, num, flipped, expects, this_kind, tally, base)
    return OK


@kernel
def _add_plane(plane: Any, counters: Any, digits: int) -> None:
    """Add a plane to the counters, of which so many digits are in use."""
    carry = counters[8]
    for w in range(plane.size):
        word, other = plane[w], plane[w] >> np.uint64(1)
        carry[w] = ((word ^ other) & EVEN_BITS) | ((word & other & EVEN_BITS) << np.uint64(1))
    for digit in range(digits):
        sums = counters[digit]
        for w in range(plane.size):
            old = sums[w]
            sums[w] = old ^ carry[w]
            carry[w] &= old


@kernel
def _flush(counters: Any, num: int, flipped: bool, expects: bool, kind: int, tally: Any, base: Any) -> None:
    """Add what was counted in ``num`` rows of one kind to the accumulators."""
    if flipped:
        base[HOM_ALT] += num
        _add_alleles(kind, False, num, base)
    for sample in range(tally.shape[0]):
        word, shift = sample >> 5, np.uint64(2 * (sample & 31))
        het, both = np.int64(0), np.int64(0)
        for digit in range(bit_length(num)):
            bits = counters[digit, word] >> shift
            het += np.int64(bits & np.uint64(1)) << digit
            both += np.int64((bits >> np.uint64(1)) & np.uint64(1)) << digit
        to = tally[sample]
        to[HET] += het
        to[HET_EXPECTING] += het * expects
        to[HOM_ALT] += -het - both if flipped else both
        _add_alleles(kind, False, -both if flipped else het + both, to)


@kernel
def add_carriers(
    all_forms: Any, form: Any, length: Any, at: Any, lists: Any, dense_planes: Any, bits: int, ploidy: int,
    first_row: int, wanted: Any, alt_start: Any, kind: Any, single: Any, expected: Any, indexes: Any, tally: Any,
    base: Any,
) -> int:  # fmt: skip
    """Add the members of ALT of the rows that are not awkward, but for those of ``add_planes``; return a status.

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
        if this >= PLANE and in_planes(ploidy, single[alt_start[out]]):
            dense += 1
            continue
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
            if codes.shape[2] == 2 and codes[row, sample, 0] == 0 and codes[row, sample, 1] == 0:
                continue  # as most are: a homozygous call of two reference alleles adds nothing
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
