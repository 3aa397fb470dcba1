"""Values of one field of some records, compact: between the kernels that read them and the chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import fields as _fields
from ..storage.field_exceptions import FieldValues

# A row this much wider than its neighbours is kept apart.
_MAX_WASTE = 4


@dataclass(frozen=True)
class FieldBlock:
    """A field of some rows.

    values : (rows, samples, values) int8 to int32, or int32 bits of float32; of text (rows, samples, values, 2),
        offset and length in ``text``. What is beyond the values of a call is fill
    present : (rows,) bool, the record has the field; rows that are not present mean nothing
    literal : bool like ``values``, where -1 and -2 are numbers; None where they nowhere are
    wide : rows with many more values than the others, each as a block of its own; not present here
    """

    values: NDArray[Any]
    present: NDArray[np.bool_]
    literal: NDArray[np.bool_] | None = None
    text: NDArray[np.uint8] | None = None
    wide: tuple[tuple[int, FieldBlock], ...] = ()

    @property
    def num_rows(self) -> int:
        return len(self.present)

    @property
    def width(self) -> int:
        return int(self.values.shape[2])

    def rows(self, begin: int, end: int) -> FieldBlock:
        """The rows ``begin`` to ``end``, as views."""
        return FieldBlock(
            self.values[begin:end],
            self.present[begin:end],
            None if self.literal is None else self.literal[begin:end],
            self.text,
            tuple((row - begin, block) for row, block in self.wide if begin <= row < end),
        )


def make_block(
    kind: int, cells: NDArray[Any], start: NDArray[np.int64], width: NDArray[np.int32], num_samples: int,
    text: NDArray[np.uint8] | None,
) -> FieldBlock | None:  # fmt: skip
    """Gather the cells of a field (see ``kernels.fields``); None where no row has it.

    start : (rows,) int64    width : (rows,) int32, 0 where the record does not have the field
    """
    present = width > 0
    inline, wide = np.flatnonzero(present), np.zeros(0, np.int64)
    if num_samples > 1:
        inline, wide = _split(width, inline)
    if not len(inline):
        return None
    blocks = tuple(
        (int(row), _gather(kind, cells, start, width, np.array([row]), np.array([True]), num_samples, text))
        for row in wide
    )
    mask = present.copy()
    mask[wide] = False
    block = _gather(kind, cells, start, width, inline, mask, num_samples, text)
    return FieldBlock(block.values, mask, block.literal, text, blocks)


def _split(width: NDArray[np.int32], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of near one width, and the few that are so wide that they would blow up the others."""
    order = rows[np.argsort(width[rows], kind="stable")]
    sizes = width[order].astype(np.int64)
    totals = np.cumsum(sizes)
    fits = sizes * np.arange(1, len(sizes) + 1) <= _MAX_WASTE * totals
    keep = int(np.flatnonzero(fits)[-1]) + 1 if len(sizes) else 0
    return np.sort(order[:keep]), np.sort(order[keep:])


def _gather(
    kind: int, cells: NDArray[Any], start: NDArray[np.int64], width: NDArray[np.int32], rows: NDArray[np.int64],
    present: NDArray[np.bool_], num_samples: int, text: NDArray[np.uint8] | None,
) -> FieldBlock:  # fmt: skip
    """Copy the cells of ``rows`` to the places that ``present`` has for them."""
    shape = (len(rows), num_samples, int(width[rows].max()))
    literal = None
    if kind == _fields.INTEGER:
        low, high, literals = _fields.integer_bounds(cells, start, width, rows, num_samples)
        values = np.empty(shape, np.min_scalar_type(-max(high + 1, -low)))
        mask = np.zeros(shape if literals else (1, 1, 1), np.bool_)
        _fields.put_integers(cells, start, width, rows, num_samples, values, mask, literals > 0)
        literal = mask if literals else None
    elif kind == _fields.FLOAT:
        values = np.empty(shape, np.int32)
        _fields.put_floats(cells, start, width, rows, num_samples, values)
    else:
        values = np.empty((*shape, 2), cells.dtype)
        _fields.put_text(cells, start, width, rows, num_samples, values)
    if len(rows) == len(present):
        return FieldBlock(values, present, literal, text)
    return FieldBlock(_spread(values, present), present, None if literal is None else _spread(literal, present), text)


def _spread(values: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[Any]:
    out = np.zeros((len(present), *values.shape[1:]), values.dtype)
    out[present] = values
    return out


def block_of(found: FieldValues) -> FieldBlock:
    """A field of VCF Zarr: (rows, samples[, values]) integers, float32, or object of text.

    A record whose every call is missing does not have the field: VCF Zarr cannot tell the two apart.
    """
    values = found.values
    values = values if values.ndim == 3 else values[:, :, np.newaxis]
    if values.dtype.kind == "f":
        bits = np.ascontiguousarray(values, np.float32).view(np.int32)
        return FieldBlock(bits, _any_call((bits != _fields.FLOAT_MISSING) & (bits != _fields.FLOAT_FILL)))
    if values.dtype.kind in "iu":
        numbers = (values >= 0) | (values < -2)
        literal = None if found.literal is None else found.literal.reshape(values.shape)
        if literal is None or not literal.any():
            return FieldBlock(np.ascontiguousarray(values), _any_call(numbers))
        return FieldBlock(np.ascontiguousarray(values), _any_call(numbers | literal), np.ascontiguousarray(literal))
    texts = [str(text).encode() for text in values.reshape(-1).tolist()]
    lengths = np.array([len(text) for text in texts], np.int32)
    pairs = np.stack([np.cumsum(lengths) - lengths, lengths], axis=1).astype(np.int32)
    pairs[[text == b"." for text in texts], 1] = _fields.TEXT_MISSING
    pairs[lengths == 0, 1] = _fields.TEXT_FILL
    pairs = pairs.reshape(*values.shape, 2)
    arena = np.frombuffer(bytearray(b"".join(texts) or b"\0"), np.uint8)
    return FieldBlock(pairs, _any_call(pairs[..., 1] >= 0), None, arena)


def _any_call(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Records with a call that the mask (rows, samples, values) has."""
    out: NDArray[np.bool_] = np.logical_or.reduce(mask, axis=(1, 2))
    return out
