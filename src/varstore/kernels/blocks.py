"""Sets of a chunk to streams and back: list deltas, planes, and XOR between planes.

A row whose set is a plane is stored as the XOR with up to three of the 255 planes before it in the
block, taken one after another as long as each leaves fewer bits: ``reference`` says how many planes back
each is (0: none). What is left is a list or a plane. Carriers of a variant are a clade of the local
genealogy, and a clade is often the union or the difference of clades seen before.
"""

from typing import Any

import numpy as np

from .jit import kernel, popcount, trailing_zeros
from .rows import ALT, EMPTY, FILL, FLIPPED, FORM_MASK, HALF, LIST, MISSING, NUM_SETS, OTHER, PLANE

RING = 256  # planes kept: a reference reaches 255 back
NUM_REFERENCES = 3

# What a block that passed its checksums may still have wrong. 0 is right.
(OK, BAD_FORM, BAD_REFERENCE, BAD_LIST, BAD_PLANE, BAD_VALUE, BAD_LENGTH) = range(7)


@kernel
def set_words(which: int, samples: int, ploidy: int) -> int:
    """Words of a plane of set ``which`` in a block of ``samples``."""
    bits = samples if which == MISSING else samples * ploidy
    return (bits + 63) >> 6


@kernel
def _distance(a: Any, b: Any, limit: int) -> int:
    """Bits in which two planes differ; anything >= ``limit`` once that is reached."""
    total = np.int64(0)
    for begin in range(0, a.size, 128):
        a_part = a[begin : begin + 128]
        b_part = b[begin : begin + 128]
        for w in range(a_part.size):
            total += np.int64(popcount(a_part[w] ^ b_part[w]))
        if total >= limit:
            return total
    return total


@kernel
def _put_list(index: int, previous: int, at: int, low: Any, high: Any) -> None:
    delta = index - previous - 1
    low[at] = np.uint8(delta & 255)
    high[at] = np.uint8(delta >> 8)


@kernel
def _search(
    rest: Any, num_bits: int, planes: Any, recent: Any, recent_bits: Any, num_planes: int
) -> tuple[int, int]:
    """Which earlier plane leaves fewest bits of ``rest``: (planes back, bits left); 0 back: none helps.

    rest : (words,) uint64 with ``num_bits`` set
    recent, recent_bits : (256,) int64, offset in ``planes`` and set bits of the planes so far, a ring
    """
    best, back = num_bits, 0
    for d in range(1, min(num_planes, RING - 1) + 1):
        slot = (num_planes - d) & (RING - 1)
        # Two sets differ in at least as many bits as their sizes do.
        if abs(recent_bits[slot] - num_bits) >= best:
            continue
        other = recent[slot]
        distance = _distance(rest, planes[other : other + rest.size], best)
        if distance < best:
            best, back = distance, d
            if best == 0:
                break
    return back, best


@kernel
def encode_set(
    kind: Any,
    count: Any,
    lists: Any,
    planes: Any,
    sizes: Any,
    ploidy: int,
    block: int,
    which: int,
    residual_shift: int,
    form: Any,
    reference: Any,
    length: Any,
    low: Any,
    high: Any,
    out_planes: Any,
) -> tuple[int, int]:
    """Write one set of one block of a record block as streams; return (list entries, plane words).

    kind, count : (rows, blocks, 5)    lists, planes : the record block's arenas, read from their start
    sizes : (blocks,) int64, samples of each block
    form : (rows,) uint8; reference : (3, rows) uint8; length : (rows,) uint16
    low, high : uint8, with room for all lists and ``bits >> residual_shift`` entries a plane
    """
    bits = sizes[block] if which == MISSING else sizes[block] * ploidy
    words = (bits + 63) >> 6
    recent = np.zeros(RING, np.int64)
    recent_bits = np.zeros(RING, np.int64)
    rest = np.empty(words, np.uint64)
    num_planes = 0
    list_at, plane_at = 0, 0
    out_list, out_word = 0, 0
    for row in range(kind.shape[0]):
        for b in range(kind.shape[1]):
            for s in range(NUM_SETS):
                this = kind[row, b, s] & FORM_MASK
                mine = b == block and s == which
                if mine:
                    form[row] = kind[row, b, s]
                    reference[:, row] = 0
                    length[row] = 0
                if this == LIST:
                    num = count[row, b, s]
                    if mine:
                        length[row] = num
                        previous = -1
                        for i in range(num):
                            index = np.int64(lists[list_at + i])
                            _put_list(index, previous, out_list + i, low, high)
                            previous = index
                        out_list += num
                    list_at += num
                elif this == PLANE:
                    if mine:
                        rest[:] = planes[plane_at : plane_at + words]
                        left = np.int64(count[row, b, s])
                        recent[num_planes & (RING - 1)] = plane_at
                        recent_bits[num_planes & (RING - 1)] = left
                        referenced = False
                        for r in range(NUM_REFERENCES):
                            back, fewer = _search(rest, left, planes, recent, recent_bits, num_planes)
                            if back == 0:
                                break
                            base = recent[(num_planes - back) & (RING - 1)]
                            for w in range(words):
                                rest[w] ^= planes[base + w]
                            reference[r, row] = back
                            left = fewer
                            referenced = True
                        num_planes += 1
                        if referenced and (left << residual_shift) < bits:
                            form[row] = (kind[row, b, s] & FLIPPED) | LIST
                            length[row] = left
                            previous = -1
                            for w in range(words):
                                word = rest[w]
                                while word != np.uint64(0):
                                    index = w * 64 + np.int64(trailing_zeros(word))
                                    word &= word - np.uint64(1)
                                    _put_list(index, previous, out_list, low, high)
                                    previous = index
                                    out_list += 1
                        else:
                            out_planes[out_word : out_word + words] = rest
                            out_word += words
                    plane_at += set_words(s, sizes[b], ploidy)
    return out_list, out_word


