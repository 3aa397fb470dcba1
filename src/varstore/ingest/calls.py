"""FORMAT fields of scanned records: the scanner's arenas for them, and what is taken out of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import calls as _calls
from ..kernels import fields as _fields
from ..storage.field_table import Field, FieldTable
from .field_blocks import FieldBlock, make_block

_NUMBER_OF = {
    "A": _calls.PER_ALT, "R": _calls.PER_ALLELE, "G": _calls.PER_GENOTYPE,
}  # fmt: skip
_FLOAT = re.compile(rb"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?|nan)", re.IGNORECASE)
# Cells in an arena before it is emptied: what is read stays in the cache.
_CELLS = 1 << 20


def kind_of(field: Field) -> int:
    """How the values of a field are read."""
    if field.type in ("Integer", "Float", "Flag"):
        return {"Integer": _fields.INTEGER, "Float": _fields.FLOAT, "Flag": _fields.FLAG}[field.type]
    return _fields.WORD if field.category == "FORMAT" and field.number == "1" else _fields.TEXT


def float_bits(text: bytes) -> int | None:
    """Bits of the float32 that a text stands for, as htslib has it; None if it is no number."""
    if text == b".":
        return _fields.FLOAT_MISSING
    if not _FLOAT.fullmatch(text):
        return None
    with np.errstate(over="ignore"):
        return int(np.array([float(text)]).astype(np.float32).view(np.int32)[0])


@dataclass(frozen=True)
class Calls:
    """FORMAT fields of some records.

    segments : stretches of rows, each with its fields by number
    odd : (any, 5) int64: row, sample, field (-1: the separators of GT), begin and end in ``text``
    """

    segments: tuple[tuple[int, dict[int, FieldBlock]], ...]
    odd: NDArray[np.int64]
    text: NDArray[np.uint8]

    def rows(self, begin: int, end: int) -> Calls:
        """The rows ``begin`` to ``end``."""
        segments, at = [], 0
        for num_rows, blocks in self.segments:
            low, high = max(begin - at, 0), min(end - at, num_rows)
            if low < high:
                cut = {slot: block.rows(low, high) for slot, block in blocks.items()}
                segments.append((high - low, cut))
            at += num_rows
        odd = self.odd[(self.odd[:, 0] >= begin) & (self.odd[:, 0] < end)]
        return Calls(tuple(segments), odd - np.array([begin, 0, 0, 0, 0]), self.text)


def join_calls(parts: Sequence[Calls]) -> Calls:
    """One after another."""
    odd, texts = [], []
    row = used = 0
    for part in parts:
        odd.append(part.odd + np.array([row, 0, 0, used, used]))
        texts.append(part.text)
        row += sum(num_rows for num_rows, _ in part.segments)
        used += len(part.text)
    segments = tuple(segment for part in parts for segment in part.segments)
    return Calls(segments, np.concatenate(odd), np.concatenate(texts))


class CallTextError(Exception):
    """Text of the samples that cannot be kept; ``row`` counts from 0 in what was scanned."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


