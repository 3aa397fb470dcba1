"""INFO and FORMAT fields of an import: every chunk's into the batch's arrays."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import fields as _fields
from ..storage.arrays import MapTasks
from ..storage.field_columns import FieldWriter, new_chunk
from ..storage.field_extras import ExtraWriter, Overflow
from ..storage.field_table import Field, FieldChoice, FieldTable, check_choice, declared_fields
from ..storage.parts import PartWriter
from .calls import Calls
from .field_blocks import FieldBlock
from .header import VcfHeader
from .info import read_info
from .problems import Kind, Problems
from .records import Records

# An axis that the standard names (alleles, genotypes) may be so many times wider than the values.
_MAX_STANDARD = 2
INLINE_SHARE = 0.999
_LEAST_INLINE = 4
_PAIRS = 1 << 20


def keeps_calls(headers: Iterable[VcfHeader], choice: FieldChoice) -> bool:
    """Whether FORMAT fields besides GT are declared and wanted."""
    declared = (field for header in headers for field in declared_fields(header.text))
    return any(f.category == "FORMAT" and f.key != "GT" and choice.keeps(f) for f in declared)


@dataclass(frozen=True)
class Stretch:
    """A block in its place: rows ``begin`` and following of a chunk."""

    begin: int
    block: FieldBlock


class FieldsImport:
    """The fields of one batch while it is imported.

    most_alleles : FORMAT fields by allele have room for so many; None: for those of 99.9 % of the records so far,
        and for 4
    """

    def __init__(
        self, part: PartWriter, headers: Sequence[VcfHeader], choice: FieldChoice, most_alleles: int | None,
        chunk_variants: int, chunk_samples: int,
    ) -> None:  # fmt: skip
        self.part, self.most_alleles = part, most_alleles
        self.rows, self.chunk_samples = chunk_variants, chunk_samples
        self.num_samples = len(headers[0].samples)
        self.info, self.formats = FieldTable("INFO", choice), FieldTable("FORMAT", choice)
        for header in headers:
            declared = declared_fields(header.text)
            self.info.declare(declared)
            self.formats.declare(declared)
        check_choice(choice, [self.info, self.formats])
        self.writers: dict[str, FieldWriter] = {}
        self.extras = ExtraWriter(part)
        self._dropped: dict[str, None] = {}
        self._histogram = np.zeros(16, np.int64)
        self._inline_alleles = _LEAST_INLINE
        self._lock = threading.Lock()

    @property
    def scanned(self) -> FieldTable | None:
        """The FORMAT fields that the scanner reads; None if it need not."""
        return self.formats if self.formats.choice.calls and self.num_samples else None

    def put(self, records: Records, chunk: int, format_texts: Iterable[str], pool: ThreadPoolExecutor) -> list[Any]:
        """Write a chunk's fields in threads: what to wait for."""
        limit = self._limit(records.num_alts)
        futures = [pool.submit(self._put_info, records, chunk)]
        self._put_odd(records.calls, chunk)
        for text in format_texts:
            self._drop(f"FORMAT/{key}" for key in text.split(":") if key not in ("GT", "", "."))
        for slot in sorted({slot for _, blocks in records.calls.segments for slot in blocks}):
            futures += self._put_calls(records, chunk, slot, limit, pool)
        return futures

    def _drop(self, names: Iterable[str]) -> None:
        with self._lock:
            self._dropped.update(dict.fromkeys(names))

    def _limit(self, num_alts: NDArray[np.int64]) -> int:
        """The most alleles of a record whose calls go into the arrays, from this chunk on."""
        if self.most_alleles is not None:
            return self.most_alleles
        counts = np.bincount(num_alts + 1, minlength=len(self._histogram))
        counts[: len(self._histogram)] += self._histogram
        self._histogram = counts
        total = np.cumsum(counts)
        self._inline_alleles = max(self._inline_alleles, int(np.searchsorted(total, INLINE_SHARE * total[-1])))
        return self._inline_alleles

    def _writer(self, field: Field) -> FieldWriter:
        with self._lock:
            if field.name not in self.writers:
                self.writers[field.name] = FieldWriter(self.part, field, self.rows, self.chunk_samples)
            return self.writers[field.name]

    def _put_info(self, records: Records, chunk: int) -> None:
        info = read_info(records, self.info)
        self._drop(info.dropped)
        self.extras.add_info([(chunk * self.rows + row, text) for row, text in info.odd])
        for slot, block in info.blocks.items():
            _write(self._writer(self.info.fields[slot]), chunk, 0, [Stretch(0, block)], (0, 1))

    def _put_odd(self, calls: Calls, chunk: int) -> None:
        names = [field.key for field in self.formats.fields]
        for row, sample, slot, begin, end in calls.odd.tolist():
            text = calls.text[begin:end].tobytes().decode()
            if slot < 0:
                text = "".join(c for c in text if c in "|/")
            self.extras.add_call(chunk * self.rows + row, sample, "GT" if slot < 0 else names[slot], text)

    def _put_calls(
        self, records: Records, chunk: int, slot: int, limit: int, pool: ThreadPoolExecutor
    ) -> list[Future[None]]:
        field = self.formats.fields[slot]
        writer = self._writer(field)
        stretches, overflow = [], []
        for stretch in _stretches(records.calls, slot):
            rows = slice(stretch.begin, stretch.begin + stretch.block.num_rows)
            many = records.num_alts[rows] + 1 > limit
            kept, wide = _part(field, stretch, many, limit)
            stretches += kept
            overflow += [(chunk * self.rows + row, block) for row, block in wide]
        for row, block in overflow:
            self.extras.add_overflow(field, _overflow(row, block, field))
        return [
            pool.submit(_write, writer, chunk, i, stretches, (begin, min(begin + self.chunk_samples, self.num_samples)))
            for i, begin in enumerate(range(0, self.num_samples, self.chunk_samples))
        ]

    def finish(self, num_variants: int, ploidy: int, num_alleles: int, map_tasks: MapTasks = map) -> None:
        """Write what is known at the end. ``num_alleles``: width of variant_allele; ``ploidy``: of the calls."""
        standard = {
            "R": (num_alleles, "alleles"),
            "A": (num_alleles - 1, "alt_alleles"),
            "G": (math.comb(num_alleles + ploidy - 1, ploidy), "genotypes"),
        }
        for writer in self.writers.values():
            width, (size, dim) = writer.width, standard.get(writer.field.number, (0, ""))
            fits = width <= size <= max(_MAX_STANDARD * width, width + 2)
            if fits and not self.extras.has_overflow(writer.field):
                writer.finish(num_variants, self.num_samples, size, dim, map_tasks)
            else:
                named = f"{writer.field.category}_{writer.field.key}_dim" if width > 1 or size else ""
                writer.finish(num_variants, self.num_samples, width, named, map_tasks)
        self.extras.finish()

    def left_out(self) -> list[str]:
        """Names of the fields that records have and the batch does not."""
        return [name for name in self._dropped if name not in self.writers and not self._is_kept(name)]

    def _is_kept(self, name: str) -> bool:
        category, _, key = name.partition("/")
        return self.info.choice.keeps(Field(category, key))

    def note(self, problems: Problems, place: str) -> None:
        """Enter the values that are not what the header declares. Raises InputError where problems stop the import."""
        for kind, num in ((Kind.INFO_VALUE, self.extras.num_info), (Kind.FORMAT_VALUE, self.extras.num_odd_calls)):
            if num:
                problems.add(kind, place, count=num)


