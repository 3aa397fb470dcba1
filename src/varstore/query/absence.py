"""What the people of a batch are at sites where it has no record: docs/denominators.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError, RepositoryError
from ..model.ploidy import build_of, class_runs, classes_at, complete_ploidy
from ..storage import ploidy, reference_blocks
from ..storage.coverage import Coverage
from ..storage.denominators import REFERENCE
from ..storage.manifest import Document
from ..storage.parts import Part, PartRef

Counts = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class Absence:
    """A batch whose people are homozygous reference in its covered set, where it has no record.

    contigs : names that the batch gives its covered contigs, by their place in the table of the repository
    ploidy : (samples, classes) int16, negative where unknown    build : whose PAR table holds, or None
    coverages : what narrows the contigs; people are covered where all of them cover
    """

    def __init__(
        self, contigs: Mapping[int, str], ploidy: NDArray[np.int16], build: str | None, coverages: Sequence[Coverage]
    ) -> None:
        self.contigs = contigs
        self.ploidy = ploidy
        self.build = build
        self._shared = [coverage for coverage in coverages if coverage.num_sets == 1]
        self._own = [coverage for coverage in coverages if coverage.num_sets != 1]
        if len(self._own) > 1:
            raise ValueError("one coverage with a set a person at most")

    def counts(self, contig: int, positions: NDArray[np.int64], members: NDArray[np.bool_]) -> Counts:
        """(cohorts, positions) int64 allele_number, n_hom_ref and n_missing of absent people.

        contig : of the repository's table    positions : 1-based, normalised, ascending
        members : (cohorts, samples of the batch)
        """
        num_cohorts = len(members)
        allele_number, n_hom_ref = (np.zeros((num_cohorts, len(positions)), np.int64) for _ in range(2))
        n_missing = np.zeros_like(n_hom_ref)
        n_missing[...] = members.sum(axis=1)[:, np.newaxis]
        if contig not in self.contigs or not len(positions):
            return allele_number, n_hom_ref, n_missing
        name = self.contigs[contig]
        inside = self._covered(name, positions)
        starts, classes = class_runs(name, self.build)
        cuts = [0, *np.searchsorted(positions, starts[1:]).tolist(), len(positions)]
        for (begin, end), which in zip(pairwise(cuts), classes.tolist(), strict=True):
            if begin < end and inside[begin:end].any():
                weights = self._weights(members, which)
                if self._own:
                    sums = self._sums(name, np.ascontiguousarray(positions[begin:end]), weights)
                else:
                    sums = weights.sum(axis=0, dtype=np.int64)[:, np.newaxis]
                for k, out in ((0, allele_number), (num_cohorts, n_hom_ref)):
                    np.multiply(sums[k : k + num_cohorts], inside[begin:end], out=out[:, begin:end])
        n_missing -= n_hom_ref
        return allele_number, n_hom_ref, n_missing

    def of_ploidy(self, ploidy: int) -> Absence:
        """The same, of people who have so many copies alone; the others are missing."""
        return Absence(
            self.contigs, np.where(self.ploidy == ploidy, self.ploidy, np.int16(0)), self.build,
            [*self._shared, *self._own],
        )  # fmt: skip

    def copies(self, contig: int, positions: NDArray[np.int64]) -> NDArray[np.int16]:
        """(positions, samples) how many alleles, all reference, each absent person has; 0: missing.

        contig, positions : as in ``counts``
        """
        out = np.zeros((len(positions), len(self.ploidy)), np.int16)
        if contig not in self.contigs or not len(positions):
            return out
        name = self.contigs[contig]
        out[...] = np.maximum(self.ploidy, 0)[:, classes_at(name, positions, self.build)].T
        out[~self._covered(name, positions)] = 0
        for own in self._own:
            found = own.intervals(name)
            for sample, which in enumerate(own.sample_set.tolist()):
                mine = slice(*found.first[which : which + 2].tolist())
                out[~inside_intervals(positions, found.start[mine], found.end[mine]), sample] = 0
        return out

    def _covered(self, name: str, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(positions,) whether everybody's intervals hold them."""
        out = np.ones(len(positions), np.bool_)
        for coverage in self._shared:
            found = coverage.intervals(name)
            out &= inside_intervals(positions, found.start, found.end)
        return out

    def _weights(self, members: NDArray[np.bool_], which: int) -> NDArray[np.int64]:
        """(samples, 2 x cohorts) alleles of each member, and 1 for each who has any."""
        ploidy = np.maximum(self.ploidy[:, which], 0).astype(np.int64)
        weights = np.concatenate([members * ploidy, members & (ploidy > 0)])
        return np.ascontiguousarray(weights.T, np.int64)

    def _sums(self, name: str, positions: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[np.int64]:
        """(2 x cohorts, positions) weights of the people whose own intervals hold the positions."""
        # Loaded here: whoever is not asked for intervals needs no numba.
        from ..kernels.absence import add_covered  # noqa: PLC0415

        (own,) = self._own
        columns = [np.bincount(own.sample_set, column, own.num_sets) for column in weights.T]
        of_set = np.ascontiguousarray(np.array(columns).T, np.int64)
        found = own.intervals(name)
        sums = np.zeros((weights.shape[1], len(positions) + 1), np.int64)
        add_covered(found.first, found.start, found.end, positions, of_set, sums)
        out: NDArray[np.int64] = np.cumsum(sums[:, :-1], axis=1)
        return out

    def unknown_ploidy(self) -> NDArray[np.int64]:
        """(classes,) people of unknown ploidy, in the classes that its contigs have."""
        there = {which for name in self.contigs.values() for which in class_runs(name, self.build)[1].tolist()}
        unknown: NDArray[np.int64] = (self.ploidy < 0).sum(axis=0)
        unknown[[which for which in range(len(unknown)) if which not in there]] = 0
        return unknown


def inside_intervals(
    positions: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.bool_]:  # fmt: skip
    """(positions,) whether one of some intervals, ascending, holds each; positions from 1, intervals from 0."""
    at = np.searchsorted(start, positions - 1, side="right") - 1
    return (at >= 0) & (positions <= np.append(end, 0)[at])


def open_absence(
    root: Path, entry: Document, derived: Mapping[str, Part], contigs: Sequence[str], places: NDArray[np.int64],
    table: Mapping[str, int], sexes: NDArray[np.int8], assembly: str | None,
) -> Absence | None:  # fmt: skip
    """What a batch says where it has no record; None: nothing, its people are unknown there.

    derived : its derived parts by kind    contigs, places : names of its contigs, and their places in ``table``
    table : places of contigs by the repository's names    sexes : (samples of the batch,)

    Raises RepositoryError where a derived part is not there.
    """
    if entry["absent"] != REFERENCE or not entry["num_samples"]:
        return None
    covered, build = entry["covered"], build_of(assembly)
    wanted = [ploidy.KIND, *([reference_blocks.KIND] if covered.get("reference_blocks") else [])]
    for kind in wanted:
        if kind not in derived:
            raise RepositoryError(
                f"batch {entry['id']}: its {kind} are of another version; run `varstore batch` with --absent reference"
            )
    coverages = [Coverage(derived[kind]) for kind in wanted[1:]]
    if covered.get("callable") is not None:
        coverages.append(Coverage(Part(root, PartRef(**covered["callable"]["part"]))))
    inside = {table[name] for name in covered["contigs"]}
    names = {place: name for name, place in zip(contigs, places.tolist(), strict=True) if place in inside}
    own = ploidy.read_ploidy(derived[ploidy.KIND])
    if len(own) != entry["num_samples"] or any(len(each.sample_set) != len(own) for each in coverages):
        raise CorruptRepositoryError(f"batch {entry['id']}: what is derived from it is of other people")
    return Absence(names, complete_ploidy(own, sexes, build), build, coverages)
