"""Counting: chunk reads times cohorts to integer partials, in threads, and partials to columns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..codec.counts import BlockCounts
from ..storage.batch import SiteChunk
from ..storage.sources import SharedPart, SourceBatch
from ..storage.totals import Totals
from .blocks import BlockCache
from .long_form import ReadColumns
from .plan import ChunkRead, Store

if TYPE_CHECKING:
    from ..codec.counting import Masks
    from ..codec.layout import Scratch

# Alleles that stand for "anything else": their records make a site known but have no row.
NO_ROW = ("<NON_REF>", "<*>", ".")
Map = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]

# Masks by whose they are, first sample and size.
Packed = dict[tuple[str, int, int], "Masks | None"]

# Tasks a count is cut into at least, where there are as many chunks: some for each thread.
_MIN_TASKS = 8
# Below so many rows in all, over chunks of samples, handing tasks to threads takes longer than the tasks.
_FEW_ROWS = 4096
_THREAD = threading.local()


@dataclass(frozen=True)
class CountJob:
    """One batch in a count.

    members : (cohorts, samples of the batch) bool
    totals : stored counts over everybody, used in place of the genotypes where not None
    filters : which filters a record may have (bool over the store's filters, and whether none); None: any
    cache : where blocks come from
    packed : masks packed before, of these members and of others, told apart by ``whose``
    counter : counts a block, in place of ``codec.counting.count_rows``
    """

    store: Store
    members: NDArray[np.bool_]
    totals: Totals | None
    filters: tuple[NDArray[np.bool_], bool] | None
    cache: BlockCache
    packed: Packed = field(default_factory=dict)
    whose: str = ""
    counter: Callable[..., None] | None = None

    @classmethod
    def shared(cls, part: SharedPart, jobs: Sequence[CountJob]) -> CountJob:
        """Of several sources of a part together."""
        members = np.zeros((len(jobs[0].members), len(part.batch.samples)), np.bool_)
        columns = [cast(SourceBatch, job.store).first_column for job in jobs]
        for first, job in zip(columns, jobs, strict=True):
            members[:, first : first + job.members.shape[1]] = job.members
        # Masks of the people of all are kept beside those of the first; not all sources cover every contig.
        whose = f"{part.part.ref.path}, columns {columns}"
        return cls(part.batch, members, None, None, jobs[0].cache, jobs[0].packed, whose, jobs[0].counter)

    @cached_property
    def people(self) -> NDArray[np.int64]:
        """(cohorts,) how many are in the batch."""
        people: NDArray[np.int64] = self.members.sum(axis=1, dtype=np.int64)
        return people

    @cached_property
    def sample_chunks(self) -> list[int]:
        """Chunks of samples that hold a member of some cohort."""
        if not self.store.has_genotypes or self.totals is not None:
            return []
        width = self.store.chunk_samples
        return [i for i in range(self.store.num_sample_chunks) if self.members[:, i * width : (i + 1) * width].any()]

    def masks(self, first: int, size: int) -> Masks | None:
        """Masks of the samples from ``first``, packed once; None where no cohort has a member."""
        key = (self.whose, first, size)
        if key not in self.packed:
            from ..codec.counting import Masks  # noqa: PLC0415

            members = np.zeros((len(self.members), size), np.bool_)
            here = self.members[:, first : first + size]
            members[:, : here.shape[1]] = here
            self.packed[key] = Masks(members) if here.any() else None
        return self.packed[key]


@dataclass(frozen=True)
class _Task:
    """Count the members of some sample chunks in one read."""

    read: ChunkRead
    job: CountJob
    sample_chunks: Sequence[int]

    @property
    def num_rows(self) -> int:
        """Rows to be read, for each chunk of samples."""
        rows = (
            len(self.job.store.site_chunk(self.read.chunk).position) if self.read.rows is None else len(self.read.rows)
        )
        return rows * len(self.sample_chunks)


def count(
    jobs: Sequence[CountJob], reads: Sequence[ChunkRead], map_tasks: Map, *, genotypes: bool
) -> list[BlockCounts]:
    """Counts of every cohort for each read, summed over the batches, which have the same sites."""
    whole = count_records(jobs, [reads] * len(jobs), map_tasks, genotypes=genotypes)
    for other in whole[1:]:
        for total, part in zip(whole[0], other, strict=True):
            total.add(part)
    return whole[0]


def count_records(
    jobs: Sequence[CountJob], reads: Sequence[Sequence[ChunkRead]], map_tasks: Map, *, genotypes: bool
) -> list[list[BlockCounts]]:
    """Counts of every cohort at records of its own for each job: for each job, for each of its reads."""
    parts = -(-_MIN_TASKS // max(1, sum(map(len, reads))))
    tasks = [
        _Task(read, job, job.sample_chunks[part::parts])
        for job, mine in zip(jobs, reads, strict=True)
        for read in mine
        for part in range(min(parts, len(job.sample_chunks)))
    ]
    few = sum(task.num_rows for task in tasks) < _FEW_ROWS
    partials = iter((map if few else map_tasks)(lambda task: _count_task(task, genotypes=genotypes), tasks))

    def of_read(job: CountJob, read: ChunkRead) -> BlockCounts:
        mine = [next(partials) for _ in range(min(parts, len(job.sample_chunks)))]
        return _of_read(job, read, mine, genotypes=genotypes)

    return [[of_read(job, read) for read in mine] for job, mine in zip(jobs, reads, strict=True)]


def _of_read(job: CountJob, read: ChunkRead, partials: list[BlockCounts], *, genotypes: bool) -> BlockCounts:
    counts = _of_batch(job, read, partials, genotypes=genotypes)
    if job.filters is not None:
        _drop_failing(counts, passes(job, read), job.people)
    return counts


def _of_batch(job: CountJob, read: ChunkRead, partials: list[BlockCounts], *, genotypes: bool) -> BlockCounts:
    """Counts of one batch at a read: from the totals, from the tasks' partials, or everybody missing."""
    sites = job.store.site_chunk(read.chunk)
    if job.totals is not None:
        kept = partial(job.cache.totals, job.totals)
        return job.totals.counts(read.chunk, sites.num_alts, read.rows, genotypes=genotypes, read=kept)
    if not partials:
        num_alts = sites.num_alts if read.rows is None else sites.num_alts[read.rows]
        partials = [BlockCounts.zeros(len(job.people), num_alts, genotypes=genotypes)]
    for other in partials[1:]:
        partials[0].add(other)
    if genotypes and not job.store.has_genotypes:
        partials[0].n_missing[...] = job.people[:, np.newaxis]
    return partials[0]


def _scratch() -> Scratch:
    """The thread's own: fresh pages cost more than a small region."""
    from ..codec.layout import Scratch  # noqa: PLC0415

    if not hasattr(_THREAD, "scratch"):
        _THREAD.scratch = Scratch()
    scratch: Scratch = _THREAD.scratch
    return scratch


def _count_task(task: _Task, *, genotypes: bool) -> BlockCounts:
    # Loaded here: an answer from the totals needs no numba, whose start is most of a small question.
    from ..codec.counting import count_rows  # noqa: PLC0415

    scratch = _scratch()
    read, job = task.read, task.job
    sites = job.store.site_chunk(read.chunk)
    rows = read.span(len(sites.position))
    counts = BlockCounts.zeros(len(job.members), sites.num_alts[rows[0] : rows[1]], genotypes=genotypes)
    for sample_chunk in task.sample_chunks:
        for first, block in job.cache.blocks(job.store, read.chunk, sample_chunk, len(sites.position)):
            masks = job.masks(first, block.num_samples)
            if masks is not None:
                (job.counter or count_rows)(block, rows, masks, counts, genotypes=genotypes, scratch=scratch)
    return _select(counts, read, rows[0])


def _select(counts: BlockCounts, read: ChunkRead, first: int = 0) -> BlockCounts:
    """Counts of the read's rows out of counts of a span that begins at ``first``."""
    if read.rows is None:
        return counts
    rows = read.rows - first
    if len(rows) == len(counts.num_alts):
        return counts
    chosen = np.zeros(len(counts.num_alts), np.bool_)
    chosen[rows] = True
    alleles = np.repeat(chosen, counts.num_alts)
    num_alts = counts.num_alts[rows]
    return BlockCounts(
        num_alts,
        np.concatenate(([0], np.cumsum(num_alts))),
        counts.allele_count[:, alleles],
        counts.allele_number[:, rows],
        counts.n_hom_ref[:, rows],
        counts.n_het[:, alleles],
        counts.n_hom_alt[:, alleles],
        counts.n_missing[:, rows],
    )


def passes(job: CountJob, read: ChunkRead) -> NDArray[np.bool_]:
    """(records of the read,) whether each has a filter that is asked for."""
    assert job.filters is not None
    allowed, none_allowed = job.filters
    filters = job.store.filter_chunk(read.chunk)
    filters = filters if read.rows is None else filters[read.rows]
    good: NDArray[np.bool_] = np.any(filters[:, allowed], axis=1)
    return good | ~np.any(filters, axis=1) if none_allowed else good


def _drop_failing(counts: BlockCounts, passes: NDArray[np.bool_], people: NDArray[np.int64]) -> None:
    """Where a record fails the filters its batch knows nothing: everybody is missing."""
    alleles = np.repeat(~passes, counts.num_alts)
    counts.allele_count[:, alleles] = 0
    counts.allele_number[:, ~passes] = 0
    if not counts.n_missing.flags.writeable:  # genotypes were not asked for
        return
    counts.n_het[:, alleles] = 0
    counts.n_hom_alt[:, alleles] = 0
    counts.n_hom_ref[:, ~passes] = 0
    counts.n_missing[:, ~passes] = people[:, np.newaxis]


def read_columns(
    sites: SiteChunk, read: ChunkRead, counts: BlockCounts, contigs: NDArray[Any], people: NDArray[np.int64]
) -> ReadColumns:
    """Columns of one read: (alleles,) of the site, (cohorts, alleles) of the counts.

    ``site`` numbers the records of the read.

    contigs : names, of the store's contigs and one more    people : (cohorts,) how many there are
    """
    keep: Any = slice(None)  # ALT alleles of the chunk that are asked for
    if read.rows is not None:
        chosen = np.zeros(len(sites.position), np.bool_)
        chosen[read.rows] = True
        keep = np.flatnonzero(chosen[sites.record_of_alt])
    record = np.repeat(np.arange(len(counts.num_alts)), counts.num_alts)  # of each ALT, among the records read
    allele: NDArray[np.int64] | None = None
    alts = sites.alts[keep]
    site, position, ref = sites.record_of_alt[keep], sites.position_of_alt[keep], sites.ref_of_alt[keep]
    if sites.has_stand_ins:
        allele = np.flatnonzero([alt not in NO_ROW for alt in alts])
        site, position, ref, alts, record = site[allele], position[allele], ref[allele], alts[allele], record[allele]
    contig = contigs[sites.contig[site]]
    columns = {"site": record, "contig": contig, "position": position, "ref": ref, "alt": alts}
    plain = allele is None and bool((counts.num_alts == 1).all())
    return ReadColumns(columns, counts, None if plain else record, allele, people)
