"""Which ranges of samples have a record in which rows: the stream ``ABSENT`` of an inner block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptChunkError


@dataclass(frozen=True, eq=False)
class Presence:
    """Ranges of samples, and for each row which of them are there. Samples of the others are absent.

    ends : (ranges,) int64, where each range ends; rising, the last is the number of samples
    bits : (rows, bytes) uint8, a bit a range, from the least significant of each byte on
    """

    ends: NDArray[np.int64]
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, ends: NDArray[np.int64], flags: NDArray[np.bool_]) -> Presence:
        """Presence from plain flags, (rows, ranges)."""
        return cls(np.array(ends, np.int64), np.packbits(flags, axis=1, bitorder="little"))

    @property
    def num_ranges(self) -> int:
        return len(self.ends)

    @cached_property
    def num_present(self) -> NDArray[np.int64]:
        """(rows,) how many ranges are there."""
        num: NDArray[np.int64] = self.flags(0, len(self.bits)).sum(axis=1, dtype=np.int64)
        return num

    def flags(self, first_row: int, end_row: int) -> NDArray[np.bool_]:
        """(rows, ranges) whether each range is there."""
        rows = self.bits[first_row:end_row]
        return np.unpackbits(rows, axis=1, count=self.num_ranges, bitorder="little").view(np.bool_)

    def cut(self, begin: int, end: int) -> Presence | None:
        """That of the samples ``begin`` to ``end``; None where nobody of them is ever absent."""
        first = int(np.searchsorted(self.ends, begin, "right"))
        last = int(np.searchsorted(self.ends, end, "left")) + 1
        flags = self.flags(0, len(self.bits))[:, first:last]
        return None if flags.all() else Presence.of(np.minimum(self.ends[first:last], end) - begin, flags)

    def stream(self) -> NDArray[np.uint8]:
        """The bytes of the stream."""
        head = np.concatenate(([self.num_ranges], self.ends)).astype("<u4")
        return np.concatenate((head.view(np.uint8), self.bits.reshape(-1)))

    @classmethod
    def read(cls, data: NDArray[np.uint8], rows: int, samples: int) -> Presence:
        """Read and validate a stream. Raises CorruptChunkError."""
        num = int.from_bytes(data[:4].tobytes(), "little")
        width = (num + 7) // 8
        if not 0 < num <= samples or len(data) != 4 + 4 * num + rows * width:
            raise CorruptChunkError(f"genotype block: {len(data)} bytes for the absence of {num} ranges of samples")
        ends = np.frombuffer(data[4 : 4 + 4 * num].tobytes(), "<u4").astype(np.int64)
        bits = data[4 + 4 * num :].reshape(rows, width)
        if ends[0] == 0 or ends[-1] != samples or (np.diff(ends) <= 0).any():
            raise CorruptChunkError("genotype block: ranges of samples that do not follow one another")
        if num % 8 and (bits[:, -1] >> num % 8).any():
            raise CorruptChunkError("genotype block: presence of a range that is not there")
        return cls(ends, bits)


def most_bytes(rows: int, samples: int) -> int:
    """Bytes that the stream can take."""
    return 4 + 4 * samples + rows * ((samples + 7) // 8)
