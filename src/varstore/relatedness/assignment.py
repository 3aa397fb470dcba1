"""To which group of people somebody belongs, by the coordinates of its members."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError

Floats = NDArray[np.float64]
# Of whom a group has fewer is no group to belong to.
FEWEST_MEMBERS = 5
NOWHERE = "."
# A person is outside a group who is farther from it than 999 of 1,000 by chance, and than 995 of 1,000 of its members.
_Z_BY_CHANCE = 3.0902323061678132
_MEMBERS = 0.995


@dataclass(frozen=True)
class Groups:
    """Groups as normal distributions around their centroids, all of one covariance.

    names : (groups,)    centroids : (groups, axes)    inverse : (axes, axes) of the covariance
    limit : (groups,) largest squared distance, in units of the covariance, of who may belong to it
    """

    names: list[str]
    centroids: Floats
    inverse: Floats
    limit: Floats

    def assign(self, coordinates: Floats) -> tuple[NDArray[np.object_], Floats, Floats]:
        """(people,) group, its probability, and the distance from it, of (people, axes) coordinates.

        The probability is that of the nearest group among all groups, each as likely beforehand. Who is outside all
        groups has group ``.`` and probability NaN; who has no coordinates has a NaN distance too.
        """
        square = self._squares(coordinates)
        known = ~np.isnan(square).any(axis=1)
        square[~known] = 0
        nearest = square.argmin(axis=1)
        rows = np.arange(len(square))
        closest = square[rows, nearest]
        share = 1 / np.exp(-0.5 * (square - closest[:, None])).sum(axis=1)
        inside = known & (closest <= self.limit[nearest])
        group = np.where(inside, np.array(self.names, object)[nearest], NOWHERE)
        return group, np.where(inside, share, np.nan), np.where(known, np.sqrt(closest), np.nan)

    def _squares(self, coordinates: Floats) -> Floats:
        """(people, groups) squared Mahalanobis distances."""
        apart = coordinates[:, None, :] - self.centroids[None, :, :]
        out: Floats = np.einsum("pga,ab,pgb->pg", apart, self.inverse, apart)
        return out


def groups_of(coordinates: Floats, labels: NDArray[np.object_]) -> Groups:
    """Groups by the coordinates (people, axes) of people with labels; ``.`` is none.

    The covariance is that within the groups, pooled, and drawn towards its diagonal by axes / (axes + people), so that
    a few people suffice. Groups of fewer than ``FEWEST_MEMBERS`` people are left out.

    Raises QueryError where no group is left.
    """
    names, place, sizes = np.unique(labels.astype(str), return_inverse=True, return_counts=True)
    large = (sizes >= FEWEST_MEMBERS) & (names != NOWHERE)
    if not large.any():
        raise QueryError(f"no group has {FEWEST_MEMBERS} people on the axes: nobody can be told to belong to one")
    number = np.where(large, np.cumsum(large) - 1, -1)[place]
    members = number >= 0
    coordinates, number = coordinates[members], number[members]
    num_groups, (people, axes) = int(large.sum()), coordinates.shape
    centroids = np.array([coordinates[number == group].mean(axis=0) for group in range(num_groups)])
    apart = coordinates - centroids[number]
    pooled = apart.T @ apart / max(1, people - num_groups)
    drawn = axes / (axes + people)
    covariance = (1 - drawn) * pooled + drawn * np.diag(np.diag(pooled))
    inverse = np.linalg.pinv(covariance, hermitian=True)
    square = np.einsum("pa,ab,pb->p", apart, inverse, apart)
    farthest = np.array([np.quantile(square[number == group], _MEMBERS) for group in range(num_groups)])
    return Groups(names[large].tolist(), centroids, inverse, np.maximum(farthest, _by_chance(axes)))


def _by_chance(degrees: int) -> float:
    """The 0.999 quantile of chi-square (Wilson and Hilferty 1931)."""
    spread = 2 / (9 * degrees)
    return float(degrees * (1 - spread + _Z_BY_CHANCE * np.sqrt(spread)) ** 3)
