"""Diversity within cohorts and divergence between them, summed over windows: ratios of sums, never sums of ratios.

A site is a record with all its alleles. With c of n alleles of a cohort of one kind, and d of m in another, two alleles
drawn differ with chance 1 - sum c(c-1) / n(n-1) within a cohort (Nei and Li 1979), and 1 - sum cd / nm between two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.regions import Region
from ..model.results import CountTable
from ..model.windows import Cut, Windows, cut
from ..query.site_counts import SiteCounts

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class SiteAlleles:
    """Alleles of K cohorts by site.

    contig, position : (sites,) of the first row of each    row : (rows,) rows of ``counts``, those of a site together
    start : (sites,) where the rows of each begin in ``row``
    number : (cohorts, sites) alleles called; 0 where the alleles of a site are told by different people
    """

    contig: Counts
    position: Counts
    row: Counts
    start: Counts
    count: Counts
    number: Counts

    @classmethod
    def of(cls, counts: SiteCounts, contigs: Sequence[str]) -> SiteAlleles:
        """Group the rows. contigs : the repository's table"""
        row = np.arange(len(counts))
        if len(counts) and (np.diff(counts.site) < 0).any():
            row = np.argsort(counts.site, kind="stable")
        start = np.flatnonzero(np.diff(counts.site[row], prepend=-1))
        first = row[start]
        # Joined records stand where their first row does; numbers of sites need not be in that order.
        if (np.diff(first) < 0).any():
            order = np.argsort(first)
            sizes = np.diff(start, append=len(row))[order]
            ends = np.cumsum(sizes)
            row = row[np.repeat(start[order] - (ends - sizes), sizes) + np.arange(len(row))]
            start, first = ends - sizes, first[order]
        count, number = counts["allele_count"], counts["allele_number"]
        if len(start) < len(row):
            count, number = count[:, row], number[:, row]
            most, least = (f.reduceat(number, start, axis=1) for f in (np.maximum, np.minimum))
            number = np.where(most == least, most, 0)
        return cls(_places(counts.contig[first], contigs), counts.position[first], row, start, count, number)

    def total(self, values: Counts) -> Counts:
        """(..., sites) sums over the rows of each site. values : (..., rows), in the order of ``row``"""
        return values if len(self.start) == len(self.row) else np.add.reduceat(values, self.start, axis=-1)

    @property
    def others(self) -> Counts:
        """(cohorts, sites) alleles of the reference, and of none that has a row."""
        others: Counts = np.maximum(self.number - self.total(self.count), 0)
        return others


def _places(contig: NDArray[Any], contigs: Sequence[str]) -> Counts:
    """Index of each contig name. Runs of one name are looked up once."""
    place = {name: index for index, name in enumerate(contigs)}
    begins = np.flatnonzero(np.append(True, contig[1:] != contig[:-1])) if len(contig) else np.zeros(0, np.int64)
    lengths = np.diff(begins, append=len(contig))
    return np.repeat(np.array([place[contig[begin]] for begin in begins], np.int64), lengths)


def within(sites: SiteAlleles) -> Floats:
    """(cohorts, sites) chance that two alleles of a cohort differ; NaN below two."""
    number, others = sites.number.astype(np.float64), sites.others
    same = sites.total(sites.count * (sites.count - 1)) + others * (others - 1)
    pairs = number * (number - 1)
    out: Floats = 1 - same / np.where(sites.number > 1, pairs, np.nan)
    return out


def between(sites: SiteAlleles, a: int, b: int) -> Floats:
    """(sites,) chance that an allele of one cohort and one of another differ; NaN where one has none."""
    others = sites.others
    same = sites.total(sites.count[a] * sites.count[b]) + others[a] * others[b]
    pairs = sites.number[a].astype(np.float64) * sites.number[b]
    out: Floats = 1 - same / np.where(pairs > 0, pairs, np.nan)
    return out


