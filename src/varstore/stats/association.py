"""Tests of one allele between two cohorts: tables of counts in, statistics and p-values out.

Every distinct table is computed once: sites of the same counts have the same answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..kernels.chi_square import chi_square, chi_square_p
from ..kernels.distinct import group_rows
from ..kernels.fisher import fisher_exact, log_factorials
from ..query.site_counts import SiteCounts

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

TESTS = ("fisher", "chi2", "genotypic", "dominant", "recessive", "trend")
# Normal quantile of 0.975.
_Z95 = 1.959963984540054


def needs_genotypes(test: str) -> bool:
    """Whether a test, one of ``TESTS``, takes counts of genotypes. Raises QueryError."""
    if test not in TESTS:
        raise QueryError(f"no test {test!r}; there are {', '.join(TESTS)}")
    return test not in ("fisher", "chi2")


@dataclass(frozen=True)
class Tested:
    """Of each row the p-value, and the statistic and its degrees of freedom (None of an exact test).

    NaN, and 0 degrees, where there is nothing to compare.
    """

    p: Floats
    statistic: Floats | None = None
    degrees: Counts | None = None


def run(test: str, counts: SiteCounts) -> Tested:
    """Test each row. counts : of the two cohorts"""
    if test == "fisher":
        return Tested(fisher(allelic_tables(counts["allele_count"], counts["allele_number"])))
    if test == "chi2":
        tables = allelic_tables(counts["allele_count"], counts["allele_number"]).reshape(2, 2, len(counts))
    else:
        tables = _collapsed(genotypic_tables(counts), test)
    statistic, degrees = trend(tables) if test == "trend" else pearson(tables)
    p = np.empty(len(statistic))
    chi_square_p(statistic, degrees, p)
    return Tested(p, statistic, degrees)


def allelic_tables(allele_count: Counts, allele_number: Counts) -> Counts:
    """(4, rows): the allele and all others in the first cohort, then in the second.

    allele_count, allele_number : (2, rows)
    """
    others = allele_number - allele_count
    return np.stack([allele_count[0], others[0], allele_count[1], others[1]])


def genotypic_tables(counts: SiteCounts) -> Counts:
    """(2, 3, rows): people with no, with one and with only copies of the allele; who is not called is left out."""
    none = counts["n_hom_ref"] + counts["n_other"]
    return np.stack([none, counts["n_het"], counts["n_hom_alt"]], axis=1)


def _collapsed(tables: Counts, test: str) -> Counts:
    """Genotypic tables as a test takes them: with or without the allele, only it or not."""
    if test == "dominant":
        return np.stack([tables[:, 0], tables[:, 1] + tables[:, 2]], axis=1)
    if test == "recessive":
        return np.stack([tables[:, 0] + tables[:, 1], tables[:, 2]], axis=1)
    return tables


def _distinct(tables: Counts) -> tuple[Counts, NDArray[np.intp]]:
    """The distinct tables, and which of them each is. tables : (..., rows)"""
    flat = np.ascontiguousarray(tables.reshape(math.prod(tables.shape[:-1]), tables.shape[-1]))
    rows = flat.shape[1]
    slots = np.full(1 << max(1, 2 * rows).bit_length(), -1, np.intp)
    group, first = np.empty(rows, np.intp), np.empty(rows, np.intp)
    known = group_rows(flat, slots, group, first)
    return np.ascontiguousarray(tables[..., first[:known]]), group


def fisher(tables: Counts) -> Floats:
    """Two-sided p-values of Fisher's exact test. tables : (4, rows)"""

    distinct, which = _distinct(tables)
    out = np.empty(distinct.shape[1])
    most = int(distinct.sum(axis=0).max(initial=0))
    fisher_exact(distinct, _logs(max(1, most).bit_length()), out)
    return out[which]


@lru_cache(maxsize=1)
def _logs(bits: int) -> Floats:
    """Log factorials up to 2**bits."""
    out = np.empty((1 << bits) + 1)
    log_factorials(out)
    return out


def pearson(tables: Counts) -> tuple[Floats, Counts]:
    """Chi-square statistics and their degrees of freedom. tables : (2, columns, rows)

    As plink has it, a column with nothing in it is left out, and costs a degree.
    """
    distinct, which = _distinct(tables)
    statistic, degrees = np.empty(distinct.shape[-1]), np.empty(distinct.shape[-1], np.int64)
    chi_square(distinct, statistic, degrees)
    return statistic[which], degrees[which]


def trend(tables: Counts) -> tuple[Floats, Counts]:
    """Cochran-Armitage statistics, of one degree of freedom, of additive weights 0, 1, 2, as plink's --model has them.

    tables : (2, 3, rows) genotypes. With t the sum of weights times (first x others - second x others), its square by
    its variance under no association (Armitage 1955, Biometrics 11:375).
    """
    first, second = tables.sum(axis=1).astype(np.float64)
    columns = tables.sum(axis=0).astype(np.float64)
    number = first + second
    apart = (tables[0, 1] + 2.0 * tables[0, 2]) * second - (tables[1, 1] + 2.0 * tables[1, 2]) * first
    spread = number * (columns[1] + 4 * columns[2]) - (columns[1] + 2 * columns[2]) ** 2
    variance = first * second / np.where(number > 0, number, np.nan) * spread
    out: Floats = apart**2 / np.where(variance > 0, variance, np.nan)
    return out, (~np.isnan(out)).astype(np.int64)


def odds_ratio(tables: Counts) -> tuple[Floats, Floats, Floats]:
    """Odds of the allele in the first cohort by those in the second, and its 95 % interval (Woolf 1955).

    tables : (4, rows) of ``allelic_tables``. As plink: the ratio is missing where it would divide by 0, the interval
    where any cell is 0; nothing is added to the cells.
    """
    a, b, c, d = tables.astype(np.float64)
    ratio = a * d / np.where(b * c > 0, b * c, np.nan)
    full = (a > 0) & (b > 0) & (c > 0) & (d > 0)
    inverses = sum(1 / np.where(full, cell, np.nan) for cell in (a, b, c, d))
    width = np.exp(_Z95 * np.sqrt(inverses))
    return ratio, ratio / width, ratio * width
