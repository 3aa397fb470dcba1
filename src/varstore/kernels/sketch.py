"""One person against many: what the calls of each pair have in common, from two bits a call by person."""

from typing import Any

import numpy as np

from .jit import kernel, popcount

# Columns of what a scan counts: sites where both are called, heterozygous calls of the one and of the other there,
# sites where both are heterozygous, and where they share no allele.
N_SITES, MY_HETS, HETS, HET_HET, IBS0 = range(5)


@kernel
def pack(het: Any, hom_alt: Any, missing: Any, low: Any, high: Any) -> None:
    """Write calls as two bits each: 0 homozygous reference, 1 heterozygous, 2 homozygous ALT, 3 missing.

    het, hom_alt, missing, low, high : (people, words) uint64; of the first three one bit of a call is set at most
    """
    for i in range(low.shape[0]):
        for w in range(low.shape[1]):
            low[i, w] = het[i, w] | missing[i, w]
            high[i, w] = hom_alt[i, w] | missing[i, w]


@kernel
def find_complete(low: Any, high: Any, complete: Any) -> None:
    """Find the people without a missing call. low, high : (people, words) uint64    complete : (people,) bool"""
    for i in range(complete.size):
        lost = np.uint64(0)
        for w in range(low.shape[1]):
            lost |= low[i, w] & high[i, w]
        complete[i] = lost == np.uint64(0)


@kernel
def scan(
    low: Any, high: Any, complete: Any, my_het: Any, my_hom_alt: Any, called: Any, begin: int, end: int, out: Any
) -> None:
    """Compare one person with some others.

    low, high : (people, words) uint64, as of ``pack``; no bits behind the last site    complete : as of
        ``find_complete``
    my_het, my_hom_alt, called : (words,) uint64, of the one person; no bits behind the last site either
    begin, end : rows    out : (people, 5) int32
    """
    all_sites, all_hets = np.int64(0), np.int64(0)
    for w in range(called.size):
        all_sites += np.int64(popcount(called[w]))
        all_hets += np.int64(popcount(my_het[w]))
    for i in range(begin, end):
        lows, highs = low[i], high[i]
        sites, mine, hets, both, apart = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        if complete[i]:
            sites, mine = np.uint64(all_sites), np.uint64(all_hets)
            for w in range(lows.size):
                hets += popcount(lows[w] & called[w])
                both += popcount(lows[w] & my_het[w])
                apart += popcount((highs[w] ^ my_hom_alt[w]) & called[w] & ~(lows[w] | my_het[w]))
        else:
            for w in range(lows.size):
                here = called[w] & ~(lows[w] & highs[w])
                h = lows[w] & here
                sites += popcount(here)
                mine += popcount(my_het[w] & here)
                hets += popcount(h)
                both += popcount(h & my_het[w])
                apart += popcount((highs[w] ^ my_hom_alt[w]) & here & ~(h | my_het[w]))
        out[i, N_SITES] = sites
        out[i, MY_HETS] = mine
        out[i, HETS] = hets
        out[i, HET_HET] = both
        out[i, IBS0] = apart
