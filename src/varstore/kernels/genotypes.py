"""GT of one line of VCF text: its calls as sets of a row.

GT-only diploid calls of one digit are 4 bytes, read 16 at a time; what differs from the line's plain pattern is looked
at alone. Any other line is read call by call.
"""

from typing import Any

import numpy as np

from .calls import add_odd
from .intrinsics import byte_mask64, call_bits32, odd_calls16, pack_bits, popcount, trailing_zeros
from .jit import kernel
from .lines import find_tab
from .outcomes import BAD_ALLELE, BAD_CALL, BAD_COLUMNS, DONE, NEED_PLOIDY

# The cursor of calls whose phase is not their row's, behind those of ``rows``.
USED_PHASE = 3
MAX_CODE = 32767

_TAB, _ZERO, _ONE = np.uint8(9), np.uint8(48), np.uint8(49)
_COLON, _DOT, _PIPE, _SLASH = 58, 46, 124, 47
_NEAR = 256
_IN_SIGHT = np.uint64((1 << 61) - 1)


@kernel
def index_of_gt(buffer: Any, begin: int, end: int) -> int:
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
def add_call(
    sample: int, code0: int, code1: int, plane32: Any, exceptions: Any, num_exceptions: Any, other_codes: Any
) -> None:
    """Enter a call of the fast paths; both its bits of the plane are set or cleared. Code -2: it has one allele."""
    word, shift = sample >> 4, np.uint32((sample & 15) * 2)
    bits = np.uint32(1 if code0 == 1 else 0) | np.uint32(2 if code1 == 1 else 0)
    plane32[word] = (plane32[word] & ~(np.uint32(3) << shift)) | (bits << shift)
    if code0 == -1 and code1 == -1:
        exceptions[0, num_exceptions[0]] = sample
        num_exceptions[0] += 1
        return
    for h in range(2):
        code = code0 if h == 0 else code1
        if code < 0:
            which = -code  # HALF, FILL
            exceptions[which, num_exceptions[which]] = sample * 2 + h
            num_exceptions[which] += 1
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
def scan_plain(
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
            add_call(sample, code0, code1, plane32, exceptions, num_exceptions, other_codes)
            if between != separator:
                phase[phase_at + num_phase] = sample
                num_phase += 1
    return num_phase


@kernel
def _first_separator(buffer: Any, begin: int, end: int) -> int:
    """What separates the alleles of a line's first call of several; ``/`` where none is near."""
    for at in range(begin, min(end, begin + _NEAR)):
        if buffer[at] == _PIPE or buffer[at] == _SLASH:
            return np.int64(buffer[at])
    return _SLASH


@kernel
def _put_bits(plane: Any, bit: Any, part: Any, num_bits: Any) -> None:
    """Set the bits of ``part``, fewer than 64, from ``bit`` on. Unsigned indexes are not looked at for their sign."""
    word, shift = bit >> np.uint64(6), bit & np.uint64(63)
    plane[word] |= part << shift
    if shift + num_bits > np.uint64(64):
        plane[word + np.uint64(1)] |= part >> (np.uint64(64) - shift)


@kernel
def _scan_simple(
    buffer: Any, begin: int, end: int, first: int, num_samples: int, separator: int, starts: Any, word_starts: Any,
    plane: Any, exceptions: Any, num_exceptions: Any, phased: Any,
) -> tuple[int, int]:  # fmt: skip
    """Read diploid calls of 0 and 1, or missing, with fields or a tab behind them, from sample ``first`` on.

    Stops at a call of another form, and before the last call of the line; returns its sample and where it begins,
    behind ``end`` if it does not.

    separator : what ``phased`` was filled for    Other arguments as of ``scan_general``
    """
    sample, block = first, 0
    # Where the block ends, and where the bits of a sample before all others would be.
    block_end, base = np.int64(0), np.int64(0)
    usual = np.uint8(separator)
    unusual = np.uint8(_SLASH if separator == _PIPE else _PIPE)
    # Calls that begin in 61 bytes at a time, by masks of 64: a call's first four bytes have to be in sight.
    window, carry = begin, np.uint64(1)
    while window <= end:
        tabs = byte_mask64(buffer, window, _TAB)
        begins = ((tabs << np.uint64(1)) | carry) & _IN_SIGHT
        carry = (tabs >> np.uint64(60)) & np.uint64(1)
        if end - window < 60:
            begins &= (np.uint64(2) << np.uint64(end - window)) - np.uint64(1)
        if begins == np.uint64(0):
            window += 61
            continue
        ones = byte_mask64(buffer, window, _ONE)
        known = ones | byte_mask64(buffer, window, _ZERO)
        known &= known >> np.uint64(2)
        separators = byte_mask64(buffer, window, usual)
        behind = begins & ((tabs | byte_mask64(buffer, window, np.uint8(_COLON))) >> np.uint64(3))
        simple = behind & known & (separators >> np.uint64(1))
        missing, others = np.uint64(0), np.uint64(0)
        if simple != begins:  # seldom
            missing = byte_mask64(buffer, window, np.uint8(_DOT))
            missing &= missing >> np.uint64(2)
            others = byte_mask64(buffer, window, unusual)
            simple = behind & (known | missing) & ((separators | others) >> np.uint64(1))
        # The first call that is not to be read here.
        stop = begins & ~simple
        left = num_samples - 1 - sample
        if np.int64(popcount(begins)) > left:
            last = begins
            for _ in range(left):
                last &= last - np.uint64(1)
            stop |= last
        stop &= ~stop + np.uint64(1)
        if stop != np.uint64(0):
            begins &= stop - np.uint64(1)
        num = np.int64(popcount(begins))
        codes = pack_bits(ones, begins | (begins << np.uint64(2)))
        done = 0
        while done < num:
            while sample + done >= block_end:
                base = word_starts[block] * 64 - starts[block] * 2
                block += 1
                block_end = starts[block]
            here = min(num - done, block_end - sample - done)
            num_bits = np.uint64(2 * here)
            part = codes & ((np.uint64(1) << num_bits) - np.uint64(1))
            _put_bits(plane, np.uint64(base + 2 * (sample + done)), part, num_bits)
            codes >>= num_bits
            done += here
        rest = missing & begins
        while rest != np.uint64(0):
            lowest = rest & (~rest + np.uint64(1))
            exceptions[0, num_exceptions[0]] = sample + np.int64(popcount(begins & (lowest - np.uint64(1))))
            num_exceptions[0] += 1
            rest ^= lowest
        rest = (others >> np.uint64(1)) & begins
        while rest != np.uint64(0):
            lowest = rest & (~rest + np.uint64(1))
            phased[sample + np.int64(popcount(begins & (lowest - np.uint64(1))))] ^= np.uint8(1)
            rest ^= lowest
        sample += num
        if stop != np.uint64(0):
            return sample, window + np.int64(trailing_zeros(stop))
        window += 61
    return sample, end + 1


@kernel
def scan_general(
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
    simple = ploidy == 2 and gt_index == 0 and num_alts > 0
    separator = _SLASH
    if simple:
        separator = _first_separator(buffer, begin, end)
        phased[:num_samples] = np.uint8(1 if separator == _PIPE else 0)
    sample = -1
    while True:
        sample += 1
        if simple and (buffer[at + 1] == _PIPE or buffer[at + 1] == _SLASH):
            sample, at = _scan_simple(
                buffer, at, end, sample, num_samples, separator, starts, word_starts, plane, exceptions,
                num_exceptions, phased,
            )  # fmt: skip
        if sample == num_samples:
            break
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
        if gt_index < 0:
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
                        if code > MAX_CODE:
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
            found = find_tab(buffer, at, end)
            at = end if found < 0 else found
        at += 1
    fault[0] = num_samples
    return DONE if at == end + 1 else BAD_COLUMNS


@kernel
def put_phase(phased: Any, num_samples: int, phase: Any, cursors: Any) -> int:
    """Append the samples whose phase is not the row's commoner one; return that one."""
    num = 0
    for sample in range(num_samples):
        num += phased[sample]
    default = 1 if 2 * num >= num_samples else 0
    if num == 0 or num == num_samples:
        return default
    at = cursors[USED_PHASE]
    for sample in range(num_samples):
        if phased[sample] != default:
            phase[at] = sample
            at += 1
    cursors[USED_PHASE] = at
    return default
