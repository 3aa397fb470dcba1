"""The scanner of VCF text: lines in, rows of genotype sets and site text out.

GT-only diploid calls of one digit are 4 bytes, read 16 at a time; what differs from the line's
plain pattern is looked at alone. Any other line is read call by call. See docs/architecture.md.
"""

from typing import Any

import numpy as np

from .calls import CALLS_BAD_KEYS, CALLS_BAD_SUBFIELDS, CALLS_DONE, CALLS_NEED_FIELD, add_odd, scan_calls
from .jit import byte_mask64, call_bits32, kernel, load_word, odd_calls16, trailing_zeros
from .rows import USED_LISTS, USED_PLANES, USED_VALUES, emit_row

# Further cursors of a record block, behind those of ``rows``.
USED_PHASE, USED_TEXT, USED_RUNS, NUM_ROWS = 3, 4, 5, 6
NUM_CURSORS = 7

# What ended a scan. From BAD_COLUMNS on it is the input's fault.
(DONE, NEED_ROOM, NEED_PLOIDY, BAD_COLUMNS, BAD_POSITION, BAD_CALL, BAD_ALLELE, BLANK_LINE, BAD_TEXT) = range(9)
# Of the FORMAT fields.
NEED_FIELD, BAD_KEYS, BAD_SUBFIELDS = 9, 10, 11

# Columns of ``fields``: where each text field starts; it ends before the next one's tab.
ID, REF, ALT_TEXT, QUAL, FILTER, INFO, FORMAT, FIELDS_END = range(8)
NUM_FIELDS = 8

_TAB, _NEWLINE, _RETURN = np.uint8(9), np.uint8(10), np.uint8(13)
_COLON, _DOT, _COMMA, _PIPE, _SLASH, _ZERO = 58, 46, 44, 124, 47, 48
_MAX_CODE = 32767
_MAX_POSITION = 2147483647


@kernel
def _find_tab(buffer: Any, at: int, end: int) -> int:
    """The first tab or newline in ``buffer[at:end]``, or -1. Reads up to 63 bytes behind ``end``."""
    while at < end:
        mask = byte_mask64(buffer, at, _TAB) | byte_mask64(buffer, at, _NEWLINE)
        if mask != np.uint64(0):
            at += np.int64(trailing_zeros(mask))
            return at if at < end else -1
        at += 64
    return -1


@kernel
def find_newline(buffer: Any, at: int, end: int) -> int:
    """The first newline in ``buffer[at:end]``, or -1. Reads up to 63 bytes behind ``end``."""
    while at < end:
        mask = byte_mask64(buffer, at, _NEWLINE)
        if mask != np.uint64(0):
            at += np.int64(trailing_zeros(mask))
            return at if at < end else -1
        at += 64
    return -1


@kernel
def _format_index_of_gt(buffer: Any, begin: int, end: int) -> int:
    """Which key of a FORMAT column is GT, or -1."""
    index = 0
    at = begin
    while at < end:
        if at + 1 < end and buffer[at] == 71 and buffer[at + 1] == 84 and (at + 2 == end or buffer[at + 2] == _COLON):
            return index
        while at < end and buffer[at] != _COLON:
            at += 1
        at += 1
        index += 1
    return -1


@kernel
def _add_call(
    sample: int, code0: int, code1: int, plane32: Any, exceptions: Any, num_exceptions: Any, other_codes: Any
) -> None:
    """Enter a diploid call of the fast path; both its bits of the plane are set or cleared."""
    word, shift = sample >> 4, np.uint32((sample & 15) * 2)
    bits = np.uint32(1 if code0 == 1 else 0) | np.uint32(2 if code1 == 1 else 0)
    plane32[word] = (plane32[word] & ~(np.uint32(3) << shift)) | (bits << shift)
    if code0 == -1 and code1 == -1:
        exceptions[0, num_exceptions[0]] = sample
        num_exceptions[0] += 1
        return
    for h in range(2):
        code = code0 if h == 0 else code1
        if code == -1:
            exceptions[1, num_exceptions[1]] = sample * 2 + h
            num_exceptions[1] += 1
        elif code > 1:
            other_codes[num_exceptions[3]] = code
            exceptions[3, num_exceptions[3]] = sample * 2 + h
            num_exceptions[3] += 1


@kernel
def _digit(byte: int) -> int:
    """A one-digit allele: 0 to 9, -1 for ``.``, -3 for anything else."""
    if 48 <= byte <= 57:
        return np.int64(byte) - 48
    return -1 if byte == _DOT else -3


