"""Output of ``varstore plan``."""

from __future__ import annotations

import json
from typing import Any

import click


def plan(repo: Any, inputs: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Make a plan, and print what a scheduler needs of it."""
    made = repo.plan(*inputs, **options)
    if as_json:
        click.echo(json.dumps({"plan": made.id, "path": str(made.path), "num_partitions": made.num_partitions}))
    else:
        click.echo(f"{made.id}\t{made.num_partitions}")
