"""Kinship of pairs against the sites at which they share no allele, with the regions of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from .figures import COLOURS, GREY, MOST_SHAPES, new_figure, note, rows

# Of more points of a label than this, one in each place of a grid is drawn: the others would be behind it.
_MOST_POINTS = 20_000
_PLACES = 600
_STRANGERS = "unrelated"
_NO_LABEL = "no label"


def kinship(
    share: NDArray[np.float64],
    value: NDArray[np.float64],
    label: NDArray[Any],
    least: Mapping[str, float],
    divide: tuple[str, str, float, float] | None = None,
) -> Any:
    """Draw pairs, kinship upwards and the share of sites at which they share no allele to the right.

    share, value : (pairs,) float64, NaN is left out    label : (pairs,) str, or None
    least : labels, and the least kinship of each, rising; empty where nothing is labelled
    divide : two labels of one range of kinship, the first to the left of a line: its share at a kinship of 1/4, and how
        much less it is for each more of kinship

    Returns a matplotlib Figure. Raises QueryError where no pair has both, MissingDependencyError.
    """
    kept = ~(np.isnan(share) | np.isnan(value))
    if not kept.any():
        raise QueryError("no pair has a kinship: there is nothing to draw")
    x, y = share[kept], value[kept]
    names = np.array([_NO_LABEL if name is None else name for name in label[kept].tolist()], object)
    figure, axes = new_figure("Who is kin to whom?", width=8, height=6)
    right = float(x.max()) * 1.04 or 1.0
    bottom = max(float(y.min()) - 0.02, -0.5)
    colours = _colours(least)
    _regions(axes, least, divide, colours, right)
    for name in [_NO_LABEL, *colours]:
        here = names == name
        if here.any():
            _points(axes, x[here], y[here], colours.get(name, GREY), f"{name} ({int(here.sum()):,})", len(x))
    axes.set_xlim(-0.01 * right, right)
    axes.set_ylim(bottom, max(0.52, float(y.max()) + 0.02))
    axes.set_xlabel("Share of sites at which the two share no allele (IBS0)")
    axes.set_ylabel("Kinship (KING-robust)")
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    missing = int((~kept).sum())
    below = int((y < bottom).sum())
    note(
        figure,
        [
            "no labels: the sites are too few for them" if not least else "",
            f"left out: {rows(missing)} without a kinship" if missing else "",
            f"below the picture: {rows(below)}" if below else "",
        ],
    )
    return figure


def _colours(least: Mapping[str, float]) -> dict[str, str]:
    """Of strangers grey, of the others a colour each, from the farthest to the nearest."""
    kin = [name for name in least if name != _STRANGERS]
    return {_STRANGERS: GREY, **{name: COLOURS[number % len(COLOURS)] for number, name in enumerate(reversed(kin))}}


def _regions(
    axes: Any,
    least: Mapping[str, float],
    divide: tuple[str, str, float, float] | None,
    colours: Mapping[str, str],
    right: float,
) -> None:
    """Shade where each label is given, and draw the least kinship of each as a line."""
    names = [name for name in least if divide is None or name != divide[0]]
    tops = [least[name] for name in names[1:]] + [0.6]
    for name, top in zip(names, tops[: len(names)], strict=True):
        bottom = least[name]
        if np.isfinite(bottom):
            axes.axhline(bottom, color=GREY, linewidth=0.8, linestyle="dashed")
        heights = np.linspace(max(bottom, -1), top, 50)
        edge = np.zeros(len(heights))
        if divide is not None and name == divide[1]:
            edge = np.clip(divide[2] - divide[3] * (heights - 0.25), 0, right)
            axes.fill_betweenx(heights, -right, edge, color=colours[divide[0]], alpha=0.1, linewidth=0)
            axes.plot(edge, heights, color=GREY, linewidth=0.8, linestyle="dashed")
        if name != _STRANGERS:
            axes.fill_betweenx(
                heights, edge if edge.any() else -right, 2 * right, color=colours[name], alpha=0.1, linewidth=0
            )


def _points(axes: Any, x: NDArray[np.float64], y: NDArray[np.float64], colour: str, name: str, of: int) -> None:
    if len(x) > _MOST_POINTS:
        place = np.round(x / max(float(np.ptp(x)), 1e-9) * _PLACES) * 1e5 + np.round(
            y / max(float(np.ptp(y)), 1e-9) * _PLACES
        )
        first = np.unique(place, return_index=True)[1]
        x, y = x[first], y[first]
    axes.scatter(x, y, s=10, color=colour, linewidths=0, alpha=0.8, label=name, rasterized=of > MOST_SHAPES)
