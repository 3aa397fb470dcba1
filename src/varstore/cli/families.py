"""Options of ``varstore unrelated``, ``families`` and ``pedigree`` as one call each."""

from __future__ import annotations

from typing import Any

import click

from ..errors import QueryError
from . import counting, show
from .cohorts import chosen_cohorts


def unrelated(repo: Any, output: str | None, **options: Any) -> None:
    """Write ids of unrelated people; options as of ``_asked``."""
    asked = _asked(repo, **options)
    chosen = repo.unrelated(**asked)
    show.lines((f"{sample}\n" for sample in chosen.samples), output)
    of = repo.num_samples if asked["cohort"] is None else len(asked["cohort"])
    click.echo(f"{len(chosen):,} of {of:,} people", err=True)


def families(repo: Any, **options: Any) -> Any:
    """The table of families; options as of ``_asked``."""
    return repo.families(**_asked(repo, **options))


def pedigree(
    repo: Any, *, sex: str | None, trios: str | None, sites: str | None, output: str | None, form: str, **options: Any
) -> None:
    """Write the problems of a pedigree, and the other tables where they are asked for."""
    named = [path for path in (output, sex, trios, sites) if path is not None]
    if len(set(named)) < len(named):
        raise QueryError(f"{max(named, key=named.count)}: named for several tables")
    report = repo.check_pedigree(**_asked(repo, **options))
    if report.kinship_refused is not None:
        click.echo(f"varstore: warning: kinship was not asked: {report.kinship_refused}", err=True)
    for table, path in ((report.people, sex), (report.trios, trios), (report.sites, sites)):
        if path is not None:
            show.table(table, path, form)
    show.table(report.problems, output, form)


def _asked(
    repo: Any, *, samples: str | None, samples_file: str | None, cohorts: tuple[str, ...], vocabulary: str | None,
    apply_filters: str | None, threshold: float | None = None, force: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Arguments of the library. Raises QueryError and its kinds."""
    people = counting.people(repo, samples, samples_file)
    groups = chosen_cohorts(repo, cohorts, samples=people, vocabulary=vocabulary)
    if groups is not None and len(groups) > 1:
        raise QueryError("give one --cohort: relatives are looked for among the people of one")
    chosen = next(iter(groups.values())) if groups else None if people is None else repo.cohort(people)
    given = {"threshold": threshold} if threshold is not None else {}
    given |= {"force": True} if force else {}
    return {"cohort": chosen, "filters": apply_filters, **given}
