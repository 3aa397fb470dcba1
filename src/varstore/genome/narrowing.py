"""What is left of sites and alleles where a comparison was asked for some regions alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model.regions import Region
    from ..query.version import Version
    from ..relatedness.pca import PrincipalAxes
    from ..storage.sketch import SketchSites
    from .comparing import Wanted


def asked_for(version: Version, sites: SketchSites | PrincipalAxes, wanted: Wanted | None) -> NDArray[np.bool_]:
    """(sites,) whether each single base stands in a region that is asked for, or is asked for by its key."""
    if wanted is None or wanted.regions is None:
        return np.ones(len(sites.position), np.bool_)
    place = {name: index for index, name in enumerate(version.contigs)}
    contig = np.array([place.get(name, -1) for name in sites.contig.tolist()], np.int64)
    out = overlapping(contig, sites.position - 1, sites.position, wanted.regions)
    for allele in wanted.alleles:
        out |= (contig == allele.contig) & (sites.key == np.uint64(allele.key))
    return out


def overlapping(
    contig: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], regions: Sequence[Region]
) -> NDArray[np.bool_]:
    """(intervals,) whether each, 0-based and half-open, overlaps a region. regions : sorted and joined"""
    out = np.zeros(len(contig), np.bool_)
    bounds = np.array([(each.contig, each.start, each.end) for each in regions], np.int64).reshape(-1, 3)
    for place in np.unique(bounds[:, 0]).tolist():
        here = np.flatnonzero(contig == place)
        _, first, last = bounds[bounds[:, 0] == place].T
        # Joined regions end in the order in which they begin: the first that ends behind a start decides.
        at = np.searchsorted(last, start[here], side="right")
        inside = at < len(first)
        out[here[inside]] = first[at[inside]] < end[here][inside]
    return out