@kernel
def materialise(
    form: int, reference: Any, row: int, length: int, low: Any, high: Any, planes: Any, bits: int, words: int,
    ring: Any, num_planes: int,
) -> int:  # fmt: skip
    """Write a row's plane into ``ring[num_planes % 256]``; return a status.

    reference : (3, rows) uint8, validated
    low, high : the row's own list entries    planes : the row's own words (LIST: not read)
    """
    target = ring[num_planes & (RING - 1)]
    if reference[0, row] > 0:
        target[:words] = ring[(num_planes - reference[0, row]) & (RING - 1)][:words]
    else:
        target[:words] = np.uint64(0)
    for r in range(1, NUM_REFERENCES):
        if reference[r, row] > 0:
            base = ring[(num_planes - reference[r, row]) & (RING - 1)]
            for w in range(words):
                target[w] ^= base[w]
    if form == LIST:
        index = np.int64(-1)
        for i in range(length):
            index += np.int64(low[i]) + (np.int64(high[i]) << 8) + 1
            if index >= bits:
                return BAD_LIST
            target[index >> 6] ^= np.uint64(1) << np.uint64(index & 63)
    else:
        for w in range(words):
            target[w] ^= planes[w]
        if bits & 63 and target[words - 1] >> np.uint64(bits & 63) != np.uint64(0):
            return BAD_PLANE
    return OK


@kernel
def row_indexes(
    form: int, reference: Any, row: int, length: int, low: Any, high: Any, planes: Any, bits: int, words: int,
    ring: Any, num_planes: int, indexes: Any,
) -> int:  # fmt: skip
    """Write a row's sorted indexes into ``indexes``; return how many, or minus a status."""
    num = 0
    if form == LIST and reference[0, row] == 0:
        index = np.int64(-1)
        for i in range(length):
            index += np.int64(low[i]) + (np.int64(high[i]) << 8) + 1
            if index >= bits:
                return -BAD_LIST
            indexes[num] = index
            num += 1
        return num
    status = materialise(form, reference, row, length, low, high, planes, bits, words, ring, num_planes)
    if status != OK:
        return -status
    plane = ring[num_planes & (RING - 1)]
    for w in range(words):
        word = plane[w]
        while word != np.uint64(0):
            indexes[num] = w * 64 + np.int64(trailing_zeros(word))
            num += 1
            word &= word - np.uint64(1)
    return num


@kernel
def check_forms(form: Any, reference: Any, length: Any, words: Any, list_size: Any, plane_size: Any) -> int:
    """Validate the row descriptions of all five sets against the stream sizes; return a status.

    form : (5, rows) uint8    reference : (5, 3, rows) uint8    length : (5, rows) uint16
    words : (5,) plane words
    list_size, plane_size : (5,) int64, entries of each list stream and words of each plane stream
    """
    for s in range(NUM_SETS):
        num_entries, num_words, num_planes = 0, 0, 0
        for row in range(form.shape[1]):
            this = form[s, row] & FORM_MASK
            if this > PLANE or form[s, row] > (FLIPPED | FORM_MASK) or (form[s, row] & FLIPPED and s != ALT):
                return BAD_FORM
            if this != LIST and length[s, row] != 0:
                return BAD_LENGTH
            if this == EMPTY and reference[s, 0, row] != 0:
                return BAD_REFERENCE
            for r in range(NUM_REFERENCES):
                if reference[s, r, row] > num_planes or (r > 0 and reference[s, r, row] and not reference[s, r - 1, row]):
                    return BAD_REFERENCE
            num_entries += length[s, row]
            if this == PLANE:
                num_words += words[s]
            num_planes += this == PLANE or reference[s, 0, row] > 0
        if num_entries != list_size[s] or num_words != plane_size[s]:
            return BAD_LENGTH
    return OK


