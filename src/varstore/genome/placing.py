"""Where a genome falls on the principal axes that are stored with the repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..query.version import Version
from ..relatedness.axes import Axes
from .kin import LEAST_REFERENCE, codes_of
from .narrowing import asked_for

if TYPE_CHECKING:
    from ..relatedness.pca import PrincipalAxes
    from .comparing import Wanted
    from .reading import Genome


def place_of(
    version: Version, genome: Genome, groups: Mapping[str, NDArray[np.int64]], wanted: Wanted | None = None
) -> dict[str, Any]:  # fmt: skip
    """Coordinates on the axes saved last, and the group that the genome falls in: JSON-ready; or why there are none.

    groups : name to sorted numbers of people; who is in several is of the last
    wanted : sites outside its regions are not called

    Raises CorruptRepositoryError.
    """
    asked = cast(Axes, version)
    entries = asked._axes_entries()
    if not entries:
        return {"coordinates": None, "reason": "no principal axes are stored with this repository"}
    name = str(entries[-1]["name"])
    try:
        axes = asked.axes(name)
        coordinates, called = _coordinates(version, genome, axes, wanted)
    except QueryError as error:
        return {"coordinates": None, "reason": str(error)}
    if np.isnan(coordinates).any():
        reason = f"too few of the sites of the axes {name!r} have a call of the genome, reference calls among them"
        return {"coordinates": None, "reason": f"{reason} ({called:,} of {axes.num_sites:,})"}
    said = {"name": name, "coordinates": coordinates[0].tolist(), "num_called": called, "reason": None}
    return said | _group(axes, coordinates, groups)


def _coordinates(
    version: Version, genome: Genome, axes: PrincipalAxes, wanted: Wanted | None
) -> tuple[NDArray[np.float64], int]:
    """(1, axes) coordinates, NaN where the genome has too few calls, and how many sites have one."""
    from ..relatedness.projection import project_dosages, project_people  # noqa: PLC0415

    if genome.number is not None and (wanted is None or wanted.regions is None):
        found, n_sites = project_people(version, axes, np.array([genome.number]))
        return found, int(n_sites[0])
    codes = np.where(asked_for(version, axes, wanted), codes_of(version, genome, axes), -1).astype(np.int8)
    found, n_sites = project_dosages(axes, codes[np.newaxis])
    # Of variants alone, every site without a record would be where the person differs from nobody.
    if (codes == 0).sum() < LEAST_REFERENCE * n_sites[0]:
        found[...] = np.nan
    return found, int(n_sites[0])


def _group(
    axes: PrincipalAxes, coordinates: NDArray[np.float64], groups: Mapping[str, NDArray[np.int64]]
) -> dict[str, Any]:
    """The group, its probability, and None for both where it is in none or no groups were asked for."""
    from ..relatedness.assignment import NOWHERE, groups_of  # noqa: PLC0415

    labels = np.full(len(axes.numbers), NOWHERE, object)
    for name, numbers in groups.items():
        labels[np.isin(axes.numbers, numbers)] = name
    if (labels == NOWHERE).all():
        return {"group": None, "probability": None}
    try:
        group, probability, _ = groups_of(axes.coordinates, labels).assign(coordinates)
    except QueryError:
        return {"group": None, "probability": None}
    inside = group[0] != NOWHERE
    return {"group": str(group[0]) if inside else None, "probability": float(probability[0]) if inside else None}
