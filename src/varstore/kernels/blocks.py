"""Sets of a chunk to streams and back: descriptions of rows, lists, and planes."""

from typing import Any

import numpy as np

from .copying import copy_to
from .intrinsics import load_word, popcount, trailing_zeros
from .jit import kernel
from .lists import list_bits, put_list, read_list
from .planes import BAD_FORM, BAD_LIST, BAD_VALUE, OK, plane_indexes
from .rows import ALT, EMPTY, FILL, FLIPPED, FORM_MASK, LIST, MISSING, NUM_SETS, OTHER, PLANE, XOR_LIST

# Lengths of a described row: a byte, or one of these two.
IS_PLANE = 254
IS_LONG = 255  # the next of the 16-bit lengths


@kernel
def set_words(which: int, samples: int, ploidy: int) -> int:
    """Words of a plane of set ``which`` in a block of ``samples``."""
    bits = samples if which == MISSING else samples * ploidy
    return (bits + 63) >> 6


@kernel
def find_planes(
    kind: Any, count: Any, sizes: Any, ploidy: int, block: int, which: int, offsets: Any, bits: Any
) -> None:
    """Place in the arena of planes, and set bits, of every plane of one set of one block."""
    at, dense = 0, 0
    for row in range(kind.shape[0]):
        for b in range(kind.shape[1]):
            for s in range(NUM_SETS):
                if kind[row, b, s] & FORM_MASK == PLANE:
                    if b == block and s == which:
                        offsets[dense] = at
                        bits[dense] = count[row, b, s]
                        dense += 1
                    at += set_words(s, sizes[b], ploidy)


@kernel
def put_rows(
    kind: Any, count: Any, lists: Any, block: int, which: int, bits: int, residual_shift: int,
    left: Any, rest: Any, form: Any, length: Any, indexes: Any, out_lists: Any, out_planes: Any,
) -> tuple[int, int]:  # fmt: skip
    """Write one set of one block as streams; return (bits of lists, plane words).

    left, rest : of the dense rows, from ``code_planes``
    form : (rows,) uint8; length : (rows,) int32
    indexes : (bits,) uint16 scratch; out_lists : uint64, zeroed, with room for all; out_planes : uint64
    """
    list_at, dense = 0, 0
    out_bit, out_word = 0, 0
    words = rest.shape[1]
    for row in range(kind.shape[0]):
        form[row] = kind[row, block, which]
        length[row] = 0
        for b in range(kind.shape[1]):
            for s in range(NUM_SETS):
                if kind[row, b, s] & FORM_MASK != LIST:
                    continue
                num = count[row, b, s]
                if b == block and s == which:
                    length[row] = num
                    for i in range(num):
                        indexes[i] = lists[list_at + i]
                    out_bit = put_list(indexes[:num], bits, out_lists, out_bit)
                list_at += num
        if kind[row, block, which] & FORM_MASK != PLANE:
            continue
        if (left[dense] << residual_shift) < bits:
            form[row] = (kind[row, block, which] & FLIPPED) | XOR_LIST
            length[row] = left[dense]
            num = plane_indexes(rest[dense], indexes)
            out_bit = put_list(indexes[:num], bits, out_lists, out_bit)
        else:
            copy_to(out_planes[out_word : out_word + words], rest[dense])
            out_word += words
        dense += 1
    return out_bit, out_word


@kernel
def most_list_bits(kind: Any, count: Any, block: int, which: int, bits: int, residual_shift: int, left: Any) -> int:
    """Bits of all lists that ``put_rows`` will write."""
    total, dense = np.int64(0), 0
    for row in range(kind.shape[0]):
        this = kind[row, block, which] & FORM_MASK
        if this == LIST:
            total += list_bits(bits, count[row, block, which])
        elif this == PLANE:
            if (left[dense] << residual_shift) < bits:
                total += list_bits(bits, left[dense])
            dense += 1
    return total


@kernel
def gather_values(count: Any, values: Any, block: int, out: Any) -> int:
    """Copy the allele codes of OTHER of one block out of a record block's arena; return how many."""
    at, num = 0, 0
    for row in range(count.shape[0]):
        for b in range(count.shape[1]):
            size = count[row, b, OTHER]
            if b == block:
                copy_to(out[num : num + size], values[at : at + size])
                num += size
            at += size
    return num


