"""Dense rows: planes of bits as differences of planes coded before them.

Rows of the forms PLANE and XOR_LIST are *dense*. A dense row is stored as the XOR with up to four dense
rows coded before it, taken one after another as long as each leaves fewer bits; what is left
is a list or a plane. Carriers of a variant are a clade of the local genealogy, and a clade is often the
union or the difference of smaller ones: so dense rows are coded in windows of 256, small sets first.
``order`` holds, window by window, which row of the window is coded next.
"""

from typing import Any

import numpy as np

from .copying import copy_to
from .intrinsics import popcount, trailing_zeros
from .jit import kernel
from .lists import read_list
from .rows import FORM_MASK, PLANE

WINDOW = 256
# Bits of the first haplotypes in a word of a diploid plane.
EVEN_BITS = np.uint64(0x5555555555555555)
MAX_BACK = 255  # a reference says how many dense rows back in coding order
NUM_REFERENCES = 4

# What a block that passed its checksums may still have wrong. 0 is right.
(OK, BAD_FORM, BAD_REFERENCE, BAD_LIST, BAD_PLANE, BAD_VALUE, BAD_ORDER) = range(7)


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
def _fewest_first(bits: Any, order: Any) -> None:
    """Write to ``order`` which of ``bits`` is first, second and so on; equal ones stay as they stand.

    By insertion: a window is short, and numba's ``argsort`` takes longer to compile than this module.
    """
    for i in range(bits.size):
        at = i
        while at > 0 and bits[order[at - 1]] > bits[i]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = i


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
    coded, chosen = np.empty(num, np.int64), np.empty(WINDOW, np.int64)
    for first in range(0, num, WINDOW):
        size = min(WINDOW, num - first)
        _fewest_first(bits[first : first + size], chosen)
        for i in range(size):
            dense = first + chosen[i]
            order[first + i] = chosen[i]
            row = rest[dense]
            copy_to(row, planes[offsets[dense] : offsets[dense] + words])
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
def coding_order(order: Any, coded: Any) -> int:
    """Write the dense rows in coding order, and check that each is there once; return a status."""
    seen = np.zeros(WINDOW, np.bool_)
    for first in range(0, order.size, WINDOW):
        size = min(WINDOW, order.size - first)
        seen[:] = False
        for i in range(size):
            chosen = np.int64(order[first + i])
            if chosen >= size or seen[chosen]:
                return BAD_ORDER
            seen[chosen] = True
            coded[first + i] = first + chosen
    return OK


@kernel
def _mark_needed(coded: Any, reference: Any, dense_row: Any, first_row: int, end_row: int, needed: Any) -> int:
    """Mark the dense rows from ``first_row`` to ``end_row``, and those they refer to; return a status."""
    for place in range(coded.size - 1, -1, -1):
        dense = coded[place]
        needed[dense] |= first_row <= dense_row[dense] and dense_row[dense] < end_row
        if not needed[dense]:
            continue
        for k in range(NUM_REFERENCES):
            back = np.int64(reference[k, dense])
            if back > place:
                return BAD_REFERENCE
            if back > 0:
                needed[coded[place - back]] = True
    return OK


@kernel
def _xor_into(target: Any, base: Any) -> None:
    for w in range(target.size):
        target[w] ^= base[w]


@kernel
def _flip(target: Any, indexes: Any, length: int) -> None:
    for i in range(length):
        index = np.uint64(indexes[i])
        target[index >> np.uint64(6)] ^= np.uint64(1) << (index & np.uint64(63))


@kernel
def materialise(
    form: Any, length: Any, at: Any, dense_row: Any, lists: Any, planes: Any, order: Any, reference: Any, bits: int,
    first_row: int, end_row: int, indexes: Any, out: Any,
) -> int:  # fmt: skip
    """Undo the XORs of the dense rows from ``first_row`` to ``end_row``; return a status.

    form, length, at, dense_row, lists, planes, order, reference : of one set, as ``SetStreams`` has them
    indexes : uint16 scratch with room for ``bits``
    out : (dense rows, words) uint64, by dense row; only what these rows need is written
    """
    num_dense, words = out.shape
    coded = np.empty(num_dense, np.int64)
    needed = np.zeros(num_dense, np.bool_)
    status = coding_order(order, coded)
    if status == OK:
        status = _mark_needed(coded, reference, dense_row, first_row, end_row, needed)
    if status != OK:
        return status
    tail = np.uint64(0) if bits & 63 == 0 else ~((np.uint64(1) << np.uint64(bits & 63)) - np.uint64(1))
    for place in range(num_dense):
        dense = coded[place]
        if not needed[dense]:
            continue
        row = dense_row[dense]
        target = out[dense]
        if form[row] & FORM_MASK == PLANE:
            for w in range(words):
                target[w] = planes[at[row] + w]
            if target[words - 1] & tail != np.uint64(0):
                return BAD_PLANE
        else:
            if not read_list(lists, at[row], length[row], bits, indexes):
                return BAD_LIST
            for w in range(words):
                target[w] = np.uint64(0)
            _flip(target, indexes, length[row])
        for k in range(NUM_REFERENCES):
            back = np.int64(reference[k, dense])
            if back > 0:
                _xor_into(target, out[coded[place - back]])
    return OK


@kernel
def plane_indexes(plane: Any, indexes: Any) -> int:
    """Write the indexes of a plane's set bits; return how many."""
    num = 0
    for w in range(plane.size):
        word = plane[w]
        while word != np.uint64(0):
            indexes[num] = np.uint16(w * 64 + np.int64(trailing_zeros(word)))
            num += 1
            word &= word - np.uint64(1)
    return num
