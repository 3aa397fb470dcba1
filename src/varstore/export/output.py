"""Where an export goes: a file written aside and renamed when it is whole, or a stream."""

from __future__ import annotations

import os
import shutil
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


def check_target(path: Path, *, force: bool) -> None:
    """Refuse what is there already. Raises QueryError."""
    if path.exists() and not force:
        raise QueryError(f"{path}: is there already; --force (force=True) replaces it")
    if not path.parent.is_dir():
        raise QueryError(f"{path}: there is no folder {path.parent}")


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
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            files.replace(path, target)
    except OSError as error:
        if isinstance(error, VarstoreError):
            raise
        raise WriteError(f"{targets[0]}: cannot be written ({error.strerror or error})") from None
    finally:
        for path in paths:
            files.remove_tree(path) if path.is_dir() else files.remove(path)


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
