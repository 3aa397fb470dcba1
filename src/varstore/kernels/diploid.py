"""Diploid calls as bit planes over samples: heterozygous, homozygous ALT, missing; and planes turned by 90 degrees."""

from typing import Any

import numpy as np

from .intrinsics import trailing_zeros
from .jit import kernel
from .lists import read_list
from .planes import BAD_LIST, EVEN_BITS, OK
from .rows import EMPTY, FLIPPED, FORM_MASK, PLANE

HET, HOM_ALT, MISSING_CALL = range(3)
# Codes of entries of lists.
ONE_COPY, TWO_COPIES, NO_CALL = 1, 2, 3


@kernel
def _even_bits(word: Any) -> Any:
    """The bits 0, 2, ... 62 of a word, together as its low 32."""
    word &= EVEN_BITS
    word = (word | (word >> np.uint64(1))) & np.uint64(0x3333333333333333)
    word = (word | (word >> np.uint64(2))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    word = (word | (word >> np.uint64(4))) & np.uint64(0x00FF00FF00FF00FF)
    word = (word | (word >> np.uint64(8))) & np.uint64(0x0000FFFF0000FFFF)
    return (word | (word >> np.uint64(16))) & np.uint64(0x00000000FFFFFFFF)


@kernel
def _load_set(
    form: Any, length: Any, at: Any, lists: Any, dense_row: Any, dense_planes: Any, bits: int, row: int, indexes: Any,
    out: Any,
) -> int:  # fmt: skip
    """Write a row's set as a plane; return a status."""
    if form[row] & FORM_MASK >= PLANE:
        plane = dense_planes[np.searchsorted(dense_row, row)]
        for w in range(plane.size):
            out[w] = plane[w]
        return OK
    for w in range(out.size):
        out[w] = np.uint64(0)
    if form[row] & FORM_MASK == EMPTY:
        return OK
    num = np.int64(length[row])
    if not read_list(lists, at[row], num, bits, indexes):
        return BAD_LIST
    for i in range(num):
        index = np.uint64(indexes[i])
        out[index >> np.uint64(6)] |= np.uint64(1) << (index & np.uint64(63))
    return OK


@kernel
def alt_calls(
    form: Any, length: Any, at: Any, lists: Any, dense_row: Any, dense_planes: Any, samples: int, rows: Any,
    indexes: Any, haplotypes: Any, out: Any,
) -> int:  # fmt: skip
    """Write heterozygous and homozygous ALT calls of some rows of diploid calls of two alleles; return a status.

    form, length, at, lists, dense_row : of ALT    dense_planes : from ``planes.materialise``
    rows : int64, ascending    indexes : uint16 scratch    haplotypes : uint64 scratch, a word more than a plane has
    out : (rows, 3, words over samples) uint64; missing calls stand in ``out[:, 2]`` already
    """
    bits, words = 2 * samples, out.shape[2]
    for i in range(rows.size):
        row = rows[i]
        het, hom, missing = out[i, HET], out[i, HOM_ALT], out[i, MISSING_CALL]
        if form[row] == EMPTY:
            het[:] = np.uint64(0)
            hom[:] = np.uint64(0)
            continue
        plane = haplotypes[: (bits + 63) >> 6]
        status = _load_set(form, length, at, lists, dense_row, dense_planes, bits, row, indexes, plane)
        if status != OK:
            return status
        haplotypes[plane.size :] = np.uint64(0)
        flipped = form[row] & FLIPPED != 0
        for w in range(words):
            low, high = haplotypes[2 * w], haplotypes[2 * w + 1]
            low2, high2 = low >> np.uint64(1), high >> np.uint64(1)
            het[w] = _even_bits(low ^ low2) | (_even_bits(high ^ high2) << np.uint64(32))
            if flipped:
                some = _even_bits(low | low2) | (_even_bits(high | high2) << np.uint64(32))
                hom[w] = ~(some | missing[w])
            else:
                hom[w] = _even_bits(low & low2) | (_even_bits(high & high2) << np.uint64(32))
        if flipped and samples & 63:
            hom[words - 1] &= (np.uint64(1) << np.uint64(samples & 63)) - np.uint64(1)
    return OK


@kernel
def missing_calls(
    form: Any, length: Any, at: Any, lists: Any, dense_row: Any, dense_planes: Any, samples: int, rows: Any,
    indexes: Any, out: Any,
) -> int:  # fmt: skip
    """Write the missing calls of some rows to ``out[:, 2]``; arguments as of ``alt_calls``, the set MISSING's."""
    for i in range(rows.size):
        status = _load_set(
            form, length, at, lists, dense_row, dense_planes, samples, rows[i], indexes, out[i, MISSING_CALL]
        )
        if status != OK:
            return status
    return OK


@kernel
def calls_of_codes(codes: Any, to: Any, out: Any) -> None:
    """Write the calls of decoded rows: those of two alleles, 0 or 1 each; all others are missing.

    codes : (rows, samples, ploidy) int16    to : (rows,) int64 into the rows of ``out``, as of ``alt_calls``
    """
    for row in range(codes.shape[0]):
        out[to[row]] = np.uint64(0)
        for sample in range(codes.shape[1]):
            num, copies, good = 0, np.int64(0), True
            for h in range(codes.shape[2]):
                code = np.int64(codes[row, sample, h])
                if code == -2:
                    continue
                num += 1
                copies += code
                good = good and (code == 0 or code == 1)
            which = np.int64(MISSING_CALL)
            if good and num == 2:
                which = copies - 1
            if which >= 0:
                bit = np.uint64(1) << np.uint64(sample & 63)
                # One copy is heterozygous, two homozygous.
                out[to[row], which, sample >> 6] |= bit


@kernel
def put_people(calls: Any, to: Any, column: Any, offset: int, het: Any, hom_alt: Any, missing: Any) -> None:
    """Put calls of samples of a block into planes over the people who are asked for.

    calls : (rows, 3, words)    to : (rows,) int64 into the rows of the planes
    column : (samples,) int64, which person each sample is, or -1
    offset : the first of them, where they are all asked for and follow one another; else -1
    het, hom_alt, missing : (sites, words) uint64; of the samples' people, all are missing or none
    """
    samples = column.size
    asked = np.zeros(missing.shape[1], np.uint64)
    for sample in range(samples):
        if column[sample] >= 0:
            asked[column[sample] >> 6] |= np.uint64(1) << np.uint64(column[sample] & 63)
    for i in range(to.size):
        for which in range(3):
            target = het[to[i]] if which == HET else (hom_alt[to[i]] if which == HOM_ALT else missing[to[i]])
            source = calls[i, which]
            if offset >= 0:
                _put_run(source, samples, offset, which == MISSING_CALL, target)
                continue
            if which == MISSING_CALL:
                for w in range(asked.size):
                    target[w] &= ~asked[w]
            for w in range(source.size):
                word = source[w]
                while word != np.uint64(0):
                    person = column[64 * w + np.int64(trailing_zeros(word))]
                    if person >= 0:
                        target[person >> 6] |= np.uint64(1) << np.uint64(person & 63)
                    word &= word - np.uint64(1)


@kernel
def _put_run(source: Any, samples: int, offset: int, clear: bool, target: Any) -> None:
    """Put the bits of a plane, behind one another, at bit ``offset`` of another; ``clear`` what stood there."""
    at, shift = offset >> 6, np.uint64(offset & 63)
    for w in range(source.size):
        left = samples - 64 * w
        valid = ~np.uint64(0) if left >= 64 else (np.uint64(1) << np.uint64(left)) - np.uint64(1)
        word = source[w] & valid
        if clear:
            target[at + w] &= ~(valid << shift)
        target[at + w] |= word << shift
        if shift != np.uint64(0) and left > 64 - np.int64(shift):
            rest = np.uint64(64) - shift
            if clear:
                target[at + w + 1] &= ~(valid >> rest)
            target[at + w + 1] |= word >> rest


@kernel
def put_lists(
    alt_form: Any, alt_length: Any, alt_at: Any, alt_lists: Any, missing_form: Any, missing_length: Any,
    missing_at: Any, missing_lists: Any, rows: Any, to: Any, column: Any, alt_indexes: Any, missing_indexes: Any,
    cursor: Any, person: Any, code: Any,
) -> int:  # fmt: skip
    """Append carriers and missing calls of rows whose sets are lists, or empty, to the lists of sites; return a status.

    rows : int64, of the block, none of them flipped    to : (rows,) int64 into ``cursor``
    column : (samples,) int64, which person each sample is, rising, or -1
    alt_indexes, missing_indexes : uint16 scratch
    cursor : (sites,) int64, where the next entry of each site goes in ``person`` and ``code``; moved on
    """
    samples = column.size
    for i in range(rows.size):
        row, at = rows[i], cursor[to[i]]
        carriers, lost = 0, 0
        if alt_form[row] != EMPTY:
            carriers = np.int64(alt_length[row])
            if not read_list(alt_lists, alt_at[row], carriers, 2 * samples, alt_indexes):
                return BAD_LIST
        if missing_form[row] != EMPTY:
            lost = np.int64(missing_length[row])
            if not read_list(missing_lists, missing_at[row], lost, samples, missing_indexes):
                return BAD_LIST
        a, b = 0, 0
        while a < carriers or b < lost:
            carrier = np.int64(alt_indexes[a]) >> 1 if a < carriers else samples
            if b < lost and np.int64(missing_indexes[b]) <= carrier:
                # Nobody is missing and a carrier; of what says so, which no writer makes, missing holds.
                a += carrier == np.int64(missing_indexes[b])
                who, what = column[np.int64(missing_indexes[b])], NO_CALL
                b += 1
            else:
                both = a + 1 < carriers and np.int64(alt_indexes[a + 1]) >> 1 == carrier
                who, what = column[carrier], (TWO_COPIES if both else ONE_COPY)
                a += 2 if both else 1
            if who >= 0:
                person[at] = who
                code[at] = what
                at += 1
        cursor[to[i]] = at
    return OK


@kernel
def alt_is_rarer(first: Any, num: Any, code: Any, people: int, out: Any) -> None:
    """Whether no more than half of the alleles in each list are ALT; out : (lists,) bool."""
    for i in range(first.size):
        copies, called = np.int64(0), np.int64(people)
        for k in range(first[i], first[i] + num[i]):
            copies += np.int64(code[k]) if code[k] != NO_CALL else 0
            called -= code[k] == NO_CALL
        out[i] = copies <= called


@kernel
def move_entries(
    first: Any, num: Any, person: Any, code: Any, sites: Any, start: Any, out_person: Any, out_code: Any
) -> None:
    """Copy the entries of some lists to where they stand among others.

    first, num : (lists,) int64 into ``person``, ``code``    sites : (lists,) int64 into ``start``, of the output
    """
    for i in range(sites.size):
        at = start[sites[i]]
        for k in range(num[i]):
            out_person[at + k] = person[first[i] + k]
            out_code[at + k] = code[first[i] + k]


@kernel
def count_codes(start: Any, code: Any, out: Any) -> None:
    """Add each list's entries by code. start : (lists + 1,) int64    code : uint8, 1 to 3    out : (lists, 3) int64"""
    for row in range(out.shape[0]):
        for k in range(start[row], start[row + 1]):
            out[row, code[k] - 1] += 1


@kernel
def put_entries(
    het: Any, hom_alt: Any, missing: Any, people: int, flipped: Any, start: Any, person: Any, code: Any
) -> None:
    """Write planes as lists of the rarer allele.

    het, hom_alt, missing : (sites, words) uint64    flipped : (sites,) bool, REF is the rarer allele
    start : (sites + 1,) int64 into ``person``, ``code``
    """
    for i in range(flipped.size):
        at = start[i]
        for w in range(het.shape[1]):
            two = hom_alt[i, w]
            if flipped[i]:
                left = people - 64 * w
                if left <= 0:
                    break
                valid = ~np.uint64(0) if left >= 64 else (np.uint64(1) << np.uint64(left)) - np.uint64(1)
                two = valid & ~(het[i, w] | hom_alt[i, w] | missing[i, w])
            word = het[i, w] | two | missing[i, w]
            while word != np.uint64(0):
                bit = word & (~word + np.uint64(1))
                person[at] = 64 * w + np.int64(trailing_zeros(word))
                code[at] = ONE_COPY if het[i, w] & bit else (TWO_COPIES if two & bit else NO_CALL)
                at += 1
                word ^= bit


@kernel
def transpose(planes: Any, first: int, end: int, out: Any) -> None:
    """Turn planes by 90 degrees: bit ``s`` of row ``p`` of ``out`` is bit ``p`` of row ``s`` of ``planes``.

    planes : (sites, words over people) uint64    out : (people, words over sites) uint64
    first, end : words over people that are turned, of all sites
    """
    tile = np.empty(64, np.uint64)
    sites, people = planes.shape[0], out.shape[0]
    for w in range(first, end):
        for v in range((sites + 63) >> 6):
            for i in range(64):
                tile[i] = planes[64 * v + i, w] if 64 * v + i < sites else np.uint64(0)
            _transpose_tile(tile)
            for i in range(min(64, people - 64 * w)):
                out[64 * w + i, v] = tile[i]


@kernel
def _transpose_tile(tile: Any) -> None:
    """Turn 64 words of 64 bits: halves change places, then quarters, and so on (Hacker's Delight, section 7-3)."""
    width, mask = 32, np.uint64(0x00000000FFFFFFFF)
    while width != 0:
        shift = np.uint64(width)
        k = 0
        while k < 64:
            swap = ((tile[k] >> shift) ^ tile[k + width]) & mask
            tile[k] ^= swap << shift
            tile[k + width] ^= swap
            k = (k + width + 1) & ~width
        width >>= 1
        mask ^= mask << np.uint64(width)
