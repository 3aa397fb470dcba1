"""Fisher's exact test of tables of two by two.

Probabilities of the hypergeometric distribution come from Loader's saddle-point expansion (C. Loader, Fast and accurate
computation of binomial probabilities, 2000), whose relative error does not grow with the counts. A table of log
factorials only finds where the other tail begins.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import kernel

# As R and scipy: tables as probable as the observed one up to rounding count as such.
_TIE = 1e-7
# A term below this share of its own tail changes no digit of it.
_NEGLIGIBLE = 1e-17


@kernel
def log_factorials(out: NDArray[np.float64]) -> None:
    """Fill ``out[n]`` with the logarithm of n factorial. out : (numbers,) float64"""
    for n in range(out.shape[0]):
        out[n] = math.lgamma(n + 1.0)


@kernel
def _stirling_error(n: float) -> float:
    """log(n!) less Stirling's formula, n from 1; Loader, section 2 and its series."""
    if n < 16.0:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2 * math.pi)
    square = 1.0 / (n * n)
    series = 1 / 1260.0 - (1 / 1680.0 - square / 1188.0) * square
    return (1 / 12.0 - (1 / 360.0 - series * square) * square) / n


@kernel
def _deviance(x: float, mean: float) -> float:
    """x log(x / mean) + mean - x, without cancellation where they are near (Loader's bd0). x : above 0"""
    if abs(x - mean) < 0.1 * (x + mean):
        ratio = (x - mean) / (x + mean)
        total = (x - mean) * ratio
        term = 2.0 * x * ratio
        square = ratio * ratio
        for j in range(1, 1000):
            term *= square
            before = total
            total += term / (2 * j + 1)
            if total == before:
                return total
    return x * math.log(x / mean) + mean - x


@kernel
def _log_binomial(x: float, n: float, p: float) -> float:
    """Logarithm of the probability of x of n, each of probability p; p above 0, below 1."""
    if x == 0.0:
        return n * math.log1p(-p)
    if x == n:
        return n * math.log(p)
    errors = _stirling_error(n) - _stirling_error(x) - _stirling_error(n - x)
    exponent = errors - _deviance(x, n * p) - _deviance(n - x, n * (1.0 - p))
    return exponent + 0.5 * math.log(n / (2 * math.pi * x * (n - x)))


@kernel
def _log_probability(x: int, first_row: int, second_row: int, column: int) -> float:
    """Logarithm of the probability of ``x`` in the first cell, given the margins; column not 0 and not everything."""
    p = column / (first_row + second_row)
    own = _log_binomial(float(x), float(first_row), p) + _log_binomial(float(column - x), float(second_row), p)
    return own - _log_binomial(float(column), float(first_row + second_row), p)


@kernel
def _tail(x: int, step: int, low: int, high: int, first_row: int, second_row: int, column: int) -> float:
    """Sum of the probabilities from ``x`` outwards, in units of that of ``x``. step : 1 or -1"""
    total, term = 1.0, 1.0
    last = high if step > 0 else low
    while x != last:
        if step > 0:
            up = float(first_row - x) * float(column - x)
            term *= up / (float(x + 1) * float(second_row - column + x + 1))
        else:
            down = float(x) * float(second_row - column + x)
            term *= down / (float(first_row - x + 1) * float(column - x + 1))
        x += step
        total += term
        if term < _NEGLIGIBLE * total:
            break
    return total


@kernel
def _rough(x: int, first_row: int, second_row: int, column: int, logs: NDArray[np.float64]) -> float:
    """Logarithm of the probability of ``x`` but for a term that all tables share."""
    own = logs[x] + logs[first_row - x]
    return -(own + logs[column - x] + logs[second_row - column + x])


@kernel
def _opposite(
    x: int, low: int, high: int, first_row: int, second_row: int, column: int, logs: NDArray[np.float64]
) -> int:
    """Table on the other side of the mode, nearest to it, that is as probable as ``x`` or less; or one outside.

    The mode itself, where nothing is less probable than it between: then ``x`` is one.
    """
    mode = (first_row + 1) * (column + 1) // (first_row + second_row + 2)
    bound = _rough(x, first_row, second_row, column, logs) + _TIE
    if _rough(mode, first_row, second_row, column, logs) <= bound:
        return x
    near, far = mode, (high + 1 if x < mode else low - 1)
    while abs(far - near) > 1:
        middle = (near + far) // 2
        if _rough(middle, first_row, second_row, column, logs) <= bound:
            far = middle
        else:
            near = middle
    return far


@kernel
def fisher_exact(tables: NDArray[np.int64], logs: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Two-sided p-values: of all tables with the same margins, those as probable as the observed one or less.

    tables : (4, rows) int64, counts a, b, c, d of [[a, b], [c, d]], none negative
    logs : (as long as the largest sum of a table, and 1) float64 of ``log_factorials``
    out : (rows,) float64; NaN where a margin is 0, for then nothing can be compared
    """
    for row in range(tables.shape[1]):
        a, b, c, d = tables[0, row], tables[1, row], tables[2, row], tables[3, row]
        first_row, second_row, column = a + b, c + d, a + c
        if first_row == 0 or second_row == 0 or column == 0 or b + d == 0:
            out[row] = np.nan
            continue
        low, high = max(0, column - second_row), min(first_row, column)
        other = _opposite(a, low, high, first_row, second_row, column, logs)
        if other == a:
            out[row] = 1.0
            continue
        step = -1 if a < other else 1
        tail = _tail(a, step, low, high, first_row, second_row, column)
        log_p = _log_probability(a, first_row, second_row, column)
        total = math.exp(log_p + math.log(tail))
        if low <= other <= high:
            tail = _tail(other, -step, low, high, first_row, second_row, column)
            total += math.exp(_log_probability(other, first_row, second_row, column) + math.log(tail))
        out[row] = min(1.0, total)
