"""BCF 2 records to lines of VCF text, which the scanner reads: BCF then is what text is, to all that follows.

Formatting is memory-bound for genotypes and cheap for the rest, and one reader of fields is kept in place of two.
The layout is that of the BCF section of the VCF specification: every value has a type and a length before it.
Numbers come from the file: each is checked against the end of its record before anything is read by it.
"""

from typing import Any

import numpy as np

from .bcf_calls import put_place
from .intrinsics import load_word, put_calls16
from .jit import kernel

# Types of values.
_NONE, _INT8, _INT16, _INT32, _FLOAT, _CHAR = 0, 1, 2, 3, 5, 7
_FLOAT_MISSING, _FLOAT_END = 0x7F800001, 0x7F800002
_TAB, _NEWLINE, _DOT, _COMMA, _SEMICOLON, _EQUALS, _COLON, _SLASH, _BAR = 9, 10, 46, 44, 59, 61, 58, 47, 124
_POWERS = np.array([10.0**i for i in range(23)])

# What came of a stretch of records.
DONE, NEED_ROOM, BAD_RECORD = range(3)
SHARED_HEADER = 24  # bytes of a record before its ID, without the two lengths
# Text is at most so many times the bytes of its record: an int8 and its separator.
GROWTH = 5
CALL_ROOM = 6  # of two int8: alleles of two digits
SLACK = 1 << 12


@kernel
def record_end(data: Any, begin: int, end: int) -> int:
    """Where the record at ``begin`` ends; -1 where it is not whole in ``data[begin:end]``."""
    if begin + 8 > end:
        return -1
    lengths = load_word(data, begin)
    size = np.int64(lengths & np.uint64(0xFFFFFFFF)) + np.int64(lengths >> np.uint64(32)) + 8
    return begin + size if begin + size <= end else -1


@kernel
def last_record_end(data: Any, begin: int, end: int) -> tuple[int, int]:
    """Where the last whole record of ``data[begin:end]`` ends, and how many there are."""
    num = 0
    while True:
        stop = record_end(data, begin, end)
        if stop < 0:
            return begin, num
        begin = stop
        num += 1


@kernel
def _value_size(kind: int) -> int:
    """Bytes of a value; 0 of no type, -1 of an unknown one."""
    if kind == _NONE:
        return 0
    if kind == _INT8 or kind == _CHAR:
        return 1
    if kind == _INT16:
        return 2
    return 4 if kind == _INT32 or kind == _FLOAT else -1


@kernel
def _read_int(data: Any, at: int, size: int) -> int:
    """A signed integer of 1, 2 or 4 bytes."""
    value = np.int64(0)
    for i in range(size):
        value |= np.int64(data[at + i]) << (8 * i)
    return value - ((value >> (8 * size - 1)) << (8 * size))


@kernel
def _descriptor(data: Any, at: int, end: int) -> tuple[int, int, int]:
    """(type, length, place of the values) of the typed value at ``at``; type -1 where there is none."""
    if at >= end:
        return -1, 0, at
    kind, length = np.int64(data[at] & 15), np.int64(data[at] >> 4)
    at += 1
    if length == 15:
        if at >= end:
            return -1, 0, at
        size = _value_size(np.int64(data[at] & 15))
        if data[at] >> 4 != 1 or size < 1 or data[at] & 15 > _INT32 or at + 1 + size > end:
            return -1, 0, at
        length = _read_int(data, at + 1, size)
        at += 1 + size
    if _value_size(kind) < 0 or length < 0:
        return -1, 0, at
    return kind, length, at


@kernel
def _put_int(out: Any, at: int, value: int) -> int:
    if value < 0:
        out[at] = 45
        at += 1
        value = -value
    digits, rest = 1, value
    while rest >= 10:
        rest //= 10
        digits += 1
    for i in range(digits - 1, -1, -1):
        out[at + i] = np.uint8(48 + value % 10)
        value //= 10
    return at + digits


