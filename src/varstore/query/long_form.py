"""From partials to a table in long form: rows by site, ALT allele and cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..codec.counts import BlockCounts
from ..model.results import ALLELE_COLUMNS, GENOTYPE_COLUMNS, CountTable, Values

if TYPE_CHECKING:
    from .count import Map

OF_SITES: Mapping[str, type] = {"contig": object, "position": np.int64, "ref": object, "alt": object}
_OF_RECORDS = ("allele_number", "n_hom_ref", "n_missing")
_OF_GENOTYPES = ("n_hom_ref", "n_het", "n_hom_alt", "n_missing")
# Numbers below which one thread turns them sooner than several.
_FEW = 1 << 17

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class ReadColumns(Columns):
    """Columns of some sites, by name: (alleles,) of the site, (cohorts, alleles) of the counts, made when asked for.

    sites : columns of the site, to which others may be added    people : (cohorts,) how many there are
    record, allele : (alleles,) int64, where the counts of each row stand in ``counts``; None: one after the other
    """

    sites: MutableMapping[str, NDArray[Any]]
    counts: BlockCounts
    record: NDArray[np.int64] | None
    allele: NDArray[np.int64] | None
    people: NDArray[np.int64]

    def __iter__(self) -> Iterator[str]:
        yield from self.sites
        yield from (name for name in (*ALLELE_COLUMNS, *GENOTYPE_COLUMNS) if name not in self.sites)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name in self.sites:
            return self.sites[name]
        if name == "allele_frequency":
            return frequency(self["allele_count"], self["allele_number"])
        if name == "n_other":
            return self.people[:, np.newaxis] - cast(NDArray[np.int64], sum(self[each] for each in _OF_GENOTYPES))
        if name not in ALLELE_COLUMNS and name not in GENOTYPE_COLUMNS:
            raise KeyError(name)
        values, index = self.source(name)
        return values if index is None else values[:, index]

    def __setitem__(self, name: str, values: NDArray[Any]) -> None:
        """Add a column of the site."""
        self.sites[name] = values

    def source(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        """(cohorts, records or alleles) counts, and where those of each row stand."""
        return getattr(self.counts, name), self.record if name in _OF_RECORDS else self.allele


def frequency(allele_count: NDArray[np.int64], allele_number: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of an allele; NaN where the number, and so the count, is 0."""
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = np.divide(allele_count, allele_number)
    return found


def count_table(
    parts: Sequence[Columns],
    num_cohorts: int,
    names: Sequence[str] | None,
    map_tasks: Map = map,
    *,
    genotypes: bool,
) -> CountTable:
    """Rows by site, ALT and cohort.

    parts : columns of some sites each, in order: (alleles,) of the site, (cohorts, alleles) of the counts
    names : of the cohorts; None: no such column

    Counts are whole; what repeats or follows from them, text above all, is made when somebody looks at it.
    """
    wanted = (*ALLELE_COLUMNS, *(GENOTYPE_COLUMNS if genotypes else ()))
    ends = list(accumulate((len(part["position"]) for part in parts), initial=0))
    numbers: dict[str, NDArray[np.int64]] = {
        name: np.empty((ends[-1], num_cohorts), np.int64)
        for name in wanted
        if name not in OF_SITES and name != "allele_frequency"
    }
    tasks = [
        (part, {name: column[first:end] for name, column in numbers.items()})
        for part, first, end in zip(parts, ends, ends[1:], strict=False)
    ]
    few = ends[-1] * num_cohorts < _FEW
    for _ in (map if few else map_tasks)(lambda task: _turn_part(*task), tasks):
        pass
    columns: dict[str, Values] = {}
    if names is not None:
        columns["cohort"] = lambda: np.tile(np.array([*names, None], object)[:-1], ends[-1])
    long = {name: values.reshape(-1) for name, values in numbers.items()}
    for name in wanted:
        if name in OF_SITES:
            columns[name] = partial(_repeated, [part[name] for part in parts], OF_SITES[name], num_cohorts)
        elif name == "allele_frequency":
            columns[name] = partial(frequency, long["allele_count"], long["allele_number"])
        else:
            columns[name] = long[name]
    return CountTable(columns)


def _repeated(parts: Sequence[NDArray[Any]], dtype: type, each: int) -> NDArray[Any]:
    """A column of the sites, each value so often: an array of its own."""
    whole = np.concatenate([np.zeros(0, dtype), *parts])
    return whole if each == 1 else np.repeat(whole, each)


def _turn_part(part: Columns, out: Mapping[str, NDArray[np.int64]]) -> None:
    """Write a part's numbers as rows: (rows, cohorts) of each column asked for."""
    if not isinstance(part, ReadColumns):
        for name, rows in out.items():
            _turn(part[name], None, rows)
        return
    for name, rows in out.items():
        if name != "n_other":
            _turn(*part.source(name), rows)
    if "n_other" in out:
        other = out["n_other"]
        np.subtract(part.people, out["n_hom_ref"], out=other)
        for name in _OF_GENOTYPES[1:]:
            np.subtract(other, out[name], out=other)


def _turn(values: NDArray[np.int64], index: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> None:
    if len(values) == 1:  # no numba: stored totals need none
        rows[:, 0] = values[0] if index is None else values[0][index]
        return
    from ..kernels.long_form import turn  # noqa: PLC0415

    # One type of array, whatever it is a part of: the kernel is compiled once.
    turn(np.ascontiguousarray(values), np.arange(values.shape[1]) if index is None else index, rows)
