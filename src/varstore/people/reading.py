"""What is said of people, in whatever file it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError, QueryError
from .cells import parse_missing
from .ped import is_pedigree, read_pedigree
from .phenopackets import is_phenopackets, read_phenopackets
from .table import PeopleTable
from .tables import read_table


def read_people(path: Path, id_column: str | None = None, missing: str | None = None) -> PeopleTable:
    """Read a table (TSV, CSV), a pedigree (.ped, .fam, .psam) or phenopackets (.json, .jsonl, a folder).

    id_column : the column of a table that names the sample    missing : texts of missing cells, separated by commas

    Raises InputError, QueryError.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file")
    if is_phenopackets(path) or is_pedigree(path):
        kind = "phenopackets have" if is_phenopackets(path) else "a pedigree has"
        if id_column is not None:
            raise QueryError(f"{path}: {kind} no column to choose for ids")
        if is_phenopackets(path):
            return read_phenopackets(path)
        return read_pedigree(path, parse_missing(missing))
    return read_table(path, id_column, parse_missing(missing))


def people_of(source: Any, id_column: str | None = None, missing: str | None = None) -> PeopleTable:
    """Read a file, or take a DataFrame or a mapping of columns. Raises InputError, QueryError."""
    if isinstance(source, str | os.PathLike):
        return read_people(Path(source), id_column, missing)
    if isinstance(source, Mapping) or hasattr(source, "columns"):
        from .frames import table_of  # noqa: PLC0415

        return table_of(source, id_column, parse_missing(missing))
    raise QueryError(f"found {type(source).__name__}, expected a path, a DataFrame, or a mapping of columns")
