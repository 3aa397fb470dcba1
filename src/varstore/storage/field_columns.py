"""Arrays of INFO and FORMAT fields while they are written: their widths and dtypes grow until the end."""

from __future__ import annotations

import itertools
import struct
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import ArraySpec, MapTasks, decode, finish, pack_text, shuffle
from .field_table import Field
from .parts import PartWriter

# Calls are many, and depths and qualities are no smaller at a higher level.
_LEVEL = {"INFO": 3, "FORMAT": 1}
_FLOAT_MISSING, _FLOAT_FILL = 0x7F800001, 0x7F800002
_ROWS = 1 << 16


@dataclass(frozen=True)
class Chunk:
    """What was written of a chunk. present : packed bits of the records that have the field."""

    width: int
    itemsize: int
    present: bytes


class FieldWriter:
    """The array of one field. Chunks may come in any order and from several threads.

    Chunks of integers and flags in which everything is missing are left out.
    """

    def __init__(self, part: PartWriter, field: Field, chunk_variants: int, chunk_samples: int) -> None:
        self.part, self.field = part, field
        self.rows = chunk_variants
        self.samples = chunk_samples if field.category == "FORMAT" else 1
        self.width = field.fixed_number or 1
        self.itemsize = 1
        self.num_literals = 0
        self._flat = field.number in ("0", "1", ".")
        self._chunks: dict[tuple[int, int], Chunk] = {}
        self._literals: dict[tuple[int, int], int] = {}
        self._lock = threading.Lock()

    def grow(self, width: int, itemsize: int) -> tuple[int, int]:
        """Take note of a chunk's need; return the width and item size to write it with."""
        with self._lock:
            self.width, self.itemsize = max(self.width, width), max(self.itemsize, itemsize)
            return self.width, self.itemsize

    def put(
        self, chunk: int, sample_chunk: int, data: NDArray[Any] | bytes, literal: NDArray[np.bool_] | None,
        width: int, present: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        """Write a whole chunk: (rows, samples, values) numbers, or packed text."""
        itemsize = 0 if isinstance(data, bytes) else data.itemsize
        key = (chunk, sample_chunk)
        if literal is not None and literal.any():
            self._write_literal(key, literal)
        elif not isinstance(data, bytes) and not _has_values(data, present):
            return
        with self._lock:
            self._chunks[key] = Chunk(width, itemsize, np.packbits(present).tobytes())
        self.part.write(self._name(key, self._flat), self._spec(itemsize, width).encode(data))

    def _write_literal(self, key: tuple[int, int], literal: NDArray[np.bool_]) -> None:
        with self._lock:
            again = key in self._literals
            self._literals[key] = literal.shape[-1]
        name = "varstore/literal/" + self._name(key, flat=False)
        (self.part.rewrite if again else self.part.write)(name, self._literal_spec(()).encode(literal))

    def _spec(self, itemsize: int, width: int, dims: tuple[str, ...] = ()) -> ArraySpec:
        """The array with ``width`` values a call: first values together, then second ones, compress better."""
        field = self.field
        compressor = {"id": "zstd", "level": _LEVEL[field.category], "checksum": True}
        dtype: str = "|O"
        fill: bool | int | None = None
        if field.type == "Flag":
            dtype, fill = "|b1", False
        elif field.type == "Integer":
            dtype, fill = {1: "|i1", 2: "<i2", 4: "<i4"}[itemsize], -1
        elif field.type == "Float":
            dtype = "<f4"
        filters = None if dtype == "|O" else shuffle(width * np.dtype(dtype).itemsize)
        return ArraySpec(field.array, dtype, dims, field.description, fill, filters, compressor)

    def _literal_spec(self, dims: tuple[str, ...]) -> ArraySpec:
        name, filters = f"varstore/literal/{self.field.array}", [{"id": "packbits"}]
        return ArraySpec(name, "|b1", dims, "The value is a number, not missing or fill", fill=False, filters=filters)

    def _name(self, key: tuple[int, int], flat: bool) -> str:
        numbers = [key[0]] if self.field.category == "INFO" else list(key)
        return f"{self.field.array}/" + ".".join(map(str, numbers if flat else [*numbers, 0]))

    def finish(self, num_variants: int, num_samples: int, width: int, dim: str, map_tasks: MapTasks = map) -> None:
        """Make all chunks alike, and write the metadata.

        dim : name of the axis of values, if there is one    map_tasks : runs what is much in threads
        """
        flat = width == 1 and not dim
        if self.field.category == "INFO":
            num_samples = 1
        if self.field.is_text or self.field.type == "Float":
            self._fill_up(-(-num_variants // self.rows), -(-num_samples // self.samples), width)
        itemsize = {"Float": 4, "Integer": self.itemsize}.get(self.field.type, 1)

        def make_alike(task: tuple[tuple[int, int], Chunk]) -> None:
            key, chunk = task
            old, new = self._name(key, self._flat), self._name(key, flat)
            if chunk.width != width or (self.field.type == "Integer" and chunk.itemsize != itemsize):
                data = self._widened(key, chunk, width, itemsize)
                self.part.remove(old)
                self.part.write(new, self._spec(itemsize, width).encode(data))
            elif old != new:
                self.part.rename(old, new)

        # Chunks of FORMAT may be large: one at a time.
        for _ in (map_tasks if self.field.category == "INFO" else map)(make_alike, self._chunks.items()):
            pass
        shape, chunks = [num_variants], [self.rows]
        dims = ["variants"]
        if self.field.category == "FORMAT":
            shape, chunks, dims = [*shape, num_samples], [*chunks, self.samples], [*dims, "samples"]
        whole = ([*shape, width], [*chunks, width], [*dims, dim or f"{self.field.category}_{self.field.key}_dim"])
        sizes = (shape, chunks, dims) if flat else whole
        finish(self.part, self._spec(itemsize, width, tuple(sizes[2])), sizes[0], sizes[1])
        if self._literals:
            for key, narrow in self._literals.items():
                if narrow != width:
                    self._widen_literal(key, narrow, width)
            finish(self.part, self._literal_spec(tuple(whole[2])), whole[0], whole[1])

    def _fill_up(self, num_chunks: int, num_sample_chunks: int, width: int) -> None:
        """Write the chunks in which no record has the field: no fill value of Zarr's stands for missing here."""
        absent = np.zeros(self.rows, np.bool_)
        shape = (self.rows, self.samples, width)
        data: NDArray[Any] | bytes
        if self.field.is_text:
            items = np.zeros((self.rows * self.samples * width, 5), np.uint8)
            items[:, 0], items[:, 4] = 1, ord(".")
            data = struct.pack("<I", len(items)) + items.tobytes()
        else:
            data = new_chunk("Float", shape, 4, absent)
        encoded = self._spec(4, width).encode(data)
        for key in itertools.product(range(num_chunks), range(num_sample_chunks)):
            if key not in self._chunks:
                self._chunks[key] = Chunk(width, 4, np.packbits(absent).tobytes())
                self.part.write(self._name(key, self._flat), encoded)

    def _widened(self, key: tuple[int, int], chunk: Chunk, width: int, itemsize: int) -> NDArray[Any] | bytes:
        """A chunk once more, with room for ``width`` values of ``itemsize`` bytes."""
        spec = self._spec(chunk.itemsize, chunk.width)
        encoded = self.part.read(self._name(key, self._flat))
        present = np.unpackbits(np.frombuffer(chunk.present, np.uint8), count=self.rows).astype(np.bool_)
        if self.field.is_text:
            return self._widened_text(decode(encoded, spec.compressor, None), chunk.width, width, present)
        data = np.frombuffer(decode(encoded, spec.compressor, spec.all_filters), np.dtype(spec.dtype))
        old = data.reshape(self.rows, self.samples, chunk.width)
        new = new_chunk(self.field.type, (self.rows, self.samples, width), itemsize, present)
        new[:, :, : chunk.width] = old if new.dtype != np.float32 else old.view(new.dtype)
        return new

    def _widened_text(self, packed: bytes, narrow: int, width: int, present: NDArray[np.bool_]) -> bytes:
        from ..kernels.packed import widen_packed  # noqa: PLC0415 - numba: readers of fields do without

        data = np.frombuffer(packed, np.uint8)[4:]
        out = np.empty(len(data) + 5 * self.rows * self.samples * (width - narrow), np.uint8)
        used = widen_packed(data, self.rows, self.samples, narrow, width, present, out)
        return struct.pack("<I", self.rows * self.samples * width) + out[:used].tobytes()

    def _widen_literal(self, key: tuple[int, int], narrow: int, width: int) -> None:
        name = "varstore/literal/" + self._name(key, flat=False)
        spec = self._literal_spec(())
        old = np.asarray(decode(self.part.read(name), spec.compressor, spec.all_filters)).view(np.bool_)
        new = np.zeros((self.rows, self.samples, width), np.bool_)
        new[:, :, :narrow] = old.reshape(self.rows, self.samples, narrow)
        self.part.rewrite(name, spec.encode(new))


def new_chunk(
    kind: str, shape: tuple[int, int, int], itemsize: int, present: NDArray[np.bool_]
) -> NDArray[Any]:  # fmt: skip
    """A chunk of a field of numbers: fill in the records that have it, missing in the others."""
    if kind == "Flag":
        return np.zeros(shape, np.bool_)
    if kind == "Integer":
        out = np.full(shape, -2, f"i{itemsize}")
        out[~present] = -1
        return out
    bits = np.full(shape, _FLOAT_FILL, np.int32)
    bits[~present] = _FLOAT_MISSING
    return bits.view(np.float32)


def _has_values(data: NDArray[Any], present: NDArray[np.bool_]) -> bool:
    """Whether a chunk of numbers must be written: absent rows of integers and flags are the array's fill."""
    if data.dtype == np.float32:
        return True
    return bool(present.any())


def write_list(part: PartWriter, spec: ArraySpec, values: Any) -> None:
    """Write a one-dimensional array in chunks of rows; text as a list of str."""
    num = len(values)
    rows = max(1, min(num, _ROWS))
    for i, begin in enumerate(range(0, num, rows)):
        piece = values[begin : begin + rows]
        if spec.dtype == "|O":
            data: Any = pack_text([*piece, *[""] * (rows - len(piece))])
        else:
            data = np.zeros(rows, spec.dtype)
            data[: len(piece)] = piece
        part.write(f"{spec.name}/{i}", spec.encode(data))
    finish(part, spec, (num,), (rows,))
