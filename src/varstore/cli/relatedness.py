"""``varstore kinship`` and its kin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..errors import QueryError
from ..model.regions import split_regions
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
    "--against",
    metavar="INPUT",
    type=click.Path(),
    help="Compare one genome with them, by the sketch: VCF, BCF or gVCF, or the id of a sample of REPO.",
)
@click.option("--sample", metavar="ID", help="Who is meant, where INPUT has several samples.")
@click.option(
    "--absent",
    type=click.Choice(["unknown", "reference"]),
    help="What a site without a record in INPUT is.  [default: unknown; gVCF: reference where its blocks are sure]",
)
@click.option("--against-all", is_flag=True, help="Compare them with everybody, not with each other.")
@click.option(
    "--threshold",
    metavar="X",
    help="Print pairs of this kinship or more; all: every pair.  [default: 0.0442; with --against all]",
)
@min_maf_option
@min_call_rate_option
@click.option(
    "--prune", "pruning", metavar="WINDOW,STEP,R2", help="Thin the sites first, as `varstore prune`; or WINDOWkb,R2."
)
@click.option("--force", is_flag=True, help="Numbers without labels where the sites are too few for labels.")
@click.option("--plot", metavar="FILE", type=click.Path(), help="Draw the pairs too: .png or .svg.")
@output_option
@format_option
def kinship(repo: str, output: str | None, form: str, plot: str | None, **options: Any) -> None:
    """Print the kinship of pairs of people, one row a pair, with what they are to each other.

    KING-robust over the biallelic sites of autosomes. Labels need sites all over the genome: where there are too few,
    the command says how many are needed. Frequencies are over the people compared.
    """
    from . import show  # noqa: PLC0415

    if plot is not None:
        from ..plots.figures import check_form  # noqa: PLC0415

        check_form(plot)
    opened, against = open_repository(repo), options.pop("against")
    if against is not None:
        if plot is not None:
            raise QueryError("--plot is of pairs: leave --against out")
        table = _against(opened, against, **options)
    else:
        alone = [name for name in ("sample", "absent") if options.pop(name) is not None]
        if alone:
            raise QueryError(f"--{alone[0]} says something of --against, and there is none")
        table = _kinship(opened, **options)
    show.table(table, output, form)
    if plot is not None:
        from ..plots.figures import save  # noqa: PLC0415

        save(table.plot(), plot)


def _against(
    repo: Any, against: str, *, sample: str | None, absent: str | None, threshold: str | None, force: bool,
    **options: Any,
) -> Any:  # fmt: skip
    """Compare one genome: of a file where there is one of that name, else of a sample."""
    from .counting import one_cohort  # noqa: PLC0415

    cohort = one_cohort(repo, options)
    given = [name for name, value in options.items() if value not in (None, False)]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise QueryError(f"{names}: --against compares at the sites of the sketch")
    asked: dict[str, Any] = {"cohort": cohort, "threshold": _threshold(threshold or "all"), "force": force}
    if sample is None and absent is None and not Path(against).exists() and against in repo.samples:
        return repo.kinship_of(against, **asked)
    return repo.kinship_against(against, sample=sample, absent=absent, **asked)


def _kinship(
    repo: Any,
    *,
    regions: str | None,
    apply_filters: str | None,
    against_all: bool,
    threshold: str | None,
    pruning: str | None,
    **options: Any,
) -> Any:
    """Ask the repository what the options say; limits that were not given are left out."""
    from ..relatedness.pruning import Pruning  # noqa: PLC0415
    from .counting import one_cohort  # noqa: PLC0415

    cohort = one_cohort(repo, options)
    if against_all and cohort is None:
        raise QueryError("--against-all needs people to compare with everybody: give -s, -S or --cohort")
    with _progress() as progress:
        return repo.kinship(
            cohort,
            against=repo.cohort("true") if against_all else None,
            threshold=_threshold(threshold or "0.0442"),
            region=split_regions(regions, repo.contigs) if regions else None,
            filters=apply_filters,
            prune=None if pruning is None else Pruning.parse(pruning),
            progress=progress,
            **{name: value for name, value in options.items() if value is not None},
        )


def _threshold(text: str) -> float | None:
    if text == "all":
        return None
    try:
        return float(text)
    except ValueError:
        raise QueryError(f"--threshold is {text!r}, expected a kinship, like 0.0884, or all") from None


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar over pairs, if somebody watches and there are many."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("comparing pairs"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("kinship", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
