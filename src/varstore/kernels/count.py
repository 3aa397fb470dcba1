"""Counting alleles and genotypes of cohorts straight on the streams of a block.

A row's set is met with a cohort's mask: a list tests one bit an entry, a plane ANDs and counts bits.
Alleles follow by arithmetic from how many members each set has; so do genotypes of haploid and
diploid rows that have no half calls, ploidy holes or further alleles. Other rows are met as planes of
all their sets, and rows of higher ploidy call by call.
"""

from typing import Any

import numpy as np

from .awkward import is_awkward
from .blocks import set_indexes
from .copying import copy_to
from .intrinsics import popcount
from .jit import inlined, kernel
from .lists import MOST_PLAIN, read_list
from .planes import BAD_LIST, BAD_VALUE, EVEN_BITS, OK
from .rows import ALT, EMPTY, FILL, FLIPPED, FORM_MASK, HALF, LIST, MISSING, OTHER, PLANE

# A mask covers every index a uint16 can hold, so that no list can reach past it.
MASK_WORDS = 1024


@kernel
def member_bit(mask: Any, index: int) -> int:
    word = np.uint64(index >> 6) & np.uint64(MASK_WORDS - 1)
    return np.int64((mask[word] >> np.uint64(index & 63)) & np.uint64(1))


@inlined
def _hit_list(indexes: Any, length: int, masks: Any, k: int) -> int:
    """Members in mask ``k`` of the list."""
    hits = np.int64(0)
    for i in range(length):
        index = np.uint64(indexes[i])
        hits += np.int64((masks[k, index >> np.uint64(6)] >> (index & np.uint64(63))) & np.uint64(1))
    return hits


@inlined
def _pairs_of_list(indexes: Any, length: int, masks: Any, k: int) -> int:
    """Samples in mask ``k`` both of whose haplotypes are in the list: an odd index and the one before it."""
    pairs = np.int64(0)
    for i in range(1, length):
        index = np.uint64(indexes[i])
        if index & np.uint64(1) and np.uint64(indexes[i - 1]) + np.uint64(1) == index:
            pairs += np.int64((masks[k, index >> np.uint64(6)] >> (index & np.uint64(63))) & np.uint64(1))
    return pairs


@kernel
def _hit_plane(plane: Any, mask: Any, want_pairs: bool) -> tuple[int, int]:
    hits, pairs = np.int64(0), np.int64(0)
    for w in range(plane.size):
        hits += np.int64(popcount(plane[w] & mask[w]))
    if want_pairs:
        for w in range(plane.size):
            both = plane[w] & mask[w]
            pairs += np.int64(popcount(both & (both >> np.uint64(1)) & EVEN_BITS))
    return hits, pairs


@kernel
def rows_of_lists(form: Any, length: Any, first_row: int, end_row: int) -> Any:
    """Rows that are lists, short ones first: (lists,) int64.

    Sorted out without a branch a row: what a row is cannot be foretold, and a wrong guess costs as much as a list.
    """
    rows, long, num_plain, num_long = np.empty(end_row, np.int64), np.empty(end_row, np.int64), 0, 0
    for row in range(end_row):
        is_list = row >= first_row and form[row] & FORM_MASK == LIST
        rows[num_plain] = row
        num_plain += is_list and length[row] <= MOST_PLAIN
        long[num_long] = row
        num_long += is_list and length[row] > MOST_PLAIN
    copy_to(rows[num_plain : num_plain + num_long], long[:num_long])
    return rows[: num_plain + num_long]


