"""Changes of a repository that die or fail: what they are tried on, and what has to be true afterwards.

``Faults`` fails the n-th operation of ``varstore.storage.files``, through which all of storage writes. Run as a
program, this kills real processes: ``python tests/faults.py SCENARIO POINTS SEED`` prints what was tried as JSON.
"""

import errno
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import varstore as vs
import vcf_text
from varstore.storage import files, leases

OPERATIONS = [name for name, value in vars(files).items() if getattr(value, "__module__", "") == files.__name__]
KINDS = ("no space", "input/output", "short")
SITES = ("1\t11\t.\tA\tC", "1\t15\t.\tG\tT,GA", "22\t9\t.\tTC\tT")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# A process number that the system does not give.
NOBODY = 1 << 22


def write_people(path, names, seed, sites=SITES):
    """Write a small VCF of some people."""
    rng = random.Random(seed)
    head = vcf_text.make_vcf(0, 0, 0, contigs=("1", "22"), info=False, odd_alts=False)
    lines = [head.rstrip("\n") + "\tFORMAT\t" + "\t".join(names)]
    for site in sites:
        calls = [f"{rng.randint(0, site.count(',') + 1)}|{rng.choice('01.')}" for _ in names]
        lines.append("\t".join([site, ".", "PASS", ".", "GT", *calls]))
    return vcf_text.write_plain(path, "\n".join(lines) + "\n")


@dataclass(frozen=True)
class Scenario:
    """A change: the repository it begins with, and the change itself."""

    template: Path
    act: object


def prepare(folder, kind):
    """Make the scenario ``kind`` in a folder."""
    root = folder / "repo"
    first = write_people(folder / "first.vcf", ["A", "B"], 1)
    second = write_people(folder / "second.vcf", ["C", "D", "E"], 2, (*SITES[:2], "1\t40\t.\tC\tG", SITES[2]))
    vs.create(root, first).withdraw(["B"]).add(second)
    if kind == "add":
        third = write_people(folder / "third.vcf", ["F", "G"], 3, SITES[1:])
        return Scenario(root, lambda path: vs.open(path).add(third, threads=1))
    if kind == "withdraw":
        return Scenario(root, lambda path: vs.open(path).withdraw(["A", "D"]))
    if kind == "cohort":
        vs.open(root).define_cohort("gone", ["A"])
        return Scenario(root, lambda path: vs.open(path).define_cohort("some", "sample in ('C', 'E')"))
    if kind == "samples":
        table = folder / "people.tsv"
        table.write_text("sample\tage\tnote\nA\t3\tx\nD\t4\t\n")
        vs.open(root).set_samples({"sample": ["A", "C"], "age": ["old", "new"], "gone": [1, 2]})
        return Scenario(root, lambda path: vs.open(path).set_samples(table, drop=["gone"]))
    if kind == "overlays":
        vs.open(root).compact(threads=1)
        for age in (1, 2):
            vs.open(root).set_samples({"sample": ["A", "C"], "age": [age, None], "note": [None, str(age)]})
        return Scenario(root, lambda path: vs.open(path).compact(threads=1))
    if kind == "reindex":
        fasta = folder / "reference.fa"
        fasta.write_text(">other\nACGT\n")  # of no contig here: the keys are made again all the same
        return Scenario(root, lambda path: vs.open(path).reindex(reference=fasta))
    if kind == "compact":
        return Scenario(root, lambda path: vs.open(path).compact(threads=1))
    if kind == "purge":
        return Scenario(root, lambda path: vs.open(path).purge(threads=1))
    assert kind == "gc"
    vs.open(root).withdraw(["E"])
    make_garbage(root)
    return Scenario(root, lambda path: vs.open(path).gc(0, keep_versions=2))


def make_garbage(root):
    """Leave what dead processes leave: a part that no version names, staging with a lease, and a file."""
    for part in next((root / "batches").iterdir()), next((root / "samples").iterdir()):
        shutil.copytree(part, part.with_name("0123456789ab"))
    staging = root / "tmp" / "elsewhere-1-00000000"
    staging.mkdir(parents=True)
    (staging / leases.NAME).write_text(json.dumps({**leases.holder(), "pid": NOBODY}) + "\nbatches/0123456789ab\n")
    (staging / "half").write_bytes(b"half of a file")
    (root / "tmp" / "HEAD-0").write_bytes(b"half of HEAD")


