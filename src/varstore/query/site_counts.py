"""Counts of K cohorts as statistics take them: a column a site or an allele, a row a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_OF_SITES = ("contig", "position", "ref", "alt")
_OF_ALLELES = ("allele_count", "allele_number")
_OF_GENOTYPES = ("n_hom_ref", "n_het", "n_hom_alt", "n_other", "n_missing")


@dataclass(frozen=True)
class SiteCounts:
    """Rows, one an ALT allele, in the order of ``count``.

    site : (rows,) int64 which record each is of, from 0; over batches with sites of their own, which joined record
    contig, ref, alt : (rows,) str    position : (rows,) int64, 1-based
    counts : ``allele_count``, ``allele_number`` and, where they were asked for, ``n_hom_ref`` and the other genotypes:
        (cohorts, rows) int64
    """

    site: NDArray[np.int64]
    contig: NDArray[Any]
    position: NDArray[np.int64]
    ref: NDArray[Any]
    alt: NDArray[Any]
    counts: dict[str, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.position)

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        return self.counts[name]

    @classmethod
    def of(cls, parts: Sequence[Mapping[str, NDArray[Any]]], num_cohorts: int, *, genotypes: bool) -> SiteCounts:
        """From what ``query.counting.count_parts`` gives."""
        first, numbers = 0, [np.zeros(0, np.int64)]
        for part in parts:
            numbers.append(part["site"] + first)
            first += int(part["site"].max()) + 1 if len(part["site"]) else 0
        names = (*_OF_ALLELES, *(_OF_GENOTYPES if genotypes else ()))
        empty = np.zeros((num_cohorts, 0), np.int64)
        counts = {name: np.concatenate([empty, *(part[name] for part in parts)], axis=1) for name in names}
        dtypes = {name: np.dtype(np.int64 if name == "position" else object) for name in _OF_SITES}
        sites = {
            name: np.concatenate([np.zeros(0, dtype), *(part[name] for part in parts)])
            for name, dtype in dtypes.items()
        }
        return cls(np.concatenate(numbers), **sites, counts=counts)
