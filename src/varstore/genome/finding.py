"""Where alleles stand in the batches of a version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..query.alleles import AlleleIndex, Entries
from ..query.carriers import AlleleRead, allele_reads
from ..query.counting import Question, count_jobs
from ..query.version import Version
from ..storage.batch import Batch


def reads_of(
    version: Version, contig: NDArray[np.int64], key: NDArray[np.uint64], digest: NDArray[np.uint64],
    masks: NDArray[np.bool_], filters: str | Sequence[str] | None = None,
) -> list[AlleleRead]:  # fmt: skip
    """The records that hold some alleles, in every batch; ``index`` is of these alleles.

    contig : (alleles,) int64, place in the contig table    key, digest : of the normalised alleles
    masks : (1, numbers of people) who is asked for    filters : as of ``count_alleles``

    Raises UnknownFilterError, CorruptRepositoryError.
    """
    question = Question(None, [], masks, None, False, filters, genotypes=False)
    reads: list[AlleleRead] = []
    for batch, job in zip(version._batches, count_jobs(question, version._batches, version._blocks, {}), strict=True):
        store = batch.store
        if not isinstance(store, Batch) or not store.has_genotypes or not job.members.any():
            continue
        found = list(_found(batch.alleles, contig, key, digest))
        index, record, alt = (np.concatenate([np.zeros(0, np.int64), *part]) for part in zip(*found, strict=True))
        here = allele_reads(store, job, batch.numbers, record, alt, index)
        reads += [read for read in map(AlleleRead.passing, here) if read is not None]
    return reads


def _found(
    alleles: AlleleIndex, contig: NDArray[np.int64], key: NDArray[np.uint64], digest: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Which alleles a batch has, its record and the number of the ALT in it, contig by contig."""
    nothing = np.zeros(0, np.int64)
    yield nothing, nothing, nothing
    for place in np.unique(contig).tolist():
        mine = np.flatnonzero(contig == place)
        position = (key[mine] >> np.uint64(32)).astype(np.int64)
        entries = alleles.between(place, int(position.min()), int(position.max()) + 1)
        if len(entries):
            which, at = _joined(entries, key[mine], digest[mine])
            yield mine[which], entries.record[at], entries.alt[at]


def _joined(
    entries: Entries, key: NDArray[np.uint64], digest: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which alleles the entries hold, and where; the first of duplicates. entries : by key"""
    begin, end = np.searchsorted(entries.key, key, "left"), np.searchsorted(entries.key, key, "right")
    at = np.full(len(key), -1, np.int64)
    for step in range(int((end - begin).max(initial=0))):
        place = begin + step
        there = (at < 0) & (place < end)
        place = np.minimum(place, len(entries) - 1)
        there &= (entries.digest[place] == digest) & (entries.occurrence[place] == 0) & (entries.alt[place] > 0)
        at[there] = place[there]
    which = np.flatnonzero(at >= 0)
    return which, at[which]
