"""Alleles looked up in a repository, in any order and spelling: columns of text to keys, and counts back in order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..ingest.line_scanner import Places
from ..kernels import lookup as _kernels
from ..model.results import CountTable
from .allele_columns import COLUMNS, AlleleColumns, Piece, Text, allele_columns
from .counting import Asked, Targets, count_targets
from .table import classes, counted_columns

if TYPE_CHECKING:
    from ..query.version import Version

# Rows that are made keys at a time: what is made on the way stays in the processor's cache.
_ROWS = 1 << 14
_MOST_CONTIGS = 1 << 20  # no assembly has more
_FEW_CONTIGS = 64
_WRONG = {
    _kernels.BAD_REF: ("ref", "expected bases, like A"),
    _kernels.BAD_ALT: ("alt", "expected an allele, like T"),
    _kernels.SYMBOLIC: ("alt", "a symbolic allele is not one without its END; expected bases, * or a breakend"),
}


def look_up(version: Version, alleles: Any, asked: Asked) -> CountTable:
    """Count alleles, a row each in the order given.

    alleles : tuples of contig, position, REF and ALT, or what has columns of these names

    Raises QueryError where an allele is none, with its row, CorruptRepositoryError.
    """
    columns = allele_columns(alleles)
    keyed = _Keyed(version, columns)
    counts = count_targets(version, keyed.targets, asked)
    if keyed.row is not None:
        counts = counts.take(keyed.row)
    found: dict[str, Any] = {name: columns.answer(name) for name in COLUMNS}
    found |= {"state": classes(counts)[0].values, **counted_columns(counts, 0, "")}
    for k, name in enumerate(counts.names, 1):
        found |= counted_columns(counts, k, f"_{name}")
    return CountTable(found)


class _Keyed:
    """Alleles as keys, sorted, each once.

    targets : what is looked up    row : (rows,) which of them each row is; None: they are the rows, one by one
    """

    row: NDArray[np.int64] | None

    def __init__(self, version: Version, columns: AlleleColumns) -> None:
        self._version = version
        self._place_of: dict[str, int] = {}
        rows = len(columns)
        contig = np.empty(rows, np.int32)
        key, digest = np.empty((2, rows), np.uint64)
        begin, size = 0, _ROWS
        while begin < rows:
            end = min(begin + size, rows)
            piece = columns.piece(begin, end)
            contig[begin:end] = self._places(piece.contig)
            back = (np.diff(contig[max(begin - 1, 0) : end]) < 0).any()
            if back and version._bases is not None and end < rows:
                size = rows  # all that is left at once: bases of a contig are read anew each time it comes
                continue
            self._keys(piece, contig[begin:end], key[begin:end], digest[begin:end])
            begin = end
        if _kernels.in_order(contig, key):
            self.targets, self.row = Targets(contig, key, digest), None
        else:
            self._sort(contig, key, digest)

    def _sort(self, contig: NDArray[np.int32], key: NDArray[np.uint64], digest: NDArray[np.uint64]) -> None:
        order = np.argsort(contig, kind="stable")
        contig, key, digest = contig[order], key[order], digest[order]
        for begin, end in _runs(contig):
            if not (key[begin + 1 : end] > key[begin : end - 1]).all():
                here = begin + _sorted(key[begin:end], digest[begin:end])
                order[begin:end], key[begin:end], digest[begin:end] = order[here], key[here], digest[here]
        new = np.ones(len(key), np.bool_)
        new[1:] = (contig[1:] != contig[:-1]) | (key[1:] != key[:-1]) | (digest[1:] != digest[:-1])
        self.targets = Targets(contig[new], key[new], digest[new])
        self.row = np.empty(len(key), np.int64)
        self.row[order] = np.cumsum(new) - 1

    def _places(self, contig: NDArray[Any] | Text) -> NDArray[np.int32]:
        """(rows,) where each contig stands in the repository's table; behind its end: nowhere."""
        if isinstance(contig, Text):
            names, group = _grouped(contig)
        else:
            numbers, group = np.unique(contig, return_inverse=True)
            names = [str(number) for number in numbers.tolist()]
        return np.array([self._place(name) for name in names], np.int32)[group]

    def _place(self, name: str) -> int:
        if name in self._place_of:
            return self._place_of[name]
        if not name:
            raise QueryError("alleles: a contig has no name")
        if len(self._place_of) == _MOST_CONTIGS:
            raise QueryError(f"alleles: over {_MOST_CONTIGS:,} different contigs; look up some at a time")
        manifest = self._version.manifest
        assert manifest is not None
        place = self._place_of[name] = Places({}, manifest.contigs, "alleles").find(name)[0]
        return place

    def _keys(
        self, piece: Piece, contig: NDArray[np.int32], key: NDArray[np.uint64], digest: NDArray[np.uint64]
    ) -> None:  # fmt: skip
        """Write the keys and digests of a piece. contig : places of the rows"""
        position, ref, alt = piece.position, piece.ref, piece.alt
        order = None if (contig[1:] >= contig[:-1]).all() else np.argsort(contig, kind="stable")
        into = key, digest
        if order is not None:
            contig, position, ref, alt = contig[order], position[order], ref.take(order), alt.take(order)
            into = np.empty_like(key), np.empty_like(digest)
        longest = sum(int((c.bounds[1] - c.bounds[0]).max()) for c in (ref, alt))
        scratch = np.empty((2, longest + 64), np.uint8)
        for begin, end in _runs(contig):
            status, row = _kernels.keys_of_rows(
                ref.text, ref.bounds, alt.text, alt.bounds, position, begin, end, self._bases(int(contig[begin])),
                scratch, *into,
            )  # fmt: skip
            if status != _kernels.OK:
                piece.refuse(int(row if order is None else order[row]), *_WRONG[status])
        if order is not None:
            key[order], digest[order] = into

    def _bases(self, place: int) -> NDArray[np.uint8]:
        names, bases = self._version.contigs, self._version._bases
        return np.zeros(0, np.uint8) if bases is None or place >= len(names) else bases(names[place])


def _grouped(text: Text) -> tuple[list[str], NDArray[np.int64]]:
    """The different texts in the order they first come, and which of them each row has."""
    rows = text.bounds.shape[1]
    group = np.empty(rows, np.int64)
    for room in (_FEW_CONTIGS, 1 << rows.bit_length()):
        slots, first = np.full(4 * room, -1, np.int64), np.empty(room, np.int64)
        known = _kernels.group_text(text.text, text.bounds, slots, group, first)
        if known >= 0:
            break
    begins, ends = text.bounds[:, first[:known]].tolist()
    return [text.text[a:b].tobytes().decode() for a, b in zip(begins, ends, strict=True)], group


def _runs(contig: NDArray[np.int32]) -> list[tuple[int, int]]:
    cuts = [0, *(np.flatnonzero(np.diff(contig)) + 1).tolist(), len(contig)]
    return [(begin, end) for begin, end in pairwise(cuts) if end > begin]


def _sorted(key: NDArray[np.uint64], digest: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The order of keys; of equal keys, that of digests."""
    order: NDArray[np.int64] = np.argsort(key)
    by_key = key[order]
    equal = by_key[1:] == by_key[:-1]
    if (equal & (digest[order][1:] != digest[order][:-1])).any():
        order = np.lexsort((digest, key))
    return order
