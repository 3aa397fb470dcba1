"""``varstore pca``: axes made, saved, opened, projected on, printed and drawn."""

from __future__ import annotations

from typing import Any

import click

from .cohorts import where_and_who
from .options import (
    format_option,
    open_repository,
    output_option,
    repo_argument,
)


@click.command()
@repo_argument
@click.option("--axes", "num_axes", metavar="K", type=click.IntRange(1), help="How many axes.  [default: 10]")
@where_and_who
@click.option(
    "--min-maf",
    metavar="F",
    type=click.FloatRange(0, 0.5),
    help="Least frequency of the rarer allele.  [default: 0.01]",
)
@click.option(
    "--min-call-rate",
    metavar="F",
    type=click.FloatRange(0, 1),
    help="Least share of people with a call.  [default: 0.9]",
)
@click.option(
    "--prune",
    metavar="WINDOW,STEP,R2",
    help="Thin the sites, as `varstore prune` does; none: not at all.  [default: 50,5,0.2]",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0),
    help="Of the random vectors that the search begins from.  [default: 1]",
)
@click.option("--unrelated", is_flag=True, help="Make axes of people of whom no two are relatives.")
@click.option("--save", metavar="NAME", help="Keep the axes in REPO, in a new version.")
@click.option("--project", metavar="NAME", help="Place people on saved axes, instead of making any.")
@click.option("--delete", metavar="NAME", help="Forget saved axes; older versions keep them.")
@click.option(
    "--by",
    metavar="COLUMN",
    help="Tell people apart by a column of the sample table; with --project, tell which group they fall in.",
)
@click.option("--loadings", metavar="FILE", type=click.Path(), help="Write the loadings of the sites here.")
@click.option("--plot", metavar="FILE", type=click.Path(), help="Draw people on the first two axes: .png or .svg.")
@output_option
@format_option
def pca(repo: str, delete: str | None, project: str | None, output: str | None, form: str, **options: Any) -> None:
    """Print where the people of REPO fall on the principal axes of their genotypes, one row a sample.

    Axes are made of the people and sites that the options choose; what makes them is written to the error stream. With
    --project, people fall on axes that were saved, with or without them.
    """
    from . import principal_axes  # noqa: PLC0415

    opened = open_repository(repo)
    if delete is not None:
        principal_axes.delete(opened, delete, project, options)
    elif project is not None:
        principal_axes.project(opened, project, output, form, options)
    else:
        principal_axes.make(opened, output, form, options)
