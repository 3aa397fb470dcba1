"""One export: which format, where to, and what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ..errors import QueryError
from .bcf import write_bcf
from .output import check_target
from .plink import write_plink
from .records import Selection
from .report import ExportReport, Job
from .vcf import write_vcf
from .vcz import write_vcz

__all__ = ["FORMATS", "Job", "Selection", "format_of", "run"]

FORMATS = ("vcf", "bcf", "vcz", "plink")
_COMPRESSED = (".gz", ".bgz")
_FORMAT_OF = {".bcf": "bcf", ".vcz": "vcz", ".zarr": "vcz", ".zip": "vcz", ".pgen": "plink"}


def format_of(target: Path | BinaryIO) -> str:
    """The format that a file's name says; VCF where it says nothing."""
    return _FORMAT_OF.get(target.suffix, "vcf") if isinstance(target, Path) else "vcf"


def run(selection: Selection, target: Path | BinaryIO, form: str, job: Job, *, force: bool) -> ExportReport:
    """Write what is selected. Raises QueryError, WriteError, CorruptRepositoryError."""
    if form not in FORMATS:
        raise QueryError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    if isinstance(target, Path) and form != "plink":
        check_target(target, force=force, store=form == "vcz")
    dropped: tuple[str, ...] = ()
    if form == "plink":
        dropped = write_plink(selection, _path(target, form), job, force=force)
    elif form == "vcz":
        dropped = write_vcz(selection, _path(target, form), job)
    elif form == "bcf":
        write_bcf(selection, target, job)
    else:
        compressed = isinstance(target, Path) and target.suffix in _COMPRESSED
        write_vcf(selection, target, job, compressed=compressed)
    return ExportReport(selection.num_records, len(selection.samples), dropped)


def _path(target: Path | BinaryIO, form: str) -> Path:
    if not isinstance(target, Path):
        raise QueryError(f"{form} is written to a path, not to a stream")
    return target