def window_sums(values: NDArray[Any], windows: Cut) -> NDArray[Any]:
    """(windows,) sums over the sites of each. values : (sites,)"""
    bounds = np.stack([windows.first, windows.last], axis=1).reshape(-1)
    out = np.add.reduceat(np.append(values, values.dtype.type(0)), bounds)[::2] if len(bounds) else values[:0]
    return np.where(windows.last > windows.first, out, 0)


def diversity_table(
    counts: SiteCounts, names: Sequence[str], contigs: Sequence[str], regions: Sequence[Region] | None, windows: Windows
) -> CountTable:
    """The table of ``Repository.diversity``: a row a window and cohort."""
    sites = SiteAlleles.of(counts, contigs)
    windowed = cut(sites.contig, sites.position, regions, windows)
    differ = within(sites)
    columns = []
    for k in range(len(names)):
        used = ~np.isnan(differ[k])
        found = _counted(used, windowed)
        found["num_segregating"] = window_sums((used & (differ[k] > 0)).astype(np.int64), windowed)
        found["diversity"] = _sums(differ[k], used, windowed)
        found["pi"] = _by_base(found["diversity"], windowed)
        columns.append(found)
    return _long(windowed, contigs, {"cohort": list(names)}, columns)


def fst_table(
    counts: SiteCounts, names: Sequence[str], contigs: Sequence[str], regions: Sequence[Region] | None, windows: Windows
) -> CountTable:
    """The table of ``Repository.fst``: a row a window and pair of cohorts."""
    sites = SiteAlleles.of(counts, contigs)
    windowed = cut(sites.contig, sites.position, regions, windows)
    differ = within(sites)
    columns = []
    pairs = list(combinations(range(len(names)), 2))
    for a, b in pairs:
        used = ~np.isnan(differ[a] + differ[b])
        found = _counted(used, windowed)
        apart = _sums(between(sites, a, b), used, windowed)
        inside = _sums((differ[a] + differ[b]) / 2, used, windowed)
        found |= _indices(apart, inside)
        found["patterson_f2"] = (apart - inside) / np.where(found["num_sites"] > 0, found["num_sites"], 1)
        found |= {"divergence": apart, "dxy": _by_base(apart, windowed)}
        columns.append(found)
    sides = {"cohort_a": [names[a] for a, _ in pairs], "cohort_b": [names[b] for _, b in pairs]}
    return _long(windowed, contigs, sides, columns)


def hudson_fst(counts: SiteCounts) -> tuple[float, int]:
    """Hudson's Fst of two cohorts over all sites, and how many are used."""
    sites = SiteAlleles.of(counts, list(dict.fromkeys(counts.contig.tolist())))
    differ = within(sites)
    used = ~np.isnan(differ[0] + differ[1])
    apart = between(sites, 0, 1)[used].sum()
    inside = (differ[0] + differ[1])[used].sum() / 2
    return float((apart - inside) / apart) if apart > 0 else float("nan"), int(used.sum())


def _indices(apart: Floats, inside: Floats) -> dict[str, NDArray[Any]]:
    """Fst of Hudson, Slatkin and Maddison 1992 as Bhatia et al. 2013 write it, and of Nei; NaN where nothing varies.

    apart : sums of the divergence    inside : sums of the mean diversity
    """
    hudson = (apart - inside) / np.where(apart > 0, apart, np.nan)
    nei = (apart - inside) / np.where(apart + inside > 0, apart + inside, np.nan)
    return {"hudson_fst": hudson, "nei_fst": nei}


def _counted(used: NDArray[np.bool_], windowed: Cut) -> dict[str, NDArray[Any]]:
    sites = window_sums(used.astype(np.int64), windowed)
    return {"num_sites": sites, "num_skipped": windowed.last - windowed.first - sites}


def _sums(values: Floats, used: NDArray[np.bool_], windowed: Cut) -> Floats:
    """(windows,) sums over the sites used; NaN where there is none."""
    known = window_sums(used.astype(np.int64), windowed)
    out: Floats = np.where(known > 0, window_sums(np.where(used, values, 0.0), windowed), np.nan)
    return out


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
