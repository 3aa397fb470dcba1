"""Manhattan plots: p-values along the genome."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from .figures import COLOURS, GREY, MOST_SHAPES, new_figure, note, rows

_SIGNIFICANCE = 0.05
_GAP = 0.02  # between contigs, as a part of all


def manhattan(contig: NDArray[Any], position: NDArray[np.int64], p: NDArray[np.float64], title: str = "") -> Any:
    """Draw -log10 of p-values along the contigs, with a line at 0.05 divided by their number (Bonferroni).

    contig : (rows,) str, in the order they are drawn    position : (rows,) int64, 1-based    p : (rows,) float64

    Returns a matplotlib Figure. NaN is left out and counted below; a p of 0 is a triangle at the top. Raises QueryError
    where no p is left, MissingDependencyError.
    """
    kept = ~np.isnan(p)
    if not kept.any():
        raise QueryError("no row has a p-value: there is nothing to draw")
    names, place, offset = _layout(contig[kept], position[kept])
    x, height, zero = offset, *heights(p[kept])
    figure, axes = new_figure(title or "Where do the cohorts differ?", width=10, height=4.5)
    axes.margins(x=0.01)
    for number, name in enumerate(names):
        mine = place == number
        for marker, those in ((".", mine & ~zero), ("^", mine & zero)):
            axes.scatter(
                x[those], height[those], s=14 if marker == "." else 26, marker=marker, linewidths=0, gid=name,
                color=COLOURS[(0, 4)[number % 2]], rasterized=len(x) > MOST_SHAPES,
            )  # fmt: skip
    line = -np.log10(_SIGNIFICANCE / len(x))
    axes.axhline(line, color=COLOURS[1], linewidth=1, linestyle="dashed")
    axes.annotate(f"0.05 / {len(x):,} tests", (1, line), (-4, 3), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right", fontsize=8, color=COLOURS[1])  # fmt: skip
    axes.set_ylim(0, max(float(height.max()), line) * 1.08)
    axes.set_ylabel("$-\\log_{10}$ p")
    _label_contigs(axes, names, place, x)
    note(
        figure,
        [
            f"left out: {rows(int((~kept).sum()))} without a p-value" if not kept.all() else "",
            f"triangles at the top: {rows(int(zero.sum()))} with p = 0" if zero.any() else "",
        ],
    )
    return figure


def heights(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """-log10 of p-values, and which were 0: these get the height of the smallest other one and a tenth more."""
    zero = p == 0
    height = -np.log10(np.where(zero, 1, p))
    height[zero] = max(float(height.max(initial=1)), 1) * 1.1
    return height, zero


def _layout(
    contig: NDArray[Any], position: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.intp], NDArray[np.float64]]:
    """Contigs in their order, which each row is of, and where it is drawn, one contig after the other."""
    names = list(dict.fromkeys(contig.tolist()))
    number = {name: i for i, name in enumerate(names)}
    place = np.array([number[name] for name in contig.tolist()], np.intp)
    if len(names) == 1:
        return names, place, position / 1e6
    ends = np.zeros(len(names))
    np.maximum.at(ends, place, position)
    starts = np.concatenate([[0], np.cumsum(ends + ends.sum() * _GAP)[:-1]])
    return names, place, starts[place] + position


def _label_contigs(axes: Any, names: list[str], place: NDArray[np.intp], x: NDArray[np.float64]) -> None:
    if len(names) == 1:
        axes.set_xlabel(f"Position on contig {names[0]}, million bases")
        return
    middles = [(x[place == i].min() + x[place == i].max()) / 2 for i in range(len(names))]
    axes.set_xticks(middles, names, fontsize=8, rotation=0 if len(names) < 25 else 90)
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("Contig")
    axes.grid(axis="y", color=GREY, alpha=0.2)
