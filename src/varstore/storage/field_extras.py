"""What the arrays of fields do not hold: overflow, and text of records and calls that are odd."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import ArraySpec
from .field_columns import write_list
from .field_table import Field
from .parts import PartWriter

ODD = "varstore/odd/"


@dataclass(frozen=True)
class Overflow:
    """All calls of one record: (samples * width) values, text as a list of str.

    Integers that are missing are -2147483648, fill is -2147483647.
    """

    record: int
    width: int
    values: NDArray[Any] | Sequence[str]


@dataclass
class ExtraWriter:
    """Gathers what is rare, and writes it at the end, in the order of the records. Thread-safe."""

    part: PartWriter
    _info: list[tuple[int, str]] = field(default_factory=list)
    _calls: list[tuple[int, int, str, str]] = field(default_factory=list)
    _overflow: dict[Field, list[Overflow]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def num_info(self) -> int:
        return len(self._info)

    @property
    def num_odd_calls(self) -> int:
        """Calls with text of their own, those of GT not counted."""
        return sum(key != "GT" for _, _, key, _ in self._calls)

    def add_info(self, rows: Sequence[tuple[int, str]]) -> None:
        """Keep INFO of some records as text."""
        with self._lock:
            self._info += rows

    def add_call(self, record: int, sample: int, key: str, text: str) -> None:
        """Keep the text of a field of one call; of GT its separators."""
        self._calls.append((record, sample, key, text))

    def add_overflow(self, field: Field, row: Overflow) -> None:
        """Keep the calls of a record whole, because the array is too narrow."""
        self._overflow.setdefault(field, []).append(row)

    def has_overflow(self, field: Field) -> bool:
        """Whether some records of a field are too wide for its array."""
        return field in self._overflow

    def finish(self) -> None:
        """Write what there is; nothing where there is nothing."""
        if self._info:
            rows = sorted(self._info)
            self._write(f"{ODD}info_record", "<i8", "odd_info", np.array([r for r, _ in rows], np.int64))
            self._write(f"{ODD}info_text", "|O", "odd_info", [text for _, text in rows])
        if self._calls:
            calls = sorted(self._calls)
            self._write(f"{ODD}call_record", "<i8", "odd_calls", np.array([c[0] for c in calls], np.int64))
            self._write(f"{ODD}call_sample", "<i4", "odd_calls", np.array([c[1] for c in calls], np.int32))
            self._write(f"{ODD}call_key", "|O", "odd_calls", [c[2] for c in calls])
            self._write(f"{ODD}call_text", "|O", "odd_calls", [c[3] for c in calls])
        for of, rows_of in self._overflow.items():
            self._write_overflow(of, sorted(rows_of, key=lambda row: row.record))

    def _write_overflow(self, of: Field, rows: list[Overflow]) -> None:
        name = f"varstore/overflow/{of.array}"
        dim = f"{of.key}_overflow"
        self._write(f"{name}_record", "<i8", f"{dim}_records", np.array([row.record for row in rows], np.int64))
        self._write(f"{name}_width", "<i4", f"{dim}_records", np.array([row.width for row in rows], np.int32))
        if of.is_text:
            self._write(name, "|O", dim, [text for row in rows for text in row.values])
        else:
            dtype = "<f4" if of.type == "Float" else "<i4"
            self._write(name, dtype, dim, np.concatenate([row.values for row in rows]))

    def _write(self, name: str, dtype: str, dim: str, values: Any) -> None:
        write_list(self.part, ArraySpec(name, dtype, (dim,)), values)
