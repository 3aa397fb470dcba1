"""VCF Zarr stores that somebody else wrote, chunk by chunk: genotypes are never made text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, NotARepositoryError
from ..model.header import Header
from ..storage.field_exceptions import Exceptions, FieldValues
from ..storage.field_text import GENOTYPE, Field, declare, filter_text, find_fields, quality_text, text_of
from ..storage.foreign import ForeignStore
from ..storage.named_arrays import ForeignArrays
from ..storage.rowbytes import RowBytes, from_strings, from_texts, weave_info
from .header import VcfHeader, parse_header
from .records import Records, ScanPlan
from .sources import Columns, records_of

_CELLS = 1 << 25  # genotype codes held at a time


class VczSource:
    """A VCF Zarr folder or zip file as a source of records."""

    def __init__(self, path: Path) -> None:
        try:
            self.store = ForeignStore(path)
        except NotARepositoryError as error:
            raise InputError(str(error)) from None
        self.path, self.files = path, [path]
        self.arrays = ForeignArrays(self.store)
        self.header = self._header()

    @cached_property
    def _exceptions(self) -> Exceptions:
        return Exceptions(self.arrays)

    @cached_property
    def infos(self) -> list[Field]:
        return find_fields(self.arrays, Header([]), "INFO")

    @cached_property
    def formats(self) -> list[Field]:
        return find_fields(self.arrays, Header([]), "FORMAT")

    def _header(self) -> VcfHeader:
        """The header that the store's attributes and arrays make."""
        header = Header([])
        header.add("##fileformat=VCFv4.3")
        for key, value in self.store.group.attrs.get("vcf_meta_information", []):
            if key != "fileformat":
                header.add(f"##{key}={value}")
        declare(header, self.arrays, self.infos, self.formats)
        if self.store.has_genotypes:
            header.add_field("FORMAT", "GT", GENOTYPE)
        if "" in self.store.samples:
            raise InputError(f"{self.path}: a sample has no name: it was removed from the store; export it without")
        return parse_header(header.text(self.store.samples), str(self.path))

    def first_contig(self) -> str | None:
        """Contig of the first record, or None where there is none."""
        if not self.store.num_variants:
            return None
        return self.store.contigs[int(self.store.site_chunk(0).contig[0])]

    def records(self, plan: ScanPlan) -> Iterator[Records]:
        """Records in order, a chunk or less at a time. Raises InputError."""
        step = max(1, _CELLS // max(1, plan.num_samples * self.store.ploidy))
        for chunk in range(self.store.num_chunks):
            num_rows = len(self.store.site_chunk(chunk).position)
            for begin in range(0, num_rows, step):
                rows = np.arange(begin, min(begin + step, num_rows))
                yield records_of(self._columns(chunk, rows), plan)

    def _columns(self, chunk: int, rows: NDArray[np.int64]) -> Columns:
        sites, store = self.store.site_chunk(chunk), self.store
        contig = sites.contig[rows]
        if len(contig) and not (0 <= contig.min() and contig.max() < len(store.contigs)):
            raise InputError(f"{self.path}, chunk {chunk}: variant_contig names a contig that contig_id has not")
        alleles = np.asarray(sites.allele[rows])
        texts = [
            self._ids(chunk, rows),
            from_strings([str(text) for text in alleles[:, 0]]),
            from_texts(alleles[:, 1:]),
            quality_text(self._quality(chunk, rows)),
            filter_text(store.filter_chunk(chunk)[rows], store.filters),
            self._info(chunk, rows),
            from_strings([self._format] * len(rows)),
        ]
        codes, phased = self._calls(chunk, rows)
        has_gt = np.full(len(rows), store.has_genotypes)
        names = [store.contigs[code] for code in contig]
        position, num_alts = sites.position[rows].astype(np.int64), sites.num_alts[rows]
        people = np.arange(len(store.samples))
        formats = [(field.key, self._values(field.array, chunk, rows, people)) for field in self.formats]
        return Columns(names, position, num_alts, texts, codes, phased, has_gt, formats)

    @cached_property
    def _format(self) -> str:
        """FORMAT of every record: the store does not say which of them had which fields."""
        keys = ["GT"] * self.store.has_genotypes + [field.key for field in self.formats]
        return ":".join(keys) if self.store.samples else ""

    def _ids(self, chunk: int, rows: NDArray[np.int64]) -> RowBytes:
        if "variant_id" not in self.arrays.names:
            return from_strings(["."] * len(rows))
        return from_strings([str(text) or "." for text in self.arrays.rows("variant_id", chunk, rows)])

    def _quality(self, chunk: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        if "variant_quality" not in self.arrays.names:
            return np.full(len(rows), 0x7F800001, np.uint32).view(np.float32)
        return np.ascontiguousarray(self.arrays.rows("variant_quality", chunk, rows), np.float32)

    def _info(self, chunk: int, rows: NDArray[np.int64]) -> RowBytes:
        fields = [(field.key, text_of(self._values(field.array, chunk, rows))) for field in self.infos]
        return weave_info(fields, len(rows))

    def _values(self, array: str, chunk: int, rows: NDArray[np.int64], *people: NDArray[np.int64]) -> FieldValues:
        """A field of some records; of FORMAT for some people."""
        literal = self._exceptions.literal(array)
        read = self.arrays.calls if people else self.arrays.rows
        return FieldValues(
            read(array, chunk, rows, *people), None if literal is None else read(literal, chunk, rows, *people)
        )

    def _calls(self, chunk: int, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        people = np.arange(len(self.store.samples))
        if not self.store.has_genotypes:
            return np.full((len(rows), len(people), 1), -1, np.int16), np.zeros((len(rows), len(people)), np.bool_)
        codes = self.arrays.calls("call_genotype", chunk, rows, people).astype(np.int16)
        if "call_genotype_phased" not in self.arrays.names:
            return codes, (codes[:, :, 1:] == -2).all(axis=2)
        phased = self.arrays.calls("call_genotype_phased", chunk, rows, people).astype(np.bool_)
        # One allele has no separator: what writers say of its phase differs.
        return codes, phased | ((codes[:, :, 0] != -2) & (codes[:, :, 1:] == -2).all(axis=2))
