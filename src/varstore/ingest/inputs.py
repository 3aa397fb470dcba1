"""Input files: their headers, and how their records are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .bcf import BcfFile
from .header import VcfHeader, parse_header
from .sort import SortedText
from .sources import Source, open_source
from .text import TextFile, is_bcf


@dataclass
class Input:
    """One input file: its header, and how to read it."""

    path: Path
    header: VcfHeader
    text: TextFile | BcfFile | SortedText | None
    source: Source | None = None

    @property
    def files(self) -> list[Path]:
        """Everything that is read."""
        return [self.path] if self.source is None else self.source.files

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def place(self, row: int) -> str:
        """File and line of a record, from 0: every record is one line."""
        if isinstance(self.text, SortedText):
            return self.text.place(row)
        if self.text is None or isinstance(self.text, BcfFile):
            return f"{self.path}, record {row + 1}"
        return f"{self.path}, line {self.header.num_lines + 1 + row}"

    def first_contig(self) -> str | None:
        """CHROM of the first record, or None where there is none."""
        if self.source is not None:
            return self.source.first_contig()
        return self.text.first_contig() if self.text is not None else None


def open_input(path: str | Path) -> Input:
    """Open a VCF, a BCF or another source and read its header. Raises InputError and its kinds."""
    path = Path(path)
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        source = open_source(path)
        if source is not None:
            return Input(path, source.header, None, source)
        text = BcfFile(path) if is_bcf(path) else TextFile(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return Input(path, parse_header(text.header_text, str(path)), text)


def check_same_samples(inputs: Sequence[Input]) -> None:
    """Inputs of one batch have the same samples in the same order. Raises InputError."""
    first = inputs[0]
    for other in inputs[1:]:
        if other.header.samples != first.header.samples:
            raise InputError(
                f"{other.path}: its samples are not those of {first.path}, in the same order; "
                "inputs of one batch split the same samples by chromosome, add others one by one"
            )


def check_named_once(inputs: Sequence[Input]) -> None:
    """No input is named twice. Raises InputError."""
    paths = [str(source.path) for source in inputs]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"{path}: named twice")
