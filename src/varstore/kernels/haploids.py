"""Counting haploid calls of cohorts: who is called with one allele, and with which."""

from typing import Any

import numpy as np

from .awkward import is_awkward
from .count import member_bit
from .intrinsics import popcount, trailing_zeros
from .jit import kernel
from .planes import EVEN_BITS
from .rows import ALT, EMPTY, FILL, FLIPPED, FORM_MASK, OTHER


@kernel
def count_haploids(
    form: Any, values: Any, first_row: int, end_row: int, planes: Any, other: Any, alt_start: Any, masks: Any,
    allele_count: Any, allele_number: Any,
) -> None:  # fmt: skip
    """Add the haploid calls of diploid rows that have ploidy holes; codes were validated by ``count_other``.

    planes, other : from ``awkward_planes``    masks : (cohorts, words) uint64, of haplotypes
    allele_count : (cohorts, alleles) int64, by allele; allele_number : (cohorts, rows) int64, all of them
    """
    words = planes.shape[2]
    haploid = np.empty(words, np.uint64)
    aside = 0
    for row in range(first_row, end_row):
        if not is_awkward(form, row):
            continue
        known, missing, fill, others = planes[0, aside], planes[1, aside], planes[2, aside], planes[3, aside]
        at = other[aside]
        aside += 1
        if form[FILL, row] & FORM_MASK == EMPTY:
            continue
        out = row - first_row
        # Both places of a sample with one allele, so that the allele's own place is found too.
        for w in range(words):
            holes = (fill[w] ^ (fill[w] >> np.uint64(1))) & ~(missing[w] | (missing[w] >> np.uint64(1))) & EVEN_BITS
            haploid[w] = holes | (holes << np.uint64(1))
        flipped = form[ALT, row] & FLIPPED != 0
        for k in range(masks.shape[0]):
            num, own = np.int64(0), np.int64(0)
            for w in range(words):
                asked = haploid[w] & masks[k, w] & ~fill[w]
                num += np.int64(popcount(asked))
                own += np.int64(popcount(asked & (~(known[w] | others[w]) if flipped else known[w])))
            allele_number[k, out] += num
            if own > 0:
                allele_count[k, alt_start[out]] += own
        if form[OTHER, row] & FORM_MASK == EMPTY:
            continue
        for w in range(words):
            word = others[w]
            while word != np.uint64(0):
                index = w * 64 + np.int64(trailing_zeros(word))
                code = np.int64(values[at])
                at += 1
                if code > 0 and word & (~word + np.uint64(1)) & haploid[w] != np.uint64(0):
                    for k in range(masks.shape[0]):
                        allele_count[k, alt_start[out] + code - 1] += member_bit(masks[k], index)
                word &= word - np.uint64(1)


@kernel
def count_haploid_calls(codes: Any, sample_masks: Any, alt_start: Any, allele_count: Any, allele_number: Any) -> None:
    """Add the haploid calls of decoded rows of any ploidy, validated by ``count_other``.

    codes : (rows, samples, ploidy) int16    sample_masks : (cohorts, words) uint64
    """
    for row in range(codes.shape[0]):
        for sample in range(codes.shape[1]):
            num, only = 0, np.int64(-1)
            for h in range(codes.shape[2]):
                code = np.int64(codes[row, sample, h])
                if code != -2:
                    only = code
                    num += 1
            if num != 1 or only < 0:
                continue
            for k in range(sample_masks.shape[0]):
                member = member_bit(sample_masks[k], sample)
                allele_number[k, row] += member
                if only > 0:
                    allele_count[k, alt_start[row] + only - 1] += member
