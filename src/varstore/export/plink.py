"""PLINK 2: .pgen through pgenlib, and the .pvar and .psam that belong to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingDependencyError, QueryError
from ..kernels.text import NEWLINE
from ..storage.rowbytes import join_rows
from .output import aside, check_target, in_threads
from .records import Calls, Selection, Slice
from .report import Job

MAX_ALLELES = 255
_SUFFIXES = (".pgen", ".pvar", ".psam")
_HAPLOID = {"Y", "24", "MT", "M", "26"}  # contigs where PLINK means one haplotype by a pair


def targets_of(target: Path) -> list[Path]:
    """The three files of a prefix, or of the name of the first of them."""
    prefix = target.with_suffix("") if target.suffix in _SUFFIXES else target
    return [prefix.with_name(prefix.name + suffix) for suffix in _SUFFIXES]


@dataclass
class _Dropped:
    """Calls that PGEN has not, counted."""

    half: int = 0
    polyploid: int = 0
    haploid: int = 0
    without_gt: int = 0
    formats: list[str] = field(default_factory=list)

    def sentences(self) -> tuple[str, ...]:
        said = [
            (self.half, "calls with some alleles missing, like 0/., are missing in PGEN"),
            (self.polyploid, "calls of more than two alleles are missing in PGEN"),
            (self.haploid, "haploid calls outside Y and MT are pairs in PGEN, like 1/1; give sexes in the .psam for X"),
            (self.without_gt, "records without GT have missing calls in PGEN"),
        ]
        found = [f"{number:,} {sentence}" for number, sentence in said if number]
        return (*found, *([f"not written: FORMAT {', '.join(self.formats)}"] if self.formats else []))


def write_plink(selection: Selection, target: Path, job: Job, *, force: bool) -> tuple[str, ...]:
    """Write the records as a PLINK 2 fileset; return what it has not.

    Raises QueryError where PLINK cannot have it, MissingDependencyError.
    """
    try:
        import pgenlib  # noqa: PLC0415
    except ImportError:
        raise MissingDependencyError("-O plink needs pgenlib: pip install 'varstore[plink]'") from None
    targets = targets_of(target)
    for path in targets:
        check_target(path, force=force)
    widest = _check(selection)
    dropped = _Dropped(formats=[found.key for found in selection.formats])
    with aside(*targets) as (pgen, pvar, psam):
        psam.write_text("#IID\tSEX\n" + "".join(f"{name}\tNA\n" for name in selection.samples), encoding="utf-8")
        writer = pgenlib.PgenWriter(
            bytes(pgen), len(selection.samples), variant_ct=selection.num_records, nonref_flags=False,
            allele_ct_limit=widest, hardcall_phase_present=True,
        )  # fmt: skip
        try:
            _write_records(selection, writer, pvar, job, dropped)
        except BaseException:
            with suppress(RuntimeError):  # pgenlib's word on a file that lacks variants
                writer.close()
            raise
        writer.close()
    return dropped.sentences()


def _check(selection: Selection) -> int:
    """The most alleles of a record. Raises QueryError where PLINK cannot have the selection."""
    if not selection.samples or not selection.num_records:
        raise QueryError("PLINK files have at least one sample and one variant; nothing is selected")
    for name in selection.samples:
        if name == "0" or any(character.isspace() for character in name):
            raise QueryError(f"the sample {name!r} cannot be named in a .psam: no blanks, and not 0")
    widest = 2
    for part in selection.slices():
        most = int(part.num_alts.max(initial=0)) + 1
        if most > MAX_ALLELES:
            row = int(part.num_alts.argmax())
            place = f"{selection.stores[0].contigs[part.contig[row]]}:{part.position[row]}"
            raise QueryError(f"{place}: {most} alleles, PGEN takes {MAX_ALLELES}; leave the site out, or export as bcf")
        widest = max(widest, most)
    return widest


def _write_records(selection: Selection, writer: Any, pvar: Path, job: Job, dropped: _Dropped) -> None:
    def encode(part: Slice) -> tuple[Slice, Calls, memoryview]:
        text, starts = join_rows(part.site_columns())
        text[starts[1:, 0] - 1] = NEWLINE
        return part, part.calls(), text.data

    meta = [line for line in selection.header.lines if not line.startswith("##FORMAT=")]
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    with open(pvar, "wb") as file:
        file.write("\n".join([*meta, columns, ""]).encode())
        for part, calls, text in in_threads(encode, selection.slices(), job.threads):
            file.write(text)
            pairs, phased = _pairs(part, calls, dropped)
            for row in range(part.num_rows):
                writer.append_partially_phased(pairs[row], phased[row], allele_ct=max(2, int(part.num_alts[row]) + 1))
            job.advance(part.num_rows)


def _pairs(part: Slice, calls: Calls, dropped: _Dropped) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Calls as pairs, (rows, 2 * samples) with -9 missing, and which of them are phased."""
    codes = calls.codes
    num_rows, num_samples, ploidy = codes.shape
    pairs = np.full((num_rows, num_samples, 2), -2, np.int32)
    pairs[:, :, : min(2, ploidy)] = codes[:, :, :2]
    haploid = (pairs[:, :, 1] == -2) & (pairs[:, :, 0] >= 0)
    pairs[haploid, 1] = pairs[haploid, 0]
    some, every = (codes >= 0).any(axis=2), ((codes >= 0) | (codes == -2)).all(axis=2)
    polyploid = (codes[:, :, 2:] != -2).any(axis=2) & some
    pairs[~every | polyploid | (pairs[:, :, 0] < 0)] = -9
    names = [name.removeprefix("chr") for name in part.selection.stores[0].contigs]
    elsewhere = np.array([name not in _HAPLOID for name in names])[part.contig]
    dropped.half += int((some & ~every & ~polyploid).sum())
    dropped.polyploid += int(polyploid.sum())
    dropped.haploid += int(haploid[elsewhere].sum())
    dropped.without_gt += int((~calls.has_gt).sum())
    return pairs.reshape(num_rows, 2 * num_samples), calls.phased & ~haploid
