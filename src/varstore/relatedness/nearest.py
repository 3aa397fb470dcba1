"""Who is nearest to one person: KING-robust kinship by the sketch, one against all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..kernels.sketch import HET_HET, HETS, IBS0, MY_HETS, N_SITES, scan
from ..query.version import Version
from ..storage.parts import Part, PartRef
from ..storage.sketch import ABSENT, KEY, Sketch, SketchSites, list_of, of_batches, read_sites, read_sketch
from .sketch_sites import why_none
from .sketching import sketch_of_batch
from .tables import SitesUsed

if TYPE_CHECKING:
    from ..query.absence import Absence

# People that a task compares.
_ROWS = 8192
HOM_REF, HET, HOM_ALT, MISSING = range(4)


@dataclass(frozen=True)
class Rows:
    """Calls of some people, as ``storage.sketch.Sketch`` has them.

    numbers : (people,) int64, their sample numbers
    """

    numbers: NDArray[np.int64]
    low: NDArray[np.uint64]
    high: NDArray[np.uint64]


@dataclass(frozen=True)
class Sketches:
    """The sketch of everybody in a version: each has one row in one of the parts."""

    sites: SketchSites
    parts: Sequence[Rows]

    @cached_property
    def used(self) -> SitesUsed:
        """What labels have to know of the sites."""
        return SitesUsed.of(self.sites.contig, self.sites.position, self.sites.frequency)

    def codes(self, number: int) -> NDArray[np.int8]:
        """(sites,) copies of ALT of somebody by sample number, -1: missing. Raises QueryError."""
        for part in self.parts:
            row = np.flatnonzero(part.numbers == number)
            if len(row):
                bits = [_bits(plane[row[0]], len(self.sites)) for plane in (part.low, part.high)]
                code = bits[0] + 2 * bits[1]
                code[code == MISSING] = -1
                return code
        return np.full(len(self.sites), -1, np.int8)


@dataclass(frozen=True)
class Nearest:
    """What one person and some others have in common, by sample number.

    number : (people,) int64    n_sites, ibs0, het_het : int64, sites where both are called, where they share no allele,
        and where both are heterozygous    kinship : float64, NaN where one of them is nowhere heterozygous
    """

    number: NDArray[np.int64]
    n_sites: NDArray[np.int64]
    ibs0: NDArray[np.int64]
    het_het: NDArray[np.int64]
    kinship: NDArray[np.float64]


def sketches_of(version: Version) -> Sketches:
    """The sketch of everybody, read once and kept as long as the version is open; 4 kB a person.

    Calls of batches without a stored sketch are read from their genotypes. Raises QueryError where there is no list of
    sites, CorruptRepositoryError.
    """
    kept: Sketches | None = version.__dict__.get("_sketches")
    if kept is None:
        kept = version.__dict__["_sketches"] = _read(version)
    return kept


def nearest(version: Version, codes: NDArray[np.int8], people: NDArray[np.int64]) -> Nearest:
    """Compare one person with others.

    codes : (sites,) int8, of the sketch's sites: copies of ALT, -1: missing
    people : sorted int64 sample numbers, withdrawn people left out before

    Kinship is KING-robust between families (Manichaikul et al. 2010, eq. 11), as plink2 computes it:
    0.5 - (sites one allele apart + 4 IBS0) / (4 x heterozygous calls of who has fewer), where both are called.
    """
    sketches = sketches_of(version)
    if codes.shape != (len(sketches.sites),) or codes.min(initial=-1) < -1 or codes.max(initial=0) > 2:
        raise QueryError(
            f"codes are 0, 1, 2 or -1 (missing), one for each of the sketch's {len(sketches.sites):,} sites"
        )
    words = sketches.sites.num_words
    het, hom_alt, called = (_plane(flags, words) for flags in (codes == 1, codes == 2, codes >= 0))
    outs = [np.zeros((len(part.numbers), 5), np.int32) for part in sketches.parts]

    def compare(task: tuple[int, int]) -> None:
        part, begin = sketches.parts[task[0]], task[1]
        end = min(begin + _ROWS, len(part.numbers))
        scan(part.low.reshape(-1), part.high.reshape(-1), het, hom_alt, called, begin, end, outs[task[0]])

    tasks = [(i, b) for i, part in enumerate(sketches.parts) for b in range(0, len(part.numbers), _ROWS)]
    list(version._map(compare, tasks))
    place = np.full(version._num_numbers, -1, np.int64)
    place[people] = np.arange(len(people))
    table = np.zeros((len(people), 5), np.int64)
    for part, out in zip(sketches.parts, outs, strict=True):
        asked = place[part.numbers]
        table[asked[asked >= 0]] = out[asked >= 0]
    fewer = np.minimum(table[:, MY_HETS], table[:, HETS])
    apart = table[:, MY_HETS] + table[:, HETS] - 2 * table[:, HET_HET] + 4 * table[:, IBS0]
    kinship = np.full(len(people), np.nan)
    np.divide(apart, 4 * fewer, out=kinship, where=fewer > 0)
    return Nearest(people, table[:, N_SITES], table[:, IBS0], table[:, HET_HET], 0.5 - kinship)


def _plane(flags: NDArray[np.bool_], words: int) -> NDArray[np.uint64]:
    out = np.zeros(64 * words, np.bool_)
    out[: len(flags)] = flags
    return np.packbits(out, bitorder="little").view(np.uint64)


def _bits(plane: NDArray[np.uint64], number: int) -> NDArray[np.int8]:
    return np.unpackbits(plane.view(np.uint8), count=number, bitorder="little").astype(np.int8)


def sketch_sites(version: Version) -> SketchSites:
    """The repository's list of sites. Raises QueryError where it has none."""
    document = {} if version.manifest is None else version.manifest.document
    entry = list_of(document)
    if entry is None and KEY in document:
        raise QueryError(
            f"{version.path}: its sketch was made by another varstore; `varstore reindex --sketch` makes one for this"
        )
    if entry is None:
        raise QueryError(f"{version.path}: no sketch: {why_none(version)}")
    return read_sites(Part(version.path, PartRef(**entry["part"])))


