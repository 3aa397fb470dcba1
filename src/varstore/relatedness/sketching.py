"""Sketches of batches, made of their records: where each site of the list is, and everybody's calls there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.match import SAME_LENGTH
from ..kernels.sketch import pack
from ..model.cores import num_cores
from ..query.alleles import kinds
from ..query.batches import BatchHandle
from ..query.blocks import BlockCache
from ..query.diploid import by_person, read_planes
from ..query.site_choice import Sites
from ..query.version import Version
from ..storage.batch import Batch
from ..storage.keys import Keys
from ..storage.parts import PartWriter
from ..storage.sketch import ABSENT, ALLELE, CHUNK, REFERENCE_ONLY, UNREAD, Sketch, SketchSites, SketchWriter

# People whose planes are in memory at a time: whole chunks of a sketch.
_PEOPLE = 4 * CHUNK
_NONE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Located:
    """Where a batch has the sites of a list. record : (sites,) int64, -1: nowhere    state : (sites,) uint8"""

    record: NDArray[np.int64]
    state: NDArray[np.uint8]


def locate(batch: Batch, keys: Keys, places: NDArray[np.int64], sites: SketchSites, contigs: list[str]) -> Located:
    """Find the sites of a list in a batch.

    A record that has the allele answers for it, else the first at the position that ``bcftools merge -m both`` would
    join to it, as in every question: one whose first ALT is as long as its REF, or one without ALT.

    places : of the batch's contigs in the table    contigs : names in the table
    """
    place_of = {name: place for place, name in enumerate(contigs)}
    wanted = np.array([place_of.get(name, -1) for name in sites.contig.tolist()], np.int64)
    # Records of the allele, of which ALT, of another allele there, and of none: the first of each.
    found = np.full((3, len(sites)), _NONE, np.int64)
    alt = np.zeros(len(sites), np.int64)
    for chunk, contig, low, high in keys.runs.astype(np.int64).tolist():
        mine = np.flatnonzero(wanted == places[contig])
        inside = (sites.position[mine] >= low >> 32) & (sites.position[mine] <= high >> 32)
        if inside.any():
            _search(batch, keys, chunk, contig, sites, mine[inside], found, alt)
    state = np.full(len(sites), ABSENT, np.uint8)
    other = np.where(found[1] < _NONE, found[1], found[2])
    state[other < _NONE] = REFERENCE_ONLY
    exact = found[0] < _NONE
    state[exact] = np.where(alt[exact] == 1, ALLELE, UNREAD)
    record = np.where(exact, found[0], other)
    record[(state == ABSENT) | (state == UNREAD)] = -1
    return Located(record, state)


def _search(
    batch: Batch, keys: Keys, chunk: int, contig: int, sites: SketchSites, mine: NDArray[np.int64],
    found: NDArray[np.int64], alt: NDArray[np.int64],
) -> None:  # fmt: skip
    """Look for some sites among the records of a chunk that are on a contig."""
    stored = keys.chunk(chunk)
    key = stored.key
    here: NDArray[np.bool_] = batch.array("variant_contig").chunk(chunk) == contig
    position = key >> np.uint64(32)
    bare = np.count_nonzero(key, axis=1) == 0
    if bare.any():
        position[bare, 0] = batch.array("variant_position").chunk(chunk)[bare]
    # No two sites of a list have one position.
    wanted = sites.position[mine].astype(np.uint64)
    row, column = np.nonzero(np.isin(position, wanted) & here[:, np.newaxis])
    site = mine[np.searchsorted(wanted, position[row, column])]
    record = chunk * batch.chunk_variants + row
    same = (key[row, column] == sites.key[site]) & (stored.digest[row, column] == 0)
    same &= stored.occurrence[row, column] == 0
    others = ~same & (column == 0) & ~bare[row] & (kinds(key[row, column]) == SAME_LENGTH)
    alt[site[same]] = column[same] + 1
    for which, cells in enumerate((same, others, bare[row])):
        np.minimum.at(found[which], site[cells], record[cells])


class _OneBatch(Version):
    """A batch alone, its people numbered from 0, as readers of calls see a version."""

    def __init__(self, store: Batch) -> None:
        entry = {"id": "", "num_samples": len(store.samples), "num_variants": store.num_variants, "first_sample": 0}
        self.manifest = None
        self._batches = [BatchHandle(entry, store, {}, {}, dict)]
        self._blocks = BlockCache(0)
        self._pool = ThreadPoolExecutor(num_cores(), "sketch")

    def _absence(self, batch: BatchHandle) -> None:
        """Who has no record is missing here: what the batch says of them may change, and sketches do not."""


def sketch_parts(
    store: Batch, located: Located, sites: SketchSites
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
    """Bits of the calls of the people of a batch, chunks of a sketch at a time. Raises CorruptRepositoryError."""
    people = np.arange(len(store.samples))
    none = np.zeros(len(sites), np.int64)
    text = np.zeros(len(sites), object)
    wanted = Sites(none, sites.position, text, text, none, none, none, none, none, located.record[np.newaxis])
    reference_only = located.state == REFERENCE_ONLY
    with _OneBatch(store) as one:
        for begin in range(0, len(people), _PEOPLE):
            planes = read_planes(one, wanted, people[begin : begin + _PEOPLE])
            if reference_only.any():
                others = planes.het[reference_only] | planes.hom_alt[reference_only]
                planes.missing[reference_only] |= others
                planes.het[reference_only] = planes.hom_alt[reference_only] = 0
            turned = by_person(one, planes)
            low, high = np.empty((2, len(turned), sites.num_words), np.uint64)
            pack(turned.het, turned.hom_alt, turned.missing, low, high)
            yield low, high


def make_sketch(part: PartWriter, store: Batch, located: Located, sites: SketchSites) -> None:
    """Write the sketch of a batch. Raises CorruptRepositoryError."""
    writer = SketchWriter(part, located.state, len(store.samples), sites.num_words)
    for low, high in sketch_parts(store, located, sites):
        writer.put(low, high)


def sketch_in_memory(store: Batch, located: Located, sites: SketchSites) -> Sketch:
    """The sketch of a batch, not written; as ``sketch_parts``."""
    empty = np.zeros((0, sites.num_words), np.uint64)
    parts = [(empty, empty), *sketch_parts(store, located, sites)]
    return Sketch(np.concatenate([low for low, _ in parts]), np.concatenate([high for _, high in parts]), located.state)


def sketch_of_batch(batch: BatchHandle, sites: SketchSites, contigs: list[str]) -> Sketch:
    """The sketch of a batch of a version, made of its genotypes. contigs : names in the repository's table

    Raises CorruptRepositoryError, RepositoryError where the keys of the batch are of another version.
    """
    store = batch.store
    assert isinstance(store, Batch)
    return sketch_in_memory(store, locate(store, batch.alleles.keys, batch.contigs, sites, contigs), sites)
