"""What a sites file (ClinVar, dbSNP, gnomAD) says of a genome's alleles, joined by key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, QueryError
from ..model.cores import num_cores
from .text_rows import UNKNOWN, Codes

if TYPE_CHECKING:
    from ..ingest.inputs import Input
    from ..query.version import Version
    from .reading import Genome

_DECLARED = re.compile(r"^##INFO=<ID=([^,>]+),Number=([^,>]+)", re.MULTILINE)
ID = "ID"


def split(text: str) -> tuple[Path, list[str]]:
    """File and keys of ``clinvar.vcf.gz:CLNSIG,CLNDN``. Raises QueryError."""
    path, colon, keys = text.rpartition(":")
    names = [key for key in keys.split(",") if key]
    if not colon or not path or not names:
        raise QueryError(f"--annotate {text}: expected FILE:KEY,KEY, like clinvar.vcf.gz:CLNSIG,CLNDN")
    return Path(path), names


def annotation_columns(version: Version, genome: Genome, wanted: Sequence[str]) -> dict[str, Codes]:
    """Columns of all that is asked for; a name that is there already gets a number.

    Raises QueryError, InputError and its kinds (ContigLengthError: the file is of another build).
    """
    found: dict[str, Codes] = {}
    for text in wanted:
        path, keys = split(text)
        for name, codes in _of_file(version, genome, path, keys).items():
            number, free = 1, name
            while free in found:
                number += 1
                free = f"{name}_{number}"
            found[free] = codes
    return found


def _of_file(version: Version, genome: Genome, path: Path, keys: Sequence[str]) -> dict[str, Codes]:
    from ..ingest.annotations import Targets, read_annotations  # noqa: PLC0415
    from ..ingest.inputs import open_input  # noqa: PLC0415
    from ..ingest.line_scanner import Places  # noqa: PLC0415

    source = open_input(path)
    if source.text is None:
        raise InputError(f"{path}: annotations are read from VCF or BCF")
    numbers = _numbers(source, keys)
    assert version.manifest is not None
    table = [dict(entry) for entry in version.manifest.contigs]
    table += [{"name": n, "length": genome.lengths.get(n), "refget": None} for n in genome.contigs[len(table) :]]
    places = Places(source.header.contigs, table, str(path), version._bases)
    alleles = genome.alleles
    targets = Targets(alleles.key, alleles.digest, {place: (rows.start, rows.stop) for place, rows in genome.runs})
    found = read_annotations(source, places, targets, num_cores())
    if len(genome) and found == {} and not set(genome.alleles.contig.tolist()) & _contigs(places, len(table)):
        genome.problems.append(f"{path}: none of its contigs has variants of the genome")
    columns = {key: _Column(len(genome)) for key in keys}
    for row, (alt, text) in found.items():
        if not alleles.length[row]:
            continue  # a symbolic allele without a length: whether it is this one cannot be told
        fields = text.split(b"\t")
        info = dict(field.partition(b"=")[::2] for field in fields[-1].split(b";"))
        for key, column in columns.items():
            value = fields[0] if key == ID else info.get(key.encode())
            if value is not None:
                column.put(row, _value(value, numbers.get(key, "1"), alt))
    return {key: Codes(column.codes, list(column.texts)) for key, column in columns.items()}


def _contigs(places: object, most: int) -> set[int]:
    """Places of the table that a file was found to have."""
    found: dict[str, int] = places._places  # type: ignore[attr-defined]
    return {place for place in found.values() if place < most}


class _Column:
    """A text a row, most of them the same few."""

    def __init__(self, rows: int) -> None:
        self.codes = np.zeros(rows, np.int32)
        self.texts: dict[str, int] = {UNKNOWN: 0}

    def put(self, row: int, text: str) -> None:
        self.codes[row] = self.texts.setdefault(text, len(self.texts))


def _numbers(source: Input, keys: Sequence[str]) -> dict[str, str]:
    """Number of each field asked for. Raises QueryError where the header does not declare it."""
    declared = dict(_DECLARED.findall(source.header.text))
    for key in keys:
        if key not in declared and key != ID:
            there = ", ".join(list(declared)[:10]) + (", ..." if len(declared) > 10 else "")
            raise QueryError(f"{source.path}: its header declares no INFO field {key!r}; there are {there or 'none'}")
    return declared


def _value(value: bytes, number: str, alt: int) -> str:
    """The text of a value; of a field by allele the allele's own. A flag is ``true``."""
    text = value.decode(errors="replace") or ("true" if number == "0" else UNKNOWN)
    if number in ("A", "R"):
        values = text.split(",")
        place = alt - (number == "A")
        return values[place] if place < len(values) else UNKNOWN
    return text