def _read(version: Version) -> Sketches:
    sites = sketch_sites(version)
    assert version.manifest is not None
    stored = of_batches(version.manifest.document)
    parts = []
    for batch in version._batches:
        if not batch.num_samples:
            continue
        entry = stored.get(batch.entry["id"])
        if entry is None:
            sketch = sketch_of_batch(batch, sites, version.contigs)
        else:
            sketch = read_sketch(Part(version.path, PartRef(**entry["part"])), batch.num_samples, sites, version._map)
        put_reference(version._absence(batch), version.contigs, sites, sketch)
        parts.append((batch.numbers, sketch))
    if len(np.unique(np.concatenate([np.zeros(0, np.int64), *(n for n, _ in parts)]))) < sum(len(n) for n, _ in parts):
        parts = [_joined(parts, sites)]
    return Sketches(sites, [Rows(numbers, sketch.low, sketch.high) for numbers, sketch in parts])


def put_reference(
    absence: Absence | None, contigs: Sequence[str], sites: SketchSites, sketch: Sketch
) -> None:  # fmt: skip
    """Where a batch has no record, who is reference there is not missing.

    contigs : as the list of sites has them, by the places that ``absence`` knows
    """
    absent = np.flatnonzero(sketch.state == ABSENT)
    if absence is None or not len(absent):
        return
    place_of = {name: place for place, name in enumerate(contigs)}
    for name in dict.fromkeys(sites.contig[absent].tolist()):
        if name not in place_of:
            continue
        here = absent[sites.contig[absent] == name]
        reference = absence.copies(place_of[name], sites.position[here]) == 2
        for site, rows in zip(here.tolist(), reference, strict=True):
            bit = ~(np.uint64(1) << np.uint64(site & 63))
            sketch.low[rows, site >> 6] &= bit
            sketch.high[rows, site >> 6] &= bit


def _joined(parts: Sequence[tuple[NDArray[np.int64], Sketch]], sites: SketchSites) -> tuple[NDArray[np.int64], Sketch]:
    """People whose calls are in several batches, as they are where each chromosome came by itself, have one row."""
    numbers = np.unique(np.concatenate([mine for mine, _ in parts]))
    low = np.tile(_plane(np.ones(len(sites), np.bool_), sites.num_words), (len(numbers), 1))
    high = low.copy()
    for mine, sketch in parts:
        row = np.searchsorted(numbers, mine)
        called, before = ~(sketch.low & sketch.high), low[row] & high[row]
        # What an earlier batch says of a call stands.
        take = called & before
        low[row] = (low[row] & ~take) | (sketch.low & take)
        high[row] = (high[row] & ~take) | (sketch.high & take)
    return numbers, Sketch(low, high, np.zeros(len(sites), np.uint8))
