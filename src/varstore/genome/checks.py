"""Whether a comparison can be believed: a few plain checks; docs/personal-genome.md, "Did the comparison work"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .words import NAMES, number, percent

# Of the genome's alleles found in somebody else, at least; outside what is covered, at most.
LEAST_FOUND, MOST_OUTSIDE = 0.5, 0.2
# Measures that a bad sample shows in.
_TELLING = ("n_novel", "n_singleton", "n_alleles", "ts_tv", "het_hom")


@dataclass(frozen=True)
class Check:
    """One check. state : "good", "look" or "open"; anchor : of its definition"""

    state: str
    text: str
    anchor: str


def checks_of(summary: Mapping[str, Any]) -> list[Check]:
    """The checks of a comparison, in the order they are told."""
    outside = [_outside(summary)] if summary["variants"]["all"] else []
    return [_overlap(summary), *outside, *_problems(summary), _person(summary), _sex(summary)]


def _overlap(summary: Mapping[str, Any]) -> Check:
    found, total = summary["variants"]["found"], summary["variants"]["all"]
    said = f"{percent(found, total)} of {number(total)} alleles are found in somebody else"
    if not total:
        return Check("look", "The genome has no allele to compare.", "compared")
    if found < LEAST_FOUND * total:
        return Check("look", f"Only {said}: another build, another way of calling, or people unlike these.", "compared")
    return Check("good", f"{said}.", "compared")


def _outside(summary: Mapping[str, Any]) -> Check:
    outside, total = summary["variants"]["not_callable"], summary["variants"]["all"]
    said = f"{percent(outside, total)} of the alleles are where the repository's people were not called"
    return Check("look" if outside > MOST_OUTSIDE * total else "good", f"{said}.", "states")


def _problems(summary: Mapping[str, Any]) -> list[Check]:
    return [Check("look", text, "compared") for text in summary["problems"]]


def _person(summary: Mapping[str, Any]) -> Check:
    person = summary["person"]
    of = person["in_closest_group"] or person
    beside = f"the people of {of['group']}" if "group" in of else "the others"
    out = [name for name in of["stands_out"] if name in _TELLING]
    if of["measures"]["n_alleles"]["num_people"] < 20:
        return Check("open", f"Too few people to say whether its counts are usual beside {beside}.", "person")
    if out:
        names = ", ".join(f"{NAMES[name]} ({of['measures'][name]['stands_out']})" for name in out)
        return Check("look", f"Counts that are unlike those of {beside}: {names}.", "person")
    return Check("good", f"Its counts are like those of {beside}.", "person")


def _sex(summary: Mapping[str, Any]) -> Check:
    sex = summary["sex"]
    if sex["contradiction"]:
        said = f"Stated to be {sex['stated']}, but the calls on X are those of a {sex['inferred']}"
        return Check("look", f"{said}: another person's sample, or an unusual karyotype.", "sex")
    if sex["inferred"] == "unknown":
        return Check("open", f"Sex could not be checked: {sex['reason']}.", "sex")
    stated = "none is stated" if sex["stated"] == "unknown" else f"stated: {sex['stated']}"
    return Check("good", f"The calls on X are those of a {sex['inferred']}; {stated}.", "sex")
