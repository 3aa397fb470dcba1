"""A part: an immutable folder of files with a list of their sizes and SHA-256 digests.

The list is ``varstore/checksums`` in the part; the manifest holds the list's own digest.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from ..errors import CorruptRepositoryError, MissingFileError
from . import files, leases

CHECKSUMS = "varstore/checksums"


@dataclass(frozen=True)
class PartRef:
    """How a manifest names a part: its folder in the repository, and the digest of its checksums."""

    path: str
    checksums: str


class ReadablePart(Protocol):
    """A part that is there, or one in staging."""

    @property
    def folder(self) -> Path: ...
    @property
    def entries(self) -> dict[str, tuple[str, int]]: ...
    def has(self, name: str) -> bool: ...
    def read(self, name: str) -> bytes: ...


class PartWriter:
    """Writes the files of a new part into staging; safe from several threads."""

    def __init__(self, staging: Path) -> None:
        self.staging = staging
        self._entries: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()
        self._folders: set[Path] = set()
        files.make_folder(staging / "varstore")

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write one file, synced when the part is published, and remember its digest."""
        path = self.staging / name
        with self._lock:
            if path.parent not in self._folders:
                files.make_folder(path.parent)
                self._folders.add(path.parent)
        files.write_unsynced(path, data)
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._entries[name] = (digest, len(data))

    def rewrite(self, name: str, data: bytes) -> None:
        """Write a file again: staging is nobody else's yet."""
        files.remove(self.staging / name)
        self.write(name, data)

    def remove(self, name: str) -> None:
        """Take a file back."""
        files.remove(self.staging / name)
        with self._lock:
            del self._entries[name]

    def rename(self, old: str, new: str) -> None:
        """Give a file another name in its folder."""
        files.rename(self.staging / old, self.staging / new)
        with self._lock:
            self._entries[new] = self._entries.pop(old)

    def read(self, name: str) -> bytes:
        """A file written before."""
        return (self.staging / name).read_bytes()

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.staging

    @property
    def entries(self) -> dict[str, tuple[str, int]]:
        """Digest and size of every file so far, by name."""
        return self._entries

    def has(self, name: str) -> bool:
        """Whether a file was written."""
        return name in self._entries

    def size(self, prefix: str = "") -> int:
        """Bytes of the files whose name begins with ``prefix``."""
        return sum(size for name, (_, size) in self._entries.items() if name.startswith(prefix))

    def publish(self, root: Path, path: str) -> PartRef:
        """Write the checksums, sync everything, and rename the part to ``root / path``.

        The lease of the staging folder covers it there until a version names it.
        """
        lines = [f"{digest} {size} {name}\n" for name, (digest, size) in sorted(self._entries.items())]
        listing = "".join(lines).encode()
        files.write_new(self.staging / CHECKSUMS, listing)
        files.sync_files(self.staging / name for name in self._entries)
        files.sync_tree(self.staging)
        files.make_folder((root / path).parent)
        leases.claim(self.staging, path)
        files.move_folder(self.staging, root / path)
        return PartRef(path, hashlib.sha256(listing).hexdigest())


class Part:
    """A part as a reader sees it. Each file is checked the first time it is read."""

    def __init__(self, root: Path, ref: PartRef) -> None:
        self.ref = ref
        self.folder = root / ref.path
        self._checked: set[str] = set()

    @cached_property
    def entries(self) -> dict[str, tuple[str, int]]:
        """Digest and size of every file by name. Raises CorruptRepositoryError."""
        path = self.folder / CHECKSUMS
        try:
            listing = path.read_bytes()
        except FileNotFoundError:
            raise MissingFileError(f"{path}: the file is gone; `varstore verify` lists all damage") from None
        if hashlib.sha256(listing).hexdigest() != self.ref.checksums:
            raise CorruptRepositoryError(f"{path}: the checksum list is not what the manifest says")
        rows = (line.split(" ", 2) for line in listing.decode().splitlines())
        return {name: (digest, int(size)) for digest, size, name in rows}

    def has(self, name: str) -> bool:
        """Whether the part was written with this file."""
        return name in self.entries

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises MissingFileError, CorruptRepositoryError."""
        path = f"{self.folder}/{name}"
        if name not in self.entries:
            raise MissingFileError(f"{path}: no such file in this part")
        try:
            with open(path, "rb", buffering=0) as file:
                data = file.readall()
        except FileNotFoundError:
            raise MissingFileError(f"{path}: the file is gone; `varstore verify` lists all damage") from None
        if name not in self._checked:
            problem = self._compare(name, data)
            if problem:
                raise CorruptRepositoryError(f"{path}: {problem}; `varstore verify` lists all damage")
            self._checked.add(name)
        return data

    def _compare(self, name: str, data: bytes) -> str:
        digest, size = self.entries[name]
        if len(data) != size:
            return f"{len(data)} bytes, {size} were written"
        if hashlib.sha256(data).hexdigest() != digest:
            return "damaged: the SHA-256 digest is not the written one"
        return ""

    def problems(self) -> Iterator[str]:
        """Every file that is damaged, gone or not known, as a sentence."""
        try:
            names = self.entries
        except CorruptRepositoryError as error:
            yield str(error)
            return
        for name in names:
            try:
                problem = self._compare(name, (self.folder / name).read_bytes())
            except OSError as error:
                problem = f"cannot be read ({error.strerror})"
            if problem:
                yield f"{self.folder / name}: {problem}"
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and name not in names and name != CHECKSUMS:
                yield f"{path}: not a file of this part"
