"""Alleles looked up in a repository, in any order and spelling: columns of text to keys, and counts back in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..ingest.line_scanner import Places
from ..kernels import lookup as _kernels
from ..model.results import CountTable
from .counting import Asked, Targets, count_targets
from .table import classes, counted_columns

if TYPE_CHECKING:
    from ..query.version import Version

COLUMNS = ("contig", "position", "ref", "alt")
_MAX_POSITION = 2**31 - 1
_MAX_ASCII = 127
_MOST_CONTIGS = 1 << 20  # no assembly has more; a power of two
_WRONG = {
    _kernels.BAD_REF: ("ref", "expected bases, like A"),
    _kernels.BAD_ALT: ("alt", "expected an allele, like T"),
    _kernels.SYMBOLIC: ("alt", "a symbolic allele is not one without its END; expected bases, * or a breakend"),
}


@dataclass(frozen=True)
class _Text:
    """A column of ASCII text. text : uint8    bounds : (2, rows) int64, where each row begins and ends in it"""

    text: NDArray[np.uint8]
    bounds: NDArray[np.int64]


def look_up(version: Version, alleles: Any, asked: Asked) -> CountTable:
    """Count alleles, a row each in the order given.

    alleles : tuples of contig, position, REF and ALT, or what has columns of these names

    Raises QueryError where an allele is none, with its row, CorruptRepositoryError.
    """
    columns = _columns(alleles)
    texts = {name: _text(columns[name], name) for name in COLUMNS if columns[name].dtype.kind not in "iu"}
    keyed = _Keyed(version, columns, texts)
    counts = count_targets(version, keyed.targets, asked)
    if keyed.row is not None:
        counts = counts.take(keyed.row)
    state = classes(counts)[0]
    found: dict[str, Any] = {name: _as_given(columns[name], texts.get(name)) for name in COLUMNS}
    found |= {"state": state.values, **counted_columns(counts, 0, "")}
    for k, name in enumerate(counts.names, 1):
        found |= counted_columns(counts, k, f"_{name}")
    return CountTable(found)


def _as_given(column: Any, text: _Text | None) -> Any:
    """A column of the answer: numbers as int64, text as str objects, made where somebody looks at them."""
    if text is None:
        return column.astype(np.int64)
    if column.dtype.kind not in "SU" or not len(column):
        return column.astype(object)
    fixed = text.text.view(f"S{len(text.text) // len(column)}")
    return lambda: fixed.astype("U").astype(object)


def _columns(alleles: Any) -> dict[str, NDArray[Any]]:
    """The columns that are asked for, as arrays of one length. Raises QueryError."""
    if isinstance(alleles, Mapping) or not isinstance(alleles, Sequence | Iterable) or hasattr(alleles, "columns"):
        return _of_table(alleles)
    if isinstance(alleles, np.ndarray) and alleles.dtype.names is not None:
        return _of_table(alleles)
    rows = list(alleles)
    try:
        fits = set(map(len, rows)) <= {len(COLUMNS)} and not any(isinstance(row, str) for row in rows[:1])
    except TypeError:
        fits = False
    if not fits:
        raise QueryError("alleles: expected tuples of contig, position, REF and ALT, or a table with these columns")
    # One column after another: zip(*rows) is several times as slow where there are millions.
    return {name: _array(list(map(itemgetter(i), rows)), name) for i, name in enumerate(COLUMNS)}


def _of_table(table: Any) -> dict[str, NDArray[Any]]:
    try:
        given = {name: table[name] for name in COLUMNS}
    except (KeyError, IndexError, TypeError, ValueError):
        raise QueryError(f"alleles: expected columns {', '.join(COLUMNS)}") from None
    contig = given["contig"]
    if isinstance(contig, str):
        given["contig"] = np.repeat(np.array([contig], object), len(given["position"]))
    columns = {name: _array(values, name) for name, values in given.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise QueryError(f"alleles: the columns have different lengths: {lengths}")
    return columns


def _array(values: Any, name: str) -> NDArray[Any]:
    """A column as an array: positions of integers, the others of text. Raises QueryError."""
    if isinstance(values, list) and (not values or isinstance(values[0], str)):
        column = np.empty(len(values), object)
        column[:] = values
    else:
        column = np.asarray(values)
    if column.ndim != 1:
        raise QueryError(f"alleles: {name} has {column.ndim} dimensions, expected one")
    if name == "position":
        if not len(column):
            return column.astype(np.int64)
        if column.dtype.kind not in "iu":
            raise QueryError(f"alleles: position is of {column.dtype}, expected integers")
        wrong = (column < 1) | (column > _MAX_POSITION)
        if wrong.any():
            _refuse(int(wrong.argmax()), "position", column, f"expected 1 to {_MAX_POSITION}")
        return column.astype(np.int64)
    if column.dtype.kind not in ("iuOSTU" if name == "contig" else "OSTU") and len(column):
        raise QueryError(f"alleles: {name} is of {column.dtype}, expected text")
    return column


def _refuse(row: int, name: str, column: Any, why: str) -> NoReturn:
    raise QueryError(f"alleles, row {row}: {name} is {column[row : row + 1].tolist()[0]!r}; {why}")


class _Keyed:
    """Alleles as keys, sorted, each once.

    targets : what is looked up    row : (rows,) which of them each row is; None: they are the rows, one by one
    """

    row: NDArray[np.int64] | None

    def __init__(self, version: Version, columns: Mapping[str, NDArray[Any]], texts: Mapping[str, _Text]) -> None:
        self._version, self._columns = version, columns
        self._position, self._ref, self._alt = columns["position"], texts["ref"], texts["alt"]
        contig = self._places(columns["contig"], texts.get("contig"))
        by_contig = None if (np.diff(contig) >= 0).all() else np.argsort(contig, kind="stable")
        if by_contig is not None:
            contig = contig[by_contig]
            self._position = self._position[by_contig]
            self._ref, self._alt = (_Text(c.text, c.bounds[:, by_contig]) for c in (self._ref, self._alt))
        key, digest = self._keys(contig, by_contig)
        if by_contig is None and _kernels.in_order(contig, key):
            self.targets, self.row = Targets(contig, key, digest), None
            return
        order = np.arange(len(key))
        for begin, end in _runs(contig):
            if not (key[begin + 1 : end] > key[begin : end - 1]).all():
                order[begin:end] = begin + _sorted(key[begin:end], digest[begin:end])
        contig, key, digest = contig[order], key[order], digest[order]
        new = np.ones(len(key), np.bool_)
        new[1:] = (contig[1:] != contig[:-1]) | (key[1:] != key[:-1]) | (digest[1:] != digest[:-1])
        self.targets = Targets(contig[new], key[new], digest[new])
        self.row = np.empty(len(key), np.int64)
        self.row[order if by_contig is None else by_contig[order]] = np.cumsum(new) - 1

    def _places(self, column: NDArray[Any], text: _Text | None) -> NDArray[np.int64]:
        """(rows,) where each contig stands in the repository's table; behind its end: nowhere."""
        group = np.empty(len(column), np.int64)
        if text is None:
            _, first, group = np.unique(column, return_index=True, return_inverse=True)
        else:
            room = min(1 << len(column).bit_length(), _MOST_CONTIGS)
            slots, first = np.full(4 * room, -1, np.int64), np.empty(room, np.int64)
            num = _kernels.group_text(text.text, text.bounds, slots, group, first)
            if num < 0:
                raise QueryError(f"alleles: over {_MOST_CONTIGS:,} different contigs; look up some at a time")
            first = first[:num]
        names = [name.decode() if isinstance(name, bytes) else str(name) for name in column[first].tolist()]
        return np.array([self._find(name) for name in names], np.int64)[group]

    def _find(self, name: str) -> int:
        if not name:
            raise QueryError("alleles: a contig has no name")
        manifest = self._version.manifest
        assert manifest is not None
        return Places({}, manifest.contigs, "alleles").find(name)[0]

    def _keys(
        self, contig: NDArray[np.int64], by_contig: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Keys and digests of all rows, which stand by contig."""
        key, digest = np.empty((2, len(contig)), np.uint64)
        longest = sum(int((c.bounds[1] - c.bounds[0]).max(initial=0)) for c in (self._ref, self._alt))
        scratch = np.empty((2, longest + 64), np.uint8)
        names, bases = self._version.contigs, self._version._bases
        for begin, end in _runs(contig):
            place = int(contig[begin])
            known = bases is not None and place < len(names)
            sequence = bases(names[place]) if known and bases is not None else np.zeros(0, np.uint8)
            status, row = _kernels.keys_of_rows(
                self._ref.text, self._ref.bounds, self._alt.text, self._alt.bounds, self._position, begin, end,
                sequence, scratch, key, digest,
            )  # fmt: skip
            if status != _kernels.OK:
                given = int(row if by_contig is None else by_contig[row])
                name, why = _WRONG[status]
                _refuse(given, name, self._columns[name], why)
        return key, digest


def _runs(contig: NDArray[np.int64]) -> list[tuple[int, int]]:
    cuts = [0, *(np.flatnonzero(np.diff(contig)) + 1).tolist(), len(contig)]
    return [(begin, end) for begin, end in pairwise(cuts) if end > begin]


def _sorted(key: NDArray[np.uint64], digest: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The order of keys; of equal keys, that of digests."""
    order: NDArray[np.int64] = np.argsort(key)
    by_key = key[order]
    equal = by_key[1:] == by_key[:-1]
    if (equal & (digest[order][1:] != digest[order][:-1])).any():
        order = np.lexsort((digest, key))
    return order


def _text(column: NDArray[Any], name: str) -> _Text:
    """A column of text as ASCII bytes. Raises QueryError."""
    rows = len(column)
    bounds = np.empty((2, rows), np.int64)
    if column.dtype.kind in "SU" and rows:
        points = np.ascontiguousarray(column).view(np.uint32 if column.dtype.kind == "U" else np.uint8)
        text = np.empty(points.size, np.uint8)
        if _kernels.narrow(points.reshape(rows, -1), text, bounds) > _MAX_ASCII:
            _refuse_text(column.tolist(), name, column)
        return _Text(text, bounds)
    items = column.tolist()
    try:
        text = np.frombuffer(("\t".join(items) + "\t").encode("ascii"), np.uint8)
    except (TypeError, UnicodeEncodeError):
        _refuse_text(items, name, column)
    if _kernels.split(text, bounds) != max(rows, 1):
        _refuse_text(items, name, column)
    return _Text(text, bounds)


def _refuse_text(items: list[Any], name: str, column: NDArray[Any]) -> NoReturn:
    row = next(i for i, item in enumerate(items) if not isinstance(item, str) or not item.isascii() or "\t" in item)
    _refuse(row, name, column, "expected a name" if name == "contig" else "expected bases, like A")
