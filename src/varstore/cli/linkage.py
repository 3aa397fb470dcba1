"""``varstore prune`` and ``varstore ld``: correlation of sites."""

from __future__ import annotations

from typing import Any

import click

from .cohorts import cohort_option, persons_option, vocabulary_option
from .options import (
    filters_option,
    format_option,
    open_repository,
    output_option,
    regions_file_option,
    regions_option,
    repo_argument,
    samples_file_option,
    samples_option,
)


@click.command()
@repo_argument
@regions_option
@regions_file_option
@samples_option
@samples_file_option
@cohort_option
@persons_option
@vocabulary_option
@filters_option
@click.option(
    "--prune",
    "pruning",
    default="50,5,0.2",
    show_default=True,
    metavar="WINDOW,STEP,R2",
    help="Windows of so many sites, the step between them, and the squared correlation above which one of two sites "
    "goes; or WINDOWkb,R2.",
)
@click.option("--min-maf", type=click.FloatRange(0, 0.5), help="Sites of at least this minor allele frequency.")
@click.option("--min-call-rate", type=click.FloatRange(0, 1), help="Sites at which this share of people is called.")
@output_option
@format_option
def prune(repo: str, output: str | None, form: str, pruning: str, **options: Any) -> None:
    """Print biallelic sites of autosomes, thinned until no two near ones are correlated.

    The sites that `plink2 --indep-pairwise` keeps.
    """
    from ..relatedness.pruning import Pruning  # noqa: PLC0415
    from . import show  # noqa: PLC0415

    opened = open_repository(repo)
    how = Pruning.parse(pruning)
    if how is None:
        raise click.UsageError("--prune none leaves nothing to do")
    show.table(opened.prune(how, **_asked(opened, options)), output, form)


def _asked(repo: Any, options: dict[str, Any]) -> dict[str, Any]:
    """What the options say, as arguments of a question; limits that were not given are left out."""
    from ..model.regions import split_regions  # noqa: PLC0415
    from .counting import one_cohort  # noqa: PLC0415

    cohort = one_cohort(repo, options)
    regions = options.pop("regions")
    asked = {"cohort": cohort, "filters": options.pop("apply_filters"), "regions_file": options.pop("regions_file")}
    asked["region"] = split_regions(regions, repo.contigs) if regions else None
    return asked | {name: value for name, value in options.items() if value is not None}
