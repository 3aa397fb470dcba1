"""The exact test of Hardy-Weinberg proportions, given how many copies of an allele there are.

Autosomes: Wigginton, Cutler and Abecasis (2005), "A note on exact tests of Hardy-Weinberg equilibrium", Am J Hum Genet
76, 887-893. With haploid calls, as of males on X: Graffelman and Weir (2016), "Testing for Hardy-Weinberg equilibrium
at biallelic genetic markers on the X chromosome", Heredity 116, 558-568: how many copies fell to the haploid people is
random as well. The p value is the probability of all tables that are at most as likely as the one seen; mid-p counts
half of those that are as likely.

Weights of tables are products of ratios, in units of the most likely table's, so nothing loses digits to logarithms of
factorials. Tails are summed outwards from where they begin, and end at a term that no longer changes the tail itself:
the total may be larger by hundreds of powers of ten.
"""

from typing import Any

import numpy as np

from .jit import kernel

# Tables are as likely as one another within rounding of a product of a million ratios.
_SAME = 2.0**-36
_NEGLIGIBLE = 1e-17


@kernel
def _more_hets(hom1: Any, het: Any, hom2: Any) -> float:
    """How many times as likely a table is that has a homozygote less of both kinds and two heterozygotes more."""
    return 4.0 * hom1 * hom2 / ((het + 1.0) * (het + 2.0))


@kernel
def _fewer_hets(hom1: Any, het: Any, hom2: Any) -> float:
    return het * (het - 1.0) / (4.0 * (hom1 + 1.0) * (hom2 + 1.0))


@kernel
def _side(hom1: int, het: int, hom2: int, step: int, weight: float, limit: float) -> tuple[float, float, float]:
    """Sum one side of a row of tables, outwards from one that is not part of it: all, the unlikely ones, their ties.

    step : 1: more heterozygotes, -1: fewer    weight : of the table to begin at, from which on weights fall
    limit : weight of the table seen
    """
    everything, tail, ties = 0.0, 0.0, 0.0
    above, below = limit * (1.0 + _SAME), limit * (1.0 - _SAME)
    # Floats throughout, and one loop for both directions: homozygotes that go down and come up, twice each.
    up = step > 0
    x, y = (2.0 * hom1, 2.0 * hom2) if up else (het + 0.0, het - 1.0)
    u, v = (het + 1.0, het + 2.0) if up else (2.0 * hom1 + 2.0, 2.0 * hom2 + 2.0)
    while True:
        weight *= (x * y) / (u * v)
        if weight <= 0.0:
            break
        x, y, u, v = x - 2.0, y - 2.0, u + 2.0, v + 2.0
        everything += weight
        if weight <= above:
            tail += weight
            ties += weight if weight >= below else 0.0
            if weight < _NEGLIGIBLE * tail:
                break
    return everything, tail, ties


@kernel
def _peak(hom1: int, het: int, hom2: int) -> tuple[int, float]:
    """Heterozygotes of the likeliest table with the same alleles, and its weight in units of the table given."""
    weight = 1.0
    while True:
        ratio = _more_hets(hom1, het, hom2)
        if ratio <= 1.0:
            break
        weight *= ratio
        hom1, het, hom2 = hom1 - 1, het + 2, hom2 - 1
    while True:
        ratio = _fewer_hets(hom1, het, hom2)
        if ratio <= 1.0:
            break
        weight *= ratio
        hom1, het, hom2 = hom1 + 1, het - 2, hom2 + 1
    return het, weight


@kernel
def _row(hom1: int, het: int, hom2: int, weight: float, limit: float) -> tuple[float, float, float]:
    """Sum a row of tables of the same alleles, given its likeliest and that one's weight; results as of ``_side``."""
    more, more_tail, more_ties = _side(hom1, het, hom2, 1, weight, limit)
    fewer, fewer_tail, fewer_ties = _side(hom1, het, hom2, -1, weight, limit)
    tail, ties = more_tail + fewer_tail, more_ties + fewer_ties
    if weight <= limit * (1.0 + _SAME):
        tail += weight
        ties += weight if weight >= limit * (1.0 - _SAME) else 0.0
    return weight + more + fewer, tail, ties


@kernel
def _of_diploids(hom1: int, het: int, hom2: int) -> tuple[float, float, float]:
    """All tables of the same alleles, the unlikely ones, and those as likely as this one, in one unit."""
    best, _ = _peak(hom1, het, hom2)
    moved = (best - het) // 2
    top1, top2 = hom1 - moved, hom2 - moved
    # The table seen in units of the likeliest: down from there, so that nothing overflows.
    seen, step = 1.0, -1 if moved > 0 else 1
    at1, at, at2 = top1, best, top2
    while at != het:
        seen *= _more_hets(at1, at, at2) if step > 0 else _fewer_hets(at1, at, at2)
        at1, at, at2 = at1 - step, at + 2 * step, at2 - step
    return _row(top1, best, top2, 1.0, seen)


@kernel
def _copy_to_haploids(hom1: int, het: int, hom2: int, hap1: int, hap2: int) -> tuple[int, int, int, int, int, float]:
    """Move one copy of the first allele from the diploid to the haploid people; the new table and its weight.

    The weight is in units of the old table's, 0 where there is nothing to move.
    """
    if hap2 == 0 or hom1 + het == 0:
        return hom1, het, hom2, hap1, hap2, 0.0
    ratio = hap2 / (hap1 + 1.0)
    if het > 0:
        return hom1, het - 1, hom2 + 1, hap1 + 1, hap2 - 1, ratio * het / (2.0 * (hom2 + 1.0))
    return hom1 - 1, het + 1, hom2, hap1 + 1, hap2 - 1, ratio * 2.0 * hom1 / (het + 1.0)


