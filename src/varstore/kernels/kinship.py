"""Kinship of pairs: scores of tiles of people, the pairs that can be kin, and what each has in common.

KING-robust of a pair (Manichaikul et al. 2010, eq. 11, as plink2 computes it) is, with S = both heterozygous - 2 x
opposite homozygotes and the heterozygotes h of each at sites where both are called,
``(2 S - |h_1 - h_2|) / (4 min(h_1, h_2))``. S is what is computed of every pair, the rest of few.

Frequent sites are planes, a row a person. Of rare sites, coded by copies g of the rarer allele, S is the sum of
``g_1 g_2`` over the carriers they share, less twice the homozygous carriers of either who meet a call: nobody looks at
pairs that share none.
"""

from typing import Any

import numpy as np

from .intrinsics import popcount
from .jit import inlined, kernel
from .scores import BLOCK, both_het, both_missing, het_lost, score

# Columns of a tile that are gone through together: their planes, a block of words, stay in the second cache.
# What is counted of the pairs found there needs them again.
COLUMNS = 512
HET, HOM = 1, 2


@kernel
def call_planes(het: Any, hom_alt: Any, missing: Any, num_sites: int, hom: Any, alt: Any) -> None:
    """Write planes of people as two: homozygous, and ALT among the alleles; neither where a call is missing.

    het, hom_alt, missing : (people, words) uint64, as of ``query.diploid``
    hom, alt : (people, blocks of words) uint64
    """
    for person in range(het.shape[0]):
        for w in range(min(het.shape[1], hom.shape[1])):
            last = num_sites - 64 * w
            if last <= 0:
                break
            real = ~np.uint64(0) if last >= 64 else (np.uint64(1) << np.uint64(last)) - np.uint64(1)
            hom[person, w] = ~(het[person, w] | missing[person, w]) & real
            alt[person, w] = het[person, w] | hom_alt[person, w]


@kernel
def set_bits(row: Any, column: Any, planes: Any) -> None:
    """Set bits of planes. row, column : int64    planes : (rows, words) uint64"""
    for i in range(row.size):
        bit = np.uint64(column[i])
        planes[row[i], np.intp(bit >> np.uint64(6))] |= np.uint64(1) << (bit & np.uint64(63))


@kernel
def put_carriers(person: Any, site: Any, code: Any, at: Any, own_site: Any, own_code: Any) -> None:
    """Put carriers, sites ascending, to each person.

    person, site : (carriers,) int32    code : uint8, 1: heterozygous, 2: homozygous
    at : (people,) int64, where the next site of each goes    own_site, own_code : like ``site`` and ``code``
    """
    for e in range(person.size):
        who = person[e]
        own_site[at[who]] = site[e]
        own_code[at[who]] = code[e]
        at[who] += 1


@kernel
def put_sites(own_start: Any, own_site: Any, own_code: Any, at: Any, carrier: Any) -> None:
    """Put carriers to each rare site, people ascending: ``2 person + (1 where homozygous)``.

    own_start : (people + 1,) int64    at : (sites,) int64, where the next carrier of a site goes    carrier : int32
    """
    for person in range(own_start.size - 1):
        for e in range(own_start[person], own_start[person + 1]):
            site = own_site[e]
            carrier[at[site]] = 2 * person + (own_code[e] == HOM)
            at[site] += 1


@kernel
def compare_tile(
    calls: Any, bound: Any, rows: Any, begin: int, end: int, first: Any, threshold: float, scratch: Any, out: Any
) -> int:
    """Write the pairs of a tile whose kinship is ``threshold`` or more, and what they have in common; return how many.

    calls : hom, alt, num_frequent, own, carriers, missing_rare, tallies, as of ``relatedness.kinship.Calls``
    bound : more, fewer of ``bounds``    rows : (rows,) int64 people    begin, end : columns, people too
    first : (rows,) int64, the first column that makes a pair with each row
    scratch : frequent (rows, COLUMNS) int32; products, excess (rows, end - begin) int32, zero; flags (COLUMNS,) bool;
        row, column (rows x COLUMNS,) int64
    out : (7, pairs) int32, room for all: row, column, n_sites, ibs0, ibs1, het_het, and the fewer heterozygotes of the
        two at sites where both are called; pairs by columns, ``COLUMNS`` at a time, and in these by row
    """
    hom, alt, num_frequent, own, carriers, missing_rare, tallies = calls
    frequent, products, excess, flags, row, column = scratch
    add_rare(own, carriers, rows, begin, end, first, products, excess)
    kept = 0
    for low in range(begin, end, COLUMNS):
        high = min(low + COLUMNS, end)
        scores = frequent, products[:, low - begin : high - begin], excess[:, low - begin : high - begin]
        add_frequent(hom, alt, rows, low, high, first, frequent)
        found = find_pairs(scores, rows, low, first, tallies, bound, threshold, flags, row, column)
        pairs = row[:found], column[:found]
        kept += count_pairs(
            hom, alt, num_frequent, own, missing_rare, tallies, rows, low, pairs, scores, threshold, out[:, kept:]
        )
    return kept


