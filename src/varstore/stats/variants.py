"""Statistics of sites: columns of a count table in, a row an ALT allele (and cohort) as there; docs/statistics.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.results import CountTable, Values
from ..query.long_form import count_table

Columns = Mapping[str, NDArray[Any]]

# Columns that parts have besides those of counts: calls of one allele, and those of them that have the row's.
HAPLOIDS = ("haploid_number", "haploid_count")


def with_haploids(counts: Columns, haploids: Columns | None) -> dict[str, NDArray[Any]]:
    """Columns of some sites, of all calls, with those of calls of one allele beside; None: there are none."""
    nobody = np.zeros_like(counts["allele_number"])
    number, of_allele = (nobody, nobody) if haploids is None else (haploids["allele_number"], haploids["allele_count"])
    return {**counts, HAPLOIDS[0]: number, HAPLOIDS[1]: of_allele}


def variant_table(
    parts: Sequence[Columns], num_cohorts: int, names: Sequence[str] | None, *, midp: bool, polyploid: bool
) -> CountTable:
    """Rows by site, ALT and cohort, with their statistics; a missing one is NaN.

    parts : of ``with_haploids``, in order, (alleles,) of the site, (cohorts and more, alleles) of counts
    names : of the cohorts; None: no such column
    midp : the Hardy-Weinberg test's    polyploid : calls of more than two alleles are possible

    As of ``count_table``, what follows from other columns at once is made when it is looked at.
    """
    asked = [{name: each[:num_cohorts] if each.ndim == 2 else each for name, each in part.items()} for part in parts]
    counts = count_table(asked, num_cohorts, names, genotypes=True)
    haploid, of_allele = (_long(asked, name) for name in HAPLOIDS)
    hom, het, missing = counts["n_hom_alt"], counts["n_het"], counts["n_missing"]
    called = hom + het + counts["n_hom_ref"] + counts["n_other"]
    p_value = hardy_p_values(hom, het, called, haploid, of_allele, midp=midp)
    if polyploid:
        # Half calls and calls of three alleles cannot be told apart here: only rows that can have neither are tested.
        p_value[counts["allele_number"] != 2 * called - haploid] = np.nan
    columns: dict[str, Values] = {name: partial(counts.__getitem__, name) for name in counts.columns}
    columns |= {
        "call_rate": lambda: _ratio(called, called + missing),
        "minor_allele_frequency": lambda: np.minimum(counts["allele_frequency"], 1 - counts["allele_frequency"]),
        "heterozygosity": lambda: _ratio(het, called - haploid),
        "expected_heterozygosity": lambda: 2 * counts["allele_frequency"] * (1 - counts["allele_frequency"]),
        "hwe_p_value": p_value,
        "is_singleton": lambda: counts["allele_count"] == 1,
    }
    if num_cohorts > 1:
        columns["is_private"] = lambda: _private(counts["allele_count"], num_cohorts)
    return CountTable(columns)


def _long(parts: Sequence[Columns], name: str) -> NDArray[np.int64]:
    """A column of all parts, by row and then cohort."""
    return np.concatenate([np.zeros(0, np.int64), *(part[name].T.reshape(-1) for part in parts)])


def _private(allele_count: NDArray[np.int64], num_cohorts: int) -> NDArray[np.bool_]:
    """(rows,) whether the allele was seen in the row's cohort alone."""
    seen = allele_count.reshape(-1, num_cohorts) > 0
    private: NDArray[np.bool_] = seen & (seen.sum(axis=1, keepdims=True) == 1)
    return private.reshape(-1)


def hardy_p_values(
    hom: NDArray[np.int64], het: NDArray[np.int64], called: NDArray[np.int64], haploid: NDArray[np.int64],
    of_allele: NDArray[np.int64], *, midp: bool,
) -> NDArray[np.float64]:  # fmt: skip
    """P values of the exact test of Hardy-Weinberg proportions; NaN where nobody has two alleles.

    Arguments, all of one shape, as of ``kernels.hardy.exact_tests``.
    """
    from ..kernels.hardy import exact_tests  # noqa: PLC0415

    slots = np.full(1 << min(20, max(4, hom.size.bit_length() + 1)), -1)
    values = np.empty(hom.size)
    columns = (np.ascontiguousarray(each, np.int64).reshape(-1) for each in (hom, het, called, haploid, of_allele))
    exact_tests(*columns, midp, slots, values)
    return values.reshape(hom.shape)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """NaN where the whole is 0."""
    out = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=out, where=np.asarray(whole) > 0)
    return out
