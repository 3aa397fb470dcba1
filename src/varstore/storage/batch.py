"""A batch: one immutable VCF Zarr 0.4 group, written chunk by chunk and read chunk by chunk.

This module and ``arrays`` are the only ones that know Zarr keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..codec.settings import INNER, LEVEL
from ..errors import CorruptRepositoryError
from .arrays import GROUP, ArraySpec, ColumnWriter, MapTasks, StoredArray, finish, write_whole
from .fields import BatchFields
from .parts import PartWriter, ReadablePart

CHUNK_VARIANTS = 4096
CHUNK_SAMPLES = 16384
LEAST_VARIANTS = 64
MAX_CALLS = 1 << 24
# Chunks of site columns that are kept: of one batch, of many together, and of each of many at least.
KEPT_SITES, KEPT_OF_MANY, LEAST_KEPT_SITES = 4096, 1024, 4

V = ("variants",)
_COLUMNS = {
    "variant_contig": ArraySpec("variant_contig", "<i4", V, "An identifier from the reference genome"),
    "variant_position": ArraySpec(
        "variant_position", "<i4", V, "The reference position",
        filters=[{"id": "delta", "dtype": "<i4"}, {"id": "shuffle", "elementsize": 4}],
    ),
    "variant_length": ArraySpec("variant_length", "<i4", V, "The length of the variant measured in bases"),
    "variant_quality": ArraySpec("variant_quality", "<f4", V, "Phred-scaled quality score"),
    "variant_id": ArraySpec("variant_id", "|O", V, "Identifier"),
    "variant_id_mask": ArraySpec("variant_id_mask", "|b1", V),
    "varstore/variant_has_genotype": ArraySpec("varstore/variant_has_genotype", "|b1", V, "The record has GT"),
}  # fmt: skip
_WIDE_COLUMNS = {
    "variant_allele": ArraySpec("variant_allele", "|O", (*V, "alleles"), "List of the reference and alternate alleles"),
    "variant_filter": ArraySpec("variant_filter", "|b1", (*V, "filters"), "Filter status of the variant"),
}
_PHASED = ArraySpec(
    "call_genotype_phased", "|b1", (*V, "samples"), "Whether the call is phased",
    fill=True, filters=[{"id": "packbits"}],
)  # fmt: skip
REGION_FIELDS = ("chunk", "contig", "first position", "last position", "last end", "records")


def chunk_width(num_samples: int, most: int = CHUNK_SAMPLES) -> int:
    """Samples of a chunk: near-equal chunks of at most ``most``, whole words of haplotypes."""
    if num_samples <= most:
        return max(1, num_samples)
    num_chunks = -(-num_samples // most)
    return -(-num_samples // num_chunks // 64) * 64


def chunk_height(num_samples: int, *, calls: bool) -> int:
    """Variants of a chunk: fewer where many samples have FORMAT fields besides GT, so that a chunk fits in memory."""
    height = CHUNK_VARIANTS
    while calls and height > LEAST_VARIANTS and height * num_samples > MAX_CALLS:
        height //= 2
    return height


def genotype_spec(dtype: str, ploidy: int, codec: str = "varstore_genotype") -> ArraySpec:
    """``call_genotype``: no fill value and no chunk left out, so nothing is reference by absence."""
    compressor = {"id": codec, "dtype": dtype, "ploidy": ploidy, "level": LEVEL, "inner": INNER}
    return ArraySpec("call_genotype", dtype, (*V, "samples", "ploidy"), "Genotype", filters=[], compressor=compressor)


@dataclass(frozen=True)
class BatchHead:
    """What a batch says of itself besides its records.

    contigs : length by name, None where unknown    filters : description by id, PASS first
    other : VCF meta-information lines, [key, value]
    """

    contigs: Mapping[str, int | None]
    filters: Mapping[str, str]
    other: Sequence[Sequence[str]]
    header_text: str
    source: str


class BatchWriter:
    """Writes a batch into a part's staging. Chunks may come in any order and from several threads.

    codec : id of the codec of genotypes
    """

    def __init__(
        self, part: PartWriter, samples: Sequence[str], chunk_variants: int = CHUNK_VARIANTS,
        codec: str = "varstore_genotype",
    ) -> None:  # fmt: skip
        self.part = part
        self.codec = codec
        self.samples = samples
        self.chunk_variants = chunk_variants
        self.chunk_samples = chunk_width(len(samples))
        self._columns = {name: ColumnWriter(part, spec, chunk_variants) for name, spec in _COLUMNS.items()}
        self._columns["variant_allele"] = ColumnWriter(part, _WIDE_COLUMNS["variant_allele"], chunk_variants, 2)
        self._columns["variant_filter"] = ColumnWriter(part, _WIDE_COLUMNS["variant_filter"], chunk_variants, 1)
        self._all_unphased: bytes | None = None

    def put(self, name: str, chunk: int, rows: NDArray[Any]) -> None:
        """Write one chunk of a column."""
        self._columns[name].put(chunk, rows)

    def put_text(self, name: str, chunk: int, packed: bytes, width: int = 0) -> None:
        """Write one chunk of a text column, packed as vlen-utf8 for the whole chunk."""
        self._columns[name].put_text(chunk, packed, width)

    def put_genotypes(self, chunk: int, sample_chunk: int, block: bytes) -> None:
        """Write one encoded chunk of ``call_genotype``."""
        self.part.write(f"call_genotype/{chunk}.{sample_chunk}.0", block)

    def put_phased(self, chunk: int, sample_chunk: int, phased: NDArray[np.bool_] | bool) -> None:
        """Write a chunk of phases: (rows, samples), or one value for all. All-true chunks are left out."""
        if phased is True:
            return
        if phased is False:
            if self._all_unphased is None:
                self._all_unphased = self._encode_phased(np.zeros((0, 0), np.bool_), fill=False)
            data = self._all_unphased
        else:
            data = self._encode_phased(np.asarray(phased), fill=True)
        self.part.write(f"call_genotype_phased/{chunk}.{sample_chunk}", data)

    def _encode_phased(self, phased: NDArray[np.bool_], *, fill: bool) -> bytes:
        block = np.full((self.chunk_variants, self.chunk_samples), fill, np.bool_)
        block[: phased.shape[0], : phased.shape[1]] = phased
        return _PHASED.encode(block)

    def finish(
        self, head: BatchHead, num_variants: int, region_index: NDArray[np.int64], dtype: str, ploidy: int,
        map_tasks: MapTasks = map,
    ) -> None:  # fmt: skip
        """Write everything that is known at the end. map_tasks : runs what is much in threads"""
        for column in self._columns.values():
            column.finish(num_variants, map_tasks)
        part = self.part
        write_whole(part, ArraySpec("contig_id", "|O", ("contigs",)), list(head.contigs))
        lengths = list(head.contigs.values())
        if lengths and None not in lengths:
            write_whole(part, ArraySpec("contig_length", "<i8", ("contigs",)), np.array(lengths, np.int64))
        write_whole(part, ArraySpec("filter_id", "|O", ("filters",)), list(head.filters))
        write_whole(part, ArraySpec("filter_description", "|O", ("filters",)), list(head.filters.values()))
        write_whole(part, ArraySpec("sample_id", "|O", ("samples",)), list(self.samples), self.chunk_samples)
        region_dims = ("region_index_values", "region_index_fields")
        write_whole(part, ArraySpec("region_index", "<i4", region_dims), region_index.astype(np.int32))
        if self.samples:
            shape = (num_variants, len(self.samples), ploidy)
            finish(
                part, genotype_spec(dtype, ploidy, self.codec), shape, (self.chunk_variants, self.chunk_samples, ploidy)
            )
            finish(part, _PHASED, shape[:2], (self.chunk_variants, self.chunk_samples))
        part.write("varstore/header.vcf", head.header_text.encode())
        part.write("varstore/.zgroup", GROUP)
        part.write(".zgroup", GROUP)
        attributes = {
            "vcf_zarr_version": "0.4",
            "source": head.source,
            "vcf_meta_information": [list(pair) for pair in head.other],
        }
        part.write(".zattrs", json.dumps(attributes, indent=1).encode())


@dataclass(frozen=True)
class SiteChunk:
    """Site columns of one chunk of variants, read-only.

    contig : int32 into the batch's contigs    position : int32, 1-based    length : int32
    ref : object of str    num_alts : int64    alts : object of str, ALT after ALT of all rows
    alt_start : (rows + 1,) int64 into alts
    """

    contig: NDArray[np.int32]
    position: NDArray[np.int32]
    length: NDArray[np.int32]
    allele: NDArray[Any]
    num_alts: NDArray[np.int64]

    @cached_property
    def alt_start(self) -> NDArray[np.int64]:
        return np.concatenate(([0], np.cumsum(self.num_alts)))

    @cached_property
    def ref(self) -> NDArray[Any]:
        return _frozen(self.allele[:, 0].copy())

    @cached_property
    def record_of_alt(self) -> NDArray[np.int64]:
        """(alts,) row of the record of each ALT allele."""
        return _frozen(np.repeat(np.arange(len(self.num_alts)), self.num_alts))

    @cached_property
    def position_of_alt(self) -> NDArray[np.int64]:
        """(alts,) POS of each ALT allele."""
        return _frozen(self.position[self.record_of_alt].astype(np.int64))

    @cached_property
    def ref_of_alt(self) -> NDArray[Any]:
        """(alts,) REF of each ALT allele."""
        return _frozen(self.ref[self.record_of_alt])

    @cached_property
    def has_stand_ins(self) -> bool:
        """Whether some ALT stands for anything else (``<NON_REF>``, ``<*>``, ``.``)."""
        return any(alt in ("<NON_REF>", "<*>", ".") for alt in self.alts.tolist())

    @cached_property
    def alts(self) -> NDArray[Any]:
        inside = np.arange(self.allele.shape[1] - 1) < self.num_alts[:, np.newaxis]
        return _frozen(self.allele[:, 1:][inside])


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


class Batch:
    """A batch as a reader sees it."""

    def __init__(self, part: ReadablePart) -> None:
        self.part = part
        self.position = StoredArray(part, "variant_position")
        self._arrays: dict[str, StoredArray] = {"variant_position": self.position}
        self.num_variants = self.position.shape[0]
        self.chunk_variants = self.position.chunks[0]
        self.keep_sites(1)

    def keep_sites(self, num_batches: int) -> None:
        """Keep no more chunks of site columns than this one's share among so many batches."""
        kept = KEPT_SITES if num_batches < 2 else max(LEAST_KEPT_SITES, KEPT_OF_MANY // num_batches)
        self.site_chunk = lru_cache(maxsize=kept)(self._site_chunk)

    def array(self, name: str) -> StoredArray:
        """One of the group's arrays."""
        if name not in self._arrays:
            self._arrays[name] = StoredArray(self.part, name)
        return self._arrays[name]

    @cached_property
    def contigs(self) -> list[str]:
        return [str(name) for name in self.array("contig_id").read()]

    @cached_property
    def samples(self) -> list[str]:
        return [str(name) for name in self.array("sample_id").read()]

    @cached_property
    def filters(self) -> list[str]:
        return [str(name) for name in self.array("filter_id").read()]

    @cached_property
    def region_index(self) -> NDArray[np.int64]:
        """(runs, 6): see ``REGION_FIELDS``."""
        return _frozen(self.array("region_index").read().astype(np.int64))

    @cached_property
    def fields(self) -> BatchFields:
        """INFO and FORMAT fields."""
        return BatchFields(self.part)

    @property
    def num_chunks(self) -> int:
        return self.position.num_chunks

    @cached_property
    def has_genotypes(self) -> bool:
        return self.part.has("call_genotype/.zarray")

    @property
    def chunk_samples(self) -> int:
        return self.array("sample_id").chunks[0]

    @property
    def ploidy(self) -> int:
        return self.array("call_genotype").shape[2] if self.has_genotypes else 2

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.array("call_genotype").metadata["dtype"]) if self.has_genotypes else np.dtype("i1")

    @property
    def num_sample_chunks(self) -> int:
        return -(-len(self.samples) // self.chunk_samples) if self.has_genotypes else 0

    def _site_chunk(self, chunk: int) -> SiteChunk:
        allele = self.array("variant_allele").chunk(chunk)
        num_alts = (allele[:, 1:] != "").sum(axis=1).astype(np.int64)
        return SiteChunk(
            _frozen(self.array("variant_contig").chunk(chunk).copy()),
            _frozen(self.position.chunk(chunk).copy()),
            _frozen(self.array("variant_length").chunk(chunk).copy()),
            _frozen(allele),
            _frozen(num_alts),
        )

    def genotype_block(self, chunk: int, sample_chunk: int) -> memoryview:
        """A chunk of ``call_genotype``, still encoded. Raises CorruptRepositoryError."""
        data = self.array("call_genotype").raw(chunk, sample_chunk, 0)
        if data is None:
            raise CorruptRepositoryError(f"{self.part.folder}: chunk {chunk}.{sample_chunk}.0 of call_genotype is gone")
        return memoryview(data)

    def phased_chunk(self, chunk: int, sample_chunk: int) -> NDArray[np.bool_]:
        """Phases of a chunk, (rows, samples)."""
        array = self.array("call_genotype_phased")
        rows = min(self.chunk_variants, self.num_variants - chunk * self.chunk_variants)
        samples = min(self.chunk_samples, len(self.samples) - sample_chunk * self.chunk_samples)
        data = array.raw(chunk, sample_chunk)
        if data is None:
            return np.broadcast_to(np.True_, (rows, samples))
        from .arrays import decode  # noqa: PLC0415

        whole = decode(data, array.metadata["compressor"], array.metadata["filters"])
        return np.asarray(whole).view(np.bool_).reshape(array.chunks)[:rows, :samples]

    def has_gt_chunk(self, chunk: int) -> NDArray[np.bool_]:
        """Which records of a chunk have GT."""
        out: NDArray[np.bool_] = self.array("varstore/variant_has_genotype").chunk(chunk)
        return out

    def filter_chunk(self, chunk: int) -> NDArray[np.bool_]:
        """Filters of a chunk, (rows, filters)."""
        out: NDArray[np.bool_] = self.array("variant_filter").chunk(chunk)
        return out
