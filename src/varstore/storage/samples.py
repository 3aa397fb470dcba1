"""Sample-table parts: one array a column, one part an ``add``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import WithdrawnSampleError
from .arrays import GROUP, ArraySpec, StoredArray, write_whole
from .history import withdrawn_of
from .manifest import Document
from .parts import Part, PartRef, PartWriter


def write_samples(part: PartWriter, samples: Sequence[str]) -> None:
    """Write the part of new people: their names, in the order of their numbers."""
    write_whole(part, ArraySpec("sample", "|O", ("samples",), "Sample name"), list(samples), 65536)
    part.write(".zgroup", GROUP)


def read_samples(part: Part) -> list[str]:
    """Names of the people of a part."""
    return [str(name) for name in StoredArray(part, "sample").read()]


def read_names(root: Path, document: Document) -> list[str]:
    """Names of everybody in a version, by number."""
    parts = (Part(root, PartRef(**entry["part"])) for entry in document["samples"])
    return [name for part in parts for name in read_samples(part)]


def check_not_withdrawn(samples: Sequence[str], root: Path, document: Document, path: str) -> None:
    """A person who was withdrawn does not come back. Raises WithdrawnSampleError."""
    numbers = withdrawn_of(document)
    if not len(numbers):
        return
    names = read_names(root, document)
    clash = sorted({names[number] for number in numbers.tolist()}.intersection(samples) - {""})
    if clash:
        others = f" and {len(clash) - 1} more were" if len(clash) > 1 else " was"
        raise WithdrawnSampleError(f"{path}: sample {clash[0]!r}{others} withdrawn from the repository; leave them out")
