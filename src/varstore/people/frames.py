"""Tables of people that are in memory: a DataFrame of pandas or polars, or a mapping of columns."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..model.columns import Column
from .cells import EXACT, MISSING, texts_of
from .table import PeopleTable, Rows, make_table, texts_only
from .tables import id_place

_SOURCE = "the table"
_NOTHING = ("NAType", "NaTType")


def table_of(data: Any, id_column: str | None, missing: Collection[str] = frozenset(MISSING)) -> PeopleTable:
    """A table of columns that have types already: texts stay texts.

    data : anything with columns by name: a mapping, a DataFrame    id_column : as of ``read_table``
    Raises InputError.
    """
    names = [str(name) for name in (data if isinstance(data, Mapping) else data.columns)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{_SOURCE}: the column {name!r} stands twice; names of columns are unique")
    chosen = names[id_place(_SOURCE, names, id_column)]
    columns = {name: column_of(data[name], missing) for name in names}
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{name!r} {len(column)}" for name, column in columns.items())
        raise InputError(f"{_SOURCE}: columns differ in length: {sizes}")
    samples = texts_of(columns.pop(chosen))
    cells = {name: column for name, column in columns.items() if name}
    return make_table(Rows(_SOURCE, samples, cells, range(1, len(samples) + 1), "row"), missing)


def column_of(values: Any, missing: Collection[str]) -> Column:
    """A column of the type that its values have."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"{_SOURCE}: found a column of {array.ndim} dimensions, expected one")
    present = np.ones(len(array), np.bool_)
    if array.dtype.kind in "iu" and (array.dtype != np.uint64 or not len(array) or array.max() < 1 << 63):
        return Column("integer", array.astype(np.int64), ~present)
    if array.dtype.kind == "b":
        return Column("boolean", array, ~present)
    if array.dtype.kind == "f":
        return Column("number", array.astype(np.float64), np.isnan(array))
    if array.dtype.kind == "M":
        return _dates(array)
    return _of_objects([None if _is_nothing(value) else value for value in array.tolist()], missing)


def _dates(array: Any) -> Column:
    """Dates; times of day become text."""
    days, gone = array.astype("M8[D]"), np.isnat(array)
    if (days == array)[~gone].all():
        return Column("date", days, gone)
    return texts_only(["" if no else str(value) for value, no in zip(array, gone, strict=True)], {""})


def _is_nothing(value: Any) -> bool:
    return value is None or type(value).__name__ in _NOTHING or (isinstance(value, float) and value != value)


def _of_objects(values: Sequence[Any], missing: Collection[str]) -> Column:
    said = [value for value in values if value is not None]
    gone = np.array([value is None for value in values], np.bool_)
    kinds = {type(value) for value in said}
    if said and kinds == {bool}:
        return Column("boolean", np.array([bool(value) for value in values]), gone)
    if said and kinds == {int} and all(-(1 << 63) < value < 1 << 63 for value in said):
        return Column("integer", np.array([value or 0 for value in values], np.int64), gone)
    if (
        said
        and float in kinds
        and kinds <= {int, float}
        and all(abs(each) <= EXACT for each in said if type(each) is int)
    ):
        return Column("number", np.array([np.nan if value is None else value for value in values], np.float64), gone)
    if said and kinds == {datetime.date}:
        return Column("date", np.array([value or datetime.date.min for value in values], "M8[D]"), gone)
    return texts_only(["" if value is None else str(value).strip() for value in values], missing)
