"""Counts of K cohorts as statistics take them: a column a site or an allele, a row a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

_OF_ALLELES = ("allele_count", "allele_number")
_OF_GENOTYPES = ("n_hom_ref", "n_het", "n_hom_alt", "n_other", "n_missing")


@dataclass(frozen=True)
class SiteCounts:
    """Rows, one an ALT allele, in the order of ``count``.

    counts : ``allele_count``, ``allele_number`` and, where they were asked for, ``n_hom_ref`` and the other genotypes:
        (cohorts, rows) int64
    parts : what the columns of the sites are made of when they are asked for
    """

    counts: dict[str, NDArray[np.int64]]
    parts: Sequence[Mapping[str, NDArray[Any]]]

    @classmethod
    def of(cls, parts: Sequence[Mapping[str, NDArray[Any]]], num_cohorts: int, *, genotypes: bool) -> SiteCounts:
        """From what ``query.counting.count_parts`` gives."""
        names = (*_OF_ALLELES, *(_OF_GENOTYPES if genotypes else ()))
        empty = np.zeros((num_cohorts, 0), np.int64)
        return cls({name: np.concatenate([empty, *(part[name] for part in parts)], axis=1) for name in names}, parts)

    def __len__(self) -> int:
        return int(self.counts["allele_count"].shape[1])

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        return self.counts[name]

    @cached_property
    def site(self) -> NDArray[np.int64]:
        """(rows,) which record each is of, from 0; over batches with sites of their own, which joined record."""
        first, numbers = 0, [np.zeros(0, np.int64)]
        for part in self.parts:
            numbers.append(part["site"] + first)
            first += int(part["site"].max()) + 1 if len(part["site"]) else 0
        return np.concatenate(numbers)

    @cached_property
    def contig(self) -> NDArray[Any]:
        """(rows,) str"""
        return self._column("contig", object)

    @cached_property
    def position(self) -> NDArray[np.int64]:
        """(rows,) int64, 1-based"""
        return self._column("position", np.int64)

    @cached_property
    def ref(self) -> NDArray[Any]:
        """(rows,) str"""
        return self._column("ref", object)

    @cached_property
    def alt(self) -> NDArray[Any]:
        """(rows,) str"""
        return self._column("alt", object)

    def _column(self, name: str, dtype: Any) -> NDArray[Any]:
        return np.concatenate([np.zeros(0, dtype), *(part[name] for part in self.parts)])
