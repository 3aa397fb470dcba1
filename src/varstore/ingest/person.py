"""One person out of a VCF or BCF: the alleles that are carried, as keys, and where the person is reference.

Pieces of the file are read in threads, each line once; no genotypes of others are kept.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

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
_ROWS = 1 << 16
_NOTHING = np.zeros(0, np.uint8)
_COUNTS = ("records", "called", "missing", "half", "reference", "without_gt", "unsure", "stand_ins")
_FIRST_COUNT = _person.NUM_RECORDS


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


@dataclass(frozen=True)
class Alleles:
    """Alleles that a person carries, one a row.

    contig : int32, place in the contig table    key, digest : uint64, as ``storage.keys`` has them
    num_ref, num_alt : int32, lengths of the normalised alleles
    text : int64, where their text (``REF>ALT``) begins in the arena, -1 where the key spells it
    record : int64, of the file, from 0    alt : int32, which of its ALT alleles, from 1
    zygosity : uint8, HET, HOM or HEMI of ``kernels.person``    whole : bool, no allele of the call is missing
    """

    contig: NDArray[np.int32]
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    num_ref: NDArray[np.int32]
    num_alt: NDArray[np.int32]
    text: NDArray[np.int64]
    record: NDArray[np.int64]
    alt: NDArray[np.int32]
    zygosity: NDArray[np.uint8]
    whole: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.key)

    @property
    def position(self) -> NDArray[np.int64]:
        """Normalised, 1-based."""
        return (self.key >> np.uint64(32)).astype(np.int64)

    def take(self, which: NDArray[Any] | slice) -> Alleles:
        """Some of them."""
        return Alleles(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True)
class PersonCalls:
    """What a file says of one person.

    alleles : in the order of the file    arena : uint8, text of long alleles
    stretches : (any, 4) int64: contig, 0-based start and end where the person is reference, RECORD or BLOCK
    counts : of records: all, called, missing, half (called in part), reference (called, reference alone), without_gt;
        unsure (reference blocks that are not callable); and of calls: stand_ins (``<NON_REF>`` and the like)
    """

    alleles: Alleles
    arena: NDArray[np.uint8]
    stretches: NDArray[np.int64]
    counts: dict[str, int]


@dataclass
class _Part(ScanResult):
    """What came out of a piece: lists of columns, as of PersonCalls."""

    def __post_init__(self) -> None:
        self.keys: list[NDArray[np.uint64]] = []
        self.facts: list[NDArray[np.int32]] = []
        self.contigs: list[tuple[int, int]] = []  # and how many alleles follow
        self.arenas: list[NDArray[np.uint8]] = []
        self.stretches: list[NDArray[np.int64]] = []
        self.counts = np.zeros(len(_COUNTS), np.int64)
        self.used_text = 0


class _PersonScanner(PieceScanner):
    """Reads pieces of one file, one thread, one at a time."""

    def __init__(self, plan: ScanPlan, column: int, places: Places, min_ref_gq: int) -> None:
        self.plan = plan
        self.buffer = np.zeros((1 << 20) + 64, np.uint8)
        self.column, self.places, self.min_ref_gq = column, places, min_ref_gq
        self.cursors = np.zeros(_person.NUM_CURSORS, np.int64)
        self.fault = np.zeros(2, np.int64)
        self.keys = np.zeros((_ROWS, 2), np.uint64)
        self.facts = np.zeros((_ROWS, _person.NUM_FACTS), np.int32)
        self.arena = np.zeros(1 << 18, np.uint8)
        self.stretches = np.zeros((_ROWS, 3), np.int64)
        self.scratch = np.zeros(len(self.buffer) + 128, np.uint8)

    def scan_person(self, unprepared: Preparable) -> _Part:
        """Read a piece's lines. A fault of the input is in the result; its line is counted from 0."""
        part = _Part([], unprepared.compressed)
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

    def _row(self, part: _Part) -> int:
        return int(part.counts[0] + self.cursors[_FIRST_COUNT])

    def _scan_buffer(self, begin: int, end: int, result: ScanResult) -> int:
        assert isinstance(result, _Part)
        if len(self.scratch) < len(self.buffer) + 128:
            self.scratch = np.zeros(len(self.buffer) + 128, np.uint8)
        is_last = self.column == 8 + len(self.plan.sample_names)
        while True:
            status, begin = _person.scan_person(
                self.buffer, begin, end, self.column, is_last, self.chrom, self.sequence, self.min_ref_gq,
                self.keys, self.facts, self.arena, self.stretches, self.cursors, self.scratch, self.fault,
            )  # fmt: skip
            if status == _person.DONE:
                break
            if status == _person.NEED_ROOM:
                if not self.cursors[_person.NUM_ALLELES] and not self.cursors[_person.NUM_STRETCHES]:
                    self.arena = np.zeros(2 * len(self.arena), np.uint8)
                self._hand_over(result)
            elif status == _person.NEW_CONTIG:
                self._hand_over(result)
                self._enter_contig(begin, end)
            elif status == _person.BLANK_LINE:
                if not np.isin(self.buffer[begin:end], (10, 13)).all():
                    raise _BadLineError(BLANK_LINE)
                begin = end
                break
            else:
                raise _BadLineError(self._fault_text(status, begin, end))
        left = end - begin
        self.buffer[:left] = self.buffer[begin:end].copy()
        return left

    def _enter_contig(self, begin: int, end: int) -> None:
        name = bytes(self.buffer[begin:end][: 1 << 12]).partition(b"\t")[0]
        self.contig, self.sequence = self.places.find(name.decode(errors="replace"))
        self.chrom = np.frombuffer(bytearray(name), np.uint8)

    def _hand_over(self, part: _Part) -> None:
        """Copy out what was read, and start again."""
        cursors = self.cursors
        num, text, stretches = (int(cursors[i]) for i in range(3))
        if num:
            facts = self.facts[:num].T.copy()
            facts[_person.TEXT] += np.where(facts[_person.TEXT] >= 0, np.int32(part.used_text), np.int32(0))
            facts[_person.RECORD_OF] += np.int32(part.counts[0])
            part.keys.append(self.keys[:num].T.copy())
            part.facts.append(facts)
            part.contigs.append((self.contig, num))
            part.arenas.append(self.arena[:text].copy())
            part.used_text += text
        if stretches:
            found = self.stretches[:stretches]
            part.stretches.append(np.column_stack([np.full(stretches, self.contig), found]))
        part.counts += cursors[_FIRST_COUNT:]
        cursors[:] = 0

    def _fault_text(self, status: int, begin: int, end: int) -> str:
        """The sentence for a fault of the line at ``begin``."""
        line = bytes(self.buffer[begin:end]).partition(b"\n")[0].rstrip(b"\r")
        columns = line.split(b"\t")
        if status == _person.BAD_COLUMNS:
            expected = 9 + len(self.plan.sample_names)
            return f"{len(columns)} columns, the header has {expected}; columns are separated by one tab"
        if status == _person.BAD_POSITION:
            return f"POS is {_shown(columns[1])}, expected a number from 0 to 2,147,483,647"
        if status == _person.BAD_TEXT:
            return "CHROM, REF or ALT is empty"
        name = self.plan.sample_names[self.column - 9]
        where = f"sample {name} (column {self.column + 1}): the call is {_shown(columns[self.column])}"
        if status == _person.BAD_ALLELE:
            return f"{where}, but the record has {columns[4].count(b',') + (columns[4] != b'.')} ALT alleles"
        return f"{where}, expected up to {_person.MOST_ALLELES} alleles separated by | or /"


