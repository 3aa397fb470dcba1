"""INFO and FORMAT fields of some records and samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..storage.batch import Batch
from ..storage.fields import FieldChunk
from .plan import ChunkRead, Store

_FLOAT_FILL, _FLOAT_MISSING = 0x7F800002, 0x7F800001


def read_fields(
    stores: Sequence[Store],
    reads: Sequence[ChunkRead],
    columns: Sequence[NDArray[np.int64]],
    num_samples: int,
    names: Sequence[str],
) -> Mapping[str, NDArray[Any]]:
    """Values of fields by the name of their array, with VCF Zarr's missing and fill; what overflows included.

    columns : for each store, which samples of the result its samples are, and -1 for those not asked for
    names : like ``INFO/AC``, ``FORMAT/DP``; INFO is that of the first batch

    Raises QueryError.
    """
    batches = [store for store in stores if isinstance(store, Batch)]
    known = {name for batch in batches for name in batch.fields.fields}
    for name in names:
        if name not in known:
            raise QueryError(f"no field {name!r} in the repository; there are {', '.join(sorted(known)) or 'none'}")
    out = {}
    for name in names:
        parts = [_read(batches, read, columns, num_samples, name) for read in reads]
        array = next(batch.fields.fields[name].array for batch in batches if name in batch.fields.fields)
        out[array] = stacked(parts, name, num_samples)
    return out


def _read(
    batches: Sequence[Batch], read: ChunkRead, columns: Sequence[NDArray[np.int64]], num_samples: int, name: str
) -> NDArray[Any]:
    """Rows of one chunk: (rows, values), or (rows, samples, values) of all samples asked for."""
    rows = np.arange(len(batches[0].site_chunk(read.chunk).position)) if read.rows is None else read.rows
    if name.startswith("INFO/"):
        if name in batches[0].fields.fields:
            return _rows(batches[0].fields.chunk(name, read.chunk), rows)
        return np.zeros((len(rows), 0), np.int8)
    found = [
        (column, _rows(batch.fields.chunk(name, read.chunk), rows))
        for batch, column in zip(batches, columns, strict=True)
        if name in batch.fields.fields and (column >= 0).any()
    ]
    width = max((values.shape[2] for _, values in found), default=0)
    dtype = np.result_type(*(values.dtype for _, values in found)) if found else np.dtype(np.int8)
    out = _empty((len(rows), num_samples, width), dtype, missing=True)
    for column, values in found:
        out[:, column[column >= 0]] = _widened(values, width)[:, column >= 0]
    return out


def _rows(chunk: FieldChunk, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Some rows, those that overflow too."""
    width = max([chunk.values.shape[-1], *(v.shape[-1] for r, v in chunk.overflow.items() if r in rows)])
    values = _widened(chunk.values[rows], width)
    for i, row in enumerate(rows.tolist()):
        if row in chunk.overflow:
            whole = chunk.overflow[row]
            if whole.dtype.kind == "i":
                values = values.astype(np.result_type(values.dtype, np.int32))
                # -2147483648 and -2147483647 are missing and fill there.
                whole = np.where(whole <= -2147483647, -1 - (whole == -2147483647), whole)
            values[i] = _widened(whole, width)
    return values


def _widened(values: NDArray[Any], width: int) -> NDArray[Any]:
    out = _empty((*values.shape[:-1], width), values.dtype, missing=False)
    out[..., : values.shape[-1]] = values
    return out


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any], *, missing: bool) -> NDArray[Any]:
    """An array of missing, or of fill."""
    if dtype.kind == "f":
        return np.full(shape, _FLOAT_MISSING if missing else _FLOAT_FILL, np.int32).view(np.float32)
    if dtype.kind == "b":
        return np.zeros(shape, np.bool_)
    if dtype.kind == "O":
        return np.full(shape, "." if missing else "", object)
    return np.full(shape, -1 if missing else -2, dtype)


def stacked(parts: Sequence[NDArray[Any]], name: str, num_samples: int) -> NDArray[Any]:
    """Chunks one after another, without the axis of values where all have one."""
    if not parts:
        return np.zeros((0,) if name.startswith("INFO/") else (0, num_samples), np.int8)
    width = max(part.shape[-1] for part in parts)
    whole = np.concatenate([_widened(part, width) for part in parts])
    return whole[..., 0] if width == 1 else whole
