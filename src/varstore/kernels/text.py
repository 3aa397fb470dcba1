"""Arrays to VCF text, in bulk. Cells stand one behind the other in a uint8 arena, each ended by a tab.

``start`` is (rows + 1,) int64: where the cells of each row begin in the arena, and the end.
"""

from typing import Any

import numpy as np

from .copying import copy_to
from .jit import kernel

TAB, NEWLINE, COMMA, DOT, COLON, SEMICOLON, EQUALS = 9, 10, 44, 46, 58, 59, 61
SLASH, BAR, ZERO = 47, 124, 48
INTEGER_BYTES = 12  # the longest int32 and what ends it


@kernel
def put_integer(out: Any, at: int, value: int) -> int:
    """Write a decimal number at ``at``; return where it ends."""
    rest = np.int64(value)
    if rest < 0:
        out[at] = 45
        at += 1
        rest = -rest
    digits = 1
    bound = np.int64(10)
    while rest >= bound:
        digits += 1
        bound *= 10
    for i in range(digits):
        out[at + digits - 1 - i] = ZERO + rest % 10
        rest //= 10
    return at + digits


@kernel
def gather(arena: Any, start: Any, codes: Any, out: Any, out_start: Any) -> None:
    """Copy row ``codes[i]`` of an arena to row ``i``; ``out_start`` says where each goes."""
    for row in range(codes.size):
        begin = start[codes[row]]
        to = out_start[row]
        for i in range(start[codes[row] + 1] - begin):
            out[to + i] = arena[begin + i]


