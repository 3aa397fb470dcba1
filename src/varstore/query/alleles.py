"""The alleles of one batch, by key: what the union of batches is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.match import BY_KEY, INDEL, NO_ROW, SAME_LENGTH
from ..model.regions import END_OF_CONTIG, Region
from ..storage.batch import Batch
from ..storage.keys import Keys

__all__ = ["BY_KEY", "AlleleIndex", "Entries", "kinds"]

# Chunks whose entries are kept, of a batch; and of all batches of a version, but for the least that neighbours share.
_KEPT_CHUNKS = 256
_KEPT_OF_ALL = 1024
_LEAST_KEPT = 4


def kept_chunks(num_batches: int, most: int) -> int:
    """Chunks to keep of each of so many batches."""
    return min(most, max(_LEAST_KEPT, _KEPT_OF_ALL // max(1, num_batches)))


@dataclass(frozen=True)
class Entries:
    """Alleles of records, in the order of their keys; a record without ALT has one entry.

    key, digest : uint64, equal for equal alleles    occurrence : int64, of the key in the batch
    record : int64, in the batch    alt : int64, 1 is the first ALT, 0 a record without
    start, end : int64, the record's POS - 1 and POS + rlen - 1
    """

    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    occurrence: NDArray[np.int64]
    record: NDArray[np.int64]
    alt: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.key)

    def take(self, which: NDArray[np.int64] | slice) -> Entries:
        """Some of the entries."""
        return Entries(*(getattr(self, field.name)[which] for field in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Entries]) -> Entries:
        """Entries one part after another."""
        if len(parts) == 1:
            return parts[0]
        columns: Any = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls))
        return cls(*columns)

    @classmethod
    def nothing(cls) -> Entries:
        """No entries."""
        columns: Any = (np.zeros(0, np.uint64 if f.name in ("key", "digest") else np.int64) for f in fields(cls))
        return cls(*columns)


def kinds(key: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Classes of alleles by key: SNV or MNV, indel, by key only, without a row (docs/format.md, Keys)."""
    low = (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
    spelled = np.where((low >> 27 & 15) == (low >> 23 & 15), SAME_LENGTH, INDEL)
    return np.where(low >> 31, low >> 29 & 3, spelled)


class AlleleIndex:
    """Alleles of a batch by contig of the repository and normalised position; read chunk by chunk when asked for.

    contigs : for each contig of the batch its index in the repository's table
    """

    def __init__(self, store: Batch, keys: Keys, contigs: NDArray[np.int64]) -> None:
        self.store = store
        self.keys = keys
        self._contig_of = contigs
        runs = keys.runs
        self.run_chunk = runs[:, 0].astype(np.int64)
        self.run_contig = contigs[runs[:, 1].astype(np.int64)]
        self.run_low = (runs[:, 2] >> np.uint64(32)).astype(np.int64)
        self.run_high = (runs[:, 3] >> np.uint64(32)).astype(np.int64)
        index = store.region_index
        self._regions = np.column_stack([index[:, 0], contigs[index[:, 1]], index[:, 2] - 1, index[:, 4]])
        self._chunk = lru_cache(maxsize=_KEPT_CHUNKS)(self._read_chunk)

    def keep(self, num_batches: int) -> None:
        """Keep no more than this one's share of what so many batches may keep; before anything is read."""
        self._chunk = lru_cache(maxsize=kept_chunks(num_batches, _KEPT_CHUNKS))(self._read_chunk)

    def between(self, contig: int, low: int, high: int) -> Entries:
        """Entries whose normalised position is at least ``low`` and below ``high`` (VCF's positions)."""
        hits = (self.run_contig == contig) & (self.run_low < high) & (self.run_high >= low)
        parts = []
        for chunk in dict.fromkeys(self.run_chunk[hits].tolist()):
            entries = self._chunk(chunk).get(contig)
            if entries is not None:
                bounds = np.array([max(low, 0) << 32, min(high, 1 << 31) << 32], np.uint64)
                begin, end = np.searchsorted(entries.key, bounds).tolist()
                parts.append(entries.take(slice(begin, end)))
        return Entries.joined(parts) if parts else Entries.nothing()

    def first_start(self, contig: int, low: int) -> int:
        """The first POS - 1 of records that have an allele whose normalised position is at least ``low``."""
        hits = (self.run_contig == contig) & (self.run_high >= low)
        later = np.isin(self._regions[:, 0], self.run_chunk[hits & (self.run_low >= low)])
        first = int(self._regions[later & (self._regions[:, 1] == contig), 2].min(initial=END_OF_CONTIG))
        for chunk in dict.fromkeys(self.run_chunk[hits & (self.run_low < low)].tolist()):
            entries = self._chunk(chunk).get(contig)
            if entries is not None:
                begin = np.searchsorted(entries.key, np.uint64(low << 32))
                first = min(first, int(entries.start[begin:].min(initial=END_OF_CONTIG)))
        return first

    def positions(self, region: Region) -> NDArray[np.int64]:
        """Normalised positions of the alleles of the records that overlap a region."""
        contig, first, end = self._regions[:, 1], self._regions[:, 2], self._regions[:, 3]
        hits = (contig == region.contig) & (first < region.end) & (end > region.start)
        parts = [np.zeros(0, np.int64)]
        for chunk in dict.fromkeys(self._regions[hits, 0].tolist()):
            entries = self._chunk(chunk).get(region.contig)
            if entries is not None:
                inside = (entries.start < region.end) & (entries.end > region.start)
                parts.append((entries.key[inside] >> np.uint64(32)).astype(np.int64))
        return np.concatenate(parts)

    def contigs_of(self, chunk: int) -> NDArray[np.int64]:
        """(records of the chunk,) contig of the repository."""
        found: NDArray[np.int64] = self._contig_of[self.store.array("variant_contig").chunk(chunk)]
        return found

    def _read_chunk(self, chunk: int) -> dict[int, Entries]:
        """Entries of a chunk by contig of the repository, sorted by key."""
        store, found = self.store, self.keys.chunk(chunk)
        start = store.array("variant_position").chunk(chunk).astype(np.int64) - 1
        end = start + store.array("variant_length").chunk(chunk)
        contig = self._contig_of[store.array("variant_contig").chunk(chunk)]
        row, alt = np.nonzero(found.key)
        key, digest, occurrence = (array[row, alt] for array in (found.key, found.digest, found.occurrence))
        with_row = kinds(key) != NO_ROW
        bare = np.flatnonzero(~found.key.any(axis=1))
        row, alt = np.concatenate([row[with_row], bare]), np.concatenate([alt[with_row] + 1, np.zeros_like(bare)])
        no_row = ((start[bare] + 1).astype(np.uint64) << np.uint64(32)) | np.uint64(1 << 31 | NO_ROW << 29)
        zeros = np.zeros(len(bare), np.uint64)
        key = np.concatenate([key[with_row], no_row])
        digest = np.concatenate([digest[with_row], zeros])
        times = np.concatenate([occurrence[with_row].astype(np.int64), zeros.astype(np.int64)])
        record = row + chunk * store.chunk_variants
        whole = Entries(key, digest, times, record, alt.astype(np.int64), start[row], end[row])
        out = {}
        for number in np.unique(contig[row]).tolist():
            mine = np.flatnonzero(contig[row] == number)
            out[number] = whole.take(mine[np.argsort(key[mine], kind="stable")])
        return out
