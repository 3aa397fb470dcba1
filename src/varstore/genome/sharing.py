"""Who shares the rare alleles of a genome: person by person, and summed by group.

docs/personal-genome.md, "Shared rare alleles", has the definitions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.results import CountTable
from ..query.carriers import AlleleRead, carriers_of
from ..query.version import Version

# Alleles more common than this tell nothing of who is near.
MAX_FREQUENCY = 0.01
# Shared alleles that an order of groups needs.
LEAST_ALLELES = 20
# Groups of fewer people are not called the closest.
LEAST_PEOPLE = 5


@dataclass(frozen=True)
class Sharing:
    """Who carries some alleles.

    num_alleles : how many there are    num_shared : of them, those that somebody has
    weight : (numbers of people,) float64, each allele split over its copies
    shared : (numbers of people,) int64, alleles that each person carries
    members : (numbers of people,) bool, who was asked
    """

    num_alleles: int
    num_shared: int
    weight: NDArray[np.float64]
    shared: NDArray[np.int64]
    members: NDArray[np.bool_]

    def nearest(self, names: Sequence[str], most: int) -> CountTable:
        """The people of the greatest weight, those of none left out.

        Columns: sample, n_shared, share_of_alleles, weight.
        """
        order = np.lexsort((np.arange(len(self.weight)), -self.weight))[:most]
        order = order[self.shared[order] > 0]
        return CountTable(
            {
                "sample": np.array([*(names[i] for i in order.tolist()), None], object)[:-1],
                "n_shared": self.shared[order],
                "share_of_alleles": self.shared[order] / max(1, self.num_alleles),
                "weight": self.weight[order],
            }
        )

    def by_group(self, groups: Mapping[str, NDArray[np.int64]]) -> CountTable:
        """Weight summed over groups, the nearest first. groups : name to sorted numbers of people

        Columns: group, num_people, weight, share_of_weight, share_of_people, enrichment (the first of the shares over
        the second; missing where there is no weight). Shares are of everybody's.
        """
        mine = {name: numbers[self.members[numbers]] for name, numbers in groups.items()}
        mine = {name: numbers for name, numbers in mine.items() if len(numbers)}
        people = np.array([len(numbers) for numbers in mine.values()], np.int64)
        weight = np.array([self.weight[numbers].sum() for numbers in mine.values()], np.float64)
        of_people, of_weight = people / max(1, int(self.members.sum())), np.full(len(people), np.nan)
        if self.num_shared:
            of_weight = weight / self.weight.sum()
        enrichment = of_weight / of_people if len(people) else of_weight
        order = np.lexsort((np.arange(len(people)), -np.nan_to_num(enrichment)))
        return CountTable(
            {
                "group": np.array([*mine, None], object)[:-1][order],
                "num_people": people[order],
                "weight": weight[order],
                "share_of_weight": of_weight[order],
                "share_of_people": of_people[order],
                "enrichment": enrichment[order],
            }
        )


def sharing(
    version: Version, reads: Sequence[AlleleRead], count: NDArray[np.int64], members: NDArray[np.bool_]
) -> Sharing:
    """Who carries alleles, each weighted by one over its copies.

    reads : of ``finding.reads_of``    count : (alleles,) int64, copies in the people asked for
    members : (numbers of people,) bool, who is asked for

    Raises CorruptRepositoryError.
    """
    people = len(members)
    weight, shared = np.zeros(people), np.zeros(people, np.int64)
    found, most = np.zeros(len(count), np.bool_), np.maximum(count, 1)
    for part in carriers_of(version, reads, members):
        weight += np.bincount(part.person, part.copies / most[part.allele], people)
        shared += np.bincount(part.person, minlength=people)
        found[part.allele] = True
    return Sharing(len(count), int(found.sum()), weight, shared, members)


def closest(groups: CountTable, num_shared: int) -> dict[str, Any]:
    """The groups that share most for their size, and why there are none: JSON-ready.

    Groups of at least ``LEAST_PEOPLE`` people whose enrichment is above 1, at most three, the nearest first.
    """
    if not len(groups):
        return {"closest": None, "reason": "no groups: name a column of the sample table"}
    if num_shared < LEAST_ALLELES:
        return {"closest": None, "reason": f"too few shared rare alleles ({num_shared}; needs {LEAST_ALLELES})"}
    good = (groups["num_people"] >= LEAST_PEOPLE) & (groups["enrichment"] > 1) & (groups["group"] != ".")
    names = groups["group"][good][:3].tolist()
    return {"closest": names, "reason": None if names else "no group shares more than its size"}