@kernel
def describe(
    forms: Any, num_rows: int, which: int, bits: int, form: Any, length: Any, at: Any, dense_row: Any, sizes: Any
) -> int:
    """Unpack and validate the descriptions of the rows of one set; return a status.

    forms : uint8, the stream, with 8 bytes behind it    bits : of the universe
    form, length, at : (rows,) uint8, int32, int64; ``at`` is a bit of the lists or a word of the planes
    dense_row : (rows,) int32, its front is written
    sizes : (3,) int64, written: bits of lists, plane words, dense rows
    """
    size = forms.size - 8
    row_words = (num_rows + 63) >> 6
    if size < 8 * row_words:
        return BAD_FORM
    present = np.int64(0)
    for w in range(row_words):
        present += np.int64(popcount(load_word(forms, 8 * w)))
    flag_words = (present + 63) >> 6
    dense_at = 8 * row_words
    flip_at = dense_at + 8 * flag_words
    length_at = flip_at + 8 * flag_words
    long_at = length_at + present
    if size < long_at:
        return BAD_FORM
    plane_words = (bits + 63) >> 6
    list_at, plane_at, num_dense, num = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for w in range(row_words):
        word = load_word(forms, 8 * w)
        while word != np.uint64(0):
            row = w * 64 + np.int64(trailing_zeros(word))
            word &= word - np.uint64(1)
            is_dense = (forms[dense_at + (num >> 3)] >> (num & 7)) & 1
            flip = (forms[flip_at + (num >> 3)] >> (num & 7)) & 1
            this = np.int64(forms[length_at + num])
            num += 1
            if row >= num_rows or (flip and which != ALT):
                return BAD_FORM
            flags = FLIPPED if flip else 0
            if this == IS_PLANE:
                if not is_dense:
                    return BAD_FORM
                form[row] = flags | PLANE
                at[row] = plane_at
                plane_at += plane_words
            else:
                if this == IS_LONG:
                    if long_at + 2 > size:
                        return BAD_FORM
                    this = np.int64(forms[long_at]) | (np.int64(forms[long_at + 1]) << 8)
                    long_at += 2
                if this > bits:
                    return BAD_FORM
                form[row] = flags | (XOR_LIST if is_dense else LIST if this else EMPTY)
                length[row] = this
                at[row] = list_at
                list_at += list_bits(bits, this)
            if is_dense:
                dense_row[num_dense] = row
                num_dense += 1
    sizes[0], sizes[1], sizes[2] = list_at, plane_at, num_dense
    return OK if long_at == size else BAD_FORM


@kernel
def expand_set(
    which: int, form: Any, length: Any, at: Any, lists: Any, dense_planes: Any, values: Any,
    samples: int, ploidy: int, first_row: int, end_row: int, indexes: Any, out: Any,
) -> int:  # fmt: skip
    """Write one set's codes into rows ``first_row`` to ``end_row`` of ``out``; return a status.

    dense_planes : (dense rows, words) uint64 from ``materialise``
    indexes : (samples * ploidy,) uint16 scratch    out : (rows, samples, width) int8 or int16
    """
    bits = samples if which == MISSING else samples * ploidy
    dense, used = 0, 0
    for row in range(end_row):
        this = form[row] & FORM_MASK
        is_dense = this >= PLANE
        if this != EMPTY and (row >= first_row or which == OTHER):
            num = set_indexes(form, length, at, lists, dense_planes, bits, row, dense, indexes)
            if num < 0:
                return -num
            if which == OTHER and used + num > values.size:
                return BAD_VALUE
            if row >= first_row:
                target = out[row - first_row]
                code = np.int16(-1)
                if which == ALT:
                    code = np.int16(0 if form[row] & FLIPPED else 1)
                elif which == FILL:
                    code = np.int16(-2)
                for i in range(num):
                    index = np.int64(indexes[i])
                    if which == MISSING:
                        target[index, :ploidy] = -1
                    else:
                        target[index // ploidy, index % ploidy] = values[used + i] if which == OTHER else code
            used += num if which == OTHER else 0
        dense += is_dense
    return BAD_VALUE if which == OTHER and end_row == form.size and used != values.size else OK


@kernel
def set_indexes(
    form: Any, length: Any, at: Any, lists: Any, dense_planes: Any, bits: int, row: int, dense: int, indexes: Any
) -> int:
    """Write the members of a row's set, a list or the plane ``dense``; return how many, or minus a status."""
    if form[row] & FORM_MASK >= PLANE:
        return plane_indexes(dense_planes[dense], indexes)
    num = np.int64(length[row])
    return num if read_list(lists, at[row], num, bits, indexes) else -BAD_LIST


@kernel
def expand_window(
    which: int, form: Any, length: Any, at: Any, lists: Any, dense_planes: Any, values: Any, bits: int, ploidy: int,
    first_row: int, place: Any, begin: int, end: int, indexes: Any, out: Any,
) -> int:  # fmt: skip
    """Write one set's codes of some rows and of the samples ``begin`` to ``end``; return a status.

    place : (rows,) int64, for each row from ``first_row`` on its place in ``out``; -1: not wanted
    out : (places, samples, width) int8 or int16; haplotypes that it has no room for are left out
    Other arguments as of ``expand_set``.
    """
    dense, used, width = 0, 0, out.shape[2]
    for row in range(first_row + place.size):
        this = form[row] & FORM_MASK
        to = place[row - first_row] if row >= first_row else np.int64(-1)
        if this != EMPTY and (to >= 0 or which == OTHER):
            num = set_indexes(form, length, at, lists, dense_planes, bits, row, dense, indexes)
            if num < 0:
                return -num
            if which == OTHER and used + num > values.size:
                return BAD_VALUE
            if to >= 0:
                code = np.int16(-1)
                if which == ALT:
                    code = np.int16(0 if form[row] & FLIPPED else 1)
                elif which == FILL:
                    code = np.int16(-2)
                for i in range(num):
                    index = np.int64(indexes[i])
                    sample = index if which == MISSING else index // ploidy
                    if begin <= sample < end:
                        if which == MISSING:
                            out[to, sample - begin, : min(ploidy, width)] = -1
                        elif index % ploidy < width:
                            out[to, sample - begin, index % ploidy] = values[used + i] if which == OTHER else code
            used += num if which == OTHER else 0
        dense += this >= PLANE
    return OK
