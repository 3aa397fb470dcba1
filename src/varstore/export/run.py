"""One export: which format, where to, and what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ..errors import QueryError
from .bcf import write_bcf
from .output import check_target
from .records import Selection
from .report import ExportReport, Job
from .vcf import write_vcf

__all__ = ["FORMATS", "Job", "Selection", "format_of", "run"]

FORMATS = ("vcf", "bcf")
_COMPRESSED = (".gz", ".bgz")
_FORMAT_OF = {".bcf": "bcf"}


def format_of(target: Path | BinaryIO) -> str:
    """The format that a file's name says; VCF where it says nothing."""
    return _FORMAT_OF.get(target.suffix, "vcf") if isinstance(target, Path) else "vcf"


def run(selection: Selection, target: Path | BinaryIO, form: str, job: Job, *, force: bool) -> ExportReport:
    """Write what is selected. Raises QueryError, WriteError, CorruptRepositoryError."""
    if form not in FORMATS:
        raise QueryError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    if isinstance(target, Path):
        check_target(target, force=force)
    dropped: tuple[str, ...] = ()
    if form == "bcf":
        write_bcf(selection, target, job)
    else:
        compressed = isinstance(target, Path) and target.suffix in _COMPRESSED
        write_vcf(selection, target, job, compressed=compressed)
    return ExportReport(selection.num_records, len(selection.samples), dropped)
