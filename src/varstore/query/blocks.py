"""Blocks, totals and keys as queries read them: checked once, kept while there is room, blocks as they are stored."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptChunkError
from .plan import Store

if TYPE_CHECKING:
    from ..codec.layout import BlockSets
    from ..storage.keys import Keys
    from ..storage.totals import Totals

# Bytes of them that an open repository keeps.
CACHE_BYTES = 1 << 28


class BlockCache:
    """Blocks read last, encoded, validated and described, totals, keys: what is asked again needs no file or checksum.

    Safe from several threads.
    """

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self.most_bytes = most_bytes
        self.num_bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int, int | str], tuple[int, Any]] = OrderedDict()

    def blocks(self, store: Store, chunk: int, sample_chunk: int, num_rows: int) -> list[tuple[int, BlockSets]]:
        """The inner blocks of a chunk of ``call_genotype``, each with its first sample in the batch.

        num_rows : records of the chunk

        Raises CorruptChunkError, CorruptRepositoryError.
        """

        def read() -> tuple[int, list[tuple[int, BlockSets]]]:
            blocks = list(_read(store, chunk, sample_chunk, num_rows))
            return sum(block.nbytes for _, block in blocks), blocks

        blocks: list[tuple[int, BlockSets]] = self._get((id(store), chunk, sample_chunk), read)
        return blocks

    def totals(self, totals: Totals, name: str, chunk: int) -> NDArray[np.int32]:
        """A chunk of an array of stored counts. Raises CorruptRepositoryError."""

        def read() -> tuple[int, NDArray[np.int32]]:
            values = totals.read_chunk(name, chunk)
            return values.nbytes, values

        values: NDArray[np.int32] = self._get((id(totals), chunk, name), read)
        return values

    def keys(self, keys: Keys, chunk: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64] | None]:
        """Keys and digests of a chunk, as ``Keys.pair``. Raises CorruptRepositoryError."""

        def read() -> tuple[int, tuple[NDArray[np.uint64], NDArray[np.uint64] | None]]:
            key, digest = keys.pair(chunk)
            return key.nbytes + (0 if digest is None else digest.nbytes), (key, digest)

        found: tuple[NDArray[np.uint64], NDArray[np.uint64] | None] = self._get((id(keys), chunk, "keys"), read)
        return found

    def _get(self, key: tuple[int, int, int | str], read: Callable[[], tuple[int, Any]]) -> Any:
        """What is kept under a key, else what ``read`` gives, with the bytes that it takes."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        size, value = read()
        if size > self.most_bytes:
            return value
        with self._lock:
            if key not in self._kept:
                self._kept[key] = size, value
                self.num_bytes += size
            while self.num_bytes > self.most_bytes:
                self.num_bytes -= self._kept.popitem(last=False)[1][0]
        return value


def _read(store: Store, chunk: int, sample_chunk: int, num_rows: int) -> Iterator[tuple[int, BlockSets]]:
    from ..codec.layout import inflate_block, parse  # noqa: PLC0415

    begin = sample_chunk * store.chunk_samples
    num_samples = min(store.chunk_samples, len(store.samples) - begin)
    layout = parse(store.genotype_block(chunk, sample_chunk))
    if layout.num_rows < num_rows or layout.num_samples < num_samples:
        raise CorruptChunkError(
            f"chunk {chunk}.{sample_chunk}.0 of call_genotype has {layout.num_rows} x {layout.num_samples} "
            f"genotypes, the batch says {num_rows} x {num_samples}"
        )
    for block in range(layout.num_blocks):
        yield begin + block * layout.inner, inflate_block(layout, block)
