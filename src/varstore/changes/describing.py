"""What is said of people: ``varstore samples --set`` and ``--drop`` make a version with another sample table."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, QueryError, RepositoryError
from ..people.table import PeopleTable, warn
from ..storage import files, manifest
from ..storage.history import withdrawn_of
from ..storage.manifest import Document, need_columns
from ..storage.parts import Part, PartRef, PartWriter
from ..storage.people import sample_names
from ..storage.sample_columns import chosen, stored_columns
from ..storage.samples import write_overlay
from .adding import commit, timestamp


class _OvertakenError(Exception):
    """People were withdrawn after their rows were written."""


@dataclass(frozen=True)
class _Known:
    """Who can be spoken of: numbers of people by name, without those who were withdrawn."""

    number_of: dict[str, int]
    withdrawn: NDArray[np.int64]

    def check(self, document: Document) -> None:
        """Raise _OvertakenError if other people can be spoken of in a version, for their rows would stay."""
        if not np.array_equal(withdrawn_of(document), self.withdrawn):
            raise _OvertakenError

    def rows(self, table: PeopleTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of the people of a table, ascending, and their rows in it."""
        numbers = np.array([self.number_of.get(name, -1) for name in table.samples], np.int64)
        order = np.argsort(numbers, kind="stable")
        order = order[np.count_nonzero(numbers < 0) :]
        return numbers[order], order


def describe(root: Path, tables: Sequence[PeopleTable], drop: Iterable[str], *, strict: bool) -> None:
    """Commit a version in which columns are gone, and then tables say what they say: an overlay each, in order.

    strict : rows of people who are not in the repository are an error, else a warning

    Raises InputError where a table speaks of nobody here, QueryError where there is no such column or nothing to do.
    """
    drop = list(drop)
    if not tables and not drop:
        raise QueryError("nothing to do: give a table to set, or a column to drop")
    warned = False
    while True:
        newest = manifest.read_newest(root)
        assert newest is not None
        known = _known(root, newest.document)
        for table in tables:
            _check(table, known, strict=strict, quiet=warned)
        warned = True
        staging = manifest.staging_folder(root)
        try:
            _commit(root, staging, newest.document, known, tables, drop)
        except _OvertakenError:
            continue
        finally:
            files.remove_tree(staging)
        return


def _known(root: Path, document: Document) -> _Known:
    withdrawn = withdrawn_of(document)
    gone = set(withdrawn.tolist())
    names = enumerate(sample_names(root, document))
    return _Known({name: number for number, name in names if name and number not in gone}, withdrawn)


def _check(table: PeopleTable, known: _Known, *, strict: bool, quiet: bool) -> None:
    """Compare the people of a table with those of the repository. Raises InputError."""
    others = [name for name in table.samples if name not in known.number_of]
    if len(others) == len(table.samples):
        found = f"found {others[0]!r} and so on" if others else "it has no rows"
        raise InputError(f"{table.source}: it names nobody in the repository ({found}){_better(table, known)}")
    if not table.columns:
        raise InputError(f"{table.source}: it has no column besides the ids, expected something to say of people")
    if others:
        shown = ", ".join(map(repr, others[:3])) + (", ..." if len(others) > 3 else "")
        text = (
            f"{table.source}: {len(others):,} of {len(table.samples):,} rows are of nobody in the repository: {shown}"
        )
        if strict:
            raise InputError(text)
        if not quiet:
            warn(text)


def _better(table: PeopleTable, known: _Known) -> str:
    """Which other column does name people of the repository."""
    for name, column in table.columns.items():
        matching = sum(text in known.number_of for text in column.categories)
        if matching:
            return f"; the column {name!r} names {matching:,} of its people: --id {name!r}"
    return ""


def _commit(
    root: Path, staging: Path, document: Document, known: _Known, tables: Sequence[PeopleTable], drop: Sequence[str]
) -> None:
    """Write overlays beside, and commit them. Raises _OvertakenError."""
    published: list[str] = []
    try:
        entries = []
        for table in tables:
            entries.append(_write(root, staging, known, table))
            published.append(entries[-1]["part"]["path"])

        def change(current: Document) -> Document:
            known.check(current)
            _drop(root, current, drop)
            current.setdefault("sample_overlays", []).extend(entries)
            need_columns(current)
            return current

        commit(root, document, change, "samples")
    except BaseException:
        # Nobody names these parts, unless the commit itself got through.
        with suppress(RepositoryError, OSError):
            newest = manifest.read_newest(root)
            named = set() if newest is None else {ref.path for ref in newest.part_refs}
            for path in published:
                if path not in named:
                    files.remove_tree(root / path)
        raise


def _write(root: Path, staging: Path, known: _Known, table: PeopleTable) -> dict[str, Any]:
    """Write the overlay of a table; return its entry."""
    numbers, rows = known.rows(table)
    name = uuid.uuid4().hex[:12]
    part = PartWriter(staging / f"samples-{name}")
    write_overlay(part, numbers, chosen(table.columns, rows))
    return {"id": name, "time": timestamp(), "part": vars(part.publish(root, f"samples/{name}"))}


def _drop(root: Path, document: Document, drop: Sequence[str]) -> None:
    """Leave columns out of the parts there are. Raises QueryError where none has such a column."""
    left = set(drop)
    entries = [*document["samples"], *document.get("sample_overlays", ())]
    for entry in entries if drop else ():
        before = entry.get("dropped", [])
        has = set(stored_columns(Part(root, PartRef(**entry["part"])))).difference(before)
        mine = has.intersection(drop)
        left -= mine
        if mine:
            entry["dropped"] = sorted({*before, *mine})
    if left:
        raise QueryError(f"no column {sorted(left)[0]!r} in the sample table to drop")
