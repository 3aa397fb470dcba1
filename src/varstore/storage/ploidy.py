"""The derived part ``ploidy``: how many alleles the calls of each person of a batch have, by class of contig."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from ..model.ploidy import NO_CALLS, NUM_CLASSES, UNDECIDED, classes_at
from ..model.ploidy import X as X_CLASS
from .arrays import GROUP, ArraySpec, StoredArray, write_whole
from .batch import Batch
from .parts import Part, PartWriter

KIND = "ploidy"
VERSION = 1
_SPEC = ArraySpec(
    "sample_ploidy", "<i2", ("samples", "classes"), "Commonest number of alleles of a call; -1 no calls, -2 undecided"
)


def tally_ploidy(store: Batch, build: str | None) -> NDArray[np.int64]:
    """(samples, classes, ploidies) how many calls with so many alleles each person of a batch has."""
    from ..codec.layout import inflate_block, parse  # noqa: PLC0415
    from ..codec.ploidy import tally_block  # noqa: PLC0415

    tally = np.zeros((len(store.samples), NUM_CLASSES, store.ploidy + 1), np.int64)
    for chunk in range(store.num_chunks if store.has_genotypes else 0):
        classes = _classes(store, chunk, build)
        for sample_chunk in range(store.num_sample_chunks):
            layout = parse(store.genotype_block(chunk, sample_chunk))
            begin = sample_chunk * store.chunk_samples
            end = min(begin + store.chunk_samples, len(store.samples))
            if layout.num_rows < len(classes) or layout.num_samples != end - begin or layout.ploidy > store.ploidy:
                raise CorruptRepositoryError(f"{store.part.folder}: chunk {chunk}.{sample_chunk}.0 has another shape")
            for block in range(layout.num_blocks):
                first = begin + block * layout.inner
                tally_block(inflate_block(layout, block), classes, tally[first:end])
    return tally


def _classes(store: Batch, chunk: int, build: str | None) -> NDArray[np.uint8]:
    """(rows,) class of each record of a chunk."""
    sites = store.site_chunk(chunk)
    out = np.zeros(len(sites.position), np.uint8)
    for contig in np.unique(sites.contig).tolist():
        here = sites.contig == contig
        out[here] = classes_at(store.contigs[contig], sites.position[here], build)
    return out


def commonest_ploidy(tally: NDArray[np.int64], build: str | None) -> NDArray[np.int16]:
    """(samples, classes) the commonest ploidy; NO_CALLS, or UNDECIDED where two are as common.

    Where the build is not known, an X of several ploidies is undecided: some of it may be PAR.
    """
    most = tally.max(axis=2)
    out: NDArray[np.int16] = tally.argmax(axis=2).astype(np.int16)
    out[(tally == most[..., np.newaxis]).sum(axis=2) > 1] = UNDECIDED
    if build is None:
        out[(tally[:, X_CLASS] > 0).sum(axis=1) > 1, X_CLASS] = UNDECIDED
    out[most == 0] = NO_CALLS
    return out


def write_ploidy(part: PartWriter, store: Batch, build: str | None) -> None:
    """Count the calls of a batch, and write the part."""
    write_whole(part, _SPEC, commonest_ploidy(tally_ploidy(store, build), build), 65536)
    part.write(".zgroup", GROUP)


def read_ploidy(part: Part) -> NDArray[np.int16]:
    """(samples, classes) ploidy by the batch's own calls; NO_CALLS, UNDECIDED."""
    out: NDArray[np.int16] = StoredArray(part, _SPEC.name).read()
    if out.ndim != 2 or out.shape[1] != NUM_CLASSES or out.min(initial=0) < UNDECIDED:
        raise CorruptRepositoryError(f"{part.folder}: impossible ploidies")
    return out