@kernel
def add_rare(own: Any, carriers: Any, rows: Any, begin: int, end: int, first: Any, products: Any, excess: Any) -> None:
    """Add up what the rare carriers that pairs of a tile share say.

    own : start (people + 1,) int64, site int32 and code uint8 of each person's sites; how many rare sites there are
    carriers : start (sites + 1,) int64 and carriers of each site, ascending, as of ``put_sites``
    products : (rows, end - begin) int32, sums of ``g_1 g_2``
    excess : likewise, of ``g_1 g_2 / 2`` where one is homozygous: less twice this, the product is both heterozygous
    """
    own_start, own_site, own_code, _ = own
    start, carrier = carriers
    for r in range(rows.size):
        person, out, more = rows[r], products[r], excess[r]
        low = max(begin, first[r])
        for e in range(own_start[person], own_start[person + 1]):
            site, copies = own_site[e], np.int32(own_code[e])
            for c in range(start[site + 1] - 1, start[site] - 1, -1):
                column = carrier[c] >> 1
                if column < low:
                    break
                if column < end:
                    product = copies << (carrier[c] & 1)
                    out[np.uintp(column - begin)] += product
                    if product > 1:
                        more[np.uintp(column - begin)] += product >> 1


@kernel
def add_frequent(hom: Any, alt: Any, rows: Any, begin: int, end: int, first: Any, scores: Any) -> None:
    """Write the scores of pairs of a tile at frequent sites; arguments as of ``compare_tile``.

    hom, alt : (people, blocks of words) uint64    scores : (rows, COLUMNS) int32
    """
    words = hom.shape[1]
    # Views of rows count references to their array, which costs as much as the score.
    homs, alts = hom.reshape(hom.size), alt.reshape(alt.size)
    scores[:] = 0
    for block in range(0, words, BLOCK):
        for r in range(rows.size):
            out, row = scores[r], rows[r] * words + block
            for column in range(max(begin, first[r]), end):
                out[np.uintp(column - begin)] += np.int32(score(homs, alts, row, column * words + block))


@kernel
def bounds(tallies: Any, more: Any, fewer: Any) -> None:
    """Bound what missing calls of anybody else can change of each person.

    tallies : as of ``find_pairs``
    more, fewer : (people,) float64, what a person adds to a score at most, and heterozygous calls that remain
    """
    most, most_rare = tallies[:, 3].max(), tallies[:, 4].max()
    for i in range(more.size):
        het, het_rare, hom = tallies[i, 0], tallies[i, 1], tallies[i, 2]
        more[i] = np.float64(2 * (min(hom, most_rare) - hom))
        fewer[i] = np.float64(het + het_rare - min(het, most) - min(het_rare, most_rare))


@kernel
def find_pairs(
    scores: Any, rows: Any, begin: int, first: Any, tallies: Any, bound: Any, threshold: float, flags: Any, row: Any,
    column: Any,
) -> int:  # fmt: skip
    """Write the pairs of a tile whose kinship can be ``threshold`` or more, by row; return how many.

    Exactly those whose kinship is, where nobody has a missing call; else by the most that missing calls can change.

    scores : frequent, products and excess of ``begin`` and the columns behind it
    tallies : (people, 5) int64: heterozygous calls at frequent and at rare sites, homozygous for the rarer allele at
        rare sites, missing calls at frequent and at rare sites    bound : more, fewer of ``bounds``
    row, column : int64, indexes of rows and people
    """
    found = 0
    frequent, products, _ = scores
    more, fewer = bound
    end = begin + products.shape[1]
    for r in range(rows.size):
        i = rows[r]
        low = max(begin, first[r])
        if low >= end:
            continue
        own, shared = frequent[r, low - begin : end - begin], products[r, low - begin :]
        _flag(own, shared, more[low:end], fewer[low:end], more[i] + 1e-6, fewer[i], threshold, flags)
        for k in range(end - low):
            if flags[k] and _can_be(np.int64(own[k]) + np.int64(shared[k]), i, low + k, tallies, threshold):
                row[found] = r
                column[found] = low + k
                found += 1
    return found


@kernel
def _flag(
    frequent: Any, products: Any, more: Any, fewer: Any, own_more: float, own_fewer: float, threshold: float, flags: Any
) -> None:
    """Flag the scores that can reach twice the threshold times the fewer heterozygous calls, both at their best."""
    for k in range(more.size):
        if threshold > 0:
            total = np.float64(frequent[k] + products[k]) + (own_more + more[k])
            flags[k] = total >= 2 * threshold * min(own_fewer, fewer[k])
        else:
            flags[k] = True


