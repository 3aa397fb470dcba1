"""What the file of a genome says at the repository's sites: how much of them is called, and runs of homozygosity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..query.diploid import by_person, read_planes
from ..query.site_choice import SiteLimits, Sites, allele_keys, choose_sites
from ..query.version import Version
from ..relatedness.homozygosity import RunRules, find_runs, runs_of_calls
from . import person
from .kin import LEAST_REFERENCE, KeyedSites, codes_of
from .reading import REFERENCE, Genome

# Of the sites, for runs: a window of 50 may lack 5 calls.
LEAST_CALLED = 0.9
# Calls of others that are looked at at a time.
_CALLS = 1 << 31
_VARIANTS_ALONE = "a file of variants alone does not tell reference from no call; a gVCF or --absent reference does"
MEASURES = ("n_runs", "num_bases", "longest", "f_roh")


@dataclass(frozen=True)
class FileCalls:
    """A genome's calls at the biallelic sites of autosomes that the repository has.

    codes : (sites,) int8 copies of ALT, -1: no call
    """

    version: Version
    genome: Genome
    sites: Sites
    codes: NDArray[np.int8]
    others: NDArray[np.int64]

    def call_rate(self) -> dict[str, Any] | str:
        """The share of the sites that have a call, beside that of the others; or why it is not known."""
        if not self.genome.has_reference_blocks:
            return "only a gVCF tells reference from no call"
        lost = _missing(self.version, self.sites, self.others)
        num = len(self.sites)
        return person.compared(float((self.codes >= 0).sum()) / num, (num - lost) / num)

    def runs(self) -> dict[str, Any]:
        """Runs of homozygosity, as ``varstore roh`` finds them, beside those of the others; or why there are none."""
        called = int((self.codes >= 0).sum())
        if (self.codes == 0).sum() < LEAST_REFERENCE * called:
            return {"reason": _VARIANTS_ALONE}
        if called < LEAST_CALLED * len(self.sites):
            share = f"a call at {called:,} of the repository's {len(self.sites):,} sites"
            return {"reason": f"the file has {share}; runs need {LEAST_CALLED:.0%} of them"}
        contigs, names = self.version.contigs, [self.version._names[n] for n in self.others.tolist()]
        mine = runs_of_calls(self.sites, self.codes, self.genome.sample, contigs, RunRules()).people
        theirs = find_runs(self.version, self.sites, self.others, names, RunRules()).people
        found = {name: person.compared(float(mine[name][0]), theirs[name].astype(np.float64)) for name in MEASURES}
        return {"reason": None} | found


def calls_at_sites(
    version: Version, genome: Genome, others: NDArray[np.int64], regions: Sequence[str] | None, filters: Any
) -> FileCalls | str:
    """The calls of a genome of a file, or why they are not looked for.

    others : sorted numbers of who it is compared with    regions, filters : as of ``count_alleles``

    Raises UnknownFilterError, CorruptRepositoryError.
    """
    if genome.absent != REFERENCE and not len(genome.stretches):
        return _VARIANTS_ALONE
    try:
        sites = choose_sites(version, others, SiteLimits(min_mac=0), region=regions, filters=filters)
    except QueryError as error:
        return str(error)
    if not len(sites):
        return "the repository has no biallelic site of an autosome there"
    key, digest = allele_keys(version, sites)
    names = np.array([*version.contigs, ""], object)[sites.contig]
    keyed = KeyedSites(names, (key >> np.uint64(32)).astype(np.int64), key, digest)
    return FileCalls(version, genome, sites, codes_of(version, genome, keyed), others)


def _missing(version: Version, sites: Sites, people: NDArray[np.int64]) -> NDArray[np.int64]:
    """(people,) at how many of the sites each has no call."""
    out = np.zeros(len(people), np.int64)
    cuts = [0, *(np.flatnonzero(np.diff(sites.contig)) + 1).tolist(), len(sites)]
    for low, high in pairwise(cuts):
        step = max(1, _CALLS // (high - low))
        for begin in range(0, len(people), step):
            part = people[begin : begin + step]
            planes = by_person(version, read_planes(version, sites.take(slice(low, high)), part))
            out[begin : begin + step] += np.bitwise_count(planes.missing).sum(axis=1, dtype=np.int64)
    return out
