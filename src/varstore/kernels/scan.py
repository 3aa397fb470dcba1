"""The scanner of VCF text: lines in, rows of genotype sets and site text out. See docs/architecture.md."""

from typing import Any

import numpy as np

from .bcf_calls import LINE_SIZE, MARK, first_phase, is_diploid, read_place, scan_typed
from .calls import CALLS_BAD_KEYS, CALLS_BAD_SUBFIELDS, CALLS_DONE, CALLS_NEED_FIELD, scan_calls
from .copying import copy_to
from .genotypes import MAX_CODE, USED_PHASE, index_of_gt, put_phase, scan_general, scan_plain
from .jit import kernel
from .lines import find_newline, find_tab
from .outcomes import (
    BAD_ALLELE,
    BAD_COLUMNS,
    BAD_KEYS,
    BAD_POSITION,
    BAD_SUBFIELDS,
    BAD_TEXT,
    BLANK_LINE,
    DONE,
    NEED_FIELD,
    NEED_PLOIDY,
    NEED_ROOM,
    NEED_TEXT,
)
from .rows import USED_LISTS, USED_PLANES, USED_VALUES, emit_row

# Further cursors of a record block, behind those of ``rows`` and ``genotypes``.
USED_TEXT, USED_RUNS, NUM_ROWS = 4, 5, 6
NUM_CURSORS = 7

# Columns of ``fields``: where each text field starts; it ends before the next one's tab.
ID, REF, ALT_TEXT, QUAL, FILTER, INFO, FORMAT, FIELDS_END = range(8)
NUM_FIELDS = 8

_TAB, _NEWLINE, _RETURN = np.uint8(9), np.uint8(10), np.uint8(13)
_DOT, _COMMA, _PIPE, _SLASH = 46, 44, 124, 47
_MAX_POSITION = 2147483647


@kernel
def _parse_position(buffer: Any, begin: int, end: int) -> int:
    value = np.int64(0)
    if begin == end:
        return -1
    for at in range(begin, end):
        if not 48 <= buffer[at] <= 57:
            return -1
        value = value * 10 + np.int64(buffer[at]) - 48
        if value > _MAX_POSITION:
            return -1
    return value


@kernel
def _call_status(status: int) -> int:
    if status == CALLS_DONE:
        return DONE
    if status == CALLS_NEED_FIELD:
        return NEED_FIELD
    if status == CALLS_BAD_KEYS:
        return BAD_KEYS
    return BAD_SUBFIELDS if status == CALLS_BAD_SUBFIELDS else NEED_ROOM


