"""Values of INFO and FORMAT fields out of text, in bulk.

A field is a slot of a table; ``kinds[slot]`` says how its values are read. Numbers are cells of
int32 (floats by their bits), text is a pair of cells, offset and length. In cells, MISSING and FILL
stand apart from every number that a file can hold.
"""

from typing import Any

import numpy as np

from .jit import kernel

# How the values of a slot are read. TEXT is cut at commas, WORD is one value whatever stands in it.
SKIP, INTEGER, FLOAT, TEXT, WORD, FLAG = range(6)

MISSING, FILL = -2147483648, -2147483647
FLOAT_MISSING, FLOAT_FILL = 0x7F800001, 0x7F800002
# Lengths of text that is "." or not there.
TEXT_MISSING, TEXT_FILL = -1, -2
# A value that no int32 holds, and a float that is read elsewhere.
BAD, SLOW = -(1 << 40), -(1 << 41)

_COMMA, _DOT, _SEMICOLON, _EQUALS, _MINUS, _PLUS = 44, 46, 59, 61, 45, 43
_LOWEST, _HIGHEST = -2147483640, 2147483647
_POWERS = np.array([10.0**i for i in range(60)])
_DOUBT = 2e-15  # more than the error of a mantissa times a power, relative


@kernel
def read_integer(buffer: Any, at: int, end: int) -> tuple[int, int]:
    """The integer at ``at`` and where it ends: MISSING for ``.``, BAD where none stands there."""
    if at < end and buffer[at] == _DOT:
        return MISSING, at + 1
    negative = at < end and buffer[at] == _MINUS
    if negative or (at < end and buffer[at] == _PLUS):
        at += 1
    first = at
    value = np.int64(0)
    while at < end and 48 <= buffer[at] <= 57:
        if value <= _HIGHEST:
            value = value * 10 + np.int64(buffer[at]) - 48
        at += 1
    if negative:
        value = -value
    if at == first or value > _HIGHEST or value < _LOWEST:
        return BAD, at
    return value, at


@kernel
def read_float(buffer: Any, at: int, end: int, value: Any, bits: Any) -> tuple[int, int]:
    """Bits of the float32 at ``at`` and where it ends; SLOW where it needs a better reader.

    value : (1,) float32 scratch; bits : its int32 view

    Up to 18 digits times a power of ten are within a few units of the last place of a double. Where both
    ends of that doubt round to one float32, it is what the exactly rounded double gives.
    """
    if at < end and buffer[at] == _DOT and (at + 1 == end or not 48 <= buffer[at + 1] <= 57):
        return FLOAT_MISSING, at + 1
    negative = at < end and buffer[at] == _MINUS
    if negative or (at < end and buffer[at] == _PLUS):
        at += 1
    mantissa = np.int64(0)
    digits, exponent = 0, 0
    any_digit, point = False, False
    while at < end:
        byte = buffer[at]
        if 48 <= byte <= 57:
            any_digit = True
            if digits < 18:
                mantissa = mantissa * 10 + np.int64(byte) - 48
                digits += 1 if mantissa > 0 else 0
                exponent -= 1 if point else 0
            else:
                exponent += 0 if point else 1
        elif byte == _DOT and not point:
            point = True
        else:
            break
        at += 1
    if not any_digit:
        return SLOW, at
    if at < end and (buffer[at] == 69 or buffer[at] == 101):
        at += 1
        down = at < end and buffer[at] == _MINUS
        if down or (at < end and buffer[at] == _PLUS):
            at += 1
        if at == end or not 48 <= buffer[at] <= 57:
            return SLOW, at
        power = np.int64(0)
        while at < end and 48 <= buffer[at] <= 57:
            power = power * 10 + np.int64(buffer[at]) - 48 if power < 100000 else power
            at += 1
        exponent += -power if down else power
    if mantissa == 0:
        value[0] = -0.0 if negative else 0.0
        return np.int64(bits[0]), at
    if exponent < -59 or exponent > 37:
        return SLOW, at
    number = np.float64(mantissa)
    number = number * _POWERS[exponent] if exponent >= 0 else number / _POWERS[-exponent]
    value[0] = np.float32(number * (1.0 + _DOUBT))
    high = bits[0]
    value[0] = np.float32(number * (1.0 - _DOUBT))
    if bits[0] != high or number > 3e38 or number < 1e-37:
        return SLOW, at
    if negative:
        value[0] = -value[0]
    return np.int64(bits[0]), at


