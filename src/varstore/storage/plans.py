"""Plans: the staging folders of imports in parts, which outlive the process that made them.

``tmp/plan-<id>`` has ``plan.json``, a spool for each partition that is done, and ``lease`` while a process
goes on with it.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from ..errors import CorruptManifestError, FormatVersionError, PlanError
from . import files, leases
from .manifest import Document, seal, unseal

FORMAT = 2
_NAME = re.compile(r"plan-[0-9a-f]{12}")
_FILE = "plan.json"


@dataclass(frozen=True)
class Plan:
    """An import in parts: its folder, and what is in ``plan.json``."""

    path: Path
    document: Document

    @property
    def id(self) -> str:
        """Its name, as ``run-partition`` and ``commit`` take it."""
        return self.path.name

    @property
    def partitions(self) -> list[Document]:
        """``input``, ``number`` and ``place`` of each partition."""
        found: list[Document] = self.document["partitions"] or []
        return found

    @property
    def num_partitions(self) -> int:
        """How many partitions there are to run, numbered from 0."""
        return len(self.partitions)

    @property
    def inputs(self) -> list[Path]:
        """The inputs, in the order they were named."""
        return [
            Path(os.fsdecode(unquote_to_bytes(entry["uri"].removeprefix("file://"))))
            for entry in self.document["inputs"]
        ]

    def remove(self) -> None:
        """Remove the folder: first what names it, so that nothing takes up half of it."""
        files.remove(self.path / _FILE)
        files.remove_tree(self.path)


def input_entry(path: Path, read: Sequence[Path], header_sha256: str) -> Document:
    """What tells whether an input changed: size and time of all its files, and the digest of its header."""
    stats = []
    for file in read:
        below = sorted(found for found in file.rglob("*") if found.is_file()) if file.is_dir() else [file]
        stats += [[found.name, found.stat().st_size, found.stat().st_mtime_ns] for found in below]
    return {"uri": path.absolute().as_uri(), "files": stats, "header_sha256": header_sha256}


def write_plan(root: Path, document: Document) -> Plan:
    """Make a plan's folder, durable."""
    path = root / "tmp" / f"plan-{uuid.uuid4().hex[:12]}"
    files.make_folder(path)
    document = {"format": FORMAT, **document}
    files.write_new(path / _FILE, seal(document))
    files.sync_folder(path)
    files.sync_folder(path.parent)
    return Plan(path, document)


def read_plan(root: Path, name: str) -> Plan:
    """A plan by its id or path. Raises PlanError, FormatVersionError, CorruptManifestError."""
    found = Path(name).name
    path = root / "tmp" / found
    if not _NAME.fullmatch(found) or not (path / _FILE).exists():
        raise PlanError(f"{root}: no plan {found!r}; `varstore plan` makes one, and a commit removes it")
    document = unseal((path / _FILE).read_bytes(), path / _FILE)
    if document.get("format") != FORMAT:
        raise FormatVersionError(f"{path}: plan format {document.get('format')}, this varstore reads {FORMAT}")
    return Plan(path, document)


def same_plans(root: Path, wanted: Document) -> Iterator[Plan]:
    """Plans whose document has all that ``wanted`` has."""
    for path in sorted((root / "tmp").glob("plan-*")):
        with suppress(PlanError, FormatVersionError, CorruptManifestError, FileNotFoundError):
            plan = read_plan(root, path.name)
            if all(plan.document.get(key) == value for key, value in wanted.items()):
                yield plan


def is_leased(plan: Plan) -> bool:
    """Whether a process goes on with it."""
    try:
        with lease(plan):
            return False
    except PlanError:
        return True


def lease(plan: Plan) -> AbstractContextManager[None]:
    """Have a plan for oneself. Raises PlanError while another process has it."""
    return leases.locked(plan.path / leases.NAME, "this import")
