"""Diversity within cohorts and divergence between them, summed over windows: ratios of sums, never sums of ratios.

A site is a record with all its alleles. With c of n alleles of a cohort of one kind, and d of m in another, two alleles
drawn differ with chance 1 - sum c(c-1) / n(n-1) within a cohort (Nei and Li 1979), and 1 - sum cd / nm between two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.diversity import differences, window_sums
from ..model.regions import Region
from ..model.results import CountTable
from ..model.windows import Cut, Windows, cut
from ..query.site_counts import SiteCounts

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class SiteAlleles:
    """Alleles of K cohorts by site.

    contig, position : (sites,) index and 1-based position, of the first row of each
    start : (sites + 1,) where the rows of each begin in ``count``, those of a site together
    count : (cohorts, rows) of each ALT allele
    number : (cohorts, sites) alleles called; 0 where the alleles of a site are told by different people
    """

    contig: Counts
    position: Counts
    start: Counts
    count: Counts
    number: Counts

    @classmethod
    def of(cls, counts: SiteCounts, contigs: Sequence[str]) -> SiteAlleles:
        """Group the rows. contigs : the repository's table"""
        site, count, number = counts.site, counts["allele_count"], counts["allele_number"]
        position, contig = counts.position, counts.contig
        if len(counts) and (np.diff(site) < 0).any():
            # Rows of joined records stand apart; a site stands where its first row does.
            _, first, which = np.unique(site, return_index=True, return_inverse=True)
            row = np.argsort(first[which], kind="stable")
            site, count, number, position, contig = site[row], count[:, row], number[:, row], position[row], contig[row]
        begins = np.diff(site, prepend=-1) != 0
        start = np.flatnonzero(begins)
        of_site = number[:, start]
        further = np.flatnonzero(~begins)
        if len(further):
            mine = np.searchsorted(start, further, side="right") - 1
            cohort, row = np.nonzero(number[:, further] != of_site[:, mine])
            of_site[cohort, mine[row]] = 0
        places = _places(contig[start], contigs)
        return cls(places, position[start], np.append(start, len(site)), np.ascontiguousarray(count), of_site)

    @cached_property
    def chances(self) -> tuple[Floats, Floats]:
        """That two alleles differ: (cohorts, sites) of one cohort, (pairs, sites) of two, as ``combinations`` has them.

        NaN with fewer than two alleles, or none in one of the two.
        """
        cohorts, sites = self.number.shape
        within, between = np.empty((cohorts, sites)), np.empty((cohorts * (cohorts - 1) // 2, sites))
        differences(self.count, self.number, self.start, within, between)
        return within, between


def _places(contig: NDArray[Any], contigs: Sequence[str]) -> Counts:
    """Index of each contig name. Runs of one name are looked up once."""
    place = {name: index for index, name in enumerate(contigs)}
    begins = np.flatnonzero(np.append(True, contig[1:] != contig[:-1])) if len(contig) else np.zeros(0, np.int64)
    lengths = np.diff(begins, append=len(contig))
    return np.repeat(np.array([place[contig[begin]] for begin in begins], np.int64), lengths)


@dataclass(frozen=True)
class _Sums:
    """(3, windows) sums of three values over the sites where all are known, NaN where there is none; how many sites."""

    values: Floats
    used: Counts

    @classmethod
    def of(cls, values: tuple[Floats, Floats, Floats], windows: Cut) -> _Sums:
        length = len(windows.first)
        out, used = np.empty((3, length)), np.empty(length, np.int64)
        window_sums(windows.first, windows.last, *values, used, out)
        return cls(out, used)

    def counted(self, windows: Cut) -> dict[str, NDArray[Any]]:
        """Columns of how many sites are used, and how many not."""
        return {"num_sites": self.used, "num_skipped": windows.last - windows.first - self.used}


def diversity_table(
    counts: SiteCounts, names: Sequence[str], contigs: Sequence[str], regions: Sequence[Region] | None, windows: Windows
) -> CountTable:
    """The table of ``Repository.diversity``: a row a window and cohort."""
    sites = SiteAlleles.of(counts, contigs)
    windowed = cut(sites.contig, sites.position, regions, windows)
    columns = []
    for chances in sites.chances[0]:
        sums = _Sums.of((chances, np.sign(chances), chances), windowed)
        found = sums.counted(windowed)
        found["num_segregating"] = np.where(sums.used > 0, sums.values[1], 0).astype(np.int64)
        columns.append(found | {"diversity": sums.values[0], "pi": _by_base(sums.values[0], windowed)})
    return _long(windowed, contigs, {"cohort": list(names)}, columns)


def fst_table(
    counts: SiteCounts, names: Sequence[str], contigs: Sequence[str], regions: Sequence[Region] | None, windows: Windows
) -> CountTable:
    """The table of ``Repository.fst``: a row a window and pair of cohorts."""
    sites = SiteAlleles.of(counts, contigs)
    windowed = cut(sites.contig, sites.position, regions, windows)
    within, between = sites.chances
    columns = []
    pairs = list(combinations(range(len(names)), 2))
    for (a, b), chances in zip(pairs, between, strict=True):
        sums = _Sums.of((within[a], within[b], chances), windowed)
        apart, inside = sums.values[2], (sums.values[0] + sums.values[1]) / 2
        found = sums.counted(windowed) | _indices(apart, inside)
        found["patterson_f2"] = (apart - inside) / np.maximum(sums.used, 1)
        columns.append(found | {"divergence": apart, "dxy": _by_base(apart, windowed)})
    sides = {"cohort_a": [names[a] for a, _ in pairs], "cohort_b": [names[b] for _, b in pairs]}
    return _long(windowed, contigs, sides, columns)


def hudson_fst(counts: SiteCounts) -> tuple[float, int]:
    """Hudson's Fst of two cohorts over all sites, and how many are used."""
    sites = SiteAlleles.of(counts, list(dict.fromkeys(counts.contig.tolist())))
    within, between = sites.chances
    known = ~np.isnan(within[0] + within[1])
    apart, inside = between[0, known].sum(), (within[0] + within[1])[known].sum() / 2
    return float((apart - inside) / apart) if apart > 0 else float("nan"), int(known.sum())


def _indices(apart: Floats, inside: Floats) -> dict[str, NDArray[Any]]:
    """Fst of Hudson, Slatkin and Maddison 1992 as Bhatia et al. 2013 write it, and of Nei; NaN where nothing varies.

    apart : sums of the divergence    inside : sums of the mean diversity
    """
    hudson = (apart - inside) / np.where(apart > 0, apart, np.nan)
    nei = (apart - inside) / np.where(apart + inside > 0, apart + inside, np.nan)
    return {"hudson_fst": hudson, "nei_fst": nei}


def _by_base(values: Floats, windowed: Cut) -> Floats:
    out: Floats = values / np.where(windowed.num_bases > 0, windowed.num_bases, np.nan)
    return out


def _long(
    windowed: Cut, contigs: Sequence[str], sides: dict[str, list[str]], columns: Sequence[dict[str, NDArray[Any]]]
) -> CountTable:
    """Rows by window, and in each by cohort or pair."""
    times = len(columns)
    named = np.array([*contigs, "."], object)[windowed.contig]
    out = {
        "contig": np.repeat(named, times),
        "start": np.repeat(windowed.start, times),
        "end": np.repeat(windowed.end, times),
        "num_bases": np.repeat(windowed.num_bases, times),
    }
    for name, values in sides.items():
        out[name] = np.tile(np.array([*values, None], object)[:-1], len(windowed.start))
    for name in columns[0]:
        out[name] = np.stack([each[name] for each in columns], axis=1).reshape(-1)
    return CountTable(out)
