"""``varstore stats``: its options as one call."""

from __future__ import annotations

from typing import Any

from ..errors import QueryError
from ..model.regions import split_regions
from . import counting, show


def stats(
    repo: Any, *, regions: str | None, regions_file: str | None, samples: str | None, samples_file: str | None,
    apply_filters: str | None, midp: bool, per_sample: str | None, samples_only: bool, output: str | None, form: str,
    **cohort_options: Any,
) -> None:  # fmt: skip
    """Ask the repository what the options say, and write the tables of sites, of people, or both.

    cohort_options : as of ``cohorts.chosen_cohorts``
    """
    if samples_only and (per_sample is not None or midp):
        raise QueryError("--samples-only prints the table of people alone: leave --per-sample and --midp out")
    if per_sample is not None and per_sample == output:
        raise QueryError(f"{output}: named for both tables")
    chosen, groups = counting.who(repo, samples, samples_file, cohort_options)
    where: dict[str, Any] = {
        "region": split_regions(regions, repo.contigs) if regions else None,
        "regions_file": regions_file,
        "filters": apply_filters,
    }
    if samples_only:
        if groups is not None and len(groups) > 1:
            raise QueryError("--samples-only is of one cohort: its singletons, its expected heterozygotes")
        people = chosen if groups is None else next(iter(groups.values()))
        show.table(repo.sample_stats(cohort=people, **where), output, form)
    elif per_sample is None:
        show.table(repo.variant_stats(cohort=chosen, cohorts=groups, midp=midp, **where), output, form)
    else:
        sites, people = repo.stats(cohort=chosen, cohorts=groups, midp=midp, **where)
        show.table(people, per_sample, form)
        show.table(sites, output, form)
