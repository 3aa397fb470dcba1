"""Sets of a chunk to streams and back: list deltas, planes, and XOR between planes.

Rows of the forms PLANE and XOR_LIST are *dense*. A dense row is stored as the XOR with up to four dense
rows coded before it, taken one after another as long as each leaves fewer bits; what is left
is a list or a plane. Carriers of a variant are a clade of the local genealogy, and a clade is often the
union or the difference of smaller ones: so dense rows are coded in windows of 256, small sets first.
``order`` holds, window by window, which row of the window is coded next.
"""

from typing import Any

import numpy as np

from .jit import kernel, popcount, trailing_zeros
from .rows import ALT, EMPTY, FILL, FLIPPED, FORM_MASK, LIST, MISSING, NUM_SETS, OTHER, PLANE, XOR_LIST

WINDOW = 256
MAX_BACK = 255  # a reference says how many dense rows back in coding order
NUM_REFERENCES = 4

# What a block that passed its checksums may still have wrong. 0 is right.
(OK, BAD_FORM, BAD_REFERENCE, BAD_LIST, BAD_PLANE, BAD_VALUE, BAD_ORDER) = range(7)


@kernel
def set_words(which: int, samples: int, ploidy: int) -> int:
    """Words of a plane of set ``which`` in a block of ``samples``."""
    bits = samples if which == MISSING else samples * ploidy
    return (bits + 63) >> 6


@kernel
def _distance(a: Any, b: Any, limit: int) -> int:
    """Bits in which two planes differ; anything >= ``limit`` once that is reached."""
    total = np.int64(0)
    for begin in range(0, a.size, 128):
        a_part = a[begin : begin + 128]
        b_part = b[begin : begin + 128]
        for w in range(a_part.size):
            total += np.int64(popcount(a_part[w] ^ b_part[w]))
        if total >= limit:
            return total
    return total


@kernel
def _search(
    rest: Any, num_bits: int, planes: Any, offsets: Any, bits: Any, coded: Any, num_coded: int
) -> tuple[int, int]:
    """Which plane coded before leaves fewest bits of ``rest``: (planes back, bits left); 0 back: none helps.

    rest : (words,) uint64 with ``num_bits`` set
    offsets, bits : (dense rows,) place in ``planes`` and set bits; coded : dense rows in coding order
    """
    best, back = num_bits, 0
    for d in range(1, min(num_coded, MAX_BACK) + 1):
        other = coded[num_coded - d]
        # Two sets differ in at least as many bits as their sizes do.
        if abs(bits[other] - num_bits) >= best:
            continue
        distance = _distance(rest, planes[offsets[other] : offsets[other] + rest.size], best)
        if distance < best:
            best, back = distance, d
            if best == 0:
                break
    return back, best


@kernel
def code_planes(
    planes: Any, offsets: Any, bits: Any, words: int, order: Any, reference: Any, left: Any, rest: Any
) -> None:
    """Choose coding order and references of dense rows, and write what is left of each.

    planes : uint64 arena; offsets, bits : (dense rows,) int64, place of each plane and its set bits
    order : (dense rows,) uint8; reference : (4, dense rows) uint8; left : (dense rows,) int64 bits left
    rest : (dense rows, words) uint64. All four are written, by dense row but ``order``.
    """
    num = offsets.size
    coded = np.empty(num, np.int64)
    for first in range(0, num, WINDOW):
        size = min(WINDOW, num - first)
        chosen = np.argsort(bits[first : first + size], kind="mergesort")
        for i in range(size):
            dense = first + chosen[i]
            order[first + i] = chosen[i]
            row = rest[dense]
            row[:] = planes[offsets[dense] : offsets[dense] + words]
            left[dense] = bits[dense]
            reference[:, dense] = 0
            for r in range(NUM_REFERENCES):
                back, fewer = _search(row, left[dense], planes, offsets, bits, coded, first + i)
                if back == 0:
                    break
                base = offsets[coded[first + i - back]]
                for w in range(words):
                    row[w] ^= planes[base + w]
                reference[r, dense] = back
                left[dense] = fewer
            coded[first + i] = dense


