"""One column out of several parts of it: the last that says something of a person wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..model.columns import Column
from .cells import common_kind, nothing, of_kind, without_unused

# Which people a part speaks of, and what it says.
Piece = tuple[NDArray[np.int64] | slice, Column]


def merge(pieces: Sequence[Piece], num_people: int) -> Column:
    """A column over all sample numbers, of pieces in order; a missing cell of a piece says nothing.

    Pieces of several kinds: integers and numbers become numbers, anything else text.
    """
    said = [(place, column) for place, column in pieces if not column.missing.all()] or list(pieces)
    kind = common_kind([column.kind for _, column in said])
    pieces = [(place, of_kind(column, kind)) for place, column in said]
    if len(pieces) == 1 and isinstance(pieces[0][0], slice) and len(pieces[0][1]) == num_people:
        return without_unused(pieces[0][1]) if kind == "text" else pieces[0][1]
    tables = _tables([column for _, column in pieces]) if kind == "text" else None
    out = nothing(kind, num_people)
    for number, (place, column) in enumerate(pieces):
        said_here = ~column.missing
        values = column.values if tables is None else tables[1][number][column.values]
        where = np.arange(num_people)[place][said_here]
        out.values[where] = values[said_here]
        out.missing[where] = False
    if tables is None:
        return out
    return without_unused(Column("text", out.values, out.missing, tables[0]))


def _tables(columns: Sequence[Column]) -> tuple[list[str], list[NDArray[np.int32]]]:
    """Categories of several columns together, and where those of each are among them."""
    categories = sorted({text for column in columns for text in column.categories})
    place = {text: i for i, text in enumerate(categories)}
    # A column without categories has nothing but missing cells, of code 0.
    return categories, [np.array([place[text] for text in column.categories] or [0], np.int32) for column in columns]
