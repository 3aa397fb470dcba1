"""``varstore cohort``: cohorts that the repository keeps."""

from __future__ import annotations

import json
from typing import Any

import click

from .cohorts import vocabulary_option
from .options import open_repository


@click.group()
def cohort() -> None:
    """Save cohorts in REPO under names, list and delete them.

    `cohort NAME` in an expression is a saved cohort: --cohort "cohort NAME".
    """


@cohort.command()
@click.argument("repo", type=click.Path())
@click.argument("name")
@click.argument("expression", metavar="EXPR")
@vocabulary_option
def define(repo: str, name: str, expression: str, vocabulary: str | None) -> None:
    """Save the people of whom EXPR is true now as the cohort NAME; @FILE is a file of sample ids.

    It is replaced if it is there. Its people are fixed: who is added later joins when it is defined again; who is
    withdrawn leaves.
    """
    from .cohorts import described  # noqa: PLC0415

    opened = open_repository(repo)
    opened.define_cohort(name, described(name, expression), vocabulary=vocabulary)
    num_samples = len(opened.saved_cohorts[name])
    click.echo(f"{repo}: version {opened.version}, cohort {name}: {num_samples:,} samples", err=True)


@cohort.command("list")
@click.argument("repo", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_cohorts(repo: str, as_json: bool) -> None:
    """Print the saved cohorts of REPO: name, samples, withdrawn since, version and time of definition, expression."""
    rows = [_row(each) for each in open_repository(repo).saved_cohorts.values()]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    click.echo("name\tsamples\twithdrawn\tversion\ttime\texpression")
    for row in rows:
        row["expression"] = " ".join((row["expression"] or ".").split())
        click.echo("\t".join(map(str, row.values())))


def _row(saved: Any) -> dict[str, Any]:
    return {
        "name": saved.name,
        "samples": len(saved),
        "withdrawn": saved.num_withdrawn,
        "version": saved.version,
        "time": saved.time,
        "expression": saved.expression,
    }


@cohort.command()
@click.argument("repo", type=click.Path())
@click.argument("name")
def delete(repo: str, name: str) -> None:
    """Forget the saved cohort NAME of REPO; older versions keep it."""
    opened = open_repository(repo)
    opened.delete_cohort(name)
    click.echo(f"{repo}: version {opened.version}, cohort {name} deleted", err=True)