@kernel
def _scan_plain(
    buffer: Any,
    begin: int,
    num_samples: int,
    num_alts: int,
    separator: int,
    plane32: Any,
    exceptions: Any,
    num_exceptions: Any,
    other_codes: Any,
    phase: Any,
    phase_at: int,
) -> int:
    """Read ``num_samples`` calls of 4 bytes; return how many phases differ from the line's, or < 0.

    -1: some call does not fit, read the line the general way.   -2: an allele above ``num_alts``.
    The byte behind the last call is not looked at: the caller knows that the line ends there.
    """
    pattern = np.uint32(0x09300030) | (np.uint32(separator) << np.uint32(8))
    num_phase = 0
    num_groups = (num_samples + 15) // 16
    plane32[num_groups:] = np.uint32(0)
    for group in range(num_groups):
        at = begin + group * 64
        odd = np.uint64(odd_calls16(buffer, at, pattern))
        bits = call_bits32(buffer, at)
        left = num_samples - group * 16
        if left <= 16:
            if left < 16:
                odd &= (np.uint64(1) << np.uint64(left)) - np.uint64(1)
                bits &= (np.uint32(1) << np.uint32(2 * left)) - np.uint32(1)
            odd |= np.uint64(1) << np.uint64(left - 1)  # ends in a newline, not in a tab
        plane32[group] = bits
        while odd != np.uint64(0):
            sample = group * 16 + np.int64(trailing_zeros(odd))
            odd &= odd - np.uint64(1)
            call = begin + sample * 4
            code0 = _digit(buffer[call])
            code1 = _digit(buffer[call + 2])
            between = buffer[call + 1]
            if (
                code0 == -3
                or code1 == -3
                or (between != _PIPE and between != _SLASH)
                or (sample + 1 < num_samples and buffer[call + 3] != _TAB)
            ):
                return -1
            if code0 > num_alts or code1 > num_alts:
                return -2
            _add_call(sample, code0, code1, plane32, exceptions, num_exceptions, other_codes)
            if between != separator:
                phase[phase_at + num_phase] = sample
                num_phase += 1
    return num_phase


@kernel
def _scan_general(
    buffer: Any,
    begin: int,
    end: int,
    gt_index: int,
    num_samples: int,
    ploidy: int,
    num_alts: int,
    starts: Any,
    word_starts: Any,
    plane: Any,
    exceptions: Any,
    num_exceptions: Any,
    other_codes: Any,
    phased: Any,
    row: int,
    odd: Any,
    odd_text: Any,
    call_cursors: Any,
    fault: Any,
) -> int:
    """Read the sample columns ``buffer[begin:end]`` call by call; return a status.

    phased : (samples,) uint8, 1 where no ``/`` stands in the call
    odd, odd_text : arenas of ``kernels.calls``; separators that differ, or stand in front, are entered there
    fault : (2,) int64, where it went wrong: sample, and the ploidy or code found
    """
    at = begin
    block = 0
    # Diploid calls of 0 and 1 with more fields, or a tab, behind them.
    quick_calls = ploidy == 2 and gt_index == 0 and num_alts > 0
    for sample in range(num_samples):
        fault[0] = sample
        if at > end:
            return BAD_COLUMNS
        while sample >= starts[block + 1]:
            block += 1
        bit = word_starts[block] * 64 + (sample - starts[block]) * ploidy
        num_missing = 0
        num_codes = 0
        first_half = num_exceptions[1]
        phased[sample] = 1
        quick = False
        if quick_calls:
            word = load_word(buffer, at)
            separator = word >> np.uint64(8) & np.uint64(255)
            behind = word >> np.uint64(24) & np.uint64(255)
            quick = (
                (word & np.uint64(0xFE00FE) == np.uint64(0x300030))
                & ((separator == np.uint64(_PIPE)) | (separator == np.uint64(_SLASH)))
                & ((behind == np.uint64(_COLON)) | (behind == np.uint64(_TAB)))
            )
        if quick:
            phased[sample] = separator == np.uint64(_PIPE)
            codes = (word & np.uint64(1)) | (word >> np.uint64(15) & np.uint64(2))
            plane[bit >> 6] |= codes << np.uint64(bit & 63)
            num_codes = 2
            at += 3
        elif gt_index < 0:
            phased[sample] = 0
            num_missing = ploidy
            num_codes = ploidy
            exceptions[0, num_exceptions[0]] = sample
            num_exceptions[0] += 1
        else:
            for _ in range(gt_index):
                while at < end and buffer[at] != _COLON and buffer[at] != _TAB:
                    at += 1
                if at < end and buffer[at] == _COLON:
                    at += 1
            if gt_index > 0 and (at == end or buffer[at] == _TAB):
                # Trailing fields may be dropped, GT behind them too: a missing call.
                num_missing = 1
                num_codes = 1
                exceptions[1, num_exceptions[1]] = sample * ploidy
                num_exceptions[1] += 1
            call = at
            pipes, slashes = 0, 0
            leading = at < end and (buffer[at] == _SLASH or buffer[at] == _PIPE)
            while num_codes == 0 or (at < end and buffer[at] != _COLON and buffer[at] != _TAB):
                if num_codes > 0 or leading:
                    if buffer[at] == _SLASH:
                        phased[sample] = 0
                        slashes += 1
                    elif buffer[at] == _PIPE:
                        pipes += 1
                    else:
                        return BAD_CALL
                    at += 1
                    leading = False
                code = np.int64(-3)
                if at < end and buffer[at] == _DOT:
                    code = -1
                    at += 1
                else:
                    while at < end and 48 <= buffer[at] <= 57:
                        code = np.int64(buffer[at]) - 48 if code < 0 else code * 10 + np.int64(buffer[at]) - 48
                        if code > _MAX_CODE:
                            return BAD_ALLELE
                        at += 1
                if code == -3:
                    return BAD_CALL
                if code > num_alts:
                    fault[1] = code
                    return BAD_ALLELE
                if num_codes == ploidy:
                    # Count the alleles of the call, so that the reader can start again wide enough.
                    num_codes += 1
                    while at < end and buffer[at] != _COLON and buffer[at] != _TAB:
                        num_codes += buffer[at] == _SLASH or buffer[at] == _PIPE
                        at += 1
                    fault[1] = num_codes
                    return NEED_PLOIDY
                if code == 1:
                    plane[(bit + num_codes) >> 6] |= np.uint64(1) << np.uint64((bit + num_codes) & 63)
                elif code == -1:
                    exceptions[1, num_exceptions[1]] = sample * ploidy + num_codes
                    num_exceptions[1] += 1
                    num_missing += 1
                elif code > 1:
                    other_codes[num_exceptions[3]] = code
                    exceptions[3, num_exceptions[3]] = sample * ploidy + num_codes
                    num_exceptions[3] += 1
                num_codes += 1
            if pipes + slashes == num_codes or (pipes > 0 and slashes > 0):
                if call < at and pipes + slashes > 0:
                    add_odd(odd, call_cursors, row, sample, -1, -1, buffer, call, at, odd_text)
            if num_missing == ploidy:
                num_exceptions[1] = first_half
                exceptions[0, num_exceptions[0]] = sample
                num_exceptions[0] += 1
        for h in range(num_codes, ploidy):
            exceptions[2, num_exceptions[2]] = sample * ploidy + h
            num_exceptions[2] += 1
        if at < end and buffer[at] != _TAB:
            found = _find_tab(buffer, at, end)
            at = end if found < 0 else found
        at += 1
    fault[0] = num_samples
    return DONE if at == end + 1 else BAD_COLUMNS


