"""Columns to BCF's typed values (VCFv4.3 specification, section 6), in bulk.

What is written is bytes of rows: ``out_start`` is (rows + 1,) int64, where each row begins in ``out``.
"""

from typing import Any

import numpy as np

from .jit import kernel
from .text import COMMA, DOT, EQUALS, SEMICOLON, TAB

INT8, INT16, INT32, FLOAT, CHAR = 1, 2, 3, 5, 7
TYPE_INTEGER, TYPE_FLOAT, TYPE_OTHER = 0, 1, 2
# Missing and end of vector of the integer types, by type; what lies above may be a value.
MISSING = np.array([0, -128, -32768, -2147483648], np.int64)
FLOAT_MISSING, FLOAT_END = 0x7F800001, 0x7F800002
DONE, UNKNOWN_KEY, NO_INTEGER = 0, 1, 2
_POWERS = np.array([10.0**i for i in range(23)])
_EXACT = np.int64(1) << 53


@kernel
def _put(out: Any, at: int, value: int, kind: int) -> int:
    """Write an integer of a type, little-endian."""
    size = 1 if kind == INT8 else (2 if kind == INT16 else 4)
    for i in range(size):
        out[at + i] = np.uint8((value >> (8 * i)) & 255)
    return at + size


@kernel
def _put_head(out: Any, at: int, num: int, kind: int) -> int:
    """Write what is before the values of a vector: how many, of which type."""
    if num < 15:
        out[at] = (num << 4) | kind
        return at + 1
    out[at] = (15 << 4) | kind
    size_kind = INT8 if num < 128 else (INT16 if num < 32768 else INT32)
    out[at + 1] = (1 << 4) | size_kind
    return _put(out, at + 2, num, size_kind)


@kernel
def _kind_of(low: int, high: int) -> int:
    """The narrowest type of integers between two bounds."""
    if low >= -120 and high <= 127:
        return INT8
    if low >= -32760 and high <= 32767:
        return INT16
    return INT32


@kernel
def typed_texts(arena: Any, start: Any, width: int, out: Any, out_start: Any) -> int:
    """Write the cells of each row, ``width`` of them, as strings; empty ones are left out.

    start : (rows * width + 1,) int64, a cell each. With width 1 a dot is an empty string.
    """
    at = 0
    num_rows = (start.size - 1) // width
    for row in range(num_rows):
        out_start[row] = at
        for cell in range(row * width, (row + 1) * width):
            size = start[cell + 1] - 1 - start[cell]
            if size == 1 and width == 1 and arena[start[cell]] == DOT:
                size = 0
            elif size == 0:
                continue
            at = _put_head(out, at, size, CHAR)
            for i in range(size):
                out[at + i] = arena[start[cell] + i]
            at += size
    out_start[num_rows] = at
    return at


@kernel
def _hash(text: Any, begin: int, end: int) -> int:
    """FNV-1a."""
    value = np.uint64(14695981039346656037)
    for i in range(begin, end):
        value = (value ^ np.uint64(text[i])) * np.uint64(1099511628211)
    return np.int64(value >> np.uint64(1))


