"""``varstore export``: its options as one call."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from ..errors import QueryError
from ..model.regions import split_regions
from .counting import people


def export(
    repo: Any,
    *,
    form: str | None,
    output: str | None,
    regions: str | None,
    regions_file: str | None,
    samples: str | None,
    samples_file: str | None,
    force: bool,
    threads: int | None,
    batch: str | None,
    write_index: str | None,
) -> None:
    """Write what the options say, and name what the format could not take."""
    if output is None and form in ("vcz", "plink"):
        raise QueryError(f"-O {form} needs -o FILE")
    if output is None and form == "bcf" and sys.stdout.isatty():
        raise QueryError("-O bcf is not for the screen: give -o FILE, or a pipe")
    with _progress() as progress:
        report = repo.export(
            sys.stdout.buffer if output is None else output,
            form,
            split_regions(regions, repo.contigs) if regions else None,
            people(repo, samples, samples_file, batch),
            regions_file=regions_file,
            force=force,
            threads=threads,
            progress=progress,
            batch=batch,
            write_index=write_index,
        )
    if output is not None:
        click.echo(f"{output}: {report.num_samples:,} samples, {report.num_variants:,} variants", err=True)
    for sentence in report.dropped:
        click.echo(f"varstore: warning: {sentence}", err=True)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A progress bar over records, if somebody watches."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("exporting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("export", total=None)
        yield lambda done, total: bar.update(task, advance=done, total=total)
