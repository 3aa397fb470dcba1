"""Leases: how a process says that staging, or a part that no version names yet, is its own.

A lease is a file with a line of JSON (``host``, ``boot``, ``pid``, ``started``), then a line for each part that its
holder has published and not committed. The file's time is when the lease was last renewed: a process that is gone
from this machine frees its leases at once, one of another machine when its renewals have stopped.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import PlanError, WriteError
from . import files

NAME = "lease"
# Seconds between renewals, without renewal before another machine's lease is taken for stale, and in which nothing is
# taken for stale: a lease may be about to be written, or its machine be slow.
RENEWAL = 60.0
SILENCE = 24 * 3600.0
GRACE = 600.0


@cache
def _boot() -> str | None:
    """What tells machines and containers of one name apart; None where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def started(pid: int) -> int | None:
    """When a process began, in ticks since the machine did; None where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def holder() -> dict[str, str | int | None]:
    """This process, as a lease names it."""
    return {"host": os.uname().nodename, "boot": _boot(), "pid": os.getpid(), "started": started(os.getpid())}


@dataclass(frozen=True)
class Lease:
    """A lease as found.

    host, pid, boot, started : of the process that has it; host None where nobody has it, or the file is damaged
    claims : paths of parts, relative to the repository    renewed : time of the last renewal, in seconds
    """

    host: str | None
    pid: int
    boot: str | None
    started: int | None
    claims: tuple[str, ...]
    renewed: float

    def is_live(self, now: float, silence: float = SILENCE) -> bool:
        """Whether its holder may still be at work. silence : for how long another machine's may go unrenewed"""
        if self.host is None:
            return False
        if self.host != os.uname().nodename or self.boot not in (None, _boot()):
            return now - self.renewed < max(silence, GRACE)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return started(self.pid) == self.started


def read(path: Path) -> Lease | None:
    """The lease in a file; None: no such file."""
    try:
        data, renewed = path.read_bytes(), path.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _parse(data, renewed)


def _parse(data: bytes, renewed: float) -> Lease:
    first, _, rest = data.partition(b"\n")
    claims = tuple(line for line in rest.decode(errors="replace").split("\n") if line)
    try:
        found = json.loads(first)
        return Lease(found["host"], int(found["pid"]), found.get("boot"), found["started"], claims, renewed)
    except (ValueError, KeyError, TypeError):
        return Lease(None, 0, None, None, claims, renewed)


def take(folder: Path) -> None:
    """Put a lease of this process into a folder of its own, and renew it as long as it is there."""
    files.write_new(folder / NAME, _line())
    _RENEWER.add(folder / NAME)


def _line() -> bytes:
    return json.dumps(holder()).encode() + b"\n"


def claim(staging: Path, path: str) -> None:
    """Say, in the lease of a staging folder above ``staging``, that a part is about to be published at ``path``.

    Raises WriteError where the lease is gone: the staging was taken for that of a dead process.
    """
    folder = next((above for above in (staging, *staging.parents) if above.parent.name == "tmp"), None)
    if folder is None or not (folder / NAME).exists():
        raise WriteError(f"{staging}: its lease is gone; was it removed by `varstore gc` while this process slept?")
    files.append(folder / NAME, f"{path}\n".encode())


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Have a lease that many processes may want, one at a time. Raises PlanError while another process has it.

    what : name of what is leased, for the error
    The lock goes with the process that has it; what is in the file serves where locks do nothing, and names it.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    except FileNotFoundError:
        raise PlanError(f"{path.parent}: the plan is gone: another process has committed it") from None
    try:
        held = _parse(os.pread(descriptor, 4096, 0), os.fstat(descriptor).st_mtime)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _in_use(path, held, what) from None
        except OSError:
            pass  # a file system without locks
        if held.is_live(time.time()):
            raise _in_use(path, held, what)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _line(), 0)
        _RENEWER.add(path)
        try:
            yield
        finally:
            _RENEWER.discard(path)
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _in_use(path: Path, held: Lease, what: str) -> PlanError:
    who = "another process" if held.host is None else f"process {held.pid} on {held.host}"
    work = f"is at work on {what}"
    if held.host not in (None, os.uname().nodename):  # from here nobody can ask whether it lives
        work += ", or was when its host went down"
    return PlanError(f"{path.parent}: {who} {work}; wait for it, or if it is gone remove {path}")


class _Renewer:
    """One thread that renews the leases of this process."""

    def __init__(self) -> None:
        self._paths: set[Path] = set()
        self._lock = threading.Lock()
        self._runs = False

    def add(self, path: Path) -> None:
        with self._lock:
            self._paths.add(path)
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="leases", daemon=True).start()

    def discard(self, path: Path) -> None:
        with self._lock:
            self._paths.discard(path)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(RENEWAL):
            self.renew()
            with self._lock:
                if not self._paths:
                    self._runs = False
                    return

    def renew(self) -> None:
        """Renew every lease that is there; forget the others."""
        for path in list(self._paths):
            try:
                files.touch(path)
            except OSError:
                self.discard(path)

    def forget(self) -> None:
        """In a forked child: the leases are the parent's, and the thread did not come along."""
        self._paths, self._lock, self._runs = set(), threading.Lock(), False


_RENEWER = _Renewer()
os.register_at_fork(after_in_child=_RENEWER.forget)
