"""Calls of inner blocks as bit planes over samples: heterozygous, homozygous ALT, missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels import diploid as _diploid
from ..kernels.rows import ALT, EMPTY, FILL, FORM_MASK, HALF, LIST, MISSING, OTHER
from .genotype import expand_window
from .layout import BlockSets, Scratch, SetStreams, check
from .settings import MAX_HAPLOTYPES

# Rows whose calls are given at a time: they stay in the cache.
_ROWS = 256
# Codes that are decoded at a time.
_CELLS = 1 << 22


def diploid_calls(
    block: BlockSets, rows: NDArray[np.int64], scratch: Scratch
) -> Iterator[tuple[slice, NDArray[np.uint64]]]:
    """Calls of some rows, some at a time: which of ``rows``, and (rows, 3, words over samples) uint64.

    Heterozygous, homozygous ALT, and missing: half calls, calls of other alleles than 0 and 1, and calls that are not
    of two alleles are missing.

    rows : ascending

    Raises CorruptChunkError.
    """
    form = block.form[:, rows]
    aside = (form[HALF] | form[FILL] | form[OTHER]) & FORM_MASK != EMPTY
    if block.ploidy != 2 or block.presence is not None:
        aside[:] = True
    words, span = (block.num_samples + 63) >> 6, (int(rows[0]), int(rows[-1]) + 1)
    haplotypes = np.empty(2 * words, np.uint64)
    dense = {which: s.dense_planes(span, scratch) for which, s in block.sets.items() if which in (ALT, MISSING)}
    for begin in range(0, len(rows), _ROWS):
        part = slice(begin, min(begin + _ROWS, len(rows)))
        out = np.zeros((part.stop - begin, 3, words), np.uint64)
        plain = ~aside[part]
        if plain.any():
            mine = out if plain.all() else np.zeros((int(plain.sum()), 3, words), np.uint64)
            chosen = rows[part][plain]
            for which in (MISSING, ALT):
                if which in block.sets:
                    streams = _streams(block.sets[which], dense[which])
                    if which == MISSING:
                        status = _diploid.missing_calls(*streams, block.num_samples, chosen, scratch.indexes, mine)
                    else:
                        status = _diploid.alt_calls(
                            *streams, block.num_samples, chosen, scratch.indexes, haplotypes, mine
                        )
                    check(status)
            if mine is not out:
                out[plain] = mine
        if not plain.all():
            _decoded(block, rows[part], np.flatnonzero(~plain), out)
        yield part, out


@dataclass(frozen=True)
class Entries:
    """Lists of some sites that are being filled: ``kernels.diploid.put_lists``.

    cursor : (sites,) int64 into ``person`` int32 and ``code`` uint8
    """

    cursor: NDArray[np.int64]
    person: NDArray[np.int32]
    code: NDArray[np.uint8]


def are_lists(block: BlockSets, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(rows,) whether all that is to be said of each is in lists: few carriers, few missing, nothing odd."""
    if block.ploidy != 2 or block.presence is not None:
        return np.zeros(len(rows), np.bool_)
    form = block.form[:, rows]
    good: NDArray[np.bool_] = (form[HALF] | form[FILL] | form[OTHER]) & FORM_MASK == EMPTY
    for which in (ALT, MISSING):
        good &= (form[which] == EMPTY) | (form[which] == LIST)
    return good


def most_entries(block: BlockSets, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(rows,) how many entries each can have, of rows that ``are_lists``."""
    out = np.zeros(len(rows), np.int64)
    for which in (ALT, MISSING):
        if which in block.sets:
            out += np.where(block.form[which, rows] == LIST, block.sets[which].length[rows], 0)
    return out


def add_entries(
    block: BlockSets, rows: NDArray[np.int64], to: NDArray[np.int64], column: NDArray[np.int64], entries: Entries,
    scratch: Scratch,
) -> None:  # fmt: skip
    """Append who carries ALT and who is missing to the lists of sites.

    rows : that ``are_lists``    to : (rows,) which site each is    column : (samples,) which person, rising, or -1

    Raises CorruptChunkError.
    """
    streams: list[NDArray[np.generic]] = []
    for which in (ALT, MISSING):
        s = block.sets.get(which)
        nothing = (np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.uint8))
        streams += [block.form[which], *(nothing if s is None else (s.length, s.at, s.lists))]
    indexes = np.empty(MAX_HAPLOTYPES, np.uint16)
    check(
        _diploid.put_lists(
            *streams, rows, to, column, scratch.indexes, indexes, entries.cursor, entries.person, entries.code
        )
    )


def _streams(s: SetStreams, dense: NDArray[np.uint64]) -> tuple[NDArray[np.generic], ...]:
    return s.form, s.length, s.at, s.lists, s.dense_row, dense


def _decoded(block: BlockSets, rows: NDArray[np.int64], which: NDArray[np.int64], out: NDArray[np.uint64]) -> None:
    """Calls of rows by their codes. which : of ``rows``, and of the rows of ``out``"""
    step = max(1, _CELLS // max(1, block.num_samples * block.ploidy))
    for begin in range(0, len(which), step):
        part = which[begin : begin + step]
        first = int(rows[part[0]])
        codes = np.empty((len(part), block.num_samples, block.ploidy), np.int16)
        if block.presence is None:
            place = np.full(int(rows[part[-1]]) + 1 - first, -1, np.int64)
            place[rows[part] - first] = np.arange(len(part))
            expand_window(block, first, place, (0, block.num_samples), codes)
        else:
            _expand_each(block, rows[part], codes)
        _diploid.calls_of_codes(codes, part, out)


def _expand_each(block: BlockSets, rows: NDArray[np.int64], codes: NDArray[np.int16]) -> None:
    """Decode rows in which some samples are absent: those are missing."""
    from .genotype import expand_rows  # noqa: PLC0415

    cuts = np.flatnonzero(np.diff(rows) != 1) + 1
    at = 0
    for run in np.split(rows, cuts):
        expand_rows(block, int(run[0]), int(run[-1]) + 1, codes[at : at + len(run)])
        at += len(run)
