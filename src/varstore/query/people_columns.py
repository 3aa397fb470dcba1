"""The sample table of a version: its columns over all sample numbers, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from ..model.columns import Column
from ..model.ploidy import SEXES
from ..people.cells import nothing, text_column
from ..people.merging import Piece, merge
from ..storage.parts import Part, PartRef
from ..storage.sample_columns import num_people, read_column, read_numbers, stored_columns

RESERVED = ("sample", "person", "sex", "father", "mother", "dataset", "consent")


class PeopleColumns(Mapping[str, Column]):
    """Name of a column to what it says of each sample number, withdrawn people's too.

    The reserved columns come first and are always there; the others in the order in which they came.
    """

    def __init__(self, root: Path, document: Mapping[str, Any], names: Callable[[], Sequence[str]]) -> None:
        self._root = root
        self._document = document
        self._num_people = int(document["num_samples"])
        self._names = names
        self._made: dict[str, Column] = {}
        self._lock = Lock()
        self._parts: list[tuple[Part, slice | None, frozenset[str]]] | None = None
        self._given: dict[str, None] | None = None

    def _open(self) -> list[tuple[Part, slice | None, frozenset[str]]]:
        """Parts in order, whom each speaks of (None: it has the numbers), and which of its columns were dropped."""
        if self._parts is None:
            parts: list[tuple[Part, slice | None, frozenset[str]]] = []
            end = 0
            for entry in self._document["samples"]:
                part = Part(self._root, PartRef(**entry["part"]))
                begin, end = end, end + num_people(part)
                parts.append((part, slice(begin, end), frozenset(entry.get("dropped", ()))))
            for entry in self._document.get("sample_overlays", ()):
                part = Part(self._root, PartRef(**entry["part"]))
                parts.append((part, None, frozenset(entry.get("dropped", ()))))
            self._parts = parts
        return self._parts

    def _names_given(self) -> dict[str, None]:
        if self._given is None:
            found = dict.fromkeys(RESERVED)
            for part, _, dropped in self._open():
                found.update(dict.fromkeys(name for name in stored_columns(part) if name not in dropped))
            self._given = found
        return self._given

    def __iter__(self) -> Iterator[str]:
        return iter(self._names_given())

    def __len__(self) -> int:
        return len(self._names_given())

    def __contains__(self, name: object) -> bool:
        return name in self._names_given()

    def __getitem__(self, name: str) -> Column:
        if name not in self._names_given():
            raise KeyError(name)
        with self._lock:
            if name not in self._made:
                column = self._make(name)
                column.values.flags.writeable = column.missing.flags.writeable = False
                self._made[name] = column
            return self._made[name]

    def _make(self, name: str) -> Column:
        if name == "sample":
            return _names_column(self._names())
        pieces: list[Piece] = []
        if name == "person":
            pieces.append((slice(0, self._num_people), _names_column(self._names())))
        for part, place, dropped in self._open():
            stored = None if name in dropped else stored_columns(part).get(name)
            if stored is not None:
                where = read_numbers(part, self._num_people) if place is None else place
                pieces.append((where, read_column(part, stored)))
        return merge(pieces, self._num_people) if pieces else nothing("text", self._num_people)


def _names_column(names: Sequence[str]) -> Column:
    """Names of people; those without one were purged."""
    gone = np.array([not name for name in names], np.bool_)
    return text_column(list(names), np.arange(len(names), dtype=np.int32), gone)


def foreign_columns(names: Sequence[str]) -> dict[str, Column]:
    """The columns of a store that others wrote: names and nothing else."""
    made = _names_column(names)
    return {name: made if name in ("sample", "person") else nothing("text", len(names)) for name in RESERVED}


def sexes(column: Column) -> NDArray[np.int8]:
    """(people,) indexes into ``SEXES`` of a column of sexes. Raises CorruptRepositoryError."""
    unknown = sorted(set(column.categories).difference(SEXES))
    if column.kind != "text" or unknown:
        raise CorruptRepositoryError(f"a sex in the sample table is {unknown or column.kind!r}")
    codes = np.array([SEXES.index(text) for text in column.categories] or [0], np.int8)
    return np.where(column.missing, np.int8(0), codes[column.values])
