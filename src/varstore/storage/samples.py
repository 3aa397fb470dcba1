"""Sample-table parts: one array a column, one part an ``add``."""

from __future__ import annotations

from collections.abc import Sequence

from .arrays import GROUP, ArraySpec, StoredArray, write_whole
from .parts import Part, PartWriter


def write_samples(part: PartWriter, samples: Sequence[str]) -> None:
    """Write the part of new people: their names, in the order of their numbers."""
    write_whole(part, ArraySpec("sample", "|O", ("samples",), "Sample name"), list(samples), 65536)
    part.write(".zgroup", GROUP)


def read_samples(part: Part) -> list[str]:
    """Names of the people of a part."""
    return [str(name) for name in StoredArray(part, "sample").read()]