@kernel
def next_indexes(
    row: int, which: int, form: Any, reference: Any, length: Any, low: Any, high: Any, planes: Any,
    samples: int, ploidy: int, at: Any, rings: Any, indexes: Any, wanted: bool,
) -> int:  # fmt: skip
    """Advance one set over ``row``; with ``wanted`` write its indexes. Return how many, or minus a status.

    at : (16,) int64 cursors: list entry, plane word and planes seen of each set, values used
    rings : (5, 64, words) uint64    indexes : (samples * ploidy,) int32
    """
    this = form[which, row] & FORM_MASK
    if this == EMPTY:
        return 0
    bits = samples if which == MISSING else samples * ploidy
    words = (bits + 63) >> 6
    size = np.int64(length[which, row])
    dense = this == PLANE or reference[which, 0, row] > 0
    begin, word = at[3 * which], at[3 * which + 1]
    num = 0
    if dense or wanted:
        num = row_indexes(
            this, reference[which], row, size, low[begin : begin + size], high[begin : begin + size],
            planes[word:], bits, words, rings[which], at[3 * which + 2], indexes,
        )  # fmt: skip
        if num < 0:
            return num
    at[3 * which] += size
    if this == PLANE:
        at[3 * which + 1] += words
    at[3 * which + 2] += dense
    return num


@kernel
def expand_row(
    row: int, form: Any, reference: Any, length: Any, low: Any, high: Any, planes: Any, values: Any,
    samples: int, ploidy: int, at: Any, rings: Any, indexes: Any, codes: Any, fill: bool,
) -> int:  # fmt: skip
    """Advance all five sets over ``row``; with ``fill`` write its codes too. Return a status.

    codes : (samples * ploidy,) int16, written if ``fill``; other arguments as in ``next_indexes``
    """
    if fill:
        codes[: samples * ploidy] = 1 if form[ALT, row] & FLIPPED else 0
    for s in range(NUM_SETS):
        num = next_indexes(
            row, s, form, reference, length, low, high, planes, samples, ploidy, at, rings, indexes,
            fill or s == OTHER,
        )  # fmt: skip
        if num < 0:
            return -num
        if s == OTHER and at[15] + num > values.size:
            return BAD_VALUE
        if fill:
            if s == MISSING:
                for i in range(num):
                    for h in range(ploidy):
                        codes[indexes[i] * ploidy + h] = -1
            elif s == OTHER:
                for i in range(num):
                    codes[indexes[i]] = values[at[15] + i]
            else:
                code = np.int16(-1 if s == HALF else -2)
                if s == ALT:
                    code = np.int16(0 if form[ALT, row] & FLIPPED else 1)
                for i in range(num):
                    codes[indexes[i]] = code
        if s == OTHER:
            at[15] += num
    return OK


@kernel
def expand_block(
    form: Any, reference: Any, length: Any, low: Any, high: Any, list_start: Any, planes: Any, plane_start: Any,
    values: Any, samples: int, ploidy: int, first_row: int, end_row: int, out: Any,
) -> int:  # fmt: skip
    """Decode rows ``first_row`` to ``end_row`` of a block into ``out``; return a status.

    out : (rows, samples, width) int8 or int16 with width >= ploidy; further haplotypes become -2
    """
    words = (samples * ploidy + 63) >> 6
    rings = np.zeros((NUM_SETS, RING, words), np.uint64)
    indexes = np.empty(samples * ploidy, np.int32)
    codes = np.empty(samples * ploidy, np.int16)
    at = np.zeros(16, np.int64)
    for s in range(NUM_SETS):
        at[3 * s] = list_start[s]
        at[3 * s + 1] = plane_start[s]
    for row in range(end_row):
        status = expand_row(
            row, form, reference, length, low, high, planes, values, samples, ploidy, at, rings, indexes, codes,
            row >= first_row,
        )  # fmt: skip
        if status != OK:
            return status
        if row >= first_row:
            target = out[row - first_row]
            for sample in range(samples):
                for h in range(ploidy):
                    target[sample, h] = codes[sample * ploidy + h]
                for h in range(ploidy, target.shape[1]):
                    target[sample, h] = -2
    if end_row == form.shape[1] and at[15] != values.size:
        return BAD_VALUE
    return OK


@kernel
def gather_values(count: Any, values: Any, block: int, out: Any) -> int:
    """Copy the allele codes of OTHER of one block out of a record block's arena; return how many."""
    at, num = 0, 0
    for row in range(count.shape[0]):
        for b in range(count.shape[1]):
            size = count[row, b, OTHER]
            if b == block:
                out[num : num + size] = values[at : at + size]
                num += size
            at += size
    return num
