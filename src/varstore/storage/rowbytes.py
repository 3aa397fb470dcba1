"""Columns of records as text or bytes in one arena: what writers of VCF, BCF and PLINK put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RepositoryError
from ..kernels import text as _text

Offsets = NDArray[np.int64]
FLOAT_MISSING, FLOAT_FILL = 0x7F800001, 0x7F800002


@dataclass(frozen=True)
class RowBytes:
    """Bytes of each row, one row behind the other; as text, every cell is ended by a tab.

    arena : uint8    start : (rows + 1,) int64    present : (rows,) bool, some cell of the row has a value
    """

    arena: NDArray[np.uint8]
    start: Offsets
    present: NDArray[np.bool_] | None = None

    @property
    def num_rows(self) -> int:
        return len(self.start) - 1

    @cached_property
    def sizes(self) -> Offsets:
        return np.diff(self.start)

    def gather(self, codes: NDArray[Any]) -> RowBytes:
        """Row ``codes[i]`` at row ``i``."""
        start = np.concatenate(([0], np.cumsum(self.sizes[codes]))).astype(np.int64)
        out = np.empty(int(start[-1]), np.uint8)
        _text.gather(self.arena, self.start, np.ascontiguousarray(codes, np.int64), out, start)
        return RowBytes(out, start)

    def replaced(self, texts: Mapping[int, str]) -> RowBytes:
        """The same with other cells in some rows."""
        if not texts:
            return self
        new = from_blobs([f"{text}\t".encode() for text in texts.values()])
        cells = np.arange(self.num_rows)
        cells[list(texts)] = self.num_rows + np.arange(len(texts))
        start = np.concatenate([self.start[:-1], new.start + self.start[-1]])
        # A row ends where the next one begins: the old rows and the new ones stand one behind the other.
        whole = RowBytes(np.concatenate([self.arena[: self.start[-1]], new.arena]), start).gather(cells)
        present = None if self.present is None else self.present.copy()
        if present is not None:
            present[list(texts)] = True
        return RowBytes(whole.arena, whole.start, present)


def from_strings(strings: Sequence[str], cells: int = 1) -> RowBytes:
    """Text of ``cells`` strings a row. Raises RepositoryError where one holds a tab or a line end."""
    text = "\t".join(strings) + "\t" if len(strings) else ""
    arena = np.frombuffer(text.encode(), np.uint8)
    ends = np.flatnonzero(arena == _text.TAB) + 1
    if len(ends) != len(strings) or (arena == _text.NEWLINE).any():
        raise RepositoryError("a text of the store holds a tab or a line end, which VCF cannot")
    return RowBytes(arena, np.concatenate(([0], ends[cells - 1 :: cells])).astype(np.int64))


def from_blobs(blobs: Sequence[bytes]) -> RowBytes:
    """One blob a row."""
    start = np.concatenate(([0], np.cumsum([len(blob) for blob in blobs], dtype=np.int64))).astype(np.int64)
    return RowBytes(np.frombuffer(b"".join(blobs), np.uint8), start)


def from_integers(values: NDArray[Any], literal: NDArray[np.bool_] | None = None, cells: int = 1) -> RowBytes:
    """Print integers of VCF Zarr, (rows * cells, width): -1 missing, -2 end, but for ``literal`` ones."""
    values = np.ascontiguousarray(values, np.int32)
    literal = np.zeros((0, 0), np.bool_) if literal is None else np.ascontiguousarray(literal)
    num_rows = len(values) // cells
    out = np.empty(len(values) * (values.shape[1] * _text.INTEGER_BYTES + 2), np.uint8)
    start, present = np.zeros(num_rows + 1, np.int64), np.zeros(num_rows, np.bool_)
    used = _text.integers(values, literal, cells, out, start, present)
    return RowBytes(out[:used], start, present)


def from_floats(values: NDArray[Any], cells: int = 1) -> RowBytes:
    """Print floats of VCF Zarr, (rows * cells, width), with as few digits as say the same float32."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    distinct, codes = np.unique(bits, return_inverse=True)
    codes = codes.reshape(values.shape).astype(np.int64)
    codes[bits == FLOAT_MISSING] = -1
    codes[bits == FLOAT_FILL] = -2
    return _vectors(from_strings(float_texts(distinct.view(np.float32))), codes, cells)


def from_texts(values: NDArray[Any], cells: int = 1) -> RowBytes:
    """Join strings of VCF Zarr, (rows * cells, width) object: ``.`` missing, empty the end."""
    flat = values.reshape(-1).tolist()
    table = from_strings([str(text) for text in flat])
    empty = table.sizes == 1
    codes = np.arange(len(flat))
    codes[empty] = -2
    codes[~empty & (table.arena[table.start[:-1]] == _text.DOT) & (table.sizes == 2)] = -1
    return _vectors(table, codes.reshape(values.shape), cells)


