"""Pieces of an input through the scanner, in threads, a few ahead; results in the order of the pieces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from .bcf import BcfFile
from .records import PieceScanner, ScanPlan, ScanResult
from .text import Preparable

if TYPE_CHECKING:
    from .inputs import Input


@dataclass(frozen=True)
class Task:
    """What one thread does for one result: scan a piece, or call ``load``.

    partition : number of the partition it belongs to    spooled : it is from a spool already
    """

    partition: int
    piece: Preparable | None = None
    load: Callable[[], ScanResult] | None = None
    spooled: bool = False


def run(
    tasks: Iterable[Task], plan: ScanPlan, pool: ThreadPoolExecutor, threads: int
) -> Iterator[tuple[Task, ScanResult]]:
    """Run tasks in ``pool``, one more than ``threads`` ahead; give out tasks and results in order."""
    scanners: SimpleQueue[PieceScanner] = SimpleQueue()
    running: deque[tuple[Task, Future[ScanResult]]] = deque()
    ploidy = 1

    def work(task: Task) -> ScanResult:
        if task.load is not None:
            return task.load()
        assert task.piece is not None
        try:
            scanner = scanners.get_nowait()
        except Empty:
            scanner = PieceScanner(plan, ploidy)
        result = scanner.scan(task.piece)
        task.piece.done()
        scanners.put(scanner)
        return result

    def take() -> tuple[Task, ScanResult]:
        nonlocal ploidy
        task, future = running.popleft()
        result = future.result()
        ploidy = max([ploidy, *(records.sets.ploidy for records in result.records)])
        return task, result

    for task in tasks:
        running.append((task, pool.submit(work, task)))
        while len(running) > threads:
            yield take()
    while running:
        yield take()


def whole(source: Input, plan: ScanPlan, pool: ThreadPoolExecutor | None = None) -> Iterator[Task]:
    """All of an input as one partition; ``pool`` inflates a BCF."""
    if source.source is None:
        assert source.text is not None
        pieces = source.text.pieces(pool=pool) if isinstance(source.text, BcfFile) else source.text.pieces()
        for piece in pieces:
            yield Task(0, piece)
        return
    for records in source.source.records(plan):
        yield _given(ScanResult([records], 0))
    yield _given(ScanResult([], source.size))


def _given(result: ScanResult) -> Task:
    return Task(0, load=lambda: result)
