"""Sample-table parts: one of the new people of each ``add``, with their names, and overlays of what is said later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..model.columns import Column
from ..people.cells import without_unused
from .arrays import ArraySpec, StoredArray, write_whole
from .parts import Part, PartWriter
from .sample_columns import CHUNK, write_columns, write_numbers

NAME = "sample"


def write_samples(part: PartWriter, samples: Sequence[str], columns: Mapping[str, Column] | None = None) -> None:
    """Write the part of new people, in the order of their numbers: names, and what a table says of them."""
    write_whole(part, ArraySpec(NAME, "|O", ("samples",), "Sample name"), list(samples), CHUNK)
    write_columns(part, _tidy(columns or {}))


def write_overlay(part: PartWriter, numbers: NDArray[np.int64], columns: Mapping[str, Column]) -> None:
    """Write what is said of people who have numbers, ascending."""
    write_numbers(part, numbers)
    write_columns(part, _tidy(columns))


def _tidy(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Columns without texts that no cell has: they might be somebody else's."""
    return {name: without_unused(column) for name, column in columns.items()}


def read_samples(part: Part) -> list[str]:
    """Names of the people of a part."""
    return [str(name) for name in StoredArray(part, NAME).read()]
