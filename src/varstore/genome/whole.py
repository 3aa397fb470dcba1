"""The whole person against the repository: a summary in numbers, JSON-ready."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import DenominatorWarning, QueryError
from ..model.ploidy import SEXES
from ..model.regions import END_OF_CONTIG
from ..model.results import CountTable
from ..query.cohorts import members
from ..query.version import Version
from ..relatedness.asking import Relatedness
from ..stats.asking import Statistics
from . import person, sharing
from .carried import Carried
from .file_calls import MEASURES, FileCalls, calls_at_sites
from .kin import kin_of
from .placing import place_of

if TYPE_CHECKING:
    from ..model.regions import Region
    from .comparing import GenomeComparison, Wanted
    from .person import Tallies
    from .reading import Genome

PathLike = str | os.PathLike[str]
# People that are listed as the nearest.
MOST_PEOPLE = 10
# Calls in which runs of homozygosity of everybody are looked for.
MOST_CALLS = 2_000_000_000


def describe(
    version: Statistics, found: GenomeComparison, *, panel: PathLike | None = None, sex: str | None = None,
    max_frequency: float = sharing.MAX_FREQUENCY,
) -> dict[str, Any]:  # fmt: skip
    """What a genome is like among the people of a version, less itself where it is one of them.

    Groups are the cohorts of the comparison; ids of other people are given where carriers were asked for.

    panel : BED file of genes    sex : as stated; None: of the sample table, if the genome is in the repository
    max_frequency : rare alleles are below it

    Keys: person, homozygosity, sex, sharing, nearest, axes, panel; docs/personal-genome.md has their definitions.
    Raises QueryError and its kinds, InputError, CorruptRepositoryError.
    """
    wanted, number = found.wanted, found.genome.number
    others = members(None, version._num_numbers, version._withdrawn_now())[0]
    if number is not None:
        others[number] = False
    where = wanted.regions, wanted.alleles
    carried = Carried.of(found, len(version.contigs))
    groups = {name: np.flatnonzero(mask & others) for name, mask in wanted.cohorts.items()}
    tallies = person.everybody(version, where, wanted.filters).of(np.flatnonzero(others))
    counts = tally(version, carried)
    shared = share(version, carried, others, wanted.filters, max_frequency)
    said = sharing_said(version, shared, groups, max_frequency, names=wanted.carriers)
    whole = person_said(counts, tallies, groups, said["closest"])
    calls = _calls(version, found.genome, wanted, others)
    rate = call_rate(version, number, wanted) if calls is None else _call_rate(calls)
    if isinstance(rate, str):
        whole["not_known"]["call_rate"] = rate
    else:
        whole["measures"]["call_rate"] = rate
    return {
        "person": whole,
        "homozygosity": homozygosity(version, number, wanted) if calls is None else _runs(calls),
        "sex": person.sex_check(counts, stated_sex(version, number, sex)),
        "sharing": said,
        "nearest": kin_of(version, found.genome, others, names=wanted.carriers, wanted=wanted),
        "axes": place_of(version, found.genome, groups, wanted),
        "panel": None if panel is None else _panel(version, carried, others, Path(panel), max_frequency, wanted),
    }


def stated_sex(version: Statistics, number: int | None, sex: str | None) -> str:
    """The sex that is stated, or "unknown". Raises QueryError."""
    if sex is not None:
        if sex not in SEXES:
            raise QueryError(f"sex is {sex!r}, expected male, female or unknown")
        return sex
    return SEXES[0] if number is None else SEXES[int(version._sexes[number])]


def _calls(version: Statistics, genome: Genome, wanted: Wanted, others: NDArray[np.bool_]) -> FileCalls | str | None:
    """What a file says at the repository's sites, or why that is not asked; None: the genome is in the repository."""
    if genome.number is not None:
        return None
    if wanted.alleles:
        return "single alleles were asked for"
    if version.num_samples * version.num_variants > MOST_CALLS:
        return f"everybody's calls are not looked at where they are more than {MOST_CALLS:,}"
    return calls_at_sites(version, genome, np.flatnonzero(others), _regions(version, wanted), wanted.filters)


