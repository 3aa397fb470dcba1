"""The pedigree that the sample table states: parents of people, and the kinship that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.columns import Column
from .graph import Pairs, components


@dataclass(frozen=True)
class Stated:
    """Parents of people, as a table names them.

    father, mother : (nodes,) int64 nodes, -1: not stated. The first ``num_people`` nodes are the people asked for in
        order; behind them stand parents who are named but not among them, of whom no parents are known
    own_ancestors : people who would be; no parents are taken for theirs
    """

    num_people: int
    father: NDArray[np.int64]
    mother: NDArray[np.int64]
    own_ancestors: Sequence[int]

    @property
    def has_parents(self) -> bool:
        """Whether anybody has a parent."""
        return bool((self.father >= 0).any() or (self.mother >= 0).any())

    def parents_here(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(people,) father and mother where they are among the people; -1: not."""
        mine = slice(self.num_people)
        here = (np.where(parent < self.num_people, parent, -1)[mine] for parent in (self.father, self.mother))
        father, mother = here
        return father, mother


def one_each(person: Column, people: NDArray[np.int64]) -> NDArray[np.int64]:
    """(people,) place of the first who is the same person; a sample without a person is one of its own.

    person : of the sample table    people : sorted int64 sample numbers
    """
    codes = np.where(person.missing[people], -1 - np.arange(len(people)), person.values[people])
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return first[which].astype(np.int64)


def read_stated(
    parents: tuple[Column, Column], people: NDArray[np.int64], first_of: NDArray[np.int64], names: Sequence[str]
) -> Stated:
    """The pedigree of some people, a node each.

    parents : columns of fathers and mothers    people : sorted int64 sample numbers
    first_of : as of ``one_each``: one of the samples of a person has a node, what is stated of the others is its
    names : of everybody, by number
    """
    persons = np.unique(first_of)
    node_of = np.searchsorted(persons, first_of)
    place = {names[number]: node for number, node in zip(people.tolist(), node_of.tolist(), strict=True)}
    columns = []
    num_nodes = len(persons)
    for column in parents:
        nodes = np.full(len(persons), -1, np.int64)
        for number, node in zip(people.tolist(), node_of.tolist(), strict=True):
            if not column.missing[number] and nodes[node] < 0:
                # Whoever is named gets a node, so that children of one absent parent are siblings.
                name = column.categories[int(column.values[number])]
                if name not in place:
                    place[name], num_nodes = num_nodes, num_nodes + 1
                nodes[node] = place[name]
        columns.append(nodes)
    absent = np.full(num_nodes - len(persons), -1, np.int64)
    fathers, mothers = (np.concatenate([nodes, absent]) for nodes in columns)
    loops = _own_ancestors(fathers, mothers)
    fathers[loops], mothers[loops] = -1, -1
    return Stated(len(persons), fathers, mothers, loops)


def _generations(father: NDArray[np.int64], mother: NDArray[np.int64]) -> NDArray[np.int64]:
    """(nodes,) how many generations above each; -1 for those who are, or come after, their own ancestors."""
    out = np.where((father < 0) & (mother < 0), 0, -1)
    while True:
        known = [np.where(parent >= 0, out[parent], 0) for parent in (father, mother)]
        next_out = np.where((out < 0) & (known[0] >= 0) & (known[1] >= 0), 1 + np.maximum(*known), out)
        if (next_out == out).all():
            return out
        out = next_out


def _own_ancestors(father: NDArray[np.int64], mother: NDArray[np.int64]) -> list[int]:
    """Nodes that are their own ancestors."""
    suspects = set(np.flatnonzero(_generations(father, mother) < 0).tolist())
    found = []
    for start in sorted(suspects):
        seen: set[int] = set()
        todo = [start]
        while todo:
            node = todo.pop()
            parents = {int(father[node]), int(mother[node])} & suspects
            todo += parents - seen
            seen |= parents
        if start in seen:
            found.append(start)
    return found


def stated_kinship(stated: Stated) -> Pairs:
    """Pairs of people (not of absent parents) who are related by the pedigree, and their kinship coefficients.

    That is the probability that an allele of one and an allele of the other, drawn at random, are one by descent:
    phi(i, j) = (phi(father of i, j) + phi(mother of i, j)) / 2 for an i that is no ancestor of j, and
    phi(i, i) = (1 + phi(father, mother)) / 2; founders are unrelated.
    """
    nodes = len(stated.father)
    child = np.concatenate([np.flatnonzero(stated.father >= 0), np.flatnonzero(stated.mother >= 0)])
    parent = np.concatenate([stated.father[stated.father >= 0], stated.mother[stated.mother >= 0]])
    family = components(Pairs(nodes, child, parent, np.zeros(len(child))))
    generation = _generations(stated.father, stated.mother)
    order = np.lexsort((generation, family))
    cuts = np.flatnonzero(np.diff(family[order])) + 1
    firsts, seconds, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for members in np.split(order, cuts):
        if len(members) < 2:
            continue
        kinship = _family_kinship(members, stated)
        one, other = np.triu_indices(len(members), 1)
        pair = np.sort(np.stack([members[one], members[other]]), axis=0)
        wanted = (kinship[one, other] > 0) & (pair[1] < stated.num_people)
        firsts.append(pair[0, wanted])
        seconds.append(pair[1, wanted])
        values.append(kinship[one, other][wanted])
    return Pairs(stated.num_people, np.concatenate(firsts), np.concatenate(seconds), np.concatenate(values))


def _family_kinship(members: NDArray[np.int64], stated: Stated) -> NDArray[np.float64]:
    """(members, members) kinship of a family. members : nodes, parents before their children"""
    place = {node: i for i, node in enumerate(members.tolist())}
    out = np.zeros((len(members), len(members)))
    for i, node in enumerate(members.tolist()):
        parents = [place[p] for p in (int(stated.father[node]), int(stated.mother[node])) if p >= 0]
        for p in parents:
            out[i, :i] += 0.5 * out[p, :i]
        out[:i, i] = out[i, :i]
        out[i, i] = 0.5 * (1 + (out[parents[0], parents[1]] if len(parents) == 2 else 0))
    return out
