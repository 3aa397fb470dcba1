"""Lines of a sites file whose alleles are asked for: the file is read once, nothing else of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels import annotate as _annotate
from ..kernels import person as _person
from .inputs import Input
from .line_scanner import LineScanner, Part, Places, scan_file
from .records import ScanPlan

_HITS = 1 << 14


@dataclass(frozen=True)
class Targets:
    """Alleles asked for. key, digest : uint64, by contig and key    bounds : contig to where its keys begin and end"""

    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    bounds: Mapping[int, tuple[int, int]]


class _Part(Part):
    def __init__(self, compressed: int) -> None:
        super().__init__(compressed)
        self.hits: list[tuple[NDArray[np.int64], bytes]] = []


class _SitesScanner(LineScanner[_Part]):
    """Finds the alleles asked for."""

    def __init__(self, plan: ScanPlan, places: Places, targets: Targets) -> None:
        super().__init__(plan, places)
        self.targets = targets
        self.low, self.high = 0, 0
        self.hits = np.zeros((_HITS, 4), np.int64)
        self.arena, self.text = np.zeros(1 << 20, np.uint8), np.zeros(1 << 16, np.uint8)
        self.keys, self.facts = np.zeros((1, 2), np.uint64), np.zeros((1, _person.NUM_FACTS), np.int32)

    def new_part(self, compressed: int) -> _Part:
        return _Part(compressed)

    def enter_contig(self, name: str) -> None:
        super().enter_contig(name)
        self.low, self.high = self.targets.bounds.get(self.contig, (0, 0))

    def scan_lines(self, begin: int, end: int) -> tuple[int, int]:
        targets = self.targets
        found: tuple[int, int] = _annotate.scan_sites(
            self.buffer, begin, end, self.chrom, self.sequence, targets.key, targets.digest, self.low, self.high,
            self.hits, self.arena, self.keys, self.facts, self.text, self.cursors, self.scratch, self.fault,
        )  # fmt: skip
        return found

    def make_room(self) -> None:
        self.arena, self.text = np.zeros(2 * len(self.arena), np.uint8), np.zeros(2 * len(self.text), np.uint8)

    def hand_over(self, part: _Part) -> None:
        num, used = int(self.cursors[_person.NUM_ALLELES]), int(self.cursors[_person.USED_TEXT])
        if num:
            part.hits.append((self.hits[:num].copy(), self.arena[:used].tobytes()))


def read_annotations(source: Input, places: Places, targets: Targets, threads: int) -> dict[int, tuple[int, bytes]]:
    """For each allele that the file has, its ALT number there, from 1, and ID to INFO of its first line.

    Raises InputError and its kinds.
    """
    header = source.header
    plan = ScanPlan(str(source.path), header.has_format, header.samples, 1)
    found: dict[int, tuple[int, bytes]] = {}
    for part in scan_file(source, lambda: _SitesScanner(plan, places, targets), threads, lambda _: None):
        for hits, arena in part.hits:
            for target, alt, begin, end in hits.tolist():
                if target not in found:
                    found[target] = alt, arena[begin:end]
    return found
