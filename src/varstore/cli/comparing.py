"""``varstore compare`` and its kin: their options as one call."""

from __future__ import annotations

from typing import Any

from ..errors import QueryError
from ..model.regions import split_regions
from .cohorts import chosen_cohorts


def windows(repo: Any, method: str, *, regions: str | None, **options: Any) -> Any:
    """Ask ``fst`` or ``diversity`` what the options say."""
    chosen = _cohorts(repo, options)
    options["filters"] = options.pop("apply_filters")
    return getattr(repo, method)(chosen, split_regions(regions, repo.contigs) if regions else None, **options)


def burden(repo: Any, *, genes: str, apply_filters: str | None, max_frequency: float, **options: Any) -> Any:
    """Ask ``burden`` what the options say."""
    chosen = _cohorts(repo, options)
    return repo.burden(genes, chosen, max_frequency=max_frequency, filters=apply_filters)


def compare(
    repo: Any,
    *,
    regions: str | None,
    regions_file: str | None,
    apply_filters: str | None,
    test: str | None,
    allow_overlap: bool,
    **options: Any,
) -> tuple[Any, tuple[str, str]]:
    """Compare what the options say; give the names of the two cohorts too."""
    chosen = _cohorts(repo, options)
    if len(chosen) != 2:
        raise QueryError(f"found {len(chosen)} cohorts, expected two: give --cohort twice")
    first, second = chosen
    table = repo.compare_cohorts(
        *chosen.values(),
        split_regions(regions, repo.contigs) if regions else None,
        regions_file=regions_file,
        filters=apply_filters,
        test=test or "fisher",
        overlap=allow_overlap,
    )
    return table, (first, second)


def _cohorts(repo: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The cohorts of the command line, whose options are taken out of ``options``. Raises QueryError."""
    names = ("cohorts", "by", "persons", "vocabulary")
    chosen = chosen_cohorts(repo, **{name: options.pop(name) for name in names})
    if chosen is None:
        raise QueryError("found no cohort: give --cohort or --by")
    return chosen
