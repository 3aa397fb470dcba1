"""Cohorts: sets of people as sorted sample numbers of a repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import SampleClashError, UnknownSampleError, WithdrawnSampleError


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


@dataclass(frozen=True, eq=False)
class People:
    """Everybody of a version, by number, and who of them was withdrawn, in whatever version.

    names : of all, the withdrawn too; empty where the name is gone    withdrawn : sorted int64 numbers
    """

    names: Sequence[str]
    withdrawn: NDArray[np.int64]

    @cached_property
    def present(self) -> list[str]:
        """Names of those who can be asked for."""
        if not len(self.withdrawn):
            return list(self.names)
        gone = set(self.withdrawn.tolist())
        return [name for number, name in enumerate(self.names) if number not in gone]

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Numbers of all, the withdrawn too."""
        return {name: number for number, name in enumerate(self.names) if name}

    def resolve(self, ids: Iterable[str]) -> NDArray[np.int64]:
        """Numbers of samples in the order asked.

        Raises UnknownSampleError, WithdrawnSampleError, SampleClashError.
        """
        ids = list(ids)
        numbers = resolve_ids(ids, self.number_of, len(self.names))
        gone = np.flatnonzero(np.isin(numbers, self.withdrawn)) if len(self.withdrawn) else np.zeros(0, np.int64)
        if len(gone):
            more = f" and {len(gone) - 1} more were" if len(gone) > 1 else " was"
            raise WithdrawnSampleError(f"the sample {ids[gone[0]]!r}{more} withdrawn from the repository")
        return numbers


def resolve_ids(ids: Sequence[str], number_of: Mapping[str, int], num_samples: int) -> NDArray[np.int64]:
    """Numbers of samples, present or not, in the order asked. Raises UnknownSampleError, SampleClashError."""
    try:
        numbers = np.fromiter(map(number_of.__getitem__, ids), np.int64, len(ids))
    except KeyError as error:
        unknown = [name for name in dict.fromkeys(ids) if name not in number_of]
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise UnknownSampleError(f"no sample {error.args[0]!r}{more} in the repository") from None
    seen = np.zeros(num_samples, np.bool_)
    seen[numbers] = True
    if np.count_nonzero(seen) != len(numbers):
        twice = Counter(ids).most_common(1)[0][0]
        raise SampleClashError(f"the sample {twice!r} is named twice")
    return numbers


def members(cohorts: Iterable[Cohort] | None, num_samples: int, withdrawn: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(cohorts, samples) membership, for numbers 0 to ``num_samples``; None: one cohort of everybody.

    Every question about people passes here: this is the one place that takes withdrawn people out.
    """
    if cohorts is None:
        out = np.ones((1, num_samples), np.bool_)
    else:
        cohorts = list(cohorts)
        out = np.zeros((len(cohorts), num_samples), np.bool_)
        for k, cohort in enumerate(cohorts):
            out[k, cohort.numbers] = True
    out[:, withdrawn] = False
    return out
