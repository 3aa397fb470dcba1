"""Sample tables without withdrawn people: their rows, and their ids in what is said of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.columns import Column
from ..people.cells import text_column
from ..storage.fewer_people import token
from ..storage.manifest import Document
from ..storage.parts import Part, PartRef, PartWriter
from ..storage.sample_columns import chosen, read_column, read_numbers, stored_columns
from ..storage.samples import read_samples, write_overlay, write_samples

# Columns whose cells are ids; elsewhere an id that is short, or a number, means something else.
_OF_IDS = ("person", "father", "mother")


class PeoplePurge:
    """What becomes of the parts of a sample table when people are purged.

    names : of everybody, by number    withdrawn : numbers of those to be purged
    """

    def __init__(self, root: Path, names: Sequence[str], withdrawn: NDArray[np.int64]) -> None:
        self._root, self._withdrawn = root, withdrawn
        self._number_of = {names[number]: number for number in withdrawn.tolist() if names[number]}
        self._words = token(self._number_of)
        self._num_people = len(names)

    def write_samples(self, entry: Document, first: int, writer: PartWriter) -> tuple[int, bool]:
        """Write a part of new people, the first of number ``first``, anew: the withdrawn have a number and no more.

        Returns how many people it has, and whether anything had to be written.
        """
        part = Part(self._root, PartRef(**entry["part"]))
        names = read_samples(part)
        gone = self._withdrawn[(self._withdrawn >= first) & (self._withdrawn < first + len(names))] - first
        columns = self._columns(entry, part)
        cleaned = {name: self._clean(name, column) for name, column in columns.items()}
        if not any(names[i] for i in gone.tolist()) and cleaned == columns:
            return len(names), False
        for i in gone.tolist():
            names[i] = ""
        write_samples(writer, names, {name: _without(column, gone) for name, column in cleaned.items()})
        return len(names), True

    def write_overlay(self, entry: Document, writer: PartWriter) -> bool:
        """Write an overlay without the rows of the withdrawn; return whether anything had to be written."""
        part = Part(self._root, PartRef(**entry["part"]))
        numbers = read_numbers(part, self._num_people)
        kept = np.flatnonzero(~np.isin(numbers, self._withdrawn))
        columns = self._columns(entry, part)
        cleaned = {name: self._clean(name, column) for name, column in columns.items()}
        if len(kept) == len(numbers) and cleaned == columns:
            return False
        write_overlay(writer, numbers[kept], chosen(cleaned, kept))
        return True

    @staticmethod
    def _columns(entry: Document, part: Part) -> Mapping[str, Column]:
        """The columns of a part that were not dropped."""
        dropped = entry.get("dropped", ())
        stored = stored_columns(part)
        return {name: read_column(part, each) for name, each in stored.items() if name not in dropped}

    def _clean(self, name: str, column: Column) -> Column:
        """A column in which no cell holds an id of the withdrawn; the column itself where none did."""
        texts = list(column.categories)
        new = [self._instead(name, text) for text in texts]
        if new == texts:
            return column
        size = len(texts)
        codes = np.where(column.missing, size, column.values).astype(np.int32)
        gone = np.array([not text for text in new] + [True], np.bool_)
        return text_column([*new, ""], codes, gone)

    def _instead(self, column: str, text: str) -> str:
        """What a cell says instead: nothing, but that samples of one person stay so under another name."""
        number = self._number_of.get(text) if column in _OF_IDS else None
        if number is None and not (self._words and self._words.search(text)):
            return text
        return f"person-{number}" if column == "person" and number is not None else ""


def _without(column: Column, gone: NDArray[np.int64]) -> Column:
    """A column that says nothing of some rows."""
    missing = column.missing.copy()
    missing[gone] = True
    values = column.values.copy()
    values[gone] = np.zeros(1, values.dtype)[0]
    return Column(column.kind, values, missing, column.categories)
