"""vlen-utf8 chunks made wider without decoding them."""

from typing import Any

import numpy as np

from .copying import copy_to
from .jit import kernel

_DOT = 46


@kernel
def widen_packed(data: Any, rows: int, samples: int, narrow: int, width: int, present: Any, out: Any) -> int:
    """Copy a chunk of text with further items a call; return the bytes written, or -1 if ``data`` is too short.

    data, out : uint8 in vlen-utf8 form, without the count of items
    present : (rows,) bool; further items are empty there, and ``.`` elsewhere
    """
    at, used = 0, 0
    for row in range(rows):
        for _ in range(samples):
            for _ in range(narrow):
                if at + 4 > data.size:
                    return -1
                length = np.int64(data[at]) | np.int64(data[at + 1]) << 8
                length |= np.int64(data[at + 2]) << 16 | np.int64(data[at + 3]) << 24
                if at + 4 + length > data.size:
                    return -1
                copy_to(out[used : used + 4 + length], data[at : at + 4 + length])
                at += 4 + length
                used += 4 + length
            for _ in range(narrow, width):
                out[used : used + 4] = 0
                used += 4
                if not present[row]:
                    out[used - 4] = 1
                    out[used] = _DOT
                    used += 1
    return used


@kernel
def count_items(packed: Any, width: int, num_alts: Any) -> bool:
    """Count the ALT alleles of each row, items behind its first that are not empty; return whether the text is whole.

    packed : uint8 in vlen-utf8 form, ``width`` items a row    num_alts : (rows,) int64, zeroed
    """
    at = np.int64(4)
    for row in range(num_alts.size):
        for item in range(width):
            if at + 4 > packed.size:
                return False
            size = np.int64(packed[at]) | np.int64(packed[at + 1]) << 8
            size |= np.int64(packed[at + 2]) << 16 | np.int64(packed[at + 3]) << 24
            at += 4 + size
            num_alts[row] += item > 0 and size > 0
    return at <= packed.size
