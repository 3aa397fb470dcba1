"""Two cohorts compared at every allele."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.results import CountTable, Values
from ..query.site_counts import SiteCounts
from . import association, correction


@dataclass(frozen=True)
class Sides:
    """Who is compared. names : of the two cohorts    num_people : in each    overlap : some may be in both"""

    names: tuple[str, str]
    num_people: tuple[int, int]
    overlap: bool


class ComparisonTable(CountTable):
    """Two cohorts compared, a row an ALT allele; ``summary`` says it in words.

    sides : who was compared    test : how
    """

    def __init__(self, columns: Mapping[str, Values], sides: Sides, test: str, counts: SiteCounts) -> None:
        super().__init__(columns)
        self.sides = sides
        self.test = test
        self._counts = counts

    @cached_property
    def genomic_inflation(self) -> float:
        """Lambda, of the statistic of the test, and of the allelic chi-square for the exact test, whose p is none."""
        tested = association.run("chi2" if self.test == "fisher" else self.test, self._counts)
        assert tested.statistic is not None
        assert tested.degrees is not None
        return correction.genomic_inflation(tested.statistic, tested.degrees)

    def summary(self, names: tuple[str, str] | None = None) -> str:
        """The comparison in a paragraph: who, what was tested, what stands out, Fst, inflation.

        names : to call the cohorts by
        """
        from .summary import describe  # noqa: PLC0415

        table = self if names is None else self._named(names)
        return describe(table, self._counts)

    def plot(self, kind: str | None = None, names: tuple[str, str] | None = None) -> Any:
        """As a picture. kind : as of ``CountTable.plot``    names : to call the cohorts by"""
        from ..model.pictures import draw  # noqa: PLC0415

        return draw(self, kind, names or self.sides.names, self.genomic_inflation if kind == "qq" else None)

    def _named(self, names: tuple[str, str]) -> ComparisonTable:
        sides = Sides(names, self.sides.num_people, self.sides.overlap)
        return ComparisonTable(self._columns, sides, self.test, self._counts)

    def __repr__(self) -> str:
        return f"<ComparisonTable of {len(self)} rows by {self.test}: {', '.join(self.columns)}>"


def compare(counts: SiteCounts, test: str, sides: Sides) -> ComparisonTable:
    """The table of ``Repository.compare_cohorts``. counts : of two cohorts. Raises QueryError."""
    count, number = counts["allele_count"], counts["allele_number"]
    tables = association.allelic_tables(count, number)
    tested = association.run(test, counts)
    frequency = np.full(count.shape, np.nan)
    np.divide(count, number, out=frequency, where=number > 0)
    ratio, low, high = association.odds_ratio(tables)
    columns: dict[str, NDArray[Any]] = (
        {name: getattr(counts, name) for name in ("contig", "position", "ref", "alt")}
        | _of_sides("allele_count", count)
        | _of_sides("allele_number", number)
        | _of_sides("allele_frequency", frequency)
    )
    if association.needs_genotypes(test):
        for name, people in zip(
            ("n_none", "n_het", "n_hom"), association.genotypic_tables(counts).swapaxes(0, 1), strict=True
        ):
            columns |= _of_sides(name, people)
    columns |= {
        "frequency_difference": frequency[0] - frequency[1],
        "odds_ratio": ratio,
        "odds_ratio_low": low,
        "odds_ratio_high": high,
    }
    if tested.statistic is not None and tested.degrees is not None:
        columns |= {"chi2": tested.statistic, "degrees_of_freedom": tested.degrees}
    seen, known = count > 0, (number > 0).all(axis=0)
    columns |= {
        "p_value": tested.p,
        "p_bonferroni": correction.bonferroni(tested.p),
        "p_bh": correction.benjamini_hochberg(tested.p),
        "is_private": (seen[0] != seen[1]) & known,
        "is_fixed_difference": (np.abs(frequency[0] - frequency[1]) == 1.0) & known,
    }
    return ComparisonTable(columns, sides, test, counts)


def _of_sides(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """(2, rows) as two columns."""
    return {f"{name}_a": values[0].copy(), f"{name}_b": values[1].copy()}
