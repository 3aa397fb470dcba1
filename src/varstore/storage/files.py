"""The few file operations storage is made of, durable and in one place, so that tests can fail each.

Nothing else in storage writes, renames or removes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_SYNCING = 8  # files that are synced at a time


def write_new(path: Path, data: bytes | memoryview) -> None:
    """Create ``path`` with ``data``, synced to disk. Raises FileExistsError if it is there."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        write_all(descriptor, memoryview(data))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_unsynced(path: Path, data: bytes | memoryview) -> None:
    """Create ``path`` with ``data``; ``sync_files`` makes it durable. Raises FileExistsError if it is there."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        write_all(descriptor, memoryview(data))
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: memoryview) -> None:
    """Write every byte: the system may take less at a time."""
    while len(data):
        data = data[os.write(descriptor, data) :]


def append(path: Path, data: bytes | memoryview) -> None:
    """Write ``data`` behind what is in a file of staging, made if need be; ``sync_file`` makes it durable."""
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o666)
    try:
        write_all(descriptor, memoryview(data))
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make what was written to a file durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(paths: Iterable[Path]) -> None:
    """Make files durable: several at a time, which a file system with a journal writes at once."""
    every = list(paths)
    with ThreadPoolExecutor(_SYNCING, "sync") as pool:
        for _ in pool.map(_sync_in_turn, [every[i::_SYNCING] for i in range(_SYNCING)]):
            pass


def _sync_in_turn(paths: Iterable[Path]) -> None:
    for path in paths:
        sync_file(path)


def replace(source: Path, target: Path) -> None:
    """Rename over ``target``, and sync its folder."""
    os.replace(source, target)
    sync_folder(target.parent)


def link_new(source: Path, target: Path) -> None:
    """Give a synced file its name, if nobody has it: the commit. Raises FileExistsError."""
    os.link(source, target)
    sync_folder(target.parent)


def move_folder(source: Path, target: Path) -> None:
    """Rename a finished folder into place, and sync where it is now."""
    os.rename(source, target)
    sync_folder(target.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(path: Path) -> None:
    """Sync every folder below ``path``, and ``path``; their files are synced when written."""
    for folder, _, _ in os.walk(path):
        sync_folder(Path(folder))


def make_folder(path: Path) -> None:
    """Create a folder and those above it; it may be there."""
    path.mkdir(parents=True, exist_ok=True)


def rename(source: Path, target: Path) -> None:
    """Give a file of staging another name; its folder is synced later."""
    os.rename(source, target)


def remove(path: Path) -> None:
    """Remove a file; it may be gone."""
    path.unlink(missing_ok=True)


def touch(path: Path) -> None:
    """Give a file the time of now. Raises FileNotFoundError."""
    os.utime(path)


def remove_tree(path: Path) -> None:
    """Remove a folder of staging; it may be gone."""
    shutil.rmtree(path, ignore_errors=True)
