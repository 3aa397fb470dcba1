"""Lines of VCF text: where they are and what they are sorted by; lines copied in another order."""

from typing import Any

import numpy as np

from .copying import copy_to
from .intrinsics import byte_mask64, trailing_zeros
from .jit import kernel

_TAB, _NEWLINE, _RETURN = 9, 10, 13
_MAX_POSITION = 2147483647
BLANK = -2


@kernel
def find_tab(buffer: Any, at: int, end: int) -> int:
    """The first tab or newline in ``buffer[at:end]``, or -1. Reads up to 63 bytes behind ``end``."""
    while at < end:
        mask = byte_mask64(buffer, at, np.uint8(_TAB)) | byte_mask64(buffer, at, np.uint8(_NEWLINE))
        if mask != np.uint64(0):
            at += np.int64(trailing_zeros(mask))
            return at if at < end else -1
        at += 64
    return -1


@kernel
def find_newline(buffer: Any, at: int, end: int) -> int:
    """The first newline in ``buffer[at:end]``, or -1. Reads up to 63 bytes behind ``end``."""
    while at < end:
        mask = byte_mask64(buffer, at, np.uint8(_NEWLINE))
        if mask != np.uint64(0):
            at += np.int64(trailing_zeros(mask))
            return at if at < end else -1
        at += 64
    return -1


@kernel
def index_lines(text: Any, begin: Any, chrom_end: Any, position: Any) -> int:
    """Find the lines of ``text``, whose last byte is a newline; return how many.

    text : uint8    begin, chrom_end, position : int64, room for every newline; begin has one more, the end
    position : POS, -1 where it is no number (the scanner says so), BLANK for a blank line
    """
    num = 0
    at, end = np.int64(0), np.int64(text.size)
    while at < end:
        begin[num] = at
        if text[at] == _NEWLINE or (text[at] == _RETURN and at + 1 < end and text[at + 1] == _NEWLINE):
            chrom_end[num], position[num] = at, BLANK
        else:
            while text[at] != _TAB and text[at] != _NEWLINE:
                at += 1
            chrom_end[num] = at
            value = np.int64(-1)
            if text[at] == _TAB:
                at += 1
                first = at
                while 48 <= text[at] <= 57 and value <= _MAX_POSITION:
                    value = max(value, np.int64(0)) * 10 + np.int64(text[at]) - 48
                    at += 1
                if at == first or text[at] != _TAB or value > _MAX_POSITION:
                    value = np.int64(-1)
            position[num] = value
        while text[at] != _NEWLINE:
            at += 1
        at += 1
        num += 1
    begin[num] = end
    return num


@kernel
def contig_changes(text: Any, begin: Any, chrom_end: Any, out: Any) -> int:
    """Write to ``out`` the lines whose CHROM is not that of the line before; return how many."""
    num = 0
    for line in range(chrom_end.size):
        length = chrom_end[line] - begin[line]
        same = line > 0 and chrom_end[line - 1] - begin[line - 1] == length
        i = 0
        while same and i < length:
            same = text[begin[line] + i] == text[begin[line - 1] + i]
            i += 1
        if not same:
            out[num] = line
            num += 1
    return num


@kernel
def gather_lines(text: Any, begin: Any, length: Any, order: Any, out: Any) -> None:
    """Copy the lines ``text[begin[i] : begin[i] + length[i]]`` one after another, i in ``order``."""
    at = np.int64(0)
    for k in range(order.size):
        i = order[k]
        copy_to(out[at : at + length[i]], text[begin[i] : begin[i] + length[i]])
        at += length[i]
