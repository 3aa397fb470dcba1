"""The three things that ``varstore pca`` does."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from ..errors import QueryError
from ..model.regions import split_regions
from . import counting, show

# Options of axes that are made, not of those that are there.
_MAKING = {
    "num_axes": "--axes", "regions": "-r", "regions_file": "-R", "apply_filters": "-f", "min_maf": "--min-maf",
    "min_call_rate": "--min-call-rate", "seed": "--seed", "save": "--save", "loadings": "--loadings",
}  # fmt: skip
_PEOPLE = {"samples": "-s", "samples_file": "-S", "cohorts": "--cohort", "by": "--by", "plot": "--plot"}


def make(repo: Any, output: str | None, form: str, options: dict[str, Any]) -> None:
    """Make axes, and write what is asked for."""
    from ..plots.figures import check_form, save  # noqa: PLC0415

    plot, by = options["plot"], options["by"]
    if plot is not None:
        check_form(plot)
    given = {name: options[name] for name in ("min_maf", "min_call_rate", "seed") if options[name] is not None}
    regions = options["regions"]
    axes = repo.pca(
        options["num_axes"] or 10,
        region=split_regions(regions, repo.contigs) if regions else None,
        regions_file=options["regions_file"],
        cohort=_cohort(repo, options),
        filters=options["apply_filters"],
        by=by,
        save=options["save"],
        **given,
    )
    click.echo(_said(axes), err=True)
    if options["loadings"] is not None:
        show.table(axes.loadings_table(), options["loadings"], form)
    if plot is not None:
        save(axes.to_table().plot("axes"), plot)
    show.table(axes.to_table(), output, form)


def project(repo: Any, name: str, output: str | None, form: str, options: dict[str, Any]) -> None:
    """Place people on saved axes."""
    from ..plots.axes import axes as draw  # noqa: PLC0415
    from ..plots.figures import check_form, save  # noqa: PLC0415

    _refuse(options, _MAKING, "makes axes; --project takes those that are saved")
    plot, by = options["plot"], options["by"]
    if plot is not None:
        check_form(plot)
    axes = repo.axes(name, by=by)
    table = repo.project(axes, cohort=_cohort(repo, options), by=by)
    if plot is not None:
        if len(axes) < 2:
            raise QueryError(f"the axes {name!r} are one: a picture is of two")
        outside = ~np.isin(table["sample"], axes.sample)
        placed = np.column_stack([table["pc1"], table["pc2"]])[outside]
        save(draw(axes.coordinates[:, :2], axes.groups, ("PC1", "PC2"), placed), plot)
    show.table(table, output, form)


def delete(repo: Any, name: str, project: str | None, options: dict[str, Any]) -> None:
    """Forget saved axes."""
    _refuse({**options, "project": project}, {**_MAKING, **_PEOPLE, "project": "--project"}, "is not for --delete")
    repo.delete_axes(name)
    click.echo(f"{repo.path}: version {repo.version}, axes {name} deleted", err=True)


def _refuse(options: dict[str, Any], names: dict[str, str], why: str) -> None:
    for name, option in names.items():
        if options[name] not in (None, ()):
            raise QueryError(f"{option} {why}")


def _cohort(repo: Any, options: dict[str, Any]) -> Any:
    """The people whom the options name; None: everybody."""
    who = {name: options[name] for name in ("cohorts", "persons", "vocabulary")}
    if len(who["cohorts"]) > 1:
        raise QueryError("axes are of one cohort: give --cohort once; `or` joins expressions")
    chosen, groups = counting.who(repo, options["samples"], options["samples_file"], {**who, "by": None})
    return chosen if groups is None else next(iter(groups.values()))


def _said(axes: Any) -> str:
    """What axes are made of, and how much each tells."""
    shares = ", ".join(f"{share:.2%}" for share in axes.variance_share.tolist())
    made = f"{len(axes)} axes of {len(axes.sample):,} people at {axes.num_sites:,} sites"
    return f"varstore: {made}; share of the variance: {shares}"
