"""GT of BCF beside lines of text: plain diploid calls are read where they lie, and never become text.

Such a line has a mark behind FORMAT's tab, and where its calls are among the records. Calls are those of the BCF
section of the VCF specification, a byte an allele: (allele + 1) << 1 | phased, 0 for a missing one, ``_END`` behind the
last one of a call that has fewer.
"""

from typing import Any

import numpy as np

from .genotypes import add_call
from .intrinsics import allele_bits64, other_calls32, trailing_zeros
from .jit import kernel

MARK = 0  # nothing that a call begins with in text
_END = 0x81
_SIX_BITS, _ABOVE_CONTROLS = 63, 64
_DIGITS = 8  # of a place: 48 bits
_NEWLINE = 10
LINE_SIZE = 2 + _DIGITS  # mark, place and newline


@kernel
def put_place(out: Any, at: int, place: int) -> int:
    """Write the mark, ``place`` in bytes that are no line end, and the line's end; return what is behind."""
    out[at] = MARK
    for i in range(_DIGITS):
        out[at + 1 + i] = np.uint8(_ABOVE_CONTROLS + ((place >> (6 * i)) & _SIX_BITS))
    out[at + 1 + _DIGITS] = _NEWLINE
    return at + LINE_SIZE


@kernel
def read_place(buffer: Any, at: int, num_samples: int, records: Any) -> int:
    """The place that ``put_place`` wrote at ``at``; -1 where no calls can be there."""
    place = np.int64(0)
    for i in range(_DIGITS):
        place |= (np.int64(buffer[at + 1 + i]) & _SIX_BITS) << (6 * i)
    return place if place + 2 * num_samples + 64 <= records.size else -1


@kernel
def is_diploid(records: Any, begin: int, num_samples: int) -> bool:
    """Whether any of the calls has two alleles."""
    for sample in range(num_samples):
        if records[begin + 2 * sample] != _END and records[begin + 2 * sample + 1] != _END:
            return True
    return False


@kernel
def first_phase(records: Any, begin: int) -> int:
    """1 where the first call is phased, or has one allele: the phase that others most likely have."""
    second = records[begin + 1]
    return np.int64(second == _END or second & 1 == 1)


@kernel
def scan_typed(
    records: Any, begin: int, num_samples: int, num_alts: int, phased: int, plane: Any, plane32: Any, exceptions: Any,
    num_exceptions: Any, other_codes: Any, phase: Any, phase_at: int,
) -> int:  # fmt: skip
    """Read calls into a row's sets; return how many phases differ from the line's, ``phased``.

    -1: a call is none, or has an allele above ``num_alts``; as text it is refused with what it says.
    records : uint8, with 64 bytes behind the calls
    plane : (words,) uint64, written whole; plane32 is the same memory
    """
    num_phase = 0
    num_groups = (num_samples + 31) >> 5
    plane[num_groups:] = np.uint64(0)
    for group in range(num_groups):
        at = begin + group * 64
        odd = np.uint64(other_calls32(records, at, np.uint16(phased << 8)))
        bits = allele_bits64(records, at)
        left = num_samples - group * 32
        if left < 32:
            odd &= (np.uint64(1) << np.uint64(left)) - np.uint64(1)
            bits &= (np.uint64(1) << np.uint64(2 * left)) - np.uint64(1)
        plane[group] = bits
        while odd != np.uint64(0):
            sample = group * 32 + np.int64(trailing_zeros(odd))
            odd &= odd - np.uint64(1)
            first, second = np.int64(records[begin + 2 * sample]), np.int64(records[begin + 2 * sample + 1])
            # What is negative is missing, as it is in text.
            code0 = (first >> 1) - 1 if first < 128 else np.int64(-1)
            code1 = (second >> 1) - 1 if second < 128 else np.int64(-1)
            is_phased = second & 1
            if second == _END:
                code1, is_phased = np.int64(-2), np.int64(1)
            if first == _END or code0 > num_alts or code1 > num_alts:
                return -1
            add_call(sample, code0, code1, plane32, exceptions, num_exceptions, other_codes)
            if is_phased != phased:
                phase[phase_at + num_phase] = sample
                num_phase += 1
    return num_phase
