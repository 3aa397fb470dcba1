"""The derived part ``totals``: counts over everybody in a batch, chunk by chunk as the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..codec.counts import BlockCounts
from .arrays import GROUP, ArraySpec, ColumnWriter, MapTasks, StoredArray
from .parts import Part, PartWriter

KIND = "totals"
VERSION = 1
_BY_RECORD = ("allele_number", "n_hom_ref", "n_missing")
_BY_ALLELE = ("allele_count", "n_het", "n_hom_alt")


class TotalsWriter:
    """Writes the totals of a batch; rows of alleles are as wide as the most ALT alleles of a record."""

    def __init__(self, part: PartWriter, chunk_variants: int) -> None:
        self.part = part
        self._columns = {
            name: ColumnWriter(part, ArraySpec(name, "<i4", ("variants",)), chunk_variants) for name in _BY_RECORD
        }
        for name in _BY_ALLELE:
            spec = ArraySpec(name, "<i4", ("variants", "alt_alleles"))
            self._columns[name] = ColumnWriter(part, spec, chunk_variants, 1)

    def put(self, chunk: int, counts: BlockCounts) -> None:
        """Write one chunk."""
        width = max(1, int(counts.num_alts.max(initial=0)))
        inside = np.arange(width) < counts.num_alts[:, np.newaxis]
        for name in _BY_RECORD:
            self._columns[name].put(chunk, getattr(counts, name)[0])
        for name in _BY_ALLELE:
            wide = np.zeros(inside.shape, np.int64)
            wide[inside] = getattr(counts, name)[0]
            self._columns[name].put(chunk, wide)

    def put_nobody(self, chunk: int, num_alts: NDArray[np.int64]) -> None:
        """Write one chunk of a batch without samples."""
        self.put(chunk, BlockCounts.zeros(1, num_alts))

    def finish(self, num_variants: int, map_tasks: MapTasks = map) -> None:
        """Write the metadata."""
        for column in self._columns.values():
            column.finish(num_variants, map_tasks)
        self.part.write(".zgroup", GROUP)


class Totals:
    """The totals of a batch as a reader sees them."""

    def __init__(self, part: Part) -> None:
        self._arrays = {name: StoredArray(part, name) for name in (*_BY_RECORD, *_BY_ALLELE)}

    def counts(
        self, chunk: int, num_alts: NDArray[np.int64], rows: NDArray[np.int64] | None = None, *, genotypes: bool = True,
        read: Callable[[str, int], NDArray[np.int32]] | None = None,
    ) -> BlockCounts:  # fmt: skip
        """Counts over everybody at records of a chunk.

        num_alts : of all its records    rows : of the chunk, ascending; None: all
        genotypes : without, those of genotypes are 0    read : in place of ``read_chunk``, where chunks are kept
        """
        read = self.read_chunk if read is None else read
        here: Any = slice(None) if rows is None else rows
        counts = BlockCounts.zeros(1, num_alts[here])
        for name in _BY_RECORD if genotypes else _BY_RECORD[:1]:
            getattr(counts, name)[0] = read(name, chunk)[here]
        inside = np.arange(self._arrays["n_het"].shape[1]) < counts.num_alts[:, np.newaxis]
        for name in _BY_ALLELE if genotypes else _BY_ALLELE[:1]:
            getattr(counts, name)[0] = read(name, chunk)[here][inside]
        return counts

    def read_chunk(self, name: str, chunk: int) -> NDArray[np.int32]:
        """A chunk of one of its arrays."""
        return self._arrays[name].chunk(chunk)
