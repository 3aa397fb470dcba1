"""The whole person against the repository: a summary in numbers, JSON-ready."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DenominatorWarning
from ..model.results import CountTable
from ..query.cohorts import members
from ..query.version import Version
from ..stats.asking import Statistics
from . import person, sharing
from .carried import Carried

if TYPE_CHECKING:
    from .person import Tallies

# People that are listed as the nearest.
MOST_PEOPLE = 10
_NO_SKETCH = "kinship needs sites that are spread over the genome: none are stored with this repository"
_NO_AXES = "no principal axes are stored with this repository"


def describe(
    version: Statistics, carried: Carried, *, by: str | None = None, genes: str | os.PathLike[str] | None = None,
    where: tuple[Any, Any] = (None, None), filters: Any = None, max_frequency: float = sharing.MAX_FREQUENCY,
    names: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What a genome is like among the people of a version, less itself where it is one of them.

    by : column of the sample table whose values are groups    genes : BED file of a panel
    where : region and regions_file    filters : as of ``count_alleles``    max_frequency : rare alleles are below it
    names : give the ids of the nearest people

    Keys: person, sex, sharing, nearest, axes, panel; docs/personal-genome.md has their definitions.
    Raises QueryError and its kinds, InputError, CorruptRepositoryError.
    """
    others = members(None, version._num_numbers, version._withdrawn_now())[0]
    if carried.number is not None:
        others[carried.number] = False
    groups = {} if by is None else _groups(version, by, others)
    tallies = person.everybody(version, where, filters).of(np.flatnonzero(others))
    counts = tally(version, carried)
    shared = share(version, carried, others, filters, max_frequency)
    found = sharing_said(version, shared, groups, by, max_frequency, names=names)
    said = person_said(counts, tallies, groups, found["closest"])
    if carried.number is not None:
        said["measures"]["call_rate"] = call_rate(version, carried.number, where, filters)
    return {
        "person": said,
        "sex": person.sex_check(counts, carried.sex),
        "sharing": found,
        "nearest": {"people": None, "reason": _NO_SKETCH},
        "axes": {"coordinates": None, "reason": _NO_AXES},
        "panel": None if genes is None else _panel(version, carried, others, Path(genes), max_frequency, filters),
    }


def call_rate(version: Statistics, number: int, where: tuple[Any, Any], filters: Any) -> dict[str, Any]:
    """The call rate of somebody who is in the repository, beside that of the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenominatorWarning)  # it is said of the counts
        table = version.sample_stats(where[0], regions_file=where[1], filters=filters)
    mine = table["sample"] == version._names[number]
    return person.compared(float(table["call_rate"][mine][0]), table["call_rate"][~mine])


def _groups(version: Version, by: str, others: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
    from ..query.groups import groups_of  # noqa: PLC0415

    return groups_of(version.columns, by, np.flatnonzero(others))


def tally(version: Version, carried: Carried) -> NDArray[np.int64]:
    """(15,) counts of the alleles at which the repository's people could be called, as ``person.COUNTS``."""
    from ..stats.samples import kinds_of  # noqa: PLC0415

    kept = np.flatnonzero(carried.callable)
    classes = person.classes_of(carried.allele_count[kept], carried.allele_number[kept])
    kind = kinds_of(carried.ref[kept].tolist(), carried.alt[kept].tolist())
    is_x = person.on_x(version, carried.contig[kept], carried.position[kept])
    return person.tally_of(classes, carried.zygosity[kept], kind, is_x)


def person_said(
    counts: NDArray[np.int64], tallies: Tallies, groups: Mapping[str, NDArray[np.int64]], closest: list[str] | None
) -> dict[str, Any]:
    """One person beside the others, and beside those of the group that is closest."""
    measures = person.beside(counts, tallies)
    out: dict[str, Any] = {
        "num_people": len(tallies.numbers),
        "counts": dict(zip(person.COUNTS, counts.tolist(), strict=True)),
        "measures": measures,
        "stands_out": person.standing_out(measures),
        "in_closest_group": None,
    }
    if closest:
        mine = person.beside(counts, tallies.of(groups[closest[0]]))
        out["in_closest_group"] = {
            "group": closest[0], "measures": mine, "stands_out": person.standing_out(mine),
        }  # fmt: skip
    return out


def share(
    version: Version, carried: Carried, others: NDArray[np.bool_], filters: Any, max_frequency: float
) -> sharing.Sharing:
    """Who carries the rare alleles."""
    from .finding import reads_of  # noqa: PLC0415

    rare = np.flatnonzero(carried.is_rare(max_frequency) & (carried.allele_count > 0))
    reads = reads_of(
        version, carried.contig[rare], carried.key[rare], carried.digest[rare], others[np.newaxis], filters
    )
    return sharing.sharing(version, reads, carried.allele_count[rare], others)


def sharing_said(
    version: Version, shared: sharing.Sharing, groups: Mapping[str, NDArray[np.int64]], by: str | None,
    max_frequency: float, *, names: bool,
) -> dict[str, Any]:  # fmt: skip
    """Sharing of rare alleles, by group and by person."""
    table = shared.by_group(groups)
    people = rows_of(shared.nearest(version._names, MOST_PEOPLE))
    group_of = {number: name for name, numbers in groups.items() for number in numbers.tolist()}
    place = {name: number for number, name in enumerate(version._names)} if people and (groups or names) else {}
    for row in people:
        row["group"] = group_of.get(place.get(row["sample"], -1))
        row["sample"] = row["sample"] if names else None
    return {
        "max_frequency": max_frequency,
        "num_rare": shared.num_alleles,
        "num_shared": shared.num_shared,
        "by": by,
        "groups": rows_of(table),
        "people": people,
        **sharing.closest(table, shared.num_shared),
    }


def _panel(
    version: Version, carried: Carried, others: NDArray[np.bool_], path: Path, max_frequency: float, filters: Any
) -> list[dict[str, Any]]:
    from ..stats.burden import read_intervals  # noqa: PLC0415
    from .panel import panel_table  # noqa: PLC0415

    intervals = read_intervals(path, version.contigs, version._named)
    return rows_of(panel_table(version, intervals, carried, others, max_frequency=max_frequency, filters=filters))


def rows_of(table: CountTable) -> list[dict[str, Any]]:
    """A table as JSON-ready rows; a missing number is None."""
    columns = [[None if value != value else value for value in table[name].tolist()] for name in table.columns]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]
