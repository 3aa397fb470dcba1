"""Genotypes as text, as direct-to-consumer services give them: rsid, chromosome, position, genotype."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..ingest.line_scanner import Places
from ..ingest.person import Alleles
from ..kernels import locate as _locate
from ..kernels import person as _person
from ..model.contigs import LENGTHS, build_of
from .matching import chunk_keys
from .reading import Genome, in_order

if TYPE_CHECKING:
    from ..query.version import Version

_HEAD = 1 << 16
_BASES = {"A": 0, "C": 1, "G": 2, "T": 3}
_NO_BASE = 255
# How the services number what is no autosome.
_NUMBERED = {"23": "X", "24": "Y", "26": "MT", "M": "MT"}
_BUILD = re.compile(r"(?:build|GRCh|NCBI)\s*(36|37|38)", re.IGNORECASE)
_BUILDS = {"36": "NCBI36", "37": "GRCh37", "38": "GRCh38"}
# Calls without the reference base: a person has it in most places.
_MOST_WITHOUT, _LEAST_CALLED = 0.5, 50
_SINGLE = np.uint64(1 << 27 | 1 << 23)


def is_chip(path: Path) -> bool:
    """Whether a file is such text: lines of 4 or 5 columns, of which the third is a position."""
    try:
        text = _read(path, _HEAD)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error):
        return False
    if text.startswith("##fileformat"):
        return False
    lines = [line for line in text.splitlines()[:-1] if line and not line.startswith("#")]
    fields = [re.split(r"\t", line) for line in lines[:3]]
    return any(len(row) in (4, 5) and row[2].isdigit() and _called(row) for row in fields)


def _called(row: list[str]) -> bool:
    return re.fullmatch("[ACGTDI0-]{1,2}", "".join(row[3:])) is not None


def _read(path: Path, size: int = -1) -> str:
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if packed else open(path, "rb") as stream:
        return stream.read(size).decode()


def read_chip(version: Version, path: Path, absent: str) -> Genome:
    """Read such a file. REF is the FASTA's base, else that of the repository's record at the position.

    Raises InputError where a line cannot be read, or the file is of another build.
    """
    assert version.manifest is not None
    try:
        text = _read(path)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    _check_build(version, path, text)
    places = Places({}, version.manifest.contigs, str(path), version._bases)
    reader = _Reader(path, places)
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            reader.add(number, line)
    return reader.genome(version, absent)


def _check_build(version: Version, path: Path, text: str) -> None:
    """Raises InputError where the file says that it is of another build than the repository."""
    comment = "\n".join(line for line in text[:_HEAD].splitlines() if line.startswith("#"))
    named = _BUILD.search(comment)
    assert version.manifest is not None
    mine = build_of({entry["name"]: entry["length"] for entry in version.manifest.contigs})
    if named and mine in LENGTHS and _BUILDS[named[1]] != mine:
        raise InputError(f"{path}: it says that it is of {_BUILDS[named[1]]}, the repository is of {mine}")


class _Reader:
    """Collects calls by contig."""

    def __init__(self, path: Path, places: Places) -> None:
        self.path, self.places = path, places
        self.calls: dict[str, list[tuple[int, int, int, int]]] = {}
        self.missing, self.unread, self.records = 0, 0, 0

    def add(self, number: int, line: str) -> None:
        """Take in a line. Raises InputError."""
        fields = line.rstrip("\r").split("\t")
        if fields[0].lower() in ("rsid", "# rsid"):
            return
        if len(fields) not in (4, 5) or not fields[2].isdigit():
            raise InputError(
                f"{self.path}, line {number}: found {line[:40]!r}, expected rsid, chromosome, position and genotype, "
                "with tabs"
            )
        self.records += 1
        alleles = "".join(fields[3:])
        if set(alleles) <= {"-", "0"}:
            self.missing += 1
        elif len(alleles) > 2 or not set(alleles) <= set(_BASES):
            self.unread += 1
        else:
            codes = [_BASES[base] for base in alleles]
            contig = _NUMBERED.get(fields[1], fields[1])
            record = self.records - 1, int(fields[2]), codes[0], codes[1] if len(codes) > 1 else -1
            self.calls.setdefault(contig, []).append(record)

    def genome(self, version: Version, absent: str) -> Genome:
        """The genome of what was read. Raises InputError."""
        parts, stretches = [], [np.zeros((0, 4), np.int64)]
        called, without, unknown = 0, 0, 0
        for name, calls in self.calls.items():
            rows = np.array(sorted(calls, key=lambda call: call[1]), np.int64)
            place, bases = self.places.find(name)
            ref = _reference(version, place, bases, rows[:, 1])
            known = ref != _NO_BASE
            rows, ref = rows[known], ref[known].astype(np.int64)
            unknown += int((~known).sum())
            called += len(rows)
            without += int(((rows[:, 2] != ref) & (rows[:, 3] != ref)).sum())
            parts.append(_alleles(place, rows, ref))
            same = rows[(rows[:, 2] == ref) & ((rows[:, 3] == ref) | (rows[:, 3] < 0)), 1]
            stretches.append(np.column_stack([np.full(len(same), place), same - 1, same, np.zeros(len(same))]))
        if not self.records:
            raise InputError(f"{self.path}: it has no genotypes; is it the whole file?")
        if called >= _LEAST_CALLED and without > _MOST_WITHOUT * called:
            raise InputError(
                f"{self.path}: {without:,} of {called:,} calls lack the reference base: the file is likely of another "
                "build than the repository"
            )
        found = np.concatenate([stretch.astype(np.int64) for stretch in stretches])
        names = ("records", "called", "missing", "half", "reference", "without_gt", "unsure", "stand_ins")
        counts = dict(zip(names, (self.records, called, self.missing, 0, len(found), 0, 0, 0), strict=True))
        alleles, _ = in_order(_joined(parts))
        genome = Genome(
            str(self.path), self.path.stem, "text", self.places.names, {}, alleles, np.zeros(1, np.uint8), found,
            absent, counts,
        )  # fmt: skip
        if unknown:
            genome.problems.append(f"{unknown:,} calls are at positions whose reference base is not known: left out")
        if self.unread:
            genome.problems.append(f"{self.unread:,} calls are no single bases (insertions, deletions): left out")
        return genome


def _reference(version: Version, place: int, bases: NDArray[np.uint8], position: NDArray[np.int64]) -> Any:
    """(positions,) uint8 code of the reference base, 255 where it is not known; positions ascending."""
    out = np.full(len(position), _NO_BASE, np.uint8)
    if len(bases):
        inside = (position > 0) & (position <= len(bases))
        codes = np.full(256, _NO_BASE, np.uint8)
        codes[[ord(base) for base in _BASES]] = range(4)
        out[inside] = codes[bases[position[inside] - 1]]
    elif place < len(version.contigs):
        for batch in version._batches:
            index = batch.alleles
            for run in np.flatnonzero(index.run_contig == place).tolist():
                low, high = np.searchsorted(position, [index.run_low[run], index.run_high[run] + 1]).tolist()
                if high > low:
                    keys, _, begin, end, _ = chunk_keys(index, place, int(index.run_chunk[run]), version._blocks)
                    _locate.single_bases(keys, begin, end, position, out)
    return out


def _alleles(place: int, rows: NDArray[np.int64], ref: NDArray[np.int64]) -> Alleles:
    """What is not the reference. rows : (calls, 4) record, position and codes, the second -1 of one copy"""
    parts = []
    for which in (2, 3):
        other = rows[:, 5 - which]
        carried = (rows[:, which] >= 0) & (rows[:, which] != ref)
        if which == 3:
            carried &= rows[:, 3] != rows[:, 2]
        mine, bases = rows[carried], ref[carried]
        alt = mine[:, which]
        zygosity = np.where(other[carried] < 0, _person.HEMI, _person.HET)
        zygosity[other[carried] == alt] = _person.HOM
        key = mine[:, 1].astype(np.uint64) << np.uint64(32) | _SINGLE | (alt << 2 | bases).astype(np.uint64)
        one = np.ones(len(mine), np.int32)
        parts.append(
            Alleles(
                np.full(len(mine), place, np.int32), key, np.zeros(len(mine), np.uint64), one, one,
                np.full(len(mine), -1, np.int64), mine[:, 0], one, zygosity.astype(np.uint8), one.astype(np.bool_),
                one,
            )
        )  # fmt: skip
    return _joined(parts)


def _joined(parts: list[Alleles]) -> Alleles:
    names = list(Alleles.__dataclass_fields__)
    empty = [np.zeros(0, dtype) for dtype in ("i4", "u8", "u8", "i4", "i4", "i8", "i8", "i4", "u1", "?", "i4")]
    columns: Any = (
        np.concatenate([nothing, *(getattr(part, name) for part in parts)])
        for name, nothing in zip(names, empty, strict=True)
    )
    return Alleles(*columns)
