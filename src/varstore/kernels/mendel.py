"""Mendelian errors of children and their parents, on bit planes of people over sites."""

from typing import Any

import numpy as np

from .intrinsics import popcount, trailing_zeros
from .jit import kernel

# Columns of what is counted of a child.
SITES, ERRORS, FATHER_SITES, FATHER_ERRORS, MOTHER_SITES, MOTHER_ERRORS = range(6)
NUM_COUNTS = 6


@kernel
def _parent(called: Any, hom_alt: Any, ref: Any, its_het: Any, its_hom_alt: Any, its_missing: Any) -> Any:
    """A child's word against one parent's: both called, the parent's two homozygous calls, and opposite homozygotes."""
    both = called & ~its_missing
    its_alt = its_hom_alt & both
    its_ref = both & ~(its_het | its_alt)
    return both, its_alt, its_ref, (ref & its_alt) | (hom_alt & its_ref)


@kernel
def mendel_errors(
    het: Any, hom_alt: Any, missing: Any, members: Any, num_sites: int, counts: Any, site_errors: Any, site_lost: Any
) -> None:
    """Count the sites at which a child's call cannot come from its parents' calls.

    het, hom_alt, missing : (people, words) uint64 over sites; of each call one bit at most is set
    members : (children, 3) int64, rows of child, father and mother; -1: no such parent, of the two at most one
    counts : (children, 6) int64, caller-allocated: sites at which all who are there are called, and errors of them;
        the same of child and father alone, and of child and mother alone
    site_errors, site_lost : (64 x words,) int64, added to: children with an error, and children of whom somebody has
        no call
    """
    every = ~np.uint64(0)
    for trio in range(members.shape[0]):
        child, father, mother = members[trio, 0], members[trio, 1], members[trio, 2]
        for column in range(counts.shape[1]):
            counts[trio, column] = 0
        for w in range(het.shape[1]):
            first = w * 64
            if first >= num_sites:
                break
            there = every if num_sites - first >= 64 else (np.uint64(1) << np.uint64(num_sites - first)) - np.uint64(1)
            called = there & ~missing[child, w]
            alt, one = hom_alt[child, w], het[child, w]
            ref = called & ~(alt | one)
            errors = np.uint64(0)
            father_alt, father_ref, mother_alt, mother_ref = errors, errors, errors, errors
            complete = called
            if father >= 0:
                both, father_alt, father_ref, wrong = _parent(
                    called, alt, ref, het[father, w], hom_alt[father, w], missing[father, w]
                )
                counts[trio, FATHER_SITES] += np.int64(popcount(both))
                counts[trio, FATHER_ERRORS] += np.int64(popcount(wrong))
                errors |= wrong
                complete &= both
            if mother >= 0:
                both, mother_alt, mother_ref, wrong = _parent(
                    called, alt, ref, het[mother, w], hom_alt[mother, w], missing[mother, w]
                )
                counts[trio, MOTHER_SITES] += np.int64(popcount(both))
                counts[trio, MOTHER_ERRORS] += np.int64(popcount(wrong))
                errors |= wrong
                complete &= both
            # Parents who are homozygous for one allele have no heterozygous child.
            errors |= one & ((father_ref & mother_ref) | (father_alt & mother_alt))
            errors &= complete
            counts[trio, SITES] += np.int64(popcount(complete))
            counts[trio, ERRORS] += np.int64(popcount(errors))
            while errors != np.uint64(0):
                site_errors[first + np.int64(trailing_zeros(errors))] += 1
                errors &= errors - np.uint64(1)
            lost = there & ~complete
            while lost != np.uint64(0):
                site_lost[first + np.int64(trailing_zeros(lost))] += 1
                lost &= lost - np.uint64(1)
