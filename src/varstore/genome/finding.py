"""Where alleles of a genome stand in the batches of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..query.carriers import AlleleRead, allele_reads
from ..query.counting import Question, count_jobs
from ..query.version import Version
from ..storage.batch import Batch
from .matching import match_batch

if TYPE_CHECKING:
    from ..query.batches import BatchHandle


def reads_of(
    version: Version, contig: NDArray[np.int64], key: NDArray[np.uint64], digest: NDArray[np.uint64],
    masks: NDArray[np.bool_], filters: Any = None,
) -> list[AlleleRead]:  # fmt: skip
    """The records that hold some alleles, in every batch; ``index`` is of these alleles.

    contig : (alleles,) int64, place in the contig table    key, digest : of the normalised alleles; all sorted by
        contig and key
    masks : (1, numbers of people) who is asked for    filters : as of ``count_alleles``

    Raises UnknownFilterError, CorruptRepositoryError.
    """
    question = Question(None, [], masks, None, False, filters, genotypes=False)
    jobs = count_jobs(question, version._batches, version._blocks, {})
    reads: list[AlleleRead] = []
    for batch, job in zip(version._batches, jobs, strict=True):
        if isinstance(batch.store, Batch) and batch.store.has_genotypes and job.members.any():
            index, record, alt = _places(version, batch, contig, key, digest)
            here = allele_reads(batch.store, job, batch.numbers, record, alt, index)
            reads += [read for read in map(AlleleRead.passing, here) if read is not None]
    return reads


def _places(
    version: Version, batch: BatchHandle, contig: NDArray[np.int64], key: NDArray[np.uint64],
    digest: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Which alleles a batch has, its record, and the number of the ALT in it."""
    index, record, alt = ([np.zeros(0, np.int64)] for _ in range(3))
    for place in np.unique(contig).tolist():
        begin, end = np.searchsorted(contig, [place, place + 1]).tolist()
        found = match_batch(version, batch, place, key[begin:end], digest[begin:end], None)
        own = found.alt > 0
        index.append(found.row[own] + begin)
        record.append(found.record[own])
        alt.append(found.alt[own])
    return np.concatenate(index), np.concatenate(record), np.concatenate(alt)
