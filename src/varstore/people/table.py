"""What a file says of people: typed columns by sample, reserved names filled."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import InputError
from ..model.columns import Column
from ..model.ploidy import FEMALE, MALE, SEXES, UNKNOWN
from .cells import MISSING, as_text, nothing, text_column, texts_of, typed

# Ids and terms: text, whatever they look like.
TEXT_COLUMNS = ("person", "father", "mother", "dataset", "consent")
RESERVED = ("sample", "person", "sex", "father", "mother", "dataset", "consent")
_SEX_OF = {
    "male": MALE, "m": MALE, "1": MALE, "xy": MALE, "female": FEMALE, "f": FEMALE, "2": FEMALE, "xx": FEMALE,
    **dict.fromkeys(("unknown", "u", "0", "", ".", "na", "nan", "n/a", "-9", "null", "none", "missing"), UNKNOWN),
}  # fmt: skip
_SHOWN = 5


@dataclass(frozen=True)
class PeopleTable:
    """What a table says of people, a row each.

    source : what it is called in messages    samples : their ids, none twice    columns : (rows,) each
    """

    source: str
    samples: Sequence[str]
    columns: Mapping[str, Column]

    @cached_property
    def _row(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.samples)}

    def check(self, samples: Sequence[str]) -> None:
        """A table that names none of the samples is of others. Raises InputError."""
        if samples and not any(name in self._row for name in samples):
            raise InputError(f"{self.source}: it names none of the samples of the input ({samples[0]!r} and so on)")

    def of(self, samples: Sequence[str]) -> dict[str, Column]:
        """The columns for some samples; missing where the table has nothing of one."""
        row = np.array([self._row.get(name, -1) for name in samples], np.int64)
        out = {}
        for name, column in self.columns.items():
            if not len(column):
                out[name] = nothing(column.kind, len(row))
                continue
            missing = column.missing[row] | (row < 0)
            out[name] = Column(column.kind, column.values[row], missing, column.categories)
        return out


@dataclass(frozen=True)
class Rows:
    """A table as it was read: columns of texts, or typed already.

    where : of each row, for messages: its line or number    word : what ``where`` counts
    """

    source: str
    samples: Sequence[str]
    cells: Mapping[str, Sequence[str] | Column]
    where: Sequence[int]
    word: str = "line"

    def place(self, row: int) -> str:
        """Where a row is."""
        return f"{self.source}, {self.word} {self.where[row]}"


def make_table(rows: Rows, missing: Collection[str] = frozenset(MISSING)) -> PeopleTable:
    """Type the columns of a table, and fill ``sex`` from ``sex`` or ``gender``. Raises InputError."""
    _check_names(rows)
    columns: dict[str, Column] = {}
    for name, given in rows.cells.items():
        if name in TEXT_COLUMNS:
            columns[name] = as_text(given) if isinstance(given, Column) else texts_only(given, missing)
        elif name.lower() != "sex":
            columns[name] = given if isinstance(given, Column) else typed(given, missing)
    named = {name.lower(): name for name in rows.cells if name.lower() in ("sex", "gender")}
    for lowered, name in sorted(named.items(), reverse=True):
        if "sex" not in columns:
            given = rows.cells[name]
            texts = texts_of(given) if isinstance(given, Column) else given
            sex = _sexes(rows, texts, missing, strict=lowered == "sex")
            columns = {"sex": sex, **columns} if lowered == "sex" or not sex.missing.all() else columns
    return PeopleTable(rows.source, rows.samples, columns)


def _check_names(rows: Rows) -> None:
    """Raise InputError where a sample has two rows or none, or the table a column that it cannot have."""
    if len(set(rows.samples)) < len(rows.samples):
        raise InputError(_twice(rows))
    for row, name in enumerate(rows.samples):
        if not name:
            raise InputError(f"{rows.place(row)}: no name: '', expected the id of a sample")
    if "sample" in rows.cells:
        raise InputError(f"{rows.source}: the column 'sample' is reserved for the ids themselves; rename it, or name "
                         "it as the column of ids")  # fmt: skip


def _twice(rows: Rows) -> str:
    """Which samples have several rows."""
    first: dict[str, list[int]] = {}
    for row, name in enumerate(rows.samples):
        first.setdefault(name, []).append(rows.where[row])
    double = [(name, where) for name, where in first.items() if len(where) > 1]
    shown = "; ".join(f"{name!r} ({rows.word}s {', '.join(map(str, where))})" for name, where in double[:_SHOWN])
    more = f" and {len(double) - _SHOWN:,} more" if len(double) > _SHOWN else ""
    last = double[0][1][1]
    return f"{rows.source}, {rows.word} {last}: samples are named twice: {shown}{more}; a row a sample is expected"


def texts_only(texts: Sequence[str], missing: Collection[str] = frozenset(MISSING)) -> Column:
    """A column of text, whatever it looks like."""
    place: dict[str, int] = {}
    codes = np.fromiter((place.setdefault(text, len(place)) for text in texts), np.int32, len(texts))
    return text_column(list(place), codes, np.array([text in missing for text in place], np.bool_))


def _sexes(rows: Rows, texts: Sequence[str], missing: Collection[str], *, strict: bool) -> Column:
    """Male and female out of the many ways to say so; what is neither is missing, or where strict an InputError."""
    said: dict[str, str] = {}
    for text in set(texts).difference(missing):
        code = _SEX_OF.get(text.lower())
        if code is None and strict:
            raise InputError(
                f"{rows.place(list(texts).index(text))}: sex is {text!r}, "
                "expected male, female or unknown (or 1, 2, 0; M, F)"
            )
        said[text] = SEXES[code] if code else ""
    return texts_only([said.get(text, "") for text in texts], {""})


def warn(text: str) -> None:
    """Say something of a table that is no error."""
    warnings.warn(text, stacklevel=4)
