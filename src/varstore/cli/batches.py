"""``varstore batch``: what batches there are, and what they say of sites where they have no record."""

from __future__ import annotations

import json
from typing import Any

import click

from ..errors import QueryError


def batch(
    repo: Any,
    batch_id: str | None,
    *,
    absent: str | None,
    callable_file: str | None,
    min_ref_gq: int | None,
    as_json: bool,
) -> None:
    """Show batches, or give one another policy and show it then."""
    changes = any(value is not None for value in (absent, callable_file, min_ref_gq))
    if changes and batch_id is None:
        raise QueryError("name the batch to change: varstore batch REPO ID; without options the batches are listed")
    if changes:
        repo.batch(batch_id, absent=absent, callable=callable_file, min_ref_gq=min_ref_gq)
        click.echo(f"{repo.path}: version {repo.version}", err=True)
    entries = repo.info()["batches"] if batch_id is None else [repo.batch(batch_id)]
    if as_json:
        click.echo(json.dumps(entries if batch_id is None else entries[0], indent=1, ensure_ascii=False))
        return
    for entry in entries:
        _show(entry)


def _show(entry: dict[str, Any]) -> None:
    files = ", ".join(file["name"] for file in entry.get("files", []))
    covered = entry.get("covered", {})
    click.echo(f"batch     {entry['id']}: {entry['num_samples']:,} samples, {entry['num_variants']:,} records; {files}")
    contigs = covered.get("contigs", [])
    click.echo(f"  contigs   {', '.join(contigs[:10])}{', ...' if len(contigs) > 10 else ''}")
    click.echo(f"  absent    {entry.get('absent', 'unknown')}")
    bed = covered.get("callable")
    if bed:
        click.echo(f"  callable  {bed['name']}: {bed['num_intervals']:,} intervals")
    if covered.get("reference_blocks"):
        click.echo(f"  gVCF      reference blocks of GQ {covered['min_ref_gq']} or more")
    for name, people in entry.get("unknown_ploidy", {}).items():
        click.echo(f"  ploidy    unknown of {people:,} samples on {name}")
