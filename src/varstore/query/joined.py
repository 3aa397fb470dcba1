"""Joined records: the axis of genotypes and exports over batches with sites of their own.

docs/semantics.md, "One axis over many batches": a joined record has at most one record of each batch. Pieces of the
axis are made when a question is asked (``axis``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from ..kernels import join
from ..kernels.match import NO_ROW
from ..model.regions import Region
from . import axis
from .joined_alleles import Member, Spelling, spell
from .joined_records import RecordIndex, Records

# A piece knows the record of each batch in each row: so many of them, in chunks of so many rows, at least these.
_CELLS = 1 << 23
_CHUNK_ROWS = 4096
_LEAST_RUNS = 16


@dataclass(frozen=True)
class Joined:
    """Some joined records of one contig, in order.

    contig : of the repository's table    start, end : int64, POS - 1 and POS + rlen - 1
    position : int64, normalised, of the first ALT
    owner, record : int64, place of the batch whose record leads (spelling, INFO), and that record
    members : by place of the batch that covers the contig, its record in each row, -1 for none
    spelled : by row, where the members are spelled differently; the map of each batch is in the order of ``batches``
    batches : by such a row, the places of the members' batches
    bare : rows of ``spelled`` whose leading record has no ALT
    """

    contig: int
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    position: NDArray[np.int64]
    owner: NDArray[np.int64]
    record: NDArray[np.int64]
    members: Mapping[int, NDArray[np.int64]]
    spelled: Mapping[int, Spelling] = field(default_factory=dict)
    batches: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    bare: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: NDArray[np.int64]) -> Joined:
        """Some rows, in any order."""
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        members = {batch: records[rows] for batch, records in self.members.items()}
        if not self.spelled:
            return Joined(self.contig, members=members, **columns)
        odd = [(new, old) for new, old in enumerate(rows.tolist()) if old in self.spelled]
        return Joined(
            self.contig,
            members=members,
            spelled={new: self.spelled[old] for new, old in odd},
            batches={new: self.batches[old] for new, old in odd},
            bare=frozenset(new for new, old in odd if old in self.bare),
            **columns,
        )

    @classmethod
    def merged(cls, parts: Sequence[Joined]) -> Joined:
        """Parts of one contig as one, their rows in order."""
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
        members = {b: np.concatenate([part.members[b] for part in parts]) for b in parts[0].members}
        offsets = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        pairs = list(zip(parts, offsets, strict=False))
        whole = cls(
            parts[0].contig,
            members=members,
            spelled={row + at: one for part, at in pairs for row, one in part.spelled.items()},
            batches={row + at: one for part, at in pairs for row, one in part.batches.items()},
            bare=frozenset(row + at for part, at in pairs for row in part.bare),
            **columns,
        )
        return whole.take(np.lexsort((whole.record, whole.owner, whole.start)))


_COLUMNS = [f.name for f in fields(Joined)][1:6]


@dataclass(frozen=True)
class Wanted:
    """Records of a batch on one contig of the repository's table."""

    contig: int
    batch: int
    records: NDArray[np.int64]


