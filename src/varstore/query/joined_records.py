"""The records of one batch by contig of the repository and normalised position of their first ALT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.match import NO_ROW
from ..model.regions import Region
from .alleles import AlleleIndex, kept_chunks, kinds

# Chunks whose records are kept, of a batch.
_KEPT_CHUNKS = 64


@dataclass(frozen=True)
class Records:
    """Some records of a batch, in its order.

    record : int64, in the batch    start, end : int64, POS - 1 and POS + rlen - 1
    position, kind : int64, of the first ALT that has a row: normalised, and its class; POS and NO_ROW without one
    num_alts : int64    key, digest : (alleles,) uint64, of all ALTs, record after record
    """

    record: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    position: NDArray[np.int64]
    kind: NDArray[np.int64]
    num_alts: NDArray[np.int64]
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.record)

    def take(self, order: NDArray[np.int64]) -> Records:
        """Some of the records, in any order."""
        first = np.cumsum(self.num_alts) - self.num_alts
        sizes = self.num_alts[order]
        behind = np.cumsum(sizes)
        alleles = np.repeat(first[order] - (behind - sizes), sizes) + np.arange(int(sizes.sum()))
        names = [field.name for field in fields(self)][:6]
        columns = {name: getattr(self, name)[order] for name in names}
        return Records(**columns, key=self.key[alleles], digest=self.digest[alleles])

    @classmethod
    def joined(cls, parts: Sequence[Records]) -> Records:
        """Records one part after another."""
        columns: Any = (np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls))
        return cls(*columns)

    @classmethod
    def nothing(cls) -> Records:
        """No records."""
        columns: Any = (np.zeros(0, np.uint64 if f.name in ("key", "digest") else np.int64) for f in fields(cls))
        return cls(*columns)


class RecordIndex:
    """Records of a batch, read chunk by chunk when asked for. num_batches : that share what is kept"""

    def __init__(self, index: AlleleIndex, contigs: NDArray[np.int64], num_batches: int = 1) -> None:
        self.index, self.store = index, index.store
        self._contig_of = contigs
        regions = index.store.region_index
        self._regions = np.column_stack([regions[:, 0], contigs[regions[:, 1]], regions[:, 2] - 1, regions[:, 4]])
        kept = kept_chunks(num_batches, _KEPT_CHUNKS)
        self._chunk = lru_cache(maxsize=kept)(self._read_chunk)
        self._keys = lru_cache(maxsize=kept)(index.keys.chunk)

    def keys(self, chunk: int, row: int, num_alts: int) -> list[tuple[int, int]]:
        """Key and digest of the ALTs of a record."""
        found = self._keys(chunk)
        return list(zip(found.key[row, :num_alts].tolist(), found.digest[row, :num_alts].tolist(), strict=True))

    def between(self, contig: int, low: int, high: int) -> Records:
        """Records whose position is at least ``low`` and below ``high``."""
        index = self.index
        hits = (index.run_contig == contig) & (index.run_low < high) & (index.run_high >= low)
        parts = [Records.nothing()]
        for chunk in dict.fromkeys(index.run_chunk[hits].tolist()):
            found = self._chunk(chunk).get(contig)
            if found is not None:
                inside = (found.position >= low) & (found.position < high)
                parts.append(found if inside.all() else found.take(np.flatnonzero(inside)))
        return Records.joined(parts)

    def positions_of(self, contig: int, records: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of some records of a contig."""
        parts = [np.zeros(0, np.int64)]
        for chunk in np.unique(records // self.store.chunk_variants).tolist():
            found = self._chunk(chunk)[contig]
            parts.append(found.position[np.isin(found.record, records)])
        return np.concatenate(parts)

    def positions(self, region: Region) -> NDArray[np.int64]:
        """Positions of the records that overlap a region."""
        contig, first, end = self._regions[:, 1], self._regions[:, 2], self._regions[:, 3]
        hits = (contig == region.contig) & (first < region.end) & (end > region.start)
        parts = [np.zeros(0, np.int64)]
        for chunk in dict.fromkeys(self._regions[hits, 0].tolist()):
            found = self._chunk(chunk).get(region.contig)
            if found is not None:
                parts.append(found.position[(found.start < region.end) & (found.end > region.start)])
        return np.concatenate(parts)

    def _read_chunk(self, chunk: int) -> dict[int, Records]:
        """Records of a chunk by contig of the repository."""
        store, found = self.store, self.index.keys.chunk(chunk)
        start = store.array("variant_position").chunk(chunk).astype(np.int64) - 1
        end = start + store.array("variant_length").chunk(chunk)
        contig = self._contig_of[store.array("variant_contig").chunk(chunk)]
        there = found.key != 0
        kind = np.where(there, kinds(found.key), NO_ROW)
        has_row = kind != NO_ROW
        rows, first = np.arange(len(start)), has_row.argmax(axis=1)
        listed = has_row.any(axis=1)
        spelled = (found.key[rows, first] >> np.uint64(32)).astype(np.int64)
        whole = Records(
            rows + chunk * store.chunk_variants, start, end, np.where(listed, spelled, start + 1),
            np.where(listed, kind[rows, first], NO_ROW), there.sum(axis=1), found.key[there], found.digest[there],
        )  # fmt: skip
        return {number: whole.take(np.flatnonzero(contig == number)) for number in np.unique(contig).tolist()}
