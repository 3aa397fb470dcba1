"""Which records of a batch answer for the alleles of one genome, and rows of a table as text."""

from typing import Any

import numpy as np

from .jit import kernel
from .text import put_integer

# How a record answers: not at all, it has no ALT, it is joined by position and class, it has the allele.
NONE, BARE, JOINED, EXACT = range(4)
_BY_KEY, _NO_ROW = 2, 3
_SINGLE = np.uint64(1 << 27 | 1 << 23)
_LENGTHS = np.uint64(0xFF800000)
_BASES = np.array([65, 67, 71, 84], np.uint8)


@kernel
def _kind(key: Any) -> int:
    """Class of an allele by its key: docs/format.md, Keys."""
    low = np.int64(key & np.uint64(0xFFFFFFFF))
    if low >> 31:
        return low >> 29 & 3
    return 0 if (low >> 27 & 15) == (low >> 23 & 15) else 1


@kernel
def match_chunk(
    keys: Any, digests: Any, begin: int, end: int, first: int, position: Any, target: Any, target_digest: Any,
    base: int, low: int, high: int, rank: Any, record: Any, alt: Any, tally: Any,
) -> None:  # fmt: skip
    """Find for each of some alleles the record of a chunk that answers for it: docs/semantics.md, section 4.

    That is the first record with the allele; else the first whose first ALT is of the same position and class; else
    the first of the same position without ALT.

    keys, digests : (rows, ALT alleles) uint64 of the chunk, 0 where there is none    first : record of its row 0
    begin, end : its rows on the contig    position : (rows,) int32, or of size 0 where every row has a key
    target, target_digest : uint64, the alleles asked for, by key; those from ``low`` to ``high`` are looked at
    rank : uint8, NONE to EXACT, zeroed before the first chunk; of alleles from ``base`` on
    record, alt : int64, likewise, of what answers; alt 0: not by allele
    tally : (2,) int64: single bases at positions where a single base is asked for, of the same REF, and of another
    """
    at = low
    for row in range(begin, end):
        any_key = False
        for a in range(keys.shape[1]):
            key = keys[row, a]
            if key == np.uint64(0):
                continue
            any_key = True
            kind = _kind(key)
            if kind == _NO_ROW:
                continue
            place = key >> np.uint64(32)
            while at > low and target[at - 1] >> np.uint64(32) >= place:
                at -= 1
            while at < high and target[at] >> np.uint64(32) < place:
                at += 1
            i = at
            single = key & _LENGTHS == _SINGLE
            while i < high and target[i] >> np.uint64(32) == place:
                if single and target[i] & _LENGTHS == _SINGLE:
                    tally[0 if (target[i] ^ key) & np.uint64(3) == np.uint64(0) else 1] += 1
                found = NONE
                if target[i] == key and target_digest[i] == digests[row, a]:
                    found = EXACT
                elif a == 0 and kind < _BY_KEY and _kind(target[i]) == kind:
                    found = JOINED
                if found > rank[i - base]:
                    rank[i - base], record[i - base] = found, first + row
                    alt[i - base] = a + 1 if found == EXACT else 0
                i += 1
        if not any_key and position.size:
            place = np.uint64(position[row])
            while at > low and target[at - 1] >> np.uint64(32) >= place:
                at -= 1
            while at < high and target[at] >> np.uint64(32) < place:
                at += 1
            i = at
            while i < high and target[i] >> np.uint64(32) == place:
                if rank[i - base] == NONE and _kind(target[i]) < _BY_KEY:
                    rank[i - base], record[i - base], alt[i - base] = BARE, first + row, 0
                i += 1


@kernel
def gather_totals(
    begin: int, end: int, first: int, rank: Any, record: Any, alt: Any, count: Any, number: Any, homozygous: Any,
    out: Any,
) -> None:  # fmt: skip
    """Write stored counts of the records that answer: allele_count, allele_number and n_hom_alt.

    begin, end : of the alleles    first : record that the chunk begins with; those before have been written
    rank, record, alt : of ``match_chunk``; alt 0: the record does not have the allele
    count, homozygous : (rows, ALT alleles) int32    number : (rows,) int32    out : (3, alleles) int64
    """
    for i in range(begin, end):
        row = record[i] - first
        if rank[i] == NONE or row < 0:
            continue
        out[1, i] = number[row]
        out[0, i], out[2, i] = 0, 0
        if alt[i] > 0:
            out[0, i], out[2, i] = count[row, alt[i] - 1], homozygous[row, alt[i] - 1]