@kernel
def count_hits(
    form: Any, length: Any, at: Any, dense_row: Any, lists: Any, dense_planes: Any, bits: int, first_row: int,
    end_row: int, masks: Any, indexes: Any, hits: Any, pairs: Any, want_pairs: bool,
) -> int:  # fmt: skip
    """Meet rows ``first_row`` to ``end_row`` of one set with every mask; return a status.

    form, length, at, dense_row, lists : of this set, as ``SetStreams`` has them
    dense_planes : (dense rows, words) uint64 from ``planes.materialise``
    masks : (cohorts, 1024) uint64    indexes : uint16 scratch with room for ``bits``
    hits, pairs : (cohorts, end_row - first_row) int32, written
    """
    words = (bits + 63) >> 6
    good = True
    for row in rows_of_lists(form, length, first_row, end_row):
        num = np.int64(length[row])
        good &= read_list(lists, at[row], num, bits, indexes)
        for k in range(masks.shape[0]):
            hits[k, row - first_row] = _hit_list(indexes, num, masks, k)
            if want_pairs:
                pairs[k, row - first_row] = _pairs_of_list(indexes, num, masks, k)
    if not good:
        return BAD_LIST
    for dense in range(dense_row.size):
        row = np.int64(dense_row[dense])
        if first_row <= row < end_row:
            for k in range(masks.shape[0]):
                hits[k, row - first_row], pairs[k, row - first_row] = _hit_plane(
                    dense_planes[dense], masks[k, :words], want_pairs
                )
    return OK


@kernel
def count_other(
    form: Any, length: Any, at: Any, lists: Any, dense_planes: Any, values: Any, bits: int,
    first_row: int, end_row: int, num_alts: Any, alt_start: Any, masks: Any, indexes: Any, allele_count: Any,
    negative: Any,
) -> int:  # fmt: skip
    """Add the members of further alleles to ``allele_count``, of odd negative codes to ``negative``.

    Validates every code of the rows: afterwards they may index the alleles. Arguments as in ``count_hits``.
    """
    dense, used = 0, 0
    for row in range(end_row):
        this = form[row] & FORM_MASK
        if this == EMPTY:
            continue
        num = set_indexes(form, length, at, lists, dense_planes, bits, row, dense, indexes)
        dense += this >= PLANE
        if num < 0:
            return -num
        if used + num > values.size:
            return BAD_VALUE
        if row >= first_row:
            out = row - first_row
            for i in range(num):
                code = np.int64(values[used + i])
                if code > num_alts[out] or code == 0 or code == 1:
                    return BAD_VALUE
                for k in range(masks.shape[0]):
                    member = member_bit(masks[k], np.int64(indexes[i]))
                    if code < 0:
                        negative[k, out] += member
                    else:
                        allele_count[k, alt_start[out] + code - 1] += member
        used += num
    return OK


@kernel
def _add_call(
    codes: Any, ploidy: int, first_alt: int, n_hom_ref: Any, n_het: Any, n_hom_alt: Any, n_missing: Any
) -> None:
    """Add one sample's call to the genotype counts of a cohort (docs/semantics.md).

    codes : (ploidy,) int16    n_hom_ref, n_missing : (1,) of the row    n_het, n_hom_alt : (alleles,)
    """
    missing = False
    num = 0
    first = np.int64(-1)
    same = True
    for h in range(ploidy):
        code = np.int64(codes[h])
        if code == -2:
            continue
        if code < 0:
            missing = True
        elif num == 0:
            first = code
        else:
            same = same and code == first
        num += 1
    if missing or num == 0:
        n_missing[0] += 1
    elif same and first == 0:
        n_hom_ref[0] += 1
    elif same:
        n_hom_alt[first_alt + first - 1] += 1
    else:
        for h in range(ploidy):
            code = np.int64(codes[h])
            if code <= 0:
                continue
            seen = False
            for g in range(h):
                seen = seen or codes[g] == code
            if not seen:
                n_het[first_alt + code - 1] += 1


