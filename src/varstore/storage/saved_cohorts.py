"""Saved cohorts as manifests hold them: name, expression, and the numbers of those it was true of.

An entry of ``cohorts`` has ``name``, ``expression`` (null where the people were listed), ``version`` and ``time`` it
was resolved in, ``num_samples`` then, and ``samples``: a bit a sample number, the first the lowest of its byte, up to
the last that is set; deflated, in URL-safe base64 without padding.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptManifestError
from .manifest import Document


def entry_of(name: str, expression: str | None, numbers: NDArray[np.int64], version: int, time: str) -> Document:
    """The entry of a cohort; its numbers are sorted, each once."""
    return {
        "name": name,
        "expression": expression,
        "version": version,
        "time": time,
        "num_samples": len(numbers),
        "samples": pack(numbers),
    }


def pack(numbers: NDArray[np.int64]) -> str:
    """Sorted numbers as text."""
    members = np.zeros(numbers[-1] + 1 if len(numbers) else 0, np.bool_)
    members[numbers] = True
    data = zlib.compress(np.packbits(members, bitorder="little").tobytes())
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpack(entry: Document, num_people: int) -> NDArray[np.int64]:
    """Sorted int64 numbers of an entry, below ``num_people``. Raises CorruptManifestError."""
    text = str(entry["samples"])
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), num_people // 8 + 2)
    except (binascii.Error, zlib.error, ValueError):
        raise CorruptManifestError(f"the saved cohort {entry['name']!r} is damaged") from None
    if not stream.eof:
        raise CorruptManifestError(f"the saved cohort {entry['name']!r} is damaged, or has people that are not there")
    numbers = np.flatnonzero(np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little"))
    if len(numbers) and numbers[-1] >= num_people:
        raise CorruptManifestError(f"the saved cohort {entry['name']!r} has people that are not there")
    return numbers


def with_entry(entries: Sequence[Document], entry: Document) -> list[Document]:
    """Entries in which one replaces that of its name, or comes last."""
    if all(each["name"] != entry["name"] for each in entries):
        return [*entries, entry]
    return [entry if each["name"] == entry["name"] else each for each in entries]
