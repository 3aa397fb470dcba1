"""A stored batch against its source, read again by the other reader: of VCF and BCF htslib through cyvcf2."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..storage.batch import Batch
from . import worker
from .against_fields import FieldComparison, FieldsRead
from .htslib import counted, open_with_htslib
from .problems import Kind
from .resort import sorted_copy

_CELLS = 1 << 20  # genotype codes, and records, sent at a time
_MOST = 4096


def source_samples(path: Path) -> list[str]:
    """Sample names of a source. Raises InputError, NotVcfError."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    # The worker, which runs functions of this module, does not need those readers.
    from .against_sources import other_source  # noqa: PLC0415

    other = other_source(path)
    if other is not None:
        return other.header.samples
    samples: list[str] = worker.one("against:samples", path)
    return samples


@contextmanager
def readable(path: Path, problems: Mapping[str, Any]) -> Iterator[Path]:
    """A file that htslib reads in the order of the batch: the source, or a sorted copy without blank lines.

    htslib crashes on a blank line at the end, which an import takes.
    """
    if not {Kind.UNSORTED.value.name, Kind.BLANK_LAST_LINE.value.name} & set(problems):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="varstore-") as folder:
        yield sorted_copy(path, Path(folder))


def samples(path: Path) -> Iterator[list[str]]:
    """In the worker: the names of the samples."""
    yield list(open_with_htslib(path).samples)


def records(path: Path, shape: tuple[int, int] | None) -> Iterator[list[tuple[Any, ...]]]:
    """In the worker: CHROM, the fixed fields, and INFO and FORMAT of the records, some at a time.

    shape : samples and ploidy of the genotypes, None for none
    """
    out: list[tuple[Any, ...]] = []
    cells = 0
    for record in counted(path, open_with_htslib(path)):
        fields = FieldsRead.of(record)
        cells += fields.size + (shape[0] * (shape[1] + 1) if shape else 1)
        out.append((record.CHROM, _fields(record, shape), fields))
        if cells >= _CELLS or len(out) == _MOST:
            yield out
            out, cells = [], 0
    yield out


def _source_records(path: Path, batch: Batch) -> Iterator[tuple[Any, ...]]:
    shape = (len(batch.samples), batch.ploidy) if batch.has_genotypes else None
    from .against_sources import other_records, other_source  # noqa: PLC0415

    other = other_source(path)
    if other is not None:
        return other_records(other, shape)
    return itertools.chain.from_iterable(worker.run("against:records", path, shape))


def differences(
    path: Path, batch: Batch, blocks: Any, left_out: Collection[str] = (), withdrawn: Sequence[int] = ()
) -> Iterator[str]:
    """What differs between a source and the batch that holds it, as sentences, record by record.

    blocks : (chunk) -> (genotypes, phases) of all samples at the records of a chunk

    left_out : names of fields that the import was told to leave out
    withdrawn : columns of samples that are not compared

    Compares CHROM, POS, ID, REF, ALT, QUAL, FILTER, GT and phase, and every INFO and FORMAT field.
    """
    comparison = FieldComparison(batch, left_out, withdrawn)
    stored: Iterator[tuple[Any, ...]] = iter(())
    contig, num = "", 0
    for num, (record_contig, expected_fields, fields) in enumerate(_source_records(path, batch), 1):
        if record_contig != contig:
            yield from _rest(path, contig, stored)
            contig = record_contig
            stored = _records(batch, contig, blocks)
        mine = next(stored, None)
        where = f"{path}, record {num}, {contig}:{expected_fields[0]}"
        if mine is None:
            yield f"{where}: the repository has no such record"
            return
        *fixed, number = mine
        compared = list(zip(_NAMES, fixed, expected_fields, strict=True))
        for name, found, expected in [*compared, *comparison.compare(fields, number)]:
            found, expected = _without(found, withdrawn), _without(expected, withdrawn)
            if not _equal(found, expected):
                yield f"{where}: {name} is {_short(expected)} in the file, {_short(found)} in the repository"
    yield from _rest(path, contig, stored)


_NAMES = ("POS", "ID", "REF and ALT", "QUAL", "FILTER", "GT", "phase")


def _rest(path: Path, contig: str, stored: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    left = sum(1 for _ in stored)
    if left:
        yield f"{path}: the repository has {left:,} more records on {contig}"


def _records(batch: Batch, contig: str, blocks: Any) -> Iterator[tuple[Any, ...]]:
    """Stored records of a contig, in order."""
    index = batch.region_index
    wanted = batch.contigs.index(contig) if contig in batch.contigs else -1
    for chunk in index[index[:, 1] == wanted, 0].tolist():
        sites = batch.site_chunk(chunk)
        ids = batch.array("variant_id").chunk(chunk)
        quality = batch.array("variant_quality").chunk(chunk)
        filters = batch.filter_chunk(chunk)
        genotypes, phases = blocks(chunk)
        for row in np.flatnonzero(sites.contig == wanted).tolist():
            alleles = [allele for allele in sites.allele[row] if allele not in ("", ".")]
            names = {batch.filters[i] for i in np.flatnonzero(filters[row])}
            calls = None if genotypes is None else (genotypes[row], phases[row])
            quality_bits = int(quality[row : row + 1].view(np.uint32)[0])
            yield (
                int(sites.position[row]), ids[row], alleles, quality_bits, names,
                None if calls is None else calls[0], calls, chunk * batch.chunk_variants + row,
            )  # fmt: skip


def _fields(record: Any, shape: tuple[int, int] | None) -> tuple[Any, ...]:
    """The same fields as htslib reads them."""
    missing = np.array([0x7F800001], np.uint32)
    quality = missing if record.QUAL is None else np.array([record.QUAL], np.float32).view(np.uint32)
    names = set((record.FILTERS if record.FILTER is not None or "PASS" in record.FILTERS else []) or [])
    names.discard(".")
    calls = None
    if shape is not None:
        codes, phased = np.full(shape, -1), np.zeros(shape[0], np.bool_)
        if "GT" in record.FORMAT:
            array = record.genotype.array()
            codes = np.full(shape, -2)
            codes[:, : array.shape[1] - 1] = array[:, :-1]
            phased = array[:, -1] != 0
            # One allele has no separator: htslib says nothing of its phase, we say phased.
            phased |= (codes != -2).sum(axis=1) == 1
        calls = (codes, phased)
    return (
        record.POS, record.ID or ".", [record.REF, *(alt for alt in record.ALT if alt != ".")], int(quality[0]), names,
        None if calls is None else calls[0], calls,
    )  # fmt: skip


def _without(value: Any, samples: Sequence[int]) -> Any:
    """GT or phase without some samples; other fields as they are."""
    if isinstance(value, tuple):
        return tuple(_without(part, samples) for part in value)
    return np.delete(value, samples, axis=0) if isinstance(value, np.ndarray) and len(samples) else value


def _equal(found: Any, expected: Any) -> bool:
    if isinstance(expected, tuple):
        return np.array_equal(found[1], expected[1])
    if isinstance(expected, np.ndarray):
        return np.array_equal(found, expected)
    return bool(found == expected)


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        value = value[1]
    text = repr(value.tolist() if isinstance(value, np.ndarray) else value)
    return text if len(text) <= 80 else text[:77] + "..."
