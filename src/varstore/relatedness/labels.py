"""What kinship and IBS0 are called: duplicates, parents, sibs, degrees; and whether sites are enough to say so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import TooFewSitesError

DUPLICATE = "duplicate/twin"
PARENT_OFFSPRING = "parent-offspring"
FULL_SIBLING = "full sibling"
SECOND_DEGREE = "second degree"
THIRD_DEGREE = "third degree"
UNRELATED = "unrelated"

# Least kinship of duplicates and of the degrees: halfway, in powers of two, between 1/2, 1/4, 1/8, 1/16 and 1/32
# (Manichaikul et al. 2010, table 1, as KING and plink2 use them: 0.354, 0.177, 0.0884, 0.0442).
LEAST_DUPLICATE = 2**-1.5
LEAST_FIRST = 2**-2.5
LEAST_SECOND = 2**-3.5
LEAST_THIRD = 2**-4.5
LEAST = {
    UNRELATED: float("-inf"),
    THIRD_DEGREE: LEAST_THIRD,
    SECOND_DEGREE: LEAST_SECOND,
    FULL_SIBLING: LEAST_FIRST,
    PARENT_OFFSPRING: LEAST_FIRST,
    DUPLICATE: LEAST_DUPLICATE,
}
# Of first-degree pairs, parents and children have less than this of ``k0 + 2 (kinship - 1/4)``; docs/relatedness.md.
MOST_PARENT_OFFSPRING = 0.1

# Sites that count as independent are this far apart, in bases, and no rarer than this.
APART = 500_000
FREQUENT = 0.05
# Least independent sites of labels. Of L sites the kinship of strangers has a standard error of sqrt(3 / (4 L)): this
# makes it half of what third-degree relatives have at least, so 98 of 100 strangers stay below that.
LEAST_SITES = round(0.75 / (LEAST_THIRD / 2) ** 2)


def relationships(
    kinship: NDArray[np.float64],
    ibs0: NDArray[Any],
    n_sites: NDArray[Any],
    expected_ibs0: float,
    least_sites: float = 1,
) -> NDArray[Any]:
    """Label pairs; None where the kinship is NaN, or where both are called at fewer than ``least_sites``.

    kinship : KING-robust    ibs0 : sites at which they share no allele    n_sites : at which both are called
    expected_ibs0 : share of sites at which strangers share none, ``expected_ibs0`` of the sites
    """
    degrees = np.array([UNRELATED, THIRD_DEGREE, SECOND_DEGREE, FULL_SIBLING, DUPLICATE, None], object)
    least = np.array([LEAST_THIRD, LEAST_SECOND, LEAST_FIRST, LEAST_DUPLICATE])
    place = np.searchsorted(least, kinship, side="right")
    place[np.isnan(kinship) | (n_sites < least_sites)] = -1
    out: NDArray[Any] = degrees[place]
    first = np.flatnonzero(out == FULL_SIBLING)
    strangers = n_sites[first] * expected_ibs0
    k0 = np.divide(ibs0[first], strangers, out=np.zeros(len(first)), where=strangers > 0)
    out[first[k0 + 2 * (kinship[first] - 0.25) < MOST_PARENT_OFFSPRING]] = PARENT_OFFSPRING
    return out


def expected_ibs0(frequency: NDArray[np.float64]) -> float:
    """Share of sites at which two strangers are opposite homozygotes, in Hardy-Weinberg proportions: 2 p^2 q^2.

    frequency : (sites,) of one of the two alleles, NaN left out
    """
    p = frequency[~np.isnan(frequency)]
    return float((2 * (p * (1 - p)) ** 2).mean()) if len(p) else 0.0


def independent_sites(contig: NDArray[Any], position: NDArray[np.int64], frequency: NDArray[np.float64]) -> int:
    """How many frequent sites there are no two of which are within ``APART`` bases, chosen from the left.

    contig : (sites,) equal where the contig is one    frequency : of one of the two alleles
    """
    number = 0
    frequent = np.nan_to_num(np.minimum(frequency, 1 - frequency)) >= FREQUENT
    for name in np.unique(contig[frequent]).tolist():
        position_here = np.sort(position[frequent & (contig == name)])
        at = 0
        while at < len(position_here):
            number += 1
            at = int(np.searchsorted(position_here, position_here[at] + APART))
    return number


def least_sites_of_pair(num_sites: int, independent: int) -> float:
    """Sites at which both of a pair have to be called for a label.

    With fewer, as many of them independent as of all, the standard error is more than third-degree kinship itself.
    """
    return LEAST_SITES / 4 * num_sites / independent


def too_few(num_sites: int, independent: int) -> TooFewSitesError:
    """The error where labels would be guesses: too few sites, or all of them in a few places."""
    return TooFewSitesError(
        f"too few independent sites ({independent:,}; needs {LEAST_SITES:,}): so many of the {num_sites:,} sites "
        f"have a minor allele frequency of {FREQUENT} or more and are {APART // 1000:,} kb apart; on fewer, chance and "
        "shared history look like kinship; force=True (--force) gives the numbers without labels"
    )
