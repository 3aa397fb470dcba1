"""The pass over people of batches with sites of their own, by joined records."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..codec.counts import BlockCounts
from ..codec.people import Traits
from ..errors import DenominatorWarning
from ..query.absence import Absence
from ..query.count import CountJob, count_records
from ..query.joined import Joined
from ..query.joined_store import sites_of
from ..query.plan import ChunkRead
from ..query.union import Answers
from ..storage.batch import Batch, SiteChunk
from .passes import Asked
from .people import look_at
from .samples import People, expected_heterozygosity, expects_heterozygotes, kinds_of, single_copies

# Calls of absent people that are looked at at a time.
_CELLS = 1 << 22


def add_people(
    asked: Asked, jobs: Sequence[CountJob], pieces: Iterable[Joined], absences: Sequence[Absence | None], people: People
) -> None:
    """Add the calls of joined records: of each batch its own records, and its absence where it has none.

    pieces : the joined records, each looked at before the next is made    absences : of the batches

    Warns DenominatorWarning.
    """
    unknown = 0
    for piece in pieces:
        members = [
            _Member(piece, batch, job, absences[batch], asked.batches[batch].numbers)
            for batch, job in enumerate(jobs)
            if batch in piece.members and job.members[-1].any()
        ]
        unknown += _add_piece(asked, piece, sites_of(piece, [cast(Batch, job.store) for job in jobs]), members, people)
        people.num_records += len(piece)
    if unknown:
        text = f"in {unknown:,} of {people.num_records:,} joined records some people have no record of the site"
        warnings.warn(f"{text}: they are missing there, not reference", DenominatorWarning, stacklevel=5)


class _Member:
    """A batch in a piece of joined records.

    answers : which of its records is in which row
    """

    def __init__(
        self, piece: Joined, batch: int, job: CountJob, absence: Absence | None, numbers: NDArray[np.int64]
    ) -> None:
        self.batch, self.job, self.absence, self.numbers = batch, job, absence, numbers
        records = piece.members[batch]
        there = np.flatnonzero(records >= 0)
        self.answers = Answers(there, records[there], np.ones(len(there), np.int64), len(piece))
        self.reads: list[ChunkRead] = self.answers.reads(cast(Batch, job.store))
        # Rows in the order of the records.
        self.rows = there[np.argsort(records[there], kind="stable")]
        self._position = piece.position

    @cached_property
    def absent(self) -> NDArray[np.int64]:
        """Rows without a record, by position."""
        absent = self.answers.absent
        return absent[np.argsort(self._position[absent], kind="stable")]

    def rows_of(self, parts: Sequence[BlockCounts]) -> list[NDArray[np.int64]]:
        """The rows of the records of each read. parts : counts of the reads"""
        return np.split(self.rows, np.cumsum([len(part.num_alts) for part in parts])[:-1]) if parts else []

    def targets(
        self, piece: Joined, first: NDArray[np.int64], counts: BlockCounts, rows: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """For each ALT allele of some records of the batch, which ALT of the joined records it is.

        first : (rows,) first ALT of each joined record    rows : that the records have
        """
        out = np.repeat(first[rows] - counts.alt_start[:-1], counts.num_alts) + np.arange(counts.alt_start[-1])
        for i, row in enumerate(rows.tolist()) if piece.spelled else ():
            if row in piece.spelled:
                codes = piece.spelled[row].maps[piece.batches[row].index(self.batch)]
                out[counts.alt_start[i] : counts.alt_start[i + 1]] = first[row] + np.array(codes[1:], np.int64) - 1
        return out


def _add_piece(
    asked: Asked, piece: Joined, sites: SiteChunk, members: Sequence[_Member], people: People
) -> int:  # fmt: skip
    """Add the calls of some joined records; return in how many somebody is missing for want of a record."""
    alt_start = np.concatenate(([0], np.cumsum(sites.num_alts)))
    counted = count_records(
        [member.job for member in members], [member.reads for member in members], asked.map_tasks, genotypes=False
    )
    allele_count, allele_number = np.zeros(alt_start[-1], np.int64), np.zeros(len(piece), np.int64)
    targets: list[list[NDArray[np.int64]]] = []
    for member, parts in zip(members, counted, strict=True):
        targets.append([])
        for part, mine in zip(parts, member.rows_of(parts), strict=True):
            target = member.targets(piece, alt_start[:-1], part, mine)
            np.add.at(allele_count, target, part.allele_count[-1])
            allele_number[mine] += part.allele_number[-1]
            targets[-1].append(target)
        if member.absence is not None:
            found = member.absence.counts(piece.contig, piece.position[member.absent], member.job.members[-1:])
            allele_number[member.absent] += found[0][0]
    expected = expected_heterozygosity(alt_start, allele_count, allele_number)
    if not expects_heterozygotes(asked.contigs[piece.contig]):
        expected[...] = 0
    kind, single = kinds_of(sites.ref_of_alt.tolist(), sites.alts.tolist()), single_copies(allele_count, sites.alts)
    reads = []
    for member, parts, own in zip(members, counted, targets, strict=True):
        traits = [
            Traits(part.alt_start, kind[target], single[target], expected[rows])
            for part, target, rows in zip(parts, own, member.rows_of(parts), strict=True)
        ]
        reads.append(list(zip(member.reads, traits, strict=True)))
    look_at(people, [(member.job, member.numbers) for member in members], reads, asked.map_tasks)
    return _add_absent(asked, piece, members, expected, people)


def _add_absent(
    asked: Asked, piece: Joined, members: Sequence[_Member], expected: NDArray[np.float64], people: People
) -> int:
    """Add people who have no record; return in how many records somebody is missing for that."""
    unknown = np.zeros(len(piece), np.bool_)
    covered = sum(int(member.job.members[-1].sum()) for member in members)
    unknown[...] = covered < int(asked.people[-1])
    for member in members:
        if member.absence is None:
            unknown[member.answers.absent] = True
            continue
        here = member.job.members[-1]
        step = max(1, _CELLS // max(1, len(member.numbers)))
        for begin in range(0, len(member.absent), step):
            rows = member.absent[begin : begin + step]
            copies = member.absence.copies(piece.contig, piece.position[rows])
            people.see_reference(member.numbers, copies, expected[rows])
            unknown[rows[(copies[:, here] == 0).any(axis=1)]] = True
    return int(unknown.sum())
