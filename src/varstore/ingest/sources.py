"""Inputs that are neither VCF nor BCF: which reader takes a path, and columns as the importer's records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..codec.rows import block_starts, sets_from_codes
from ..errors import InputError
from ..storage.field_exceptions import FieldValues
from ..storage.field_table import FieldTable
from ..storage.rowbytes import RowBytes, join_rows
from .calls import Calls
from .field_blocks import block_of
from .header import VcfHeader
from .records import Records, ScanPlan

_PLINK1, _PLINK2 = b"\x6c\x1b\x01", b"\x6c\x1b"


class Source(Protocol):
    """What the importer takes records from.

    files : everything that is read, for the batch's provenance
    """

    header: VcfHeader
    files: list[Path]

    def first_contig(self) -> str | None: ...
    def records(self, plan: ScanPlan) -> Iterator[Records]: ...


def open_source(path: Path) -> Source | None:
    """The reader of a PLINK file or a VCF Zarr store; None where the path is neither. Raises InputError."""
    if path.is_dir() or path.suffix == ".zip":
        from .vcz import VczSource  # noqa: PLC0415

        return VczSource(path)
    with open(path, "rb") as file:
        magic = file.read(3)
    if not magic.startswith(_PLINK2):
        return None
    from .plink import open_plink  # noqa: PLC0415

    return open_plink(path, is_bed=magic == _PLINK1)


@dataclass(frozen=True)
class Columns:
    """Some records as columns.

    contig : (rows,) names    position : (rows,) int64    num_alts : (rows,) int64
    texts : ID, REF, ALT, QUAL, FILTER, INFO and FORMAT, a cell a row
    codes : (rows, samples, ploidy) int16, -1 missing, -2 no haplotype    phased : (rows, samples) bool
    has_gt : (rows,) bool
    formats : key and values of FORMAT fields besides GT, as VCF Zarr has them
    """

    contig: Sequence[str]
    position: NDArray[np.int64]
    num_alts: NDArray[np.int64]
    texts: Sequence[RowBytes]
    codes: NDArray[Any]
    phased: NDArray[np.bool_]
    has_gt: NDArray[np.bool_]
    formats: Sequence[tuple[str, FieldValues]] = ()


def records_of(columns: Columns, plan: ScanPlan) -> Records:
    """Columns as the importer's records. Raises InputError where a genotype has an allele that is not there."""
    codes, num_rows = columns.codes, len(columns.position)
    _check_codes(columns, plan)
    text, starts = join_rows(columns.texts)
    runs = [i for i in range(num_rows) if i == 0 or columns.contig[i] != columns.contig[i - 1]]
    default = (2 * columns.phased.sum(axis=1) >= plan.num_samples).astype(np.uint8)
    odd_row, odd_sample = np.nonzero(columns.phased != default[:, np.newaxis].astype(bool))
    return Records(
        sets_from_codes(
            np.ascontiguousarray(codes, np.int16), block_starts(plan.num_samples, plan.chunk_samples, codes.shape[2])
        ),
        text,
        np.concatenate([starts[:-1], starts[1:, :1]], axis=1),
        columns.position,
        columns.num_alts,
        columns.has_gt,
        [columns.contig[i] for i in runs],
        np.array(runs, np.int64),
        default,
        odd_sample.astype(np.int32),
        np.searchsorted(odd_row, np.arange(num_rows + 1)).astype(np.int64),
        _calls_of(columns, plan.formats),
    )


def _calls_of(columns: Columns, table: FieldTable | None) -> Calls:
    """FORMAT fields as the importer has them; those that are not wanted are left out."""
    blocks = {}
    if table is not None:
        for key, values in columns.formats:
            slot = table.add(key)
            if table.keeps(slot):
                blocks[slot] = block_of(values)
    odd, text = np.zeros((0, 5), np.int64), np.zeros(0, np.uint8)
    return Calls(((len(columns.position), blocks),), odd, text)


def _check_codes(columns: Columns, plan: ScanPlan) -> None:
    """Codes name alleles that the record has, or say missing or nothing. Raises InputError."""
    if not columns.codes.size:
        return
    codes = columns.codes
    wrong = np.flatnonzero((codes.max(axis=(1, 2)) > columns.num_alts) | (codes.min(axis=(1, 2)) < -2))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"{plan.path}, record at {columns.contig[row]}:{columns.position[row]}: a genotype has allele "
            f"{codes[row].max()}, but the record has {columns.num_alts[row]} ALT alleles"
        )
