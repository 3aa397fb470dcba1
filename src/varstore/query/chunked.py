"""Rows of arrays that are read chunk by chunk, put together by record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def by_chunk(records: NDArray[np.int64], height: int, read: Callable[[int, NDArray[np.int64]], Any]) -> NDArray[Any]:
    """Rows of chunks of ``height``, put together by record. read : gives some rows of a chunk"""
    chunk = records // height
    numbers = np.unique(chunk).tolist()
    if len(numbers) == 1:
        return np.asarray(read(numbers[0], records - numbers[0] * height))
    out: NDArray[Any] | None = None
    for number in numbers:
        here = np.flatnonzero(chunk == number)
        values = np.asarray(read(number, records[here] - number * height))
        if out is None:
            out = np.empty((len(records), *values.shape[1:]), values.dtype)
        out[here] = values
    return np.zeros(0) if out is None else out
