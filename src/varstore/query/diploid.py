"""Diploid calls of chosen sites and people in memory: bit planes by site or by person, and lists of carriers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .batches import BatchHandle
from .site_choice import Sites
from .version import Version

if TYPE_CHECKING:
    from ..codec.diploid import Entries
    from ..codec.layout import BlockSets

# Planes have whole groups of so many words: kernels read vectors without looking at their ends.
WORDS = 8
# Bytes of planes that a task fills.
_WINDOW_BYTES = 1 << 23
# Sites whose lists a task reads.
_LIST_SITES = 4096
# Calls of absent people that are looked at at a time.
_CELLS = 1 << 22


@dataclass(frozen=True)
class Planes:
    """Calls as bit planes; of each call one bit at most is set, of a homozygous reference call none.

    het, hom_alt, missing : (rows, words) uint64; bit ``i & 63`` of word ``i >> 6`` is column ``i``; words are padded
        with 0 bits to a multiple of 8
    num_columns : rows are sites and columns people, or the other way round
    """

    het: NDArray[np.uint64]
    hom_alt: NDArray[np.uint64]
    missing: NDArray[np.uint64]
    num_columns: int

    def __len__(self) -> int:
        return len(self.het)

    def counts(self) -> NDArray[np.int64]:
        """(rows, 3) heterozygous, homozygous ALT and missing calls of each row."""
        planes = (self.het, self.hom_alt, self.missing)
        return np.stack([np.bitwise_count(plane).sum(axis=1, dtype=np.int64) for plane in planes], axis=1)


@dataclass(frozen=True)
class Lists:
    """Calls as lists of who differs from two copies of the commoner allele.

    start : (sites + 1,) int64 into the entries    person : (entries,) int32, column of people, ascending in a site
    code : (entries,) uint8, 1: heterozygous, 2: homozygous for the rarer allele, 3: missing
    flipped : (sites,) bool, the rarer allele is REF    num_people : how many columns there are
    """

    start: NDArray[np.int64]
    person: NDArray[np.int32]
    code: NDArray[np.uint8]
    flipped: NDArray[np.bool_]
    num_people: int

    def __len__(self) -> int:
        return len(self.flipped)

    def counts(self) -> NDArray[np.int64]:
        """(sites, 3) calls of each site that are heterozygous, homozygous for the rarer allele, and missing."""
        from ..kernels.diploid import count_codes  # noqa: PLC0415

        out = np.zeros((len(self), 3), np.int64)
        count_codes(self.start, self.code, out)
        return out


def num_words(bits: int) -> int:
    """Words of a padded plane."""
    return -(-bits // (64 * WORDS)) * WORDS


def read_planes(version: Version, sites: Sites, people: NDArray[np.int64]) -> Planes:
    """Calls of sites (rows) and people (columns).

    A call of other alleles than 0 and 1, a half call, a call that is not of two alleles, and somebody without a record
    of whom nothing is known, are missing.

    people : sorted int64 sample numbers, withdrawn people left out before

    Raises CorruptRepositoryError.
    """
    planes = _Reader(version, sites, people).room()

    def fill(window: slice) -> None:
        part = _Reader(version, sites.take(window), people)
        part.fill(Planes(planes.het[window], planes.hom_alt[window], planes.missing[window], len(people)))

    list(version._map(fill, _windows(len(sites), planes.het.shape[1])))
    return planes


def read_lists(version: Version, sites: Sites, people: NDArray[np.int64]) -> Lists:
    """Calls of rare sites; arguments and errors as of ``read_planes``."""
    windows = [slice(begin, begin + _LIST_SITES) for begin in range(0, len(sites), _LIST_SITES)]
    parts = version._map(lambda window: _Reader(version, sites.take(window), people).lists(), windows)
    return _joined(list(parts), len(people))


def by_person(version: Version, planes: Planes) -> Planes:
    """Planes of sites by people as planes of people by sites, or back."""
    from ..kernels.diploid import transpose  # noqa: PLC0415

    words = num_words(len(planes))
    turned = []
    for plane in (planes.het, planes.hom_alt, planes.missing):
        out = np.zeros((planes.num_columns, words), np.uint64)
        if plane is not planes.missing or plane.any():
            step = max(1, -(-plane.shape[1] // 4))
            parts = [(w, min(w + step, plane.shape[1])) for w in range(0, plane.shape[1], step)]
            list(version._map(lambda part, plane=plane, out=out: transpose(plane, *part, out), parts))
        turned.append(out)
    return Planes(turned[0], turned[1], turned[2], len(planes))


def _windows(num_sites: int, words: int) -> list[slice]:
    """Runs of sites, of few enough bytes each."""
    step = max(64, _WINDOW_BYTES // (24 * max(1, words)))
    return [slice(begin, min(begin + step, num_sites)) for begin in range(0, num_sites, step)]


def _joined(parts: list[Lists], people: int) -> Lists:
    starts, total = [np.zeros(1, np.int64)], 0
    for part in parts:
        starts.append(part.start[1:] + total)
        total += int(part.start[-1])
    person = np.concatenate([np.zeros(0, np.int32), *(part.person for part in parts)])
    code = np.concatenate([np.zeros(0, np.uint8), *(part.code for part in parts)])
    flipped = np.concatenate([np.zeros(0, np.bool_), *(part.flipped for part in parts)])
    return Lists(np.concatenate(starts), person, code, flipped, people)


@dataclass(frozen=True)
class _Part:
    """A block, and what of it is read. rows : of the block    to : (rows,) the site each is

    column : (samples,) int64, which person each sample is, or -1
    """

    block: BlockSets
    rows: NDArray[np.int64]
    to: NDArray[np.int64]
    column: NDArray[np.int64]


class _Reader:
    """Reads the calls of some sites, batch after batch."""

    def __init__(self, version: Version, sites: Sites, people: NDArray[np.int64]) -> None:
        self.version, self.sites, self.people = version, sites, people
        place = np.full(version._num_numbers, -1, np.int64)
        place[people] = np.arange(len(people))
        columns = [(number, batch, place[batch.numbers]) for number, batch in enumerate(version._batches)]
        self.asked = [each for each in columns if (each[2] >= 0).any()]

    def room(self) -> Planes:
        """Planes in which nobody has a call yet."""
        words = num_words(len(self.people))
        het, hom_alt = np.zeros((2, len(self.sites), words), np.uint64)
        everybody = np.packbits(np.arange(64 * words) < len(self.people), bitorder="little").view(np.uint64)
        missing = np.repeat(everybody[np.newaxis], len(self.sites), axis=0)
        return Planes(het, hom_alt, missing, len(self.people))

    def fill(self, planes: Planes) -> None:
        """Put the calls of all batches into planes from ``room``."""
        from ..codec.diploid import diploid_calls  # noqa: PLC0415
        from ..codec.layout import Scratch  # noqa: PLC0415
        from ..kernels.diploid import put_people  # noqa: PLC0415

        scratch = Scratch()
        for number, batch, column in self.asked:
            for part in self._blocks(number, batch, column):
                mine = part.column
                offset = int(mine[0]) if mine[0] >= 0 and (np.diff(mine) == 1).all() else -1
                for some, calls in diploid_calls(part.block, part.rows, scratch):
                    put_people(calls, part.to[some], mine, offset, planes.het, planes.hom_alt, planes.missing)
            absent = np.flatnonzero(self.sites.records[number] < 0)
            if len(absent):
                self._put_absent(batch, absent, column, planes)

    def lists(self) -> Lists:
        """Calls as lists: read as such where the blocks have them, else made of planes."""
        from ..codec.diploid import Entries, add_entries, are_lists, most_entries  # noqa: PLC0415
        from ..codec.layout import Scratch  # noqa: PLC0415

        scratch = Scratch()
        columns = np.concatenate([np.zeros(0, np.int64), *(column[column >= 0] for _, _, column in self.asked)])
        # People stand in the order of batches, and all have records.
        good = np.full(len(self.sites), bool((np.diff(columns) > 0).all()) and len(columns) == len(self.people))
        most = np.zeros(len(self.sites), np.int64)
        parts = []
        for number, batch, column in self.asked:
            good &= (self.sites.records[number] >= 0) & batch.store.has_genotypes
            for part in self._blocks(number, batch, column):
                good[part.to] &= are_lists(part.block, part.rows)
                most[part.to] += most_entries(part.block, part.rows)
                parts.append(part)
        first = np.concatenate(([0], np.cumsum(np.where(good, most, 0))))
        entries = Entries(first[:-1].copy(), np.empty(int(first[-1]), np.int32), np.empty(int(first[-1]), np.uint8))
        for part in parts:
            mine = good[part.to]
            if mine.any():
                add_entries(part.block, part.rows[mine], part.to[mine], part.column, entries, scratch)
        return self._together(good, first, entries)

    def _together(self, good: NDArray[np.bool_], first: NDArray[np.int64], entries: Entries) -> Lists:
        """Lists of all sites. good : those of ``entries``, which begin at ``first``"""
        from ..kernels.diploid import alt_is_rarer, move_entries  # noqa: PLC0415

        num, flipped = entries.cursor - first[:-1], np.zeros(len(good), np.bool_)
        # Carriers among few of all people may be most of them.
        rarer = np.empty(len(good), np.bool_)
        alt_is_rarer(first[:-1], num, entries.code, len(self.people), rarer)
        good = good & rarer
        chosen, others = np.flatnonzero(good), np.flatnonzero(~good)
        sources = [(chosen, first[chosen], num[chosen], entries.person, entries.code)]
        for window in _windows(len(others), num_words(len(self.people))):
            which = others[window]
            part = _Reader(self.version, self.sites.take(which), self.people).lists_of_planes()
            num[which], flipped[which] = np.diff(part.start), part.flipped
            sources.append((which, part.start[:-1], num[which], part.person, part.code))
        start = np.concatenate(([0], np.cumsum(num)))
        person, code = np.empty(int(start[-1]), np.int32), np.empty(int(start[-1]), np.uint8)
        for which, begin, length, people, codes in sources:
            move_entries(begin, length, people, codes, which, start, person, code)
        return Lists(start, person, code, flipped, len(self.people))

    def lists_of_planes(self) -> Lists:
        """Calls as lists, whatever the blocks have."""
        from ..kernels.diploid import put_entries  # noqa: PLC0415

        planes = self.room()
        self.fill(planes)
        het, hom_alt, missing = planes.counts().T
        called = len(self.people) - missing
        flipped = het + 2 * hom_alt > called
        start = np.concatenate(([0], np.cumsum(het + missing + np.where(flipped, called - het - hom_alt, hom_alt))))
        person, code = np.empty(int(start[-1]), np.int32), np.empty(int(start[-1]), np.uint8)
        calls = planes.het, planes.hom_alt, planes.missing
        put_entries(*calls, len(self.people), flipped, start, person, code)
        return Lists(start, person, code, flipped, len(self.people))

    def _blocks(self, number: int, batch: BatchHandle, column: NDArray[np.int64]) -> Iterator[_Part]:
        """The blocks that hold records of a batch, and some of the people."""
        store, records = batch.store, self.sites.records[number]
        there = np.flatnonzero(records >= 0)
        if not store.has_genotypes or not len(there):
            return
        order = there[np.argsort(records[there], kind="stable")]
        chunk, row = np.divmod(records[order], len(store.site_chunk(0).position))
        width = store.chunk_samples
        for index in np.unique(chunk).tolist():
            here = chunk == index
            to, rows = order[here], row[here]
            num_rows = len(store.site_chunk(index).position)
            for sample_chunk in range(store.num_sample_chunks):
                if not (column[sample_chunk * width : (sample_chunk + 1) * width] >= 0).any():
                    continue
                for first, block in self.version._blocks.blocks(store, index, sample_chunk, num_rows):
                    mine = column[first : first + block.num_samples]
                    if len(mine) < block.num_samples:  # blocks of other people's stores may be padded
                        mine = np.append(mine, np.full(block.num_samples - len(mine), -1))
                    if (mine >= 0).any():
                        yield _Part(block, rows, to, mine)

    def _put_absent(
        self, batch: BatchHandle, rows: NDArray[np.int64], column: NDArray[np.int64], planes: Planes
    ) -> None:
        """Sites of which the batch has no record: who is reference there is not missing."""
        absence = self.version._absence(batch)
        if absence is None:
            return
        step = max(1, _CELLS // len(column))
        for begin in range(0, len(rows), step):
            part = rows[begin : begin + step]
            for contig in np.unique(self.sites.contig[part]).tolist():
                here = part[self.sites.contig[part] == contig]
                here = here[np.argsort(self.sites.position[here], kind="stable")]
                reference = absence.copies(contig, self.sites.position[here]) == 2
                flags = np.zeros((len(here), 64 * planes.missing.shape[1]), np.bool_)
                flags[:, column[column >= 0]] = reference[:, column >= 0]
                planes.missing[here] &= ~np.packbits(flags, axis=1, bitorder="little").view(np.uint64)
