"""The site columns of one chunk of records, in bulk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..kernels import scan as _scan
from ..kernels import sites as _sites
from .records import Records

_NUMBER = re.compile(r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?|nan)", re.IGNORECASE)


@dataclass(frozen=True)
class SiteColumns:
    """Site columns of a chunk; packed text is vlen-utf8, padded to ``rows_of_chunk`` items.

    contig : int32 into ``contig_names``    position, length : int32    quality : float32
    filters, formats : int32 into the distinct texts of the chunk
    """

    contig: NDArray[np.int32]
    contig_names: list[str]
    position: NDArray[np.int32]
    length: NDArray[np.int32]
    quality: NDArray[np.float32]
    num_alts: NDArray[np.int64]
    num_alleles: int
    packed_alleles: bytes
    packed_ids: bytes
    id_missing: NDArray[np.bool_]
    filters: NDArray[np.int32]
    filter_texts: list[str]
    formats: NDArray[np.int32]
    format_texts: list[str]


def site_columns(records: Records, rows_of_chunk: int) -> SiteColumns:
    """Build the columns. Raises InputError without file and line: a ``RowError``."""
    text, fields = records.text, records.fields
    begin = [np.ascontiguousarray(fields[:, i]) for i in range(_scan.NUM_FIELDS)]
    end = [column - 1 for column in begin[1:]]
    _check_text(text, records)
    contig_names = list(dict.fromkeys(records.contig_of_run))
    runs = np.diff(np.append(records.run_start, records.num_rows))
    codes = np.array([contig_names.index(name) for name in records.contig_of_run], np.int32)
    length = np.empty(records.num_rows, np.int32)
    _sites.reference_lengths(
        text, begin[_scan.REF], begin[_scan.ALT_TEXT], begin[_scan.INFO], end[_scan.INFO], records.position, length
    )
    num_alleles = max(2, 1 + int(records.num_alts.max(initial=0)))
    filters, filter_texts = _distinct(text, begin[_scan.FILTER], end[_scan.FILTER])
    formats, format_texts = _distinct(text, begin[_scan.FORMAT], np.maximum(end[_scan.FORMAT], begin[_scan.FORMAT]))
    ids = begin[_scan.ID], end[_scan.ID]
    return SiteColumns(
        np.repeat(codes, runs),
        contig_names,
        records.position.astype(np.int32),
        length,
        _quality(text, begin[_scan.QUAL], end[_scan.QUAL]),
        records.num_alts,
        num_alleles,
        _pack_alleles(text, begin, end, records.num_alts, num_alleles, rows_of_chunk),
        _pack(text, *ids, rows_of_chunk),
        (ids[1] - ids[0] == 1) & (text[ids[0]] == ord(".")),
        filters,
        filter_texts,
        formats,
        format_texts,
    )


class RowError(InputError):
    """A fault of one record; ``row`` counts from 0 in its chunk."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


def _check_text(text: NDArray[np.uint8], records: Records) -> None:
    """Site text is UTF-8, as VCF 4.3 says. Raises RowError."""
    for row, name in zip(records.run_start, records.contig_of_run, strict=True):
        if any("\udc80" <= character <= "\udcff" for character in name):
            raise RowError(int(row), "CHROM is not UTF-8")
    if not len(text) or text.max() < 128:
        return
    try:
        text.tobytes().decode()
    except UnicodeDecodeError as error:
        row = int(np.searchsorted(records.fields[:, -1], error.start, "right"))
        raise RowError(row, "the text before the samples is not UTF-8") from None


def _pack(text: Any, begin: Any, end: Any, rows: int) -> bytes:
    out = np.empty(4 + 4 * rows + int(np.maximum(end - begin, 0).sum()), np.uint8)
    return out[: _sites.pack_fields(text, begin, end, rows, out)].tobytes()


def _pack_alleles(text: Any, begin: Any, end: Any, num_alts: Any, width: int, rows: int) -> bytes:
    size = int((end[_scan.ALT_TEXT] - begin[_scan.REF]).sum()) if len(num_alts) else 0
    out = np.empty(4 + 4 * rows * width + size, np.uint8)
    used = _sites.pack_alleles(
        text, begin[_scan.REF], begin[_scan.ALT_TEXT], end[_scan.ALT_TEXT], num_alts, width, rows, out
    )
    if used < 0:
        raise RowError(-1 - used, "ALT has an empty allele; alleles are separated by one comma")
    return out[:used].tobytes()


def _quality(text: Any, begin: Any, end: Any) -> NDArray[np.float32]:
    bits = np.empty(len(begin), np.uint32)
    quality = bits.view(np.float32)
    if _sites.parse_quality(text, begin, end, bits):
        for row in np.flatnonzero(bits == _sites.QUAL_ODD):
            found = text[begin[row] : end[row]].tobytes().decode(errors="replace")
            if not _NUMBER.fullmatch(found):
                raise RowError(int(row), f"QUAL is {found[:40]!r}, expected a number or '.'")
            with np.errstate(over="ignore"):  # too large for float32 is infinite, as htslib has it
                quality[row] = np.float32(float(found))
    return quality


def _distinct(text: Any, begin: Any, end: Any) -> tuple[NDArray[np.int32], list[str]]:
    codes = np.empty(len(begin), np.int32)
    first = np.empty(len(begin), np.int64)
    num = _sites.distinct_fields(text, begin, end, codes, first)
    return codes, [text[begin[row] : end[row]].tobytes().decode() for row in first[:num]]
