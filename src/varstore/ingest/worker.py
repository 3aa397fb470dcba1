"""htslib in a process of its own: whatever it does to that process, ours lives and says which record it was.

``run`` calls a generator function of this package in the worker, which is started when first needed and
used again, and gives out what it yields. The function calls ``at`` before each record. Requests and
answers are pickled; a crash is an InputError, and so is a record that takes longer than ``patience`` allows.
"""

from __future__ import annotations

import atexit
import importlib
import mmap
import os
import pickle
import selectors
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..errors import InputError, VarstoreError

HANG_SECONDS = 8.0  # for a record, and for its bytes what htslib needs at a rate that is slow for it
_BYTES_A_SECOND = 1 << 24
_START_SECONDS = 60.0  # until Python has loaded what it needs, on whatever machine
_POLLS = 8  # looks at what the worker does, within those seconds
_MAX_LINE, _MAX_RATIO = 1 << 30, 1032  # the longest line that is taken, and the most that deflate shrinks
_SIZE = struct.Struct("<Q")
_START = "import sys; sys.path[:0] = [{!r}]; from varstore.ingest.worker import serve; serve()"


def run(function: str, path: Path, *arguments: Any) -> Iterator[Any]:
    """What ``function(path, *arguments)`` yields in the worker.

    function : ``module:name`` within ``varstore.ingest``

    Raises InputError: what the function raises, or that htslib crashed or hangs, and on which record.
    """
    worker = _take()
    done = False
    try:
        yield from worker.run(function, path, arguments)
        done = True
    except VarstoreError:
        done = worker.is_idle
        raise
    finally:
        if done:
            _give_back(worker)
        else:
            worker.stop()


def one(function: str, path: Path, *arguments: Any) -> Any:
    """The one thing that ``function`` yields; see ``run``."""
    (result,) = run(function, path, *arguments)
    return result


def patience(path: Path) -> float:
    """Seconds that one record of a file may take: some, and more for the longest line that the file can hold."""
    try:
        with open(path, "rb") as file:
            is_compressed = file.read(2) == b"\x1f\x8b"
        size = path.stat().st_size
    except OSError:
        return HANG_SECONDS
    return HANG_SECONDS + min(size * _MAX_RATIO if is_compressed else size, _MAX_LINE) / _BYTES_A_SECOND


class _Worker:
    """The process, and the pipes to it."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(8))
            file.flush()
            self._record = mmap.mmap(file.fileno(), 8)  # number of the record it is at
            home = str(Path(__file__).resolve().parents[2])
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START.format(home), str(file.fileno())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=[file.fileno()],
            )  # fmt: skip
        self._to: IO[bytes] = self._process.stdin  # type: ignore[assignment]
        self._from: IO[bytes] = self._process.stdout  # type: ignore[assignment]
        self._patience = HANG_SECONDS
        self.is_idle = True

    def run(self, function: str, path: Path, arguments: tuple[Any, ...]) -> Iterator[Any]:
        """One call."""
        self._patience = patience(path)
        self._record[:] = bytes(8)
        self.is_idle = False
        try:
            _send(self._to, (function, path, arguments))
        except OSError:
            raise InputError(f"{path}: {self._end()}") from None
        while True:
            kind, value = self._receive(path)
            if kind == "item":
                yield value
                continue
            self.is_idle = True
            if kind == "error":
                raise value
            return

    def _receive(self, path: Path) -> tuple[str, Any]:
        try:
            size = _SIZE.unpack(self._read(_SIZE.size))[0]
            answer: tuple[str, Any] = pickle.loads(self._read(size))
        except (EOFError, TimeoutError) as error:
            number = struct.unpack("<q", self._record[:])[0]
            place = f"{path}, record {number}" if number > 0 else str(path)
            what = (
                f"htslib hangs: nothing for {self._patience:.3g} s" if isinstance(error, TimeoutError) else self._end()
            )
            raise InputError(f"{place}: {what}; the file is damaged, or too odd for htslib") from None
        return answer

    def _read(self, size: int) -> bytes:
        """Read so many bytes. Raises EOFError, or TimeoutError if neither bytes nor records come any more."""
        out = bytearray(size)
        view = memoryview(out)
        with selectors.DefaultSelector() as selector:
            selector.register(self._from, selectors.EVENT_READ)
            record, since = self._record[:], time.monotonic()
            while len(view):
                if selector.select(self._patience / _POLLS):
                    got = os.readv(self._from.fileno(), [view])
                    if got == 0:
                        raise EOFError
                    view, since = view[got:], time.monotonic()
                elif self._record[:] != record:
                    record, since = self._record[:], time.monotonic()
                elif time.monotonic() - since > (self._patience if any(record) else _START_SECONDS):
                    raise TimeoutError
        return bytes(out)

    def _end(self) -> str:
        """How the process ended."""
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "htslib closed its pipe"
        if status < 0:
            return f"htslib crashes on it ({signal.Signals(-status).name})"
        return f"htslib ended with status {status}"

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()
        self._record.close()


_idle: list[_Worker] = []
_lock = threading.Lock()


def _take() -> _Worker:
    """A worker that nobody uses, or a new one."""
    with _lock:
        while _idle:
            worker = _idle.pop()
            if worker.is_alive:
                return worker
            worker.stop()
    return _Worker()


def _give_back(worker: _Worker) -> None:
    """Keep a worker for the next call, and no more than one."""
    with _lock:
        if not _idle:
            _idle.append(worker)
            return
    worker.stop()


@atexit.register
def stop_all() -> None:
    """End the worker that is kept."""
    with _lock:
        while _idle:
            _idle.pop().stop()


if hasattr(os, "register_at_fork"):
    # A forked child must not talk to its parent's worker.
    os.register_at_fork(after_in_child=_idle.clear)


# In the worker

_READY = -1  # before the first record
_progress: mmap.mmap | None = None


def at(record: int) -> None:
    """Note that the record with this number, from 1, comes next."""
    if _progress is not None:
        _progress[:] = struct.pack("<q", record)


def serve() -> None:
    """Answer calls until the pipe is closed."""
    global _progress
    descriptor = int(sys.argv[1])
    _progress = mmap.mmap(descriptor, 8)
    os.close(descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    # Nothing else may write to the pipe: htslib's words go nowhere.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    while header := requests.read(_SIZE.size):
        request = pickle.loads(requests.read(_SIZE.unpack(header)[0]))
        try:
            _answer(answers, *request)
        except BrokenPipeError:
            return


def _answer(answers: IO[bytes], function: str, path: Path, arguments: tuple[Any, ...]) -> None:
    module, name = function.split(":")
    try:
        call = getattr(importlib.import_module(f"varstore.ingest.{module}"), name)
        at(_READY)
        for value in call(path, *arguments):
            _send(answers, ("item", value))
    except BrokenPipeError:
        raise
    except VarstoreError as error:
        _send(answers, ("error", error))
    except Exception as error:  # whatever cyvcf2 raises
        _send(answers, ("error", InputError(f"{path}: htslib cannot read it ({str(error) or type(error).__name__})")))
    else:
        _send(answers, ("end", None))


def _send(file: IO[bytes], value: Any) -> None:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    file.write(_SIZE.pack(len(data)))
    file.write(data)
    file.flush()
