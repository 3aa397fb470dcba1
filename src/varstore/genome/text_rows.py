"""Rows of a genome's table as text, in bulk: columns of codes and numbers, and the alleles themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import locate as _locate
from ..kernels.distinct import group_rows
from ..kernels.text import NEWLINE, TAB

if TYPE_CHECKING:
    from ..ingest.person import Alleles

UNKNOWN = "."
POSITION, REF, ALT = 2, 3, 4
# Slots to find equal counts of a block by.
_PAIRS = 1 << 18


@dataclass(frozen=True)
class Codes:
    """A column of few different texts: (rows,) int32 into ``texts``; None: one that has no text."""

    codes: NDArray[np.int32]
    texts: Sequence[str]

    def values(self) -> NDArray[Any]:
        """(rows,) str."""
        return np.array([*self.texts, None], object)[:-1][self.codes]


def expected_share(zygosity: NDArray[np.uint8], count: NDArray[np.int64], number: NDArray[np.int64]) -> Any:
    """The share of people expected to have an allele as this person has it, in Hardy-Weinberg proportions.

    Of a frequency p: 2p(1 - p) heterozygous, p**2 homozygous, p of one copy. NaN where nothing is known.
    """
    with np.errstate(invalid="ignore"):
        p = np.divide(count, number)
    return np.choose(zygosity, [2 * p * (1 - p), p * p, p])


class Frequency:
    """Frequencies of a block as text: few pairs of counts are different."""

    def __init__(self, counts: Mapping[str, NDArray[np.int64]], k: int, zygosity: NDArray[np.uint8]) -> None:
        rows = len(zygosity)
        self.columns = np.stack([counts["allele_count"][k], counts["allele_number"][k], zygosity.astype(np.int64)])
        self.group = np.zeros(rows, np.intp)
        first = np.zeros(rows, np.intp)
        slots = np.full(_PAIRS, -1, np.intp)
        num = group_rows(self.columns, slots, self.group, first)
        self.first = first[:num]

    def frequency(self) -> tuple[NDArray[np.int32], list[str]]:
        count, number, _ = self.columns[:, self.first].tolist()
        texts = [f"{c / n:.6g}" if n else UNKNOWN for c, n in zip(count, number, strict=True)]
        return self.group.astype(np.int32), texts

    def expected(self) -> tuple[NDArray[np.int32], list[str]]:
        count, number, zygosity = self.columns[:, self.first]
        shares = expected_share(zygosity.astype(np.uint8), count, number).tolist()
        return self.group.astype(np.int32), [f"{x:.6g}" if x == x else UNKNOWN for x in shares]


def highest_texts(frequency: Sequence[Frequency], code: NDArray[np.int32]) -> tuple[NDArray[np.int32], list[str]]:
    """The highest frequency of each row as text. code : in which cohort, from 0; behind the last: in none"""
    out = np.zeros(len(code), np.int32)
    known = np.stack([shown.columns[1] for shown in frequency[1:]]).any(axis=0)
    texts = [UNKNOWN, "0"]
    out[known] = 1
    for k, shown in enumerate(frequency[1:]):
        group, mine = shown.frequency()
        here = code == k
        out[here] = group[here] + len(texts)
        texts += mine
    return out, texts


def number_texts(values: NDArray[np.float64]) -> tuple[NDArray[np.int32], list[str]]:
    """Numbers of a block as text; NaN is ``.``."""
    distinct, group = np.unique(values, return_inverse=True)
    texts = [f"{x:.6g}" if x == x else UNKNOWN for x in distinct.tolist()]
    return group.reshape(-1).astype(np.int32), texts


class TextRows:
    """Collects the columns of some rows, and writes them; a tab stands behind each, but for the last."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.layout: list[tuple[int, int, int]] = []
        self._integers: list[NDArray[np.int64]] = []
        self._codes: list[NDArray[np.int32]] = []
        self._texts: list[bytes] = []
        self._longest = 0

    def allele(self, kind: int, behind: int = TAB) -> None:
        """A column of the alleles: POS, REF or ALT."""
        self.layout.append((kind, 0, behind))

    def literal(self, text: str, behind: int = 0) -> None:
        """The same text in each row."""
        self.text(np.zeros(self.rows, np.int32), [text], behind)

    def integer(self, values: NDArray[np.int64], behind: int = TAB) -> None:
        """A column of numbers."""
        self.layout.append((0, len(self._integers), behind))
        self._integers.append(values)

    def code(self, codes: Codes, begin: int, behind: int = TAB) -> None:
        """Some rows of a column of texts, from ``begin``."""
        self.text(codes.codes[begin : begin + self.rows], codes.texts, behind)

    def text(self, codes: NDArray[np.int32], texts: Sequence[str], behind: int = TAB) -> None:
        """A column of texts. Those of many different ones (annotations) are made small first."""
        if len(texts) > self.rows:
            used, found = np.unique(codes, return_inverse=True)
            codes = found.astype(np.int32)
            texts = [texts[i] for i in used.tolist()]
        self.layout.append((1, len(self._codes), behind))
        self._codes.append((codes.reshape(-1) + len(self._texts)).astype(np.int32))
        encoded = [text.encode() for text in texts]
        self._texts += encoded
        self._longest += max(map(len, encoded), default=0)

    def written(self, alleles: Alleles, arena: NDArray[np.uint8]) -> memoryview:
        """The rows. alleles : those of the rows    arena : text of long ones"""
        self.layout[-1] = (*self.layout[-1][:2], NEWLINE)
        starts = np.cumsum([0, *map(len, self._texts)])
        table = np.frombuffer(b"".join(self._texts) + b"\0", np.uint8)
        room = self.rows * (20 * (len(self._integers) + 1) + len(self.layout) + self._longest)
        out = np.empty(room + int(alleles.num_ref.sum() + alleles.num_alt.sum()), np.uint8)
        integers = np.stack(self._integers) if self._integers else np.zeros((0, self.rows), np.int64)
        used = _locate.put_rows(
            alleles.key, alleles.text, alleles.num_ref, alleles.num_alt, arena,
            np.array(self.layout, np.int64), np.ascontiguousarray(integers), np.stack(self._codes), table, starts, out,
        )  # fmt: skip
        return out.data[:used]