class JoinedAxis:
    """The joined records of a version of a repository.

    indexes : of the batches, in order    covered : for each contig of the table the places of the batches that cover it
    contigs : names of the table
    """

    def __init__(
        self, indexes: Sequence[RecordIndex], covered: Sequence[Sequence[int]], contigs: Sequence[str]
    ) -> None:
        self.indexes, self.covered, self.contigs = indexes, covered, contigs

    def pieces(self, regions: Sequence[Region] | None, wanted: Sequence[Wanted] = ()) -> Iterator[Joined]:
        """The joined records that overlap a region, and those of some records, in order, each once.

        regions : sorted, without overlap; None: all
        """
        if regions is None:
            regions = [Region(contig) for contig in range(len(self.covered))]
        for contig in sorted({region.contig for region in regions} | {each.contig for each in wanted}):
            here = [region for region in regions if region.contig == contig]
            yield from self._of_contig(contig, here, [each for each in wanted if each.contig == contig])

    def _of_contig(self, contig: int, regions: Sequence[Region], wanted: Sequence[Wanted]) -> Iterator[Joined]:
        indexes = [self.indexes[batch] for batch in self.covered[contig]]
        whole = axis.is_whole(regions)
        found = [] if whole else [index.positions(region) for index in indexes for region in regions]
        found += [self.indexes[each.batch].positions_of(contig, each.records) for each in wanted]
        ranges = [axis.WHOLE] if whole else axis.ranges_of(found)

        def piece_of(low: int, high: int) -> Joined:
            piece = self._piece(contig, low, high)
            return piece if whole else piece.take(np.flatnonzero(_selected(piece, regions, wanted)))

        alleles = [index.index for index in indexes]
        runs = max(_LEAST_RUNS, _CELLS // (_CHUNK_ROWS * max(1, len(indexes))))
        yield from axis.in_order(alleles, contig, axis.cut(alleles, contig, ranges, runs), piece_of, Joined.merged)

    def _piece(self, contig: int, low: int, high: int) -> Joined:
        batches = list(self.covered[contig])
        of_batch = [self.indexes[batch].between(contig, low, high) for batch in batches]
        records = Records.joined([Records.nothing(), *of_batch])
        batch = np.repeat(np.array(batches, np.int64), [len(each) for each in of_batch])
        order = np.lexsort((records.record, batch, records.kind, records.position))
        return self._join(contig, batches, records.take(order), batch[order])

    def _join(self, contig: int, batches: Sequence[int], records: Records, batch: NDArray[np.int64]) -> Joined:
        """Group records that are sorted by position, class, batch and number."""
        key_start = np.concatenate(([0], np.cumsum(records.num_alts)))
        group = np.empty(len(records), np.int64)
        arguments = batch, key_start, records.key, records.digest
        num = join.groups(records.position, records.kind, *arguments, group)
        # Leading is the earliest batch's record, those without ALT last.
        leading = np.lexsort((batch, records.kind == NO_ROW, group))
        seed = leading[np.concatenate(([0], np.flatnonzero(np.diff(group[leading])) + 1))] if num else leading
        alike = np.empty(len(records), np.bool_)
        join.spelled_alike(seed[group], records.start, records.end, key_start, records.key, records.digest, alike)
        members = {number: np.full(num, -1, np.int64) for number in batches}
        for number in batches:
            mine = np.flatnonzero(batch == number)
            members[number][group[mine]] = records.record[mine]
        start, end = records.start[seed], records.end[seed]
        spelled, of_row, bare = {}, {}, set()
        for row in np.unique(group[~alike]).tolist():
            owner, without_alt = int(batch[seed[row]]), bool(records.kind[seed[row]] == NO_ROW)
            there = (owner, *(b for b in batches if b != owner and members[b][row] >= 0))
            spelled[row] = found = self._spelled(contig, there, [int(members[b][row]) for b in there])
            of_row[row] = there
            start[row] = found.start
            ref_end = found.start + len(found.alleles[0])
            end[row] = ref_end if without_alt else max(ref_end, int(end[row]))
            if without_alt:
                bare.add(row)
        whole = Joined(
            contig, start, end, records.position[seed], batch[seed], records.record[seed], members, spelled, of_row,
            frozenset(bare),
        )  # fmt: skip
        return whole.take(np.lexsort((whole.record, whole.owner, whole.start)))

    def _spelled(self, contig: int, batches: Sequence[int], records: Sequence[int]) -> Spelling:
        members = []
        for batch, record in zip(batches, records, strict=True):
            index = self.indexes[batch]
            chunk, row = divmod(record, index.store.chunk_variants)
            sites = index.store.site_chunk(chunk)
            alleles = sites.allele[row, : 1 + sites.num_alts[row]].tolist()
            start = int(sites.position[row]) - 1
            members.append(Member(start, alleles, index.keys(chunk, row, len(alleles) - 1)))
        return spell(members, f"{self.contigs[contig]}:{members[0].start + 1}")


def _selected(piece: Joined, regions: Sequence[Region], wanted: Sequence[Wanted]) -> NDArray[np.bool_]:
    inside = np.zeros(len(piece), np.bool_)
    for region in regions:
        inside |= (piece.start < region.end) & (piece.end > region.start)
    for each in wanted:
        inside |= np.isin(piece.members[each.batch], each.records)
    return inside
