"""FASTA: plain or BGZF, indexed in memory; nothing is written beside it."""

from __future__ import annotations

import base64
import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from ..errors import FastaError, NotVcfError
from ..model.contigs import resolve
from ..storage.reference import Sequences
from .bgzf import MappedFile, damage_text

_PIECE = 1 << 24
_NOTHING = np.zeros(0, np.uint8)

Document = dict[str, Any]


class Fasta:
    """The contigs of a FASTA, read one at a time; the last one stays in memory.

    known : what a repository says of its FASTA (docs/format.md): the file must have the same contigs

    Raises FastaError.
    """

    def __init__(self, path: Path, known: Document | None = None) -> None:
        self.path = path
        try:
            self._file = MappedFile(path)
        except (OSError, NotVcfError) as error:
            reason = (error.strerror or str(error)) if isinstance(error, OSError) else "the file is empty"
            raise FastaError(f"{path}: the FASTA cannot be read ({reason})") from None
        if self._file.kind == "gzip":
            raise FastaError(f"{path}: compressed by gzip, which cannot be read in parts; compress it with bgzip")
        # Offsets in the text of each contig's first base and end, and its length.
        self._places: dict[str, tuple[int, int, int]] = {}
        self._index()
        self._known = known
        self._digests = {entry["name"]: entry["refget"] for entry in known["contigs"]} if known else {}
        self._last: tuple[str, NDArray[np.uint8]] | None = None
        if known is not None:
            self._compare(known)

    @property
    def lengths(self) -> dict[str, int]:
        """Length of each contig, in order."""
        return {name: length for name, (_, _, length) in self._places.items()}

    def _compare(self, known: Document) -> None:
        """Names and lengths are those of the repository's FASTA; bases are compared as they are read."""
        theirs = {entry["name"]: entry["length"] for entry in known["contigs"]}
        for name in [*theirs, *self.lengths]:
            if theirs.get(name) != self.lengths.get(name):
                mine, other = (_bases(lengths.get(name)) for lengths in (self.lengths, theirs))
                raise FastaError(
                    f"{self.path}: not the FASTA of the repository: contig {name} has {mine} here, {other} there; "
                    "name the right file with --reference"
                )

    def _index(self) -> None:
        name, header, begin, length = "", b"", 0, 0
        in_header, at_line_start = False, True
        for offset, piece in self._pieces():
            at = 0
            while at < len(piece):
                if in_header:
                    end = piece.find(b"\n", at)
                    header += piece[at : end if end >= 0 else len(piece)]
                    at = end + 1 if end >= 0 else len(piece)
                    if end >= 0:
                        name = self._name(header)
                        begin, length, in_header = offset + at, 0, False
                    continue
                end = piece.find(b">", at)
                stop = end if end >= 0 else len(piece)
                length += int(np.count_nonzero(np.frombuffer(piece, np.uint8)[at:stop] > 32))
                if stop > at:
                    at_line_start = piece[stop - 1] == 10
                if length and not name:
                    raise FastaError(f"{self.path}: no FASTA: it does not begin with '>'")
                if end >= 0:
                    if not at_line_start:
                        raise FastaError(f"{self.path}: contig {name}: '>' within the bases at byte {offset + end}")
                    self._put(name, begin, offset + end, length)
                    header, in_header = b"", True
                at = stop + (end >= 0)
        if in_header:
            name, begin, length = self._name(header), self._size, 0
        self._put(name, begin, self._size, length)
        if not self._places:
            raise FastaError(f"{self.path}: no FASTA: it has no contigs")

    def _name(self, header: bytes) -> str:
        words = header.decode(errors="replace").split()
        if not words:
            raise FastaError(f"{self.path}: a contig without a name")
        if words[0] in self._places:
            raise FastaError(f"{self.path}: contig {words[0]} stands there twice")
        return words[0]

    def _put(self, name: str, begin: int, end: int, length: int) -> None:
        if name:
            self._places[name] = begin, end, length

    @cached_property
    def _blocks(self) -> tuple[list[int], list[int]]:
        """File and text offsets of BGZF blocks, and of the end."""
        pairs = list(self._file.blocks())
        return [at for at, _ in pairs], [text for _, text in pairs]

    @property
    def _size(self) -> int:
        """Bytes of text."""
        return self._blocks[1][-1] if self._file.kind == "bgzf" else self._file.size

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        for offset in range(0, self._size, _PIECE):
            yield offset, self._text(offset, min(offset + _PIECE, self._size))
            self._file.forget()

    def _text(self, begin: int, end: int) -> bytes:
        """Bytes ``begin`` to ``end`` of the text."""
        if self._file.kind == "plain":
            return bytes(self._file.data[begin:end])
        places, texts = self._blocks
        first = bisect_right(texts, begin) - 1
        parts, block = [], first
        while block < len(places) - 1 and texts[block] < end:
            try:
                parts.append(zlib_ng.decompress(self._file.data[places[block] : places[block + 1]], 31))
            except zlib_ng.error as error:
                raise FastaError(f"{self.path}: {damage_text(error, places[block])}") from None
            block += 1
        return b"".join(parts)[begin - texts[first] : end - texts[first]]

    def sequence(self, name: str) -> NDArray[np.uint8]:
        """The bases of a contig in upper case. Raises FastaError where they are not the repository's."""
        if self._last is not None and self._last[0] == name:
            return self._last[1]
        self._last = None
        begin, end, _ = self._places[name]
        bases = np.frombuffer(self._text(begin, end), np.uint8)
        bases = bases[bases > 32]
        bases = np.where((bases >= 97) & (bases <= 122), bases - np.uint8(32), bases)
        odd = np.flatnonzero((bases < 65) | (bases > 90))
        if len(odd):
            found = bytes(bases[odd[:1]]).decode(errors="replace")
            raise FastaError(f"{self.path}: contig {name} has {found!r} at base {odd[0] + 1:,}, expected a letter")
        self._file.forget()
        if name in self._digests and refget(bases) != self._digests[name]:
            raise FastaError(
                f"{self.path}: not the FASTA of the repository: the bases of contig {name} are others; "
                "name the right file with --reference"
            )
        self._last = name, bases
        return bases

    def sequences(self, contigs: Mapping[str, int | None], file: str) -> Sequences:
        """The bases of the contigs of a file, whatever they are called. Raises ContigLengthError."""
        own = [{"name": name, "length": length, "refget": None} for name, length in self.lengths.items()]
        places = resolve(contigs, own, file, "the FASTA")[0]
        mine = {name: own[i]["name"] for name, i in zip(contigs, places, strict=True) if i < len(own)}
        return lambda contig: self.sequence(str(mine[contig])) if contig in mine else _NOTHING

    @cached_property
    def document(self) -> Document:
        """What a manifest says of it; every contig is read for that, where nothing is known yet."""
        if self._known is not None:
            return {**self._known, "path": str(self.path.absolute())}
        contigs = [
            {"name": name, "length": length, "refget": refget(self.sequence(name))}
            for name, length in self.lengths.items()
        ]
        return {"path": str(self.path.absolute()), "sha256": digest_of(contigs), "contigs": contigs}


def _bases(length: int | None) -> str:
    return "no bases" if length is None else f"{length:,} bases"


def refget(bases: NDArray[np.uint8]) -> str:
    """The GA4GH refget identifier of a sequence in upper case: SHA-512, cut to 24 bytes, in URL-safe base64."""
    return "SQ." + base64.urlsafe_b64encode(hashlib.sha512(bases.tobytes()).digest()[:24]).decode()


def digest_of(contigs: Sequence[Document]) -> str:
    """SHA-256 of names, lengths and refget identifiers: the same however the file is wrapped or compressed."""
    lines = (f"{entry['name']}\t{entry['length']}\t{entry['refget']}\n" for entry in contigs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def fasta_of(known: Document | None, path: str | os.PathLike[str] | None) -> Fasta | None:
    """The FASTA of a repository, at ``path`` or where it was; or one that it gets. Raises FastaError."""
    if known is None:
        return None if path is None else Fasta(Path(os.fspath(path)))
    hint = Path(known["path"])
    if path is None and not hint.is_file():
        raise FastaError(f"{hint}: the FASTA of the repository is not there; name it with --reference")
    return Fasta(hint if path is None else Path(os.fspath(path)), known)
