"""Rare alleles gene by gene: those of one genome, and how many people of the repository have any.

docs/personal-genome.md, "A panel of genes", has the definitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.person import HOM
from ..model.regions import END_OF_CONTIG, Region, merge_regions
from ..model.results import CountTable
from ..query.carriers import CountedAlleles, carriers_of, counted_alleles
from ..query.counting import Question
from ..query.version import Version
from ..stats.burden import Intervals
from .carried import Carried
from .narrowing import overlapping

if TYPE_CHECKING:
    from ..query.union import AlleleKey


def panel_table(
    version: Version, intervals: Intervals, mine: Carried, members: NDArray[np.bool_], *, max_frequency: float,
    filters: Any = None, where: tuple[Sequence[Region] | None, Sequence[AlleleKey]] = (None, ()),
) -> CountTable:  # fmt: skip
    """The table: a row an interval, in the order of the file.

    mine : alleles of the genome    members : (numbers of people,) bool, who it is compared with
    max_frequency : an allele is rare below it, among these people
    where : regions and alleles that the genome was narrowed to; None: everything

    Columns: contig, start (1-based), end, name, n_rare, n_novel, n_hom_alt: of the genome, its rare alleles, those
    that nobody else has, and those in all copies; num_rare_alleles, n_carriers, num_people, carrier_share: of the
    others, how many rare alleles there are, and how many people have one at least.
    Raises UnknownFilterError, CorruptRepositoryError.
    """
    number = len(intervals.start)
    rare = mine.is_rare(max_frequency)
    gene, which = overlaps(intervals, mine.contig[rare], mine.position[rare], mine.num_ref[rare])
    novel, hom = (mine.allele_count == 0)[rare][which], (mine.zygosity == HOM)[rare][which]
    question = Question(_regions(intervals), [], members[np.newaxis], None, False, filters, genotypes=False)
    alleles, carriers = _others(version, intervals, question, max_frequency, where)
    people = int(members.sum())
    return CountTable(
        {
            "contig": np.array([*version.contigs, None], object)[intervals.contig],
            "start": intervals.start + 1,
            "end": intervals.end.copy(),
            "name": intervals.name.copy(),
            "n_rare": np.bincount(gene, minlength=number),
            "n_novel": np.bincount(gene[novel], minlength=number),
            "n_hom_alt": np.bincount(gene[hom], minlength=number),
            "num_rare_alleles": alleles,
            "n_carriers": carriers,
            "num_people": np.full(number, people),
            "carrier_share": carriers / people if people else np.full(number, np.nan),
        }
    )


def overlaps(
    intervals: Intervals, contig: NDArray[np.int64], position: NDArray[np.int64], num_ref: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of an interval and an allele whose REF overlaps it: the indexes of both."""
    begin = position - 1
    end = begin + num_ref
    genes, which = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    near = np.isin(intervals.contig, np.unique(contig))
    near &= (intervals.start < end.max(initial=0)) & (intervals.end > begin.min(initial=END_OF_CONTIG))
    for gene in np.flatnonzero(near).tolist():
        here = contig == intervals.contig[gene]
        found = np.flatnonzero(here & (begin < intervals.end[gene]) & (end > intervals.start[gene]))
        genes.append(np.full(len(found), gene))
        which.append(found)
    return np.concatenate(genes), np.concatenate(which)


def _regions(intervals: Intervals) -> list[Region]:
    columns = (values.tolist() for values in (intervals.contig, intervals.start, intervals.end))
    return merge_regions(Region(*each) for each in zip(*columns, strict=True))


def _others(
    version: Version, intervals: Intervals, question: Question, max_frequency: float,
    where: tuple[Sequence[Region] | None, Sequence[AlleleKey]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """(intervals,) rare alleles of the others, and how many of them have one."""
    members = question.masks[0]
    number, people = len(intervals.start), len(members)
    alleles, pairs = np.zeros(number, np.int64), [np.zeros(0, np.int64)]
    for found in counted_alleles(version, question):
        gene, which = _rare_in(intervals, found, max_frequency, where)
        alleles += np.bincount(gene, minlength=number)
        wanted = np.zeros(len(found), np.bool_)
        wanted[which] = True
        for part in carriers_of(version, found.reads, members) if len(which) else ():
            rare = part.take(wanted[part.allele])
            order = np.argsort(which, kind="stable")
            first = np.searchsorted(which[order], rare.allele, "left")
            times = np.searchsorted(which[order], rare.allele, "right") - first
            at = np.repeat(first - np.cumsum(times) + times, times) + np.arange(times.sum())
            pairs.append(np.unique(gene[order][at] * people + np.repeat(rare.person, times)))
    return alleles, np.bincount(np.unique(np.concatenate(pairs)) // max(1, people), minlength=number)


def _rare_in(
    intervals: Intervals, found: CountedAlleles, max_frequency: float,
    where: tuple[Sequence[Region] | None, Sequence[AlleleKey]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Pairs of an interval and a rare allele that somebody has."""
    rare = np.flatnonzero((found.allele_count > 0) & (found.allele_count < max_frequency * found.allele_number))
    num_ref = np.fromiter(map(len, found.ref[rare].tolist()), np.int64, len(rare))
    if where[0] is not None:
        contig, start = found.contig[rare], found.position[rare] - 1
        kept = overlapping(contig, start, start + num_ref, where[0])
        for allele in where[1]:
            kept |= (contig == allele.contig) & (found.key[rare] == np.uint64(allele.key))
        rare, num_ref = rare[kept], num_ref[kept]
    gene, which = overlaps(intervals, found.contig[rare], found.position[rare], num_ref)
    return gene, rare[which]
