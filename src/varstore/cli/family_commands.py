"""``varstore unrelated``, ``families`` and ``pedigree``: relatives as sets of people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .cohorts import cohort_option, vocabulary_option
from .options import (
    filters_option,
    format_option,
    open_repository,
    output_option,
    repo_argument,
    samples_file_option,
    samples_option,
)

_threshold_option = click.option(
    "--threshold",
    metavar="KINSHIP",
    type=float,
    help="Relatives have this kinship or more.  [default: 0.0442, third degree or closer]",
)
_force_option = click.option(
    "--force", is_flag=True, help="Go by kinship where the sites are too few to tell relatives by."
)


def _people_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Whom a command is about, and the records that are asked."""
    for option in (filters_option, vocabulary_option, cohort_option, samples_file_option, samples_option):
        command = option(command)
    return command


@click.command()
@repo_argument
@_people_options
@_threshold_option
@_force_option
@output_option
def unrelated(repo: str, output: str | None, **options: Any) -> None:
    """Print a large set of people of whom no two are relatives: sample ids, one a line, as -S takes them.

    Who has the fewest relatives is taken first; of equals who has more calls, then who came first.
    """
    from . import families as asking  # noqa: PLC0415

    asking.unrelated(open_repository(repo), output, **options)


@click.command()
@repo_argument
@_people_options
@_threshold_option
@_force_option
@output_option
@format_option
def families(repo: str, output: str | None, form: str, **options: Any) -> None:
    """Print families: people who are connected by relatives, one row a person who has any."""
    from . import families as asking  # noqa: PLC0415
    from . import show  # noqa: PLC0415

    show.table(asking.families(open_repository(repo), **options), output, form)


@click.command()
@repo_argument
@_people_options
@click.option("--sex", metavar="FILE", type=click.Path(), help="Write sex by calls on X and Y here, one row a sample.")
@click.option("--trios", metavar="FILE", type=click.Path(), help="Write Mendelian errors here, one row a child.")
@click.option("--sites", metavar="FILE", type=click.Path(), help="Write the sites with Mendelian errors here.")
@output_option
@format_option
def pedigree(repo: str, **options: Any) -> None:
    """Check father, mother, sex and person of the sample table against the genotypes; print what contradicts them.

    Parents, siblings and further kin are checked by kinship and Mendelian errors, sex by calls on X and Y.
    """
    from . import families as asking  # noqa: PLC0415

    asking.pedigree(open_repository(repo), **options)
