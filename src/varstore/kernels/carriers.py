"""Who carries which ALT allele: as lists, and as sums a person over alleles of different rarity.

A set of a block is given as a tuple ``(form, length, at, lists, dense, planes)``: as in ``codec.layout.SetStreams``,
with ``dense`` (rows,) int64, each row's place in ``planes`` from ``planes.materialise``.
"""

from typing import Any

import numpy as np

from .awkward import is_awkward
from .blocks import set_indexes
from .intrinsics import popcount
from .jit import kernel
from .people import TRANSITION, TRANSVERSION
from .planes import BAD_VALUE, OK
from .rows import EMPTY, FLIPPED, FORM_MASK, PLANE

# Classes of rarity among everybody else, by copies: none, one, then shares below each bound.
NOVEL, SINGLETON, FIRST_SHARE = 0, 1, 2
NUM_CLASSES = 7
# Columns of an accumulator behind those of the classes: alleles by the call they are in (together with another allele,
# in all copies of several, in the one copy there is), then how one base is changed, then the same on X outside the PAR.
HET, HOM_ALT, HEMI, TRANSITIONS, TRANSVERSIONS, X_HET, X_HOM_ALT, X_HEMI = range(NUM_CLASSES, NUM_CLASSES + 8)
NUM_FIELDS = NUM_CLASSES + 8


@kernel
def class_of(count: int, number: int, bounds: Any) -> int:
    """The class of an allele of which there are so many copies among so many.

    bounds : (4,) float64, shares, rising: below the first is class 2, at or above the last class 6
    """
    if count <= 1:
        return NOVEL if count <= 0 else SINGLETON
    i = 0
    while i < bounds.size and count >= bounds[i] * number:
        i += 1
    return FIRST_SHARE + i


