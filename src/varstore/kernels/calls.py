"""FORMAT fields of one line of VCF text into cells: see ``kernels.fields`` for what a cell is."""

from typing import Any

import numpy as np

from .fields import (
    FILL,
    FLOAT,
    FLOAT_FILL,
    FLOAT_MISSING,
    INTEGER,
    MISSING,
    SKIP,
    TEXT,
    TEXT_FILL,
    TEXT_MISSING,
    WORD,
    find_key,
    read_float,
    read_integer,
)
from .intrinsics import load_word, other_mask64, trailing_zeros
from .jit import kernel

# What ended a line.
CALLS_DONE, CALLS_NEED_ROOM, CALLS_NEED_FIELD, CALLS_BAD_KEYS, CALLS_BAD_SUBFIELDS = range(5)
# Cursors of the arenas.
USED_CELLS, USED_TEXT, NUM_ODD = range(3)
# Columns of ``odd``. A slot of -1 is the separators of GT; a cell of -1 holds nothing.
ODD_ROW, ODD_SAMPLE, ODD_SLOT, ODD_CELL, ODD_BEGIN, ODD_END = range(6)
# Numbers of values that follow from the alleles.
PER_ALT, PER_ALLELE, PER_GENOTYPE, ANY_NUMBER = -1, -2, -3, -4
MAX_KEYS = 1024
_FIRST_GUESS = 64

_ZEROS, _TO_HIGH_BIT = np.uint64(0x3030303030303030), np.uint64(0x7676767676767676)
_HIGH_BITS = np.uint64(0x8080808080808080)
_TAB, _COLON, _COMMA, _DOT = 9, 58, 44, 46


@kernel
def _slots_of(buffer: Any, begin: int, end: int, keys: Any, key_start: Any, slots: Any, fault: Any) -> int:
    """Write the slot of every key of a FORMAT column, -1 for GT; return how many, or minus a status."""
    num = 0
    at = begin
    slot = -1
    if end - begin == 1 and buffer[begin] == _DOT:
        slots[0] = -1
        return 1
    while at <= end:
        key = at
        while at < end and buffer[at] != _COLON:
            at += 1
        if num == MAX_KEYS or at == key:
            fault[0], fault[1] = key, end
            return -CALLS_BAD_KEYS
        if at - key == 2 and buffer[key] == 71 and buffer[key + 1] == 84:
            slots[num] = -1
        else:
            slot = find_key(buffer, key, at, keys, key_start, slot + 1)
            if slot < 0:
                fault[0], fault[1] = key, at
                return -CALLS_NEED_FIELD
            slots[num] = slot
        for i in range(num):
            if slots[i] == slots[num]:
                fault[0], fault[1] = key, at
                return -CALLS_BAD_KEYS
        num += 1
        at += 1
    return num


@kernel
def _guess(number: int, seen: int, alts: int) -> int:
    """How many values a call of this record may have: what is found to be more starts the line again."""
    if number > 0:
        return number
    expected = seen
    if number == PER_ALT:
        expected = alts
    elif number == PER_ALLELE:
        expected = alts + 1
    elif number == PER_GENOTYPE:
        expected = (alts + 1) * (alts + 2) // 2
    return max(1, min(expected, _FIRST_GUESS))


@kernel
def add_odd(
    odd: Any, cursors: Any, row: int, sample: int, slot: int, cell: int, buffer: Any, begin: int, end: int, text: Any
) -> None:
    """Keep the text of a call that no cell holds. What does not fit is counted only: the caller starts again."""
    num = cursors[NUM_ODD]
    used = cursors[USED_TEXT]
    if num < odd.shape[0] and used + end - begin <= text.size:
        for i in range(begin, end):
            text[used + i - begin] = buffer[i]
        odd[num, ODD_ROW], odd[num, ODD_SAMPLE], odd[num, ODD_SLOT] = row, sample, slot
        odd[num, ODD_CELL], odd[num, ODD_BEGIN], odd[num, ODD_END] = cell, used, used + end - begin
    cursors[NUM_ODD] = num + 1
    cursors[USED_TEXT] = used + end - begin


