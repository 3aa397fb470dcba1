"""Genotypes and fields of joined records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..model.results import Genotypes
from ..storage.fields import BatchFields
from .fields import stacked
from .joined_store import JoinedStore
from .joined_values import widened
from .plan import ChunkRead


def read_joined(store: JoinedStore, names: Sequence[str]) -> Genotypes:
    """Decode every record. names : of fields, like ``INFO/AC``. Raises QueryError."""
    reads = store.reads()
    everybody = np.arange(len(store.samples))
    calls = [store.read_calls(read.chunk, _rows(read), everybody) for read in reads]
    sites = [store.site_chunk(read.chunk) for read in reads]
    alleles = np.full((store.num_variants, max([2, *(site.allele.shape[1] for site in sites)])), "", object)
    begin = 0
    for site in sites:
        alleles[begin : begin + len(site.allele), : site.allele.shape[1]] = site.allele
        begin += len(site.allele)
    contigs, empty = np.array([*store.contigs, ""], object), np.zeros(0, np.int64)
    shape = (0, len(everybody), store.ploidy)
    arrays = {
        "call_genotype": np.concatenate([np.zeros(shape, store.dtype), *(codes for codes, _ in calls)]),
        "call_genotype_phased": np.concatenate([np.zeros(shape[:2], np.bool_), *(phased for _, phased in calls)]),
        "variant_contig": contigs[np.concatenate([empty, *(site.contig for site in sites)])],
        "variant_position": np.concatenate([empty, *(site.position for site in sites)]),
        "variant_allele": alleles,
        "sample_id": np.array([*store.samples, None], object)[:-1],
    }
    return Genotypes(arrays, _fields(store, names))


def _rows(read: ChunkRead) -> NDArray[np.int64]:
    assert read.rows is not None
    return read.rows


def _fields(store: JoinedStore, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    known: dict[str, str] = {}
    for batch in store.stores:
        fields: BatchFields = batch.fields
        known = {name: field.array for name, field in fields.fields.items()} | known
    out = {}
    for name in names:
        if name not in known:
            raise QueryError(f"no field {name!r} in the repository; there are {', '.join(sorted(known)) or 'none'}")
        out[known[name]] = stacked(
            [_field(store, known[name], name, r) for r in store.reads()], name, len(store.samples)
        )
    return out


def _field(store: JoinedStore, array: str, name: str, read: ChunkRead) -> NDArray[Any]:
    """(rows, values) of INFO, (rows, samples, values) of FORMAT, of one chunk; what overflows too."""
    rows = _rows(read)
    if name.startswith("INFO/"):
        return store.arrays.rows(array, read.chunk, rows).reshape(len(rows), -1)
    values = store.arrays.calls(array, read.chunk, rows, np.arange(len(store.samples)))
    values = values.reshape(len(rows), len(store.samples), -1)
    begin = read.chunk * store.chunk_variants
    wide = store.arrays.exceptions.overflow_records - begin
    for row in wide[(wide >= 0) & (wide < len(rows))].tolist():
        found = store.arrays.exceptions.overflow(array, begin + row)
        if found is not None:
            dtype = np.result_type(values.dtype, found.values.dtype)
            width = max(values.shape[2], found.values.shape[1])
            values = widened(values, width, dtype)
            values[row] = widened(found.values, width, dtype)
    return values
