"""Checks of site text in bulk: alphabets of REF and ALT, syntax of ID, QUAL and INFO, keys of INFO.

``text`` is a uint8 arena; a field is ``text[begin:end]``, both int64 a row. Offsets are the scanner's.
"""

from typing import Any

import numpy as np

from .intrinsics import byte_mask64, trailing_zeros
from .jit import kernel

# Bits of a row's flags.
BAD_REF, BAD_ALT, IUPAC, ALT_IS_REF, DUPLICATE_ALT = 1, 2, 4, 8, 16
ID_SYNTAX, NEGATIVE_QUALITY, INFO_SYNTAX, DUPLICATE_INFO, NO_ALT = 32, 64, 128, 256, 512

MAX_KEYS = 1024  # distinct INFO keys of a chunk that are told apart
_SLOTS = 4096
_ITEMS = 64
_PAIRS = 256  # ALTs of a record that are compared with each other

_COMMA, _DOT, _SEMICOLON, _COLON, _EQUALS, _STAR = 44, 46, 59, 58, 61, 42
_LESS, _GREATER, _OPEN, _CLOSE, _MINUS, _SPACE = 60, 62, 91, 93, 45, 32


def _bases() -> Any:
    """1 for A, C, G, T, N, 2 for the other IUPAC letters, 0 for all else."""
    table = np.zeros(256, np.uint8)
    for letters, value in ((b"RYSWKMBDHVU", 2), (b"ACGTN", 1)):
        for letter in letters:
            table[letter] = table[letter + 32] = value
    return table


BASES = _bases()


@kernel
def _bases_of(text: Any, begin: int, end: int, bases: Any) -> int:
    """1: plain bases, 2: some IUPAC letter, 0: something else, or nothing."""
    if begin >= end:
        return 0
    out = 1
    for i in range(begin, end):
        value = bases[text[i]]
        if value == 0:
            return 0
        out = max(out, np.int64(value))
    return out


@kernel
def _breakend(text: Any, begin: int, end: int, bases: Any) -> int:
    """Whether it is ``t[p[``, ``t]p]``, ``]p]t`` or ``[p[t``: the class of its bases, or 0."""
    first, second = -1, -1
    for i in range(begin, end):
        if text[i] == _OPEN or text[i] == _CLOSE:
            if first < 0:
                first = i
            elif second < 0:
                second = i
            else:
                return 0
    if second < 0 or text[first] != text[second]:
        return 0
    # The mate: contig, a colon, digits.
    at = second - 1
    while at > first and 48 <= text[at] <= 57:
        at -= 1
    if at == second - 1 or at <= first + 1 or text[at] != _COLON:
        return 0
    for i in range(first, at):
        if text[i] <= 32:
            return 0
    if first == begin:
        found = _bases_of(text, second + 1, end, bases)
    elif second == end - 1:
        found = _bases_of(text, begin, first, bases)
    else:
        return 0
    return found


@kernel
def _allele(text: Any, begin: int, end: int, bases: Any) -> int:
    """The class of an ALT allele: 1 well-formed, 2 with IUPAC letters, 0 none."""
    found = _bases_of(text, begin, end, bases)
    if found > 0 or begin >= end:
        return found
    if end - begin == 1:
        return 1 if text[begin] == _STAR or text[begin] == _DOT else 0
    if text[begin] == _LESS:
        if end - begin < 3 or text[end - 1] != _GREATER:
            return 0
        for i in range(begin + 1, end - 1):
            if text[i] <= 32 or text[i] == 127 or text[i] == _LESS or text[i] == _GREATER:
                return 0
        return 1
    # A single breakend.
    if text[begin] == _DOT:
        return _bases_of(text, begin + 1, end, bases)
    if text[end - 1] == _DOT:
        return _bases_of(text, begin, end - 1, bases)
    return _breakend(text, begin, end, bases)


@kernel
def _same_allele(text: Any, a: int, a_end: int, b: int, b_end: int) -> bool:
    """Whether two alleles are equal, bases without case."""
    if a_end - a != b_end - b:
        return False
    fold = np.uint8(0) if text[a] == _LESS else np.uint8(32)
    for i in range(a_end - a):
        if text[a + i] != text[b + i] and (
            fold == 0 or text[a + i] | fold != text[b + i] | fold or not 97 <= (text[a + i] | fold) <= 122
        ):
            return False
    return True


@kernel
def _alleles(text: Any, ref: int, alt: int, alt_end: int, num_alts: int, bases: Any) -> int:
    """Flags of REF, ``text[ref:alt - 1]``, and of the ALTs."""
    flags = 0
    found = _bases_of(text, ref, alt - 1, bases)
    if found == 0:
        flags |= BAD_REF
    elif found == 2:
        flags |= IUPAC
    if alt_end - alt == 1:  # by far the most
        found = np.int64(bases[text[alt]])
        if found == 1:
            return flags | (ALT_IS_REF if alt - ref == 2 and _same_allele(text, alt, alt_end, ref, alt - 1) else 0)
        if text[alt] == _DOT:
            return flags | (NO_ALT if num_alts > 0 else 0)
    starts = np.empty(min(num_alts, _PAIRS) + 1, np.int64)
    begin, number = alt, 0
    while begin <= alt_end:
        end = begin
        while end < alt_end and text[end] != _COMMA:
            end += 1
        found = _allele(text, begin, end, bases)
        if found == 0:
            flags |= BAD_ALT
        elif found == 2:
            flags |= IUPAC
        if found > 0 and _same_allele(text, begin, end, ref, alt - 1):
            flags |= ALT_IS_REF
        if number < starts.size - 1:
            for i in range(number):
                stop = starts[i]
                while text[stop] != _COMMA:
                    stop += 1
                if _same_allele(text, starts[i], stop, begin, end):
                    flags |= DUPLICATE_ALT
            starts[number] = begin
        number += 1
        begin = end + 1
    return flags


