"""Which of some positions lie in people's intervals, added up over people."""

from typing import Any

import numpy as np

from .jit import kernel


@kernel
def _first_at_least(values: Any, begin: int, end: int, wanted: int) -> int:
    """First index in ``begin`` to ``end`` whose value is ``wanted`` or more, else ``end``; sought from ``begin`` on."""
    step = np.int64(1)
    low, high = begin, begin
    while high < end and values[high] < wanted:
        low = high + 1
        high += step
        step *= 2
    high = min(high, end)
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def add_covered(first: Any, start: Any, end: Any, positions: Any, weights: Any, sums: Any) -> None:
    """Add the weights of each set of intervals where it covers a position, as differences from row to row.

    first : (sets + 1,) int64, where each set's intervals begin
    start, end : int64, 0-based, half-open; of each set ascending, not touching
    positions : (rows,) int64, 1-based, ascending
    weights : (sets, values) int64    sums : (values, rows + 1) int64, added to
    """
    num_rows, num_values = positions.size, weights.shape[1]
    if num_rows == 0:
        return
    for s in range(first.size - 1):
        idle = True
        for v in range(num_values):
            idle &= weights[s, v] == 0
        if idle:
            continue
        last = first[s + 1]
        at = _first_at_least(end, first[s], last, positions[0])
        row = np.int64(0)
        while at < last and row < num_rows:
            row = _first_at_least(positions, row, num_rows, start[at] + 1)
            if row == num_rows:
                break
            if positions[row] > end[at]:
                at = _first_at_least(end, at, last, positions[row])
                continue
            stop = _first_at_least(positions, row, num_rows, end[at] + 1)
            for v in range(num_values):
                sums[v, row] += weights[s, v]
                sums[v, stop] -= weights[s, v]
            row = stop
            at += 1
