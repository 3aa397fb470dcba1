"""Runs of homozygosity: where both copies of a person's genome come from one ancestor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..model.results import CountTable
from ..query.diploid import by_person, num_words, read_planes
from ..query.site_choice import Sites
from ..query.version import Version

# Bits of calls that are in memory at a time, and people of a task.
_BITS = 1 << 32
_PEOPLE = 64
# Taken off before rounding up, as plink1.9 does.
_EPSILON = 2.0**-44


@dataclass(frozen=True)
class RunRules:
    """What is a run; the names and defaults of ``plink1.9 --homozyg``.

    window, window_het, window_missing : sites of a scanning window, and heterozygous and missing calls of a good one
    threshold : share of the windows with a site that have to be good for the site to be in a run
    min_sites, min_kb : of a run    max_kb_per_site : on average    max_gap_kb : between two sites of a run
    max_het : heterozygous calls of a run; None: any number
    """

    window: int = 50
    window_het: int = 1
    window_missing: int = 5
    threshold: float = 0.05
    min_sites: int = 100
    min_kb: float = 1000.0
    max_kb_per_site: float = 50.0
    max_gap_kb: float = 1000.0
    max_het: int | None = None

    def __post_init__(self) -> None:
        for name in ("window", "min_sites", "min_kb", "max_kb_per_site", "max_gap_kb"):
            if not getattr(self, name) > 0:
                raise QueryError(f"{name} is {getattr(self, name)}, expected a number above 0")
        for name in ("window_het", "window_missing", "max_het"):
            if (getattr(self, name) or 0) < 0:
                raise QueryError(f"{name} is {getattr(self, name)}, expected 0 or more")
        if not 0 < self.threshold <= 1:
            raise QueryError(f"threshold is {self.threshold}, expected a share above 0, at most 1")

    @property
    def least(self) -> NDArray[np.int64]:
        """(window + 1,) good windows that a site needs, by how many hold it."""
        return np.array([math.ceil(self.threshold * number - _EPSILON) for number in range(self.window + 1)], np.int64)


@dataclass(frozen=True)
class Homozygosity:
    """Runs of homozygosity.

    runs : a row a run, by contig, person and place: sample, contig, start, end (1-based, closed), num_bases,
        num_sites, n_het, n_missing
    people : a row a sample: sample, n_runs, num_bases, mean_bases, longest, f_roh (of the bases from the first site to
        the last on each contig)
    sharing : how many have a run where, a row a stretch, stretches without anybody left out: contig, start, end,
        num_bases, n_samples, share
    """

    runs: CountTable
    people: CountTable
    sharing: CountTable

    def plot(self) -> Any:
        """A histogram of how much of the genome is in runs, a matplotlib Figure."""
        from ..plots.homozygosity import histogram  # noqa: PLC0415

        return histogram(self.people["num_bases"], self.people["f_roh"])


def find_runs(
    version: Version, sites: Sites, people: NDArray[np.int64], names: Sequence[str], rules: RunRules
) -> Homozygosity:
    """Runs of some people over some sites, by contig.

    people : sorted int64 sample numbers    names : of them

    Raises QueryError where there are no sites, CorruptRepositoryError.
    """
    return _by_contig(sites, lambda here: _of_contig(version, sites.take(here), people, rules), names, version.contigs)


def runs_of_calls(
    sites: Sites, codes: NDArray[np.int8], name: str, contigs: Sequence[str], rules: RunRules
) -> Homozygosity:  # fmt: skip
    """Runs of one person by calls at some sites.

    codes : (sites,) int8, copies of ALT, -1: missing    name : of the person    contigs : of the contig table

    Raises QueryError where there are no sites.
    """

    def of_contig(here: slice) -> NDArray[np.int64]:
        mine, words = codes[here], num_words(here.stop - here.start)
        planes = np.zeros((2, 1, 64 * words), np.bool_)
        planes[0, 0, : len(mine)], planes[1, 0, : len(mine)] = mine == 1, mine < 0
        het, missing = np.packbits(planes, axis=2, bitorder="little").view(np.uint64)
        return _of_people(het, missing, 0, sites.take(here), rules)

    return _by_contig(sites, of_contig, [name], contigs)


def _by_contig(
    sites: Sites, of_contig: Callable[[slice], NDArray[np.int64]], names: Sequence[str], contigs_by_place: Sequence[str]
) -> Homozygosity:
    """Runs of each contig, put together. of_contig : gives (runs, 5) of some sites, as the kernel has them"""
    if not len(sites):
        raise QueryError("no biallelic site of an autosome varies among these people: there is nothing to look for")
    cuts = [0, *(np.flatnonzero(np.diff(sites.contig)) + 1).tolist(), len(sites)]
    found, contigs, covered = [], [], 0
    for begin, end in pairwise(cuts):
        here = sites.take(slice(begin, end))
        runs = of_contig(slice(begin, end))
        found.append(np.column_stack([runs, here.position[runs[:, 1]], here.position[runs[:, 2]]]))
        contigs.append(np.full(len(runs), sites.contig[begin]))
        covered += int(here.position[-1] - here.position[0]) + 1
    return _tables(np.concatenate(found), np.concatenate(contigs), names, contigs_by_place, covered)


def _of_contig(version: Version, sites: Sites, people: NDArray[np.int64], rules: RunRules) -> NDArray[np.int64]:
    """(runs, 5) of one contig, as the kernel has them."""
    step = max(_PEOPLE, _BITS // (3 * len(sites)))
    parts = [np.zeros((0, 5), np.int64)]
    for begin in range(0, len(people), step):
        some = people[begin : begin + step]
        planes = by_person(version, read_planes(version, sites, some))

        def run(first: int, het: Any = planes.het, missing: Any = planes.missing) -> NDArray[np.int64]:
            return _of_people(het[first : first + _PEOPLE], missing[first : first + _PEOPLE], first, sites, rules)

        for part in version._map(run, range(0, len(some), _PEOPLE)):
            part[:, 0] += begin
            parts.append(part)
    return np.concatenate(parts)


def _of_people(
    het: NDArray[np.uint64], missing: NDArray[np.uint64], first: int, sites: Sites, rules: RunRules
) -> NDArray[np.int64]:
    from ..kernels.homozygosity import find_runs as kernel  # noqa: PLC0415

    out = np.empty((len(het) * (len(sites) // rules.min_sites + 1), 5), np.int64)
    bases = [math.floor(1000 * kb + _EPSILON) for kb in (rules.max_kb_per_site, rules.max_gap_kb)]
    num = kernel(
        het, missing, first, np.ascontiguousarray(sites.position), rules.window, rules.window_het,
        rules.window_missing, rules.least, rules.min_sites, math.ceil(1000 * rules.min_kb - _EPSILON), *bases,
        -1 if rules.max_het is None else rules.max_het, np.zeros(len(sites) + 2, np.int64), out,
    )  # fmt: skip
    return out[:num]


def _tables(
    runs: NDArray[np.int64], contig: NDArray[np.int64], names: Sequence[str], contigs: Sequence[str], covered: int
) -> Homozygosity:
    """runs : (runs, 7) person, first and last site, hets, missing, first and last position    contig : (runs,)"""
    person, first, last, hets, lost, start, end = runs.T
    length = end - start + 1
    sample = np.array([*names, None], object)
    table = {
        "sample": sample[person],
        "contig": np.array([*contigs, ""], object)[contig],
        "start": start,
        "end": end,
        "num_bases": length,
        "num_sites": last - first + 1,
        "n_het": hets,
        "n_missing": lost,
    }
    number, total = np.bincount(person, minlength=len(names)), np.zeros(len(names), np.int64)
    longest = np.zeros(len(names), np.int64)
    np.add.at(total, person, length)
    np.maximum.at(longest, person, length)
    people = {
        "sample": sample[:-1],
        "n_runs": number,
        "num_bases": total,
        "mean_bases": np.divide(total, number, out=np.full(len(names), np.nan), where=number > 0),
        "longest": longest,
        "f_roh": total / covered,
    }
    shared = _sharing(contig, start, end, contigs, len(names))
    return Homozygosity(CountTable(table), CountTable(people), CountTable(shared))


def _sharing(
    contig: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], contigs: Sequence[str], people: int
) -> dict[str, NDArray[Any]]:
    """Stretches between the ends of runs, and how many people have a run there."""
    parts: list[list[NDArray[np.int64]]] = []
    for number in np.unique(contig).tolist():
        here = contig == number
        edge = np.concatenate([start[here], end[here] + 1])
        change = np.repeat([1, -1], int(here.sum()))
        at, place = np.unique(edge, return_inverse=True)
        there = np.cumsum(np.bincount(place.reshape(-1), change, len(at)).astype(np.int64))[:-1]
        some = there > 0
        parts.append([np.full(int(some.sum()), number), at[:-1][some], at[1:][some] - 1, there[some]])
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.zeros(0, np.int64)] * 4
    where, begin, behind, number_of = columns
    return {
        "contig": np.array([*contigs, ""], object)[where],
        "start": begin,
        "end": behind,
        "num_bases": behind - begin + 1,
        "n_samples": number_of,
        "share": number_of / people,
    }
