"""Batches that share a part, counted together: a row of the part once, whichever of its sources have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage.sources import SharedPart, SourceBatch
from .union import Answers, Piece


@dataclass(frozen=True)
class SharedAnswers:
    """What the sources of a part say of the rows of a piece, told by rows of the part.

    together : answers of all sources that have a row of the part, where all of them give the same
    assigned : (answers of ``together``, sources) which sources those are
    apart : by place of the batch the other answers, which each source gives by itself
    """

    part: SharedPart
    batches: Sequence[int]
    together: Answers
    assigned: NDArray[np.bool_]
    apart: Mapping[int, Answers]


def shared_answers(piece: Piece, stores: Mapping[int, Any]) -> list[SharedAnswers]:
    """The parts that several batches of a piece share; looked up once. ``stores``: of all its batches."""
    if "_shared" not in piece.__dict__:
        groups: dict[int, list[int]] = {}
        for batch in piece.answers:
            if isinstance(stores[batch], SourceBatch):
                groups.setdefault(id(stores[batch].shared), []).append(batch)
        found = [_shared(piece, batches, stores) for batches in groups.values() if len(batches) > 1]
        piece.__dict__["_shared"] = found
    out: list[SharedAnswers] = piece.__dict__["_shared"]
    return out


def _shared(piece: Piece, batches: Sequence[int], stores: Mapping[int, Any]) -> SharedAnswers:
    part: SharedPart = stores[batches[0]].shared
    of_batch = [piece.answers[batch] for batch in batches]
    source = np.repeat(np.arange(len(batches)), [len(answers.row) for answers in of_batch])
    row, alt = (np.concatenate([getattr(answers, name) for answers in of_batch]) for name in ("row", "alt"))
    own = np.concatenate([answers.record for answers in of_batch])
    record = np.concatenate([stores[b].record_row[a.record] for b, a in zip(batches, of_batch, strict=True)])
    order = np.lexsort((alt, record, row))
    row, alt, record, own, source = (values[order] for values in (row, alt, record, own, source))
    new = np.ones(len(row), np.bool_)
    new[1:] = (row[1:] != row[:-1]) | (record[1:] != record[:-1]) | (alt[1:] != alt[:-1])
    group = np.cumsum(new) - 1
    # A count of a row of the part is one over all sources that have it: it serves where all of them give this answer.
    alike = np.bincount(group, minlength=int(new.sum())) == part.num_sources[record[new]]
    assigned = np.zeros((int(new.sum()), len(batches)), np.bool_)
    assigned[group, source] = True
    first, apart = np.flatnonzero(new)[alike], ~alike[group]
    together = Answers(row[first], record[first], alt[first], len(piece))
    rest = {}
    for number, batch in enumerate(batches):
        mine = np.flatnonzero(apart & (source == number))
        rest[batch] = Answers(row[mine], own[mine], alt[mine], len(piece))
    return SharedAnswers(part, batches, together, assigned[alike], rest)