@kernel
def find_key(buffer: Any, begin: int, end: int, keys: Any, key_start: Any, first: int) -> int:
    """The slot whose key is ``buffer[begin:end]``, looked for from ``first`` on and around; -1 for none.

    keys : uint8, key after key    key_start : (slots + 1,) int64
    """
    num_slots = key_start.size - 1
    for i in range(num_slots):
        slot = first + i
        if slot >= num_slots:
            slot -= num_slots
        at = key_start[slot]
        if key_start[slot + 1] - at != end - begin:
            continue
        same = True
        for j in range(end - begin):
            if keys[at + j] != buffer[begin + j]:
                same = False
                break
        if same:
            return slot
    return -1


@kernel
def find_info(
    text: Any, info: Any, info_end: Any, row: int, keys: Any, key_start: Any, begin: Any, end: Any, odd: Any, fault: Any
) -> int:
    """Find the value of every key of INFO, from ``row`` on; return the row of a key that is not in the table.

    begin, end : (slots, rows) int64, written where the key is there; ``begin`` comes as -1. A key without a
        value has ``end == begin - 1``
    odd : (rows,) bool, set where a key stands twice    fault : (2,) int64, where the unknown key stands
    """
    while row < info.size:
        at, stop = info[row], info_end[row]
        slot = -1
        if stop - at == 1 and text[at] == _DOT:
            at = stop
        while at < stop:
            key = at
            while at < stop and text[at] != _EQUALS and text[at] != _SEMICOLON:
                at += 1
            key_end = at
            has_value = at < stop and text[at] == _EQUALS
            first = at + 1 if has_value else at
            while at < stop and text[at] != _SEMICOLON:
                at += 1
            if key_end == key:
                odd[row] = odd[row] or has_value
                at += 1
                continue
            slot = find_key(text, key, key_end, keys, key_start, slot + 1)
            if slot < 0:
                begin[:, row] = -1
                odd[row] = False
                fault[0], fault[1] = key, key_end
                return row
            if begin[slot, row] >= 0:
                odd[row] = True
            else:
                begin[slot, row] = first
                end[slot, row] = at if has_value else first - 1
            at += 1
        row += 1
    return row


@kernel
def most_values(text: Any, begin: Any, end: Any) -> int:
    """The most values, separated by commas, of ``text[begin[i]:end[i]]``; -1 in ``begin`` is none."""
    most = 0
    for row in range(begin.size):
        if begin[row] >= 0:
            num = 1
            for at in range(begin[row], end[row]):
                num += text[at] == _COMMA
            most = max(most, num)
    return most


@kernel
def read_info_numbers(text: Any, begin: Any, end: Any, kind: int, cells: Any, width: Any, odd: Any, slow: Any) -> int:
    """Read the numbers of one key of INFO; return how many floats need a better reader.

    cells : (rows, most values) int32; width : (rows,) int32, how many of a row are there
    odd : (rows,) bool, set where something is no number
    slow : (any, 4) int64, written as far as it goes: row, value, begin and end of the text
    """
    value = np.empty(1, np.float32)
    bits = value.view(np.int32)
    num_slow = 0
    for row in range(begin.size):
        width[row] = 0
        if begin[row] < 0 or end[row] < begin[row]:
            odd[row] = odd[row] or begin[row] >= 0
            continue
        at, stop = begin[row], end[row]
        num = 0
        while True:
            first = at
            if kind == INTEGER:
                number, at = read_integer(text, at, stop)
            else:
                number, at = read_float(text, at, stop, value, bits)
            if number == BAD or number == SLOW or (at < stop and text[at] != _COMMA):
                while at < stop and text[at] != _COMMA:
                    at += 1
                if kind == INTEGER:
                    odd[row] = True
                else:
                    if num_slow < slow.shape[0]:
                        slow[num_slow, 0], slow[num_slow, 1] = row, num
                        slow[num_slow, 2], slow[num_slow, 3] = first, at
                    num_slow += 1
                number = MISSING if kind == INTEGER else FLOAT_MISSING
            cells[row, num] = number
            num += 1
            if at >= stop:
                break
            at += 1
            if at == stop:
                # A comma ends the text: an empty value behind it.
                cells[row, num] = MISSING if kind == INTEGER else FLOAT_MISSING
                odd[row] = True
                num += 1
                break
        # One missing value is no value, as VCF Zarr has it.
        nothing = num == 1 and at - begin[row] == 1 and text[at - 1] == _DOT
        width[row] = 0 if nothing else num
        for i in range(num, cells.shape[1]):
            cells[row, i] = FILL if kind == INTEGER else FLOAT_FILL
    return num_slow


