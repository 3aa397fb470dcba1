"""Statistics of people: accumulators of everybody, and the table they make; docs/statistics.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..codec.people import Tally
from ..kernels.people import (
    HET,
    HET_EXPECTING,
    HOM_ALT,
    NO_SNV,
    NOT_CALLED,
    NOT_DIPLOID,
    SINGLETONS,
    TRANSITION,
    TRANSITIONS,
    TRANSVERSION,
    TRANSVERSIONS,
)
from ..model.ploidy import MT, X, Y, class_of_contig
from ..model.results import CountTable
from ..query.count import NO_ROW

_PURINES, _PYRIMIDINES = frozenset("AG"), frozenset("CT")


class People:
    """Accumulators of everybody in a repository, by sample number.

    calls : of the records that were looked at    num_records : all records asked for
    seen : (people,) int64, records of which something is known    expecting : of them, those that expect heterozygotes
    expected : (people,) float64, expected heterozygosity summed over them
    """

    def __init__(self, num_numbers: int) -> None:
        self.calls = Tally.zeros(num_numbers)
        self.num_records = 0
        self.seen = np.zeros(num_numbers, np.int64)
        self.expecting = np.zeros(num_numbers, np.int64)
        self.expected = np.zeros(num_numbers)

    def add_calls(self, numbers: NDArray[np.int64], tally: Tally) -> None:
        """Add what was found of some people."""
        self.calls.counts[numbers] += tally.counts
        self.calls.lost[numbers] += tally.lost

    def see(self, numbers: NDArray[np.int64], expected: NDArray[np.float64]) -> None:
        """Note that some people have a call, missing or not, in records of these expected heterozygosities."""
        self.seen[numbers] += len(expected)
        self.expecting[numbers] += np.count_nonzero(expected > 0)
        self.expected[numbers] += expected.sum()

    def see_reference(
        self, numbers: NDArray[np.int64], copies: NDArray[np.int16], expected: NDArray[np.float64]
    ) -> None:
        """Note that people are reference without a record. copies : (records, people), 0: nothing is known"""
        diploid = copies == 2
        self.seen[numbers] += (copies > 0).sum(axis=0)
        self.expecting[numbers] += ((expected > 0)[:, np.newaxis] & diploid).sum(axis=0)
        self.expected[numbers] += expected @ diploid

    def table(self, numbers: NDArray[np.int64], names: Sequence[str]) -> CountTable:
        """A row for each of some people."""
        counts, lost = np.ascontiguousarray(self.calls.counts[numbers].T), self.calls.lost[numbers]
        called = self.seen[numbers] - counts[NOT_CALLED]
        het, hom_alt = counts[HET], counts[HOM_ALT]
        transitions, transversions = counts[TRANSITIONS], counts[TRANSVERSIONS]
        # Sums of floats do not end at 0 where nothing is left of them: the number of sites says so.
        expecting = self.expecting[numbers] - counts[NOT_DIPLOID]
        expected = np.where(expecting > 0, self.expected[numbers] - lost, 0.0)
        return CountTable(
            {
                "sample": np.array([*names, None], object)[:-1],
                "n_called": called,
                "n_missing": self.num_records - called,
                "call_rate": ratio(called, np.full_like(called, self.num_records)),
                "n_hom_ref": called - het - hom_alt,
                "n_het": het,
                "n_hom_alt": hom_alt,
                "heterozygosity": ratio(het, called),
                "n_transitions": transitions,
                "n_transversions": transversions,
                "ts_tv": ratio(transitions, transversions),
                "n_singletons": counts[SINGLETONS],
                "inbreeding_coefficient": 1 - ratio(counts[HET_EXPECTING], expected),
            }
        )


def ratio(part: NDArray[np.int64], whole: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotients; NaN where the whole is 0."""
    out = np.full(len(part), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def kinds_of(refs: Sequence[str], alts: Sequence[str]) -> NDArray[np.uint8]:
    """(alleles,) whether each ALT is one base changed, and how: NO_SNV, TRANSITION or TRANSVERSION."""
    known = _Kinds()
    return np.fromiter((known[pair] for pair in zip(refs, alts, strict=True)), np.uint8, len(alts))


class _Kinds(dict[tuple[str, str], int]):
    """Kinds of (REF, ALT), each looked at once."""

    def __missing__(self, pair: tuple[str, str]) -> int:
        self[pair] = kind = _kind(*pair)
        return kind


def _kind(ref: str, alt: str) -> int:
    """
    >>> _kind("A", "G"), _kind("AT", "CT"), _kind("A", "AT"), _kind("AC", "GT"), _kind("A", "N")
    (1, 2, 0, 0, 0)
    """
    changed = {(a, b) for a, b in zip(ref.upper(), alt.upper(), strict=False) if a != b}
    places = sum(a != b for a, b in zip(ref.upper(), alt.upper(), strict=False))
    if len(ref) != len(alt) or places != 1:
        return NO_SNV
    bases = frozenset(changed.pop())
    if not bases <= _PURINES | _PYRIMIDINES:
        return NO_SNV
    return TRANSITION if bases in (_PURINES, _PYRIMIDINES) else TRANSVERSION


def single_copies(allele_count: NDArray[np.int64], alts: NDArray[Any]) -> NDArray[np.bool_]:
    """(alleles,) whether there is one copy of each ALT, of those that have a row in counts."""
    single: NDArray[np.bool_] = allele_count == 1
    for i in np.flatnonzero(single).tolist():
        single[i] = alts[i] not in NO_ROW
    return single


def expects_heterozygotes(contig: str) -> bool:
    """Whether everybody has two alleles on a contig, as far as its name tells: not on X, Y and MT."""
    return class_of_contig(contig) not in (X, Y, MT)


def expected_heterozygosity(
    alt_start: NDArray[np.int64], allele_count: NDArray[np.int64], allele_number: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(records,) 1 - sum of p squared over all alleles (Nei 1973), without correction; 0 where there is no allele.

    alt_start : (records + 1,) into ``allele_count`` (ALT alleles,)    allele_number : (records,)
    """
    record = np.repeat(np.arange(len(allele_number)), np.diff(alt_start))
    alts = np.bincount(record, allele_count, len(allele_number))
    squares = np.bincount(record, allele_count.astype(np.float64) ** 2, len(allele_number))
    number = np.maximum(allele_number, 1).astype(np.float64)
    # In integers: 0 exactly where there is one allele alone.
    out: NDArray[np.float64] = (number * number - (number - alts) ** 2 - squares) / (number * number)
    out[allele_number == 0] = 0
    return out
