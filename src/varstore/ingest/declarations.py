"""What a VCF header declares, and what is wrong with its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .problems import Kind

_VERSION = re.compile(r"##fileformat=VCFv4\.[1-5]")
_KEYS = ("contig", "FILTER", "INFO", "FORMAT", "ALT", "META", "SAMPLE", "PEDIGREE")
# ID=x,Number=1,Description="a, \"b\"",...: quotes are closed, and a value without them has no comma.
_PAIR = r'[^=,<>" ]+=(?:"(?:[^"\\]|\\.)*"|(?!")[^,]*)'
_STRUCTURE = re.compile(f"<{_PAIR}(?:, ?{_PAIR})*>")
_LISTS = re.compile(r"=\[[^\]]*\]")
_ID = re.compile(r"<(?:.*,)?ID=([^,>]*)")
_NUMBER = re.compile(r"[<,]Number=([^,>]*)")
_TYPE = re.compile(r"[<,]Type=([^,>]*)")
_NUMBERS = re.compile(r"[0-9]+|\.|A|R|G|LA|LR|LG|P|M")
_TYPES = {
    "INFO": ("Integer", "Float", "Flag", "Character", "String"),
    "FORMAT": ("Integer", "Float", "Character", "String"),
}


@dataclass
class Declarations:
    """Ids that a header declares, by key; and its problems: kind, line from 1, and what was found."""

    ids: dict[str, dict[str, int]] = field(default_factory=lambda: {key: {} for key in _KEYS})
    problems: list[tuple[Kind, int, str]] = field(default_factory=list)

    def has(self, key: str, name: str) -> bool:
        """Whether the header declares ``name`` under ``key``."""
        return name in self.ids[key]


def read_declarations(text: str) -> Declarations:
    """Read a header that ``parse_header`` has taken."""
    out = Declarations()
    lines = text.splitlines()
    if not _VERSION.fullmatch(lines[0]):
        out.problems.append((Kind.FILE_FORMAT, 1, lines[0][:40]))
    for number, line in enumerate(lines[1:-1], 2):
        out.problems += ((kind, number, detail) for kind, detail in _check(out, line, number))
    if not text.endswith("\n"):
        out.problems.append((Kind.NO_FINAL_NEWLINE, len(lines), ""))
    if lines[-1].endswith("\tFORMAT"):
        out.problems.append((Kind.HEADER_COLUMNS, len(lines), "FORMAT"))
    return out


def _check(out: Declarations, line: str, number: int) -> Iterator[tuple[Kind, str]]:
    """The problems of one line; what it declares is entered."""
    key, equals, value = line[2:].partition("=")
    if not equals or not key or not value:
        yield Kind.HEADER_LINE, f"{line[:60]!r} is not ##key=value"
        return
    if key not in _KEYS:
        if value.startswith("<") and not value.endswith(">"):
            yield Kind.HEADER_LINE, f"{key} has no closing >"
        return
    if not value.startswith("<"):
        yield Kind.HEADER_LINE, f"{key} is not <ID=...>"
        return
    if not _STRUCTURE.fullmatch(_LISTS.sub("=list", value)):
        yield Kind.HEADER_LINE, f"{key} {value[:50]!r} is not <key=value,...>, with quotes and bracket closed"
    found = _ID.match(value)
    if found is None or not found[1]:
        yield Kind.HEADER_LINE, f"{key} has no ID"
        return
    name = found[1]
    if name in out.ids[key]:
        yield Kind.DUPLICATE_ID, f"{key} {name}, first in line {out.ids[key][name]}"
    out.ids[key].setdefault(name, number)
    if key in _TYPES:
        yield from _check_field(key, name, value)


def _check_field(key: str, name: str, value: str) -> Iterator[tuple[Kind, str]]:
    size, kind = _NUMBER.search(value), _TYPE.search(value)
    if size is None or not _NUMBERS.fullmatch(size[1]):
        yield Kind.HEADER_FIELD, f"{key} {name}: Number is {size[1]!r}" if size else f"{key} {name} has no Number"
    if kind is None or kind[1] not in _TYPES[key]:
        yield Kind.HEADER_FIELD, f"{key} {name}: Type is {kind[1]!r}" if kind else f"{key} {name} has no Type"
    elif size is not None and size[1].isdigit() and (kind[1] == "Flag") != (size[1] == "0"):
        yield Kind.HEADER_FIELD, f"{key} {name}: Type {kind[1]} does not go with Number {size[1]}"
