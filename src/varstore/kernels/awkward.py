"""Rows with half calls, ploidy holes or further alleles: their sets become planes over haplotypes, and are counted."""

from typing import Any

import numpy as np

from .blocks import set_indexes
from .copying import copy_to
from .intrinsics import popcount
from .jit import kernel
from .planes import BAD_VALUE, EVEN_BITS, OK
from .rows import ALT, EMPTY, FILL, FLIPPED, FORM_MASK, HALF, MISSING, OTHER, PLANE


@kernel
def is_awkward(form: Any, row: int) -> bool:
    """Whether a haploid or diploid row has half calls, ploidy holes or further alleles."""
    return (form[HALF, row] | form[FILL, row] | form[OTHER, row]) & FORM_MASK != EMPTY


@kernel
def set_plane(plane: Any, indexes: Any, num: int) -> None:
    """Set bits of a plane."""
    for i in range(num):
        index = np.uint64(indexes[i])
        plane[index >> np.uint64(6)] |= np.uint64(1) << (index & np.uint64(63))


@kernel
def awkward_planes(
    which: int, all_forms: Any, form: Any, length: Any, at: Any, lists: Any, dense_planes: Any, values: Any,
    samples: int, ploidy: int, first_row: int, end_row: int, indexes: Any, planes: Any, other: Any,
) -> int:  # fmt: skip
    """Write one set of the awkward rows as planes over haplotypes; return a status.

    all_forms : (5, rows) uint8; form, length, at, lists, dense_planes : of set ``which``
    planes : (4, awkward rows, words) uint64, zeroed by the caller: code 1 or 0, missing, holes, others
    other : (awkward rows + 1,) int64, written for OTHER: where each row's codes begin in ``values``
    """
    bits = samples if which == MISSING else samples * ploidy
    dense, used, out = 0, 0, 0
    for row in range(end_row):
        aside = row >= first_row and is_awkward(all_forms, row)
        this = form[row] & FORM_MASK
        num = 0
        if this != EMPTY and (aside or which == OTHER):
            num = set_indexes(form, length, at, lists, dense_planes, bits, row, dense, indexes)
            if num < 0:
                return -num
        if aside:
            if which == ALT:
                set_plane(planes[0, out], indexes, num)
            elif which == MISSING:
                for i in range(num):
                    for h in range(ploidy):
                        bit = np.int64(indexes[i]) * ploidy + h
                        planes[1, out, bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)
            elif which == HALF:
                set_plane(planes[1, out], indexes, num)
            elif which == FILL:
                set_plane(planes[2, out], indexes, num)
            else:
                if used + num > values.size:
                    return BAD_VALUE
                other[out] = used
                set_plane(planes[3, out], indexes, num)
                for i in range(num):
                    if values[used + i] < 0:
                        index = np.int64(indexes[i])
                        planes[1, out, index >> 6] |= np.uint64(1) << np.uint64(index & 63)
            out += 1
        used += num if which == OTHER else 0
        dense += this >= PLANE
    if which == OTHER:
        other[out] = used
    return OK


@kernel
def _count_states(ploidy: int, missing: Any, fill: Any, allele: Any, mask: Any) -> tuple[int, int, int]:
    """People of a cohort who are called, homozygous and heterozygous for an allele, of haploid or diploid rows.

    allele : (words,) uint64, haplotypes of the allele    missing, fill : haplotypes of codes -1 and -2
    mask : the cohort's haplotypes
    """
    num_called, num_hom, num_het = np.int64(0), np.int64(0), np.int64(0)
    for w in range(allele.size):
        if ploidy == 1:
            called = mask[w] & ~missing[w] & ~fill[w]
            num_called += np.int64(popcount(called))
            num_hom += np.int64(popcount(called & allele[w]))
        else:
            first, second = allele[w], allele[w] >> np.uint64(1)
            no_first, no_second = fill[w], fill[w] >> np.uint64(1)
            called = mask[w] & EVEN_BITS & ~(missing[w] | (missing[w] >> np.uint64(1))) & ~(no_first & no_second)
            hom = called & (first | no_first) & (second | no_second)
            num_called += np.int64(popcount(called))
            num_hom += np.int64(popcount(hom))
            num_het += np.int64(popcount(called & (first | second) & ~hom))
    return num_called, num_hom, num_het


@kernel
def count_awkward(
    form: Any, values: Any, ploidy: int, first_row: int, end_row: int, planes: Any, other: Any,
    num_alts: Any, alt_start: Any, people: Any, masks: Any, n_hom_ref: Any, n_het: Any, n_hom_alt: Any,
    n_missing: Any,
) -> None:  # fmt: skip
    """Add the genotype counts of the awkward rows from their planes; codes were validated by ``count_other``.

    planes, other : from ``awkward_planes``; other arguments as in ``combine_genotypes``
    """
    words = planes.shape[2]
    allele = np.empty(words, np.uint64)
    aside = 0
    for row in range(first_row, end_row):
        if not is_awkward(form, row):
            continue
        known, missing, fill, others = planes[0, aside], planes[1, aside], planes[2, aside], planes[3, aside]
        out = row - first_row
        flipped = form[ALT, row] & FLIPPED != 0
        begin, end = other[aside], other[aside + 1]
        if form[OTHER, row] & FORM_MASK == EMPTY:
            end = begin
        aside += 1
        for code in range(num_alts[out] + 1):
            if code > 1:
                found = False
                for i in range(begin, end):
                    found = found or values[i] == code
                if not found:
                    continue
                allele[:] = np.uint64(0)
                i = begin
                for w in range(words):
                    word = others[w]
                    while word != np.uint64(0):
                        if values[i] == code:
                            allele[w] |= word & (~word + np.uint64(1))
                        word &= word - np.uint64(1)
                        i += 1
            elif (code == 0) == flipped:
                copy_to(allele, known)
            else:
                # What is in no set has the row's default code; past the last haplotype no mask has a bit.
                for w in range(words):
                    allele[w] = ~(known[w] | missing[w] | fill[w] | others[w])
            for k in range(masks.shape[0]):
                called, hom, het = _count_states(ploidy, missing, fill, allele, masks[k, :words])
                if code == 0:
                    n_hom_ref[k, out] += hom
                    n_missing[k, out] += people[k] - called
                else:
                    n_hom_alt[k, alt_start[out] + code - 1] += hom
                    n_het[k, alt_start[out] + code - 1] += het