@kernel
def scan_lines(
    buffer: Any,
    begin: int,
    end: int,
    num_samples: int,
    has_format: bool,
    ploidy: int,
    shift: int,
    starts: Any,
    word_starts: Any,
    plane: Any,
    plane32: Any,
    exceptions: Any,
    num_exceptions: Any,
    other_codes: Any,
    phased: Any,
    kind: Any,
    count: Any,
    lists: Any,
    planes: Any,
    values: Any,
    phase: Any,
    phase_default: Any,
    text: Any,
    fields: Any,
    position: Any,
    num_alts: Any,
    has_gt: Any,
    runs: Any,
    row_cursors: Any,
    cursors: Any,
    collect: bool,
    field_table: Any,
    call_arenas: Any,
    call_cursors: Any,
    fault: Any,
    records: Any,
) -> tuple[int, int]:
    """Read all whole lines of ``buffer[begin:end]``; return (status, bytes consumed up to).

    buffer : uint8, with 64 readable bytes behind ``end``
    text : uint8 arena, ID to FORMAT of every line; fields : (rows, 8) int64 into it
    runs : (rows, 3) int64, a row for each change of CHROM: row, begin and end in ``text``
    row_cursors : (rows + 1, 5) int64 cursors before each row (lists, planes, values, phase, text)
    collect : read FORMAT fields besides GT; field_table, call_arenas, call_cursors : see ``calls.scan_calls``
    fault : (2,) int64 details of a bad line, which is line ``cursors[NUM_ROWS]`` of this scan
    records : uint8, where the calls are that ``bcf_calls`` leaves beside the lines; empty if all lines are text. Such
        a line may end the scan with NEED_TEXT: its calls have to become text.
    Arenas have room for the worst row, or NEED_ROOM is returned before that row.
    """
    num_haplotypes = num_samples * ploidy
    at = begin
    while at < end:
        row = cursors[NUM_ROWS]
        copy_to(row_cursors[row], cursors[:5])
        if (
            row >= position.size
            or cursors[USED_LISTS] + num_haplotypes > lists.size
            or cursors[USED_PLANES] + 5 * plane.size > planes.size
            or cursors[USED_VALUES] + num_haplotypes > values.size
            or cursors[USED_PHASE] + num_samples > phase.size
        ):
            return NEED_ROOM, at
        # The columns in front of the samples.
        if buffer[at] == _NEWLINE or (buffer[at] == _RETURN and at + 1 < end and buffer[at + 1] == _NEWLINE):
            return BLANK_LINE, at
        stop = find_tab(buffer, at, end)
        if stop < 0:
            return DONE, at
        if buffer[stop] == _NEWLINE:
            fault[0], fault[1] = 1, 8 + has_format + num_samples
            return BAD_COLUMNS, at
        chrom_end = stop
        field_at = np.empty(9, np.int64)
        line_end = -1
        num_fields = 7 if has_format else 6
        field = stop + 1
        pos_end = 0
        for i in range(-1, num_fields):  # POS, then ID to FORMAT
            if i >= 0:
                field_at[i] = field
            stop = find_tab(buffer, field, end)
            if stop < 0:
                return DONE, at
            if i == -1:
                pos_end = stop
            last = i == num_fields - 1
            if buffer[stop] == _NEWLINE:
                line_end = stop
                if not (last and num_samples == 0):
                    fault[0], fault[1] = i + 3, 8 + has_format + num_samples
                    return BAD_COLUMNS, at
                break
            if last and num_samples == 0:
                fault[0], fault[1] = 9 + has_format, 8 + has_format
                return BAD_COLUMNS, at
            field = stop + 1
        site_end = stop
        if num_samples == 0 and buffer[site_end - 1] == _RETURN:
            site_end -= 1
        value = _parse_position(buffer, chrom_end + 1, pos_end)
        if value < 0:
            return BAD_POSITION, at
        if chrom_end == at or field_at[REF + 1] - field_at[REF] < 2 or field_at[ALT_TEXT + 1] - field_at[ALT_TEXT] < 2:
            return BAD_TEXT, at
        alts = 1
        for i in range(field_at[ALT_TEXT], field_at[QUAL] - 1):
            alts += buffer[i] == _COMMA
        if buffer[field_at[ALT_TEXT]] == _DOT and field_at[QUAL] - field_at[ALT_TEXT] == 2:
            alts = 0
        if alts > MAX_CODE:
            fault[0], fault[1] = -1, alts
            return BAD_ALLELE, at
        limit = max(alts, 1)  # with ALT '.', allele 1 is one that nobody named
        needed = site_end - at + 1
        if cursors[USED_TEXT] + needed > text.size:
            return NEED_ROOM, at

        # The sample columns.
        num_exceptions[:] = 0
        call_arenas[2][row, :] = 0
        next_line = stop + 1
        default = 0
        gt_index = -1
        phase_before = cursors[USED_PHASE]
        if has_format:
            gt_index = index_of_gt(buffer, field_at[FORMAT], site_end)
        if num_samples > 0:
            calls = stop + 1
            done = False
            tail = calls + 4 * num_samples - 1
            if records.size > 0 and calls + LINE_SIZE <= end and buffer[calls] == MARK:
                place = read_place(buffer, calls, num_samples, records)
                if place < 0 or ploidy > 2 or not is_diploid(records, place, num_samples):
                    return NEED_TEXT, at
                if ploidy < 2:
                    fault[1] = 2
                    return NEED_PLOIDY, at
                default = first_phase(records, place)
                num_phase = scan_typed(
                    records, place, num_samples, limit, default, plane, plane32, exceptions, num_exceptions,
                    other_codes, phase, phase_before,
                )  # fmt: skip
                if num_phase < 0:
                    return NEED_TEXT, at
                done = True
                cursors[USED_PHASE] += num_phase
                next_line = calls + LINE_SIZE
            elif ploidy == 2 and gt_index == 0 and site_end - field_at[FORMAT] == 2 and tail < end:
                crlf = buffer[tail] == _RETURN and tail + 1 < end and buffer[tail + 1] == _NEWLINE
                if buffer[tail] == _NEWLINE or crlf:
                    separator = np.int64(buffer[calls + 1])
                    num_phase = -1
                    if separator == _PIPE or separator == _SLASH:
                        num_phase = scan_plain(
                            buffer, calls, num_samples, limit, separator, plane32, exceptions, num_exceptions,
                            other_codes, phase, phase_before,
                        )  # fmt: skip
                    if num_phase >= 0:
                        done = True
                        cursors[USED_PHASE] += num_phase
                        default = 1 if separator == _PIPE else 0
                        next_line = tail + (2 if crlf else 1)
            if not done:
                line_end = find_newline(buffer, calls, end)
                if line_end < 0:
                    return DONE, at
                next_line = line_end + 1
                if buffer[line_end - 1] == _RETURN:
                    line_end -= 1
                plane[:] = np.uint64(0)
                num_exceptions[:] = 0
                used_cells, used_call_text, num_odd = call_cursors[0], call_cursors[1], call_cursors[2]
                status = scan_general(
                    buffer, calls, line_end, gt_index, num_samples, ploidy, limit, starts, word_starts, plane,
                    exceptions, num_exceptions, other_codes, phased, row, call_arenas[4], call_arenas[3],
                    call_cursors, fault,
                )  # fmt: skip
                if status == DONE:
                    if call_cursors[1] > call_arenas[3].size or call_cursors[2] > call_arenas[4].shape[0]:
                        fault[0], fault[1] = 0, call_cursors[2] - num_odd
                        status = NEED_ROOM
                    elif collect:
                        status = _call_status(
                            scan_calls(
                                buffer, field_at[FORMAT], site_end, calls, line_end, row, num_samples, alts,
                                field_table, call_arenas, call_cursors, fault,
                            )
                        )  # fmt: skip
                if status != DONE:
                    call_cursors[0], call_cursors[1], call_cursors[2] = used_cells, used_call_text, num_odd
                    if status == NEED_FIELD or status == BAD_KEYS:
                        fault[0] -= at
                        fault[1] -= at
                if status == BAD_COLUMNS:
                    found = 9 + 1
                    for i in range(calls, line_end):
                        found += buffer[i] == _TAB
                    fault[0], fault[1] = found, 9 + num_samples
                if status != DONE:
                    return status, at
                default = put_phase(phased, num_samples, phase, cursors)
            if alts == 0:
                for w in range(plane.size):
                    if plane[w] != np.uint64(0):
                        alts = 1
                        break
            emit_row(
                row, ploidy, starts, word_starts, plane, exceptions, num_exceptions, other_codes,
                shift, kind, count, lists, planes, values, cursors,
            )  # fmt: skip

        # Nothing can fail any more: keep the site.
        used = cursors[USED_TEXT]
        copy_to(text[used : used + needed - 1], buffer[at:site_end])
        text[used + needed - 1] = _TAB
        for i in range(num_fields):
            fields[row, i] = used + field_at[i] - at
        if not has_format:
            fields[row, FORMAT] = used + needed
        fields[row, FIELDS_END] = used + needed
        same = row > 0
        if same:
            run = cursors[USED_RUNS] - 1
            same = runs[run, 2] - runs[run, 1] == chrom_end - at
            for i in range(chrom_end - at):
                same = same and text[runs[run, 1] + i] == buffer[at + i]
        if not same:
            run = cursors[USED_RUNS]
            runs[run, 0], runs[run, 1], runs[run, 2] = row, used, used + chrom_end - at
            cursors[USED_RUNS] = run + 1
        cursors[USED_TEXT] = used + needed
        position[row] = value
        num_alts[row] = alts
        has_gt[row] = gt_index >= 0
        phase_default[row] = default
        cursors[NUM_ROWS] = row + 1
        at = next_line
    copy_to(row_cursors[cursors[NUM_ROWS]], cursors[:5])
    return DONE, at
