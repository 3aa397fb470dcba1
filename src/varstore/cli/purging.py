"""``varstore compact --purge``."""

from __future__ import annotations

from typing import Any

import click

from ..errors import VarstoreError


def purge(repo: Any, threads: int | None) -> None:
    """Purge, and say what was done; ids that are left are an error."""
    report = repo.purge(threads=threads)
    size = sum(each.num_bytes for each in report.removed)
    click.echo(
        f"{repo.path}: {report.people} people purged from {len(report.batches)} batches; "
        f"{len(report.removed)} things with {size:,} bytes removed; version {repo.version} is the first now"
    )
    for sentence in report.left:
        click.echo(sentence)
    if report.left:
        raise VarstoreError(f"{repo.path}: {len(report.left)} files still hold an id; see above")
    if report.people:
        click.echo(f"{repo.path}: no file holds an id of theirs")
