"""Standardised genotypes as a matrix that is never written down: its products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..kernels import products
from ..kernels.diploid import NO_CALL
from ..query.diploid import Planes, by_person, read_lists, read_planes
from ..query.site_choice import Sites
from ..query.version import Version

# A site is kept as a list where so many people have one entry: an entry costs as much as a look-up of many calls.
_PEOPLE_AN_ENTRY = 64
# Rows that a task multiplies.
_ROWS = 2048
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """What makes a call a number of mean 0 and variance 1: (copies of ALT - 2p) / sqrt(2p (1 - p)); missing: 0.

    frequency : (sites,) of ALT among the calls of two alleles, NaN where there is none
    scale : (sites,) 1 / sqrt(2p (1 - p)); 0 where nobody differs    total : sum of squares of the whole matrix
    """

    frequency: Floats
    scale: Floats
    total: float

    @property
    def varying(self) -> NDArray[np.bool_]:
        """(sites,) whether people differ there."""
        return self.scale > 0

    def take(self, which: NDArray[np.int64]) -> Scaling:
        """That of some of the sites."""
        return Scaling(self.frequency[which], self.scale[which], np.nan)


def scaling_of(n_het: NDArray[np.int64], n_hom_alt: NDArray[np.int64], n_called: NDArray[np.int64]) -> Scaling:
    """The scaling by the calls of two alleles; Patterson, Price and Reich 2006, equation 3."""
    frequency = np.full(len(n_called), np.nan)
    np.divide(n_het + 2 * n_hom_alt, 2 * n_called, out=frequency, where=n_called > 0)
    variance = np.nan_to_num(2 * frequency * (1 - frequency))
    scale = np.zeros(len(variance))
    np.divide(1, np.sqrt(variance), out=scale, where=variance > 0)
    mean = np.nan_to_num(2 * frequency)
    squares = n_het * (1 - mean) ** 2 + n_hom_alt * (2 - mean) ** 2 + (n_called - n_het - n_hom_alt) * mean**2
    return Scaling(frequency, scale, float((squares * scale**2).sum()))


class StandardisedGenotypes:
    """The matrix X (people, sites) of standardised calls: ``of_people(V)`` is X'V, ``of_sites(W)`` is XW.

    Common sites are bit planes, once by site and once by person; rare ones lists, likewise. Products are of float64
    and the same to the last bit whatever the number of threads.

    people : sorted int64 sample numbers    scaling : default: that of these people
    """

    def __init__(
        self, version: Version, sites: Sites, people: NDArray[np.int64], scaling: Scaling | None = None
    ) -> None:
        self._map = version._map
        self.num_people, self.num_sites = len(people), len(sites)
        entries = np.minimum(sites.n_hom_alt, len(people) - sites.n_hom_alt - sites.n_het - sites.n_missing)
        rare = _PEOPLE_AN_ENTRY * (sites.n_het + np.maximum(entries, 0) + sites.n_missing) < len(people)
        self._common, self._rare = np.flatnonzero(~rare), np.flatnonzero(rare)
        self._planes = read_planes(version, sites.take(self._common), people)
        self._turned = by_person(version, self._planes)
        self._lists = read_lists(version, sites.take(self._rare), people)
        self._gaps = bool(self._planes.missing.any())
        self.scaling = scaling or scaling_of(*self._counts())

    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(sites,) n_het, n_hom_alt and n_called of the calls of two alleles."""
        counts = np.empty((self.num_sites, 3), np.int64)
        counts[self._common] = self._planes.counts()
        het, homozygous, missing = self._lists.counts().T
        rest = self.num_people - het - homozygous - missing
        counts[self._rare] = np.stack([het, np.where(self._lists.flipped, rest, homozygous), missing], axis=1)
        return counts[:, 0], counts[:, 1], self.num_people - counts[:, 2]

    @cached_property
    def _by_person(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
        """The lists of rare sites as lists by person: start, site and code."""
        lists = self._lists
        start = np.zeros(self.num_people + 1, np.int64)
        np.cumsum(np.bincount(lists.person, minlength=self.num_people), out=start[1:])
        site, code = np.empty(len(lists.person), np.int32), np.empty(len(lists.person), np.uint8)
        products.turn_lists(lists.start, lists.person, lists.code, start[:-1].copy(), site, code)
        return start, site, code

    @cached_property
    def _means(self) -> tuple[Floats, Floats]:
        """Copies that a missing call counts as: of ALT at common sites, of the rarer allele at rare ones."""
        mean = np.nan_to_num(2 * self.scaling.frequency)
        rare = mean[self._rare]
        return mean[self._common], np.where(self._lists.flipped, 2 - rare, rare)

    def of_people(self, vectors: Floats) -> Floats:
        """(sites, k) X'V of (people, k) vectors."""
        return _by_lanes(vectors, self.num_sites, self._of_people)

    def of_sites(self, vectors: Floats) -> Floats:
        """(people, k) XW of (sites, k) vectors."""
        return _by_lanes(vectors, self.num_people, self._of_sites)

    def num_missing(self) -> NDArray[np.int64]:
        """(people,) sites without a call of two alleles."""
        out: NDArray[np.int64] = np.bitwise_count(self._turned.missing).sum(axis=1, dtype=np.int64)
        lists = self._lists
        return out + np.bincount(lists.person[lists.code == NO_CALL], minlength=self.num_people)

    def of_missing(self, vectors: Floats) -> Floats:
        """(people, k) sums of (sites, k) vectors over the sites without a call of two alleles."""
        return _by_lanes(vectors, self.num_people, self._of_missing)

    def _of_missing(self, vectors: Floats, out: Floats) -> None:
        if self._gaps:
            out += self._of_plane(self._turned.missing, vectors[self._common])
        lists = self._lists
        lost = np.flatnonzero(lists.code == NO_CALL)
        if len(lost):
            site = self._rare[np.searchsorted(lists.start, lost, side="right") - 1]
            for lane in range(out.shape[1]):
                out[:, lane] += np.bincount(lists.person[lost], vectors[site, lane], self.num_people)

    def _of_people(self, vectors: Floats, out: Floats) -> None:
        total, (mean, rare_mean) = vectors.sum(axis=0), self._means
        copies = self._of_planes(self._planes, vectors)
        if self._gaps:
            copies += mean[:, None] * self._of_plane(self._planes.missing, vectors)
        out[self._common] = copies - mean[:, None] * total
        lists = self._lists
        copies = np.zeros((len(lists), products.LANES))

        def fill(rows: slice) -> None:
            lists_of = (lists.start, lists.person, lists.code, rare_mean, vectors)
            products.add_carriers(*lists_of, rows.start, copies[rows])

        self._in_tasks(fill, len(lists))
        copies -= rare_mean[:, None] * total
        out[self._rare] = np.where(lists.flipped[:, None], -copies, copies)
        out *= self.scaling.scale[:, None]

    def _of_sites(self, vectors: Floats, out: Floats) -> None:
        scaled = vectors * self.scaling.scale[:, None]
        (mean, rare_mean), common = self._means, scaled[self._common]
        rare = np.where(self._lists.flipped[:, None], -1.0, 1.0) * scaled[self._rare]
        out += self._of_planes(self._turned, common)
        if self._gaps:
            out += self._of_plane(self._turned.missing, mean[:, None] * common)
        lists_of = (*self._by_person, rare_mean, rare)
        self._in_tasks(lambda rows: products.add_carried(*lists_of, rows.start, out[rows]), self.num_people)
        out -= mean @ common + rare_mean @ rare

    def _of_planes(self, planes: Planes, vectors: Floats) -> Floats:
        return self._of_bits(planes.het, planes.hom_alt, vectors)

    def _of_plane(self, plane: NDArray[np.uint64], vectors: Floats) -> Floats:
        return self._of_bits(plane, np.broadcast_to(np.uint64(0), plane.shape), vectors)

    def _of_bits(self, one: NDArray[np.uint64], two: NDArray[np.uint64], vectors: Floats) -> Floats:
        """(rows, LANES) products of planes with vectors."""
        padded = np.zeros((64 * one.shape[1], products.LANES))
        padded[: len(vectors)] = vectors
        out = np.zeros((len(one), products.LANES))

        def fill(rows: slice) -> None:
            tables = np.empty((products.TABLE_ROWS, products.LANES))
            products.add_planes(one[rows], two[rows], padded, tables, out[rows])

        self._in_tasks(fill, len(one))
        return out

    def _in_tasks(self, function: Callable[[slice], None], rows: int) -> None:
        list(self._map(function, [slice(begin, min(begin + _ROWS, rows)) for begin in range(0, rows, _ROWS)]))


def _by_lanes(vectors: Floats, rows: int, multiply: Callable[[Floats, Floats], None]) -> Floats:
    """Products with any number of vectors, so many at a time as the kernels take."""
    out = np.empty((rows, vectors.shape[1]))
    for first in range(0, vectors.shape[1], products.LANES):
        some = vectors[:, first : first + products.LANES]
        lanes = np.zeros((len(vectors), products.LANES))
        lanes[:, : some.shape[1]] = some
        product = np.zeros((rows, products.LANES))
        multiply(lanes, product)
        out[:, first : first + products.LANES] = product[:, : some.shape[1]]
    return out
