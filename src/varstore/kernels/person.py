"""One person's calls out of lines of VCF: the alleles that are carried, as keys, and where the person is reference.

Lines are looked at once, up to the person's column; nothing is kept of what other people have.
"""

from typing import Any

import numpy as np

from .intrinsics import byte_mask64, popcount, trailing_zeros
from .jit import kernel
from .keys import NO_NUMBER, one_key

# What ended a scan. From BAD_COLUMNS on it is the input's fault.
DONE, NEED_ROOM, NEW_CONTIG, BLANK_LINE, BAD_COLUMNS, BAD_POSITION, BAD_TEXT, BAD_CALL, BAD_ALLELE = range(9)
HET, HOM, HEMI = range(3)
# What is said of a stretch where the person is reference: by a record of its own, by a reference block.
RECORD, BLOCK = range(2)
# What is kept of an allele: lengths of the normalised REF and ALT, where its text is (-1: the key spells it), record,
# ALT from 1, zygosity, whether no allele of the call is missing, and how many positions it takes (a symbolic one to
# END; 0: its record has neither END nor SVLEN).
NUM_REF, NUM_ALT, TEXT, RECORD_OF, ALT_OF, ZYGOSITY, WHOLE, LENGTH = range(8)
NUM_FACTS = 8
# Cursors: how far the arrays are filled, and counts of records.
(NUM_ALLELES, USED_TEXT, NUM_STRETCHES, NUM_RECORDS, NUM_CALLED, NUM_MISSING, NUM_HALF, NUM_REFERENCE, NUM_WITHOUT_GT,
 NUM_UNSURE, NUM_STAND_INS) = range(11)  # fmt: skip
NUM_CURSORS = 11
# Most different alleles of one call.
MOST_ALLELES = 16

_TAB, _NEWLINE = np.uint8(9), np.uint8(10)
_RETURN, _COLON, _DOT, _COMMA, _SEMICOLON, _EQUALS, _SLASH, _BAR, _LESS = 13, 58, 46, 44, 59, 61, 47, 124, 60
_ZERO, _NINE = 48, 57
_MAX_POSITION = 2147483647
_MISSING = -1
# Bases in a key.
_TWO_BITS = np.zeros(128, np.int64)
_TWO_BITS[[65, 67, 71, 84]] = 0, 1, 2, 3
_SINGLE = np.uint64(1 << 27 | 1 << 23)
_CHROM, _POS, _ID, _REF, _ALT, _QUAL, _FILTER, _INFO, _FORMAT = range(9)
_GQ, _RGQ = np.array([71, 81], np.uint8), np.array([82, 71, 81], np.uint8)
_MIN_DP, _DP = np.array([77, 73, 78, 95, 68, 80], np.uint8), np.array([68, 80], np.uint8)
_LEN, _END, _SVLEN = np.array([76, 69, 78], np.uint8), np.array([69, 78, 68], np.uint8), np.array(
    [83, 86, 76, 69, 78], np.uint8
)  # fmt: skip


@kernel
def _columns(buffer: Any, at: int, end: int, column: int, places: Any) -> Any:
    """Find where the first nine columns of a line end, and the column asked for begins and ends.

    places : (11,) int64, written: the ends of the first nine columns, then begin and end of ``column``

    Returns how many tabs were seen up to there and where the line ends, or -1 if that is not known yet, and -2 if the
    buffer ends before the column does. Reads up to 63 bytes behind ``end``.
    """
    found = 0
    while at < end:
        tabs = byte_mask64(buffer, at, _TAB)
        ends = byte_mask64(buffer, at, _NEWLINE)
        line_end = np.int64(-1)
        if ends != np.uint64(0):
            last = np.int64(trailing_zeros(ends))
            line_end = at + last
            tabs &= (np.uint64(1) << np.uint64(last)) - np.uint64(1)
            if line_end >= end:
                return found, -2
        num = np.int64(popcount(tabs))
        if found > 8 and found + num < column:
            found += num
        else:
            while tabs != np.uint64(0):
                tab = at + np.int64(trailing_zeros(tabs))
                tabs &= tabs - np.uint64(1)
                if tab >= end:
                    return found, -2
                if found < 9:
                    places[found] = tab
                found += 1
                if found == column:
                    places[9] = tab + 1
                elif found > column:
                    places[10] = tab
                    return found, -1
        if line_end >= 0:
            if found < 9:
                places[found] = line_end
            places[10] = line_end
            return found, line_end
        at += 64
    return found, -2


