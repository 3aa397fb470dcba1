"""p-values of many tests: corrected, and how they lie altogether. NaN is a test not made, and counts for none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Medians of the chi-square distributions of 1 and 2 degrees of freedom, by these.
_MEDIANS = (np.nan, 0.454936423119572, 2 * np.log(2))


def bonferroni(p: Floats) -> Floats:
    """(rows,) p-values times the number of tests, 1 at most."""
    return np.minimum(p * np.count_nonzero(~np.isnan(p)), 1.0)


def benjamini_hochberg(p: Floats) -> Floats:
    """(rows,) adjusted p-values: the least false discovery rate at which a test is taken.

    Benjamini and Hochberg 1995: p times tests by rank, made ascending from the largest down.
    """
    out = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * (len(order) / np.arange(1, len(order) + 1))
    out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out


def genomic_inflation(statistic: Floats, degrees: NDArray[np.int64]) -> float:
    """Lambda: the median of chi-square statistics, each by its expected median (Devlin and Roeder 1999); NaN of none.

    degrees : (rows,) of freedom, 1 or 2
    """
    known = ~np.isnan(statistic)
    if not known.any():
        return float("nan")
    return float(np.median(statistic[known] / np.array(_MEDIANS)[degrees[known]]))
