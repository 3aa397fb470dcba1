"""The derived part ``sketch``: calls of the people of a batch at some thousand common sites, two bits each.

The list of these sites is one for the repository, a part that the manifest names under ``sketch``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from .arrays import GROUP, ArraySpec, StoredArray, finish, write_whole
from .manifest import SKETCH, Document
from .parts import Part, PartWriter, ReadablePart

KIND = "sketch"
VERSION = 1
# Version of the list of sites.
SITES_VERSION = 1
# Where a manifest names the list.
KEY = "sketch"
# What a batch has at a site: nothing, the allele as a record's first ALT, a record that has another allele or none,
# the allele as a later ALT, which is not read.
ABSENT, ALLELE, REFERENCE_ONLY, UNREAD = range(4)
# Rows are whole blocks of so many words, 4,096 sites: kernels do not look at their ends.
WORDS = 64
# People of a chunk.
CHUNK = 4096
_PLANES = ("sketch_low", "sketch_high")
_BASES = np.array(list("ACGT"), object)
# Bits of a key of a SNV: both alleles are one base.
_SNV = np.uint64(1 << 27 | 1 << 23)


@dataclass(frozen=True)
class SketchSites:
    """The list of sites, in the order of the contig table and POS.

    contig : (sites,) object, names in the repository's table    position : int64, 1-based
    ref, alt : object, one base each    key : uint64, of the allele (docs/format.md, Keys)
    frequency : float64, of ALT among those by whom the site was chosen
    """

    contig: NDArray[Any]
    position: NDArray[np.int64]
    ref: NDArray[Any]
    alt: NDArray[Any]
    key: NDArray[np.uint64]
    frequency: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.position)

    @classmethod
    def of(cls, contig: NDArray[Any], key: NDArray[np.uint64], frequency: NDArray[np.float64]) -> Self:
        """Sites by the keys of their alleles."""
        position = (key >> np.uint64(32)).astype(np.int64)
        ref, alt = (_BASES[(key >> np.uint64(shift) & np.uint64(3)).astype(np.int64)] for shift in (0, 2))
        return cls(contig, position, ref, alt, key, frequency)

    def take(self, which: NDArray[Any]) -> SketchSites:
        """Some of the sites, by indexes or flags."""
        return SketchSites(*(getattr(self, field.name)[which] for field in fields(self)))

    @property
    def num_words(self) -> int:
        """Words of a plane of one person."""
        return -(-len(self) // (64 * WORDS)) * WORDS


def is_snv(key: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether keys are of one base for another."""
    out: NDArray[np.bool_] = key & np.uint64(0xFF800000) == _SNV
    return out


def write_sites(part: PartWriter, sites: SketchSites) -> None:
    """Write the list of sites."""
    names = list(dict.fromkeys(sites.contig.tolist()))
    place = {name: i for i, name in enumerate(names)}
    write_whole(part, ArraySpec("contig_id", "|O", ("contigs",)), names)
    columns: list[tuple[str, str, NDArray[Any]]] = [
        ("site_contig", "<i4", np.array([place[name] for name in sites.contig.tolist()], np.int32)),
        ("site_position", "<i4", sites.position),
        ("site_ref", "|O", sites.ref),
        ("site_alt", "|O", sites.alt),
        ("site_key", "<u8", sites.key),
        ("site_frequency", "<f8", sites.frequency),
    ]
    for name, dtype, values in columns:
        write_whole(part, ArraySpec(name, dtype, ("sites",)), values)
    part.write(".zgroup", GROUP)


def read_sites(part: ReadablePart) -> SketchSites:
    """The list of sites. Raises CorruptRepositoryError."""
    names = StoredArray(part, "contig_id").read()
    stored = {name: StoredArray(part, f"site_{name}").read() for name in ("contig", "position", "ref", "alt")}
    key, frequency = (StoredArray(part, f"site_{name}").read() for name in ("key", "frequency"))
    contig = stored["contig"].astype(np.int64)
    alike = len({len(column) for column in (*stored.values(), key, frequency)}) == 1
    if not alike or contig.min(initial=0) < 0 or contig.max(initial=-1) >= len(names):
        raise CorruptRepositoryError(f"{part.folder}: the columns of the list of sites do not fit")
    sites = SketchSites.of(names[contig], key, frequency)
    same = np.array_equal(sites.position, stored["position"]) and is_snv(key).all()
    if not (same and np.array_equal(sites.ref, stored["ref"]) and np.array_equal(sites.alt, stored["alt"])):
        raise CorruptRepositoryError(f"{part.folder}: the keys of the list of sites are not those of its alleles")
    return sites