@kernel
def index_keys(names: Any, bounds: Any, slots: Any) -> None:
    """Fill a hash table of keys, with room to spare; key ``i`` is ``names[bounds[i]:bounds[i + 1] - 1]``.

    slots : int32, a power of two of them, written: the number of a key, or -1
    """
    slots[:] = -1
    for key in range(bounds.size - 1):
        slot = _hash(names, bounds[key], bounds[key + 1] - 1) & (slots.size - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (slots.size - 1)
        slots[slot] = key


@kernel
def _find_key(text: Any, begin: int, end: int, names: Any, bounds: Any, slots: Any) -> int:
    """The number of a key, or -1."""
    slot = _hash(text, begin, end) & (slots.size - 1)
    while slots[slot] >= 0:
        key = slots[slot]
        if bounds[key + 1] - 1 - bounds[key] == end - begin:
            same = True
            for i in range(end - begin):
                if names[bounds[key] + i] != text[begin + i]:
                    same = False
                    break
            if same:
                return np.int64(key)
        slot = (slot + 1) & (slots.size - 1)
    return np.int64(-1)


@kernel
def find_unknown(text: Any, start: Any, names: Any, bounds: Any, slots: Any, found: Any) -> int:
    """Find the first key of INFO texts that is not in the table, from row ``found[0]`` on.

    found : (3,) int64: the row to begin with; written: the row, and the key's begin and end
    Returns 1 if there is one.
    """
    for row in range(found[0], start.size - 1):
        at, end = start[row], start[row + 1] - 1
        while at < end:
            stop = at
            while stop < end and text[stop] != SEMICOLON and text[stop] != EQUALS:
                stop += 1
            dot = stop - at == 1 and text[at] == DOT
            if stop > at and not dot and _find_key(text, at, stop, names, bounds, slots) < 0:
                found[0], found[1], found[2] = row, at, stop
                return 1
            while stop < end and text[stop] != SEMICOLON:
                stop += 1
            at = stop + 1
    return 0


@kernel
def _put_integers(text: Any, begin: int, end: int, values: Any, out: Any, at: int) -> int:
    """Write a list of integers; -1 where one cannot be read."""
    num = 0
    low, high = np.int64(0), np.int64(0)
    i = begin
    while i <= end:
        stop = i
        while stop < end and text[stop] != COMMA:
            stop += 1
        if stop - i == 1 and text[i] == DOT:
            values[num] = MISSING[INT32]
        else:
            negative = i < stop and text[i] == 45
            first = i + 1 if i < stop and (text[i] == 45 or text[i] == 43) else i
            if first == stop or stop - first > 10:
                return -1
            value = np.int64(0)
            for j in range(first, stop):
                if text[j] < 48 or text[j] > 57:
                    return -1
                value = value * 10 + np.int64(text[j]) - 48
            value = -value if negative else value
            if value > 2147483647 or value < -2147483640:
                return -1
            values[num] = value
            low, high = min(low, value), max(high, value)
        num += 1
        i = stop + 1
    kind = _kind_of(low, high)
    at = _put_head(out, at, num, kind)
    for j in range(num):
        at = _put(out, at, MISSING[kind] if values[j] == MISSING[INT32] else values[j], kind)
    return at


@kernel
def _put_floats(text: Any, begin: int, end: int, out: Any, at: int, odd: Any, num_odd: int) -> tuple[int, int]:
    """Write a list of floats; those of an odd form are listed in ``odd``: place, begin and end of the text."""
    num = 1
    for i in range(begin, end):
        if text[i] == COMMA:
            num += 1
    at = _put_head(out, at, num, FLOAT)
    bits = np.empty(1, np.float32)
    i = begin
    for _ in range(num):
        stop = i
        while stop < end and text[stop] != COMMA:
            stop += 1
        if stop - i == 1 and text[i] == DOT:
            at = _put(out, at, FLOAT_MISSING, INT32)
        else:
            first = i + 1 if text[i] == 45 or text[i] == 43 else i
            mantissa, decimals, digits = np.int64(0), 0, 0
            point = False
            good = True
            for j in range(first, stop):
                if text[j] == DOT and not point:
                    point = True
                elif text[j] >= 48 and text[j] <= 57 and digits < 15:
                    mantissa = mantissa * 10 + np.int64(text[j]) - 48
                    digits += 1
                    decimals += 1 if point else 0
                else:
                    good = False
            if good and digits > 0:
                value = np.float64(mantissa) / _POWERS[decimals]
                bits[0] = np.float32(-value if text[i] == 45 else value)
                at = _put(out, at, np.int64(bits.view(np.uint32)[0]), INT32)
            else:
                odd[num_odd, 0], odd[num_odd, 1], odd[num_odd, 2] = at, i, stop
                num_odd += 1
                at += 4
        i = stop + 1
    return at, num_odd


@kernel
def typed_info(
    text: Any, start: Any, names: Any, bounds: Any, slots: Any, ids: Any, types: Any, values: Any, odd: Any,
    out: Any, out_start: Any, num_fields: Any, fault: Any,
) -> int:  # fmt: skip
    """Write INFO texts as typed values.

    ids, types : of each key, its number in the header and TYPE_...    values : int64 scratch, a text's length
    odd : (n, 3) int64, floats to be read elsewhere: where in ``out``, begin and end in ``text``
    num_fields : (rows,) int64, written    fault : (4,) int64: row, begin and end of a field that cannot be
    written; then the number of odd floats    Returns DONE or what is wrong.
    """
    at, num_odd = 0, 0
    for row in range(start.size - 1):
        out_start[row] = at
        num = 0
        i, end = start[row], start[row + 1] - 1
        while i < end:
            stop = i
            while stop < end and text[stop] != SEMICOLON and text[stop] != EQUALS:
                stop += 1
            field_end = stop
            while field_end < end and text[field_end] != SEMICOLON:
                field_end += 1
            if stop == i or (stop == field_end and stop - i == 1 and text[i] == DOT):
                i = field_end + 1
                continue
            key = _find_key(text, i, stop, names, bounds, slots)
            fault[0], fault[1], fault[2] = row, i, field_end
            if key < 0:
                return UNKNOWN_KEY
            at = _put_head(out, at, 1, INT8 if ids[key] < 128 else (INT16 if ids[key] < 32768 else INT32))
            at = _put(out, at, ids[key], INT8 if ids[key] < 128 else (INT16 if ids[key] < 32768 else INT32))
            if stop == field_end:
                out[at] = 0
                at += 1
            elif types[key] == TYPE_INTEGER:
                at = _put_integers(text, stop + 1, field_end, values, out, at)
                if at < 0:
                    return NO_INTEGER
            elif types[key] == TYPE_FLOAT:
                at, num_odd = _put_floats(text, stop + 1, field_end, out, at, odd, num_odd)
            else:
                at = _put_head(out, at, field_end - stop - 1, CHAR)
                for j in range(stop + 1, field_end):
                    out[at] = text[j]
                    at += 1
            num += 1
            i = field_end + 1
        num_fields[row] = num
    out_start[start.size - 1] = at
    fault[3] = num_odd
    return DONE


@kernel
def typed_calls(codes: Any, phased: Any, has_gt: Any, key: Any, first_phase: bool, out: Any, out_start: Any) -> int:
    """Write GT: (allele + 1) << 1 | phased, of rows that have it, as wide as the row's widest call.

    codes : (rows, samples, ploidy) int8 or int16    phased : (rows, samples)    key : uint8, GT's typed number
    first_phase : the first allele of a phased call says so too (VCF 4.4)    Returns the bytes written.
    """
    at = 0
    num_rows, num_samples, ploidy = codes.shape
    for row in range(num_rows):
        out_start[row] = at
        if not has_gt[row]:
            continue
        if ploidy == 2 and num_samples > 0:
            # Most rows: nobody lacks a haplotype, and no code needs more than a byte.
            least, most = codes[row, 0, 0], codes[row, 0, 0]
            for sample in range(num_samples):
                most = max(most, max(codes[row, sample, 0], codes[row, sample, 1]))
                least = min(least, min(codes[row, sample, 0], codes[row, sample, 1]))
            if least >= -1 and _kind_of(0, 2 * np.int64(most) + 3) == INT8:
                for i in range(key.size):
                    out[at + i] = key[i]
                at = _put_head(out, at + key.size, 2, INT8)
                for sample in range(num_samples):
                    bit, to = phased[row, sample], at + 2 * sample
                    out[to] = np.uint8((codes[row, sample, 0] + 1) * 2 + (bit & first_phase))
                    out[to + 1] = np.uint8((codes[row, sample, 1] + 1) * 2 + bit)
                at += 2 * num_samples
                continue
        width, highest = 1, np.int64(0)
        for i in range(ploidy):
            # Without a branch, so that it vectorises: a whole row an allele.
            most, some = codes[row, 0, i], False
            for sample in range(num_samples):
                most = max(most, codes[row, sample, i])
                some |= codes[row, sample, i] != -2
            highest = max(highest, np.int64(most))
            width = i + 1 if some else width
        kind = _kind_of(0, 2 * highest + 3)
        size = 1 if kind == INT8 else (2 if kind == INT16 else 4)
        for i in range(key.size):
            out[at + i] = key[i]
        at = _put_head(out, at + key.size, width, kind)
        for sample in range(num_samples):
            phase = 1 if phased[row, sample] else 0
            ended = False
            for i in range(width):
                code = np.int64(codes[row, sample, i]) if not ended else np.int64(-2)
                if code == -2:
                    ended = True
                    value = MISSING[kind] + 1 if i > 0 else np.int64(0)
                else:
                    value = (code + 1 if code >= 0 else np.int64(0)) * 2 + (phase if i > 0 or first_phase else 0)
                if size == 1:
                    out[at] = np.uint8(value & 255)
                    at += 1
                else:
                    at = _put(out, at, value, kind)
    out_start[num_rows] = at
    return at


@kernel
def typed_integers(values: Any, literal: Any, key: Any, out: Any, out_start: Any) -> int:
    """Write an integer field of rows where some sample has it, as wide as the row's widest.

    A sample that is missing to the array's full width has it not.

    values : (rows, samples, width) int32, -1 missing and -2 end but for ``literal`` (of that shape, or empty)
    Returns the bytes written.
    """
    at = 0
    num_rows, num_samples, num_values = values.shape
    all_plain = literal.size == 0
    length = np.empty(num_samples, np.int64)
    for row in range(num_rows):
        out_start[row] = at
        width, low, high = 0, np.int64(0), np.int64(0)
        for sample in range(num_samples):
            any_value = False
            size = num_values
            for i in range(num_values):
                value = np.int64(values[row, sample, i])
                if (value == -1 or value == -2) and (all_plain or not literal[row, sample, i]):
                    if value == -2:
                        size = i
                        break
                    continue
                any_value = True
                low, high = min(low, value), max(high, value)
            length[sample] = size if any_value or size < num_values else 0
            width = max(width, length[sample])
        if width == 0:
            continue
        kind = _kind_of(low, high)
        for i in range(key.size):
            out[at + i] = key[i]
        at = _put_head(out, at + key.size, width, kind)
        for sample in range(num_samples):
            for i in range(width):
                value = np.int64(values[row, sample, i])
                if i >= max(1, length[sample]):
                    value = MISSING[kind] + 1
                elif length[sample] == 0 or (value == -1 and (all_plain or not literal[row, sample, i])):
                    value = MISSING[kind]
                at = _put(out, at, value, kind)
    out_start[num_rows] = at
    return at


@kernel
def typed_floats(bits: Any, key: Any, out: Any, out_start: Any) -> int:
    """Write a float field of rows where some sample has it: VCF Zarr's bits of missing and end are BCF's.

    bits : (rows, samples, width) uint32    Returns the bytes written.
    """
    at = 0
    num_rows, num_samples, num_values = bits.shape
    length = np.empty(num_samples, np.int64)
    for row in range(num_rows):
        out_start[row] = at
        width = 0
        for sample in range(num_samples):
            any_value = False
            size = num_values
            for i in range(num_values):
                if bits[row, sample, i] == FLOAT_END:
                    size = i
                    break
                any_value = any_value or bits[row, sample, i] != FLOAT_MISSING
            length[sample] = size if any_value or size < num_values else 0
            width = max(width, length[sample])
        if width == 0:
            continue
        for i in range(key.size):
            out[at + i] = key[i]
        at = _put_head(out, at + key.size, width, FLOAT)
        for sample in range(num_samples):
            for i in range(width):
                value = np.int64(bits[row, sample, i])
                if i >= max(1, length[sample]):
                    value = np.int64(FLOAT_END)
                elif length[sample] == 0:
                    value = np.int64(FLOAT_MISSING)
                at = _put(out, at, value, INT32)
    out_start[num_rows] = at
    return at


@kernel
def typed_cells(arena: Any, start: Any, present: Any, num_samples: int, key: Any, out: Any, out_start: Any) -> int:
    """Write a text field of rows that have it: strings of the longest one's size, padded with zeros.

    start : (rows + 1,) int64, where each row's cells stand in ``arena``, each ended by a tab
    out : may be empty, to learn the size    Returns the bytes that are needed.
    """
    at = 0
    dry = out.size == 0
    for row in range(present.size):
        out_start[row] = at
        if not present[row]:
            continue
        longest, size = 1, 0
        for i in range(start[row], start[row + 1]):
            if arena[i] == TAB:
                longest = max(longest, size)
                size = 0
            else:
                size += 1
        if dry:
            at += key.size + 6 + longest * num_samples
            continue
        for i in range(key.size):
            out[at + i] = key[i]
        at = _put_head(out, at + key.size, longest, CHAR)
        i = start[row]
        for _ in range(num_samples):
            size = 0
            while arena[i] != TAB:
                out[at + size] = arena[i]
                size += 1
                i += 1
            i += 1
            for j in range(size, longest):
                out[at + j] = 0
            at += longest
    out_start[present.size] = at
    return at
