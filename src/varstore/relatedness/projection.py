"""People outside placed on axes that were made of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..query.site_choice import SiteLimits, Sites, allele_keys, choose_sites
from .standardised import StandardisedGenotypes

if TYPE_CHECKING:
    from ..query.version import Version
    from .pca import PrincipalAxes

Floats = NDArray[np.float64]
# Called sites that an axis needs of somebody to be placed.
SITES_AN_AXIS = 10
# Of an axis, the share that the called sites have to hold in whatever direction.
_LEAST_KNOWN = 0.02
# Sites of the axes for each record of the repository, below which they are asked for one by one.
_SHARE = 0.02
_PEOPLE = 1 << 14


def project_people(
    version: Version, axes: PrincipalAxes, people: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.int64]]:
    """Coordinates (people, axes) of people of a repository, and at how many sites each is called.

    people : sorted int64 sample numbers. Those that the axes were made of have their own coordinates.

    Raises QueryError where the repository has none of the sites, CorruptRepositoryError.
    """
    sites, place = find_sites(version, axes)
    if not len(sites):
        raise QueryError(f"none of the {axes.num_sites:,} sites of the axes is in this version of the repository")
    genotypes = StandardisedGenotypes(version, sites, people, axes.scaling.take(place))
    loadings = axes.loadings[place]
    scores, n_sites = genotypes.of_sites(loadings), len(sites) - genotypes.num_missing()
    rows, columns = np.triu_indices(len(axes))
    lost = genotypes.of_missing(loadings[:, rows] * loadings[:, columns])
    absent = np.delete(axes.loadings, place, axis=0)
    lost += (absent[:, rows] * absent[:, columns]).sum(axis=0)
    out = _placed(axes, scores, lost, n_sites)
    known = np.isin(people, axes.numbers)
    out[known] = axes.coordinates[np.searchsorted(axes.numbers, people[known])]
    return out, n_sites


def project_dosages(axes: PrincipalAxes, dosage: NDArray[Any]) -> tuple[Floats, NDArray[np.int64]]:
    """Coordinates (people, axes) of people by their calls, and at how many sites each is called.

    dosage : (people, sites) copies of ALT at the sites of the axes, in their order; NaN or negative: missing

    Raises QueryError for another number of sites.
    """
    copies = np.atleast_2d(np.asarray(dosage, np.float64))
    if copies.shape[1] != axes.num_sites:
        raise QueryError(f"dosages of {copies.shape[1]:,} sites, expected the {axes.num_sites:,} of the axes")
    called = copies >= 0
    standard = np.where(called, (copies - 2 * axes.frequency) * axes.scaling.scale, 0)
    rows, columns = np.triu_indices(len(axes))
    lost = ~called @ (axes.loadings[:, rows] * axes.loadings[:, columns])
    n_sites = called.sum(axis=1)
    return _placed(axes, standard @ axes.loadings, lost, n_sites), n_sites


def find_sites(version: Version, axes: PrincipalAxes) -> tuple[Sites, NDArray[np.int64]]:
    """The sites of axes that a version has, in its order, and which site of the axes each is."""
    region = None
    if axes.num_sites < _SHARE * version.num_variants:
        names = zip(axes.contig, axes.position.tolist(), axes.ref, axes.alt, strict=True)
        region = [f"{contig}:{position} {ref}>{alt}" for contig, position, ref, alt in names]
    everybody = np.setdiff1d(np.arange(version._num_numbers), version._withdrawn_now(), assume_unique=True)
    found = choose_sites(version, everybody, SiteLimits(min_mac=0, autosomes=False), region=region)
    contigs = {name: number for number, name in enumerate(version.contigs)}
    mine = np.array([contigs.get(name, -1) for name in axes.contig.tolist()], np.int64)
    index = {key: i for i, key in enumerate(zip(mine.tolist(), axes.key.tolist(), axes.digest.tolist(), strict=True))}
    keys = zip(found.contig.tolist(), *(column.tolist() for column in allele_keys(version, found)), strict=True)
    place = np.array([index.pop(key, -1) for key in keys], np.int64)
    return found.take(place >= 0), place[place >= 0]


def _placed(axes: PrincipalAxes, scores: Floats, lost: Floats, n_sites: NDArray[np.int64]) -> Floats:
    """Coordinates by what is known of each person: least squares over the sites with a call.

    scores : (people, axes) sums of standardised calls times loadings
    lost : (people, pairs of axes) sums of products of two loadings over the sites without a call

    The standardised calls of a person are approximated by the loadings at the sites with a call (EIGENSOFT's
    lsqproject; Patterson, Price and Reich 2006), so that missing sites draw it to 0 no more than they do the people
    whom the axes were made of, on average; then what projecting shrinks is undone. NaN where there are fewer than
    ``SITES_AN_AXIS`` sites an axis.
    """
    k = len(axes)
    rows, columns = np.triu_indices(k)
    out = np.full(scores.shape, np.nan)
    enough = np.flatnonzero(n_sites >= min(SITES_AN_AXIS * k, axes.num_sites))
    for begin in range(0, len(enough), _PEOPLE):
        some = enough[begin : begin + _PEOPLE]
        within = np.zeros((len(some), k, k))
        within[:, rows, columns] = within[:, columns, rows] = lost[some]
        known = np.eye(k) - within
        good = np.linalg.eigvalsh(known)[:, 0] > _LEAST_KNOWN
        out[some[good]] = np.linalg.solve(known[good], scores[some[good], :, None])[..., 0]
    out *= axes.call_rate / np.sqrt(axes.num_sites) / np.where(np.isnan(axes.shrinkage), 1, axes.shrinkage)
    return out