@dataclass(frozen=True)
class Sketch:
    """Calls of people at the sites, two bits each: 0 homozygous reference, 1 heterozygous, 2 homozygous ALT, 3 missing.

    low, high : (people, words) uint64, the bits of the calls; bit ``i & 63`` of word ``i >> 6`` is site ``i``,
        and there are none behind the last site
    state : (sites,) uint8, what the batch has there: ABSENT, ALLELE, ...
    """

    low: NDArray[np.uint64]
    high: NDArray[np.uint64]
    state: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.low)

    def same(self, other: Sketch) -> bool:
        """Whether it says the same."""
        return all(np.array_equal(getattr(self, field.name), getattr(other, field.name)) for field in fields(self))

    def take(self, which: NDArray[Any]) -> Sketch:
        """Some of the people, by indexes or flags."""
        return Sketch(self.low[which], self.high[which], self.state)


class SketchWriter:
    """Writes the sketch of a batch, chunks of ``rows`` people after one another."""

    def __init__(self, part: PartWriter, state: NDArray[np.uint8], num_people: int, num_words: int) -> None:
        self.part = part
        self.rows = max(1, min(CHUNK, num_people))
        self._words, self._chunk = num_words, 0
        write_whole(part, ArraySpec("site_state", "|u1", ("sites",)), state)
        for name in _PLANES:
            finish(part, _plane(name), (num_people, num_words), (self.rows, num_words))
        part.write(".zgroup", GROUP)

    def put(self, low: NDArray[np.uint64], high: NDArray[np.uint64]) -> None:
        """Write the next people: whole chunks of them, but for the last ones."""
        for begin in range(0, len(low), self.rows):
            for name, plane in zip(_PLANES, (low, high), strict=True):
                some = plane[begin : begin + self.rows]
                block = np.zeros((self.rows, self._words), np.uint64)
                block[: len(some)] = some
                self.part.write(f"{name}/{self._chunk}.0", _plane(name).encode(block))
            self._chunk += 1


def _plane(name: str) -> ArraySpec:
    # Bits of common alleles hardly shrink: the lowest level takes what there is.
    level: dict[str, Any] = {"id": "zstd", "level": 1, "checksum": True}
    return ArraySpec(name, "<u8", ("samples", "words"), "A bit a site", filters=[], compressor=level)


def write_sketch(part: PartWriter, sketch: Sketch) -> None:
    """Write a sketch that is in memory."""
    SketchWriter(part, sketch.state, len(sketch), sketch.low.shape[1]).put(sketch.low, sketch.high)


def read_sketch(part: Part, num_people: int, sites: SketchSites, map_tasks: Callable[..., Any] = map) -> Sketch:
    """The sketch of a batch. Raises CorruptRepositoryError where it is not of so many people and sites."""
    arrays = [StoredArray(part, name) for name in _PLANES]
    state = StoredArray(part, "site_state").read()
    shape = (num_people, sites.num_words)
    if any(array.shape != shape for array in arrays) or len(state) != len(sites) or state.max(initial=0) > UNREAD:
        raise CorruptRepositoryError(
            f"{part.folder}: not a sketch of {num_people} people at {len(sites)} sites: it is damaged"
        )
    planes = [np.zeros(shape, np.uint64) for _ in arrays]

    def fill(task: tuple[int, int]) -> None:
        plane, chunk = task
        array = arrays[plane]
        begin = chunk * array.chunks[0]
        planes[plane][begin : begin + array.chunks[0]] = array.chunk(chunk)

    list(map_tasks(fill, [(plane, chunk) for plane in range(2) for chunk in range(arrays[plane].num_chunks)]))
    real = np.packbits(np.arange(64 * sites.num_words) < len(sites), bitorder="little").view(np.uint64)
    padded = np.flatnonzero(real != ~np.uint64(0))
    if any((plane[:, padded] & ~real[padded]).any() for plane in planes):
        raise CorruptRepositoryError(f"{part.folder}: a sketch with calls behind its last site")
    return Sketch(planes[0], planes[1], state)


def write_fewer(writer: PartWriter, part: Part, keep: NDArray[np.bool_]) -> None:
    """Write a sketch anew, of some of its people. Raises CorruptRepositoryError where it is of others."""
    low, high, state = (StoredArray(part, name).read() for name in (*_PLANES, "site_state"))
    if len(low) != len(keep) or low.shape != high.shape:
        raise CorruptRepositoryError(f"{part.folder}: not a sketch of {len(keep)} people")
    write_sketch(writer, Sketch(low[keep], high[keep], state))


def list_of(document: Document) -> Document | None:
    """The entry of a manifest's list of sites, if it has one that this varstore reads."""
    entry: Document | None = document.get(KEY)
    return entry if entry is not None and entry["version"] == SITES_VERSION else None


def with_list(document: Document, entry: Document) -> None:
    """Name a list of sites in a manifest: who does not know of it must not write, or purged people would stay in it."""
    document[KEY] = entry
    document["writer_features"] = sorted({*document["writer_features"], SKETCH})


def of_batches(document: Document) -> dict[str, Document]:
    """Entries of the sketches of this version and of the manifest's list, by batch."""
    sites = list_of(document)
    found = [entry for entry in document["derived"] if (entry["kind"], entry["version"]) == (KIND, VERSION)]
    return {entry["batch"]: entry for entry in found if sites is not None and entry["sites"] == sites["id"]}
