"""Results on the screen or in a file."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

import click

from ..errors import QueryError

_WIDTH = 40


def table(result: Any, output: str | None, form: str) -> None:
    """Write a table of counts as TSV, JSON lines or an Arrow IPC file."""
    if form == "arrow":
        _write_arrow(result, output)
        return
    lines(result.to_tsv() if form == "tsv" else result.to_json_lines(), output)


def text(paragraph: str, output: str | None) -> None:
    """Write text, its lines broken at 100 characters."""
    lines(f"{textwrap.fill(paragraph, 100, break_on_hyphens=False)}\n".splitlines(keepends=True), output)


def lines(texts: Iterable[str], output: str | None) -> None:
    """Write lines as they are."""
    if output is None:
        sys.stdout.writelines(texts)
        sys.stdout.flush()
        return
    try:
        with open(output, "w", encoding="utf-8") as file:
            file.writelines(texts)
    except OSError as error:
        raise QueryError(f"{output}: cannot be written ({error.strerror})") from None


def _write_arrow(result: Any, output: str | None) -> None:
    if output is None:
        raise QueryError("--format arrow needs -o FILE")
    try:
        from arro3.io import write_ipc  # noqa: PLC0415
    except ImportError:
        raise QueryError("--format arrow needs arro3-io: pip install 'varstore[arrow]'") from None
    write_ipc(result.to_arrow(), output)


def problems(found: dict[str, Any]) -> None:
    """Print the harmless problems of an import, counted, with their first places, to the error stream."""
    from ..ingest.problems import sentence  # noqa: PLC0415

    for name, entry in found.items():
        text, taken = sentence(name)
        click.echo(f"varstore: warning: {name} ({entry['count']:,}): {text}; {taken}", err=True)
        for place in entry["first"]:
            click.echo(f"    {place}", err=True)
        if entry["count"] > len(entry["first"]):
            click.echo(f"    and {entry['count'] - len(entry['first']):,} more", err=True)


def info(repo: Any, *, as_json: bool) -> None:
    """Print what is in a repository."""
    document = repo.info()
    if as_json:
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    contigs = document["contigs"]
    shown = ", ".join(contigs[:30]) + (", ..." if len(contigs) > 30 else "")
    click.echo(f"path      {document['path']}")
    click.echo(f"version   {document['version']}")
    click.echo(f"assembly  {document['assembly'] or 'unknown'}")
    click.echo(f"samples   {document['num_samples']:,}")
    if document["num_withdrawn"]:
        click.echo(f"withdrawn {document['num_withdrawn']:,}")
    click.echo(f"variants  {document['num_variants']:,}")
    click.echo(f"contigs   {shown}")
    for batch in document["batches"]:
        names = ", ".join(file["name"] for file in batch.get("files", []))
        click.echo(f"batch     {batch['id']}: {batch['num_samples']:,} samples; {names}")
        for name, people in batch.get("unknown_ploidy", {}).items():
            click.echo(f"          ploidy of {people:,} samples on {name} is unknown: they are missing at absent sites")
    for column in document["columns"]:
        click.echo(f"column    {column['name']}: {_column(column)}")
    if document["sketch"]:
        sketch = document["sketch"]
        of = f"{sketch['num_samples']:,} of {document['num_samples']:,} samples"
        click.echo(f"sketch    {sketch['num_sites']:,} sites; {of}")
    for cohort in document["cohorts"]:
        of = "" if cohort["expression"] is None else f"; {cohort['expression']}"
        click.echo(f"cohort    {cohort['name']}: {cohort['num_samples']:,} samples{of}")
    for axes in document["axes"]:
        of = f"{axes['num_samples']:,} samples at {axes['num_sites']:,} sites"
        click.echo(f"axes      {axes['name']}: {axes['num_axes']} axes of {of}")


def _column(column: dict[str, Any]) -> str:
    """A column of the sample table in a line."""
    what = column["kind"] + (f", {column['missing']:,} missing" if column["missing"] else "")
    if "range" in column:
        return f"{what}; {column['range'][0]} to {column['range'][1]}"
    common = column.get("commonest", [])
    distinct = column.get("distinct", len(common))
    if distinct > len(common) and common[0][1] == 1:
        return f"{what}; {distinct:,} values, no two alike"
    shown = ", ".join(f"{_value(value)} ({number:,})" for value, number in common)
    return f"{what}{'; ' if shown else ''}{shown}{', ...' if distinct > len(common) else ''}"


def _value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
