"""INFO and FORMAT fields of a stored batch against htslib's reading of its source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage.batch import Batch
from ..storage.field_beside import FILL, MISSING
from ..storage.fields import FieldChunk

_FLOAT_MISSING, _FLOAT_FILL = 0x7F800001, 0x7F800002
Difference = tuple[str, Any, Any]


@dataclass(frozen=True)
class FieldsRead:
    """INFO and FORMAT of a record as cyvcf2 reads them; it goes from one process to another.

    info : pairs of key and value    calls : values of every FORMAT field but GT, by key
    """

    info: list[tuple[str, Any]]
    calls: dict[str, Any]

    @classmethod
    def of(cls, record: Any) -> FieldsRead:
        """Those of a record of cyvcf2's."""
        return cls(list(record.INFO), {key: record.format(key) for key in record.FORMAT if key != "GT"})

    @property
    def size(self) -> int:
        """Values in it, about."""
        return len(self.info) + sum(getattr(values, "size", 1) for values in self.calls.values())


class FieldComparison:
    """Compares records one after another, holding one chunk of every field."""

    def __init__(self, batch: Batch, left_out: Collection[str], withdrawn: Sequence[int] = ()) -> None:
        self.batch, self.left_out, self.withdrawn = batch, set(left_out), list(withdrawn)
        self.fields = batch.fields
        self._chunk = -1
        self._chunks: dict[str, FieldChunk] = {}

    def compare(self, record: FieldsRead, number: int) -> Iterator[Difference]:
        """Name, what is stored and what htslib reads, of the fields of a record that differ.

        record : as cyvcf2 reads it    number : of the record in the batch
        """
        chunk, row = divmod(number, self.batch.chunk_variants)
        if chunk != self._chunk:
            self._chunk, self._chunks = chunk, {}
        yield from self._info(record, number, row)
        if len(self.batch.samples):
            yield from self._calls(record, number, row)

    def _row(self, name: str, row: int) -> Any:
        if name not in self._chunks:
            self._chunks[name] = self.fields.chunk(name, self._chunk)
        return self._chunks[name].row(row)

    def _info(self, record: FieldsRead, number: int, row: int) -> Iterator[Difference]:
        expected = {f"INFO/{key}": _of_info(value) for key, value in record.info}
        odd = dict(item.partition("=")[::2] for item in self.fields.odd_info.get(number, "").split(";"))
        stored = [name for name in self.fields.fields if name.startswith("INFO/")]
        for name in [*stored, *sorted(set(expected) - set(stored) - self.left_out)]:
            wanted = expected.get(name, [])
            found = _of_row(self._row(name, row)) if name in self.fields.fields else []
            if found != wanted and not _is_odd(odd.get(name[5:]), wanted):
                yield name, _shown(found), _shown(wanted)

    def _calls(self, record: FieldsRead, number: int, row: int) -> Iterator[Difference]:
        odd = self.fields.odd_calls.get(number, [])
        stored = [name for name in self.fields.fields if name.startswith("FORMAT/")]
        names = {f"FORMAT/{key}" for key in record.calls}
        for name in [*stored, *sorted(names - set(stored) - self.left_out)]:
            wanted = _of_calls(record.calls[name[7:]]) if name in names else None
            found = self._row(name, row) if name in self.fields.fields else None
            same = [*self.withdrawn, *(sample for sample, key, _ in odd if key == name[7:])]
            where = _first_difference(found, wanted, same)
            if where >= 0:
                sample = self.batch.samples[where]
                yield f"{name} of {sample}", _call(found, where), _call(wanted, where)


def _of_info(value: Any) -> list[Any]:
    """Values of INFO as htslib reads them: None for missing, bits of float32; nothing where all are missing."""
    values = value.split(",") if isinstance(value, str) else list(value) if isinstance(value, tuple) else [value]
    out = [_bits(v) if isinstance(v, float) else None if v == "." else v for v in values]
    return [] if all(v is None for v in out) else out


def _bits(value: float) -> tuple[str, int] | None:
    with np.errstate(over="ignore"):
        bits = int(np.array([value]).astype(np.float32).view(np.int32)[0])
    # A missing value comes through cyvcf2 as some NaN or other.
    return None if value != value else ("float", bits)


def _of_row(values: NDArray[Any]) -> list[Any]:
    """The same of a stored row."""
    if values.dtype.kind == "b":
        return [True] if values.any() else []
    if values.dtype.kind == "f":
        bits = values.view(np.int32).tolist()
        out = [_bits(v) for v, b in zip(values.tolist(), bits, strict=True) if b != _FLOAT_FILL]
    elif values.dtype.kind == "i":
        out = [None if v == MISSING else v for v in values.tolist() if v != FILL]
    else:
        out = [None if v == "." else v for v in values.tolist() if v != ""]
    return [] if all(v is None for v in out) else out


def _is_odd(text: str | None, wanted: list[Any]) -> bool:
    """Whether a difference is one that is known: the batch has the text, of which htslib makes what it can."""
    if text is None:
        return False
    if wanted in ([], [True]):
        return True
    parts = text.split(",")
    return len(parts) == len(wanted) and all(
        want is None or isinstance(want, tuple) or str(want) == part for want, part in zip(wanted, parts, strict=True)
    )


def _of_calls(values: Any) -> Any:
    """Calls as htslib reads them: int32, bits of float32, or text by sample."""
    if values is None or values.dtype.kind in "iUO":
        return values
    return values.astype(np.float32)


def _first_difference(found: Any, wanted: Any, but: list[int]) -> int:
    """The first sample whose calls differ, or -1; the samples ``but`` are known to."""
    if found is None and wanted is None:
        return -1
    some = found if wanted is None else wanted
    text = some.dtype.kind in "OU"
    if text:
        rows = [None if a is None else _joined(a) for a in (found, wanted)]
    else:
        width = max(a.shape[1] for a in (found, wanted) if a is not None)
        rows = [None if a is None else _padded(a, width) for a in (found, wanted)]
    missing = np.full(len(some), ".", object) if text else _padded(np.full((len(some), 1), MISSING, np.int32), width)
    left, right = (missing if row is None else row for row in rows)
    differ = left != right
    differ = differ if text else differ.any(axis=1)
    differ[but] = False
    return int(np.argmax(differ)) if differ.any() else -1


def _joined(values: Any) -> Any:
    """Text of every sample; missing throughout is ``.``."""
    if values.ndim == 1:
        texts = [str(v) for v in values]
    else:
        texts = [",".join(v for v in row if v != "") for row in values.tolist()]
    return np.array(["." if not text.strip(".,") else text for text in texts], object)


def _padded(values: Any, width: int) -> Any:
    """Calls as int32 of one width; a call that is missing throughout has one missing value."""
    if values.dtype.kind == "f":
        bits = values.view(np.int32)
        values = np.where(bits == _FLOAT_MISSING, MISSING, np.where(bits == _FLOAT_FILL, FILL, bits))
    out = np.full((len(values), width), FILL, np.int32)
    out[:, : values.shape[1]] = values
    out[((out == MISSING) | (out == FILL)).all(axis=1)] = [MISSING] + [FILL] * (width - 1)
    return out


def _call(values: Any, sample: int) -> Any:
    if values is None:
        return "missing"
    row = values[sample]
    return str(row) if values.ndim == 1 else [v for v in row.tolist() if v not in (FILL, "")]


def _shown(values: list[Any]) -> Any:
    return [float(np.array([v[1]], np.int32).view(np.float32)[0]) if isinstance(v, tuple) else v for v in values]
