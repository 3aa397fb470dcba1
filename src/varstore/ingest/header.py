"""The header of a VCF: what an import needs of it, and all its lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import InputError, NotVcfError
from .problems import Kind

MAX_SAMPLES = 1 << 24
_FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
_PAIR = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^,>]*)')


@dataclass
class VcfHeader:
    """A VCF header.

    text : the header as it stands, its last line that of the columns
    contigs : length by name, in order; None where the header does not say
    filters : description by id, in order, without PASS unless it is declared
    formats : ids of the declared FORMAT fields
    other : [key, value] of the lines that are neither contig, FILTER, INFO nor FORMAT
    """

    text: str
    samples: list[str]
    has_format: bool
    contigs: dict[str, int | None] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)
    formats: list[str] = field(default_factory=list)
    other: list[list[str]] = field(default_factory=list)

    @property
    def num_lines(self) -> int:
        return self.text.count("\n")


def parse_header(text: str, path: str) -> VcfHeader:
    """Read the header lines of a VCF. Raises NotVcfError, InputError."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("##fileformat=VCF"):
        found = lines[0][:40] if lines else ""
        raise NotVcfError(f"{path}, line 1: no VCF: found {found!r}, expected '##fileformat=VCF...'")
    columns = lines[-1].split("\t")
    if columns[:8] != _FIXED:
        raise NotVcfError(
            f"{path}, line {len(lines)}: no VCF: found {lines[-1][:60]!r}, "
            "expected the line '#CHROM POS ID REF ALT QUAL FILTER INFO', with tabs"
        )
    has_format = len(columns) > 8
    if has_format and columns[8] != "FORMAT":
        raise InputError(f"{path}, line {len(lines)}: column 9 is {columns[8]!r}, expected 'FORMAT'")
    header = VcfHeader(text, _check_samples(columns[9:], path, len(lines)), has_format)
    for number, line in enumerate(lines[:-1], 1):
        _add_line(header, line, f"{path}, line {number}")
    return header


def _check_samples(samples: list[str], path: str, line: int) -> list[str]:
    if len(samples) > MAX_SAMPLES:
        sentence = Kind.SAMPLES.value.text.format(found=len(samples), most=MAX_SAMPLES)
        raise InputError(f"{path}, line {line}: {sentence}")
    seen: set[str] = set()
    for sample in samples:
        if not sample:
            raise InputError(f"{path}, line {line}: a sample name is empty")
        if sample in seen:
            raise InputError(f"{path}, line {line}: the sample {sample!r} is there twice; names must be unique")
        seen.add(sample)
    return samples


def _add_line(header: VcfHeader, line: str, where: str) -> None:
    key, equals, value = line[2:].partition("=")
    if key not in ("contig", "FILTER", "INFO", "FORMAT") or not value.startswith("<"):
        if key not in ("fileformat", "") and equals:
            header.other.append([key, value])
        return
    pairs = {k: v[1:-1] if v.startswith('"') else v for k, v in _PAIR.findall(value[1:])}
    name = pairs.get("ID", "")
    if not name:
        return  # harmless: the gate lists it
    if key == "contig":
        _add_contig(header, name, pairs.get("length", ""), where)
    elif key == "FILTER":
        header.filters.setdefault(name, pairs.get("Description", ""))
    elif key == "FORMAT":
        header.formats.append(name)


def _add_contig(header: VcfHeader, name: str, text: str, where: str) -> None:
    """Enter a contig; its length may be said once more, but not another one. Raises InputError."""
    length = int(text) if text.isascii() and text.isdigit() else None
    known = header.contigs.get(name)
    if known is not None and length is not None and known != length:
        raise InputError(f"{where}: {Kind.CONTIG_LENGTH.value.text.format(contig=name, length=known, found=text)}")
    if known is None:
        header.contigs[name] = length


def with_samples(text: str, samples: Sequence[str]) -> str:
    """A header whose line of columns names these samples: they may have been renamed."""
    lines, newline, columns = text.rstrip("\n").rpartition("\n")
    fields = columns.split("\t")
    return lines + newline + "\t".join([*fields[:9], *samples]) + text[len(text.rstrip("\n")) :]
