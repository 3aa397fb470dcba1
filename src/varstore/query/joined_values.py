"""Values of fields in VCF Zarr's form, made wider and put into another order of alleles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Dimensions of arrays that have a value an allele, an ALT or a genotype.
ALLELE_DIMS = ("alleles", "alt_alleles", "genotypes")
_FLOAT_MISSING, _FLOAT_FILL = 0x7F800001, 0x7F800002
Literal = NDArray[np.bool_] | None


def set_missing(out: NDArray[Any], where: Any = ...) -> None:
    """Put what stands for a missing value."""
    _set(out, where, _FLOAT_MISSING, {"O": ".", "b": False}.get(out.dtype.kind, -1))


def set_fill(out: NDArray[Any], where: Any = ...) -> None:
    """Put what stands behind the last value."""
    _set(out, where, _FLOAT_FILL, {"O": "", "b": False}.get(out.dtype.kind, -2))


def _set(out: NDArray[Any], where: Any, bits: int, value: Any) -> None:
    # As bits: a NaN that is assigned as a number may lose which one it is.
    if out.dtype.kind == "f":
        out.view(np.uint32)[where] = bits
    else:
        out[where] = value


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array of nothing but missing values."""
    out = np.empty(shape, dtype)
    set_missing(out)
    return out


def _is(values: NDArray[Any], bits: int, text: str, number: int, literal: Literal) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.asarray(values.view(np.uint32) == bits)
    if values.dtype.kind == "O":
        return np.asarray(values == text, np.bool_)
    if values.dtype.kind == "b":
        return ~values
    same = values == number
    return np.asarray(same if literal is None else same & ~literal)


def is_fill(values: NDArray[Any], literal: Literal = None) -> NDArray[np.bool_]:
    """Which values stand behind the last. literal : where integers are numbers, whatever they are"""
    return _is(values, _FLOAT_FILL, "", -2, literal)


def is_missing(values: NDArray[Any], literal: Literal = None) -> NDArray[np.bool_]:
    """Which vectors, along the last axis, have no value."""
    gone = _is(values, _FLOAT_MISSING, ".", -1, literal) | is_fill(values, literal)
    return np.asarray(gone.all(axis=-1))


def widened(values: NDArray[Any], width: int, dtype: np.dtype[Any], literal: Literal = None) -> NDArray[Any]:
    """(..., width) of another dtype: what is new is fill, and missing where all is; of integers that become floats too.

    literal : where integers are numbers, whatever they are
    """
    old = values.shape[-1]
    if old == width and values.dtype == dtype:
        return values
    out = empty((*values.shape[:-1], width), dtype)
    target = out[..., :old]
    if dtype.kind == "f" and values.dtype.kind in "iu":
        target.view(np.uint32)[...] = values.astype(np.float32).view(np.uint32)
        set_missing(target, _is(values, 0, "", -1, literal))
        set_fill(target, is_fill(values, literal))
    elif dtype.kind == "f":
        target.view(np.uint32)[...] = np.ascontiguousarray(values).view(np.uint32)
    else:
        target[...] = values
    gone = is_missing(values, literal)
    if width > old:
        set_fill(out, (~gone, slice(old, None)))
        set_missing(out, gone)
    return out


def length_of(dim: str, num_alleles: int) -> int:
    """Values of a diploid call along a dimension."""
    if dim == "genotypes":
        return num_alleles * (num_alleles + 1) // 2
    return num_alleles if dim == "alleles" else num_alleles - 1


def allele_index(dim: str, codes: Sequence[int], num_alleles: int) -> list[NDArray[np.int64]]:
    """Which of the values of a record each value of the joined record is, -1 for none.

    codes : of the record's alleles in the joined record    Returns one for diploid calls, of genotypes one for haploid
    ones besides.
    """
    own = np.full(num_alleles, -1, np.int64)
    for old, new in reversed(list(enumerate(codes))):
        own[new] = old
    if dim == "alleles":
        return [own]
    if dim == "alt_alleles":
        return [np.where(own[1:] > 0, own[1:] - 1, -1)]
    second, first = np.tril_indices(num_alleles)
    low, high = np.minimum(own[first], own[second]), np.maximum(own[first], own[second])
    return [np.where(low >= 0, high * (high + 1) // 2 + low, -1), own]


def remapped(
    values: NDArray[Any], indexes: Sequence[NDArray[np.int64]], width: int, dtype: np.dtype[Any],
    literal: Literal = None, haploid: NDArray[np.bool_] | None = None,
) -> NDArray[Any]:  # fmt: skip
    """(samples, width) of the calls (samples, values) of one record, in the order of the joined alleles.

    indexes : as ``allele_index`` gives them    literal : as in ``widened``
    haploid : (samples,) which calls are, where the number of values does not say it; None: none
    """
    out = _taken(values, indexes[0], width, dtype, literal)
    if len(indexes) > 1:
        # A haploid call has a value an allele, fewer than a diploid one as soon as there are two alleles.
        num_own = int((indexes[1] >= 0).sum())
        if num_own > 1:
            haploid = (~is_fill(values, literal)).sum(axis=-1) == num_own
        if haploid is not None and haploid.any():
            some = None if literal is None else literal[haploid]
            _copy(out, haploid, _taken(values[haploid], indexes[1], width, dtype, some))
    set_missing(out, is_missing(values, literal))
    return out


def _copy(out: NDArray[Any], where: Any, values: NDArray[Any]) -> None:
    if out.dtype.kind == "f":
        out.view(np.uint32)[where] = values.view(np.uint32)
    else:
        out[where] = values


def _taken(
    values: NDArray[Any], index: NDArray[np.int64], width: int, dtype: np.dtype[Any], literal: Literal
) -> NDArray[Any]:
    source = widened(values, values.shape[-1], dtype, literal).copy()
    out = empty((len(values), width), dtype)
    set_fill(out, (slice(None), slice(len(index), None)))
    at = np.flatnonzero((index >= 0) & (index < source.shape[-1]))
    # What is behind the last value of a record is missing, where the joined record has a value.
    set_missing(source, is_fill(values, literal))
    _copy(out, (slice(None), at), source[:, index[at]])
    return out