@kernel
def _put_list(index: int, previous: int, at: int, low: Any, high: Any) -> None:
    delta = index - previous - 1
    low[at] = np.uint8(delta & 255)
    high[at] = np.uint8(delta >> 8)


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
    left: Any, rest: Any, form: Any, length: Any, low: Any, high: Any, out_planes: Any,
) -> tuple[int, int]:  # fmt: skip
    """Write one set of one block as streams; return (list entries, plane words).

    left, rest : of the dense rows, from ``code_planes``
    form : (rows,) uint8; length : (rows,) uint16
    low, high : uint8, with room for all lists and ``bits >> residual_shift`` entries a dense row
    """
    list_at, dense = 0, 0
    out_list, out_word = 0, 0
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
                    previous = np.int64(-1)
                    for i in range(num):
                        index = np.int64(lists[list_at + i])
                        _put_list(index, previous, out_list + i, low, high)
                        previous = index
                    out_list += num
                list_at += num
        if kind[row, block, which] & FORM_MASK != PLANE:
            continue
        if (left[dense] << residual_shift) < bits:
            form[row] = (kind[row, block, which] & FLIPPED) | XOR_LIST
            length[row] = left[dense]
            previous = np.int64(-1)
            for w in range(words):
                word = rest[dense, w]
                while word != np.uint64(0):
                    index = w * 64 + np.int64(trailing_zeros(word))
                    word &= word - np.uint64(1)
                    _put_list(index, previous, out_list, low, high)
                    previous = index
                    out_list += 1
        else:
            out_planes[out_word : out_word + words] = rest[dense]
            out_word += words
        dense += 1
    return out_list, out_word


@kernel
def gather_values(count: Any, values: Any, block: int, out: Any) -> int:
    """Copy the allele codes of OTHER of one block out of a record block's arena; return how many."""
    at, num = 0, 0
    for row in range(count.shape[0]):
        for b in range(count.shape[1]):
            size = count[row, b, OTHER]
            if b == block:
                out[num : num + size] = values[at : at + size]
                num += size
            at += size
    return num


@kernel
def check_forms(which: int, form: Any, length: Any, words: int, sizes: Any) -> int:
    """Validate the row descriptions of one set; return a status.

    form : (rows,) uint8    length : (rows,) uint16    words : of a plane
    sizes : (3,) int64, written: list entries, plane words and dense rows
    """
    num_entries, num_planes, num_dense = np.int64(0), np.int64(0), np.int64(0)
    bad = False
    for row in range(form.size):
        this = form[row] & FORM_MASK
        bad |= form[row] > (FLIPPED | FORM_MASK) or (form[row] & FLIPPED != 0 and which != ALT)
        bad |= length[row] != 0 and (this == EMPTY or this == PLANE)
        num_entries += length[row]
        num_planes += this == PLANE
        num_dense += this >= PLANE
    sizes[0], sizes[1], sizes[2] = num_entries, num_planes * words, num_dense
    return BAD_FORM if bad else OK


@kernel
def _flip_listed(length: int, low: Any, high: Any, bits: int, target: Any) -> int:
    index = np.int64(-1)
    for i in range(length):
        index += np.int64(low[i]) + (np.int64(high[i]) << 8) + 1
        if index >= bits:
            return BAD_LIST
        target[index >> 6] ^= np.uint64(1) << np.uint64(index & 63)
    return OK


@kernel
def _xor_into(target: Any, base: Any) -> None:
    for w in range(target.size):
        target[w] ^= base[w]


