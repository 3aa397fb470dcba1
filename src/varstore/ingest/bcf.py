"""BCF files, read as text: their records become lines of VCF in bulk, in the threads that scan them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, NotVcfError, TruncatedInputError
from ..kernels import bcf_text as _bcf
from .bgzf import MappedFile
from .text import INFLATE_ERRORS, ByteReader, Piece, PlainReader, RecordError, inflating_reader

SLAB = 1 << 22  # bytes of records that become one piece, or one record where that is larger
_PADDING = 64
_MAX_RECORD = 1 << 31
_LINE = re.compile(r"##(FILTER|INFO|FORMAT|contig)=<(.*)>$")
_ID = re.compile(r"(?:^|,)ID=([^,]*)")
_INDEX = re.compile(r",IDX=(\d+)$")


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
        blocks = np.array([*self.blocks()] if self.kind == "bgzf" else [(0, 0)], np.int64)
        self._file_at, self._text_at = blocks[:, 0], blocks[:, 1]
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
        self, slab: int = SLAB, begin: tuple[int, int] | None = None, limit: int | None = None
    ) -> Iterator[BcfPiece]:
        """Cut the records into pieces. Raises TruncatedInputError, InputError.

        begin : ``following`` of a piece; None: the first record    limit : stop when so many bytes were read
        """
        at, num_before = begin or self.first_record
        reader = self._open()[1] if begin is None else self._reader_at(at)
        rest = np.empty(0, np.uint8)
        number, at_end, read = num_before + 1, False, at
        told = 0 if num_before == 0 else self._place_of(at)
        while not at_end and (limit is None or read - len(rest) - at < limit):
            size = len(rest) + max(slab, len(rest))
            buffer = np.empty(size + _PADDING, np.uint8)
            buffer[: len(rest)] = rest
            used = self._fill(reader, buffer, len(rest), size)
            at_end = used < size
            read += used - len(rest)
            end, num = _bcf.last_record_end(buffer, 0, used)
            rest = buffer[end:used].copy()
            number += num
            if num:
                place = self._place_of(read - len(rest))
                following = None if at_end and not len(rest) else (read - len(rest), number - 1)
                yield BcfPiece(self._header, buffer, end, num, place - told, following)
                told = place
            if len(rest) > _MAX_RECORD:
                raise InputError(f"{self.path}, record {number}: over {_MAX_RECORD:,} bytes, the most that is read")
        if at_end and len(rest):
            raise TruncatedInputError(f"{self.path}, record {number}: the file ends in it; copy it again")

    @property
    def first_record(self) -> tuple[int, int]:
        """Where the first record is in the inflated bytes, and how many are before it."""
        return self._header_size, 0

    def _reader_at(self, at: int) -> ByteReader:
        """A reader of the inflated bytes from ``at``; not of gzip that is no BGZF."""
        if self.kind == "plain":
            return PlainReader(self.data[at:])
        block = int(np.searchsorted(self._text_at, at, "right")) - 1
        reader = inflating_reader(self.data[int(self._file_at[block]) :])
        self._read(reader, at - int(self._text_at[block]))
        return reader

    def _fill(self, reader: ByteReader, buffer: NDArray[np.uint8], begin: int, end: int) -> int:
        """Inflate into ``buffer[begin:end]``; where that ended, short of ``end`` at the end of the file."""
        view = buffer.data
        try:
            while begin < end and (got := reader.readinto(view[begin:end])):
                begin += got
        except INFLATE_ERRORS as error:
            raise TruncatedInputError(f"{self.path}: {self.damage(error, 0)}") from None
        return begin

    def _place_of(self, text_at: int) -> int:
        """The byte of the file that a byte of what it inflates to comes from: its block's first."""
        if self.kind == "plain":
            return text_at
        return int(self._file_at[max(0, int(np.searchsorted(self._text_at, text_at, "right")) - 1)])


@dataclass(frozen=True)
class BcfPiece:
    """Some whole records, which become text when a thread takes them up.

    records : uint8, with ``_PADDING`` bytes behind ``end``
    compressed : bytes of the file they stand for
    following : where the next record begins in the inflated bytes, and how many are before it; None: the file ends
    """

    header: BcfHeader
    records: NDArray[np.uint8]
    end: int
    num_records: int
    compressed: int
    following: tuple[int, int] | None

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
