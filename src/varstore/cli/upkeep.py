"""Output of ``varstore log``, ``withdraw`` and ``gc``."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import Any

import click

from ..errors import QueryError
from .counting import read_ids

_LOG = ("version", "time", "action", "batches", "samples", "withdrawn", "tool", "command")


def log(repo: Any, *, as_json: bool) -> None:
    """Print a row a version."""
    rows = repo.log()
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.to_dict(), ensure_ascii=False))
        return
    click.echo("\t".join(_LOG))
    for row in rows:
        values = {**row.to_dict(), "command": shlex.join(row.command)}
        click.echo("\t".join(str(values[name]) for name in _LOG))


def withdraw(repo: Any, samples: tuple[str, ...], samples_file: str | None) -> None:
    """Withdraw the people that are named, and say how many were."""
    if samples and samples_file is not None:
        raise QueryError("name samples or give -S, not both")
    ids = list(samples) if samples_file is None else read_ids(samples_file)
    opened = repo.version
    before = repo.info()["num_withdrawn"]
    repo.withdraw(ids)
    new = repo.info()["num_withdrawn"] - before
    if repo.version == opened:
        click.echo(f"{repo.path}: version {repo.version}, all of them were withdrawn already", err=True)
        return
    people = "1 sample" if new == 1 else f"{new:,} samples"
    again = f" ({len(ids) - new:,} more were already)" if len(ids) > new else ""
    click.echo(f"{repo.path}: version {repo.version}, {people} withdrawn{again}, {repo.num_samples:,} left", err=True)


def gc(repo: Any, *, as_json: bool, **options: Any) -> None:
    """Print what was removed, or would be, and what it came to."""
    found = repo.gc(**options)
    for each in found:
        click.echo(json.dumps(asdict(each)) if as_json else f"{each.path}\t{each.num_bytes}\t{each.reason}")
    size = sum(each.num_bytes for each in found)
    things = "1 thing" if len(found) == 1 else f"{len(found):,} things"
    done = "would be removed" if options["dry_run"] else "removed"
    click.echo(f"{repo.path}: {things}, {size:,} bytes {done}", err=True)
