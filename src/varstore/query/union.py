"""One axis over batches with sites of their own: which record of each batch answers for each allele.

docs/semantics.md, "One axis over many batches". Pieces of it are made when a question is asked (``axis``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import match
from ..model.regions import Region
from ..storage.batch import Batch
from . import axis
from .alleles import AlleleIndex, Entries, kinds
from .plan import ChunkRead

# Bytes of pieces that are kept.
_CACHE_BYTES = 1 << 27


@dataclass(frozen=True)
class Answers:
    """What one batch says of the rows of a piece.

    row, record, alt : int64; the record of the batch that answers for the row, and which of its ALT alleles (from 1)
        the row's is; 0: none of them. Rows without an entry: the batch has no record there.
    num_rows : of the piece
    """

    row: NDArray[np.int64]
    record: NDArray[np.int64]
    alt: NDArray[np.int64]
    num_rows: int

    @cached_property
    def records(self) -> NDArray[np.int64]:
        """The records that answer, ascending, each once."""
        return self._unique[0]

    @cached_property
    def index(self) -> NDArray[np.int64]:
        """For each answer its record's place in ``records``."""
        return self._unique[1]

    @cached_property
    def _unique(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if (np.diff(self.record) > 0).all():
            return self.record, np.arange(len(self.record))
        records, index = np.unique(self.record, return_inverse=True)
        return records, index.reshape(-1)

    @cached_property
    def absent(self) -> NDArray[np.int64]:
        """Rows for which the batch has no record."""
        without = np.ones(self.num_rows, np.bool_)
        without[self.row] = False
        return np.flatnonzero(without)

    def reads(self, store: Batch) -> list[ChunkRead]:
        """The records as chunk reads of their batch."""
        if "_reads" not in self.__dict__:
            self.__dict__["_reads"] = self._cut(store)
        found: list[ChunkRead] = self.__dict__["_reads"]
        return found

    def _cut(self, store: Batch) -> list[ChunkRead]:
        height = store.chunk_variants
        chunk = self.records // height
        cuts = np.flatnonzero(np.diff(chunk)) + 1
        reads = []
        for part in np.split(self.records, cuts) if len(self.records) else []:
            number = int(part[0]) // height
            whole = len(part) == min(height, store.num_variants - number * height)
            reads.append(ChunkRead(number, None if whole else part % height))
        return reads

    def of_rows(self, new_row: NDArray[np.int64], num_rows: int) -> Answers:
        """The same about some rows. new_row : for each row its new number, or -1"""
        row = new_row[self.row]
        keep = row >= 0
        return Answers(row[keep], self.record[keep], self.alt[keep], num_rows)


@dataclass(frozen=True)
class Piece:
    """Some alleles of one contig: rows in the order they are told, with what each batch says of them.

    contig : of the repository's table
    position, key, digest : of the normalised allele    occurrence : k-th record with the key
    owner : place of the earliest batch that holds the allele    record, alt : where it is spelled there
    start, end : of that record, 0-based, half-open
    answers : by place of the batch; batches that do not cover the contig are left out
    """

    contig: int
    position: NDArray[np.int64]
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    occurrence: NDArray[np.int64]
    owner: NDArray[np.int64]
    record: NDArray[np.int64]
    alt: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    answers: Mapping[int, Answers]

    def __len__(self) -> int:
        return len(self.position)

    @cached_property
    def num_bytes(self) -> int:
        """Memory it holds, about."""
        return 200 * len(self) + sum(40 * len(answers.row) for answers in self.answers.values())

    def absent_of(self, batches: Sequence[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(batches, rows) where each of these batches has no record, and (rows,) where any has none; looked up once."""
        key = tuple(batches)
        found: Any = self.__dict__.get("_absent")
        if found is None or found[0] != key:
            absent: NDArray[np.bool_] = np.zeros((len(batches), len(self)), np.bool_)
            for number, batch in enumerate(batches):
                absent[number, self.answers[batch].absent] = True
            found = self.__dict__["_absent"] = key, absent, absent.any(axis=0)
        _, absent, somebody = found
        return absent, somebody

    def take(self, rows: NDArray[np.int64]) -> Piece:
        """Some rows, ascending."""
        if len(rows) == len(self):
            return self
        new_row = np.full(len(self), -1, np.int64)
        new_row[rows] = np.arange(len(rows))
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in ("contig", "answers")}
        answers = {batch: answers.of_rows(new_row, len(rows)) for batch, answers in self.answers.items()}
        return Piece(contig=self.contig, answers=answers, **columns)

    @cached_property
    def sites(self) -> NDArray[np.int64]:
        """(rows,) numbers of joined records, from 0: alleles that stand in one record of some batch, or answer in it.

        A duplicate is answered by the record of the first where a batch has it once: that does not join the two.
        """
        label = np.arange(len(self))
        members = []
        for answers in self.answers.values():
            kept = (answers.alt > 0) | (self.occurrence[answers.row] == 0)
            _, record = np.unique(answers.record[kept], return_inverse=True)
            members.append((answers.row[kept], record.reshape(-1)))
        changed = True
        while changed:
            before = label.copy()
            for row, record in members:
                least = np.full(len(row), len(self))
                np.minimum.at(least, record, label[row])
                label[row] = np.minimum(label[row], least[record])
            changed = bool((before != label).any())
        sites: NDArray[np.int64] = np.unique(label, return_inverse=True)[1].reshape(-1)
        return sites

    def spelled(self, stores: Sequence[Batch]) -> tuple[NDArray[Any], NDArray[Any]]:
        """REF and ALT of each row, as its earliest batch spells them; looked up once."""
        if "_spelled" not in self.__dict__:
            self.__dict__["_spelled"] = self._look_up(stores)
        found: tuple[NDArray[Any], NDArray[Any]] = self.__dict__["_spelled"]
        return found

    def _look_up(self, stores: Sequence[Batch]) -> tuple[NDArray[Any], NDArray[Any]]:
        ref, alt = np.full((2, len(self)), "", object)
        for batch in np.unique(self.owner).tolist():
            store, mine = stores[batch], np.flatnonzero(self.owner == batch)
            chunk = self.record[mine] // store.chunk_variants
            for number in np.unique(chunk).tolist():
                sites, here = store.site_chunk(number), mine[chunk == number]
                row = self.record[here] % store.chunk_variants
                ref[here], alt[here] = sites.allele[row, 0], sites.allele[row, self.alt[here]]
        return ref, alt


@dataclass(frozen=True)
class AlleleKey:
    """One allele that is asked for: ``contig`` of the repository's table, key and digest as in ``storage.keys``."""

    contig: int
    key: int
    digest: int

    @property
    def position(self) -> int:
        """Normalised."""
        return self.key >> 32


class Union:
    """The axis of a version of a repository.

    indexes : of the batches, in order    covered : for each contig of the table the places of the batches that cover it
    """

    def __init__(self, indexes: Sequence[AlleleIndex], covered: Sequence[Sequence[int]]) -> None:
        self.indexes = indexes
        for index in indexes:
            index.keep(len(indexes))
        self.covered = covered
        self._pieces: OrderedDict[tuple[int, int, int], Piece] = OrderedDict()
        self._num_bytes = 0
        self._lock = threading.Lock()

    def pieces(self, regions: Sequence[Region] | None, alleles: Sequence[AlleleKey] = ()) -> Iterator[Piece]:
        """The rows whose spelling overlaps a region, and those of some alleles, in order.

        regions : sorted, without overlap; None: all
        """
        if regions is None:
            regions = [Region(contig) for contig in range(len(self.covered))]
        for contig in sorted({region.contig for region in regions} | {allele.contig for allele in alleles}):
            here = [region for region in regions if region.contig == contig]
            yield from self._of_contig(contig, here, [allele for allele in alleles if allele.contig == contig])

    def _of_contig(self, contig: int, regions: Sequence[Region], alleles: Sequence[AlleleKey]) -> Iterator[Piece]:
        indexes = [self.indexes[batch] for batch in self.covered[contig]]
        whole = axis.is_whole(regions)
        found = [] if whole else [index.positions(region) for index in indexes for region in regions]
        ranges = [axis.WHOLE] if whole else axis.ranges_of(found)
        ranges += [(allele.position, allele.position + 1) for allele in alleles]

        def piece_of(low: int, high: int) -> Piece:
            piece = self._piece(contig, low, high)
            return piece if whole else piece.take(np.flatnonzero(_selected(piece, regions, alleles)))

        yield from axis.in_order(indexes, contig, axis.cut(indexes, contig, ranges), piece_of, _merged)

    def _piece(self, contig: int, low: int, high: int) -> Piece:
        key = contig, low, high
        with self._lock:
            if key in self._pieces:
                self._pieces.move_to_end(key)
                return self._pieces[key]
        piece = _build(contig, {b: self.indexes[b].between(contig, low, high) for b in self.covered[contig]})
        with self._lock:
            if key not in self._pieces:
                self._pieces[key] = piece
                self._num_bytes += piece.num_bytes
            while self._num_bytes > _CACHE_BYTES and len(self._pieces) > 1:
                self._num_bytes -= self._pieces.popitem(last=False)[1].num_bytes
        return piece


def _selected(piece: Piece, regions: Sequence[Region], alleles: Sequence[AlleleKey]) -> NDArray[np.bool_]:
    inside = np.zeros(len(piece), np.bool_)
    for region in regions:
        inside |= (piece.start < region.end) & (piece.end > region.start)
    for allele in alleles:
        inside |= (piece.key == np.uint64(allele.key)) & (piece.digest == np.uint64(allele.digest))
    return inside


def _build(contig: int, of_batch: Mapping[int, Entries]) -> Piece:
    """Match the entries of several batches."""
    batches = list(of_batch)
    entries = Entries.joined(list(of_batch.values())) if batches else Entries.nothing()
    batch = np.repeat(np.array(batches, np.int64), [len(each) for each in of_batch.values()])
    order = _order(entries)
    entries, batch = entries.take(order), batch[order]
    kind = kinds(entries.key)
    new = np.ones(len(entries), np.bool_)
    new[1:] = entries.key[1:] != entries.key[:-1]
    new[1:] |= (entries.digest[1:] != entries.digest[:-1]) | (entries.occurrence[1:] != entries.occurrence[:-1])
    has_row = kind != match.NO_ROW
    first = np.flatnonzero(new & has_row)
    row = np.where(has_row, np.cumsum(new & has_row) - 1, -1)
    # Within a row entries stand in the order of batches, so the first is its owner.
    position = (entries.key >> np.uint64(32)).astype(np.int64)
    join_row, join_entry = _joined(position, kind, row, batch, entries)
    sort = np.lexsort((entries.alt[first], entries.record[first], batch[first], entries.start[first]))
    place = np.empty_like(sort)
    place[sort] = np.arange(len(sort))
    first = first[sort]
    answers = {}
    for number in batches:
        mine, joins = np.flatnonzero(has_row & (batch == number)), np.flatnonzero(batch[join_entry] == number)
        answers[number] = Answers(
            place[np.concatenate([row[mine], join_row[joins]])],
            entries.record[np.concatenate([mine, join_entry[joins]])],
            np.concatenate([entries.alt[mine], np.zeros(len(joins), np.int64)]),
            len(first),
        )
    return Piece(
        contig, position[first], entries.key[first], entries.digest[first], entries.occurrence[first], batch[first],
        entries.record[first], entries.alt[first], entries.start[first], entries.end[first], answers,
    )  # fmt: skip


def _order(entries: Entries) -> NDArray[np.int64]:
    """The order by key, digest and occurrence; equal ones stay in the order of batches."""
    if entries.digest.any() or entries.occurrence.any():
        return np.lexsort((entries.occurrence, entries.digest, entries.key))
    return np.argsort(entries.key, kind="stable")


def _joined(
    position: NDArray[np.int64], kind: NDArray[np.int64], row: NDArray[np.int64], batch: NDArray[np.int64],
    entries: Entries,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """(row, entry) of the records that answer for alleles that they do not list."""
    room = max(64, len(row) // 4)
    while True:
        out = np.zeros((2, room), np.int64)
        batches = int(batch.max(initial=-1)) + 1
        num = match.joined(position, kind, row, batch, entries.record, entries.alt, batches, out[0], out[1])
        if num <= room:
            return out[0, :num], out[1, :num]
        room = num


def _merged(pieces: Sequence[Piece]) -> Piece:
    """Pieces of one contig as one, its rows in order."""
    names = [field.name for field in fields(Piece) if field.name not in ("contig", "answers")]
    columns = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
    order = np.lexsort((columns["alt"], columns["record"], columns["owner"], columns["start"]))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    offsets = np.cumsum([0, *(len(piece) for piece in pieces)])
    answers = {}
    for batch in pieces[0].answers:
        parts = [piece.answers[batch] for piece in pieces]
        row = np.concatenate([place[part.row + offset] for part, offset in zip(parts, offsets, strict=False)])
        record, alt = (np.concatenate([getattr(part, name) for part in parts]) for name in ("record", "alt"))
        answers[batch] = Answers(row, record, alt, len(order))
    return Piece(pieces[0].contig, answers=answers, **{name: values[order] for name, values in columns.items()})
