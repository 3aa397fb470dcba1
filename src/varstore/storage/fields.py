"""INFO and FORMAT fields of a batch, read back: arrays, literals, overflow and what is odd, as one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from .arrays import StoredArray, decode
from .field_beside import FILL, MISSING, OVERFLOW, OddCall, odd_calls, odd_info, overflow_places
from .field_table import Field, declared_fields

if TYPE_CHECKING:
    from .parts import ReadablePart


@dataclass(frozen=True)
class FieldChunk:
    """A field of some records, as VCF Zarr has it, and what VCF Zarr cannot say.

    values : (rows, values) of INFO, (rows, samples, values) of FORMAT; ints, float32, bool or object of str
    literal : bool of that shape, where -1 and -2 are numbers; None where they nowhere are
    overflow : row to the (samples, values) that the array is too narrow for; ints there are MISSING and FILL of
        this module where they are no numbers
    """

    values: NDArray[Any]
    literal: NDArray[np.bool_] | None
    overflow: dict[int, NDArray[Any]]

    def row(self, row: int) -> NDArray[Any]:
        """(values,) or (samples, values) of one record; ints with MISSING and FILL, which no number is."""
        values: NDArray[Any] = self.overflow[row] if row in self.overflow else self.values[row]
        if row in self.overflow:
            return values
        if values.dtype.kind != "i":
            return values
        out = values.astype(np.int32)
        numbers = np.zeros(out.shape, np.bool_) if self.literal is None else self.literal[row]
        out[(values == -1) & ~numbers] = MISSING
        out[(values == -2) & ~numbers] = FILL
        return out


class BatchFields:
    """The fields of one batch."""

    def __init__(self, part: ReadablePart) -> None:
        self.part = part
        known = {field.array: field for field in declared_fields(part.read("varstore/header.vcf").decode())}
        names = [name.removesuffix("/.zarray") for name in part.entries if name.endswith("/.zarray")]
        for name in names:
            # Undeclared fields: what they are called follows from the array.
            short = name.removeprefix("varstore/field/")
            if name not in known and (name == short or name.startswith("varstore/field/")):
                category = {"variant": "INFO", "call": "FORMAT"}.get(short.partition("_")[0])
                if category and "/" not in short:
                    key = short.partition("_")[2].replace("%2F", "/").replace("%25", "%")
                    field = Field(category, key, declared=False)
                    if field.array == name:
                        known[name] = field
        self.fields: dict[str, Field] = {known[name].name: known[name] for name in sorted(set(known) & set(names))}

    def chunk(self, name: str, chunk: int) -> FieldChunk:
        """Records of a chunk of variants, all samples. ``name``: like ``INFO/AC``. Raises KeyError."""
        field = self.fields[name]
        array = StoredArray(self.part, field.array)
        values = _read(array, chunk)
        literal = None
        if self.part.has(f"varstore/literal/{field.array}/.zarray"):
            literal = _read(StoredArray(self.part, f"varstore/literal/{field.array}"), chunk)
        flat = values.ndim == (1 if field.category == "INFO" else 2)
        begin = chunk * array.chunks[0]
        return FieldChunk(
            values[..., np.newaxis] if flat else values,
            literal,
            {row - begin: v for row, v in self._overflow(field, begin, begin + len(values))},
        )

    def _overflow(self, field: Field, begin: int, end: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Overflowing rows of the records ``begin`` to ``end``."""
        name = OVERFLOW + field.array
        if not self._has(name):
            return
        num_samples = StoredArray(self.part, "sample_id").shape[0]
        records, starts = overflow_places(self._whole, name, num_samples)
        low, high = np.searchsorted(records, [begin, end]).tolist()
        array = StoredArray(self.part, name)
        for i in range(low, high):
            values = read_slice(array, int(starts[i]), int(starts[i + 1]))
            yield int(records[i]), values.reshape(num_samples, -1)

    def _has(self, name: str) -> bool:
        return self.part.has(f"{name}/.zarray")

    def _whole(self, name: str) -> NDArray[Any]:
        return StoredArray(self.part, name).read()

    @cached_property
    def odd_info(self) -> dict[int, str]:
        """INFO as text, by record, where the arrays do not hold it whole."""
        return odd_info(self._has, self._whole)

    @cached_property
    def odd_calls(self) -> dict[int, list[OddCall]]:
        """Calls by record that the arrays do not hold whole."""
        return odd_calls(self._has, self._whole)


def read_slice(array: StoredArray, begin: int, end: int) -> NDArray[Any]:
    """Items of a one-dimensional array."""
    size = array.chunks[0]
    parts = [array.chunk(i) for i in range(begin // size, -(-end // size))]
    first = begin // size * size
    return np.concatenate(parts)[begin - first : end - first] if parts else np.zeros(0, np.int32)


def _read(array: StoredArray, chunk: int) -> NDArray[Any]:
    """Rows of a chunk of variants, all chunks of the other axes, cut to the real shape."""
    rows = min(array.chunks[0], array.shape[0] - chunk * array.chunks[0])
    text = array.metadata["dtype"] == "|O"
    out = np.empty((rows, *array.shape[1:]), object if text else array.metadata["dtype"])
    counts = [-(-n // c) for n, c in zip(array.shape[1:], array.chunks[1:], strict=True)]
    for index in itertools.product(*map(range, counts)):
        place = tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, array.chunks[1:], strict=True))
        target = out[(slice(None), *place)]
        data = array.raw(chunk, *index)
        if data is None:
            target[...] = array.metadata["fill_value"] or 0
            continue
        try:
            flat = decode(data, array.metadata["compressor"], array.metadata["filters"])
            whole = flat if text else np.frombuffer(flat, array.metadata["dtype"])
            target[...] = whole.reshape(array.chunks)[tuple(slice(n) for n in target.shape)]
        except (RuntimeError, ValueError) as error:
            raise CorruptRepositoryError(f"{array.part.folder / array.name}: chunk {chunk}: {error}") from None
    return out
