"""Alleles as a repository matches them: normalised, and as a number (docs/semantics.md, docs/format.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Stand for "anything else": they make a site known, and nobody asks for them.
STAND_INS = ("<NON_REF>", "<*>", ".")
_BASES = "ACGT"
MOST_EXACT = 11  # bases of REF and ALT together that fit into a key
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True)
class Allele:
    """One ALT allele of one record. ``position`` is VCF's, 1-based.

    end : the last position of the record, of a symbolic allele    svlen : SVLEN of the allele, without its sign
    """

    position: int
    ref: str
    alt: str
    end: int = 0
    svlen: int | None = None


def is_sequence(alt: str) -> bool:
    """Whether ALT spells bases: it is not symbolic, ``*`` or a breakend."""
    return re.fullmatch("[A-Za-z]+", alt) is not None


def normalise(allele: Allele, sequence: str = "") -> Allele:
    """The allele in upper case, shortest and, where its contig is known, as far to the left as it goes.

    sequence : the bases of the contig, upper case. Without it the allele is trimmed only: the common suffix, then
        the common prefix, to one base at least. (Tan, Abecasis and Kang, "Unified representation of genetic
        variants", Bioinformatics 2015.) An allele that the left end of the contig stops is written with the base
        behind it.

    Symbolic alleles, ``*`` and breakends stay as they are.

    >>> normalise(Allele(100, "CTCC", "CCC"))
    Allele(position=100, ref='CT', alt='C', end=0, svlen=None)
    >>> normalise(Allele(4, "AA", "A"), "CAAAG")
    Allele(position=1, ref='CA', alt='C', end=0, svlen=None)
    """
    position, ref, alt = allele.position, allele.ref.translate(_UPPER), allele.alt.translate(_UPPER)
    if not is_sequence(alt):
        symbolic = alt.startswith("<")
        kept = (allele.end, allele.svlen) if symbolic else (0, None)
        return Allele(position, ref[:1] if alt == "*" else ref, alt, *kept)
    if 1 <= position <= len(sequence) + 1 - len(ref) and len(ref) != len(alt):
        position, ref, alt = _moved_left(position, ref, alt, sequence)
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        position, ref, alt = position + 1, ref[1:], alt[1:]
    return Allele(position, ref, alt)


def _moved_left(position: int, ref: str, alt: str, sequence: str) -> tuple[int, str, str]:
    """The algorithm of Tan et al., as far as the left end of the contig."""
    while ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
        if ref and alt:
            continue
        if position == 1:
            base = sequence[len(ref)]
            return position, ref + base, alt + base
        position -= 1
        base = sequence[position - 1]
        ref, alt = base + ref, base + alt
    return position, ref, alt


def allele_key(allele: Allele, sequence: str = "") -> tuple[int, int]:
    """Key and digest of an allele: equal for equal alleles; and where the digest is 0, for no others.

    Bits 32 and up of the key are the normalised position. Bit 31 is 0 and the alleles are spelled out: 4 bits of REF's
    length, 4 of ALT's, then the bases from the lowest bit, two bits each (A, C, G, T); or it is 1 and follow the class
    (2 bits: 0 bases, as many as before; 1 bases; 2 anything else; 3 a stand-in, and nothing more), and 29 bits of
    the digest, a 64-bit FNV-1a hash of ``REF>ALT`` and for symbolic alleles what tells them apart.
    """
    normal = normalise(allele, sequence)
    if allele.alt in STAND_INS:
        return allele.position << 32 | 7 << 29, 0
    bases = normal.ref + normal.alt
    if is_sequence(normal.alt) and len(bases) <= MOST_EXACT and all(base in _BASES for base in bases):
        code = len(normal.ref) << 27 | len(normal.alt) << 23
        code |= sum(_BASES.index(base) << 2 * i for i, base in enumerate(bases))
        return normal.position << 32 | code, 0
    text = f"{normal.ref}>{normal.alt}"
    kind = 2
    if is_sequence(normal.alt):
        kind = int(len(normal.ref) != len(normal.alt))
    if normal.alt.startswith("<"):
        text += f";END={normal.end}"
        if normal.svlen not in (None, normal.end - normal.position):
            text += f";SVLEN={normal.svlen}"
    digest = 0xCBF29CE484222325
    for byte in text.encode():
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return normal.position << 32 | (4 | kind) << 29 | (digest ^ digest >> 32) % 2**29, digest
