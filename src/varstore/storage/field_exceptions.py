"""What a batch keeps beside the arrays of its fields, because VCF Zarr cannot say it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .field_beside import FILL, MISSING, OVERFLOW, OddCall, odd_calls, odd_info, overflow_places
from .named_arrays import LITERAL, Arrays


@dataclass(frozen=True)
class FieldValues:
    """Values of a field: as VCF Zarr has them, and where its -1 and -2 are numbers (None: nowhere)."""

    values: NDArray[Any]
    literal: NDArray[np.bool_] | None = None


class Exceptions:
    """The exceptions of one store; one that somebody else wrote has none."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self._names = set(arrays.names)

    def literal(self, array: str) -> str | None:
        """The name of the array that says where ``array`` has numbers that equal -1 and -2."""
        name = LITERAL + array
        return name if name in self._names else None

    @cached_property
    def _overflow(self) -> dict[str, tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]]:
        """By array: the values, the records, and where each record's values begin."""
        found = {}
        for name in self._names:
            if name.startswith(OVERFLOW) and f"{name}_record" in self._names:
                records, starts = overflow_places(self.arrays.whole, name, self.arrays.shape("sample_id")[0])
                found[name.removeprefix(OVERFLOW)] = self.arrays.whole(name), records, starts
        return found

    @cached_property
    def overflow_records(self) -> NDArray[np.int64]:
        """Records that are wider than some array, sorted."""
        records = [records for _, records, _ in self._overflow.values()]
        return np.unique(np.concatenate([np.zeros(0, np.int64), *records]))

    def overflow(self, array: str, record: int) -> FieldValues | None:
        """A record's calls, (samples, values), that ``array`` is too narrow for."""
        if array not in self._overflow:
            return None
        values, records, starts = self._overflow[array]
        at = int(np.searchsorted(records, record))
        if at == len(records) or records[at] != record:
            return None
        mine = values[starts[at] : starts[at + 1]].reshape(self.arrays.shape("sample_id")[0], -1)
        if mine.dtype.kind != "i":
            return FieldValues(mine)
        plain = np.where(mine == MISSING, -1, np.where(mine == FILL, -2, mine))
        return FieldValues(plain, (mine == -1) | (mine == -2))

    def _has(self, name: str) -> bool:
        return name in self._names

    @cached_property
    def odd_info(self) -> dict[int, str]:
        """INFO as text, by record, where the arrays do not hold it whole."""
        return odd_info(self._has, self.arrays.whole)

    @cached_property
    def odd_calls(self) -> dict[int, list[OddCall]]:
        """Calls by record that the arrays do not hold whole."""
        return odd_calls(self._has, self.arrays.whole)
