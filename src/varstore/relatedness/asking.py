"""What a version can be asked about relatedness and structure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..model.results import CountTable
from ..query.choosing import Choosing
from ..query.cohorts import members

if TYPE_CHECKING:
    from ..query.choosing import Described
    from ..query.site_choice import Sites
    from .homozygosity import Homozygosity, RunRules
    from .pruning import Pruning
    from .tables import KinshipTable

PathLike = str | os.PathLike[str]


class Relatedness(Choosing):
    """Questions of relatedness; arguments mean the same in all of them."""

    def prune(
        self,
        pruning: Pruning | None = None,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        filters: str | Iterable[str] | None = None,
        **limits: Any,
    ) -> CountTable:
        """Biallelic sites thinned until no two near ones are correlated, as ``plink2 --indep-pairwise`` thins them.

        pruning : how; default windows of 50 sites, a step of 5, r2 0.2
        limits : ``min_maf``, ``min_mac``, ``min_call_rate``, ``autosomes``, ``snvs``, as in ``SiteLimits``
        Other arguments as in ``count_alleles``.

        Columns, a row a site that stays: contig, position, ref, alt, allele_count, allele_number, allele_frequency.
        Raises QueryError and its kinds, CorruptRepositoryError.
        """
        from .pruning import Pruning, prune  # noqa: PLC0415

        people, sites = self._people_and_sites((samples, cohort), (region, regions_file, filters), limits)
        kept = sites.take(prune(self, sites, people, pruning or Pruning()))
        return CountTable(kept.columns(self.contigs))

    def ld(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        filters: str | Iterable[str] | None = None,
        window: int = 1_000_000,
        min_r2: float = 0.2,
        phased: bool = False,
        **limits: Any,
    ) -> CountTable:
        """Linkage disequilibrium: the squared correlation of pairs of biallelic sites.

        window : bases between the two, at most    min_r2 : pairs of this or more
        phased : of haplotypes, from calls that are phased or homozygous; default: of copies of ALT, as in ``prune``
        limits : as in ``prune``; other arguments as in ``count_alleles``

        Columns, a row a pair: contig, position_1, ref_1, alt_1, position_2, ref_2, alt_2, r2.
        Raises QueryError and its kinds, CorruptRepositoryError.
        """
        from .linkage import linkage  # noqa: PLC0415

        people, sites = self._people_and_sites((samples, cohort), (region, regions_file, filters), limits)
        return linkage(self, sites, people, window=window, min_r2=min_r2, phased=phased)

    def runs_of_homozygosity(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        filters: str | Iterable[str] | None = None,
        rules: RunRules | None = None,
        **limits: Any,
    ) -> Homozygosity:
        """Runs of homozygosity of each person, and how many share them, as ``plink1.9 --homozyg`` finds them.

        rules : what is a run; default plink1.9's
        limits : ``min_maf``, ``min_mac`` (0), ``min_call_rate``, ``autosomes``, ``snvs``, as in ``SiteLimits``
        Other arguments as in ``count_alleles``.

        Gives tables ``runs``, ``people`` and ``sharing``, and ``plot()``. Raises QueryError where there are no sites,
        and its kinds, CorruptRepositoryError.
        """
        from .homozygosity import RunRules, find_runs  # noqa: PLC0415

        asked = (samples, cohort), (region, regions_file, filters)
        people, sites = self._people_and_sites(*asked, {"min_mac": 0, **limits})
        names = [self._names[number] for number in people.tolist()]
        return find_runs(self, sites, people, names, rules or RunRules())

    def _people_and_sites(
        self, who: tuple[Any, Any], where: tuple[Any, Any, Any], limits: dict[str, Any]
    ) -> tuple[NDArray[np.int64], Sites]:
        """Who is asked for, and their sites. who : samples, cohort    where : region, regions_file, filters"""
        from ..query.site_choice import SiteLimits, choose_sites  # noqa: PLC0415

        people = self._chosen_people(*who)
        region, regions_file, filters = where
        chosen = {"region": region, "regions_file": regions_file, "filters": filters}
        return people, choose_sites(self, people, SiteLimits(**limits), **chosen)

    def _chosen_people(self, samples: Iterable[str] | None, cohort: Described | None) -> NDArray[np.int64]:
        """Sorted numbers of the people asked for, less those withdrawn. Raises QueryError and its kinds."""
        _, chosen = self._cohorts(samples, cohort, None)
        return np.flatnonzero(members(chosen, self._num_numbers, self._withdrawn_now())[0])

    def kinship(
        self,
        cohort: Described | None = None,
        samples: Iterable[str] | None = None,
        *,
        against: Described | None = None,
        threshold: float | None = 2**-4.5,
        region: str | Sequence[str] | None = None,
        regions_file: PathLike | None = None,
        filters: str | Iterable[str] | None = None,
        prune: Pruning | None = None,
        force: bool = False,
        progress: Callable[[int, int], None] | None = None,
        **limits: Any,
    ) -> KinshipTable:
        """KING-robust kinship of pairs of people, one row a pair.

        Sites are those of autosomes with one ALT allele that differ among the people asked for; a pair is compared
        where both have a call of two alleles.

        cohort, samples : of these people, by expression or cohort, or by id; default: everybody
        against : with these, by ids, expression or cohort; default: with each other
        threshold : pairs of this kinship or more; default: third degree; None: every pair, of any or no kinship
        region, regions_file, filters : sites, as in ``count_alleles``
        limits : ``min_maf``, ``min_mac``, ``min_call_rate``, ``autosomes``, ``snvs``, as in ``SiteLimits``
        prune : of these sites, those that this keeps
        force : numbers without labels where the sites are too few for labels
        progress : called with the pairs looked at so far, and all of them

        docs/relatedness.md says what the columns mean. Raises TooFewSitesError, QueryError and its kinds,
        CorruptRepositoryError.
        """
        from ..query.site_choice import SiteLimits  # noqa: PLC0415
        from .comparing import Choice, compare_people  # noqa: PLC0415

        asked = self._chosen_people(samples, cohort)
        others = asked if against is None else self._chosen_people(None, against)
        where = {"region": region, "regions_file": regions_file, "filters": filters}
        choice = Choice(SiteLimits(**limits), where, prune)
        return compare_people(self, (asked, others), choice, threshold, force=force, progress=progress)
