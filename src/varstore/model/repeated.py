"""Columns whose values stand in several rows, made when somebody looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Repeated:
    """Arrays behind one another, ``each`` value so often, and the whole ``times``.

    parts : of one dtype, ``dtype``; they must not change
    A site has a row a cohort: its name and place would be most of the time and memory of many cohorts' counts, and
    are often never looked at.
    """

    parts: Sequence[NDArray[Any]]
    dtype: type
    each: int = 1
    times: int = 1

    def __len__(self) -> int:
        return sum(map(len, self.parts)) * self.each * self.times

    def make(self) -> NDArray[Any]:
        """The column: an array of its own."""
        whole = np.concatenate([np.zeros(0, self.dtype), *self.parts])
        whole = whole if self.each == 1 else np.repeat(whole, self.each)
        return whole if self.times == 1 else np.tile(whole, self.times)
