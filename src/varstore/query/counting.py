"""One question of counts, over the batches of a version."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import DenominatorWarning, UnknownFilterError
from ..model.regions import Region
from ..model.results import CountTable
from ..storage.batch import Batch
from .batches import BatchHandle
from .blocks import BlockCache
from .count import CountJob, Map, Packed, count, read_columns
from .long_form import ReadColumns, count_table
from .plan import plan_reads

if TYPE_CHECKING:
    from .union import AlleleKey, Piece, Union
    from .union_count import Absence


@dataclass(frozen=True)
class Question:
    """What is counted, and where.

    regions : sorted, without overlap; None: everything    alleles : exact ones besides
    masks : (cohorts, numbers of people) who is counted    names : of the cohorts; None: no such column
    everybody : nobody was left out by the question    filters : that a record may have, one at least; None: any
    genotypes : count genotypes too    sites : say of which site each row is: column ``site``
    """

    regions: Sequence[Region] | None
    alleles: Sequence[AlleleKey]
    masks: NDArray[np.bool_]
    names: Sequence[str] | None
    everybody: bool
    filters: str | Iterable[str] | None
    genotypes: bool
    sites: bool = False


def count_batches(
    question: Question, batches: Sequence[BatchHandle], axis: tuple[Union, Iterable[Absence | None]] | None,
    contigs: Sequence[str], cache: BlockCache, packed: dict[str, Packed], map_tasks: Map,
) -> CountTable:  # fmt: skip
    """Answer it as a table; arguments, errors and warnings as of ``count_parts``."""
    parts = count_parts(question, batches, axis, contigs, cache, packed, map_tasks)
    return count_table(parts, len(question.masks), question.names, map_tasks, genotypes=question.genotypes)


def count_parts(
    question: Question, batches: Sequence[BatchHandle], axis: tuple[Union, Iterable[Absence | None]] | None,
    contigs: Sequence[str], cache: BlockCache, packed: dict[str, Packed], map_tasks: Map,
) -> list[ReadColumns]:  # fmt: skip
    """Answer it as columns of some sites each, in order: (alleles,) of the site, (cohorts, alleles) of the counts.

    axis : of batches with sites of their own, and what each batch says where it has no record; None: all have the
        same records
    packed : masks packed before for the same cohort, by batch

    Raises UnknownFilterError, CorruptRepositoryError. Warns DenominatorWarning.
    """
    people = question.masks.sum(axis=1)
    parts: list[ReadColumns] = []
    if batches:
        jobs = count_jobs(question, batches, cache, packed)
        if axis is None:
            parts = _on_one_axis(question, jobs, people, map_tasks)
        else:
            union, absences = axis
            pieces = union.pieces(question.regions, question.alleles)
            parts = _on_the_union(question, jobs, list(absences), pieces, contigs, people, map_tasks)
    return parts


def count_jobs(
    question: Question, batches: Sequence[BatchHandle], cache: BlockCache, packed: dict[str, Packed]
) -> list[CountJob]:
    """The batches, as they are counted; arguments as of ``count_batches``. Raises UnknownFilterError."""
    jobs = []
    for batch, wanted in zip(batches, _filters(question.filters, batches), strict=True):
        mine = question.masks[:, batch.numbers]
        totals = batch.totals if question.everybody and mine.all() else None
        jobs.append(CountJob(batch.store, mine, totals, wanted, cache, packed.setdefault(batch.entry["id"], {})))
    return jobs


def _on_one_axis(
    question: Question, jobs: Sequence[CountJob], people: NDArray[np.int64], map_tasks: Map
) -> list[ReadColumns]:
    """Columns of the records that all batches have."""
    store = jobs[0].store
    reads = plan_reads(store, question.regions)
    counts = count(jobs, reads, map_tasks, genotypes=question.genotypes)
    contigs = np.array([*store.contigs, ""], object)
    sites = (store.site_chunk(read.chunk) for read in reads)
    return [read_columns(*each, contigs, people) for each in zip(sites, reads, counts, strict=True)]


def _on_the_union(
    question: Question, jobs: Sequence[CountJob], absences: Sequence[Absence | None], pieces: Iterable[Piece],
    contigs: Sequence[str], people: NDArray[np.int64], map_tasks: Map,
) -> list[ReadColumns]:  # fmt: skip
    """Columns of the alleles of batches with sites of their own."""
    from .union_count import UnionJob, count_piece, piece_columns  # noqa: PLC0415

    union_jobs = {n: UnionJob(job, absence) for n, (job, absence) in enumerate(zip(jobs, absences, strict=True))}
    stores = [cast(Batch, job.store) for job in jobs]
    names = np.array([*contigs, ""], object)
    parts: list[ReadColumns] = []
    incomplete = 0
    for piece in pieces:
        counts, missing = count_piece(piece, union_jobs, people, map_tasks, genotypes=question.genotypes)
        parts.append(piece_columns(piece, counts, stores, names, people))
        if question.sites:
            parts[-1]["site"] = piece.sites
        incomplete += int(missing.sum())
    if incomplete:
        rows = f"{incomplete:,} of {sum(len(part['position']) for part in parts):,} rows"
        message = f"in {rows} some people have no record of the site: they are missing there, not reference"
        warnings.warn(message, DenominatorWarning, stacklevel=7)
    return parts


def _filters(
    filters: str | Iterable[str] | None, batches: Sequence[BatchHandle]
) -> list[tuple[NDArray[np.bool_], bool] | None]:
    """Which filters of each batch may stand, and whether none may."""
    if filters is None:
        return [None] * len(batches)
    wanted = filters.split(",") if isinstance(filters, str) else list(filters)
    known = {name for batch in batches for name in batch.store.filters}
    for name in wanted:
        if name != "." and name not in known:
            raise UnknownFilterError(f"no filter {name!r} in the repository; there are {', '.join(sorted(known))}")
    return [(np.array([name in wanted for name in b.store.filters], np.bool_), "." in wanted) for b in batches]
