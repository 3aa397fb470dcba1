"""Files of VCF text: BGZF, gzip or plain, cut into pieces that threads read independently.

A piece owns the lines that begin behind a newline of its own (the first piece: its first line too), so
it skips to its first newline and reads past its end to finish its last line. Plain gzip cannot be
entered in the middle: one thread inflates it and hands out pieces of whole lines.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import InputError, NotVcfError, TruncatedInputError

try:
    # The reader below gzip_ng's buffered file: inflates many members a call into our buffer.
    from zlib_ng.zlib_ng import _GzipReader as _FastGzipReader
    from zlib_ng.zlib_ng import error as _fast_error
except ImportError:
    _FastGzipReader = None
    _fast_error = zlib.error

PIECE_SIZE = 1 << 26  # uncompressed bytes
STREAM_PIECE_SIZE = 1 << 24
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_BLOCK = struct.Struct("<I6xHHHH")  # magic with the extra-field flag, length of the extra fields, the first of them
_FIELD = struct.Struct("<HHH")
_SIZE = struct.Struct("<I")
INFLATE_ERRORS = (zlib.error, _fast_error, EOFError, OSError)


class ByteReader(Protocol):
    """Anything that fills a buffer."""

    def readinto(self, buffer: memoryview) -> int: ...


class _ZlibReader:
    """Inflates the gzip members of ``data`` one after another with the standard library."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0
        self._inflater = zlib.decompressobj(31)
        self._between = True

    def readinto(self, buffer: memoryview) -> int:
        while self._at < len(self._data):
            window = self._data[self._at : self._at + (1 << 16)]
            out = self._inflater.decompress(window, len(buffer))
            left = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            self._at += len(window) - len(left)
            self._between = self._inflater.eof
            if self._inflater.eof:
                self._inflater = zlib.decompressobj(31)
            if out:
                buffer[: len(out)] = out
                return len(out)
        if not self._between:
            raise EOFError("the last gzip member is cut off")
        return 0


class PlainReader:
    """Copies ``data``."""

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def readinto(self, buffer: memoryview) -> int:
        size = min(len(buffer), len(self._data))
        buffer[:size] = self._data[:size]
        self._data = self._data[size:]
        return size


def inflating_reader(data: memoryview) -> ByteReader:
    """A reader of gzip members: zlib-ng's, or the standard library's where that is missing."""
    return _ZlibReader(data) if _FastGzipReader is None else _FastGzipReader(data, 1 << 17)


@dataclass
class Piece:
    """A stretch of text for one thread.

    skip : bytes in front that are not its own (the header)
    length : its bytes, after ``skip``
    starts_line : it begins at the beginning of a line
    overlaps : the line behind its end is its own too
    compressed : bytes of the file it stands for, for the progress bar
    """

    reader: ByteReader
    skip: int
    length: int
    starts_line: bool
    overlaps: bool
    compressed: int


