"""BCF 2.2: records encoded in bulk, as BGZF."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..kernels import bcf as _bcf
from ..model.header import Declared, Header
from ..storage.field_text import Field
from ..storage.rowbytes import RowBytes, from_blobs, from_strings, join_rows
from . import bgzf_file
from .cells import field_cells, with_odd_calls
from .index import Index
from .output import opened
from .records import RAW_INFO, Selection, Slice
from .report import Job

_HEAD = np.dtype(
    [
        ("shared_size", "<u4"), ("calls_size", "<u4"), ("contig", "<i4"), ("position", "<i4"), ("length", "<i4"),
        ("quality", "<u4"), ("num_info", "<u2"), ("num_alleles", "<u2"), ("num_samples_and_formats", "<u4"),
    ]
)  # fmt: skip
_MAX_SAMPLES = (1 << 24) - 1
_UNDECLARED = Declared("1", "String", "")
_TYPES = {"Integer": _bcf.TYPE_INTEGER, "Float": _bcf.TYPE_FLOAT}


def write_bcf(selection: Selection, target: Path | BinaryIO, job: Job, index: Index | None = None) -> None:
    """Write the records as BCF. Raises QueryError where a value is not of its declared type.

    index : is told of them
    """
    if len(selection.samples) > _MAX_SAMPLES:
        raise QueryError(f"BCF takes at most {_MAX_SAMPLES:,} samples; export as vcf")
    header = selection.header
    for key in _undeclared_info(selection, header):
        header.add_field("INFO", key, _UNDECLARED)
    text = _header_text(header, selection.samples).encode() + b"\0"
    encoder = _Encoder(header)
    with opened(target) as file:
        head = b"BCF\2\2" + struct.pack("<I", len(text)) + text
        bgzf_file.write(file, head, encoder.records, selection, job, index)


def _header_text(header: Header, samples: Any) -> str:
    """The header with the number of each id, so that no reader has to count as we do."""
    numbered = Header([])
    numbered.lines = [header.numbered(line) for line in header.lines]
    return numbered.text(samples)


def _undeclared_info(selection: Selection, header: Header) -> list[str]:
    """Keys of INFO texts that the header does not declare."""
    if RAW_INFO not in selection.arrays[0].names:
        return []
    found: list[str] = []
    keys = _Keys([*header.infos])
    for part in selection.slices():
        place = np.zeros(3, np.int64)
        info = part.info
        while _bcf.find_unknown(info.arena, info.start, keys.names, keys.bounds, keys.slots, place):
            found.append(info.arena[place[1] : place[2]].tobytes().decode())
            keys = _Keys([*header.infos, *found])
    return found


class _Keys:
    """A hash table of keys for the kernels."""

    def __init__(self, keys: list[str]) -> None:
        names = from_strings(keys)
        self.names, self.bounds = names.arena, names.start
        self.slots = np.empty(1 << max(3, (2 * len(keys)).bit_length()), np.int32)
        _bcf.index_keys(self.names, self.bounds, self.slots)


def _typed_number(number: int) -> NDArray[np.uint8]:
    """A small integer as a typed value: the key of a FORMAT field."""
    if number < 128:
        data = struct.pack("<Bb", 0x11, number)
    else:
        data = struct.pack("<Bh", 0x12, number) if number < 32768 else struct.pack("<Bi", 0x13, number)
    return np.frombuffer(data, np.uint8)


class _Encoder:
    """Encodes slices; safe from several threads."""

    def __init__(self, header: Header) -> None:
        self.header = header
        infos = list(header.infos)
        self.keys = _Keys(infos)
        self.ids = np.array([header.strings[key] for key in infos], np.int64)
        self.types = np.array([_TYPES.get(header.infos[key].type, _bcf.TYPE_OTHER) for key in infos], np.int64)

    def records(self, part: Slice) -> tuple[memoryview, NDArray[np.int64]]:
        """The records of a slice, and (rows + 1,) where each begins and the last ends."""
        info, num_info = self._info(part)
        shared = [_texts(part.ids), self._alleles(part), self._filters(part), info]
        calls = self._calls(part) if part.selection.samples else []
        head = np.zeros(part.num_rows, _HEAD)
        head["shared_size"] = 24 + sum(column.sizes for column in shared)
        contigs = np.array([self.header.contigs[name] for name in part.selection.stores[0].contigs], np.int32)
        head["contig"] = contigs[part.contig]
        head["position"] = part.position - 1
        head["length"] = part.length
        head["quality"] = part.quality.view(np.uint32)
        head["num_info"], head["num_alleles"] = num_info, 1 + part.num_alts
        num_formats = np.zeros(part.num_rows, np.int64)
        for column in calls:
            head["calls_size"] += column.sizes.astype(np.uint32)
            num_formats += column.sizes > 0
        head["num_samples_and_formats"] = num_formats << 24 | len(part.selection.samples)
        step = _HEAD.itemsize
        heads = RowBytes(head.view(np.uint8), np.arange(part.num_rows + 1, dtype=np.int64) * step)
        data, starts = join_rows([heads, *shared, *calls])
        return data.data, starts[:, 0]

    def _alleles(self, part: Slice) -> RowBytes:
        alleles = part.alleles
        return _texts(from_strings([str(text) for text in alleles.reshape(-1).tolist()]), alleles.shape[1])

    def _filters(self, part: Slice) -> RowBytes:
        distinct, codes = part.filters
        names = part.selection.stores[0].filters
        return from_blobs([_filter_blob([self.header.strings[names[i]] for i in row]) for row in distinct]).gather(
            codes
        )

    def _info(self, part: Slice) -> tuple[RowBytes, NDArray[np.int64]]:
        """Typed INFO, and how many fields each record has. Raises QueryError."""
        text = part.info
        num_rows, size = part.num_rows, len(text.arena)
        out = np.empty(8 * size + 16 * num_rows, np.uint8)
        out_start, num = np.zeros(num_rows + 1, np.int64), np.zeros(num_rows, np.int64)
        odd, fault = np.empty((size, 3), np.int64), np.zeros(4, np.int64)
        values = np.empty(int(text.sizes.max(initial=0)) + 1, np.int64)
        keys = self.keys
        status = _bcf.typed_info(
            text.arena, text.start, keys.names, keys.bounds, keys.slots, self.ids, self.types, values, odd,
            out, out_start, num, fault,
        )  # fmt: skip
        if status != _bcf.DONE:
            self._refuse(part, fault)
        for at, begin, end in odd[: int(fault[3])].tolist():
            out[at : at + 4] = np.frombuffer(self._float(part, text, begin, end), np.uint8)
        return RowBytes(out[: out_start[-1]], out_start), num

    def _float(self, part: Slice, text: RowBytes, begin: int, end: int) -> bytes:
        word = text.arena[begin:end].tobytes().decode()
        try:
            with np.errstate(over="ignore"):
                return np.float32(float(word)).tobytes()
        except ValueError:
            row = int(np.searchsorted(text.start, begin, "right")) - 1
            self._refuse(part, np.array([row, begin, end]))
            raise

    def _refuse(self, part: Slice, fault: NDArray[np.int64]) -> None:
        row, begin, end = (int(n) for n in fault[:3])
        place = f"{part.selection.stores[0].contigs[part.contig[row]]}:{part.position[row]}"
        word = part.info.arena[begin:end].tobytes().decode()
        key = word.partition("=")[0]
        declared = self.header.infos[key].type if key in self.header.infos else "number"
        raise QueryError(f"{place}: INFO {word[:60]!r} is no {declared}, and BCF takes no other; export as vcf")

    def _refuse_odd_calls(self, part: Slice, field: Field) -> None:
        """Numbers that are none, or too many. Raises QueryError."""
        for (row, key), odd in part.odd_calls.items():
            if key == field.key:
                sample, text = part.selection.samples[odd[0][0]], odd[0][1]
                place = f"{part.selection.stores[0].contigs[part.contig[row]]}:{part.position[row]}"
                type_ = field.declared.type
                raise QueryError(
                    f"{place}, sample {sample}: {key} {text[:60]!r} is no {type_}; BCF takes no other, vcf does"
                )

    def _calls(self, part: Slice) -> list[RowBytes]:
        genotypes = [self._genotypes(part)] if part.has_gt.any() else []
        return genotypes + [self._field(part, field) for field in part.selection.formats]

    def _genotypes(self, part: Slice) -> RowBytes:
        calls = part.calls()
        key = _typed_number(self.header.strings["GT"])
        num_rows, num_samples, ploidy = calls.codes.shape
        size = 1 if calls.codes.dtype.itemsize == 1 and calls.codes.max(initial=0) < 63 else 4
        out = np.empty(num_rows * (num_samples * ploidy * size + 16), np.uint8)
        start = np.zeros(num_rows + 1, np.int64)
        phase = self.header.version >= (4, 4)
        used = _bcf.typed_calls(calls.codes, calls.phased, calls.has_gt, key, phase, out, start)
        for (row, name), odd in part.odd_calls.items():
            for sample, separators in odd if name == "GT" else ():
                codes = calls.codes[row, sample]
                _set_phases(out[start[row] + len(key) : start[row + 1]], num_samples, sample, codes, separators)
        return RowBytes(out[:used], start)

    def _field(self, part: Slice, field: Field) -> RowBytes:
        found, key = part.field(field), _typed_number(self.header.strings[field.key])
        values = found.values
        num_rows, num_samples = values.shape[:2]
        start = np.zeros(num_rows + 1, np.int64)
        kind = values.dtype.kind
        if kind in "iuf":
            self._refuse_odd_calls(part, field)
            wide = values.reshape(num_rows, num_samples, -1)
            out = np.empty(4 * wide.size + 16 * num_rows, np.uint8)
            if kind == "f":
                bits = np.ascontiguousarray(wide, np.float32).view(np.uint32)
                used = _bcf.typed_floats(bits, key, out, start)
            else:
                literal = np.zeros((0, 0, 0), np.bool_) if found.literal is None else found.literal.reshape(wide.shape)
                used = _bcf.typed_integers(np.ascontiguousarray(wide, np.int32), literal, key, out, start)
            return RowBytes(out[:used], start)
        cells = with_odd_calls(field_cells(part, field), field.key, part.odd_calls)
        arguments = cells.arena, cells.start, cells.present, num_samples, key
        out = np.empty(_bcf.typed_cells(*arguments, np.empty(0, np.uint8), start), np.uint8)
        if len(out):
            out = out[: _bcf.typed_cells(*arguments, out, start)]
        return RowBytes(out, start)


def _set_phases(data: NDArray[np.uint8], num_samples: int, sample: int, codes: NDArray[Any], separators: str) -> None:
    """Give one call of an encoded row the phases of its separators; one before the first allele counts too.

    data : the row's vector of GT, from its type on
    """
    kind = int(data[0]) & 15
    size = 1 << (kind - 1)
    # The calls are the row's end, whatever the length of what is before them.
    width = (len(data) - 1) // (num_samples * size)
    begin = len(data) - (num_samples - sample) * width * size
    num_alleles = int((codes != -2).sum())
    first = 0 if len(separators) == num_alleles else 1
    for allele, separator in enumerate(separators, first):
        at = begin + allele * size
        data[at] = data[at] & 0xFE | (separator == "|")


def _texts(cells: RowBytes, width: int = 1) -> RowBytes:
    """Cells as typed strings, ``width`` a row."""
    num_rows = cells.num_rows // width
    out = np.empty(len(cells.arena) + 6 * cells.num_rows, np.uint8)
    start = np.zeros(num_rows + 1, np.int64)
    used = _bcf.typed_texts(cells.arena, cells.start, width, out, start)
    return RowBytes(out[:used], start)


def _filter_blob(numbers: list[int]) -> bytes:
    """A set of filters as a typed vector."""
    if not numbers:
        return b"\0"
    kind, code = (1, "b") if max(numbers) < 128 else (2, "h") if max(numbers) < 32768 else (3, "i")
    head = bytes([len(numbers) << 4 | kind])
    if len(numbers) >= 15:
        head = bytes([0xF0 | kind]) + _typed_number(len(numbers)).tobytes()
    return head + struct.pack(f"<{len(numbers)}{code}", *numbers)