@inlined
def _can_be(total: int, i: int, j: int, tallies: Any, threshold: float) -> bool:
    """Whether the kinship of a pair with this score can be ``threshold`` or more."""
    hom_i, hom_j = tallies[i, 2], tallies[j, 2]
    most_i, most_j = tallies[i, 0] + tallies[i, 1], tallies[j, 0] + tallies[j, 1]
    least_i = most_i - min(tallies[i, 0], tallies[j, 3]) - min(tallies[i, 1], tallies[j, 4])
    least_j = most_j - min(tallies[j, 0], tallies[i, 3]) - min(tallies[j, 1], tallies[i, 4])
    total += 2 * (min(hom_i, tallies[j, 4]) + min(hom_j, tallies[i, 4]) - hom_i - hom_j)
    apart = max(max(least_i - most_j, least_j - most_i), 0)
    twice = 2 * total - apart
    fewer = min(least_i, least_j) if twice >= 0 else min(most_i, most_j)
    # A hair below: the pair is looked at again, with the sum that is printed.
    return threshold == -np.inf or np.float64(twice) >= 4 * threshold * np.float64(fewer) - 1e-6


@kernel
def count_pairs(
    hom: Any, alt: Any, num_frequent: int, own: Any, missing_rare: Any, tallies: Any, rows: Any, begin: int, pairs: Any,
    scores: Any, threshold: float, out: Any,
) -> int:  # fmt: skip
    """Count what pairs have in common and write those whose kinship is ``threshold`` or more; return how many.

    num_frequent : sites of the planes    missing_rare : (people, words) uint64 of rare sites
    pairs : row, column of ``find_pairs``    out : as of ``compare_tile``
    A threshold of -inf takes pairs without a kinship as well.
    """
    frequent, products, excess = scores
    row, column = pairs
    words, words_rare = hom.shape[1], missing_rare.shape[1]
    homs, alts, gone = hom.reshape(hom.size), alt.reshape(alt.size), missing_rare.reshape(missing_rare.size)
    kept = 0
    for pair in range(row.size):
        r, j = row[pair], column[pair]
        i, c = rows[r], j - begin
        het_i, het_j = tallies[i, 0] + tallies[i, 1], tallies[j, 0] + tallies[j, 1]
        hom_i, hom_j = tallies[i, 2], tallies[j, 2]
        called = num_frequent + own[3] - tallies[i, 3] - tallies[i, 4] - tallies[j, 3] - tallies[j, 4]
        if tallies[i, 4] or tallies[j, 4]:
            lost, lost_hom = _lost(own, i, gone, j * words_rare)
            het_i -= lost
            hom_i -= lost_hom
            lost, lost_hom = _lost(own, j, gone, i * words_rare)
            het_j -= lost
            hom_j -= lost_hom
            called += _both(gone, i * words_rare, j * words_rare, words_rare)
        het_het = np.int64(0)
        for block in range(0, words, BLOCK):
            het_het += both_het(homs, alts, i * words + block, j * words + block)
        # Opposite homozygotes: at frequent sites from the score, at rare ones all that do not meet another carrier.
        ibs0 = (het_het - frequent[r, c]) // 2 + hom_i + hom_j - excess[r, c]
        het_het += products[r, c] - 2 * excess[r, c]
        if tallies[i, 3] or tallies[j, 3]:
            called += num_frequent - 64 * words
            for block in range(0, words, BLOCK):
                at, other = i * words + block, j * words + block
                het_i -= het_lost(homs, alts, at, other)
                het_j -= het_lost(homs, alts, other, at)
                called += both_missing(homs, alts, at, other)
        ibs1 = het_i + het_j - 2 * het_het
        fewer = min(het_i, het_j)
        if threshold != -np.inf and not (
            fewer > 0 and 0.5 - np.float64(4 * ibs0 + ibs1) / np.float64(4 * fewer) >= threshold
        ):
            continue
        out[0, kept], out[1, kept], out[2, kept], out[3, kept] = i, j, called, ibs0
        out[4, kept], out[5, kept], out[6, kept] = ibs1, het_het, fewer
        kept += 1
    return kept


@inlined
def _both(planes: Any, at: int, other: int, words: int) -> int:
    """Bits that two planes share."""
    out = np.int64(0)
    for w in range(words):
        out += np.int64(popcount(planes[np.uintp(at + w)] & planes[np.uintp(other + w)]))
    return out


@inlined
def _lost(own: Any, person: int, gone: Any, at: int) -> Any:
    """How many heterozygous and homozygous calls of a person's rare sites meet a missing call of another's."""
    own_start, own_site, own_code, _ = own
    het, hom = np.int64(0), np.int64(0)
    for e in range(own_start[person], own_start[person + 1]):
        site = np.uint64(own_site[e])
        if (gone[np.uint64(at) + (site >> np.uint64(6))] >> (site & np.uint64(63))) & np.uint64(1):
            if own_code[e] == HOM:
                hom += 1
            else:
                het += 1
    return het, hom
