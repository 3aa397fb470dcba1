"""VCF Zarr 0.4 that needs no varstore to read: Zarr format 2, Blosc, a folder or a zip file."""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs.registry import get_codec
from numpy.typing import NDArray

from .. import __version__
from ..storage import files
from ..storage.arrays import GROUP, VLEN_UTF8, ArraySpec
from ..storage.field_exceptions import FieldValues
from ..storage.field_text import Field
from ..storage.named_arrays import ODD_NAMES, Arrays
from .output import aside, in_threads
from .records import RAW_INFO, Selection, Slice
from .report import Job

CHUNK_VARIANTS, CHUNK_SAMPLES = 1000, 10_000
_BYTES, _BITS = ({"id": "blosc", "cname": "zstd", "clevel": 7, "shuffle": kind, "blocksize": 0} for kind in (1, 2))
_V, _S = "variants", "samples"
_FLOAT_FILL = np.array([0x7F800002], np.uint32).view(np.float32)[0]


def write_vcz(selection: Selection, target: Path, job: Job) -> tuple[str, ...]:
    """Write the records as a VCF Zarr store; return what it has not."""
    with aside(target) as (path,):
        zipped = target.suffix == ".zip"
        folder = path.with_name(path.name + ".store") if zipped else path
        try:
            dropped = _Writer(selection, folder).write(job)
            if zipped:
                _zip(folder, path)
        finally:
            if zipped:
                files.remove_tree(folder)
    return dropped


def _zip(folder: Path, path: Path) -> None:
    """Put a folder's files into a zip file as they are: they are compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for file in sorted(found for found in folder.rglob("*") if found.is_file()):
            archive.write(file, file.relative_to(folder).as_posix())


@dataclass(frozen=True)
class _Column:
    """An array to be written, and how its values are found: (variants, ...) or (variants, samples, ...)."""

    spec: ArraySpec
    shape: tuple[int, ...]  # behind variants, and behind samples where there are any
    field: Field
    literal: ArraySpec | None = None  # where -1 and -2 are numbers; None where they nowhere are

    def arrays(self) -> Iterator[tuple[ArraySpec, tuple[int, ...]]]:
        """What is written of it, with its shape."""
        yield self.spec, self.shape
        if self.literal is not None:
            yield self.literal, self.shape or (1,)

    def values(self, found: Sequence[FieldValues], axes: int) -> Iterator[tuple[ArraySpec, NDArray[Any]]]:
        """Its values, and where they are literal, in slices one after another.

        axes : those before the values
        """
        yield self.spec, np.concatenate([_widened(part.values, self.shape, axes) for part in found])
        if self.literal is not None:
            masks = [np.zeros(part.values.shape, np.bool_) if part.literal is None else part.literal for part in found]
            yield self.literal, np.concatenate([_widened(mask, self.shape or (1,), axes) for mask in masks])


@dataclass
class _Lost:
    """What VCF Zarr cannot say, counted."""

    without_gt: int = 0
    wide: int = 0
    odd_info: int = 0
    odd_calls: int = 0

    def count(self, part: Slice, *, has_calls: bool) -> None:
        """Add what a slice has of it."""
        records = part.records
        self.without_gt += int((~part.has_gt).sum()) if has_calls else 0
        if part.selection.samples:
            wide = np.concatenate([found.overflow_records for found in part.selection.exceptions])
            self.wide += int(np.isin(records, wide).sum())
            self.odd_calls += sum(len(calls) for calls in part.odd_calls.values())
        self.odd_info += sum(record in part.selection.exceptions[0].odd_info for record in records.tolist())

    def add(self, other: _Lost) -> None:
        """Add another's counts."""
        for name, number in vars(other).items():
            setattr(self, name, getattr(self, name) + number)

    def sentences(self) -> tuple[str, ...]:
        said = [
            (self.without_gt, "records without GT: VCF Zarr has them as missing calls"),
            (self.wide, "records with more alleles than the arrays are wide for: fields by allele are missing there"),
            (self.odd_info, "records with INFO that is not of its declared type or number: only what fits is written"),
            (
                self.odd_calls,
                "calls of mixed phase, or not of their declared type: only what fits is written",
            ),
        ]
        return tuple(f"{number:,} {sentence}" for number, sentence in said if number)


