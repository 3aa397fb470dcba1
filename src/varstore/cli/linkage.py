"""``varstore ld``, ``prune`` and ``roh``: what near sites have in common."""

from __future__ import annotations

from typing import Any

import click

from .cohorts import where_and_who
from .options import (
    format_option,
    min_call_rate_option,
    min_maf_option,
    open_repository,
    output_option,
    repo_argument,
)


@click.command()
@repo_argument
@where_and_who
@click.option(
    "--prune",
    "pruning",
    default="50,5,0.2",
    show_default=True,
    metavar="WINDOW,STEP,R2",
    help="Windows of so many sites, the step between them, and the squared correlation above which one of two sites "
    "goes; or WINDOWkb,R2.",
)
@min_maf_option
@min_call_rate_option
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


@click.command()
@repo_argument
@where_and_who
@click.option("--window", metavar="BASES", type=click.IntRange(1), help="Bases between the two.  [default: 1000000]")
@click.option("--min-r2", type=click.FloatRange(0, 1), help="Pairs of this r2 or more.  [default: 0.2]")
@click.option("--phased", is_flag=True, help="Of haplotypes, from calls that are phased or homozygous.")
@min_maf_option
@min_call_rate_option
@output_option
@format_option
def ld(repo: str, output: str | None, form: str, **options: Any) -> None:
    """Print linkage disequilibrium, the squared correlation of pairs of biallelic sites of autosomes.

    Without --phased the correlation is that of copies of ALT.
    """
    from . import show  # noqa: PLC0415

    opened = open_repository(repo)
    show.table(opened.ld(**_asked(opened, options)), output, form)


@click.command()
@repo_argument
@where_and_who
@click.option("--window", type=click.IntRange(1), help="Sites of a scanning window.  [default: 50]")
@click.option("--window-het", type=click.IntRange(0), help="Heterozygous calls of a good window.  [default: 1]")
@click.option("--window-missing", type=click.IntRange(0), help="Missing calls of a good window.  [default: 5]")
@click.option("--threshold", type=float, help="Share of good windows that a site of a run needs.  [default: 0.05]")
@click.option("--min-sites", type=click.IntRange(1), help="Sites of a run.  [default: 100]")
@click.option("--min-kb", type=float, help="Kilobases of a run.  [default: 1000]")
@click.option("--max-kb-per-site", type=float, help="Kilobases between sites, on average.  [default: 50]")
@click.option("--max-gap-kb", type=float, help="Kilobases between two sites.  [default: 1000]")
@click.option("--max-het", type=click.IntRange(0), help="Heterozygous calls of a run.  [default: any number]")
@min_maf_option
@min_call_rate_option
@click.option("--per-sample", metavar="FILE", type=click.Path(), help="Write a row a sample here: runs, bases, F_ROH.")
@click.option("--sharing", metavar="FILE", type=click.Path(), help="Write here how many people have a run where.")
@click.option(
    "--plot", metavar="FILE", type=click.Path(), help="Draw how much of each genome is in runs: .png or .svg."
)
@output_option
@format_option
def roh(repo: str, output: str | None, form: str, **options: Any) -> None:
    """Print runs of homozygosity, one row a run; those of `plink1.9 --homozyg`.

    Sites are biallelic, of autosomes.
    """
    from dataclasses import fields  # noqa: PLC0415

    from ..plots.figures import check_form, save  # noqa: PLC0415
    from ..relatedness.homozygosity import RunRules  # noqa: PLC0415
    from . import show  # noqa: PLC0415

    plot, beside = options.pop("plot"), {name: options.pop(name) for name in ("per_sample", "sharing")}
    if plot is not None:
        check_form(plot)
    given = {field.name: options.pop(field.name) for field in fields(RunRules)}
    rules = RunRules(**{name: value for name, value in given.items() if value is not None})
    opened = open_repository(repo)
    found = opened.runs_of_homozygosity(rules=rules, **_asked(opened, options))
    if beside["per_sample"] is not None:
        show.table(found.people, beside["per_sample"], form)
    if beside["sharing"] is not None:
        show.table(found.sharing, beside["sharing"], form)
    if plot is not None:
        save(found.plot(), plot)
    show.table(found.runs, output, form)


def _asked(repo: Any, options: dict[str, Any]) -> dict[str, Any]:
    """What the options say, as arguments of a question; limits that were not given are left out."""
    from ..model.regions import split_regions  # noqa: PLC0415
    from .counting import one_cohort  # noqa: PLC0415

    cohort = one_cohort(repo, options)
    regions = options.pop("regions")
    asked = {"cohort": cohort, "filters": options.pop("apply_filters"), "regions_file": options.pop("regions_file")}
    asked["region"] = split_regions(regions, repo.contigs) if regions else None
    return asked | {name: value for name, value in options.items() if value is not None}
