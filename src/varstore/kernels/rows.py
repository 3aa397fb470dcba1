"""From one row of genotypes to the five sets a block stores.

A row of a block is a bit set over haplotypes (or samples), five times over:

- ``ALT``      haplotypes of code 1; of code 0 instead where the row is flipped
- ``MISSING``  samples whose every code is -1
- ``HALF``     haplotypes of code -1 in other samples
- ``FILL``     haplotypes of code -2 (a ploidy hole)
- ``OTHER``    haplotypes of any other code, with the codes beside

What no set holds has the row's default code: 0, or 1 where the row is flipped.
Each set is stored as nothing, as a sorted list of uint16, or as a plane of bits.
"""

from typing import Any

import numpy as np

from .copying import copy_to
from .intrinsics import popcount, trailing_zeros
from .jit import kernel

ALT, MISSING, HALF, FILL, OTHER = range(5)
NUM_SETS = 5
# Forms of a row's set. The last is of blocks only: a list of where the row differs from other planes.
EMPTY, LIST, PLANE, XOR_LIST = range(4)
FORM_MASK = 3
FLIPPED = 4

# Cursors into the arenas of a record block, in ``cursors``.
USED_LISTS, USED_PLANES, USED_VALUES = range(3)


@kernel
def _put_plane(plane: Any, begin: int, words: int, planes: Any, cursors: Any) -> None:
    at = cursors[USED_PLANES]
    copy_to(planes[at : at + words], plane[begin : begin + words])
    cursors[USED_PLANES] = at + words


@kernel
def _put_set_bits(plane: Any, begin: int, words: int, lists: Any, cursors: Any) -> None:
    at = cursors[USED_LISTS]
    for w in range(words):
        word = plane[begin + w]
        while word != np.uint64(0):
            lists[at] = np.uint16(w * 64 + np.int64(trailing_zeros(word)))
            at += 1
            word &= word - np.uint64(1)
    cursors[USED_LISTS] = at


@kernel
def _set_bit(plane: Any, begin: int, bit: int) -> None:
    plane[begin + (bit >> 6)] |= np.uint64(1) << np.uint64(bit & 63)


@kernel
def _emit_indexes(
    indexes: Any, begin: int, end: int, first: int, bits: int, shift: int, lists: Any, planes: Any, cursors: Any
) -> int:
    """Store ``indexes[begin:end] - first`` in its smaller form and return that form."""
    num = end - begin
    if num == 0:
        return EMPTY
    if (num << shift) < bits:
        at = cursors[USED_LISTS]
        for i in range(num):
            lists[at + i] = np.uint16(indexes[begin + i] - first)
        cursors[USED_LISTS] = at + num
        return LIST
    words = (bits + 63) >> 6
    at = cursors[USED_PLANES]
    planes[at : at + words] = np.uint64(0)
    for i in range(num):
        _set_bit(planes, at, indexes[begin + i] - first)
    cursors[USED_PLANES] = at + words
    return PLANE


