"""The alleles of a genome on the repository's axis: which record of each batch answers for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RepositoryError
from ..kernels import locate as _locate
from ..query.alleles import AlleleIndex
from ..query.batches import BatchHandle
from ..query.blocks import BlockCache
from ..storage.batch import Batch
from ..storage.totals import Totals

if TYPE_CHECKING:
    from ..query.version import Version

_NOTHING = np.zeros(0, np.int32)
_TOTALS = ("allele_count", "allele_number", "n_hom_alt")
_CHUNKS = 8  # that a thread looks at before it takes others


@dataclass(frozen=True)
class Matches:
    """What one batch has of some alleles of one contig: a row an allele that a record answers for, ascending.

    row : int64, which allele    rank : uint8, BARE, JOINED or EXACT of ``kernels.locate``
    record, alt : int64, of the batch; alt 0: the record does not have the allele
    totals : (3, rows) int64 allele_count, allele_number and n_hom_alt over everybody; None: not asked for
    tally : (2,) int64: single bases at the same position of the same REF, and of another
    """

    row: NDArray[np.int64]
    rank: NDArray[np.uint8]
    record: NDArray[np.int64]
    alt: NDArray[np.int64]
    totals: NDArray[np.int64] | None
    tally: NDArray[np.int64]


def match_batch(
    version: Version, batch: BatchHandle, contig: int, key: NDArray[np.uint64], digest: NDArray[np.uint64],
    totals: Totals | None,
) -> Matches:  # fmt: skip
    """Find the records of a batch that answer for alleles of one contig.

    key, digest : sorted by key    totals : stored counts, which are read along

    Raises CorruptRepositoryError, RepositoryError where the batch has no keys.
    """
    index = batch.alleles
    if not isinstance(index.store, Batch):
        raise RepositoryError(f"batch {batch.entry['id']}: it has no keys")
    here = np.flatnonzero(index.run_contig == contig)
    bounds = np.stack([index.run_low[here], index.run_high[here] + 1]).astype(np.uint64) << np.uint64(32)
    low, high = np.searchsorted(key, bounds[0]), np.searchsorted(key, bounds[1])
    runs = [
        (int(index.run_chunk[run]), int(a), int(b))
        for run, a, b in zip(here.tolist(), low.tolist(), high.tolist(), strict=True)
        if b > a
    ]
    work = _Work(index, contig, key, digest, totals, version._blocks)
    parts = list(version._map(work.match, [runs[i : i + _CHUNKS] for i in range(0, len(runs), _CHUNKS)]))
    return _joined(parts, with_totals=totals is not None)


@dataclass(frozen=True)
class _Work:
    """Alleles of one contig, to be found in the chunks of a batch."""

    index: AlleleIndex
    contig: int
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    totals: Totals | None
    cache: BlockCache

    def match(self, runs: list[tuple[int, int, int]]) -> Matches:
        """What some chunks have. runs : a chunk, and the alleles that it may have, from and to"""
        base, end = min(run[1] for run in runs), max(run[2] for run in runs)
        rank, record = np.zeros(end - base, np.uint8), np.zeros(end - base, np.int64)
        alt, tally = np.zeros(end - base, np.int64), np.zeros(2, np.int64)
        counts = np.empty((0 if self.totals is None else len(_TOTALS), end - base), np.int64)
        for chunk, low, high in runs:
            first = chunk * self.index.store.chunk_variants
            keys = chunk_keys(self.index, self.contig, chunk, self.cache)
            _locate.match_chunk(
                *keys[:4], first, keys[4], self.key, self.digest, base, low, high, rank, record, alt, tally
            )
            if self.totals is not None:
                stored = (self.cache.totals(self.totals, name, chunk) for name in _TOTALS)
                _locate.gather_totals(low - base, high - base, first, rank, record, alt, *stored, counts)
        row = np.empty(end - base, np.int64)
        num = _locate.keep_found(base, row, rank, record, alt, counts)
        found = None if self.totals is None else counts[:, :num]
        return Matches(row[:num], rank[:num], record[:num], alt[:num], found, tally)


def chunk_keys(
    index: AlleleIndex, contig: int, chunk: int, cache: BlockCache
) -> tuple[Any, Any, int, int, NDArray[np.int32]]:
    """Keys and digests of a chunk, its rows on the contig, and positions where some rows have no key."""
    key, digest = cache.keys(index.keys, chunk)
    begin, end = 0, len(key)
    if np.count_nonzero(index.run_chunk == chunk) > 1:
        contigs = index.contigs_of(chunk)
        rows = np.flatnonzero(contigs == contig)
        begin, end = int(rows[0]), int(rows[-1]) + 1
    position = _NOTHING
    if not key[:, 0].all():
        position = index.store.array("variant_position").chunk(chunk)
    return key, np.zeros_like(key) if digest is None else digest, begin, end, position


def _joined(parts: list[Matches], *, with_totals: bool) -> Matches:
    """Parts one after another; where two answer for an allele, the better, then the earlier record."""
    tally = sum((part.tally for part in parts), np.zeros(2, np.int64))
    row = np.concatenate([np.zeros(0, np.int64), *(part.row for part in parts)])
    rank = np.concatenate([np.zeros(0, np.uint8), *(part.rank for part in parts)])
    record = np.concatenate([np.zeros(0, np.int64), *(part.record for part in parts)])
    alt = np.concatenate([np.zeros(0, np.int64), *(part.alt for part in parts)])
    totals = None
    if with_totals:
        found = [part.totals for part in parts if part.totals is not None]
        totals = np.concatenate([np.zeros((3, 0), np.int64), *found], axis=1)
    if (np.diff(row) <= 0).any():
        order = np.lexsort((record, -rank.astype(np.int64), row))
        first = np.ones(len(order), np.bool_)
        first[1:] = np.diff(row[order]) > 0
        kept = order[first]
        row, rank, record, alt = row[kept], rank[kept], record[kept], alt[kept]
        totals = None if totals is None else totals[:, kept]
    return Matches(row, rank, record, alt, totals, tally)
