"""Blocks as queries read them: checked once, and kept as they are stored while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import CorruptChunkError
from .plan import Store

if TYPE_CHECKING:
    from ..codec.layout import BlockSets

# Bytes of blocks that an open repository keeps.
CACHE_BYTES = 1 << 28


class BlockCache:
    """Blocks read last, encoded, validated and described: what is asked again needs no file and no checksum.

    Safe from several threads.
    """

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self.most_bytes = most_bytes
        self.num_bytes = 0
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[int, int, int], tuple[int, list[tuple[int, BlockSets]]]] = OrderedDict()

    def blocks(self, store: Store, chunk: int, sample_chunk: int, num_rows: int) -> list[tuple[int, BlockSets]]:
        """The inner blocks of a chunk of ``call_genotype``, each with its first sample in the batch.

        num_rows : records of the chunk

        Raises CorruptChunkError, CorruptRepositoryError.
        """
        key = (id(store), chunk, sample_chunk)
        with self._lock:
            if key in self._blocks:
                self._blocks.move_to_end(key)
                return self._blocks[key][1]
        blocks = list(_read(store, chunk, sample_chunk, num_rows))
        size = sum(block.nbytes for _, block in blocks)
        if size > self.most_bytes:
            return blocks
        with self._lock:
            if key not in self._blocks:
                self._blocks[key] = size, blocks
                self.num_bytes += size
            while self.num_bytes > self.most_bytes:
                self.num_bytes -= self._blocks.popitem(last=False)[1][0]
        return blocks


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
