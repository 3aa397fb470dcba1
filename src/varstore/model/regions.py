"""Regions: text as people write it (1-based, closed), intervals inside (0-based, half-open)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import RegionError, UnknownContigError

END_OF_CONTIG = 2**31 - 1
_GROUP = re.compile(r"\d{3}(-\d{0,3}|[ :].*)?")  # what follows a comma inside a number
# ``contig:pos REF>ALT``, and ``contig:pos:REF:ALT``.
_ALLELES = (re.compile(r"(.+):([^:\s]*)\s+([A-Za-z]+)>(\S+)"), re.compile(r"(.+):([\d,]+):([A-Za-z]+):([A-Za-z]+|\*)"))


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
    if ">" in text:
        raise RegionError(f"{text!r} is no allele; expected contig:pos REF>ALT, like 22:16050075 A>G")
    if not colon or contig not in contigs:
        raise UnknownContigError(f"region {text!r}: no contig {contig or text!r} here; {_known(contigs)}")
    first, dash, last = interval.replace(",", "").partition("-")
    begin = _position(first, text)
    if not dash:
        return Region(list(contigs).index(contig), begin - 1, begin)
    end = _position(last, text) if last else END_OF_CONTIG
    if end < begin:
        raise RegionError(f"region {text!r}: it ends at {end}, before its start {begin}")
    return Region(list(contigs).index(contig), begin - 1, end)


@dataclass(frozen=True)
class AlleleText:
    """One ALT allele as somebody asks for it: ``contig`` is its index, ``position`` is 1-based."""

    contig: int
    position: int
    ref: str
    alt: str


def parse_allele(text: str, contigs: Sequence[str]) -> AlleleText | None:
    """Read ``contig:pos REF>ALT`` or ``contig:pos:REF:ALT``; None where the text is no allele but may be a region.

    A contig that has the text as its name goes first, as in ``parse_region``; of other contigs and regions none ends
    in bases. The alleles may be spelled in any way, and in any case. Raises UnknownContigError, RegionError.

    >>> parse_allele("22:16,050,075 A>G", ["21", "22"])
    AlleleText(contig=1, position=16050075, ref='A', alt='G')
    """
    found = next(filter(None, (pattern.fullmatch(text) for pattern in _ALLELES)), None)
    if found is None or text in contigs:
        return None
    contig, position, ref, alt = found.groups()
    if contig not in contigs:
        raise UnknownContigError(f"allele {text!r}: no contig {contig!r} here; {_known(contigs)}")
    number = position.replace(",", "")
    if not (number.isascii() and number.isdigit()) or int(number) > END_OF_CONTIG:
        raise RegionError(f"allele {text!r}: {position!r} is no position (expected contig:pos REF>ALT)")
    return AlleleText(list(contigs).index(contig), int(number), ref, alt)


def _known(contigs: Sequence[str]) -> str:
    return "there are " + (", ".join(contigs[:8]) + (", ..." if len(contigs) > 8 else "") or "none")


def split_regions(text: str, contigs: Sequence[str]) -> list[str]:
    """Split a list of regions and alleles at its commas, but not at those inside numbers.

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
