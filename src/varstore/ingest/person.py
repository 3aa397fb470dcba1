"""One person out of a VCF or BCF: the alleles that are carried, as keys, and where the person is reference.

Pieces of the file are read in threads, each line once; no genotypes of others are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import person as _person
from .inputs import Input
from .line_scanner import LineScanner, Part, Places, scan_file, shown
from .records import ScanPlan

_ROWS = 1 << 16
_NOTHING = np.zeros(0, np.uint8)
_COUNTS = ("records", "called", "missing", "half", "reference", "without_gt", "unsure", "stand_ins")


@dataclass(frozen=True)
class Alleles:
    """Alleles that a person carries, one a row.

    contig : int32, place in the contig table    key, digest : uint64, as ``storage.keys`` has them
    num_ref, num_alt : int32, lengths of the normalised alleles
    text : int64, where their text (``REF>ALT``) begins in the arena, -1 where the key spells it
    record : int64, of the file, from 0    alt : int32, which of its ALT alleles, from 1
    zygosity : uint8, HET, HOM or HEMI of ``kernels.person``    whole : bool, no allele of the call is missing
    length : int32, positions from POS on that it takes: of the normalised REF, and of a symbolic allele to END; 0: its
        record has neither END nor SVLEN, so which allele it is cannot be told
    """

    contig: NDArray[np.int32]
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    num_ref: NDArray[np.int32]
    num_alt: NDArray[np.int32]
    text: NDArray[np.int64]
    record: NDArray[np.int64]
    alt: NDArray[np.int32]
    zygosity: NDArray[np.uint8]
    whole: NDArray[np.bool_]
    length: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.key)

    @property
    def position(self) -> NDArray[np.int64]:
        """Normalised, 1-based."""
        return (self.key >> np.uint64(32)).astype(np.int64)

    def take(self, which: NDArray[Any] | slice) -> Alleles:
        """Some of them."""
        return Alleles(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True)
class PersonCalls:
    """What a file says of one person.

    alleles : in the order of the file    arena : uint8, text of long alleles
    stretches : (any, 4) int64: contig, 0-based start and end where the person is reference, RECORD or BLOCK
    counts : of records: all, called, missing, half (called in part), reference (called, reference alone), without_gt;
        unsure (reference blocks that are not callable); and of calls: stand_ins (``<NON_REF>`` and the like)
    """

    alleles: Alleles
    arena: NDArray[np.uint8]
    stretches: NDArray[np.int64]
    counts: dict[str, int]


class _Part(Part):
    """What came out of a piece: columns, as of PersonCalls."""

    def __init__(self, compressed: int) -> None:
        super().__init__(compressed)
        self.keys: list[NDArray[np.uint64]] = []
        self.facts: list[NDArray[np.int32]] = []
        self.contigs: list[tuple[int, int]] = []  # and how many alleles follow
        self.arenas: list[NDArray[np.uint8]] = []
        self.stretches: list[NDArray[np.int64]] = []
        self.counts = np.zeros(len(_COUNTS), np.int64)


class _PersonScanner(LineScanner[_Part]):
    """Finds what one person carries."""

    def __init__(self, plan: ScanPlan, column: int, places: Places, min_ref_gq: int) -> None:
        super().__init__(plan, places)
        self.column, self.min_ref_gq = column, min_ref_gq
        self.is_last = column == 8 + len(plan.sample_names)
        self.keys = np.zeros((_ROWS, 2), np.uint64)
        self.facts = np.zeros((_ROWS, _person.NUM_FACTS), np.int32)
        self.arena = np.zeros(1 << 18, np.uint8)
        self.stretches = np.zeros((_ROWS, 3), np.int64)

    def new_part(self, compressed: int) -> _Part:
        return _Part(compressed)

    def scan_lines(self, begin: int, end: int) -> tuple[int, int]:
        found: tuple[int, int] = _person.scan_person(
            self.buffer, begin, end, self.column, self.is_last, self.chrom, self.sequence, self.min_ref_gq,
            self.keys, self.facts, self.arena, self.stretches, self.cursors, self.scratch, self.fault,
        )  # fmt: skip
        return found

    def make_room(self) -> None:
        self.arena = np.zeros(2 * len(self.arena), np.uint8)

    def hand_over(self, part: _Part) -> None:
        num, text, stretches = (int(self.cursors[i]) for i in range(3))
        if num:
            facts = self.facts[:num].T.copy()
            facts[_person.TEXT] += np.where(facts[_person.TEXT] >= 0, np.int32(part.used_text), np.int32(0))
            facts[_person.RECORD_OF] += np.int32(part.num_records)
            part.keys.append(self.keys[:num].T.copy())
            part.facts.append(facts)
            part.contigs.append((self.contig, num))
            part.arenas.append(self.arena[:text].copy())
            part.used_text += text
        if stretches:
            found = self.stretches[:stretches]
            part.stretches.append(np.column_stack([np.full(stretches, self.contig), found]))
        part.counts += self.cursors[_person.NUM_RECORDS :]

    def fault_text(self, status: int, begin: int, end: int) -> str:
        if status not in (_person.BAD_ALLELE, _person.BAD_CALL):
            return super().fault_text(status, begin, end)
        columns = bytes(self.buffer[begin:end]).partition(b"\n")[0].rstrip(b"\r").split(b"\t")
        name = self.plan.sample_names[self.column - 9]
        where = f"sample {name} (column {self.column + 1}): the call is {shown(columns[self.column])}"
        if status == _person.BAD_ALLELE:
            return f"{where}, but the record has {columns[4].count(b',') + (columns[4] != b'.')} ALT alleles"
        return f"{where}, expected up to {_person.MOST_ALLELES} alleles separated by | or /"


def read_person(
    source: Input, sample: int, places: Places, threads: int, min_ref_gq: int,
    progress: Callable[[int], None] = lambda _: None,
) -> PersonCalls:  # fmt: skip
    """Read the calls of one person.

    sample : which of the file's    places : where its contigs are    progress : called with the bytes read since
    min_ref_gq : GQ from which a reference block is callable

    Raises InputError and its kinds; the message says file and line.
    """
    plan = ScanPlan(str(source.path), source.header.has_format, source.header.samples, 1)

    def make_scanner() -> _PersonScanner:
        return _PersonScanner(plan, 9 + sample, places, min_ref_gq)

    parts = list(scan_file(source, make_scanner, threads, progress))
    keys = [keys for part in parts for keys in part.keys]
    facts = [facts for part in parts for facts in part.facts]
    runs = np.array([run for part in parts for run in part.contigs], np.int64).reshape(-1, 2)
    contig = np.repeat(runs[:, 0], runs[:, 1]).astype(np.int32)
    arena = np.concatenate([_NOTHING, *(arena for part in parts for arena in part.arenas)])
    stretches = np.concatenate([np.zeros((0, 4), np.int64), *(each for part in parts for each in part.stretches)])
    counts = sum((part.counts for part in parts), np.zeros(len(_COUNTS), np.int64)).tolist()
    text, record = _whole(parts)
    alleles = Alleles(
        contig, _column(keys, 0, np.uint64), _column(keys, 1, np.uint64), _column(facts, _person.NUM_REF, np.int32),
        _column(facts, _person.NUM_ALT, np.int32), text, record, _column(facts, _person.ALT_OF, np.int32),
        _column(facts, _person.ZYGOSITY, np.uint8), _column(facts, _person.WHOLE, np.bool_),
        _column(facts, _person.LENGTH, np.int32),
    )  # fmt: skip
    return PersonCalls(alleles, arena, stretches, dict(zip(_COUNTS, counts, strict=True)))


def _column(parts: Sequence[NDArray[Any]], which: int, dtype: type) -> NDArray[Any]:
    """A row of each part, one behind the other."""
    out = np.empty(sum(part.shape[1] for part in parts), dtype)
    at = 0
    for part in parts:
        out[at : at + part.shape[1]] = part[which]
        at += part.shape[1]
    return out


def _whole(parts: Sequence[_Part]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where texts begin, and records, counted through the file."""
    facts = [facts for part in parts for facts in part.facts]
    text, record = (_column(facts, which, np.int64) for which in (_person.TEXT, _person.RECORD_OF))
    texts, records, at = 0, 0, 0
    for part in parts:
        here = slice(at, at + sum(facts.shape[1] for facts in part.facts))
        text[here] += np.where(text[here] >= 0, texts, 0)
        record[here] += records
        texts, records, at = texts + part.used_text, records + part.num_records, here.stop
    return text, record
