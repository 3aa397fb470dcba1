"""Saved cohorts: defined, defined again and deleted, each a version of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import CohortError
from ..storage import saved_cohorts
from ..storage.manifest import Document
from .adding import commit, timestamp

_LONGEST_NAME = 100


class _NothingToDoError(Exception):
    """The newest version says the same already."""


class OutdatedError(Exception):
    """Who the cohort's people are was asked of a version with other people."""


def check_name(name: str) -> None:
    """Raise CohortError for what no cohort may be called."""
    if not name or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise CohortError(
            f"{name!r} is no name of a cohort: expected up to {_LONGEST_NAME} printable characters, without blanks "
            "around them"
        )


def define(root: Path, document: Document, name: str, expression: str | None, numbers: NDArray[np.int64]) -> None:
    """Commit a version that keeps a cohort; one of that name is replaced. No version where nothing changes.

    document : the version in which ``numbers``, sorted, are its people
    Raises OutdatedError if other people came, or what is said of people changed, meanwhile.
    """

    def change(newest: Document) -> Document:
        if any(newest[key] != document[key] for key in ("samples", "withdrawn", "cohorts")):
            raise OutdatedError
        entry = saved_cohorts.entry_of(name, expression, numbers, document["version"], timestamp())
        if any(_same(entry, each) for each in newest["cohorts"]):
            raise _NothingToDoError
        newest["cohorts"] = saved_cohorts.with_entry(newest["cohorts"], entry)
        return newest

    try:
        commit(root, document, change, "define cohort")
    except _NothingToDoError:
        pass


def _same(entry: Document, other: Document) -> bool:
    """Whether two entries say the same, at whatever time."""
    said = ("name", "expression", "num_samples", "samples")
    return all(entry[key] == other[key] for key in said)


def delete(root: Path, document: Document, name: str) -> None:
    """Commit a version without a saved cohort. Raises CohortError where there is none of this name."""

    def change(newest: Document) -> Document:
        kept = [entry for entry in newest["cohorts"] if entry["name"] != name]
        if len(kept) == len(newest["cohorts"]):
            there = ", ".join(repr(entry["name"]) for entry in kept) or "none"
            raise CohortError(f"{root}: no saved cohort {name!r}; there are {there}")
        newest["cohorts"] = kept
        return newest

    commit(root, document, change, "delete cohort")
