"""Overlays of the sample table become one: a compaction's part of what is known of people."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..errors import RepositoryError
from ..model.columns import Column
from ..people.merging import Piece, merge
from ..storage import files, manifest
from ..storage.manifest import Document
from ..storage.parts import Part, PartRef, PartWriter
from ..storage.sample_columns import read_column, read_numbers, stored_columns
from ..storage.samples import write_overlay
from .adding import commit


class _OvertakenError(Exception):
    """The overlays are no longer those that were read."""


def merge_overlays(root: Path, newest: Document) -> int:
    """Write the overlays of a version as one that says the same, and commit it.

    Returns how many there were; 0 where there were less than two, or another process changed them meanwhile.
    """
    overlays = newest.get("sample_overlays", [])
    if len(overlays) < 2:
        return 0
    staging = manifest.staging_folder(root)
    name = uuid.uuid4().hex[:12]
    committed = False
    try:
        writer = PartWriter(staging / "overlay")
        _write(writer, root, overlays, newest["num_samples"])
        part = vars(writer.publish(root, f"samples/{name}"))
        entry = {"id": name, "time": overlays[-1]["time"], "part": part}
        commit(root, newest, lambda document: _replaced(document, overlays, entry), "compact")
        committed = True
    except _OvertakenError:
        return 0
    finally:
        # Nobody names the part unless the commit got through, which it may have before an error.
        if not committed:
            with suppress(RepositoryError, OSError):
                now = manifest.read_newest(root)
                if now is None or all(ref.path != f"samples/{name}" for ref in now.part_refs):
                    files.remove_tree(root / f"samples/{name}")
        files.remove_tree(staging)
    return len(overlays)


def _write(writer: PartWriter, root: Path, overlays: Sequence[Document], num_people: int) -> None:
    """Write what overlays say together of the people they speak of."""
    parts = [Part(root, PartRef(**entry["part"])) for entry in overlays]
    numbers = [read_numbers(part, num_people) for part in parts]
    everybody = np.unique(np.concatenate(numbers))
    pieces: dict[str, list[Piece]] = {}
    for entry, part, mine in zip(overlays, parts, numbers, strict=True):
        place = np.searchsorted(everybody, mine)
        for name, stored in stored_columns(part).items():
            if name not in entry.get("dropped", ()):
                pieces.setdefault(name, []).append((place, read_column(part, stored)))
    columns: dict[str, Column] = {name: merge(found, len(everybody)) for name, found in pieces.items()}
    write_overlay(writer, everybody, columns)


def _replaced(document: Document, overlays: Sequence[Document], entry: Document) -> Document:
    """The next manifest: one overlay instead of some. Refuses if one of them has changed; later ones stay."""
    found = document.get("sample_overlays", [])
    if found[: len(overlays)] != overlays:
        raise _OvertakenError
    document["sample_overlays"] = [entry, *found[len(overlays) :]]
    return document
