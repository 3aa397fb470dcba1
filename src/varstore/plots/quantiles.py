"""Quantile-quantile plots of p-values, with lambda."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingDependencyError, QueryError
from .figures import COLOURS, GREY, MOST_SHAPES, new_figure, note, rows
from .manhattan import heights

_BAND = 0.95
_BAND_POINTS = 200


def quantiles(p: NDArray[np.float64], title: str = "", inflation: float | None = None) -> Any:
    """Draw sorted p-values against those expected without any difference, with 95 % of each rank (Beta quantiles).

    p : (rows,) float64, NaN where there is none    inflation : lambda; None: that of the p-values

    Returns a matplotlib Figure. Raises QueryError where no p is left, MissingDependencyError.
    """
    there = np.sort(p[~np.isnan(p)])
    if not len(there):
        raise QueryError("no row has a p-value: there is nothing to draw")
    expected = -np.log10((np.arange(len(there)) + 0.5) / len(there))
    observed, zero = heights(there)
    figure, axes = new_figure(title or "Are the p-values those of chance?", width=6.2, height=6)
    band = _band(len(there))
    axes.fill_between(*band, color=GREY, alpha=0.25, linewidth=0, label=f"{_BAND:.0%} of each rank by chance")
    top = float(expected[0])
    axes.plot([0, top], [0, top], color=GREY, linewidth=1, linestyle="dashed")
    for marker, those in ((".", ~zero), ("^", zero)):
        axes.scatter(
            expected[those], observed[those], s=12 if marker == "." else 26, marker=marker, linewidths=0,
            color=COLOURS[0], rasterized=len(there) > MOST_SHAPES,
        )  # fmt: skip
    axes.set_xlabel("$-\\log_{10}$ p expected by chance")
    axes.set_ylabel("$-\\log_{10}$ p found")
    heading = f"$\\lambda$ = {inflation_of(there) if inflation is None else inflation:.3f}, {len(there):,} p-values"
    axes.legend(frameon=False, fontsize=9, loc="upper left", title=heading, alignment="left")
    missing = len(p) - len(there)
    note(
        figure,
        [
            f"left out: {rows(missing)} without a p-value" if missing else "",
            f"triangles at the top: {rows(int(zero.sum()))} with p = 0" if zero.any() else "",
        ],
    )
    return figure


def inflation_of(p: NDArray[np.float64]) -> float:
    """Genomic inflation, lambda: the median chi-square of the p-values over that of chance, with one degree of freedom.

    Devlin and Roeder 1999. NaN without p-values; 0 where the median p is 1, as exact tests of rare alleles give.
    """
    there = p[~np.isnan(p)]
    if not len(there):
        return float("nan")
    special = _special()
    return float(special.chdtri(1, np.median(there)) / special.chdtri(1, 0.5))


def _band(number: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Expected, lowest and highest -log10 p of ranks: the k-th smallest of n is Beta(k, n - k + 1)."""
    rank = np.unique(np.geomspace(1, number, _BAND_POINTS).astype(np.int64))
    tail = (1 - _BAND) / 2
    low, high = (_special().betaincinv(rank, number - rank + 1.0, side) for side in (1 - tail, tail))
    return -np.log10((rank - 0.5) / number), -np.log10(low), -np.log10(high)


def _special() -> Any:
    try:
        return importlib.import_module("scipy.special")
    except ImportError:
        raise MissingDependencyError("this needs scipy: pip install 'varstore[plot]'") from None
