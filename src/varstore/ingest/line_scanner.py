"""Lines of a file read once for what is asked of them, piece by piece: the common part of such readers."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..kernels import person as _person
from ..model.contigs import resolve
from ..storage.reference import Sequences
from .bcf import BcfFile
from .bgzf import damage_text
from .inputs import Input
from .records import BLANK_LINE, Fault, PieceScanner, ScanPlan, ScanResult, fault_error
from .text import INFLATE_ERRORS, Preparable, RecordError, TextFile

_PIECE = 1 << 23
_NOTHING = np.zeros(0, np.uint8)


class Places:
    """The contigs of a file in the table of a repository; those that it does not have stand behind its end.

    lengths : of the contigs that the header declares    table : as of ``model.contigs.resolve``
    sequences : the bases of a contig of the table by name; None: there is no FASTA

    Raises ContigLengthError. Safe from several threads.
    """

    def __init__(
        self, lengths: Mapping[str, int | None], table: Sequence[Mapping[str, Any]], file: str,
        sequences: Sequences | None = None,
    ) -> None:  # fmt: skip
        self._file, self._sequences = file, sequences
        self._known = len(table)
        places, self._table = resolve(lengths, table, file)
        self._places = dict(zip(lengths, places, strict=True))
        self._lock = threading.Lock()
        self._kept: dict[int, NDArray[np.uint8]] = {}

    @property
    def names(self) -> list[str]:
        """Names of the contigs by place."""
        return [str(entry["name"]) for entry in self._table]

    @property
    def found(self) -> list[str]:
        """Names of the contigs in the file: those it declares, then others that it has."""
        with self._lock:
            return list(self._places)

    def find(self, name: str) -> tuple[int, NDArray[np.uint8]]:
        """The place of a contig, and its bases if they are known."""
        with self._lock:
            if name not in self._places:
                taken = set(self._places.values())
                free = [entry for i, entry in enumerate(self._table) if i not in taken or entry["name"] == name]
                (place,), found = resolve({name: None}, free, self._file)
                if place == len(free):
                    self._table.append(found[-1])
                    self._places[name] = len(self._table) - 1
                else:
                    self._places[name] = self._table.index(free[place])
            place = self._places[name]
            return place, self._bases(place)

    def _bases(self, place: int) -> NDArray[np.uint8]:
        if self._sequences is None or place >= self._known:
            return _NOTHING
        if place not in self._kept:
            while len(self._kept) > 1:  # the contig before is still read by another thread
                self._kept.pop(next(iter(self._kept)))
            self._kept[place] = self._sequences(str(self._table[place]["name"]))
        return self._kept[place]


class Part(ScanResult):
    """What came out of a piece."""

    def __init__(self, compressed: int) -> None:
        super().__init__([], compressed)
        self.num_records = 0
        self.used_text = 0


P = TypeVar("P", bound=Part)


class LineScanner(PieceScanner, Generic[P]):
    """Reads pieces of one file, one thread, one at a time; what it looks for is its subclass's."""

    def __init__(self, plan: ScanPlan, places: Places) -> None:
        self.plan, self.places = plan, places
        self.buffer = np.zeros((1 << 20) + 64, np.uint8)
        self.scratch = np.zeros(len(self.buffer) + 128, np.uint8)
        self.cursors = np.zeros(_person.NUM_CURSORS, np.int64)
        self.fault = np.zeros(2, np.int64)

    @abstractmethod
    def new_part(self, compressed: int) -> P:
        """What the next piece is put into."""

    @abstractmethod
    def scan_lines(self, begin: int, end: int) -> tuple[int, int]:
        """Read the whole lines of the buffer: status of ``kernels.person``, and how far they were read."""

    @abstractmethod
    def hand_over(self, part: P) -> None:
        """Copy out what was read, and start again."""

    @abstractmethod
    def make_room(self) -> None:
        """Make room for a line that does not fit though nothing was read."""

    def enter_contig(self, name: str) -> None:
        """The lines that come are of another contig."""
        self.contig, self.sequence = self.places.find(name)

    def scan_piece(self, unprepared: Preparable) -> P:
        """Read a piece's lines. A fault of the input is in the result; its line is counted from 0."""
        part = self.new_part(unprepared.compressed)
        self.cursors[:] = 0
        self.chrom, self.contig, self.sequence = _NOTHING, -1, _NOTHING
        piece = unprepared.prepared()
        try:
            self._scan_piece(piece, part)
        except RecordError as error:
            part.fault = Fault(error.row, str(error))
        except _BadLineError as error:
            part.fault = Fault(self._row(part), str(error))
        except INFLATE_ERRORS as error:
            part.fault = Fault(self._row(part), f"the file {damage_text(error, piece.find_damage())}")
        self._hand_over(part)
        return part

    def _row(self, part: P) -> int:
        return int(part.num_records + self.cursors[_person.NUM_RECORDS])

    def _hand_over(self, part: P) -> None:
        self.hand_over(part)
        part.num_records += int(self.cursors[_person.NUM_RECORDS])
        self.cursors[:] = 0

    def _scan_buffer(self, begin: int, end: int, result: Any) -> int:
        if len(self.scratch) < len(self.buffer) + 128:
            self.scratch = np.zeros(len(self.buffer) + 128, np.uint8)
        while True:
            before = self.cursors[: _person.NUM_RECORDS + 1].any()
            status, begin = self.scan_lines(begin, end)
            if status == _person.DONE:
                break
            if status == _person.NEED_ROOM:
                if not before and not self.cursors[: _person.NUM_RECORDS + 1].any():
                    self.make_room()
                self._hand_over(result)
            elif status == _person.NEW_CONTIG:
                self._hand_over(result)
                name = bytes(self.buffer[begin:end][: 1 << 12]).partition(b"\t")[0]
                self.enter_contig(name.decode(errors="replace"))
                self.chrom = np.frombuffer(bytearray(name), np.uint8)
            elif status == _person.BLANK_LINE:
                if not np.isin(self.buffer[begin:end], (10, 13)).all():
                    raise _BadLineError(BLANK_LINE)
                begin = end
                break
            else:
                raise _BadLineError(self.fault_text(status, begin, end))
        left = end - begin
        self.buffer[:left] = self.buffer[begin:end].copy()
        return left

    def fault_text(self, status: int, begin: int, end: int) -> str:
        """The sentence for a fault of the line at ``begin``."""
        line = bytes(self.buffer[begin:end]).partition(b"\n")[0].rstrip(b"\r")
        columns = line.split(b"\t")
        if status == _person.BAD_COLUMNS:
            expected = 8 + self.plan.has_format + len(self.plan.sample_names)
            return f"{len(columns)} columns, the header has {expected}; columns are separated by one tab"
        if status == _person.BAD_POSITION:
            return f"POS is {shown(columns[1])}, expected a number from 0 to 2,147,483,647"
        return "CHROM, REF or ALT is empty"