def look(root):
    """What the versions of a repository answer, by number: its people, saved cohorts, and counts of everybody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {}
        for row in vs.open(root).log():
            repo = vs.open(root, version=row.version)
            saved = {name: cohort.samples for name, cohort in repo.saved_cohorts.items()}
            said = list(repo.sample_table().to_tsv())
            found[row.version] = (repo.samples, saved, said, list(repo.count_genotypes().to_tsv()))
        return found


def unneeded(root):
    """Files in staging, and parts that no version names."""
    named = {ref.path for version in vs.open(root).log() for ref in vs.open(root, version.version).manifest.part_refs}
    parts = [path for kind in ("batches", "derived", "samples") for path in (root / kind).iterdir()]
    return [*(root / "tmp").iterdir(), *(path for path in parts if path.relative_to(root).as_posix() not in named)]


class Dead(BaseException):
    """The process is gone: nothing may catch this and go on."""


def visible(root):
    """What there is for readers to open: every file that is not in staging, and whether it is still the same."""
    found = {}
    for folder, folders, names in os.walk(root):
        if folder == str(root):
            folders.remove("tmp")
        for name in names:
            file = os.stat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (file.st_ino, file.st_size, file.st_mtime_ns)
    return found


def renews():
    """Whether this is the thread that renews leases, by the clock: its operations are no step of a change."""
    return threading.current_thread().name == "leases"


class Operations:
    """Steps in on what a change does to files: operations of ``files``, counted from 1."""

    def __init__(self):
        self.count = 0

    @contextmanager
    def failing(self, monkeypatch, at, kind):
        """Fail operation ``at`` within this block, and if ``kind`` is "dead" all that follow."""

        def fail(name, real, arguments):
            if self.count != at and not (kind == "dead" and self.count > at):
                return real(*arguments)
            if name == "write_all" and kind in ("dead", "short") and self.count == at:
                descriptor, data = arguments
                real(descriptor, data[: len(data) // 2])
            if kind == "dead":
                raise Dead
            number = errno.EIO if kind == "input/output" else errno.ENOSPC
            raise OSError(number, os.strerror(number))

        with self._patched(monkeypatch, fail):
            yield

    @contextmanager
    def dying(self, monkeypatch, check):
        """Call ``check(number)`` with what a process leaves that dies before an operation, or half-way in writing.

        One that is gone does nothing more: what it leaves is what is there while the operation waits.
        """

        def die(name, real, arguments):
            check(self.count)
            if name != "write_all":
                return real(*arguments)
            descriptor, data = arguments
            real(descriptor, data[: len(data) // 2])
            check(self.count)
            return real(descriptor, data[len(data) // 2 :])

        with self._patched(monkeypatch, die):
            yield

    @contextmanager
    def _patched(self, monkeypatch, step):
        self.count = 0
        with monkeypatch.context() as patch:
            for name in OPERATIONS:
                patch.setattr(files, name, self._counted(name, getattr(files, name), step))
            patch.setattr(leases, "holder", lambda: {**HOLDER, "pid": NOBODY})
            yield

    def _counted(self, name, real, step):
        def operation(*arguments):
            if renews():
                return real(*arguments)
            self.count += 1
            return step(name, real, arguments)

        return operation


HOLDER = leases.holder()


def kill(kind, points, seed):
    """Kill ``points`` processes at random moments of a change; return what was tried. Asserts what has to be true."""
    rng = random.Random(seed)
    tried = {"killed": 0, "ended": 0, "before": 0, "after": 0}
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="varstore-") as name:
        folder = Path(name)
        scenario = prepare(folder, kind)
        before = look(scenario.template)
        whole = folder / "whole"
        shutil.copytree(scenario.template, whole)
        _, _, operations = _killed_at(lambda: scenario.act(whole), None, 0)
        after = look(whole)
        for point in range(points):
            root = folder / f"{point}"
            shutil.copytree(scenario.template, root)
            # Over all of the change, and then over its end, where the commit is.
            half = points // 2
            at = point * operations // half if point < half else operations - rng.randrange(min(operations, 20))
            acknowledged, ended, _ = _killed_at(lambda: scenario.act(root), at, rng.uniform(0, 0.001))  # noqa: B023
            tried["ended" if ended else "killed"] += 1
            found = look(root)
            assert found in (before, after), f"point {point}: a state that never was"
            assert found == after or not acknowledged, f"point {point}: an acknowledged change is lost"
            tried["after" if found == after else "before"] += 1
            leases.GRACE = 0
            if kind == "gc":
                scenario.act(root)
            else:
                vs.open(root).gc(0)
            assert unneeded(root) == [], f"point {point}: left behind"
            assert look(root) == (after if kind == "gc" else found)
            if point % 10 == 0:
                assert [problem for problem in vs.open(root).verify() if "HEAD" not in problem] == []
            shutil.rmtree(root)
    return tried


def _killed_at(act, at, delay):
    """Run in a child that is killed some seconds after it began its file operation number ``at``; None: let it be.

    Return whether it said that it was done, whether it had ended, and the operations it began.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for name in OPERATIONS:
                setattr(files, name, _told(getattr(files, name), writing))
            act()
            os.write(writing, b"!")
        finally:
            os._exit(0)
    os.close(writing)
    said = b""
    while not said.endswith(b"!") and (at is None or len(said) < at):
        said += os.read(reading, 1) or b"!"
    time.sleep(delay)
    ended = os.waitpid(child, 0 if at is None else os.WNOHANG)[0] == child
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    while more := os.read(reading, 4096):
        said += more
    os.close(reading)
    return b"!" in said, ended, said.count(b".")


def _told(real, writing):
    def operation(*arguments):
        os.write(writing, b".")
        return real(*arguments)

    return operation


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(kill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