def _stretches(calls: Calls, slot: int) -> Iterator[Stretch]:
    """A field's blocks in their places."""
    row = 0
    for num_rows, blocks in calls.segments:
        if slot in blocks:
            yield Stretch(row, blocks[slot])
        row += num_rows


def _part(
    field: Field, stretch: Stretch, many: NDArray[np.bool_], limit: int
) -> tuple[list[Stretch], list[tuple[int, FieldBlock]]]:
    """What goes into the array, and the rows, one by one, that do not: those of too many alleles."""
    block, begin = stretch.block, stretch.begin
    by_allele = field.number in ("A", "R", "G")
    loose = not by_allele and field.fixed_number is None
    out = np.zeros(block.num_rows, np.bool_)
    if many.any() and (by_allele or loose):
        out = many & block.present & (by_allele or block.width > limit)
    wide, kept = [], []
    for row, apart in block.wide:
        if many[row] and (by_allele or (loose and apart.width > limit)):
            wide.append((begin + row, apart))
        else:
            kept.append(Stretch(begin + row, apart))
    wide += [(begin + row, block.rows(row, row + 1)) for row in np.flatnonzero(out).tolist()]
    present = block.present & ~out
    inline = FieldBlock(block.values, present, block.literal, block.text)
    if out.any() and present.any():
        inline = _narrowed(inline, field)
    return ([Stretch(begin, inline)] if present.any() else []) + kept, wide


def _narrowed(block: FieldBlock, field: Field) -> FieldBlock:
    """A block without the values that are fill in every row."""
    values = block.values[block.present]
    if field.is_text:
        real = values[..., 1] != _fields.TEXT_FILL
    elif field.type == "Float":
        real = values != _fields.FLOAT_FILL
    else:
        real = values != -2
        if block.literal is not None:
            real |= block.literal[block.present]
    width = max(1, int(np.flatnonzero(real.any(axis=(0, 1)))[-1]) + 1)
    literal = None if block.literal is None else block.literal[:, :, :width]
    return FieldBlock(block.values[:, :, :width], block.present, literal, block.text)


