"""The numcodecs shells of the genotype codec, found by entry points of their names.

Imports numpy, numba and numcodecs only, so that it works under zarr-python 2 and 3 alike.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_contiguous_ndarray_like

from ..errors import CorruptChunkError
from . import genotype
from .layout import ABSENT_VERSION, VERSION, Layout, parse
from .settings import INNER, LEVEL, MAX_HAPLOTYPES


class GenotypeCodec(Codec):
    """Codec of ``call_genotype`` chunks: int8 or int16, (variants, samples, ploidy), Zarr format 2.

    dtype : "|i1" or "<i2", that of the array; a block of int8 is widened on decoding. Default: the block's.
    ploidy : that of the array; haplotypes a block does not have read as -2. Default: the block's.
    level : zstd level of encoding
    inner : samples of an inner block, at most

    Chunks of other shapes work too: axes in front of the last are samples or variants, as far as there are.
    """

    codec_id: ClassVar[str] = "varstore_genotype"
    layouts: ClassVar[tuple[int, ...]] = (VERSION,)

    def __init__(
        self,
        dtype: str | None = None,
        ploidy: int | None = None,
        level: int = LEVEL,
        inner: int = INNER,
    ) -> None:
        if dtype not in (None, "|i1", "<i2"):
            raise ValueError(f"{self.codec_id}: dtype is {dtype!r}, expected '|i1' or '<i2'")
        if inner < 1 or (ploidy is not None and ploidy < 1):
            raise ValueError(f"{self.codec_id}: inner and ploidy are at least 1")
        self.dtype = dtype
        self.ploidy = ploidy
        self.level = level
        self.inner = inner

    def encode(self, buf: Any) -> bytes:
        """Encode a chunk. Raises TypeError for other dtypes than int8 and int16."""
        codes = np.asanyarray(buf)
        if codes.dtype not in (np.dtype("i1"), np.dtype("<i2")):
            raise TypeError(f"{self.codec_id} encodes int8 and little-endian int16, not {codes.dtype}")
        return genotype.encode_array(_three_axes(codes), inner=self.inner, level=self.level)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Decode a chunk to its bytes in order, or into ``out``. Raises CorruptChunkError."""
        data = memoryview(ensure_contiguous_ndarray_like(buf)).cast("B")
        dtype = None if self.dtype is None else np.dtype(self.dtype)
        layout = self._parse(data)
        if out is None:
            return genotype.decode_layout(layout, dtype=dtype, ploidy=self.ploidy)
        flat = ensure_contiguous_ndarray_like(out).reshape(-1, order="A").view(np.uint8)
        size = math.prod(layout.shape[:2]) * (self.ploidy or layout.ploidy) * (dtype or layout.dtype).itemsize
        if flat.nbytes != size:
            raise ValueError(f"out has {flat.nbytes} bytes, the chunk has {size}")
        codes = genotype.decode_layout(layout, dtype=dtype, ploidy=self.ploidy)
        flat[:] = codes.reshape(-1).view(np.uint8)
        return out

    def _parse(self, data: memoryview) -> Layout:
        layout = parse(data)
        if layout.version not in self.layouts:
            raise CorruptChunkError(f"genotype block of layout {layout.version} in an array of {self.codec_id}")
        return layout


class SharedGenotypeCodec(GenotypeCodec):
    """The same for arrays that several sources share: samples of a source without the record are absent there.

    What it encodes itself has no absent samples; varstore's writer knows them.
    """

    codec_id: ClassVar[str] = "varstore_genotype_shared"
    layouts: ClassVar[tuple[int, ...]] = (VERSION, ABSENT_VERSION)


def _three_axes(codes: Any) -> Any:
    """View a chunk of any shape as (variants, samples, ploidy), in the order of its memory."""
    if codes.flags.f_contiguous and not codes.flags.c_contiguous:
        codes = codes.T
    codes = np.ascontiguousarray(codes)
    if codes.ndim < 2:
        return codes.reshape(1, -1, 1)
    inner = int(np.prod(codes.shape[2:]))
    if codes.ndim == 2 or inner > MAX_HAPLOTYPES:
        # No ploidy, or none that a block can hold: every code is a sample of its own.
        return codes.reshape(codes.shape[0], -1, 1)
    return codes.reshape(codes.shape[0], codes.shape[1], inner)
