"""Comparisons of cohorts computed plainly, in fractions and by enumeration: slow, readable, apart from the package."""

import math
from fractions import Fraction

# Tables that are as probable as the observed one count as less probable; rounding must not decide.
TIE = 10**7


def fisher(a, b, c, d):
    """Two-sided p-value as a fraction; None where a margin is 0."""
    row, other, column = a + b, c + d, a + c
    if 0 in (row, other, column, b + d):
        return None
    low, high = max(0, column - other), min(row, column)
    ways = [math.comb(row, low) * math.comb(other, column - low)]
    for x in range(low, high):
        ways.append(ways[-1] * (row - x) * (column - x) // ((x + 1) * (other - column + x + 1)))
    bound = ways[a - low] * (TIE + 1)
    return Fraction(sum(number for number in ways if number * TIE <= bound), sum(ways))


def chi_square(first, second):
    """Pearson's statistic of a table of two rows, and its degrees of freedom; (None, 0) where there is none.

    Columns with nothing in them are left out.
    """
    filled = [k for k in range(len(first)) if first[k] + second[k]]
    first, second = ([row[k] for k in filled] for row in (first, second))
    columns = [x + y for x, y in zip(first, second, strict=True)]
    if 0 in (sum(first), sum(second)) or len(columns) < 2:
        return None, 0
    total = sum(columns)
    statistic = sum(
        (Fraction(cell) - Fraction(sum(row) * column, total)) ** 2 / Fraction(sum(row) * column, total)
        for row in (first, second)
        for cell, column in zip(row, columns, strict=True)
    )
    return statistic, len(columns) - 1


def trend(first, second):
    """Cochran-Armitage's statistic with weights 0, 1, 2; None where it is 0 by 0."""
    total, of_first = sum(first) + sum(second), sum(first)
    people = [
        (weight, group) for group, row in ((1, first), (0, second)) for weight, n in enumerate(row) for _ in range(n)
    ]
    if not people or of_first in (0, total):
        return None
    # N times the squared correlation of weight and group.
    mean_weight = Fraction(sum(w for w, _ in people), total)
    mean_group = Fraction(of_first, total)
    together = sum((w - mean_weight) * (g - mean_group) for w, g in people)
    of_weight = sum((w - mean_weight) ** 2 for w, _ in people)
    of_group = sum((g - mean_group) ** 2 for _, g in people)
    return None if of_weight == 0 else total * together**2 / (of_weight * of_group)


def benjamini_hochberg(values):
    """Adjusted p-values; None stays None."""
    tested = sorted(value for value in values if value is not None)
    return [
        None if value is None else min([1, *(q * len(tested) / rank for rank, q in enumerate(tested, 1) if q >= value)])
        for value in values
    ]


def pi(counts):
    """Chance that two alleles drawn from a cohort differ; None below two. counts : of each allele, REF first."""
    number = sum(counts)
    return None if number < 2 else 1 - Fraction(sum(c * (c - 1) for c in counts), number * (number - 1))


def dxy(counts, others):
    """Chance that an allele of one cohort and one of another differ."""
    return 1 - Fraction(sum(c * d for c, d in zip(counts, others, strict=True)), sum(counts) * sum(others))


def divergence(sites):
    """Hudson's and Nei's Fst, f2, the sum of dxy and how many sites are used. sites : pairs of counts of alleles"""
    used = [(a, b) for a, b in sites if sum(a) > 1 and sum(b) > 1]
    apart = sum(dxy(a, b) for a, b in used)
    inside = sum((pi(a) + pi(b)) / 2 for a, b in used)
    return {
        "hudson_fst": (apart - inside) / apart if apart else None,
        "nei_fst": (apart - inside) / (apart + inside) if apart + inside else None,
        "patterson_f2": (apart - inside) / len(used) if used else None,
        "divergence": apart if used else None,
        "num_sites": len(used),
        "num_skipped": len(sites) - len(used),
    }
