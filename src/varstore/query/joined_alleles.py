"""Alleles of records that batches spell differently, on one REF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import QueryError

Key = tuple[int, int]


@dataclass(frozen=True)
class Member:
    """A record to be joined.

    start : POS - 1    alleles : REF and ALTs    keys : of the ALTs, key and digest
    """

    start: int
    alleles: Sequence[str]
    keys: Sequence[Key]

    @property
    def end(self) -> int:
        """Behind its REF."""
        return self.start + len(self.alleles[0])


@dataclass(frozen=True)
class Spelling:
    """A joined record: POS - 1, its alleles, and for each member which of them its own are."""

    start: int
    alleles: tuple[str, ...]
    maps: tuple[tuple[int, ...], ...]


def spell(members: Sequence[Member], place: str) -> Spelling:
    """One REF that covers those of all members, and all their ALTs on it, each once; the first member's first.

    Raises QueryError where their REFs contradict each other. ``place``: for the message.
    """
    start, ref = _common_ref(members, place)
    alleles, maps = [ref], []
    by_key: dict[Key, int] = {}
    by_text: dict[str, int] = {}
    for number, member in enumerate(members):
        codes = [0]
        before, behind = ref[: max(0, member.start - start)], ref[max(0, member.end - start) :]
        for alt, key in zip(member.alleles[1:], member.keys, strict=True):
            text = f"{before}{alt}{behind}" if alt.isalpha() else alt
            code = by_key.get(key, by_text.get(text.upper())) if number else None
            if code is None:
                code = len(alleles)
                alleles.append(text)
            by_key.setdefault(key, code)
            by_text.setdefault(text.upper(), code)
            codes.append(code)
        maps.append(tuple(codes))
    return Spelling(start, tuple(alleles), tuple(maps))


def _common_ref(members: Sequence[Member], place: str) -> tuple[int, str]:
    """(POS - 1, REF) over the members; what none of them has, between alleles far apart, is N."""
    spanned = _spanned(members)
    start, end = min(member.start for member in spanned), max(member.end for member in spanned)
    known: list[str] = [""] * (end - start)
    for member in spanned:
        for at, base in enumerate(member.alleles[0], member.start - start):
            if known[at].upper() in ("", "N"):
                known[at] = base
            elif base.upper() not in (known[at].upper(), "N") and _is_base(base) and _is_base(known[at]):
                raise QueryError(
                    f"{place}: batches contradict each other in REF, {known[at]!r} and {base!r} at position "
                    f"{start + at + 1}; export them one by one (--batch)"
                )
    return start, "".join(base or "N" for base in known)


def _spanned(members: Sequence[Member]) -> list[Member]:
    """Members whose REF the joined one spans: not those that spell alleles of others elsewhere, apart from theirs."""
    keys: set[Key] = set()
    spanned: list[Member] = []
    others: list[Member] = []
    for member in members:
        (others if spanned and keys.issuperset(member.keys) else spanned).append(member)
        keys.update(member.keys)
    for member in sorted(others, key=lambda member: member.start):
        start, end = min(one.start for one in spanned), max(one.end for one in spanned)
        if member.start <= end and member.end >= start:
            spanned.append(member)
    return sorted(spanned, key=members.index)


def _is_base(text: str) -> bool:
    return text.upper() in "ACGT"