def _overflow(row: int, block: FieldBlock, field: Field) -> Overflow:
    """A row that the array does not hold: its values as they are, MISSING and FILL apart from all numbers."""
    values = block.values[0]
    if field.is_text:
        text = block.text
        flat = values.reshape(-1, 2).tolist()
        texts = [_text_of(text, begin, length) for begin, length in flat]
        return Overflow(row, block.width, texts)
    if field.type == "Float":
        return Overflow(row, block.width, values.reshape(-1).view(np.float32))
    out = values.astype(np.int32)
    literal = np.zeros(out.shape, np.bool_) if block.literal is None else block.literal[0]
    out[(values == -1) & ~literal] = _fields.MISSING
    out[(values == -2) & ~literal] = _fields.FILL
    return Overflow(row, block.width, out.reshape(-1))


def _text_of(text: NDArray[np.uint8] | None, begin: int, length: int) -> str:
    if length < 0 or text is None:
        return "." if length == _fields.TEXT_MISSING else ""
    return text[begin : begin + length].tobytes().decode()


def _write(
    writer: FieldWriter, chunk: int, sample_chunk: int, stretches: Sequence[Stretch], samples: tuple[int, int]
) -> None:
    """Write a chunk of a field of the samples ``begin`` to ``end``."""
    if not stretches:
        return
    first, end = samples
    field = writer.field
    present = np.zeros(writer.rows, np.bool_)
    for stretch in stretches:
        present[stretch.begin : stretch.begin + stretch.block.num_rows] |= stretch.block.present
    most = max(stretch.block.width for stretch in stretches)
    size = max(stretch.block.values.itemsize for stretch in stretches)
    width, itemsize = writer.grow(most, size if field.type == "Integer" else 1)
    if field.is_text:
        writer.put(chunk, sample_chunk, _text_chunk(writer, stretches, present, width, samples), None, width, present)
        return
    shape = (writer.rows, writer.samples, width)
    values = new_chunk(field.type, shape, itemsize, present)
    literal = None
    for stretch in stretches:
        block = stretch.block
        rows = np.flatnonzero(block.present)
        source = block.values[:, first:end]
        target = values[stretch.begin : stretch.begin + block.num_rows, : end - first, : block.width]
        if field.type == "Float":
            source, target = source.view(np.int32), target.view(np.int32)
        if len(rows) == block.num_rows:
            target[...] = source
        else:
            target[rows] = source[rows]
        if block.literal is not None:
            literal = np.zeros(shape, np.bool_) if literal is None else literal
            mask = literal[stretch.begin : stretch.begin + block.num_rows, : end - first, : block.width]
            mask[rows] = block.literal[rows, first:end]
    writer.put(chunk, sample_chunk, values, literal, width, present)


def _text_chunk(
    writer: FieldWriter, stretches: Sequence[Stretch], present: NDArray[np.bool_], width: int, samples: tuple[int, int]
) -> bytes:
    """A chunk of text in vlen-utf8 form: rows that are absent are ``.`` throughout."""
    first, end = samples
    # Which stretch has each row, and which the last row that is present at or before it: rows of one stretch are packed
    # in one go, with those between them that are absent.
    owner = np.full(writer.rows, -1, np.int64)
    for i, stretch in enumerate(stretches):
        owner[stretch.begin + np.flatnonzero(stretch.block.present)] = i
    near = owner[np.maximum.accumulate(np.where(owner >= 0, np.arange(writer.rows), 0))]
    # Not too many rows at a time: their offsets take much more room than the text.
    step = max(1, _PAIRS // (writer.samples * width))
    cuts = sorted({*range(0, writer.rows, step), *(np.flatnonzero(np.diff(near)) + 1).tolist(), writer.rows})
    pieces = []
    for begin, stop in itertools.pairwise(cuts):
        pairs = np.zeros((stop - begin, writer.samples, width, 2), np.int64)
        pairs[..., 1] = _fields.TEXT_MISSING
        rows = np.flatnonzero(owner[begin:stop] >= 0)
        text = np.zeros(1, np.uint8)
        if len(rows):
            stretch = stretches[near[begin]]
            block = stretch.block
            pairs[rows, ..., 1] = _fields.TEXT_FILL
            pairs[rows, : end - first, : block.width] = block.values[begin - stretch.begin + rows, first:end]
            text = text if block.text is None or not len(block.text) else block.text
        flat = pairs.reshape(-1, 2)
        out = np.empty(_fields.packed_size(flat), np.uint8)
        pieces.append(out[: _fields.pack_pairs(text, flat, out, 0)].tobytes())
    count = (writer.rows * writer.samples * width).to_bytes(4, "little")
    return b"".join([count, *pieces])
