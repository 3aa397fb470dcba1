"""Keys of alleles, in bulk: what ``model.alleles.allele_key`` says of one, of a chunk of packed text."""

from typing import Any

import numpy as np

from .jit import kernel

_LOWER_A, _LOWER_Z, _STAR, _GREATER = 97, 122, 42, 62
_MOST_EXACT = 11


@kernel
def _upper(byte: int) -> int:
    return byte - 32 if _LOWER_A <= byte <= _LOWER_Z else byte


@kernel
def _is_stand_in(text: Any, begin: int, end: int) -> bool:
    """Whether an ALT is ``<*>`` or ``<NON_REF>``."""
    if end - begin == 3:
        return text[begin] == 60 and text[begin + 1] == _STAR and text[begin + 2] == _GREATER
    if end - begin != 9:
        return False
    same = True
    for i, byte in enumerate((60, 78, 79, 78, 95, 82, 69, 70, 62)):  # <NON_REF>
        same &= text[begin + i] == byte
    return same


@kernel
def _is_sequence(text: Any, begin: int, end: int) -> bool:
    sequence = end > begin
    for i in range(begin, end):
        byte = _upper(np.int64(text[i]))
        sequence &= 65 <= byte <= 90
    return sequence


@kernel
def _base(byte: int) -> int:
    """0 to 3 of A, C, G, T in either case, else -1."""
    byte = _upper(byte)
    if byte == 65:
        return 0
    if byte == 67:
        return 1
    if byte == 71:
        return 2
    return 3 if byte == 84 else -1


@kernel
def _hashed(text: Any, ref: int, ref_end: int, alt: int, alt_end: int) -> int:
    code = np.int64(0x811C9DC5)
    for i in range(ref, ref_end):
        code = ((code ^ _upper(np.int64(text[i]))) * 0x01000193) & 0xFFFFFFFF
    code = ((code ^ _GREATER) * 0x01000193) & 0xFFFFFFFF
    for i in range(alt, alt_end):
        code = ((code ^ _upper(np.int64(text[i]))) * 0x01000193) & 0xFFFFFFFF
    return code | np.int64(1 << 31)


@kernel
def _key(text: Any, position: int, ref: int, ref_end: int, alt: int, alt_end: int) -> Any:
    if not _is_sequence(text, alt, alt_end):
        if alt_end - alt == 1 and text[alt] == _STAR:
            ref_end = min(ref + 1, ref_end)
        code = _hashed(text, ref, ref_end, alt, alt_end)
        return (np.uint64(position) << np.uint64(32)) | np.uint64(code)
    while (
        ref_end - ref > 1
        and alt_end - alt > 1
        and _upper(np.int64(text[ref_end - 1])) == _upper(np.int64(text[alt_end - 1]))
    ):
        ref_end -= 1
        alt_end -= 1
    while ref_end - ref > 1 and alt_end - alt > 1 and _upper(np.int64(text[ref])) == _upper(np.int64(text[alt])):
        ref += 1
        alt += 1
        position += 1
    exact = (ref_end - ref) + (alt_end - alt) <= _MOST_EXACT
    code = ((ref_end - ref) << 27) | ((alt_end - alt) << 23)
    shift = 0
    if exact:
        for part in range(2):
            for i in range(ref if part == 0 else alt, ref_end if part == 0 else alt_end):
                base = _base(np.int64(text[i]))
                exact &= base >= 0
                code |= max(base, 0) << shift
                shift += 2
    if not exact:
        code = _hashed(text, ref, ref_end, alt, alt_end)
    return (np.uint64(position) << np.uint64(32)) | np.uint64(code)


@kernel
def allele_keys(packed: Any, position: Any, num_alts: Any, width: int, keys: Any) -> bool:
    """Write the key of each ALT allele of a chunk; return whether the packed text is as long as it says.

    packed : uint8, ``variant_allele`` of the chunk in vlen-utf8 form, ``width`` items a row
    position : (rows,) int32; num_alts : (rows,) int64, at most ``width - 1``
    keys : (rows, alt alleles) uint64, zeroed; stays 0 of ``<NON_REF>`` and ``<*>``
    """
    at = np.int64(4)
    for row in range(position.size):
        ref, ref_end = np.int64(0), np.int64(0)
        for item in range(width):
            if at + 4 > packed.size:
                return False
            size = np.int64(0)
            for i in range(4):
                size |= np.int64(packed[at + i]) << (8 * i)
            at += 4
            if size < 0 or at + size > packed.size:
                return False
            if item == 0:
                ref, ref_end = at, at + size
            elif item <= num_alts[row] and not _is_stand_in(packed, at, at + size):
                keys[row, item - 1] = _key(packed, np.int64(position[row]), ref, ref_end, at, at + size)
            at += size
    return True
