"""Cells of tables: texts to typed columns, and typed columns to texts again."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..model.columns import Column, Kind

# Cells that say nothing, where nobody says otherwise.
MISSING = ("", "NA", ".", "#REF!", "#N/A")
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False}
# A number with leading zeros is a name: 007 is not 7.
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,18})\Z")
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
# Above it, floats no longer tell integers apart.
EXACT = 1 << 53


def parse_missing(text: str | None) -> frozenset[str]:
    """Texts of missing cells, from a list separated by commas; an empty cell is always missing."""
    return frozenset(MISSING if text is None else ("", *text.split(",")))


def typed(texts: Sequence[str], missing: Collection[str] = frozenset(MISSING)) -> Column:
    """A column of the narrowest kind that has all of its cells: boolean, integer, number, date, else text.

    Each distinct text is looked at once.
    """
    place: dict[str, int] = {}
    codes = np.fromiter((place.setdefault(text, len(place)) for text in texts), np.int32, len(texts))
    distinct = list(place)
    gone = np.array([text in missing for text in distinct], np.bool_)
    return _typed(distinct, gone, codes)


def _typed(distinct: Sequence[str], gone: NDArray[np.bool_], codes: NDArray[np.int32]) -> Column:
    said = [text for text, no in zip(distinct, gone.tolist(), strict=True) if not no]
    for kind, read in _READERS.items():
        values = read(said) if said else None
        if values is not None:
            table = np.zeros(len(distinct), values.dtype)
            table[~gone] = values
            lost = gone | (np.isnan(table) if kind == "number" else False)
            return Column(kind, table[codes], lost[codes])
    return text_column(["" if no else text for text, no in zip(distinct, gone.tolist(), strict=True)], codes, gone)


def text_column(distinct: Sequence[str], codes: NDArray[np.int32], gone: NDArray[np.bool_]) -> Column:
    """A text column from codes into distinct texts in any order; only those that are used become categories."""
    used = np.zeros(len(distinct), np.bool_)
    used[codes] = True
    used &= ~gone
    categories = sorted({distinct[i] for i in np.flatnonzero(used).tolist()})
    place = {text: i for i, text in enumerate(categories)}
    table = np.array([place[text] if keep else 0 for text, keep in zip(distinct, used, strict=True)], np.int32)
    return Column("text", table[codes], gone[codes], categories)


def _booleans(texts: Sequence[str]) -> NDArray[Any] | None:
    values = [_BOOLEANS.get(text.lower()) for text in texts]
    return None if None in values else np.array(values, np.bool_)


def _integers(texts: Sequence[str]) -> NDArray[Any] | None:
    if not all(map(_INTEGER.match, texts)):
        return None
    values = [int(text) for text in texts]
    limits = np.iinfo(np.int64)
    # The least of them marks a missing cell on disk.
    return np.array(values, np.int64) if min(values) > limits.min and max(values) <= limits.max else None


def _numbers(texts: Sequence[str]) -> NDArray[Any] | None:
    out = np.empty(len(texts))
    for i, text in enumerate(texts):
        if _NUMBER.match(text):
            out[i] = float(text)
            if math.isinf(out[i]) or (_INTEGER.match(text) and abs(out[i]) > EXACT):
                return None
        elif text.lower() == "nan":
            out[i] = math.nan
        else:
            return None
    return out


def _dates(texts: Sequence[str]) -> NDArray[Any] | None:
    if not all(map(_DATE.match, texts)):
        return None
    try:
        return np.array([datetime.date.fromisoformat(text) for text in texts], "M8[D]")
    except ValueError:
        return None


_READERS: dict[Kind, Callable[[Sequence[str]], NDArray[Any] | None]] = {
    "boolean": _booleans, "integer": _integers, "number": _numbers, "date": _dates,
}  # fmt: skip


def number_text(value: float) -> str:
    """A number as text, the shortest that is read back as it, whole ones without a point."""
    return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)


_WRITERS: dict[Kind, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false", "number": number_text, "integer": str, "date": str,
}  # fmt: skip


def texts_of(column: Column) -> list[str]:
    """The cells of a column as texts; a missing one is empty."""
    values = column.values
    if column.kind == "text":
        table = [*column.categories, ""]
        return [table[code] for code in np.where(column.missing, len(column.categories), values).tolist()]
    write = _WRITERS[column.kind]
    return ["" if no else write(value) for value, no in zip(values.tolist(), column.missing.tolist(), strict=True)]


def as_text(column: Column) -> Column:
    """The same column as text."""
    return column if column.kind == "text" else _as_text(column)


def _as_text(column: Column) -> Column:
    values, codes = np.unique(column.values, return_inverse=True)
    nothing = np.zeros(len(values), np.bool_)
    distinct = texts_of(Column(column.kind, values, nothing))
    made = text_column(distinct, codes.astype(np.int32), nothing)
    return without_unused(Column("text", made.values, column.missing, made.categories))


def without_unused(column: Column) -> Column:
    """A text column whose categories are those of its cells alone; other kinds as they are."""
    if column.kind != "text":
        return column
    size = len(column.categories)
    codes = np.where(column.missing, size, column.values).astype(np.int32)
    gone = np.zeros(size + 1, np.bool_)
    gone[size] = True
    return text_column([*column.categories, ""], codes, gone)


def of_kind(column: Column, kind: Kind) -> Column:
    """A column as another kind: an integer as number, anything as text. Raises InputError for anything else."""
    if column.kind == kind:
        return column
    if kind == "number" and column.kind == "integer":
        return Column("number", column.values.astype(np.float64), column.missing)
    if kind == "text":
        return as_text(column)
    raise InputError(f"a column of kind {column.kind} cannot become {kind}")


def common_kind(kinds: Collection[Kind]) -> Kind:
    """The kind that has all cells of columns of several kinds."""
    found = set(kinds)
    if len(found) == 1:
        return found.pop()
    return "number" if found == {"integer", "number"} else "text"


def nothing(kind: Kind, size: int) -> Column:
    """A column in which everything is missing."""
    dtypes: dict[Kind, str] = {"integer": "i8", "number": "f8", "boolean": "?", "date": "M8[D]", "text": "i4"}
    return Column(kind, np.zeros(size, dtypes[kind]), np.ones(size, np.bool_))
