"""Sample-table parts: one array a column, one part an ``add``."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from ..model.sample_table import SampleTable
from .arrays import GROUP, ArraySpec, StoredArray, write_whole
from .parts import Part, PartWriter

_CHUNK = 65536


def write_samples(part: PartWriter, samples: Sequence[str], table: SampleTable | None = None) -> None:
    """Write the part of new people, in the order of their numbers: names, and what a table says of them."""
    write_whole(part, ArraySpec("sample", "|O", ("samples",), "Sample name"), list(samples), _CHUNK)
    if table is not None:
        write_whole(part, ArraySpec("sex", "|O", ("samples",), "Sex"), table.sexes(samples), _CHUNK)
        for column in table.columns:
            spec = ArraySpec(_array_name(column), "|O", ("samples",), column)
            write_whole(part, spec, table.values(column, samples), _CHUNK)
    part.write(".zgroup", GROUP)


def _array_name(column: str) -> str:
    """A column's array: its name, with ``%`` codes for what a file cannot be called."""
    name = quote(column, safe=" +,;=@()[]{}#!$&~'")
    return name.replace(".", "%2E", 1) if name.startswith(".") else name


def read_samples(part: Part) -> list[str]:
    """Names of the people of a part."""
    return [str(name) for name in StoredArray(part, "sample").read()]
