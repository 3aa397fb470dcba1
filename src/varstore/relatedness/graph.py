"""People and pairs of relatives as a graph: its components, and a large set of people without a pair among them."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairs:
    """Pairs of related people, each once.

    num_people : people are numbered from 0    first, second : (pairs,) int64    kinship : (pairs,) float64
    """

    num_people: int
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    kinship: NDArray[np.float64]

    @property
    def num_relatives(self) -> NDArray[np.int64]:
        """(people,) how many relatives each has."""
        return np.bincount(self.first, minlength=self.num_people) + np.bincount(self.second, minlength=self.num_people)

    def neighbours(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Relatives of each: (people + 1,) starts, and by them (2 x pairs,) the relative and the pair."""
        mine, other = np.concatenate([self.first, self.second]), np.concatenate([self.second, self.first])
        order = np.lexsort((other, mine))
        start = np.concatenate(([0], np.cumsum(self.num_relatives)))
        return start, other[order], np.tile(np.arange(len(self.first)), 2)[order]


def places(first: NDArray[np.int64], second: NDArray[np.int64]) -> dict[tuple[int, int], int]:
    """Which pair two people are, by the lesser and the greater of them."""
    low, high = np.minimum(first, second).tolist(), np.maximum(first, second).tolist()
    return {pair: i for i, pair in enumerate(zip(low, high, strict=True))}


def components(pairs: Pairs) -> NDArray[np.int64]:
    """(people,) the first person each is connected with: itself where it has no relatives."""
    label = np.arange(pairs.num_people)
    while True:
        least = np.minimum(label[pairs.first], label[pairs.second])
        new = label.copy()
        np.minimum.at(new, pairs.first, least)
        np.minimum.at(new, pairs.second, least)
        np.minimum.at(new, label[pairs.first], least)
        np.minimum.at(new, label[pairs.second], least)
        new = new[new]
        if (new == label).all():
            return label
        label = new


def unrelated(pairs: Pairs, rank: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(people,) who is in a large set in which no two are a pair.

    Greedy: the person with the fewest relatives left is taken, and its relatives are left out; of equals the one
    of the least rank. Where relatives form a tree, as a parent and its children do, no set is larger.

    rank : (people,) distinct
    """
    start, other, _ = pairs.neighbours()
    left = pairs.num_relatives
    open_yet = np.ones(pairs.num_people, np.bool_)
    taken: NDArray[np.bool_] = left == 0
    open_yet[taken] = False
    heap = [(int(left[p]), int(rank[p]), p) for p in np.flatnonzero(open_yet).tolist()]
    heapify(heap)
    while heap:
        number, _, person = heappop(heap)
        if not open_yet[person] or number != left[person]:
            continue  # an older entry
        taken[person], open_yet[person] = True, False
        relatives = other[start[person] : start[person + 1]]
        gone = relatives[open_yet[relatives]]
        open_yet[gone] = False
        for relative in gone.tolist():
            near = other[start[relative] : start[relative + 1]]
            near = near[open_yet[near]]
            left[near] -= 1
            for each in near.tolist():
                heappush(heap, (int(left[each]), int(rank[each]), each))
    return taken
