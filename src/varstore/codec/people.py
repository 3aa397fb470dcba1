"""Statistics of people in inner blocks: what is known of the alleles of rows in, an accumulator a person out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels import people as _people
from ..kernels.rows import ALT, EMPTY, FILL, FORM_MASK, HALF, MISSING, OTHER
from .genotype import expand_window
from .layout import BlockSets, Scratch, check

# Codes that are decoded at a time.
_CELLS = 1 << 22


@dataclass(frozen=True)
class Traits:
    """What is known of the alleles of some records.

    alt_start : (records + 1,) int64, each record's first ALT allele
    kind : (alleles,) uint8, as ``kernels.people`` has them    single : (alleles,) bool, whether there is one copy
    expected : (records,) float64, expected heterozygosity; 0: the site does not count for it
    """

    alt_start: NDArray[np.int64]
    kind: NDArray[np.uint8]
    single: NDArray[np.bool_]
    expected: NDArray[np.float64]

    def take(self, chosen: NDArray[np.bool_]) -> Traits:
        """Those of some of the records. chosen : (records,)"""
        num_alts = np.diff(self.alt_start)
        alleles = np.repeat(chosen, num_alts)
        alt_start = np.concatenate(([0], np.cumsum(num_alts[chosen])))
        return Traits(alt_start, self.kind[alleles], self.single[alleles], self.expected[chosen])


@dataclass(frozen=True)
class Tally:
    """Accumulators of some samples; they add up.

    counts : (samples, 8) int64, columns as in ``kernels.people``
    lost : (samples,) float64, expected heterozygosity of sites where the person's call is not of two alleles
    """

    counts: NDArray[np.int64]
    lost: NDArray[np.float64]

    @classmethod
    def zeros(cls, samples: int) -> Tally:
        """Nothing added yet."""
        return cls(np.zeros((samples, _people.NUM_FIELDS), np.int64), np.zeros(samples))

    def part(self, samples: slice) -> Tally:
        """Those of some samples, to be added to."""
        return Tally(self.counts[samples], self.lost[samples])


def add_people(
    block: BlockSets, rows: tuple[int, int], wanted: NDArray[np.bool_], traits: Traits, tally: Tally, scratch: Scratch
) -> None:
    """Add the calls of some rows to the accumulators of the samples of the block.

    rows : first, and the one behind the last    wanted : (rows,) which of them
    traits, tally : of these rows, of these samples

    Raises CorruptChunkError.
    """
    first, end = rows
    form = block.form[:, first:end]
    aside = wanted & ((form[HALF] | form[FILL] | form[OTHER]) & FORM_MASK != EMPTY)
    if block.ploidy > 2 or block.presence is not None:
        aside = wanted
    _add_calls(block, first, np.flatnonzero(aside), traits, tally)
    plain = wanted & ~aside
    if not plain.any():
        return
    # Rows of one haplotype have no call of two alleles.
    expected = traits.expected if block.ploidy == 2 else np.zeros_like(traits.expected)
    alleles = traits.alt_start, traits.kind, traits.single, expected
    base = np.zeros(_people.NUM_FIELDS, np.int64)
    s = block.sets.get(ALT)
    if s is not None:
        planes = s.dense_planes(rows, scratch)
        status = _people.add_carriers(
            block.form, s.form, s.length, s.at, s.lists, planes, s.bits, block.ploidy, first, plain, *alleles,
            scratch.indexes, tally.counts, base,
        )  # fmt: skip
        check(status)
        if block.ploidy == 2 and len(planes):
            counters = np.empty((9, planes.shape[1]), np.uint64)
            status = _people.add_planes(
                block.form, s.form, s.dense_row, planes, first, plain, *alleles, counters, tally.counts, base
            )
            check(status)
    s = block.sets.get(MISSING)
    if s is not None:
        planes = s.dense_planes(rows, scratch)
        status = _people.add_missing(
            block.form, s.form, s.length, s.at, s.lists, planes, s.bits, first, plain, *alleles, scratch.indexes,
            tally.counts, tally.lost,
        )  # fmt: skip
        check(status)
    if block.ploidy == 1:
        base[_people.NOT_DIPLOID] += np.count_nonzero(traits.expected[plain] > 0)
        tally.lost[...] += traits.expected[plain].sum()
    tally.counts[...] += base


def _add_calls(block: BlockSets, first_row: int, rows: NDArray[np.int64], traits: Traits, tally: Tally) -> None:
    """Add rows by their codes, some at a time. rows : counted from ``first_row``"""
    step = max(1, _CELLS // (block.num_samples * block.ploidy))
    for begin in range(0, len(rows), step):
        part = rows[begin : begin + step]
        place = np.full(part[-1] + 1, -1, np.int64)
        place[part] = np.arange(len(part))
        codes = np.empty((len(part), block.num_samples, block.ploidy), np.int16)
        expand_window(block, first_row, place, (0, block.num_samples), codes)
        num_alts = traits.alt_start[part + 1] - traits.alt_start[part]
        alleles = np.repeat(traits.alt_start[part] - np.cumsum(num_alts) + num_alts, num_alts) + np.arange(
            num_alts.sum()
        )
        alt_start = np.concatenate(([0], np.cumsum(num_alts)))
        status = _people.add_calls(
            codes, alt_start, traits.kind[alleles], traits.single[alleles], traits.expected[part], tally.counts,
            tally.lost,
        )  # fmt: skip
        check(status)