@kernel
def _next_row(hom1: int, het: int, hom2: int, hap1: int, hap2: int, step: int) -> tuple[int, int, int, int, int, float]:
    """The likeliest table with a copy more (``step`` 1) or less (-1) at the haploid people, and its weight.

    It is given as it came, with weight 0, where there is none.
    """
    if step > 0:
        hom1, het, hom2, hap1, hap2, weight = _copy_to_haploids(hom1, het, hom2, hap1, hap2)
    else:
        hom2, het, hom1, hap2, hap1, weight = _copy_to_haploids(hom2, het, hom1, hap2, hap1)
    if weight == 0.0:
        return hom1, het, hom2, hap1, hap2, 0.0
    best, higher = _peak(hom1, het, hom2)
    moved = (best - het) // 2
    return hom1 - moved, best, hom2 - moved, hap1, hap2, weight * higher


@kernel
def _likeliest(hom1: int, het: int, hom2: int, hap1: int, hap2: int) -> tuple[int, int, int, int, int]:
    """The likeliest of all tables."""
    best, _ = _peak(hom1, het, hom2)
    moved = (best - het) // 2
    hom1, het, hom2 = hom1 - moved, best, hom2 - moved
    for step in (1, -1):
        while True:
            table = _next_row(hom1, het, hom2, hap1, hap2, step)
            if table[5] <= 1.0:
                break
            hom1, het, hom2, hap1, hap2 = table[:5]
    return hom1, het, hom2, hap1, hap2


@kernel
def _with_haploids(hom1: int, het: int, hom2: int, hap1: int, hap2: int) -> tuple[float, float, float]:
    """As ``_of_diploids``, over tables that may have another number of copies at the haploid people too."""
    top1, top, top2, top_hap1, top_hap2 = _likeliest(hom1, het, hom2, hap1, hap2)
    at1, at, at2, at_hap1, at_hap2 = top1, top, top2, top_hap1, top_hap2
    seen, step = 1.0, 1 if hap1 > at_hap1 else -1
    while at_hap1 != hap1:
        at1, at, at2, at_hap1, at_hap2, weight = _next_row(at1, at, at2, at_hap1, at_hap2, step)
        seen *= weight
    step = 1 if het > at else -1
    while at != het:
        seen *= _more_hets(at1, at, at2) if step > 0 else _fewer_hets(at1, at, at2)
        at1, at, at2 = at1 - step, at + 2 * step, at2 - step
    everything, tail, ties = _row(top1, top, top2, 1.0, seen)
    for step in (1, -1):
        at1, at, at2, at_hap1, at_hap2, weight = top1, top, top2, top_hap1, top_hap2, 1.0
        while True:
            at1, at, at2, at_hap1, at_hap2, ratio = _next_row(at1, at, at2, at_hap1, at_hap2, step)
            weight *= ratio
            if weight == 0.0:
                break
            row, row_tail, row_ties = _row(at1, at, at2, weight, seen)
            everything, tail, ties = everything + row, tail + row_tail, ties + row_ties
            if weight <= seen and row < _NEGLIGIBLE * tail:
                break
    return everything, tail, ties


@kernel
def exact_test(hom1: int, het: int, hom2: int, hap1: int, hap2: int, midp: bool) -> float:
    """The p value of a table; NaN where nobody is diploid, 0 below 1e-307: less is no normal float.

    hom1, het, hom2 : diploid people homozygous for the allele, heterozygous, and with two others
    hap1, hap2 : haploid people with the allele, and with another
    """
    if hom1 + het + hom2 == 0:
        return np.nan
    if hap1 + hap2 == 0:
        everything, tail, ties = _of_diploids(hom1, het, hom2)
    else:
        everything, tail, ties = _with_haploids(hom1, het, hom2, hap1, hap2)
    p = (tail - 0.5 * ties if midp else tail) / everything
    return 0.0 if p < 1e-307 else min(p, 1.0)


@kernel
def exact_tests(
    hom: Any, het: Any, called: Any, haploid: Any, of_allele: Any, midp: bool, slots: Any, out: Any
) -> None:
    """Write the p value of each row; equal tables are computed once, as far as ``slots`` remember them.

    hom, het, called : (rows,) int64, calls that are homozygous for the allele, heterozygous, and all
    haploid, of_allele : (rows,) int64, calls of one allele, and those of them that have this one
    slots : int64, a power of two and more than 8 of them, -1 everywhere; overwritten    out : (rows,) float64
    """
    mask = np.uint64(slots.size - 1)
    for i in range(out.size):
        hap1, hap2 = of_allele[i], haploid[i] - of_allele[i]
        hom1 = hom[i] - hap1
        hom2 = called[i] - haploid[i] - hom1 - het[i]
        mixed = np.uint64(((hom1 * 1000003 + het[i]) * 1000003 + hom2) * 1000003 + hap1) * np.uint64(0x9E3779B97F4A7C15)
        place, found = mixed >> np.uint64(32), np.int64(-1)
        for step in range(8):
            k = slots[(place + np.uint64(step)) & mask]
            if k < 0:
                place += np.uint64(step)
                break
            if (
                het[k] == het[i] and hom[k] == hom[i] and called[k] == called[i] and haploid[k] == haploid[i]
                and of_allele[k] == of_allele[i]
            ):  # fmt: skip
                found = k
                break
        if found >= 0:
            out[i] = out[found]
        else:
            slots[place & mask] = i
            out[i] = exact_test(hom1, het[i], hom2, hap1, hap2, midp)
