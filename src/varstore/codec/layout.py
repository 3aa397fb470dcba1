"""The bytes of a genotype block: header, stream table, streams. docs/format.md is the specification.

Everything is validated here, before anything is allocated or indexed by it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numcodecs import zstd
from numpy.typing import NDArray

from ..errors import CorruptChunkError
from ..kernels import blocks as _blocks
from ..kernels import planes as _planes
from ..kernels.lists import PADDING
from ..kernels.planes import NUM_REFERENCES
from ..kernels.rows import MISSING, NUM_SETS, OTHER
from .presence import Presence, most_bytes
from .settings import MAX_HAPLOTYPES

try:  # several times as fast; the same CRC-32
    from zlib_ng.zlib_ng import crc32
except ImportError:
    from zlib import crc32

MAGIC = b"VSGT"
VERSION = 2
ABSENT_VERSION = 3  # of blocks that have a stream ABSENT, and of no others
MAX_CHUNK_CELLS = 2**31 - 1
MAX_ROWS = 2**24
_HEADER = struct.Struct("<4sBBHIIIIIIII")  # 40 bytes; see docs/format.md
_STREAM = struct.Struct("<IBBBxIII")  # 20 bytes a stream
_CRC = struct.Struct("<I")
_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("i1"), 2: np.dtype("<i2")}

# Roles of streams. FORMS describes the rows of a set; ABSENT is of no set.
FORMS, LISTS, PLANES, VALUES, ORDER, REFERENCES, ABSENT = range(7)
RAW, ZSTD = 0, 1
# What of its size a stream has to keep at most to be compressed, and how many bytes that has to save: a small stream is
# read ten times as fast raw, and lists are as small as they get.
_WORTH_PACKING = {FORMS: 0.5, LISTS: 0.0, PLANES: 0.9, VALUES: 0.9, ORDER: 0.5, REFERENCES: 0.5, ABSENT: 0.9}
_LEAST_SAVED = 512


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
    data : uint8, the whole block with ``PADDING`` bytes behind it; empty where it is yet to be assembled
    """

    dtype: np.dtype
    shape: tuple[int, int, int]
    num_rows: int
    num_samples: int
    inner: int
    streams: tuple[Stream, ...]
    data: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8), repr=False)

    @property
    def ploidy(self) -> int:
        return self.shape[2]

    @property
    def version(self) -> int:
        """The layout's number: old readers refuse blocks whose streams they do not know."""
        return ABSENT_VERSION if any(stream.role == ABSENT for stream in self.streams) else VERSION

    @property
    def num_blocks(self) -> int:
        return -(-self.num_samples // self.inner)

    def block_samples(self, block: int) -> int:
        """Samples of inner block ``block``."""
        return min(self.inner, self.num_samples - block * self.inner)


@dataclass(frozen=True)
class SetStreams:
    """The streams of one set of an inner block, validated but for the bits of lists, as kernels take them.

    form, length : (rows,) uint8, int32    at : (rows,) int64, a bit of ``lists`` or a word of ``planes``
    lists : uint8    planes : uint64
    dense_row : (dense rows,) int32    order, reference : (dense rows,), (4, dense rows) uint8
    which : the set    bits : haplotypes, or samples for MISSING
    """

    which: int
    bits: int
    form: NDArray[np.uint8]
    length: NDArray[np.int32]
    at: NDArray[np.int64]
    lists: NDArray[np.uint8]
    planes: NDArray[np.uint64]
    dense_row: NDArray[np.int32]
    order: NDArray[np.uint8]
    reference: NDArray[np.uint8]

    def dense_planes(self, rows: tuple[int, int], scratch: Scratch) -> NDArray[np.uint64]:
        """(dense rows, words) planes; those of rows ``rows[0]`` to ``rows[1]`` are written. Raises CorruptChunkError.

        They lie in ``scratch``, until the next set of the same number is asked for.
        """
        out = scratch.planes(self.which, len(self.order), (self.bits + 63) >> 6)
        if len(out):
            check(
                _planes.materialise(
                    self.form, self.length, self.at, self.dense_row, self.lists, self.planes, self.order,
                    self.reference, self.bits, rows[0], rows[1], scratch.indexes, out,
                )
            )  # fmt: skip
        return out


class Scratch:
    """Memory that reading blocks needs, kept from block to block of one thread: fresh pages cost more than the work."""

    def __init__(self) -> None:
        self.indexes = np.empty(MAX_HAPLOTYPES, np.uint16)
        self._planes: dict[int, NDArray[np.uint64]] = {}

    def planes(self, which: int, num: int, words: int) -> NDArray[np.uint64]:
        """Room for the dense planes of a set."""
        arena = self._planes.get(which)
        if arena is None or arena.size < num * words:
            arena = self._planes[which] = np.empty(num * words, np.uint64)
        return arena[: num * words].reshape(num, words)


@dataclass(frozen=True)
class BlockSets:
    """An inner block inflated.

    form : (5, rows) uint8    sets : streams by set, those that are there    values : int16, codes of OTHER
    presence : which ranges of samples are there in which rows; None: all
    """

    num_samples: int
    ploidy: int
    form: NDArray[np.uint8]
    sets: dict[int, SetStreams]
    values: NDArray[np.int16]
    presence: Presence | None = None

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        absent = 0 if self.presence is None else self.presence.bits.nbytes
        parts = [array for streams in self.sets.values() for array in vars(streams).values()]
        return absent + self.form.nbytes + self.values.nbytes + sum(getattr(part, "nbytes", 0) for part in parts)


def check(status: int) -> None:
    """Raise CorruptChunkError unless a kernel found everything in order."""
    if status != _planes.OK:
        raise CorruptChunkError(f"genotype block: impossible contents (status {status})")


def pack_stream(block: int, role: int, which: int, raw: NDArray[Any], level: int) -> tuple[Stream, bytes]:
    """Compress one stream, or keep it raw where that costs few bytes: what is raw is read much faster."""
    data = raw.tobytes()
    most = min(int(len(data) * _WORTH_PACKING[role]), len(data) - _LEAST_SAVED)
    packed = zstd.compress(data, level, True) if most > 0 else b""
    if most > 0 and len(packed) <= most:
        return Stream(block, role, which, ZSTD, len(data), len(packed), 0), packed
    return Stream(block, role, which, RAW, len(data), len(data), crc32(data)), data


def assemble(layout: Layout, packed: Sequence[bytes]) -> bytes:
    """Header, table, their checksum, and the streams."""
    code = layout.dtype.itemsize
    header = _HEADER.pack(
        MAGIC, layout.version, code, 0, *layout.shape, layout.num_rows, layout.num_samples, layout.inner,
        len(layout.streams), sum(len(p) for p in packed),
    )  # fmt: skip
    table = b"".join(
        _STREAM.pack(s.block, s.role, s.which, s.method, s.raw_size, s.size, s.crc) for s in layout.streams
    )
    head = header + table
    return b"".join((head, _CRC.pack(crc32(head)), *packed))


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
    if crc32(data[:end]) != _CRC.unpack_from(data, end)[0]:
        raise CorruptChunkError("genotype block: the header's checksum does not match")
    if version not in (VERSION, ABSENT_VERSION) or code not in _DTYPES or zero:
        known = f"layouts {VERSION} and {ABSENT_VERSION} are read here"
        raise CorruptChunkError(f"genotype block has layout {version}, dtype {code}; {known}")
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
    # A copy: kernels would be compiled once more for memory that cannot be written, and load past its end.
    padded = np.empty(len(data) + PADDING, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    padded[len(data) :] = 0
    layout = Layout(_DTYPES[code], (v, s, p), rows, samples, max(1, inner), streams, padded)
    if layout.version != version:
        raise CorruptChunkError(f"genotype block has layout {version}, its streams are of layout {layout.version}")
    return layout


def _parse_streams(data: memoryview, num_streams: int, offset: int, num_blocks: int) -> tuple[Stream, ...]:
    streams = []
    table = data[_HEADER.size : _HEADER.size + num_streams * _STREAM.size]
    for block, role, which, method, raw_size, size, crc in _STREAM.iter_unpack(table):
        known = role <= ABSENT and which < (1 if role == ABSENT else NUM_SETS)
        if not known or method > ZSTD or block >= num_blocks:
            raise CorruptChunkError("genotype block: a stream of no known kind")
        streams.append(Stream(block, role, which, method, raw_size, size, crc, offset))
        offset += size
    if offset != len(data):
        raise CorruptChunkError("genotype block: the streams do not fill it")
    return tuple(streams)


def _inflate(layout: Layout, stream: Stream | None, size: int, *, padding: int = 0) -> NDArray[np.uint8]:
    """A stream, which has to have ``size`` bytes, with ``padding`` bytes behind it; as a view where it is raw."""
    if size == 0:
        return np.zeros(padding, np.uint8)
    if stream is None:
        raise CorruptChunkError("genotype block: a stream is missing")
    if stream.raw_size != size:
        raise CorruptChunkError(f"genotype block: a stream of {stream.raw_size} bytes, expected {size}")
    end = stream.offset + stream.size
    source = layout.data[stream.offset : end]
    if stream.method == RAW:
        if stream.size != size or crc32(source) != stream.crc:
            raise CorruptChunkError("genotype block: a stream's checksum does not match")
        return layout.data[stream.offset : end + padding] if padding else source
    if _frame_size(source) != size:
        raise CorruptChunkError(f"genotype block: a stream does not inflate to {size} bytes")
    out = np.empty(size + padding, np.uint8)
    try:
        zstd.decompress(source, out[:size])
    except (RuntimeError, ValueError) as error:
        raise CorruptChunkError(f"genotype block: a stream is damaged ({error})") from None
    return out


def _frame_size(frame: NDArray[np.uint8]) -> int:
    """What a zstd frame says it inflates to (RFC 8878, section 3.1.1.1); -1 without that or a checksum."""
    head = frame[:18].tobytes().ljust(18, b"\0")
    size_flag, single, checksum, dictionary = head[4] >> 6, head[4] >> 5 & 1, head[4] >> 2 & 1, head[4] & 3
    if not checksum or not (size_flag or single):
        return -1
    begin = 6 - single + (0, 1, 2, 4)[dictionary]
    size = int.from_bytes(head[begin : begin + (1 << size_flag)], "little")
    return size + 256 if size_flag == 1 else size


def _expect(stream: Stream, size: int) -> None:
    if stream.raw_size != size:
        raise CorruptChunkError(f"genotype block: a stream of {stream.raw_size} bytes, expected {size}")


def inflate_block(layout: Layout, block: int) -> BlockSets:
    """Inflate, check and validate inner block ``block``. Raises CorruptChunkError."""
    rows, samples, ploidy = layout.num_rows, layout.block_samples(block), layout.ploidy
    mine = {(s.role, s.which): s for s in layout.streams if s.block == block}
    form = np.zeros((NUM_SETS, rows), np.uint8)
    sets = {}
    for which in range(NUM_SETS):
        if (FORMS, which) in mine:
            bits = samples * (1 if which == MISSING else ploidy)
            sets[which] = _inflate_set(layout, mine, which, bits, form[which])
    values = _inflate_values(layout, mine.get((VALUES, OTHER)), rows * samples * ploidy)
    absent = mine.get((ABSENT, 0))
    presence = None if absent is None else _inflate_presence(layout, absent, samples)
    return BlockSets(samples, ploidy, form, sets, values, presence)


def _inflate_presence(layout: Layout, stream: Stream, samples: int) -> Presence:
    if stream.raw_size > most_bytes(layout.num_rows, samples):
        raise CorruptChunkError(f"genotype block: {stream.raw_size} bytes for the absence of {samples} samples")
    return Presence.read(_inflate(layout, stream, stream.raw_size), layout.num_rows, samples)


def _inflate_set(
    layout: Layout, streams: dict[tuple[int, int], Stream], which: int, bits: int, form: NDArray[np.uint8]
) -> SetStreams:
    """The streams of set ``which``; ``form`` is written."""
    rows = len(form)
    length, at, dense_row = np.zeros(rows, np.int32), np.zeros(rows, np.int64), np.empty(rows, np.int32)
    size = streams[FORMS, which].raw_size
    if size > _most_forms(rows):
        raise CorruptChunkError(f"genotype block: {size} bytes describe {rows} rows")
    sizes = np.empty(3, np.int64)
    forms = _inflate(layout, streams[FORMS, which], size, padding=PADDING)
    check(_blocks.describe(forms, rows, which, bits, form, length, at, dense_row, sizes))
    list_bits, plane_words, num_dense = sizes.tolist()
    lists = _inflate(layout, streams.get((LISTS, which)), (list_bits + 7) // 8, padding=PADDING)
    planes = _inflate(layout, streams.get((PLANES, which)), 8 * plane_words)
    order = _inflate(layout, streams.get((ORDER, which)), num_dense)
    references = _inflate(layout, streams.get((REFERENCES, which)), num_dense * NUM_REFERENCES)
    by_row = references.reshape(NUM_REFERENCES, num_dense)
    return SetStreams(which, bits, form, length, at, lists, _aligned(planes), dense_row[:num_dense], order, by_row)


def _most_forms(rows: int) -> int:
    """Bytes that the descriptions of so many rows can take."""
    return 3 * 8 * ((rows + 63) // 64) + 3 * rows


def _aligned(planes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Bytes as words; a copy, because a stream may begin anywhere."""
    words = np.empty(len(planes) // 8, np.uint64)
    words.view(np.uint8)[:] = planes
    return words


def _inflate_values(layout: Layout, stream: Stream | None, most: int) -> NDArray[np.int16]:
    if stream is None:
        return np.empty(0, np.int16)
    num, rest = divmod(stream.raw_size, layout.dtype.itemsize)
    if rest or num > most:
        raise CorruptChunkError(f"genotype block: {stream.raw_size} bytes of allele codes")
    return _inflate(layout, stream, stream.raw_size).view(layout.dtype).astype(np.int16)