def _vectors(table: RowBytes, codes: Offsets, cells: int) -> RowBytes:
    num_rows = len(codes) // cells
    start, present = np.zeros(num_rows + 1, np.int64), np.zeros(num_rows, np.bool_)
    out = np.empty(0, np.uint8)
    if codes.size:
        size = _text.vectors(table.arena, table.start, codes, cells, out, start, present)
        # A vector of nothing but missing values is written out before it becomes one dot.
        out = np.empty(size + 2 * codes.shape[1] + 2, np.uint8)
        _text.vectors(table.arena, table.start, codes, cells, out, start, present)
        out = out[:size]
    return RowBytes(out, start, present)


def float_texts(values: NDArray[np.float32]) -> list[str]:
    """The shortest decimal of each float32 that reads as the same one."""
    texts = []
    for text in values.astype("U32").tolist():
        whole, dot, fraction = text.partition(".")
        texts.append(whole if dot and fraction == "0" else text)
    return texts


def from_genotypes(codes: NDArray[Any], phased: NDArray[np.bool_], has_gt: NDArray[np.bool_]) -> RowBytes:
    """Print calls, a cell a sample, in rows that have GT.

    codes : (rows, samples, ploidy) int8 or int16    phased : (rows, samples)    has_gt : (rows,)
    """
    digits = 4 if codes.dtype.itemsize == 1 else 6
    num_rows, num_samples, ploidy = codes.shape
    out = np.empty(num_rows * num_samples * max(2, ploidy * digits), np.uint8)
    start = np.zeros(num_rows + 1, np.int64)
    used = _text.genotypes(codes, phased, has_gt, out, start)
    return RowBytes(out[:used], start, has_gt)


def weave_info(fields: Sequence[tuple[str, RowBytes]], num_rows: int) -> RowBytes:
    """The INFO column out of fields with a cell a row; an empty cell is a flag."""
    arena, start, present, names, size = _woven(fields, num_rows)
    out = np.empty(size + 2 * num_rows, np.uint8)
    out_start = np.zeros(num_rows + 1, np.int64)
    used = _text.weave_info(arena, start, present, names.arena, names.start, out, out_start)
    return RowBytes(out[:used], out_start)


def weave_calls(fields: Sequence[tuple[str, RowBytes]], num_rows: int, num_samples: int) -> RowBytes:
    """The FORMAT column and those of the samples, out of fields with a cell a sample."""
    arena, start, present, names, size = _woven(fields, num_rows)
    out = np.empty(size + 2 * num_rows * (1 + num_samples), np.uint8)
    out_start = np.zeros(num_rows + 1, np.int64)
    used = _text.weave_calls(arena, start, present, names.arena, names.start, num_samples, out, out_start)
    return RowBytes(out[:used], out_start)


def _woven(fields: Sequence[tuple[str, RowBytes]], num_rows: int) -> tuple[Any, Any, Any, RowBytes, int]:
    """One arena of all fields, where each begins in it, what is there, the keys, and room for it all."""
    arena, start = _side_by_side([column for _, column in fields], num_rows)
    present = np.ones((len(fields), num_rows), np.bool_)
    for i, (_, column) in enumerate(fields):
        if column.present is not None:
            present[i] = column.present
    names = from_strings([name for name, _ in fields])
    return arena, start, present, names, len(arena) + (len(names.arena) + 2 * len(fields)) * num_rows


def _side_by_side(columns: Sequence[RowBytes], num_rows: int) -> tuple[NDArray[np.uint8], Offsets]:
    start = np.empty((len(columns), num_rows + 1), np.int64)
    at = 0
    for i, column in enumerate(columns):
        start[i] = column.start + at
        at += len(column.arena)
    if len(columns) == 1:
        return columns[0].arena, start
    return np.concatenate([np.empty(0, np.uint8), *(column.arena for column in columns)]), start


def join_rows(columns: Sequence[RowBytes]) -> tuple[NDArray[np.uint8], Offsets]:
    """The columns of each row behind one another.

    Returns the arena, and (rows + 1, columns) int64: where each column begins in it, the end in the last row.
    """
    num_rows = columns[0].num_rows
    arena, start = _side_by_side(columns, num_rows)
    out = np.empty(len(arena), np.uint8)
    field_start = np.empty((num_rows + 1, len(columns)), np.int64)
    _text.join_rows(arena, start, out, field_start)
    return out, field_start
