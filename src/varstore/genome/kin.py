"""Kin of a genome: its calls at the sites of the repository's sketch, against everybody's.

docs/personal-genome.md, "Nearest by kinship", has the definitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..kernels.person import HET, HOM
from ..query.version import Version
from ..relatedness.sketch_sites import MIN_SITES
from .narrowing import asked_for
from .reading import REFERENCE, read_genome

if TYPE_CHECKING:
    from ..relatedness.pca import PrincipalAxes
    from ..storage.sketch import SketchSites
    from .comparing import Wanted
    from .reading import Genome

# People that are listed, and from which kinship on.
MOST_PEOPLE = 10
# Of the calls at common sites about a third and more are homozygous REF; a file of variants alone has next to none.
LEAST_REFERENCE = 0.1


def kin_of(
    version: Version, genome: Genome, others: NDArray[np.bool_], *, names: bool, wanted: Wanted | None = None
) -> dict[str, Any]:  # fmt: skip
    """The nearest people by kinship, with what they may be called: JSON-ready; or the reason why there are none.

    others : (numbers of people,) bool, who it is compared with    names : give their ids
    wanted : sites outside its regions are not called

    Raises CorruptRepositoryError.
    """
    from ..relatedness.labels import expected_ibs0, relationships  # noqa: PLC0415
    from ..relatedness.nearest import nearest, sketches_of  # noqa: PLC0415

    try:
        sketches = sketches_of(version)
    except QueryError as error:
        return {"people": None, "reason": str(error).partition(": ")[2]}
    sites = sketches.sites
    codes = codes_of(version, genome, sites) if genome.number is None else sketches.codes(genome.number)
    codes = np.where(asked_for(version, sites, wanted), codes, -1).astype(np.int8)
    called, reason = int((codes >= 0).sum()), too_little(codes)
    if reason is not None:
        return {"people": None, "reason": reason}
    found = nearest(version, codes, np.flatnonzero(others))
    label = relationships(found.kinship, found.ibs0, found.n_sites, expected_ibs0(sites.frequency), MIN_SITES / 4)
    order = np.argsort(-np.nan_to_num(found.kinship, nan=-np.inf), kind="stable")[:MOST_PEOPLE]
    rows = [
        {
            "sample": version._names[int(found.number[i])] if names else None,
            "label": label[i],
            "kinship": float(found.kinship[i]),
            "ibs0": int(found.ibs0[i]),
            "n_sites": int(found.n_sites[i]),
        }
        for i in order.tolist()
        if not np.isnan(found.kinship[i])
    ]
    return {"people": rows, "num_called": called, "reason": None if rows else "no kinship could be told"}


def too_little(codes: NDArray[np.int8]) -> str | None:
    """Why calls at the sites of a sketch tell no kinship; None: they do. codes : (sites,) int8, -1: missing"""
    called = int((codes >= 0).sum())
    if called < MIN_SITES:
        return f"too few independent sites ({called:,} called of {len(codes):,}; needs {MIN_SITES:,})"
    if (codes == 0).sum() < LEAST_REFERENCE * called:
        return "the file says of next to no site that the person is reference there; a gVCF or --absent reference does"
    return None


def read_codes(
    version: Version, path: str, *, sample: str | None = None, absent: str = "auto", force: bool = False
) -> NDArray[np.int8]:
    """Calls of a genome in a file at the sites of a version's sketch: (sites,) int8 copies of ALT, -1: missing.

    sample, absent : as of ``read_genome``    force : however little they tell

    Raises InputError and its kinds (ContigLengthError: another build), QueryError, CorruptRepositoryError.
    """
    from ..relatedness.nearest import sketch_sites  # noqa: PLC0415

    sites = sketch_sites(version)
    genome = read_genome(version, path, sample=sample, absent=absent)
    codes = codes_of(version, genome, sites)
    reason = too_little(codes)
    if reason is not None and not force:
        raise QueryError(f"{path}: {genome.sample}: {reason}; force=True (--force) compares all the same")
    return codes


@dataclass(frozen=True)
class KeyedSites:
    """Sites by their normalised alleles.

    contig : (sites,) object of str, names    position : int64, 1-based    key, digest : uint64
    """

    contig: NDArray[Any]
    position: NDArray[np.int64]
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]


def codes_of(version: Version, genome: Genome, sites: SketchSites | PrincipalAxes | KeyedSites) -> NDArray[np.int8]:
    """(sites,) int8 copies of ALT at some sites; -1: missing, half called, haploid, or another ALT."""
    # Those of a sketch and of axes are single bases.
    digest = sites.digest if isinstance(sites, KeyedSites) else np.zeros(len(sites.position), np.uint64)
    out = np.full(len(sites.position), -1, np.int8)
    place_of = {name: place for place, name in enumerate(version.contigs)}
    runs = dict(genome.runs)
    for name in dict.fromkeys(sites.contig.tolist()):
        here = np.flatnonzero(sites.contig == name)
        place = place_of.get(name, -1)
        position = sites.position[here]
        code = np.where(_reference(genome, place, position), 0, -1).astype(np.int8)
        mine = genome.alleles.take(runs[place]) if place in runs else None
        if mine is not None:
            code[np.isin(position, mine.position)] = -1
            at = np.minimum(np.searchsorted(mine.key, sites.key[here]), len(mine) - 1)
            hit = (mine.key[at] == sites.key[here]) & (mine.digest[at] == digest[here]) & mine.whole[at]
            alone = np.searchsorted(mine.position, position, "right") - np.searchsorted(mine.position, position) == 1
            for copies, zygosity in ((1, HET), (2, HOM)):
                code[hit & alone & (mine.zygosity[at] == zygosity)] = copies
        out[here] = code
    return out


def _reference(genome: Genome, place: int, position: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(positions,) whether the genome is reference there as far as its file says. place : of the contig"""
    mine = genome.stretches[genome.stretches[:, 0] == place]
    if genome.absent == REFERENCE:
        # Of a contig without any record the file says nothing (docs/semantics.md, Absence).
        return np.full(len(position), len(mine) > 0 or place in genome.alleles.contig)
    if not len(mine):
        return np.zeros(len(position), np.bool_)
    mine = mine[np.argsort(mine[:, 1], kind="stable")]
    end = np.maximum.accumulate(mine[:, 2])
    at = np.searchsorted(mine[:, 1], position - 1, side="right") - 1
    inside: NDArray[np.bool_] = (at >= 0) & (end[at] >= position)
    return inside
