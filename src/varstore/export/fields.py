"""INFO and FORMAT fields of a store: which there are, how they are declared, and their cells as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage.rowbytes import RowBytes, from_floats, from_integers, from_strings, from_texts
from .arrays import Arrays, field_arrays
from .header import Declared, Header

SITE_ARRAYS = frozenset(
    f"variant_{name}" for name in ("contig", "position", "length", "quality", "id", "id_mask", "allele", "filter")
)
CALL_ARRAYS = frozenset({"call_genotype", "call_genotype_phased", "call_genotype_mask"})
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


def text_of(values: NDArray[Any], cells: int = 1) -> RowBytes:
    """Cells of a field as text, by dtype.

    values : (rows * cells,) or (rows * cells, width)
    """
    if values.ndim == 1:
        values = values[:, np.newaxis]
    if values.dtype.kind == "b":
        flags = values[:, 0]
        return RowBytes(*_empty_cells(len(flags)), present=flags)
    if values.dtype.kind == "f":
        return from_floats(values, cells)
    if values.dtype.kind in "iu":
        return from_integers(values, None, cells)
    return from_texts(values, cells)


def _empty_cells(rows: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    empty = from_strings([""] * rows)
    return empty.arena, empty.start
