"""What no version needs: parts that no manifest names, staging of processes that are gone, dropped manifests.

Three things protect: a live lease, youth, and a kept manifest. The order of looking matters. Parts are listed first,
then leases read, then manifests: a part without a lease was committed before its lease went, and is named by then.
"""

from __future__ import annotations

import os
import re
import stat
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import MissingFileError, NotARepositoryError
from . import files, leases
from .manifest import Manifest, check_writable, drop, manifest_path, read_newest, read_version, versions

_ID = re.compile(r"[0-9a-f]{12}(-[a-z]+)?")
_STAGING = "tmp"
_MANIFESTS = "manifests"


@dataclass(frozen=True)
class Garbage:
    """Something that is not needed, or was removed.

    path : relative to the repository    reason : why it is not needed
    """

    path: str
    num_bytes: int
    reason: str


@dataclass(frozen=True)
class _Entry:
    """A folder or file as found: newest time in it, and bytes."""

    path: str
    time: float
    num_bytes: int


def find(root: Path, mine: Path, older_than: float, now: float, first_version: int) -> list[Garbage]:
    """What can go, manifests first.

    mine : staging of who asks    older_than : seconds that something has to be old
    now : time, as the file system tells it
    first_version : the oldest version that is to be kept
    Raises CorruptManifestError, FormatVersionError: what is named cannot be told if a kept manifest cannot be read.
    """
    parts = list(_parts(root))
    staging = [_entry(root, path) for path in sorted((root / _STAGING).glob("*")) if path != mine]
    claimed: set[str] = set()
    protected: set[str] = set()
    for entry in staging:
        lease = leases.read(root / entry.path / leases.NAME)
        if lease is not None and lease.is_live(now, older_than):
            protected.add(entry.path)
            claimed.update(lease.claims)
    found = [
        Garbage(entry.path, entry.num_bytes, "staging of a process that is gone")
        for entry in staging
        if entry.path not in protected and _is_old(root, entry, now, older_than)
    ]
    kept, dropped = _manifests(root, first_version)
    named = {ref.path for manifest in kept for ref in manifest.part_refs}
    found += [
        Garbage(entry.path, entry.num_bytes, "no version names it")
        for entry in parts
        if entry.path not in named | claimed and now - entry.time >= older_than
    ]
    return [*dropped, *found]


def _is_old(root: Path, entry: _Entry, now: float, older_than: float) -> bool:
    """Whether staging without a live lease may go; where there is no lease it may be about to be written."""
    lease = leases.read(root / entry.path / leases.NAME)
    return now - entry.time >= (older_than if lease and lease.host else max(older_than, leases.GRACE))


def _manifests(root: Path, first_version: int) -> tuple[list[Manifest], list[Garbage]]:
    """The manifests that are kept, and those that are not."""
    newest = read_newest(root)
    if newest is None:
        raise NotARepositoryError(f"{root}: the repository has no version yet: its creation did not end")
    check_writable(root, newest)
    first_version = max(first_version, newest.first_version)
    dropped, kept = [], [newest]
    for version in versions(root):
        if version < first_version:
            entry = _entry(root, manifest_path(root, version))
            dropped.append(Garbage(entry.path, entry.num_bytes, "the version is dropped"))
        elif version < newest.version:
            try:
                kept.append(read_version(root, version))
            except MissingFileError:
                now = read_newest(root)
                if now is None or version >= now.first_version:  # else another process dropped it
                    raise
    return kept, dropped


def _parts(root: Path) -> Iterator[_Entry]:
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and folder.name not in (_STAGING, _MANIFESTS):
            yield from (_entry(root, part) for part in sorted(folder.iterdir()) if _ID.fullmatch(part.name))


def _entry(root: Path, path: Path) -> _Entry:
    newest, num_bytes = 0.0, 0
    below = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in (".", *names))
    for each in [os.fspath(path), *below]:
        with suppress(FileNotFoundError):  # its owner is at work
            status = os.lstat(each)
            newest = max(newest, status.st_mtime)
            num_bytes += 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return _Entry(_relative(root, path), newest, num_bytes)


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def remove(root: Path, found: Garbage, staging: Path) -> None:
    """Remove one thing. Folders go to ``staging`` first, so that nothing takes half of one for a whole."""
    path = root / found.path
    if path.parent.name == _MANIFESTS:
        drop(root, int(path.stem))
    elif path.is_dir():
        aside = staging / uuid.uuid4().hex
        try:
            files.rename(path, aside)
        except FileNotFoundError:
            return  # another process removed it
        files.remove_tree(aside)
    else:
        files.remove(path)


def droppable(root: Path, keep: int, older_than: float, now: float) -> int:
    """The oldest version that is kept when ``keep`` are, those that only dropped others not counted.

    A version that was the newest within ``older_than`` is kept too: somebody may have it open.
    """
    newest = read_newest(root)
    first = newest.first_version if newest else 1
    there = [version for version in versions(root) if version >= first]
    counted = [version for version in there if read_version(root, version).document["provenance"]["action"] != "gc"]
    if len(counted) <= keep:
        return first
    lowest = counted[-keep]
    for version in there:
        following = manifest_path(root, version + 1)
        if version < lowest and not (following.exists() and now - following.stat().st_mtime >= older_than):
            return version
    return lowest
