"""``varstore compare`` and its kin: their options as one call."""

from __future__ import annotations

from typing import Any

from ..errors import QueryError
from ..model.regions import split_regions
from . import counting


def windows(repo: Any, method: str, *, regions: str | None, cohorts: tuple[str, ...], **options: Any) -> Any:
    """Ask ``fst`` or ``diversity`` what the options say."""
    chosen = counting.read_cohorts(cohorts)
    if not chosen:
        raise QueryError("found no cohort: give --cohort")
    options["filters"] = options.pop("apply_filters")
    return getattr(repo, method)(chosen, split_regions(regions, repo.contigs) if regions else None, **options)


def compare(
    repo: Any,
    *,
    regions: str | None,
    regions_file: str | None,
    apply_filters: str | None,
    cohorts: tuple[str, ...],
    test: str,
    allow_overlap: bool,
) -> Any:
    """Compare what the options say."""
    chosen = counting.read_cohorts(cohorts)
    if len(chosen) != 2:
        raise QueryError(f"found {len(chosen)} cohorts, expected two: give --cohort twice")
    return repo.compare_cohorts(
        *chosen.values(),
        split_regions(regions, repo.contigs) if regions else None,
        regions_file=regions_file,
        filters=apply_filters,
        test=test,
        overlap=allow_overlap,
    )
