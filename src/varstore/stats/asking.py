"""What a version can be asked about the statistics of its sites and people."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..model.results import CountTable
from ..query.cohorts import Cohort, members
from ..query.version import Version

if TYPE_CHECKING:
    from ..query.absence import Absence
    from ..query.union import Union
    from .passes import Asked

PathLike = str | os.PathLike[str]


class Statistics(Version):
    """Questions of statistics; arguments mean the same as in ``count_alleles``."""

    def variant_stats(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Cohort | Iterable[str] | None = None,
        cohorts: Mapping[str, Cohort | Iterable[str]] | None = None,
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
        from . import passes, variants  # noqa: PLC0415

        asked = self._asked(region, regions_file, samples, cohort, cohorts, filters)
        parts = passes.variants(asked, self._axis(asked))
        cohorts_asked = len(asked.people), asked.question.names
        return variants.variant_table(parts, *cohorts_asked, midp=midp, polyploid=asked.polyploid)

    def _asked(
        self,
        region: str | Sequence[str] | None,
        regions_file: PathLike | None,
        samples: Iterable[str] | None,
        cohort: Cohort | Iterable[str] | None,
        cohorts: Mapping[str, Cohort | Iterable[str]] | None,
        filters: str | Iterable[str] | None,
    ) -> Asked:
        from ..query.counting import Question  # noqa: PLC0415
        from .passes import Asked  # noqa: PLC0415

        names, chosen = self._cohorts(samples, cohort, cohorts)
        regions, alleles = self._where(region, regions_file)
        masks = members(chosen, self._num_numbers, self._withdrawn_now())
        packed = self._packed.setdefault(chosen[0], {}) if chosen is not None and len(chosen) == 1 else {}
        question = Question(regions, alleles, masks, names, chosen is None, filters, genotypes=True)
        return Asked(question, self._batches, self.contigs, self._blocks, packed, self._map)

    def _axis(self, asked: Asked) -> tuple[Union, list[Absence | None]] | None:
        """The axis of batches with sites of their own; None: all have the same records."""
        if self._one_axis and not asked.question.alleles:
            return None
        return self._union, [self._absence(batch) for batch in self._batches]
