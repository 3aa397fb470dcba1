"""One export: which format, where to, and what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ..errors import QueryError
from .bcf import write_bcf
from .index import INDEXES, Index, index_path
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


def run(
    selection: Selection, target: Path | BinaryIO, form: str, job: Job, *, force: bool, write_index: str | None = None
) -> ExportReport:
    """Write what is selected. Raises QueryError, WriteError, CorruptRepositoryError.

    write_index : "csi" or "tbi", beside the file
    """
    if form not in FORMATS:
        raise QueryError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    if isinstance(target, Path) and form != "plink":
        check_target(target, force=force, store=form == "vcz")
    compressed = isinstance(target, Path) and target.suffix in _COMPRESSED
    index = _index(selection, target, form, write_index, compressed=compressed, force=force)
    dropped: tuple[str, ...] = ()
    if form == "plink":
        dropped = write_plink(selection, _path(target, form), job, force=force)
    elif form == "vcz":
        dropped = write_vcz(selection, _path(target, form), job)
    elif form == "bcf":
        write_bcf(selection, target, job, index)
    else:
        write_vcf(selection, target, job, compressed=compressed, index=index)
    if index is not None:
        index.write(_path(target, form))
    return ExportReport(selection.num_records, len(selection.samples), dropped)


def _index(
    selection: Selection, target: Path | BinaryIO, form: str, kind: str | None, *, compressed: bool, force: bool
) -> Index | None:
    """The index that was asked for. Raises QueryError where the file cannot have it."""
    if kind is None:
        return None
    if kind not in INDEXES:
        raise QueryError(f"no index {kind!r}; there are {', '.join(INDEXES)}")
    if not isinstance(target, Path) or not (form == "bcf" or (form == "vcf" and compressed)):
        raise QueryError(
            "an index is written beside a BCF or a BGZF VCF: give -o FILE.bcf, FILE.vcf.gz or FILE.vcf.bgz"
        )
    if form == "bcf" and kind == "tbi":
        raise QueryError("BCF has no TBI index; write a CSI")
    check_target(index_path(target, kind), force=force)
    ids = None
    if form == "bcf":
        header = selection.header
        ids = [header.contigs[name] for name in selection.stores[0].contigs]
    return Index(kind, selection, ids)


def _path(target: Path | BinaryIO, form: str) -> Path:
    if not isinstance(target, Path):
        raise QueryError(f"{form} is written to a path, not to a stream")
    return target
