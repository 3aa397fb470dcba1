"""Site columns out of the scanner's text, in bulk: packed text, numbers, distinct values.

``text`` is a uint8 arena; a field is ``text[begin:end]``. Packed text is numcodecs' vlen-utf8 form:
uint32 number of items, then for each a uint32 length and its bytes.
"""

from typing import Any

import numpy as np

from .copying import copy_to
from .jit import kernel

_COMMA, _DOT, _SEMICOLON = 44, 46, 59
_POWERS = np.array([10.0**i for i in range(23)])
# Bits of VCF Zarr's missing float32, and of "parse this one elsewhere".
QUAL_MISSING, QUAL_ODD = np.uint32(0x7F800001), np.uint32(0xFFFFFFFF)


@kernel
def _put_length(out: Any, at: int, length: int) -> int:
    for i in range(4):
        out[at + i] = np.uint8((length >> (8 * i)) & 255)
    return at + 4


@kernel
def pack_fields(text: Any, begin: Any, end: Any, rows: int, out: Any) -> int:
    """Pack ``text[begin[i]:end[i]]`` and empty items up to ``rows``; return the bytes written."""
    at = _put_length(out, 0, rows)
    for row in range(rows):
        if row < begin.size:
            length = max(0, end[row] - begin[row])
            at = _put_length(out, at, length)
            copy_to(out[at : at + length], text[begin[row] : begin[row] + length])
            at += length
        else:
            at = _put_length(out, at, 0)
    return at


@kernel
def pack_alleles(text: Any, ref: Any, alt: Any, alt_end: Any, num_alts: Any, width: int, rows: int, out: Any) -> int:
    """Pack REF and ALTs, ``width`` items a row, empty where there are fewer.

    Returns the bytes written, or minus one minus the row with an empty allele.
    """
    at = _put_length(out, 0, rows * width)
    for row in range(rows):
        items = 0
        if row < ref.size:
            length = alt[row] - 1 - ref[row]
            at = _put_length(out, at, length)
            copy_to(out[at : at + length], text[ref[row] : ref[row] + length])
            at += length
            items = 1
            begin = alt[row]
            for _ in range(num_alts[row]):
                stop = begin
                while stop < alt_end[row] and text[stop] != _COMMA:
                    stop += 1
                if stop == begin:
                    return -1 - row
                at = _put_length(out, at, stop - begin)
                copy_to(out[at : at + stop - begin], text[begin:stop])
                at += stop - begin
                begin = stop + 1
                items += 1
        for _ in range(width - items):
            at = _put_length(out, at, 0)
    return at


@kernel
def reference_lengths(text: Any, ref: Any, alt: Any, info: Any, info_end: Any, position: Any, out: Any) -> None:
    """rlen of each record as htslib has it: to INFO/END where that is not before POS, else len(REF)."""
    for row in range(ref.size):
        out[row] = alt[row] - 1 - ref[row]
        at = info[row]
        while at + 4 < info_end[row]:
            if text[at] == 69 and text[at + 1] == 78 and text[at + 2] == 68 and text[at + 3] == 61:
                end = np.int64(0)
                digits = 0
                i = at + 4
                while i < info_end[row] and 48 <= text[i] <= 57 and digits < 10:
                    end = end * 10 + np.int64(text[i]) - 48
                    digits += 1
                    i += 1
                whole = i == info_end[row] or text[i] == _SEMICOLON
                if digits > 0 and whole and end >= position[row]:
                    out[row] = end - position[row] + 1
                break
            while at < info_end[row] and text[at] != _SEMICOLON:
                at += 1
            at += 1


@kernel
def parse_quality(text: Any, begin: Any, end: Any, out: Any) -> int:
    """QUAL as bits of float32: exact for up to 15 digits; others get QUAL_ODD. Returns how many are odd."""
    odd = 0
    for row in range(begin.size):
        at, stop = begin[row], end[row]
        if stop - at == 1 and text[at] == _DOT:
            out[row] = QUAL_MISSING
            continue
        mantissa = np.int64(0)
        digits, decimals, any_digit = 0, 0, False
        point = False
        good = True
        for i in range(at, stop):
            byte = text[i]
            if byte == _DOT and not point:
                point = True
            elif 48 <= byte <= 57:
                any_digit = True
                mantissa = mantissa * 10 + np.int64(byte) - 48
                digits += 1 if mantissa > 0 else 0
                decimals += 1 if point else 0
                if digits > 15:
                    good = False
                    break
            else:
                good = False
                break
        if good and any_digit and decimals < 23:
            # Both are exact doubles, so the quotient is the nearest double: what strtod gives.
            value = np.empty(1, np.float32)
            value[0] = np.float32(np.float64(mantissa) / _POWERS[decimals])
            out[row] = value.view(np.uint32)[0]
        else:
            out[row] = QUAL_ODD
            odd += 1
    return odd


@kernel
def distinct_fields(text: Any, begin: Any, end: Any, codes: Any, first: Any) -> int:
    """Number the distinct fields in order of appearance.

    codes : (rows,) int32, written    first : (rows,) int64, the row each number is first seen in
    """
    num = 0
    for row in range(begin.size):
        length = end[row] - begin[row]
        found = -1
        for code in range(num - 1, -1, -1):
            other = first[code]
            if end[other] - begin[other] != length:
                continue
            same = True
            for i in range(length):
                if text[begin[other] + i] != text[begin[row] + i]:
                    same = False
                    break
            if same:
                found = code
                break
        if found < 0:
            first[num] = row
            found = num
            num += 1
        codes[row] = found
    return num
