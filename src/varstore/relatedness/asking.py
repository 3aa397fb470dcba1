"""What a version can be asked about relatedness and structure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..query.choosing import Choosing
from ..query.cohorts import members

if TYPE_CHECKING:
    from ..query.choosing import Described


class Relatedness(Choosing):
    """Questions of relatedness; arguments mean the same in all of them."""

    def _chosen_people(self, samples: Iterable[str] | None, cohort: Described | None) -> NDArray[np.int64]:
        """Sorted numbers of the people asked for, less those withdrawn. Raises QueryError and its kinds."""
        _, chosen = self._cohorts(samples, cohort, None)
        return np.flatnonzero(members(chosen, self._num_numbers, self._withdrawn_now())[0])
