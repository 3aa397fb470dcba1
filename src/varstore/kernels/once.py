"""Several processes with cold kernels: each kernel is compiled by one of them, the others wait and read what it kept.

numba keeps an index of a kernel's signatures in a file that it reads, changes and writes without a lock: two processes
that compile the same kernel do the work twice, and one of them may take the other's entry out.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from numba.core.compiler_lock import global_compiler_lock

if os.name == "posix":  # elsewhere each process compiles for itself
    import fcntl

_FILE = "varstore-kernels.lock"
_opened: dict[str, int] = {}


def one_process(dispatcher: Any) -> None:
    """Let ``dispatcher`` compile, or load what is compiled, while no other process does: a byte of a file is locked."""
    compile_it = dispatcher.compile
    function = dispatcher.py_func
    # Names on one byte wait for each other without need, no more.
    byte = zlib.crc32(f"{function.__module__}.{function.__qualname__}".encode()) >> 2

    def compile_once(signature: Any) -> Any:
        # numba's own lock first: threads of a process take the locks of kernels one after another.
        with global_compiler_lock, _locked(dispatcher.stats.cache_path, byte):
            return compile_it(signature)

    dispatcher.compile = compile_once


@contextmanager
def _locked(folder: str | None, byte: int) -> Iterator[None]:
    file = _file(folder) if folder and os.name == "posix" else -1
    if file < 0:
        yield
        return
    # A folder without locks, or a ring of processes that wait for each other, which the system tells: go on without.
    with suppress(OSError):
        fcntl.lockf(file, fcntl.LOCK_EX, 1, byte)
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)


def _file(folder: str) -> int:
    """The open lock file of a folder of kernels, or -1 where none can be made."""
    if folder not in _opened:
        try:
            _opened[folder] = os.open(os.path.join(folder, _FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            _opened[folder] = -1
    return _opened[folder]
