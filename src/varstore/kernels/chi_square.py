"""Pearson's chi-square of tables of two rows, and the p-values of chi-square statistics."""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import kernel


@kernel
def chi_square(tables: NDArray[np.int64], out: NDArray[np.float64], degrees: NDArray[np.int64]) -> None:
    """Sum of (observed - expected)^2 / expected, over the columns with anything in them.

    tables : (2, columns, rows) int64, none negative    out : (rows,) float64; NaN where a row of a table is empty, or
        all but one column    degrees : (rows,) int64 of freedom: such columns less one; 0 where ``out`` is NaN
    """
    width = tables.shape[1]
    for row in range(tables.shape[2]):
        first = second = np.int64(0)
        filled = -1
        for k in range(width):
            first += tables[0, k, row]
            second += tables[1, k, row]
            filled += tables[0, k, row] + tables[1, k, row] > 0
        if first == 0 or second == 0 or filled < 1:
            out[row] = np.nan
            degrees[row] = 0
            continue
        total = 0.0
        for k in range(width):
            column = tables[0, k, row] + tables[1, k, row]
            if column > 0:
                # The two cells of a column deviate by the same, one up and one down.
                expected = first / (first + second) * column
                apart = tables[0, k, row] - expected
                total += apart * apart / expected + apart * apart / (column - expected)
        out[row] = total
        degrees[row] = filled


@kernel
def chi_square_p(statistic: NDArray[np.float64], degrees: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """Chance of at least the statistic, of 1 or 2 degrees of freedom; all (rows,). NaN stays NaN."""
    for row in range(statistic.shape[0]):
        if degrees[row] == 2:
            out[row] = math.exp(-statistic[row] / 2.0)
        else:
            out[row] = math.erfc(math.sqrt(statistic[row] / 2.0))
