"""Pairs of people as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..model.results import CountTable
from .kinship import Pairs
from .labels import (
    FULL_SIBLING,
    LEAST,
    LEAST_SITES,
    MOST_PARENT_OFFSPRING,
    PARENT_OFFSPRING,
    expected_ibs0,
    independent_sites,
    least_sites_of_pair,
    relationships,
)


@dataclass(frozen=True)
class SitesUsed:
    """What kinship was computed from.

    num_sites : all of them    independent : frequent and far apart    expected_ibs0 : share of sites, of strangers
    """

    num_sites: int
    independent: int
    expected_ibs0: float

    @classmethod
    def of(cls, contig: NDArray[Any], position: NDArray[np.int64], frequency: NDArray[np.float64]) -> Self:
        """What is to be said of some sites. frequency : (sites,) float64, of ALT"""
        return cls(len(position), independent_sites(contig, position, frequency), expected_ibs0(frequency))

    def relationships(self, kinship: NDArray[np.float64], ibs0: NDArray[Any], n_sites: NDArray[Any]) -> NDArray[Any]:
        """(pairs,) labels; None where the sites do not carry one."""
        if not self.enough:
            return np.full(len(kinship), None, object)
        least = least_sites_of_pair(self.num_sites, self.independent)
        return relationships(kinship, ibs0, n_sites, self.expected_ibs0, least)

    @property
    def enough(self) -> bool:
        """Whether they carry labels."""
        return self.independent >= LEAST_SITES


class KinshipTable(CountTable):
    """Kinship, a row a pair of people; columns are made when they are looked at.

    Columns: sample_1, sample_2, n_sites (both called), ibs0, ibs1, ibs2 (sites at which they share no, one, two
    alleles), het_het (both heterozygous), all int32, kinship (KING-robust), ibs_distance,
    relationship (None: no label).
    sites : what it was computed from
    """

    def __init__(self, pairs: Pairs, names: NDArray[Any], sites: SitesUsed) -> None:
        self.sites = sites

        def label() -> NDArray[Any]:
            return sites.relationships(self["kinship"], pairs.ibs0, pairs.n_sites)

        super().__init__(
            {
                "sample_1": lambda: names[pairs.first],
                "sample_2": lambda: names[pairs.second],
                "n_sites": lambda: pairs.n_sites,
                "ibs0": lambda: pairs.ibs0,
                "ibs1": lambda: pairs.ibs1,
                "ibs2": lambda: pairs.n_sites - pairs.ibs0 - pairs.ibs1,
                "het_het": lambda: pairs.het_het,
                "kinship": lambda: pairs.kinship,
                "ibs_distance": lambda: pairs.ibs_distance,
                "relationship": label,
            }
        )
        self._num_pairs = len(pairs)

    def __len__(self) -> int:
        return self._num_pairs

    def __repr__(self) -> str:
        return f"<KinshipTable of {len(self)} pairs: {', '.join(self.columns)}>"

    def plot(self, kind: str | None = None) -> Any:
        """Kinship against the share of sites at which a pair shares no allele, as a matplotlib Figure.

        kind : "kinship", which is the only one

        Raises QueryError for another kind or where no pair has a kinship, MissingDependencyError.
        """
        from ..errors import QueryError  # noqa: PLC0415
        from ..model.pictures import kinship_picture  # noqa: PLC0415

        if kind not in (None, "kinship"):
            raise QueryError(f"no picture {kind!r} of kinship; there is kinship")
        if not self.sites.enough:
            return kinship_picture(self, {}, None)
        at = MOST_PARENT_OFFSPRING * self.sites.expected_ibs0
        return kinship_picture(self, LEAST, (PARENT_OFFSPRING, FULL_SIBLING, at, 2 * self.sites.expected_ibs0))
