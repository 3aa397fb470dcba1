"""Counting alleles and genotypes of cohorts straight on the streams of a block.

A row's set is met with a cohort's mask: a list tests one bit an entry, a plane ANDs and counts bits.
Alleles follow by arithmetic from how many members each set has; so do genotypes of haploid and
diploid rows that have no half calls, ploidy holes or further alleles. The other rows are expanded.
"""

from typing import Any

import numpy as np

from .blocks import BAD_LIST, BAD_VALUE, OK, RING, expand_row, materialise, next_indexes, row_indexes
from .jit import kernel, popcount, trailing_zeros
from .rows import ALT, EMPTY, FILL, FLIPPED, FORM_MASK, HALF, LIST, MISSING, NUM_SETS, OTHER, PLANE

# A mask covers every index a uint16 can hold, so that no list can reach past it.
MASK_WORDS = 1024
_EVEN = np.uint64(0x5555555555555555)


@kernel
def _member(mask: Any, index: int) -> int:
    return np.int64((mask[(index >> 6) & (MASK_WORDS - 1)] >> np.uint64(index & 63)) & np.uint64(1))


@kernel
def _hit_list(length: int, low: Any, high: Any, bits: int, mask: Any, want_pairs: bool) -> tuple[int, int]:
    """Members of a list in ``mask``, and how many of them are both haplotypes of a sample; -1: bad list."""
    hits, pairs = np.int64(0), np.int64(0)
    index = np.int64(-1)
    if want_pairs:
        for i in range(length):
            delta = np.int64(low[i]) + (np.int64(high[i]) << 8) + 1
            index += delta
            member = _member(mask, index)
            hits += member
            # Two neighbours, the second at an odd index: one sample's two haplotypes.
            if delta == 1 and index & 1:
                pairs += member
    else:
        for i in range(length):
            index += np.int64(low[i]) + (np.int64(high[i]) << 8) + 1
            hits += _member(mask, index)
    return (hits, pairs) if index < bits else (-1, 0)


@kernel
def _hit_plane(plane: Any, mask: Any, want_pairs: bool) -> tuple[int, int]:
    hits, pairs = np.int64(0), np.int64(0)
    for w in range(plane.size):
        hits += np.int64(popcount(plane[w] & mask[w]))
    if want_pairs:
        for w in range(plane.size):
            both = plane[w] & mask[w]
            pairs += np.int64(popcount(both & (both >> np.uint64(1)) & _EVEN))
    return hits, pairs


@kernel
def _count_hits(
    form: Any, reference: Any, length: Any, low: Any, high: Any, planes: Any, bits: int, first_row: int,
    masks: Any, ring: Any, hits: Any, pairs: Any, want_pairs: bool,
) -> int:  # fmt: skip
    """Meet every row of one set with every mask; return a status.

    form, length : (rows,) of this set; reference : (3, all rows)    low, high, planes : its streams
    hits, pairs : (cohorts, rows - first_row) int64, written
    """
    words = (bits + 63) >> 6
    at, word, num_planes = 0, 0, 0
    for row in range(form.size):
        this = form[row] & FORM_MASK
        if this == EMPTY:
            continue
        size = np.int64(length[row])
        if this == PLANE or reference[0, row] > 0:
            status = materialise(
                this, reference, row, size, low[at : at + size], high[at : at + size],
                planes[word:], bits, words, ring, num_planes,
            )  # fmt: skip
            if status != OK:
                return status
            if row >= first_row:
                plane = ring[num_planes & (RING - 1)]
                for k in range(masks.shape[0]):
                    hits[k, row - first_row], pairs[k, row - first_row] = _hit_plane(
                        plane, masks[k, :words], want_pairs
                    )
            num_planes += 1
            if this == PLANE:
                word += words
        elif row >= first_row:
            row_low, row_high = low[at : at + size], high[at : at + size]
            for k in range(masks.shape[0]):
                num, both = _hit_list(size, row_low, row_high, bits, masks[k], want_pairs)
                if num < 0:
                    return BAD_LIST
                hits[k, row - first_row], pairs[k, row - first_row] = num, both
        at += size
    return OK


