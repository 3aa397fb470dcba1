"""What a version can be asked about the statistics of its sites and people."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..model.results import CountTable
from ..query.choosing import Choosing
from ..query.cohorts import members

if TYPE_CHECKING:
    from ..query.choosing import Described
    from .passes import Asked
    from .samples import People

PathLike = str | os.PathLike[str]
Where = tuple[str | Sequence[str] | None, PathLike | None]


class Statistics(Choosing):
    """Questions of statistics; arguments mean the same as in ``count_alleles``."""

    def variant_stats(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        cohorts: Mapping[str, Described] | None = None,
        filters: str | Iterable[str] | None = None,
        midp: bool = False,
    ) -> CountTable:
        """Statistics of sites: one row an ALT allele, and a cohort where there are several.

        midp : of tables that are as likely as the one seen, the Hardy-Weinberg test counts half
        Other arguments as in ``count_alleles``.

        Columns: those of ``count_genotypes``, then call_rate, minor_allele_frequency, heterozygosity,
        expected_heterozygosity, hwe_p_value, is_singleton; with several cohorts is_private. NaN is missing.
        docs/statistics.md has their formulas. Raises QueryError and its kinds, CorruptRepositoryError.
        """
        asked = self._asked((region, regions_file), (samples, cohort, cohorts), filters)
        return self._site_table(asked, self._pass(asked, (region, regions_file), None, sites=True), midp=midp)

    def sample_stats(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        filters: str | Iterable[str] | None = None,
    ) -> CountTable:
        """Statistics of people: one row a sample, in the order of the repository.

        Singletons, and the heterozygotes that are expected, are those among the people asked for.
        Arguments as in ``count_alleles``.

        Columns: sample, n_called, n_missing, call_rate, n_hom_ref, n_het, n_hom_alt, heterozygosity, n_transitions,
        n_transversions, ts_tv, n_singletons, inbreeding_coefficient. NaN is missing. docs/statistics.md has their
        formulas. Raises QueryError and its kinds, CorruptRepositoryError.
        """
        return self._stats((region, regions_file), (samples, cohort, None), filters, sites=False, midp=False)[1]

    def stats(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        cohorts: Mapping[str, Described] | None = None,
        filters: str | Iterable[str] | None = None,
        midp: bool = False,
    ) -> tuple[CountTable, CountTable]:
        """``variant_stats`` and ``sample_stats`` in one pass; with several cohorts, of the people of all of them."""
        found = self._stats((region, regions_file), (samples, cohort, cohorts), filters, sites=True, midp=midp)
        assert found[0] is not None
        return found[0], found[1]

    def _stats(
        self, where: Where, who: tuple[Any, Any, Any], filters: str | Iterable[str] | None, *, sites: bool, midp: bool
    ) -> tuple[CountTable | None, CountTable]:
        from .samples import People  # noqa: PLC0415

        asked = self._asked(where, who, filters, together=True)
        people = People(self._num_numbers)
        parts = self._pass(asked, where, people, sites=sites)
        numbers = np.flatnonzero(asked.question.masks[-1])
        table = people.table(numbers, [self._names[number] for number in numbers.tolist()])
        return self._site_table(asked, parts, midp=midp) if sites else None, table

    def _asked(
        self, where: Where, who: tuple[Any, Any, Any], filters: str | Iterable[str] | None, *, together: bool = False
    ) -> Asked:
        """The question. together : behind several cohorts stands one of the people of all of them"""
        from ..query.counting import Question  # noqa: PLC0415
        from .passes import Asked  # noqa: PLC0415

        names, chosen = self._cohorts(*who)
        regions, alleles = self._where(*where)
        masks = members(chosen, self._num_numbers, self._withdrawn_now())
        num_cohorts = len(masks)
        if together and num_cohorts != 1:
            masks = np.concatenate([masks, masks.any(axis=0, keepdims=True)])
        packed = self._packed.setdefault(chosen[0], {}) if chosen is not None and len(chosen) == 1 else {}
        question = Question(regions, alleles, masks, names, chosen is None, filters, genotypes=True)
        return Asked(question, num_cohorts, self._batches, self.contigs, self._blocks, packed, self._map)

    def _pass(self, asked: Asked, where: Where, people: People | None, *, sites: bool) -> list[dict[str, Any]]:
        """Columns of the sites, if wanted, and the calls added to ``people``, if there are any."""
        from . import joined_people, passes  # noqa: PLC0415

        if not self._batches:
            return []
        jobs = asked.jobs()
        by_allele = bool(asked.question.alleles)
        if self._one_axis and not (by_allele and sites):
            return passes.on_one_axis(asked, jobs, self._reads(*where), people, sites=sites)
        if people is not None and self._one_axis:
            passes.on_one_axis(asked, jobs, self._reads(*where), people, sites=False)
        absences = [self._absence(batch) for batch in self._batches]
        if people is not None and not self._one_axis:
            joined_people.add_people(asked, jobs, self._joined_pieces(*where), absences, people)
        return passes.sites_on_the_union(asked, jobs, self._union, absences) if sites else []

    def _site_table(self, asked: Asked, parts: list[dict[str, Any]], *, midp: bool) -> CountTable:
        from .variants import variant_table  # noqa: PLC0415

        return variant_table(parts, asked.num_cohorts, asked.question.names, midp=midp, polyploid=asked.polyploid)
