"""Several batches as one store of joined records: what exports and genotypes read, chunk by chunk of the axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..kernels.join import map_codes
from ..model.header import joined_header
from ..storage.batch import Batch, SiteChunk
from .blocks import BlockCache
from .chunked import by_chunk
from .genotypes import Wanted, decode_chunk, run_of
from .joined import Joined
from .joined_arrays import JoinedArrays
from .plan import ChunkRead

CHUNK_VARIANTS = 4096
# Decoded chunks of site arrays that are kept.
_KEPT_ARRAYS = 256
_KEPT_SITES = 16
_FLOAT_MISSING = 0x7F800001


class AbsentCalls(Protocol):
    """What a batch says of each of its people where it has no record."""

    def copies(self, contig: int, positions: NDArray[np.int64]) -> NDArray[np.int16]:
        """(positions, samples) alleles of a call that is all reference, 0 where nothing is known.

        positions : ascending
        """


class JoinedStore:
    """Joined records of batches, of some people.

    stores : the batches    columns : for each, which of ``samples`` each of its samples is, or -1
    pieces : the records, in order    contigs : the repository's table, with lengths where they are known
    absences : for each batch what its people are where it has no record; None: unknown
    """

    chunk_variants = CHUNK_VARIANTS

    def __init__(
        self, stores: Sequence[Batch], columns: Sequence[NDArray[np.int64]], samples: Sequence[str],
        pieces: Iterable[Joined], contigs: Mapping[str, int | None], absences: Sequence[AbsentCalls | None],
        cache: BlockCache,
    ) -> None:  # fmt: skip
        self.stores, self.columns, self.samples = stores, columns, samples
        self.contigs, self.lengths = list(contigs), list(contigs.values())
        self.absences, self._cache = absences, cache
        self._chunks = [
            piece.take(np.arange(begin, min(begin + CHUNK_VARIANTS, len(piece))))
            for piece in pieces
            for begin in range(0, len(piece), CHUNK_VARIANTS)
        ]
        self.site_chunk = lru_cache(maxsize=_KEPT_SITES)(self._site_chunk)
        self.filter_chunk = lru_cache(maxsize=_KEPT_SITES)(self._filter_chunk)
        self.array_chunk = lru_cache(maxsize=_KEPT_ARRAYS)(self._array_chunk)

    @cached_property
    def arrays(self) -> JoinedArrays:
        """Site columns and fields by the names of their arrays."""
        return JoinedArrays(self)

    @property
    def num_chunks(self) -> int:
        return len(self._chunks)

    @cached_property
    def num_variants(self) -> int:
        """Joined records."""
        return sum(map(len, self._chunks))

    def reads(self) -> list[ChunkRead]:
        """Every record."""
        return [ChunkRead(chunk, np.arange(len(piece))) for chunk, piece in enumerate(self._chunks)]

    @cached_property
    def header_text(self) -> str:
        """The header of the first batch, and what the others declare besides."""
        return joined_header([store.part.read("varstore/header.vcf").decode() for store in self.stores], self.contigs)

    @cached_property
    def filters(self) -> list[str]:
        """Those of all batches."""
        return list(dict.fromkeys(name for store in self.stores for name in store.filters))

    @cached_property
    def has_genotypes(self) -> bool:
        return any(store.has_genotypes for store in self.stores)

    @cached_property
    def ploidy(self) -> int:
        return max(store.ploidy for store in self.stores)

    @cached_property
    def most_alleles(self) -> int:
        """Alleles of the widest record that was spelled anew."""
        widest = (len(one.alleles) for piece in self._chunks for one in piece.spelled.values())
        return max(widest, default=2)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        least = np.dtype("i1") if self.most_alleles <= np.iinfo("i1").max else np.dtype("i2")
        return np.result_type(least, *(store.dtype for store in self.stores))

    @cached_property
    def region_index(self) -> NDArray[np.int64]:
        """(chunks, 6), as of a batch."""
        rows = [
            (number, piece.contig, piece.start[0] + 1, piece.start[-1] + 1, piece.end.max(), len(piece))
            for number, piece in enumerate(self._chunks)
        ]
        return np.array(rows, np.int64).reshape(-1, 6)

    def piece(self, chunk: int) -> Joined:
        """The records of a chunk."""
        return self._chunks[chunk]

    def _array_chunk(self, batch: int, name: str, chunk: int) -> NDArray[Any]:
        return self.stores[batch].array(name).chunk(chunk)

    def rows_of(self, batch: int, name: str, records: NDArray[np.int64]) -> NDArray[Any]:
        """Rows of a site array of a batch, by record."""
        height = self.stores[batch].chunk_variants
        return by_chunk(records, height, lambda chunk, rows: self.array_chunk(batch, name, chunk)[rows])

    def _site_chunk(self, chunk: int) -> SiteChunk:
        return sites_of(self.piece(chunk), self.stores)

    def _filter_chunk(self, chunk: int) -> NDArray[np.bool_]:
        """The filters of all members; PASS is none of them where there are others."""
        piece = self.piece(chunk)
        out = np.zeros((len(piece), len(self.filters)), np.bool_)
        for batch, records in piece.members.items():
            store, there = self.stores[batch], np.flatnonzero(records >= 0)
            if len(there) and store.filters:
                found = self.rows_of(batch, "variant_filter", records[there])
                for number, name in enumerate(store.filters):
                    out[there, self.filters.index(name)] |= found[:, number]
        if "PASS" in self.filters:
            others = np.delete(out, self.filters.index("PASS"), axis=1).any(axis=1)
            out[others, self.filters.index("PASS")] = False
        return out

    def has_gt_chunk(self, chunk: int) -> NDArray[np.bool_]:
        """Whether some member has GT, or somebody is reference for want of a record."""
        piece = self.piece(chunk)
        out = np.zeros(len(piece), np.bool_)
        for batch, records in piece.members.items():
            there = np.flatnonzero(records >= 0)
            if len(there) and self.stores[batch].has_genotypes:
                out[there] |= self.rows_of(batch, "varstore/variant_has_genotype", records[there])
            if self.absences[batch] is not None and (self.columns[batch] >= 0).any():
                out |= records < 0
        return out

    def read_calls(
        self, chunk: int, rows: NDArray[np.int64], samples: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """(rows, samples, ploidy) codes and (rows, samples) phases of some records and people."""
        piece = self.piece(chunk)
        codes = np.full((len(rows), len(samples), self.ploidy), -1, self.dtype)
        phased = np.zeros(codes.shape[:2], np.bool_)
        place = np.full(len(self.samples) + 1, -1, np.int64)
        place[samples] = np.arange(len(samples))
        for batch, records in piece.members.items():
            column = place[self.columns[batch]]
            mine = np.flatnonzero(column >= 0)
            if not len(mine):
                continue
            records = records[rows]
            there = np.flatnonzero(records >= 0)
            to = run_of(column[mine])
            if len(there) and self.stores[batch].has_genotypes:
                found, phases = self._decoded(batch, records[there], mine)
                self._map(piece, batch, rows[there], found)
                _put(codes, run_of(there), to, found)
                _put(phased, run_of(there), to, phases)
            absence, gone = self.absences[batch], np.flatnonzero(records < 0)
            if absence is not None and len(gone):
                gone = gone[np.argsort(piece.position[rows[gone]], kind="stable")]
                copies = absence.copies(piece.contig, piece.position[rows[gone]])[:, mine]
                _put(codes, run_of(gone), to, _reference(copies, self.ploidy, self.dtype))
        return codes, phased

    def _decoded(
        self, batch: int, records: NDArray[np.int64], mine: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Calls of some records and samples of a batch."""
        store = self.stores[batch]
        column = np.full(len(store.samples), -1, np.int64)
        column[mine] = np.arange(len(mine))
        ascending = bool((np.diff(records) > 0).all())
        wanted, back = (records, None) if ascending else np.unique(records, return_inverse=True)
        codes = np.full((len(wanted), len(mine), self.ploidy), -1, self.dtype)
        phased = np.zeros(codes.shape[:2], np.bool_)
        chunk = wanted // store.chunk_variants
        starts = [0, *(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(wanted)]
        for begin, end in pairwise(starts):
            number = int(chunk[begin])
            num_rows = min(store.chunk_variants, store.num_variants - number * store.chunk_variants)
            rows = wanted[begin:end] - number * store.chunk_variants
            for sample_chunk in range(store.num_sample_chunks):
                part = Wanted(store, number, rows, num_rows, column)
                decode_chunk(part, sample_chunk, self._cache, codes[begin:end], phased[begin:end])
        return (codes, phased) if back is None else (codes[back.reshape(-1)], phased[back.reshape(-1)])

    def _map(self, piece: Joined, batch: int, rows: NDArray[np.int64], codes: NDArray[Any]) -> None:
        """Turn codes of a batch into those of the joined records, in place."""
        maps: list[tuple[int, ...]] = []
        which = np.full(len(rows), -1, np.int64)
        for i, row in enumerate(rows.tolist()) if piece.spelled else ():
            if row in piece.spelled:
                own = piece.spelled[row].maps[piece.batches[row].index(batch)]
                if own != tuple(range(len(own))):
                    which[i] = len(maps)
                    maps.append(own)
        if maps:
            table = np.zeros((len(maps), max(map(len, maps))), codes.dtype)
            for i, own in enumerate(maps):
                table[i, : len(own)] = own
            map_codes(codes, table, which)


def sites_of(piece: Joined, stores: Sequence[Batch]) -> SiteChunk:
    """Site columns of some joined records. stores : the batches"""
    parts, width = [], 2
    for batch in np.unique(piece.owner).tolist():
        mine = np.flatnonzero(piece.owner == batch)
        store, records = stores[batch], piece.record[mine]
        found = by_chunk(records, store.chunk_variants, partial(_alleles, store))
        parts.append((mine, found))
        width = max(width, found.shape[1])
    width = max([width, *(len(one.alleles) for one in piece.spelled.values())])
    allele = np.full((len(piece), width), "", object)
    for mine, found in parts:
        allele[mine, : found.shape[1]] = found
    for row, one in piece.spelled.items():
        allele[row] = [*one.alleles, *[""] * (width - len(one.alleles))]
    contig = np.full(len(piece), piece.contig, np.int32)
    num_alts = (allele[:, 1:] != "").sum(axis=1).astype(np.int64)
    position, length = (piece.start + 1).astype(np.int32), (piece.end - piece.start).astype(np.int32)
    return SiteChunk(contig, position, length, allele, num_alts)


def _alleles(store: Batch, chunk: int, rows: NDArray[np.int64]) -> NDArray[Any]:
    return store.site_chunk(chunk).allele[rows]


def _put(target: NDArray[Any], rows: Any, columns: Any, values: NDArray[Any]) -> None:
    if isinstance(rows, slice) or isinstance(columns, slice):
        target[rows, columns] = values
    else:
        target[rows[:, np.newaxis], columns] = values


def _reference(alleles: NDArray[Any], ploidy: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """(rows, samples, ploidy) calls of so many reference alleles; missing where there are none."""
    there = np.arange(ploidy) < alleles[:, :, np.newaxis]
    out = np.where(there, 0, -2).astype(dtype)
    out[alleles == 0] = -1
    return out
