"""Joined records of a repository's batches, for some people and somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..model.regions import Region
from ..storage.batch import Batch
from .absence import Absence
from .batches import BatchHandle
from .blocks import BlockCache
from .joined import JoinedAxis, Wanted
from .joined_records import RecordIndex
from .joined_store import JoinedStore
from .union import AlleleKey, Union


def joined_axis(batches: Sequence[BatchHandle], union: Union, contigs: Sequence[str]) -> JoinedAxis:
    """The axis of joined records. contigs : names of the repository's table"""
    indexes = [RecordIndex(batch.alleles, batch.contigs, len(batches)) for batch in batches]
    return JoinedAxis(indexes, union.covered, contigs)


def records_with(union: Union, alleles: Sequence[AlleleKey]) -> Iterator[Wanted]:
    """The records of each batch that have one of some alleles."""
    for piece in union.pieces([], alleles) if alleles else ():
        for batch, answers in piece.answers.items():
            yield Wanted(piece.contig, batch, np.unique(answers.record[answers.alt > 0]))


def joined_store(
    axis: JoinedAxis, batches: Sequence[BatchHandle], people: tuple[Sequence[str], Sequence[NDArray[np.int64]]],
    where: tuple[Sequence[Region] | None, Sequence[Wanted]], contigs: Mapping[str, int | None],
    absences: Sequence[Absence | None], cache: BlockCache,
) -> JoinedStore:  # fmt: skip
    """Joined records as one store.

    people : names, and for each batch which of them each of its samples is, or -1
    where : regions and records, as ``JoinedAxis.pieces`` takes them    contigs : the table, with lengths
    """
    samples, columns = people
    stores = [batch.store for batch in batches if isinstance(batch.store, Batch)]
    return JoinedStore(stores, columns, samples, axis.pieces(*where), contigs, absences, cache)
