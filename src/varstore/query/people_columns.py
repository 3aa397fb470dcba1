"""The sample table of a version: its columns over all sample numbers, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from ..people.table import RESERVED
from ..storage.parts import Part, PartRef
from ..storage.sample_columns import StoredColumn, num_people, read_column, read_numbers, stored_columns


@dataclass(frozen=True)
class _Spoken:
    """A part. place : whom it speaks of; None: it has their numbers    columns : those that were not dropped"""

    part: Part
    place: slice | None
    columns: dict[str, StoredColumn]


def _kept(part: Part, entry: Mapping[str, Any]) -> dict[str, StoredColumn]:
    dropped = entry.get("dropped", ())
    return {name: column for name, column in stored_columns(part).items() if name not in dropped}


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
        self._parts: list[_Spoken] | None = None
        self._all: dict[str, None] | None = None

    def _open(self) -> list[_Spoken]:
        """The parts in order, those of ``add`` first."""
        if self._parts is None:
            parts, end = [], 0
            for entry in self._document["samples"]:
                part = Part(self._root, PartRef(**entry["part"]))
                begin, end = end, end + num_people(part)
                parts.append(_Spoken(part, slice(begin, end), _kept(part, entry)))
            for entry in self._document.get("sample_overlays", ()):
                part = Part(self._root, PartRef(**entry["part"]))
                parts.append(_Spoken(part, None, _kept(part, entry)))
            self._parts = parts
        return self._parts

    @property
    def given(self) -> list[str]:
        """Names of the columns that a table gave."""
        given = {name for spoken in self._open() for name in spoken.columns}
        return [name for name in self if name in given]

    def _named(self) -> dict[str, None]:
        if self._all is None:
            names = [*RESERVED, *(name for spoken in self._open() for name in spoken.columns)]
            self._all = dict.fromkeys(names)
        return self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._named())

    def __len__(self) -> int:
        return len(self._named())

    def __contains__(self, name: object) -> bool:
        return name in self._named()

    def __getitem__(self, name: str) -> Column:
        if name not in self._named():
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
        for spoken in self._open():
            if name in spoken.columns:
                where = spoken.place or read_numbers(spoken.part, self._num_people)
                pieces.append((where, read_column(spoken.part, spoken.columns[name])))
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
