"""Chunks of records into a batch: encode, count for the totals, write."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..codec.counting import Masks, count_rows
from ..codec.counts import BlockCounts
from ..codec.genotype import encode_sets
from ..codec.layout import inflate_block, parse
from ..storage.batch import BatchWriter
from .records import Records
from .sites import SiteColumns


@dataclass(frozen=True)
class EncodedBlock:
    """What one chunk of genotypes came to."""

    ploidy: int
    itemsize: int
    counts: BlockCounts


def write_genotypes(writer: BatchWriter, records: Records, chunk: int, sample_chunk: int) -> EncodedBlock:
    """Encode and write one chunk of genotypes and phases; count everybody in it.

    The counts come from the encoded bytes, so every block is read back once before it is committed.
    """
    sets = records.sets
    begin = sample_chunk * writer.chunk_samples
    end = min(begin + writer.chunk_samples, len(writer.samples))
    blocks = range(int(np.searchsorted(sets.starts, begin)), int(np.searchsorted(sets.starts, end)))
    data = encode_sets(sets, (writer.chunk_variants, writer.chunk_samples, sets.ploidy), blocks=blocks)
    writer.put_genotypes(chunk, sample_chunk, data)
    writer.put_phased(chunk, sample_chunk, _phased(records, begin, end))
    layout = parse(memoryview(data))
    counts = BlockCounts.zeros(1, records.num_alts)
    for block in range(layout.num_blocks):
        part = inflate_block(layout, block)
        everybody = Masks(np.ones((1, part.num_samples), np.bool_))
        count_rows(part, (0, sets.num_rows), everybody, counts, genotypes=True)
    return EncodedBlock(sets.ploidy, layout.dtype.itemsize, counts)


def _phased(records: Records, begin: int, end: int) -> NDArray[np.bool_] | bool:
    """Phases of the samples ``begin`` to ``end``: one value where all are alike."""
    default = records.phase_default
    inside = (records.phase >= begin) & (records.phase < end)
    if not inside.any() and len(default) and (default == default[0]).all():
        return bool(default[0])
    phased = np.repeat(default[:, np.newaxis].astype(np.bool_), end - begin, axis=1)
    rows = np.repeat(np.arange(records.num_rows), np.diff(records.phase_start))[inside]
    phased[rows, records.phase[inside] - begin] ^= True
    return phased


def write_sites(writer: BatchWriter, sites: SiteColumns, has_gt: NDArray[np.bool_], chunk: int) -> None:
    """Write the site columns of a chunk whose codes do not depend on other chunks."""
    writer.put("variant_position", chunk, sites.position)
    writer.put("variant_length", chunk, sites.length)
    writer.put("variant_quality", chunk, sites.quality)
    writer.put("variant_id_mask", chunk, sites.id_missing)
    writer.put("varstore/variant_has_genotype", chunk, has_gt)
    writer.put_text("variant_id", chunk, sites.packed_ids)
    writer.put_text("variant_allele", chunk, sites.packed_alleles, sites.num_alleles)
