"""Columns of the sample table: typed values of people, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["integer", "number", "boolean", "text", "date"]


@dataclass(frozen=True, eq=False)
class Column:
    """What is known of each person, by sample number.

    values : (people,) int64 of integers, float64 of numbers, bool, datetime64[D] of dates; of text int32 codes, indexes
        into ``categories``; anything where missing
    missing : (people,) bool
    categories : the distinct texts, sorted; a cell with several terms (``HP:1;HP:2``) is one text. Other kinds: empty
    """

    kind: Kind
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    categories: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.values)
