"""``varstore samples``: what is known of people, shown or said."""

from __future__ import annotations

from typing import Any

import click

from ..errors import QueryError
from . import show
from .counting import people


def samples(
    repo: Any,
    *,
    tables: tuple[str, ...],
    drop: tuple[str, ...],
    samples: str | None,
    samples_file: str | None,
    output: str | None,
    form: str | None,
    **reading: Any,
) -> None:
    """Show the sample table, or change it.

    reading : ``id_column``, ``missing`` and ``strict``, of tables to set
    """
    showing = [value for value in (samples, samples_file, output, form) if value is not None]
    if not tables and any(value not in (None, False) for value in reading.values()):
        raise QueryError("--id, --missing and --strict say how to read a table: give one with --set FILE")
    if (tables or drop) and showing:
        raise QueryError("--set and --drop change the table, -s, -S, -o and --format show it: do one after the other")
    if tables or drop:
        reading["id"] = reading.pop("id_column")
        repo.set_samples(*tables, drop=drop, **reading)
        columns = repo.info()["columns"]
        click.echo(f"{repo.path}: version {repo.version}, {len(columns):,} columns of people", err=True)
        return
    show.table(repo.sample_table(people(repo, samples, samples_file)), output, form or "tsv")
