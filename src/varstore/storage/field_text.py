"""INFO and FORMAT fields of a store: which there are, how they are declared, and their cells as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.header import Declared, Header
from .field_exceptions import FieldValues
from .named_arrays import Arrays, field_arrays
from .rowbytes import FLOAT_MISSING, RowBytes, float_texts, from_floats, from_integers, from_strings, from_texts

SITE_ARRAYS = frozenset(
    f"variant_{name}" for name in ("contig", "position", "length", "quality", "id", "id_mask", "allele", "filter")
)
CALL_ARRAYS = frozenset({"call_genotype", "call_genotype_phased", "call_genotype_mask"})
GENOTYPE = Declared("1", "String", "Genotype")
_NUMBER_OF_DIM = {"alleles": "R", "alt_alleles": "A", "genotypes": "G"}
_TYPE_OF_KIND = {"i": "Integer", "u": "Integer", "f": "Float", "b": "Flag", "O": "String", "U": "String"}


@dataclass(frozen=True)
class Field:
    """An INFO or FORMAT field: its key, the array it is in, and how the header declares it."""

    key: str
    array: str
    kind: str
    declared: Declared


def find_fields(arrays: Arrays, header: Header, kind: str) -> list[Field]:
    """INFO or FORMAT fields that a store has, in the order of the header; others, by name, behind them."""
    prefix, reserved = ("variant_", SITE_ARRAYS) if kind == "INFO" else ("call_", CALL_ARRAYS)
    declared = header.infos if kind == "INFO" else header.formats
    found = dict(field_arrays(arrays, prefix, reserved))
    order = [key for key in declared if key in found] + [key for key in found if key not in declared]
    return [Field(key, found[key], kind, declared.get(key) or _declaration(arrays, found[key], kind)) for key in order]


def _declaration(arrays: Arrays, name: str, kind: str) -> Declared:
    """How a field is declared that no header line tells of: from dtype and dimensions."""
    type_ = _TYPE_OF_KIND[arrays.dtype(name).kind]
    dims = arrays.dims(name)[1 if kind == "INFO" else 2 :]
    if type_ == "Flag":
        number = "0"
    elif not dims:
        number = "1"
    else:
        number = _NUMBER_OF_DIM.get(dims[0], ".")
    return Declared(number, type_, arrays.description(name).replace('"', "'"))


def text_of(found: FieldValues, cells: int = 1) -> RowBytes:
    """Cells of a field as text, by dtype.

    found : values (rows * cells,) or (rows * cells, width)
    """
    values = found.values
    if values.ndim == 1:
        values = values[:, np.newaxis]
    if values.dtype.kind == "b":
        flags = values[:, 0]
        return RowBytes(*_empty_cells(len(flags)), present=flags)
    if values.dtype.kind == "f":
        return from_floats(values, cells)
    if values.dtype.kind in "iu":
        literal = None if found.literal is None else found.literal.reshape(values.shape)
        return from_integers(values, literal, cells)
    return from_texts(values, cells)


def _empty_cells(rows: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    empty = from_strings([""] * rows)
    return empty.arena, empty.start


def quality_text(quality: NDArray[np.float32]) -> RowBytes:
    """The column QUAL."""
    distinct, codes = np.unique(quality.view(np.uint32), return_inverse=True)
    texts = float_texts(distinct.view(np.float32))
    texts = ["." if bits == FLOAT_MISSING else text for bits, text in zip(distinct.tolist(), texts, strict=True)]
    return from_strings(texts).gather(codes)


def distinct_filters(rows: NDArray[np.bool_]) -> tuple[list[list[int]], NDArray[np.int64]]:
    """The distinct sets of filters in (rows, filters), and which of them each row has."""
    if not rows.shape[1]:
        return [[]], np.zeros(len(rows), np.int64)
    distinct, codes = np.unique(rows, axis=0, return_inverse=True)
    return [np.flatnonzero(row).tolist() for row in distinct], codes.reshape(-1).astype(np.int64)


def filter_text(rows: NDArray[np.bool_], names: Sequence[str]) -> RowBytes:
    """The column FILTER of (rows, filters)."""
    distinct, codes = distinct_filters(rows)
    return from_strings([";".join(names[i] for i in row) or "." for row in distinct]).gather(codes)


def declare(header: Header, arrays: Arrays, infos: Sequence[Field], formats: Sequence[Field]) -> None:
    """Add to a header the contigs, filters and fields of a store that it does not declare."""
    names = [str(name) for name in arrays.whole("contig_id")]
    lengths = arrays.whole("contig_length").tolist() if "contig_length" in arrays.names else []
    header.add_contigs(names, dict(zip(names, lengths, strict=False)))
    filters = [str(name) for name in arrays.whole("filter_id")] if "filter_id" in arrays.names else []
    texts = arrays.whole("filter_description").tolist() if "filter_description" in arrays.names else []
    header.add_filters(filters, dict(zip(filters, texts, strict=False)))
    for field in [*infos, *formats]:
        header.add_field(field.kind, field.key, field.declared)
