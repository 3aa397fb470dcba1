"""Where an export goes: a file written aside and renamed when it is whole, or a stream."""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from ..errors import QueryError, VarstoreError, WriteError
from ..storage import files

T = TypeVar("T")
U = TypeVar("U")


def check_target(path: Path, *, force: bool, store: bool = False) -> None:
    """Refuse what is there already, and to replace a folder by anything but a store by a store. Raises QueryError."""
    if _is_device(path):
        return
    if path.exists() and not force:
        raise QueryError(f"{path}: is there already; --force (force=True) replaces it")
    is_store = (path / ".zgroup").is_file() or (path / "zarr.json").is_file()
    if path.is_dir() and not (store and is_store):
        raise QueryError(f"{path}: is a folder, and no VCF Zarr store to be replaced by another; give another name")
    if not path.parent.is_dir():
        raise QueryError(f"{path}: there is no folder {path.parent}")


def _is_device(path: Path) -> bool:
    """A pipe, a terminal or /dev/null: written as it stands."""
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def aside(*targets: Path) -> Iterator[list[Path]]:
    """Give a path beside each target to write to; they take their names at the end, or are gone.

    What is there is replaced. Raises WriteError.
    """
    mark = uuid.uuid4().hex[:8]
    paths = [target.with_name(f".{target.name}.{mark}.part") for target in targets]
    try:
        yield paths
        for path, target in zip(paths, targets, strict=True):
            _sync(path)
            _rename(path, target)
    except OSError as error:
        if isinstance(error, VarstoreError):
            raise
        raise WriteError(f"{targets[0]}: cannot be written ({error.strerror or error})") from None
    finally:
        for path in paths:
            files.remove_tree(path) if path.is_dir() else files.remove(path)


def _rename(path: Path, target: Path) -> None:
    """Give what is finished its name. A folder cannot be renamed over another: the old one stands aside until then."""
    if not target.is_dir() or target.is_symlink():
        files.replace(path, target)
        return
    old = path.with_suffix(".old")
    files.move_folder(target, old)
    try:
        files.replace(path, target)
    except BaseException:
        files.move_folder(old, target)
        raise
    files.remove_tree(old)


def _sync(path: Path) -> None:
    if path.is_dir():
        files.sync_tree(path)
        return
    with open(path, "rb") as file:
        os.fsync(file.fileno())


@contextmanager
def opened(target: Path | BinaryIO) -> Iterator[BinaryIO]:
    """A stream to write to: a file aside, or the stream that was given."""
    if not isinstance(target, Path):
        yield target
        target.flush()
        return
    if _is_device(target):
        with open(target, "wb") as file:
            yield file
        return
    with aside(target) as (path,), open(path, "wb") as file:
        yield file


def in_threads(function: Callable[[T], U], items: Iterable[T], threads: int) -> Iterator[U]:
    """Results in order, a few ahead of their reader and no more."""
    with ThreadPoolExecutor(threads, "export") as pool:
        running: deque[Future[U]] = deque()
        try:
            for item in items:
                running.append(pool.submit(function, item))
                while len(running) > threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
