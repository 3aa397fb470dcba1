"""VCF Zarr stores that somebody else wrote (bio2zarr), read-only, through zarr-python."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..codec.genotype import encode_array
from ..errors import NotARepositoryError
from .batch import SiteChunk

_REQUIRED = ("variant_contig", "variant_position", "variant_allele", "contig_id", "sample_id")


class ForeignStore:
    """A VCF Zarr group as queries read it: its genotype chunks are decoded and encoded again."""

    def __init__(self, path: Path) -> None:
        import zarr  # noqa: PLC0415

        self.path = path
        try:
            store = zarr.storage.ZipStore(path, mode="r") if path.is_file() else str(path)
            self.group: Any = zarr.open_group(store, mode="r")
        except Exception as error:
            raise NotARepositoryError(f"{path}: no varstore repository and no VCF Zarr store ({error})") from None
        absent = [name for name in _REQUIRED if name not in self.group]
        if "vcf_zarr_version" not in self.group.attrs or absent:
            raise NotARepositoryError(f"{path}: no VCF Zarr store: {', '.join(absent) or 'vcf_zarr_version'} missing")
        self._position = self._read("variant_position", np.int32)
        self._contig = self._read("variant_contig", np.int32)
        self.num_variants = len(self._position)
        self.has_genotypes = "call_genotype" in self.group
        genotypes: Any = self.group["call_genotype"] if self.has_genotypes else None
        self.chunk_variants = genotypes.chunks[0] if self.has_genotypes else 4096
        self.chunk_samples = genotypes.chunks[1] if self.has_genotypes else max(1, len(self.samples))
        self.site_chunk = lru_cache(maxsize=4096)(self._site_chunk)

    def _read(self, name: str, dtype: Any) -> NDArray[Any]:
        return np.asarray(self.group[name][:]).astype(dtype)

    def _texts(self, name: str) -> list[str]:
        return [str(text) for text in self.group[name][:]] if name in self.group else []

    @cached_property
    def contigs(self) -> list[str]:
        return self._texts("contig_id")

    @cached_property
    def samples(self) -> list[str]:
        return self._texts("sample_id")

    @cached_property
    def filters(self) -> list[str]:
        return self._texts("filter_id")

    @cached_property
    def _length(self) -> NDArray[np.int32]:
        if "variant_length" in self.group:
            return self._read("variant_length", np.int32)
        return np.array([len(str(ref)) for ref in self.group["variant_allele"][:, 0]], np.int32)

    @cached_property
    def region_index(self) -> NDArray[np.int64]:
        """One run a chunk and contig, made from the columns."""
        rows = []
        for chunk in range(self.num_chunks):
            part = slice(chunk * self.chunk_variants, (chunk + 1) * self.chunk_variants)
            contig, position = self._contig[part], self._position[part].astype(np.int64)
            ends = position + self._length[part] - 1
            for number in np.unique(contig):
                here = contig == number
                rows.append((chunk, number, position[here].min(), position[here].max(), ends[here].max(), here.sum()))
        return np.array(rows, np.int64).reshape(-1, 6)

    @property
    def num_chunks(self) -> int:
        return -(-self.num_variants // self.chunk_variants)

    @property
    def num_sample_chunks(self) -> int:
        return -(-len(self.samples) // self.chunk_samples) if self.has_genotypes else 0

    @property
    def ploidy(self) -> int:
        return int(self.group["call_genotype"].shape[2]) if self.has_genotypes else 2

    @property
    def dtype(self) -> np.dtype[Any]:
        wide = self.has_genotypes and self.group["call_genotype"].dtype.itemsize > 1
        return np.dtype("<i2" if wide else "i1")

    def _rows(self, chunk: int) -> slice:
        return slice(chunk * self.chunk_variants, min((chunk + 1) * self.chunk_variants, self.num_variants))

    def _site_chunk(self, chunk: int) -> SiteChunk:
        rows = self._rows(chunk)
        allele = np.asarray(self.group["variant_allele"][rows]).astype(object)
        # bio2zarr writes ALT '.' as no allele; other writers may keep the dot.
        allele[:, 1:][allele[:, 1:] == "."] = ""
        num_alts = (allele[:, 1:] != "").sum(axis=1).astype(np.int64)
        return SiteChunk(self._contig[rows], self._position[rows], self._length[rows], allele, num_alts)

    def genotype_block(self, chunk: int, sample_chunk: int) -> memoryview:
        """A chunk of genotypes, decoded by zarr and encoded as a block of ours."""
        begin = sample_chunk * self.chunk_samples
        codes = self.group["call_genotype"][self._rows(chunk), begin : begin + self.chunk_samples]
        return memoryview(encode_array(np.ascontiguousarray(codes, self.dtype), level=1))

    def phased_chunk(self, chunk: int, sample_chunk: int) -> NDArray[np.bool_]:
        begin = sample_chunk * self.chunk_samples
        end = min(begin + self.chunk_samples, len(self.samples))
        rows = self._rows(chunk)
        if "call_genotype_phased" not in self.group:
            return np.zeros((rows.stop - rows.start, end - begin), np.bool_)
        return np.asarray(self.group["call_genotype_phased"][rows, begin:end])

    def has_gt_chunk(self, chunk: int) -> NDArray[np.bool_]:
        rows = self._rows(chunk)
        return np.ones(rows.stop - rows.start, np.bool_)

    def filter_chunk(self, chunk: int) -> NDArray[np.bool_]:
        rows = self._rows(chunk)
        if "variant_filter" not in self.group:
            return np.zeros((rows.stop - rows.start, len(self.filters)), np.bool_)
        return np.asarray(self.group["variant_filter"][rows])
