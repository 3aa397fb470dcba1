"""What is exported: joined records, or one batch as it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import UnknownSampleError
from ..model.regions import Region
from ..query.batches import BatchHandle
from ..query.joined_store import JoinedStore
from ..query.plan import plan_reads
from .records import Selection

__all__ = ["Selection", "joined", "one_batch"]


def joined(store: JoinedStore) -> Selection:
    """Joined records of several batches."""
    return Selection([store], store.reads(), [np.arange(len(store.samples))], store.samples)


def one_batch(batch: BatchHandle, regions: Sequence[Region] | None, samples: Sequence[str]) -> Selection:
    """Records of one batch, its contigs named as they came.

    regions : on contigs of the repository's table    samples : of the batch, in any order

    Raises UnknownSampleError.
    """
    place = {name: i for i, name in enumerate(batch.store.samples)}
    column = np.full(len(place), -1, np.int64)
    for number, name in enumerate(samples):
        if name not in place:
            raise UnknownSampleError(f"sample {name!r} is not in batch {batch.entry['id']}")
        column[place[name]] = number
    if regions is not None:
        own = {number: i for i, number in enumerate(batch.contigs.tolist())}
        regions = [replace(region, contig=own[region.contig]) for region in regions if region.contig in own]
    return Selection([batch.store], plan_reads(batch.store, regions), [column], samples)