@kernel
def read_info_text(text: Any, begin: Any, end: Any, cells: Any, width: Any, odd: Any) -> None:
    """Find the texts of one key of INFO, cut at commas.

    cells : (rows, most values, 2) int64, offset and length; width, odd : as of ``read_info_numbers``
    """
    for row in range(begin.size):
        width[row] = 0
        if begin[row] < 0 or end[row] < begin[row]:
            odd[row] = odd[row] or begin[row] >= 0
            continue
        num = 0
        first = begin[row]
        for at in range(begin[row], end[row] + 1):
            if at == end[row] or text[at] == _COMMA:
                odd[row] = odd[row] or at == first
                missing = at - first == 1 and text[first] == _DOT
                cells[row, num, 0] = first
                cells[row, num, 1] = TEXT_MISSING if missing else at - first
                num += 1
                first = at + 1
        width[row] = num
        for i in range(num, cells.shape[1]):
            cells[row, i, 1] = TEXT_FILL


@kernel
def integer_bounds(cells: Any, start: Any, width: Any, rows: Any, num_samples: int) -> tuple[int, int, int]:
    """Lowest and highest number in some rows of a field, and how many are -1 or -2.

    cells : int32; row ``rows[i]`` has ``num_samples * width[rows[i]]`` of them from ``start[rows[i]]`` on
    """
    low, high, literals = np.int32(-2), np.int32(0), np.int64(0)
    for row in rows:
        part = cells[start[row] : start[row] + num_samples * width[row]]
        found = np.int32(0)
        for i in range(part.size):
            value = part[i] if part[i] > FILL else np.int32(0)
            low = value if value < low else low
            high = value if value > high else high
            found += np.int32((value == -1) | (value == -2))
        literals += found
    return np.int64(low), np.int64(high), literals


@kernel
def put_integers(
    cells: Any, start: Any, width: Any, rows: Any, num_samples: int, out: Any, literal: Any, has_literals: bool
) -> None:
    """Copy some rows of integers, with VCF Zarr's -1 and -2 for MISSING and FILL.

    out : (rows, samples, values), any int    literal : bool of that shape, set where -1 or -2 is a number
    """
    for i in range(rows.size):
        at = start[rows[i]]
        values = width[rows[i]]
        if values == out.shape[2] and not has_literals:
            # As it comes, so that it becomes vector operations.
            part = cells[at : at + num_samples * values]
            flat = out[i].reshape(-1)
            for k in range(part.size):
                sentinel = np.int32(-1) if part[k] == MISSING else np.int32(-2)
                flat[k] = part[k] if part[k] > FILL else sentinel
            continue
        for sample in range(num_samples):
            for j in range(values):
                value = cells[at]
                at += 1
                if value <= FILL:
                    out[i, sample, j] = -1 if value == MISSING else -2
                else:
                    out[i, sample, j] = value
                    if has_literals and (value == -1 or value == -2):
                        literal[i, sample, j] = True
            for j in range(values, out.shape[2]):
                out[i, sample, j] = -2


@kernel
def put_floats(cells: Any, start: Any, width: Any, rows: Any, num_samples: int, out: Any) -> None:
    """Copy some rows of floats by their bits. out : (rows, samples, values) int32"""
    for i in range(rows.size):
        at = start[rows[i]]
        values = width[rows[i]]
        for sample in range(num_samples):
            for j in range(values):
                out[i, sample, j] = cells[at]
                at += 1
            for j in range(values, out.shape[2]):
                out[i, sample, j] = FLOAT_FILL


@kernel
def put_text(cells: Any, start: Any, width: Any, rows: Any, num_samples: int, out: Any) -> None:
    """Copy some rows of text. out : (rows, samples, values, 2), offset and length"""
    for i in range(rows.size):
        at = start[rows[i]]
        values = width[rows[i]]
        for sample in range(num_samples):
            for j in range(values):
                out[i, sample, j, 0] = cells[at]
                out[i, sample, j, 1] = cells[at + 1]
                at += 2
            for j in range(values, out.shape[2]):
                out[i, sample, j, 0] = 0
                out[i, sample, j, 1] = TEXT_FILL


@kernel
def packed_size(pairs: Any) -> int:
    """Bytes of the items of ``pack_pairs``. pairs : (items, 2)"""
    size = 0
    for i in range(pairs.shape[0]):
        size += 4 + (pairs[i, 1] if pairs[i, 1] >= 0 else 2 + pairs[i, 1])
    return size


@kernel
def pack_pairs(text: Any, pairs: Any, out: Any, at: int) -> int:
    """Append texts as vlen-utf8 items: ``.`` for missing, nothing for fill; return where they end."""
    for i in range(pairs.shape[0]):
        length = pairs[i, 1]
        size = length if length >= 0 else 2 + length
        for j in range(4):
            out[at + j] = np.uint8((size >> (8 * j)) & 255)
        at += 4
        if length >= 0:
            begin = pairs[i, 0]
            for j in range(length):
                out[at + j] = text[begin + j]
        elif size:
            out[at] = _DOT
        at += size
    return at
