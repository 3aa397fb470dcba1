"""Who carries the alleles of a question, over the batches of a version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..storage.batch import Batch
from .count import NO_ROW, CountJob, count, passes
from .counting import Question, count_jobs
from .plan import ChunkRead
from .version import Version

if TYPE_CHECKING:
    from ..codec.carriers import Alleles, Carriers
    from ..codec.counts import BlockCounts
    from ..codec.layout import BlockSets, Scratch
    from .union import Answers, Piece

# Reads whose alleles are counted and whose carriers are looked at before the next ones: their blocks stay in memory.
_READS_AT_A_TIME = 32


@dataclass(frozen=True)
class AlleleRead:
    """Records of one chunk of a batch, some of whose ALT alleles are asked for.

    numbers : (samples of the batch,) the repository's number of each    rows : of the chunk, ascending
    alt_start : (rows + 1,) int64    index : (their alleles,) int64, which allele of the question each is; -1: none
    """

    job: CountJob
    numbers: NDArray[np.int64]
    chunk: int
    rows: NDArray[np.int64]
    alt_start: NDArray[np.int64]
    index: NDArray[np.int64]

    def passing(self) -> AlleleRead | None:
        """Without records that fail the filters asked for; None where none is left."""
        if self.job.filters is None or not len(self.rows):
            return self if len(self.rows) else None
        good = passes(self.job, ChunkRead(self.chunk, self.rows))
        num_alts = np.diff(self.alt_start)
        kept = np.repeat(good, num_alts)
        starts = np.concatenate(([0], np.cumsum(num_alts[good])))
        if not good.any():
            return None
        return AlleleRead(self.job, self.numbers, self.chunk, self.rows[good], starts, self.index[kept])

    def alleles(self) -> Alleles:
        """For blocks: of all rows from the first to the last."""
        from ..codec.carriers import Alleles  # noqa: PLC0415

        first, end = int(self.rows[0]), int(self.rows[-1]) + 1
        wanted, num_alts = np.zeros(end - first, np.bool_), np.zeros(end - first, np.int64)
        wanted[self.rows - first] = True
        num_alts[wanted] = np.diff(self.alt_start)
        return Alleles(wanted, np.concatenate(([0], np.cumsum(num_alts))), self.index)


@dataclass(frozen=True)
class CountedAlleles:
    """Some alleles in the order of the axis, with counts of everybody asked for, and where they stand.

    contig : (alleles,) int64, place in the contig table    position : int64, 1-based
    spell : gives ref and alt, (alleles,) object of str each: not everybody who counts asks for text
    key : uint64, of the normalised allele; 0: not known    allele_count, allele_number : (alleles,) int64
    reads : where they stand in the batches; ``index`` is of these alleles
    """

    contig: NDArray[np.int64]
    position: NDArray[np.int64]
    spell: Callable[[], tuple[NDArray[Any], NDArray[Any]]]
    key: NDArray[np.uint64]
    allele_count: NDArray[np.int64]
    allele_number: NDArray[np.int64]
    reads: Sequence[AlleleRead]

    def __len__(self) -> int:
        return len(self.position)

    @property
    def ref(self) -> NDArray[Any]:
        """(alleles,) object of str."""
        return self.spell()[0]

    @property
    def alt(self) -> NDArray[Any]:
        """(alleles,) object of str."""
        return self.spell()[1]

    @classmethod
    def joined(cls, parts: Sequence[CountedAlleles]) -> CountedAlleles:
        """Alleles one part after another."""
        if len(parts) == 1:
            return parts[0]
        names = [each.name for each in fields(cls) if each.name not in ("reads", "spell")]
        columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        first, reads = 0, []
        for part in parts:
            reads += [replace(read, index=np.where(read.index < 0, -1, read.index + first)) for read in part.reads]
            first += len(part)
        ref, alt = (np.concatenate(texts) for texts in zip(*(part.spell() for part in parts), strict=True))
        return cls(**columns, spell=lambda: (ref, alt), reads=reads)


def counted_alleles(version: Version, question: Question) -> Iterator[CountedAlleles]:
    """The alleles of a question, some at a time, counted over its last cohort."""
    if not version._batches:
        return
    jobs = count_jobs(question, version._batches, version._blocks, {})
    if version._one_axis:
        yield from _on_one_axis(version, question, jobs)
    else:
        yield from _on_the_union(version, question, jobs)


def _on_one_axis(version: Version, question: Question, jobs: Sequence[CountJob]) -> Iterator[CountedAlleles]:
    """Alleles of records that all batches have."""
    planned = _planned(version, question)
    chunks = sum(max(1, job.store.num_sample_chunks) for job in jobs)
    step = max(1, _READS_AT_A_TIME // chunks)
    for reads in (planned[begin : begin + step] for begin in range(0, len(planned), step)):
        counted = count(jobs, reads, version._map, genotypes=False)
        parts = [_of_read(version, jobs, read, counts) for read, counts in zip(reads, counted, strict=True)]
        yield CountedAlleles.joined(parts)


def _of_read(version: Version, jobs: Sequence[CountJob], read: ChunkRead, counts: BlockCounts) -> CountedAlleles:
    """Alleles of some records of a chunk that all batches have."""
    batches = version._batches
    sites = jobs[0].store.site_chunk(read.chunk)
    rows = np.arange(len(sites.position)) if read.rows is None else read.rows
    keep: NDArray[np.int64] = np.arange(len(sites.record_of_alt))
    if len(rows) < len(sites.position):
        keep = np.flatnonzero(np.isin(sites.record_of_alt, rows))
    record, index = np.repeat(np.arange(len(rows)), counts.num_alts), np.arange(len(keep))
    with_row = np.ones(len(keep), np.bool_)
    if sites.has_stand_ins:
        with_row = np.fromiter((alt not in NO_ROW for alt in sites.alts[keep].tolist()), np.bool_, len(keep))
        index = np.where(with_row, np.cumsum(with_row) - 1, -1)
    keep, record = keep[with_row], record[with_row]
    reads = [
        AlleleRead(job, batch.numbers, read.chunk, rows, counts.alt_start, index)
        for job, batch in zip(jobs, batches, strict=True)
        if job.store.has_genotypes
    ]
    row = sites.record_of_alt[keep]
    key = np.zeros(len(keep), np.uint64)
    if "keys" in batches[0].derived:
        key = batches[0].alleles.keys.chunk(read.chunk).key[row, keep - sites.alt_start[row]]
    return CountedAlleles(
        batches[0].contigs[sites.contig[row]].astype(np.int64), sites.position_of_alt[keep].astype(np.int64),
        lambda: (sites.ref_of_alt[keep], sites.alts[keep]), key, counts.allele_count[-1][with_row],
        counts.allele_number[-1][record], [read for read in map(AlleleRead.passing, reads) if read is not None],
    )  # fmt: skip


def _planned(version: Version, question: Question) -> list[ChunkRead]:
    """Chunk reads of the records that all batches have."""
    from .plan import plan_reads, with_records  # noqa: PLC0415

    store = version._batches[0].store
    reads = plan_reads(store, question.regions)
    if question.alleles:
        pieces = version._union.pieces([], question.alleles)
        records = np.concatenate([np.zeros(0, np.int64), *(piece.record[piece.owner == 0] for piece in pieces)])
        reads = with_records(store, reads, records)
    return reads


def _on_the_union(version: Version, question: Question, jobs: Sequence[CountJob]) -> Iterator[CountedAlleles]:
    """Alleles of batches with sites of their own."""
    from .union_count import UnionJob, count_piece  # noqa: PLC0415

    absences = [version._absence(batch) for batch in version._batches]
    union_jobs = {n: UnionJob(job, absence) for n, (job, absence) in enumerate(zip(jobs, absences, strict=True))}
    stores = [cast(Batch, job.store) for job in jobs]
    people = question.masks.sum(axis=1)
    for piece in version._union.pieces(question.regions, question.alleles):
        counts, _ = count_piece(piece, union_jobs, people, version._map, genotypes=False)
        yield CountedAlleles(
            np.full(len(piece), piece.contig, np.int64), piece.start + 1, partial(piece.spelled, stores), piece.key,
            counts.allele_count[-1], counts.allele_number[-1], list(reads_of_piece(version, jobs, piece)),
        )  # fmt: skip


def reads_of_piece(version: Version, jobs: Sequence[CountJob], piece: Piece) -> Iterator[AlleleRead]:
    """Where the alleles of a piece stand in the batches."""
    for number, answers in piece.answers.items():
        job = jobs[number]
        if job.store.has_genotypes and job.members[-1].any():
            for read in _reads_of(answers, job, version._batches[number].numbers):
                passing = read.passing()
                if passing is not None:
                    yield passing


def _reads_of(answers: Answers, job: CountJob, numbers: NDArray[np.int64]) -> Iterator[AlleleRead]:
    """The records that hold alleles of their own, chunk by chunk."""
    store = cast(Batch, job.store)
    own = answers.alt > 0
    yield from allele_reads(store, job, numbers, answers.record[own], answers.alt[own], answers.row[own])


def allele_reads(
    store: Batch, job: CountJob, numbers: NDArray[np.int64], record: NDArray[np.int64], alt: NDArray[np.int64],
    index: NDArray[np.int64],
) -> Iterator[AlleleRead]:  # fmt: skip
    """Alleles of a batch, chunk by chunk.

    record, alt : (alleles,) int64, where each stands, from 0 and from 1    index : which allele of the question it is
    """
    chunk = record // store.chunk_variants
    order = np.argsort(chunk, kind="stable")
    cuts = np.flatnonzero(np.diff(chunk[order])) + 1
    for mine in np.split(order, cuts) if len(order) else []:
        number = int(chunk[mine[0]])
        in_chunk = record[mine] - number * store.chunk_variants
        rows = np.unique(in_chunk)
        num_alts = store.site_chunk(number).num_alts[rows]
        alt_start = np.concatenate(([0], np.cumsum(num_alts)))
        which = np.full(int(alt_start[-1]), -1, np.int64)
        which[alt_start[np.searchsorted(rows, in_chunk)] + alt[mine] - 1] = index[mine]
        yield AlleleRead(job, numbers, number, rows, alt_start, which)


def over_blocks(
    version: Version, reads: Sequence[AlleleRead],
    look: Callable[[BlockSets, int, Alleles, NDArray[np.int64], Scratch], Any],
) -> Iterator[Any]:  # fmt: skip
    """What ``look`` gives for each block of the reads that holds somebody asked for, in order; in threads.

    look : gets the block, its first row, its alleles, the repository's numbers of its samples, and scratch. Samples
        beyond these numbers are padding.
    """
    from ..codec.layout import Scratch  # noqa: PLC0415

    def task(part: tuple[AlleleRead, int]) -> list[Any]:
        read, sample_chunk = part
        store, scratch, alleles = read.job.store, Scratch(), read.alleles()
        num_rows = len(store.site_chunk(read.chunk).position)
        blocks = read.job.cache.blocks(store, read.chunk, sample_chunk, num_rows)
        return [
            look(block, int(read.rows[0]), alleles, read.numbers[at : at + block.num_samples], scratch)
            for at, block in blocks
        ]

    tasks = [(read, sample_chunk) for read in reads for sample_chunk in chunks_with_members(read.job)]
    for found in version._map(task, tasks):
        yield from found


def chunks_with_members(job: CountJob) -> list[int]:
    """Chunks of samples that hold somebody asked for."""
    width = job.store.chunk_samples
    chunks = range(job.store.num_sample_chunks)
    return [i for i in chunks if job.members[-1:, i * width : (i + 1) * width].any()]


def carriers_of(version: Version, reads: Sequence[AlleleRead], members: NDArray[np.bool_]) -> Iterator[Carriers]:
    """The carriers of alleles, block by block; people by their numbers.

    members : (numbers of people,) bool, who is asked for
    """
    from ..codec.carriers import Carriers, list_carriers  # noqa: PLC0415

    def look(
        block: BlockSets, first_row: int, alleles: Alleles, numbers: NDArray[np.int64], scratch: Scratch
    ) -> Carriers:
        found = list_carriers(block, first_row, alleles, scratch)
        found = found.take(found.person < len(numbers))
        named = Carriers(found.allele, numbers[found.person], found.copies)
        return named.take(members[named.person])

    yield from over_blocks(version, reads, look)
