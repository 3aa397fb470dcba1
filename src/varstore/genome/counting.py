"""Counts of a genome's alleles over the repository and its cohorts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import locate as _locate
from ..query.absence import inside_intervals
from ..query.counting import Question, count_jobs
from ..query.union import Answers, Piece
from ..query.union_count import UnionJob, count_piece
from ..storage.coverage import Coverage
from ..storage.parts import Part, PartRef
from .matching import Matches, match_batch

if TYPE_CHECKING:
    from ..query.count import CountJob
    from ..query.version import Version

# Alleles that are counted at a time where genotypes have to be read.
_ROWS = 1 << 17
COUNTS = ("allele_count", "allele_number", "n_hom_alt")


@dataclass(frozen=True)
class Asked:
    """Who is counted.

    everybody : (people,) bool, the repository without who is withdrawn and who is compared
    names, masks : of cohorts, (cohorts, people) bool    filters : as of ``count_alleles``
    """

    everybody: NDArray[np.bool_]
    names: Sequence[str]
    masks: NDArray[np.bool_]
    filters: str | Iterable[str] | None


@dataclass
class GenomeCounts:
    """Counts of each of some alleles.

    counts : name of COUNTS to (1 + cohorts, alleles) int64, the first row over everybody
    known : (alleles,) bool, some batch has a record for it    covered : inside the covered set of some batch
    tally : (2,) int64, single bases at the same position as one of the genome: of the same REF, and of another
    hwe : (1 + cohorts, alleles) float64, p values of the exact test of Hardy-Weinberg proportions; None: not asked for
    """

    names: list[str]
    num_people: list[int]
    counts: dict[str, NDArray[np.int64]]
    known: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    tally: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    hwe: NDArray[np.float64] | None = None

    def take(self, which: NDArray[np.int64]) -> GenomeCounts:
        """Those of some alleles."""
        counts = {name: values[:, which] for name, values in self.counts.items()}
        hwe = None if self.hwe is None else self.hwe[:, which]
        return GenomeCounts(
            self.names, self.num_people, counts, self.known[which], self.covered[which], self.tally, hwe
        )  # fmt: skip


@dataclass(frozen=True)
class Targets:
    """Alleles to count, sorted by contig and key, each once.

    contig : (alleles,) place in the contig table, behind its end: nowhere    key, digest : uint64, normalised
    """

    contig: NDArray[np.integer[Any]]
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]

    def runs(self) -> list[tuple[int, slice]]:
        """Contigs that have alleles, and which alleles those are."""
        cuts = [0, *(np.flatnonzero(np.diff(self.contig)) + 1).tolist(), len(self.contig)]
        return [(int(self.contig[a]), slice(a, b)) for a, b in pairwise(cuts) if b > a]


def count_targets(version: Version, targets: Targets, asked: Asked) -> GenomeCounts:
    """Count alleles. Raises UnknownFilterError, CorruptRepositoryError, RepositoryError."""
    num, cohorts = len(targets.key), len(asked.names)
    people = [int(asked.everybody.sum()), *asked.masks.sum(axis=1).tolist()]
    out = GenomeCounts(
        list(asked.names), people, {name: np.zeros((1 + cohorts, num), np.int64) for name in COUNTS},
        np.zeros(num, np.bool_), np.zeros(num, np.bool_),
    )  # fmt: skip
    work = _Work(version, asked)
    for contig, rows in targets.runs():
        if contig < len(version.contigs):
            key, digest = targets.key[rows], targets.digest[rows]
            work.count_contig(contig, (key, digest, (key >> np.uint64(32)).astype(np.int64)), rows, out)
    return out


def leave_unseen(counts: GenomeCounts, vague: NDArray[np.bool_]) -> None:
    """Count nobody for some alleles: of a symbolic one without a length nobody can say that it is another's."""
    for values in counts.counts.values():
        values[:, vague] = 0
    counts.covered[vague] = True