@kernel
def _count_other(
    form: Any, reference: Any, length: Any, low: Any, high: Any, planes: Any, values: Any, bits: int,
    first_row: int, num_alts: Any, alt_start: Any, masks: Any, ring: Any, indexes: Any,
    allele_count: Any, negative: Any,
) -> int:  # fmt: skip
    """Add the members of further alleles to ``allele_count``, of odd negative codes to ``negative``."""
    words = (bits + 63) >> 6
    at, word, num_planes, used = 0, 0, 0, 0
    for row in range(form.size):
        this = form[row] & FORM_MASK
        if this == EMPTY:
            continue
        size = np.int64(length[row])
        num = row_indexes(
            this, reference, row, size, low[at : at + size], high[at : at + size], planes[word:],
            bits, words, ring, num_planes, indexes,
        )  # fmt: skip
        if num < 0:
            return -num
        if used + num > values.size:
            return BAD_VALUE
        if row >= first_row:
            out = row - first_row
            for i in range(num):
                code = np.int64(values[used + i])
                if code > num_alts[out] or code == 0 or code == 1:
                    return BAD_VALUE
                for k in range(masks.shape[0]):
                    member = _member(masks[k], indexes[i])
                    if code < 0:
                        negative[k, out] += member
                    else:
                        allele_count[k, alt_start[out] + code - 1] += member
        used += num
        at += size
        num_planes += this == PLANE or reference[0, row] > 0
        word += words if this == PLANE else 0
    return OK


@kernel
def _add_call(
    codes: Any, begin: int, ploidy: int, first_alt: int, n_hom_ref: Any, n_het: Any, n_hom_alt: Any, n_missing: Any
) -> None:
    """Add one sample's call to the genotype counts of a cohort (``semantics`` section 1).

    n_hom_ref, n_missing : (1,) of the row    n_het, n_hom_alt : (alleles,) of the cohort
    """
    missing = False
    num = 0
    first = np.int64(-1)
    same = True
    for h in range(ploidy):
        code = np.int64(codes[begin + h])
        if code == -2:
            continue
        if code < 0:
            missing = True
        elif num == 0:
            first = code
        else:
            same = same and code == first
        num += 1
    if missing or num == 0:
        n_missing[0] += 1
    elif same and first == 0:
        n_hom_ref[0] += 1
    elif same:
        n_hom_alt[first_alt + first - 1] += 1
    else:
        for h in range(ploidy):
            code = np.int64(codes[begin + h])
            if code <= 0:
                continue
            seen = False
            for g in range(h):
                seen = seen or codes[begin + g] == code
            if not seen:
                n_het[first_alt + code - 1] += 1


@kernel
def _count_states(
    ploidy: int, missing: Any, fill: Any, allele: Any, mask: Any
) -> tuple[int, int, int]:
    """People of a cohort who are called, homozygous and heterozygous for an allele, of haploid or diploid rows.

    allele : (words,) uint64, haplotypes of the allele    missing, fill : haplotypes of codes -1 and -2
    mask : the cohort's haplotypes
    """
    num_called, num_hom, num_het = np.int64(0), np.int64(0), np.int64(0)
    for w in range(allele.size):
        if ploidy == 1:
            called = mask[w] & ~missing[w] & ~fill[w]
            num_called += np.int64(popcount(called))
            num_hom += np.int64(popcount(called & allele[w]))
        else:
            first, second = allele[w], allele[w] >> np.uint64(1)
            no_first, no_second = fill[w], fill[w] >> np.uint64(1)
            called = mask[w] & _EVEN & ~(missing[w] | (missing[w] >> np.uint64(1))) & ~(no_first & no_second)
            hom = called & (first | no_first) & (second | no_second)
            num_called += np.int64(popcount(called))
            num_hom += np.int64(popcount(hom))
            num_het += np.int64(popcount(called & (first | second) & ~hom))
    return num_called, num_hom, num_het


@kernel
def _set_bits(indexes: Any, num: int, plane: Any) -> None:
    for i in range(num):
        plane[indexes[i] >> 6] |= np.uint64(1) << np.uint64(indexes[i] & 63)


