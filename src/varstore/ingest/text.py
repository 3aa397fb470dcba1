"""Files of VCF text: BGZF, gzip or plain, cut into pieces that threads read independently.

A piece owns the lines that begin behind a newline of its own (the first piece: its first line too), so
it skips to its first newline and reads past its end to finish its last line. Plain gzip cannot be
entered in the middle: one thread inflates it and hands out pieces of whole lines.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, NotVcfError, TruncatedInputError
from .bgzf import MappedFile

try:
    # The reader below gzip_ng's buffered file: inflates many members a call into our buffer.
    from zlib_ng.zlib_ng import _GzipReader as _FastGzipReader
    from zlib_ng.zlib_ng import decompressobj as _inflater
    from zlib_ng.zlib_ng import error as _fast_error
except ImportError:
    _FastGzipReader = None
    _inflater = zlib.decompressobj
    _fast_error = zlib.error

PIECE_SIZE = 1 << 26  # uncompressed bytes
STREAM_PIECE_SIZE = 1 << 24
INFLATE_ERRORS = (zlib.error, _fast_error, EOFError, OSError)


class ByteReader(Protocol):
    """Anything that fills a buffer, some of it at least until there is no more."""

    def readinto(self, buffer: memoryview) -> int: ...


class DamagedError(EOFError):
    """Compressed data end or break where they should not; the message says at which byte."""


class _MemberReader:
    """Inflates the gzip members of ``data`` one after another, and knows where it is.

    zlib-ng's buffered reader passes over zeros behind a member, and says of no error where it is.
    """

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0
        self._inflater = _inflater(31)
        self._between = True

    def readinto(self, buffer: memoryview) -> int:
        while self._at < len(self._data):
            if self._between and not b"\x1f\x8b".startswith(self._data[self._at : self._at + 2]):
                raise DamagedError(f"no gzip member at byte {self._at}: the file is padded or damaged there")
            window = self._data[self._at : self._at + (1 << 15)]
            try:
                out = self._inflater.decompress(window, len(buffer))
            except (zlib.error, _fast_error) as error:
                raise DamagedError(f"damaged at byte {self._at} or in the 32,768 behind it: {error}") from None
            left = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            self._at += len(window) - len(left)
            self._between = self._inflater.eof
            if self._inflater.eof:
                self._inflater = _inflater(31)
            if out:
                buffer[: len(out)] = out
                return len(out)
        if not self._between:
            raise DamagedError(f"the last gzip member is cut off at byte {len(self._data)}")
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
    return _MemberReader(data) if _FastGzipReader is None else _FastGzipReader(data, 1 << 17)


def _nowhere() -> None:
    return None


class RecordError(Exception):
    """A record that cannot become text; ``row`` counts from 0 in its piece."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


@dataclass
class Piece:
    """A stretch of text for one thread.

    skip : bytes in front that are not its own (the header)
    length : its bytes, after ``skip``; None: whole lines to the end of the reader
    starts_line : it begins at the beginning of a line
    overlaps : the line behind its end is its own too
    compressed : bytes of the file it stands for, for the progress bar
    find_damage : the byte of the file where inflating fails, None where the reader's error says it
    records : uint8, where the calls are that stay beside their lines (``kernels.bcf_calls``); empty: all is text
    """

    reader: ByteReader
    skip: int
    length: int | None
    starts_line: bool
    overlaps: bool
    compressed: int
    find_damage: Callable[[], int | None] = _nowhere
    records: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    def prepared(self, beside: bool = False) -> Piece:
        """The piece as text; called by the thread that scans it. Reading it may raise RecordError.

        beside : calls may stay in ``records``
        """
        return self

    def done(self) -> None:
        """The piece is not read again."""


class Cut(NamedTuple):
    """Where a piece is.

    first, last : offsets in the file of its first block, and behind its last
    first_at : offset in the text of the first block    begin, end : offsets in the text of the piece
    """

    first: int
    first_at: int
    begin: int
    end: int
    last: int


