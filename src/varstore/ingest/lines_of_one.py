"""The lines of a VCF or BCF with one person's column, read again to be written with more in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels import person as _person
from ..kernels import splice as _splice
from .inputs import Input
from .line_scanner import LineScanner, Part, Places, scan_file
from .records import ScanPlan

_ROWS = 1 << 16


@dataclass(frozen=True)
class Lines:
    """Some lines. text : uint8    marks : (lines, NUM_MARKS) int64, of ``kernels.splice``"""

    text: NDArray[np.uint8]
    marks: NDArray[np.int64]


def joined_keys(keys: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Keys of INFO as kernels take them: each with its ``=``, and where each begins and the last ends."""
    texts = [f"{key}=".encode() for key in keys]
    return np.frombuffer(bytearray(b"".join(texts)), np.uint8), np.cumsum([0, *map(len, texts)])


class _Part(Part):
    def __init__(self, compressed: int) -> None:
        super().__init__(compressed)
        self.lines: list[Lines] = []


class _Copier(LineScanner[_Part]):
    """Copies lines."""

    def __init__(self, plan: ScanPlan, column: int, without: Sequence[str]) -> None:
        super().__init__(plan, Places({}, [], plan.path))
        self.column, self.is_last = column, column == 8 + len(plan.sample_names)
        self.keys, self.key_start = joined_keys(without)
        self.text = np.zeros(1 << 22, np.uint8)
        self.marks = np.zeros((_ROWS, _splice.NUM_MARKS), np.int64)

    def new_part(self, compressed: int) -> _Part:
        return _Part(compressed)

    def scan_lines(self, begin: int, end: int) -> tuple[int, int]:
        found: tuple[int, int] = _splice.copy_lines(
            self.buffer, begin, end, self.column, self.is_last, self.keys, self.key_start, self.text, self.marks,
            self.cursors, self.fault,
        )  # fmt: skip
        return found

    def make_room(self) -> None:
        self.text = np.zeros(2 * len(self.text), np.uint8)

    def hand_over(self, part: _Part) -> None:
        num, used = int(self.cursors[_person.NUM_RECORDS]), int(self.cursors[_person.USED_TEXT])
        if num:
            part.lines.append(Lines(self.text[:used].copy(), self.marks[:num].copy()))


def read_lines(source: Input, sample: int, without: Sequence[str], threads: int) -> Iterator[Lines]:
    """Lines of a file in order, some at a time, columns up to FORMAT as they stand and that of one sample.

    sample : which of the file's    without : keys of INFO that are left out

    Raises InputError and its kinds; the message says file and line.
    """
    plan = ScanPlan(str(source.path), source.header.has_format, source.header.samples, 1)
    for part in scan_file(source, lambda: _Copier(plan, 9 + sample, without), threads, lambda _: None):
        yield from part.lines
