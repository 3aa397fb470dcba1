"""Parts of intervals: where on which contig the people of a batch are callable, one set for all or one a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from .arrays import GROUP, ArraySpec, StoredArray, write_whole
from .fields import read_slice
from .parts import Part, PartWriter

_CHUNK = 1 << 18
_START = ArraySpec(
    "interval_start", "<i4", ("intervals",), "First position of an interval, 0-based",
    filters=[{"id": "delta", "dtype": "<i4"}, {"id": "shuffle", "elementsize": 4}],
)  # fmt: skip
_LENGTH = ArraySpec("interval_length", "<i4", ("intervals",), "Positions of an interval")
_COUNT = ArraySpec("interval_count", "<i4", ("contigs", "sets"), "Intervals of each set on each contig")
_SET = ArraySpec("sample_set", "<i4", ("samples",), "The set of intervals in which a sample is callable")
_CONTIG = ArraySpec("contig_id", "|O", ("contigs",))


@dataclass(frozen=True)
class Intervals:
    """Intervals of one contig, set after set.

    first : (sets + 1,) int64, where each set's begin    start, end : int64, 0-based, half-open; ascending in a set
    """

    first: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]


def merge_intervals(
    group: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sort intervals by group and start, and join what overlaps or touches."""
    order = np.lexsort((start, group))
    group, start, end = group[order], start[order], end[order]
    # Groups far apart, so that one running maximum does for all.
    low, high = start + (group << 32), np.maximum.accumulate(end + (group << 32))
    new = np.ones(len(group), np.bool_)
    new[1:] = low[1:] > high[:-1]
    firsts = np.flatnonzero(new)
    lasts = np.append(firsts[1:], len(group))[: len(firsts)] - 1
    return group[firsts], start[firsts], high[lasts] - (group[firsts] << 32)


def write_coverage(
    part: PartWriter, contigs: Sequence[str], num_sets: int, sample_set: NDArray[np.int64],
    intervals: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> int:  # fmt: skip
    """Write sets of intervals; return how many intervals there are.

    sample_set : (samples,) the set of each sample
    intervals : group (contig number x num_sets + set), start and end, 0-based, half-open; in any order
    """
    group, start, end = merge_intervals(*intervals)
    count = np.bincount(group, minlength=len(contigs) * num_sets).reshape(len(contigs), num_sets)
    write_whole(part, _CONTIG, list(contigs))
    write_whole(part, _COUNT, count.astype(np.int32))
    write_whole(part, _START, start.astype(np.int32), _CHUNK)
    write_whole(part, _LENGTH, (end - start).astype(np.int32), _CHUNK)
    write_whole(part, _SET, sample_set.astype(np.int32), 65536)
    part.write(".zgroup", GROUP)
    return len(group)


class Coverage:
    """A part of intervals as a reader sees it; contigs are read when they are asked for."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._place = {str(name): i for i, name in enumerate(StoredArray(part, _CONTIG.name).read())}
        self._count = StoredArray(part, _COUNT.name).read().astype(np.int64)
        self._start, self._length = StoredArray(part, _START.name), StoredArray(part, _LENGTH.name)
        self.sample_set = StoredArray(part, _SET.name).read().astype(np.int64)
        self._kept: dict[str, Intervals] = {}
        count, sets = self._count, self.sample_set
        if (
            count.ndim != 2
            or len(count) != len(self._place)
            or count.min(initial=0) < 0
            or self._start.shape != (count.sum(),)
            or self._length.shape != self._start.shape
            or ((sets < 0) | (sets >= count.shape[1])).any()
        ):
            raise CorruptRepositoryError(f"{part.folder}: impossible sets of intervals")

    @property
    def num_sets(self) -> int:
        return int(self._count.shape[1])

    def intervals(self, contig: str) -> Intervals:
        """Those of one contig, as the batch names it. Raises CorruptRepositoryError."""
        if contig not in self._kept:
            self._kept[contig] = self._read(contig)
        return self._kept[contig]

    def _read(self, contig: str) -> Intervals:
        if contig not in self._place:
            return Intervals(np.zeros(self.num_sets + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))
        place = self._place[contig]
        begin = int(self._count[:place].sum())
        first = np.concatenate(([0], np.cumsum(self._count[place])))
        stop = begin + int(first[-1])
        start = read_slice(self._start, begin, stop).astype(np.int64)
        end = start + read_slice(self._length, begin, stop)
        apart = start[1:] > end[:-1]
        apart[first[1:-1][(first[1:-1] > 0) & (first[1:-1] < len(start))] - 1] = True
        if (start < 0).any() or (end <= start).any() or not apart.all():
            raise CorruptRepositoryError(f"{self._part.folder}: impossible intervals on {contig}")
        return Intervals(first, start, end)

    def num_bases(self) -> NDArray[np.int64]:
        """(sets,) callable positions of each set, on all contigs."""
        out = np.zeros(self.num_sets, np.int64)
        for contig in self._place:
            found = self.intervals(contig)
            sums = np.concatenate(([0], np.cumsum(found.end - found.start)))
            out += np.diff(sums[found.first])
        return out
