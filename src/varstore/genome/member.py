"""The genome of somebody who is in the repository."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..codec.genotype import expand_window
from ..ingest.person import Alleles
from ..kernels import person as _person
from ..kernels.keys import NO_NUMBER, one_key
from ..kernels.match import NO_ROW
from ..query.alleles import kinds
from ..storage import reference_blocks
from ..storage.batch import Batch
from ..storage.coverage import Coverage
from .reading import UNKNOWN, Genome, in_order

if TYPE_CHECKING:
    from ..query.batches import BatchHandle
    from ..query.version import Version

_NOTHING = np.zeros(0, np.uint8)
_COLUMNS = ("contig", "key", "digest", "num_ref", "num_alt", "text", "record", "alt", "zygosity", "whole", "length")
_TYPES = ("i4", "u8", "u8", "i4", "i4", "i8", "i8", "i4", "u1", "?", "i4")


def read_member(version: Version, name: str) -> Genome:
    """The genome of a sample of the repository, as its records have it.

    Raises UnknownSampleError, WithdrawnSampleError, CorruptRepositoryError.
    """
    number = int(version._everybody().resolve([name])[0])
    reader = _Reader(version)
    for batch in version._batches:
        column = np.flatnonzero(batch.numbers == number)
        if len(column):
            reader.read(batch, int(column[0]))
    alleles, _ = in_order(reader.alleles())
    lengths = {entry["name"]: entry["length"] for entry in version.manifest.contigs} if version.manifest else {}
    return Genome(
        str(version.path), name, "repository", list(version.contigs), lengths, alleles,
        np.frombuffer(bytes(reader.arena) or b"\0", np.uint8), np.concatenate(reader.stretches), UNKNOWN,
        reader.counts, number,
    )  # fmt: skip


class _Reader:
    """Collects one person's calls, chunk by chunk."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.arena = bytearray()
        self.parts: list[dict[str, NDArray[Any]]] = []
        self.stretches = [np.zeros((0, 4), np.int64)]
        names = ("records", "called", "missing", "half", "reference", "without_gt", "unsure", "stand_ins")
        self.counts = dict.fromkeys(names, 0)

    def alleles(self) -> Alleles:
        """All that were read."""
        empty = [np.zeros(0, dtype) for dtype in _TYPES]
        return Alleles(
            *(
                np.concatenate([nothing, *(part[name].astype(nothing.dtype) for part in self.parts)])
                for name, nothing in zip(_COLUMNS, empty, strict=True)
            )
        )

    def read(self, batch: BatchHandle, column: int) -> None:
        """Take in the records of a batch."""
        store = batch.store
        assert isinstance(store, Batch)
        if store.has_genotypes:
            for chunk in range(store.num_chunks):
                self._read_chunk(batch, store, chunk, column)
        if reference_blocks.KIND in batch.derived:
            coverage = Coverage(batch.derived[reference_blocks.KIND])
            for place, name in enumerate(store.contigs):
                found = coverage.intervals(name)
                mine = slice(*found.first[coverage.sample_set[column] :][:2].tolist())
                self._put_stretches(batch.contigs[place], found.start[mine], found.end[mine], _person.BLOCK)

    def _put_stretches(self, contig: Any, start: NDArray[np.int64], end: NDArray[np.int64], kind: int) -> None:
        contigs, kinds = np.broadcast_to(contig, start.shape), np.full(start.shape, kind)
        self.stretches.append(np.column_stack([contigs, start, end, kinds]).astype(np.int64))

    def _read_chunk(self, batch: BatchHandle, store: Batch, chunk: int, column: int) -> None:
        rows = min(store.chunk_variants, store.num_variants - chunk * store.chunk_variants)
        codes = self._codes(store, chunk, column, rows)
        missing, present = (codes == -1).sum(axis=1), (codes != -2).sum(axis=1)
        keys = batch.alleles.keys.chunk(chunk)
        contig = batch.alleles.contigs_of(chunk)
        counts = self.counts
        counts["records"] += rows
        counts["missing"] += int((missing == present).sum())
        counts["half"] += int(((missing > 0) & (missing < present)).sum())
        counts["called"] += int(((missing == 0) & (present > 0)).sum())
        reference = (codes == 0).any(axis=1) & ((codes == 0) | (codes == -2)).all(axis=1)
        counts["reference"] += int(reference.sum())
        stand_in = (kinds(keys.key) == NO_ROW).any(axis=1) & reference
        start = store.array("variant_position").chunk(chunk).astype(np.int64) - 1
        end = start + store.array("variant_length").chunk(chunk)
        own = reference & ~stand_in
        self._put_stretches(contig[own], start[own], end[own], _person.RECORD)
        row, place = np.nonzero(codes > 0)
        code = codes[row, place].astype(np.int64)
        same = codes[row] == code[:, np.newaxis]
        earlier = (same & (np.arange(codes.shape[1]) < place[:, np.newaxis])).any(axis=1)
        row, code, copies = row[~earlier], code[~earlier], same[~earlier].sum(axis=1)
        key, digest = keys.key[row, code - 1], keys.digest[row, code - 1]
        with_row = kinds(key) != NO_ROW
        counts["stand_ins"] += int((~with_row).sum())
        row, code, copies, key, digest = (each[with_row] for each in (row, code, copies, key, digest))
        num = present[row]
        zygosity = np.where(copies < num, _person.HET, np.where(num == 1, _person.HEMI, _person.HOM))
        low = (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
        part = {
            "contig": contig[row], "key": key, "digest": digest, "num_ref": low >> 27 & 15, "num_alt": low >> 23 & 15,
            "text": np.full(len(row), -1, np.int64), "record": row + chunk * store.chunk_variants, "alt": code,
            "zygosity": zygosity, "whole": missing[row] == 0, "length": low >> 27 & 15,
        }  # fmt: skip
        self._spell(store, chunk, row, part)
        self.parts.append(part)

    def _spell(self, store: Batch, chunk: int, row: NDArray[np.int64], part: dict[str, NDArray[Any]]) -> None:
        """Give the alleles that their keys do not spell a text."""
        for i in np.flatnonzero(part["digest"]).tolist():
            sites = store.site_chunk(chunk)
            ref, alt = (str(sites.allele[row[i], k]) for k in (0, int(part["alt"][i])))
            text = np.frombuffer(bytearray((ref + alt).encode()), np.uint8)
            out = np.zeros(len(text) + 128, np.uint8)
            name = self.version.contigs[int(part["contig"][i])]
            bases = _NOTHING if self.version._bases is None else self.version._bases(name)
            _, plain, num_ref, num_alt = one_key(
                text, int(sites.position[row[i]]), int(sites.length[row[i]]), NO_NUMBER, 0, len(ref), len(ref),
                len(text), bases, out,
            )  # fmt: skip
            part["num_ref"][i], part["num_alt"][i], part["text"][i] = num_ref, num_alt, len(self.arena)
            part["length"][i] = num_ref
            if alt.startswith("<"):
                length = int(sites.length[row[i]])
                # Its key is that of an allele without SVLEN.
                unknown = length == len(ref) and int(plain) == int(part["digest"][i])
                part["length"][i] = 0 if unknown else length
            self.arena += out[: num_ref + 1 + num_alt].tobytes()

    def _codes(self, store: Batch, chunk: int, column: int, rows: int) -> NDArray[Any]:
        """(rows, ploidy) codes of one sample."""
        which, place = divmod(column, store.chunk_samples)
        out = np.full((rows, 1, store.ploidy), -2, np.int16)
        for begin, block in self._blocks(store, chunk, which, rows):
            inside = place - (begin - which * store.chunk_samples)
            if 0 <= inside < block.num_samples:
                expand_window(block, 0, np.arange(rows), (inside, inside + 1), out)
        return out[:, 0]

    def _blocks(self, store: Batch, chunk: int, which: int, rows: int) -> Iterator[tuple[int, Any]]:
        yield from self.version._blocks.blocks(store, chunk, which, rows)
