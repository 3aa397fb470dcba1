"""Counting over the union of batches: each batch's own counts, put into the rows of the axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..codec.counts import BlockCounts
from ..kernels import match
from ..storage.batch import Batch
from .count import CountJob, Map, count_records
from .long_form import ReadColumns
from .shared import shared_answers
from .union import Answers, Piece

_BY_RECORD = ("allele_number", "n_hom_ref", "n_missing")
_BY_ALLELE = ("allele_count", "n_het", "n_hom_alt")


class Absence(Protocol):
    """What a batch says of its people where it has no record."""

    def counts(
        self, contig: int, positions: NDArray[np.int64], members: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(cohorts, positions) allele_number, n_hom_ref and n_missing at normalised positions, ascending.

        contig : of the repository's table    members : (cohorts, samples of the batch)
        """


@dataclass(frozen=True)
class UnionJob:
    """One batch in a count over several.

    count : its people, and how to count them    absence : None: they are unknown where it has no record
    """

    count: CountJob
    absence: Absence | None = None

    @property
    def people(self) -> NDArray[np.int64]:
        """(cohorts,) how many are in the batch."""
        return self.count.people

    def add_absent(self, counts: BlockCounts, piece: Piece, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add what it says of rows where it has no record; return those where somebody is missing for that."""
        assert self.absence is not None
        rows = rows[np.argsort(piece.position[rows], kind="stable")]
        allele_number, n_hom_ref, n_missing = self.absence.counts(
            piece.contig, piece.position[rows], self.count.members
        )
        counts.allele_number[:, rows] += allele_number
        counts.n_hom_ref[:, rows] += n_hom_ref
        counts.n_missing[:, rows] += n_missing
        return rows[n_missing.any(axis=0)]


def count_piece(
    piece: Piece, jobs: Mapping[int, UnionJob], people: NDArray[np.int64], map_tasks: Map, *, genotypes: bool
) -> tuple[BlockCounts, NDArray[np.bool_]]:
    """Counts of the rows of a piece, one ALT allele each; and where somebody is missing for want of a record.

    jobs : by place of the batch    people : (cohorts,) how many there are in the repository
    """
    counts = BlockCounts.zeros(len(people), np.ones(len(piece), np.int64))
    incomplete = np.zeros(len(piece), np.bool_)
    here = {batch: jobs[batch] for batch in piece.answers if jobs[batch].people.any()}
    covered = sum((job.people for job in here.values()), np.zeros_like(people))
    counts.n_missing[...] = (people - covered)[:, np.newaxis]
    incomplete |= bool((covered < people).any())
    asked = [(job, answers) for job, answers in _asked(piece, jobs, counts, genotypes=genotypes) if len(answers.row)]
    reads = [answers.reads(cast(Batch, job.store)) for job, answers in asked]
    of_batches = count_records([job for job, _ in asked], reads, map_tasks, genotypes=genotypes)
    for (_, answers), parts in zip(asked, of_batches, strict=True):
        _spread(counts, answers, parts, genotypes=genotypes)
    for batch, job in here.items():
        rows = piece.answers[batch].absent
        if job.absence is not None and len(rows):
            incomplete[job.add_absent(counts, piece, rows)] = True
    unknown = [batch for batch, job in here.items() if job.absence is None]
    if unknown:
        absent, somebody = piece.absent_of(unknown)
        incomplete |= somebody
        if genotypes:
            people = np.stack([here[batch].people for batch in unknown], axis=1)
            counts.n_missing[...] += (people.astype(np.float64) @ absent).astype(np.int64)
    return counts, incomplete


def _asked(
    piece: Piece, jobs: Mapping[int, UnionJob], counts: BlockCounts, *, genotypes: bool
) -> Iterator[tuple[CountJob, Answers]]:
    """What is to be counted: batches, those that share a part together as far as they can be."""
    together: dict[int, Answers] = {}
    # Totals and filters are each batch's own.
    if all(jobs[batch].count.totals is None and jobs[batch].count.filters is None for batch in piece.answers):
        for shared in shared_answers(piece, {batch: jobs[batch].count.store for batch in piece.answers}):
            mine = [jobs[batch] for batch in shared.batches]
            together.update(shared.apart)
            if genotypes:
                # The part counts everybody without the row as missing; they are counted where they answer.
                people = np.stack([job.people for job in mine], axis=1)
                others = people @ shared.assigned.T - people.sum(axis=1)[:, np.newaxis]
                match.spread_records(shared.together.row, np.arange(others.shape[1]), others, counts.n_missing)
            yield CountJob.shared(shared.part, [job.count for job in mine]), shared.together
    for batch, answers in piece.answers.items():
        if jobs[batch].people.any():
            yield jobs[batch].count, together.get(batch, answers)


def _spread(counts: BlockCounts, answers: Answers, parts: Sequence[BlockCounts], *, genotypes: bool) -> None:
    """Add a batch's counts, read after read, to the rows that its records answer for; each row at most once."""
    num_alts = np.concatenate([part.num_alts for part in parts])
    first_alt = np.concatenate(([0], np.cumsum(num_alts)))
    for name in _BY_RECORD if genotypes else _BY_RECORD[:1]:
        values = np.concatenate([getattr(part, name) for part in parts], axis=1)
        match.spread_records(answers.row, answers.index, values, getattr(counts, name))
    for name in _BY_ALLELE if genotypes else _BY_ALLELE[:1]:
        values = np.concatenate([getattr(part, name) for part in parts], axis=1)
        match.spread_alleles(answers.row, answers.index, answers.alt, first_alt, values, getattr(counts, name))


def piece_columns(
    piece: Piece, counts: BlockCounts, stores: Sequence[Batch], contigs: NDArray[Any], people: NDArray[np.int64]
) -> ReadColumns:
    """Columns of a piece: (rows,) of the site, (cohorts, rows) of the counts."""
    ref, alt = piece.spelled(stores)
    contig = np.full(len(piece), contigs[piece.contig], object)
    sites = {"contig": contig, "position": piece.start + 1, "ref": ref, "alt": alt}
    return ReadColumns(sites, counts, None, None, people)
