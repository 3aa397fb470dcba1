"""Who in the repository carries a genome's alleles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..query.count import CountJob, passes
from ..query.counting import Question, count_jobs
from ..query.genotypes import Wanted, decode_chunk
from ..query.plan import ChunkRead
from .counting import Asked, GenomeCounts
from .matching import match_batch
from .text_rows import UNKNOWN, Codes

if TYPE_CHECKING:
    from ..query.batches import BatchHandle
    from ..query.version import Version
    from .reading import Genome

# An allele that more people carry is not rare enough for their names to tell anything.
MOST_CARRIERS = 100
_CALLS = 1 << 24


def carriers(version: Version, genome: Genome, asked: Asked, counts: GenomeCounts) -> Codes:
    """Ids of who carries each allele, separated by commas; how many where they are over MOST_CARRIERS.

    Raises CorruptRepositoryError.
    """
    found: list[list[int]] = [[] for _ in range(len(genome))]
    count = counts.counts["allele_count"][0]
    # So many copies are always more than so many people.
    few = (count > 0) & (count <= 2 * MOST_CARRIERS)
    masks = asked.everybody[np.newaxis]
    jobs = count_jobs(
        Question(None, [], masks, None, False, asked.filters, True), version._batches, version._blocks, {}
    )
    for contig, rows in genome.runs:
        if contig >= len(version.contigs):
            continue
        alleles = genome.alleles.take(rows)
        for batch, job in zip(version._batches, jobs, strict=True):
            if version.contigs[contig] in batch.entry["covered"]["contigs"]:
                hits = match_batch(version, batch, contig, alleles.key, alleles.digest, None)
                mine = (hits.alt > 0) & few[rows][hits.row]
                where = hits.row[mine] + rows.start
                _of_batch(version, batch, job, (where, hits.record[mine], hits.alt[mine]), found, asked.everybody)
    texts, codes = [UNKNOWN], np.zeros(len(genome), np.int32)
    for row in np.flatnonzero(count).tolist():
        people = sorted(found[row])
        many = not few[row] or len(people) > MOST_CARRIERS
        codes[row] = len(texts)
        texts.append(f">{MOST_CARRIERS}" if many else ",".join(version._names[number] for number in people))
    return Codes(codes, texts)


def _of_batch(
    version: Version, batch: BatchHandle, job: CountJob,
    hits: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], found: list[list[int]],
    everybody: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Add who carries alleles in one batch. hits : rows of the genome, records and ALT alleles"""
    store = batch.store
    samples = len(store.samples)
    counted = everybody[batch.numbers]
    height = version_height(batch)
    chunk = hits[1] // height
    step = max(1, _CALLS // max(1, samples * store.ploidy))
    for number in np.unique(chunk).tolist():
        here = np.flatnonzero(chunk == number)
        for begin in range(0, len(here), step):
            row, record, alt = (each[here[begin : begin + step]] for each in hits)
            rows, place = np.unique(record % height, return_inverse=True)
            calls = np.full((len(rows), samples, store.ploidy), -1, store.dtype)
            wanted = Wanted(store, number, rows, len(store.site_chunk(number).position), np.arange(samples))
            for sample_chunk in range(store.num_sample_chunks):
                decode_chunk(wanted, sample_chunk, version._blocks, calls, np.zeros(calls.shape[:2], np.bool_))
            good = np.ones(len(rows), np.bool_) if job.filters is None else passes(job, ChunkRead(number, rows))
            for i, (which, allele) in enumerate(zip(place.reshape(-1).tolist(), alt.tolist(), strict=True)):
                if good[which]:
                    people = np.flatnonzero((calls[which] == allele).any(axis=1) & counted)
                    found[int(row[i])] += batch.numbers[people].tolist()


def version_height(batch: BatchHandle) -> int:
    """Records of a chunk of a batch."""
    return int(batch.alleles.store.chunk_variants)