@kernel
def materialise(
    form: Any, reference: Any, length: Any, low: Any, high: Any, planes: Any, order: Any, bits: int, end_row: int,
    out: Any,
) -> int:  # fmt: skip
    """Undo the XORs: write the planes of the dense rows in front of ``end_row``; return a status.

    form, length : (rows,) of one set; reference : (4, dense rows); low, high, planes, order : its streams
    out : (dense rows, words) uint64, by dense row in row order; whole windows are written
    """
    words = out.shape[1]
    num_dense = out.shape[0]
    dense_row = np.empty(WINDOW, np.int64)
    list_at = np.empty(WINDOW, np.int64)
    plane_at = np.empty(WINDOW, np.int64)
    coded = np.empty(num_dense, np.int64)
    at, word, row = np.int64(0), np.int64(0), 0
    tail = np.uint64(0) if bits & 63 == 0 else ~((np.uint64(1) << np.uint64(bits & 63)) - np.uint64(1))
    for first in range(0, num_dense, WINDOW):
        size = min(WINDOW, num_dense - first)
        if row >= end_row:
            break
        found = 0
        while found < size:  # check_forms counted them: there are as many
            this = form[row] & FORM_MASK
            if this >= PLANE:
                dense_row[found], list_at[found], plane_at[found] = row, at, word
                found += 1
            at += length[row]
            if this == PLANE:
                word += words
            row += 1
        for i in range(size):
            chosen = np.int64(order[first + i])
            if chosen >= size or dense_row[chosen] < 0:
                return BAD_ORDER
            r = dense_row[chosen]
            dense_row[chosen] = -1
            dense = first + chosen
            target = out[dense]
            if form[r] & FORM_MASK == PLANE:
                target[:] = planes[plane_at[chosen] : plane_at[chosen] + words]
                if target[words - 1] & tail != np.uint64(0):
                    return BAD_PLANE
            else:
                target[:] = np.uint64(0)
                size_of_list = np.int64(length[r])
                begin = list_at[chosen]
                status = _flip_listed(
                    size_of_list, low[begin : begin + size_of_list], high[begin : begin + size_of_list], bits, target
                )
                if status != OK:
                    return status
            for k in range(NUM_REFERENCES):
                back = np.int64(reference[k, dense])
                if back > 0:
                    if back > first + i:
                        return BAD_REFERENCE
                    _xor_into(target, out[coded[first + i - back]])
            coded[first + i] = dense
    return OK


@kernel
def plane_indexes(plane: Any, indexes: Any) -> int:
    """Write the indexes of a plane's set bits; return how many."""
    num = 0
    for w in range(plane.size):
        word = plane[w]
        while word != np.uint64(0):
            indexes[num] = w * 64 + np.int64(trailing_zeros(word))
            num += 1
            word &= word - np.uint64(1)
    return num


@kernel
def list_indexes(length: int, low: Any, high: Any, bits: int, indexes: Any) -> int:
    """Write the indexes of a list; return how many, or minus a status."""
    index = np.int64(-1)
    for i in range(length):
        index += np.int64(low[i]) + (np.int64(high[i]) << 8) + 1
        if index >= bits:
            return -BAD_LIST
        indexes[i] = index
    return length


@kernel
def expand_set(
    which: int, form: Any, length: Any, low: Any, high: Any, dense_planes: Any, values: Any,
    samples: int, ploidy: int, first_row: int, end_row: int, indexes: Any, out: Any,
) -> int:  # fmt: skip
    """Write one set's codes into rows ``first_row`` to ``end_row`` of ``out``; return a status.

    dense_planes : (dense rows, words) uint64 from ``materialise``
    indexes : (samples * ploidy,) int32 scratch    out : (rows, samples, width) int8 or int16
    """
    bits = samples if which == MISSING else samples * ploidy
    at, dense, used = np.int64(0), 0, 0
    for row in range(end_row):
        this = form[row] & FORM_MASK
        if this == EMPTY:
            continue
        size = np.int64(length[row])
        is_dense = this >= PLANE
        if row >= first_row or which == OTHER:
            if is_dense:
                num = plane_indexes(dense_planes[dense], indexes)
            else:
                num = list_indexes(size, low[at : at + size], high[at : at + size], bits, indexes)
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
                    if which == MISSING:
                        target[indexes[i], :ploidy] = -1
                    else:
                        target[indexes[i] // ploidy, indexes[i] % ploidy] = values[used + i] if which == OTHER else code
            used += num if which == OTHER else 0
        at += size
        dense += is_dense
    return BAD_VALUE if which == OTHER and end_row == form.size and used != values.size else OK
