"""Genotypes of some records and samples, decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..codec.genotype import expand_rows
from ..codec.layout import inflate_block, parse
from ..errors import CorruptChunkError
from ..model.results import Genotypes
from .plan import ChunkRead, Store


def read_genotypes(
    stores: Sequence[Store],
    reads: Sequence[ChunkRead],
    columns: Sequence[NDArray[np.int64]],
    samples: Sequence[str],
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
                _decode_chunk(store, read, chosen[i], sample_chunk, column, calls[target], phased[target])
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


def _decode_chunk(
    store: Store, read: ChunkRead, rows: NDArray[np.int64], sample_chunk: int, column: NDArray[np.int64],
    calls: NDArray[Any], phased: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Decode the wanted samples of one chunk into their columns of ``calls`` and ``phased``."""
    begin = sample_chunk * store.chunk_samples
    mine = column[begin : begin + store.chunk_samples]
    wanted = np.flatnonzero(mine >= 0)
    if not len(wanted) or not len(rows):
        return
    data = store.genotype_block(read.chunk, sample_chunk)
    layout = parse(data)
    first, end = int(rows[0]), int(rows[-1]) + 1
    if layout.num_rows < end or layout.num_samples < len(mine) or layout.ploidy > calls.shape[2]:
        raise CorruptChunkError(f"chunk {read.chunk}.{sample_chunk}.0 of call_genotype is smaller than its batch")
    for block in range(layout.num_blocks):
        low = block * layout.inner
        inside = wanted[(wanted >= low) & (wanted < low + layout.block_samples(block))]
        if len(inside):
            out = np.empty((end - first, layout.block_samples(block), calls.shape[2]), calls.dtype)
            expand_rows(inflate_block(data, layout, block), first, end, out)
            calls[:, mine[inside]] = out[rows - first][:, inside - low]
    if layout.ploidy < calls.shape[2]:
        # Written before a wider call was met: a record without GT is missing at every haplotype all the same.
        without = np.flatnonzero(~store.has_gt_chunk(read.chunk)[rows])
        calls[np.ix_(without, mine[wanted])] = -1
    phased[:, mine[wanted]] = store.phased_chunk(read.chunk, sample_chunk)[rows][:, wanted]
