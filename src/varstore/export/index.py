"""Indexes of exported files, CSI and TBI as hts-specs has them, built while the records are written."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from . import bgzf
from .output import aside
from .records import Selection, Slice

INDEXES = ("csi", "tbi")
_SHIFT, _DEPTH = 14, 5  # of TBI always; CSI goes deeper where a contig is longer than they reach
_NONE = np.iinfo(np.uint64).max
# How tabix reads a line: VCF, columns of CHROM and POS, no end column, '#' begins the header, no lines to skip.
_TABIX = struct.pack("<6i", 2, 1, 2, 0, ord("#"), 0)


@dataclass(frozen=True)
class Entries:
    """Records of a slice as an index has them; offsets are virtual, from the first block of the slice.

    contig : (rows,) number in the store    begin, end : (rows,) 0-based, half-open
    starts : (rows + 1,) where each record begins, and where the last ends
    """

    contig: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    starts: NDArray[np.uint64]


@dataclass
class _Contig:
    """What an index says of one contig: chunks by bin, the first offset of each window, and what there is of it."""

    windows: NDArray[np.uint64]
    first: int
    last: int = 0
    num_records: int = 0
    bins: dict[int, list[list[int]]] = field(default_factory=dict)


class Index:
    """The index of one file.

    ids : numbers of the store's contigs in BCF's header; None for VCF, which numbers them as they come
    """

    def __init__(self, kind: str, selection: Selection, ids: list[int] | None = None) -> None:
        self.kind, self.names, self.ids = kind, selection.stores[0].contigs, ids
        ends = selection.stores[0].region_index[:, 4]
        self.reach = int(ends.max()) if len(ends) else 1
        self.depth = _DEPTH
        while self.reach > 1 << (_SHIFT + 3 * self.depth):
            self.depth += 1
        if kind == "tbi" and self.depth > _DEPTH:
            limit = 1 << (_SHIFT + 3 * _DEPTH)
            raise QueryError(f"a TBI index reaches to position {limit:,}, a record here to {self.reach:,}; write a CSI")
        self._contigs: dict[int, _Contig] = {}

    def entries(self, part: Slice, starts: NDArray[np.int64], packed: bytes) -> Entries:
        """What the index must know of a slice.

        starts : (rows + 1,) where the records begin in its bytes    packed : its blocks
        """
        begin = np.maximum(part.position.astype(np.int64) - 1, 0)
        end = np.maximum(begin + part.length, begin + 1)
        blocks, inside = np.divmod(starts, bgzf.BLOCK)
        offsets = bgzf.block_starts(packed)[blocks] << 16 | inside
        return Entries(part.contig.astype(np.int64), begin, end, offsets.astype(np.uint64))

    def add(self, found: Entries, offset: int) -> None:
        """Add a slice whose first block is at a byte of the file."""
        starts = found.starts + np.uint64(offset << 16)
        bins = _bins(found.begin, found.end, self.depth)
        changes = np.flatnonzero((np.diff(found.contig) != 0) | (np.diff(bins) != 0)) + 1
        runs = np.concatenate(([0], changes, [len(bins)])).tolist()
        for low, high in itertools.pairwise(runs):
            contig = self._contig(int(found.contig[low]), int(starts[low]))
            chunk = [int(starts[low]), int(starts[high])]
            chunks = contig.bins.setdefault(int(bins[low]), [])
            if chunks and chunks[-1][1] >> 16 >= chunk[0] >> 16:
                chunks[-1][1] = chunk[1]
            else:
                chunks.append(chunk)
            contig.last = chunk[1]
            contig.num_records += high - low
        for number in np.unique(found.contig).tolist():
            rows = np.flatnonzero(found.contig == number)
            _note(self._contigs[number].windows, found.begin[rows], found.end[rows], starts[rows])

    def _contig(self, number: int, first: int) -> _Contig:
        if number not in self._contigs:
            size = (self.reach >> _SHIFT) + 1
            self._contigs[number] = _Contig(np.full(size, _NONE, np.uint64), first)
        return self._contigs[number]

    def write(self, target: Path) -> None:
        """Write it beside the file. Raises WriteError."""
        data = self._tbi() if self.kind == "tbi" else self._csi()
        with aside(index_path(target, self.kind)) as (path,):
            path.write_bytes(bgzf.compress(data) + bgzf.END)

    def _tabix(self) -> bytes:
        names = b"".join(self.names[number].encode() + b"\0" for number in self._contigs)
        return _TABIX + struct.pack("<i", len(names)) + names

    def _tbi(self) -> bytes:
        out = [b"TBI\1", struct.pack("<i", len(self._contigs)), self._tabix()]
        for contig in self._contigs.values():
            out += self._binning(contig, None)
            windows = _filled(contig)
            out += [struct.pack("<i", len(windows)), windows.astype("<u8").tobytes()]
        return b"".join([*out, struct.pack("<Q", 0)])

    def _csi(self) -> bytes:
        tabix = self._tabix() if self.ids is None else b""
        out = [b"CSI\1", struct.pack("<3i", _SHIFT, self.depth, len(tabix)), tabix]
        contigs: list[_Contig | None] = list(self._contigs.values())
        if self.ids is not None:
            contigs = [None] * (max(self.ids, default=-1) + 1)
            for number, contig in self._contigs.items():
                contigs[self.ids[number]] = contig
        out.append(struct.pack("<i", len(contigs)))
        for each in contigs:
            out += [struct.pack("<i", 0)] if each is None else self._binning(each, _filled(each))
        return b"".join([*out, struct.pack("<Q", 0)])

    def _binning(self, contig: _Contig, windows: NDArray[np.uint64] | None) -> list[bytes]:
        """The bins of a contig; those of CSI say where their first window begins."""
        # One bin more than there are holds what htslib's statistics print.
        counts = [[contig.first, contig.last], [contig.num_records, 0]]
        bins = [*sorted(contig.bins.items()), (_first_bin(self.depth + 1) + 1, counts)]
        out = [struct.pack("<i", len(bins))]
        for number, chunks in bins:
            out.append(struct.pack("<I", number))
            if windows is not None:
                window = _first_window(number, self.depth) if chunks is not counts else len(windows)
                out.append(struct.pack("<Q", int(windows[window]) if window < len(windows) else 0))
            out.append(struct.pack("<i", len(chunks)))
            out += [struct.pack("<2Q", *chunk) for chunk in chunks]
        return out


def index_path(target: Path, kind: str) -> Path:
    """Where the index of a file is."""
    return target.with_name(f"{target.name}.{kind}")


def _first_bin(level: int) -> int:
    """Number of the first bin of a level; level 0 is the whole contig."""
    return ((1 << 3 * level) - 1) // 7


def _bins(begin: NDArray[np.int64], end: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """The smallest bin that holds each interval."""
    bins = np.zeros(len(begin), np.int64)
    for level in range(1, depth + 1):
        shift = _SHIFT + 3 * (depth - level)
        low = begin >> shift
        inside = low == (end - 1) >> shift
        bins[inside] = _first_bin(level) + low[inside]
    return bins


def _first_window(number: int, depth: int) -> int:
    """The first window of the lowest level that a bin covers."""
    level = next(level for level in range(depth, -1, -1) if number >= _first_bin(level))
    return (number - _first_bin(level)) << 3 * (depth - level)


def _note(
    windows: NDArray[np.uint64], begin: NDArray[np.int64], end: NDArray[np.int64], starts: NDArray[np.uint64]
) -> None:
    """Lower the first offset of every window that a record reaches to the record's."""
    first, last = begin >> _SHIFT, (end - 1) >> _SHIFT
    np.minimum.at(windows, first, starts)
    for row in np.flatnonzero(last > first).tolist():
        reached = windows[first[row] : last[row] + 1]
        np.minimum(reached, starts[row], out=reached)


def _filled(contig: _Contig) -> NDArray[np.uint64]:
    """The windows up to the last that has a record; one without has what stands before it."""
    known = np.flatnonzero(contig.windows != _NONE)
    windows = contig.windows[: known[-1] + 1].copy()
    windows[: known[0]] = contig.first
    at = np.where(windows != _NONE, np.arange(len(windows)), 0)
    filled: NDArray[np.uint64] = windows[np.maximum.accumulate(at)]
    return filled
