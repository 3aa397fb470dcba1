"""BGZF and other files, mapped: where their blocks are, whether they are whole, and where they are damaged."""

from __future__ import annotations

import mmap
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import NotVcfError, TruncatedInputError
from ..kernels.bgzf import walk_blocks

_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_BLOCK = struct.Struct("<I6xHHHH")  # magic with the extra-field flag, length of the extra fields, the first of them
_FIELD = struct.Struct("<HHH")
_SIZE = struct.Struct("<I")
_WALKED = 4096  # blocks found at a time
_RELEASED = 1 << 24  # bytes of a file that are let go of at once


class MappedFile:
    """A file in memory, mapped; ``kind`` is plain, gzip or bgzf by its first bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            if size == 0:
                raise NotVcfError(f"{path}: the file is empty")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.data = memoryview(self._map)
        self._released = 0
        self.size = len(self.data)
        self.kind = _kind(self.data)

    def release(self, size: int) -> None:
        """Let go of the first ``size`` bytes of the file, or most: what was read must not pile up in memory."""
        size = min(size, self.size)
        size -= size % mmap.PAGESIZE
        if size - self._released >= _RELEASED:
            self._map.madvise(mmap.MADV_DONTNEED, self._released, size - self._released)
            self._released = size

    def forget(self) -> None:
        """Let go of all that was read; it is read again where it is needed."""
        self._map.madvise(mmap.MADV_DONTNEED)

    def check_blocks(self) -> None:
        """Walk over all BGZF blocks, if it is BGZF. Raises TruncatedInputError."""
        if self.kind == "bgzf":
            deque(self.blocks(), 0)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """File and text offset of every BGZF block, and of the end. Raises TruncatedInputError."""
        for offsets in self.walks():
            yield from zip(*offsets.tolist(), strict=True)

    def walks(self) -> Iterator[NDArray[np.int64]]:
        """``blocks``, many at a time: (2, blocks) file and text offsets, the end last. Raises TruncatedInputError."""
        if bytes(self.data[-28:]) != _BGZF_END:
            raise TruncatedInputError(f"{self.path}: {self._without_end()}; copy it again")
        at, text = 0, 0
        data, offsets = np.frombuffer(self.data, np.uint8), np.empty((2, _WALKED), np.int64)
        while at < self.size:
            num, at, text = walk_blocks(data, at, text, offsets)
            if num:
                yield offsets[:, :num].copy()
            if num == _WALKED or at == self.size:
                continue
            # Of another form, or damaged.
            yield np.array([[at], [text]])
            size = _bgzf_block_size(self.data, at)
            if size == 0 or at + size > self.size:
                raise TruncatedInputError(f"{self.path}: no BGZF block at byte {at}: the file is damaged or cut off")
            text += _SIZE.unpack_from(self.data, at + size - 4)[0]
            at += size
        yield np.array([[at], [text]])

    def _without_end(self) -> str:
        """What is wrong with a BGZF file that does not end in the end marker."""
        behind = self._map.rfind(_BGZF_END) + 28
        if behind < 28 or _bgzf_block_size(self.data, behind):
            return f"the BGZF end marker is missing at byte {self.size}: the file is cut off"
        return f"{self.size - behind:,} bytes stand behind the BGZF end marker, from byte {behind}: the file is padded"

    def damage(self, error: BaseException, first: int) -> str:
        """Say where the compressed file fails at or behind the block at byte ``first``."""
        return damage_text(error, self.bad_block(first) if self.kind == "bgzf" else None)

    def bad_block(self, at: int) -> int | None:
        """The first BGZF block at or behind byte ``at`` that is none, or does not inflate."""
        while at < self.size:
            size = _bgzf_block_size(self.data, at)
            try:
                zlib.decompress(self.data[at : at + max(size, 1)], 31)
            except zlib.error:
                return at
            at += size
        return None


def damage_text(error: BaseException, at: int | None) -> str:
    """Say that a file cannot be decompressed: at byte ``at``, or where the error says."""
    place = f"at byte {at}" if at is not None else f"({str(error) or 'the file is cut off'})"
    return f"cannot be decompressed {place}; copy the file again"


def _bgzf_block_size(data: memoryview, at: int) -> int:
    """Bytes of the BGZF block at ``at`` (its BC field says), or 0 where there is none."""
    if at + 26 > len(data):
        return 0
    magic, extra, key, length, size = _BLOCK.unpack_from(data, at)
    if magic != 0x04088B1F:
        return 0
    if key == 0x4342 and length == 2:
        return int(size) + 1
    field, end = at + 12, min(at + 12 + extra, len(data) - 6)
    while field < end:
        key, length, size = _FIELD.unpack_from(data, field)
        if key == 0x4342 and length == 2:
            return int(size) + 1
        field += 4 + length
    return 0


def _kind(data: memoryview) -> str:
    if bytes(data[:2]) != b"\x1f\x8b":
        return "plain"
    if len(data) > 18 and data[3] & 4 and bytes(data[12:14]) == b"BC":
        return "bgzf"
    return "gzip"
