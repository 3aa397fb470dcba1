"""One person against many: what the calls of each pair have in common, from two bits a call by person."""

from typing import Any

import numpy as np

from .jit import kernel
from .shared_calls import BLOCK, add_block

# Columns of what a scan counts: sites where both are called, heterozygous calls of the one and of the other there,
# sites where both are heterozygous, and where they share no allele.
N_SITES, MY_HETS, HETS, HET_HET, IBS0 = range(5)


@kernel
def pack(het: Any, hom_alt: Any, missing: Any, low: Any, high: Any) -> None:
    """Write calls as two bits each: 0 homozygous reference, 1 heterozygous, 2 homozygous ALT, 3 missing.

    het, hom_alt, missing : (people, words) uint64; of a call one bit is set at most
    low, high : (people, words) uint64, with at least as many words
    """
    for i in range(low.shape[0]):
        for w in range(het.shape[1]):
            low[i, w] = het[i, w] | missing[i, w]
            high[i, w] = hom_alt[i, w] | missing[i, w]
        for w in range(het.shape[1], low.shape[1]):
            low[i, w] = np.uint64(0)
            high[i, w] = np.uint64(0)


@kernel
def scan(low: Any, high: Any, my_het: Any, my_hom_alt: Any, called: Any, begin: int, end: int, out: Any) -> None:
    """Compare one person with some others.

    low, high : uint64 of one axis, rows of ``pack`` one behind another, as many words each as ``called`` has
    my_het, my_hom_alt, called : (words,) uint64, of the one person; whole blocks of words, and no bits behind the last
        site; the first two none where the third has none
    begin, end : rows    out : (people, 5) int32
    """
    words = called.size
    sums = np.empty(5, np.int64)
    for i in range(begin, end):
        sums[:] = 0
        for w in range(0, words, BLOCK):
            add_block(low, high, my_het, my_hom_alt, called, i * words + w, w, sums)
        for column in range(5):
            out[i, column] = sums[column]
