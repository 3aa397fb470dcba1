"""Record blocks: rows of genotypes as sets, between reader and chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import rows as _rows
from .settings import MAX_HAPLOTYPES, SPARSE_SHIFT


def word_starts(starts: NDArray[np.int64], ploidy: int) -> NDArray[np.int64]:
    """First 64-bit word of each block in a row's plane: blocks begin on word boundaries."""
    words = (np.diff(starts) * ploidy + 63) // 64
    return np.concatenate(([0], np.cumsum(words))).astype(np.int64)


def block_starts(num_samples: int, chunk_samples: int, ploidy: int) -> NDArray[np.int64]:
    """First sample of each inner block, and the end: chunks of samples, cut where a block is full."""
    inner = max(1, min(chunk_samples, MAX_HAPLOTYPES // max(1, ploidy)))
    starts = [
        block
        for chunk in range(0, num_samples, chunk_samples)
        for block in range(chunk, min(chunk + chunk_samples, num_samples), inner)
    ]
    return np.array([*starts, num_samples], np.int64)


@dataclass(frozen=True)
class RowSets:
    """Rows of genotypes as sets, cut into blocks of samples.

    starts : (blocks + 1,) int64, first sample of each block
    kind : (rows, blocks, 5) uint8; count : (rows, blocks, 5) int32
    lists : uint16, planes : uint64, values : int16, arenas in the order row, block, set
    cursors : (rows + 1, 3) int64, where each row begins in the arenas
    """

    ploidy: int
    starts: NDArray[np.int64]
    kind: NDArray[np.uint8]
    count: NDArray[np.int32]
    lists: NDArray[np.uint16]
    planes: NDArray[np.uint64]
    values: NDArray[np.int16]
    cursors: NDArray[np.int64]

    @property
    def num_rows(self) -> int:
        return len(self.kind)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """(blocks,) samples of each block."""
        return np.diff(self.starts)

    def rows(self, begin: int, end: int) -> RowSets:
        """The rows ``begin`` to ``end``, as views."""
        cursors = self.cursors[begin : end + 1]
        (l0, p0, v0), (l1, p1, v1) = cursors[0], cursors[-1]
        return RowSets(
            self.ploidy,
            self.starts,
            self.kind[begin:end],
            self.count[begin:end],
            self.lists[l0:l1],
            self.planes[p0:p1],
            self.values[v0:v1],
            cursors - cursors[0],
        )


def concatenate(parts: Sequence[RowSets]) -> RowSets:
    """One after the other; all of one ploidy and cut alike."""
    if len(parts) == 1:
        return parts[0]
    cursors, end = [], np.zeros(3, np.int64)
    for part in parts:
        cursors.append(part.cursors[:-1] + end)
        end = end + part.cursors[-1]
    cursors.append(end[np.newaxis])
    return RowSets(
        parts[0].ploidy,
        parts[0].starts,
        np.concatenate([p.kind for p in parts]),
        np.concatenate([p.count for p in parts]),
        np.concatenate([p.lists for p in parts]),
        np.concatenate([p.planes for p in parts]),
        np.concatenate([p.values for p in parts]),
        np.concatenate(cursors),
    )


@dataclass
class Arenas:
    """Growing storage for rows of one ploidy, and the scratch one row needs."""

    ploidy: int
    starts: NDArray[np.int64]
    num_rows: int
    words: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.words = word_starts(self.starts, self.ploidy)
        num_blocks = len(self.starts) - 1
        num_haplotypes = max(1, int(self.starts[-1]) * self.ploidy)
        self.worst_lists = num_haplotypes
        self.worst_planes = 5 * max(1, int(self.words[-1]))
        self.kind = np.zeros((self.num_rows, num_blocks, _rows.NUM_SETS), np.uint8)
        self.count = np.zeros((self.num_rows, num_blocks, _rows.NUM_SETS), np.int32)
        self.lists = np.empty(2 * self.worst_lists + 4096, np.uint16)
        self.planes = np.empty(2 * self.worst_planes + 512, np.uint64)
        self.values = np.empty(self.worst_lists + 256, np.int16)
        self.plane = np.zeros(max(1, int(self.words[-1])), np.uint64)
        self.exceptions = np.empty((4, num_haplotypes), np.int32)
        self.num_exceptions = np.zeros(4, np.int64)
        self.other_codes = np.empty(num_haplotypes, np.int16)

    def grow(self, used: NDArray[np.int64]) -> None:
        """Make room for one more worst row, at least doubling what is short. ``used``: cursors."""
        self.lists = _grown(self.lists, int(used[0]), self.worst_lists)
        self.planes = _grown(self.planes, int(used[1]), self.worst_planes)
        self.values = _grown(self.values, int(used[2]), self.worst_lists)

    def sets(self, num_rows: int, cursors: NDArray[np.int64]) -> RowSets:
        """What was written so far, copied to its real size."""
        lists, planes, values = (int(n) for n in cursors[num_rows, :3])
        return RowSets(
            self.ploidy,
            self.starts,
            self.kind[:num_rows].copy(),
            self.count[:num_rows].copy(),
            self.lists[:lists].copy(),
            self.planes[:planes].copy(),
            self.values[:values].copy(),
            cursors[: num_rows + 1, :3].copy(),
        )


def _grown(array: NDArray[Any], used: int, worst: int) -> NDArray[Any]:
    if used + worst <= len(array):
        return array
    larger = np.empty(2 * (used + worst), array.dtype)
    larger[:used] = array[:used]
    return larger


def sets_from_codes(codes: NDArray[Any], starts: NDArray[np.int64], sparse_shift: int = SPARSE_SHIFT) -> RowSets:
    """Rows of plain codes as sets.

    codes : (rows, samples, ploidy) int8 or int16, contiguous; any code
    starts : (blocks + 1,) int64, with ``starts[0] == 0`` and ``starts[-1] == samples``
    """
    num_rows, _, ploidy = codes.shape
    arenas = Arenas(ploidy, starts, num_rows)
    cursors = np.zeros(3, np.int64)
    row_cursors = np.zeros((num_rows + 1, 3), np.int64)
    done = 0
    while True:
        done += _rows.emit_codes(
            codes[done:], starts, arenas.words, arenas.plane, arenas.exceptions, arenas.num_exceptions,
            arenas.other_codes, sparse_shift, arenas.kind[done:], arenas.count[done:], arenas.lists,
            arenas.planes, arenas.values, cursors, row_cursors[done:],
        )  # fmt: skip
        if done == num_rows:
            return arenas.sets(num_rows, row_cursors)
        arenas.grow(cursors)