class CallArenas:
    """What the scanner writes the FORMAT fields of its rows to.

    table : the fields, shared with other scanners; None to read none
    """

    def __init__(self, table: FieldTable | None, num_rows: int, num_samples: int) -> None:
        self.table, self.num_rows, self.num_samples = table, num_rows, num_samples
        self.collect = table is not None
        self.cells = np.empty(_CELLS if self.collect else 1, np.int32)
        self.text = np.empty(1 << 16, np.uint8)
        self.odd = np.empty((256, 6), np.int64)
        self.cursors = np.zeros(3, np.int64)
        self.refresh()

    def refresh(self) -> None:
        """Take the table as it is now."""
        fields = list(self.table.fields) if self.table else []
        keys = [field.key.encode(errors="surrogateescape") for field in fields]
        starts = np.cumsum([0, *map(len, keys)]).astype(np.int64)
        kinds = [kind_of(f) if self.table and self.table.choice.keeps(f) else _fields.SKIP for f in fields]
        numbers = [f.fixed_number or _NUMBER_OF.get(f.number, _calls.ANY_NUMBER) for f in fields]
        self.kinds = np.array(kinds, np.int64)
        self.field_table = (
            np.frombuffer(bytearray(b"".join(keys) or b"."), np.uint8), starts, self.kinds,
            np.array(numbers, np.int64), np.zeros(len(fields), np.int64), np.zeros(_calls.MAX_KEYS, np.int64),
        )  # fmt: skip
        self.cell_start = np.zeros((self.num_rows, len(fields)), np.int64)
        self.cell_width = np.zeros((self.num_rows, len(fields)), np.int32)

    @property
    def arenas(self) -> tuple[NDArray[Any], ...]:
        """The arenas, as the kernel takes them."""
        return self.cells, self.cell_start, self.cell_width, self.text, self.odd

    def add_field(self, key: bytes) -> None:
        """Make room for a field that no header declares; the arenas must be empty."""
        if self.table is not None:
            self.table.add(key.decode(errors="surrogateescape"))
        self.refresh()

    def grow(self, cells: int, odd: int, line: int) -> None:
        """Make room for a row of so many cells and odd calls, and so long a line."""
        if cells > len(self.cells):
            self.cells = np.empty(cells + cells // 4, np.int32)
        if odd > len(self.odd):
            self.odd = np.empty((2 * odd, 6), np.int64)
        if 2 * line > len(self.text):
            self.text = np.empty(3 * line, np.uint8)

    def take(self, rows: int) -> Calls:
        """Copy out what was read of the first ``rows`` rows, and start again. Raises CallTextError."""
        used_text, num_odd = int(self.cursors[_calls.USED_TEXT]), int(self.cursors[_calls.NUM_ODD])
        text = self.text[:used_text].copy()
        if used_text and text.max() >= 128:
            self._check_text(text, rows)
        odd = self._settle_floats(self.odd[:num_odd], text)
        blocks = {}
        for slot in np.flatnonzero(self.cell_width[:rows].any(axis=0)).tolist():
            start = np.ascontiguousarray(self.cell_start[:rows, slot])
            width = np.ascontiguousarray(self.cell_width[:rows, slot])
            block = make_block(int(self.kinds[slot]), self.cells, start, width, self.num_samples, text)
            if block is not None:
                blocks[slot] = block
        self.cursors[:] = 0
        columns = [_calls.ODD_ROW, _calls.ODD_SAMPLE, _calls.ODD_SLOT, _calls.ODD_BEGIN, _calls.ODD_END]
        return Calls(((rows, blocks),), odd[:, columns], text if len(odd) else text[:0])

    def _check_text(self, text: NDArray[np.uint8], rows: int) -> None:
        """Text is UTF-8, as VCF 4.3 says. Raises CallTextError."""
        try:
            text.tobytes().decode()
        except UnicodeDecodeError as error:
            self.cursors[:] = 0
            for row in range(rows):
                for slot in np.flatnonzero((self.cell_width[row] > 0) & (self.kinds >= _fields.TEXT)).tolist():
                    size = 2 * self.num_samples * int(self.cell_width[row, slot])
                    pairs = self.cells[self.cell_start[row, slot] :][:size].reshape(-1, 2)
                    if int((pairs[:, 0] + pairs[:, 1])[pairs[:, 1] > 0].max(initial=0)) > error.start:
                        raise CallTextError(row, "the text of the samples is not UTF-8") from None
            raise CallTextError(0, "the text of the samples is not UTF-8 here or a few lines below") from None

    def _settle_floats(self, odd: NDArray[np.int64], text: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Read the floats that the kernel left; return what is odd all the same."""
        slots = odd[:, _calls.ODD_SLOT]
        # A slot of -1 takes the last kind, and is left out.
        is_float = np.append(self.kinds, _fields.SKIP)[slots] == _fields.FLOAT
        settled = np.zeros(len(odd), np.bool_)
        for i in np.flatnonzero(is_float & (slots >= 0)):
            row, sample, slot, _, begin, end = odd[i].tolist()
            first = int(self.cell_start[row, slot]) + sample * int(self.cell_width[row, slot])
            bits = [float_bits(value) for value in text[begin:end].tobytes().split(b",")]
            for j, value in enumerate(bits):
                self.cells[first + j] = _fields.FLOAT_MISSING if value is None else value
            settled[i] = None not in bits
        return odd[~settled]