@kernel
def _number(buffer: Any, begin: int, end: int) -> int:
    """A decimal number, with a sign or without, as what it is without it; -1 where it is none."""
    if begin < end and (buffer[begin] == 45 or buffer[begin] == 43):
        begin += 1
    if begin >= end or end - begin > 18:
        return _MISSING
    value = np.int64(0)
    for at in range(begin, end):
        if not _ZERO <= buffer[at] <= _NINE:
            return _MISSING
        value = value * 10 + np.int64(buffer[at]) - _ZERO
    return value


@kernel
def same_text(buffer: Any, begin: int, end: int, key: Any) -> bool:
    """Whether ``buffer[begin:end]`` is ``key``."""
    if end - begin != key.size:
        return False
    same = True
    for i in range(key.size):
        same &= buffer[begin + i] == key[i]
    return same


@kernel
def _info(buffer: Any, begin: int, end: int, key: Any) -> Any:
    """Where the value of an INFO field is; -1s where there is none."""
    while begin < end:
        stop = begin
        while stop < end and buffer[stop] != _SEMICOLON:
            stop += 1
        equals = begin
        while equals < stop and buffer[equals] != _EQUALS:
            equals += 1
        if equals < stop and same_text(buffer, begin, equals, key):
            return equals + 1, stop
        begin = stop + 1
    return np.int64(-1), np.int64(-1)


@kernel
def _length(buffer: Any, info: int, info_end: int, position: int, num_ref: int) -> int:
    """Positions of a record: to INFO/END where that is not before POS, else those of REF."""
    begin, stop = _info(buffer, info, info_end, _END)
    found = _number(buffer, begin, stop) if begin >= 0 else np.int64(_MISSING)
    return found - position + 1 if found >= position else num_ref


@kernel
def _svlen(buffer: Any, info: int, info_end: int, alt: int) -> int:
    """SVLEN of an ALT allele, from 1, without its sign; one value stands for all."""
    begin, stop = _info(buffer, info, info_end, _SVLEN)
    if begin < 0:
        return NO_NUMBER
    at, number = begin, 1
    while at < stop and number < alt:
        number += buffer[at] == _COMMA
        at += 1
    if number < alt and at == stop:
        if number > 1:
            return NO_NUMBER
        at = begin
    last = at
    while last < stop and buffer[last] != _COMMA:
        last += 1
    found = _number(buffer, at, last)
    return NO_NUMBER if found == _MISSING else found


@kernel
def _subfield(buffer: Any, form: int, form_end: int, call: int, call_end: int, key: Any) -> int:
    """The number that a call has for a key of FORMAT; -1 where it has none."""
    while form < form_end:
        stop = form
        while stop < form_end and buffer[stop] != _COLON:
            stop += 1
        last = call
        while last < call_end and buffer[last] != _COLON:
            last += 1
        if same_text(buffer, form, stop, key):
            return _number(buffer, call, last)
        if last >= call_end:
            return _MISSING
        form, call = stop + 1, last + 1
    return _MISSING


@kernel
def _sure(buffer: Any, form: int, form_end: int, call: int, call_end: int, min_ref_gq: int) -> bool:
    """Whether a reference block is callable: docs/denominators.md."""
    quality = _subfield(buffer, form, form_end, call, call_end, _GQ)
    if quality < 0:
        quality = _subfield(buffer, form, form_end, call, call_end, _RGQ)
    depth = _subfield(buffer, form, form_end, call, call_end, _MIN_DP)
    if depth < 0:
        depth = _subfield(buffer, form, form_end, call, call_end, _DP)
    return quality >= min_ref_gq and depth > 0


@kernel
def _genotype(buffer: Any, form: int, form_end: int, call: int, call_end: int, codes: Any) -> int:
    """Read GT: codes and -1 for missing ones; how many there are, 0 without GT, -1 where it is none, -2: too many."""
    while True:
        stop = form
        while stop < form_end and buffer[stop] != _COLON:
            stop += 1
        last = call
        while last < call_end and buffer[last] != _COLON:
            last += 1
        if stop - form == 2 and buffer[form] == 71 and buffer[form + 1] == 84:
            break
        if stop >= form_end:
            return 0
        form = stop + 1
        call = min(last + 1, call_end)
    if call == last:  # trailing fields may be dropped
        codes[0] = -1
        return 1
    at, num = call, 0
    if buffer[at] == _SLASH or buffer[at] == _BAR:
        at += 1
    while True:
        code = np.int64(-2)
        if at < last and buffer[at] == _DOT:
            code = np.int64(-1)
            at += 1
        else:
            while at < last and _ZERO <= buffer[at] <= _NINE and code < 100000:
                code = (np.int64(0) if code < 0 else code) * 10 + np.int64(buffer[at]) - _ZERO
                at += 1
        if code == -2:
            return -1
        if num == codes.size:
            return -2
        codes[num] = code
        num += 1
        if at == last:
            return num
        if buffer[at] != _SLASH and buffer[at] != _BAR:
            return -1
        at += 1


