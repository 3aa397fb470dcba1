"""BCF files, read as text: their records become lines of VCF in bulk, in the threads that scan them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, NotVcfError, TruncatedInputError
from ..kernels import bcf_text as _bcf
from .bgzf import MappedFile
from .text import INFLATE_ERRORS, ByteReader, Piece, PlainReader, RecordError, inflating_reader

SLAB = 1 << 22  # bytes of records that become one piece, or one record where that is larger
_HEADROOM = 1 << 20  # in front of what is inflated, for the beginning of its first record
_PADDING = 64
_SPARE = 1 << 16  # a buffer serves stretches that are some blocks longer, too
_AHEAD = 3  # stretches that are inflated before they are asked for
_MAX_RECORD = 1 << 31
_LINE = re.compile(r"##(FILTER|INFO|FORMAT|contig)=<(.*)>$")
_ID = re.compile(r"(?:^|,)ID=([^,]*)")
_INDEX = re.compile(r",IDX=(\d+)$")
T = TypeVar("T")


@dataclass(frozen=True)
class _Dictionary:
    """Names by number, as kernels take them; a number without a name has an empty one."""

    text: NDArray[np.uint8]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, names: Sequence[str]) -> _Dictionary:
        encoded = [name.encode() for name in names]
        starts = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
        return cls(np.frombuffer(bytearray(b"".join(encoded) or b"\0"), np.uint8), starts)


@dataclass(frozen=True)
class BcfHeader:
    """What records refer to: the dictionary of strings, that of contigs, and the number of samples.

    gt_key : number of GT, -1 where it is not declared
    """

    strings: _Dictionary
    contigs: _Dictionary
    num_samples: int
    gt_key: int

    @classmethod
    def parse(cls, text: str) -> BcfHeader:
        """Read the declarations in order, and their IDX (VCF specification, section "Dictionary of strings")."""
        strings: dict[int, str] = {0: "PASS"}
        contigs: dict[int, str] = {}
        for line in text.split("\n"):
            found = _LINE.match(line)
            name = _ID.search(found[2]) if found else None
            if found is None or name is None:
                continue
            names = contigs if found[1] == "contig" else strings
            index = _INDEX.search(found[2])
            if index is None and name[1] in names.values():
                continue
            names[int(index[1]) if index else len(names)] = name[1]
        columns = text.rstrip("\n").rpartition("\n")[2].split("\t")
        gt_key = next((index for index, name in strings.items() if name == "GT"), -1)
        return cls(_dense(strings), _dense(contigs), max(0, len(columns) - 9), gt_key)


def _dense(names: dict[int, str]) -> _Dictionary:
    most = max(names, default=-1)
    if most > 1 << 20:
        raise ValueError(f"IDX={most} is beyond any dictionary")
    return _Dictionary.of([names.get(index, "") for index in range(most + 1)])


class BcfFile(MappedFile):
    """A file of BCF: its header, and its records as pieces of text. Raises NotVcfError, TruncatedInputError."""

    crlf = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        blocks = np.concatenate([*self.walks()], axis=1).T if self.kind == "bgzf" else np.zeros((1, 2), np.int64)
        self._file_at, self._text_at = blocks[:, 0], blocks[:, 1]
        self._used: SimpleQueue[NDArray[np.uint8]] = SimpleQueue()
        head, _ = self._open()
        if bytes(head[:3]) != b"BCF" or head[3] != 2 or head[4] > 2:
            raise NotVcfError(f"{path}: no BCF 2: found {bytes(head[:5])!r}, expected b'BCF\\x02\\x02'")
        size = int.from_bytes(head[5:9], "little")
        if len(head) < 9 + size:
            raise TruncatedInputError(f"{path}: the file is cut off in its header; copy it again")
        try:
            text = bytes(head[9 : 9 + size]).rstrip(b"\0").decode()
            self._header = BcfHeader.parse(text)
        except UnicodeDecodeError:
            raise InputError(f"{path}: the header is not UTF-8") from None
        except ValueError as error:
            raise NotVcfError(f"{path}: no BCF that can be read: {error}") from None
        self._header_size = 9 + size
        # The text that a VCF would have: IDX is BCF's own.
        self.header_text = re.sub(r",IDX=\d+>(?=\n|$)", ">", text.rstrip("\n") + "\n")

    def _open(self) -> tuple[memoryview, ByteReader]:
        """The inflated bytes up to the end of the header and some more, and a reader of what follows."""
        reader: ByteReader = PlainReader(self.data) if self.kind == "plain" else inflating_reader(self.data)
        head = self._read(reader, 9)
        if len(head) < 9:
            raise TruncatedInputError(f"{self.path}: the file is cut off in its header; copy it again")
        size = int.from_bytes(head[5:9], "little")
        return memoryview(head + self._read(reader, min(size, _MAX_RECORD))), reader

    def _read(self, reader: ByteReader, size: int) -> bytearray:
        """So many bytes, fewer at the end of the file."""
        out = bytearray()
        buffer = memoryview(bytearray(min(size, 1 << 20) or 1))
        try:
            while len(out) < size:
                got = reader.readinto(buffer[: size - len(out)])
                if got == 0:
                    break
                out += buffer[:got]
        except INFLATE_ERRORS as error:
            raise TruncatedInputError(f"{self.path}: {self.damage(error, 0)}") from None
        return out

    def first_contig(self) -> str | None:
        """CHROM of the first record, or None where there is none."""
        for piece in self.pieces(1):
            return bytes(piece.text()).partition(b"\t")[0].decode(errors="replace")
        return None

    def line_blocks(self) -> Iterator[memoryview]:
        """The records as blocks of whole lines. Raises TruncatedInputError, InputError."""
        number = 1
        for piece in self.pieces():
            try:
                yield piece.text()
            except RecordError as error:
                raise InputError(f"{self.path}, record {number + error.row}: {error}") from None
            number += piece.num_records

    def pieces(
        self, slab: int = SLAB, begin: tuple[int, int] | None = None, limit: int | None = None,
        pool: ThreadPoolExecutor | None = None,
    ) -> Iterator[BcfPiece]:  # fmt: skip
        """Cut the records into pieces. Raises TruncatedInputError, InputError.

        begin : ``following`` of a piece; None: the first record    limit : stop when so many bytes were read
        pool : inflates what comes next, if there is one
        """
        at, num_before = begin or self.first_record
        number, read = num_before + 1, at
        told = 0 if num_before == 0 else self._place_of(at)
        rest, held = np.empty(0, np.uint8), _Stretches()
        for stretch, at_end in self._stretches(at, slab, limit, pool):
            held.add(stretch)
            read += stretch.size
            if held.size < len(rest) and not at_end:
                continue  # a record of many stretches: looked at once it is twice as long, so not too often
            buffer = held.take_behind(rest)
            used = len(buffer) - _PADDING
            end, num = _bcf.last_record_end(buffer, 0, used)
            rest = buffer[end:used].copy()
            number += num
            if num:
                place = self._place_of(read - len(rest))
                following = None if at_end and not len(rest) else (read - len(rest), number - 1)
                yield BcfPiece(self._header, buffer, end, num, place - told, following, self._used.put)
                told = place
            if at_end and len(rest):
                raise TruncatedInputError(f"{self.path}, record {number}: the file ends in it; copy it again")
            if len(rest) > _MAX_RECORD:
                raise InputError(f"{self.path}, record {number}: over {_MAX_RECORD:,} bytes, the most that is read")
            if limit is not None and read - len(rest) - at >= limit:
                return

    @property
    def first_record(self) -> tuple[int, int]:
        """Where the first record is in the inflated bytes, and how many are before it."""
        return self._header_size, 0

    def _stretches(
        self, at: int, size: int, limit: int | None, pool: ThreadPoolExecutor | None
    ) -> Iterator[tuple[_Stretch, bool]]:
        """The inflated bytes from ``at`` on, ``size`` or some more at once, and whether they are the last."""
        if self.kind != "bgzf":
            reader = self._open()[1] if self.kind == "gzip" else PlainReader(self.data[at:])
            at_end = False
            while not at_end:
                stretch = self._inflate(reader, size)
                at_end = stretch.size < size
                yield stretch, at_end
            return
        ahead: deque[Future[_Stretch]] = deque()
        end = int(self._text_at[-1])
        begin, given = at, 0
        while ahead or begin < end:
            # Not far beyond the limit: what is inflated there is inflated again.
            while begin < end and len(ahead) < _AHEAD and (not ahead or limit is None or begin - at < limit):
                stop = int(self._text_at[np.searchsorted(self._text_at, min(begin + size, end))])
                ahead.append(_done_by(pool, self._inflate_from, begin, stop - begin))
                begin = stop
            stretch = ahead.popleft().result()
            given += stretch.size
            yield stretch, at + given == end

    def _inflate_from(self, at: int, size: int) -> _Stretch:
        """``size`` inflated bytes of a BGZF from ``at`` on."""
        block = int(np.searchsorted(self._text_at, at, "right")) - 1
        reader = inflating_reader(self.data[int(self._file_at[block]) :])
        self._read(reader, at - int(self._text_at[block]))
        stretch = self._inflate(reader, size)
        if stretch.size < size:
            raise TruncatedInputError(f"{self.path}: {self.damage(EOFError(), int(self._file_at[block]))}")
        return stretch

    def _buffer(self, size: int) -> NDArray[np.uint8]:
        """A buffer of ``size`` at least: one that was used before if there is, as fresh memory costs as much again."""
        try:
            buffer = self._used.get_nowait()
        except Empty:
            return np.empty(size + _SPARE, np.uint8)
        return buffer if len(buffer) >= size else np.empty(size + _SPARE, np.uint8)

    def _inflate(self, reader: ByteReader, size: int) -> _Stretch:
        """The next ``size`` inflated bytes, fewer at the end of the file."""
        stretch = _Stretch(self._buffer(_HEADROOM + size + _PADDING), 0)
        view = stretch.buffer.data[_HEADROOM : _HEADROOM + size]
        try:
            while stretch.size < size and (got := reader.readinto(view[stretch.size :])):
                stretch.size += got
        except INFLATE_ERRORS as error:
            raise TruncatedInputError(f"{self.path}: {self.damage(error, 0)}") from None
        return stretch

    def _place_of(self, text_at: int) -> int:
        """The byte of the file that a byte of what it inflates to comes from: its block's first."""
        if self.kind == "plain":
            return text_at
        return int(self._file_at[max(0, int(np.searchsorted(self._text_at, text_at, "right")) - 1)])


