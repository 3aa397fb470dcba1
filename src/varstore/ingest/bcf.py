"""BCF through cyvcf2 (htslib): its records as text, and that through the scanner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, NotVcfError
from ..kernels.fields import FLOAT_FILL, FLOAT_MISSING
from .header import VcfHeader, parse_header
from .records import PieceScanner, Records, ScanPlan
from .text import Piece, PlainReader

_TEXT_SIZE = 1 << 23


def read_bcf_header(path: Path) -> VcfHeader:
    """The header of a BCF. Raises NotVcfError."""
    import cyvcf2  # noqa: PLC0415

    try:
        reader = cyvcf2.VCF(str(path))
    except Exception as error:
        raise NotVcfError(f"{path}: no BCF that htslib can open ({error})") from None
    return parse_header(reader.raw_header, str(path))


def first_contig_of_bcf(path: Path) -> str | None:
    """CHROM of the first record, or None where there is none."""
    import cyvcf2  # noqa: PLC0415

    for record in cyvcf2.VCF(str(path), samples=[]):
        return str(record.CHROM)
    return None


def read_bcf(path: Path, plan: ScanPlan) -> Iterator[Records]:
    """Records of a BCF, some at a time, by way of their text. Raises InputError."""
    scanner = PieceScanner(plan, 1)
    number = 0
    for text in _texts(path):
        data = memoryview(text)
        result = scanner.scan(Piece(PlainReader(data), 0, len(data), True, False, 0))
        for records in result.records:
            number += records.num_rows
            yield records
        if result.fault is not None:
            raise InputError(f"{path}, record {number + 1}: {result.fault.message}")


def _texts(path: Path) -> Iterator[bytes]:
    """Lines of VCF, some megabytes at a time."""
    import cyvcf2  # noqa: PLC0415

    lines: list[bytes] = []
    size, number = 0, 0
    try:
        reader = cyvcf2.VCF(str(path))
        floats = _float_keys(reader)
        for record in reader:
            number += 1
            lines.append(_line(record, floats))
            size += len(lines[-1])
            if size >= _TEXT_SIZE:
                yield b"".join(lines)
                lines, size = [], 0
    except Exception as error:
        raise InputError(f"{path}, record {number + 1}: htslib cannot read it ({error})") from None
    yield b"".join(lines)


def _float_keys(reader: Any) -> dict[str, set[str]]:
    """Keys of the fields of floats, of INFO and of FORMAT."""
    keys: dict[str, set[str]] = {"INFO": set(), "FORMAT": set()}
    for line in reader.header_iter():
        if line["HeaderType"] in keys and line["Type"] == "Float":
            keys[line["HeaderType"]].add(line["ID"])
    return keys


def _line(record: Any, floats: dict[str, set[str]]) -> bytes:
    """A record's line. htslib prints floats with six digits: those are printed again, with all they need."""
    columns = str(record).rstrip("\n").split("\t", 9)
    if record.QUAL is not None:
        columns[5] = _shown(record.QUAL)
    items = [item.partition("=") for item in columns[7].split(";")]
    if any(key in floats["INFO"] for key, _, _ in items):
        columns[7] = ";".join(key + sign + _info_text(record, key, text, floats) for key, sign, text in items)
    formats = columns[8].split(":") if len(columns) > 9 else []
    if floats["FORMAT"].intersection(formats):
        columns[9:] = columns[9].split("\t")
    for index, key in enumerate(formats):
        if key in floats["FORMAT"]:
            _put_calls(columns, index, np.asarray(record.format(key), np.float32))
    return "\t".join(columns).encode() + b"\n"


def _shown(value: float) -> str:
    """The shortest text that reads as the same float32."""
    return str(np.float32(value))


def _info_text(record: Any, key: str, text: str, floats: dict[str, set[str]]) -> str:
    if key not in floats["INFO"] or not text:
        return text
    value = record.INFO.get(key)
    values = value if isinstance(value, tuple) else [value]
    parts = text.split(",")
    if len(parts) != len(values):
        return text
    return ",".join(part if v is None or part == "." else _shown(v) for part, v in zip(parts, values, strict=True))


def _put_calls(columns: list[str], index: int, values: Any) -> None:
    """Print a FORMAT field of floats anew in every sample's column."""
    bits = values.view(np.uint32)
    for sample in range(len(values)):
        fields = columns[9 + sample].split(":")
        if index >= len(fields):
            continue
        ends = np.flatnonzero(bits[sample] == FLOAT_FILL)
        num = int(ends[0]) if len(ends) else values.shape[1]
        shown = ["." if bits[sample, i] == FLOAT_MISSING else _shown(values[sample, i]) for i in range(num)]
        fields[index] = ",".join(shown) or "."
        columns[9 + sample] = ":".join(fields)
