"""Counts by cohort as rows of a table: by site, and then by cohort."""

from typing import Any

from .jit import kernel

# Rows turned at a time: what they read and write stays in the nearest cache.
_TILE = 16


@kernel
def turn(values: Any, index: Any, out: Any) -> None:
    """Write ``values[k, index[row]]`` to ``out[row, k]``.

    values : (cohorts, records or alleles) int64    index : (rows,) int64    out : (rows, cohorts) int64, written
    """
    for first in range(0, out.shape[0], _TILE):
        end = min(first + _TILE, out.shape[0])
        for k in range(out.shape[1]):
            for row in range(first, end):
                out[row, k] = values[k, index[row]]
