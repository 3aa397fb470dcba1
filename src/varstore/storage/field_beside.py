"""The arrays beside those of fields, read: overflow, and text of records and calls that are odd.

Readers and exports find arrays in different ways: they say how, as ``has`` and ``read`` by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .field_extras import ODD

OVERFLOW = "varstore/overflow/"
# Integers of overflow that are no numbers.
MISSING, FILL = -(2**31), -(2**31) + 1

Has = Callable[[str], bool]
Read = Callable[[str], NDArray[Any]]


class OddCall(NamedTuple):
    """A field of one call as text; of GT its separators.

    sample : number in the batch
    """

    sample: int
    key: str
    text: str


def odd_info(has: Has, read: Read) -> dict[int, str]:
    """INFO as text, by record, where the arrays do not hold it whole."""
    if not has(f"{ODD}info_record"):
        return {}
    records, texts = (read(f"{ODD}info_{name}").tolist() for name in ("record", "text"))
    return dict(zip(records, texts, strict=True))


def odd_calls(has: Has, read: Read) -> dict[int, list[OddCall]]:
    """Calls by record that the arrays do not hold whole."""
    if not has(f"{ODD}call_record"):
        return {}
    columns = [read(f"{ODD}call_{name}").tolist() for name in ("record", "sample", "key", "text")]
    found: dict[int, list[OddCall]] = {}
    for record, *call in zip(*columns, strict=True):
        found.setdefault(record, []).append(OddCall(*call))
    return found


def overflow_places(read: Read, name: str, num_samples: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Records that an overflow array has, sorted, and where the values of each begin, the end in the last."""
    sizes = read(f"{name}_width").astype(np.int64) * num_samples
    return read(f"{name}_record").astype(np.int64), np.concatenate(([0], np.cumsum(sizes)))
