"""Compaction: several batches come to share a part. Nothing that they mean changes, only where their bytes are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import RepositoryError
from ..model.cores import num_cores
from ..storage import files, manifest
from ..storage.manifest import SHARED_FEATURE, Document
from ..storage.parts import PartRef, PartWriter
from ..storage.sharing import Contigs, Source, write_shared
from ..storage.sources import BatchOpener
from .adding import commit
from .merging_people import merge_overlays

SMALL_SAMPLES = 4096
MOST_SAMPLES = 16384
# A large part is written again only together with others that have at least this share of its samples.
_WORTH_REWRITING = 1 / 3


@dataclass(frozen=True)
class CompactReport:
    """What a compaction did.

    groups : ids of the batches that came to share a part, a list a part
    overtaken : ids of batches that another compaction took meanwhile; they were left alone
    overlays : how many overlays of the sample table became one
    """

    groups: list[list[str]] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)
    overlays: int = 0


class _OvertakenError(RepositoryError):
    """A batch is no longer where it was read."""


def compact(root: Path, newest: Document, threads: int | None, progress: Callable[[int], None] | None) -> CompactReport:
    """Let small batches share parts, one commit a part, and overlays of the sample table be one.

    progress : called with the people of each part

    Readers are undisturbed: they stay with their version, whose parts stay where they are.
    """
    report = CompactReport(overlays=merge_overlays(root, newest))
    for group in plan_groups(newest["batches"]):
        ids = [entry["id"] for entry in group]
        try:
            _compact_group(root, newest, group, threads or num_cores())
        except _OvertakenError:
            report.overtaken.extend(ids)
            continue
        report.groups.append(ids)
        if progress is not None:
            progress(sum(entry["num_samples"] for entry in group))
    return report


def plan_groups(entries: Sequence[Document]) -> list[list[Document]]:
    """Which batches are to share a part: tiers of 4,096 and of 16,384 samples, in the order of the batches.

    A part is taken whole. One of the higher tier waits until what comes to it is worth writing it again.
    """
    parts: dict[str, list[Document]] = {}
    for entry in entries:
        if entry["num_samples"]:
            parts.setdefault(entry["part"]["path"], []).append(entry)
    groups: list[list[list[Document]]] = []
    room = 0
    for part in sorted(parts.values(), key=lambda part: _samples(part) > SMALL_SAMPLES):
        if _samples(part) > MOST_SAMPLES // 2:
            continue
        if not groups or _samples(part) > room:
            groups.append([])
            room = MOST_SAMPLES
        groups[-1].append(part)
        room -= _samples(part)
    return [list(chain.from_iterable(group)) for group in map(_worth_it, groups) if len(group) > 1]


def _worth_it(group: list[list[Document]]) -> list[list[Document]]:
    """A group without its largest part, if the others are too few for that to be written again."""
    largest = max(group, key=_samples)
    others = sum(map(_samples, group)) - _samples(largest)
    if _samples(largest) > SMALL_SAMPLES and others < _WORTH_REWRITING * _samples(largest):
        return [part for part in group if part is not largest]
    return group


def _samples(part: Sequence[Document]) -> int:
    return sum(int(entry["num_samples"]) for entry in part)


def _compact_group(root: Path, newest: Document, group: Sequence[Document], threads: int) -> None:
    """Write a shared part, and commit it. Raises _OvertakenError."""
    staging = manifest.staging_folder(root)
    path = f"batches/{uuid.uuid4().hex[:12]}"
    committed = False
    try:
        writer = PartWriter(staging / "shared")
        sources = _sources(root, newest, group)
        contigs = Contigs([c["name"] for c in newest["contigs"]], [c["length"] for c in newest["contigs"]])
        write_shared(writer, sources, contigs, f"varstore-{__version__}", threads)
        ref = writer.publish(root, path)
        commit(root, newest, lambda document: _with_shared(document, group, ref), "compact")
        committed = True
    finally:
        # Nobody names the part unless the commit got through, which it may have before an error.
        if not committed:
            with suppress(RepositoryError, OSError):
                committed = _names(root, path)
                if not committed:
                    files.remove_tree(root / path)
        files.remove_tree(staging)


def _sources(root: Path, document: Document, group: Sequence[Document]) -> list[Source]:
    opened = BatchOpener(root)
    table = {contig["name"]: place for place, contig in enumerate(document["contigs"])}
    sources = []
    for entry in group:
        batch = opened(entry)
        places = entry.get("contigs")
        named = [table[name] for name in batch.contigs] if places is None else places
        sources.append(Source(entry["id"], batch, np.array(named, np.int64)))
    return sources


def _names(root: Path, path: str) -> bool:
    newest = manifest.read_newest(root)
    return newest is not None and any(entry["part"]["path"] == path for entry in newest.batches)


def _with_shared(document: Document, group: Sequence[Document], ref: PartRef) -> Document:
    """The next manifest: the batches of the group share a part. Refuses if one of them has moved."""
    entries: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in document["batches"]}
    column = 0
    for old in group:
        entry = entries.get(old["id"])
        if entry is None or entry["part"] != old["part"]:
            raise _OvertakenError(f"batch {old['id']} was compacted meanwhile")
        entry["part"] = vars(ref)
        entry["source"] = {"id": old["id"], "first_column": column}
        column += old["num_samples"]
    if SHARED_FEATURE not in document["reader_features"]:
        document["reader_features"].append(SHARED_FEATURE)
    return document
