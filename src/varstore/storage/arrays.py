"""Zarr format 2 arrays as parts hold them: metadata, chunk keys, standard codecs.

zarr-python opens what is written here; varstore itself reads and writes chunks without it, because
one slice of it costs as much as counting a region.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numcodecs import zstd
from numcodecs.registry import get_codec
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from .parts import PartWriter, ReadablePart

# Higher levels take twice the time and make site columns no smaller (docs/benchmarks-codec.md).
ZSTD = {"id": "zstd", "level": 3, "checksum": True}
VLEN_UTF8 = {"id": "vlen-utf8"}
GROUP = b'{"zarr_format": 2}'

# Stored bytes of a chunk that is one value all through, or nearly: what many chunks of an array are, decoded once.
_SHORT = 64

# Items that are shuffled at a time, so that they stay in the first cache.
_ITEMS = 4096

MapTasks = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]

# VCF Zarr's missing value of float32 arrays (a signalling NaN: compare as integers).
FLOAT32_MISSING = np.array([0x7F800001], np.uint32).view(np.float32)[0]


def shuffle(size: int) -> list[dict[str, Any]]:
    """Filters that put first bytes of items of ``size`` bytes together, then second ones."""
    return [{"id": "shuffle", "elementsize": size}] if size > 1 else []


@dataclass(frozen=True)
class ArraySpec:
    """What an array is, but for its shape.

    dtype : as in ``.zarray``; "|O" is text
    dims : dimension names, the first of them chunked by ``chunk`` rows and the others whole
    """

    name: str
    dtype: str
    dims: tuple[str, ...]
    description: str = ""
    fill: Any = None
    filters: list[dict[str, Any]] | None = None
    compressor: dict[str, Any] = field(default_factory=lambda: dict(ZSTD))

    @property
    def all_filters(self) -> list[dict[str, Any]]:
        """Filters in the order of encoding."""
        if self.filters is not None:
            return self.filters
        return [VLEN_UTF8] if self.dtype == "|O" else shuffle(np.dtype(self.dtype).itemsize)

    def metadata(self, shape: Sequence[int], chunks: Sequence[int]) -> bytes:
        """The ``.zarray`` document."""
        document = {
            "zarr_format": 2,
            "shape": [int(n) for n in shape],
            "chunks": [max(1, int(n)) for n in chunks],
            "dtype": self.dtype,
            "compressor": self.compressor,
            "fill_value": self.fill,
            "order": "C",
            "filters": self.all_filters or None,
            "dimension_separator": ".",
        }
        return json.dumps(document, indent=1).encode()

    def attributes(self) -> bytes:
        """The ``.zattrs`` document."""
        document: dict[str, Any] = {"_ARRAY_DIMENSIONS": list(self.dims)}
        if self.description:
            document["description"] = self.description
        return json.dumps(document, indent=1).encode()

    def encode(self, chunk: NDArray[Any] | bytes) -> bytes:
        """Encode a whole chunk; text comes as the bytes of ``pack_text``."""
        data: Any = chunk
        if self.dtype != "|O":
            data = np.ascontiguousarray(chunk)
            for config in self.all_filters:
                shuffles = config["id"] == "shuffle"
                data = _shuffled(data, config["elementsize"]) if shuffles else get_codec(dict(config)).encode(data)
        return bytes(get_codec(dict(self.compressor)).encode(data))


def _shuffled(data: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """First bytes of items of ``size`` bytes, then second ones: numcodecs' shuffle, up to five times as fast."""
    items = data.reshape(-1).view(np.uint8).reshape(-1, size)
    out = np.empty((size, len(items)), np.uint8)
    for begin in range(0, len(items), _ITEMS):
        out[:, begin : begin + _ITEMS] = items[begin : begin + _ITEMS].T
    return out.reshape(-1)


def pack_text(strings: Sequence[str]) -> bytes:
    """numcodecs' vlen-utf8 form of some strings."""
    return bytes(get_codec({"id": "vlen-utf8"}).encode(np.array(strings, object)))


