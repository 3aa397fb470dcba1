"""Plans: regions to a list of chunk reads, found through the region index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..model.regions import END_OF_CONTIG, Region
from ..storage.batch import SiteChunk


class Store(Protocol):
    """What a query reads: a batch of ours, or a VCF Zarr store of somebody else's."""

    @property
    def contigs(self) -> list[str]: ...
    @property
    def samples(self) -> list[str]: ...
    @property
    def filters(self) -> list[str]: ...
    @property
    def region_index(self) -> NDArray[np.int64]: ...
    @property
    def num_chunks(self) -> int: ...
    @property
    def has_genotypes(self) -> bool: ...
    @property
    def chunk_samples(self) -> int: ...
    @property
    def num_sample_chunks(self) -> int: ...
    @property
    def ploidy(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def site_chunk(self) -> Callable[[int], SiteChunk]: ...
    def genotype_block(self, chunk: int, sample_chunk: int) -> memoryview: ...
    def phased_chunk(self, chunk: int, sample_chunk: int) -> NDArray[np.bool_]: ...
    def has_gt_chunk(self, chunk: int) -> NDArray[np.bool_]: ...
    def filter_chunk(self, chunk: int) -> NDArray[np.bool_]: ...


@dataclass(frozen=True)
class ChunkRead:
    """Read some records of one chunk of variants.

    rows : sorted row numbers in the chunk, or None for the whole chunk
    """

    chunk: int
    rows: NDArray[np.int64] | None = None

    def span(self, num_rows: int) -> tuple[int, int]:
        """First row and the row behind the last."""
        return (0, num_rows) if self.rows is None else (int(self.rows[0]), int(self.rows[-1]) + 1)


def plan_reads(store: Store, regions: Sequence[Region] | None) -> list[ChunkRead]:
    """The chunk reads that cover every record overlapping a region, in file order; None: everything.

    A record overlaps from POS to POS + rlen - 1. Each is read once, however the regions overlap.
    """
    if regions is None:
        return [ChunkRead(chunk) for chunk in range(store.num_chunks)]
    index = store.region_index
    wanted: dict[int, list[Region]] = {}
    for region in regions:
        hits = (index[:, 1] == region.contig) & (index[:, 2] <= region.end) & (index[:, 4] > region.start)
        for chunk in index[hits, 0].tolist():
            wanted.setdefault(chunk, []).append(region)
    reads = []
    for chunk in sorted(wanted):
        rows = _rows_in(store.site_chunk(chunk), wanted[chunk])
        if rows is None or len(rows):
            reads.append(ChunkRead(chunk, rows))
    return reads


def with_records(store: Store, reads: Sequence[ChunkRead], records: NDArray[np.int64]) -> list[ChunkRead]:
    """The same reads, and some records besides, in file order."""
    height = len(store.site_chunk(0).position) if store.num_chunks else 1
    wanted = {read.chunk: read.rows for read in reads}
    for chunk in np.unique(records // height).tolist():
        rows = wanted.get(chunk, np.zeros(0, np.int64))
        if rows is not None:
            wanted[chunk] = np.union1d(rows, records[records // height == chunk] % height)
    return [ChunkRead(chunk, wanted[chunk]) for chunk in sorted(wanted)]


def _rows_in(sites: SiteChunk, regions: Sequence[Region]) -> NDArray[np.int64] | None:
    chosen = np.zeros(len(sites.position), np.bool_)
    for region in regions:
        here = sites.contig == region.contig
        if region.start > 0 or region.end < END_OF_CONTIG:
            here &= (sites.position <= region.end) & (sites.position + (sites.length - 1) > region.start)
        chosen |= here
    return None if chosen.all() else np.flatnonzero(chosen)
