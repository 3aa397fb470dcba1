"""Counting cohorts in inner blocks: masks in, counts out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptChunkError
from ..kernels import absent as _absent
from ..kernels import awkward as _awkward
from ..kernels import count as _count
from ..kernels import count_many as _many
from ..kernels.rows import ALT, MISSING, NUM_SETS, OTHER
from .counts import BlockCounts
from .genotype import expand_rows
from .layout import BlockSets, Scratch, check
from .presence import Presence

# Cohorts from which on the kernel for many is faster.
_MANY = 4


@dataclass(frozen=True)
class Masks:
    """Cohorts among the samples of an inner block, as bit masks; packed once, used for every chunk.

    members : (cohorts, samples) bool
    """

    members: NDArray[np.bool_]
    _tables: dict[bytes, NDArray[np.int32]] = field(default_factory=dict, repr=False)

    @cached_property
    def samples(self) -> NDArray[np.uint64]:
        """(cohorts, 1024) words over samples."""
        return self._pack(1)

    @cached_property
    def people(self) -> NDArray[np.int64]:
        """(cohorts,) how many each has here."""
        people: NDArray[np.int64] = self.members.sum(axis=1, dtype=np.int64)
        return people

    def haplotypes(self, ploidy: int) -> NDArray[np.uint64]:
        """(cohorts, 1024) words over haplotypes."""
        if ploidy == 1:
            return self.samples
        return self._diploid if ploidy == 2 else self._pack(ploidy)

    @cached_property
    def cohorts_of(self) -> NDArray[np.uint32]:
        """(groups of 32 cohorts, samples) whose each sample is, a bit a cohort."""
        cohorts, samples = self.members.shape
        padded = np.zeros((-(-cohorts // _many.GROUP) * _many.GROUP, samples), np.bool_)
        padded[:cohorts] = self.members
        octets = np.packbits(padded.reshape(-1, _many.GROUP, samples), axis=1, bitorder="little")
        return np.ascontiguousarray(octets.transpose(0, 2, 1)).view(np.uint32)[:, :, 0]

    def absent_table(self, presence: Presence) -> NDArray[np.int32]:
        """(cohorts, bytes, 256) members of the ranges that a byte of presence says are absent."""
        key = presence.ends.tobytes()
        if key not in self._tables:
            starts = np.concatenate(([0], presence.ends[:-1]))
            people = np.add.reduceat(self.members, starts, axis=1, dtype=np.int64)
            table = np.empty((len(people), presence.bits.shape[1], 256), np.int32)
            _absent.absent_table(people, table)
            self._tables[key] = table
        return self._tables[key]

    @cached_property
    def _diploid(self) -> NDArray[np.uint64]:
        return self._pack(2)

    def _pack(self, ploidy: int) -> NDArray[np.uint64]:
        bits = self.members if ploidy == 1 else np.repeat(self.members, ploidy, axis=1)
        packed = np.packbits(bits, axis=1, bitorder="little")
        out = np.zeros((len(bits), _count.MASK_WORDS * 8), np.uint8)
        out[:, : packed.shape[1]] = packed
        return out.view(np.uint64)


def count_rows(
    block: BlockSets, rows: tuple[int, int], masks: Masks, counts: BlockCounts, *, genotypes: bool,
    scratch: Scratch | None = None,
) -> None:  # fmt: skip
    """Add the members of each cohort to ``counts``, which covers the rows ``rows[0]`` to ``rows[1]``.

    genotypes : count genotypes too, not alleles alone    scratch : kept between calls of one thread

    Raises CorruptChunkError.
    """
    scratch = Scratch() if scratch is None else scratch
    first, end = rows
    cohorts = len(masks.members)
    hits = np.empty((NUM_SETS, cohorts, end - first), np.int32)
    for which in {*block.sets, ALT, MISSING}:  # others are not looked at
        hits[which] = 0
    unused = np.empty(hits.shape[1:], np.int32)
    pairs, negative = (np.zeros((cohorts, end - first), np.int32) for _ in range(2))
    dense = dense_planes(block, rows, scratch)
    for which, s in block.sets.items():
        mask = masks.samples if which == MISSING else masks.haplotypes(block.ploidy)
        want_pairs = genotypes and block.ploidy == 2 and which == ALT
        met = hits[which], pairs if want_pairs else unused, want_pairs
        if cohorts >= _MANY and block.ploidy <= 2:
            shift = 0 if which == MISSING else block.ploidy - 1
            status = _many.count_hits_many(
                s.form, s.length, s.at, s.dense_row, s.lists, dense[which], s.bits, first, end, mask, masks.cohorts_of,
                shift, scratch.indexes, *met,
            )  # fmt: skip
        else:
            status = _count.count_hits(
                s.form, s.length, s.at, s.dense_row, s.lists, dense[which], s.bits, first, end, mask, scratch.indexes,
                *met,
            )  # fmt: skip
        check(status)
        if which == OTHER:
            status = _count.count_other(
                s.form, s.length, s.at, s.lists, dense[which], block.values, s.bits, first, end,
                counts.num_alts, counts.alt_start, mask, scratch.indexes, counts.allele_count, negative,
            )  # fmt: skip
            check(status)
    present = np.array([which in block.sets for which in range(NUM_SETS)])
    if block.presence is not None:
        _absent.add_absent(block.presence.bits, first, end, masks.absent_table(block.presence), hits[MISSING])
        present[MISSING] = True
    if not _count.combine_alleles(
        block.form[ALT], first, masks.people * block.ploidy, block.ploidy, present, hits, negative, counts.num_alts,
        counts.alt_start, counts.allele_count, counts.allele_number,
    ):  # fmt: skip
        raise CorruptChunkError("genotype block: an ALT allele in a record that has none")
    if genotypes and block.ploidy > 2:
        _count_calls(block, rows, masks, counts)
    elif genotypes:
        awkward = _count.combine_genotypes(
            block.form, first, masks.people, block.ploidy, hits, pairs, counts.num_alts, counts.alt_start,
            counts.n_hom_ref, counts.n_het, counts.n_hom_alt, counts.n_missing,
        )  # fmt: skip
        if awkward:
            _count_awkward(block, rows, masks, counts, awkward, dense, scratch)


def _needed(which: int, rows: tuple[int, int]) -> tuple[int, int]:
    """Rows whose planes are needed: the codes of OTHER are found by counting the members of all rows before."""
    return (0, rows[1]) if which == OTHER else rows


def _count_calls(block: BlockSets, rows: tuple[int, int], masks: Masks, counts: BlockCounts) -> None:
    """Genotypes of rows of ploidy 3 and more, from their codes, some at a time."""
    step = max(1, (1 << 24) // (block.num_samples * block.ploidy))
    for begin in range(rows[0], rows[1], step):
        end = min(begin + step, rows[1])
        codes = np.empty((end - begin, block.num_samples, block.ploidy), np.int16)
        expand_rows(block, begin, end, codes)
        part = slice(begin - rows[0], end - rows[0])
        _count.count_calls(
            codes, masks.samples, counts.alt_start[part], counts.n_hom_ref[:, part], counts.n_het,
            counts.n_hom_alt, counts.n_missing[:, part],
        )  # fmt: skip


def _count_awkward(
    block: BlockSets, rows: tuple[int, int], masks: Masks, counts: BlockCounts, awkward: int,
    dense: dict[int, NDArray[np.uint64]], scratch: Scratch,
) -> None:  # fmt: skip
    """Genotypes of haploid and diploid rows with half calls, holes or further alleles, from planes."""
    planes, other = awkward_planes(block, rows, awkward, dense, scratch)
    _awkward.count_awkward(
        block.form, block.values, block.ploidy, rows[0], rows[1], planes, other,
        counts.num_alts, counts.alt_start, masks.people, masks.haplotypes(block.ploidy), counts.n_hom_ref,
        counts.n_het, counts.n_hom_alt, counts.n_missing,
    )  # fmt: skip


def awkward_planes(
    block: BlockSets, rows: tuple[int, int], awkward: int, dense: dict[int, NDArray[np.uint64]], scratch: Scratch
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Rows of a haploid or diploid block that have half calls, holes or further alleles, as planes over haplotypes.

    awkward : how many of the rows    dense : dense planes of each set

    Out come (4, awkward, words) uint64 and (awkward + 1,) int64, as ``kernels.count`` has them.
    Raises CorruptChunkError.
    """
    planes = np.zeros((4, awkward, (block.num_samples * block.ploidy + 63) >> 6), np.uint64)
    other = np.zeros(awkward + 1, np.int64)
    for which, s in block.sets.items():
        status = _awkward.awkward_planes(
            which, block.form, s.form, s.length, s.at, s.lists, dense[which], block.values,
            block.num_samples, block.ploidy, rows[0], rows[1], scratch.indexes, planes, other,
        )  # fmt: skip
        check(status)
    if block.presence is not None:
        absent = block.presence
        _absent.absent_planes(block.form, absent.bits, absent.ends, block.ploidy, rows[0], rows[1], planes)
    return planes, other


def dense_planes(block: BlockSets, rows: tuple[int, int], scratch: Scratch) -> dict[int, NDArray[np.uint64]]:
    """Dense planes of each set, of the rows that are needed."""
    return {which: s.dense_planes(_needed(which, rows), scratch) for which, s in block.sets.items()}