@kernel
def _alt_of(buffer: Any, begin: int, end: int, alt: int) -> Any:
    """Where an ALT allele is, from 1; -1s where there are fewer."""
    number = 1
    while True:
        stop = begin
        while stop < end and buffer[stop] != _COMMA:
            stop += 1
        if number == alt:
            return begin, stop
        if stop == end:
            return np.int64(-1), np.int64(-1)
        number += 1
        begin = stop + 1


@kernel
def put_allele(
    buffer: Any, position: int, places: Any, alt: int, alt_end: int, number: int, sequence: Any, keys: Any, facts: Any,
    arena: Any, cursors: Any, scratch: Any,
) -> bool:  # fmt: skip
    """Enter the key of an ALT allele of a line, with its text where the key does not spell it; whether it has a row.

    places : ends of the line's columns    number : of the allele, from 1
    keys : (any, 2) uint64, key and digest    facts : (any, NUM_FACTS) int32    arena, scratch : uint8
    """
    ref, ref_end = places[_POS + 1] + 1, places[_REF]
    at = cursors[NUM_ALLELES]
    length, svlen = ref_end - ref, np.int64(NO_NUMBER)
    if buffer[alt] == _LESS:
        info, info_end = places[_FILTER] + 1, places[_INFO]
        length = _length(buffer, info, info_end, position, length)
        svlen = _svlen(buffer, info, info_end, number)
    key, digest, refs, alts = one_key(
        buffer, position, length, svlen, ref, ref_end, alt, alt_end, sequence, scratch
    )  # fmt: skip
    if (np.int64(key) >> 29) & 7 == 7:
        return False
    keys[at, 0], keys[at, 1] = key, digest
    facts[at, NUM_REF], facts[at, NUM_ALT], facts[at, TEXT], facts[at, LENGTH] = refs, alts, -1, refs
    if buffer[alt] == _LESS:
        facts[at, LENGTH] = 0 if length == ref_end - ref and svlen == NO_NUMBER else length
    if digest != np.uint64(0):
        used = cursors[USED_TEXT]
        for i in range(refs + 1 + alts):
            arena[used + i] = scratch[i]
        facts[at, TEXT] = used
        cursors[USED_TEXT] = used + refs + 1 + alts
    return True


@kernel
def _is_block(buffer: Any, places: Any, form: int, form_end: int, call: int, call_end: int) -> int:
    """Positions of a reference block: its only ALT is ``<NON_REF>`` or ``<*>``, and it has LEN or END; 0 of others."""
    alt, alt_end = places[_REF] + 1, places[_ALT]
    non_ref = alt_end - alt == 9 and buffer[alt] == _LESS and buffer[alt + 1] == 78 and buffer[alt + 4] == 95
    if not non_ref and not (alt_end - alt == 3 and buffer[alt] == _LESS and buffer[alt + 1] == 42):
        return 0
    length = _subfield(buffer, form, form_end, call, call_end, _LEN)
    if length > 0:
        return length
    info, info_end = places[_FILTER] + 1, places[_INFO]
    begin, _ = _info(buffer, info, info_end, _END)
    if begin < 0:
        return 0
    position = _number(buffer, places[_CHROM] + 1, places[_POS])
    return _length(buffer, info, info_end, position, places[_REF] - places[_POS + 1] - 1)


@kernel
def _put_reference(
    buffer: Any, position: int, places: Any, call: int, call_end: int, min_ref_gq: int, stretches: Any, cursors: Any
) -> None:
    """Enter where a call of reference alleles alone says that the person is reference."""
    form, form_end = places[_INFO] + 1, places[_FORMAT]
    cursors[NUM_REFERENCE] += 1
    length, kind = _is_block(buffer, places, form, form_end, call, call_end), BLOCK
    if length == 0:
        length, kind = places[_REF] - places[_POS + 1] - 1, RECORD
    elif not _sure(buffer, form, form_end, call, call_end, min_ref_gq):
        cursors[NUM_UNSURE] += 1
        return
    at = cursors[NUM_STRETCHES]
    stretches[at, 0], stretches[at, 1], stretches[at, 2] = position - 1, position - 1 + length, kind
    cursors[NUM_STRETCHES] = at + 1


