"""Alleles that somebody asks for, tuples or a table, as columns: checked, and taken apart some rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..kernels import lookup as _kernels

COLUMNS = ("contig", "position", "ref", "alt")
# Kinds of numpy's types that each may have.
_KINDS = {"contig": "iuOSTU", "position": "iu", "ref": "OSTU", "alt": "OSTU"}
_MAX_POSITION = 2**31 - 1
_MAX_ASCII = 127


@dataclass(frozen=True)
class Text:
    """A column of ASCII text. text : uint8    bounds : (2, rows) int64, where each row begins and ends in it"""

    text: NDArray[np.uint8]
    bounds: NDArray[np.int64]

    def take(self, which: NDArray[np.int64]) -> Text:
        """Some of the rows."""
        return Text(self.text, self.bounds[:, which])


@dataclass(frozen=True)
class Piece:
    """Some rows. begin : the first of them    position : (rows,) int64, 1-based    contig : numbers, or text"""

    begin: int
    columns: Mapping[str, NDArray[Any]]
    position: NDArray[np.int64]
    contig: NDArray[Any] | Text
    ref: Text
    alt: Text

    def refuse(self, row: int, name: str, why: str) -> NoReturn:
        """Say what is wrong with a row of the piece."""
        _refuse(self.begin, row, name, self.columns[name], why)


class AlleleColumns(Protocol):
    """Alleles, a row each."""

    def __len__(self) -> int: ...

    def piece(self, begin: int, end: int) -> Piece:
        """Some rows. Raises QueryError."""

    def answer(self, name: str) -> Any:
        """A column as an answer gives it back, or what makes it where somebody looks at it: int64, or str objects.

        It stays as it is where what was given changes. Every row has been in a piece before.
        """


def allele_columns(alleles: Any) -> AlleleColumns:
    """Take what ``look_up`` takes. Raises QueryError."""
    if isinstance(alleles, Mapping) or not isinstance(alleles, Sequence | Iterable) or hasattr(alleles, "columns"):
        return _Table(alleles)
    if isinstance(alleles, np.ndarray) and alleles.dtype.names is not None:
        return _Table(alleles)
    return _Tuples(alleles)


class _Tuples:
    """Tuples of contig, position, REF and ALT."""

    def __init__(self, alleles: Iterable[Any]) -> None:
        self._rows = list(alleles)

    def __len__(self) -> int:
        return len(self._rows)

    def piece(self, begin: int, end: int) -> Piece:
        rows = self._rows[begin:end]
        kinds = set(map(type, rows))
        try:
            fits = set(map(len, rows)) == {len(COLUMNS)} and not any(issubclass(kind, str) for kind in kinds)
        except TypeError:
            fits = False
        if not fits:
            raise QueryError("alleles: expected tuples of contig, position, REF and ALT, or a table with these columns")
        if kinds != {tuple}:  # what is no tuple may change before the answer is looked at
            rows = self._rows[begin:end] = list(map(tuple, rows))
        return _piece(begin, {name: self._column(rows, name) for name in COLUMNS}, {})

    def answer(self, name: str) -> Any:
        return lambda: _answered(self._column(self._rows, name), name)

    @staticmethod
    def _column(rows: list[Any], name: str) -> NDArray[Any]:
        return _array(list(map(itemgetter(COLUMNS.index(name)), rows)), name)


class _Table:
    """Columns by name."""

    def __init__(self, table: Any) -> None:
        try:
            given = {name: table[name] for name in COLUMNS}
            if isinstance(given["contig"], str):
                given["contig"] = np.broadcast_to(np.array(given["contig"]), len(given["position"]))
        except (KeyError, IndexError, TypeError, ValueError):
            raise QueryError(f"alleles: expected columns {', '.join(COLUMNS)}") from None
        self._columns = {name: _array(values, name) for name, values in given.items()}
        lengths = {name: len(values) for name, values in self._columns.items()}
        if len(set(lengths.values())) > 1:
            raise QueryError(f"alleles: the columns have different lengths: {lengths}")
        # Text of a fixed width, as bytes: written piece by piece.
        self._narrow = {
            name: np.empty((len(column), _width(column)), np.uint8)
            for name, column in self._columns.items() if column.dtype.kind in "SU" and len(column)
        }  # fmt: skip

    def __len__(self) -> int:
        return len(self._columns["position"])

    def piece(self, begin: int, end: int) -> Piece:
        columns = {name: column[begin:end] for name, column in self._columns.items()}
        return _piece(begin, columns, {name: text[begin:end].ravel() for name, text in self._narrow.items()})

    def answer(self, name: str) -> Any:
        if name in self._narrow:
            text = self._narrow[name]
            return lambda: text.view(f"S{text.shape[1]}")[:, 0].astype("U").astype(object)
        return _answered(self._columns[name], name)


def _answered(column: NDArray[Any], name: str) -> NDArray[Any]:
    return column.astype(np.int64 if name == "position" or column.dtype.kind in "iu" else object)


def _width(column: NDArray[Any]) -> int:
    """Characters of text of a fixed width."""
    return column.dtype.itemsize // (4 if column.dtype.kind == "U" else 1)


def _array(values: Any, name: str) -> NDArray[Any]:
    """A column as an array of one dimension: of text; positions, and names of contigs too, of integers."""
    if isinstance(values, list) and (not values or isinstance(values[0], str)):
        column = np.empty(len(values), object)
        column[:] = values
    else:
        column = np.asarray(values)
    if column.ndim != 1:
        raise QueryError(f"alleles: {name} has {column.ndim} dimensions, expected one")
    if len(column) and column.dtype.kind not in _KINDS[name]:
        expected = "integers" if name == "position" else "text"
        raise QueryError(f"alleles: {name} is of {column.dtype}, expected {expected}")
    return column


def _piece(begin: int, columns: Mapping[str, NDArray[Any]], narrow: Mapping[str, NDArray[np.uint8]]) -> Piece:
    """Rows from their columns. narrow : where text of a fixed width is written as bytes"""
    position = columns["position"]
    wrong = (position < 1) | (position > _MAX_POSITION)
    if wrong.any():
        _refuse(begin, int(wrong.argmax()), "position", position, f"expected 1 to {_MAX_POSITION}")
    found: dict[str, Any] = {
        name: columns[name] if columns[name].dtype.kind in "iu" else _text(begin, columns[name], name, narrow.get(name))
        for name in ("contig", "ref", "alt")
    }
    return Piece(begin, columns, position.astype(np.int64), **found)


def _text(begin: int, column: NDArray[Any], name: str, narrow: NDArray[np.uint8] | None) -> Text:
    """A column of text as ASCII bytes. Raises QueryError."""
    rows = len(column)
    bounds = np.empty((2, rows), np.int64)
    if narrow is not None:
        points = np.ascontiguousarray(column).view(np.uint32 if column.dtype.kind == "U" else np.uint8)
        if _kernels.narrow(points.reshape(rows, -1), narrow, bounds) > _MAX_ASCII:
            _refuse_text(begin, column.tolist(), name, column)
        return Text(narrow, bounds)
    items = column.tolist()
    try:
        text = np.frombuffer(("\t".join(items) + "\t").encode("ascii"), np.uint8)
    except (TypeError, UnicodeEncodeError):
        _refuse_text(begin, items, name, column)
    if _kernels.split(text, bounds) != rows:
        _refuse_text(begin, items, name, column)
    return Text(text, bounds)


def _refuse_text(begin: int, items: list[Any], name: str, column: NDArray[Any]) -> NoReturn:
    row = next(i for i, item in enumerate(items) if not isinstance(item, str) or not item.isascii() or "\t" in item)
    _refuse(begin, row, name, column, "expected a name" if name == "contig" else "expected bases, like A")


def _refuse(begin: int, row: int, name: str, column: NDArray[Any], why: str) -> NoReturn:
    raise QueryError(f"alleles, row {begin + row}: {name} is {column[row : row + 1].tolist()[0]!r}; {why}")
