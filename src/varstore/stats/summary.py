"""A comparison of two cohorts, in the words of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..query.site_counts import SiteCounts
from . import diversity

if TYPE_CHECKING:
    from .comparison import ComparisonTable

_NAMES = {
    "fisher": "Fisher's exact test of alleles",
    "chi2": "a chi-square test of alleles",
    "genotypic": "a chi-square test of genotypes (2 degrees of freedom)",
    "dominant": "a chi-square test of carriers",
    "recessive": "a chi-square test of those with only the allele",
    "trend": "the Cochran-Armitage test for trend",
}
_LEVEL = 0.05
_LONG = 20  # bases of an allele that are told


def describe(table: ComparisonTable, counts: SiteCounts) -> str:
    """One paragraph: who, what was tested, what stands out, what it may be due to."""
    names, people = table.sides.names, table.sides.num_people
    who = " against ".join(
        f"{name} ({_number(size, 'person', 'people')})" for name, size in zip(names, people, strict=True)
    )
    tested = int(np.count_nonzero(~np.isnan(table.p_value)))
    sites = len(np.unique(counts.site))
    sentences = [
        f"{who}: {_number(len(table), 'allele')} at {_number(sites, 'site')}, {tested:,} of them compared by "
        f"{_NAMES[table.test]}."
    ]
    if tested:
        sentences += [_corrected(table), _strongest(table)]
        sentences.append(f"The genomic inflation factor lambda is {table.genomic_inflation:.3g}.")
    sentences.append(_alone(table, names))
    if not table.sides.overlap:
        sentences.append(_fst(counts))
    return " ".join(sentence for sentence in sentences if sentence)


def _corrected(table: ComparisonTable) -> str:
    strict, loose = (int((table[name] < _LEVEL).sum()) for name in ("p_bonferroni", "p_bh"))
    return (
        f"p is below {_LEVEL} for {strict:,} after Bonferroni's correction, for {loose:,} after that of Benjamini and "
        "Hochberg."
    )


def _strongest(table: ComparisonTable) -> str:
    row = int(np.nanargmin(table.p_value))
    odds = "" if np.isnan(table.odds_ratio[row]) else f", odds ratio {table.odds_ratio[row]:.3g}"
    if odds and not np.isnan(table.odds_ratio_low[row]):
        odds += f" (95 % interval {table.odds_ratio_low[row]:.3g} to {table.odds_ratio_high[row]:.3g})"
    allele = f"{table.contig[row]}:{table.position[row]} {_short(table.ref[row])}>{_short(table.alt[row])}"
    return (
        f"The least p is that of {allele}: "
        f"frequency {table.allele_frequency_a[row]:.3g} against {table.allele_frequency_b[row]:.3g}{odds}, "
        f"p = {table.p_value[row]:.3g}."
    )


def _alone(table: ComparisonTable, names: tuple[str, str]) -> str:
    private = [int((table.is_private & (table[f"allele_count_{side}"] > 0)).sum()) for side in "ab"]
    fixed = int(table.is_fixed_difference.sum())
    are = "is a fixed difference" if fixed == 1 else "are fixed differences"
    return (
        f"Only {names[0]} has {_number(private[0], 'allele')}, only {names[1]} {private[1]:,}; {fixed or 'none'} {are}."
    )


def _fst(counts: SiteCounts) -> str:
    value, sites = diversity.hudson_fst(counts)
    return "" if np.isnan(value) else f"Hudson's Fst over {_number(sites, 'site')} is {value:.3g}."


def _short(allele: str) -> str:
    return allele if len(allele) <= _LONG else f"{allele[:_LONG]}... ({len(allele):,} bases)"


def _number(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"
