"""What a version can be asked about families: unrelated people, families, and whether its pedigree is true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from ..query.cohorts import Cohort
from .asking import Relatedness

if TYPE_CHECKING:
    from ..model.results import CountTable
    from ..query.choosing import Described
    from ..stats.asking import Statistics
    from .pedigree import PedigreeReport


class Families(Relatedness):
    """Questions of families; arguments mean the same in all of them."""

    def unrelated(
        self,
        cohort: Described | None = None,
        samples: Iterable[str] | None = None,
        *,
        threshold: float = 2**-4.5,
        **kinship: Any,
    ) -> Cohort:
        """People of whom no two are relatives: a large set of the people asked for, the same whenever it is asked.

        Whoever has the fewest relatives left is taken first; of equals who has more calls at common sites, then who
        came first.

        threshold : relatives have this kinship or more; default: third degree or closer
        kinship : further arguments of ``kinship``

        Raises what ``kinship`` raises.
        """
        from .families import related_pairs, unrelated_people  # noqa: PLC0415

        people = self._chosen_people(samples, cohort)
        found = related_pairs(self, people, threshold, kinship)
        return Cohort(unrelated_people(self, people, found.pairs), self._everybody())

    def families(
        self,
        cohort: Described | None = None,
        samples: Iterable[str] | None = None,
        *,
        threshold: float = 2**-4.5,
        **kinship: Any,
    ) -> CountTable:
        """Families: people who are connected by relatives; one row a person who has any.

        Arguments and errors as of ``unrelated``.

        Columns: sample, family (from 1), family_size, n_relatives, and of the closest relative closest, relationship,
        kinship.
        """
        from .families import family_table, related_pairs  # noqa: PLC0415

        people = self._chosen_people(samples, cohort)
        found = related_pairs(self, people, threshold, kinship)
        return family_table([self._names[number] for number in people.tolist()], found)

    def check_pedigree(
        self,
        cohort: Described | None = None,
        samples: Iterable[str] | None = None,
        *,
        filters: str | Iterable[str] | None = None,
        **kinship: Any,
    ) -> PedigreeReport:
        """Hold the pedigree of the sample table, columns father, mother, sex and person, against the genotypes.

        Mendelian errors of trios and duos at biallelic sites of autosomes, sex by calls on X and Y, stated parents,
        siblings and further kin against kinship. Parents count where they are among the people asked for.

        filters : as in ``count_alleles``    kinship : further arguments of ``kinship``

        Gives four tables, ``problems``, ``people``, ``trios`` and ``sites``; docs/families.md has their columns. Where
        kinship cannot be told, ``kinship_refused`` says why, and parents are judged by Mendelian errors alone.
        Raises QueryError and its kinds, CorruptRepositoryError.
        """
        from .checking_pedigrees import check_pedigree  # noqa: PLC0415

        people = self._chosen_people(samples, cohort)
        chosen = Cohort(people, self._everybody(), None, True)
        # Statistics of people are another layer's; a repository has both.
        asked = cast("Statistics", self)

        def stats(regions: list[str]) -> CountTable:
            return asked.sample_stats(regions, cohort=chosen, filters=filters)

        return check_pedigree(self, people, stats, filters, {"filters": filters, **kinship})
