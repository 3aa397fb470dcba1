"""Carriers of alleles in inner blocks: listed, or added up a person and class of rarity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels import carriers as _carriers
from ..kernels.rows import ALT, EMPTY, FILL, FORM_MASK, HALF, MISSING, OTHER, PLANE
from .genotype import expand_rows, expand_window
from .layout import BlockSets, Scratch, SetStreams, check

# Codes that are decoded at a time.
_CELLS = 1 << 22
_Set = tuple[NDArray[np.generic], ...]


@dataclass(frozen=True)
class Alleles:
    """What is known of the ALT alleles of some rows, which follow one another in a chunk.

    wanted : (rows,) bool    alt_start : (rows + 1,) int64 into the alleles; a row that is not wanted has none
    index : (alleles,) int64, which allele of the question each is; -1: none
    """

    wanted: NDArray[np.bool_]
    alt_start: NDArray[np.int64]
    index: NDArray[np.int64]


@dataclass(frozen=True)
class Traits:
    """What is known of the alleles of a question.

    allele_count, allele_number : (alleles,) int64, over everybody
    kind : (alleles,) uint8 of ``kernels.people``    on_x : (alleles,) bool, on X outside the PAR
    bounds : (4,) float64, of the classes of rarity
    """

    allele_count: NDArray[np.int64]
    allele_number: NDArray[np.int64]
    kind: NDArray[np.uint8]
    on_x: NDArray[np.bool_]
    bounds: NDArray[np.float64]


@dataclass(frozen=True)
class Carriers:
    """Who has which allele: one entry an allele and person.

    allele : (entries,) int64, of the question    person : (entries,) int64    copies : (entries,) int32
    """

    allele: NDArray[np.int64]
    person: NDArray[np.int64]
    copies: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.allele)

    def take(self, which: NDArray[np.bool_]) -> Carriers:
        """Some of the entries."""
        return Carriers(self.allele[which], self.person[which], self.copies[which])

    @classmethod
    def joined(cls, parts: list[Carriers]) -> Carriers:
        """Entries one part after another."""
        allele = np.concatenate([np.zeros(0, np.int64), *(part.allele for part in parts)])
        person = np.concatenate([np.zeros(0, np.int64), *(part.person for part in parts)])
        return cls(allele, person, np.concatenate([np.zeros(0, np.int32), *(part.copies for part in parts)]))


def list_carriers(block: BlockSets, first_row: int, alleles: Alleles, scratch: Scratch) -> Carriers:
    """The carriers of the alleles, half calls among them; people are samples of the block. Raises CorruptChunkError."""
    plain, aside = _parted(block, first_row, alleles.wanted)
    parts = []
    if plain.any() and ALT in block.sets:
        alt, missing = _set(block, ALT, first_row, plain, scratch), _set(block, MISSING, first_row, plain, scratch)
        room = _carriers.most_carriers(block.form, alt, block.num_samples, first_row, plain)
        out = _room(int(room))
        num = _carriers.list_carriers(
            block.form, alt, missing, block.num_samples, block.ploidy, first_row, plain, alleles.alt_start,
            alleles.index, _found(block, scratch), *out,
        )  # fmt: skip
        check(-min(num, 0))
        parts.append(_cut(out, num))
    for rows, codes in _decoded(block, first_row, np.flatnonzero(aside)):
        alt_start, chosen = _of_rows(alleles.alt_start, rows)
        out = _room(int((codes > 0).sum()))
        num = _carriers.list_carriers_of_codes(codes, alt_start, alleles.index[chosen], *out)
        check(-min(num, 0))
        parts.append(_cut(out, num))
    return Carriers.joined(parts)


def add_classes(
    block: BlockSets, first_row: int, alleles: Alleles, traits: Traits, tally: NDArray[np.int64], scratch: Scratch
) -> None:
    """Add the alleles that each sample carries to its accumulator, by class.

    tally : (samples, fields) int64, columns as in ``kernels.carriers``

    Raises CorruptChunkError.
    """
    plain, aside = _parted(block, first_row, alleles.wanted)
    there, index = alleles.index >= 0, np.maximum(alleles.index, 0)
    number = np.where(there, _taken(traits.allele_number, index), -1)
    of_alleles = (_taken(traits.allele_count, index), number, _taken(traits.kind, index), _taken(traits.on_x, index))
    if plain.any() and ALT in block.sets:
        alt, missing = _set(block, ALT, first_row, plain, scratch), _set(block, MISSING, first_row, plain, scratch)
        status = _carriers.add_classes(
            block.form, alt, missing, block.num_samples, block.ploidy, first_row, plain, alleles.alt_start,
            *of_alleles, traits.bounds, _found(block, scratch), tally,
        )  # fmt: skip
        check(status)
    for rows, codes in _decoded(block, first_row, np.flatnonzero(aside)):
        alt_start, chosen = _of_rows(alleles.alt_start, rows)
        mine = (values[chosen] for values in of_alleles)
        check(_carriers.add_classes_of_codes(codes, alt_start, *mine, traits.bounds, tally))


def _taken(values: NDArray[np.generic], index: NDArray[np.int64]) -> NDArray[np.generic]:
    return values[index] if len(values) else np.zeros(len(index), values.dtype)


def _parted(block: BlockSets, first_row: int, wanted: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the wanted rows are read as sets, and which by their codes."""
    form = block.form[:, first_row : first_row + len(wanted)]
    aside: NDArray[np.bool_] = wanted & ((form[HALF] | form[FILL] | form[OTHER]) & FORM_MASK != EMPTY)
    if block.ploidy > 2 or block.presence is not None:
        aside = wanted
    return wanted & ~aside, aside


