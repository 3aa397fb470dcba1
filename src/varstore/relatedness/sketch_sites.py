"""Which sites make up a sketch: common, called, of autosomes, and spread over them (docs/sketch.md)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DenominatorWarning, QueryError
from ..model.ploidy import AUTOSOME, class_of_contig
from ..storage.batch import Batch
from ..storage.keys import Keys
from ..storage.sketch import SketchSites, is_snv
from ..storage.totals import Totals

if TYPE_CHECKING:
    from ..query.version import Version

NUM_SITES = 16384
MIN_MAF, MIN_CALL_RATE = 0.05, 0.95
# Enough: so many sites, each so many bases from the one before it, and common among so many people. Of L independent
# sites the kinship of strangers has a standard error of sqrt(3 / (4 L)): half of the least of third-degree relatives.
MIN_SITES = round(0.75 / (2**-4.5 / 2) ** 2)
SPACING, MIN_PEOPLE = 500_000, 50


@dataclass(frozen=True)
class Candidates:
    """Sites that may serve, in the order of the contig table and POS.

    contig : (sites,) int64, place in the table    key : uint64    frequency : float64, of ALT
    """

    contig: NDArray[np.int64]
    key: NDArray[np.uint64]
    frequency: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.key)

    @property
    def position(self) -> NDArray[np.int64]:
        """(sites,) 1-based."""
        return (self.key >> np.uint64(32)).astype(np.int64)

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Candidates:
        """Some of them."""
        return Candidates(self.contig[which], self.key[which], self.frequency[which])


def choose_list(found: Candidates, contigs: list[str]) -> SketchSites | None:
    """The list of sites; None where the candidates are too few or too close to one another.

    Sites of A and T, or C and G, which look alike on both strands, are left out where the others are enough. Of more
    than ``NUM_SITES`` those that are spread best (``spread``). Deterministic.
    """
    base = found.key & np.uint64(3), found.key >> np.uint64(2) & np.uint64(3)
    plain = found.take(base[0] + base[1] != 3)
    if num_spaced(plain) >= MIN_SITES:
        found = plain
    elif num_spaced(found) < MIN_SITES:
        return None
    found = found.take(spread(found, NUM_SITES))
    return SketchSites.of(np.array(contigs, object)[found.contig], found.key, found.frequency)


def why_none(version: Version) -> str:
    """Why a version without a list of sites has none."""
    people = version.num_samples
    if people < MIN_PEOPLE:
        return f"too few people ({people:,}; needs {MIN_PEOPLE:,})"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenominatorWarning)
        number = num_spaced(candidates_of_version(version))
    if number < MIN_SITES:
        return (
            f"too few independent sites ({number:,}; needs {MIN_SITES:,}): they are common ones of autosomes, "
            f"{SPACING // 1000} kb apart"
        )
    return "its sites are enough now; `varstore reindex --sketch` makes one"


def check_called(codes: NDArray[np.int8], who: str) -> None:
    """See that a genome can be compared. codes : (sites,) int8, -1: missing. Raises QueryError."""
    called = int((codes >= 0).sum())
    if called < MIN_SITES:
        raise QueryError(
            f"{who}: called at {called:,} of the sketch's {len(codes):,} sites, needs {MIN_SITES:,}: on fewer, chance "
            "looks like kinship; force=True (--force) compares all the same"
        )


def num_spaced(found: Candidates) -> int:
    """How many sites there are of which each is at least ``SPACING`` bases from the one before it."""
    number = 0
    for contig in set(found.contig.tolist()):
        position, at = found.position[found.contig == contig], 0
        while at < len(position):
            number += 1
            at = int(np.searchsorted(position, position[at] + SPACING))
    return number


def spread(found: Candidates, number: int) -> NDArray[np.int64]:
    """Indexes of at most ``number`` sites, ascending, spread evenly over the bases that the candidates span.

    The spans of the contigs, from the first to the last candidate of each, are cut into ``number`` bins of one length.
    Of each bin the site of the highest minor allele frequency is taken (the first of equals), then of each bin that has
    one more the next, and so on; of the last round those of the highest frequency.
    """
    if len(found) <= number:
        return np.arange(len(found))
    position, place, before = found.position, np.empty(len(found), np.int64), 0
    for contig in sorted(set(found.contig.tolist())):
        mine = found.contig == contig
        first, last = int(position[mine].min()), int(position[mine].max())
        place[mine] = position[mine] - first + before
        before += last - first + 1
    bins = place * number // before
    minor = np.minimum(found.frequency, 1 - found.frequency)
    order = np.lexsort((np.arange(len(found)), -minor, bins))
    new = np.concatenate(([True], np.diff(bins[order]) != 0))
    starts = np.flatnonzero(new)
    rank = np.empty(len(found), np.int64)
    rank[order] = np.arange(len(found)) - np.repeat(starts, np.diff([*starts, len(found)]))
    return np.sort(np.lexsort((np.arange(len(found)), -minor, rank))[:number])


def candidates_of_batch(
    batch: Batch, keys: Keys, totals: Totals, places: NDArray[np.int64], contigs: list[str]
) -> Candidates:
    """Candidates among the records of one batch, by its totals.

    places : of the batch's contigs in the table    contigs : names in the table
    """
    nothing = Candidates(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0))
    people = len(batch.samples)
    if people < MIN_PEOPLE:
        return nothing
    autosome = np.array([class_of_contig(contigs[place]) == AUTOSOME for place in places.tolist()], np.bool_)
    runs = keys.runs
    chunks = sorted(set(runs[autosome[runs[:, 1].astype(np.int64)], 0].tolist()))
    parts = [nothing, *(_of_chunk(batch, keys, totals, chunk, people, autosome, places) for chunk in chunks)]
    contig, key, frequency = (np.concatenate([getattr(p, n) for p in parts]) for n in ("contig", "key", "frequency"))
    return _alone(Candidates(contig, key, frequency))


def _of_chunk(
    batch: Batch, keys: Keys, totals: Totals, chunk: int, people: int, autosome: NDArray[np.bool_],
    places: NDArray[np.int64],
) -> Candidates:  # fmt: skip
    key = keys.chunk(chunk).key
    contig = batch.array("variant_contig").chunk(chunk)
    count, number = totals.read_chunk("allele_count", chunk)[:, 0], totals.read_chunk("allele_number", chunk)
    missing = totals.read_chunk("n_missing", chunk)
    good = is_snv(key[:, 0]) & (key[:, 1:] == 0).all(axis=1) & autosome[contig]
    good &= (number > 0) & (missing <= (1 - MIN_CALL_RATE) * people)
    frequency = count / np.maximum(number, 1)
    good &= np.minimum(frequency, 1 - frequency) >= MIN_MAF
    # A position that another record has too is not biallelic, whatever this record says.
    place = (contig.astype(np.uint64) << np.uint64(32)) | (key[:, 0] >> np.uint64(32))
    order = np.argsort(place, kind="stable")  # nearly in order already
    again = place[order[1:]] == place[order[:-1]]
    good[order[1:][again]] = False
    good[order[:-1][again]] = False
    return Candidates(places[contig[good]], key[good, 0], frequency[good])


def candidates_of_version(version: Version) -> Candidates:
    """Candidates among the sites of all batches of a version, over everybody in it."""
    from ..query.site_choice import SiteLimits, allele_keys, choose_sites  # noqa: PLC0415 - an import does without

    people = np.setdiff1d(np.arange(version._num_numbers), version._withdrawn_now(), assume_unique=True)
    nothing = np.zeros(0, np.int64)
    if len(people) < MIN_PEOPLE or not version._batches:
        return Candidates(nothing, nothing.astype(np.uint64), nothing.astype(np.float64))
    limits = SiteLimits(min_maf=MIN_MAF, min_call_rate=MIN_CALL_RATE)
    sites = choose_sites(version, people, limits)
    names = version.contigs
    autosome = np.array([class_of_contig(names[place]) == AUTOSOME for place in sites.contig.tolist()], np.bool_)
    sites = sites.take(autosome)
    key, _ = allele_keys(version, sites)
    return _alone(Candidates(sites.contig, key, sites.frequency).take(is_snv(key)))


def _alone(found: Candidates) -> Candidates:
    """Candidates in order, without those of which there are several at a position."""
    found = found.take(np.lexsort((found.key, found.contig)))
    same = (np.diff(found.contig) == 0) & (np.diff(found.position) == 0)
    alone = np.ones(len(found), np.bool_)
    alone[:-1] &= ~same
    alone[1:] &= ~same
    return found.take(alone)
