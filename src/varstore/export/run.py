"""One export: which format, where to, and what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ..errors import QueryError
from .output import check_target
from .records import Selection
from .report import ExportReport, Job

__all__ = ["FORMATS", "Job", "Selection", "format_of", "run"]

FORMATS = ("vcf",)
_COMPRESSED = (".gz", ".bgz")


def format_of(target: Path | BinaryIO) -> str:
    """The format that a file's name says; VCF where it says nothing."""
    return "vcf"


def run(selection: Selection, target: Path | BinaryIO, form: str, job: Job, *, force: bool) -> ExportReport:
    """Write what is selected. Raises QueryError, WriteError, CorruptRepositoryError."""
    if form not in FORMATS:
        raise QueryError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    if isinstance(target, Path):
        check_target(target, force=force)
    dropped: tuple[str, ...] = ()
    from .vcf import write_vcf  # noqa: PLC0415

    compressed = isinstance(target, Path) and target.suffix in _COMPRESSED
    write_vcf(selection, target, job, compressed=compressed)
    return ExportReport(selection.num_records, len(selection.samples), dropped)
