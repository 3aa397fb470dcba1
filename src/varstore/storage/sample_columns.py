"""Columns of people in a sample-table part: an array a column, typed; text as codes into categories.

``.zattrs`` of the part lists them in order. A missing cell is the least integer of its dtype, NaN, or -1.
docs/format.md has the details.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from ..model.columns import Column, Kind
from ..people.cells import MISSING, typed
from .arrays import GROUP, ArraySpec, StoredArray, write_whole
from .parts import PartWriter, ReadablePart

CHUNK = 65536
NUMBER = "varstore/number"
_CATEGORIES = "varstore/categories"
_LEAST_I8 = np.iinfo(np.int64).min
_LEAST_I4 = np.iinfo(np.int32).min
# File systems allow names of 255 bytes.
_LONGEST = 120
# What an unknown sex or an empty cell is called in parts of text alone.
_NOTHING = {"sex": ("", "unknown")}


@dataclass(frozen=True)
class StoredColumn:
    """A column of a part. array : name of its array"""

    name: str
    kind: Kind
    array: str


def array_name(column: str) -> str:
    """A column's array: its name, with ``%`` codes for what a file cannot be called."""
    name = quote(column, safe=" +,;=@()[]{}#!$&~'")
    if name.startswith(".") or name == "varstore":
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name


def write_columns(part: PartWriter, columns: Mapping[str, Column]) -> None:
    """Write the columns of a part, the list of them, and that it is a group."""
    listed = []
    for place, (name, column) in enumerate(columns.items()):
        array = array_name(name)
        if len(array) > _LONGEST:
            array = f"{array[:_LONGEST].rpartition('%')[0] or array[:_LONGEST]}-{place}"
        listed.append({"name": name, "kind": column.kind, "array": array})
        _write(part, array, name, column)
    part.write(".zgroup", GROUP)
    if listed:
        part.write(".zattrs", json.dumps({"columns": listed}, indent=1, ensure_ascii=False).encode())


def _write(part: PartWriter, array: str, name: str, column: Column) -> None:
    dims, values, gone = ("samples",), column.values, column.missing
    if column.kind == "text":
        write_whole(part, ArraySpec(f"{_CATEGORIES}/{array}", "|O", ("categories",)), list(column.categories), CHUNK)
        dtype = next(d for d in ("|i1", "<i2", "<i4") if len(column.categories) <= np.iinfo(d).max)
        data = np.where(gone, -1, values).astype(dtype)
    elif column.kind == "number":
        dtype, data = "<f8", np.where(gone, np.nan, values)
    elif column.kind == "boolean":
        dtype, data = "|i1", np.where(gone, -1, values.astype(np.int8)).astype(np.int8)
    elif column.kind == "date":
        dtype, data = "<i4", np.where(gone, _LEAST_I4, values.astype("M8[D]").astype(np.int64)).astype(np.int32)
    else:
        dtype, data = "<i8", np.where(gone, _LEAST_I8, values)
    write_whole(part, ArraySpec(array, dtype, dims, name), data, CHUNK)


def stored_columns(part: ReadablePart) -> dict[str, StoredColumn]:
    """The columns of a part by name, in order; parts of before hold text alone."""
    if part.has(".zattrs"):
        listed = json.loads(part.read(".zattrs"))["columns"]
        return {each["name"]: StoredColumn(each["name"], each["kind"], each["array"]) for each in listed}
    arrays = sorted(name.removesuffix("/.zarray") for name in part.entries if name.endswith("/.zarray"))
    return {unquote(array): StoredColumn(unquote(array), "text", array) for array in arrays if array != "sample"}


def read_column(part: ReadablePart, stored: StoredColumn) -> Column:
    """A column of a part. Raises CorruptRepositoryError."""
    array = StoredArray(part, stored.array)
    values = array.read()
    if array.metadata["dtype"] == "|O":
        return typed([str(text) for text in values], _NOTHING.get(stored.name, MISSING))
    return _column(part, stored, values)


def _column(part: ReadablePart, stored: StoredColumn, values: NDArray[Any]) -> Column:
    if stored.kind == "text":
        categories = [str(text) for text in StoredArray(part, f"{_CATEGORIES}/{stored.array}").read()]
        codes = values.astype(np.int32)
        if len(codes) and not -1 <= codes.min() <= codes.max() < len(categories):
            raise CorruptRepositoryError(f"{part.folder}: a code of column {stored.name!r} is out of range")
        return Column("text", np.maximum(codes, 0), codes < 0, categories)
    if stored.kind == "number":
        return Column("number", values, np.isnan(values))
    if stored.kind == "boolean":
        return Column("boolean", values > 0, values < 0)
    if stored.kind == "date":
        return Column("date", values.astype(np.int64).astype("M8[D]"), values == _LEAST_I4)
    if stored.kind != "integer":
        raise CorruptRepositoryError(f"{part.folder}: column {stored.name!r} is of kind {stored.kind!r}")
    return Column("integer", values, values == _LEAST_I8)


def write_numbers(part: PartWriter, numbers: NDArray[np.int64]) -> None:
    """Write which people an overlay speaks of, ascending."""
    write_whole(part, ArraySpec(NUMBER, "<i8", ("samples",), "Sample numbers"), numbers, CHUNK)


def read_numbers(part: ReadablePart, num_people: int) -> NDArray[np.int64]:
    """(people,) numbers of the people an overlay speaks of. Raises CorruptRepositoryError."""
    numbers = np.asarray(StoredArray(part, NUMBER).read(), np.int64)
    if len(numbers) and (numbers[0] < 0 or numbers[-1] >= num_people or (np.diff(numbers) <= 0).any()):
        raise CorruptRepositoryError(f"{part.folder}: sample numbers are not ascending, or out of range")
    return numbers


def num_people(part: ReadablePart) -> int:
    """People of a part that gives them their numbers."""
    return StoredArray(part, "sample").shape[0]


def chosen(columns: Mapping[str, Column], rows: NDArray[np.int64] | Sequence[int]) -> dict[str, Column]:
    """Some rows of columns."""
    place = np.asarray(rows, np.int64)
    return {
        name: Column(column.kind, column.values[place], column.missing[place], column.categories)
        for name, column in columns.items()
    }
