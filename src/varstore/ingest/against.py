"""A stored batch against its source, read again by the other reader (htslib through cyvcf2)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, NotVcfError
from ..storage.batch import Batch
from .against_fields import FieldComparison


def source_samples(path: Path) -> list[str]:
    """Sample names of a VCF or BCF. Raises InputError, NotVcfError."""
    return list(_open(path).samples)


def _open(path: Path) -> Any:
    import cyvcf2  # noqa: PLC0415

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return cyvcf2.VCF(str(path))
    except Exception as error:
        raise NotVcfError(f"{path}: no VCF or BCF that htslib can open ({error})") from None


def _read(path: Path) -> Iterator[Any]:
    """Records as htslib reads them. Raises InputError."""
    num = 0
    reader = iter(_open(path))
    while True:
        num += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except Exception as error:
            raise InputError(f"{path}, record {num}: htslib cannot read it ({error}), so it is not compared") from None
        yield record


def differences(path: Path, batch: Batch, blocks: Any, left_out: Collection[str] = ()) -> Iterator[str]:
    """What differs between a source and the batch that holds it, as sentences, record by record.

    blocks : (chunk) -> (genotypes, phases) of all samples at the records of a chunk
    left_out : names of fields that the import was told to leave out

    Compares CHROM, POS, ID, REF, ALT, QUAL, FILTER, GT and phase, and every INFO and FORMAT field.
    """
    fields = FieldComparison(batch, left_out)
    stored: Iterator[tuple[Any, ...]] = iter(())
    contig, num = "", 0
    for num, record in enumerate(_read(path), 1):
        if record.CHROM != contig:
            yield from _rest(path, contig, stored)
            contig = record.CHROM
            stored = _records(batch, contig, blocks)
        mine = next(stored, None)
        where = f"{path}, record {num}, {contig}:{record.POS}"
        if mine is None:
            yield f"{where}: the repository has no such record"
            return
        *mine_fixed, number = mine
        compared = list(zip(_NAMES, mine_fixed, _fields(record, batch), strict=True))
        for name, found, expected in [*compared, *fields.compare(record, number)]:
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
            alleles = [allele for allele in sites.allele[row] if allele]
            names = {batch.filters[i] for i in np.flatnonzero(filters[row])}
            calls = None if genotypes is None else (genotypes[row], phases[row])
            quality_bits = int(quality[row : row + 1].view(np.uint32)[0])
            yield (
                int(sites.position[row]), ids[row], alleles, quality_bits, names,
                None if calls is None else calls[0], calls, chunk * batch.chunk_variants + row,
            )  # fmt: skip


def _fields(record: Any, batch: Batch) -> tuple[Any, ...]:
    """The same fields as htslib reads them."""
    missing = np.array([0x7F800001], np.uint32)
    quality = missing if record.QUAL is None else np.array([record.QUAL], np.float32).view(np.uint32)
    names = set((record.FILTERS if record.FILTER is not None or "PASS" in record.FILTERS else []) or [])
    names.discard(".")
    calls = None
    if batch.has_genotypes:
        shape = (len(batch.samples), batch.ploidy)
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
        record.POS, record.ID or ".", [record.REF, *record.ALT], int(quality[0]), names,
        None if calls is None else calls[0], calls,
    )  # fmt: skip


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
