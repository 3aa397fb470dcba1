"""Alleles as a repository matches them: normalised, and as a number (docs/semantics.md, docs/format.md)."""

from __future__ import annotations

from dataclasses import dataclass

# Stand for "anything else": they make a site known, and nobody asks for them.
STAND_INS = ("<NON_REF>", "<*>")
_BASES = "ACGT"
MOST_EXACT = 11  # bases of REF and ALT together that fit into a key


@dataclass(frozen=True)
class Allele:
    """One ALT allele of one record. ``position`` is VCF's, 1-based."""

    position: int
    ref: str
    alt: str


def is_sequence(alt: str) -> bool:
    """Whether ALT spells bases: it is not symbolic, ``*`` or a breakend."""
    return alt.isalpha()


def normalise(allele: Allele) -> Allele:
    """Trim the common suffix, then the common prefix, to one base at least; upper case.

    Symbolic alleles, ``*`` and breakends stay as they are. Nothing is moved to the left: that takes a reference.
    (Tan, Abecasis and Kang, "Unified representation of genetic variants", Bioinformatics 2015.)

    >>> normalise(Allele(100, "CTCC", "CCC"))
    Allele(position=100, ref='CT', alt='C')
    """
    position, ref, alt = allele.position, allele.ref.upper(), allele.alt.upper()
    if not is_sequence(alt):
        return Allele(position, ref[:1] if alt == "*" else ref, alt)
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        position, ref, alt = position + 1, ref[1:], alt[1:]
    return Allele(position, ref, alt)


def allele_key(allele: Allele) -> int:
    """The key of an allele: equal for equal alleles, and where bit 31 is 0 for no others.

    Bits 32 and up are the normalised position. Bit 31 is 0 and the alleles are spelled out: 4 bits of REF's length,
    4 of ALT's, then the bases from the lowest bit, two bits each (A, C, G, T); or it is 1 and 31 bits of the 32-bit
    FNV-1a hash of ``REF>ALT`` follow.
    """
    allele = normalise(allele)
    bases = allele.ref + allele.alt
    if len(bases) <= MOST_EXACT and all(base in _BASES for base in bases):
        code = len(allele.ref) << 27 | len(allele.alt) << 23
        code |= sum(_BASES.index(base) << 2 * i for i, base in enumerate(bases))
    else:
        code = 0x811C9DC5
        for byte in f"{allele.ref}>{allele.alt}".encode():
            code = (code ^ byte) * 0x01000193 & 0xFFFFFFFF
        code |= 1 << 31
    return allele.position << 32 | code
