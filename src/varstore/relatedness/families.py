"""Families as connected components of relatives, and people of whom no two are related."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..model.results import CountTable
from ..query.cohorts import Cohort
from ..query.diploid import by_person, read_planes
from ..query.site_choice import SiteLimits, choose_sites
from ..query.version import Version
from .graph import Pairs, components, unrelated
from .pedigree import Found

if TYPE_CHECKING:
    from .asking import Relatedness

# Frequency of the rarer allele at the sites whose calls rank people.
_COMMON = 0.05


def related_pairs(
    asking: Relatedness, people: NDArray[np.int64], threshold: float, options: Mapping[str, Any]
) -> Found:
    """Pairs among some people of this kinship or more, as places in ``people``.

    people : sorted int64 sample numbers    options : as of ``kinship``

    Raises what ``kinship`` raises.
    """
    nobody = np.zeros(0, np.int64)
    if len(people) < 2:
        return Found(Pairs(len(people), nobody, nobody, np.zeros(0)), np.zeros(0, object))
    chosen = Cohort(people, asking._everybody())
    table = asking.kinship(chosen, threshold=threshold, **options)
    place = {asking._names[number]: i for i, number in enumerate(people.tolist())}
    first, second = (
        np.fromiter((place[name] for name in table[column].tolist()), np.int64, len(table))
        for column in ("sample_1", "sample_2")
    )
    return Found(Pairs(len(people), first, second, table["kinship"]), table["relationship"])


def unrelated_people(version: Version, people: NDArray[np.int64], pairs: Pairs) -> NDArray[np.int64]:
    """Numbers of a large set of people without a pair among them; of equals, who has more calls, then who came first.

    people : sorted int64 sample numbers, of whom ``pairs`` are places    Raises CorruptRepositoryError.
    """
    related = np.flatnonzero(pairs.num_relatives)
    missing = np.zeros(len(people), np.int64)
    if len(related):
        sites = choose_sites(version, people, SiteLimits(min_maf=_COMMON))
        planes = by_person(version, read_planes(version, sites, people[related]))
        missing[related] = np.bitwise_count(planes.missing).sum(axis=1)
    rank = np.empty(len(people), np.int64)
    rank[np.lexsort((people, missing))] = np.arange(len(people))
    return people[unrelated(pairs, rank)]


def family_table(names: list[str], found: Found) -> CountTable:
    """A row for each person with relatives, by family: those of the earliest members first. names : of the people"""
    pairs = found.pairs
    label = components(pairs)
    relatives = pairs.num_relatives
    rows = np.flatnonzero(relatives)
    rows = rows[np.lexsort((rows, label[rows]))]
    roots, family, size = np.unique(label[rows], return_inverse=True, return_counts=True)
    start, other, pair = pairs.neighbours()
    closest = np.array([_closest(pairs, pair[start[p] : start[p + 1]]) for p in rows.tolist()], np.int64)
    closest_pair = pair[start[rows] + closest] if len(rows) else np.zeros(0, np.int64)
    text = np.array([*names, None], object)[:-1]
    return CountTable(
        {
            "sample": text[rows],
            "family": family.reshape(-1) + 1,
            "family_size": size[family.reshape(-1)] if len(roots) else np.zeros(0, np.int64),
            "n_relatives": relatives[rows],
            "closest": text[other[start[rows] + closest]] if len(rows) else np.zeros(0, object),
            "relationship": np.array(
                [*("." if each is None else each for each in found.label[closest_pair]), None], object
            )[:-1],
            "kinship": pairs.kinship[closest_pair],
        }
    )


def _closest(pairs: Pairs, mine: NDArray[np.int64]) -> int:
    """Which of some pairs has the highest kinship; of equals the first."""
    return int(np.argmax(pairs.kinship[mine]))
