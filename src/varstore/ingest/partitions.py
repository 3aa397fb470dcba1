"""Partitions: the stretches of its inputs that a large import is cut into, each scanned once and spooled.

A partition does not know how many records come before it, so it has no chunks of the batch: it has what the scanner
made of its lines. The import reads partitions in order, from spools or from the file.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import PlanError
from ..storage import files
from . import scanning
from .bcf import SLAB, BcfFile, BcfPiece
from .inputs import Input
from .records import ScanPlan, ScanResult
from .scanning import Task
from .sort import SortedText
from .spool import Spool, SpoolWriter
from .text import PIECE_SIZE, Cut, TextFile

PARTITION_SIZE = 1 << 29  # uncompressed bytes
# Up to here an import in one go begins again when it was killed: spools would take longer than they save.
SPOOLED_SIZE = 1 << 32
_WAITING = 3  # results that may wait to be spooled

# Where a partition is: the cuts of its pieces, the place of its first record in a BCF, or None for a whole input.
Place = Any


def is_divisible(source: Input) -> bool:
    """Whether an input can be entered in the middle."""
    return isinstance(source.text, TextFile | BcfFile) and source.text.kind != "gzip"


def are_spooled(inputs: Sequence[Input]) -> bool:
    """Whether inputs are together so large that they are spooled; where a size is not known, the file's counts."""
    left = SPOOLED_SIZE
    for source in inputs:
        if isinstance(source.text, TextFile | BcfFile) and source.text.kind == "bgzf":
            size = 0
            for offsets in source.text.walks():
                size = int(offsets[1, -1])
                if size > left:
                    return True
            left -= size
        else:
            left -= sum(path.stat().st_size for path in source.files)
        if left < 0:
            return True
    return False


def places(source: Input) -> Iterator[Place]:
    """The partitions of an input, the same for the same file. Raises TruncatedInputError, InputError."""
    if not is_divisible(source):
        yield None
    elif isinstance(source.text, BcfFile):
        place: tuple[int, int] | None = source.text.first_record
        while place is not None:
            yield list(place)
            following = None
            for piece in _bcf_pieces(source.text, place):
                following = piece.following
            place = following
    else:
        assert isinstance(source.text, TextFile)
        yield from _groups(source.text)


def _bcf_pieces(text: BcfFile, begin: tuple[int, int], pool: ThreadPoolExecutor | None = None) -> Iterator[BcfPiece]:
    """The pieces of the partition that begins there; ``pool`` inflates them."""
    return text.pieces(min(SLAB, PARTITION_SIZE), begin, PARTITION_SIZE, pool)


def _groups(text: TextFile) -> Iterator[list[Cut]]:
    """Cuts of neighbouring pieces, of a partition's size together."""
    group: list[Cut] = []
    for cut in text.cuts(min(PIECE_SIZE, PARTITION_SIZE)):
        group.append(cut)
        if cut.end - group[0].begin >= PARTITION_SIZE:
            yield group
            group = []
    if group:
        yield group


class Partition:
    """One partition of an input, to be scanned.

    following : after its tasks were given out, where the next partition of a BCF begins
    """

    def __init__(self, source: Input, number: int, place: Place) -> None:
        self.source, self.number, self.place = source, number, place
        self.following: tuple[int, int] | None = None

    def tasks(self, plan: ScanPlan, pool: ThreadPoolExecutor) -> Iterator[Task]:
        """Its pieces; ``pool`` inflates a BCF. Raises InputError and its kinds."""
        text = self.source.text
        if self.place is None:
            yield from scanning.whole(self.source, plan, pool)
        elif isinstance(text, BcfFile):
            at, num_before = self.place
            for piece in _bcf_pieces(text, (at, num_before), pool):
                self.following = piece.following
                yield Task(self.number, piece)
        else:
            assert isinstance(text, TextFile)
            for cut in self.place:
                yield Task(self.number, text.piece(Cut(*cut)))


def spool_path(folder: Path, source: int, number: int) -> Path:
    """Where the spool of a partition of the input number ``source`` is."""
    return folder / f"{source:04d}-{number:06d}.spool"


