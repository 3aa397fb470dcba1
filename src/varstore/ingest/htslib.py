"""htslib through cyvcf2, for the worker process: what ``verify`` reads sources with."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError, NotVcfError
from . import worker


def open_with_htslib(path: Path, **options: Any) -> Any:
    """A reader of cyvcf2's. Raises NotVcfError."""
    import cyvcf2  # noqa: PLC0415

    try:
        return cyvcf2.VCF(str(path), **options)
    except Exception as error:
        raise NotVcfError(f"{path}: no VCF or BCF that htslib can open ({error})") from None


def counted(path: Path, records: Iterable[Any]) -> Iterator[Any]:
    """The records; the worker's parent knows which one it is at. Raises InputError."""
    reader = iter(records)
    for number in itertools.count(1):
        worker.at(number)
        try:
            record = next(reader)
        except StopIteration:
            return
        except Exception as error:
            what = f"htslib cannot read it ({error}), so it is not compared"
            raise InputError(f"{path}, record {number}: {what}") from None
        yield record
