"""KING-robust kinship of pairs: calls laid out for the kernels, tiles of pairs in threads, pairs found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import kinship as kernels
from ..kernels.scores import BLOCK
from ..query.diploid import Planes, by_person, read_lists, read_planes
from ..query.site_choice import Sites
from ..query.version import Version

Progress = Callable[[int, int], None]
# What a block of sites costs a pair, in what meeting another carrier in a list costs: 15 to 30 ns by 1 ns.
_BLOCK_COST = 25
_ROWS, _COLUMNS = 32, 1 << 16
# Scores of a tile, at most; entries of lists read at a time; scratch of the pairs of a tile.
_SCORES = 1 << 20
_ENTRIES = 1 << 20


@dataclass(frozen=True)
class Calls:
    """Calls of people as the kernels of kinship take them.

    hom, alt : (people, blocks of words) uint64, of the frequent sites    num_frequent : how many these are
    own : start, site and code of the rare sites that each carries    carriers : start and carriers of each rare site
    missing_rare : (people, words) uint64, no words where nobody is missing
    tallies : (people, 5) int64, bound : (people,) float64, two; as of ``kernels.kinship.find_pairs``
    """

    hom: NDArray[np.uint64]
    alt: NDArray[np.uint64]
    num_frequent: int
    own: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]
    carriers: tuple[NDArray[np.int64], NDArray[np.int32]]
    missing_rare: NDArray[np.uint64]
    tallies: NDArray[np.int64]
    bound: tuple[NDArray[np.float64], NDArray[np.float64]]

    @property
    def arrays(self) -> tuple[Any, ...]:
        """As ``kernels.kinship.compare_tile`` takes them."""
        return (
            self.hom,
            self.alt,
            self.num_frequent,
            (*self.own, self.num_rare),
            self.carriers,
            self.missing_rare,
            self.tallies,
        )

    @property
    def num_rare(self) -> int:
        """Sites that are lists."""
        return len(self.carriers[0]) - 1


@dataclass(frozen=True)
class Pairs:
    """Pairs of people and what their calls have in common.

    first, second : (pairs,) int32, places in the people compared
    n_sites : int32, sites at which both are called    ibs0, ibs1 : sites at which they share no, one allele
    het_het : both are heterozygous    fewer_hets : heterozygous calls, where both are called, of who has fewer
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    n_sites: NDArray[np.int32]
    ibs0: NDArray[np.int32]
    ibs1: NDArray[np.int32]
    het_het: NDArray[np.int32]
    fewer_hets: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.first)

    def placed(self, order: NDArray[np.int64]) -> Pairs:
        """The same pairs with ``order[place]`` for each place, sorted by it."""
        first, second = order[self.first].astype(np.int32), order[self.second].astype(np.int32)
        by = np.lexsort((second, first))
        rest = (self.n_sites, self.ibs0, self.ibs1, self.het_het, self.fewer_hets)
        return Pairs(first[by], second[by], *(column[by] for column in rest))

    @property
    def kinship(self) -> NDArray[np.float64]:
        """(pairs,) KING-robust between families (Manichaikul et al. 2010, eq. 11); NaN where one is never het."""
        out = np.full(len(self), np.nan)
        there = self.fewer_hets > 0
        apart = 4 * self.ibs0[there].astype(np.int64) + self.ibs1[there]
        out[there] = 0.5 - apart / (4 * self.fewer_hets[there].astype(np.int64))
        return out

    @property
    def ibs_distance(self) -> NDArray[np.float64]:
        """(pairs,) share of alleles that differ, (ibs1 + 2 ibs0) / (2 n_sites); NaN without sites."""
        out = np.full(len(self), np.nan)
        differing = self.ibs1 + 2 * self.ibs0.astype(np.int64)
        np.divide(differing, 2 * self.n_sites.astype(np.int64), out=out, where=self.n_sites > 0)
        return out


