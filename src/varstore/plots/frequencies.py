"""Cohort against cohort: the frequency of each allele in one and in the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from .figures import COLOURS, GREY, new_figure, note

# More points than these hide each other: places are coloured by how many they hold.
_MOST_POINTS = 5000


def frequencies(a: NDArray[np.float64], b: NDArray[np.float64], names: tuple[str, str] = ("A", "B")) -> Any:
    """Draw allele frequencies of two cohorts against each other.

    a, b : (rows,) float64, NaN where missing    names : of the cohorts

    Returns a matplotlib Figure. Alleles that neither cohort has, or that one has no calls for, are left out, and
    counted below. Raises QueryError where no allele is left, MissingDependencyError.
    """
    missing = np.isnan(a) | np.isnan(b)
    unseen = ~missing & (a == 0) & (b == 0)
    kept = ~missing & ~unseen
    if not kept.any():
        raise QueryError("no allele has a frequency in both cohorts: there is nothing to draw")
    x, y = a[kept], b[kept]
    figure, axes = new_figure(f"Allele frequencies, {names[0]} against {names[1]}", width=6.6, height=6)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="dashed", label="the same frequency", zorder=1)
    if len(x) > _MOST_POINTS:
        places = axes.hexbin(
            x, y, gridsize=80, extent=(0, 1, 0, 1), bins="log", mincnt=1, cmap="viridis", linewidths=0.1
        )
        figure.colorbar(places, ax=axes, shrink=0.7, label="Alleles in a place")
    else:
        axes.scatter(x, y, s=12, color=COLOURS[0], alpha=0.5, linewidths=0, label=f"{len(x):,} alleles")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
    axes.set_xlabel(f"Allele frequency in {names[0]}")
    axes.set_ylabel(f"Allele frequency in {names[1]}")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    note(
        figure,
        [
            f"{len(x):,} alleles",
            f"left out: {int(unseen.sum()):,} that nobody has" if unseen.any() else "",
            f"left out: {int(missing.sum()):,} without calls in one of the two" if missing.any() else "",
        ],
    )
    return figure
