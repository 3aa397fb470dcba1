"""Records to be exported, some at a time: site columns, calls and fields of a slice of a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.header import Header
from ..query.blocks import BlockCache
from ..query.genotypes import read_genotypes
from ..query.joined_arrays import JoinedArrays
from ..query.joined_store import JoinedStore
from ..query.plan import ChunkRead, Store
from ..storage.batch import Batch, SiteChunk
from ..storage.field_exceptions import Exceptions, FieldValues
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

    One store of joined records stands for batches that have records of their own.

    columns : for each store, which columns its samples fill, -1 for none    samples : names, in order
    """

    stores: Sequence[Store | JoinedStore]
    reads: Sequence[ChunkRead]
    columns: Sequence[NDArray[np.int64]]
    samples: Sequence[str]
    cache: BlockCache = field(default_factory=BlockCache, repr=False)

    @cached_property
    def arrays(self) -> list[Arrays]:
        return [store.arrays if isinstance(store, JoinedStore) else arrays_of(store) for store in self.stores]

    @cached_property
    def header(self) -> Header:
        """The header of the first store, with what the records need besides, and without people left out."""
        header = Header.parse(_header_text(self.stores[0]))
        header.forget(self._left_out())
        declare(header, self.arrays[0], self.infos, self.formats if self.samples else [])
        if self.samples and any(store.has_genotypes for store in self.stores):
            header.add_field("FORMAT", "GT", GENOTYPE)
        return header

    def _left_out(self) -> set[str]:
        """People of the stores whose columns are not written: withdrawn, or not asked for."""
        parts = (each.stores if isinstance(each, JoinedStore) else [each] for each in self.stores)
        return {name for stores in parts for store in stores for name in store.samples}.difference(self.samples)

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
            for each in find_fields(arrays, self._own_header, "FORMAT"):
                found.setdefault(each.key, each)
        return list(found.values())

    @cached_property
    def num_records(self) -> int:
        return sum(self._num_rows(read) for read in self.reads)

    def _num_rows(self, read: ChunkRead) -> int:
        return len(self.stores[0].site_chunk(read.chunk).position) if read.rows is None else len(read.rows)

    @cached_property
    def exceptions(self) -> list[Exceptions]:
        """What each store keeps beside its arrays."""
        return [arrays.exceptions if isinstance(arrays, JoinedArrays) else Exceptions(arrays) for arrays in self.arrays]

    def slices(self, most: int = 4096) -> Iterator[Slice]:
        """Records in order, as many at a time as memory allows; one that is wider than the arrays by itself."""
        ploidy = max(store.ploidy for store in self.stores)
        widest = max(ploidy, *(self._width(field) for field in self.formats)) if self.formats else ploidy
        step = max(1, min(most, _CELLS // max(1, len(self.samples) * widest)))
        for read in self.reads:
            rows = np.arange(self._num_rows(read)) if read.rows is None else read.rows
            for part in self._cut(read.chunk, rows):
                for begin in range(0, len(part), step):
                    yield Slice(self, read.chunk, part[begin : begin + step].astype(np.int64))

    def _cut(self, chunk: int, rows: Rows) -> list[Rows]:
        """Rows before, at and behind each record of overflow."""
        wide = np.unique(np.concatenate([found.overflow_records for found in self.exceptions]))
        at = np.flatnonzero(np.isin(rows + chunk * self.chunk_variants, wide)) if len(wide) else np.zeros(0, np.int64)
        return np.split(rows, np.unique(np.concatenate([at, at + 1])))

    @property
    def chunk_variants(self) -> int:
        """Records of a chunk of variants."""
        store: Any = self.stores[0]
        return int(store.chunk_variants)

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
        return Selection(self.stores, self.reads, columns, self.samples[begin:end], self.cache)

    def _width(self, field: Field) -> int:
        widths = [arrays.shape(field.array)[2:] for arrays in self.arrays if field.array in arrays.names]
        return max(int(np.prod(width)) for width in widths)


def _header_text(store: Store | JoinedStore) -> str:
    if isinstance(store, Batch):
        return store.part.read("varstore/header.vcf").decode()
    if isinstance(store, JoinedStore):
        return store.header_text
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
    def _store(self) -> Store | JoinedStore:
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
        if isinstance(self._store, JoinedStore):
            column = chosen.columns[0]
            samples = np.argsort(column, kind="stable")[-len(chosen.samples) :]
            return Calls(*self._store.read_calls(self.chunk, self.rows, samples), self.has_gt)
        read = [ChunkRead(self.chunk, self.rows)]
        stores = [store for store in chosen.stores if not isinstance(store, JoinedStore)]
        found = read_genotypes(stores, read, chosen.columns, chosen.samples, chosen.cache)
        codes, phased = found.call_genotype, found.call_genotype_phased
        return Calls(np.ascontiguousarray(codes), phased, self.has_gt)

    def field(self, field: Field, *, whole: bool = True) -> FieldValues:
        """Values of a FORMAT field, (rows, samples[, width]); missing for people whose batch has it not.

        whole : what the array is too narrow for too, where the slice is that record alone
        """
        chosen = self.selection
        parts: list[tuple[NDArray[np.int64], FieldValues]] = []
        for number, column in enumerate(chosen.columns):
            mine = np.flatnonzero(column >= 0)
            if field.array in chosen.arrays[number].names and len(mine):
                parts.append((column[mine], self._values(number, field.array, mine, whole=whole)))
        if len(parts) == 1 and np.array_equal(parts[0][0], np.arange(len(chosen.samples))):
            return parts[0][1]
        return _side_by_side(parts, self.num_rows, len(chosen.samples))

    def _values(self, number: int, array: str, mine: Rows, *, whole: bool) -> FieldValues:
        """Values of some samples of one store."""
        arrays, exceptions = self.selection.arrays[number], self.selection.exceptions[number]
        if whole and self.num_rows == 1:
            wide = exceptions.overflow(array, int(self.records[0]))
            if wide is not None:
                literal = None if wide.literal is None else wide.literal[np.newaxis, mine]
                return FieldValues(wide.values[np.newaxis, mine], literal)
        values = arrays.calls(array, self.chunk, self.rows, mine)
        name = exceptions.literal(array)
        return FieldValues(values, None if name is None else arrays.calls(name, self.chunk, self.rows, mine))

    @property
    def records(self) -> Rows:
        """Numbers of the records in their batch."""
        return self.rows + self.chunk * self.selection.chunk_variants

    @cached_property
    def odd_calls(self) -> dict[tuple[int, str], list[tuple[int, str]]]:
        """By row and key: (sample, text) of the calls that the arrays do not hold whole; of GT its separators."""
        found: dict[tuple[int, str], list[tuple[int, str]]] = {}
        for exceptions, column in zip(self.selection.exceptions, self.selection.columns, strict=True):
            if not exceptions.odd_calls:
                continue
            for row, record in enumerate(self.records.tolist()):
                for odd in exceptions.odd_calls.get(record, ()):
                    if column[odd.sample] >= 0:
                        found.setdefault((row, odd.key), []).append((int(column[odd.sample]), odd.text))
        return found

    @cached_property
    def info(self) -> RowBytes:
        """The INFO column."""
        raw = self.column(RAW_INFO)
        if raw is not None:
            return from_strings([text or "." for text in raw.tolist()])
        fields = [(field.key, text_of(self.info_values(field.array))) for field in self.selection.infos]
        texts = self.selection.exceptions[0].odd_info
        odd = {row: texts[record] for row, record in enumerate(self.records.tolist()) if record in texts}
        return weave_info(fields, self.num_rows).replaced(odd)

    def info_values(self, array: str) -> FieldValues:
        """Values of an INFO field that is an array of the first store."""
        arrays, name = self.selection.arrays[0], self.selection.exceptions[0].literal(array)
        literal = None if name is None else arrays.rows(name, self.chunk, self.rows)
        return FieldValues(arrays.rows(array, self.chunk, self.rows), literal)

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


def _side_by_side(parts: list[tuple[NDArray[np.int64], FieldValues]], rows: int, samples: int) -> FieldValues:
    """Values of several batches in their columns, the others missing."""
    arrays = [found.values for _, found in parts]
    kind = arrays[0].dtype if arrays else np.dtype(np.int32)
    width = max((values.shape[2] for values in arrays if values.ndim == 3), default=0)
    if kind.kind == "f":
        out = np.full((rows, samples, max(1, width)), 0x7F800001, np.uint32).view(np.float32)
        fill: Any = np.array([0x7F800002], np.uint32).view(np.float32)[0]
    elif kind.kind == "O":
        out, fill = np.full((rows, samples, max(1, width)), ".", object), ""
    else:
        kind = np.result_type(kind, *(values.dtype for values in arrays))
        out, fill = np.full((rows, samples, max(1, width)), -1, kind), -2
    literal = np.zeros(out.shape, np.bool_) if any(found.literal is not None for _, found in parts) else None
    for column, found in parts:
        values = found.values if found.values.ndim == 3 else found.values[:, :, np.newaxis]
        out[:, column, : values.shape[2]] = values
        out[:, column, values.shape[2] :] = fill
        if literal is not None and found.literal is not None:
            literal[:, column, : values.shape[2]] = found.literal.reshape(values.shape)
    return FieldValues(out if width else out[:, :, 0], literal)
