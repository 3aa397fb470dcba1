"""BED files: intervals of contigs, 0-based, half-open, checked line by line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .contigs import MITOCHONDRION, chromosome_of
from .regions import END_OF_CONTIG

Bed = dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]


def read_bed(path: Path) -> Bed:
    """Start and end of the intervals by contig, as they stand; the file is plain, gzip or BGZF.

    Empty intervals are left out. Raises InputError with file and line.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for columns, start, end in _rows(path):
        if end > start:
            found.setdefault(columns[0], []).append((start, end))
    if not found:
        raise InputError(f"{path}: no interval in it; expected lines of contig, start and end")
    out: Bed = {}
    for name, intervals in found.items():
        table = np.array(intervals, np.int64)
        out[name] = table[:, 0], table[:, 1]
    return out


def read_named_bed(path: Path) -> list[tuple[str, int, int, str]]:
    """Contig, start, end and name (``.`` without one) of the intervals, in the order of the file.

    Empty intervals are left out. Raises InputError with file and line.
    """
    rows = _rows(path)
    found = [
        (row[0], start, end, row[3] if len(row) > 3 and row[3] else ".") for row, start, end in rows if end > start
    ]
    if not found:
        raise InputError(f"{path}: no interval in it; expected lines of contig, start and end")
    return found


def _rows(path: Path) -> Iterator[tuple[list[str], int, int]]:
    """Columns, start and end of each line that is an interval."""
    for number, line in enumerate(_lines(path), 1):
        columns = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or line.startswith("#") or line.split()[0] in ("track", "browser"):
            continue
        yield columns, *_interval(columns, f"{path}, line {number}")


def _lines(path: Path) -> Iterator[str]:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        yield from data.decode("utf-8-sig").splitlines()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path}: damaged or cut short: it does not inflate") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: no text, expected BED: contig, start and end") from None


def _interval(columns: list[str], where: str) -> tuple[int, int]:
    shown = " ".join(columns[:3])
    if len(columns) < 3 or not all(text.isascii() and text.isdigit() for text in columns[1:3]):
        raise InputError(f"{where}: found {shown!r}, expected contig, start and end (BED: 0-based, end not included)")
    start, end = int(columns[1]), int(columns[2])
    if end < start or end > END_OF_CONTIG:
        raise InputError(f"{where}: found {shown!r}: the interval ends before it starts, or beyond any contig")
    return start, end


def place_bed(bed: Bed, contigs: Mapping[str, int | None], path: Path) -> Bed:
    """The intervals by the names that a batch gives its contigs; those on other contigs are left out.

    contigs : length by name, None where unknown

    Raises InputError where no contig is the batch's, or an interval ends behind its contig.
    """
    spelled = {chromosome: name for name in contigs if (chromosome := _chromosome(name)) is not None}
    out: Bed = {}
    for name, (start, end) in bed.items():
        own = name if name in contigs else spelled.get(_chromosome(name) or "")
        if own is None:
            continue
        length = contigs[own]
        if length is not None and end.max() > length:
            raise InputError(
                f"{path}: an interval ends at {end.max():,}, but contig {own} has {length:,} bases: another build?"
            )
        before = out.get(own, (np.zeros(0, np.int64), np.zeros(0, np.int64)))
        out[own] = np.concatenate([before[0], start]), np.concatenate([before[1], end])
    if not out:
        raise InputError(f"{path}: none of its contigs ({_few(bed)}) is one of the batch ({_few(contigs)})")
    return out


def _chromosome(name: str) -> str | None:
    """What a contig may be called otherwise; a mitochondrion may not, for hg19's chrM is another sequence than MT."""
    chromosome = chromosome_of(name)
    return None if chromosome == MITOCHONDRION else chromosome


def _few(names: Mapping[str, object]) -> str:
    return ", ".join(list(names)[:3]) + (", ..." if len(names) > 3 else "")
