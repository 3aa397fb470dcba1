"""The pedigree of the sample table against the genotypes: parents, siblings, duplicates, sexes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.ploidy import FEMALE, MALE, SEXES, UNKNOWN
from ..model.results import CountTable
from ..query.site_choice import Sites
from .graph import Pairs, places
from .labels import (
    DUPLICATE,
    FULL_SIBLING,
    LEAST_DUPLICATE,
    LEAST_FIRST,
    LEAST_SECOND,
    LEAST_THIRD,
    PARENT_OFFSPRING,
    SECOND_DEGREE,
    THIRD_DEGREE,
    UNRELATED,
    expected_ibs0,
)
from .mendel import Trios
from .sexes import SexEvidence
from .stated import Stated, stated_kinship

# Degrees of kinship, and the least of all but the last.
CUTOFFS = (LEAST_DUPLICATE, LEAST_FIRST, LEAST_SECOND, LEAST_THIRD)
DEGREES = (DUPLICATE, "first degree", SECOND_DEGREE, THIRD_DEGREE, UNRELATED)
SAME, FIRST, SECOND, _, FAR = range(5)
# Of the sites at which an unrelated pair would be homozygous for different alleles, a parent and child are so at none,
# but for errors (a fiftieth where 1 % of the calls are wrong), full siblings at a quarter with a deviation of 0.05.
MOST_OPPOSITE = 0.06
# So many must be expected of an unrelated pair for that to be judged.
MIN_OPPOSITE = 20
# Second-degree relatives share 0.125 with a deviation of 0.02: above the cut-off and this they are closer.
MARGIN = 0.03
COLUMNS = ("problem", "sample", "other", "stated", "found", "kinship")


@dataclass(frozen=True)
class PedigreeReport:
    """What a pedigree and the genotypes say of each other; docs/families.md has every column.

    problems : a row a contradiction    people : a row a sample: sex stated and found
    trios : a row a child with a parent: Mendelian errors    sites : a row a site with Mendelian errors
    kinship_refused : why no kinship was asked; None: it was
    """

    problems: CountTable
    people: CountTable
    trios: CountTable
    sites: CountTable
    kinship_refused: str | None = None

    def __repr__(self) -> str:
        return f"<PedigreeReport: {len(self.problems)} problems, {len(self.trios)} trios, {len(self.people)} people>"


@dataclass(frozen=True)
class Found:
    """Related pairs by their genotypes. label : (pairs,) object, relationship of each"""

    pairs: Pairs
    label: NDArray[Any]


@dataclass(frozen=True)
class _Relations:
    """Pairs that are related by the pedigree, by their genotypes, or both.

    first, second : (pairs,) int64 people    stated : float64, kinship by the pedigree
    found : float64, kinship by genotypes; NaN: below all cut-offs
    label : (pairs,) object, None where not found
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    stated: NDArray[np.float64]
    found: NDArray[np.float64]
    label: NDArray[Any]

    @property
    def stated_degree(self) -> NDArray[np.int64]:
        """(pairs,) into DEGREES."""
        return degree_of(self.stated)

    @property
    def found_degree(self) -> NDArray[np.int64]:
        """(pairs,) into DEGREES."""
        return degree_of(self.found)

    def describe(self, pair: int) -> str:
        """What was found of a pair."""
        label = self.label[pair]
        return str(label) if label is not None else DEGREES[int(self.found_degree[pair])]


