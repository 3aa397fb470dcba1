"""Cohorts: sets of people as sorted sample numbers of a repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SampleClashError, UnknownSampleError


@dataclass(frozen=True, eq=False)
class Cohort:
    """Some people of a repository.

    numbers : sorted int64 sample numbers
    """

    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"<Cohort of {len(self)}>"


def resolve_ids(ids: Iterable[str], number_of: Mapping[str, int]) -> NDArray[np.int64]:
    """Numbers of samples in the order asked. Raises UnknownSampleError, SampleClashError."""
    ids = list(ids)
    try:
        numbers = np.fromiter(map(number_of.__getitem__, ids), np.int64, len(ids))
    except KeyError as error:
        unknown = [name for name in dict.fromkeys(ids) if name not in number_of]
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise UnknownSampleError(f"no sample {error.args[0]!r}{more} in the repository") from None
    seen = np.zeros(len(number_of), np.bool_)
    seen[numbers] = True
    if np.count_nonzero(seen) != len(numbers):
        twice = Counter(ids).most_common(1)[0][0]
        raise SampleClashError(f"the sample {twice!r} is named twice")
    return numbers


def cohort_of(ids: Iterable[str], number_of: Mapping[str, int]) -> Cohort:
    """A cohort of sample ids. Raises UnknownSampleError, SampleClashError."""
    return Cohort(np.sort(resolve_ids(ids, number_of)))


def members(cohorts: Iterable[Cohort], num_samples: int) -> NDArray[np.bool_]:
    """(cohorts, samples) membership of everybody.

    Every question about people passes here, so that withdrawal and consent can take people out.
    """
    cohorts = list(cohorts)
    out = np.zeros((len(cohorts), num_samples), np.bool_)
    for k, cohort in enumerate(cohorts):
        out[k, cohort.numbers] = True
    return out
