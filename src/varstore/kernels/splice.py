"""Lines of one person out of a VCF as they stand, and with more INFO put into them."""

from typing import Any

import numpy as np

from .jit import kernel
from .person import DONE, NEED_ROOM, NUM_RECORDS, USED_TEXT, line_columns, same_text
from .text import put_integer

# What is kept of a line: where its INFO ends and where it ends in the copied text, its ALT alleles, and whether it has
# no INFO.
INFO_END, LINE_END, NUM_ALTS, NO_INFO = range(4)
NUM_MARKS = 4

_TAB, _NEWLINE, _COMMA, _DOT, _SEMICOLON, _EQUALS = 9, 10, 44, 46, 59, 61
_REF, _ALT, _FILTER, _INFO, _FORMAT = 3, 4, 6, 7, 8


@kernel
def _copy(text: Any, begin: int, end: int, out: Any, at: int) -> int:
    """Copy ``text[begin:end]`` to ``out[at:]``; return where it ends."""
    for i in range(begin, end):
        out[at + i - begin] = text[i]
    return at + end - begin


@kernel
def _is_one_of(buffer: Any, begin: int, end: int, keys: Any, key_start: Any) -> bool:
    """Whether the text is one of ``keys``, each of which ends in ``=``."""
    for k in range(key_start.size - 1):
        if same_text(buffer, begin, end, keys[key_start[k] : key_start[k + 1] - 1]):
            return True
    return False


@kernel
def _copy_info(buffer: Any, begin: int, end: int, keys: Any, key_start: Any, out: Any, at: int) -> int:
    """Copy the fields of INFO but those of some keys, and ``.``; return where they end."""
    first = at
    while begin < end:
        stop, equals = begin, np.int64(-1)
        while stop < end and buffer[stop] != _SEMICOLON:
            if equals < 0 and buffer[stop] == _EQUALS:
                equals = stop
            stop += 1
        missing = stop - begin == 1 and buffer[begin] == _DOT
        if stop > begin and not missing:
            if not _is_one_of(buffer, begin, stop if equals < 0 else equals, keys, key_start):
                if at > first:
                    out[at] = _SEMICOLON
                    at += 1
                at = _copy(buffer, begin, stop, out, at)
        begin = stop + 1
    return at


@kernel
def copy_lines(
    buffer: Any, begin: int, end: int, column: int, is_last: bool, keys: Any, key_start: Any, out: Any, marks: Any,
    cursors: Any, fault: Any,
) -> Any:  # fmt: skip
    """Copy the whole lines of ``buffer[begin:end]`` up to FORMAT, and one person's column.

    keys, key_start : uint8 and int64, INFO keys that are left out, each with its ``=``, one behind the other
    out : uint8, filled from ``cursors[USED_TEXT]``    marks : (any, NUM_MARKS) int64, a row a line
    Others, and what is returned, as of ``person.scan_person``; a change of contig means nothing.
    """
    places = np.empty(11, np.int64)
    at = begin
    while at < end:
        status, position, line_end = line_columns(buffer, at, end, column, is_last, places)
        if status == NEED_ROOM:
            return DONE, at
        if status != DONE:
            fault[0] = position
            return status, at
        record, used = cursors[NUM_RECORDS], cursors[USED_TEXT]
        if record == marks.shape[0] or used + line_end - at + 2 > out.size:
            return NEED_ROOM, at
        info = places[_FILTER] + 1
        used = _copy(buffer, at, info, out, used)
        stop = _copy_info(buffer, info, places[_INFO], keys, key_start, out, used)
        alts = np.int64(1)
        for i in range(places[_REF] + 1, places[_ALT]):
            alts += buffer[i] == _COMMA
        if places[_ALT] - places[_REF] == 2 and buffer[places[_REF] + 1] == _DOT:
            alts = np.int64(0)
        marks[record, INFO_END], marks[record, NUM_ALTS], marks[record, NO_INFO] = stop, alts, stop == used
        used = _copy(buffer, places[_INFO], places[_FORMAT] + 1, out, stop)
        used = _copy(buffer, places[9], places[10], out, used)
        out[used] = _NEWLINE
        marks[record, LINE_END] = used + 1
        cursors[USED_TEXT], cursors[NUM_RECORDS] = used + 1, record + 1
        at = line_end + 1
    return DONE, at


@kernel
def splice(
    text: Any, begin: int, marks: Any, first: Any, everything: bool, alt: Any, layout: Any, integers: Any, codes: Any,
    table: Any, table_start: Any, keys: Any, key_start: Any, out: Any,
) -> int:  # fmt: skip
    """Write lines with fields behind their INFO, a value an ALT allele; return the bytes written.

    text, marks : of ``copy_lines``    begin : where the first line begins
    first : (lines + 1,) int64, the rows of each line begin here    everything : lines without rows, too
    alt : (rows,) int64, which ALT of its line a row is of, from 1; an ALT without a row has ``.``
    layout : (fields, 2) int64: 0 and a row of ``integers``, or 1 and a row of ``codes``
    integers : (any, rows) int64    codes : (any, rows) int32 into the table
    table, table_start : uint8 texts one behind the other, and where each begins and the last ends
    keys, key_start : of the fields, as of ``copy_lines``    out : uint8, with room
    """
    at = 0
    for line in range(marks.shape[0]):
        info_end, line_end = marks[line, INFO_END], marks[line, LINE_END]
        low, high = first[line], first[line + 1]
        if everything or low < high:
            at = _copy(text, begin, info_end, out, at)
            bare = marks[line, NO_INFO] == 1
            for field in range(layout.shape[0] if low < high else 0):
                if not bare:
                    out[at] = _SEMICOLON
                    at += 1
                bare = False
                at = _copy(keys, key_start[field], key_start[field + 1], out, at)
                kind, which = layout[field, 0], layout[field, 1]
                for number in range(1, marks[line, NUM_ALTS] + 1):
                    if number > 1:
                        out[at] = _COMMA
                        at += 1
                    row = low
                    while row < high and alt[row] != number:
                        row += 1
                    if row == high:
                        out[at] = _DOT
                        at += 1
                    elif kind == 0:
                        at = put_integer(out, at, integers[which, row])
                    else:
                        code = codes[which, row]
                        at = _copy(table, table_start[code], table_start[code + 1], out, at)
            if bare:
                out[at] = _DOT
                at += 1
            at = _copy(text, info_end, line_end, out, at)
        begin = line_end
    return at