def _call_rate(calls: FileCalls | str) -> dict[str, Any] | str:
    return calls if isinstance(calls, str) else calls.call_rate()


def _runs(calls: FileCalls | str) -> dict[str, Any]:
    return {"reason": calls} if isinstance(calls, str) else calls.runs()


def call_rate(version: Statistics, number: int | None, wanted: Wanted) -> dict[str, Any] | str:
    """The call rate of somebody who is in the repository, beside that of the others; or why it is not told."""
    if number is None or wanted.alleles:
        return "single alleles were asked for"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenominatorWarning)  # it is said of the counts
        table = version.sample_stats(_regions(version, wanted), filters=wanted.filters)
    return _beside(table, version._names[number], "call_rate")


def homozygosity(version: Statistics, number: int | None, wanted: Wanted) -> dict[str, Any]:
    """Runs of homozygosity of somebody who is in the repository, beside those of the others; else the reason."""
    reason = None
    if version.num_samples * version.num_variants > MOST_CALLS:
        reason = f"runs of everybody are not looked for in more than {MOST_CALLS:,} calls"
    elif wanted.alleles:
        reason = "single alleles were asked for"
    else:
        try:
            found = cast(Relatedness, version).runs_of_homozygosity(_regions(version, wanted), filters=wanted.filters)
        except QueryError as error:
            reason = str(error)
    if number is None or reason is not None:
        return {"reason": reason}
    return {"reason": None} | {name: _beside(found.people, version._names[number], name) for name in MEASURES}


def _beside(table: CountTable, name: str, column: str) -> dict[str, Any]:
    """One person's number beside those of the others, of a table of people."""
    mine = table["sample"] == name
    return person.compared(float(table[column][mine][0]), table[column][~mine].astype(np.float64))


def _regions(version: Version, wanted: Wanted) -> list[str] | None:
    """The regions as they are asked for; None: everything."""
    if wanted.regions is None:
        return None
    return [_text(version.contigs[each.contig], each) for each in wanted.regions]


def _text(contig: str, region: Region) -> str:
    whole = region.start == 0 and region.end >= END_OF_CONTIG
    return contig if whole else f"{contig}:{region.start + 1}-{region.end}"


def tally(version: Version, carried: Carried) -> NDArray[np.int64]:
    """(15,) counts of the alleles, as ``person.COUNTS``."""
    classes = person.classes_of(carried.allele_count, carried.allele_number)
    is_x = person.on_x(version, carried.contig, carried.position)
    return person.tally_of(classes, carried.zygosity, carried.kind, is_x)


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
        "not_known": {},
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
    version: Version, shared: sharing.Sharing, groups: Mapping[str, NDArray[np.int64]], max_frequency: float, *,
    names: bool,
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
        "groups": rows_of(table),
        "people": people,
        **sharing.closest(table, shared.num_shared),
    }


def _panel(
    version: Version, carried: Carried, others: NDArray[np.bool_], path: Path, max_frequency: float, wanted: Wanted
) -> list[dict[str, Any]]:
    from ..stats.burden import read_intervals  # noqa: PLC0415
    from .panel import panel_table  # noqa: PLC0415

    intervals = read_intervals(path, version.contigs, version._named)
    options: dict[str, Any] = {"max_frequency": max_frequency, "filters": wanted.filters}
    where = wanted.regions, wanted.alleles
    return rows_of(panel_table(version, intervals, carried, others, where=where, **options))


def rows_of(table: CountTable) -> list[dict[str, Any]]:
    """A table as JSON-ready rows; a missing number is None."""
    columns = [[None if value != value else value for value in table[name].tolist()] for name in table.columns]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]
