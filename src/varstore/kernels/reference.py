"""REF of records against the bases of their contig."""

from typing import Any

import numpy as np

from .jit import kernel

_LOWER_A, _LOWER_Z = 97, 122
# The bases that a letter may stand for, a bit each of A, C, G, T.
_BITS = np.zeros(256, np.uint8)
for _letters, _bits in zip("ACGTRYSWKMBDHVN", (1, 2, 4, 8, 5, 10, 6, 9, 12, 3, 14, 13, 11, 7, 15), strict=True):
    _BITS[[ord(_letters), ord(_letters.lower())]] = _bits


@kernel
def _matches(text: Any, begin: int, end: int, sequence: Any, first: int) -> bool:
    if first + end - begin > sequence.size:
        return False
    for i in range(begin, end):
        letter, base = np.int64(text[i]), np.int64(sequence[first + i - begin])
        if letter == base or (_LOWER_A <= letter <= _LOWER_Z and letter - 32 == base):
            continue
        known = base == 65 or base == 67 or base == 71 or base == 84
        if known and _BITS[letter] & _BITS[base] == 0:
            return False
    return True


@kernel
def find_mismatch(packed: Any, at: int, begin: int, end: int, position: Any, width: int, sequence: Any) -> Any:
    """Compare REF of the rows ``begin`` to ``end`` of a chunk, all on one contig, with the contig's bases.

    Upper and lower case are the same; letters of the contig other than A, C, G, T match anything, and so do letters
    of REF that may stand for the base. Rows before the first base and behind the last one (telomeres) have no base.

    packed : uint8, ``variant_allele`` of the chunk in vlen-utf8 form, ``width`` items a row; the rows begin at ``at``
    position : (rows,) int32    sequence : uint8, upper case; of size 0: nothing is compared

    Returns where the rows end, or -1 if the text is shorter than it says; and the first row that differs, or -1.
    """
    for row in range(begin, end):
        for item in range(width):
            if at + 4 > packed.size:
                return -1, -1
            size = np.int64(packed[at]) | np.int64(packed[at + 1]) << 8
            size |= np.int64(packed[at + 2]) << 16 | np.int64(packed[at + 3]) << 24
            at += 4
            if at + size > packed.size:
                return -1, -1
            first = np.int64(position[row]) - 1
            inside = 0 <= first and not (first == sequence.size and size == 1)
            if item == 0 and sequence.size and inside and not _matches(packed, at, at + size, sequence, first):
                return at, row
            at += size
    return at, -1
