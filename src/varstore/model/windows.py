"""Windows along contigs: of so many bases, or of so many sites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from .regions import END_OF_CONTIG, Region

Integers = NDArray[np.int64]
_SIZE = re.compile(r"([0-9][0-9,]*)(?:\s*([kKmM])?(?:bp?)?)?")
# More rows than anybody reads: a window of a few bases over a genome is a mistake.
_MOST = 10_000_000


@dataclass(frozen=True)
class Windows:
    """How a stretch of sites is cut.

    size, step : bases, or sites where ``of_sites``; size None: not at all
    each : every region (or contig) by itself; without it, and without a size, all regions are one
    """

    size: int | None = None
    step: int | None = None
    of_sites: bool = False
    each: bool = False

    @classmethod
    def of(cls, window: int | str | None, window_sites: int | None, step: int | str | None) -> Windows:
        """What a question says: bases (``100_000`` or ``"100kb"``) or ``"each"``, or sites. Raises QueryError."""
        if window is not None and window_sites is not None:
            raise QueryError("give a window in bases or in sites, not both")
        if step is not None and (window in (None, "each")) and window_sites is None:
            raise QueryError("a step needs the size of a window")
        if window_sites is not None:
            return cls(_size(window_sites, "window"), _size(step, "step") if step else None, of_sites=True)
        if window in (None, "each"):
            return cls(each=window == "each")
        return cls(_size(window, "window"), _size(step, "step") if step is not None else None)


def _size(text: int | str | None, what: str) -> int:
    found = _SIZE.fullmatch(str(text).strip())
    size = (
        int(found[1].replace(",", "")) * {"k": 1_000, "m": 1_000_000}.get((found[2] or "").lower(), 1) if found else 0
    )
    if size < 1:
        raise QueryError(f"{what} {text!r}: expected a number above 0, like 100000, 100kb or 1Mb")
    return size


@dataclass(frozen=True)
class Cut:
    """Windows over some sites.

    contig : (windows,) its index; -1: of several regions    start, end : 1-based, closed; 0: of several regions
    num_bases : (windows,) how long they are    first, last : of the sites in each, the last not included
    """

    contig: Integers
    start: Integers
    end: Integers
    num_bases: Integers
    first: Integers
    last: Integers


def cut(contig: Integers, position: Integers, regions: Sequence[Region] | None, windows: Windows) -> Cut:
    """Windows over sites in order.

    contig, position : (sites,) index and 1-based position, ascending    regions : that were asked for; None: all

    A site is where its POS is; one that begins before its region is at the region's beginning. Raises QueryError.
    """
    stretches = _stretches(contig, position, regions)
    if not windows.each and windows.size is None:
        return _one(stretches)
    parts = [_of_stretch(stretch, position, windows) for stretch in stretches]
    columns = [np.concatenate([np.zeros(0, np.int64), *each]) for each in zip(*parts, strict=True)] or [
        np.zeros(0, np.int64) for _ in range(6)
    ]
    return Cut(*columns)


@dataclass(frozen=True)
class _Stretch:
    """A region, or a contig as far as it has sites: 0-based, half-open.

    first, last : its sites, the last not included    open : it has no end of its own    whole : nor a beginning
    """

    contig: int
    start: int
    end: int
    first: int
    last: int
    open: bool
    whole: bool


def _stretches(contig: Integers, position: Integers, regions: Sequence[Region] | None) -> list[_Stretch]:
    if regions is None:
        regions = [Region(int(number), 0, END_OF_CONTIG) for number in np.unique(contig)]
    out, done = [], 0
    for region in regions:
        low, high = np.searchsorted(contig, [region.contig, region.contig + 1])
        last = int(low + np.searchsorted(position[low:high], region.end, side="right"))
        # Of those that begin before it some are of the region before.
        first = max(done, int(low))
        done = max(last, first)
        start, end, is_open = region.start, region.end, region.end >= END_OF_CONTIG
        is_whole = start == 0 and is_open and done > first
        if is_whole:
            start = int(position[first]) - 1
        if is_open:
            end = int(position[done - 1]) if done > first else start
        out.append(_Stretch(region.contig, start, end, first, done, is_open, is_whole))
    return out


def _one(stretches: Sequence[_Stretch]) -> Cut:
    """All stretches as one window."""
    bases = sum(each.end - each.start for each in stretches)
    alone = stretches[0] if len(stretches) == 1 else None
    values = (
        (alone.contig, alone.start + 1, alone.end) if alone else (-1, 0, 0),
        (bases, stretches[0].first if stretches else 0, stretches[-1].last if stretches else 0),
    )
    return Cut(*(np.array([value], np.int64) for value in (*values[0], *values[1])))


def _of_stretch(stretch: _Stretch, position: Integers, windows: Windows) -> tuple[Integers, ...]:
    """Columns of ``Cut`` of the windows in one stretch."""
    if windows.size is None:
        start, end = (np.array([value], np.int64) for value in (stretch.start, stretch.end))
        first, last = (np.array([value], np.int64) for value in (stretch.first, stretch.last))
    elif windows.of_sites:
        begin, stop = _steps(stretch.first, stretch.last, windows.size, windows.step)
        first, last = begin, np.minimum(stop, stretch.last)
        start, end = position[first] - 1, position[last - 1]
    else:
        low, step = stretch.start, windows.step or windows.size
        if stretch.whole:
            # They are counted from the contig's first base, so that they are the same whatever sites there are.
            low = max(0, (low - windows.size) // step + 1) * step
        start, end = _steps(low, stretch.end, windows.size, windows.step)
        end = end if stretch.open else np.minimum(end, stretch.end)
        at = np.maximum(position[stretch.first : stretch.last], stretch.start + 1)
        first = stretch.first + np.searchsorted(at, start, side="right")
        last = stretch.first + np.searchsorted(at, end, side="right")
    return np.full(len(start), stretch.contig), start + 1, end, end - start, first, last


def _steps(low: int, high: int, size: int, step: int | None) -> tuple[Integers, Integers]:
    """Beginnings and ends of windows from ``low`` on; the last is the first that reaches ``high``."""
    step = step or size
    if (high - low) // step > _MOST:
        raise QueryError(f"windows of {size:,} make more than {_MOST:,} rows; ask for larger ones, or for a region")
    start = np.arange(low, high, step, dtype=np.int64)
    start = start[: np.count_nonzero(start[:-1] + size < high) + 1]
    return start, start + size
