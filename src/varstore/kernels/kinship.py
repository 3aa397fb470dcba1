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

from .jit import kernel, popcount
from .scores import BLOCK, score

# Columns of a tile that are gone through together: their planes, a block of words, stay in the second cache.
_COLUMNS = 256
HET, HOM = 1, 2


@kernel
def call_planes(het: Any, hom_alt: Any, missing: Any, num_sites: int, hom: Any, alt: Any) -> None:
    """Write planes of people as two: homozygous, and ALT among the alleles; neither where a call is missing.

    het, hom_alt, missing : (people, words) uint64, as of ``query.diploid``    hom, alt : (people, blocks of words) uint64
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
def add_frequent(hom: Any, alt: Any, rows: Any, begin: int, end: int, first: Any, scores: Any) -> None:
    """Add to the scores of a tile those of the frequent sites.

    hom, alt : (people, blocks of words) uint64    rows : (rows,) int64 people    begin, end : columns, people too
    first : (rows,) int64, the first column that makes a pair with each row
    scores : (rows, end - begin) int32
    """
    for low in range(begin, end, _COLUMNS):
        high = min(low + _COLUMNS, end)
        for block in range(0, hom.shape[1], BLOCK):
            for r in range(rows.size):
                row_hom, row_alt, out = hom[rows[r]], alt[rows[r]], scores[r]
                for column in range(max(low, first[r]), high):
                    out[column - begin] += score(row_hom, row_alt, hom[column], alt[column], block)


@kernel
def add_rare(
    own_start: Any, own_site: Any, own_code: Any, start: Any, carrier: Any, rows: Any, begin: int, end: int, first: Any,
    scores: Any,
) -> None:  # fmt: skip
    """Add to the scores of a tile the sums of ``g_1 g_2`` over shared carriers of rare sites.

    own_start, own_site, own_code : sites of each person    start, carrier : carriers of each site, ascending
    rows, begin, end, first, scores : as of ``add_frequent``
    """
    for r in range(rows.size):
        person, out = rows[r], scores[r]
        low = max(begin, first[r])
        for own in range(own_start[person], own_start[person + 1]):
            site, copies = own_site[own], np.int32(own_code[own])
            for e in range(start[site + 1] - 1, start[site] - 1, -1):
                column = carrier[e] >> 1
                if column < low:
                    break
                if column < end:
                    out[column - begin] += copies << (carrier[e] & 1)


@kernel
def find_pairs(
    scores: Any, rows: Any, begin: int, end: int, first: Any, tallies: Any, threshold: float, flags: Any, row: Any,
    column: Any, found_score: Any,
) -> int:  # fmt: skip
    """Write the pairs of a tile whose kinship can be ``threshold`` or more, rows ascending; return how many.

    Exactly those whose kinship is, where nobody has a missing call; else by the most that missing calls can change.

    tallies : (5, people) int64: heterozygous calls at frequent and at rare sites, homozygous for the rarer allele at
        rare sites, missing calls at frequent and at rare sites
    flags : (columns,) bool scratch    row, column : int64, room for the tile's pairs    found_score : int32 likewise
    Other arguments as of ``add_frequent``.
    """
    found = 0
    het, het_rare, hom_rare, missing, missing_rare = tallies[0], tallies[1], tallies[2], tallies[3], tallies[4]
    for r in range(rows.size):
        i, out = rows[r], scores[r]
        low = max(begin, first[r])
        het_i, het_rare_i, hom_i = het[i], het_rare[i], hom_rare[i]
        missing_i, missing_rare_i = missing[i], missing_rare[i]
        for j in range(low, end):
            s = np.int64(out[j - begin]) - 2 * (hom_i + hom_rare[j])
            s += 2 * (min(hom_i, missing_rare[j]) + min(hom_rare[j], missing_rare_i))
            most_i, most_j = het_i + het_rare_i, het[j] + het_rare[j]
            least_i = most_i - min(het_i, missing[j]) - min(het_rare_i, missing_rare[j])
            least_j = most_j - min(het[j], missing_i) - min(het_rare[j], missing_rare_i)
            apart = max(max(least_i - most_j, least_j - most_i), np.int64(0))
            twice = 2 * s - apart
            fewer = min(least_i, least_j) if twice >= 0 else min(most_i, most_j)
            # A hair below: the pair is looked at again, with the sum that is printed.
            flags[j - begin] = threshold == -np.inf or np.float64(twice) >= 4 * threshold * np.float64(fewer) - 1e-6
        for j in range(low, end):
            if flags[j - begin]:
                row[found] = i
                column[found] = j
                found_score[found] = out[j - begin]
                found += 1
    return found


@kernel
def count_pairs(
    hom: Any, alt: Any, num_frequent: int, rare: Any, missing_rare: Any, tallies: Any, pairs: Any, threshold: float,
    marks: Any, out: Any,
) -> int:  # fmt: skip
    """Count what pairs have in common and write those whose kinship is ``threshold`` or more; return how many.

    num_frequent : sites of the planes    rare : own_start, own_site, own_code of ``add_rare``
    missing_rare : (people, words) uint64 of rare sites, no words where nobody is missing
    pairs : row, column, found_score of ``find_pairs``    marks : (rare sites,) uint8 scratch, zero
    out : (7, pairs) int32: row, column, n_sites, ibs0, ibs1, het_het, and the fewer heterozygotes of the two at sites
        where both are called; a threshold of -inf takes pairs without any as well
    """
    own_start, own_site, own_code = rare
    row, column, found_score = pairs
    kept = 0
    marked = np.int64(-1)
    any_missing = missing_rare.shape[1] > 0
    for pair in range(row.size):
        i, j = row[pair], column[pair]
        if i != marked:
            if marked >= 0:
                for e in range(own_start[marked], own_start[marked + 1]):
                    marks[own_site[e]] = 0
            for e in range(own_start[i], own_start[i + 1]):
                marks[own_site[e]] = own_code[e]
            marked = i
        het_i, het_j = tallies[0, i] + tallies[1, i], tallies[0, j] + tallies[1, j]
        hom_i, hom_j = tallies[2, i], tallies[2, j]
        missing_i, missing_j = tallies[3, i] + tallies[4, i], tallies[3, j] + tallies[4, j]
        products = np.int64(0)
        het_het = np.int64(0)
        for e in range(own_start[j], own_start[j + 1]):
            mark, code = marks[own_site[e]], own_code[e]
            products += np.int64(mark) * np.int64(code)
            het_het += (mark == HET) & (code == HET)
        lost_i, lost_j, both_missing = np.int64(0), np.int64(0), np.int64(0)
        if any_missing:
            gone_i, gone_j = missing_rare[i], missing_rare[j]
            het_lost, hom_lost = _lost(own_site, own_code, own_start[i], own_start[i + 1], gone_j)
            het_i -= het_lost
            hom_i -= hom_lost
            het_lost, hom_lost = _lost(own_site, own_code, own_start[j], own_start[j + 1], gone_i)
            het_j -= het_lost
            hom_j -= hom_lost
            for w in range(gone_i.size):
                both_missing += np.int64(popcount(gone_i[w] & gone_j[w]))
        frequent_score = np.int64(found_score[pair]) - products
        frequent = np.int64(0)
        row_hom, row_alt, other_hom, other_alt = hom[i], alt[i], hom[j], alt[j]
        for w in range(row_hom.size):
            frequent += np.int64(popcount(~(row_hom[w] | other_hom[w]) & row_alt[w] & other_alt[w]))
        # Opposite homozygotes: from the score at frequent sites, from products at rare ones.
        rare_score = products - 2 * (hom_i + hom_j)
        ibs0 = (frequent - frequent_score) // 2 + (het_het - rare_score) // 2
        het_het += frequent
        if tallies[3, i] or tallies[3, j]:
            for w in range(row_hom.size):
                lost_i += np.int64(popcount(~row_hom[w] & row_alt[w] & ~(other_hom[w] | other_alt[w])))
                lost_j += np.int64(popcount(~other_hom[w] & other_alt[w] & ~(row_hom[w] | row_alt[w])))
                both_missing += np.int64(popcount(~(row_hom[w] | row_alt[w] | other_hom[w] | other_alt[w])))
            both_missing -= 64 * row_hom.size - num_frequent
        het_i -= lost_i
        het_j -= lost_j
        ibs1 = het_i + het_j - 2 * het_het
        fewer = min(het_i, het_j)
        if threshold != -np.inf and not (
            fewer > 0 and 0.5 - np.float64(4 * ibs0 + ibs1) / np.float64(4 * fewer) >= threshold
        ):
            continue
        out[0, kept], out[1, kept] = i, j
        out[2, kept] = num_frequent + marks.size - missing_i - missing_j + both_missing
        out[3, kept], out[4, kept], out[5, kept], out[6, kept] = ibs0, ibs1, het_het, fewer
        kept += 1
    if marked >= 0:
        for e in range(own_start[marked], own_start[marked + 1]):
            marks[own_site[e]] = 0
    return kept


@kernel
def _lost(own_site: Any, own_code: Any, begin: int, end: int, gone: Any) -> Any:
    """How many heterozygous and homozygous calls of one person's rare sites meet a missing call of another's."""
    het, hom = np.int64(0), np.int64(0)
    for e in range(begin, end):
        site = np.uint64(own_site[e])
        bit = np.int64((gone[site >> np.uint64(6)] >> (site & np.uint64(63))) & np.uint64(1))
        het += bit * (own_code[e] == HET)
        hom += bit * (own_code[e] == HOM)
    return het, hom
