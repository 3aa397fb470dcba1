"""What a batch keeps beside the arrays of its fields, because VCF Zarr cannot say it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .named_arrays import LITERAL, Arrays

_OVERFLOW, _ODD = "varstore/overflow/", "varstore/odd/"
# Integers of overflow that are no numbers.
_MISSING, _FILL = -(2**31), -(2**31) + 1


@dataclass(frozen=True)
class FieldValues:
    """Values of a field: as VCF Zarr has them, and where its -1 and -2 are numbers (None: nowhere)."""

    values: NDArray[Any]
    literal: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class OddCall:
    """A field of one call as text; of GT its separators.

    sample : number in the batch
    """

    sample: int
    key: str
    text: str


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
            if name.startswith(_OVERFLOW) and f"{name}_record" in self._names:
                sizes = self.arrays.whole(f"{name}_width").astype(np.int64) * self.arrays.shape("sample_id")[0]
                starts = np.concatenate(([0], np.cumsum(sizes)))
                records = self.arrays.whole(f"{name}_record").astype(np.int64)
                found[name.removeprefix(_OVERFLOW)] = self.arrays.whole(name), records, starts
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
        plain = np.where(mine == _MISSING, -1, np.where(mine == _FILL, -2, mine))
        return FieldValues(plain, (mine == -1) | (mine == -2))

    @cached_property
    def odd_info(self) -> dict[int, str]:
        """INFO as text, by record, where the arrays do not hold it whole."""
        if f"{_ODD}info_record" not in self._names:
            return {}
        records, texts = (self.arrays.whole(f"{_ODD}info_{name}").tolist() for name in ("record", "text"))
        return dict(zip(records, texts, strict=True))

    @cached_property
    def odd_calls(self) -> dict[int, list[OddCall]]:
        """Calls by record that the arrays do not hold whole."""
        if f"{_ODD}call_record" not in self._names:
            return {}
        columns = [self.arrays.whole(f"{_ODD}call_{name}").tolist() for name in ("record", "sample", "key", "text")]
        found: dict[int, list[OddCall]] = {}
        for record, sample, key, text in zip(*columns, strict=True):
            found.setdefault(record, []).append(OddCall(sample, key, text))
        return found
