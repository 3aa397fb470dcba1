"""PLINK 2 (.pgen with .pvar and .psam) and PLINK 1 (.bed with .bim and .fam), through pgenlib."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, MissingDependencyError
from ..storage.rowbytes import from_strings
from .header import VcfHeader, parse_header
from .pgen import records_with_dosages
from .records import Records, ScanPlan
from .sources import Columns, records_of

_CELLS = 1 << 22  # calls held at a time
_ROWS = 4096
_X, _Y, _MT = {"X", "23"}, {"Y", "24"}, {"MT", "M", "26"}
_MALE = {"1", "M", "m"}
_PVAR_NEEDED = ("#CHROM", "POS", "ID", "REF", "ALT")
_MISSING = {".", "0"}
_GT = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
_DS = '##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage of each ALT allele">'
_PR = '##INFO=<ID=PR,Number=0,Type=Flag,Description="Provisional reference allele: .bed does not say which it is">'


@dataclass
class _Sites:
    """Columns of a .pvar or .bim: how to read its lines.

    at : which column each field is in; -1 where there is none    meta : its own ## lines
    """

    path: Path
    at: dict[str, int]
    skip: int
    meta: list[str] = field(default_factory=list)
    provisional: bool = False

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Line numbers and columns of every variant. Raises InputError."""
        need = 1 + max(self.at.values())
        with open(self.path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                columns = line.split()
                if number <= self.skip or not columns:
                    continue
                if len(columns) < need:
                    raise InputError(f"{self.path}, line {number}: {len(columns)} columns, expected at least {need}")
                yield number, columns


def open_plink(path: Path, *, is_bed: bool) -> PlinkSource:
    """Open a .pgen or .bed and what belongs to it. Raises InputError, MissingDependencyError."""
    try:
        import pgenlib  # noqa: PLC0415, F401
    except ImportError:
        raise MissingDependencyError(f"{path}: PLINK files need pgenlib: pip install 'varstore[plink]'") from None
    sites_path, people_path = (_beside(path, suffix) for suffix in ((".bim", ".fam") if is_bed else (".pvar", ".psam")))
    try:
        sites = _bim(sites_path, provisional=is_bed) if is_bed else _pvar(sites_path)
        samples, male = _people(people_path)
    except UnicodeDecodeError:
        raise InputError(f"{sites_path}: it or {people_path.name} is not text in UTF-8") from None
    return PlinkSource(path, sites, samples, male, people_path)


def _beside(path: Path, suffix: str) -> Path:
    other = path.with_suffix(suffix)
    if other.is_file():
        return other
    packed = path.with_suffix(suffix + ".zst")
    if packed.is_file():
        raise InputError(f"{path}: {packed.name} is compressed; unpack it first: zstd -d {packed.name}")
    raise InputError(f"{path}: {other.name} is not beside it; a {path.suffix} file needs its variants and samples")


def _pvar(path: Path) -> _Sites:
    meta: list[str] = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("##"):
                meta.append(line.rstrip("\r\n"))
                continue
            if not line.startswith("#"):
                return _bim(path, provisional=False)
            names = line.split()
            absent = [name for name in _PVAR_NEEDED if name not in names]
            if absent:
                raise InputError(f"{path}, line {len(meta) + 1}: no column {', '.join(absent)}")
            at = {name: names.index(name) for name in (*_PVAR_NEEDED, "QUAL", "FILTER", "INFO") if name in names}
            return _Sites(path, at, len(meta) + 1, meta)
    raise InputError(f"{path}: the file has no variants and no header line '#CHROM ...'")


def _bim(path: Path, *, provisional: bool) -> _Sites:
    """A .bim, or a .pvar of its form: CHROM ID [CM] POS ALT REF."""
    with open(path, encoding="utf-8") as file:
        first = file.readline().split()
    shift = 1 if len(first) != 5 else 0
    at = {"#CHROM": 0, "ID": 1, "POS": 2 + shift, "ALT": 3 + shift, "REF": 4 + shift}
    return _Sites(path, at, 0, provisional=provisional)


def _people(path: Path) -> tuple[list[str], NDArray[np.bool_]]:
    """Sample names, and who is male. Raises InputError."""
    names = ["#FID", "IID", "PAT", "MAT", "SEX", "PHENO"]
    rows: list[list[str]] = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith(("#FID", "#IID")):
                names = line.split()
            elif not line.startswith("##") and line.strip():
                rows.append(line.split())
                if len(rows[-1]) < min(2, len(names)):
                    raise InputError(f"{path}, line {number}: found {line.strip()[:40]!r}, expected {' '.join(names)}")
    own = next(i for i, name in enumerate(names) if name in ("IID", "#IID"))
    ids = [row[own] for row in rows]
    if len(set(ids)) < len(ids) and names[0] == "#FID":
        ids = [f"{row[0]}_{row[own]}" for row in rows]
    sex = names.index("SEX") if "SEX" in names else len(names)
    return ids, np.array([len(row) > sex and row[sex] in _MALE for row in rows], np.bool_)


class PlinkSource:
    """A PLINK fileset as a source of records."""

    def __init__(
        self, path: Path, sites: _Sites, samples: Sequence[str], male: NDArray[np.bool_], people_path: Path
    ) -> None:
        self.path, self.sites, self.male = path, sites, male
        self.files = [path, sites.path, people_path]
        if not samples:
            raise InputError(f"{people_path}: no samples")
        self.num_alleles = np.array([2 + alts_of(columns[sites.at["ALT"]]).count(",") for _, columns in sites.lines()])
        offsets = np.concatenate(([0], np.cumsum(self.num_alleles))).astype(np.uintp)
        self.reader = _reader(path, len(samples), len(self.num_alleles), offsets)
        self.dosages = records_with_dosages(path, len(self.num_alleles))
        num_dosages = int(np.count_nonzero(self.dosages))
        if num_dosages:
            warnings.warn(f"{path}: not stored: dosages, of {num_dosages:,} variants; calls are", stacklevel=2)
        self.header = self._header(samples)

    def _header(self, samples: Sequence[str]) -> VcfHeader:
        meta = [line for line in self.sites.meta if not line.startswith("##fileformat=")]
        lines = ["##fileformat=VCFv4.3", *meta]
        lines += [_PR] * self.sites.provisional + [_GT] + [_DS] * bool(self.dosages.any())
        columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]
        return parse_header("\n".join([*lines, "\t".join(columns)]) + "\n", str(self.path))

    def first_contig(self) -> str | None:
        """CHROM of the first variant, or None where there is none."""
        return next((columns[self.sites.at["#CHROM"]] for _, columns in self.sites.lines()), None)

    def records(self, plan: ScanPlan) -> Iterator[Records]:
        """Variants in order, some at a time. Raises InputError."""
        step = max(1, min(_ROWS, _CELLS // plan.num_samples))
        lines = self.sites.lines()
        begin = 0
        while block := list(islice(lines, step)):
            yield records_of(self._columns(block, begin), plan)
            begin += len(block)

    def _columns(self, block: list[tuple[int, list[str]]], begin: int) -> Columns:
        rows = [columns for _, columns in block]
        contig = self._texts(rows, "#CHROM")
        alts = [alts_of(text) for text in self._texts(rows, "ALT")]
        refs = ["N" if text in _MISSING else text for text in self._texts(rows, "REF")]
        info = ["PR"] * len(rows) if self.sites.provisional else self._texts(rows, "INFO")
        formats = ["GT:DS" if dosage else "GT" for dosage in self.dosages[begin : begin + len(rows)]]
        texts = [self._texts(rows, "ID"), refs, alts, *(self._texts(rows, name) for name in ("QUAL", "FILTER"))]
        codes, phased = self._calls(contig, begin, begin + len(rows))
        num_alts = np.array([0 if alt == "." else alt.count(",") + 1 for alt in alts], np.int64)
        return Columns(
            contig, self._positions(block), num_alts, [from_strings(column) for column in (*texts, info, formats)],
            codes, phased, np.ones(len(rows), np.bool_),
        )  # fmt: skip

    def _texts(self, rows: list[list[str]], name: str) -> list[str]:
        at = self.sites.at.get(name, -1)
        return ["."] * len(rows) if at < 0 else [columns[at] for columns in rows]

    def _positions(self, block: list[tuple[int, list[str]]]) -> NDArray[np.int64]:
        at = self.sites.at["POS"]
        for number, columns in block:
            if not (columns[at].isascii() and columns[at].isdigit() and int(columns[at]) < 1 << 31):
                raise InputError(f"{self.sites.path}, line {number}: POS is {columns[at]!r}, expected a number")
        return np.array([int(columns[at]) for _, columns in block], np.int64)

    def _calls(self, contig: Sequence[str], begin: int, end: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Codes and phases of some variants, haploid where PLINK means one haplotype by its pair."""
        num_samples = len(self.male)
        pairs = np.empty((end - begin, 2 * num_samples), np.int32)
        known = np.empty((end - begin, num_samples), np.bool_)
        try:
            self.reader.read_alleles_and_phasepresent_range(begin, end, pairs, known)
        except RuntimeError as error:
            raise InputError(f"{self.path}: variants {begin + 1} to {end} cannot be read ({error})") from None
        codes = pairs.reshape(end - begin, num_samples, 2).astype(np.int16)
        codes[codes == -9] = -1
        phased = known if self.reader.hardcall_phase_present() else np.zeros_like(known)
        haploid = self.haploid(contig) & (codes[:, :, 0] == codes[:, :, 1])
        codes[haploid, 1] = -2
        phased[haploid] = True
        return codes, phased

    def haploid(self, contig: Sequence[str]) -> NDArray[np.bool_]:
        """(rows, samples): men on X, everybody on Y and MT."""
        names = [name.removeprefix("chr") for name in contig]
        everybody = np.array([name in _Y or name in _MT for name in names])
        men = np.array([name in _X for name in names])
        return everybody[:, np.newaxis] | (men[:, np.newaxis] & self.male)


def alts_of(text: str) -> str:
    return "." if text in _MISSING else text


def _reader(path: Path, num_samples: int, num_variants: int, offsets: NDArray[np.uintp]) -> Any:
    import pgenlib  # noqa: PLC0415

    try:
        return pgenlib.PgenReader(
            bytes(path), raw_sample_ct=num_samples, variant_ct=num_variants, allele_idx_offsets=offsets
        )
    except (RuntimeError, OSError) as error:
        raise InputError(
            f"{path}: it does not open with the {num_variants:,} variants and {num_samples:,} samples of the files "
            f"beside it ({error})"
        ) from None
