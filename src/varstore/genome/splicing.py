"""Lines of a genome's file with what is known of their alleles put into INFO."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..ingest.lines_of_one import Lines, joined_keys
from ..kernels import splice as _splice

if TYPE_CHECKING:
    from .info_fields import InfoColumns
    from .table import GenomeTable

# Rows, and lines, whose values are in memory at a time.
_ROWS = 1 << 16
_NUMBER = 20


class Splicer:
    """Puts values into lines, which come in the order of the file.

    everything : lines of which no allele has a row are written, too    num_lines : that came so far
    """

    def __init__(self, table: GenomeTable, columns: InfoColumns, *, everything: bool) -> None:
        alleles = table.genome.alleles
        self._columns, self._everything = columns, everything
        self._order = np.lexsort((alleles.alt, alleles.record))
        self._record, self._alt = alleles.record[self._order], alleles.alt[self._order]
        self._keys, self._key_start = joined_keys(columns.keys)
        self.num_lines = 0

    def spliced(self, lines: Lines) -> Iterator[memoryview]:
        """The text of some lines, a part at a time."""
        num = len(lines.marks)
        records = np.arange(self.num_lines, self.num_lines + num + 1)
        first = np.searchsorted(self._record, records)
        self.num_lines += num
        begin = 0
        while begin < num:
            most = int(np.searchsorted(first, first[begin] + _ROWS, side="right")) - 1
            end = max(begin + 1, min(most, begin + _ROWS, num))
            yield self._part(lines, begin, end, first[begin : end + 1])
            begin = end

    def _part(self, lines: Lines, begin: int, end: int, first: NDArray[np.int64]) -> memoryview:
        marks = lines.marks[begin:end]
        start = int(lines.marks[begin - 1, _splice.LINE_END]) if begin else 0
        rows = slice(int(first[0]), int(first[-1]))
        values = _Values(self._columns, self._order[rows])
        has_rows = np.diff(first) > 0
        marked = int((2 * marks[has_rows, _splice.NUM_ALTS] + 1).sum())
        room = int(marks[-1, _splice.LINE_END]) - start + len(marks) + values.num_bytes
        room += int(has_rows.sum()) * len(self._keys) + marked * len(values.layout)
        out = np.empty(room, np.uint8)
        used = _splice.splice(
            lines.text, start, marks, first - first[0], self._everything, self._alt[rows], values.layout,
            values.integers, values.codes, values.table, values.start, self._keys, self._key_start, out,
        )  # fmt: skip
        return out.data[:used]


class _Values:
    """The values of some rows as the kernel takes them. num_bytes : that they can have, written"""

    def __init__(self, columns: InfoColumns, rows: NDArray[np.int64]) -> None:
        integers: list[NDArray[np.int64]] = []
        codes: list[NDArray[np.int32]] = []
        layout: list[tuple[int, int]] = []
        texts: list[bytes] = []
        self.num_bytes = 0
        for values in columns.values(rows):
            if isinstance(values, tuple):
                encoded = [text.encode() for text in values[1]]
                sizes = np.array([*map(len, encoded), 0], np.int64)
                self.num_bytes += int(sizes[values[0]].sum())
                layout.append((1, len(codes)))
                codes.append((values[0].reshape(-1) + len(texts)).astype(np.int32))
                texts += encoded
            else:
                self.num_bytes += _NUMBER * len(values)
                layout.append((0, len(integers)))
                integers.append(values)
        self.layout = np.array(layout, np.int64).reshape(-1, 2)
        self.integers: NDArray[Any] = np.array(integers, np.int64).reshape(len(integers), len(rows))
        self.codes: NDArray[Any] = np.array(codes, np.int32).reshape(len(codes), len(rows))
        self.table = np.frombuffer(bytearray(b"".join(texts)) or bytearray(1), np.uint8)
        self.start = np.cumsum([0, *map(len, texts)])