@kernel
def integers(values: Any, literal: Any, cells: int, out: Any, start: Any, present: Any) -> int:
    """Print integers: -1 is missing and -2 ends the vector, but for those in ``literal``.

    A cell that is missing throughout, to its full width, is no more than a dot; one that ends before is as it is.

    values : (rows * cells, width) int32    literal : bool, of the same shape or empty
    present : (rows,) bool, written: some cell of the row is more than that dot    Returns the bytes written.
    """
    at = 0
    width = values.shape[1]
    all_plain = literal.size == 0
    for cell in range(values.shape[0]):
        if cell % cells == 0:
            start[cell // cells] = at
            present[cell // cells] = False
        begin = at
        any_value = False
        for i in range(width):
            value = values[cell, i]
            plain = all_plain or not literal[cell, i]
            if plain and value == -2:
                any_value = i > 0
                break
            if at > begin:
                out[at] = COMMA
                at += 1
            if plain and value == -1:
                out[at] = DOT
                at += 1
            else:
                at = put_integer(out, at, value)
                any_value = True
        if not any_value:
            out[begin] = DOT
            at = begin + 1
        else:
            present[cell // cells] = True
        out[at] = TAB
        at += 1
    start[values.shape[0] // cells] = at
    return at


@kernel
def vectors(arena: Any, bounds: Any, codes: Any, cells: int, out: Any, start: Any, present: Any) -> int:
    """Print vectors of values that stand as text in a table; negative codes are missing (-1) and ended (-2).

    Cells that are missing throughout, and ``present``: as in ``integers``.

    arena, bounds : the table, item ``i`` at ``bounds[i]:bounds[i + 1] - 1``    codes : (rows * cells, width)
    out : may be empty, to learn the size    Returns the bytes that are needed.
    """
    at = 0
    dry = out.size == 0
    for cell in range(codes.shape[0]):
        if cell % cells == 0:
            start[cell // cells] = at
            present[cell // cells] = False
        begin = at
        any_value = False
        for i in range(codes.shape[1]):
            code = codes[cell, i]
            if code == -2:
                any_value = i > 0
                break
            if at > begin:
                if not dry:
                    out[at] = COMMA
                at += 1
            if code == -1:
                if not dry:
                    out[at] = DOT
                at += 1
            else:
                size = bounds[code + 1] - 1 - bounds[code]
                if not dry:
                    for j in range(size):
                        out[at + j] = arena[bounds[code] + j]
                at += size
                any_value = True
        if not any_value:
            at = begin + 1
            if not dry:
                out[begin] = DOT
        else:
            present[cell // cells] = True
        if not dry:
            out[at] = TAB
        at += 1
    start[codes.shape[0] // cells] = at
    return at


@kernel
def genotypes(codes: Any, phased: Any, has_gt: Any, out: Any, start: Any) -> int:
    """Print calls: -1 is ``.``, behind the first -2 there is nothing. Returns the bytes written.

    codes : (rows, samples, ploidy) int8 or int16    phased : (rows, samples) bool    has_gt : (rows,) bool
    """
    at = 0
    num_samples, ploidy = codes.shape[1], codes.shape[2]
    for row in range(codes.shape[0]):
        start[row] = at
        if not has_gt[row]:
            continue
        for sample in range(num_samples):
            separator = BAR if phased[row, sample] else SLASH
            if ploidy == 2:
                first, second = codes[row, sample, 0], codes[row, sample, 1]
                if 0 <= first < 10 and 0 <= second < 10:
                    out[at] = ZERO + first
                    out[at + 1] = separator
                    out[at + 2] = ZERO + second
                    out[at + 3] = TAB
                    at += 4
                    continue
            begin = at
            for i in range(ploidy):
                code = codes[row, sample, i]
                if code == -2:
                    break
                if i > 0:
                    out[at] = separator
                    at += 1
                if code < 0:
                    out[at] = DOT
                    at += 1
                elif code < 10:
                    out[at] = ZERO + code
                    at += 1
                else:
                    at = put_integer(out, at, code)
            if at == begin:
                out[at] = DOT
                at += 1
            out[at] = TAB
            at += 1
    start[codes.shape[0]] = at
    return at


@kernel
def weave_info(arena: Any, start: Any, present: Any, names: Any, bounds: Any, out: Any, out_start: Any) -> int:
    """Join INFO fields to ``KEY=value;FLAG``; ``.`` where there is none. Returns the bytes written.

    start : (fields, rows + 1) int64, where each field's cells stand in ``arena``; an empty cell is a flag
    present : (fields, rows) bool    names, bounds : the keys, key ``i`` at ``bounds[i]:bounds[i + 1] - 1``
    """
    at = 0
    num_fields, num_rows = present.shape
    for row in range(num_rows):
        out_start[row] = at
        begin = at
        for field in range(num_fields):
            if not present[field, row]:
                continue
            if at > begin:
                out[at] = SEMICOLON
                at += 1
            for i in range(bounds[field], bounds[field + 1] - 1):
                out[at] = names[i]
                at += 1
            size = start[field, row + 1] - 1 - start[field, row]
            if size > 0:
                out[at] = EQUALS
                at += 1
                for i in range(start[field, row], start[field, row] + size):
                    out[at] = arena[i]
                    at += 1
        if at == begin:
            out[at] = DOT
            at += 1
        out[at] = TAB
        at += 1
    out_start[num_rows] = at
    return at


@kernel
def weave_calls(
    arena: Any, start: Any, present: Any, names: Any, bounds: Any, num_samples: int, out: Any, out_start: Any
) -> int:
    """Join FORMAT fields: the FORMAT column, then one column a sample. Returns the bytes written.

    start : (fields, rows + 1) int64, where the cells of each field and row stand in ``arena``
    present : (fields, rows) bool    names, bounds : the keys, as in ``weave_info``
    """
    at = 0
    num_fields, num_rows = present.shape
    cursor = np.empty(num_fields, np.int64)
    used = np.empty(num_fields, np.int64)
    for row in range(num_rows):
        out_start[row] = at
        num_used = 0
        for field in range(num_fields):
            if present[field, row]:
                used[num_used] = field
                cursor[num_used] = start[field, row]
                num_used += 1
                for i in range(bounds[field], bounds[field + 1] - 1):
                    out[at] = names[i]
                    at += 1
                out[at] = COLON
                at += 1
        if num_used:
            out[at - 1] = TAB
        else:
            out[at] = DOT
            out[at + 1] = TAB
            at += 2
        if num_used == 1:
            # The cells are the columns as they stand.
            begin = cursor[0]
            size = start[used[0], row + 1] - begin
            copy_to(out[at : at + size], arena[begin : begin + size])
            at += size
            continue
        for _ in range(num_samples):
            for k in range(num_used):
                i = cursor[k]
                while arena[i] != TAB:
                    out[at] = arena[i]
                    at += 1
                    i += 1
                cursor[k] = i + 1
                out[at] = COLON
                at += 1
            if num_used:
                out[at - 1] = TAB
            else:
                out[at] = DOT
                out[at + 1] = TAB
                at += 2
    out_start[num_rows] = at
    return at


@kernel
def join_rows(arena: Any, start: Any, out: Any, field_start: Any) -> int:
    """Put the columns of each row behind one another. Returns the bytes written.

    start : (columns, rows + 1) int64 into ``arena``
    field_start : (rows + 1, columns) int64, written: where each column of a row begins; the end in the last row
    """
    at = 0
    num_columns, num_rows = start.shape[0], start.shape[1] - 1
    for row in range(num_rows):
        for column in range(num_columns):
            field_start[row, column] = at
            begin = start[column, row]
            size = start[column, row + 1] - begin
            copy_to(out[at : at + size], arena[begin : begin + size])
            at += size
    for column in range(num_columns):
        field_start[num_rows, column] = at
    return at
