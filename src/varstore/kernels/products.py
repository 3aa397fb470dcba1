"""Products of genotypes with vectors, straight from bit planes and lists of carriers, eight vectors at a time.

A bit plane is multiplied four columns at a time: the 16 sums of their vectors are known beforehand, so four calls are
one look-up (Arlazarov, Dinic, Kronrod and Faradzev 1970, "the method of the four Russians"). Sums are of float64, in an
order that depends on rows and columns alone.
"""

from typing import Any

import numpy as np

from .intrinsics import add_looked_up
from .jit import kernel

# Vectors that are multiplied together: a row of them is one vector of the machine.
LANES = 8
# Rows of a table: 16 for each four of a word's columns.
TABLE_ROWS = 256
# Rows of planes that stay in the cache while the words of their columns are gone through.
_ROWS = 512
_MISSING = 3


@kernel
def _fill_tables(vectors: Any, word: int, tables: Any) -> None:
    """Write, for each four columns of a word, the sum of their vectors at each choice of them.

    vectors : (64 * words, LANES) float64    tables : (TABLE_ROWS, LANES) float64
    """
    for part in range(16):
        at, first = 16 * part, 64 * word + 4 * part
        for lane in range(LANES):
            tables[at, lane] = 0.0
        size = 1
        for bit in range(4):
            for k in range(size):
                for lane in range(LANES):
                    tables[at + size + k, lane] = tables[at + k, lane] + vectors[first + bit, lane]
            size *= 2


@kernel
def add_planes(one: Any, two: Any, vectors: Any, tables: Any, out: Any) -> None:
    """Add to each row of ``out`` the sum of the vectors at the bits of ``one``, and twice that at those of ``two``.

    one, two : (rows, words) uint64, like heterozygous and homozygous ALT calls
    vectors : (64 * words, LANES) float64, C order    out : (rows, LANES) float64, C order
    tables : (TABLE_ROWS, LANES) float64 scratch, C order
    """
    for first in range(0, one.shape[0], _ROWS):
        end = min(first + _ROWS, one.shape[0])
        for w in range(one.shape[1]):
            _fill_tables(vectors, w, tables)
            for r in range(first, end):
                if one[r, w] | two[r, w]:
                    add_looked_up(one[r, w], two[r, w], tables, out, r)


@kernel
def add_carriers(start: Any, person: Any, code: Any, mean: Any, vectors: Any, first: int, out: Any) -> None:
    """Add to each site's row the vectors of its carriers, times their copies; of missing calls, times the mean.

    start, person, code : as of ``query.diploid.Lists``    mean : (sites,) float64, copies of the rarer allele
    vectors : (people, LANES) float64    first : site of the first row    out : (rows, LANES) float64
    """
    for r in range(out.shape[0]):
        site = first + r
        for k in range(start[site], start[site + 1]):
            weight = mean[site] if code[k] == _MISSING else np.float64(code[k])
            for lane in range(LANES):
                out[r, lane] += weight * vectors[person[k], lane]


@kernel
def add_carried(start: Any, site: Any, code: Any, mean: Any, vectors: Any, first: int, out: Any) -> None:
    """Add to each person's row the vectors of the sites that it carries; arguments as of ``add_carriers``.

    start : (people + 1,) int64    site, code : (entries,), from ``turn_lists``    vectors : (sites, LANES) float64
    """
    for r in range(out.shape[0]):
        for k in range(start[first + r], start[first + r + 1]):
            weight = mean[site[k]] if code[k] == _MISSING else np.float64(code[k])
            for lane in range(LANES):
                out[r, lane] += weight * vectors[site[k], lane]


@kernel
def turn_lists(start: Any, person: Any, code: Any, cursor: Any, site: Any, out_code: Any) -> None:
    """Write lists of people by site as lists of sites by person.

    cursor : (people,) int64, where each person's entries begin; moved to where they end
    site : (entries,) int32    out_code : (entries,) uint8
    """
    for row in range(start.size - 1):
        for k in range(start[row], start[row + 1]):
            at = cursor[person[k]]
            site[at] = row
            out_code[at] = code[k]
            cursor[person[k]] = at + 1