class _BadLineError(Exception):
    """A fault of the input inside a piece."""


def _shown(text: bytes) -> str:
    return repr(text[:40].decode(errors="replace"))


def read_person(
    source: Input, sample: int, places: Places, threads: int, min_ref_gq: int,
    progress: Callable[[int], None] = lambda _: None,
) -> PersonCalls:  # fmt: skip
    """Read the calls of one person.

    sample : which of the file's    places : where its contigs are    progress : called with the bytes read since
    min_ref_gq : GQ from which a reference block is callable

    Raises InputError and its kinds; the message says file and line.
    """
    plan = ScanPlan(str(source.path), source.header.has_format, source.header.samples, 1)
    with ThreadPoolExecutor(threads, "genome") as pool:
        parts = list(_scanned(source, plan, 9 + sample, (places, min_ref_gq), pool, threads, progress))
    keys = [keys for part in parts for keys in part.keys]
    facts = [facts for part in parts for facts in part.facts]
    runs = np.array([run for part in parts for run in part.contigs], np.int64).reshape(-1, 2)
    contig = np.repeat(runs[:, 0], runs[:, 1]).astype(np.int32)
    arena = np.concatenate([_NOTHING, *(arena for part in parts for arena in part.arenas)])
    stretches = np.concatenate([np.zeros((0, 4), np.int64), *(each for part in parts for each in part.stretches)])
    counts = sum((part.counts for part in parts), np.zeros(len(_COUNTS), np.int64)).tolist()
    text, record = _whole(parts)
    alleles = Alleles(
        contig, _column(keys, 0, np.uint64), _column(keys, 1, np.uint64), _column(facts, _person.NUM_REF, np.int32),
        _column(facts, _person.NUM_ALT, np.int32), text, record, _column(facts, _person.ALT_OF, np.int32),
        _column(facts, _person.ZYGOSITY, np.uint8), _column(facts, _person.WHOLE, np.bool_),
    )  # fmt: skip
    return PersonCalls(alleles, arena, stretches, dict(zip(_COUNTS, counts, strict=True)))


def _column(parts: Sequence[NDArray[Any]], which: int, dtype: type) -> NDArray[Any]:
    """A row of each part, one behind the other."""
    out = np.empty(sum(part.shape[1] for part in parts), dtype)
    at = 0
    for part in parts:
        out[at : at + part.shape[1]] = part[which]
        at += part.shape[1]
    return out


def _whole(parts: Sequence[_Part]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where texts begin, and records, counted through the file."""
    facts = [facts for part in parts for facts in part.facts]
    text, record = (_column(facts, which, np.int64) for which in (_person.TEXT, _person.RECORD_OF))
    texts, records, at = 0, 0, 0
    for part in parts:
        here = slice(at, at + sum(facts.shape[1] for facts in part.facts))
        text[here] += np.where(text[here] >= 0, texts, 0)
        record[here] += records
        texts, records, at = texts + part.used_text, records + int(part.counts[0]), here.stop
    return text, record


def _scanned(
    source: Input, plan: ScanPlan, column: int, how: tuple[Places, int], pool: ThreadPoolExecutor, threads: int,
    progress: Callable[[int], None],
) -> Iterator[_Part]:  # fmt: skip
    """The parts of a file in order, a few ahead. Raises InputError."""
    scanners = threading.local()

    def work(piece: Preparable) -> _Part:
        if not hasattr(scanners, "scanner"):
            scanners.scanner = _PersonScanner(plan, column, *how)
        scanner: _PersonScanner = scanners.scanner
        return scanner.scan_person(piece)

    assert isinstance(source.text, TextFile | BcfFile)
    running: deque[Future[_Part]] = deque()
    pieces = iter(source.text.pieces(_PIECE))
    num_rows, more = 0, True
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
            num_rows += int(part.counts[0])
            progress(part.compressed)
            yield part