class TextFile:
    """A file of VCF text: its header, and its pieces."""

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
        self.header_text, self._header_size = self._read_header()

    def _reader(self, offset: int = 0) -> ByteReader:
        return PlainReader(self.data[offset:]) if self.kind == "plain" else inflating_reader(self.data[offset:])

    def _read_header(self) -> tuple[str, int]:
        """The header's text, to the first line that does not begin with ``##``, and its bytes."""
        reader, head = self._reader(), bytearray()
        buffer = memoryview(bytearray(1 << 16))
        begin = 0
        while True:
            try:
                size = reader.readinto(buffer)
            except EOFError:
                raise TruncatedInputError(f"{self.path}: the file is cut off; copy it again") from None
            except INFLATE_ERRORS as error:
                raise InputError(f"{self.path}: cannot be decompressed ({error})") from None
            head += buffer[:size]
            while (newline := head.find(b"\n", begin)) >= 0:
                if not head.startswith(b"##", begin):
                    return self._header(head, newline + 1)
                begin = newline + 1
            if size == 0 or not head.startswith(b"##"[: len(head)]):
                return self._header(head, len(head))

    def _header(self, head: bytearray, size: int) -> tuple[str, int]:
        try:
            text = bytes(head[:size]).decode()
        except UnicodeDecodeError as error:
            line = head[: error.start].count(b"\n") + 1
            if line == 1:
                raise NotVcfError(f"{self.path}, line 1: no VCF: it is not text") from None
            raise InputError(f"{self.path}, line {line}: the header is not UTF-8") from None
        return text.replace("\r\n", "\n"), size

    def release(self, size: int) -> None:
        """Let go of the first ``size`` bytes of the file: what was read must not pile up in memory."""
        size -= size % mmap.PAGESIZE
        if size > self._released:
            self._map.madvise(mmap.MADV_DONTNEED, self._released, size - self._released)
            self._released = size

    def first_contig(self) -> str | None:
        """CHROM of the first record, or None where there is none."""
        reader = self._reader()
        rest = bytes(self._after_header(reader))
        buffer = memoryview(bytearray(1 << 12))
        while b"\t" not in rest and (size := reader.readinto(buffer)):
            rest += buffer[:size]
        return rest.partition(b"\t")[0].decode(errors="replace") if rest else None

    def pieces(self, piece_size: int = PIECE_SIZE) -> Iterator[Piece]:
        """Cut what follows the header. Raises TruncatedInputError, InputError."""
        if self.kind == "gzip":
            yield from self._stream_pieces()
            return
        blocks = self._plain_blocks() if self.kind == "plain" else self._bgzf_blocks()
        # The piece so far: file offset and text offset of its first block, and where it begins in the text.
        first, first_at, begin = 0, 0, self._header_size
        for offset, at in blocks:
            if at <= self._header_size:
                first, first_at = offset, at
            elif at - begin >= piece_size or offset == self.size:
                if at > begin:
                    starts_line = begin == self._header_size
                    yield Piece(self._reader(first), begin - first_at, at - begin, starts_line, True, offset - first)
                first, first_at, begin = offset, at, at

    def _plain_blocks(self) -> Iterator[tuple[int, int]]:
        """Places where a piece of plain text may begin, and its end: (file offset, text offset)."""
        for offset in [*range(0, self.size, 1 << 16), self.size]:
            yield offset, offset

    def _bgzf_blocks(self) -> Iterator[tuple[int, int]]:
        """File and text offset of every BGZF block, and of the end. Raises TruncatedInputError."""
        if bytes(self.data[-28:]) != _BGZF_END:
            raise TruncatedInputError(
                f"{self.path}: the BGZF end marker is missing at byte {self.size}: the file is cut off; copy it again"
            )
        at, text = 0, 0
        while at < self.size:
            yield at, text
            size = _bgzf_block_size(self.data, at)
            if size == 0 or at + size > self.size:
                raise TruncatedInputError(f"{self.path}: no BGZF block at byte {at}: the file is damaged or cut off")
            text += _SIZE.unpack_from(self.data, at + size - 4)[0]
            at += size
        yield at, text

    def _stream_pieces(self) -> Iterator[Piece]:
        """Inflate in order, and cut behind newlines."""
        reader = self._reader()
        rest: bytes | memoryview = self._after_header(reader)
        size = 1
        while size:
            buffer = bytearray(max(STREAM_PIECE_SIZE, 2 * len(rest)))
            buffer[: len(rest)] = rest
            used = len(rest)
            try:
                while used < len(buffer) and (size := reader.readinto(memoryview(buffer)[used:])):
                    used += size
            except INFLATE_ERRORS as error:
                raise TruncatedInputError(f"{self.path}: cannot be decompressed ({error})") from None
            cut = buffer.rfind(b"\n", 0, used) + 1 if size else used
            rest = bytes(memoryview(buffer)[cut:used])
            if cut:
                yield Piece(PlainReader(memoryview(buffer)[:cut]), 0, cut, True, False, 0)

    def _after_header(self, reader: ByteReader) -> memoryview:
        """Read up to the end of the header; return what was read past it."""
        left = self._header_size
        buffer = memoryview(bytearray(1 << 16))
        while left:
            size = reader.readinto(buffer)
            if size > left:
                return buffer[left:size]
            left -= size
        return buffer[:0]


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


def is_bcf(path: Path) -> bool:
    """Whether the file's (inflated) magic is BCF's."""
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    if head[:3] == b"BCF":
        return True
    if head[:2] != b"\x1f\x8b":
        return False
    try:
        return zlib.decompressobj(31).decompress(head, 3) == b"BCF"
    except zlib.error:
        return False
