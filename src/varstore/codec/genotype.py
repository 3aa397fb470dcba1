"""Encode and decode genotype chunks: pure functions over arrays and bytes, no Zarr."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptChunkError
from ..kernels import absent as _absent
from ..kernels import blocks as _blocks
from ..kernels import planes as _planes
from ..kernels.rows import ALT, EMPTY, FLIPPED, FORM_MASK, MISSING, NUM_SETS, OTHER, PLANE
from . import layout as _layout
from .layout import BlockSets, Layout, Scratch, Stream, inflate_block, pack_stream, parse
from .presence import Presence
from .rows import RowSets, sets_from_codes
from .settings import INNER, LEVEL, MAX_HAPLOTYPES, RESIDUAL_SHIFT, SPARSE_SHIFT

INT8 = np.dtype("i1")
INT16 = np.dtype("<i2")


def inner_samples(samples: int, ploidy: int, inner: int = INNER) -> int:
    """Samples of an inner block: at most ``inner``, and 65,536 haplotypes."""
    if ploidy > MAX_HAPLOTYPES:
        raise ValueError(f"ploidy {ploidy} is above the {MAX_HAPLOTYPES} that a genotype block can hold")
    return max(1, min(inner, samples, MAX_HAPLOTYPES // max(1, ploidy)))


def narrowest_dtype(sets: RowSets) -> np.dtype:
    """int8 where every code of ``sets`` fits, else int16."""
    values = sets.values
    return INT8 if not len(values) or (values.min() >= -128 and values.max() <= 127) else INT16


def encode_sets(
    sets: RowSets,
    shape: tuple[int, int, int],
    *,
    blocks: range | None = None,
    dtype: np.dtype | None = None,
    level: int = LEVEL,
    presence: Presence | None = None,
) -> bytes:
    """Encode rows as one chunk.

    shape : (variants, samples, ploidy) of the chunk; codes past the rows and samples of ``sets`` read as 0
    blocks : which blocks of ``sets`` (all but the last of equal size); default all
    dtype : of the block; default the narrowest that holds the codes
    presence : which ranges of the samples of ``blocks`` are there in which rows; the others have to be in no set
        (``fill_absent``). Default: all
    """
    blocks = range(len(sets.sizes)) if blocks is None else blocks
    dtype = narrowest_dtype(sets) if dtype is None else dtype
    streams: list[Stream] = []
    packed: list[bytes] = []
    first = int(sets.starts[blocks.start])
    for block in blocks:
        found = _block_streams(sets, block, dtype)
        here = (int(sets.starts[block]) - first, int(sets.starts[block + 1]) - first)
        absent = None if presence is None else presence.cut(*here)
        if absent is not None:
            found.append((_layout.ABSENT, 0, absent.stream()))
        for role, which, raw in found:
            stream, data = pack_stream(block - blocks.start, role, which, raw, level)
            streams.append(stream)
            packed.append(data)
    num_samples = int(sets.sizes[blocks.start : blocks.stop].sum())
    inner = int(sets.sizes[blocks.start]) if len(blocks) else 1
    return _layout.assemble(Layout(dtype, shape, sets.num_rows, num_samples, inner, tuple(streams)), packed)


def _block_streams(sets: RowSets, block: int, dtype: np.dtype) -> list[tuple[int, int, NDArray[Any]]]:
    """The streams of one block as (role, set, raw); those with nothing in them are left out."""
    out: list[tuple[int, int, NDArray[Any]]] = []
    for which in range(NUM_SETS):
        if sets.kind[:, block, which].any():
            out += _set_streams(sets, block, which)
            if which == OTHER:
                values = np.empty(len(sets.values), np.int16)
                num = _blocks.gather_values(sets.count, sets.values, block, values)
                out.append((_layout.VALUES, which, values[:num].astype(dtype)))
    return out


def _set_streams(sets: RowSets, block: int, which: int) -> list[tuple[int, int, NDArray[Any]]]:
    """The streams of one set of one block, but for the values."""
    rows = sets.num_rows
    bits = int(sets.sizes[block]) * (1 if which == MISSING else sets.ploidy)
    words = (bits + 63) >> 6
    num_dense = int((sets.kind[:, block, which] & FORM_MASK == PLANE).sum())
    offsets, bits_set, left = (np.empty(num_dense, np.int64) for _ in range(3))
    _blocks.find_planes(sets.kind, sets.count, sets.sizes, sets.ploidy, block, which, offsets, bits_set)
    rest = np.empty((num_dense, words), np.uint64)
    order, reference = np.empty(num_dense, np.uint8), np.empty((_planes.NUM_REFERENCES, num_dense), np.uint8)
    _planes.code_planes(sets.planes, offsets, bits_set, words, order, reference, left, rest)
    most = _blocks.most_list_bits(sets.kind, sets.count, block, which, bits, RESIDUAL_SHIFT, left)
    form, length, indexes = np.empty(rows, np.uint8), np.empty(rows, np.int32), np.empty(bits, np.uint16)
    lists, planes = np.zeros((most >> 6) + 2, np.uint64), np.empty(num_dense * words, np.uint64)
    list_bits, used = _blocks.put_rows(
        sets.kind, sets.count, sets.lists, block, which, bits, RESIDUAL_SHIFT, left, rest,
        form, length, indexes, lists, planes,
    )  # fmt: skip
    streams: list[tuple[int, int, NDArray[Any]]] = [
        (_layout.FORMS, which, describe_rows(form, length)),
        (_layout.LISTS, which, lists.view(np.uint8)[: (list_bits + 7) // 8]),
        (_layout.PLANES, which, planes[:used]),
        (_layout.ORDER, which, order),
        (_layout.REFERENCES, which, reference),
    ]
    return [stream for stream in streams if stream[2].size]


def describe_rows(form: NDArray[np.uint8], length: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The stream of forms: which rows there are, which are dense, which flipped, and their lengths."""
    present = form != EMPTY
    form, length = form[present], length[present]
    planes = form & FORM_MASK == PLANE
    is_long = ~planes & (length >= _blocks.IS_PLANE)
    short = np.where(planes, _blocks.IS_PLANE, np.where(is_long, _blocks.IS_LONG, length)).astype(np.uint8)
    flags = (present, form & FORM_MASK >= PLANE, form & FLIPPED != 0)
    return np.concatenate([*map(_whole_words, flags), short, length[is_long].astype("<u2").view(np.uint8)])