@kernel
def line_columns(buffer: Any, at: int, end: int, column: int, is_last: bool, places: Any) -> Any:
    """As ``_columns``, with the status of the line: DONE, or why it cannot be read, or NEED_ROOM: it is not whole.

    is_last : no column may stand behind it

    Returns status, position and where the line ends.
    """
    found, line_end = _columns(buffer, at, end, column, places)
    if line_end == -2:
        return NEED_ROOM, 0, at
    if found == 0 and (line_end == at or (line_end == at + 1 and buffer[at] == _RETURN)):
        return BLANK_LINE, 0, at
    if found < 7 or found < column or (is_last and found > column):
        return BAD_COLUMNS, found + 1, at
    while line_end < 0:  # the column is not the last
        last = places[10]
        while last < end and line_end < 0:
            mask = byte_mask64(buffer, last, _NEWLINE)
            if mask != np.uint64(0):
                line_end = last + np.int64(trailing_zeros(mask))
            last += 64
        if line_end < 0 or line_end >= end:
            return NEED_ROOM, 0, at
    if places[10] == line_end and line_end > at and buffer[line_end - 1] == _RETURN:
        places[10] -= 1
    position = _number(buffer, places[_CHROM] + 1, places[_POS])
    if position < 0 or position > _MAX_POSITION or not _ZERO <= buffer[places[_CHROM] + 1] <= _NINE:
        return BAD_POSITION, 0, at
    if places[_CHROM] == at or places[_REF] - places[_ID] < 2 or places[_ALT] - places[_REF] < 2:
        return BAD_TEXT, 0, at
    return DONE, position, line_end


