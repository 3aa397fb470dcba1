"""Questions that compare cohorts: methods of ``Repository``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CohortError, QueryError, SampleClashError
from ..query.choosing import Choosing
from ..query.cohorts import members

if TYPE_CHECKING:
    from ..model.regions import Region
    from ..model.results import CountTable
    from ..query.choosing import Described
    from ..query.site_counts import SiteCounts
    from .comparison import ComparisonTable

PathLike = str | os.PathLike[str]


class Comparisons(Choosing):
    """What tells cohorts of one version apart."""

    def compare_cohorts(
        self,
        a: Described,
        b: Described,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        filters: str | Iterable[str] | None = None,
        test: str = "fisher",
        overlap: bool = False,
    ) -> ComparisonTable:
        """Compare two cohorts at every ALT allele.

        a, b : the cohorts    region, regions_file, filters : as in ``count_alleles``
        test : "fisher" (exact, two-sided) or "chi2" of alleles; "genotypic" (2 degrees of freedom), "dominant",
            "recessive" or "trend" (Cochran-Armitage) of people
        overlap : whether people may be in both

        Columns: contig, position, ref, alt; allele_count, allele_number and allele_frequency of each, ``_a`` and
        ``_b``; of tests of people their numbers (n_none, n_het, n_hom); frequency_difference (a less b), odds_ratio,
        odds_ratio_low, odds_ratio_high, chi2 (but of Fisher's test), p_value, p_bonferroni, p_bh, is_private,
        is_fixed_difference. docs/statistics.md has their formulas. Where there is nothing to compare they are NaN.

        Raises SampleClashError where people are in both, QueryError and its kinds, CorruptRepositoryError.
        """
        from . import association, comparison  # noqa: PLC0415

        genotypes = association.needs_genotypes(test)
        sides = {"a": a, "b": b}
        counts, people = self._site_counts(sides, (region, regions_file), filters, genotypes=genotypes, overlap=overlap)
        return comparison.compare(counts, test, comparison.Sides(("a", "b"), (people[0], people[1]), overlap))

    def diversity(
        self,
        cohorts: Mapping[str, Described],
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        filters: str | Iterable[str] | None = None,
        window: int | str | None = None,
        window_sites: int | None = None,
        step: int | str | None = None,
    ) -> CountTable:
        """Nucleotide diversity of cohorts, in windows.

        cohorts : name to people; they may overlap    region, regions_file, filters : as in ``count_alleles``
        window : bases, as a number or like "100kb"; "each": every region, or contig, by itself; None: all is one
        window_sites : sites in a window, instead    step : from one window to the next, in the same unit

        Columns, a row a window and cohort: contig, start, end (1-based, closed), num_bases, cohort, num_sites,
        num_skipped (sites with fewer than two alleles called), num_segregating, diversity (sum over sites), pi (by
        base). docs/statistics.md has their formulas.

        Raises QueryError and its kinds, CorruptRepositoryError.
        """
        from ..model.windows import Windows  # noqa: PLC0415
        from .diversity import diversity_table  # noqa: PLC0415

        windows = Windows.of(window, window_sites, step)
        regions = self._stretches(region, regions_file)
        counts, _ = self._site_counts(cohorts, (region, regions_file), filters, overlap=True)
        return diversity_table(counts, list(cohorts), self.contigs, regions, windows)

    def fst(
        self,
        cohorts: Mapping[str, Described],
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        filters: str | Iterable[str] | None = None,
        window: int | str | None = None,
        window_sites: int | None = None,
        step: int | str | None = None,
    ) -> CountTable:
        """Divergence of each pair of cohorts, in windows; arguments as in ``diversity``, cohorts without overlap.

        Columns, a row a window and pair: contig, start, end, num_bases, cohort_a, cohort_b, num_sites, num_skipped
        (sites where one has fewer than two alleles called), hudson_fst, nei_fst, patterson_f2 (mean over sites),
        divergence (sum over sites), dxy (by base).

        Raises SampleClashError where people are in two cohorts, QueryError and its kinds, CorruptRepositoryError.
        """
        from ..model.windows import Windows  # noqa: PLC0415
        from .diversity import fst_table  # noqa: PLC0415

        if len(cohorts) < 2:
            raise QueryError(f"found {len(cohorts)} cohorts, expected two or more")
        windows = Windows.of(window, window_sites, step)
        regions = self._stretches(region, regions_file)
        counts, _ = self._site_counts(cohorts, (region, regions_file), filters)
        return fst_table(counts, list(cohorts), self.contigs, regions, windows)

    def burden(
        self,
        bed: PathLike,
        cohorts: Mapping[str, Described],
        *,
        max_frequency: float = 0.01,
        filters: str | Iterable[str] | None = None,
    ) -> CountTable:
        """Rare alleles in the intervals of a BED file, such as genes, by cohort.

        bed : contig, start, end and, if there is one, name    cohorts : name to people, without overlap
        max_frequency : of an allele that is rare, in everybody of the version
        filters : as in ``count_alleles``

        Columns, a row an interval and cohort: contig, start, end (1-based, closed), name, cohort, num_alleles (rare
        ones that somebody has, whose REF overlaps the interval), allele_count and allele_number (their sums over
        these alleles); of two cohorts or more odds_ratio, p_value (Fisher's exact test of copies, the cohort against
        the others together) and p_bh.

        Raises SampleClashError where people are in two cohorts, InputError for the BED, QueryError and its kinds.
        """
        from .burden import burden_table, read_intervals  # noqa: PLC0415

        if not 0 < max_frequency <= 1:
            raise QueryError(f"max_frequency is {max_frequency}, expected a number above 0, at most 1")
        intervals = read_intervals(Path(bed), self.contigs, self._named)
        counts, _ = self._site_counts(cohorts, (None, None), filters, everybody=True)
        return burden_table(counts, list(cohorts), self.contigs, intervals, max_frequency)

    def _stretches(self, region: str | Sequence[str] | None, regions_file: PathLike | None) -> Sequence[Region] | None:
        """Regions that windows are cut in; None: everything. Raises QueryError."""
        regions, alleles = self._where(region, regions_file)
        if alleles:
            raise QueryError("windows are of regions, not of single alleles")
        return regions

    def _site_counts(
        self,
        cohorts: Mapping[str, Described],
        where: tuple[str | Sequence[str] | None, PathLike | None],
        filters: str | Iterable[str] | None,
        *,
        genotypes: bool = False,
        overlap: bool = False,
        everybody: bool = False,
    ) -> tuple[SiteCounts, list[int]]:
        """Counts of the cohorts in one pass, and how many people are in each.

        everybody : add one more cohort, of all people

        Raises SampleClashError, QueryError and its kinds.
        """
        from ..query.counting import Question, count_parts  # noqa: PLC0415
        from ..query.site_counts import SiteCounts  # noqa: PLC0415

        names, chosen = self._cohorts(None, None, cohorts)
        assert names is not None
        assert chosen is not None
        withdrawn = self._withdrawn_now()
        masks = members(chosen, self._num_numbers, withdrawn)
        for name, cohort, mask in zip(names, chosen, masks, strict=True):
            if not mask.any() and not cohort.allow_empty:
                raise CohortError(f"the cohort {name!r} is empty: everybody in it was withdrawn")
        if not overlap:
            self._check_apart(names, masks)
        if everybody:
            masks = np.concatenate([masks, members(None, self._num_numbers, withdrawn)])
        regions, alleles = self._where(*where)
        # Cohorts are compared again and again: their masks are packed once.
        packed = self._packed.setdefault(chosen[0], {}) if not everybody and len(chosen) == 1 else {}
        question = Question(regions, alleles, masks, names, False, filters, genotypes, sites=True)
        axis = None if self._one_axis and not alleles else (self._union, map(self._absence, self._batches))
        parts = count_parts(question, self._batches, axis, self.contigs, self._blocks, packed, self._map)
        return SiteCounts.of(parts, len(masks), genotypes=genotypes), masks.sum(axis=1).tolist()

    def _check_apart(self, names: Sequence[str], masks: np.typing.NDArray[np.bool_]) -> None:
        """Raise SampleClashError where somebody is in two cohorts."""
        twice = np.flatnonzero(masks.sum(axis=0) > 1)
        if not len(twice):
            return
        both = [name for name, mask in zip(names, masks, strict=True) if mask[twice[0]]][:2]
        people = f"{len(twice):,} people are" if len(twice) > 1 else "1 person is"
        raise SampleClashError(
            f"{people} in several of the cohorts, like {self._names[twice[0]]!r} in {both[0]!r} and {both[1]!r}; "
            "leave them out of one, or allow it (overlap=True, --allow-overlap)"
        )
