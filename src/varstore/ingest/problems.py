"""What files get wrong: the kinds, harmless or harmful, and the places where an import met them.

A harmless kind loses nothing: it is taken in as the table says, counted and listed, or refused with
``--on-problem stop``. A harmful kind is always refused. docs/importing.md has this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..errors import InputError

NUM_PLACES = 5
ON_PROBLEM = ("warn", "stop")


@dataclass(frozen=True)
class _Kind:
    """``text`` says what is wrong; ``taken`` what becomes of it, None where it is refused."""

    name: str
    text: str
    taken: str | None


class Kind(Enum):
    """Every kind of problem the gate knows."""

    CRLF = _Kind("crlf", "lines end in CR LF", "the CR is dropped")
    BLANK_LAST_LINE = _Kind("blank-last-line", "the file ends in a blank line", "it is passed over")
    NO_FINAL_NEWLINE = _Kind("no-final-newline", "the last line has no line end", "it is read as a whole line")
    UNSORTED = _Kind("unsorted", "records are out of order", "they are sorted by contig and position on the way in")
    FILE_FORMAT = _Kind("file-format", "the version is not one of VCFv4.1 to VCFv4.5", "read as VCF 4")
    HEADER_COLUMNS = _Kind("header-columns", "the header has a FORMAT column but no samples", "read so")
    HEADER_LINE = _Kind("header-line", "a header line is malformed", "kept in the header's text; records decide")
    HEADER_FIELD = _Kind("header-field", "a declaration lacks a valid Number or Type", "kept as it stands")
    DUPLICATE_ID = _Kind("duplicate-id", "a header declares an id twice", "the first counts")
    UNDECLARED_CONTIG = _Kind("undeclared-contig", "CHROM is not declared", "added to the contig table, no length")
    UNDECLARED_FILTER = _Kind("undeclared-filter", "FILTER is not declared", "added to the filters")
    UNDECLARED_INFO = _Kind("undeclared-info", "an INFO key is not declared", "kept as text")
    UNDECLARED_FORMAT = _Kind("undeclared-format", "a FORMAT key is not declared", "kept as text")
    INFO_VALUE = _Kind("info-value", "an INFO value is not of its declared Type and Number", "kept as text beside")
    FORMAT_VALUE = _Kind("format-value", "a call's value is not of its declared Type and Number", "kept as text beside")
    CONTIG_NAME = _Kind("contig-name", "CHROM has a character that contig names may not have", "kept")
    ID_SYNTAX = _Kind("id-syntax", "ID is empty, or has blanks or empty items", "kept")
    IUPAC = _Kind("iupac", "REF or ALT has IUPAC letters other than A, C, G, T, N", "kept")
    ALT_IS_REF = _Kind("alt-is-ref", "an ALT is the same as REF", "kept, counted as the ALT it is")
    DUPLICATE_ALT = _Kind("duplicate-alt", "a record has an ALT twice", "kept, each counted by itself")
    NO_ALT = _Kind("no-alt", "genotypes have allele 1, but ALT is '.'", "kept; ALT '.' has no row in counts")
    NEGATIVE_QUALITY = _Kind("negative-quality", "QUAL is negative", "kept")
    FILTER_SYNTAX = _Kind(
        "filter-syntax",
        "FILTER is empty, or has blanks, empty items, '0', '.' among others or a name twice",
        "names are kept once; empty items and '.' are passed over",
    )
    INFO_SYNTAX = _Kind("info-syntax", "INFO is empty, or has blanks, empty items or items without a key", "kept")
    DUPLICATE_INFO = _Kind("duplicate-info", "a record has an INFO key twice", "kept")
    FORMAT_SYNTAX = _Kind(
        "format-syntax", "FORMAT has a key that is no name, or GT is not its first", "the first GT is read"
    )

    POSITION = _Kind("position", "POS is {found}, but contig {contig} has {length:,} bases", None)
    REF = _Kind("ref", "REF is {found}, expected bases (A, C, G, T, N or IUPAC letters)", None)
    ALT = _Kind("alt", "ALT is {found}, expected bases, *, <ID> or breakends, separated by commas", None)
    CONTIG_LENGTH = _Kind("contig-length", "contig {contig} has two lengths, {length:,} and {found}", None)
    SAMPLES = _Kind("samples", "{found:,} samples, the most that are read is {most:,}", None)

    @property
    def harmful(self) -> bool:
        """Whether it is never let in."""
        return self.value.taken is None


class Problems:
    """The harmless problems of one import, counted, with their first places."""

    def __init__(self, on_problem: str = "warn") -> None:
        self.stop = on_problem == "stop"
        self._found: dict[Kind, dict[str, Any]] = {}

    def add(self, kind: Kind, place: str, detail: str = "", count: int = 1) -> None:
        """Enter ``count`` problems, the first at ``place``. Raises InputError where problems stop the import."""
        where = f"{place}: {detail}" if detail else place
        if self.stop:
            shown = f" ({detail})" if detail else ""
            raise InputError(f"{place}: {kind.value.text}{shown}; --on-problem warn takes it")
        entry = self._found.setdefault(kind, {"count": 0, "first": []})
        entry["count"] += count
        if len(entry["first"]) < NUM_PLACES:
            entry["first"].append(where)

    def wants_places(self, kind: Kind) -> int:
        """How many more places of a kind are listed."""
        return NUM_PLACES - len(self._found[kind]["first"]) if kind in self._found else NUM_PLACES

    def document(self) -> dict[str, Any]:
        """Count and first places by the kind's name: JSON-ready, in the order of the table."""
        return {kind.value.name: self._found[kind] for kind in Kind if kind in self._found}


def sentence(name: str) -> tuple[str, str]:
    """What a harmless kind is, and what becomes of it; the name alone where another version wrote it."""
    for kind in Kind:
        if kind.value.name == name and not kind.harmful:
            return kind.value.text, kind.value.taken or ""
    return name, ""
