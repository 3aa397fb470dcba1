"""What is kept of input files: name, size and SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any


class Digests:
    """Entries of input files, made in a thread of their own: begun before the rest of an import is even loaded."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._stopped = Event()
        self._pool = ThreadPoolExecutor(1, "digest")
        self._entries: dict[Path, Future[dict[str, Any]]] = {}
        for path in paths:
            self._entry(path)

    def entry(self, path: Path) -> dict[str, Any]:
        """Name, size and SHA-256 of a file; of a folder those of the list of its files, as a part's checksums."""
        return self._entry(path).result()

    def _entry(self, path: Path) -> Future[dict[str, Any]]:
        if path not in self._entries:
            self._entries[path] = self._pool.submit(self._read, path)
        return self._entries[path]

    def _read(self, path: Path) -> dict[str, Any]:
        if not path.is_dir():
            return {"name": path.name, "size": path.stat().st_size, "sha256": self._sha256(path)}
        listing, size = hashlib.sha256(), 0
        for file in sorted(found for found in path.rglob("*") if found.is_file()):
            length = file.stat().st_size
            listing.update(f"{self._sha256(file)} {length} {file.relative_to(path).as_posix()}\n".encode())
            size += length
        return {"name": path.name, "size": size, "sha256": listing.hexdigest()}

    def _sha256(self, path: Path) -> str:
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while not self._stopped.is_set() and (data := file.read(1 << 22)):
                digest.update(data)
        return digest.hexdigest()

    def __enter__(self) -> Digests:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)
