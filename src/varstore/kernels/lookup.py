"""Keys of alleles that somebody asks for, straight from columns of text."""

from typing import Any

import numpy as np

from .jit import kernel
from .keys import MOST_EXACT, NO_NUMBER, is_sequence, one_key

_TAB, _LESS, _DOT = 9, 60, 46
# A, C, G and T are 0 to 3 (docs/format.md, Keys).
_BASES = np.full(256, 255, np.uint8)
for _code, _base in enumerate(b"ACGT"):
    _BASES[_base] = _BASES[_base + 32] = _code
# What is wrong with a row. 0 is right.
OK, BAD_REF, BAD_ALT, SYMBOLIC = range(4)


@kernel
def split(text: Any, bounds: Any) -> int:
    """Find the rows of text in which each is ended by a tab; return how many there are.

    bounds : (2, rows) int64, written as far as it goes: where each begins and ends
    """
    row, begin = 0, np.int64(0)
    for at in range(text.size):
        if text[at] == _TAB:
            if row < bounds.shape[1]:
                bounds[0, row], bounds[1, row] = begin, at
            row += 1
            begin = at + 1
    return row


@kernel
def narrow(points: Any, text: Any, bounds: Any) -> int:
    """Write text of a fixed width as bytes, and where that of each row begins and ends; return the highest character.

    points : (rows, width) uint8 or uint32, filled up with 0    text : (rows * width,) uint8    bounds : (2, rows) int64
    """
    highest = np.int64(0)
    at, width = 0, points.shape[1]
    for row in range(points.shape[0]):
        end = at
        for i in range(width):
            point = np.int64(points[row, i])
            text[at + i] = np.uint8(point)
            highest = max(highest, point)
            if point != 0:
                end = at + i + 1
        bounds[0, row], bounds[1, row] = at, end
        at += width
    return highest


@kernel
def in_order(contig: Any, key: Any) -> bool:
    """Whether alleles ascend by contig and key, none of them twice."""
    for row in range(1, key.size):
        if contig[row] < contig[row - 1] or (contig[row] == contig[row - 1] and key[row] <= key[row - 1]):
            return False
    return True


@kernel
def _same_text(text: Any, bounds: Any, one: int, two: int) -> bool:
    size = bounds[1, one] - bounds[0, one]
    if bounds[1, two] - bounds[0, two] != size:
        return False
    for i in range(size):
        if text[bounds[0, one] + i] != text[bounds[0, two] + i]:
            return False
    return True


@kernel
def group_text(text: Any, bounds: Any, slots: Any, group: Any, first: Any) -> int:
    """Number the distinct texts in the order they first come; return how many there are, -1 where there is no room.

    slots : (twice as many as ``first`` or more, a power of two) int64, all -1: a hash table of open addresses
    group : (rows,) int64, written: the number of each row    first : (room,) int64, written: a row of each number
    """
    last, known = np.uint64(slots.size - 1), 0
    for row in range(bounds.shape[1]):
        if row > 0 and _same_text(text, bounds, row, row - 1):
            group[row] = group[row - 1]
            continue
        mixed = np.uint64(0)
        for i in range(bounds[0, row], bounds[1, row]):
            mixed = (mixed ^ np.uint64(text[i])) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        place = np.int64(mixed & last)
        while slots[place] >= 0 and not _same_text(text, bounds, row, first[slots[place]]):
            place = (place + 1) & np.int64(last)
        if slots[place] < 0:
            if known == first.size:
                return -1
            slots[place], first[known] = known, row
            known += 1
        group[row] = slots[place]
    return known


@kernel
def keys_of_rows(
    ref: Any, ref_bounds: Any, alt: Any, alt_bounds: Any, position: Any, begin: int, end: int, sequence: Any,
    scratch: Any, keys: Any, digests: Any,
) -> Any:  # fmt: skip
    """Write key and digest of the rows ``begin`` to ``end``, all on one contig; return (status, row it is of).

    ref, alt : uint8, text of all rows    ref_bounds, alt_bounds : (2, rows) int64, where each begins and ends
    position : (rows,) int64, 1-based, above 0    sequence : uint8, the contig in upper case; of size 0: trimmed only
    scratch : (2, any) uint8, 64 bytes longer than the longest REF and ALT together
    keys, digests : (rows,) uint64
    """
    text, out = scratch[0], scratch[1]
    for row in range(begin, end):
        r, r_end, a, a_end = ref_bounds[0, row], ref_bounds[1, row], alt_bounds[0, row], alt_bounds[1, row]
        size, alt_size = r_end - r, a_end - a
        # Nothing to trim, nothing to move, and few bases: the key spells them.
        if min(size, alt_size) == 1 and size + alt_size <= MOST_EXACT and (sequence.size == 0 or size == alt_size):
            code, every = np.uint64(size << 27 | alt_size << 23), np.uint8(0)
            for i in range(size):
                base = _BASES[ref[r + i]]
                every |= base
                code |= np.uint64(base) << np.uint64(2 * i)
            for i in range(alt_size):
                base = _BASES[alt[a + i]]
                every |= base
                code |= np.uint64(base) << np.uint64(2 * (size + i))
            if every < 4:
                keys[row], digests[row] = np.uint64(position[row]) << np.uint64(32) | code, np.uint64(0)
                continue
        if not is_sequence(ref, r, r_end):
            return BAD_REF, row
        if a_end == a or (alt[a] == _DOT and a_end - a == 1):
            return BAD_ALT, row
        if alt[a] == _LESS:
            return SYMBOLIC, row
        for i in range(size):
            text[i] = ref[r + i]
        for i in range(alt_size):
            text[size + i] = alt[a + i]
        keys[row], digests[row], _, _ = one_key(
            text, position[row], size, NO_NUMBER, 0, size, size, size + alt_size, sequence, out
        )
    return OK, end
