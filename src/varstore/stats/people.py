"""The pass over people: blocks whose records are counted, and what each person's calls add to their accumulators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..codec.counts import BlockCounts
from ..codec.layout import Scratch
from ..codec.people import Tally, Traits, add_people
from ..query.count import CountJob, Map, passes
from ..query.plan import ChunkRead
from ..storage.batch import SiteChunk
from .samples import People, expected_heterozygosity, expects_heterozygotes, kinds_of, single_copies


@dataclass(frozen=True)
class PeopleTask:
    """Records of one chunk of a batch, and some of its samples.

    traits : of the records of the read that are looked at    rows : which those are, in the chunk
    """

    job: CountJob
    chunk: int
    rows: NDArray[np.int64]
    sample_chunk: int
    traits: Traits

    @property
    def span(self) -> tuple[int, int]:
        """Samples of the chunk: the first, and the one behind the last."""
        width = self.job.store.chunk_samples
        return self.sample_chunk * width, min((self.sample_chunk + 1) * width, self.job.members.shape[1])

    def run(self) -> Tally:
        """Add up the calls."""
        first, end = int(self.rows[0]), int(self.rows[-1]) + 1
        wanted = np.zeros(end - first, np.bool_)
        wanted[self.rows - first] = True
        num_alts, expected = np.zeros(end - first, np.int64), np.zeros(end - first)
        num_alts[wanted], expected[wanted] = np.diff(self.traits.alt_start), self.traits.expected
        alt_start = np.concatenate(([0], np.cumsum(num_alts)))
        traits = Traits(alt_start, self.traits.kind, self.traits.single, expected)
        begin, behind = self.span
        store, scratch = self.job.store, Scratch()
        num_rows = len(store.site_chunk(self.chunk).position)
        blocks = self.job.cache.blocks(store, self.chunk, self.sample_chunk, num_rows)
        # Blocks of other people's stores may have more samples than the store says.
        tally = Tally.zeros(max(at - begin + block.num_samples for at, block in blocks))
        for at, block in blocks:
            inside = slice(at - begin, at - begin + block.num_samples)
            add_people(block, (first, end), wanted, traits, tally.part(inside), scratch)
        return tally.part(slice(0, behind - begin))


def look_at(
    people: People, jobs: Sequence[tuple[CountJob, NDArray[np.int64]]],
    reads: Sequence[Sequence[tuple[ChunkRead, Traits]]], map_tasks: Map,
) -> None:  # fmt: skip
    """Add the calls of batches to the accumulators.

    jobs : each batch with the repository's numbers of its samples
    reads : for each batch, and the traits of the records of each
    """
    tasks, owners = [], []
    for (job, numbers), mine in zip(jobs, reads, strict=True):
        if not job.store.has_genotypes:
            continue
        for read, traits in mine:
            rows = np.arange(len(traits.expected)) if read.rows is None else read.rows
            if job.filters is not None:
                good = passes(job, read)
                rows, traits = rows[good], traits.take(good)
            if not len(rows):
                continue
            people.see(numbers, traits.expected)
            for sample_chunk in chunks_with_members(job):
                tasks.append(PeopleTask(job, read.chunk, rows, sample_chunk, traits))
                owners.append(numbers)
    for task, numbers, tally in zip(tasks, owners, map_tasks(PeopleTask.run, tasks), strict=True):
        begin, end = task.span
        people.add_calls(numbers[begin:end], tally)


def chunks_with_members(job: CountJob) -> list[int]:
    """Chunks of samples that hold somebody asked for."""
    width = job.store.chunk_samples
    return [i for i in range(job.store.num_sample_chunks) if job.members[:, i * width : (i + 1) * width].any()]


def traits_of(sites: SiteChunk, read: ChunkRead, counts: BlockCounts, contigs: Sequence[str]) -> Traits:
    """What the counts of the last cohort say of the records of a read.

    contigs : names, of the contigs of ``sites``
    """
    rows = np.arange(len(sites.position)) if read.rows is None else read.rows
    chosen = np.zeros(len(sites.position), np.bool_)
    chosen[rows] = True
    alleles = np.flatnonzero(chosen[sites.record_of_alt])
    allele_count = counts.allele_count[-1]
    expected = expected_heterozygosity(counts.alt_start, allele_count, counts.allele_number[-1])
    expected[~np.array([expects_heterozygotes(name) for name in contigs], np.bool_)[sites.contig[rows]]] = 0
    alts = sites.alts[alleles]
    kind = kinds_of(sites.ref_of_alt[alleles].tolist(), alts.tolist())
    return Traits(counts.alt_start, kind, single_copies(allele_count, alts), expected)
