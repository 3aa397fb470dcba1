"""The table of a genome's variants: columns when somebody looks at them, text in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import locate as _locate
from ..kernels.distinct import group_rows
from ..model.results import CountTable
from .counting import COUNTS

if TYPE_CHECKING:
    from .counting import GenomeCounts
    from .reading import Genome

STATES = ("found", "novel", "unseen", "not_callable")
ZYGOSITIES = ("het", "hom", "hemi")
UNKNOWN = "."
RARITIES = (UNKNOWN, "novel", "singleton", "<1e-4", "<1e-3", "<1%", "<5%", "common")
_LIMITS = np.array([1e-4, 1e-3, 0.01, 0.05])
_ROWS = 1 << 16
_PAIRS = 1 << 18


@dataclass(frozen=True)
class Codes:
    """A column of few different texts: (rows,) int32 into ``texts``; None: one that has no text."""

    codes: NDArray[np.int32]
    texts: Sequence[str]

    def values(self) -> NDArray[Any]:
        """(rows,) str."""
        return np.array([*self.texts, None], object)[:-1][self.codes]


def classes(counts: GenomeCounts) -> tuple[Codes, Codes]:
    """State and rarity class of each allele: docs/personal-genome.md."""
    state, rarity = np.empty((2, len(counts.known)), np.int32)
    count, number = counts.counts["allele_count"][0], counts.counts["allele_number"][0]
    _locate.classify(count, number, counts.known, counts.covered, _LIMITS, state, rarity)
    return Codes(state, STATES), Codes(rarity, RARITIES)


def expected_share(zygosity: NDArray[np.uint8], count: NDArray[np.int64], number: NDArray[np.int64]) -> Any:
    """The share of people expected to have an allele as this person has it, in Hardy-Weinberg proportions.

    Of a frequency p: 2p(1 - p) heterozygous, p**2 homozygous, p of one copy. NaN where nothing is known.
    """
    with np.errstate(invalid="ignore"):
        p = np.divide(count, number)
    return np.choose(zygosity, [2 * p * (1 - p), p * p, p])


class GenomeTable(CountTable):
    """The variants of a genome, one row an allele: columns as of ``CountTable``.

    Made in bulk: ``blocks`` gives the same lines as ``to_tsv``, as bytes, many at a time.
    """

    def __init__(
        self, genome: Genome, counts: GenomeCounts, more: Mapping[str, Codes],
        map_tasks: Callable[..., Any] = map,
    ) -> None:  # fmt: skip
        self._genome, self._counts, self._more, self._map = genome, counts, dict(more), map_tasks
        alleles, contigs = genome.alleles, genome.contigs
        number, count = counts.counts["allele_number"], counts.counts["allele_count"]
        self._coded = {
            "contig": Codes(alleles.contig, contigs),
            "zygosity": Codes(alleles.zygosity.astype(np.int32), ZYGOSITIES),
            **self._more,
        }
        self._coded["state"], self._coded["rarity"] = classes(counts)
        columns: dict[str, Any] = {
            "contig": self._coded["contig"].values,
            "position": lambda: alleles.position,
            "ref": lambda: self._spelled(0),
            "alt": lambda: self._spelled(1),
            "zygosity": self._coded["zygosity"].values,
            "state": self._coded["state"].values,
            "rarity": self._coded["rarity"].values,
            **self._counted(0, ""),
            "expected_share": lambda: expected_share(alleles.zygosity, count[0], number[0]),
        }
        for k, name in enumerate(counts.names, 1):
            columns |= self._counted(k, f"_{name}")
        if counts.names:
            columns["max_frequency"] = lambda: self._highest()[0]
            columns["max_frequency_cohort"] = lambda: self._highest()[1].values()
        columns |= {name: codes.values for name, codes in self._more.items()}
        super().__init__(columns)

    def __len__(self) -> int:
        return len(self._genome)

    @property
    def genome(self) -> Genome:
        """Whose variants they are."""
        return self._genome

    @property
    def annotations(self) -> list[str]:
        """Names of the columns that other files gave, and of carriers."""
        return list(self._more)

    def take(self, which: NDArray[np.int64]) -> GenomeTable:
        """Some of the rows."""
        more = {name: Codes(codes.codes[which], codes.texts) for name, codes in self._more.items()}
        return GenomeTable(self._genome.take(which), self._counts.take(which), more, self._map)

    def coded(self, name: str) -> Codes:
        """A column of few different texts, as codes."""
        return self._coded[name]

    def _counted(self, k: int, suffix: str) -> dict[str, Any]:
        """Columns of everybody (0) or a cohort."""
        from .counting import as_columns  # noqa: PLC0415

        found: dict[str, Any] = {f"{name}{suffix}": self._counts.counts[name][k] for name in COUNTS[:2]}
        found[f"allele_frequency{suffix}"] = lambda: as_columns(self._counts, k)["allele_frequency"]
        found[f"n_hom_alt{suffix}"] = self._counts.counts["n_hom_alt"][k]
        return found

    def _highest(self) -> tuple[NDArray[np.float64], Codes]:
        """The highest frequency in any cohort, and in which."""
        number, count = (self._counts.counts[name][1:] for name in ("allele_number", "allele_count"))
        share = np.where(number > 0, count / np.maximum(number, 1), -1.0)
        best = share.argmax(axis=0)
        highest = share[best, np.arange(share.shape[1])]
        code = np.where(highest > 0, best, len(share)).astype(np.int32)
        return np.where(highest < 0, np.nan, highest), Codes(code, (*self._counts.names, UNKNOWN))

    def _spelled(self, which: int) -> NDArray[Any]:
        """REF (0) or ALT (1) of each row."""
        alleles, arena = self._genome.alleles, self._genome.arena
        out = np.empty(len(alleles), object)
        single = (alleles.num_ref == 1) & (alleles.num_alt == 1) & (alleles.text < 0)
        bases = (alleles.key[single] >> np.uint64(2 * which) & np.uint64(3)).astype(np.intp)
        out[single] = np.array(list("ACGT"), object)[bases]
        buffer = np.zeros(int(max(alleles.num_ref.max(initial=0), alleles.num_alt.max(initial=0))) + 1, np.uint8)
        for row in np.flatnonzero(~single).tolist():
            size = _locate.spell(
                alleles.key[row], alleles.digest[row], alleles.text[row], alleles.num_ref[row], alleles.num_alt[row],
                arena, which, buffer, 0,
            )  # fmt: skip
            out[row] = buffer[:size].tobytes().decode()
        return out

    def to_tsv(self) -> Iterator[str]:
        """Lines with a header, many to a string; a missing frequency is ``.``."""
        for block in self.blocks():
            yield bytes(block).decode()

    def blocks(self) -> Iterator[memoryview | bytes]:
        """The same as bytes."""
        yield ("\t".join(self.columns) + "\n").encode()
        begins = range(0, len(self), _ROWS)
        highest = self._highest()[1] if self._counts.names else None
        yield from self._map(lambda begin: self._block(begin, min(begin + _ROWS, len(self)), highest), begins)

    def _block(self, begin: int, end: int, highest: Codes | None) -> memoryview:
        alleles = self._genome.alleles.take(slice(begin, end))
        writer = _Block(end - begin)
        counts = {name: values[:, begin:end] for name, values in self._counts.counts.items()}
        frequency = [_Frequency(counts, k, alleles.zygosity) for k in range(1 + len(self._counts.names))]
        writer.code(self._coded["contig"], begin)
        for kind in (2, 3, 4):
            writer.layout.append((kind, 0))
        for name in ("zygosity", "state", "rarity"):
            writer.code(self._coded[name], begin)
        for k, shown in enumerate(frequency):
            for name in COUNTS[:2]:
                writer.integer(counts[name][k])
            writer.text(*shown.frequency())
            writer.integer(counts["n_hom_alt"][k])
            if k == 0:
                writer.text(*shown.expected())
        if highest is not None:
            writer.text(*_highest_texts(frequency, highest.codes[begin:end]))
            writer.code(highest, begin)
        for codes in self._more.values():
            writer.code(codes, begin)
        return writer.written(alleles, self._genome.arena)


class _Frequency:
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


def _highest_texts(frequency: Sequence[_Frequency], code: NDArray[np.int32]) -> tuple[NDArray[np.int32], list[str]]:
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


class _Block:
    """Collects the columns of some rows, and writes them."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.layout: list[tuple[int, int]] = []
        self._integers: list[NDArray[np.int64]] = []
        self._codes: list[NDArray[np.int32]] = []
        self._texts: list[bytes] = []
        self._longest = 0

    def integer(self, values: NDArray[np.int64]) -> None:
        self.layout.append((0, len(self._integers)))
        self._integers.append(values)

    def code(self, codes: Codes, begin: int) -> None:
        self.text(codes.codes[begin : begin + self.rows], codes.texts)

    def text(self, codes: NDArray[np.int32], texts: Sequence[str]) -> None:
        """A column of texts. Those of many different ones (annotations) are made small first."""
        if len(texts) > self.rows:
            used, codes = np.unique(codes, return_inverse=True)
            texts = [texts[i] for i in used.tolist()]
        self.layout.append((1, len(self._codes)))
        self._codes.append((codes.reshape(-1) + len(self._texts)).astype(np.int32))
        encoded = [text.encode() for text in texts]
        self._texts += encoded
        self._longest += max(map(len, encoded), default=0)

    def written(self, alleles: Any, arena: NDArray[np.uint8]) -> memoryview:
        starts = np.cumsum([0, *map(len, self._texts)])
        table = np.frombuffer(b"".join(self._texts) + b"\0", np.uint8)
        room = self.rows * (20 * (len(self._integers) + 1) + len(self.layout) + self._longest)
        out = np.empty(room + int(alleles.num_ref.sum() + alleles.num_alt.sum()), np.uint8)
        integers = np.stack(self._integers) if self._integers else np.zeros((0, self.rows), np.int64)
        used = _locate.put_rows(
            alleles.key, alleles.digest, alleles.text, alleles.num_ref, alleles.num_alt, arena,
            np.array(self.layout, np.int64), np.ascontiguousarray(integers), np.stack(self._codes), table, starts, out,
        )  # fmt: skip
        return out.data[:used]