def all_pairs(
    version: Version, calls: Calls, num_both: int, num_rows: int, threshold: float, progress: Progress | None = None
) -> Pairs:
    """Pairs with a kinship of ``threshold`` or more; -inf: all, those without a kinship too.

    calls : of the people asked about and of those they are compared with: ``num_both`` who are both, then others of
        the latter, then others of the former; there are ``num_rows`` people asked about
    progress : called with the pairs looked at, and all of them

    Nobody makes a pair with himself, two people make one.
    """
    columns = len(calls.hom) - (num_rows - num_both)
    rows = np.concatenate([np.arange(num_both), np.arange(columns, len(calls.hom))])
    first = np.where(rows < num_both, rows + 1, 0)
    total, done = int((columns - first).sum()), 0
    tiles = [tile for tile in _tiles(rows, columns) if first[tile[0]].min() < tile[1].stop]
    columns_of_pairs = [bytearray() for _ in range(7)]
    found = version._map(lambda tile: _found(calls, rows, first, tile, threshold), tiles)
    for tile, part in zip(tiles, found, strict=True):
        for column, values in zip(columns_of_pairs, part, strict=True):
            column += values.data
        done += int(np.maximum(tile[1].stop - np.maximum(first[tile[0]], tile[1].start), 0).sum())
        if progress is not None:
            progress(done, total)
    pairs = Pairs(*(np.frombuffer(column, np.int32) for column in columns_of_pairs))
    return pairs.placed(np.arange(len(calls.hom))) if columns > _COLUMNS else pairs


