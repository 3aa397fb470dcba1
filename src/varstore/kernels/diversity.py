"""How far alleles drawn from cohorts differ, site by site, and sums of it over windows."""

import numpy as np
from numpy.typing import NDArray

from .jit import kernel


@kernel
def differences(
    count: NDArray[np.int64],
    number: NDArray[np.int64],
    start: NDArray[np.intp],
    within: NDArray[np.float64],
    between: NDArray[np.float64],
) -> None:
    """Chances that two alleles differ.

    count : (cohorts, rows) int64 of each ALT allele    number : (cohorts, sites) int64 of all alleles
    start : (sites + 1,) intp where the rows of each site begin
    within : (cohorts, sites) float64, of one cohort; NaN below two alleles
    between : (pairs, sites) float64, of cohorts 0 and 1, 0 and 2, ... 1 and 2 ...; NaN where one has no allele
    """
    cohorts, sites = number.shape
    for k in range(cohorts):
        for site in range(sites):
            n = number[k, site]
            if n < 2:
                within[k, site] = np.nan
                continue
            others, same = n, 0.0
            for row in range(start[site], start[site + 1]):
                c = count[k, row]
                others -= c
                same += float(c) * float(c - 1)
            others = max(others, 0)
            within[k, site] = 1.0 - (same + float(others) * float(others - 1)) / (float(n) * float(n - 1))
    pair = 0
    for a in range(cohorts):
        for b in range(a + 1, cohorts):
            for site in range(sites):
                n, m = number[a, site], number[b, site]
                if n == 0 or m == 0:
                    between[pair, site] = np.nan
                    continue
                others, others_b, same = n, m, 0.0
                for row in range(start[site], start[site + 1]):
                    others -= count[a, row]
                    others_b -= count[b, row]
                    same += float(count[a, row]) * float(count[b, row])
                same += float(max(others, 0)) * float(max(others_b, 0))
                between[pair, site] = 1.0 - same / (float(n) * float(m))
            pair += 1


@kernel
def window_sums(
    first: NDArray[np.intp],
    last: NDArray[np.intp],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
    used: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Sums over the sites at which three values are known.

    first, last : (windows,) intp, sites of each window, the last not included    a, b, c : (sites,) float64
    used : (windows,) int64 how many sites are    out : (3, windows) float64; NaN where no site is used
    """
    for window in range(first.shape[0]):
        sites = np.int64(0)
        of_a = of_b = of_c = 0.0
        for site in range(first[window], last[window]):
            if not (np.isnan(a[site]) or np.isnan(b[site]) or np.isnan(c[site])):
                sites += 1
                of_a += a[site]
                of_b += b[site]
                of_c += c[site]
        used[window] = sites
        nothing = np.nan if sites == 0 else 0.0
        out[0, window], out[1, window], out[2, window] = of_a + nothing, of_b + nothing, of_c + nothing