def write_whole(writer: PartWriter, spec: ArraySpec, values: NDArray[Any] | Sequence[str], chunk: int = 0) -> None:
    """Write a small array: one chunk, or chunks of ``chunk`` rows along its first axis."""
    shape = (len(values),) if spec.dtype == "|O" else np.shape(values)
    rows = max(1, min(chunk, shape[0]) if chunk else shape[0])
    rest = tuple(shape[1:])
    for i, begin in enumerate(range(0, shape[0], rows)):
        key = ".".join([str(i)] + ["0"] * len(rest))
        part = values[begin : begin + rows]
        if spec.dtype == "|O":
            padded = list(part) + [""] * (rows - len(part))
            writer.write(f"{spec.name}/{key}", spec.encode(pack_text(padded)))
        else:
            block = np.zeros((rows, *rest), spec.dtype)
            block[: len(part)] = part
            if all(rest):
                writer.write(f"{spec.name}/{key}", spec.encode(block))
    finish(writer, spec, shape, (rows, *rest))


def finish(writer: PartWriter, spec: ArraySpec, shape: Sequence[int], chunks: Sequence[int]) -> None:
    """Write an array's metadata: its chunks are there."""
    writer.write(f"{spec.name}/.zarray", spec.metadata(shape, chunks))
    writer.write(f"{spec.name}/.zattrs", spec.attributes())


class ColumnWriter:
    """An array of fixed-size row chunks whose second axis may grow while it is written.

    Chunks written before the widest row was seen are widened at the end.
    """

    def __init__(self, writer: PartWriter, spec: ArraySpec, chunk: int, width: int | None = None) -> None:
        self.writer, self.spec, self.chunk = writer, spec, chunk
        self.width = width
        self._widths: dict[int, int] = {}

    def put(self, index: int, rows: NDArray[Any]) -> None:
        """Write chunk ``index``; ``rows`` may be fewer than a chunk. Safe from several threads."""
        block = np.zeros((self.chunk, *rows.shape[1:]), self.spec.dtype)
        block[: len(rows)] = rows
        if rows.ndim > 1:
            self._widths[index] = rows.shape[1]
            if rows.shape[1] == 0:
                return
        self.writer.write(self._key(index), self.spec.encode(block))

    def put_text(self, index: int, packed: bytes, width: int = 0) -> None:
        """Write a chunk of text in vlen-utf8 form, whole; ``width`` where it has a second axis."""
        if self.width is not None:
            self._widths[index] = width
        self.writer.write(self._key(index), self.spec.encode(packed))

    def _key(self, index: int) -> str:
        return f"{self.spec.name}/{index}" + (".0" if self.width is not None else "")

    def finish(self, num_rows: int, map_tasks: MapTasks = map) -> None:
        """Widen what is narrow, and write the metadata. map_tasks : runs it in threads"""
        shape: tuple[int, ...] = (num_rows,)
        if self.width is not None:
            width = max([self.width, *self._widths.values()])
            narrow = [(index, has, width) for index, has in self._widths.items() if has != width]
            for _ in map_tasks(lambda task: self._widen(*task), narrow):
                pass
            shape = (num_rows, width)
        finish(self.writer, self.spec, shape, (self.chunk, *shape[1:]))

    def _widen(self, index: int, narrow: int, width: int) -> None:
        stored = self.writer.read(self._key(index)) if narrow else b""
        if self.spec.dtype == "|O":
            packed = decode(stored, self.spec.compressor, None) if narrow else bytes(4)
            encoded = self.spec.encode(widen_text(packed, self.chunk, narrow, width))
        else:
            data = decode(stored, self.spec.compressor, self.spec.all_filters) if narrow else b""
            block = np.zeros((self.chunk, width), self.spec.dtype)
            block[:, :narrow] = np.frombuffer(data, self.spec.dtype).reshape(self.chunk, narrow)
            encoded = self.spec.encode(block)
        if narrow:
            self.writer.rewrite(self._key(index), encoded)
        else:
            self.writer.write(self._key(index), encoded)