class _BadLineError(Exception):
    """A fault of the input inside a piece."""


def shown(text: bytes) -> str:
    """Some text of a file, as it is shown in a message."""
    return repr(text[:40].decode(errors="replace"))


def scan_file(
    source: Input, make_scanner: Callable[[], LineScanner[P]], threads: int, progress: Callable[[int], None]
) -> Iterator[P]:
    """The parts of a file in order, a few ahead. Raises InputError; the message says file and line."""
    scanners = threading.local()

    def work(piece: Preparable) -> P:
        if not hasattr(scanners, "scanner"):
            scanners.scanner = make_scanner()
        scanner: LineScanner[P] = scanners.scanner
        return scanner.scan_piece(piece)

    assert isinstance(source.text, TextFile | BcfFile)
    running: deque[Future[P]] = deque()
    pieces: Iterator[Preparable] = iter(source.text.pieces(_PIECE))
    num_rows, more = 0, True
    with ThreadPoolExecutor(threads, "genome") as pool:
        while more or running:
            while more and len(running) <= threads:
                piece = next(pieces, None)
                more = piece is not None
                if piece is not None:
                    running.append(pool.submit(work, piece))
            if running:
                part = running.popleft().result()
                if part.fault is not None:
                    raise fault_error(part.fault, source.place(num_rows + part.fault.row))
                num_rows += part.num_records
                progress(part.compressed)
                yield part