@kernel
def count_calls(
    codes: Any, sample_masks: Any, alt_start: Any, n_hom_ref: Any, n_het: Any, n_hom_alt: Any, n_missing: Any
) -> None:
    """Add the genotype counts of decoded rows of any ploidy, validated by ``count_other``.

    codes : (rows, samples, ploidy) int16; other arguments as in ``combine_genotypes``
    """
    for row in range(codes.shape[0]):
        for k in range(sample_masks.shape[0]):
            for sample in range(codes.shape[1]):
                if member_bit(sample_masks[k], sample):
                    _add_call(
                        codes[row, sample], codes.shape[2], alt_start[row], n_hom_ref[k, row : row + 1], n_het[k],
                        n_hom_alt[k], n_missing[k, row : row + 1],
                    )  # fmt: skip


@kernel
def combine_alleles(
    alt_form: Any, first_row: int, haplotypes: Any, ploidy: int, present: Any, hits: Any, negative: Any, num_alts: Any,
    alt_start: Any, allele_count: Any, allele_number: Any,
) -> bool:  # fmt: skip
    """Add allele counts that follow from the hits of the five sets; return whether the ALT alleles fit the records.

    alt_form : (rows of the block,) uint8    haplotypes : (cohorts,) int64, of the cohort's people
    present : (5,) bool, which sets the block has
    hits : (5, cohorts, rows) int32; negative : (cohorts, rows) int32
    num_alts, alt_start : int64 of the rows: ALT alleles, and the first one's column
    allele_count : (cohorts, alleles) int64, allele_number : (cohorts, rows) int64; added to
    """
    cohorts, rows = hits.shape[1], hits.shape[2]
    fits = True
    for k in range(cohorts):
        for row in range(rows):
            gone, other = np.int64(0), np.int64(0)
            if present[MISSING]:
                gone += np.int64(hits[MISSING, k, row]) * ploidy
            if present[HALF]:
                gone += np.int64(hits[HALF, k, row])
            if present[FILL]:
                gone += np.int64(hits[FILL, k, row])
            if present[OTHER]:
                other += np.int64(hits[OTHER, k, row])
            own = np.int64(hits[ALT, k, row])
            allele_number[k, row] += haplotypes[k] - gone - np.int64(negative[k, row])
            if num_alts[row] > 0:
                flipped = alt_form[first_row + row] & FLIPPED != 0
                allele_count[k, alt_start[row]] += haplotypes[k] - own - gone - other if flipped else own
            else:
                fits &= alt_form[first_row + row] == EMPTY
    return fits


@kernel
def combine_genotypes(
    form: Any, first_row: int, people: Any, ploidy: int, hits: Any, pairs: Any, num_alts: Any, alt_start: Any,
    n_hom_ref: Any, n_het: Any, n_hom_alt: Any, n_missing: Any,
) -> int:  # fmt: skip
    """Add genotype counts that follow from the hits; return how many awkward rows are left.

    form : (5, rows of the block) uint8    people : (cohorts,) int64    ploidy : 1 or 2
    pairs : (cohorts, rows) int32; other arguments as in ``combine_alleles``
    n_het, n_hom_alt : (cohorts, alleles) int64; n_hom_ref, n_missing : (cohorts, rows) int64; added to
    """
    cohorts, rows = hits.shape[1], hits.shape[2]
    aside, awkward = np.empty(rows, np.bool_), 0
    for row in range(rows):
        aside[row] = is_awkward(form, first_row + row)
        awkward += aside[row]
    # Cohort by cohort: rows of the counts are a power of two apart, and would push one another out of the cache.
    for k in range(cohorts):
        for row in range(rows):
            if aside[row]:
                continue
            flipped = form[ALT, first_row + row] & FLIPPED != 0
            own, missing = np.int64(hits[ALT, k, row]), np.int64(hits[MISSING, k, row])
            het = own - 2 * np.int64(pairs[k, row]) if ploidy == 2 else np.int64(0)
            hom = np.int64(pairs[k, row]) if ploidy == 2 else own
            rest = people[k] - missing - het - hom
            n_missing[k, row] += missing
            n_hom_ref[k, row] += hom if flipped else rest
            if num_alts[row] > 0:
                n_het[k, alt_start[row]] += het
                n_hom_alt[k, alt_start[row]] += rest if flipped else hom
    return awkward