@kernel
def _row_carriers(alt: Any, missing: Any, samples: int, ploidy: int, row: int, found: Any) -> int:
    """Write who carries ALT 1 in a row that is not awkward; return how many, or minus a status.

    found : indexes (bits,) uint16 scratch, sample (samples,) int64 and copies (samples,) int64, written
    """
    indexes, sample, copies = found
    form, length, at, lists, dense, planes = alt
    num = np.int64(0)
    if form[row] & FORM_MASK != EMPTY:
        num = set_indexes(form, length, at, lists, planes, samples * ploidy, row, dense[row], indexes)
        if num < 0:
            return num
    if form[row] & FLIPPED == 0:
        carriers = 0
        for i in range(num):
            who = np.int64(indexes[i]) // ploidy
            if carriers > 0 and sample[carriers - 1] == who:
                copies[carriers - 1] += 1
            else:
                sample[carriers] = who
                copies[carriers] = 1
                carriers += 1
        return carriers
    copies[:samples] = ploidy
    for i in range(num):
        copies[np.int64(indexes[i]) // ploidy] -= 1
    form, length, at, lists, dense, planes = missing
    if form[row] & FORM_MASK != EMPTY:
        num = set_indexes(form, length, at, lists, planes, samples, row, dense[row], indexes)
        if num < 0:
            return num
        for i in range(num):
            copies[np.int64(indexes[i])] = 0
    carriers = 0
    for who in range(samples):
        if copies[who] > 0:
            sample[carriers] = who
            copies[carriers] = copies[who]
            carriers += 1
    return carriers


@kernel
def _add_allele(copies: int, size: int, this_class: int, kind: int, on_x: bool, to: Any) -> None:
    """Add to an accumulator an allele that a call of so many alleles has so often."""
    to[this_class] += 1
    to[TRANSITIONS] += kind == TRANSITION
    to[TRANSVERSIONS] += kind == TRANSVERSION
    how = HET if copies < size else HOM_ALT if size > 1 else HEMI
    to[how] += 1
    to[how + X_HET - HET] += on_x


@kernel
def add_classes(
    all_forms: Any, alt: Any, missing: Any, samples: int, ploidy: int, first_row: int, wanted: Any, alt_start: Any,
    count: Any, number: Any, kind: Any, on_x: Any, bounds: Any, found: Any, tally: Any,
) -> int:  # fmt: skip
    """Add the carriers of the rows that are not awkward to their accumulators; return a status.

    An allele is of the class that it has among all others: without the copies of the call itself.

    all_forms : (5, rows) uint8    alt, missing : sets    ploidy : 1 or 2
    wanted : (asked rows,) bool, from ``first_row`` on    alt_start : (asked rows + 1,) int64 into what follows
    count, number : (alleles,) int64, copies of each and alleles called; number -1: the allele is left out
    kind : (alleles,) uint8 of ``kernels.people``    on_x : (alleles,) bool    bounds : as of ``class_of``
    found : as of ``_row_carriers``    tally : (samples, 15) int64, added to
    """
    _, sample, copies = found
    for row in range(first_row, first_row + wanted.size):
        out = row - first_row
        if not wanted[out] or is_awkward(all_forms, row) or alt[0][row] == EMPTY:
            continue
        first = alt_start[out]
        if first == alt_start[out + 1]:
            return BAD_VALUE
        if number[first] < 0:
            continue
        num = _row_carriers(alt, missing, samples, ploidy, row, found)
        if num < 0:
            return -num
        # Of a block of one row's calls all have as many alleles: the class goes by copies alone.
        one = class_of(count[first] - 1, number[first] - ploidy, bounds)
        two = class_of(count[first] - 2, number[first] - ploidy, bounds)
        for i in range(num):
            this_class = one if copies[i] == 1 else two
            _add_allele(copies[i], ploidy, this_class, kind[first], on_x[first], tally[sample[i]])
    return OK


@kernel
def add_classes_of_codes(
    codes: Any, alt_start: Any, count: Any, number: Any, kind: Any, on_x: Any, bounds: Any, tally: Any
) -> int:
    """Add decoded calls of any ploidy; return a status. Calls with a missing allele are left out.

    codes : (rows, samples, ploidy) int16    Other arguments as of ``add_classes``, by row of ``codes``.
    """
    for row in range(codes.shape[0]):
        first = alt_start[row]
        num_alts = alt_start[row + 1] - first
        for sample in range(codes.shape[1]):
            call, size, missing = codes[row, sample], 0, False
            for h in range(call.size):
                if call[h] > num_alts:
                    return BAD_VALUE
                size += call[h] != -2
                missing = missing or call[h] == -1
            if missing:
                continue
            for h in range(call.size):
                code = np.int64(call[h])
                copies, seen = 0, code <= 0
                for g in range(call.size):
                    copies += call[g] == code
                    seen = seen or (g < h and call[g] == code)
                if seen or number[first + code - 1] < 0:
                    continue
                allele = first + code - 1
                this_class = class_of(count[allele] - copies, number[allele] - size, bounds)
                _add_allele(copies, size, this_class, kind[allele], on_x[allele], tally[sample])
    return OK


@kernel
def most_carriers(all_forms: Any, alt: Any, samples: int, first_row: int, wanted: Any) -> int:
    """No more carriers than these are in the rows that are not awkward; arguments as of ``add_classes``."""
    form, length, _, _, dense, planes = alt
    total = np.int64(0)
    for row in range(first_row, first_row + wanted.size):
        if not wanted[row - first_row] or is_awkward(all_forms, row):
            continue
        if form[row] & FLIPPED != 0:
            total += samples
        elif form[row] & FORM_MASK >= PLANE:
            plane = planes[dense[row]]
            for w in range(plane.size):
                total += np.int64(popcount(plane[w]))
        else:
            total += length[row]
    return total


@kernel
def list_carriers(
    all_forms: Any, alt: Any, missing: Any, samples: int, ploidy: int, first_row: int, wanted: Any, alt_start: Any,
    number: Any, found: Any, out_allele: Any, out_sample: Any, out_copies: Any,
) -> int:  # fmt: skip
    """Write the carriers of the rows that are not awkward; return how many, or minus a status.

    number : (alleles,) int64, which each is; -1: left out
    out_allele : int64, of ``number``; out_sample : int32; out_copies : int32; room for ``most_carriers``
    Other arguments as of ``add_classes``.
    """
    _, sample, copies = found
    total = 0
    for row in range(first_row, first_row + wanted.size):
        out = row - first_row
        if not wanted[out] or is_awkward(all_forms, row) or alt[0][row] == EMPTY:
            continue
        first = alt_start[out]
        if first == alt_start[out + 1]:
            return -BAD_VALUE
        if number[first] < 0:
            continue
        num = _row_carriers(alt, missing, samples, ploidy, row, found)
        if num < 0:
            return num
        for i in range(num):
            out_allele[total + i] = number[first]
            out_sample[total + i] = sample[i]
            out_copies[total + i] = copies[i]
        total += num
    return total


@kernel
def list_carriers_of_codes(
    codes: Any, alt_start: Any, number: Any, out_allele: Any, out_sample: Any, out_copies: Any
) -> int:
    """Write the carriers of decoded calls, of half calls too; return how many, or minus a status.

    codes : (rows, samples, ploidy) int16    Other arguments as of ``list_carriers``; room for every code above 0.
    """
    total = 0
    for row in range(codes.shape[0]):
        first = alt_start[row]
        num_alts = alt_start[row + 1] - first
        for sample in range(codes.shape[1]):
            call = codes[row, sample]
            for h in range(call.size):
                code = np.int64(call[h])
                if code > num_alts:
                    return -BAD_VALUE
                copies, seen = 0, code <= 0
                for g in range(call.size):
                    copies += call[g] == code
                    seen = seen or (g < h and call[g] == code)
                if seen or number[first + code - 1] < 0:
                    continue
                out_allele[total] = number[first + code - 1]
                out_sample[total] = sample
                out_copies[total] = copies
                total += 1
    return total
