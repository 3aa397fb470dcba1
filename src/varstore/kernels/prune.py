"""Correlation of genotypes between sites, and pruning by it; sites are planes where common, lists where rare."""

from typing import Any

import numpy as np

from .intrinsics import popcount
from .jit import inlined, kernel

# Columns of what is known of each site: sums of copies and of their squares over those called, and who is called.
COPIES, SQUARES, CALLED = range(3)
# A code of a list that says missing.
_NO_CALL = 3
# Numbers that differ by less are taken for equal, as plink2 does (2**-44).
_EPSILON = 2.0**-44


@kernel
def list_signatures(start: Any, person: Any, out: Any) -> None:
    """A bit for each of 64 groups of people, for each list: lists without a common bit have nobody in common.

    start : (lists + 1,) int64 into ``person``    out : (lists,) uint64
    """
    for i in range(out.size):
        out[i] = np.uint64(0)
        for k in range(start[i], start[i + 1]):
            # The high bits of a product with an odd number that looks random (2**64 over the golden ratio).
            out[i] |= np.uint64(1) << ((np.uint64(person[k]) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(58))


@kernel
def _exceeds(products: int, copies1: int, squares1: int, copies2: int, squares2: int, called: int, r2: float) -> bool:
    """Whether the squared correlation is above ``r2``; sums over those called at both sites."""
    n = np.float64(called)
    covariance = n * np.float64(products) - np.float64(copies1) * np.float64(copies2)
    variance1 = n * np.float64(squares1) - np.float64(copies1) * np.float64(copies1)
    variance2 = n * np.float64(squares2) - np.float64(copies2) * np.float64(copies2)
    return covariance * covariance > r2 * variance1 * variance2


@kernel
def _may_exceed(copies1: int, squares1: int, copies2: int, squares2: int, people: int, r2: float) -> bool:
    """Whether two sites without missing calls can have a squared correlation above ``r2``, by their sums alone."""
    two1, two2 = (squares1 - copies1) // 2, (squares2 - copies2) // 2
    one1, one2 = copies1 - 2 * two1, copies2 - 2 * two2
    # The most that products can sum to: homozygotes meet homozygotes first, then heterozygotes, then those.
    both = min(two1, two2)
    with2, with1 = min(two1 - both, one2), min(two2 - both, one1)
    most = 4 * both + 2 * (with1 + with2) + min(one1 - with1, one2 - with2)
    if copies1 + copies2 > people or _exceeds(most, copies1, squares1, copies2, squares2, people, r2):
        return True
    # The least is 0: the carriers of the two need not meet.
    return _exceeds(0, copies1, squares1, copies2, squares2, people, r2)


@inlined
def _lists_exceed(
    mark: Any, first: int, end: int, person: Any, code: Any, sums: Any, i: int, j: int, people: int, r2: float
) -> bool:
    """Whether two sites in lists exceed ``r2``. mark : (people,) uint8, the list of site ``i``, code by person"""
    copies1, squares1, copies2, squares2 = sums[i, COPIES], sums[i, SQUARES], sums[j, COPIES], sums[j, SQUARES]
    called, products = sums[i, CALLED] + sums[j, CALLED] - people, np.int64(0)
    if called == people:
        for k in range(first, end):
            products += np.int64(mark[person[k]]) * np.int64(code[k])
        return _exceeds(products, copies1, squares1, copies2, squares2, called, r2)
    for k in range(first, end):
        x, y = np.int64(mark[person[k]]), np.int64(code[k])
        if x == _NO_CALL:
            if y == _NO_CALL:
                called += 1
            else:
                copies2 -= y
                squares2 -= y * y
        elif y == _NO_CALL:
            copies1 -= x
            squares1 -= x * x
        else:
            products += x * y
    return _exceeds(products, copies1, squares1, copies2, squares2, called, r2)


@inlined
def _list_and_plane_exceed(
    first: int, end: int, person: Any, code: Any, het: Any, hom: Any, lost: Any, sums: Any, i: int, j: int, people: int,
    r2: float,
) -> bool:  # fmt: skip
    """Whether a site in a list and one in planes exceed ``r2``."""
    copies1, squares1, copies2, squares2 = sums[i, COPIES], sums[i, SQUARES], sums[j, COPIES], sums[j, SQUARES]
    called, products = sums[i, CALLED] + sums[j, CALLED] - people, np.int64(0)
    for k in range(first, end):
        w, bit = person[k] >> 6, np.uint64(1) << np.uint64(person[k] & 63)
        x = np.int64(code[k])
        y = np.int64(0)
        if het[w] & bit:
            y = np.int64(1)
        elif hom[w] & bit:
            y = np.int64(2)
        if lost[w] & bit:
            if x == _NO_CALL:
                called += 1
            else:
                copies1 -= x
                squares1 -= x * x
        elif x == _NO_CALL:
            copies2 -= y
            squares2 -= y * y
        else:
            products += x * y
    return _exceeds(products, copies1, squares1, copies2, squares2, called, r2)


@inlined
def _planes_exceed(
    het1: Any, hom1: Any, lost1: Any, het2: Any, hom2: Any, lost2: Any, sums1: Any, sums2: Any, people: int, r2: float
) -> bool:  # fmt: skip
    """Whether two sites in planes exceed ``r2``: with copies less one, so that the heterozygous count for nothing."""
    differ, homs = np.int64(0), np.int64(0)
    if sums1[CALLED] == people and sums2[CALLED] == people:
        for w in range(het1.size):
            het = het1[w] | het2[w]
            homs += np.int64(popcount(het))
            differ += np.int64(popcount((hom1[w] ^ hom2[w]) & ~het))
        # Sum of (x - 1)(y - 1) over the homozygous of both.
        centred = people - homs - 2 * differ
        products = centred + sums1[COPIES] + sums2[COPIES] - people
        return _exceeds(products, sums1[COPIES], sums1[SQUARES], sums2[COPIES], sums2[SQUARES], people, r2)
    lost, one1, two1, one2, two2 = np.int64(0), np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for w in range(het1.size):
        gone = lost1[w] | lost2[w]
        lost += np.int64(popcount(gone))
        one1 += np.int64(popcount(het1[w] & ~gone))
        two1 += np.int64(popcount(hom1[w] & ~gone))
    for w in range(het1.size):
        gone = lost1[w] | lost2[w]
        one2 += np.int64(popcount(het2[w] & ~gone))
        two2 += np.int64(popcount(hom2[w] & ~gone))
    for w in range(het1.size):
        aside = het1[w] | het2[w] | lost1[w] | lost2[w]
        homs += np.int64(popcount(aside))
        differ += np.int64(popcount((hom1[w] ^ hom2[w]) & ~aside))
    called, copies1, copies2 = people - lost, one1 + 2 * two1, one2 + 2 * two2
    products = people - homs - 2 * differ + copies1 + copies2 - called
    return _exceeds(products, copies1, one1 + 4 * two1, copies2, one2 + 4 * two2, called, r2)


@inlined
def _pair_exceeds(
    i: int, j: int, place: Any, het: Any, hom: Any, lost: Any, start: Any, person: Any, code: Any, mark: Any,
    sums: Any, people: int, r2: float,
) -> bool:  # fmt: skip
    """Whether two sites exceed ``r2``; arguments as of ``prune`` and ``_lists_exceed``."""
    a, b = place[i], place[j]
    if a >= 0 and b >= 0:
        return _planes_exceed(het[a], hom[a], lost[a], het[b], hom[b], lost[b], sums[i], sums[j], people, r2)
    if a < 0 and b < 0:
        b = -1 - b
        return _lists_exceed(mark, start[b], start[b + 1], person, code, sums, i, j, people, r2)
    if a < 0:
        a = -1 - a
        return _list_and_plane_exceed(
            start[a], start[a + 1], person, code, het[b], hom[b], lost[b], sums, i, j, people, r2
        )
    b = -1 - b
    return _list_and_plane_exceed(start[b], start[b + 1], person, code, het[a], hom[a], lost[a], sums, j, i, people, r2)


@kernel
def _mark(first: int, end: int, person: Any, code: Any, mark: Any) -> None:
    """Write a list down by person."""
    for k in range(first, end):
        mark[person[k]] = code[k]


@kernel
def prune(
    window_start: Any, window_end: Any, major: Any, place: Any, het: Any, hom: Any, lost: Any, start: Any, person: Any,
    code: Any, signature: Any, sums: Any, people: int, r2: float, unchecked: Any, mark: Any, kept: Any,
) -> None:  # fmt: skip
    """Remove one of each pair of sites of a window whose squared correlation is above ``r2``, as plink2 does.

    Of a pair goes the site whose commoner allele is the more frequent, of equal ones the later; after a removal the
    next first site is taken, and the window is gone through again until nothing is removed.

    window_start, window_end : (windows,) int64, sites, in order; of one contig each
    major : (sites,) float64, frequency of the commoner allele
    place : (sites,) int64, row of the planes ``het hom lost`` (rows, words), or -1 - number of the list in ``start``
        (lists + 1,), ``person`` and ``code``    signature : (lists,) uint64
    sums : (sites, 3) int64
    unchecked : (sites,) int64 scratch    mark : (people,) uint8 scratch, zeros    kept : (sites,) bool, overwritten
    """
    for i in range(kept.size):
        # Sites at which nobody differs, or nobody is called, go first.
        kept[i] = sums[i, CALLED] * sums[i, SQUARES] > sums[i, COPIES] * sums[i, COPIES]
        unchecked[i] = i + 1
    limit = r2 * (1 + _EPSILON)
    for window in range(window_start.size):
        end = window_end[window]
        again = True
        while again:
            again = False
            for i in range(window_start[window], end):
                if not kept[i]:
                    continue
                j = unchecked[i]
                if j < end and place[i] < 0:
                    _mark(start[-1 - place[i]], start[-place[i]], person, code, mark)
                while j < end:
                    j += 1
                    if not kept[j - 1]:
                        continue
                    # Most pairs are settled here: a call that passes arrays costs more than that.
                    b = j - 1
                    args = sums[i, COPIES], sums[i, SQUARES], sums[b, COPIES], sums[b, SQUARES]
                    called = sums[i, CALLED] + sums[b, CALLED] - people
                    apart = place[i] < 0 and place[b] < 0
                    apart = apart and signature[-1 - place[i]] & signature[-1 - place[b]] == np.uint64(0)
                    if apart:
                        exceeds = _exceeds(0, *args, called, limit)
                    elif called == people and not _may_exceed(*args, people, limit):
                        exceeds = False
                    else:
                        exceeds = _pair_exceeds(
                            i, b, place, het, hom, lost, start, person, code, mark, sums, people, limit
                        )
                    if exceeds:
                        again = True
                        kept[i if major[i] > major[b] * (1 + _EPSILON) else b] = False
                        break
                if unchecked[i] < end and place[i] < 0:
                    for k in range(start[-1 - place[i]], start[-place[i]]):
                        mark[person[k]] = np.uint8(0)
                unchecked[i] = j
