"""Cells of FORMAT fields as text, with the calls that the arrays do not hold whole."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..storage.field_exceptions import FieldValues
from ..storage.field_text import Field, text_of
from ..storage.rowbytes import RowBytes
from .records import Slice

OddCalls = Mapping[tuple[int, str], list[tuple[int, str]]]


def field_cells(part: Slice, field: Field) -> RowBytes:
    """The cells of a FORMAT field, one a sample."""
    samples, found = len(part.selection.samples), part.field(field)
    shape = (part.num_rows * samples, *found.values.shape[2:])
    return text_of(FieldValues(found.values.reshape(shape), found.literal), samples)


def with_odd_calls(column: RowBytes, key: str, odd: OddCalls) -> RowBytes:
    """The same cells with the text of calls that the arrays do not hold whole."""
    rows: dict[int, str] = {}
    for (row, name), calls in odd.items():
        if name == key:
            cells = column.arena[column.start[row] : column.start[row + 1] - 1].tobytes().decode().split("\t")
            for sample, text in calls:
                cells[sample] = _separated(cells[sample], text) if key == "GT" else text
            rows[row] = "\t".join(cells)
    return column.replaced(rows)


def _separated(call: str, separators: str) -> str:
    """A call with these separators, one before the first allele if there are as many as alleles."""
    alleles = re.split(r"[|/]", call)
    before = separators if len(separators) == len(alleles) else " " + separators
    return "".join(separator + allele for separator, allele in zip(before, alleles, strict=True)).lstrip()
