"""htslib through cyvcf2, for the worker process: what ``verify`` reads sources with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import NotVcfError
from . import worker


def open_with_htslib(path: Path, **options: Any) -> Any:
    """A reader of cyvcf2's. Raises NotVcfError."""
    import cyvcf2  # noqa: PLC0415

    try:
        return cyvcf2.VCF(str(path), **options)
    except Exception as error:
        raise NotVcfError(f"{path}: no VCF or BCF that htslib can open ({error})") from None


def counted(records: Iterable[Any]) -> Iterator[Any]:
    """The records; the worker's parent knows which one it is at."""
    worker.at(1)
    for number, record in enumerate(records, 2):
        yield record
        worker.at(number)
