"""How far two cohorts are apart at each allele: frequencies and odds."""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import kernel

# Normal quantile of 0.975.
_Z95 = 1.959963984540054


@kernel
def allele_effects(tables: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """Frequencies, their difference, the odds ratio and Woolf's 95 % interval of it.

    tables : (4, rows) int64, counts a, b, c, d of [[a, b], [c, d]], an allele and all others in two cohorts
    out : (6, rows) float64: a / (a + b), c / (c + d), the first less the second, ad / bc, its low and high end; NaN
        for what would divide by 0, and for the interval where any count is 0
    """
    for row in range(tables.shape[1]):
        a, b = float(tables[0, row]), float(tables[1, row])
        c, d = float(tables[2, row]), float(tables[3, row])
        first = a / (a + b) if a + b > 0.0 else np.nan
        second = c / (c + d) if c + d > 0.0 else np.nan
        ratio = low = high = np.nan
        if b > 0.0 and c > 0.0:
            ratio = a * d / (b * c)
            if a > 0.0 and d > 0.0:
                width = math.exp(_Z95 * math.sqrt(1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d))
                low, high = ratio / width, ratio * width
        out[0, row], out[1, row], out[2, row] = first, second, first - second
        out[3, row], out[4, row], out[5, row] = ratio, low, high