@kernel
def scan_person(
    buffer: Any, begin: int, end: int, column: int, is_last: bool, chrom: Any, sequence: Any, min_ref_gq: int,
    keys: Any, facts: Any, arena: Any, stretches: Any, cursors: Any, scratch: Any, fault: Any,
) -> Any:  # fmt: skip
    """Read the whole lines of ``buffer[begin:end]`` that are of one contig; return (status, bytes consumed up to).

    buffer : uint8, with 64 readable bytes behind ``end``    column : the person's, from 0, at least 9
    is_last : no column may stand behind it
    chrom : the contig's name; NEW_CONTIG is returned at the first line of another
    sequence : uint8, the contig in upper case; of size 0: alleles are trimmed only
    keys, facts : of the alleles, as of ``put_allele``
    arena : uint8    stretches : (any, 3) int64: 0-based start and end where the person is reference, RECORD or BLOCK
    cursors : (NUM_CURSORS,) int64    scratch : uint8, 64 bytes longer than the buffer    fault : (2,) int64
    """
    # One loop without calls for the common line (a short one, of a diploid call and a single base): a call that passes
    # arrays counts references to them, which takes as long as all the rest.
    places = np.empty(11, np.int64)
    codes = np.empty(MOST_ALLELES, np.int64)
    name = chrom.size
    at = begin
    while at < end:
        if cursors[NUM_ALLELES] + MOST_ALLELES > keys.shape[0] or cursors[NUM_STRETCHES] == stretches.shape[0]:
            return NEED_ROOM, at
        found, line_end, window = 0, np.int64(-1), at
        while window < end and found < column and line_end < 0:
            tabs, ends = byte_mask64(buffer, window, _TAB), byte_mask64(buffer, window, _NEWLINE)
            if ends != np.uint64(0):
                last = np.int64(trailing_zeros(ends))
                line_end = window + last
                tabs &= (np.uint64(1) << np.uint64(last)) - np.uint64(1)
            while tabs != np.uint64(0) and found < column:
                if found < 9:
                    places[found] = window + np.int64(trailing_zeros(tabs))
                tabs &= tabs - np.uint64(1)
                found += 1
            window += 64
        short = found == 9 and column == 9 and line_end >= 0 and line_end < end
        call, call_end, position = places[8] + 1, line_end, np.int64(0)
        if short:
            size = places[_POS] - places[_CHROM] - 1
            short = 0 < size < 10
            for i in range(places[_CHROM] + 1, places[_POS]):
                digit = np.int64(buffer[i]) - _ZERO
                short &= 0 <= digit <= 9
                position = position * 10 + digit
            short &= places[_REF] - places[_ID] >= 2 and places[_ALT] - places[_REF] >= 2
            if buffer[call_end - 1] == _RETURN:
                call_end -= 1
            for i in range(call, call_end):
                short &= buffer[i] != _TAB
            short &= places[_CHROM] > at
        if not short:
            status, position, line_end = line_columns(buffer, at, end, column, is_last, places)
            if status == NEED_ROOM:
                return DONE, at
            if status != DONE:
                fault[0] = position
                return status, at
            call, call_end = places[9], places[10]
        same = places[_CHROM] - at == name
        for i in range(name):
            same = same and buffer[at + i] == chrom[i]
        if not same:
            return NEW_CONTIG, at
        if cursors[USED_TEXT] + MOST_ALLELES * (places[_ALT] - places[_POS + 1] + 4) > arena.size:
            return NEED_ROOM, at
        form, form_end = places[_INFO] + 1, places[_FORMAT]
        num = 0
        if (
            call_end - call >= 3 and form_end - form >= 2 and buffer[form] == 71 and buffer[form + 1] == 84
            and (form_end - form == 2 or buffer[form + 2] == _COLON)
            and (call_end - call == 3 or buffer[call + 3] == _COLON)
            and (buffer[call + 1] == _SLASH or buffer[call + 1] == _BAR)
        ):  # fmt: skip
            codes[0], codes[1] = np.int64(buffer[call]) - _ZERO, np.int64(buffer[call + 2]) - _ZERO
            num = 2 if 0 <= codes[0] <= 9 and 0 <= codes[1] <= 9 else 0
        if num == 0:
            num = _genotype(buffer, form, form_end, call, call_end, codes)
        if num < 0:
            return BAD_CALL, at
        missing, highest = 0, np.int64(0)
        for i in range(num):
            missing += codes[i] < 0
            highest = max(highest, codes[i])
        if num == 0:
            cursors[NUM_WITHOUT_GT] += 1
        elif missing == num:
            cursors[NUM_MISSING] += 1
        elif missing > 0:
            cursors[NUM_HALF] += 1
        else:
            cursors[NUM_CALLED] += 1
            if highest == 0:
                _put_reference(buffer, position, places, call, call_end, min_ref_gq, stretches, cursors)
        for i in range(num):
            code, copies, new = codes[i], 0, True
            for k in range(num):
                copies += codes[k] == code
                new = new and not (k < i and codes[k] == code)
            if code <= 0 or not new:
                continue
            allele = cursors[NUM_ALLELES]
            ref, alt, alt_end = places[_POS + 1] + 1, places[_REF] + 1, places[_ALT]
            single = places[_REF] - ref == 1 and alt_end - alt == 1 and code == 1
            a, b = np.int64(buffer[ref]) & 0xDF, np.int64(buffer[alt]) & 0xDF
            if single and (a == 65 or a == 67 or a == 71 or a == 84) and (b == 65 or b == 67 or b == 71 or b == 84):
                bases = _TWO_BITS[b] << 2 | _TWO_BITS[a]
                keys[allele, 0] = np.uint64(position) << np.uint64(32) | _SINGLE | np.uint64(bases)
                keys[allele, 1] = np.uint64(0)
                facts[allele, NUM_REF], facts[allele, NUM_ALT], facts[allele, TEXT] = 1, 1, -1
                facts[allele, LENGTH] = 1
            else:
                alt, alt_end = _alt_of(buffer, alt, alt_end, code)
                if alt < 0:
                    fault[0] = code
                    return BAD_ALLELE, at
                if alt == alt_end:
                    return BAD_TEXT, at
                if not put_allele(
                    buffer, position, places, alt, alt_end, code, sequence, keys, facts, arena, cursors, scratch
                ):  # fmt: skip
                    cursors[NUM_STAND_INS] += 1
                    continue
            facts[allele, RECORD_OF], facts[allele, ALT_OF] = cursors[NUM_RECORDS], code
            facts[allele, ZYGOSITY] = HET if copies < num else (HEMI if num == 1 else HOM)
            facts[allele, WHOLE] = missing == 0
            cursors[NUM_ALLELES] = allele + 1
        cursors[NUM_RECORDS] += 1
        at = line_end + 1
    return DONE, at
