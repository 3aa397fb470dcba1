"""What the header of a .pgen says and pgenlib does not tell: which variants have dosages.

Follows the PGEN specification: 12 bytes of header, then for each block of 65,536 variants their record types,
record lengths, and what the control byte says besides.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct("<2sBIIB")
_BLOCK = 1 << 16
_VARIABLE, _FIXED_DOSAGES = 0x10, (0x03, 0x04)
_DOSAGE = 0x60  # of a record type: how dosages are stored, 0 none


def records_with_dosages(path: Path, num_variants: int) -> NDArray[np.bool_]:
    """(variants,) which variants of a .pgen have dosages; of a .bed none. Trusts that pgenlib opened the file."""
    out = np.zeros(num_variants, np.bool_)
    with open(path, "rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or head[2] not in (_VARIABLE, *_FIXED_DOSAGES):
            return out
        _, mode, _, _, control = _HEAD.unpack(head)
        if mode in _FIXED_DOSAGES:
            out[:] = True
            return out
        wide_types = control & 15 >= 4
        file.seek(-(-num_variants // _BLOCK) * 8, 1)
        for begin in range(0, num_variants if wide_types else 0, _BLOCK):
            num = min(_BLOCK, num_variants - begin)
            types = np.frombuffer(file.read(num), np.uint8)
            out[begin : begin + len(types)] = types & _DOSAGE != 0
            rest = num * (1 + (control & 3)) + num * (control >> 4 & 3)
            file.seek(rest + (-(-num // 8) if control >> 6 == 3 else 0), 1)
        return out