@kernel
def _has_odd_items(text: Any, begin: int, end: int) -> bool:
    """Whether a list of items between semicolons is empty, or has blanks or empty items."""
    if begin >= end or text[begin] == _SEMICOLON or text[end - 1] == _SEMICOLON:
        return True
    before = np.uint8(0)
    for i in range(begin, end):
        byte = text[i]
        if byte <= 32 or (byte == _SEMICOLON and before == _SEMICOLON):
            return True
        before = byte
    return False


@kernel
def site_flags(text: Any, begin: Any, num_alts: Any, bases: Any, flags: Any) -> None:
    """Check ID, REF, ALT, QUAL of every row.

    begin : (fields, rows) int64, where ID, REF, ALT, QUAL, FILTER begin; a field ends before the tab
        in front of the next
    bases : the table of this module    flags : (rows,) int64, written
    """
    for row in range(flags.size):
        found = _alleles(text, begin[1, row], begin[2, row], begin[3, row] - 1, num_alts[row], bases)
        if _has_odd_items(text, begin[0, row], begin[1, row] - 1):
            found |= ID_SYNTAX
        if text[begin[3, row]] == _MINUS:
            found |= NEGATIVE_QUALITY
        flags[row] = found


@kernel
def _key_code(text: Any, start: int, stop: int, slots: Any, key_begin: Any, key_end: Any, num: int) -> int:
    """The number of a key, ``num`` for a new one, which is entered; -1 if there is no room."""
    length = stop - start
    value = np.uint32(2166136261)
    for i in range(start, stop):
        value = (value ^ np.uint32(text[i])) * np.uint32(16777619)
    slot = np.int64(value & np.uint32(_SLOTS - 1))
    while slots[slot] >= 0:
        code = slots[slot]
        i = 0
        same = key_end[code] - key_begin[code] == length
        while same and i < length:
            same = text[key_begin[code] + i] == text[start + i]
            i += 1
        if same:
            return code
        slot = (slot + 1) & (_SLOTS - 1)
    if num == MAX_KEYS:
        return -1
    slots[slot] = num
    key_begin[num], key_end[num] = start, stop
    return num


@kernel
def _marks(text: Any, at: int, stop: int, byte: int) -> int:
    """Bit ``i`` is set where ``text[at + i]`` is ``byte``, below ``stop`` and among the next 64."""
    size = min(64, stop - at)
    if at + 64 <= text.size:
        mask = byte_mask64(text, at, np.uint8(byte))
        return mask if size == 64 else mask & ((np.uint64(1) << np.uint64(size)) - np.uint64(1))
    mask = np.uint64(0)
    for i in range(size):
        if text[at + i] == byte:
            mask |= np.uint64(1) << np.uint64(i)
    return mask


@kernel
def info_keys(text: Any, begin: Any, end: Any, flags: Any, key_begin: Any, key_end: Any, first: Any) -> int:
    """Tell the keys of INFO apart; add INFO_SYNTAX and DUPLICATE_INFO to ``flags``.

    key_begin, key_end, first : (MAX_KEYS,) int64, written: a key's text, and the row it is first seen in
    Returns the number of keys; what comes after MAX_KEYS of them is not told apart.
    """
    slots = np.full(_SLOTS, -1, np.int64)
    last = np.full(MAX_KEYS, -1, np.int64)  # the row a key was seen in last
    before = np.full(_ITEMS, -1, np.int64)  # codes of the record before, by place
    num = 0
    for row in range(begin.size):
        at, stop = begin[row], end[row]
        if stop - at == 1 and text[at] == _DOT:
            continue
        start, place = at, 0
        in_key, odd = True, stop <= at or text[stop - 1] == _SEMICOLON
        while at <= stop:
            # The places where a key may end: '=', ';' and the end.
            semicolons = _marks(text, at, stop, _SEMICOLON)
            marks = semicolons | _marks(text, at, stop, _EQUALS)
            odd |= _marks(text, at, stop, _SPACE) != np.uint64(0)
            if stop - at < 64:
                marks |= np.uint64(1) << np.uint64(stop - at)
                semicolons |= np.uint64(1) << np.uint64(stop - at)
            while marks != np.uint64(0):
                bit = np.uint64(trailing_zeros(marks))
                marks &= marks - np.uint64(1)
                here = at + np.int64(bit)
                if in_key and here > start:
                    # Most often the key that stood here in the record before; a call costs more than all of this.
                    code = before[place] if place < _ITEMS else -1
                    if code >= 0 and key_end[code] - key_begin[code] == here - start:
                        i = start
                        while i < here and text[key_begin[code] + i - start] == text[i]:
                            i += 1
                        if i < here:
                            code = -1
                    else:
                        code = -1
                    if code < 0:
                        code = _key_code(text, start, here, slots, key_begin, key_end, num)
                    if code == num:
                        first[num] = row
                        num += 1
                    if code >= 0:
                        if last[code] == row:
                            flags[row] |= DUPLICATE_INFO
                        last[code] = row
                        if place < _ITEMS:
                            before[place] = code
                elif in_key:
                    odd = True
                in_key = (semicolons >> bit) & np.uint64(1) != np.uint64(0)
                if in_key:
                    start = here + 1
                    place += 1
            at += 64
        if odd:
            flags[row] |= INFO_SYNTAX
    return num
