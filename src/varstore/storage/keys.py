"""The derived part ``keys``: a number for every ALT allele, by which alleles are found and matched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from .arrays import GROUP, ArraySpec, ColumnWriter, StoredArray
from .parts import Part, PartWriter

KIND = "keys"
VERSION = 1
_SPEC = ArraySpec("allele_key", "<u8", ("variants", "alt_alleles"), "Key of the normalised allele")


def keys_of(packed: bytes, position: NDArray[np.int32], num_alts: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    """(rows, alt alleles) keys of a chunk, 0 where there is none (docs/format.md).

    packed : the chunk of ``variant_allele`` in vlen-utf8 form, ``width`` items a row
    """
    from ..kernels.keys import allele_keys  # noqa: PLC0415

    keys = np.zeros((len(position), max(1, int(num_alts.max(initial=0)))), np.uint64)
    text = np.frombuffer(bytearray(packed), np.uint8)
    if not allele_keys(text, np.array(position, np.int32), np.array(num_alts, np.int64), width, keys):
        raise CorruptRepositoryError("a chunk of variant_allele is shorter than its items")
    return keys


class KeysWriter:
    """Writes the keys of a batch, chunk by chunk as the batch."""

    def __init__(self, part: PartWriter, chunk_variants: int) -> None:
        self.part = part
        self._column = ColumnWriter(part, _SPEC, chunk_variants, 1)

    def put(self, chunk: int, keys: NDArray[np.uint64]) -> None:
        """Write one chunk."""
        self._column.put(chunk, keys)

    def finish(self, num_variants: int) -> None:
        """Write the metadata."""
        self._column.finish(num_variants)
        self.part.write(".zgroup", GROUP)


class Keys:
    """The keys of a batch as a reader sees them."""

    def __init__(self, part: Part) -> None:
        self._array = StoredArray(part, "allele_key")

    def chunk(self, chunk: int) -> NDArray[np.uint64]:
        """(rows, alt alleles) keys of the records of a chunk."""
        return self._array.chunk(chunk)
