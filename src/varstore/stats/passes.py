"""One pass over the blocks of a version: sites, people, or both."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..codec.counts import BlockCounts
from ..errors import DenominatorWarning
from ..query.absence import Absence
from ..query.batches import BatchHandle
from ..query.blocks import BlockCache
from ..query.count import CountJob, Map, Packed, count, read_columns
from ..query.counting import Question, count_jobs
from ..query.plan import ChunkRead
from ..storage.batch import Batch
from .variants import with_haploids

if TYPE_CHECKING:
    from ..query.union import Union
    from .samples import People

# Chunks of genotypes that are read, counted and looked at for people before the next ones: they stay in memory.
_CHUNKS_AT_A_TIME = 32


@dataclass(frozen=True)
class Asked:
    """A question of statistics, and what answers it.

    question : cohorts as masks; ``genotypes`` is true
    num_cohorts : that have rows; one more mask may stand behind them, of the people of all
    batches : of the version
    contigs : names of the repository's table    map_tasks : runs tasks in threads
    """

    question: Question
    num_cohorts: int
    batches: Sequence[BatchHandle]
    contigs: Sequence[str]
    cache: BlockCache
    packed: dict[str, Packed]
    map_tasks: Map

    @property
    def people(self) -> NDArray[np.int64]:
        """(masks,) how many are asked for."""
        people: NDArray[np.int64] = self.question.masks.sum(axis=1)
        return people

    @property
    def polyploid(self) -> bool:
        """Whether calls of more than two alleles are possible."""
        return any(batch.store.ploidy > 2 for batch in self.batches)

    def jobs(self) -> list[CountJob]:
        """The batches, to be counted."""
        return count_jobs(self.question, self.batches, self.cache, self.packed)


def haploid_jobs(jobs: Sequence[CountJob]) -> list[CountJob]:
    """The same batches, of which calls of one allele are counted."""
    from ..codec.haploids import count_haploids  # noqa: PLC0415

    return [replace(job, totals=None, counter=count_haploids) for job in jobs]


def may_have_haploids(counts: BlockCounts, people: NDArray[np.int64]) -> bool:
    """Whether a record has calls of one allele, as far as its counts tell.

    Where nobody is missing there are no half calls, so every call that is not of two alleles shows.
    """
    return bool((counts.n_missing > 0).any() or (counts.allele_number != 2 * people[:, np.newaxis]).any())


def on_one_axis(
    asked: Asked, jobs: Sequence[CountJob], planned: Sequence[ChunkRead], people: People | None, *, sites: bool
) -> list[dict[str, Any]]:
    """Columns of records that all batches have; their calls are added to ``people``.

    planned : the records    sites : columns are wanted
    """
    chunks = sum(max(1, job.store.num_sample_chunks) for job in jobs)
    step = max(1, _CHUNKS_AT_A_TIME // chunks)
    parts: list[dict[str, Any]] = []
    for reads in (planned[begin : begin + step] for begin in range(0, len(planned), step)):
        counts = count(jobs, reads, asked.map_tasks, genotypes=sites)
        if sites:
            parts += _columns(asked, jobs, reads, counts)
        if people is not None:
            _add_people(asked, jobs, reads, counts, people)
    return parts


def _columns(
    asked: Asked, jobs: Sequence[CountJob], reads: Sequence[ChunkRead], counts: Sequence[BlockCounts]
) -> Iterator[dict[str, Any]]:
    """Columns of some records, all batches having them."""
    store = jobs[0].store
    unclear = [i for i, part in enumerate(counts) if may_have_haploids(part, asked.people)]
    found = count(haploid_jobs(jobs), [reads[i] for i in unclear], asked.map_tasks, genotypes=False)
    haploids = dict(zip(unclear, found, strict=True))
    contigs = np.array([*store.contigs, ""], object)
    for i, (read, part) in enumerate(zip(reads, counts, strict=True)):
        sites = store.site_chunk(read.chunk)
        columns = read_columns(sites, read, part, contigs, asked.people)
        alone = read_columns(sites, read, haploids[i], contigs, asked.people) if i in haploids else None
        yield with_haploids(columns, alone)


def _add_people(
    asked: Asked, jobs: Sequence[CountJob], reads: Sequence[ChunkRead], counts: Sequence[BlockCounts], people: People
) -> None:
    """Add the calls of some records, all batches having them."""
    from .people import look_at, traits_of  # noqa: PLC0415

    store = jobs[0].store
    traits = [
        traits_of(store.site_chunk(read.chunk), read, part, store.contigs)
        for read, part in zip(reads, counts, strict=True)
    ]
    people.num_records += sum(len(each.expected) for each in traits)
    numbered = [(job, batch.numbers) for job, batch in zip(jobs, asked.batches, strict=True)]
    look_at(people, numbered, [list(zip(reads, traits, strict=True))] * len(jobs), asked.map_tasks)


def sites_on_the_union(
    asked: Asked, jobs: Sequence[CountJob], union: Union, absences: Sequence[Absence | None]
) -> list[dict[str, Any]]:
    """Columns of the alleles of batches with sites of their own. Warns DenominatorWarning."""
    from ..query.union_count import UnionJob, count_piece, piece_columns  # noqa: PLC0415

    people, names = asked.people, np.array([*asked.contigs, ""], object)
    stores = [cast(Batch, job.store) for job in jobs]
    whole = {n: UnionJob(job, absence) for n, (job, absence) in enumerate(zip(jobs, absences, strict=True))}
    alone = {
        n: UnionJob(job, None if absence is None else absence.of_ploidy(1))
        for n, (job, absence) in enumerate(zip(haploid_jobs(jobs), absences, strict=True))
    }
    parts: list[dict[str, Any]] = []
    incomplete = rows = 0
    for piece in union.pieces(asked.question.regions, asked.question.alleles):
        counts, missing = count_piece(piece, whole, people, asked.map_tasks, genotypes=True)
        columns = piece_columns(piece, counts, stores, names, people)
        haploids = None
        if may_have_haploids(counts, people):
            found, _ = count_piece(piece, alone, people, asked.map_tasks, genotypes=False)
            haploids = piece_columns(piece, found, stores, names, people)
        incomplete, rows = incomplete + int(missing.sum()), rows + len(piece)
        parts.append(with_haploids(columns, haploids))
    if incomplete:
        text = f"in {incomplete:,} of {rows:,} rows some people have no record of the site: they are missing there"
        warnings.warn(f"{text}, not reference", DenominatorWarning, stacklevel=4)
    return parts
