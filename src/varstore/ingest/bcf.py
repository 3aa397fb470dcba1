"""BCF through cyvcf2 (htslib), in the worker process: the same records the scanner makes of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..codec.rows import block_starts, sets_from_codes
from ..errors import InputError, NotVcfError
from ..kernels.scan import NUM_FIELDS
from . import worker
from .bgzf import MappedFile
from .header import VcfHeader, parse_header
from .records import Records, ScanPlan

_CELLS = 1 << 24  # genotype codes held at a time
_TEXT_SIZE = 1 << 22


# For the importing process; htslib itself is in the worker.


def read_bcf_header(path: Path) -> VcfHeader:
    """The header of a BCF. Raises NotVcfError, TruncatedInputError."""
    MappedFile(path).check_blocks()  # htslib does not mind a file that is cut off
    return parse_header(worker.one("bcf:header_text", path), str(path))


def first_contig_of_bcf(path: Path) -> str | None:
    """CHROM of the first record, or None where there is none."""
    contig: str | None = worker.one("bcf:first_contig", path)
    return contig


def read_bcf_lines(path: Path) -> Iterator[bytes]:
    """The records of a BCF as lines of text, some at a time. Raises InputError."""
    return worker.run("bcf:lines", path)


def read_bcf(path: Path, plan: ScanPlan) -> Iterator[Records]:
    """Records of a BCF, some at a time. Raises InputError."""
    return worker.run("bcf:records", path, plan)


# For the worker.


def open_with_htslib(path: Path, **options: Any) -> Any:
    """A reader of cyvcf2's. Raises NotVcfError."""
    import cyvcf2  # noqa: PLC0415

    try:
        return cyvcf2.VCF(str(path), **options)
    except Exception as error:
        raise NotVcfError(f"{path}: no VCF or BCF that htslib can open ({error})") from None


def header_text(path: Path) -> Iterator[str]:
    """The header as htslib prints it."""
    yield open_with_htslib(path).raw_header


def first_contig(path: Path) -> Iterator[str | None]:
    """CHROM of the first record, or None."""
    worker.at(1)
    yield next((str(record.CHROM) for record in open_with_htslib(path, samples=[])), None)


def counted(records: Iterable[Any]) -> Iterator[Any]:
    """The records; the worker's parent knows which one it is at."""
    worker.at(1)
    for number, record in enumerate(records, 2):
        yield record
        worker.at(number)


def lines(path: Path) -> Iterator[bytes]:
    """The records as lines of text, some at a time."""
    lines: list[bytes] = []
    size = 0
    for record in counted(open_with_htslib(path)):
        lines.append(str(record).encode())
        size += len(lines[-1])
        if size >= _TEXT_SIZE:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)


def records(path: Path, plan: ScanPlan) -> Iterator[Records]:
    """The records, some at a time. Raises InputError."""
    # One reader for the genotypes, one without samples for the text of the sites.
    calls = open_with_htslib(path)
    sites = open_with_htslib(path, samples=[])
    rows: list[tuple[bytes, Any, Any]] = []
    ploidy, cells, number = 1, 0, 0
    try:
        for call, site in counted(zip(calls, sites, strict=True)):
            number += 1
            rows.append((str(site).rstrip("\n").encode(), ":".join(call.FORMAT), _genotypes(call)))
            if rows[-1][2] is not None:
                ploidy = max(ploidy, rows[-1][2].shape[1] - 1)
            cells += plan.num_samples * (ploidy + 1)
            if cells >= _CELLS or len(rows) >= 4096:
                yield _records(rows, ploidy, plan)
                rows, cells = [], 0
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}, record {number + 1}: htslib cannot read it ({error})") from None
    if rows:
        yield _records(rows, ploidy, plan)


def _genotypes(record: Any) -> Any:
    """(samples, ploidy + 1) int16, the last column the phase; None without GT."""
    if "GT" not in record.FORMAT:
        return None
    array = record.genotype.array()
    if array.shape[1] == 2:
        array[:, 1] = 1
    return array


def _records(rows: list[tuple[bytes, Any, Any]], ploidy: int, plan: ScanPlan) -> Records:
    num_rows, num_samples = len(rows), plan.num_samples
    codes = np.full((num_rows, num_samples, ploidy), -2, np.int16)
    phased = np.zeros((num_rows, num_samples), np.bool_)
    fields = np.empty((num_rows, NUM_FIELDS), np.int64)
    position = np.empty(num_rows, np.int64)
    num_alts = np.empty(num_rows, np.int64)
    contigs: list[str] = []
    run_start: list[int] = []
    texts: list[bytes] = []
    used = 0
    for i, (line, formats, genotypes) in enumerate(rows):
        columns = line.split(b"\t")[:8]
        if genotypes is None:
            codes[i] = -1
        else:
            codes[i, :, : genotypes.shape[1] - 1] = genotypes[:, :-1]
            phased[i] = genotypes[:, -1] != 0
        contig = columns[0].decode()
        if not contigs or contigs[-1] != contig:
            contigs.append(contig)
            run_start.append(i)
        position[i] = int(columns[1])
        num_alts[i] = 0 if columns[4] == b"." else columns[4].count(b",") + 1
        if genotypes is not None and num_alts[i] == 0 and (codes[i] == 1).any():
            num_alts[i] = 1
        if genotypes is not None and codes[i].size and codes[i].max() > num_alts[i]:
            raise InputError(
                f"{plan.path}, record at {contig}:{position[i]}: a genotype has allele {codes[i].max()}, "
                f"but the record has {num_alts[i]} ALT alleles"
            )
        for j, column in enumerate([*columns[2:], formats.encode()]):
            fields[i, j] = used
            texts.append(column + b"\t")
            used += len(column) + 1
        fields[i, -1] = used
    starts = block_starts(num_samples, plan.chunk_samples, ploidy)
    default = (2 * phased.sum(axis=1) >= num_samples).astype(np.uint8)
    odd_row, odd_sample = np.nonzero(phased != default[:, np.newaxis].astype(bool))
    return Records(
        sets_from_codes(codes, starts),
        np.frombuffer(bytearray(b"".join(texts)), np.uint8),
        fields,
        position,
        num_alts,
        np.array([genotypes is not None for _, _, genotypes in rows]),
        contigs,
        np.array(run_start, np.int64),
        default,
        odd_sample.astype(np.int32),
        np.searchsorted(odd_row, np.arange(num_rows + 1)).astype(np.int64),
    )
