"""Ranges of samples that have no record in a row: absent samples are in no set of it.

``bits`` is (rows, bytes) uint8 here, a row's presence bit by bit: range ``k`` is there if bit ``k % 8`` of byte
``k // 8`` is set. ``ends`` is (ranges,) int64, rising: range ``k`` holds the samples ``ends[k - 1]`` to ``ends[k]``.
Both were validated.
"""

from typing import Any

import numpy as np

from .awkward import is_awkward
from .jit import kernel


@kernel
def _is_present(bits: Any, row: int, k: int) -> bool:
    return (np.int64(bits[row, k >> 3]) >> (k & 7)) & 1 != 0


@kernel
def expand_absent(bits: Any, ends: Any, first_row: int, end_row: int, ploidy: int, out: Any) -> None:
    """Write missing calls of ``ploidy`` into the absent samples of ``out`` (rows, samples, width)."""
    for row in range(first_row, end_row):
        begin = np.int64(0)
        for k in range(ends.size):
            if not _is_present(bits, row, k):
                out[row - first_row, begin : ends[k], :ploidy] = -1
            begin = ends[k]


@kernel
def absent_table(people: Any, table: Any) -> None:
    """Sum the people of the absent ranges for every value that a byte of presence can have.

    people : (cohorts, ranges) int64    table : (cohorts, bytes, 256) int32, written
    """
    for cohort in range(table.shape[0]):
        for byte in range(table.shape[1]):
            sums = table[cohort, byte]
            sums[255] = 0
            for value in range(254, -1, -1):
                bit = 0
                while (value >> bit) & 1:
                    bit += 1
                k = byte * 8 + bit
                mine = people[cohort, k] if k < people.shape[1] else np.int64(0)
                sums[value] = sums[value | (1 << bit)] + mine


@kernel
def add_absent(bits: Any, first_row: int, end_row: int, table: Any, missing: Any) -> None:
    """Add the absent members of each cohort to ``missing`` (cohorts, rows) int32; ``table``: of ``absent_table``."""
    for cohort in range(table.shape[0]):
        for row in range(first_row, end_row):
            total = np.int64(0)
            for byte in range(table.shape[1]):
                total += np.int64(table[cohort, byte, bits[row, byte]])
            missing[cohort, row - first_row] += total


@kernel
def _set_range(plane: Any, begin: int, end: int) -> None:
    """Set the bits ``begin`` to ``end`` of a plane."""
    for word in range(begin >> 6, (end + 63) >> 6):
        low, high = max(begin - word * 64, 0), min(end - word * 64, 64)
        ones = ~np.uint64(0) >> np.uint64(64 - (high - low))
        plane[word] |= ones << np.uint64(low)


@kernel
def absent_planes(
    form: Any, bits: Any, ends: Any, ploidy: int, first_row: int, end_row: int, planes: Any
) -> None:  # fmt: skip
    """Mark the absent samples of awkward rows as missing; arguments as of ``awkward.awkward_planes``."""
    aside = 0
    for row in range(first_row, end_row):
        if not is_awkward(form, row):
            continue
        begin = np.int64(0)
        for k in range(ends.size):
            if not _is_present(bits, row, k):
                _set_range(planes[1, aside], begin * ploidy, ends[k] * ploidy)
            begin = ends[k]
        aside += 1


@kernel
def fill_absent(codes: Any, bits: Any, ends: Any) -> None:
    """Give the absent samples of an inner block the code that stands in no set: 1 in rows that will be flipped, else 0.

    codes : (rows, samples, ploidy), written
    """
    ploidy = codes.shape[2]
    for row in range(codes.shape[0]):
        ones, zeros, begin = np.int64(0), np.int64(0), np.int64(0)
        for k in range(ends.size):
            if _is_present(bits, row, k):
                for sample in range(begin, ends[k]):
                    for h in range(ploidy):
                        ones += codes[row, sample, h] == 1
                        zeros += codes[row, sample, h] == 0
            begin = ends[k]
        begin = 0
        for k in range(ends.size):
            if not _is_present(bits, row, k):
                codes[row, begin : ends[k]] = 1 if ones > zeros else 0
            begin = ends[k]
