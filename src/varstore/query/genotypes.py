"""Genotypes of some records and samples, decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..codec.genotype import expand_rows
from ..errors import CorruptChunkError
from ..model.results import Genotypes
from .blocks import BlockCache
from .plan import ChunkRead, Store


def read_genotypes(
    stores: Sequence[Store],
    reads: Sequence[ChunkRead],
    columns: Sequence[NDArray[np.int64]],
    samples: Sequence[str],
    cache: BlockCache,
    fields: Mapping[str, NDArray[Any]] | None = None,
) -> Genotypes:
    """Decode the reads.

    columns : for each store, which columns of the result its samples fill, and -1 for those not asked for
    fields : of the same records and samples, to go with them
    """
    ploidy = max(store.ploidy for store in stores)
    dtype = np.result_type(*(store.dtype for store in stores))
    sites = [stores[0].site_chunk(read.chunk) for read in reads]
    chosen = [_rows(read, len(site.position)) for read, site in zip(reads, sites, strict=True)]
    starts = np.concatenate(([0], np.cumsum([len(rows) for rows in chosen]))).astype(np.int64)
    calls = np.full((int(starts[-1]), len(samples), ploidy), -1, dtype)
    phased = np.zeros(calls.shape[:2], np.bool_)
    for store, column in zip(stores, columns, strict=True):
        if not store.has_genotypes:
            continue
        for i, read in enumerate(reads):
            target = slice(int(starts[i]), int(starts[i + 1]))
            for sample_chunk in range(store.num_sample_chunks):
                wanted = Wanted(store, read.chunk, chosen[i], len(sites[i].position), column)
                decode_chunk(wanted, sample_chunk, cache, calls[target], phased[target])
    width = max([site.allele.shape[1] for site in sites], default=2)
    alleles = np.full((len(calls), width), "", object)
    for i, site in enumerate(sites):
        alleles[starts[i] : starts[i + 1], : site.allele.shape[1]] = site.allele[chosen[i]]
    contigs = np.array([*stores[0].contigs, ""], object)
    empty = np.zeros(0, np.int64)
    contig = np.concatenate([empty, *(s.contig[rows] for s, rows in zip(sites, chosen, strict=True))])
    position = np.concatenate([empty, *(s.position[rows] for s, rows in zip(sites, chosen, strict=True))])
    return Genotypes(
        {
            "call_genotype": calls,
            "call_genotype_phased": phased,
            "variant_contig": contigs[contig],
            "variant_position": position.astype(np.int64),
            "variant_allele": alleles,
            "sample_id": np.array([*samples, None], object)[:-1],
        },
        fields,
    )


def _rows(read: ChunkRead, num_rows: int) -> NDArray[np.int64]:
    return np.arange(num_rows) if read.rows is None else read.rows


@dataclass(frozen=True)
class Wanted:
    """Records of one chunk, and the samples of one store. ``num_rows``: records of the whole chunk."""

    store: Store
    chunk: int
    rows: NDArray[np.int64]
    num_rows: int
    column: NDArray[np.int64]


def decode_chunk(
    wanted: Wanted, sample_chunk: int, cache: BlockCache, calls: NDArray[Any], phased: NDArray[np.bool_]
) -> None:
    """Decode the wanted samples of one chunk into their columns of ``calls`` and ``phased``."""
    store, chunk, rows = wanted.store, wanted.chunk, wanted.rows
    begin = sample_chunk * store.chunk_samples
    mine = wanted.column[begin : begin + store.chunk_samples]
    samples = np.flatnonzero(mine >= 0)
    if not len(samples) or not len(rows):
        return
    first, end = int(rows[0]), int(rows[-1]) + 1
    ploidy = 0
    for at, block in cache.blocks(store, chunk, sample_chunk, wanted.num_rows):
        low, ploidy = at - begin, block.ploidy
        if ploidy > calls.shape[2]:
            raise CorruptChunkError(f"chunk {chunk}.{sample_chunk}.0 of call_genotype: more haplotypes than its batch")
        inside = samples[(samples >= low) & (samples < low + block.num_samples)]
        if len(inside):
            out = np.empty((end - first, block.num_samples, calls.shape[2]), calls.dtype)
            expand_rows(block, first, end, out)
            calls[:, run_of(mine[inside])] = out[run_of(rows - first)][:, run_of(inside - low)]
    if ploidy < calls.shape[2]:
        # Written before a wider call was met: a record without GT is missing at every haplotype all the same.
        without = np.flatnonzero(~store.has_gt_chunk(chunk)[rows])
        calls[np.ix_(without, mine[samples])] = -1
    phased[:, run_of(mine[samples])] = store.phased_chunk(chunk, sample_chunk)[run_of(rows)][:, run_of(samples)]


def run_of(indexes: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """The same as a slice where the indexes follow one another: that is copied, not gathered."""
    first, end = int(indexes[0]), int(indexes[-1]) + 1
    rising = end - first == len(indexes) and bool((np.diff(indexes) == 1).all())
    return slice(first, end) if rising else indexes
