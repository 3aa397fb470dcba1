"""Pedigrees: PLINK's FAM and PED of six columns, and PSAM: families, parents, sex, a phenotype."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ..errors import InputError
from .cells import MISSING
from .table import PeopleTable, Rows, make_table
from .tables import read_text

COLUMNS = ("family", "sample", "father", "mother", "sex", "phenotype")
SUFFIXES = (".ped", ".fam", ".psam")
# Names that headers give these columns.
_NAMES = {
    "fid": "family", "family": "family", "family_id": "family", "iid": "sample", "sample": "sample",
    "individual": "sample", "individual_id": "sample", "pat": "father", "father": "father", "paternal_id": "father",
    "mat": "mother", "mother": "mother", "maternal_id": "mother", "sex": "sex", "gender": "sex", "pheno": "phenotype",
    "pheno1": "phenotype", "phenotype": "phenotype", "sid": "source_id",
}  # fmt: skip
# PLINK's codes of controls and cases; a missing one is 0 there.
_CASE_CONTROL = {"0", "1", "2"}


def is_pedigree(path: Path) -> bool:
    """Whether a file is one by its name."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read_pedigree(path: Path, missing: Collection[str] = frozenset(MISSING)) -> PeopleTable:
    """Read a pedigree: six columns and no header, or a header that begins with ``#FID`` or ``#IID``.

    A parent or family that is ``0`` is none. ``phenotype`` is missing where it is -9, or 0 where all are 0, 1 or 2
    (PLINK's rule). Raises InputError with file and line.
    """
    header: list[str] = list(COLUMNS)
    where: list[int] = []
    rows: list[list[str]] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.split("\t") if "\t" in line else line.split()
        words = [word.strip() for word in words]
        if not any(words) or line.startswith("##"):
            continue
        if line.startswith("#"):
            if rows:
                raise InputError(f"{path}, line {number}: a header after people; expected it in the first line")
            header = _header(f"{path}, line {number}", words)
            continue
        if len(words) != len(header):
            raise InputError(f"{path}, line {number}: {len(words)} columns, expected {len(header)}: {' '.join(header)}")
        where.append(number)
        rows.append(words)
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)) if rows else {n: [] for n in header}
    samples = columns.pop("sample")
    _decode(columns)
    return make_table(Rows(str(path), samples, columns, where), missing)


def _header(where: str, words: Sequence[str]) -> list[str]:
    """Names of the columns. Raises InputError."""
    plain = [words[0].lstrip("#"), *words[1:]]
    names = [_NAMES.get(word.lower(), word) for word in plain]
    if "sample" not in names:
        raise InputError(f"{where}: found {' '.join(words)!r}, expected a header with IID")
    if len(set(names)) < len(names) or "" in names:
        raise InputError(f"{where}: a column has no name, or stands twice: {' '.join(words)!r}")
    return names


def _decode(columns: dict[str, list[str]]) -> None:
    for name in ("family", "father", "mother"):
        if name in columns:
            columns[name] = ["" if text == "0" else text for text in columns[name]]
    if "phenotype" in columns:
        texts = ["" if text in ("-9", "NA", "nan") else text for text in columns["phenotype"]]
        coded = set(texts) <= _CASE_CONTROL | {""}
        columns["phenotype"] = ["" if coded and text == "0" else text for text in texts]
