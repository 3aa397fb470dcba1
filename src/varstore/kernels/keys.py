"""Keys of alleles, in bulk: what ``model.alleles.allele_key`` says of one, of a chunk of packed text."""

from typing import Any

import numpy as np

from .jit import kernel

_LOWER_A, _LOWER_Z, _STAR, _LESS, _GREATER, _DOT = 97, 122, 42, 60, 62, 46
MOST_EXACT = 11  # bases that a key has room for
_OFFSET, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
# Classes of hashed keys; bit 31 and the class in bits 30-29.
_SAME_LENGTH, _OTHER_LENGTH, _UNSPELLED, _STAND_IN = 4, 5, 6, 7
NO_NUMBER = np.int64(-1)


@kernel
def _upper(byte: int) -> int:
    return byte - 32 if _LOWER_A <= byte <= _LOWER_Z else byte


@kernel
def _is_stand_in(text: Any, begin: int, end: int) -> bool:
    """Whether an ALT is ``<*>``, ``<NON_REF>`` or ``.``."""
    if end - begin == 1:
        return text[begin] == _DOT
    if end - begin == 3:
        return text[begin] == _LESS and text[begin + 1] == _STAR and text[begin + 2] == _GREATER
    if end - begin != 9:
        return False
    same = True
    for i, byte in enumerate((60, 78, 79, 78, 95, 82, 69, 70, 62)):  # <NON_REF>
        same &= text[begin + i] == byte
    return same


@kernel
def is_sequence(text: Any, begin: int, end: int) -> bool:
    sequence = end > begin
    for i in range(begin, end):
        byte = _upper(np.int64(text[i]))
        sequence &= 65 <= byte <= 90
    return sequence


@kernel
def _base(byte: int) -> int:
    """0 to 3 of A, C, G, T, else -1."""
    if byte == 65:
        return 0
    if byte == 67:
        return 1
    if byte == 71:
        return 2
    return 3 if byte == 84 else -1


@kernel
def _copy(text: Any, begin: int, end: int, out: Any, at: int) -> int:
    """Copy text in upper case to ``out[at:]``; return where it ends."""
    for i in range(begin, end):
        out[at] = _upper(np.int64(text[i]))
        at += 1
    return at


