"""PLINK files and VCF Zarr read again for ``verify``, record by record, not by what the importer reads them with.

Genotypes of a .pgen come from pgenlib one variant at a time (an import reads ranges), those of a .bed from its bytes,
and VCF Zarr from zarr-python's own slices.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..model.header import Header
from ..storage.field_beside import FILL, MISSING
from ..storage.named_arrays import LITERAL
from .against_fields import FieldsRead
from .plink import PlinkSource, alts_of
from .sources import Source, open_source
from .vcz import VczSource

Shape = tuple[int, int] | None
Record = tuple[str, tuple[Any, ...], FieldsRead]

_QUALITY_MISSING, _FLOAT_MISSING, _FLOAT_FILL = 0x7F800001, 0x7F800001, 0x7F800002
_CELLS = 1 << 22  # genotype codes held at a time
_BED_HEAD = 3
# Two bits of a .bed: two of the first allele, missing, heterozygous, two of the second. The first is ALT.
_BED_CODES = np.array([[1, 1], [-1, -1], [0, 1], [0, 0]], np.int64)


def other_source(path: Path) -> Source | None:
    """A source that is neither VCF nor BCF, or None. Raises InputError."""
    with warnings.catch_warnings():
        # What is not stored of it was said at the import.
        warnings.simplefilter("ignore")
        return open_source(path)


def other_records(source: Source, shape: Shape) -> Iterator[Record]:
    """CHROM, the fixed fields, and INFO and FORMAT of every record, in order.

    shape : samples and ploidy of the genotypes of the batch, None for none
    """
    if isinstance(source, PlinkSource):
        return _plink_records(source, shape)
    assert isinstance(source, VczSource)
    return _vcz_records(source, shape)


def _calls(codes: NDArray[Any], phased: NDArray[Any], shape: Shape) -> tuple[Any, Any]:
    """GT and phase as they are compared: codes as wide as those of the batch."""
    if shape is None:
        return None, None
    wide = np.full((shape[0], max(shape[1], codes.shape[1])), -2)
    wide[:, : codes.shape[1]] = codes
    return wide, (wide, phased)


def _plink_records(source: PlinkSource, shape: Shape) -> Iterator[Record]:
    """Variants of a PLINK fileset."""
    read = _bed_reader(source) if source.sites.provisional else _pgen_reader(source)
    header = Header.parse("\n".join(source.sites.meta))
    at = source.sites.at
    for number, (line, columns) in enumerate(source.sites.lines()):
        cells = {name: columns[i] for name, i in at.items()}
        codes, phased = read(number)
        haploid = source.haploid([cells["#CHROM"]])[0] & (codes[:, 0] == codes[:, 1])
        codes[haploid, 1] = -2
        alleles = ["N" if cells["REF"] in (".", "0") else cells["REF"]]
        alleles += [alt for alt in alts_of(cells["ALT"]).split(",") if alt != "."]
        try:
            position, quality = int(cells["POS"]), _quality(cells.get("QUAL", "."))
        except ValueError:
            raise InputError(f"{source.sites.path}, line {line}: POS or QUAL is no number") from None
        filters = set(cells.get("FILTER", ".").split(";")) - {"."}
        info = "PR" if source.sites.provisional else cells.get("INFO", ".")
        fixed = (position, cells["ID"], alleles, quality, filters, *_calls(codes, phased | haploid, shape))
        yield cells["#CHROM"], fixed, FieldsRead(list(_info_values(info, header)), {})


def _quality(text: str) -> int:
    """The bits of QUAL."""
    if text == ".":
        return _QUALITY_MISSING
    with np.errstate(over="ignore"):
        return int(np.array([float(text)]).astype(np.float32).view(np.uint32)[0])


def _info_values(text: str, header: Header) -> Iterator[tuple[str, Any]]:
    """Keys and values of INFO by their declared types, as cyvcf2 has them; of a key that stands twice the first."""
    seen: set[str] = set()
    for item in [] if text == "." else text.split(";"):
        key, equals, value = item.partition("=")
        if key in seen or not key:
            continue
        seen.add(key)
        declared = header.infos.get(key)
        type_ = declared.type if declared else "String"
        if not equals:
            yield key, True
        elif type_ in ("Integer", "Float"):
            number: Any = int if type_ == "Integer" else float
            try:
                yield key, tuple(None if part == "." else number(part) for part in value.split(","))
            except ValueError:
                yield key, value
        else:
            yield key, value


def _pgen_reader(source: PlinkSource) -> Any:
    """A function that gives codes (samples, 2) and phase (samples,) of a variant."""
    num_samples = len(source.male)
    pairs, known = np.empty(2 * num_samples, np.int32), np.empty(num_samples, np.bool_)
    has_phase = source.reader.hardcall_phase_present()

    def read(number: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        try:
            source.reader.read_alleles_and_phasepresent(number, pairs, known)
        except RuntimeError as error:
            raise InputError(f"{source.path}: variant {number + 1} cannot be read ({error})") from None
        codes = pairs.reshape(-1, 2).astype(np.int64)
        codes[codes < 0] = -1
        return codes, known.copy() if has_phase else np.zeros(num_samples, np.bool_)

    return read


def _bed_reader(source: PlinkSource) -> Any:
    """The same of a .bed, from its bytes: a variant is two bits a sample, the first in the lowest."""
    num_samples = len(source.male)
    stride = -(-num_samples // 4)
    data = np.memmap(source.path, np.uint8, "r", _BED_HEAD).reshape(-1, stride)
    shifts = np.array([0, 2, 4, 6], np.uint8)

    def read(number: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        bits = (data[number][:, np.newaxis] >> shifts).reshape(-1)[:num_samples] & 3
        return _BED_CODES[bits], np.zeros(num_samples, np.bool_)

    return read


def _vcz_records(source: VczSource, shape: Shape) -> Iterator[Record]:
    """Records of a VCF Zarr store, read by zarr-python some at a time."""
    group: Any = source.store.group
    length = int(group["variant_position"].shape[0])
    step = max(1, min(4096, _CELLS // max(1, len(source.header.samples))))
    for begin in range(0, length, step):
        yield from _Rows(source, group, slice(begin, min(begin + step, length))).records(shape)


class _Rows:
    """Some records of a VCF Zarr store."""

    def __init__(self, source: VczSource, group: Any, rows: slice) -> None:
        self.group, self.rows, self.num_rows = group, rows, rows.stop - rows.start
        self.contigs = [str(name) for name in group["contig_id"][:]]
        self.filters = [str(name) for name in group["filter_id"][:]] if "filter_id" in group else []
        self.infos = {field.key: self._values(field.array, 1) for field in source.infos}
        self.formats = {field.key: self._values(field.array, 2) for field in source.formats}

    def _read(self, name: str) -> NDArray[Any] | None:
        return np.asarray(self.group[name][self.rows]) if name in self.group else None

    def _values(self, name: str, axes: int) -> NDArray[Any]:
        """A field with an axis of values; integers as int32 with MISSING and FILL, which no number is."""
        values = np.asarray(self.group[name][self.rows])
        values = values if values.ndim > axes else values[..., np.newaxis]
        if values.dtype.kind not in "iu":
            return values.astype(object) if values.dtype.kind in "TUS" else values
        out = values.astype(np.int32)
        marked = self._read(LITERAL + name)
        numbers = np.zeros(out.shape, np.bool_) if marked is None or marked.shape != out.shape else marked
        out[(values == -1) & ~numbers] = MISSING
        out[(values == -2) & ~numbers] = FILL
        return out

    def records(self, shape: Shape) -> Iterator[Record]:
        contig, position = self.group["variant_contig"][self.rows], self.group["variant_position"][self.rows]
        alleles = np.asarray(self.group["variant_allele"][self.rows]).astype(object)
        ids, quality, passed = (self._read(f"variant_{name}") for name in ("id", "quality", "filter"))
        codes, phased = self._read("call_genotype"), self._read("call_genotype_phased")
        bits = None if quality is None else quality.astype(np.float32).view(np.uint32)
        for row in range(self.num_rows):
            calls: tuple[Any, Any] = (None, None)
            if shape is not None and codes is not None:
                # One allele has no separator: what writers say of its phase differs, we say phased.
                single = (codes[row] != -2).sum(axis=1) == 1
                calls = _calls(codes[row], single if phased is None else single | phased[row], shape)
            fixed = (
                int(position[row]),
                "." if ids is None else str(ids[row]) or ".",
                [str(allele) for allele in alleles[row] if allele not in ("", ".")],
                _QUALITY_MISSING if bits is None else int(bits[row]),
                set() if passed is None else {self.filters[i] for i in np.flatnonzero(passed[row])},
                *calls,
            )
            info = [(key, _info_value(values[row])) for key, values in self.infos.items()]
            fields = FieldsRead(
                [(key, value) for key, value in info if value is not None],
                {key: values[row] for key, values in self.formats.items()},
            )
            yield self.contigs[int(contig[row])], fixed, fields


def _info_value(values: Sequence[Any] | NDArray[Any]) -> Any:
    """A value of INFO as cyvcf2 has it: a tuple of numbers, text, True; None where there is none."""
    row = np.asarray(values)
    if row.dtype.kind == "b":
        return True if row.any() else None
    if row.dtype.kind == "f":
        bits = row.astype(np.float32).view(np.int32).tolist()
        pairs = zip(row.tolist(), bits, strict=True)
        return tuple(None if b == _FLOAT_MISSING else v for v, b in pairs if b != _FLOAT_FILL) or None
    if row.dtype.kind == "i":
        return tuple(None if v == MISSING else v for v in row.tolist() if v != FILL) or None
    return ",".join(str(text) for text in row.tolist() if text != "") or None
