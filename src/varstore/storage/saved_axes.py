"""Saved axes as a repository holds them: a part with loadings and coordinates, and its entry in the manifest.

An entry of ``axes`` has ``id``, ``name``, ``part``, ``of_version`` whose people and sites they were made of, ``time``,
and ``num_axes``, ``num_sites`` and ``num_samples`` then. docs/format.md lists the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from .arrays import GROUP, ArraySpec, StoredArray, write_whole
from .manifest import Document
from .parts import Part, PartRef, PartWriter

KEY = "axes"
_SITES, _AXES, _SAMPLES = "variants", "axes", "samples"
_SPECS = {
    spec.name: spec
    for spec in (
        ArraySpec("variant_contig", "<i4", (_SITES,), "Place in the contig table of the repository"),
        ArraySpec("variant_position", "<i8", (_SITES,), "1-based"),
        ArraySpec("variant_ref", "|O", (_SITES,)),
        ArraySpec("variant_alt", "|O", (_SITES,)),
        ArraySpec("variant_key", "<u8", (_SITES,), "Key of the normalised allele"),
        ArraySpec("variant_digest", "<u8", (_SITES,), "Digest of the normalised allele"),
        ArraySpec("variant_frequency", "<f8", (_SITES,), "Of ALT among the samples"),
        ArraySpec("variant_loading", "<f8", (_SITES, _AXES), "Of length 1 along each axis"),
        ArraySpec("axis_eigenvalue", "<f8", (_AXES,)),
        ArraySpec("axis_variance_share", "<f8", (_AXES,)),
        ArraySpec("axis_call_rate", "<f8", (_AXES,), "Of the samples, by squared loadings"),
        ArraySpec("axis_shrinkage", "<f8", (_AXES,), "Of the coordinates of people who are projected"),
        ArraySpec("sample_number", "<i8", (_SAMPLES,), "Ascending"),
        ArraySpec("sample_coordinate", "<f8", (_SAMPLES, _AXES)),
    )
}
_ROWS = 1 << 16


def write_axes(writer: PartWriter, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the arrays of axes, by their names."""
    for name, spec in _SPECS.items():
        write_whole(writer, spec, arrays[name], _ROWS)
    writer.write(".zgroup", GROUP)


def read_axes(root: Path, entry: Document, num_contigs: int, num_people: int) -> dict[str, NDArray[Any]]:
    """The arrays of saved axes by name. Raises CorruptRepositoryError."""
    part = Part(root, PartRef(**entry["part"]))
    arrays = {name: StoredArray(part, name).read() for name in _SPECS}
    lengths: dict[str, set[int]] = {}
    for name, spec in _SPECS.items():
        if arrays[name].ndim != len(spec.dims):
            raise CorruptRepositoryError(f"{part.folder / name}: {arrays[name].ndim} dimensions")
        for dim, length in zip(spec.dims, arrays[name].shape, strict=True):
            lengths.setdefault(dim, set()).add(length)
    contig, number, p = arrays["variant_contig"], arrays["sample_number"], arrays["variant_frequency"]
    good = (
        lengths[_SITES] == {entry["num_sites"]}
        and lengths[_AXES] == {entry["num_axes"]}
        and len(lengths[_SAMPLES]) == 1
        and ((contig >= 0) & (contig < num_contigs)).all()
        and ((p > 0) & (p < 1)).all()
        and (np.diff(number, prepend=-1) > 0).all()
        and number.max(initial=-1) < num_people
    )
    if not good:
        raise CorruptRepositoryError(f"{part.folder}: impossible axes")
    return arrays