@kernel
def emit_row(
    row: int,
    ploidy: int,
    starts: Any,
    word_starts: Any,
    plane: Any,
    exceptions: Any,
    num_exceptions: Any,
    other_codes: Any,
    shift: int,
    kind: Any,
    count: Any,
    lists: Any,
    planes: Any,
    values: Any,
    cursors: Any,
) -> None:
    """Append one scanned row to the arenas, block by block.

    starts, word_starts : (blocks + 1,) int64, first sample and first word of ``plane`` of each block
    plane : (words,) uint64, haplotypes of code 1; overwritten
    exceptions : (4, samples * ploidy) int32, sorted indexes of MISSING (samples), HALF, FILL and
        OTHER (sample * ploidy + haplotype); num_exceptions : (4,) int64
    other_codes : (samples * ploidy,) int16, the codes of OTHER
    shift : a set is a list when it holds less than ``bits >> shift``
    kind, count : (rows, blocks, 5), written at ``row``
    lists, planes, values : arenas with room for the worst row, filled at ``cursors``
    """
    at0, at1, at2, at3 = 0, 0, 0, 0
    for block in range(starts.size - 1):
        samples = starts[block + 1] - starts[block]
        bits = samples * ploidy
        words = (bits + 63) >> 6
        first = starts[block] * ploidy
        begin = word_starts[block]
        end0, end1, end2, end3 = at0, at1, at2, at3
        while end0 < num_exceptions[0] and exceptions[0, end0] < starts[block + 1]:
            end0 += 1
        while end1 < num_exceptions[1] and exceptions[1, end1] < first + bits:
            end1 += 1
        while end2 < num_exceptions[2] and exceptions[2, end2] < first + bits:
            end2 += 1
        while end3 < num_exceptions[3] and exceptions[3, end3] < first + bits:
            end3 += 1

        ones = np.int64(0)
        row_words = plane[begin : begin + words]
        for w in range(words):
            ones += np.int64(popcount(row_words[w]))
        taken = (end0 - at0) * ploidy + (end1 - at1) + (end2 - at2) + (end3 - at3)
        zeros = bits - taken - ones
        flip = 0
        if ones > zeros:
            # The set becomes {code 0}: everything that is neither code 1 nor an exception.
            flip = FLIPPED
            for i in range(at0, end0):
                for h in range(ploidy):
                    _set_bit(plane, begin, (exceptions[0, i] - starts[block]) * ploidy + h)
            for i in range(at1, end1):
                _set_bit(plane, begin, exceptions[1, i] - first)
            for i in range(at2, end2):
                _set_bit(plane, begin, exceptions[2, i] - first)
            for i in range(at3, end3):
                _set_bit(plane, begin, exceptions[3, i] - first)
            for w in range(words):
                plane[begin + w] = ~plane[begin + w]
            if bits & 63:
                plane[begin + words - 1] &= (np.uint64(1) << np.uint64(bits & 63)) - np.uint64(1)
            ones = zeros
        count[row, block, ALT] = ones
        if ones == 0:
            kind[row, block, ALT] = flip | EMPTY
        elif (ones << shift) < bits:
            kind[row, block, ALT] = flip | LIST
            _put_set_bits(plane, begin, words, lists, cursors)
        else:
            kind[row, block, ALT] = flip | PLANE
            _put_plane(plane, begin, words, planes, cursors)

        count[row, block, MISSING] = end0 - at0
        kind[row, block, MISSING] = _emit_indexes(
            exceptions[0], at0, end0, starts[block], samples, shift, lists, planes, cursors
        )
        count[row, block, HALF] = end1 - at1
        kind[row, block, HALF] = _emit_indexes(exceptions[1], at1, end1, first, bits, shift, lists, planes, cursors)
        count[row, block, FILL] = end2 - at2
        kind[row, block, FILL] = _emit_indexes(exceptions[2], at2, end2, first, bits, shift, lists, planes, cursors)
        count[row, block, OTHER] = end3 - at3
        kind[row, block, OTHER] = _emit_indexes(exceptions[3], at3, end3, first, bits, shift, lists, planes, cursors)
        at = cursors[USED_VALUES]
        for i in range(at3, end3):
            values[at + i - at3] = other_codes[i]
        cursors[USED_VALUES] = at + end3 - at3
        at0, at1, at2, at3 = end0, end1, end2, end3


@kernel
def emit_codes(
    codes: Any,
    starts: Any,
    word_starts: Any,
    plane: Any,
    exceptions: Any,
    num_exceptions: Any,
    other_codes: Any,
    shift: int,
    kind: Any,
    count: Any,
    lists: Any,
    planes: Any,
    values: Any,
    cursors: Any,
    row_cursors: Any,
) -> int:
    """Append rows of plain codes to the arenas; return how many rows fitted.

    codes : (rows, samples, ploidy) int8 or int16
    row_cursors : (rows + 1, 3) int64, the cursors before each row, and behind the last
    Other arguments as in ``emit_row``.
    """
    num_rows, num_samples, ploidy = codes.shape
    num_haplotypes = num_samples * ploidy
    for row in range(num_rows):
        copy_to(row_cursors[row], cursors[:3])
        if (
            cursors[USED_LISTS] + num_haplotypes > lists.size
            or cursors[USED_PLANES] + 5 * plane.size > planes.size
            or cursors[USED_VALUES] + num_haplotypes > values.size
        ):
            return row
        plane[:] = np.uint64(0)
        num_exceptions[:] = 0
        block = 0
        for sample in range(num_samples):
            while sample >= starts[block + 1]:
                block += 1
            at = word_starts[block] * 64 + (sample - starts[block]) * ploidy
            missing = True
            for h in range(ploidy):
                missing &= codes[row, sample, h] == -1
            if missing:
                exceptions[0, num_exceptions[0]] = sample
                num_exceptions[0] += 1
                continue
            for h in range(ploidy):
                code = codes[row, sample, h]
                if code == 1:
                    _set_bit(plane, 0, at + h)
                elif code != 0:
                    which = 1 if code == -1 else (2 if code == -2 else 3)
                    if which == 3:
                        other_codes[num_exceptions[3]] = code
                    exceptions[which, num_exceptions[which]] = sample * ploidy + h
                    num_exceptions[which] += 1
        emit_row(
            row, ploidy, starts, word_starts, plane, exceptions, num_exceptions, other_codes,
            shift, kind, count, lists, planes, values, cursors,
        )  # fmt: skip
    copy_to(row_cursors[num_rows], cursors[:3])
    return num_rows