def widen_text(packed: bytes, rows: int, narrow: int, width: int) -> bytes:
    """Give every row of a vlen-utf8 chunk ``width`` strings instead of ``narrow``, the further ones empty."""
    from ..kernels.packed import widen_packed  # noqa: PLC0415 - numba: readers of arrays do without

    data = np.frombuffer(packed, np.uint8)[4:]
    out = np.empty(len(data) + 4 * rows * (width - narrow), np.uint8)
    used = widen_packed(data, rows, 1, narrow, width, np.ones(rows, np.bool_), out)
    if used != len(out):
        raise CorruptRepositoryError(
            f"text of {rows} x {narrow} strings is damaged: {len(data)} bytes do not hold them"
        )
    return struct.pack("<I", rows * width) + out.tobytes()


def decode(data: bytes, compressor: dict[str, Any] | None, filters: list[dict[str, Any]] | None) -> Any:
    """Undo compressor and filters: bytes, or for text an object array of str."""
    out: Any = data
    if compressor is not None:
        out = zstd.decompress(data) if compressor["id"] == "zstd" else get_codec(dict(compressor)).decode(data)
    for config in reversed(filters or []):
        out = get_codec(dict(config)).decode(out)
    return out


class StoredArray:
    """An array of a part, read chunk by chunk."""

    def __init__(self, part: ReadablePart, name: str) -> None:
        self.part, self.name = part, name
        self.metadata = json.loads(part.read(f"{name}/.zarray"))
        self.shape: tuple[int, ...] = tuple(self.metadata["shape"])
        self.chunks: tuple[int, ...] = tuple(self.metadata["chunks"])
        self._short: dict[bytes, NDArray[Any]] = {}

    @cached_property
    def num_chunks(self) -> int:
        """Chunks along the first axis."""
        return -(-self.shape[0] // self.chunks[0])

    def raw(self, *index: int) -> bytes | None:
        """A chunk's bytes as stored; None where the array was written without it (all fill)."""
        name = f"{self.name}/" + ".".join(map(str, index))
        return self.part.read(name) if self.part.has(name) else None

    def packed(self, *index: int) -> bytes:
        """A chunk of text in vlen-utf8 form, whole. Raises CorruptRepositoryError."""
        data = self.raw(*index)
        if data is None:
            raise CorruptRepositoryError(f"{self.part.folder / self.name}: chunk {index} is gone")
        return bytes(decode(data, self.metadata["compressor"], None))

    def chunk(self, index: int) -> NDArray[Any]:
        """Rows of chunk ``index`` of the first axis, the others whole, cut to the real shape."""
        rows = min(self.chunks[0], self.shape[0] - index * self.chunks[0])
        text = self.metadata["dtype"] == "|O"
        dtype = np.dtype(object if text else self.metadata["dtype"])
        data = self.raw(index, *[0] * (len(self.shape) - 1))
        if data is None:
            fill = "" if text else self.metadata["fill_value"] or 0
            return np.full((rows, *self.shape[1:]), fill, dtype)
        if len(data) <= _SHORT and data in self._short:
            return self._short[data][:rows]
        try:
            out = decode(data, self.metadata["compressor"], self.metadata["filters"])
            whole = (out if text else np.frombuffer(out, dtype)).reshape(self.chunks)
        except (RuntimeError, ValueError) as error:
            raise CorruptRepositoryError(f"{self.part.folder / self.name}: chunk {index}: {error}") from None
        if len(data) <= _SHORT:
            whole.flags.writeable = False
            self._short[data] = whole
        return whole[:rows]

    def read(self) -> NDArray[Any]:
        """The whole array."""
        if not self.num_chunks or not all(self.shape):
            text = self.metadata["dtype"] == "|O"
            return np.zeros(self.shape, object if text else self.metadata["dtype"])
        return np.concatenate([self.chunk(i) for i in range(self.num_chunks)])
