"""Records to be exported, some at a time: site columns, calls and fields of a slice of a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.header import Header
from ..query.genotypes import read_genotypes
from ..query.plan import ChunkRead, Store
from ..storage.batch import Batch, SiteChunk
from ..storage.field_text import (
    GENOTYPE,
    Field,
    declare,
    distinct_filters,
    filter_text,
    find_fields,
    quality_text,
    text_of,
)
from ..storage.named_arrays import Arrays, Rows, arrays_of
from ..storage.rowbytes import RowBytes, from_integers, from_strings, from_texts, weave_info

RAW_INFO = "varstore/variant_info"
# Values of calls that are held at a time, of a genotype or of a field.
_CELLS = 1 << 23


@dataclass
class Selection:
    """What is exported: stores with the same records and different people, the reads, and whose columns.

    columns : for each store, which columns its samples fill, -1 for none    samples : names, in order
    """

    stores: Sequence[Store]
    reads: Sequence[ChunkRead]
    columns: Sequence[NDArray[np.int64]]
    samples: Sequence[str]

    @cached_property
    def arrays(self) -> list[Arrays]:
        return [arrays_of(store) for store in self.stores]

    @cached_property
    def header(self) -> Header:
        """The header of the first store, with what the records need besides."""
        header = Header.parse(_header_text(self.stores[0]))
        declare(header, self.arrays[0], self.infos, self.formats if self.samples else [])
        if self.samples and any(store.has_genotypes for store in self.stores):
            header.add_field("FORMAT", "GT", GENOTYPE)
        return header

    @cached_property
    def _own_header(self) -> Header:
        return Header.parse(_header_text(self.stores[0]))

    @cached_property
    def infos(self) -> list[Field]:
        """INFO fields that are arrays."""
        return find_fields(self.arrays[0], self._own_header, "INFO")

    @cached_property
    def formats(self) -> list[Field]:
        """FORMAT fields besides GT of any store."""
        found: dict[str, Field] = {}
        for arrays in self.arrays:
            for field in find_fields(arrays, self._own_header, "FORMAT"):
                found.setdefault(field.key, field)
        return list(found.values())

    @cached_property
    def num_records(self) -> int:
        return sum(self._num_rows(read) for read in self.reads)

    def _num_rows(self, read: ChunkRead) -> int:
        return len(self.stores[0].site_chunk(read.chunk).position) if read.rows is None else len(read.rows)

    def slices(self, most: int = 4096) -> Iterator[Slice]:
        """Records in order, as many at a time as memory allows."""
        ploidy = max(store.ploidy for store in self.stores)
        widest = max(ploidy, *(self._width(field) for field in self.formats)) if self.formats else ploidy
        step = max(1, min(most, _CELLS // max(1, len(self.samples) * widest)))
        for read in self.reads:
            rows = np.arange(self._num_rows(read)) if read.rows is None else read.rows
            for begin in range(0, len(rows), step):
                yield Slice(self, read.chunk, rows[begin : begin + step].astype(np.int64))

    def blocks(self, size: int) -> Iterator[list[Slice]]:
        """Records in order, ``size`` together, the last block shorter; a block may reach over several chunks."""
        block: list[Slice] = []
        room = size
        for read in self.reads:
            rows = np.arange(self._num_rows(read)) if read.rows is None else read.rows
            while len(rows):
                block.append(Slice(self, read.chunk, rows[:room].astype(np.int64)))
                rows = rows[room:]
                room -= block[-1].num_rows
                if room == 0:
                    yield block
                    block, room = [], size
        if block:
            yield block

    def people(self, begin: int, end: int) -> Selection:
        """The same records with the samples ``begin`` to ``end`` only."""
        columns = [np.where((c >= begin) & (c < end), c - begin, -1) for c in self.columns]
        return Selection(self.stores, self.reads, columns, self.samples[begin:end])

    def _width(self, field: Field) -> int:
        widths = [arrays.shape(field.array)[2:] for arrays in self.arrays if field.array in arrays.names]
        return max(int(np.prod(width)) for width in widths)


def _header_text(store: Store) -> str:
    if isinstance(store, Batch):
        return store.part.read("varstore/header.vcf").decode()
    group: Any = store.group  # type: ignore[attr-defined]
    pairs = [tuple(pair) for pair in group.attrs.get("vcf_meta_information", [])]
    lines = [f"##{key}={value}" for key, value in pairs if key != "fileformat"]
    return "\n".join(["##fileformat=VCFv4.3", *lines])


@dataclass(frozen=True)
class Calls:
    """Genotypes of a slice: (rows, samples, ploidy) codes, (rows, samples) phases, (rows,) has GT."""

    codes: NDArray[Any]
    phased: NDArray[np.bool_]
    has_gt: NDArray[np.bool_]


@dataclass(frozen=True)
class Slice:
    """Some records of one chunk. Columns are text, cells ended by tabs.

    rows : int64 rows of the chunk
    """

    selection: Selection
    chunk: int
    rows: Rows

    @property
    def num_rows(self) -> int:
        return len(self.rows)

    @property
    def _store(self) -> Store:
        return self.selection.stores[0]

    def column(self, name: str) -> NDArray[Any] | None:
        """Rows of a site column of the first store; None where it has none."""
        arrays = self.selection.arrays[0]
        return arrays.rows(name, self.chunk, self.rows) if name in arrays.names else None

    @cached_property
    def sites(self) -> SiteChunk:
        return self._store.site_chunk(self.chunk)

    @cached_property
    def contig(self) -> NDArray[np.int32]:
        return self.sites.contig[self.rows]

    @cached_property
    def position(self) -> NDArray[np.int32]:
        return self.sites.position[self.rows]

    @cached_property
    def length(self) -> NDArray[np.int32]:
        return self.sites.length[self.rows]

    @cached_property
    def num_alts(self) -> NDArray[np.int64]:
        return self.sites.num_alts[self.rows]

    @cached_property
    def alleles(self) -> NDArray[Any]:
        """(rows, alleles) object, empty text behind the last."""
        return np.asarray(self.sites.allele[self.rows])

    @cached_property
    def quality(self) -> NDArray[np.float32]:
        found = self.column("variant_quality")
        if found is None:
            return np.full(self.num_rows, 0x7F800001, np.uint32).view(np.float32)
        return found.astype(np.float32) if found.dtype != np.float32 else found

    @cached_property
    def names(self) -> NDArray[Any]:
        """(rows,) object, the column ID."""
        found = self.column("variant_id")
        out = np.full(self.num_rows, ".", object)
        if found is not None:
            out[:] = [str(text) or "." for text in found]
        return out

    @property
    def id_missing(self) -> NDArray[np.bool_]:
        return np.asarray(self.names == ".")

    @property
    def ids(self) -> RowBytes:
        return from_strings(self.names.tolist())

    @cached_property
    def filter_rows(self) -> NDArray[np.bool_]:
        """(rows, filters)."""
        return self._store.filter_chunk(self.chunk)[self.rows]

    @cached_property
    def filters(self) -> tuple[list[list[int]], NDArray[np.int64]]:
        """The distinct sets of filters, and which each row has."""
        return distinct_filters(self.filter_rows)

    @cached_property
    def has_gt(self) -> NDArray[np.bool_]:
        out = np.zeros(self.num_rows, np.bool_)
        for store in self.selection.stores:
            if store.has_genotypes:
                out |= store.has_gt_chunk(self.chunk)[self.rows]
        return out

    def calls(self) -> Calls:
        """Decode the genotypes."""
        chosen = self.selection
        found = read_genotypes(chosen.stores, [ChunkRead(self.chunk, self.rows)], chosen.columns, chosen.samples)
        codes, phased = found.call_genotype, found.call_genotype_phased
        return Calls(np.ascontiguousarray(codes), phased, self.has_gt)

    def field(self, field: Field) -> NDArray[Any]:
        """Values of a FORMAT field, (rows, samples[, width]); missing for people whose batch has it not."""
        chosen = self.selection
        parts: list[tuple[NDArray[np.int64], NDArray[Any]]] = []
        for arrays, column in zip(chosen.arrays, chosen.columns, strict=True):
            mine = np.flatnonzero(column >= 0)
            if field.array in arrays.names and len(mine):
                parts.append((column[mine], arrays.calls(field.array, self.chunk, self.rows, mine)))
        if len(parts) == 1 and np.array_equal(parts[0][0], np.arange(len(chosen.samples))):
            return parts[0][1]
        return _side_by_side(parts, self.num_rows, len(chosen.samples))

    @cached_property
    def info(self) -> RowBytes:
        """The INFO column."""
        raw = self.column(RAW_INFO)
        if raw is not None:
            return from_strings([text or "." for text in raw.tolist()])
        fields = []
        for field in self.selection.infos:
            values = self.column(field.array)
            if values is not None:
                fields.append((field.key, text_of(values)))
        return weave_info(fields, self.num_rows)

    def site_columns(self) -> list[RowBytes]:
        """CHROM to INFO."""
        return [
            from_strings(self._store.contigs).gather(self.contig),
            from_integers(self.position[:, np.newaxis]),
            self.ids,
            from_strings(self.alleles[:, 0].tolist()),
            from_texts(self.alleles[:, 1:]),
            quality_text(self.quality),
            filter_text(self.filter_rows, self._store.filters),
            self.info,
        ]


def _side_by_side(parts: list[tuple[NDArray[np.int64], NDArray[Any]]], rows: int, samples: int) -> NDArray[Any]:
    """Values of several batches in their columns, the others missing."""
    kind = parts[0][1].dtype if parts else np.dtype(np.int32)
    width = max((values.shape[2] for _, values in parts if values.ndim == 3), default=0)
    if kind.kind == "f":
        out = np.full((rows, samples, max(1, width)), 0x7F800001, np.uint32).view(np.float32)
        fill: Any = np.array([0x7F800002], np.uint32).view(np.float32)[0]
    elif kind.kind == "O":
        out, fill = np.full((rows, samples, max(1, width)), ".", object), ""
    else:
        kind = np.result_type(*(values.dtype for _, values in parts))
        out, fill = np.full((rows, samples, max(1, width)), -1, kind), -2
    for column, values in parts:
        values = values if values.ndim == 3 else values[:, :, np.newaxis]
        out[:, column, : values.shape[2]] = values
        out[:, column, values.shape[2] :] = fill
    return out if width else out[:, :, 0]
