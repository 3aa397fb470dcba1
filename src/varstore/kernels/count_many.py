"""Counting many cohorts at once on the streams of a block; ``count`` counts few.

An entry of a list costs the same whatever the number of cohorts: of each person a bit a cohort is known, eight bits are
made bytes by a table, and eight bytes are added as one word. Sums are taken out before a byte can overflow.
"""

from typing import Any

import numpy as np

from .count import rows_of_lists
from .intrinsics import popcount
from .jit import kernel
from .lists import read_list
from .planes import BAD_LIST, EVEN_BITS, OK

# Cohorts that share the words of a person: four words of eight bytes.
GROUP = 32
WORDS = 4
# Eight bits as eight bytes of 0 or 1.
_LANES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder="little").view(np.uint64)[:, 0]
_TILE = 128  # rows whose sums stay in the nearest cache
_MOST_ADDED = 255  # ones that a byte can hold


@kernel
def _take_out(sums: Any, out: Any) -> None:
    """Add the bytes of (rows, groups * 4) ``sums`` to (cohorts, rows) ``out``, and make them 0."""
    lanes = sums.view(np.uint8)
    for begin in range(0, out.shape[1], _TILE):
        end = min(begin + _TILE, out.shape[1])
        for k in range(out.shape[0]):
            for row in range(begin, end):
                out[k, row] += np.int32(lanes[row, k])
    sums[:] = 0


@kernel
def _keep_pairs(indexes: Any, num: int) -> int:
    """Keep of a list the odd indexes that stand behind the one before them; return how many."""
    kept, previous = 0, np.int64(-2)
    for i in range(num):
        index = np.int64(indexes[i])
        is_pair = index & 1 and previous + 1 == index
        previous = index
        indexes[kept] = np.uint16(index)
        kept += is_pair
    return kept


@kernel
def _add_plane(plane: Any, masks: Any, row: int, out: Any) -> None:
    """Write the bits that a plane has in common with each mask to ``out[:, row]``, four masks at a time."""
    words, k = plane.size, 0
    while k + 4 <= len(masks):
        # Slices taken before the loop: indexed as masks[k, w], it would not become vector instructions.
        a, b, c, d = masks[k, :words], masks[k + 1, :words], masks[k + 2, :words], masks[k + 3, :words]
        in_a, in_b, in_c, in_d = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for w in range(words):
            word = plane[w]
            in_a += np.int64(popcount(word & a[w]))
            in_b += np.int64(popcount(word & b[w]))
            in_c += np.int64(popcount(word & c[w]))
            in_d += np.int64(popcount(word & d[w]))
        out[k, row], out[k + 1, row], out[k + 2, row], out[k + 3, row] = in_a, in_b, in_c, in_d
        k += 4
    for last in range(k, masks.shape[0]):
        mask, hits = masks[last, :words], np.int64(0)
        for w in range(words):
            hits += np.int64(popcount(plane[w] & mask[w]))
        out[last, row] = hits


@kernel
def count_hits_many(
    form: Any, length: Any, at: Any, dense_row: Any, lists: Any, dense_planes: Any, bits: int, first_row: int,
    end_row: int, masks: Any, lanes: Any, shift: int, indexes: Any, hits: Any, pairs: Any, want_pairs: bool,
) -> int:  # fmt: skip
    """Meet rows ``first_row`` to ``end_row`` of one set with every mask; return a status.

    masks : (cohorts, 1024) uint64    hits, pairs : (cohorts, end_row - first_row) int32, zeros, added to
    lanes : (groups of 32 cohorts, people) uint32, a bit a cohort
    shift : 1 where an index is a haplotype of two, 0 where it is a person
    Other arguments as in ``count.count_hits``. A list that is none is not counted: no index reaches past the people.
    """
    words = (bits + 63) >> 6
    groups = lanes.shape[0]
    sums = np.zeros((1 + want_pairs, hits.shape[1], groups * WORDS), np.uint64)
    good = True
    # No functions that take arrays in here: each call would count references, which takes longer than a short list.
    for row in rows_of_lists(form, length, first_row, end_row):
        out = row - first_row
        num: Any = np.int64(length[row])
        if not read_list(lists, at[row], num, bits, indexes):
            good = False
            continue
        for what in range(sums.shape[0]):
            if what == 1:
                num = _keep_pairs(indexes, num)
            for begin in range(0, num, _MOST_ADDED):
                end = min(begin + _MOST_ADDED, num)
                for group in range(groups):
                    a, b, c, d = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
                    for i in range(begin, end):
                        member = lanes[group, np.int64(indexes[i]) >> shift]
                        a += _LANES[member & 255]
                        b += _LANES[(member >> 8) & 255]
                        c += _LANES[(member >> 16) & 255]
                        d += _LANES[member >> 24]
                    first = group * WORDS
                    sums[what, out, first] = a
                    sums[what, out, first + 1] = b
                    sums[what, out, first + 2] = c
                    sums[what, out, first + 3] = d
                if end < num:
                    _take_out(sums[what, out : out + 1], (pairs if what else hits)[:, out : out + 1])
    if not good:
        return BAD_LIST
    _take_out(sums[0], hits)
    if want_pairs:
        _take_out(sums[1], pairs)
    both = np.empty(words, np.uint64)
    for dense in range(dense_row.size):
        row = np.int64(dense_row[dense])
        if first_row <= row < end_row:
            plane = dense_planes[dense, :words]
            _add_plane(plane, masks, row - first_row, hits)
            if want_pairs:
                for w in range(words):
                    both[w] = plane[w] & (plane[w] >> np.uint64(1)) & EVEN_BITS
                _add_plane(both, masks, row - first_row, pairs)
    return OK
