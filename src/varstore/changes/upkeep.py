"""Changes that add nothing: people withdrawn, versions dropped, garbage removed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..storage import files, garbage, history, manifest
from ..storage.garbage import Garbage
from ..storage.leases import NAME as LEASE
from ..storage.manifest import Document
from .adding import commit, timestamp

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class _NothingToDoError(Exception):
    """A faster writer did the same."""


def withdraw(root: Path, document: Document, numbers: NDArray[np.int64], names: Iterable[str]) -> None:
    """Commit a version in which people are withdrawn, those who are not yet.

    names : theirs, which must not stand in the version's provenance
    """

    def change(newest: Document) -> Document:
        new = np.setdiff1d(numbers, history.withdrawn_of(newest))
        if not len(new):
            raise _NothingToDoError
        return history.add_withdrawn(newest, new, timestamp())

    try:
        commit(root, document, change, "withdraw", _without(sys.argv, names))
    except _NothingToDoError:
        pass


def _without(command: Sequence[str], names: Iterable[str]) -> list[str]:
    """A command line whose words that hold a name are left out."""
    names = list(names)
    return [word if not any(name in word for name in names) else "..." for word in command]


def collect(root: Path, older_than: float, keep_versions: int | None, *, dry_run: bool) -> list[Garbage]:
    """Remove what no kept version needs, or say what would be removed.

    older_than : seconds    keep_versions : drop versions but the newest so many; None: none
    """
    if keep_versions is not None and keep_versions < 1:
        raise QueryError(f"keep_versions is {keep_versions}, expected at least 1")
    newest = manifest.read_newest(root)
    first = newest.first_version if newest else 1
    staging = manifest.staging_folder(root)
    try:
        now = (staging / LEASE).stat().st_mtime
        if newest is not None and keep_versions is not None:
            wanted = garbage.droppable(root, keep_versions, older_than, now)
            if wanted > first and not dry_run:
                commit(root, newest.document, lambda document: _dropping(document, wanted), "gc")
            first = wanted
        found = garbage.find(root, staging, older_than, now, first)
        if not dry_run:
            for each in found:
                garbage.remove(root, each, staging)
    finally:
        files.remove_tree(staging)
    return found


def _dropping(document: Document, first_version: int) -> Document:
    document["first_version"] = max(first_version, document.get("first_version", 1))
    return document


def seconds(age: str | float | timedelta) -> float:
    """An age: text like ``24h`` or ``30m``, a timedelta, or seconds. Raises QueryError."""
    if isinstance(age, timedelta):
        return age.total_seconds()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(age))
    if not match or (isinstance(age, str) and not match[2] and float(match[1])):
        raise QueryError(f"{age!r} is no age: expected a number with s, m, h or d, like 24h")
    return float(match[1]) * _UNITS[match[2] or "s"]