@kernel
def _count_row_by_planes(
    row: int, form: Any, reference: Any, length: Any, low: Any, high: Any, planes: Any, values: Any,
    samples: int, ploidy: int, at: Any, rings: Any, indexes: Any, scratch: Any, wanted: bool, first_alt: int,
    masks: Any, n_hom_ref: Any, n_het: Any, n_hom_alt: Any, n_missing: Any, sample_masks: Any,
) -> int:  # fmt: skip
    """Advance over a haploid or diploid row, and if ``wanted`` add its genotype counts. Return a status.

    scratch : (5, words) uint64 planes    n_hom_ref, n_missing : (cohorts,) of the row
    n_het, n_hom_alt : (cohorts, alleles)
    """
    bits = samples * ploidy
    if wanted:
        scratch[:, :] = np.uint64(0)
    known, missing, fill, other, allele = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    num = 0
    for s in range(NUM_SETS):
        num = next_indexes(
            row, s, form, reference, length, low, high, planes, samples, ploidy, at, rings, indexes,
            wanted or s == OTHER,
        )  # fmt: skip
        if num < 0:
            return -num
        if not wanted:
            continue
        if s == ALT:
            _set_bits(indexes, num, known)
        elif s == MISSING:
            for i in range(num):
                for h in range(ploidy):
                    bit = indexes[i] * ploidy + h
                    missing[bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)
        elif s == HALF:
            _set_bits(indexes, num, missing)
        elif s == FILL:
            _set_bits(indexes, num, fill)
        else:
            _set_bits(indexes, num, other)
    used = at[15]
    if used + num > values.size:
        return BAD_VALUE
    at[15] += num
    if not wanted:
        return OK
    most = np.int64(1)
    for i in range(num):
        code = np.int64(values[used + i])
        most = max(most, code)
        if code < 0:
            missing[indexes[i] >> 6] |= np.uint64(1) << np.uint64(indexes[i] & 63)
    words = (bits + 63) >> 6
    flipped = form[ALT, row] & FLIPPED != 0
    # What is in no set has the row's default code; past the last haplotype no mask has a bit.
    for code in range(most + 1):
        if code > 1:
            found = False
            allele[:] = np.uint64(0)
            for i in range(num):
                if values[used + i] == code:
                    found = True
                    allele[indexes[i] >> 6] |= np.uint64(1) << np.uint64(indexes[i] & 63)
            if not found:
                continue
        elif (code == 0) == flipped:
            allele[:] = known
        else:
            for w in range(words):
                allele[w] = ~(known[w] | missing[w] | fill[w] | other[w])
        for k in range(masks.shape[0]):
            called, hom, het = _count_states(ploidy, missing, fill, allele, masks[k, :words])
            if code == 0:
                n_hom_ref[k] += hom
                people = np.int64(0)
                for w in range((samples + 63) >> 6):
                    people += np.int64(popcount(sample_masks[k, w]))
                n_missing[k] += people - called
            elif hom + het > 0:
                n_hom_alt[k, first_alt + code - 1] += hom
                n_het[k, first_alt + code - 1] += het
    return OK


@kernel
def _is_awkward(form: Any, row: int, ploidy: int) -> bool:
    return ploidy > 2 or (form[HALF, row] | form[FILL, row] | form[OTHER, row]) & FORM_MASK != EMPTY