class Spools:
    """The spools of one import.

    inputs : in the order of the plan
    num_partitions : of each input, all of them spooled; None: what is not there is scanned now, and spooled in a
        thread of its own
    """

    def __init__(self, folder: Path, inputs: Sequence[Input], num_partitions: Sequence[int] | None = None) -> None:
        self.folder, self._num = folder, num_partitions
        self._number = {id(source): i for i, source in enumerate(inputs)}
        self._thread = ThreadPoolExecutor(1, "spool")
        self._waiting: deque[Future[None]] = deque()

    def close(self) -> None:
        """Wait until what was handed over is written."""
        self._thread.shutdown(wait=True)

    def results(self, source: Input, plan: ScanPlan, pool: ThreadPoolExecutor, threads: int) -> Iterator[ScanResult]:
        """What comes out of an input's pieces, in order. Raises InputError and its kinds, PlanError."""
        if id(source) not in self._number or isinstance(source.text, SortedText):
            yield from (result for _, result in scanning.run(scanning.whole(source, plan, pool), plan, pool, threads))
            return
        number = self._number[id(source)]
        scanned: dict[int, Partition] = {}
        writer: SpoolWriter | None = None
        current = -1
        try:
            tasks = self._tasks(source, number, plan, scanned, pool)
            for task, result in scanning.run(tasks, plan, pool, threads):
                if writer is not None and task.partition != current:
                    self._later(writer.finish, scanned[current].following)
                    writer = None
                if not task.spooled:
                    current = task.partition
                    writer = writer or SpoolWriter(spool_path(self.folder, number, current), self.folder.name)
                    self._later(writer.put, result, plan.formats)
                yield result
            if writer is not None:
                self._later(writer.finish, scanned[current].following)
                writer = None
        finally:
            if writer is not None:
                self._abandon(writer)

    def _abandon(self, writer: SpoolWriter) -> None:
        """Remove a spool that nobody goes on with, behind what is still being written to it."""
        try:
            self._thread.submit(writer.abandon)
        except RuntimeError:  # closed: nothing is being written
            writer.abandon()

    def _later(self, function: Any, *arguments: Any) -> None:
        """Do it in the spooling thread; raise what failed there before."""
        self._waiting.append(self._thread.submit(function, *arguments))
        while self._waiting and (len(self._waiting) > _WAITING or self._waiting[0].done()):
            self._waiting.popleft().result()

    def _tasks(
        self, source: Input, number: int, plan: ScanPlan, scanned: dict[int, Partition], pool: ThreadPoolExecutor
    ) -> Iterator[Task]:
        if self._num is not None:
            for i in range(self._num[number]):
                yield from _loads(Spool(spool_path(self.folder, number, i), self.folder.name), i, plan)
            return
        if isinstance(source.text, BcfFile) and is_divisible(source):
            yield from self._bcf_tasks(source, number, plan, scanned, pool)
            return
        for i, place in enumerate(places(source)):
            spool = self._spool(number, i)
            scanned[i] = Partition(source, i, place)
            yield from scanned[i].tasks(plan, pool) if spool is None else _loads(spool, i, plan)

    def _bcf_tasks(
        self, source: Input, number: int, plan: ScanPlan, scanned: dict[int, Partition], pool: ThreadPoolExecutor
    ) -> Iterator[Task]:
        """A BCF is cut as it is read: where a partition begins, the one before it knows."""
        assert isinstance(source.text, BcfFile)
        place: tuple[int, int] | None = source.text.first_record
        for i in itertools.count():
            if place is None:
                return
            spool = self._spool(number, i)
            if spool is not None:
                yield from _loads(spool, i, plan)
                place = spool.following
                continue
            scanned[i] = Partition(source, i, place)
            yield from scanned[i].tasks(plan, pool)
            place = scanned[i].following

    def _spool(self, source: int, number: int) -> Spool | None:
        """A finished partition; None where it has to be scanned. A damaged one is removed."""
        path = spool_path(self.folder, source, number)
        if not path.exists():
            return None
        try:
            return Spool(path, self.folder.name)
        except PlanError:
            files.remove(path)
            return None


def _loads(spool: Spool, number: int, plan: ScanPlan) -> Iterator[Task]:
    for block in range(len(spool)):
        yield Task(number, load=partial(spool.load, block, plan.formats), spooled=True)
