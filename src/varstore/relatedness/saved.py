"""Axes as they are saved, and as they are opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..storage import saved_axes
from ..storage.manifest import Document
from .pca import PrincipalAxes

if TYPE_CHECKING:
    from ..query.version import Version


def arrays_of(version: Version, axes: PrincipalAxes) -> dict[str, NDArray[Any]]:
    """The arrays of axes by the names under which they are stored."""
    place = {name: number for number, name in enumerate(version.contigs)}
    return {
        "variant_contig": np.array([place[name] for name in axes.contig.tolist()], np.int32),
        "variant_position": axes.position,
        "variant_ref": axes.ref,
        "variant_alt": axes.alt,
        "variant_key": axes.key,
        "variant_digest": axes.digest,
        "variant_frequency": axes.frequency,
        "variant_loading": axes.loadings,
        "axis_eigenvalue": axes.eigenvalue,
        "axis_variance_share": axes.variance_share,
        "axis_call_rate": axes.call_rate,
        "axis_shrinkage": axes.shrinkage,
        "sample_number": axes.numbers,
        "sample_coordinate": axes.coordinates,
    }


def open_axes(version: Version, entry: Document) -> PrincipalAxes:
    """Saved axes, without the people withdrawn since. Raises CorruptRepositoryError."""
    contigs = np.array(version.contigs, object)
    found = saved_axes.read_axes(version.path, entry, len(contigs), version._num_numbers)
    kept = ~np.isin(found["sample_number"], version._withdrawn_now())
    numbers = found["sample_number"][kept]
    return PrincipalAxes(
        found["axis_eigenvalue"], found["axis_variance_share"], found["sample_coordinate"][kept],
        found["variant_loading"], found["axis_call_rate"], found["axis_shrinkage"], contigs[found["variant_contig"]],
        found["variant_position"], found["variant_ref"], found["variant_alt"], found["variant_frequency"],
        found["variant_key"], found["variant_digest"], np.array(version._names, object)[numbers], numbers,
        entry["of_version"], entry["name"], entry["num_samples"] - len(numbers),
    )  # fmt: skip
