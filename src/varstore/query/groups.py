"""People in groups: by the values of a column."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import CohortError
from ..model.columns import Column
from ..people.evaluation import unknown_column

# More groups would be a row a person and site, and a mask a person.
_MOST_GROUPS = 1_000
WITHOUT = "."


def groups_of(columns: Mapping[str, Column], name: str, numbers: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Sorted sample numbers for each value that one of them has, values sorted, last those without one as ``.``.

    Raises CohortError.
    """
    if name not in columns:
        raise CohortError(unknown_column(name, columns))
    column = columns[name]
    missing = column.missing[numbers]
    known = numbers[~missing]
    values, group, sizes = np.unique(column.values[known], return_inverse=True, return_counts=True)
    if len(values) > _MOST_GROUPS:
        raise CohortError(
            f"column {name!r} has {len(values):,} values, expected at most {_MOST_GROUPS:,} groups; describe ranges of "
            "it as cohorts"
        )
    members = np.split(known[np.argsort(group, kind="stable")], np.cumsum(sizes)[:-1])
    texts = [_text(column, value) for value in values.tolist()]
    groups = dict(zip(texts, members, strict=False))
    if missing.any():
        if WITHOUT in groups:
            raise CohortError(f"column {name!r} has a value {WITHOUT!r}, which is how people without a value are shown")
        groups[WITHOUT] = numbers[missing]
    return groups


def _text(column: Column, value: object) -> str:
    if column.kind == "text":
        assert isinstance(value, int)
        return str(column.categories[value])
    return str(value).lower() if column.kind == "boolean" else str(value)
