"""The derived part ``reference_blocks``: where the reference blocks of a gVCF say that a person is reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .batch import Batch
from .coverage import Coverage, merge_intervals, write_coverage
from .parts import PartWriter

if TYPE_CHECKING:
    from .named_arrays import Arrays

KIND = "reference_blocks"
VERSION = 1
MIN_REF_GQ = 20
_STAND_INS = ("<NON_REF>", "<*>")
_END, _LEN = "variant_END", "call_LEN"


def has_reference_blocks(store: Batch) -> bool:
    """Whether a batch is a gVCF: some record's only ALT is ``<NON_REF>`` or ``<*>``, and has END or LEN."""
    if not store.has_genotypes or not (store.part.has(f"{_END}/.zarray") or store.part.has(f"{_LEN}/.zarray")):
        return False
    return any(_names_reference(store, chunk) and len(_block_rows(store, chunk)) for chunk in range(store.num_chunks))


def _names_reference(store: Batch, chunk: int) -> bool:
    """Whether the alleles of a chunk may have ``<NON_REF>`` or ``<*>``: looked for in the text as it is stored."""
    text = store.array("variant_allele").packed(chunk, 0)
    return any(name.encode() in text for name in _STAND_INS)


def _arrays(store: Batch) -> Arrays:
    from .named_arrays import BatchArrays  # noqa: PLC0415 - numba: whoever only opens a repository does without

    return BatchArrays(store)


def _block_rows(store: Batch, chunk: int) -> NDArray[np.int64]:
    """Rows of a chunk that are reference blocks."""
    arrays = _arrays(store)
    num_rows = min(store.chunk_variants, store.num_variants - chunk * store.chunk_variants)
    rows = np.arange(num_rows)
    has_length = np.zeros(num_rows, np.bool_)
    if store.part.has(f"{_END}/.zarray"):
        has_length |= (_numbers(arrays.rows(_END, chunk, rows)) > 0).reshape(num_rows, -1).any(axis=1)
    if store.part.has(f"{_LEN}/.zarray"):
        has_length |= (_numbers(arrays.calls(_LEN, chunk, rows, np.arange(len(store.samples)))) > 0).any(axis=1)
    if not has_length.any():
        return np.zeros(0, np.int64)
    sites = store.site_chunk(chunk)
    alone = has_length & (sites.num_alts == 1)
    return np.array([row for row in np.flatnonzero(alone).tolist() if sites.allele[row, 1] in _STAND_INS], np.int64)


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    """A field with one value each; what is none, or text, is below 0."""
    values = values[..., 0] if values.ndim > 2 and values.shape[-1] else values
    if values.dtype.kind not in "if":
        return np.full(values.shape[:2], -1, np.int8)
    return np.where(values >= 0, values, -1)


@dataclass(frozen=True)
class Blocks:
    """Callable blocks of a chunk: sample, contig, 0-based start and end of each, int64."""

    sample: NDArray[np.int64]
    contig: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]


def callable_blocks(store: Batch, chunk: int, min_ref_gq: int) -> Blocks:
    """The blocks of a chunk in which people are surely reference.

    The genotype is all reference, GQ (else RGQ) at least ``min_ref_gq``, MIN_DP (else DP) above 0.
    """
    rows, samples, arrays = _block_rows(store, chunk), np.arange(len(store.samples)), _arrays(store)

    def field(key: str) -> NDArray[Any]:
        if not len(rows) or not store.part.has(f"call_{key}/.zarray"):
            return np.full((len(rows), len(samples)), -1, np.int8)
        return _numbers(arrays.calls(f"call_{key}", chunk, rows, samples))

    quality, depth = field("GQ"), field("MIN_DP")
    quality, depth = np.where(quality >= 0, quality, field("RGQ")), np.where(depth >= 0, depth, field("DP"))
    sure = _all_reference(store, chunk, rows) & (quality >= min_ref_gq) & (depth > 0)
    sites, length = store.site_chunk(chunk), field("LEN").astype(np.int64)
    length = np.where(length > 0, length, sites.length[rows][:, np.newaxis])
    row, sample = np.nonzero(sure)
    start = sites.position[rows[row]].astype(np.int64) - 1
    return Blocks(sample, sites.contig[rows[row]].astype(np.int64), start, start + length[row, sample])


def _all_reference(store: Batch, chunk: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(rows, samples) whether a call is of reference alleles alone."""
    from ..codec.genotype import expand_rows  # noqa: PLC0415
    from ..codec.layout import inflate_block, parse  # noqa: PLC0415

    out = np.zeros((len(rows), len(store.samples)), np.bool_)
    if not len(rows):
        return out
    low, high = int(rows[0]), int(rows[-1]) + 1
    for sample_chunk in range(store.num_sample_chunks):
        layout = parse(store.genotype_block(chunk, sample_chunk))
        for block in range(layout.num_blocks):
            part = inflate_block(layout, block)
            codes = np.zeros((high - low, part.num_samples, part.ploidy), layout.dtype)
            expand_rows(part, low, high, codes)
            codes = codes[rows - low]
            begin = sample_chunk * store.chunk_samples + block * layout.inner
            end = min(begin + part.num_samples, len(store.samples))
            reference = ((codes == 0) | (codes == -2)).all(axis=2) & (codes == 0).any(axis=2)
            out[:, begin:end] = reference[:, : end - begin]
    return out


def _groups(store: Batch, min_ref_gq: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All sure blocks: contig x samples + sample, start and end."""
    found = [callable_blocks(store, chunk, min_ref_gq) for chunk in range(store.num_chunks)]
    nothing = np.zeros(0, np.int64)
    group = np.concatenate([nothing, *(blocks.contig * len(store.samples) + blocks.sample for blocks in found)])
    start = np.concatenate([nothing, *(blocks.start for blocks in found)])
    return group, start, np.concatenate([nothing, *(blocks.end for blocks in found)])


def write_reference_blocks(part: PartWriter, store: Batch, min_ref_gq: int) -> int:
    """Write where each person is surely reference, a set each; return how many intervals there are."""
    num_sets = len(store.samples)
    return write_coverage(part, store.contigs, num_sets, np.arange(num_sets), _groups(store, min_ref_gq))


def same_blocks(stored: Coverage, store: Batch, min_ref_gq: int) -> bool:
    """Whether a part of reference blocks is what the records say."""
    group, start, end = merge_intervals(*_groups(store, min_ref_gq))
    num_sets = len(store.samples)
    if not np.array_equal(stored.sample_set, np.arange(num_sets)) or stored.num_sets != num_sets:
        return False
    for number, name in enumerate(store.contigs):
        low, high = np.searchsorted(group, [number * num_sets, (number + 1) * num_sets])
        found = stored.intervals(name)
        first = np.searchsorted(group[low:high], number * num_sets + np.arange(num_sets + 1))
        same = np.array_equal(found.first, first) and np.array_equal(found.start, start[low:high])
        if not same or not np.array_equal(found.end, end[low:high]):
            return False
    return True
