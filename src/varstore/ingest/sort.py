"""Unsorted inputs are sorted on the way in: sorted runs of lines on disk, merged while they are read.

Lines go by (contig in the order of the table, POS); lines with the same stay in the order of the files.
Every line keeps the number it had, so that errors name it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numcodecs import zstd
from numpy.typing import NDArray

from ..errors import InputError
from ..kernels import lines as _lines
from .problems import Kind
from .records import BLANK_LINE
from .text import Piece, plain_piece

RUN_SIZE = 1 << 26  # bytes of text
BLOCK_SIZE = 1 << 19
_PIECE_SIZE = 1 << 23
_POSITION_BITS = 32
_LINE_BITS = 44

Found = tuple[Kind, str, str]


@dataclass(frozen=True)
class Source:
    """What is sorted: blocks of whole lines, and how errors name them: ``place`` and a number from ``first`` on."""

    blocks: Iterable[Any]
    place: str
    first: int


@dataclass(frozen=True)
class _Lines:
    """Some lines: their text, and int64 arrays of keys, names (source and number) and lengths."""

    text: NDArray[np.uint8]
    key: NDArray[np.int64]
    name: NDArray[np.int64]
    length: NDArray[np.int64]

    @property
    def begin(self) -> NDArray[np.int64]:
        return np.cumsum(self.length) - self.length

    def ordered(self) -> _Lines:
        """The lines by key; what is equal stays in order."""
        order = np.argsort(self.key, kind="stable")
        text = np.empty_like(self.text)
        _lines.gather_lines(self.text, self.begin, self.length, order, text)
        return _Lines(text, self.key[order], self.name[order], self.length[order])

    def rows(self, first: int, last: int) -> _Lines:
        ends = np.cumsum(self.length)
        low = int(ends[first - 1]) if first else 0
        high = int(ends[last - 1]) if last else 0
        rows = slice(first, last)
        return _Lines(self.text[low:high], self.key[rows], self.name[rows], self.length[rows])


def _join(parts: Sequence[_Lines]) -> _Lines:
    if len(parts) == 1:
        return parts[0]
    return _Lines(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Lines.__annotations__))


class SortedText:
    """The lines of some inputs, sorted; read as ``text.TextFile`` is.

    folder : of staging, for the runs; whoever made it removes it
    contigs : the contig table; contigs that only lines name follow in the order they appear
    problems : what was noticed of line ends: kind, place, detail
    """

    crlf = False

    def __init__(self, sources: Sequence[Source], folder: Path, contigs: Iterable[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._sources = sources
        self._codes = {name.encode(): code for code, name in enumerate(contigs)}
        self._runs = _Runs(folder / "runs")
        self._order = open(folder / "order", "w+b", buffering=0)
        self.problems: list[Found] = []
        try:
            self._sort()
        except BaseException:
            self.close()
            raise

    def _sort(self) -> None:
        """Write the runs."""
        waiting: list[_Lines] = []
        size = 0
        for number, source in enumerate(self._sources):
            for part in self._read(number, source):
                waiting.append(part)
                size += len(part.text)
                if size >= RUN_SIZE:
                    self._runs.add(_join(waiting).ordered())
                    waiting, size = [], 0
        if waiting:
            self._runs.add(_join(waiting).ordered())

    def close(self) -> None:
        """Close the files."""
        self._runs.close()
        self._order.close()

    def _read(self, number: int, source: Source) -> Iterator[_Lines]:
        """The lines of one source with their keys. Raises InputError for a blank line among them."""
        count, blank = 0, -1
        for block in source.blocks:
            text = np.frombuffer(block, np.uint8)
            if text[-1] != 10:
                text = np.append(text, np.uint8(10))
                open_end = True
            else:
                open_end = False
            room = int(np.count_nonzero(text == 10))
            begin, chrom_end, position = (
                np.empty(room + 1, np.int64),
                np.empty(room, np.int64),
                np.empty(room, np.int64),
            )
            _lines.index_lines(text, begin, chrom_end, position)
            kept = np.flatnonzero(position != _lines.BLANK)
            if len(kept) and (blank >= 0 or len(kept) <= kept[-1]):
                at = blank if blank >= 0 else count + int(np.argmax(position == _lines.BLANK))
                raise InputError(f"{self._named(number, at)}: {BLANK_LINE}")
            if len(kept) < room and blank < 0:
                blank = count + len(kept)
                self.problems.append((Kind.BLANK_LAST_LINE, self._named(number, blank), ""))
            if open_end and len(kept) == room:
                self.problems.append((Kind.NO_FINAL_NEWLINE, self._named(number, count + room - 1), ""))
            if len(kept):
                code = self._contig_codes(text, begin[: len(kept)], chrom_end[: len(kept)])
                key = (code << _POSITION_BITS) + position[: len(kept)] + 1
                name = (number << _LINE_BITS) + count + kept
                yield _Lines(text[: begin[len(kept)]], key, name, np.diff(begin[: len(kept) + 1]))
            count += room

    def _contig_codes(self, text: Any, begin: Any, chrom_end: Any) -> NDArray[np.int64]:
        changes = np.empty(len(begin), np.int64)
        changes = changes[: _lines.contig_changes(text, begin, chrom_end, changes)]
        codes = np.empty(len(changes), np.int64)
        for i, line in enumerate(changes.tolist()):
            codes[i] = self._codes.setdefault(bytes(text[begin[line] : chrom_end[line]]), len(self._codes))
        return np.repeat(codes, np.diff(np.append(changes, len(begin))))

    def _named(self, number: int, line: int) -> str:
        source = self._sources[number]
        return f"{source.place}{source.first + line}"

    def place(self, row: int) -> str:
        """File and line, in the input, of a record that ``pieces`` gave out."""
        name = int(np.frombuffer(os.pread(self._order.fileno(), 8, 8 * row), np.int64)[0])
        return self._named(name >> _LINE_BITS, name & ((1 << _LINE_BITS) - 1))

    def first_contig(self) -> str | None:
        """CHROM of the first record, or None where there is none."""
        first = self._runs.first_key()
        return None if first is None else list(self._codes)[first >> _POSITION_BITS].decode(errors="replace")

    def release(self, size: int) -> None:
        """Nothing is mapped."""

    def pieces(self) -> Iterator[Piece]:
        """The sorted text in pieces of whole lines."""
        return map(plain_piece, self.blocks())

    def blocks(self) -> Iterator[memoryview]:
        """The sorted text in blocks of whole lines; ``place`` knows the lines given out so far."""
        os.ftruncate(self._order.fileno(), 0)
        at = 0
        for lines in self._runs.merged():
            at += os.pwrite(self._order.fileno(), lines.name.tobytes(), at)
            yield lines.text.data


@dataclass(frozen=True)
class _Block:
    """A block of a run in the file: its place, its lines and bytes of text, its first and last key."""

    offset: int
    size: int
    num_lines: int
    first_key: int
    last_key: int


class _Runs:
    """Sorted runs of lines in one file, in compressed blocks."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = open(path, "w+b", buffering=0)
        self._end = 0
        self._runs: list[list[_Block]] = []

    def close(self) -> None:
        self._file.close()

    def first_key(self) -> int | None:
        """The smallest key of all."""
        return min((run[0].first_key for run in self._runs), default=None)

    def add(self, lines: _Lines) -> None:
        """Write a sorted run."""
        ends = np.cumsum(lines.length)
        run, first = [], 0
        while first < len(ends):
            begin = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, begin + BLOCK_SIZE, "right")))
            run.append(self._write(lines.rows(first, last)))
            first = last
        self._runs.append(run)

    def _write(self, lines: _Lines) -> _Block:
        data = b"".join((lines.key.tobytes(), lines.name.tobytes(), lines.length.tobytes(), lines.text.tobytes()))
        packed = zstd.compress(data, 1)
        written = 0
        while written < len(packed):
            written += os.pwrite(self._file.fileno(), packed[written:], self._end + written)
        block = _Block(self._end, len(packed), len(lines.key), int(lines.key[0]), int(lines.key[-1]))
        self._end += len(packed)
        return block

    def _read(self, block: _Block) -> _Lines:
        data = zstd.decompress(os.pread(self._file.fileno(), block.size, block.offset))
        key, name, length = np.frombuffer(data, np.int64, 3 * block.num_lines).reshape(3, -1)
        return _Lines(np.frombuffer(data, np.uint8, offset=24 * block.num_lines), key, name, length)

    def merged(self) -> Iterator[_Lines]:
        """All lines in order, some at a time.

        A block of each run is in memory. Up to the smallest last key of these blocks nothing can come
        any more from what is still on disk; of runs behind the one that has it, lines with that very
        key wait, for it may have more of them, and they go first.
        """
        queues = [iter(run) for run in self._runs]
        heads: dict[int, _Lines] = {}
        for number, queue in enumerate(queues):
            heads[number] = self._read(next(queue))
        waiting: list[_Lines] = []
        size = 0
        while heads:
            bound, last = min((int(lines.key[-1]), number) for number, lines in heads.items())
            parts = []
            for number in sorted(heads):
                lines = heads[number]
                side: Any = "right" if number <= last else "left"
                stop = int(np.searchsorted(lines.key, bound, side))
                if stop:
                    parts.append(lines.rows(0, stop))
                    heads[number] = lines.rows(stop, len(lines.key))
            block = next(queues[last], None)
            if block is None:
                del heads[last]
            else:
                heads[last] = self._read(block)
            waiting.append(_join(parts).ordered())
            size += len(waiting[-1].text)
            if size >= _PIECE_SIZE:
                yield _join(waiting)
                waiting, size = [], 0
        if waiting:
            yield _join(waiting)
