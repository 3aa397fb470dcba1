"""Pearson's chi-square of tables of two rows, and the p-values of chi-square statistics."""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import kernel


@kernel
def chi_square(tables: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """Sum of (observed - expected)^2 / expected.

    tables : (2, columns, rows) int64, none negative    out : (rows,) float64; NaN where a row or a column of a table
        has nothing in it
    """
    width = tables.shape[1]
    for row in range(tables.shape[2]):
        first = second = np.int64(0)
        for k in range(width):
            first += tables[0, k, row]
            second += tables[1, k, row]
        total = 0.0 if first > 0 and second > 0 else np.nan
        for k in range(width if first > 0 and second > 0 else 0):
            column = tables[0, k, row] + tables[1, k, row]
            if column == 0:
                total = np.nan
                break
            # The two cells of a column deviate by the same, one up and one down.
            expected = first / (first + second) * column
            apart = tables[0, k, row] - expected
            total += apart * apart / expected + apart * apart / (column - expected)
        out[row] = total


@kernel
def chi_square_p(statistic: NDArray[np.float64], degrees: int, out: NDArray[np.float64]) -> None:
    """Chance of at least the statistic, of 1 or 2 degrees of freedom. statistic, out : (rows,) float64"""
    for row in range(statistic.shape[0]):
        if degrees == 1:
            out[row] = math.erfc(math.sqrt(statistic[row] / 2.0))
        else:
            out[row] = math.exp(-statistic[row] / 2.0)
