"""Rows of integers: which are the same."""

import numpy as np
from numpy.typing import NDArray

from .jit import kernel


@kernel
def group_rows(
    columns: NDArray[np.int64], slots: NDArray[np.intp], group: NDArray[np.intp], first: NDArray[np.intp]
) -> int:
    """Number the distinct rows in the order they first come; return how many there are.

    columns : (numbers, rows) int64    slots : (more than twice as many as rows, a power of two) intp, all -1: room
        for a hash table of open addresses
    group : (rows,) intp, filled with the number of each row    first : (rows,) intp, its beginning filled with a row
        of each number
    """
    width, rows = columns.shape
    last = np.uint64(slots.shape[0] - 1)
    known = 0
    for row in range(rows):
        mixed = np.uint64(0)
        for k in range(width):
            mixed = (mixed ^ np.uint64(columns[k, row])) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        place = np.intp(mixed & last)
        while True:
            number = slots[place]
            if number < 0:
                slots[place] = known
                first[known] = row
                group[row] = known
                known += 1
                break
            same = True
            for k in range(width):
                if columns[k, first[number]] != columns[k, row]:
                    same = False
                    break
            if same:
                group[row] = number
                break
            place = np.intp((np.uint64(place) + np.uint64(1)) & last)
    return known
