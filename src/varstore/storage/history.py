"""What manifests say of the past: the versions there are, and the people withdrawn since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingFileError
from .manifest import WITHDRAWN, Document, Manifest, read_newest, read_version


@dataclass(frozen=True)
class VersionRow:
    """A version, as ``log`` tells it.

    time : ISO 8601, UTC    action : what made it    batches, samples : there are in it
    withdrawn : people withdrawn up to it, who are among the samples no longer
    """

    version: int
    time: str
    action: str
    batches: int
    samples: int
    withdrawn: int
    tool: str
    command: list[str]

    def to_dict(self) -> Document:
        """JSON-ready."""
        return asdict(self)


def log(root: Path) -> Iterator[VersionRow]:
    """The versions that can be opened, oldest first. Raises CorruptManifestError, MissingFileError."""
    newest = read_newest(root)
    if newest is None:
        return
    for version in range(newest.first_version, newest.version):
        try:
            yield _row(read_version(root, version))
        except MissingFileError:
            now = read_newest(root)
            if now is None or version >= now.first_version:  # else it was dropped meanwhile
                raise
    yield _row(newest)


def _row(manifest: Manifest) -> VersionRow:
    document = manifest.document
    made = document["provenance"]
    gone = len(withdrawn(manifest))
    return VersionRow(
        manifest.version,
        made["time"],
        made["action"],
        len(document["batches"]),
        document["num_samples"] - gone,
        gone,
        document["tool"],
        made["command"],
    )


def withdrawn(manifest: Manifest) -> NDArray[np.int64]:
    """Numbers of the people a manifest says are withdrawn, sorted."""
    return withdrawn_of(manifest.document)


def withdrawn_of(document: Document) -> NDArray[np.int64]:
    """The same of a manifest's document."""
    numbers = [number for entry in document["withdrawn"] for number in entry["samples"]]
    # Where nobody is, numpy would import its masked arrays to say so.
    return np.unique(np.array(numbers, np.int64)) if numbers else np.zeros(0, np.int64)


def add_withdrawn(document: Document, numbers: NDArray[np.int64], time: str) -> Document:
    """The next manifest: some people less, who are named by number only."""
    entry = {"samples": numbers.tolist(), "version": document["version"] + 1, "time": time}
    document["withdrawn"].append(entry)
    document["reader_features"] = sorted({*document["reader_features"], WITHDRAWN})
    return document