@kernel
def _put_missing(cells: Any, base: int, width: int, kind: int) -> None:
    """A call without this field: one missing value, then fill."""
    for i in range(width):
        if kind == INTEGER:
            cells[base + i] = MISSING if i == 0 else FILL
        elif kind == FLOAT:
            cells[base + i] = FLOAT_MISSING if i == 0 else FLOAT_FILL
        else:
            cells[base + 2 * i] = 0
            cells[base + 2 * i + 1] = TEXT_MISSING if i == 0 else TEXT_FILL


@kernel
def _narrow(cells: Any, start: int, num_samples: int, width: int, narrow: int, kind: int) -> None:
    """Move the cells of a line together: no call has more than ``narrow`` values."""
    size = 2 if kind >= TEXT else 1
    for sample in range(num_samples):
        for i in range(narrow * size):
            cells[start + sample * narrow * size + i] = cells[start + sample * width * size + i]


@kernel
def _ends(byte: int) -> bool:
    return byte == _COLON or byte == _TAB


@kernel
def _few_digits(buffer: Any, at: int) -> tuple[int, int]:
    """The number of at most 7 digits at ``at``, and how many they are: 0 where there are none, or more.

    Without a branch that depends on the text. Reads 8 bytes; what follows a line is a newline, which is no digit.
    """
    word = load_word(buffer, at) ^ _ZEROS
    # The high bit of the lowest byte that is no digit; what is above it does not matter.
    others = ((word + _TO_HIGH_BIT) | word) & _HIGH_BITS
    if others == np.uint64(0):
        return 0, 0
    bits = trailing_zeros(others) & np.uint64(0xFFF8)
    # Digits move to the top, leading zeros come in behind; then pairs, fours and eights are added up.
    word = (word << (np.uint64(63) - bits)) << np.uint64(1)
    word = ((word * np.uint64(2561)) >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    word = ((word * np.uint64(6553601)) >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    word = (word * np.uint64(42949672960001)) >> np.uint64(32)
    return np.int64(word), np.int64(bits >> np.uint64(3))


@kernel
def _scan_numbers(
    buffer: Any, at: int, end: int, sample: int, num_samples: int, num_keys: int, cells: Any, key_base: Any,
    key_width: Any, most: Any,
) -> tuple[int, int]:  # fmt: skip
    """Read calls of a diploid GT of one digit an allele and integers, as many values as there is room for.

    Stops at the first call that is not like that; returns it and where it begins. A lone ``.`` is like that.
    Where values end is known from a mask of 64 bytes, so that no value waits for the one before it. Reads up to 63
    bytes behind ``end``, where something stands that is no digit.
    """
    window = at
    mask = other_mask64(buffer, window)
    while sample < num_samples:
        value = at + 4
        if (
            value > end
            or buffer[at + 3] != _COLON
            or np.uint8(buffer[at] - 46) > 11
            or np.uint8(buffer[at + 2] - 46) > 11
            or (buffer[at + 1] != 124 and buffer[at + 1] != 47)
        ):
            return sample, at
        while value - window > 64:
            window += 64
            mask = other_mask64(buffer, window)
        # What lies before the value; 64 bytes are shifted away in two steps.
        mask = mask >> np.uint64(value - window - 1) >> np.uint64(1) << np.uint64(value - window - 1) << np.uint64(1)
        for key in range(1, num_keys):
            width = key_width[key]
            cell = key_base[key] + sample * width
            num = 0
            while True:
                while mask == np.uint64(0):
                    window += 64
                    mask = other_mask64(buffer, window)
                stop = window + np.int64(trailing_zeros(mask))
                mask &= mask - np.uint64(1)
                length = stop - value
                if length == 0 and num == 0 and buffer[value] == _DOT:
                    while mask == np.uint64(0):
                        window += 64
                        mask = other_mask64(buffer, window)
                    stop = window + np.int64(trailing_zeros(mask))
                    mask &= mask - np.uint64(1)
                    if stop != value + 1 or buffer[stop] == _COMMA:
                        return sample, at
                    cells[cell] = MISSING
                    for i in range(1, width):
                        cells[cell + i] = FILL
                    break
                if length == 0 or length > 7:
                    return sample, at
                word = (load_word(buffer, value) ^ _ZEROS) << np.uint64(64 - 8 * length)
                word = ((word * np.uint64(2561)) >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
                word = ((word * np.uint64(6553601)) >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
                cells[cell + num] = np.int64((word * np.uint64(42949672960001)) >> np.uint64(32))
                num += 1
                if num == width:
                    most[key] = max(most[key], width)
                    break
                if buffer[stop] != _COMMA:
                    return sample, at
                value = stop + 1
            value = stop + 1
            if key + 1 < num_keys:
                if buffer[stop] != _COLON:
                    return sample, at
            elif sample + 1 < num_samples:
                if buffer[stop] != _TAB:
                    return sample, at
            elif stop != end:
                return sample, at
        sample += 1
        at = value
    return sample, at


@kernel
def scan_calls(
    buffer: Any, format_begin: int, format_end: int, begin: int, end: int, row: int, num_samples: int, alts: int,
    table: Any, arenas: Any, cursors: Any, fault: Any,
) -> int:  # fmt: skip
    """Read the FORMAT fields of the sample columns ``buffer[begin:end]``; return a status.

    table : (keys, key_start, kinds, numbers, seen, slots): the fields; ``seen`` (slots,) int64 is the most values
        of a line so far; ``slots`` (MAX_KEYS,) int64 is scratch
    arenas : (cells int32, cell_start (rows, slots) int64, cell_width (rows, slots) int32, text uint8, odd (any, 6))
    cursors : (3,) int64, how much of the arenas is used; as it was unless CALLS_DONE
    fault : (2,) int64: cells and odd entries needed, the bad key, or the sample with too many subfields
    """
    keys, key_start, kinds, numbers, seen, slots = table
    cells, cell_start, cell_width, text, odd = arenas
    cell_width[row, :] = 0
    num_keys = _slots_of(buffer, format_begin, format_end, keys, key_start, slots, fault)
    if num_keys < 0:
        return -num_keys
    before_cells, before_text, before_odd = cursors[USED_CELLS], cursors[USED_TEXT], cursors[NUM_ODD]
    for k in range(num_keys):
        slot = slots[k]
        if slot >= 0 and kinds[slot] != SKIP:
            cell_width[row, slot] = _guess(numbers[slot], seen[slot], alts)
    value = np.empty(1, np.float32)
    bits = value.view(np.int32)
    key_kind, key_base, key_width = np.empty((3, num_keys), np.int64)
    most = np.ones(num_keys, np.int32)
    while True:
        used = before_cells
        for k in range(num_keys):
            slot = slots[k]
            key_kind[k] = SKIP
            if slot >= 0 and kinds[slot] != SKIP:
                key_kind[k], key_base[k], key_width[k] = kinds[slot], used, cell_width[row, slot]
                cell_start[row, slot] = used
                used += num_samples * cell_width[row, slot] * (2 if kinds[slot] >= TEXT else 1)
        cursors[USED_TEXT], cursors[NUM_ODD] = before_text, before_odd
        # Text of a line is never longer than the line, twice for what is odd.
        if used > cells.size or before_text + 2 * (end - begin) > text.size:
            fault[0], fault[1] = used - before_cells, 0
            return CALLS_NEED_ROOM
        wider = False
        is_plain = num_keys > 1 and slots[0] == -1
        for k in range(1, num_keys):
            is_plain = is_plain and key_kind[k] == INTEGER
        at = begin
        sample = -1
        while True:
            sample += 1
            if is_plain:
                sample, at = _scan_numbers(
                    buffer, at, end, sample, num_samples, num_keys, cells, key_base, key_width, most
                )
            if sample == num_samples:
                break
            key = 0
            while True:
                kind = key_kind[key]
                if kind == SKIP:
                    while at < end and not _ends(buffer[at]):
                        at += 1
                else:
                    slot = slots[key]
                    width = key_width[key]
                    num = 0
                    plain = False
                    if kind == INTEGER:
                        # Most calls are a few short numbers.
                        base = key_base[key] + sample * width
                        first = at
                        while num < width:
                            number, length = _few_digits(buffer, at)
                            after = at + length
                            if length == 0:
                                break
                            if after < end and buffer[after] != _COMMA and not _ends(buffer[after]):
                                break
                            at = after
                            cells[base + num] = number
                            num += 1
                            if at < end and buffer[at] == _COMMA:
                                at += 1
                            else:
                                plain = True
                                break
                        if plain:
                            for i in range(num, width):
                                cells[base + i] = FILL
                        else:
                            at, num = first, 0
                    if plain:
                        pass
                    elif kind == INTEGER or kind == FLOAT:
                        base = key_base[key] + sample * width
                        first = at
                        bad = False
                        while True:
                            if kind == INTEGER:
                                number, at = read_integer(buffer, at, end)
                            else:
                                number, at = read_float(buffer, at, end, value, bits)
                            if number < FILL - 1 or (at < end and not _ends(buffer[at]) and buffer[at] != _COMMA):
                                bad = True
                                while at < end and not _ends(buffer[at]) and buffer[at] != _COMMA:
                                    at += 1
                                number = MISSING if kind == INTEGER else FLOAT_MISSING
                            if num < width:
                                cells[base + num] = number
                            num += 1
                            if at < end and buffer[at] == _COMMA:
                                at += 1
                            else:
                                break
                        fill = FILL if kind == INTEGER else FLOAT_FILL
                        for i in range(num, width):
                            cells[base + i] = fill
                        if bad:
                            add_odd(odd, cursors, row, sample, slot, base, buffer, first, at, text)
                    else:
                        base = key_base[key] + 2 * sample * width
                        whole = at
                        empty = False
                        while True:
                            first = at
                            while at < end and not _ends(buffer[at]) and (kind == WORD or buffer[at] != _COMMA):
                                at += 1
                            length = at - first
                            empty = empty or length == 0
                            if num < width:
                                if length == 1 and buffer[first] == _DOT:
                                    cells[base + 2 * num], cells[base + 2 * num + 1] = 0, TEXT_MISSING
                                else:
                                    stored = cursors[USED_TEXT]
                                    for i in range(length):
                                        text[stored + i] = buffer[first + i]
                                    cells[base + 2 * num], cells[base + 2 * num + 1] = stored, length
                                    cursors[USED_TEXT] = stored + length
                            num += 1
                            if at < end and buffer[at] == _COMMA and kind == TEXT:
                                at += 1
                            else:
                                break
                        for i in range(num, width):
                            cells[base + 2 * i], cells[base + 2 * i + 1] = 0, TEXT_FILL
                        if empty:
                            add_odd(odd, cursors, row, sample, slot, -1, buffer, whole, at, text)
                    most[key] = max(most[key], num)
                    wider = wider or num > width
                key += 1
                if at >= end or buffer[at] == _TAB:
                    break
                if key == num_keys:
                    fault[0] = sample
                    cursors[USED_TEXT], cursors[NUM_ODD] = before_text, before_odd
                    return CALLS_BAD_SUBFIELDS
                at += 1
            for k in range(key, num_keys):
                if key_kind[k] != SKIP:
                    size = key_width[k] * (2 if key_kind[k] >= TEXT else 1)
                    _put_missing(cells, key_base[k] + sample * size, key_width[k], key_kind[k])
            at += 1
        if not wider:
            break
        for k in range(num_keys):
            slot = slots[k]
            if slot >= 0 and kinds[slot] != SKIP:
                cell_width[row, slot] = max(cell_width[row, slot], most[k])
    if cursors[NUM_ODD] > odd.shape[0]:
        fault[0], fault[1] = used - before_cells, cursors[NUM_ODD] - before_odd
        cursors[USED_TEXT], cursors[NUM_ODD] = before_text, before_odd
        return CALLS_NEED_ROOM
    cursors[USED_CELLS] = used
    for k in range(num_keys):
        slot = slots[k]
        if slot >= 0 and kinds[slot] != SKIP:
            seen[slot] = most[k]
            if numbers[slot] < 0 and most[k] < cell_width[row, slot]:
                _narrow(cells, cell_start[row, slot], num_samples, cell_width[row, slot], most[k], kinds[slot])
                cell_width[row, slot] = most[k]
    return CALLS_DONE
