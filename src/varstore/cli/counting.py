"""``varstore count``: its options as one call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..errors import QueryError
from ..model.regions import split_regions

_NAME = re.compile(r"([A-Za-z_]\w*)=(?!=)")


def count(
    repo: Any,
    *,
    regions: str | None,
    regions_file: str | None,
    samples: str | None,
    samples_file: str | None,
    apply_filters: str | None,
    cohorts: tuple[str, ...],
) -> Any:
    """Ask the repository what the options say."""
    chosen = people(repo, samples, samples_file)
    if chosen is not None and cohorts:
        raise QueryError("give -s or -S, or --cohort, not both")
    return repo.count_genotypes(
        split_regions(regions, repo.contigs) if regions else None,
        regions_file=regions_file,
        samples=chosen,
        cohorts=cohorts_of(cohorts) if cohorts else None,
        filters=apply_filters,
    )


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
    repo.cohort(ids)  # an unknown or repeated id is an error here too
    out = set(ids)
    return [name for name in (repo.samples if batch is None else repo.samples_of(batch)) if name not in out]


def cohorts_of(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Sample ids by name, of ``--cohort [NAME=]@FILE``, as often as it is given."""
    cohorts: dict[str, list[str]] = {}
    for text in texts:
        named = _NAME.match(text)
        rest = text[named.end() :] if named else text
        if not rest.startswith("@"):
            raise QueryError(f"--cohort {text!r}: expected [NAME=]@FILE, a file of sample ids")
        name = named.group(1) if named else Path(rest[1:]).stem
        if name in cohorts:
            raise QueryError(f"--cohort: two cohorts are named {name!r}")
        cohorts[name] = read_ids(rest[1:])
    return cohorts


def read_ids(path: str) -> list[str]:
    """Sample ids of a file: the first column of each line."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise QueryError(f"{path}: cannot be read ({error.strerror})") from None
    return [line.split()[0] for line in lines if line.strip()]
