"""Regions: text as people write it (1-based, closed), intervals inside (0-based, half-open)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import RegionError, UnknownContigError

END_OF_CONTIG = 2**31 - 1
_GROUP = re.compile(r"\d{3}(-\d{0,3})?")  # what follows a comma inside a number


@dataclass(frozen=True)
class Region:
    """An interval on a contig: ``contig`` is its index, ``start`` 0-based, ``end`` exclusive."""

    contig: int
    start: int = 0
    end: int = END_OF_CONTIG


def parse_region(text: str, contigs: Sequence[str]) -> Region:
    """Read ``contig``, ``contig:pos`` or ``contig:start-end`` (1-based, closed, commas allowed).

    The contig is looked up whole first, so ``HLA-A*01:01:01:01`` is a contig.
    Raises UnknownContigError, RegionError.

    >>> parse_region("22:16,050,000-16,060,000", ["21", "22"])
    Region(contig=1, start=16049999, end=16060000)
    """
    if text in contigs:
        return Region(list(contigs).index(text))
    contig, colon, interval = text.rpartition(":")
    if not colon or contig not in contigs:
        known = ", ".join(contigs[:8]) + (", ..." if len(contigs) > 8 else "")
        raise UnknownContigError(f"region {text!r}: no contig {contig or text!r} here; there are {known or 'none'}")
    first, dash, last = interval.replace(",", "").partition("-")
    begin = _position(first, text)
    if not dash:
        return Region(list(contigs).index(contig), begin - 1, begin)
    end = _position(last, text) if last else END_OF_CONTIG
    if end < begin:
        raise RegionError(f"region {text!r}: it ends at {end}, before its start {begin}")
    return Region(list(contigs).index(contig), begin - 1, end)


def split_regions(text: str, contigs: Sequence[str]) -> list[str]:
    """Split a list of regions at its commas, but not at those inside numbers.

    >>> split_regions("22:16,050,000-16,060,000,X:5", ["22", "X"])
    ['22:16,050,000-16,060,000', 'X:5']
    """
    regions: list[str] = []
    for piece in text.split(","):
        if regions and ":" in regions[-1] and _GROUP.fullmatch(piece) and piece not in contigs:
            regions[-1] += "," + piece
        else:
            regions.append(piece)
    return regions


def _position(text: str, region: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1 or int(text) > END_OF_CONTIG:
        raise RegionError(f"region {region!r}: {text!r} is no position (expected contig:start-end, from 1)")
    return int(text)


def read_regions_file(path: str | Path, contigs: Sequence[str]) -> list[Region]:
    """Read ``contig[ pos[ end]]`` lines, 1-based closed; 0-based half-open in a .bed or .bed.gz.

    Raises UnknownContigError, RegionError, with the line.
    """
    name = Path(path).name
    bed = name.endswith((".bed", ".bed.gz"))
    opened = gzip.open(path, "rt") if name.endswith(".gz") else open(path, encoding="utf-8")
    index = {contig: i for i, contig in enumerate(contigs)}
    regions = []
    with opened as lines:
        for number, line in enumerate(lines, 1):
            columns = line.split()
            if not columns or columns[0].startswith("#") or (bed and columns[0] in ("track", "browser")):
                continue
            where = f"{path}, line {number}"
            if columns[0] not in index:
                raise UnknownContigError(f"{where}: no contig {columns[0]!r} here")
            regions.append(_region_of_line(columns, bed, index[columns[0]], where))
    return regions


def _region_of_line(columns: Sequence[str], bed: bool, contig: int, where: str) -> Region:
    try:
        numbers = [int(text.replace(",", "")) for text in columns[1:3]]
    except ValueError:
        raise RegionError(f"{where}: found {' '.join(columns[:3])!r}, expected contig, start, end") from None
    if bed and len(numbers) != 2:
        raise RegionError(f"{where}: a BED line has contig, start and end")
    start = numbers[0] - (0 if bed else 1) if numbers else 0
    end = numbers[-1] if numbers else END_OF_CONTIG
    if start < 0 or end < start or (end == start and not bed):
        raise RegionError(f"{where}: the interval {columns[1:3]} is empty or begins before the contig")
    return Region(contig, start, end)


def merge_regions(regions: Iterable[Region]) -> list[Region]:
    """Sort, and join what overlaps or touches: nothing is selected twice."""
    merged: list[Region] = []
    for region in sorted(regions, key=lambda r: (r.contig, r.start, r.end)):
        last = merged[-1] if merged else None
        if last is not None and last.contig == region.contig and region.start <= last.end:
            merged[-1] = Region(last.contig, last.start, max(last.end, region.end))
        else:
            merged.append(region)
    return merged