def _set(block: BlockSets, which: int, first_row: int, wanted: NDArray[np.bool_], scratch: Scratch) -> _Set:
    """A set as kernels take it; one that is not there is empty in every row."""
    s: SetStreams | None = block.sets.get(which)
    if s is None:
        rows = block.form.shape[1]
        nothing = np.zeros(rows, np.int64)
        return (
            np.zeros(rows, np.uint8), np.zeros(rows, np.int32), nothing, np.zeros(8, np.uint8), nothing,
            np.zeros((0, 1), np.uint64),
        )  # fmt: skip
    rows = np.flatnonzero(wanted)
    planes = s.dense_planes((first_row + int(rows[0]), first_row + int(rows[-1]) + 1), scratch)
    dense = np.cumsum(s.form & FORM_MASK >= PLANE) - 1
    return s.form, s.length, s.at, s.lists, dense.astype(np.int64), planes


def _found(block: BlockSets, scratch: Scratch) -> tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64]]:
    return scratch.indexes, np.empty(block.num_samples, np.int64), np.empty(block.num_samples, np.int64)


def _room(entries: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    return np.empty(entries, np.int64), np.empty(entries, np.int32), np.empty(entries, np.int32)


def _cut(out: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]], num: int) -> Carriers:
    return Carriers(out[0][:num], out[1][:num].astype(np.int64), out[2][:num])


def _of_rows(alt_start: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``alt_start`` of some rows, and which alleles are theirs."""
    num_alts = alt_start[rows + 1] - alt_start[rows]
    starts = np.concatenate(([0], np.cumsum(num_alts)))
    return starts, np.repeat(alt_start[rows] - starts[:-1], num_alts) + np.arange(starts[-1])


def _decoded(
    block: BlockSets, first_row: int, rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int16]]]:
    """Some rows and their codes, (rows, samples, ploidy), some at a time. rows : counted from ``first_row``"""
    step = max(1, _CELLS // max(1, block.num_samples * block.ploidy))
    for begin in range(0, len(rows), step):
        part = rows[begin : begin + step]
        codes = np.empty((len(part), block.num_samples, block.ploidy), np.int16)
        if block.presence is None:
            place = np.full(int(part[-1]) + 1, -1, np.int64)
            place[part] = np.arange(len(part))
            expand_window(block, first_row, place, (0, block.num_samples), codes)
        else:  # samples that are absent in a row are missing there
            at = 0
            for run in np.split(part + first_row, np.flatnonzero(np.diff(part) != 1) + 1):
                expand_rows(block, int(run[0]), int(run[-1]) + 1, codes[at : at + len(run)])
                at += len(run)
        yield part, codes
