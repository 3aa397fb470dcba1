"""Rare alleles in intervals, by cohort: how many copies of them there are, and who has more than the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..model.bed import read_named_bed
from ..model.results import CountTable
from ..query.site_counts import SiteCounts
from . import association, correction

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Intervals:
    """Intervals of a BED file on contigs of the repository, in the order of the file.

    contig : (intervals,) index    start, end : 0-based, half-open    name : of each, ``.`` without
    """

    contig: Counts
    start: Counts
    end: Counts
    name: NDArray[Any]


def read_intervals(path: Path, contigs: Sequence[str], named: Callable[[str], str]) -> Intervals:
    """Intervals of a BED file, but those on contigs that the repository has not. Raises InputError where none is left.

    named : the name here of a contig: chr22 and 22 are one
    """
    rows = read_named_bed(path)
    index = {name: number for number, name in enumerate(contigs)}
    place = {name: index.get(named(name)) for name in dict.fromkeys(row[0] for row in rows)}
    kept = [(place[row[0]], *row[1:]) for row in rows if place[row[0]] is not None]
    if not kept:
        found = ", ".join(list(place)[:3]) + (", ..." if len(place) > 3 else "")
        raise InputError(f"{path}: none of its contigs ({found}) is in the repository")
    contig, start, end = (np.array([row[k] for row in kept], np.int64) for k in range(3))
    return Intervals(contig, start, end, np.array([*(row[3] for row in kept), None], object)[:-1])


def rare(counts: SiteCounts, max_frequency: float) -> NDArray[np.bool_]:
    """(rows,) alleles that somebody has and that are no more frequent than this in the last cohort."""
    count, number = counts["allele_count"][-1], counts["allele_number"][-1]
    out: NDArray[np.bool_] = (count > 0) & (count <= max_frequency * number)
    return out


def burden_table(
    counts: SiteCounts, names: Sequence[str], contigs: Sequence[str], intervals: Intervals, max_frequency: float
) -> CountTable:
    """The table of ``Repository.burden``. counts : of the cohorts, and last of everybody"""
    chosen = np.flatnonzero(rare(counts, max_frequency))
    place = {name: index for index, name in enumerate(contigs)}
    contig = np.array([place[name] for name in counts.contig[chosen]], np.int64)
    begin = counts.position[chosen] - 1
    finish = begin + np.array([len(ref) for ref in counts.ref[chosen]], np.int64)
    values = np.stack(
        [np.ones_like(begin), *_of(counts, "allele_count", chosen), *_of(counts, "allele_number", chosen)]
    )
    sums = _in_intervals(values, (contig, begin, finish), intervals)
    number, times = len(names), len(names)
    count, called = sums[1 : 1 + number], sums[1 + number :]
    columns: dict[str, NDArray[Any]] = {
        "contig": np.repeat(np.array([*contigs, None], object)[intervals.contig], times),
        "start": np.repeat(intervals.start + 1, times),
        "end": np.repeat(intervals.end, times),
        "name": np.repeat(intervals.name, times),
        "cohort": np.tile(np.array([*names, None], object)[:-1], len(intervals.start)),
        "num_alleles": np.repeat(sums[0], times),
        "allele_count": count.T.reshape(-1),
        "allele_number": called.T.reshape(-1),
    }
    if number > 1:
        # Each cohort against all the others together.
        tables = np.stack([count, called - count, count.sum(axis=0) - count, 0 * count])
        tables[3] = called.sum(axis=0) - called - tables[2]
        flat = np.ascontiguousarray(tables.transpose(0, 2, 1).reshape(4, -1))
        columns["odds_ratio"] = association.odds_ratio(flat)[0]
        columns["p_value"] = association.fisher(flat)
        columns["p_bh"] = correction.benjamini_hochberg(columns["p_value"])
    return CountTable(columns)


def _of(counts: SiteCounts, name: str, rows: Counts) -> Counts:
    """(cohorts, rows) counts of the cohorts, without everybody."""
    return counts[name][:-1, rows]


def _in_intervals(values: Counts, rows: tuple[Counts, Counts, Counts], intervals: Intervals) -> Counts:
    """(..., intervals) sums over the rows that overlap each.

    values : (..., rows)    rows : contig index, start and end of each, 0-based, half-open

    Of the rows that begin before an interval ends, those that end before it begins are taken away.
    """
    contig, begin, finish = rows
    most = max(int(finish.max(initial=0)), int(intervals.end.max(initial=0))) + 1
    out = np.zeros((len(values), len(intervals.start)), np.int64)
    for at, bound, sign in ((begin, intervals.end, 1), (finish, intervals.start + 1, -1)):
        # One axis over all contigs.
        place = contig * most + at
        order = np.argsort(place, kind="stable")
        sums = np.concatenate([np.zeros((len(values), 1), np.int64), np.cumsum(values[:, order], axis=1)], axis=1)
        upto = np.searchsorted(place[order], intervals.contig * most + bound)
        # The rows of other contigs before it are in both sums, and leave with the second.
        out += sign * sums[:, upto]
    return out
