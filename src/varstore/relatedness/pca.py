"""Principal axes of standardised genotypes: how people differ, along as few directions as possible."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..model.results import CountTable
from ..query.site_choice import Sites, allele_keys
from .krylov import Eigenpairs, leading
from .standardised import Scaling, StandardisedGenotypes

if TYPE_CHECKING:
    from ..query.version import Version

Floats = NDArray[np.float64]
# An axis whose shrinkage is below this is no direction that people outside share: projecting on it says nothing.
_LEAST_SHRINKAGE = 0.05
# Sites in fewer stretches of so many bases than this tell the history of these stretches.
FEWEST_STRETCHES = 40
STRETCH = 5_000_000


@dataclass(frozen=True, eq=False, repr=False)
class PrincipalAxes:
    """Axes, and where the people fall that they were made of.

    Coordinates are as long as eigenvalues say: the squares of an axis' coordinates add up to its eigenvalue. An axis
    points to where its largest loading is positive.

    eigenvalue : (axes,) of the relationship matrix XX' / sites, X being standardised genotypes (people, sites)
    variance_share : (axes,) of the sum of all eigenvalues
    coordinates : (people, axes)    loadings : (sites, axes), each axis of length 1
    call_rate : (axes,) share of the sites, by their squared loadings, at which the people are called, on average
    shrinkage : (axes,) how much nearer to 0 people fall who are projected (``projection``); NaN where the axis does
        not stand out
    contig : (sites,) names    position : 1-based    ref, alt
    frequency : (sites,) p of ALT among the people
    key, digest : (sites,) of the normalised allele (docs/format.md)
    sample : (people,) names    numbers : (people,) sorted sample numbers
    name : under which they are saved, else empty    version : of the repository, that they were made of
    num_withdrawn : people who have been withdrawn since they were made
    by, groups : (people,) what a column of the sample table says of them, ``.``: nothing; None: none was asked for
    """

    eigenvalue: Floats
    variance_share: Floats
    coordinates: Floats
    loadings: Floats
    call_rate: Floats
    shrinkage: Floats
    contig: NDArray[np.object_]
    position: NDArray[np.int64]
    ref: NDArray[np.object_]
    alt: NDArray[np.object_]
    frequency: Floats
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    sample: NDArray[np.object_]
    numbers: NDArray[np.int64]
    version: int
    name: str = ""
    num_withdrawn: int = 0
    by: str = ""
    groups: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.eigenvalue)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<PrincipalAxes{name}: {len(self)} axes of {len(self.sample):,} people at {len(self.position):,} sites>"

    @property
    def num_sites(self) -> int:
        """Sites that they were made of."""
        return len(self.position)

    @property
    def scaling(self) -> Scaling:
        """How calls are standardised."""
        scale = 1 / np.sqrt(2 * self.frequency * (1 - self.frequency))
        return Scaling(self.frequency, scale, np.nan)

    def to_table(self) -> CountTable:
        """One row a person: sample, what the column asked for says of it, pc1, pc2 and so on."""
        groups = {} if self.groups is None else {self.by: self.groups}
        return CountTable({"sample": self.sample, **groups, **named_columns(self.coordinates)})

    def loadings_table(self) -> CountTable:
        """One row a site: contig, position, ref, alt, allele_frequency, pc1, pc2 and so on."""
        site = {"contig": self.contig, "position": self.position, "ref": self.ref, "alt": self.alt}
        return CountTable({**site, "allele_frequency": self.frequency, **named_columns(self.loadings)})

    def axes_table(self) -> CountTable:
        """One row an axis: axis, eigenvalue, variance_share, shrinkage."""
        axis = np.arange(1, len(self) + 1)
        columns = {"eigenvalue": self.eigenvalue, "variance_share": self.variance_share, "shrinkage": self.shrinkage}
        return CountTable({"axis": axis, **{name: column.copy() for name, column in columns.items()}})


def named_columns(coordinates: Floats) -> dict[str, Floats]:
    """Columns pc1, pc2 and so on of (rows, axes)."""
    return {f"pc{i + 1}": np.ascontiguousarray(column) for i, column in enumerate(coordinates.T)}


def principal_axes(
    version: Version, sites: Sites, people: NDArray[np.int64], axes: int = 10, seed: int = 1
) -> PrincipalAxes:
    """The principal axes of some people at some sites; sites at which they do not differ are left out.

    people : sorted int64 sample numbers    seed : of the random vectors that the search begins from

    Warns where the axes are not found to the tolerance, or the sites lie in few stretches of the genome.
    Raises QueryError where there are too few people or sites.
    """
    check_enough(len(sites), len(people), axes)
    genotypes = StandardisedGenotypes(version, sites, people)
    kept = genotypes.scaling.varying
    num_sites = int(kept.sum())
    check_enough(num_sites, len(people), axes)
    found = leading(lambda v: genotypes.of_sites(genotypes.of_people(v)) / num_sites, len(people), axes, seed)
    loadings = genotypes.of_people(found.vectors)
    loadings /= np.maximum(np.linalg.norm(loadings, axis=0), np.finfo(np.float64).tiny)
    call_rate = 1 - genotypes.of_missing(loadings**2).mean(axis=0)
    loadings = loadings[kept]
    top = loadings[np.abs(loadings).argmax(axis=0), np.arange(axes)]
    sign = np.where(top < 0, -1.0, 1.0)
    eigenvalue = np.maximum(found.values, 0)
    sites = sites.take(kept)
    _warn(found, num_stretches(sites))
    key, digest = allele_keys(version, sites)
    contigs, names = np.array(version.contigs, object), np.array(version._names, object)
    return PrincipalAxes(
        eigenvalue,
        eigenvalue / (genotypes.scaling.total / num_sites),
        found.vectors * sign * np.sqrt(eigenvalue),
        loadings * sign,
        call_rate,
        shrinkage(found),
        contigs[sites.contig],
        sites.position,
        sites.ref,
        sites.alt,
        genotypes.scaling.frequency[kept],
        key,
        digest,
        names[people],
        people,
        version.version,
    )


def _warn(found: Eigenpairs, stretches: int) -> None:
    if not found.converged:
        rest = (found.residual / found.values).max()
        text = f"the axes were not found to the tolerance in {found.passes} passes: {rest:.1g} of an eigenvalue is left"
        warnings.warn(f"{text}; ask for fewer axes", stacklevel=4)
    if stretches < FEWEST_STRETCHES:
        warnings.warn(
            f"the sites lie in {stretches} of the about 600 stretches of 5 Mb that a genome has: axes of so little "
            "of it tell the history of these stretches, not ancestry",
            stacklevel=4,
        )


def check_enough(sites: int, people: int, axes: int) -> None:
    """Raise QueryError where there cannot be so many axes: people less one at most, and sites."""
    if axes < 1:
        raise QueryError(f"axes is {axes}, expected at least 1")
    if people < axes + 1:
        raise QueryError(
            f"too few people ({people:,}; {axes} axes need {axes + 1:,}): choose more, or ask for fewer axes"
        )
    if sites < axes:
        raise QueryError(
            f"too few sites ({sites:,} at which the people differ; {axes} axes need {axes:,}): lower min_maf, prune "
            "less, or ask for fewer axes"
        )


def shrinkage(found: Eigenpairs) -> Floats:
    """(axes,) how much nearer to 0 people fall who are projected; NaN where an axis does not stand out.

    The eigenvalue of an axis is that of the population and what chance adds because loadings fit the very people;
    people outside get the former alone. Their ratio is 1 / mean of d / (d - b) over the eigenvalues b that are no axes,
    d being the axis' own (Dey and Lee 2019, "Asymptotic properties of principal component analysis and
    shrinkage-bias adjustment under the generalized spiked population model", their d-GSP estimator).
    """
    axes, rows = len(found.values), found.weight.sum()
    rest, weight = found.spectrum[axes:], found.weight[axes:]
    weight = weight * (rows - axes) / weight.sum()
    out = np.full(axes, np.nan)
    for i, value in enumerate(found.values.tolist()):
        apart = value - rest
        if len(rest) == 0 or value <= 0 or apart.min() <= 0:
            continue
        ratio = rows / (weight * value / apart).sum()
        if ratio >= _LEAST_SHRINKAGE:
            out[i] = ratio
    return out


def num_stretches(sites: Sites) -> int:
    """Stretches of ``STRETCH`` bases that have a site: how much of the genome is looked at."""
    return len(np.unique(sites.contig * (1 << 32) + sites.position // STRETCH))
