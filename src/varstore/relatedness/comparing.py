"""From people and limits to a table of kinship: sites chosen, calls read, pairs found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError, TooFewSitesError
from ..query.site_choice import SiteLimits, Sites, choose_sites
from ..query.version import Version
from .kinship import Progress, all_pairs, read_calls
from .labels import too_few
from .pruning import Pruning, prune
from .tables import KinshipTable, SitesUsed


@dataclass(frozen=True)
class Choice:
    """Which sites serve. where : further arguments of ``choose_sites``    pruning : of those, the ones that it keeps"""

    limits: SiteLimits
    where: dict[str, Any]
    pruning: Pruning | None = None

    def sites(self, version: Version, people: NDArray[np.int64]) -> Sites:
        """The sites. Raises TooFewSitesError where there are none, QueryError and its kinds."""
        sites = choose_sites(version, people, self.limits, **self.where)
        if not len(sites):
            raise TooFewSitesError(
                "no site serves: none is of an autosome, with one ALT allele, within the limits and different among "
                f"the {len(people):,} people; ask for other people, sites or limits"
            )
        return sites if self.pruning is None else sites.take(prune(version, sites, people, self.pruning))


Groups = tuple[NDArray[np.int64], NDArray[np.int64]]


def compare_people(
    version: Version,
    groups: Groups,
    choice: Choice,
    threshold: float | None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> KinshipTable:
    """Kinship of each of some people with each of others, two people once.

    groups : sorted int64 sample numbers of the people asked about, and of those they are compared with
    threshold : None: every pair

    Raises TooFewSitesError, QueryError and its kinds, CorruptRepositoryError.
    """
    if threshold is not None and np.isnan(threshold):
        raise QueryError("the threshold is NaN, expected a kinship, like 0.0884")
    asked, others = groups
    people = np.union1d(asked, others)
    if len(people) < 2 or not len(asked) or not len(others):
        raise QueryError(f"found {len(people):,} people to compare, expected two or more")
    sites = choice.sites(version, people)
    used = SitesUsed.of(sites.contig, sites.position, sites.frequency)
    if not used.enough and not force:
        raise too_few(used.num_sites, used.independent)
    order, num_both = _order(people, asked, others)
    calls = read_calls(version, sites, people, order)
    if (calls.tallies[:, 3:].sum(axis=1) == len(sites)).all():
        raise TooFewSitesError("no site serves: nobody has a call of two alleles; kinship is of diploid calls")
    least = -np.inf if threshold is None else threshold
    pairs = all_pairs(version, calls, num_both, len(asked), least, progress)
    if num_both < len(people):
        pairs = pairs.placed(order)
    names = np.array([version._names[number] for number in people.tolist()], object)
    return KinshipTable(pairs, names, used)


def _order(
    people: NDArray[np.int64], asked: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Places of people: who is in both groups, who is compared with only, who is asked about only; how many the first.

    So pairs are rows of the first and last, columns of the first two, and nobody is paired with himself or twice.
    """
    first, second = np.isin(people, asked), np.isin(people, others)
    both = first & second
    return np.concatenate([np.flatnonzero(part) for part in (both, second & ~both, first & ~both)]), int(both.sum())
