"""``varstore count``: its options as one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import QueryError
from ..model.regions import split_regions


def count(
    repo: Any,
    *,
    regions: str | None,
    regions_file: str | None,
    samples: str | None,
    samples_file: str | None,
    apply_filters: str | None,
    **cohort_options: Any,
) -> Any:
    """Ask the repository what the options say; ``cohort_options`` as of ``cohorts.chosen_cohorts``."""
    chosen, groups = who(repo, samples, samples_file, cohort_options)
    return repo.count_genotypes(
        split_regions(regions, repo.contigs) if regions else None,
        regions_file=regions_file,
        cohort=chosen,
        cohorts=groups,
        filters=apply_filters,
    )


def who(repo: Any, samples: str | None, samples_file: str | None, cohort_options: dict[str, Any]) -> tuple[Any, Any]:
    """People as one cohort without a name, or as several with names, or neither: everybody."""
    from .cohorts import chosen_cohorts  # noqa: PLC0415

    chosen = people(repo, samples, samples_file)
    groups = chosen_cohorts(repo, samples=chosen, **cohort_options)
    if groups is not None:
        return None, groups
    if cohort_options["persons"]:
        return repo.cohort("true" if chosen is None else chosen, allow_empty=True).persons(), None
    return chosen, None


def one_cohort(repo: Any, options: dict[str, Any]) -> Any:
    """The people of the options for people, which are taken out of ``options``; None: everybody.

    Raises QueryError for several cohorts.
    """
    given = {name: options.pop(name) for name in ("cohorts", "persons", "vocabulary")}
    chosen, groups = who(repo, options.pop("samples"), options.pop("samples_file"), {**given, "by": None})
    if groups is None:
        return chosen
    if len(groups) > 1:
        raise QueryError(f"found {len(groups)} cohorts, expected one at most")
    return next(iter(groups.values()))


def people(repo: Any, samples: str | None, samples_file: str | None, batch: str | None = None) -> list[str] | None:
    """Sample ids of -s and -S; with ^ in front, everybody else, of a batch if one is named."""
    if samples is None and samples_file is None:
        return None
    if samples is not None and samples_file is not None:
        raise QueryError("give -s or -S, not both")
    text = samples if samples is not None else str(samples_file)
    but = text.startswith("^")
    text = text.removeprefix("^")
    ids = text.split(",") if samples is not None else read_ids(text)
    if not but:
        return ids
    repo.cohort(ids, allow_empty=True)  # an unknown or repeated id is an error here too
    out = set(ids)
    return [name for name in (repo.samples if batch is None else repo.samples_of(batch)) if name not in out]


def read_ids(path: str) -> list[str]:
    """Sample ids of a file: the first column of each line."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise QueryError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise QueryError(f"{path}: no text, expected sample ids, one a line") from None
    return [line.split()[0] for line in lines if line.strip()]
