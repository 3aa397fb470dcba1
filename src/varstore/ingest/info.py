"""INFO of a chunk of records: text in, blocks of values out, in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import fields as _fields
from ..kernels import scan as _scan
from ..storage.field_table import FieldTable
from .calls import float_bits, kind_of
from .field_blocks import FieldBlock, make_block
from .records import Records


@dataclass(frozen=True)
class Info:
    """INFO of a chunk.

    blocks : fields that are kept, by number    dropped : names of fields that records have and nobody wants
    odd : rows whose INFO the blocks do not hold whole, with its text
    """

    blocks: dict[int, FieldBlock]
    dropped: list[str]
    odd: list[tuple[int, str]]


def read_info(records: Records, table: FieldTable) -> Info:
    """Read INFO of some records; new keys are added to the table."""
    text = records.text
    begin, end, odd = _find(records, table)
    blocks, dropped = {}, []
    for slot in np.flatnonzero((begin >= 0).any(axis=1)).tolist():
        field = table.fields[slot]
        if not table.keeps(slot):
            dropped.append(field.name)
            continue
        if not field.has_file_name:  # INFO of these records is kept as text
            odd |= begin[slot] >= 0
            continue
        block = _read_field(text, begin[slot], end[slot], kind_of(field), odd)
        if block is not None:
            blocks[slot] = block
    info = records.fields[:, _scan.INFO], records.fields[:, _scan.INFO + 1] - 1
    rows = [(int(row), _kept(text[info[0][row] : info[1][row]].tobytes(), table)) for row in np.flatnonzero(odd)]
    return Info(blocks, dropped, [(row, kept) for row, kept in rows if kept])


def _find(records: Records, table: FieldTable) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Where each key's value begins and ends in each record, and which records are odd."""
    num_rows = records.num_rows
    info = np.ascontiguousarray(records.fields[:, _scan.INFO])
    info_end = np.ascontiguousarray(records.fields[:, _scan.INFO + 1]) - 1
    begin = np.full((len(table.fields), num_rows), -1, np.int64)
    end = np.full_like(begin, -1)
    odd = np.zeros(num_rows, np.bool_)
    fault = np.zeros(2, np.int64)
    row = 0
    while True:
        names = [field.key.encode(errors="surrogateescape") for field in table.fields[: len(begin)]]
        keys = np.frombuffer(bytearray(b"".join(names) or b"."), np.uint8)
        key_start = np.cumsum([0, *map(len, names)]).astype(np.int64)
        row = _fields.find_info(records.text, info, info_end, row, keys, key_start, begin, end, odd, fault)
        if row == num_rows:
            return begin, end, odd
        key = records.text[fault[0] : fault[1]].tobytes().decode()
        has_value = fault[1] < info_end[row] and records.text[fault[1]] == ord("=")
        table.add(key, "String" if has_value else "Flag")
        more = len(table.fields) - len(begin)
        begin, end = (np.concatenate([a, np.full((more, num_rows), -1, np.int64)]) for a in (begin, end))


def _read_field(
    text: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64], kind: int, odd: NDArray[np.bool_]
) -> FieldBlock | None:
    num_rows = len(begin)
    if kind == _fields.FLAG:
        present = begin >= 0
        odd |= present & (end >= begin)
        return FieldBlock(present.reshape(-1, 1, 1).astype(np.int8), present)
    most = max(1, _fields.most_values(text, begin, end))
    width = np.empty(num_rows, np.int32)
    cells: NDArray[Any]
    if kind in (_fields.INTEGER, _fields.FLOAT):
        cells = np.empty((num_rows, most), np.int32)
        slow = np.empty((256, 4), np.int64)
        num_slow = _fields.read_info_numbers(text, begin, end, kind, cells, width, odd, slow)
        if num_slow > len(slow):
            slow = np.empty((num_slow, 4), np.int64)
            _fields.read_info_numbers(text, begin, end, kind, cells, width, odd, slow)
        for row, value, first, last in slow[:num_slow].tolist():
            bits = float_bits(text[first:last].tobytes())
            if bits is None:
                odd[row] = True
            else:
                cells[row, value] = bits
        start = np.arange(num_rows, dtype=np.int64) * most
    else:
        cells = np.empty((num_rows, most, 2), np.int64)
        _fields.read_info_text(text, begin, end, cells, width, odd)
        start = np.arange(num_rows, dtype=np.int64) * (2 * most)
    return make_block(kind, cells.reshape(-1), start, width, 1, text)


def _kept(info: bytes, table: FieldTable) -> str:
    """INFO without the keys that nobody wants; what has no key stays."""
    unwanted = {field.key for slot, field in enumerate(table.fields) if not table.keeps(slot)}
    items = info.decode().split(";")
    return ";".join(item for item in items if item and item.partition("=")[0] not in unwanted)
