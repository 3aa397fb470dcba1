"""Statistics of sites: columns of a count table in, a row an ALT allele (and cohort) as there; docs/statistics.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.results import ALLELE_COLUMNS, GENOTYPE_COLUMNS, CountTable

Columns = Mapping[str, NDArray[Any]]

_SITE = ("contig", "position", "ref", "alt")
_COUNTS = (*ALLELE_COLUMNS, *GENOTYPE_COLUMNS)
# Columns that parts have besides: calls of one allele, and those of them that have the row's.
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
    """
    columns = {name: _whole(name, parts, num_cohorts) for name in (*_COUNTS, *HAPLOIDS)}
    columns |= _statistics(columns, midp=midp, polyploid=polyploid)
    for name in HAPLOIDS:
        del columns[name]
    if num_cohorts > 1:
        seen = columns["allele_count"] > 0
        columns["is_private"] = seen & (seen.sum(axis=0) == 1)
    rows = len(columns["position"])
    flat = {name: _flat(values, num_cohorts) for name, values in columns.items()}
    if names is not None:
        flat = {"cohort": np.tile(np.array([*names, None], object)[:-1], rows), **flat}
    return CountTable(flat)


def _whole(name: str, parts: Sequence[Columns], num_cohorts: int) -> NDArray[Any]:
    """One column of all parts."""
    if parts:
        return np.concatenate([part[name] if name in _SITE else part[name][:num_cohorts] for part in parts], axis=-1)
    dtype: Any = object if name in ("contig", "ref", "alt") else np.float64 if name == "allele_frequency" else np.int64
    return np.zeros((0,) if name in _SITE else (num_cohorts, 0), dtype)


def _flat(values: NDArray[Any], num_cohorts: int) -> NDArray[Any]:
    """A column of rows by site and then cohort."""
    if values.ndim == 2:
        return values.T.reshape(-1)
    return values if num_cohorts == 1 else np.repeat(values, num_cohorts)


def _statistics(columns: Columns, *, midp: bool, polyploid: bool) -> dict[str, NDArray[Any]]:
    """The statistics of sites; arguments as of ``variant_table``."""
    allele_count, allele_number = columns["allele_count"], columns["allele_number"]
    frequency, hom, het = columns["allele_frequency"], columns["n_hom_alt"], columns["n_het"]
    haploid, of_allele = (columns[name] for name in HAPLOIDS)
    called = hom + het + columns["n_hom_ref"] + columns["n_other"]
    p_value = hardy_p_values(hom, het, called, haploid, of_allele, midp=midp)
    if polyploid:
        # Half calls and calls of three alleles cannot be told apart here: only rows that can have neither are tested.
        p_value[allele_number != 2 * called - haploid] = np.nan
    return {
        "call_rate": _ratio(called, called + columns["n_missing"]),
        "minor_allele_frequency": np.minimum(frequency, 1 - frequency),
        "heterozygosity": _ratio(het, called - haploid),
        "expected_heterozygosity": 2 * frequency * (1 - frequency),
        "hwe_p_value": p_value,
        "is_singleton": allele_count == 1,
    }


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