@kernel
def _put_phase(phased: Any, num_samples: int, phase: Any, cursors: Any) -> int:
    """Append the samples whose phase is not the row's commoner one; return that one."""
    num = 0
    for sample in range(num_samples):
        num += phased[sample]
    default = 1 if 2 * num >= num_samples else 0
    at = cursors[USED_PHASE]
    for sample in range(num_samples):
        if phased[sample] != default:
            phase[at] = sample
            at += 1
    cursors[USED_PHASE] = at
    return default


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
) -> tuple[int, int]:
    """Read all whole lines of ``buffer[begin:end]``; return (status, bytes consumed up to).

    buffer : uint8, with 64 readable bytes behind ``end``
    text : uint8 arena, ID to FORMAT of every line; fields : (rows, 8) int64 into it
    runs : (rows, 3) int64, a row for each change of CHROM: row, begin and end in ``text``
    row_cursors : (rows + 1, 5) int64 cursors before each row (lists, planes, values, phase, text)
    collect : read FORMAT fields besides GT; field_table, call_arenas, call_cursors : see ``calls.scan_calls``
    fault : (2,) int64 details of a bad line, which is line ``cursors[NUM_ROWS]`` of this scan
    Arenas have room for the worst row, or NEED_ROOM is returned before that row.
    """
    num_haplotypes = num_samples * ploidy
    at = begin
    while at < end:
        row = cursors[NUM_ROWS]
        row_cursors[row, :] = cursors[:5]
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
        stop = _find_tab(buffer, at, end)
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
            stop = _find_tab(buffer, field, end)
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
        if alts > _MAX_CODE:
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
            gt_index = _format_index_of_gt(buffer, field_at[FORMAT], site_end)
        if num_samples > 0:
            calls = stop + 1
            done = False
            tail = calls + 4 * num_samples - 1
            if ploidy == 2 and gt_index == 0 and site_end - field_at[FORMAT] == 2 and tail < end:
                crlf = buffer[tail] == _RETURN and tail + 1 < end and buffer[tail + 1] == _NEWLINE
                if buffer[tail] == _NEWLINE or crlf:
                    separator = np.int64(buffer[calls + 1])
                    num_phase = -1
                    if separator == _PIPE or separator == _SLASH:
                        num_phase = _scan_plain(
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
                status = _scan_general(
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
                default = _put_phase(phased, num_samples, phase, cursors)
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
        text[used : used + needed - 1] = buffer[at:site_end]
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
    row_cursors[cursors[NUM_ROWS], :] = cursors[:5]
    return DONE, at