@kernel
def count_block(
    form: Any, reference: Any, length: Any, low: Any, high: Any, list_start: Any, planes: Any, plane_start: Any,
    values: Any, samples: int, ploidy: int, first_row: int, end_row: int, num_alts: Any, alt_start: Any,
    sample_masks: Any, masks: Any, want_genotypes: bool, allele_count: Any, allele_number: Any,
    n_hom_ref: Any, n_het: Any, n_hom_alt: Any, n_missing: Any,
) -> int:  # fmt: skip
    """Add the counts of every cohort in rows ``first_row`` to ``end_row`` of an inner block.

    The block's arguments are those of ``codec.layout.BlockSets``, validated there.
    num_alts, alt_start : (rows,) int64 of the rows asked for: ALT alleles, and the first one's column
    sample_masks, masks : (cohorts, 1024) uint64 over samples, and over haplotypes
    allele_count, n_het, n_hom_alt : (cohorts, alleles) int64, added to
    allele_number, n_hom_ref, n_missing : (cohorts, rows) int64, added to
    The genotype counts are touched only if ``want_genotypes``. Returns a status.
    """
    cohorts = masks.shape[0]
    rows = end_row - first_row
    bits = samples * ploidy
    hits = np.zeros((NUM_SETS, cohorts, rows), np.int64)
    pairs = np.zeros((2, cohorts, rows), np.int64)
    negative = np.zeros((cohorts, rows), np.int64)
    ring = np.zeros((RING, (bits + 63) >> 6), np.uint64)
    indexes = np.empty(bits, np.int32)
    want_pairs = want_genotypes and ploidy == 2
    for s in range(NUM_SETS):
        status = _count_hits(
            form[s, :end_row], reference[s], length[s, :end_row], low[list_start[s] :],
            high[list_start[s] :], planes[plane_start[s] :], samples if s == MISSING else bits, first_row,
            sample_masks if s == MISSING else masks, ring, hits[s], pairs[0 if s == ALT else 1],
            want_pairs and s == ALT,
        )  # fmt: skip
        if status != OK:
            return status
    if values.size > 0:
        status = _count_other(
            form[OTHER, :end_row], reference[OTHER], length[OTHER, :end_row], low[list_start[OTHER] :],
            high[list_start[OTHER] :], planes[plane_start[OTHER] :], values, bits, first_row, num_alts, alt_start,
            masks, ring, indexes, allele_count, negative,
        )  # fmt: skip
        if status != OK:
            return status

    people = np.zeros(cohorts, np.int64)
    for k in range(cohorts):
        for w in range((samples + 63) >> 6):
            people[k] += np.int64(popcount(sample_masks[k, w]))
    awkward = False
    for row in range(rows):
        flipped = form[ALT, first_row + row] & FLIPPED != 0
        if num_alts[row] == 0 and form[ALT, first_row + row] != EMPTY:
            return BAD_VALUE
        aside = want_genotypes and _is_awkward(form, first_row + row, ploidy)
        awkward = awkward or aside
        for k in range(cohorts):
            own = hits[ALT, k, row]
            missing = hits[MISSING, k, row]
            gone = missing * ploidy + hits[HALF, k, row] + hits[FILL, k, row]
            alt = people[k] * ploidy - own - gone - hits[OTHER, k, row] if flipped else own
            allele_number[k, row] += people[k] * ploidy - gone - negative[k, row]
            if num_alts[row] > 0:
                allele_count[k, alt_start[row]] += alt
            if not want_genotypes or aside:
                continue
            het = own - 2 * pairs[0, k, row] if ploidy == 2 else 0
            hom = pairs[0, k, row] if ploidy == 2 else own
            rest = people[k] - missing - het - hom
            n_missing[k, row] += missing
            n_hom_ref[k, row] += hom if flipped else rest
            if num_alts[row] > 0:
                n_het[k, alt_start[row]] += het
                n_hom_alt[k, alt_start[row]] += rest if flipped else hom
    if not awkward:
        return OK

    rings = np.zeros((NUM_SETS, RING, (bits + 63) >> 6), np.uint64)
    scratch = np.zeros((5, (bits + 63) >> 6), np.uint64)
    codes = np.empty(bits, np.int16)
    at = np.zeros(16, np.int64)
    for s in range(NUM_SETS):
        at[3 * s] = list_start[s]
        at[3 * s + 1] = plane_start[s]
    for row in range(end_row):
        aside = row >= first_row and _is_awkward(form, row, ploidy)
        out = max(0, row - first_row)
        if ploidy <= 2:
            status = _count_row_by_planes(
                row, form, reference, length, low, high, planes, values, samples, ploidy, at, rings, indexes,
                scratch, aside, alt_start[out], masks, n_hom_ref[:, out], n_het, n_hom_alt, n_missing[:, out],
                sample_masks,
            )  # fmt: skip
            if status != OK:
                return status
            continue
        status = expand_row(
            row, form, reference, length, low, high, planes, values, samples, ploidy, at, rings, indexes, codes, aside
        )
        if status != OK:
            return status
        if not aside:
            continue
        for k in range(cohorts):
            for w in range((samples + 63) >> 6):
                word = sample_masks[k, w]
                while word != np.uint64(0):
                    sample = w * 64 + np.int64(trailing_zeros(word))
                    word &= word - np.uint64(1)
                    _add_call(
                        codes, sample * ploidy, ploidy, alt_start[out], n_hom_ref[k, out : out + 1], n_het[k],
                        n_hom_alt[k], n_missing[k, out : out + 1],
                    )  # fmt: skip
    return OK
