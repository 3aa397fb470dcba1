"""INFO and FORMAT fields of a batch: what the header declares of them, and which are kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..errors import QueryError

_LONGEST_NAME = 255  # bytes of a name of a file or folder
# Names that VCF Zarr gives to other things than fields.
_RESERVED = {
    "INFO": {"contig", "position", "length", "quality", "id", "id_mask", "allele", "filter"},
    "FORMAT": {"genotype", "genotype_phased", "genotype_mask"},
}
_PAIR = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^,>]*)')
_TYPES = ("Integer", "Float", "Flag", "Character", "String")


@dataclass(frozen=True)
class Field:
    """An INFO or FORMAT field.

    category : "INFO" or "FORMAT"    number : "1", "4", "A", "R", "G", "." and the like, as declared
    type : one of Integer, Float, Flag, Character, String
    """

    category: str
    key: str
    number: str = "1"
    type: str = "String"
    description: str = ""
    declared: bool = True

    @property
    def name(self) -> str:
        """As people name it: ``INFO/AC``."""
        return f"{self.category}/{self.key}"

    @property
    def array(self) -> str:
        """Name of its array in the batch."""
        prefix = "variant_" if self.category == "INFO" else "call_"
        odd = self.key in _RESERVED[self.category] or self.key.endswith(("_mask", "_fill")) or self.key.startswith(".")
        if odd or "/" in self.key or "%" in self.key:
            # A name of VCF Zarr's own, or no name for a file: where other readers do not look.
            return f"varstore/field/{prefix}{self.key.replace('%', '%25').replace('/', '%2F')}"
        return prefix + self.key

    @property
    def has_file_name(self) -> bool:
        """Whether its array can be a folder: file systems take names of so many bytes."""
        return len(self.array.rpartition("/")[2].encode(errors="surrogateescape")) <= _LONGEST_NAME

    @property
    def fixed_number(self) -> int | None:
        """How many values, where that does not depend on the record."""
        return int(self.number) if self.number.isdecimal() else None

    @property
    def is_text(self) -> bool:
        return self.type in ("Character", "String")


def declared_field(category: str, pairs: dict[str, str]) -> Field:
    """The field of a header line. What it says wrongly of type or number is read as htslib does."""
    kind, number = pairs.get("Type", "String"), pairs.get("Number", ".")
    if kind == "Flag" and category == "FORMAT":
        kind = "String"
    if kind not in _TYPES:
        kind = "String"
    if number == "0" and kind != "Flag":
        number = "."
    return Field(category, pairs["ID"], number, kind, pairs.get("Description", ""))


def declared_fields(header: str) -> list[Field]:
    """Every INFO and FORMAT line of a VCF header."""
    out = []
    for line in header.splitlines():
        category, _, rest = line.removeprefix("##").partition("=")
        if category in ("INFO", "FORMAT") and rest.startswith("<"):
            pairs = {key: text[1:-1] if text.startswith('"') else text for key, text in _PAIR.findall(rest[1:])}
            if pairs.get("ID"):
                out.append(declared_field(category, pairs))
    return out


def _merged(first: Field, second: Field) -> Field:
    """What holds the values of both declarations."""
    kind = first.type
    if second.type != kind:
        kind = "Float" if {kind, second.type} == {"Integer", "Float"} else "String"
    return replace(first, type=kind, number=first.number if first.number == second.number else ".")


@dataclass(frozen=True)
class FieldChoice:
    """Which fields to keep: ``--fields``.

    Items are separated by commas: ``INFO/KEY``, ``FORMAT/KEY``, or ``INFO`` and ``FORMAT`` for all of them;
    ``GT`` stands for FORMAT/GT, which is always kept. ``^`` in front of the list: all but these.
    """

    items: frozenset[str] = frozenset()
    excluding: bool = True

    @classmethod
    def parse(cls, text: str | None) -> FieldChoice:
        """Read the option. Raises QueryError."""
        if text is None:
            return cls()
        excluding = text.startswith("^")
        items = set()
        for item in text.removeprefix("^").split(","):
            name = {"GT": "FORMAT/GT"}.get(item, item).replace("FMT", "FORMAT", 1 if item.startswith("FMT") else 0)
            category, slash, key = name.partition("/")
            if category not in ("INFO", "FORMAT") or (slash and not key):
                raise QueryError(f"--fields: found {item!r}, expected INFO/KEY, FORMAT/KEY, INFO, FORMAT or GT")
            items.add(name)
        if excluding and items & {"FORMAT/GT", "FORMAT"}:
            raise QueryError("--fields: GT is always kept; leave out FORMAT fields by name")
        return cls(frozenset(items), excluding)

    def keeps(self, field: Field) -> bool:
        """Whether a field is wanted."""
        return (field.name in self.items or field.category in self.items) != self.excluding

    @property
    def calls(self) -> bool:
        """Whether any FORMAT field but GT may be wanted."""
        return self.excluding or any(i != "FORMAT/GT" and i.startswith("FORMAT") for i in self.items)


ALL_FIELDS = FieldChoice()


@dataclass
class FieldTable:
    """The fields of one category, numbered; grows by what records have and no header declares. Thread-safe."""

    category: str
    choice: FieldChoice = field(default_factory=FieldChoice)
    fields: list[Field] = field(default_factory=list)
    _number: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def declare(self, fields: Iterable[Field]) -> None:
        """Add what a header declares; fields of another header may be declared otherwise."""
        for new in fields:
            if new.category != self.category or (self.category, new.key) == ("FORMAT", "GT"):
                continue
            number = self._number.get(new.key)
            if number is None:
                self._number[new.key] = len(self.fields)
                self.fields.append(new)
            else:
                self.fields[number] = _merged(self.fields[number], new)

    def add(self, key: str, kind: str = "String") -> int:
        """The number of a field that a record has, made if no header declares it."""
        with self._lock:
            number = self._number.get(key)
            if number is None:
                number = len(self.fields)
                self.fields.append(Field(self.category, key, "0" if kind == "Flag" else "1", kind, declared=False))
                self._number[key] = number
        return number

    def keeps(self, number: int) -> bool:
        """Whether a field is stored."""
        return self.choice.keeps(self.fields[number])

    def undeclared(self) -> list[str]:
        """Names of fields that no header declares."""
        return [f.name for f in self.fields if not f.declared]


def check_choice(choice: FieldChoice, tables: Sequence[FieldTable]) -> None:
    """Fields chosen by name are declared. Raises QueryError."""
    known = {f.name for table in tables for f in table.fields} | {"INFO", "FORMAT", "FORMAT/GT"}
    unknown = sorted(choice.items - known)
    if unknown:
        raise QueryError(f"--fields: {', '.join(unknown)}: no input declares such a field")
