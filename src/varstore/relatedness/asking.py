"""What a version can be asked about relatedness and structure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..query.choosing import Choosing
from ..query.cohorts import members

if TYPE_CHECKING:
    from ..query.choosing import Described
    from .tables import KinshipTable

PathLike = str | os.PathLike[str]


class Relatedness(Choosing):
    """Questions of relatedness; arguments mean the same in all of them."""

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
        min_maf: float = 0.0,
        min_call_rate: float = 0.0,
        force: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> KinshipTable:
        """KING-robust kinship of pairs of people, one row a pair.

        Sites are those of autosomes with one ALT allele that differ among the people asked for; a pair is compared
        where both have a call of two alleles.

        cohort, samples : of these people, by expression or cohort, or by id; default: everybody
        against : with these, by ids, expression or cohort; default: with each other
        threshold : pairs of this kinship or more; default: third degree; None: every pair, of any or no kinship
        region, regions_file, filters : sites, as in ``count_alleles``
        min_maf, min_call_rate : sites of at least this minor allele frequency and share of people called
        force : numbers without labels where the sites are too few for labels
        progress : called with the pairs looked at so far, and all of them

        docs/relatedness.md says what the columns mean. Raises TooFewSitesError, QueryError and its kinds,
        CorruptRepositoryError.
        """
        from ..query.site_choice import SiteLimits  # noqa: PLC0415
        from .comparing import compare_people  # noqa: PLC0415

        asked = self._chosen_people(samples, cohort)
        others = asked if against is None else self._chosen_people(None, against)
        limits = SiteLimits(min_maf=min_maf, min_call_rate=min_call_rate)
        where = {"region": region, "regions_file": regions_file, "filters": filters}
        return compare_people(self, (asked, others), limits, where, threshold, force=force, progress=progress)