class Preparable(Protocol):
    """A piece, or what becomes one."""

    @property
    def compressed(self) -> int: ...
    def prepared(self, beside: bool = False) -> Piece: ...
    def done(self) -> None: ...


def plain_piece(text: memoryview) -> Piece:
    """A piece of whole lines in memory."""
    return Piece(PlainReader(text), 0, len(text), True, False, 0)


class TextFile(MappedFile):
    """A file of VCF text: its header, and its pieces."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.crlf = False  # of the header
        self.header_text, self._header_size = self._read_header()

    def _reader(self, offset: int = 0) -> ByteReader:
        if self.kind == "plain":
            return PlainReader(self.data[offset:])
        return _MemberReader(self.data) if self.kind == "gzip" else inflating_reader(self.data[offset:])

    def _read_header(self) -> tuple[str, int]:
        """The header's text, to the first line that does not begin with ``##``, and its bytes."""
        reader, head = self._reader(), bytearray()
        buffer = memoryview(bytearray(1 << 16))
        begin = 0
        while True:
            try:
                size = reader.readinto(buffer)
            except INFLATE_ERRORS as error:
                self.check_blocks()  # says first what is wrong at the end
                raise TruncatedInputError(f"{self.path}: {self.damage(error, 0)}") from None
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
        self.crlf = "\r\n" in text
        return text.replace("\r\n", "\n"), size

    def first_contig(self) -> str | None:
        """CHROM of the first record, or None where there is none."""
        reader = self._reader()
        rest = bytes(self._after_header(reader))
        buffer = memoryview(bytearray(1 << 12))
        try:
            while b"\t" not in rest and (size := reader.readinto(buffer)):
                rest += buffer[:size]
        except INFLATE_ERRORS:
            return None  # said where the records are read
        return rest.partition(b"\t")[0].decode(errors="replace") if rest else None

    def pieces(self, piece_size: int = PIECE_SIZE) -> Iterator[Piece]:
        """Cut what follows the header. Raises TruncatedInputError, InputError."""
        return self._stream_pieces() if self.kind == "gzip" else map(self.piece, self.cuts(piece_size))

    def piece(self, cut: Cut) -> Piece:
        """The piece that a cut stands for."""
        damage = partial(self.bad_block, cut.first) if self.kind == "bgzf" else _nowhere
        starts_line, size = cut.begin == self._header_size, cut.last - cut.first
        return Piece(
            self._reader(cut.first), cut.begin - cut.first_at, cut.end - cut.begin, starts_line, True, size, damage
        )

    def cuts(self, piece_size: int = PIECE_SIZE) -> Iterator[Cut]:
        """Where to cut BGZF or plain text: the same for the same file. Raises TruncatedInputError."""
        blocks = self._plain_blocks() if self.kind == "plain" else self.blocks()
        # The piece so far: file offset and text offset of its first block, and where it begins in the text.
        first, first_at, begin = 0, 0, self._header_size
        for offset, at in blocks:
            if at <= self._header_size:
                first, first_at = offset, at
            elif at - begin >= piece_size or offset == self.size:
                if at > begin:
                    yield Cut(first, first_at, begin, at, offset)
                first, first_at, begin = offset, at, at

    def _plain_blocks(self) -> Iterator[tuple[int, int]]:
        """Places where a piece of plain text may begin, and its end: (file offset, text offset)."""
        for offset in [*range(0, self.size, 1 << 16), self.size]:
            yield offset, offset

    def _stream_pieces(self) -> Iterator[Piece]:
        return map(plain_piece, self.line_blocks())

    def line_blocks(self) -> Iterator[memoryview]:
        """Inflate in order, and cut behind newlines. Raises TruncatedInputError."""
        self.check_blocks()
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
                raise TruncatedInputError(f"{self.path}: {self.damage(error, 0)}") from None
            cut = buffer.rfind(b"\n", 0, used) + 1 if size else used
            rest = bytes(memoryview(buffer)[cut:used])
            if cut:
                self.forget()
                yield memoryview(buffer)[:cut]

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
