"""The axis of a shared part: one row for each record that its sources spell differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .batch import Batch, SiteChunk


@dataclass(frozen=True)
class SharedAxis:
    """Rows, in the order of the contig table and POS, and which record of which source each is.

    contig, position, length : (rows,) int32    owner, record : (rows,) the first source that has it, and its record
    record_row : for each source (records,) int64, the row of each record
    """

    contig: NDArray[np.int32]
    position: NDArray[np.int32]
    length: NDArray[np.int32]
    owner: NDArray[np.int64]
    record: NDArray[np.int64]
    record_row: Sequence[NDArray[np.int64]]
    _by_row: Sequence[NDArray[np.int64]]

    @property
    def num_rows(self) -> int:
        return len(self.position)

    def num_chunks(self, height: int) -> int:
        """Chunks of ``height`` rows."""
        return -(-self.num_rows // height)

    def records(self, source: int, rows: range) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of some rows a source has, from the first of them, and their records."""
        order = self._by_row[source]
        mine = self.record_row[source][order]
        low, high = np.searchsorted(mine, [rows.start, rows.stop]).tolist()
        return mine[low:high] - rows.start, order[low:high]

    def alleles(self, rows: slice, batches: Sequence[Batch]) -> list[list[str]]:
        """REF and ALTs of rows, as they are spelled."""
        out: list[list[str]] = [[]] * (rows.stop - rows.start)
        owner, record = self.owner[rows], self.record[rows]
        for source in np.unique(owner).tolist():
            batch, mine = batches[source], np.flatnonzero(owner == source)
            chunk, row = np.divmod(record[mine], batch.chunk_variants)
            for number in np.unique(chunk).tolist():
                sites, here = batch.site_chunk(number), np.flatnonzero(chunk == number)
                for place, local in zip(mine[here].tolist(), row[here].tolist(), strict=True):
                    out[place] = sites.allele[local, : 1 + sites.num_alts[local]].tolist()
        return out


def merge_axis(sources: Sequence[tuple[Batch, NDArray[np.int64]]], num_contigs: int) -> SharedAxis:
    """Give each record of each source a row; records share one if contig, POS, rlen, REF and ALTs are spelled alike.

    sources : batches, and for each of their contigs its place in the table
    The k-th record of a source that is spelled so goes to the k-th row that is.
    """
    record_row = [np.empty(batch.num_variants, np.int64) for batch, _ in sources]
    parts: list[tuple[NDArray[np.int64], ...]] = []
    num_rows = 0
    for contig in range(num_contigs):
        rows = _OfContig(len(sources))
        for number, (batch, places) in enumerate(sources):
            rows.add(number, batch, np.flatnonzero(places == contig))
        columns, place = rows.sorted()
        for number, (records, ids) in rows.of_source.items():
            record_row[number][records] = place[ids] + num_rows
        num_rows += len(place)
        parts.append((np.full(len(place), contig, np.int64), *columns))
    parts.append(tuple(np.zeros(0, np.int64) for _ in range(5)))
    contig_of, position, length, owner, record = (np.concatenate(column) for column in zip(*parts, strict=True))
    small = [column.astype(np.int32) for column in (contig_of, position, length)]
    by_row = [np.argsort(rows_of, kind="stable") for rows_of in record_row]
    return SharedAxis(small[0], small[1], small[2], owner, record, record_row, by_row)


class _OfContig:
    """The rows of one contig while they are gathered, numbered as they come."""

    def __init__(self, num_sources: int) -> None:
        self._ids: dict[tuple[int, int, str] | tuple[int, int], int] = {}
        self._rows: list[tuple[int, int, int, int]] = []
        self.of_source: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def add(self, number: int, batch: Batch, contigs: NDArray[np.int64]) -> None:
        """Add the records of a source on these of its contigs."""
        if not len(contigs):
            return
        records, ids = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        seen: dict[int, int] = {}
        index = batch.region_index
        for chunk in np.unique(index[np.isin(index[:, 1], contigs), 0]).tolist():
            sites = batch.site_chunk(chunk)
            rows = np.flatnonzero(np.isin(sites.contig, contigs))
            first = chunk * batch.chunk_variants
            records.append(rows + first)
            ids.append(np.fromiter(self._of_chunk(number, sites, rows, first, seen), np.int64, len(rows)))
        self.of_source[number] = np.concatenate(records), np.concatenate(ids)

    def _of_chunk(
        self, number: int, sites: SiteChunk, rows: NDArray[np.int64], first: int, seen: dict[int, int]
    ) -> Iterator[int]:
        """The row of each record, a new one where it is spelled as none before. ``seen``: how often, of the source."""
        spelled = ("\t".join(alleles).rstrip("\t") for alleles in sites.allele[rows].tolist())
        columns = (rows.tolist(), sites.position[rows].tolist(), sites.length[rows].tolist(), spelled)
        for row, position, length, text in zip(*columns, strict=True):
            known = len(self._rows)
            found = self._ids.setdefault((position, length, text), known)
            times = seen.get(found, 0)
            seen[found] = times + 1
            if times:
                found = self._ids.setdefault((found, times), known)
            if found == known:
                self._rows.append((position, length, number, row + first))
            yield found

    def sorted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(position, length, source, record) of the rows by POS and as they came; and each row's place among them."""
        columns = np.array(self._rows, np.int64).reshape(-1, 4).T
        order = np.argsort(columns[0], kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return columns[:, order], place