class _Writer:
    """Writes one store, a chunk of variants a task; safe from several threads."""

    def __init__(self, selection: Selection, folder: Path) -> None:
        self.selection, self.folder = selection, folder
        self.arrays: Arrays = selection.arrays[0]
        self.num_variants, self.num_samples = selection.num_records, len(selection.samples)
        self.chunk_variants = max(1, min(CHUNK_VARIANTS, self.num_variants))
        self.chunk_samples = max(1, min(CHUNK_SAMPLES, self.num_samples))
        self.num_alleles = max(2, self.arrays.shape("variant_allele")[1])
        self.num_filters = len(selection.stores[0].filters)
        formats = selection.formats if self.num_samples else []
        self.unnamed = [field for field in [*selection.infos, *formats] if field.array.startswith(ODD_NAMES)]
        self.infos = [self._column(f, selection.arrays[:1]) for f in selection.infos if f not in self.unnamed]
        self.formats = [self._column(f, selection.arrays) for f in formats if f not in self.unnamed]
        self.has_calls = bool(self.num_samples) and any(store.has_genotypes for store in selection.stores)
        self.ploidy = max(store.ploidy for store in selection.stores)
        self.dtype = np.result_type(*(store.dtype for store in selection.stores))
        files.make_folder(folder)

    def _column(self, field: Field, stores: Sequence[Arrays]) -> _Column:
        """How a field is written: as wide as the widest store has it."""
        having = [arrays for arrays in stores if field.array in arrays.names]
        dims = having[0].dims(field.array)
        start = 1 if field.kind == "INFO" else 2
        width = max((arrays.shape(field.array)[start:] for arrays in having), default=())
        known = {"alleles": self.num_alleles, "alt_alleles": self.num_alleles - 1}
        shape = tuple(max(n, known.get(dim, 0)) for n, dim in zip(width, dims[start:], strict=True))
        dtype = np.result_type(*(arrays.dtype(field.array) for arrays in having))
        text = field.declared.description or having[0].description(field.array)
        names = [found.literal(field.array) for found in self.selection.exceptions[: len(stores)]]
        name = next((name for name in names if name is not None), None)
        literal = None if name is None else _spec(name, np.dtype(bool), dims if shape else [*dims, f"{field.key}_dim"])
        return _Column(_spec(field.array, dtype, dims, text), shape, field, literal)

    def write(self, job: Job) -> tuple[str, ...]:
        """Write everything; return what the store has not."""
        lost = _Lost()
        regions: list[tuple[int, ...]] = []
        blocks = enumerate(self.selection.blocks(self.chunk_variants))
        for rows, found, mine in in_threads(lambda block: self._block(*block), blocks, job.threads):
            regions += found
            lost.add(mine)
            job.advance(rows)
        self._finish(regions)
        said = ["not written: INFO, which this batch keeps as text"] if RAW_INFO in self.arrays.names else []
        if self.unnamed:
            names = ", ".join(f"{field.kind}/{field.key}" for field in self.unnamed)
            said.append(f"not written: {names}: VCF Zarr has another use for the name")
        return (*said, *lost.sentences())

    def _block(self, chunk: int, block: list[Slice]) -> tuple[int, list[tuple[int, ...]], _Lost]:
        """Write one chunk of variants of every array; return its rows, its runs of contigs and what is lost."""
        for spec, values in self._site_values(block):
            self._put(spec, (chunk, *[0] * (values.ndim - 1)), values, self.chunk_variants)
        for column in self.infos:
            for spec, values in column.values([part.info_values(column.field.array) for part in block], 1):
                self._put(spec, (chunk, *[0] * (values.ndim - 1)), values, self.chunk_variants)
        for number, begin in enumerate(range(0, self.num_samples, self.chunk_samples)):
            people = self.selection.people(begin, min(begin + self.chunk_samples, self.num_samples))
            for spec, values in self._call_values([Slice(people, part.chunk, part.rows) for part in block]):
                key = (chunk, number, *[0] * (values.ndim - 2))
                self._put(spec, key, values, self.chunk_variants, self.chunk_samples)
        rows = sum(part.num_rows for part in block)
        lost = _Lost()
        for part in block:
            lost.count(part, has_calls=self.has_calls)
        return rows, self._runs(chunk, block), lost

    def _site_columns(self) -> dict[str, tuple[ArraySpec, tuple[int, ...]]]:
        """Spec of each site column, and its shape behind the variants, by what a slice calls it."""
        plain = [
            ("contig", "variant_contig", "<i4"), ("position", "variant_position", "<i4"),
            ("length", "variant_length", "<i4"), ("quality", "variant_quality", "<f4"),
            ("names", "variant_id", "O"), ("id_missing", "variant_id_mask", "|b1"),
        ]  # fmt: skip
        columns: dict[str, tuple[ArraySpec, tuple[int, ...]]]
        columns = {own: (_spec(name, np.dtype(dtype), [_V]), ()) for own, name, dtype in plain}
        columns["alleles"] = _spec("variant_allele", np.dtype(object), [_V, "alleles"]), (self.num_alleles,)
        if self.num_filters:
            columns["filter_rows"] = _spec("variant_filter", np.dtype(bool), [_V, "filters"]), (self.num_filters,)
        return columns

    def _site_values(self, block: list[Slice]) -> Iterator[tuple[ArraySpec, NDArray[Any]]]:
        for name, (spec, shape) in self._site_columns().items():
            yield spec, np.concatenate([_widened(getattr(part, name), shape, 1) for part in block])

    def _call_values(self, block: list[Slice]) -> Iterator[tuple[ArraySpec, NDArray[Any]]]:
        if self.has_calls:
            calls = [part.calls() for part in block]
            codes = np.concatenate([part.codes for part in calls]).astype(self.dtype, copy=False)
            dims = [_V, _S, "ploidy"]
            yield _bits("call_genotype", self.dtype, dims), codes
            yield _bits("call_genotype_mask", np.dtype(bool), dims), codes < 0
            yield _bits("call_genotype_phased", np.dtype(bool), dims[:2]), np.concatenate([c.phased for c in calls])
        for column in self.formats:
            yield from column.values([part.field(column.field, whole=False) for part in block], 2)

    def _runs(self, chunk: int, block: list[Slice]) -> list[tuple[int, ...]]:
        """Rows of ``region_index``: a run of one contig in this chunk each."""
        contig, position, length = (
            np.concatenate([getattr(part, name) for part in block]).astype(np.int64)
            for name in ("contig", "position", "length")
        )
        starts = np.concatenate(([0], np.flatnonzero(np.diff(contig)) + 1, [len(contig)])).tolist()
        ends = position + length - 1
        return [
            (chunk, int(contig[a]), int(position[a]), int(position[b - 1]), int(ends[a:b].max()), b - a)
            for a, b in itertools.pairwise(starts)
        ]

    def _put(self, spec: ArraySpec, key: tuple[int, ...], values: NDArray[Any], *chunk: int) -> None:
        """Write a chunk, padded to its full size."""
        shape = (*chunk, *values.shape[len(chunk) :])
        if not all(shape):
            return
        text = spec.dtype == "|O"
        block = np.full(shape, "", object) if text else np.zeros(shape, spec.dtype)
        block[tuple(slice(0, n) for n in values.shape)] = values
        data: Any = get_codec(dict(VLEN_UTF8)).encode(block.reshape(-1)) if text else block
        self._write(f"{spec.name}/{'.'.join(map(str, key))}", spec.encode(data))

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        files.make_folder(path.parent)
        path.write_bytes(data)

    def _finish(self, regions: list[tuple[int, ...]]) -> None:
        """Write the small arrays and all metadata."""
        store, arrays = self.selection.stores[0], self.arrays
        self._whole(_spec("contig_id", np.dtype(object), ["contigs"]), np.array([*store.contigs, ""], object)[:-1])
        if "contig_length" in arrays.names:
            self._whole(_spec("contig_length", np.dtype("<i8"), ["contigs"]), arrays.whole("contig_length"))
        if self.num_filters:
            self._whole(_spec("filter_id", np.dtype(object), ["filters"]), np.array([*store.filters, ""], object)[:-1])
        if "filter_description" in arrays.names:
            texts = arrays.whole("filter_description").astype(object)
            self._whole(_spec("filter_description", np.dtype(object), ["filters"]), texts)
        samples = np.array([*self.selection.samples, ""], object)[:-1]
        self._whole(_spec("sample_id", np.dtype(object), [_S]), samples, self.chunk_samples)
        index = np.array(regions, np.int32).reshape(-1, 6)
        self._whole(_spec("region_index", np.dtype("<i4"), ["region_index_values", "region_index_fields"]), index)
        for spec, shape, chunks in self._chunked():
            self._metadata(spec, shape, chunks)
        self._write(".zgroup", GROUP)
        if any(column.literal is not None for column in [*self.infos, *self.formats]):
            self._write("varstore/.zgroup", GROUP)
            self._write("varstore/literal/.zgroup", GROUP)
        source, other = f"varstore-{__version__}", self.selection.header.other()
        attributes = {"vcf_zarr_version": "0.4", "source": source, "vcf_meta_information": other}
        self._write(".zattrs", json.dumps(attributes, indent=1).encode())

    def _chunked(self) -> Iterator[tuple[ArraySpec, tuple[int, ...], tuple[int, ...]]]:
        """Spec, shape and chunks of every array along the variants."""
        infos = [each for column in self.infos for each in column.arrays()]
        for spec, rest in [*self._site_columns().values(), *infos]:
            yield spec, (self.num_variants, *rest), (self.chunk_variants, *rest)
        calls = [each for column in self.formats for each in column.arrays()]
        if self.has_calls:
            for name, dtype in (("call_genotype", self.dtype), ("call_genotype_mask", np.dtype(bool))):
                calls.append((_bits(name, dtype, [_V, _S, "ploidy"]), (self.ploidy,)))
            calls.append((_bits("call_genotype_phased", np.dtype(bool), [_V, _S]), ()))
        for spec, rest in calls:
            shape = (self.num_variants, self.num_samples, *rest)
            yield spec, shape, (self.chunk_variants, self.chunk_samples, *rest)

    def _whole(self, spec: ArraySpec, values: NDArray[Any], chunk: int = 0) -> None:
        chunk = chunk or max(1, len(values))
        for number, begin in enumerate(range(0, len(values), chunk)):
            self._put(spec, (number, *[0] * (values.ndim - 1)), values[begin : begin + chunk], chunk)
        self._metadata(spec, values.shape, (chunk, *values.shape[1:]))

    def _metadata(self, spec: ArraySpec, shape: tuple[int, ...], chunks: tuple[int, ...]) -> None:
        self._write(f"{spec.name}/.zarray", spec.metadata(shape, chunks))
        self._write(f"{spec.name}/.zattrs", spec.attributes())


def _spec(name: str, dtype: np.dtype[Any], dims: Sequence[str], text: str = "") -> ArraySpec:
    kind = "|O" if dtype.kind == "O" else dtype.str
    filters = [VLEN_UTF8] if kind == "|O" else []
    compressor = _BITS if dtype.kind == "b" else _BYTES
    return ArraySpec(name, kind, tuple(dims), text, filters=filters, compressor=dict(compressor))


def _bits(name: str, dtype: np.dtype[Any], dims: Sequence[str]) -> ArraySpec:
    return replace(_spec(name, dtype, dims), compressor=dict(_BITS))


def _widened(values: NDArray[Any], shape: tuple[int, ...], axes: int) -> NDArray[Any]:
    """Values with further axes of a shape, what is new filled with VCF Zarr's end of vector."""
    if values.shape[axes:] == shape:
        return values
    fill: Any = {"O": "", "f": _FLOAT_FILL, "b": False}.get(values.dtype.kind, -2)
    out = np.full((*values.shape[:axes], *shape), fill, values.dtype)
    if values.ndim == axes:
        values = values[..., np.newaxis]
    out[tuple(slice(0, n) for n in values.shape)] = values
    return out
