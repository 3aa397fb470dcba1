"""People on two principal axes, coloured by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from .figures import COLOURS, GREY, MOST_SHAPES, new_figure, note

_MARKERS = "os^DvPX*<>"
_NOBODY = "."
# More names than these do not fit beside the picture.
_MOST_NAMES = 40


def axes(
    coordinates: NDArray[np.float64],
    groups: NDArray[np.object_] | None = None,
    titles: Sequence[str] = ("PC1", "PC2"),
    placed: NDArray[np.float64] | None = None,
) -> Any:
    """Draw people as points on two axes.

    coordinates : (people, 2), NaN where not known    groups : (people,) names, ``.`` without; None: no groups
    titles : of the two axes    placed : (people, 2) others, projected on the axes, as rings

    Returns a matplotlib Figure. Raises QueryError where nobody has coordinates, MissingDependencyError.
    """
    known = ~np.isnan(coordinates).any(axis=1)
    rings = np.zeros((0, 2)) if placed is None else placed[~np.isnan(placed).any(axis=1)]
    if not known.any() and not len(rings):
        raise QueryError("nobody has coordinates on these axes: there is nothing to draw")
    figure, panel = new_figure(
        f"{titles[0].partition(' ')[0]} and {titles[1].partition(' ')[0]}", width=7.6, height=5.6
    )
    names = [""] if groups is None else _names(groups[known])
    for number, name in enumerate(names):
        mine = known if groups is None else known & (groups == name)
        colour = GREY if name == _NOBODY else COLOURS[number % len(COLOURS)]
        panel.scatter(
            *coordinates[mine].T, s=14, color=colour, alpha=0.65, linewidths=0, zorder=1 if name == _NOBODY else 2,
            marker=_MARKERS[number // len(COLOURS) % len(_MARKERS)], rasterized=len(coordinates) > MOST_SHAPES,
            label=f"{'no group' if name == _NOBODY else name} ({int(mine.sum()):,})",
        )  # fmt: skip
    if len(rings):
        panel.scatter(
            *rings.T, s=34, facecolors="none", edgecolors="#000000", linewidths=0.9, zorder=3,
            rasterized=len(rings) > MOST_SHAPES, label=f"projected ({len(rings):,})",
        )  # fmt: skip
    panel.set_xlabel(titles[0])
    panel.set_ylabel(titles[1])
    if groups is not None or len(rings):
        entries = panel.get_legend_handles_labels()
        shown = [side[:_MOST_NAMES] for side in entries]
        columns = 1 + (len(shown[0]) > _MOST_NAMES // 2)
        panel.legend(*shown, frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1), ncols=columns)
    unknown = int((~known).sum()) + (0 if placed is None else len(placed) - len(rings))
    note(
        figure,
        [
            f"{int(known.sum()) + len(rings):,} people",
            f"left out: {unknown:,} with too few calls" if unknown else "",
            f"{len(names) - _MOST_NAMES} more groups are not named" if len(names) > _MOST_NAMES else "",
        ],
    )
    return figure


def _names(groups: NDArray[np.object_]) -> list[str]:
    """Groups sorted; last those without one, so that they take no colour from the others."""
    names = sorted(set(groups.tolist()) - {_NOBODY})
    return [*names, _NOBODY] if (groups == _NOBODY).any() else names
