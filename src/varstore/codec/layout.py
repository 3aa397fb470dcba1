"""The bytes of a genotype block: header, stream table, streams. docs/format.md is the specification.

Everything is validated here, before anything is allocated or indexed by it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numcodecs import zstd
from numpy.typing import NDArray

from ..errors import CorruptChunkError
from ..kernels import blocks as _blocks
from ..kernels.blocks import NUM_REFERENCES
from ..kernels.rows import MISSING, NUM_SETS, OTHER
from .settings import MAX_HAPLOTYPES

MAGIC = b"VSGT"
VERSION = 1
MAX_CHUNK_CELLS = 2**31 - 1
MAX_ROWS = 2**24
_HEADER = struct.Struct("<4sBBHIIIIIIII")  # 40 bytes; see docs/format.md
_STREAM = struct.Struct("<IBBBxIII")  # 20 bytes a stream
_CRC = struct.Struct("<I")
_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("i1"), 2: np.dtype("<i2")}

# Roles of streams. FORMS describes the rows of all sets; the others belong to one set.
FORMS, LOW, HIGH, PLANES, VALUES, ORDER, REFERENCES = range(7)
RAW, ZSTD = 0, 1


class Stream(NamedTuple):
    """One stream of an inner block: what it is, and its place in the bytes."""

    block: int
    role: int
    which: int
    method: int
    raw_size: int
    size: int
    crc: int
    offset: int = 0


@dataclass(frozen=True)
class Layout:
    """The header of a block.

    shape : (variants, samples, ploidy) of the chunk, as Zarr sees it; codes past ``num_rows`` and
        ``num_samples`` are 0
    inner : samples of an inner block
    """

    dtype: np.dtype
    shape: tuple[int, int, int]
    num_rows: int
    num_samples: int
    inner: int
    streams: tuple[Stream, ...]

    @property
    def ploidy(self) -> int:
        return self.shape[2]

    @property
    def num_blocks(self) -> int:
        return -(-self.num_samples // self.inner)

    def block_samples(self, block: int) -> int:
        """Samples of inner block ``block``."""
        return min(self.inner, self.num_samples - block * self.inner)


@dataclass(frozen=True)
class SetStreams:
    """The inflated streams of one set of an inner block, validated, as kernels take them.

    form, length : (rows,) uint8, uint16    low, high : (entries,) uint8    planes : uint64
    order, reference : (dense rows,), (4, dense rows) uint8
    bits : haplotypes, or samples for MISSING
    """

    bits: int
    form: NDArray[np.uint8]
    length: NDArray[np.uint16]
    low: NDArray[np.uint8]
    high: NDArray[np.uint8]
    planes: NDArray[np.uint64]
    order: NDArray[np.uint8]
    reference: NDArray[np.uint8]

    def dense_planes(self, end_row: int) -> NDArray[np.uint64]:
        """(dense rows, words) planes of the dense rows in front of ``end_row``. Raises CorruptChunkError."""
        out = np.empty((len(self.order), (self.bits + 63) >> 6), np.uint64)
        if len(out):
            check(
                _blocks.materialise(
                    self.form, self.reference, self.length, self.low, self.high, self.planes, self.order,
                    self.bits, end_row, out,
                )
            )  # fmt: skip
        return out


@dataclass(frozen=True)
class BlockSets:
    """An inner block inflated.

    form : (5, rows) uint8    sets : streams by set, those that are there    values : int16, codes of OTHER
    """

    num_samples: int
    ploidy: int
    form: NDArray[np.uint8]
    sets: dict[int, SetStreams]
    values: NDArray[np.int16]


def check(status: int) -> None:
    """Raise CorruptChunkError unless a kernel found everything in order."""
    if status != _blocks.OK:
        raise CorruptChunkError(f"genotype block: impossible contents (status {status})")


def pack_stream(block: int, role: int, which: int, raw: NDArray[Any], level: int) -> tuple[Stream, bytes]:
    """Compress one stream, or keep it raw where that is no larger."""
    data = raw.tobytes()
    packed = zstd.compress(data, level, True)
    if len(packed) < len(data):
        return Stream(block, role, which, ZSTD, len(data), len(packed), 0), packed
    return Stream(block, role, which, RAW, len(data), len(data), zlib.crc32(data)), data


def assemble(layout: Layout, packed: Sequence[bytes]) -> bytes:
    """Header, table, their checksum, and the streams."""
    code = layout.dtype.itemsize
    header = _HEADER.pack(
        MAGIC, VERSION, code, 0, *layout.shape, layout.num_rows, layout.num_samples, layout.inner,
        len(layout.streams), sum(len(p) for p in packed),
    )  # fmt: skip
    table = b"".join(
        _STREAM.pack(s.block, s.role, s.which, s.method, s.raw_size, s.size, s.crc) for s in layout.streams
    )
    head = header + table
    return b"".join((head, _CRC.pack(zlib.crc32(head)), *packed))


def parse(data: memoryview) -> Layout:
    """Read and validate header and table; the streams stay packed.

    Raises CorruptChunkError.
    """
    if len(data) < _HEADER.size + _CRC.size:
        raise CorruptChunkError(f"genotype block of {len(data)} bytes is shorter than its header")
    magic, version, code, zero, v, s, p, rows, samples, inner, num_streams, body = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise CorruptChunkError(f"genotype block begins with {bytes(magic)!r}, expected {MAGIC!r}")
    end = _HEADER.size + num_streams * _STREAM.size
    if len(data) != end + _CRC.size + body:
        raise CorruptChunkError(f"genotype block has {len(data)} bytes, its header says {end + _CRC.size + body}")
    if zlib.crc32(data[:end]) != _CRC.unpack_from(data, end)[0]:
        raise CorruptChunkError("genotype block: the header's checksum does not match")
    if version != VERSION or code not in _DTYPES or zero:
        raise CorruptChunkError(f"genotype block has layout {version}, dtype {code}; this varstore reads layout 1")
    if (
        rows > v
        or samples > s
        or (samples and not 0 < inner * p <= MAX_HAPLOTYPES)
        or v * s * p > MAX_CHUNK_CELLS
        or rows > MAX_ROWS
    ):
        raise CorruptChunkError(f"genotype block has an impossible shape {(v, s, p)}, inner block {inner}")
    num_blocks = -(-samples // max(1, inner))
    streams = _parse_streams(data, num_streams, end + _CRC.size, num_blocks)
    return Layout(_DTYPES[code], (v, s, p), rows, samples, max(1, inner), streams)


def _parse_streams(data: memoryview, num_streams: int, offset: int, num_blocks: int) -> tuple[Stream, ...]:
    streams = []
    table = data[_HEADER.size : _HEADER.size + num_streams * _STREAM.size]
    for block, role, which, method, raw_size, size, crc in _STREAM.iter_unpack(table):
        if role > REFERENCES or which >= NUM_SETS or method > ZSTD or block >= num_blocks:
            raise CorruptChunkError("genotype block: a stream of no known kind")
        streams.append(Stream(block, role, which, method, raw_size, size, crc, offset))
        offset += size
    if offset != len(data):
        raise CorruptChunkError("genotype block: the streams do not fill it")
    return tuple(streams)


def _inflate(data: memoryview, stream: Stream, out: NDArray[Any]) -> None:
    """Inflate a stream into ``out``, which has its size."""
    source = data[stream.offset : stream.offset + stream.size]
    if stream.method == RAW:
        if stream.size != stream.raw_size or zlib.crc32(source) != stream.crc:
            raise CorruptChunkError("genotype block: a stream's checksum does not match")
        out.view(np.uint8)[:] = np.frombuffer(source, np.uint8)
        return
    if _frame_size(source) != stream.raw_size:
        raise CorruptChunkError(f"genotype block: a stream does not inflate to {stream.raw_size} bytes")
    try:
        zstd.decompress(source, out)
    except (RuntimeError, ValueError) as error:
        raise CorruptChunkError(f"genotype block: a stream is damaged ({error})") from None


def _frame_size(frame: memoryview) -> int:
    """What a zstd frame says it inflates to (RFC 8878, section 3.1.1.1); -1 without that or a checksum."""
    head = bytes(frame[:18]).ljust(18, b"\0")
    size_flag, single, checksum, dictionary = head[4] >> 6, head[4] >> 5 & 1, head[4] >> 2 & 1, head[4] & 3
    if not checksum or not (size_flag or single):
        return -1
    begin = 6 - single + (0, 1, 2, 4)[dictionary]
    size = int.from_bytes(head[begin : begin + (1 << size_flag)], "little")
    return size + 256 if size_flag == 1 else size


def _expect(stream: Stream, size: int) -> None:
    if stream.raw_size != size:
        raise CorruptChunkError(f"genotype block: a stream of {stream.raw_size} bytes, expected {size}")


def inflate_block(data: memoryview, layout: Layout, block: int) -> BlockSets:
    """Inflate, check and validate inner block ``block``. Raises CorruptChunkError."""
    rows, samples, ploidy = layout.num_rows, layout.block_samples(block), layout.ploidy
    mine = {(s.role, s.which): s for s in layout.streams if s.block == block}
    present = [which for which in range(NUM_SETS) if (FORMS, which) in mine]
    raw = np.zeros((NUM_SETS, 3 * rows), np.uint8)
    for which in present:
        _expect(mine[FORMS, which], 3 * rows)
        _inflate(data, mine[FORMS, which], raw[which])
    form = raw[:, :rows]
    sets = {}
    for which in present:
        bits = samples * (1 if which == MISSING else ploidy)
        length = raw[which, rows:].view("<u2").copy()  # aligned, or numba would compile everything again
        sizes = np.empty(3, np.int64)
        check(_blocks.check_forms(which, form[which], length, (bits + 63) >> 6, sizes))
        low, high, planes, order, reference = (
            _inflate_role(data, mine.get((role, which)), int(size), dtype)
            for role, size, dtype in (
                (LOW, sizes[0], np.uint8),
                (HIGH, sizes[0], np.uint8),
                (PLANES, sizes[1], np.uint64),
                (ORDER, sizes[2], np.uint8),
                (REFERENCES, sizes[2] * NUM_REFERENCES, np.uint8),
            )
        )
        by_row = reference.reshape(NUM_REFERENCES, len(order))
        sets[which] = SetStreams(bits, form[which], length, low, high, planes, order, by_row)
    values = _inflate_values(data, layout, mine.get((VALUES, OTHER)), rows * samples * ploidy)
    return BlockSets(samples, ploidy, form, sets, values)


def _inflate_role(data: memoryview, stream: Stream | None, size: int, dtype: type[np.generic]) -> NDArray[Any]:
    """One stream of ``size`` items; left out where that is 0."""
    out = np.empty(size, dtype)
    if size:
        if stream is None:
            raise CorruptChunkError("genotype block: a stream is missing")
        _expect(stream, out.nbytes)
        _inflate(data, stream, out)
    return out


def _inflate_values(data: memoryview, layout: Layout, stream: Stream | None, most: int) -> NDArray[np.int16]:
    if stream is None:
        return np.empty(0, np.int16)
    num, rest = divmod(stream.raw_size, layout.dtype.itemsize)
    if rest or num > most:
        raise CorruptChunkError(f"genotype block: {stream.raw_size} bytes of allele codes")
    values = np.empty(num, layout.dtype)
    _inflate(data, stream, values)
    return values.astype(np.int16)
