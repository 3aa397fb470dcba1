"""An axis over several batches, made in pieces: ranges of normalised positions of one contig.

So a question about a region looks at that region in every batch and at nothing else. ``union`` makes pieces of alleles,
``joined`` of records; how they are cut and put in order is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model.regions import END_OF_CONTIG, Region
from .alleles import AlleleIndex

# All normalised positions of a contig; the last one is a position too.
WHOLE = (0, END_OF_CONTIG + 1)
# Chunks of keys that a piece of a contig covers, over all batches.
_PIECE_RUNS = 64
# Positions further apart than this are looked at apart: a long deletion over a region is one of its own.
_GAP = 1 << 16


class Piece(Protocol):
    """Rows in the order of ``start``, the POS - 1 that they are spelled with."""

    @property
    def start(self) -> NDArray[np.int64]: ...
    def __len__(self) -> int: ...
    def take(self, rows: NDArray[np.int64]) -> Self: ...


P = TypeVar("P", bound=Piece)


def is_whole(regions: Iterable[Region]) -> bool:
    """Whether one of the regions is its contig."""
    return any(region.start == 0 and region.end >= END_OF_CONTIG for region in regions)


def ranges_of(positions: Sequence[NDArray[np.int64]]) -> list[tuple[int, int]]:
    """Ranges that hold these positions, cut where nothing is for long."""
    found = np.unique(np.concatenate(positions)) if positions else np.zeros(0, np.int64)
    if not len(found):
        return []
    cuts = np.flatnonzero(np.diff(found) > _GAP) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(found, cuts)]


def cut(
    indexes: Sequence[AlleleIndex], contig: int, ranges: Iterable[tuple[int, int]], most_runs: int = END_OF_CONTIG
) -> list[tuple[int, int]]:
    """Ranges, those that overlap as one, in parts small enough to be held.

    indexes : of the batches that cover the contig    most_runs : chunks of keys in a part, where they are to be fewer
    """
    step = min(_PIECE_RUNS, most_runs)
    lows = [index.run_low[index.run_contig == contig] for index in indexes]
    cuts = np.unique(np.sort(np.concatenate(lows))[step::step]).tolist() if lows else []
    parts: list[tuple[int, int]] = []
    for low, high in _merged_ranges(ranges):
        inside = [at for at in cuts if low < at < high]
        parts += zip([low, *inside], [*inside, high], strict=True)
    return parts


def _merged_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low < merged[-1][1]:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return merged


def in_order(
    indexes: Sequence[AlleleIndex], contig: int, parts: Sequence[tuple[int, int]], piece_of: Callable[[int, int], P],
    merged: Callable[[Sequence[P]], P],
) -> Iterator[P]:  # fmt: skip
    """The rows of a contig, part by part. Rows come by POS as it is spelled, parts are cut by the normalised one: rows
    wait until nothing spelled before them is still to come.

    parts : of ``cut``    piece_of : what is wanted of a part    merged : pieces as one, its rows in order
    """
    ready: P | None = None
    for (low, high), following in zip_longest(parts, parts[1:]):
        piece = piece_of(low, high)
        ready = piece if ready is None or not len(ready) else merged([ready, piece]) if len(piece) else ready
        done = np.searchsorted(ready.start, _first_start(indexes, contig, following[0])) if following else len(ready)
        if done:
            yield ready.take(np.arange(done))
            ready = ready.take(np.arange(done, len(ready)))


def _first_start(indexes: Sequence[AlleleIndex], contig: int, low: int) -> int:
    """No record still to come, of normalised positions from ``low`` on, is spelled with an earlier POS - 1."""
    # Records without an allele of their own have no key: they are spelled where they are.
    return min([low - 1, *(index.first_start(contig, low) for index in indexes)])
