"""The oracle of statistics: said slowly, in fractions, from the papers and docs/statistics.md alone."""

import math
from fractions import Fraction
from functools import cache


@cache
def _factorial(number):
    return math.factorial(number)


def diploid_tables(people, copies):
    """Every (hom, het, rest) of so many people with so many copies of an allele."""
    for het in range(copies % 2, copies + 1, 2):
        hom = (copies - het) // 2
        rest = people - het - hom
        if rest >= 0:
            yield hom, het, rest


def weight(hom, het, rest, hap1=0, hap2=0):
    """Ways to deal genotypes to diploid people and alleles to haploid ones, given the table."""
    diploid = Fraction(_factorial(hom + het + rest) * 2**het, _factorial(hom) * _factorial(het) * _factorial(rest))
    haploid = Fraction(_factorial(hap1 + hap2), _factorial(hap1) * _factorial(hap2))
    return diploid * haploid


def hardy(hom, het, rest, hap1=0, hap2=0, *, midp=False):
    """Exact p value: the probability of every table at most as likely as this one; mid-p halves the equally likely.

    Without haploid people: Wigginton et al. 2005; with them: Graffelman and Weir 2016.
    """
    people, haploids, copies = hom + het + rest, hap1 + hap2, 2 * hom + het + hap1
    if people == 0:
        return math.nan
    seen = weight(hom, het, rest, hap1, hap2)
    total = tail = Fraction(0)
    for theirs in range(max(0, copies - 2 * people), min(haploids, copies) + 1):
        for table in diploid_tables(people, copies - theirs):
            each = weight(*table, theirs, haploids - theirs)
            total += each
            if each <= seen:
                tail += each / 2 if midp and each == seen else each
    return float(tail / total)