def _tiles(rows: NDArray[np.int64], columns: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of tiles, whose scores take a fixed room."""
    width = min(columns, _COLUMNS)
    height = max(1, min(_ROWS, _SCORES // max(1, width)))
    for low in range(0, len(rows), height):
        for left in range(0, columns, width):
            yield slice(low, min(low + height, len(rows))), slice(left, min(left + width, columns))


def _found(
    calls: Calls, all_rows: NDArray[np.int64], all_first: NDArray[np.int64], tile: tuple[slice, slice], threshold: float
) -> tuple[NDArray[np.int32], ...]:
    """Seven columns of the pairs of a tile, as of ``kernels.kinship.count_pairs``, by row and column."""
    rows, first, (begin, end) = all_rows[tile[0]], all_first[tile[0]], (tile[1].start, tile[1].stop)
    width = min(kernels.COLUMNS, end - begin)
    scratch = (
        np.empty((len(rows), kernels.COLUMNS), np.int32), *np.zeros((2, len(rows), end - begin), np.int32),
        np.empty(width, np.bool_), *np.empty((2, len(rows) * width), np.int64),
    )  # fmt: skip
    out = np.empty((7, int(np.maximum(end - np.maximum(first, begin), 0).sum())), np.int32)
    kept = kernels.compare_tile(calls.arrays, calls.bound, rows, begin, end, first, threshold, scratch, out)
    order = np.argsort(out[0, :kept], kind="stable")
    return tuple(column[order] for column in out)


def read_calls(version: Version, sites: Sites, people: NDArray[np.int64], order: NDArray[np.int64]) -> Calls:
    """Calls of people at sites, laid out for ``all_pairs``.

    people : sorted int64 sample numbers    order : places of people in the order in which they are wanted

    Raises CorruptRepositoryError.
    """
    rare = _are_rare(sites, len(people))
    hom, alt, missing = _frequent(by_person(version, read_planes(version, sites.take(~rare), people)), order)
    own, carriers, missing_rare = _rare(version, sites.take(rare), people, order)
    tallies = np.zeros((len(people), 5), np.int64)
    tallies[:, 0] = np.bitwise_count(~hom & alt).sum(axis=1)
    tallies[:, 3] = missing
    person = np.repeat(np.arange(len(people)), np.diff(own[0]))
    tallies[:, 1] = np.bincount(person[own[2] == kernels.HET], minlength=len(people))
    tallies[:, 2] = np.bincount(person[own[2] == kernels.HOM], minlength=len(people))
    tallies[:, 4] = np.bitwise_count(missing_rare).sum(axis=1)
    bound = np.empty(len(people)), np.empty(len(people))
    kernels.bounds(tallies, *bound)
    return Calls(hom, alt, int((~rare).sum()), own, carriers, missing_rare, tallies, bound)


def _are_rare(sites: Sites, people: int) -> NDArray[np.bool_]:
    """(sites,) whether each is a list of carriers: the others fill blocks, as many as cost least."""
    order = np.argsort(-sites.mac, kind="stable")
    met = np.concatenate(([0], np.cumsum(sites.mac[order].astype(np.float64) ** 2)))
    blocks = np.arange(-(-len(sites) // (64 * BLOCK)) + 1)
    planes = np.minimum(blocks * 64 * BLOCK, len(sites))
    best = planes[np.argmin(met[-1] - met[planes] + blocks * _BLOCK_COST * float(people) ** 2)]
    out = np.zeros(len(sites), np.bool_)
    out[order[best:]] = True
    return out


def _frequent(
    planes: Planes, order: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    """Planes of homozygous and of ALT, and missing calls of each."""
    words = -(-planes.num_columns // (64 * BLOCK)) * BLOCK
    hom, alt = np.zeros((2, len(order), words), np.uint64)
    kernels.call_planes(planes.het, planes.hom_alt, planes.missing, planes.num_columns, hom, alt)
    missing = np.bitwise_count(planes.missing).sum(axis=1, dtype=np.int64)
    if (order != np.arange(len(order))).any():
        hom, alt, missing = hom[order], alt[order], missing[order]
    return hom, alt, missing


def _rare(
    version: Version, sites: Sites, people: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[
    tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]],
    tuple[NDArray[np.int64], NDArray[np.int32]],
    NDArray[np.uint64],
]:
    """Rare sites of each person, carriers of each rare site, and a plane of who is missing."""
    place = np.empty(len(people), np.int64)
    place[order] = np.arange(len(people))
    missing = np.zeros((len(people), 0), np.uint64)
    person, site, code = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.uint8)]
    for piece in _pieces(sites, len(people)):
        lists = read_lists(version, sites.take(piece), people)
        who, where = place[lists.person], np.repeat(np.arange(piece.start, piece.stop), np.diff(lists.start))
        gone = lists.code > kernels.HOM
        if gone.any():
            if not missing.shape[1]:
                missing = np.zeros((len(people), -(-len(sites) // 64)), np.uint64)
            kernels.set_bits(who[gone], where[gone], missing)
        person.append(who[~gone].astype(np.int32))
        site.append(where[~gone].astype(np.int32))
        code.append(lists.code[~gone])
    return *_both_ways(
        np.concatenate(person), np.concatenate(site), np.concatenate(code), len(people), len(sites)
    ), missing


def _both_ways(
    person: NDArray[np.int32], site: NDArray[np.int32], code: NDArray[np.uint8], num_people: int, num_sites: int
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]], tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Carriers, sites ascending, by person and by site."""
    own_start = np.concatenate(([0], np.cumsum(np.bincount(person, minlength=num_people))))
    start = np.concatenate(([0], np.cumsum(np.bincount(site, minlength=num_sites))))
    own_site, own_code, carrier = np.empty_like(site), np.empty_like(code), np.empty_like(site)
    kernels.put_carriers(person, site, code, own_start[:-1].copy(), own_site, own_code)
    kernels.put_sites(own_start, own_site, own_code, start[:-1].copy(), carrier)
    return (own_start, own_site, own_code), (start, carrier)


def _pieces(sites: Sites, people: int) -> Iterator[slice]:
    """Runs of sites whose lists have few enough entries, together."""
    homozygous = np.maximum(people - sites.n_missing - sites.n_het - sites.n_hom_alt, 0)
    entries = sites.n_het + sites.n_missing + np.minimum(sites.n_hom_alt, homozygous)
    run = np.cumsum(entries) // _ENTRIES
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(run)) + 1, [len(sites)]))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if end > begin:
            yield slice(begin, end)
