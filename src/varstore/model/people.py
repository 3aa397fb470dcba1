"""The sample table as users hold it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Column
from .results import _optional

_COMMONEST = 5


class SampleTable:
    """What is known of people, a row a sample: typed columns in which cells may be missing.

    Columns are items and attributes. Text is an object array with None where missing; numbers are float64 with NaN,
    dates datetime64[D] with NaT; integers and booleans are int64 and bool, as a masked array where cells are missing.
    The table offers ``__arrow_c_stream__``, so Arrow, polars and DuckDB take it.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = dict(columns)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self._columns)

    def kind(self, name: str) -> str:
        """What a column holds: integer, number, boolean, date or text."""
        return self._columns[name].kind

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self._columns[name]
        if column.kind == "text":
            out: NDArray[Any] = np.array([*column.categories, None], object)[_codes(column)]
        elif column.kind == "number":
            out = np.where(column.missing, np.nan, column.values)
        elif column.kind == "date":
            out = np.where(column.missing, np.datetime64("NaT", "D"), column.values)
        else:
            out = column.values.copy()
            if column.missing.any():
                return np.ma.MaskedArray(out, column.missing.copy())
        out.flags.writeable = False
        return out

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(f"no column {name!r}")
        return self[name]

    def __repr__(self) -> str:
        return f"<SampleTable of {len(self)} samples: {', '.join(self._columns)}>"

    def _items(self, name: str) -> list[Any]:
        """A column as Python values, None where missing."""
        column = self._columns[name]
        if column.kind == "text":
            return [*map([*column.categories, None].__getitem__, _codes(column).tolist())]
        pairs = zip(column.values.tolist(), column.missing.tolist(), strict=True)
        return [None if missing else value for value, missing in pairs]

    def to_pandas(self) -> Any:
        """As a pandas DataFrame; integers and booleans are of its nullable types."""
        pandas = _optional("pandas", "pandas")
        dtypes = {"integer": "Int64", "boolean": "boolean"}
        out = {}
        for name, column in self._columns.items():
            if column.kind in dtypes:
                out[name] = pandas.array(self._items(name), dtype=dtypes[column.kind])
            else:
                out[name] = self[name].astype("M8[s]") if column.kind == "date" else self[name]
        return pandas.DataFrame(out)

    def to_arrow(self) -> Any:
        """As an Arrow table (arro3); missing cells are null."""
        arro3 = _optional("arro3.core", "arrow")
        types = {
            "integer": arro3.DataType.int64(), "number": arro3.DataType.float64(), "boolean": arro3.DataType.bool(),
            "date": arro3.DataType.date32(), "text": arro3.DataType.string(),
        }  # fmt: skip
        arrays = {}
        for name, column in self._columns.items():
            items = self._items(name)
            if column.kind == "date":
                days = column.values.astype("M8[D]").astype(np.int64).tolist()
                items = [None if item is None else day for item, day in zip(items, days, strict=True)]
                arrays[name] = arro3.Array(items, arro3.DataType.int32()).cast(types["date"])
            else:
                arrays[name] = arro3.Array(items, types[column.kind])
        return arro3.Table.from_pydict(arrays)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_polars(self) -> Any:
        """As a polars DataFrame."""
        polars = _optional("polars", "polars")
        types = {
            "integer": polars.Int64, "number": polars.Float64, "boolean": polars.Boolean, "date": polars.Date,
            "text": polars.String,
        }  # fmt: skip
        schema = {name: types[column.kind] for name, column in self._columns.items()}
        return polars.DataFrame({name: self._items(name) for name in self._columns}, schema=schema)

    def to_xarray(self) -> Any:
        """As an xarray Dataset over ``samples``; integers and booleans in which cells are missing become float64."""
        xarray = _optional("xarray", "xarray")
        out = {}
        for name, column in self._columns.items():
            values: NDArray[Any] = self[name]
            if isinstance(values, np.ma.MaskedArray):
                values = np.where(values.mask, np.nan, values.data)
            out[name] = ("samples", values.astype("M8[ns]") if column.kind == "date" else values)
        return xarray.Dataset(out)

    def to_tsv(self) -> Iterator[str]:
        """Lines with a header, each ending in a newline; a missing cell is ``.``, a tab in a cell a blank."""
        yield "\t".join(map(_plain, self._columns)) + "\n"
        for row in zip(*(map(_text, self._items(name)) for name in self._columns), strict=True):
            yield "\t".join(row) + "\n"

    def to_json_lines(self) -> Iterator[str]:
        """One JSON object a line; a missing cell is null, a date ISO text."""
        for row in zip(*(self._items(name) for name in self._columns), strict=True):
            yield json.dumps(dict(zip(self._columns, row, strict=True)), ensure_ascii=False, default=str) + "\n"


def _codes(column: Column) -> NDArray[Any]:
    """Codes of a text column; a missing cell's is behind the last category."""
    return np.where(column.missing, len(column.categories), column.values)


def _plain(text: str) -> str:
    return " ".join(text.split()) if any(each in text for each in "\t\n\r") else text


def _text(item: Any) -> str:
    if item is None:
        return "."
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, float):
        short = f"{item:.15g}"
        return short if float(short) == item else repr(item)
    return _plain(str(item))


def summary(column: Column, present: NDArray[np.bool_]) -> dict[str, Any]:
    """What a column holds, JSON-ready: ``kind``, ``missing`` (cells), and ``range`` or the ``commonest`` values.

    present : (people,) who is meant
    """
    said = present & ~column.missing
    out: dict[str, Any] = {"kind": column.kind, "missing": int(np.count_nonzero(present & column.missing))}
    values = column.values[said]
    if column.kind == "text":
        counts = np.bincount(values, minlength=len(column.categories))
        out["distinct"] = int(np.count_nonzero(counts))
        first = [i for i in np.argsort(-counts, kind="stable")[:_COMMONEST].tolist() if counts[i]]
        out["commonest"] = [[column.categories[i], int(counts[i])] for i in first]
    elif column.kind == "boolean":
        counts = np.bincount(values.astype(np.int64), minlength=2)
        out["commonest"] = [[bool(i), int(counts[i])] for i in np.argsort(-counts, kind="stable").tolist() if counts[i]]
    elif len(values):
        ends = [values.min(), values.max()]
        out["range"] = [str(end) if column.kind == "date" else end.item() for end in ends]
    return out
