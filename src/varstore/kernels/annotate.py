"""Sites of a file that are alleles asked for, found while its lines are read."""

from typing import Any

import numpy as np

from .jit import kernel
from .person import (
    BAD_TEXT,
    DONE,
    NEED_ROOM,
    NEW_CONTIG,
    NUM_ALLELES,
    NUM_RECORDS,
    USED_TEXT,
    line_columns,
    put_allele,
    same_text,
)

_COMMA = 44
_ID, _REF, _ALT, _INFO = 2, 3, 4, 7
_NEAR = 64


@kernel
def find(target: Any, digests: Any, low: int, high: int, at: int, key: Any, digest: Any) -> tuple[int, int]:
    """Where a key stands in ``target[low:high]``, or -1; and where it would: to be given as ``at`` next time."""
    at = min(max(at, low), high)
    steps = 0
    while at > low and target[at - 1] >= key and steps < _NEAR:
        at -= 1
        steps += 1
    while at < high and target[at] < key and steps < _NEAR:
        at += 1
        steps += 1
    if steps == _NEAR:
        first, last = low, high
        while first < last:
            middle = (first + last) >> 1
            if target[middle] < key:
                first = middle + 1
            else:
                last = middle
        at = first
    i = at
    while i < high and target[i] == key:
        if digests[i] == digest:
            return i, at
        i += 1
    return -1, at


@kernel
def scan_sites(
    buffer: Any, begin: int, end: int, chrom: Any, sequence: Any, target: Any, digests: Any, low: int, high: int,
    hits: Any, arena: Any, keys: Any, facts: Any, text: Any, cursors: Any, scratch: Any, fault: Any,
) -> Any:  # fmt: skip
    """Read the whole lines of ``buffer[begin:end]`` that are of one contig; return (status, bytes consumed up to).

    target, digests : uint64, sorted keys that are asked for, those of the contig from ``low`` to ``high``
    hits : (any, 4) int64, filled: which of them, ALT from 1, and where ID to INFO of the line are in ``arena``
    keys, facts, text : room for one allele, as of ``person.put_allele``
    Others as of ``person.scan_person``; the allele count of ``cursors`` is that of hits.
    """
    places = np.empty(11, np.int64)
    mine = np.zeros(cursors.size, np.int64)
    at, near = begin, low
    while at < end:
        status, position, line_end = line_columns(buffer, at, end, 7, False, places)
        if status == NEED_ROOM:
            return DONE, at
        if status != DONE:
            fault[0] = position
            return status, at
        if not same_text(buffer, at, places[0], chrom):
            return NEW_CONTIG, at
        info_end = places[_INFO]
        if buffer[info_end - 1] == 13:
            info_end -= 1
        first, size = places[_ID - 1] + 1, info_end - places[_ID - 1] - 1
        alt, number = places[_REF] + 1, 1
        if low < high:
            room = 2 * (places[_ALT] - places[_ID]) + 64
            if cursors[USED_TEXT] + size > arena.size or room > text.size or cursors[NUM_ALLELES] + 64 > hits.shape[0]:
                return NEED_ROOM, at
        entered = False
        while low < high and alt <= places[_ALT]:
            stop = alt
            while stop < places[_ALT] and buffer[stop] != _COMMA:
                stop += 1
            if stop == alt:
                return BAD_TEXT, at
            mine[:] = 0
            if put_allele(buffer, position, places, alt, stop, number, sequence, keys, facts, text, mine, scratch):
                found, near = find(target, digests, low, high, near, keys[0, 0], keys[0, 1])
                if found >= 0 and cursors[NUM_ALLELES] < hits.shape[0]:
                    if not entered:
                        for i in range(size):
                            arena[cursors[USED_TEXT] + i] = buffer[first + i]
                        cursors[USED_TEXT] += size
                        entered = True
                    hit = cursors[NUM_ALLELES]
                    hits[hit, 0], hits[hit, 1] = found, number
                    hits[hit, 2], hits[hit, 3] = cursors[USED_TEXT] - size, cursors[USED_TEXT]
                    cursors[NUM_ALLELES] = hit + 1
            alt, number = stop + 1, number + 1
        cursors[NUM_RECORDS] += 1
        at = line_end + 1
    return DONE, at