@kernel
def _write_number(label: Any, number: int, out: Any, at: int) -> int:
    """Write ``;``, a label, ``=`` and a number that is not negative; return where it ends."""
    out[at] = 59
    for i, byte in enumerate(label):
        out[at + 1 + i] = byte
    at += 1 + len(label)
    out[at] = 61
    begin = at + 1
    at = begin
    while at == begin or number > 0:
        out[at] = 48 + number % 10
        number //= 10
        at += 1
    for i in range((at - begin) // 2):
        out[begin + i], out[at - 1 - i] = out[at - 1 - i], out[begin + i]
    return at


@kernel
def _hash(out: Any, size: int) -> Any:
    """64-bit FNV-1a."""
    digest = _OFFSET
    for i in range(size):
        digest = (digest ^ np.uint64(out[i])) * _PRIME
    return digest


@kernel
def _hashed(position: int, kind: int, digest: Any) -> Any:
    code = (digest ^ (digest >> np.uint64(32))) & np.uint64(0x1FFFFFFF)
    return (np.uint64(position) << np.uint64(32)) | (np.uint64(kind) << np.uint64(29)) | code


@kernel
def _align(text: Any, position: int, ref: int, ref_end: int, alt: int, alt_end: int, sequence: Any, out: Any) -> Any:
    """Left-align an insertion or deletion into ``out``, REF then ALT; (position, REF's length, ALT's), or -1s.

    -1: it is neither (a base is replaced too), or it is not within the sequence.
    """
    num_ref, num_alt = ref_end - ref, alt_end - alt
    first, shorter, size = position - 1, min(num_ref, num_alt), abs(num_ref - num_alt)
    if size == 0 or first < 0 or first + num_ref > sequence.size:
        return -1, -1, -1
    for i in range(1, shorter + 1):
        if _upper(np.int64(text[ref_end - i])) != _upper(np.int64(text[alt_end - i])):
            return -1, -1, -1
    # What is inserted or deleted stands in front of ``first``; each step turns it by one base of the reference.
    longer = ref if num_ref > num_alt else alt
    steps = 0
    while steps < first:
        i = size - 1 - steps
        last = _upper(np.int64(text[longer + i])) if i >= 0 else np.int64(sequence[first + i])
        if np.int64(sequence[first - 1 - steps]) != last:
            break
        steps += 1
    begin, after = first - steps, 0
    if begin == 0 and num_ref > num_alt:  # nothing is in front of it: the base behind it stands for that
        after = size
    at = 0
    for longer_one in (num_ref > num_alt, num_ref < num_alt):
        if begin > 0:
            out[at] = sequence[begin - 1]
            at += 1
        if longer_one:
            for i in range(-steps, size - steps):
                out[at] = _upper(np.int64(text[longer + i])) if i >= 0 else np.int64(sequence[first + i])
                at += 1
        if begin == 0:
            out[at] = sequence[after]
            at += 1
    return max(begin, 1), 1 + size * (num_ref > num_alt), 1 + size * (num_ref < num_alt)


@kernel
def _trim(text: Any, position: int, ref: int, ref_end: int, alt: int, alt_end: int, out: Any) -> Any:
    """Trim an allele to one base at least, into ``out``: (position, REF's length, ALT's)."""
    while (
        ref_end - ref > 1
        and alt_end - alt > 1
        and _upper(np.int64(text[ref_end - 1])) == _upper(np.int64(text[alt_end - 1]))
    ):
        ref_end -= 1
        alt_end -= 1
    while ref_end - ref > 1 and alt_end - alt > 1 and _upper(np.int64(text[ref])) == _upper(np.int64(text[alt])):
        ref += 1
        alt += 1
        position += 1
    _copy(text, alt, alt_end, out, _copy(text, ref, ref_end, out, 0))
    return position, ref_end - ref, alt_end - alt


@kernel
def _spelled(position: int, num_ref: int, num_alt: int, out: Any) -> Any:
    """Key and digest of an allele of bases, normalised."""
    code = (num_ref << 27) | (num_alt << 23)
    exact = num_ref + num_alt <= MOST_EXACT
    if exact:
        for i in range(num_ref + num_alt):
            base = _base(np.int64(out[i]))
            exact &= base >= 0
            code |= max(base, 0) << (2 * i)
    if exact:
        return (np.uint64(position) << np.uint64(32)) | np.uint64(code), np.uint64(0)
    for i in range(num_ref + num_alt, num_ref, -1):
        out[i] = out[i - 1]
    out[num_ref] = _GREATER
    digest = _hash(out, num_ref + num_alt + 1)
    return _hashed(position, _SAME_LENGTH if num_ref == num_alt else _OTHER_LENGTH, digest), digest


@kernel
def _unspelled(
    text: Any, position: int, length: int, svlen: int, ref: int, ref_end: int, alt: int, alt_end: int, out: Any
) -> Any:
    """Key and digest of a symbolic allele, ``*`` or a breakend."""
    if alt_end - alt == 1 and text[alt] == _STAR:
        ref_end = min(ref + 1, ref_end)
    at = _copy(text, ref, ref_end, out, 0)
    out[at] = _GREATER
    at = _copy(text, alt, alt_end, out, at + 1)
    if text[alt] == _LESS:
        at = _write_number((69, 78, 68), max(position + length - 1, 0), out, at)
        if svlen != NO_NUMBER and svlen != length - 1:
            at = _write_number((83, 86, 76, 69, 78), svlen, out, at)
    digest = _hash(out, at)
    return _hashed(position, _UNSPELLED, digest), digest


@kernel
def one_key(
    text: Any, position: int, length: int, svlen: int, ref: int, ref_end: int, alt: int, alt_end: int, sequence: Any,
    out: Any,
) -> Any:  # fmt: skip
    """Key and digest of one allele, and the lengths of its normalised REF and ALT.

    text : uint8; REF is ``text[ref:ref_end]``, ALT, which is not empty, ``text[alt:alt_end]``
    length, svlen : of the record, and of a symbolic allele or NO_NUMBER
    sequence : as in ``allele_keys``    out : uint8, scratch, 64 bytes longer than REF and ALT

    Where the digest is not 0, ``out`` begins with the normalised REF, ``>`` and the normalised ALT.
    """
    if _is_stand_in(text, alt, alt_end):
        return _hashed(position, _STAND_IN, np.uint64(0)), np.uint64(0), ref_end - ref, alt_end - alt
    if not is_sequence(text, alt, alt_end):
        key, digest = _unspelled(text, position, length, svlen, ref, ref_end, alt, alt_end, out)
        star = alt_end - alt == 1 and text[alt] == _STAR
        return key, digest, min(1, ref_end - ref) if star else ref_end - ref, alt_end - alt
    place, num_ref, num_alt = np.int64(-1), np.int64(0), np.int64(0)
    if sequence.size:
        place, num_ref, num_alt = _align(text, position, ref, ref_end, alt, alt_end, sequence, out)
    if place < 0:
        place, num_ref, num_alt = _trim(text, position, ref, ref_end, alt, alt_end, out)
    key, digest = _spelled(place, num_ref, num_alt, out)
    return key, digest, num_ref, num_alt


@kernel
def allele_keys(
    packed: Any, at: int, begin: int, end: int, sites: Any, svlen: Any, width: int, sequence: Any, keys: Any,
    digests: Any,
) -> int:  # fmt: skip
    """Write the key and digest of each ALT allele of the rows ``begin`` to ``end`` of a chunk, all on one contig.

    packed : uint8, ``variant_allele`` of the chunk in vlen-utf8 form, ``width`` items a row; the rows begin at ``at``
    sites : (rows, 3) int64: position, number of ALT alleles (at most ``width - 1``), length
    svlen : (rows, alt alleles) int64, at least 0, or NO_NUMBER; or (rows, 0): none has one
    sequence : uint8, the contig in upper case; of size 0: alleles are trimmed only
    keys, digests : (rows, alt alleles) uint64, zeroed

    Returns where the rows end, or -1 if the text is shorter than it says.
    """
    out = np.empty(packed.size + 64, np.uint8)
    for row in range(begin, end):
        position, num_alts, length = sites[row, 0], sites[row, 1], sites[row, 2]
        ref, ref_end = np.int64(0), np.int64(0)
        for item in range(width):
            if at + 4 > packed.size:
                return -1
            size = np.int64(0)
            for i in range(4):
                size |= np.int64(packed[at + i]) << (8 * i)
            at += 4
            if size < 0 or at + size > packed.size:
                return -1
            alt, alt_end = at, at + size
            at += size
            if item == 0:
                ref, ref_end = alt, alt_end
                continue
            if item > num_alts:
                continue
            key, digest = np.uint64(0), np.uint64(0)
            if alt_end > alt:
                number = svlen[row, item - 1] if svlen.shape[1] else NO_NUMBER
                key, digest, _, _ = one_key(packed, position, length, number, ref, ref_end, alt, alt_end, sequence, out)
            keys[row, item - 1], digests[row, item - 1] = key, digest
    return at