@kernel
def keep_found(base: int, row: Any, rank: Any, record: Any, alt: Any, totals: Any) -> int:
    """Move what ``match_chunk`` found together, at the beginning; write which alleles it is of; return how many.

    row : (alleles,) int64, written: ``base`` is the first    totals : (3 or 0, alleles) int64, moved too
    """
    num = 0
    for i in range(rank.size):
        if rank[i] != NONE:
            row[num], rank[num], record[num], alt[num] = base + i, rank[i], record[i], alt[i]
            for k in range(totals.shape[0]):
                totals[k, num] = totals[k, i]
            num += 1
    return num


@kernel
def add_totals(row: Any, values: Any, count: Any, number: Any, homozygous: Any) -> None:
    """Add (3, answers) ``values`` of ``gather_totals`` to the rows they are of."""
    for i in range(row.size):
        count[row[i]] += values[0, i]
        number[row[i]] += values[1, i]
        homozygous[row[i]] += values[2, i]


@kernel
def single_bases(keys: Any, begin: int, end: int, position: Any, out: Any) -> None:
    """Write REF of single bases of a chunk at some positions: 0 to 3 of A, C, G, T.

    keys : (rows, ALT alleles) uint64, its rows ``begin`` to ``end`` are of the contig
    position : int64, ascending    out : uint8, as it was where there is none
    """
    for row in range(begin, end):
        for a in range(keys.shape[1]):
            key = keys[row, a]
            if key & _LENGTHS == _SINGLE:
                place = np.int64(key >> np.uint64(32))
                at = np.searchsorted(position, place)
                while at < position.size and position[at] == place:
                    out[at] = np.uint8(key & np.uint64(3))
                    at += 1


@kernel
def classify(count: Any, number: Any, known: Any, covered: Any, limits: Any, state: Any, rarity: Any) -> None:
    """Say of each allele what is known of it, and how rare it is.

    count, number : (alleles,) int64    known, covered : bool, there is a record, and some covered set holds it
    limits : float64, rising frequencies at which classes end
    state : int32, written: 0 found, 1 novel, 2 unseen, 3 not callable
    rarity : int32, written: 0 unknown, 1 novel, 2 singleton, 3 + how many limits the frequency has reached
    """
    for i in range(count.size):
        if count[i] > 0:
            state[i] = 0
            if count[i] == 1:
                rarity[i] = 2
                continue
            share = count[i] / number[i]
            reached = 0
            for limit in limits:
                reached += share >= limit
            rarity[i] = 3 + reached
        elif number[i] > 0:
            state[i], rarity[i] = 1, 1
        else:
            state[i], rarity[i] = 2 if known[i] or covered[i] else 3, 0


@kernel
def spell(key: Any, text: int, num_ref: int, num_alt: int, arena: Any, which: int, out: Any, at: int) -> int:
    """Write REF (``which`` 0) or ALT (1) of a normalised allele; return where it ends.

    text : where ``REF>ALT`` begins in ``arena``, -1 where the key spells it
    """
    begin = num_ref if which else 0
    size = num_alt if which else num_ref
    if text >= 0:
        begin += text + which
        for i in range(size):
            out[at + i] = arena[begin + i]
        return at + size
    for i in range(begin, begin + size):
        out[at + i - begin] = _BASES[np.int64(key >> np.uint64(2 * i)) & 3]
    return at + size


@kernel
def put_rows(
    key: Any, text: Any, num_ref: Any, num_alt: Any, arena: Any, layout: Any, integers: Any, codes: Any,
    table: Any, table_start: Any, out: Any,
) -> int:  # fmt: skip
    """Write rows of text; return the bytes written.

    key : uint64, text : int64, num_ref, num_alt : int32 of the alleles    arena : uint8, of long ones
    layout : (columns, 3) int64: 0 and a row of ``integers``; 1 and a row of ``codes``; 2: POS, 3: REF, 4: ALT; then the
        byte that stands behind, 0: none
    integers : (any, rows) int64    codes : (any, rows) int32 into the table
    table, table_start : uint8 texts one behind the other, and where each begins and the last ends
    out : uint8, with room for the longest rows
    """
    at = 0
    for row in range(key.size):
        for column in range(layout.shape[0]):
            kind, which = layout[column, 0], layout[column, 1]
            if kind == 0:
                at = put_integer(out, at, integers[which, row])
            elif kind == 1:
                code = codes[which, row]
                for i in range(table_start[code], table_start[code + 1]):
                    out[at] = table[i]
                    at += 1
            elif kind == 2:
                at = put_integer(out, at, np.int64(key[row] >> np.uint64(32)))
            else:
                at = spell(key[row], text[row], num_ref[row], num_alt[row], arena, kind - 3, out, at)
            if layout[column, 2]:
                out[at] = np.uint8(layout[column, 2])
                at += 1
    return at
