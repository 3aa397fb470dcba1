"""Mendelian errors: calls of children that cannot come from the calls of their parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.results import CountTable
from ..query.diploid import Planes, by_person, read_planes
from ..query.site_choice import Sites
from ..query.version import Version

# Children a task: their rows of planes are read from memory once each.
_CHILDREN = 256


@dataclass(frozen=True)
class Trios:
    """Children with one parent or two. child, father, mother : (children,) int64 sample numbers; -1: not there"""

    child: NDArray[np.int64]
    father: NDArray[np.int64]
    mother: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.child)

    @property
    def people(self) -> NDArray[np.int64]:
        """Everybody in them, sorted."""
        everybody = np.unique(np.concatenate([self.child, self.father, self.mother]))
        return everybody[everybody >= 0]


@dataclass(frozen=True)
class MendelErrors:
    """What was counted.

    counts : (children, 6) int64, columns as of ``kernels.mendel``
    site_errors, site_trios : (sites,) int64, children with an error, and children of whom all who are there are called
    """

    counts: NDArray[np.int64]
    site_errors: NDArray[np.int64]
    site_trios: NDArray[np.int64]


def count_mendel_errors(version: Version, trios: Trios, sites: Sites) -> MendelErrors:
    """Count the errors of trios, and of children with one parent (duos), at biallelic sites.

    Calls that are missing, half, or not of two alleles are no calls: a trio's sites are those at which all three are
    called, a duo's those at which both are. Raises CorruptRepositoryError.
    """
    people = trios.people
    planes = by_person(version, read_planes(version, sites, people))
    place = np.full(version._num_numbers + 1, -1, np.int64)
    place[people] = np.arange(len(people))
    members = np.stack([place[trios.child], place[trios.father], place[trios.mother]], axis=1)
    parts = [members[i : i + _CHILDREN] for i in range(0, len(members), _CHILDREN)]
    found = list(version._map(lambda part: _counted(planes, part), parts))
    nothing = MendelErrors(np.zeros((0, 6), np.int64), *np.zeros((2, len(sites)), np.int64))
    return MendelErrors(
        np.concatenate([nothing.counts, *(each.counts for each in found)]),
        sum((each.site_errors for each in found), nothing.site_errors),
        sum((each.site_trios for each in found), nothing.site_trios),
    )


def _counted(planes: Planes, members: NDArray[np.int64]) -> MendelErrors:
    from ..kernels.mendel import NUM_COUNTS, mendel_errors  # noqa: PLC0415

    counts = np.empty((len(members), NUM_COUNTS), np.int64)
    errors, lost = np.zeros((2, 64 * planes.het.shape[1]), np.int64)
    mendel_errors(planes.het, planes.hom_alt, planes.missing, members, planes.num_columns, counts, errors, lost)
    return MendelErrors(counts, errors[: planes.num_columns], len(members) - lost[: planes.num_columns])


def trio_columns(trios: Trios, found: MendelErrors, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns of a table of children. names : by sample number"""
    from ..kernels import mendel  # noqa: PLC0415

    counts = found.counts

    def named(numbers: NDArray[np.int64]) -> NDArray[Any]:
        return np.array([*(names[n] if n >= 0 else "." for n in numbers.tolist()), None], object)[:-1]

    return {
        "child": named(trios.child),
        "father": named(trios.father),
        "mother": named(trios.mother),
        "n_sites": counts[:, mendel.SITES],
        "n_errors": counts[:, mendel.ERRORS],
        "error_rate": _ratio(counts[:, mendel.ERRORS], counts[:, mendel.SITES]),
        "n_sites_father": counts[:, mendel.FATHER_SITES],
        "n_errors_father": counts[:, mendel.FATHER_ERRORS],
        "n_sites_mother": counts[:, mendel.MOTHER_SITES],
        "n_errors_mother": counts[:, mendel.MOTHER_ERRORS],
    }


def site_table(contigs: Sequence[str], sites: Sites, found: MendelErrors) -> CountTable:
    """The sites with errors, a row each. contigs : the repository's table"""
    which = np.flatnonzero(found.site_errors)
    names = np.array([*contigs, None], object)
    return CountTable(
        {
            "contig": names[sites.contig[which]],
            "position": sites.position[which],
            "ref": sites.ref[which],
            "alt": sites.alt[which],
            "n_trios": found.site_trios[which],
            "n_errors": found.site_errors[which],
            "error_rate": _ratio(found.site_errors[which], found.site_trios[which]),
        }
    )


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """NaN where the whole is 0."""
    out = np.full(len(part), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out
