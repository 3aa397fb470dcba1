"""The arrays of a store by name, rows of a chunk at a time: a batch of ours, or somebody else's VCF Zarr."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .arrays import StoredArray, decode
from .batch import Batch
from .foreign import ForeignStore

Rows = NDArray[np.int64]
LITERAL = "varstore/literal/"  # where -1 and -2 of an array are numbers
ODD_NAMES = "varstore/field/"  # fields whose names would mean something else to VCF Zarr


class Arrays(Protocol):
    """What a store has besides genotypes."""

    @property
    def names(self) -> list[str]: ...
    def dims(self, name: str) -> list[str]: ...
    def shape(self, name: str) -> tuple[int, ...]: ...
    def dtype(self, name: str) -> np.dtype[Any]: ...
    def description(self, name: str) -> str: ...
    def whole(self, name: str) -> NDArray[Any]: ...
    def rows(self, name: str, chunk: int, rows: Rows) -> NDArray[Any]: ...
    def calls(self, name: str, chunk: int, rows: Rows, samples: Rows) -> NDArray[Any]: ...


def arrays_of(store: object) -> Arrays:
    """The arrays of a store."""
    if isinstance(store, ForeignStore):
        return ForeignArrays(store)
    assert isinstance(store, Batch)
    return BatchArrays(store)


class BatchArrays:
    """Arrays of a batch of ours, decoded chunk by chunk."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    @cached_property
    def names(self) -> list[str]:
        found = (name.removesuffix("/.zarray") for name in self.batch.part.entries if name.endswith("/.zarray"))
        return sorted(found)

    def _attributes(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.batch.part.read(f"{name}/.zattrs"))
        return document

    def dims(self, name: str) -> list[str]:
        return list(self._attributes(name)["_ARRAY_DIMENSIONS"])

    def shape(self, name: str) -> tuple[int, ...]:
        return self.batch.array(name).shape

    def dtype(self, name: str) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self.batch.array(name).metadata["dtype"])
        return dtype

    def description(self, name: str) -> str:
        return str(self._attributes(name).get("description", ""))

    def whole(self, name: str) -> NDArray[Any]:
        return self.batch.array(name).read()

    def rows(self, name: str, chunk: int, rows: Rows) -> NDArray[Any]:
        return np.asarray(self.batch.array(name).chunk(chunk)[rows])

    def calls(self, name: str, chunk: int, rows: Rows, samples: Rows) -> NDArray[Any]:
        """(rows, samples, ...) of an array with an axis of samples."""
        array = self.batch.array(name)
        dtype = np.dtype(object) if array.metadata["dtype"] == "|O" else np.dtype(array.metadata["dtype"])
        out = np.empty((len(rows), len(samples), *array.shape[2:]), dtype)
        width = array.chunks[1]
        for sample_chunk in np.unique(samples // width).tolist():
            mine = np.flatnonzero(samples // width == sample_chunk)
            block = _chunk(array, chunk, sample_chunk)
            out[:, mine] = block[rows][:, samples[mine] - sample_chunk * width]
        return out


def _chunk(array: StoredArray, chunk: int, sample_chunk: int) -> NDArray[Any]:
    """A chunk of an array (variants, samples, ...), padded as it is stored; fill where it was left out."""
    text = array.metadata["dtype"] == "|O"
    dtype = np.dtype(object if text else array.metadata["dtype"])
    data = array.raw(chunk, sample_chunk, *[0] * (len(array.shape) - 2))
    if data is None:
        fill = array.metadata["fill_value"]
        return np.full(array.chunks, ("" if text else 0) if fill is None else fill, dtype)
    out = decode(data, array.metadata["compressor"], array.metadata["filters"])
    flat: NDArray[Any] = out if text else np.frombuffer(out, dtype)
    return flat.reshape(array.chunks)


class ForeignArrays:
    """Arrays of a VCF Zarr store that somebody else wrote, through zarr-python."""

    def __init__(self, store: ForeignStore) -> None:
        self.store, self.group = store, store.group

    @cached_property
    def names(self) -> list[str]:
        names = sorted(self.group.array_keys())
        return names + [LITERAL + name for name in names if self._has_literal(name)]

    def _has_literal(self, name: str) -> bool:
        """Whether an export of ours has kept where the integers of an array are numbers."""
        if LITERAL + name not in self.group:
            return False
        mask: Any = self.group[LITERAL + name]
        wanted = self.shape(name)
        per_call = 1 if name.startswith("variant_") else 2
        return mask.dtype == np.bool_ and tuple(mask.shape) == (wanted if len(wanted) > per_call else (*wanted, 1))

    def dims(self, name: str) -> list[str]:
        array = self.group[name]
        named = array.attrs.get("_ARRAY_DIMENSIONS") or getattr(array.metadata, "dimension_names", None)
        return list(named or [])

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.group[name].shape)

    def dtype(self, name: str) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self.group[name].dtype)
        return np.dtype(object) if dtype.kind in "TUS" else dtype

    def description(self, name: str) -> str:
        return str(self.group[name].attrs.get("description", ""))

    def whole(self, name: str) -> NDArray[Any]:
        return np.asarray(self.group[name][...])

    def _span(self, chunk: int, rows: Rows) -> tuple[slice, Rows]:
        """What to ask zarr for, and where the rows are in it."""
        if not len(rows):
            return slice(0, 0), rows
        first, end = int(rows[0]), int(rows[-1]) + 1
        begin = chunk * self.store.chunk_variants
        return slice(begin + first, begin + end), rows - first

    def rows(self, name: str, chunk: int, rows: Rows) -> NDArray[Any]:
        span, inside = self._span(chunk, rows)
        return _as_objects(self.group[name][span])[inside]

    def calls(self, name: str, chunk: int, rows: Rows, samples: Rows) -> NDArray[Any]:
        """(rows, samples, ...) of an array with an axis of samples."""
        span, inside = self._span(chunk, rows)
        low, high = (int(samples.min()), int(samples.max()) + 1) if len(samples) else (0, 0)
        return _as_objects(self.group[name][span, low:high])[inside][:, samples - low]


def _as_objects(values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    return array.astype(object) if array.dtype.kind in "TUS" else array


def field_arrays(arrays: Arrays, prefix: str, reserved: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(key, array) of the INFO (``variant_``) or FORMAT (``call_``) fields that a store has."""
    names = set(arrays.names)
    for name in arrays.names:
        base = name.rpartition("_")[0]
        is_mask = name.endswith(("_mask", "_fill")) and base in names
        if name.startswith(prefix) and name not in reserved and not is_mask:
            yield name.removeprefix(prefix), name
        elif name.startswith(ODD_NAMES + prefix):
            yield name.removeprefix(ODD_NAMES + prefix).replace("%2F", "/").replace("%25", "%"), name
