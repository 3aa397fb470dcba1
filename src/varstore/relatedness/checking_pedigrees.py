"""``check_pedigree``: what is read, asked and put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import TooFewSitesError
from ..model.ploidy import SEXES
from ..model.results import CountTable
from ..query.site_choice import SiteLimits, choose_sites
from .families import related_pairs
from .graph import Pairs, places
from .mendel import Trios, count_mendel_errors, site_table, trio_columns
from .pedigree import (
    CUTOFFS,
    DEGREES,
    SAME,
    Found,
    PedigreeReport,
    Problems,
    add_relation_problems,
    add_sex_problems,
    add_table_problems,
    degree_of,
    opposite_shares,
)
from .sexes import PeopleStats, SexEvidence, sex_evidence
from .stated import Stated, one_each, read_stated

if TYPE_CHECKING:
    from .asking import Relatedness


def check_pedigree(
    asking: Relatedness, people: NDArray[np.int64], stats: PeopleStats, filters: str | Iterable[str] | None,
    options: Mapping[str, Any],
) -> PedigreeReport:  # fmt: skip
    """Put the report together.

    people : sorted int64 sample numbers    stats : as of ``sex_evidence``    options : as of ``kinship``
    """
    columns, names = asking.columns, asking._names
    first_of = one_each(columns["person"], people)
    persons = np.unique(first_of)
    stated = read_stated((columns["father"], columns["mother"]), people, first_of, names)
    sexes = asking._sexes[people]
    assembly = asking.manifest.document["assembly"] if asking.manifest else None
    evidence = sex_evidence(asking, people, stats, assembly)
    father, mother = stated.parents_here()
    child = np.flatnonzero((father >= 0) | (mother >= 0))
    trios = Trios(child, father[child], mother[child])
    numbers = Trios(
        *(np.where(each >= 0, people[persons[each]], -1) for each in (trios.child, trios.father, trios.mother))
    )
    sites = choose_sites(asking, people, SiteLimits(), filters=filters)
    errors = count_mendel_errors(asking, numbers, sites)
    found, refused = _found(asking, people, stated, options)
    problems = Problems([names[number] for number in people.tolist()])
    add_table_problems(problems, stated, sexes, persons)
    add_sex_problems(problems, sexes, evidence)
    if found is not None:
        _add_persons(problems, found, first_of)
    add_relation_problems(
        problems, stated, _of_persons(found, persons), trios, opposite_shares(errors.counts, sites), persons
    )
    trio_table = CountTable(trio_columns(numbers, errors, names))
    people_table = _people_table(problems.names, sexes, evidence)
    return PedigreeReport(
        problems.table(), people_table, trio_table, site_table(asking.contigs, sites, errors), refused
    )


def _found(
    asking: Relatedness, people: NDArray[np.int64], stated: Stated, options: Mapping[str, Any]
) -> tuple[Found | None, str | None]:
    """Related pairs, or why there are none."""
    if not stated.has_parents and stated.num_people == len(people):
        return None, "the sample table states no parents"
    try:
        return related_pairs(asking, people, CUTOFFS[-1], options), None
    except TooFewSitesError as error:
        return None, str(error)


def _of_persons(found: Found | None, persons: NDArray[np.int64]) -> Found | None:
    """Pairs of those who stand for a person, as nodes."""
    if found is None:
        return None
    first, second = found.pairs.first, found.pairs.second
    kept = np.isin(first, persons) & np.isin(second, persons)
    one, other = (np.searchsorted(persons, each[kept]) for each in (first, second))
    return Found(Pairs(len(persons), one, other, found.pairs.kinship[kept]), found.label[kept])


def _add_persons(problems: Problems, found: Found, first_of: NDArray[np.int64]) -> None:
    """Samples that are said to be one person's and are not. first_of : as of ``one_each``"""
    pairs = found.pairs
    place = places(pairs.first, pairs.second)
    for sample in np.flatnonzero(first_of != np.arange(len(first_of))).tolist():
        first = int(first_of[sample])
        pair = place.get((first, sample), -1)
        kinship = pairs.kinship[pair : pair + 1] if pair >= 0 else np.full(1, np.nan)
        degree = int(degree_of(kinship)[0])
        if degree != SAME:
            label = found.label[pair] if pair >= 0 else None
            problems.add("person", first, sample, "one person", label or DEGREES[degree], float(kinship[0]))


def _people_table(names: list[str], sexes: NDArray[np.int8], evidence: SexEvidence) -> CountTable:
    words = np.array([*SEXES, None], object)
    return CountTable(
        {
            "sample": np.array([*names, None], object)[:-1],
            "sex": words[sexes],
            "sex_found": words[evidence.found],
            "n_x": evidence.n_x,
            "n_x_het": evidence.n_x_het,
            "x_inbreeding": evidence.x_inbreeding,
            "n_y": evidence.n_y,
            "y_call_rate": evidence.y_call_rate,
        }
    )