def degree_of(kinship: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indexes into DEGREES; a missing kinship is below all cut-offs."""
    out: NDArray[np.int64] = (~(kinship[..., np.newaxis] >= np.array(CUTOFFS))).sum(axis=-1)
    return out


class Problems:
    """Rows of contradictions, of people by their names."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.rows: list[tuple[str, int, int, str, str, float]] = []

    def add(
        self, problem: str, sample: int, other: int, stated: str, found: str, kinship: float = float("nan")
    ) -> None:
        """Add one. other : -1: nobody"""
        self.rows.append((problem, sample, other, stated, found, kinship))

    def table(self) -> CountTable:
        """All, in the order in which they were found."""
        columns = [list(column) for column in zip(*self.rows, strict=True)] or [[] for _ in COLUMNS]
        named = [*self.names, "."]
        for i in (1, 2):
            columns[i] = [named[person] for person in columns[i]]
        arrays = [np.array([*column, None], object)[:-1] for column in columns[:-1]]
        return CountTable(dict(zip(COLUMNS, [*arrays, np.array(columns[-1], np.float64)], strict=True)))


def add_sex_problems(problems: Problems, stated: NDArray[np.int8], evidence: SexEvidence) -> None:
    """People whose X and Y are not of the sex that is stated, or contradict each other."""
    for p in range(len(stated)):
        found = int(evidence.found[p])
        if UNKNOWN not in (found, int(stated[p])) and found != stated[p]:
            problems.add("sex", p, -1, SEXES[stated[p]], SEXES[found])
        elif found == UNKNOWN and UNKNOWN not in (int(evidence.by_x[p]), int(evidence.by_y[p])):
            said = f"{SEXES[evidence.by_x[p]]} by X, {SEXES[evidence.by_y[p]]} by Y"
            problems.add("sex_chromosomes", p, -1, SEXES[stated[p]], said)


def add_table_problems(problems: Problems, stated: Stated, sexes: NDArray[np.int8], persons: NDArray[np.int64]) -> None:
    """Contradictions of the table itself. persons : (nodes of people,) places of people"""
    for node in stated.own_ancestors:
        if node < len(persons):
            problems.add("own_ancestor", int(persons[node]), -1, "an ancestor of itself", "no parents are taken for it")
    for parents, wrong, word in zip(stated.parents_here(), (FEMALE, MALE), ("father", "mother"), strict=True):
        for node in np.flatnonzero(parents >= 0).tolist():
            parent = int(persons[parents[node]])
            if sexes[parent] == wrong:
                problems.add("parent_sex", parent, int(persons[node]), word, SEXES[wrong])


def opposite_shares(counts: NDArray[np.int64], sites: Sites) -> NDArray[np.float64]:
    """(children, 2) sites at which child and father, child and mother are homozygous for different alleles, as a share
    of those expected of unrelated people, 2 p^2 q^2 a site; NaN where fewer than MIN_OPPOSITE are expected.

    counts : as of ``kernels.mendel``
    """
    expected = counts[:, [2, 4]] * expected_ibs0(sites.frequency)
    out = np.full(expected.shape, np.nan)
    np.divide(counts[:, [3, 5]], expected, out=out, where=expected >= MIN_OPPOSITE)
    return out


def add_relation_problems(
    problems: Problems, stated: Stated, found: Found | None, trios: Trios, opposite: NDArray[np.float64],
    persons: NDArray[np.int64],
) -> None:  # fmt: skip
    """Pairs whose genotypes say another relationship than the pedigree.

    found : None: kinship was refused, and parents are judged by Mendelian errors alone
    trios : of nodes    opposite : as of ``opposite_shares``    persons : (nodes of people,) places of people
    """
    relations = _relations(stated, found) if found is not None else None
    place = {} if relations is None else places(relations.first, relations.second)
    wrong: dict[int, list[int]] = {}
    for k, parents in enumerate((trios.father, trios.mother)):
        for child, parent, share in zip(trios.child.tolist(), parents.tolist(), opposite[:, k].tolist(), strict=True):
            if parent < 0:
                continue
            pair = place.get((min(child, parent), max(child, parent)), -1)
            if _is_parent(relations, pair, share):
                continue
            wrong.setdefault(child, []).append(parent)
            kinship = float(relations.found[pair]) if relations is not None else float("nan")
            said = "no parent and child" if relations is None else relations.describe(pair)
            problems.add("parent", int(persons[child]), int(persons[parent]), PARENT_OFFSPRING, said, kinship)
    if found is not None and relations is not None:
        _add_swapped(problems, stated, relations, wrong, persons)
        known = _without(stated, wrong)
        _add_others(problems, known, _relations(known, found), _descendants(stated, sorted(wrong)), persons)


def _without(stated: Stated, wrong: dict[int, list[int]]) -> Stated:
    """The pedigree without the parents that genotypes deny: what follows from them is no news."""
    father, mother = stated.father.copy(), stated.mother.copy()
    for child, parents in wrong.items():
        for column in (father, mother):
            if column[child] in parents:
                column[child] = -1
    return replace(stated, father=father, mother=mother)


def _descendants(stated: Stated, nodes: list[int]) -> NDArray[np.int64]:
    """Nodes and all who come after them."""
    out = np.array(nodes, np.int64)
    while True:
        children = np.flatnonzero(np.isin(stated.father, out) | np.isin(stated.mother, out))
        if np.isin(children, out).all():
            return out
        out = np.union1d(out, children)


def _is_parent(relations: _Relations | None, pair: int, share: float) -> bool:
    """Whether genotypes let a pair be parent and child. share : as of ``opposite_shares``, NaN: nothing is known"""
    if relations is None:
        return not share > MOST_OPPOSITE
    if relations.found_degree[pair] != FIRST:
        return False
    label = relations.label[pair]
    return bool(label == PARENT_OFFSPRING or share <= MOST_OPPOSITE or (np.isnan(share) and label != FULL_SIBLING))


def _relations(stated: Stated, found: Found) -> _Relations:
    """All pairs of interest, in order."""
    kin = stated_kinship(stated)
    number = stated.num_people
    low, high = np.minimum(found.pairs.first, found.pairs.second), np.maximum(found.pairs.first, found.pairs.second)
    by_pedigree, by_genotype = kin.first * number + kin.second, low * number + high
    keys = np.union1d(by_pedigree, by_genotype)
    expected, kinship, label = np.zeros(len(keys)), np.full(len(keys), np.nan), np.full(len(keys), None, object)
    expected[np.searchsorted(keys, by_pedigree)] = kin.kinship
    at = np.searchsorted(keys, by_genotype)
    kinship[at], label[at] = found.pairs.kinship, found.label
    return _Relations(*np.divmod(keys, max(1, number)), expected, kinship, label)


def _add_others(
    problems: Problems, stated: Stated, relations: _Relations, displaced: NDArray[np.int64], persons: NDArray[np.int64]
) -> None:
    """Duplicates, siblings and further kin who are not, and relatives of whom the pedigree knows nothing.

    displaced : people with a wrong parent: of them and their descendants parents and children are told alone. Of two
        duplicates, relatives are told of the one that has a place in the pedigree
    """
    father, mother = stated.father, stated.mother
    one, other = relations.first, relations.second
    parents = (father[one] == other) | (mother[one] == other) | (father[other] == one) | (mother[other] == one)
    siblings = (father[one] >= 0) & (mother[one] >= 0) & (father[one] == father[other]) & (mother[one] == mother[other])
    said, found = relations.stated_degree, relations.found_degree
    by_label = relations.label == PARENT_OFFSPRING
    duplicate = (found == SAME) & ~parents
    placed = (father >= 0) | (mother >= 0) | np.isin(np.arange(len(father)), np.concatenate([father, mother]))
    again = np.where(placed[other[duplicate]] & ~placed[one[duplicate]], one[duplicate], other[duplicate])
    first_hand = ~np.isin(one, again) & ~np.isin(other, again)
    further = first_hand & ~(parents | siblings | duplicate)
    nearer = (found == FIRST) & (by_label | (relations.found > CUTOFFS[1] + MARGIN))
    unstated = ((said >= SECOND) & nearer) | ((said == FAR) & (found <= SECOND))
    unstated &= by_label | ~(np.isin(one, displaced) | np.isin(other, displaced))
    for problem, where in (
        ("duplicate", duplicate),
        ("siblings", siblings & first_hand & ~duplicate & ((found != FIRST) | by_label)),
        ("kin", further & (said <= SECOND) & (found == FAR)),
        ("unstated", further & unstated),
    ):
        for pair in np.flatnonzero(where).tolist():
            words = FULL_SIBLING if siblings[pair] else DEGREES[int(said[pair])]
            a, b = int(persons[one[pair]]), int(persons[other[pair]])
            problems.add(problem, a, b, words, relations.describe(pair), float(relations.found[pair]))


def _add_swapped(
    problems: Problems, stated: Stated, relations: _Relations, wrong: dict[int, list[int]], persons: NDArray[np.int64]
) -> None:
    """Who is a child of all the parents that a child's genotypes deny, and whom the table does not say to be so."""
    children: dict[int, set[int]] = {}
    for pair in np.flatnonzero(relations.label == PARENT_OFFSPRING).tolist():
        one, other = int(relations.first[pair]), int(relations.second[pair])
        children.setdefault(one, set()).add(other)
        children.setdefault(other, set()).add(one)
    for child, parents in sorted(wrong.items()):
        named = [int(p) for p in (stated.father[child], stated.mother[child]) if 0 <= p < stated.num_people]
        if len(named) < 2 or len(parents) < len(named):
            continue
        fitting = set.intersection(*(children.get(parent, set()) for parent in named))
        for each in sorted(fitting - {child}):
            if {int(stated.father[each]), int(stated.mother[each])} != set(named):
                place = int(persons[each])
                problems.add("swapped", int(persons[child]), place, "child of both parents", "the other sample is")
