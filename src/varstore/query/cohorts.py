"""Cohorts: sets of people as sorted sample numbers of a repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import CohortError, SampleClashError, UnknownSampleError, WithdrawnSampleError
from ..model.columns import Column
from ..people.shown import shortened


@dataclass(frozen=True, eq=False)
class Cohort:
    """Some people of a version of a repository: ``repo.cohort`` makes one.

    Cohorts of one version combine: ``a & b`` has who is in both, ``a | b`` who is in one of them, ``a - b`` who is in
    ``a`` only, ``~a`` everybody else of the version. What comes out may be empty, but no question takes an empty
    cohort, unless one of the cohorts it is made of was made with ``allow_empty=True``.

    numbers : sorted int64 sample numbers    people : everybody of the version    expression : what describes them
    """

    numbers: NDArray[np.int64]
    people: People | None = field(default=None, repr=False)
    expression: str | None = None
    allow_empty: bool = False

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"<Cohort of {len(self):,}{'' if self.expression is None else f': {shortened(self.expression)}'}>"

    @property
    def samples(self) -> list[str]:
        """Names of the samples, in repository order; withdrawn ones are left out, also those withdrawn since."""
        people = self._people
        kept = self.numbers[~np.isin(self.numbers, people.withdrawn_now())]
        return [people.names[number] for number in kept.tolist()]

    @property
    def of_version(self) -> int:
        """The version whose people were asked."""
        return self._people.version

    def persons(self) -> Cohort:
        """One sample a person: of each person's samples in the cohort the first in repository order.

        Samples are one person's where column ``person`` of the sample table has the same value; a sample without a
        value is a person of its own. Raises CohortError where there is no such column.
        """
        people = self._people
        if "person" not in people.columns:
            raise CohortError("the sample table has no column 'person' to tell which samples are one person's")
        column = people.columns["person"]
        alone = column.missing[self.numbers]
        known = self.numbers[~alone]
        _, first = np.unique(column.values[known], return_index=True)
        return self._made(np.union1d(self.numbers[alone], known[first]))

    def __and__(self, other: Cohort) -> Cohort:
        return self._combined(other, np.intersect1d)

    def __or__(self, other: Cohort) -> Cohort:
        return self._combined(other, np.union1d)

    def __sub__(self, other: Cohort) -> Cohort:
        return self._combined(other, np.setdiff1d)

    def __invert__(self) -> Cohort:
        everybody = np.setdiff1d(np.arange(len(self._people.names)), self._people.withdrawn_now(), assume_unique=True)
        return self._made(np.setdiff1d(everybody, self.numbers, assume_unique=True))

    @property
    def _people(self) -> People:
        if self.people is None:
            raise CohortError("this cohort was not made by a repository: make it by repo.cohort")
        return self.people

    def _made(self, numbers: NDArray[np.int64], allow_empty: bool = False) -> Cohort:
        return Cohort(numbers, self.people, None, self.allow_empty or allow_empty)

    def _combined(self, other: Cohort, function: Callable[..., NDArray[np.int64]]) -> Cohort:
        """A cohort of two; Python says what to do with what is none. Raises CohortError."""
        if not isinstance(other, Cohort):
            return NotImplemented
        mine, others = self._people, other._people
        if mine.repository != others.repository:
            raise CohortError("cohorts of different repositories do not combine")
        if mine.version != others.version:
            raise CohortError(
                f"a cohort of version {mine.version} and one of version {others.version} do not combine; make both of "
                "the same version"
            )
        return self._made(function(self.numbers, other.numbers), other.allow_empty)


@dataclass(frozen=True, eq=False, repr=False)
class SavedCohort(Cohort):
    """A cohort that the repository keeps: the people of whom its expression was true when it was defined.

    name : its own    version, time : of its definition    num_defined : people it had then, those withdrawn since too
    """

    name: str = ""
    version: int = 0
    time: str = ""
    num_defined: int = 0

    def __repr__(self) -> str:
        gone = f", {self.num_withdrawn:,} withdrawn since" if self.num_withdrawn else ""
        return f"<SavedCohort {self.name!r} of {len(self):,}{gone}: {shortened(self.expression or 'listed')}>"

    @property
    def of_version(self) -> int:
        """The version in which it was defined."""
        return self.version

    @property
    def num_withdrawn(self) -> int:
        """People withdrawn since it was defined."""
        return self.num_defined - len(self)


@dataclass(frozen=True, eq=False)
class People:
    """Everybody of a version, by number, and who of them was withdrawn, in whatever version.

    names : of all, the withdrawn too; empty where the name is gone    withdrawn : sorted int64 numbers
    repository, version : what they are the people of    columns : of the sample table, read when first asked for
    newest : gives who is withdrawn by now
    """

    names: Sequence[str]
    withdrawn: NDArray[np.int64]
    repository: str = ""
    version: int = 0
    columns: Mapping[str, Column] = field(default_factory=dict, repr=False)
    newest: Callable[[], NDArray[np.int64]] | None = None

    def withdrawn_now(self) -> NDArray[np.int64]:
        """Who was withdrawn, in a version that came since too."""
        return self.withdrawn if self.newest is None else self.newest()

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