class _Work:
    """The batches of a version, ready to count."""

    def __init__(self, version: Version, asked: Asked) -> None:
        self.version = version
        masks = asked.everybody[np.newaxis]
        self.totals = self._jobs(asked, masks, everybody=bool(asked.everybody.all()))
        self.fast = all(job.totals is not None and job.filters is None for job in self.totals)
        # Genotypes are read for cohorts, and for all where stored totals do not serve.
        self.masks = asked.masks if self.fast else np.concatenate([masks, asked.masks])
        self.jobs = self._jobs(asked, self.masks, everybody=False) if len(self.masks) else []
        self.absences = [version._absence(batch) for batch in version._batches]

    def _jobs(self, asked: Asked, masks: NDArray[np.bool_], *, everybody: bool) -> list[CountJob]:
        question = Question(None, [], masks, None, everybody, asked.filters, genotypes=True)
        return count_jobs(question, self.version._batches, self.version._blocks, {})

    def count_contig(
        self, contig: int, alleles: tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]], rows: slice,
        out: GenomeCounts,
    ) -> None:  # fmt: skip
        """Count the alleles of one contig. alleles : key, digest and position    rows : where they stand in ``out``"""
        version = self.version
        key, digest, position = alleles
        name = version.contigs[contig]
        covering = covering_batches(version, name)
        matches = {}
        for i in covering:
            batch = version._batches[i]
            totals = self.totals[i].totals if self.fast else None
            found = match_batch(version, batch, contig, key, digest, totals)
            out.known[rows][found.row] = True
            out.tally += found.tally
            if self.fast:
                self._add_totals(i, contig, position, found, {n: c[0, rows] for n, c in out.counts.items()})
            if self.jobs:
                matches[i] = found
        if self.jobs:
            first = 1 if self.fast else 0
            self._count(contig, alleles, matches, {n: c[first:, rows] for n, c in out.counts.items()})
        nothing = np.flatnonzero(out.counts["allele_number"][0, rows] == 0)
        if len(nothing):
            out.covered[rows][nothing] = _covered(version, covering, contig, position[nothing])

    def _add_totals(
        self, i: int, contig: int, position: NDArray[np.int64], found: Matches, out: Mapping[str, NDArray[np.int64]]
    ) -> None:
        """Add a batch's stored totals, and its people where it has no record."""
        assert found.totals is not None
        _locate.add_totals(found.row, found.totals, *(out[name] for name in COUNTS))
        absence = self.absences[i]
        if absence is None:
            return
        absent = np.ones(len(position), np.bool_)
        absent[found.row] = False
        where = np.flatnonzero(absent)
        members = np.ones((1, self.version._batches[i].num_samples), np.bool_)
        out["allele_number"][where] += absence.counts(contig, position[where], members)[0][0]

    def _count(
        self, contig: int, alleles: tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]],
        matches: Mapping[int, Matches], out: Mapping[str, NDArray[np.int64]],
    ) -> None:  # fmt: skip
        """Count genotypes, some alleles at a time."""
        jobs = {i: UnionJob(self.jobs[i], self.absences[i]) for i in matches}
        people = self.masks.sum(axis=1)
        for rows, piece in pieces(contig, alleles, matches):
            counts, _ = count_piece(piece, jobs, people, self.version._map, genotypes=True)
            for name in COUNTS:
                out[name][:, rows] = getattr(counts, name)


def pieces(
    contig: int, alleles: tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]],
    matches: Mapping[int, Matches],
) -> Iterator[tuple[slice, Piece]]:  # fmt: skip
    """Alleles of one contig as rows to be counted, some at a time, and which of them they are.

    alleles : key, digest and position    matches : what each batch has of them, by its place in the version
    """
    key, digest, position = alleles
    for begin in range(0, len(key), _ROWS):
        end = min(begin + _ROWS, len(key))
        answers = {}
        for i, found in matches.items():
            low, high = np.searchsorted(found.row, [begin, end]).tolist()
            row = found.row[low:high] - begin
            answers[i] = Answers(row, found.record[low:high], found.alt[low:high], end - begin)
        start, zeros = position[begin:end] - 1, np.zeros(end - begin, np.int64)
        yield slice(begin, end), Piece(
            contig, position[begin:end], key[begin:end], digest[begin:end], zeros, zeros, zeros, zeros, start, start,
            answers,
        )  # fmt: skip


def covering_batches(version: Version, contig: str) -> list[int]:
    """Places of the batches in whose covered set a contig is."""
    return [i for i, batch in enumerate(version._batches) if contig in batch.entry["covered"]["contigs"]]


def _covered(
    version: Version, covering: Sequence[int], contig: int, position: NDArray[np.int64]
) -> NDArray[np.bool_]:  # fmt: skip
    """(positions,) whether the covered set of some batch holds each."""
    out = np.zeros(len(position), np.bool_)
    for i in covering:
        batch = version._batches[i]
        covered = batch.entry["covered"]
        if covered.get("reference_blocks"):
            continue  # what its blocks hold is known
        if covered.get("callable") is None:
            return np.ones(len(position), np.bool_)
        name = batch.store.contigs[int(np.flatnonzero(batch.contigs == contig)[0])]
        found = Coverage(Part(Path(version.path), PartRef(**covered["callable"]["part"]))).intervals(name)
        out |= inside_intervals(position, found.start, found.end)
    return out


def as_columns(counts: GenomeCounts, which: int) -> dict[str, NDArray[Any]]:
    """The counts of everybody (0) or a cohort, with ``allele_frequency``."""
    from ..query.long_form import frequency  # noqa: PLC0415

    found: dict[str, NDArray[Any]] = {name: counts.counts[name][which] for name in COUNTS}
    found["allele_frequency"] = frequency(found["allele_count"], found["allele_number"])
    return found
