"""Keys of alleles that somebody asks for, straight from columns of text."""

from typing import Any

import numpy as np

from .jit import kernel
from .keys import NO_NUMBER, is_sequence, one_key

_TAB, _LESS, _DOT = 9, 60, 46
# An allele of one base each: bits 27 and 23 are the lengths; A, C, G and T are 0 to 3 (docs/format.md, Keys).
_SINGLE = np.uint64(1 << 27 | 1 << 23)
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
def runs_of_text(text: Any, bounds: Any, starts: Any) -> int:
    """Rows whose text is another than the row before; return how many, of which ``starts`` has room for some."""
    num = 0
    for row in range(bounds.shape[1]):
        begin, size = bounds[0, row], bounds[1, row] - bounds[0, row]
        same = row > 0 and bounds[1, row - 1] - bounds[0, row - 1] == size
        if same:
            before = bounds[0, row - 1]
            for i in range(size):
                same = same and text[begin + i] == text[before + i]
        if not same:
            if num < starts.size:
                starts[num] = row
            num += 1
    return num


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
        if r_end - r == 1 and a_end - a == 1:
            one, two = _BASES[ref[r]], _BASES[alt[a]]
            if one < 4 and two < 4:
                bases = np.uint64(two) << np.uint64(2) | np.uint64(one)
                keys[row] = np.uint64(position[row]) << np.uint64(32) | _SINGLE | bases
                digests[row] = np.uint64(0)
                continue
        if not is_sequence(ref, r, r_end):
            return BAD_REF, row
        if a_end == a or (alt[a] == _DOT and a_end - a == 1):
            return BAD_ALT, row
        if alt[a] == _LESS:
            return SYMBOLIC, row
        size = r_end - r
        for i in range(size):
            text[i] = ref[r + i]
        for i in range(a_end - a):
            text[size + i] = alt[a + i]
        keys[row], digests[row], _, _ = one_key(
            text, position[row], size, NO_NUMBER, 0, size, size, size + a_end - a, sequence, out
        )
    return OK, end
