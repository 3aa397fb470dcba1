"""Who a question is about: cohorts of a version by ids, by expression, by column, and saved ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import CohortError, QueryError
from ..people.shown import shortened
from ..storage import saved_cohorts
from ..storage.manifest import Document
from .cohorts import Cohort, SavedCohort
from .version import Version

if TYPE_CHECKING:
    from ..people.evaluation import Vocabulary

    PathLike = str | os.PathLike[str]
    # What is taken for a cohort: one, an expression, or sample ids.
    Described = Cohort | str | Iterable[str]


class Choosing(Version):
    """A version whose people can be described."""

    def cohort(
        self,
        samples: str | Iterable[str],
        *,
        allow_empty: bool = False,
        vocabulary: PathLike | Vocabulary | None = None,
    ) -> Cohort:
        """A cohort, to be used again and again.

        samples : an expression over the columns of the sample table, like ``super_pop == 'EUR' and age >= 60``, or
            sample ids; docs/cohort-expressions.md has the language
        allow_empty : nobody is an answer too
        vocabulary : for ``has descendant of``: an OBO file, or what has a method ``descendants(term)``

        Raises CohortExpressionError, CohortError, UnknownSampleError, WithdrawnSampleError, SampleClashError,
        InputError for the vocabulary.
        """
        people = self._everybody()
        expression = None
        if isinstance(samples, str):
            expression = samples
            numbers = self._true_of(samples, vocabulary)
        else:
            numbers = np.sort(people.resolve(samples))
        cohort = Cohort(numbers, people, expression, allow_empty)
        if not len(cohort) and not allow_empty:
            of = "no sample is named" if expression is None else f"nobody is {shortened(expression)!r}"
            raise CohortError(f"the cohort is empty: {of}; allow_empty=True makes it all the same")
        return cohort

    def cohorts_by(self, column: str, within: Described | None = None) -> dict[str, Cohort]:
        """A cohort for each value of a column of the sample table, by the value as text.

        Values are sorted; last comes ``.``, who has no value, if there is somebody. Only values that somebody has.

        within : only of these people: a cohort, an expression or sample ids
        Raises CohortError for an unknown column, or one of more than 1,000 values.
        """
        from .groups import groups_of  # noqa: PLC0415

        people = self._everybody()
        if within is None:
            numbers = np.setdiff1d(np.arange(self._num_numbers), people.withdrawn, assume_unique=True)
        else:
            numbers = self._as_cohort(within).numbers
            numbers = numbers[~np.isin(numbers, people.withdrawn)]
        groups = groups_of(people.columns, column, numbers)
        return {value: Cohort(members, people) for value, members in groups.items()}

    @property
    def saved_cohorts(self) -> dict[str, SavedCohort]:
        """The cohorts that were saved in this version, by name, without those withdrawn since."""
        return {entry["name"]: self._saved(entry) for entry in self._saved_entries}

    @property
    def _saved_entries(self) -> list[Document]:
        return self.manifest.document["cohorts"] if self.manifest else []

    def _saved(self, entry: Document) -> SavedCohort:
        people = self._everybody()
        numbers = np.setdiff1d(saved_cohorts.unpack(entry, self._num_numbers), people.withdrawn, assume_unique=True)
        return SavedCohort(
            numbers, people, entry["expression"], False, entry["name"], entry["version"], entry["time"],
            entry["num_samples"],
        )  # fmt: skip

    def _true_of(self, text: str, vocabulary: PathLike | Vocabulary | None) -> NDArray[np.int64]:
        """Numbers of those of whom an expression is true."""
        from ..people.evaluation import evaluate  # noqa: PLC0415
        from ..people.obo import read_obo  # noqa: PLC0415

        if isinstance(vocabulary, str | os.PathLike):
            vocabulary = read_obo(Path(vocabulary))
        people = self._everybody()
        saved = _UsedCohorts({entry["name"]: entry for entry in self._saved_entries}, self._saved)
        found = evaluate(text, people.columns, self._num_numbers, saved, vocabulary)
        found[people.withdrawn] = False
        return np.flatnonzero(found)

    def _cohorts(
        self,
        samples: Iterable[str] | None,
        cohort: Described | None,
        cohorts: Mapping[str, Described] | None,
    ) -> tuple[list[str] | None, list[Cohort] | None]:
        """Names of the cohorts (None: no column) and who they are (None: everybody)."""
        given = [value is not None for value in (samples, cohort, cohorts)]
        if sum(given) > 1:
            raise QueryError("give one of samples, cohort and cohorts")
        if samples is not None:
            if isinstance(samples, str):
                raise QueryError("samples is a list of sample ids, not one string; cohort= takes an expression")
            return None, [self.cohort(samples, allow_empty=True)]
        if cohorts is not None:
            return list(cohorts), [self._as_cohort(people) for people in cohorts.values()]
        return None, None if cohort is None else [self._as_cohort(cohort)]

    def _as_cohort(self, people: Described) -> Cohort:
        """A cohort that can be asked about. Raises CohortError and what ``cohort`` raises."""
        if not isinstance(people, Cohort):
            return self.cohort(people)
        if people.people is not None and people.people.repository != self._everybody().repository:
            raise CohortError("the cohort is of another repository")
        if len(people) and people.numbers[-1] >= self._num_numbers:
            raise CohortError("the cohort is of another version of the repository; make it again")
        if not len(people) and not people.allow_empty:
            raise CohortError("the cohort is empty; repo.cohort(..., allow_empty=True) makes one that may be")
        if isinstance(people, SavedCohort):
            _warn_of_saved(people, 6)
        gone = int(np.isin(people.numbers, self._withdrawn_now()).sum())
        if gone:
            text = f"{gone:,} of the {len(people):,} people of a cohort were withdrawn since it was made"
            warnings.warn(text, stacklevel=5)
        return people


class _UsedCohorts(Mapping[str, NDArray[np.int64]]):
    """Numbers of saved cohorts, read when an expression uses one; then those withdrawn since are warned of."""

    def __init__(self, entries: Mapping[str, Document], read: Callable[[Document], SavedCohort]) -> None:
        self._entries, self._read = entries, read

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        cohort = self._read(self._entries[name])
        _warn_of_saved(cohort, 8)
        return cohort.numbers

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _warn_of_saved(cohort: SavedCohort, stacklevel: int) -> None:
    if cohort.num_withdrawn:
        text = f"{cohort.num_withdrawn:,} of the {cohort.num_defined:,} people of the saved cohort {cohort.name!r}"
        warnings.warn(f"{text} were withdrawn since it was defined", stacklevel=stacklevel)
