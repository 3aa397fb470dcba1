"""The header of what is written: the source's own lines, and what the records need besides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

_LINE = re.compile(r"##(contig|FILTER|INFO|FORMAT)=<(.*)>\s*$")
_PAIR = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^,]*)')
_INDEX = re.compile(r",IDX=[0-9]+>\s*$")
_FIXED = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
_UNKNOWN = "Not declared in the source"
_OF_PEOPLE = re.compile(r"##(SAMPLE|PEDIGREE)=<(.*)>\s*$")
_WORD = re.compile(r"[^\s,;:=<>|()\[\]\"']+")
_LEAST_NAME = 3  # shorter names, and those that are numbers, are words of other meanings too


@dataclass(frozen=True)
class Declared:
    """How a header declares an INFO or FORMAT field."""

    number: str
    type: str
    description: str


@dataclass
class Header:
    """Meta lines in order, and what they declare.

    lines : without line ends, ``##fileformat`` first    contigs : number by name    filters : ids in order
    """

    lines: list[str]
    contigs: dict[str, int] = field(default_factory=dict)
    filters: list[str] = field(default_factory=list)
    infos: dict[str, Declared] = field(default_factory=dict)
    formats: dict[str, Declared] = field(default_factory=dict)
    # Ids of FILTER, INFO and FORMAT in order, one number each: BCF's dictionary.
    strings: dict[str, int] = field(default_factory=lambda: {"PASS": 0})

    @classmethod
    def parse(cls, text: str) -> Header:
        """Read a header's text; the line of the columns is left out."""
        header = cls([])
        for line in text.splitlines():
            if line.startswith("##"):
                header.add(line)
        return header

    @property
    def version(self) -> tuple[int, ...]:
        """The version of VCF, like (4, 3)."""
        digits = re.match(r"##fileformat=VCFv(\d+)\.(\d+)", self.lines[0] if self.lines else "")
        return (int(digits[1]), int(digits[2])) if digits else (4, 3)

    def add(self, line: str) -> None:
        """Append a meta line, without BCF's numbering of it."""
        line = _INDEX.sub(">", line)
        self.lines.append(line)
        declared = _LINE.match(line)
        if declared is None:
            return
        pairs = {key: text[1:-1] if text.startswith('"') else text for key, text in _PAIR.findall(declared[2])}
        name, kind = pairs.get("ID", ""), declared[1]
        if kind == "contig":
            self.contigs.setdefault(name, len(self.contigs))
            return
        self.strings.setdefault(name, len(self.strings))
        if kind == "FILTER":
            self.filters.append(name)
            return
        fields = self.infos if kind == "INFO" else self.formats
        fields[name] = Declared(pairs.get("Number", "."), pairs.get("Type", "String"), pairs.get("Description", ""))

    def other(self) -> list[list[str]]:
        """[key, value] of the lines that are neither contig, FILTER, INFO nor FORMAT, nor the version."""
        pairs = [line[2:].partition("=")[::2] for line in self.lines if not _LINE.match(line)]
        return [[key, value] for key, value in pairs if key != "fileformat"]

    def add_contigs(self, names: Sequence[str], lengths: Mapping[str, int | None]) -> None:
        """Declare contigs that no line does."""
        for name in names:
            if name not in self.contigs:
                length = lengths.get(name)
                self.add(f"##contig=<ID={name}>" if length is None else f"##contig=<ID={name},length={length}>")

    def add_filters(self, names: Sequence[str], descriptions: Mapping[str, str]) -> None:
        """Declare filters that no line does; PASS needs none."""
        for name in names:
            if name not in self.filters and name != "PASS":
                self.add(f'##FILTER=<ID={name},Description="{descriptions.get(name) or _UNKNOWN}">')

    def add_field(self, kind: str, name: str, declared: Declared | None = None) -> None:
        """Declare an INFO or FORMAT field if no line does."""
        if name in (self.infos if kind == "INFO" else self.formats):
            return
        number, type_, text = ("1", "String", "") if declared is None else vars(declared).values()
        self.add(f'##{kind}=<ID={name},Number={number},Type={type_},Description="{text or _UNKNOWN}">')

    def forget(self, people: Set[str]) -> None:
        """Take out lines that name one of some people: SAMPLE and PEDIGREE, and others such as a command."""
        self.lines = [line for line in self.lines if _LINE.match(line) or people.isdisjoint(_names_in(line))]

    def numbered(self, line: str) -> str:
        """A meta line with the number of what it declares, as BCF may have it."""
        declared = _LINE.match(line)
        if declared is None:
            return line
        name = dict(_PAIR.findall(declared[2])).get("ID", "")
        number = (self.contigs if declared[1] == "contig" else self.strings)[name]
        return f"{line.rstrip()[:-1]},IDX={number}>"

    def text(self, samples: Sequence[str]) -> str:
        """The whole header, its last line that of the columns."""
        columns = "\t".join([_FIXED, "FORMAT", *samples]) if samples else _FIXED
        return "\n".join([*self.lines, columns]) + "\n"


def _names_in(line: str) -> list[str]:
    """Words of a meta line that may be names of people."""
    found = _OF_PEOPLE.match(line)
    if found is not None:
        return [text[1:-1] if text.startswith('"') else text for _, text in _PAIR.findall(found[2])]
    return [word for word in _WORD.findall(line) if len(word) >= _LEAST_NAME and not word.isdigit()]


def joined_header(texts: Sequence[str], contigs: Sequence[str]) -> str:
    """The meta lines of the first header, and those of the others that it has not.

    contigs : lines of others are left out
    """
    header = Header([])
    for number, text in enumerate(texts):
        for line in Header.parse(text).lines:
            declared = _LINE.match(line)
            if declared is None:
                new = number == 0 or not (line.startswith("##fileformat=") or line in header.lines)
            else:
                name, kind = dict(_PAIR.findall(declared[2])).get("ID", ""), declared[1]
                known = {
                    "contig": header.contigs, "FILTER": header.filters, "INFO": header.infos, "FORMAT": header.formats
                }  # fmt: skip
                new = name not in known[kind] and (kind != "contig" or name in contigs)
            if new:
                header.add(line)
    return "\n".join(header.lines)
