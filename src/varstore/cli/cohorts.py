"""Cohorts of the command line: ``--cohort``, ``--by``, ``--persons`` and ``--vocabulary``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from ..errors import CohortError, QueryError
from . import options
from .counting import read_ids

_NAME = re.compile(r"([A-Za-z_]\w*)=(?!=)")
_SAVED = re.compile(r"cohort\s+(\w+)")

cohort_option = click.option(
    "--cohort",
    "cohorts",
    multiple=True,
    metavar="[NAME=]EXPR",
    help="A cohort: an expression over the sample table, like \"super_pop == 'EUR' and age >= 60\", or @FILE, a file "
    "of sample ids; repeat.",
)
persons_option = click.option(
    "--persons", is_flag=True, help="Of several samples that are one person's (column person), take the first."
)
vocabulary_option = click.option(
    "--vocabulary", metavar="OBO", type=click.Path(), help="Terms, for expressions with `has descendant of`."
)
by_option = click.option("--by", metavar="COLUMN", help="A cohort for each value of a column of the sample table.")


def cohort_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All four, as keyword arguments ``cohorts``, ``by``, ``persons`` and ``vocabulary``."""
    for option in (vocabulary_option, persons_option, by_option, cohort_option):
        command = option(command)
    return command


def where_and_who(command: Callable[..., Any]) -> Callable[..., Any]:
    """Regions, people by id or as one cohort, and filters: what questions of relatedness have in common."""
    who = (cohort_option, persons_option, vocabulary_option)
    where = (options.regions_option, options.regions_file_option, options.samples_option, options.samples_file_option)
    for option in reversed((*where, *who, options.filters_option)):
        command = option(command)
    return command


def chosen_cohorts(
    repo: Any,
    cohorts: Iterable[str] = (),
    by: str | None = None,
    *,
    persons: bool = False,
    vocabulary: str | None = None,
    samples: Iterable[str] | None = None,
) -> dict[str, Any] | None:
    """Cohorts by name, in the order given, as the options say; None: none of them was given.

    samples : ids of -s or -S: ``by`` divides these people; so it does a single cohort
    Raises QueryError and its kinds.
    """
    named = [_named(text) for text in cohorts]
    if samples is not None and named:
        raise QueryError("give -s or -S, or --cohort, not both")
    if vocabulary is not None and not named:
        raise QueryError("--vocabulary is for the expressions of --cohort, and there is none")
    if by is not None and len(named) > 1:
        raise QueryError("--by divides one --cohort, not several")
    chosen: dict[str, Any] = {}
    for name, text in named:
        if name in chosen:
            raise QueryError(f"--cohort: two cohorts are named {name!r}; NAME=EXPR gives one another name")
        chosen[name] = repo.cohort(described(name, text), vocabulary=vocabulary)
    if by is not None:
        within = next(iter(chosen.values()), None)
        if samples is not None:
            within = repo.cohort(samples)
        chosen = repo.cohorts_by(by, within)
        if not chosen:
            raise CohortError(f"--by {by}: there is nobody to divide")
    elif not named:
        return None
    return {name: cohort.persons() if persons else cohort for name, cohort in chosen.items()}


def _named(text: str) -> tuple[str, str]:
    """Name and text of ``[NAME=]EXPR``: without a name, that of the file or saved cohort, else the text itself."""
    found = _NAME.match(text)
    rest = (text[found.end() :] if found else text).strip()
    if found:
        return found[1], rest
    if rest.startswith("@"):
        return Path(rest[1:]).stem, rest
    saved = _SAVED.fullmatch(rest)
    # On one line: the name is a cell of a table.
    return saved[1] if saved else " ".join(rest.split()), rest


def described(name: str, text: str) -> str | list[str]:
    """``EXPR`` as it is, or the ids of ``@FILE``."""
    if not text.startswith("@"):
        return text
    ids = read_ids(text[1:])
    if not ids:
        raise CohortError(f"the cohort {name!r} is empty: {text[1:]} has no sample ids")
    return ids
