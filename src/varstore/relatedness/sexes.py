"""Sex by calls on X and Y, to be held against what the sample table says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.ploidy import FEMALE, MALE, UNKNOWN, X, Y, build_of, class_of_contig, class_runs
from ..model.regions import END_OF_CONTIG
from ..query.site_choice import SiteLimits, choose_sites
from ..query.version import Version

# Inbreeding coefficient on X: that of a male is 1, but for errors; that of a female is around 0, and above it where the
# people are of several populations (0.2 among continents). In between stand other karyotypes and mixed samples.
FEMALE_BELOW, MALE_ABOVE = 0.5, 0.8
# Expected heterozygotes that the coefficient needs: then its standard error is below 0.15 at unlinked sites.
MIN_EXPECTED = 50
# Shares of the records of Y that are called; and how few records say nothing.
Y_OF_FEMALE, Y_OF_MALE = 0.1, 0.5
MIN_Y = 10
# Gives the table of ``sample_stats`` for regions.
PeopleStats = Callable[[list[str]], Any]


@dataclass(frozen=True)
class SexEvidence:
    """What calls on X and Y say of people.

    n_x, n_x_het : (people,) int64, calls outside the PAR and heterozygous ones of them
    x_inbreeding : (people,) float64, 1 - n_x_het / expected; NaN where too few heterozygotes are expected
    n_y : (people,) int64    y_call_rate : (people,) float64; NaN without records of Y
    found : (people,) int8, index into ``model.ploidy.SEXES``    by_x, by_y : the same, of each alone
    """

    n_x: NDArray[np.int64]
    n_x_het: NDArray[np.int64]
    x_inbreeding: NDArray[np.float64]
    n_y: NDArray[np.int64]
    y_call_rate: NDArray[np.float64]
    found: NDArray[np.int8]
    by_x: NDArray[np.int8]
    by_y: NDArray[np.int8]


def sex_evidence(version: Version, people: NDArray[np.int64], stats: PeopleStats, assembly: str | None) -> SexEvidence:
    """Sex of people by their calls.

    F = 1 - observed / expected heterozygous calls on X outside the PAR (of the whole X where the build is unknown).
    Expected of a person is the sum over biallelic sites of 2p(1-p) n/(n-1), of n copies called, times the person's call
    rate. A haploid call is no heterozygous one.
    Where X and Y say different things, the sex found is unknown; where X says nothing it is that of Y.

    people : sorted int64 sample numbers    stats : rows for these people, in this order

    Raises CorruptRepositoryError.
    """
    on_x, on_y = _regions(version, X, assembly), _regions(version, Y, assembly)
    nobody = np.zeros(len(people), np.int64)
    n_x, n_x_het, inbreeding = nobody, nobody, np.full(len(people), np.nan)
    n_y, y_rate, records = nobody, np.full(len(people), np.nan), 0
    if on_x:
        table = stats(on_x)
        n_x, n_x_het = table["n_called"], table["n_het"]
        sites = choose_sites(version, people, SiteLimits(autosomes=False), region=on_x)
        copies, alt = sites.allele_number, sites.allele_count
        total = float((2 * alt * (copies - alt) / (copies * np.maximum(copies - 1, 1))).sum())
        expected = total * np.nan_to_num(table["call_rate"])
        np.divide(n_x_het, expected, out=inbreeding, where=expected >= MIN_EXPECTED)
        inbreeding = 1 - inbreeding
    if on_y:
        table = stats(on_y)
        n_y, y_rate = table["n_called"], table["call_rate"]
        records = int((n_y + table["n_missing"]).max(initial=0))
    by_x = np.full(len(people), UNKNOWN, np.int8)
    by_x[inbreeding < FEMALE_BELOW] = FEMALE
    by_x[inbreeding > MALE_ABOVE] = MALE
    by_y = _by_y(y_rate, records)
    found = np.where((by_y == UNKNOWN) | (by_y == by_x), by_x, UNKNOWN)
    found = np.where(np.isnan(inbreeding), by_y, found)
    return SexEvidence(n_x, n_x_het, inbreeding, n_y, y_rate, found.astype(np.int8), by_x, by_y)


def _by_y(rate: NDArray[np.float64], records: int) -> NDArray[np.int8]:
    """(people,) sex by calls on Y. Where everybody is called on Y, as in some files, it tells nothing."""
    out = np.full(len(rate), UNKNOWN, np.int8)
    if records >= MIN_Y and (rate <= Y_OF_FEMALE).any():
        out[rate <= Y_OF_FEMALE] = FEMALE
        out[rate >= Y_OF_MALE] = MALE
    return out


def _regions(version: Version, which: int, assembly: str | None) -> list[str]:
    """Regions of a class of contigs on which there are records."""
    used = {name for batch in version._batches for name in batch.entry["used_contigs"]}
    out = []
    for name in version.contigs:
        if name not in used or class_of_contig(name) != which:
            continue
        starts, classes = class_runs(name, build_of(assembly))
        ends = np.append(starts[1:] - 1, END_OF_CONTIG)
        out += [
            f"{name}:{max(1, start)}-{end}"
            for start, end, kind in zip(starts.tolist(), ends.tolist(), classes.tolist(), strict=True)
            if kind == which
        ]
    return out