@dataclass
class _Stretch:
    """Inflated bytes, with room in front for ``_HEADROOM`` and behind for ``_PADDING``."""

    buffer: NDArray[np.uint8]
    size: int


class _Stretches:
    """Stretches that follow one another."""

    def __init__(self) -> None:
        self._held: list[_Stretch] = []

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(stretch.size for stretch in self._held)

    def add(self, stretch: _Stretch) -> None:
        self._held.append(stretch)

    def take_behind(self, rest: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``rest`` and all stretches in one piece, with ``_PADDING`` behind; then there are none."""
        held, self._held = self._held, []
        if len(held) == 1 and len(rest) <= _HEADROOM:
            buffer, first = held[0].buffer, _HEADROOM - len(rest)
            buffer[first:_HEADROOM] = rest
            return buffer[first : _HEADROOM + held[0].size + _PADDING]
        parts = [stretch.buffer[_HEADROOM : _HEADROOM + stretch.size] for stretch in held]
        return np.concatenate([rest, *parts, np.zeros(_PADDING, np.uint8)])


def _done_by(pool: ThreadPoolExecutor | None, function: Callable[..., T], *arguments: Any) -> Future[T]:
    """Call in a thread of the pool, or here if there is none."""
    if pool is not None:
        return pool.submit(function, *arguments)
    done: Future[T] = Future()
    try:
        done.set_result(function(*arguments))
    except InputError as error:
        done.set_exception(error)
    return done


@dataclass(frozen=True)
class BcfPiece:
    """Some whole records, which become text when a thread takes them up.

    records : uint8, with ``_PADDING`` bytes behind ``end``
    compressed : bytes of the file they stand for
    following : where the next record begins in the inflated bytes, and how many are before it; None: the file ends
    reuse : takes the buffer that ``records`` is in when nobody reads them any more
    """

    header: BcfHeader
    records: NDArray[np.uint8]
    end: int
    num_records: int
    compressed: int
    following: tuple[int, int] | None
    reuse: Callable[[NDArray[np.uint8]], None]

    def done(self) -> None:
        """The records are not read again: their memory may be used for others."""
        whole = self.records.base
        if isinstance(whole, np.ndarray):
            self.reuse(whole)

    def prepared(self, beside: bool = False) -> Piece:
        """The piece as text, made while it is read: reading raises RecordError."""
        piece = Piece(_LineReader(self, beside), 0, None, True, False, self.compressed)
        return replace(piece, records=self.records) if beside else piece

    def text(self) -> memoryview:
        """The records as lines of VCF. Raises RecordError."""
        out = np.empty((_bcf.GROWTH + 4) * self.end + (1 << 20), np.uint8)  # room that is not needed costs nothing
        begin, used = 0, 0
        while True:
            begin, written = self.put_lines(begin, out[used:])
            used += written
            if begin == self.end:
                return out.data[:used]
            larger = np.empty(2 * len(out), np.uint8)
            larger[:used] = out[:used]
            out = larger

    def put_lines(self, begin: int, out: NDArray[np.uint8], beside: bool = False) -> tuple[int, int]:
        """Write records from ``begin`` on as lines, while there is room; return the next and the bytes written.

        beside : plain calls stay where they are, as ``kernels.bcf_calls`` says    Raises RecordError.
        """
        header = self.header
        status, begin, written = _bcf.put_records(
            self.records, begin, self.end, header.num_samples, header.strings.text, header.strings.starts,
            header.contigs.text, header.contigs.starts, header.gt_key, out, beside,
        )  # fmt: skip
        if status == _bcf.BAD_RECORD:
            row = _bcf.last_record_end(self.records, 0, begin)[1]
            raise RecordError(row, "the record is damaged, or not one of the header that the file has")
        return begin, written


class _LineReader:
    """The lines of a piece, a buffer at a time: they are read while they are in the cache. Raises RecordError."""

    def __init__(self, piece: BcfPiece, beside: bool) -> None:
        self._piece, self._begin, self._beside = piece, 0, beside
        # Lines that did not fit into the reader's buffer.
        self._lines = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        piece = self._piece
        size = 1 << 20
        while not self._lines and self._begin < piece.end:
            self._begin, written = piece.put_lines(self._begin, np.frombuffer(buffer, np.uint8), self._beside)
            if written:
                return written
            lines = np.empty(size, np.uint8)
            self._begin, written = piece.put_lines(self._begin, lines, self._beside)
            self._lines = lines.data[:written]
            size *= 2
        size = min(len(buffer), len(self._lines))
        buffer[:size] = self._lines[:size]
        self._lines = self._lines[size:]
        return size
