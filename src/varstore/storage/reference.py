"""What a repository knows of its FASTA, and REF of batches compared with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError, FastaError
from ..model.contigs import resolve
from .manifest import Document

if TYPE_CHECKING:
    from .batch import Batch

# The bases of a contig by its name in a batch, upper case; of size 0 where the FASTA does not have it.
Sequences = Callable[[str], NDArray[np.uint8]]


class Reference(Protocol):
    """A FASTA."""

    def sequences(self, contigs: Mapping[str, int | None], file: str) -> Sequences:
        """The bases of the contigs of a file, whatever they are called. Raises ContigLengthError."""

    @property
    def document(self) -> Document:
        """What a manifest says of it."""


@dataclass(frozen=True)
class Mismatch:
    """A record whose REF is not what the FASTA has. ``row`` counts in its chunk."""

    row: int
    contig: str
    position: int
    ref: str
    bases: str

    def __str__(self) -> str:
        bases = repr(self.bases) if self.bases else "nothing: the contig ends before"
        return f"REF is {_short(self.ref)!r} at {self.contig}:{self.position}, the FASTA has {bases}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."


def mismatch(
    packed: bytes, width: int, contig: NDArray[np.int32], names: list[str], position: NDArray[np.int32],
    sequences: Sequences,
) -> Mismatch | None:  # fmt: skip
    """The first record of a chunk whose REF the FASTA contradicts.

    packed : ``variant_allele`` of the chunk in vlen-utf8 form, ``width`` items a row    contig : (rows,) into names
    """
    from ..kernels.reference import find_mismatch  # noqa: PLC0415

    text, at = np.frombuffer(bytearray(packed), np.uint8), 4
    for begin, end, code in contig_runs(contig):
        sequence = sequences(names[code])
        at, row = find_mismatch(text, at, begin, end, np.array(position, np.int32), width, sequence)
        if at < 0:
            raise CorruptRepositoryError("a chunk of variant_allele is shorter than its items")
        if row >= 0:
            size = int.from_bytes(packed[at - 4 : at], "little")
            first = int(position[row]) - 1
            bases = sequence[first : first + min(size, 40)].tobytes().decode(errors="replace")
            ref = packed[at : at + size].decode(errors="replace")
            return Mismatch(row, names[code], first + 1, ref, bases)
    return None


def mismatch_of(batch: Batch, chunk: int, sequences: Sequences) -> Mismatch | None:
    """The first record of a chunk of a batch whose REF the FASTA contradicts."""
    allele = batch.array("variant_allele")
    contig, position = (batch.array(f"variant_{name}").chunk(chunk) for name in ("contig", "position"))
    return mismatch(allele.packed(chunk, 0), allele.shape[1], contig, batch.contigs, position, sequences)


def contig_lengths(batch: Batch) -> dict[str, int | None]:
    """The contigs of a batch, with their lengths where all are known."""
    if not batch.part.has("contig_length/.zarray"):
        return dict.fromkeys(batch.contigs)
    return dict(zip(batch.contigs, batch.array("contig_length").read().tolist(), strict=True))


def contig_runs(contig: NDArray[np.int32]) -> Iterator[tuple[int, int, int]]:
    """Begin, end and contig of the rows of each contig."""
    starts = np.concatenate(([0], np.flatnonzero(np.diff(contig)) + 1)).tolist()
    for begin, end in zip(starts, [*starts[1:], len(contig)], strict=True):
        if end > begin:
            yield begin, end, int(contig[begin])


def with_reference(document: Document, fasta: Reference | None) -> None:
    """Write the FASTA into a manifest. Raises FastaError where another writer gave the repository one meanwhile."""
    known = document["fasta"]
    if known is not None and (fasta is None or fasta.document["sha256"] != known["sha256"]):
        raise FastaError("the repository was given a FASTA meanwhile; run the command again")
    if fasta is not None:
        document["fasta"] = fasta.document
        name_sequences(document)


def name_sequences(document: Document) -> None:
    """Write lengths and refget identifiers of the FASTA's sequences into the contig table."""
    if document["fasta"] is None:
        return
    sequences = document["fasta"]["contigs"]
    contigs = {entry["name"]: entry["length"] for entry in document["contigs"]}
    places, _ = resolve(contigs, sequences, "the repository", "the FASTA")
    for entry, place in zip(document["contigs"], places, strict=True):
        if place < len(sequences):
            entry["length"], entry["refget"] = sequences[place]["length"], sequences[place]["refget"]