@kernel
def _put_digits(out: Any, at: int, mantissa: int, decimals: int) -> int:
    """``mantissa`` with so many decimals, without trailing zeros."""
    while decimals > 0 and mantissa % 10 == 0:
        mantissa //= 10
        decimals -= 1
    whole = np.int64(_POWERS[decimals])
    at = _put_int(out, at, mantissa // whole)
    if decimals == 0:
        return at
    out[at] = _DOT
    rest = mantissa % whole
    for i in range(decimals, 0, -1):
        out[at + i] = np.uint8(48 + rest % 10)
        rest //= 10
    return at + 1 + decimals


@kernel
def _put_float(out: Any, at: int, bits: int, scratch: Any) -> int:
    """A float32 as text that reads as the same float32; the shortest where it is of usual size.

    scratch : (1,) uint32
    """
    scratch[0] = np.uint32(bits & 0xFFFFFFFF)
    value = np.float64(scratch.view(np.float32)[0])
    if bits >> 31 & 1:
        out[at] = 45
        at += 1
        value = -value
    if value != value:
        out[at], out[at + 1], out[at + 2] = 110, 97, 110
        return at + 3
    if value == np.inf:
        out[at], out[at + 1], out[at + 2] = 105, 110, 102
        return at + 3
    if value == 0.0:
        out[at] = 48
        return at + 1
    if 1e-5 <= value < 1e9:
        for decimals in range(15):
            scaled = value * _POWERS[decimals]
            if scaled >= 1e15:
                break
            mantissa = np.rint(scaled)
            scratch.view(np.float32)[0] = np.float32(mantissa / _POWERS[decimals])
            if scratch[0] == np.uint32(bits & 0x7FFFFFFF):
                return _put_digits(out, at, np.int64(mantissa), decimals)
    # Nine digits name any float32.
    exponent = np.int64(np.floor(np.log10(value)))
    mantissa = np.rint(value * 10.0 ** np.float64(8 - exponent))
    if mantissa >= 1e9:
        exponent += 1
        mantissa = np.rint(value * 10.0 ** np.float64(8 - exponent))
    at = _put_digits(out, at, np.int64(mantissa), 8)
    out[at] = 101
    return _put_int(out, at + 1, exponent)


@kernel
def _put_bytes(out: Any, at: int, text: Any, begin: int, end: int) -> int:
    for i in range(end - begin):
        out[at + i] = text[begin + i]
    return at + end - begin


@kernel
def _put_name(out: Any, at: int, names: Any, starts: Any, index: int) -> int:
    """An entry of a dictionary; -1 where there is none."""
    if index < 0 or index >= starts.size - 1 or starts[index] == starts[index + 1]:
        return -1
    return _put_bytes(out, at, names, starts[index], starts[index + 1])


@kernel
def _put_values(out: Any, at: int, data: Any, begin: int, kind: int, length: int, scratch: Any) -> int:
    """Values joined by commas, up to the end of the vector; ``.`` where there is none."""
    first = at
    if kind == _CHAR:
        stop = begin + length
        while stop > begin and data[stop - 1] == 0:
            stop -= 1
        at = _put_bytes(out, at, data, begin, stop)
    elif kind != _NONE:
        size = _value_size(kind)
        missing = -(np.int64(1) << (8 * size - 1))
        for i in range(length):
            value = _read_int(data, begin + i * size, size)
            if kind == _FLOAT:
                value &= 0xFFFFFFFF
            if value == (_FLOAT_END if kind == _FLOAT else missing + 1):
                break
            if at > first:
                out[at] = _COMMA
                at += 1
            if value == (_FLOAT_MISSING if kind == _FLOAT else missing):
                out[at] = _DOT
                at += 1
            elif kind == _FLOAT:
                at = _put_float(out, at, value, scratch)
            else:
                at = _put_int(out, at, value)
    if at == first:
        out[at] = _DOT
        at += 1
    return at


@kernel
def _put_string(out: Any, at: int, data: Any, begin: int, end: int) -> tuple[int, int]:
    """A typed string; (place in ``out``, place behind it), -1 where it is none."""
    kind, length, values = _descriptor(data, begin, end)
    if (kind != _CHAR and kind != _NONE) or values + length > end:
        return -1, begin
    if kind == _NONE or length == 0:
        out[at] = _DOT
        return at + 1, values
    return _put_bytes(out, at, data, values, values + length), values + length


@kernel
def _put_call(out: Any, at: int, data: Any, begin: int, size: int, length: int) -> int:
    """A genotype: alleles and what separates them."""
    first = at
    for i in range(length):
        value = _read_int(data, begin + i * size, size)
        if value == -(np.int64(1) << (8 * size - 1)) + 1:  # the vector's end
            break
        if i > 0:
            out[at] = _BAR if value & 1 else _SLASH
            at += 1
        if value >> 1 <= 0:
            out[at] = _DOT
            at += 1
        else:
            at = _put_int(out, at, (value >> 1) - 1)
    if at == first:
        out[at] = _DOT
        at += 1
    return at


@kernel
def _put_plain_calls(out: Any, at: int, data: Any, begin: int, num_samples: int) -> int:
    """Diploid calls of one digit an allele, each with a tab before it; -1 where some are not."""
    odd = np.uint16(0)
    whole = num_samples - num_samples % 16
    for sample in range(0, whole, 16):
        odd |= put_calls16(data, begin + 2 * sample, out, at + 4 * sample)
    for sample in range(whole, num_samples):
        first, second = np.int64(data[begin + 2 * sample]), np.int64(data[begin + 2 * sample + 1])
        odd |= np.uint16(first < 2 or first > 19 or second < 2 or second > 19)
        place = at + 4 * sample
        out[place] = _TAB
        out[place + 1] = np.uint8(47 + (first >> 1) & 255)
        out[place + 2] = _BAR if second & 1 else _SLASH
        out[place + 3] = np.uint8(47 + (second >> 1) & 255)
    return -1 if odd else at + 4 * num_samples


@kernel
def put_diploid_calls(out: Any, data: Any, begin: int, num_samples: int) -> int:
    """Write calls of two int8 as text up to the line's end; return the bytes written, ``CALL_ROOM`` each at most."""
    at = 0
    for sample in range(num_samples):
        at = _put_call(out, at, data, begin + 2 * sample, 1, 2)
        out[at] = _TAB
        at += 1
    out[at - 1] = _NEWLINE
    return at


@kernel
def _plain_calls_at(data: Any, begin: int, end: int, num_fields: int, num_samples: int, gt_key: int) -> int:
    """Where the calls of a record with GT alone are, if they are two int8 each; else -1."""
    kind, length, place = _descriptor(data, begin, end)
    if num_fields != 1 or num_samples == 0 or kind < _INT8 or kind > _INT32 or length != 1:
        return -1
    if place + _value_size(kind) > end or _read_int(data, place, _value_size(kind)) != gt_key:
        return -1
    kind, length, values = _descriptor(data, place + _value_size(kind), end)
    return values if kind == _INT8 and length == 2 and values + 2 * num_samples <= end else -1


@kernel
def _put_calls_beside(out: Any, line: int, at: int, calls: int) -> int:
    """FORMAT, and where the calls are; -1 where text of the site would be read as other columns."""
    tabs = 0
    for i in range(line, at):
        if out[i] == _NEWLINE:
            return -1
        tabs += out[i] == _TAB
    if tabs != 7:
        return -1
    out[at], out[at + 1], out[at + 2], out[at + 3] = _TAB, 71, 84, _TAB
    return put_place(out, at + 4, calls)


@kernel
def _put_calls(
    out: Any, at: int, data: Any, begin: int, end: int, num_fields: int, num_samples: int, names: Any, starts: Any,
    gt_key: int, table: Any, scratch: Any,
) -> int:  # fmt: skip
    """FORMAT and the samples' columns; -1 where they are not as they should be. table : (fields, 4) int64 scratch"""
    for field in range(num_fields):
        kind, length, place = _descriptor(data, begin, end)
        if kind < _INT8 or kind > _INT32 or length != 1 or place + _value_size(kind) > end:
            return -1
        key = _read_int(data, place, _value_size(kind))
        out[at] = _COLON if field else _TAB
        at = _put_name(out, at + 1, names, starts, key)
        if at < 0:
            return -1
        kind, length, values = _descriptor(data, place + _value_size(kind), end)
        if kind < 0 or length > end - values or values + num_samples * length * _value_size(kind) > end:
            return -1
        if key == gt_key and (kind == _FLOAT or kind == _CHAR):
            return -1
        table[field, 0], table[field, 1], table[field, 2], table[field, 3] = key, kind, length, values
        begin = values + num_samples * length * _value_size(kind)
    if num_fields == 0:
        for _ in range(num_samples + 1):
            out[at], out[at + 1] = _TAB, _DOT
            at += 2
        return at
    if num_fields == 1 and table[0, 0] == gt_key and table[0, 1] == _INT8 and table[0, 2] == 2:
        stop = _put_plain_calls(out, at, data, table[0, 3], num_samples)
        if stop >= 0:
            return stop
    for sample in range(num_samples):
        for field in range(num_fields):
            kind, length = table[field, 1], table[field, 2]
            size = _value_size(kind)
            place = table[field, 3] + sample * length * size
            out[at] = _COLON if field else _TAB
            if table[field, 0] == gt_key:
                at = _put_call(out, at + 1, data, place, size, length)
            else:
                at = _put_values(out, at + 1, data, place, kind, length, scratch)
    return at


@kernel
def _put_site(
    out: Any, at: int, data: Any, begin: int, end: int, names: Any, starts: Any, contigs: Any, contig_starts: Any,
    scratch: Any,
) -> int:  # fmt: skip
    """CHROM to INFO; -1 where they are not as they should be."""
    at = _put_name(out, at, contigs, contig_starts, _read_int(data, begin, 4))
    if at < 0:
        return -1
    out[at] = _TAB
    at = _put_int(out, at + 1, _read_int(data, begin + 4, 4) + 1)
    out[at] = _TAB
    quality = _read_int(data, begin + 12, 4) & 0xFFFFFFFF
    counts = _read_int(data, begin + 16, 4)
    num_info, num_alleles = counts & 0xFFFF, (counts >> 16) & 0xFFFF
    at, place = _put_string(out, at + 1, data, begin + SHARED_HEADER, end)
    if at < 0:
        return -1
    for allele in range(max(2, num_alleles)):
        out[at] = _TAB if allele < 2 else _COMMA
        if allele < num_alleles:
            at, place = _put_string(out, at + 1, data, place, end)
            if at < 0:
                return -1
        else:
            out[at + 1] = _DOT
            at += 2
    out[at] = _TAB
    at += 1
    if quality == _FLOAT_MISSING:
        out[at] = _DOT
        at += 1
    else:
        at = _put_float(out, at, quality, scratch)
    out[at] = _TAB
    at += 1
    kind, num, place = _descriptor(data, place, end)
    size = _value_size(kind) if kind >= 0 else -1
    if size < 0 or kind > _INT32 or num > end - place or place + num * size > end:
        return -1
    if num == 0 or kind == _NONE:
        out[at] = _DOT
        at += 1
    else:
        for i in range(num):
            if i > 0:
                out[at] = _SEMICOLON
                at += 1
            at = _put_name(out, at, names, starts, _read_int(data, place + i * size, size))
            if at < 0:
                return -1
        place += num * size
    out[at] = _TAB
    at += 1
    if num_info == 0:
        out[at] = _DOT
        return at + 1
    for i in range(num_info):
        kind, num, place = _descriptor(data, place, end)
        if kind < _INT8 or kind > _INT32 or num != 1 or place + _value_size(kind) > end:
            return -1
        if i > 0:
            out[at] = _SEMICOLON
            at += 1
        at = _put_name(out, at, names, starts, _read_int(data, place, _value_size(kind)))
        if at < 0:
            return -1
        kind, num, place = _descriptor(data, place + _value_size(kind), end)
        if kind < 0 or num > end - place or place + num * _value_size(kind) > end:
            return -1
        if kind != _NONE and num > 0:  # else a flag
            out[at] = _EQUALS
            at = _put_values(out, at + 1, data, place, kind, num, scratch)
            place += num * _value_size(kind)
    return at


@kernel
def put_records(
    data: Any, begin: int, end: int, num_samples: int, names: Any, starts: Any, contigs: Any, contig_starts: Any,
    gt_key: int, out: Any, beside: bool,
) -> tuple[int, int, int]:  # fmt: skip
    """Write whole records as lines of VCF; return (status, place of the next record, bytes written).

    data : uint8, with 8 bytes behind ``end``; ``begin`` and ``end`` are ends of records
    names, starts : uint8 text of the dictionary of strings, and where each begins, (entries + 1,) int64; an entry
        without text is none; contigs, contig_starts : the same of contigs
    gt_key : entry of GT, or -1
    beside : plain calls may stay where they are, as ``bcf_calls`` says
    out : uint8; a record is written where there is room for ``GROWTH`` times its bytes and the names it may have
    """
    scratch = np.empty(1, np.uint32)
    table = np.empty((256, 4), np.int64)
    longest = np.int64(1)
    for i in range(starts.size - 1):
        longest = max(longest, starts[i + 1] - starts[i] + 2)
    at = 0
    odd_site = np.int64(-1)  # the record that has to be text all through
    while begin < end:
        stop = record_end(data, begin, end)
        shared = _read_int(data, begin, 4) & 0xFFFFFFFF
        if stop < 0 or shared < SHARED_HEADER or begin + 8 + shared > stop:
            return BAD_RECORD, begin, at
        last = _read_int(data, begin + 28, 4) & 0xFFFFFFFF
        num_fields, samples = last >> 24, last & 0xFFFFFF
        num_info = _read_int(data, begin + 24, 4) & 0xFFFF
        if samples != num_samples:
            return BAD_RECORD, begin, at
        individual = begin + 8 + shared
        calls = np.int64(-1)
        if beside and begin != odd_site:
            calls = _plain_calls_at(data, individual, stop, num_fields, num_samples, gt_key)
        # A filter has two bytes at least, and a name.
        names_size = (num_info + num_fields + shared // 2) * longest
        size = individual - begin if calls >= 0 else stop - begin + 2 * samples
        room = at + GROWTH * size + 16 * size // 4 + names_size + SLACK
        if room > out.size:
            return NEED_ROOM, begin, at
        site = _put_site(out, at, data, begin + 8, individual, names, starts, contigs, contig_starts, scratch)
        put = site
        if site >= 0 and calls >= 0:
            put = _put_calls_beside(out, at, site, calls)
            if put < 0:
                odd_site = begin
                continue
        elif site >= 0 and num_samples > 0:
            put = _put_calls(
                out, site, data, individual, stop, num_fields, num_samples, names, starts, gt_key, table, scratch
            )
        if put < 0:
            return BAD_RECORD, begin, at
        if calls < 0:
            out[put] = _NEWLINE
            put += 1
        at = put
        begin = stop
    return DONE, begin, at
