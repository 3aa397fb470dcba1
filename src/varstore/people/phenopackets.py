"""GA4GH Phenopackets, version 2, in JSON: a person a packet.

https://phenopacket-schema.readthedocs.io/en/2.0.0/ . Keys may be spelled as in JSON or as in protobuf.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from .cells import number_text
from .table import PeopleTable, Rows, make_table
from .tables import read_text

SUFFIXES = (".json", ".jsonl", ".ndjson")
SEPARATOR = ";"
_SEXES = {"MALE": "male", "FEMALE": "female", 1: "female", 2: "male"}  # numbers: protobuf's
_AGE = re.compile(r"P(?!\Z)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:\d+(?:\.\d+)?[HMS])+)?\Z", re.ASCII)
_DAYS = 365.25
_COLUMNS = (
    "family",
    "father",
    "mother",
    "sex",
    "age",
    "phenotype",
    "phenotype_excluded",
    "disease",
    "disease_excluded",
)

Person = dict[str, str]


def is_phenopackets(path: Path) -> bool:
    """Whether a path is a folder, or a file named as JSON."""
    return path.is_dir() or path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read_phenopackets(path: Path) -> PeopleTable:
    """Read one phenopacket, a list of them, one a line, a Family, a Cohort, or a folder of such files.

    Columns: ``sex``, ``age`` in years, ``phenotype`` and ``disease`` with the ids of terms, ``;`` between several, and
    those that were looked for and not found in ``phenotype_excluded`` and ``disease_excluded``. A family's pedigree
    gives ``family``, ``father`` and ``mother``. Raises InputError.
    """
    paths = sorted(p for p in path.iterdir() if p.is_file() and is_phenopackets(p)) if path.is_dir() else [path]
    if not paths:
        raise InputError(f"{path}: no file named .json in the folder, expected phenopackets")
    people: list[Person] = []
    for file in paths:
        people += _people_of_file(file)
    names = [name for name in _COLUMNS if any(person.get(name) for person in people)]
    cells = {name: [person.get(name, "") for person in people] for name in names}
    where = list(range(1, len(people) + 1))
    return make_table(Rows(str(path), [person["sample"] for person in people], cells, where, "packet"), {""})


def _people_of_file(file: Path) -> Iterator[Person]:
    for number, document in enumerate(_documents(file), 1):
        for packet in document if isinstance(document, list) else [document]:
            try:
                yield from _people(packet)
            except (_PacketError, TypeError, AttributeError) as error:
                reason = error if isinstance(error, _PacketError) else "found another structure"
                raise InputError(
                    f"{file}, packet {number}: {reason}; expected a GA4GH phenopacket (version 2)"
                ) from None


class _PacketError(Exception):
    """What is wrong with a packet."""


def _documents(file: Path) -> list[Any]:
    """The JSON documents of a file: one, or one a line. Raises InputError."""
    text = read_text(file)
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError) as error:
        whole = error
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        line = getattr(whole, "lineno", 1)
        raise InputError(f"{file}, line {line}: no JSON ({getattr(whole, 'msg', 'nested too deep')})") from None


def _get(document: Mapping[str, Any], key: str) -> Any:
    """A value by its key in JSON, else in protobuf: ``phenotypicFeatures``, ``phenotypic_features``."""
    if key in document:
        return document[key]
    return document.get(re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), key))


def _people(packet: Any) -> list[Person]:
    """The people of a packet, a Family or a Cohort."""
    if not isinstance(packet, dict):
        raise _PacketError(f"found {type(packet).__name__}")
    if "proband" in packet:
        packets = [packet["proband"], *(_get(packet, "relatives") or [])]
        return _with_pedigree([_person(each) for each in packets], _get(packet, "pedigree") or {})
    if "members" in packet:
        return [_person(each) for each in packet["members"]]
    return [_person(packet)]


def _person(packet: Mapping[str, Any]) -> Person:
    subject = _get(packet, "subject")
    if not isinstance(subject, dict) or not isinstance(subject.get("id"), str) or not subject["id"]:
        raise _PacketError("found no subject with an id")
    person = {"sample": subject["id"], "sex": _SEXES.get(subject.get("sex", ""), "")}
    age = _age(subject)
    if age is not None:
        person["age"] = number_text(round(age, 4))
    for column, key, term in (("phenotype", "phenotypicFeatures", "type"), ("disease", "diseases", "term")):
        stated = _get(packet, key) or []
        for name, excluded in ((column, False), (f"{column}_excluded", True)):
            person[name] = _terms([each for each in stated if bool(each.get("excluded", False)) is excluded], term)
    return person


def _terms(stated: Sequence[Mapping[str, Any]], key: str) -> str:
    """Ids of terms, each once, in order."""
    ids = []
    for each in stated:
        term = each.get(key)
        if not isinstance(term, dict) or not isinstance(term.get("id"), str):
            raise _PacketError(f"found a {key} without an id")
        if SEPARATOR in term["id"]:
            raise _PacketError(f"found the term {term['id']!r} with {SEPARATOR!r} in it")
        ids.append(term["id"])
    return SEPARATOR.join(dict.fromkeys(ids))


def _age(subject: Mapping[str, Any]) -> float | None:
    """Years at the last encounter; None where nobody said exactly."""
    time = _get(subject, "timeAtLastEncounter") or _get(subject, "ageAtCollection") or {}
    stated = _get(time.get("age") or {}, "iso8601duration") if isinstance(time.get("age"), dict) else time.get("age")
    if stated is not None:
        return _years(stated)
    born, seen = _date(_get(subject, "dateOfBirth")), _date(time.get("timestamp"))
    return None if born is None or seen is None or seen < born else (seen - born).days / _DAYS


def _years(duration: Any) -> float:
    found = _AGE.match(duration) if isinstance(duration, str) else None
    if not found:
        raise _PacketError(f"found the age {duration!r}, expected an ISO 8601 duration like P45Y6M")
    years, months, weeks, days = (int(part or 0) for part in found.groups())
    return years + months / 12 + (7 * weeks + days) / _DAYS


def _date(text: Any) -> datetime.date | None:
    try:
        return None if text is None else datetime.date.fromisoformat(str(text)[:10])
    except ValueError:
        raise _PacketError(f"found the time {text!r}, expected ISO 8601") from None


def _with_pedigree(people: list[Person], pedigree: Mapping[str, Any]) -> list[Person]:
    """People with their parents; who is in the pedigree alone comes behind."""
    by_name = {person["sample"]: person for person in people}
    for each in _get(pedigree, "persons") or []:
        name = _get(each, "individualId")
        if not isinstance(name, str) or not name:
            raise _PacketError("found somebody in the pedigree without an individualId")
        if name not in by_name:
            by_name[name] = {"sample": name}
            people.append(by_name[name])
        person = by_name[name]
        person["sex"] = person.get("sex") or _SEXES.get(each.get("sex", ""), "")
        for column, key in (("family", "familyId"), ("father", "paternalId"), ("mother", "maternalId")):
            value = _get(each, key)
            person[column] = "" if value in (None, "0") else str(value)
    return people
