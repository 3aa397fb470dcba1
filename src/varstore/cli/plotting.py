"""``varstore plot``: a question, and its answer as a picture."""

from __future__ import annotations

from typing import Any

from ..errors import QueryError
from ..model.regions import split_regions
from . import comparing
from .cohorts import chosen_cohorts


def plot(repo: Any, kind: str, output: str, *, test: str | None, allow_overlap: bool, **options: Any) -> None:
    """Ask what the picture is of, and draw it.

    options : those of ``count`` that choose regions, cohorts and filters
    """
    from ..plots.figures import check_form, save  # noqa: PLC0415

    check_form(output)
    of_pairs = kind in ("manhattan", "qq")
    if not of_pairs and (test is not None or allow_overlap):
        raise QueryError(f"--test and --allow-overlap are for manhattan and qq, not for {kind}")
    if of_pairs:
        table, names = comparing.compare(repo, test=test, allow_overlap=allow_overlap, **options)
        save(table.plot(kind, names), output)
        return
    regions, filters = options.pop("regions"), options.pop("apply_filters")
    regions_file = options.pop("regions_file")
    table = repo.count_alleles(
        split_regions(regions, repo.contigs) if regions else None,
        regions_file=regions_file,
        cohorts=chosen_cohorts(repo, **options),
        filters=filters,
    )
    save(table.plot(kind), output)