def _whole_words(flags: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """One bit a flag, in whole words of 64."""
    return np.packbits(np.pad(flags, (0, -len(flags) % 64)), bitorder="little")


def fill_absent(codes: NDArray[Any], starts: NDArray[np.int64], presence: Presence) -> None:
    """Overwrite the codes of absent samples with what puts them into no set.

    codes : (rows, samples, ploidy)    starts : (blocks + 1,) int64, of the inner blocks
    """
    for begin, end in pairwise(starts.tolist()):
        here = presence.cut(begin, end)
        if here is not None:
            _absent.fill_absent(codes[:, begin:end], here.bits, here.ends)


def encode_array(
    codes: NDArray[Any], *, inner: int = INNER, level: int = LEVEL, sparse_shift: int = SPARSE_SHIFT,
    presence: Presence | None = None,
) -> bytes:  # fmt: skip
    """Encode a chunk of codes.

    codes : (variants, samples, ploidy) int8 or int16, C-contiguous; any code
    inner : samples of an inner block, at most
    presence : which ranges of samples are there in which rows; codes of the others mean nothing. Default: all
    """
    variants, samples, ploidy = codes.shape
    if variants > _layout.MAX_ROWS:
        raise ValueError(f"{variants} rows, a genotype block has at most {_layout.MAX_ROWS}")
    step = inner_samples(samples, ploidy, inner)
    if not codes.size:
        codes = codes[:, :0]  # an empty axis: a header is all there is to say
    num_samples = codes.shape[1]
    starts = np.append(np.arange(0, num_samples, step), num_samples).astype(np.int64)
    if presence is not None:
        codes = codes.copy()
        fill_absent(codes, starts, presence)
    sets = sets_from_codes(codes, starts, sparse_shift)
    dtype = INT8 if codes.dtype.itemsize == 1 else INT16
    return encode_sets(sets, (variants, samples, ploidy), dtype=dtype, level=level, presence=presence)


def decode_array(data: memoryview, *, dtype: np.dtype | None = None, ploidy: int | None = None) -> NDArray[Any]:
    """Decode a whole chunk to (variants, samples, ploidy) int8 or int16.

    dtype, ploidy : those of the array, where wider than the block's; further haplotypes become -2

    Raises CorruptChunkError.
    """
    return decode_layout(parse(data), dtype=dtype, ploidy=ploidy)


def decode_layout(layout: Layout, *, dtype: np.dtype | None = None, ploidy: int | None = None) -> NDArray[Any]:
    """``decode_array`` of a block whose header was read."""
    width = layout.ploidy if ploidy is None else ploidy
    dtype = layout.dtype if dtype is None else dtype
    if width < layout.ploidy or dtype.itemsize < layout.dtype.itemsize:
        raise CorruptChunkError(
            f"genotype block has ploidy {layout.ploidy} and {layout.dtype}, the array has {width} and {dtype}"
        )
    variants, samples, _ = layout.shape
    if variants * samples * width > _layout.MAX_CHUNK_CELLS:
        raise CorruptChunkError(f"genotype block has an impossible shape {layout.shape}")
    out = np.zeros((variants, samples, width), dtype)
    out[: layout.num_rows, : layout.num_samples, layout.ploidy :] = -2
    # A block without streams is all reference, as ``out`` is already.
    for block in sorted({stream.block for stream in layout.streams}):
        begin = block * layout.inner
        part = inflate_block(layout, block)
        expand_rows(part, 0, layout.num_rows, out[: layout.num_rows, begin : begin + part.num_samples])
    return out


def expand_rows(part: BlockSets, first_row: int, end_row: int, out: NDArray[Any]) -> None:
    """Decode some rows of an inner block into ``out`` (rows, samples, width). Raises CorruptChunkError."""
    flipped = (part.form[ALT, first_row:end_row] & FLIPPED) != 0
    out[:, :, : part.ploidy] = flipped[:, np.newaxis, np.newaxis]
    out[:, :, part.ploidy :] = -2
    scratch = Scratch()
    for which, streams in part.sets.items():
        # The codes of OTHER are found by counting the members of all rows before.
        planes = streams.dense_planes((0 if which == OTHER else first_row, end_row), scratch)
        status = _blocks.expand_set(
            which, streams.form, streams.length, streams.at, streams.lists, planes, part.values,
            part.num_samples, part.ploidy, first_row, end_row, scratch.indexes, out,
        )  # fmt: skip
        _layout.check(status)
    if part.presence is not None:
        absent = part.presence
        _absent.expand_absent(absent.bits, absent.ends, first_row, end_row, part.ploidy, out)
    if len(part.values) and OTHER not in part.sets:
        raise CorruptChunkError("genotype block: allele codes that no row has")


def expand_window(
    part: BlockSets, first_row: int, place: NDArray[np.int64], samples: tuple[int, int], out: NDArray[Any]
) -> None:
    """Decode some rows of some samples of an inner block, all of which are there. Raises CorruptChunkError.

    place : (rows,) for each row from ``first_row`` on its place in ``out``; -1: not wanted
    samples : the first, and the one behind the last
    out : (places, samples, width); may be narrower than the block, where its samples are
    """
    end_row = first_row + len(place)
    rows = np.flatnonzero(place >= 0)
    if part.presence is not None:
        first, last = np.searchsorted(part.presence.ends, (samples[0], samples[1] - 1), "right").tolist()
        if not part.presence.flags(first_row, end_row)[rows, first : last + 1].all():
            raise CorruptChunkError("genotype block: samples are absent in a record of theirs")
    flipped = (part.form[ALT, first_row:end_row] & FLIPPED != 0)[rows]
    out[place[rows]] = flipped[:, np.newaxis, np.newaxis]
    out[place[rows], :, part.ploidy :] = -2
    scratch = Scratch()
    for which, streams in part.sets.items():
        planes = streams.dense_planes((0 if which == OTHER else first_row, end_row), scratch)
        status = _blocks.expand_window(
            which, streams.form, streams.length, streams.at, streams.lists, planes, part.values, streams.bits,
            part.ploidy, first_row, place, samples[0], samples[1], scratch.indexes, out,
        )  # fmt: skip
        _layout.check(status)
