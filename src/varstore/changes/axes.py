"""Saved axes: kept and forgotten, each a version of its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError, RepositoryError
from ..storage import files, history, manifest, saved_axes
from ..storage.manifest import Document
from ..storage.parts import PartWriter
from .adding import commit, timestamp

_LONGEST_NAME = 100


def check_name(name: str) -> None:
    """Raise QueryError for what no axes may be called."""
    if not name or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise QueryError(
            f"{name!r} is no name of axes: expected up to {_LONGEST_NAME} printable characters, without blanks around"
        )


def save(root: Path, document: Document, name: str, arrays: Mapping[str, NDArray[Any]], of_version: int) -> None:
    """Commit a version that keeps axes; those of that name are replaced.

    document : of the newest version that is known    arrays : as of ``saved_axes.write_axes``

    Raises QueryError where one of their people is withdrawn.
    """
    staging, path = manifest.staging_folder(root), f"derived/{uuid.uuid4().hex[:12]}"
    committed = False
    try:
        writer = PartWriter(staging / "axes")
        saved_axes.write_axes(writer, arrays)
        entry = {
            "id": path.rpartition("/")[2],
            "name": name,
            "part": dict(vars(writer.publish(root, path))),
            "of_version": of_version,
            "num_axes": len(arrays["axis_eigenvalue"]),
            "num_sites": len(arrays["variant_position"]),
            "num_samples": len(arrays["sample_number"]),
            "time": timestamp(),
        }

        def change(newest: Document) -> Document:
            if np.isin(arrays["sample_number"], history.withdrawn_of(newest)).any():
                raise QueryError("somebody whom the axes were made of was withdrawn: make them again")
            kept = [each for each in newest.get(saved_axes.KEY, ()) if each["name"] != name]
            newest[saved_axes.KEY] = [*kept, entry]
            manifest.need_axes(newest)
            return newest

        commit(root, document, change, "save axes")
        committed = True
    finally:
        if not committed:
            with suppress(RepositoryError, OSError):
                newest_now = manifest.read_newest(root)
                if newest_now is None or all(ref.path != path for ref in newest_now.part_refs):
                    files.remove_tree(root / path)
        files.remove_tree(staging)


def delete(root: Path, document: Document, name: str) -> None:
    """Commit a version without saved axes. Raises QueryError where there are none of this name."""

    def change(newest: Document) -> Document:
        entries = newest.get(saved_axes.KEY, [])
        kept = [entry for entry in entries if entry["name"] != name]
        if len(kept) == len(entries):
            there = ", ".join(repr(entry["name"]) for entry in entries) or "none"
            raise QueryError(f"{root}: no saved axes {name!r}; there are {there}")
        newest[saved_axes.KEY] = kept
        return newest

    commit(root, document, change, "delete axes")
