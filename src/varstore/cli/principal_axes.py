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
    "min_call_rate": "--min-call-rate", "prune": "--prune", "seed": "--seed", "save": "--save",
    "loadings": "--loadings", "unrelated": "--unrelated",
}  # fmt: skip
_PEOPLE = {"samples": "-s", "samples_file": "-S", "cohorts": "--cohort", "by": "--by", "plot": "--plot"}


def make(repo: Any, output: str | None, form: str, options: dict[str, Any]) -> None:
    """Make axes, and write what is asked for."""
    num_axes, plot = options["num_axes"] or 10, options["plot"]
    _check_plot(plot, num_axes)
    given = {name: options[name] for name in ("min_maf", "min_call_rate", "prune", "seed") if options[name] is not None}
    regions = options["regions"]
    cohort = counting.one_cohort(repo, options)
    if options["unrelated"]:
        cohort = repo.unrelated(cohort)
    axes = repo.pca(
        num_axes,
        region=split_regions(regions, repo.contigs) if regions else None,
        regions_file=options["regions_file"],
        cohort=cohort,
        filters=options["apply_filters"],
        by=options["by"],
        save=options["save"],
        **given,
    )
    click.echo(_said(axes), err=True)
    if options["loadings"] is not None:
        show.table(axes.loadings_table(), options["loadings"], form)
    if plot is not None:
        _draw(axes, None, plot)
    show.table(axes.to_table(), output, form)


def project(repo: Any, name: str, output: str | None, form: str, options: dict[str, Any]) -> None:
    """Place people on saved axes."""
    _refuse(options, _MAKING, "makes axes; --project takes those that are saved")
    plot, by = options["plot"], options["by"]
    axes = repo.axes(name, by=by)
    _check_plot(plot, len(axes))
    table = repo.project(axes, cohort=counting.one_cohort(repo, options), by=by)
    if plot is not None:
        outside = ~np.isin(table["sample"], axes.sample)
        placed = np.column_stack([table["pc1"], table["pc2"]])[outside]
        _draw(axes, placed, plot)
    show.table(table, output, form)


def delete(repo: Any, name: str, project: str | None, options: dict[str, Any]) -> None:
    """Forget saved axes."""
    _refuse({**options, "project": project}, {**_MAKING, **_PEOPLE, "project": "--project"}, "is not for --delete")
    repo.delete_axes(name)
    click.echo(f"{repo.path}: version {repo.version}, axes {name} deleted", err=True)


def _check_plot(path: str | None, num_axes: int) -> None:
    """Refuse a picture that cannot be drawn, before anything is computed. Raises QueryError."""
    from ..plots.figures import check_form  # noqa: PLC0415

    if path is not None:
        check_form(path)
        if num_axes < 2:
            raise QueryError("--plot is of two axes, and there is one")


def _draw(axes: Any, placed: Any, path: str) -> None:
    from ..plots.axes import axes as draw  # noqa: PLC0415
    from ..plots.figures import save  # noqa: PLC0415

    titles = [f"PC{i + 1} ({share:.1%} of the variance)" for i, share in enumerate(axes.variance_share[:2].tolist())]
    save(draw(axes.coordinates[:, :2], axes.groups, titles, placed), path)


def _refuse(options: dict[str, Any], names: dict[str, str], why: str) -> None:
    for name, option in names.items():
        if options[name] not in (None, (), False):
            raise QueryError(f"{option} {why}")


def _said(axes: Any) -> str:
    """What axes are made of, and how much each tells."""
    shares = ", ".join(f"{share:.2%}" for share in axes.variance_share.tolist())
    made = f"{len(axes)} axes of {len(axes.sample):,} people at {axes.num_sites:,} sites"
    return f"varstore: {made}; share of the variance: {shares}"
