"""Records as BGZF: slices are compressed in threads and written in order, and an index is told where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from . import bgzf
from .index import Entries, Index
from .output import in_threads
from .records import Selection, Slice
from .report import Job


def write(
    file: BinaryIO,
    head: bytes,
    records_of: Callable[[Slice], tuple[memoryview, NDArray[np.int64]]],
    selection: Selection,
    job: Job,
    index: Index | None,
) -> None:
    """Write a header, the records and the end block.

    records_of : gives the bytes of a slice, and (rows + 1,) where each record begins and the last ends
    """

    def encode(part: Slice) -> tuple[int, bytes, Entries | None]:
        data, starts = records_of(part)
        packed = bgzf.compress(data)
        return part.num_rows, packed, None if index is None else index.entries(part, starts, packed)

    packed_head = bgzf.compress(head)
    file.write(packed_head)
    offset = len(packed_head)
    for num_rows, packed, entries in in_threads(encode, selection.slices(), job.threads):
        if index is not None and entries is not None:
            index.add(entries, offset)
        file.write(packed)
        offset += len(packed)
        job.advance(num_rows)
    file.write(bgzf.END)
