"""BGZF: gzip members of at most 64 KiB that say their size, and an empty one at the end."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

try:
    from zlib_ng import zlib_ng as _zlib
except ImportError:
    import zlib as _zlib

END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
BLOCK = 65280  # bytes of text, as bgzip has it: what does not shrink still fits
_LEVEL = 6
_HEAD = struct.Struct("<4BIBBHBBHH")
_TAIL = struct.Struct("<II")


def compress(data: memoryview | bytes) -> bytes:
    """The blocks of some text; they may follow one another in any number."""
    view = memoryview(data)
    out: list[bytes] = []
    for begin in range(0, len(view), BLOCK):
        text = view[begin : begin + BLOCK]
        body = _zlib.compress(text, _LEVEL, -15)
        if len(body) + 26 > 1 << 16:
            body = _zlib.compress(text, 0, -15)
        head = _HEAD.pack(31, 139, 8, 4, 0, 0, 255, 6, ord("B"), ord("C"), 2, len(body) + 25)
        out += [head, body, _TAIL.pack(_zlib.crc32(text), len(text))]
    return b"".join(out)


def block_starts(packed: bytes) -> NDArray[np.int64]:
    """Where each block of ``compress`` begins, and where the last ends."""
    starts = [0]
    while starts[-1] < len(packed):
        starts.append(starts[-1] + 1 + int.from_bytes(packed[starts[-1] + 16 : starts[-1] + 18], "little"))
    return np.array(starts, np.int64)
