"""The table of a genome's variants: columns when somebody looks at them, text in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..export.output import in_threads
from ..kernels import locate as _locate
from ..model.cores import num_cores
from ..model.results import CountTable
from .counting import COUNTS
from .text_rows import (
    ALT,
    POSITION,
    REF,
    UNKNOWN,
    Codes,
    Frequency,
    TextRows,
    expected_share,
    highest_texts,
    number_texts,
)  # fmt: skip

if TYPE_CHECKING:
    from .counting import GenomeCounts
    from .reading import Genome

STATES = ("found", "novel", "unseen", "not_callable")
ZYGOSITIES = ("het", "hom", "hemi")
RARITIES = (UNKNOWN, "novel", "singleton", "<1e-4", "<1e-3", "<1%", "<5%", "common")
HWE = "hwe_p_value"
_LIMITS = np.array([1e-4, 1e-3, 0.01, 0.05])
_ROWS = 1 << 14  # made text at a time: a block stays in the processor's cache


def classes(counts: GenomeCounts) -> tuple[Codes, Codes]:
    """State and rarity class of each allele: docs/personal-genome.md."""
    state, rarity = np.empty((2, len(counts.known)), np.int32)
    count, number = counts.counts["allele_count"][0], counts.counts["allele_number"][0]
    _locate.classify(count, number, counts.known, counts.covered, _LIMITS, state, rarity)
    return Codes(state, STATES), Codes(rarity, RARITIES)


def counted_columns(counts: GenomeCounts, k: int, suffix: str) -> dict[str, Any]:
    """Columns of everybody (0) or a cohort."""
    from .counting import as_columns  # noqa: PLC0415

    found: dict[str, Any] = {f"{name}{suffix}": counts.counts[name][k] for name in COUNTS[:2]}
    found[f"allele_frequency{suffix}"] = lambda: as_columns(counts, k)["allele_frequency"]
    found[f"n_hom_alt{suffix}"] = counts.counts["n_hom_alt"][k]
    return found


class GenomeTable(CountTable):
    """The variants of a genome, one row an allele: columns as of ``CountTable``.

    Made in bulk: ``blocks`` gives the same lines as ``to_tsv``, as bytes, many at a time.
    """

    def __init__(
        self, genome: Genome, counts: GenomeCounts, more: Mapping[str, Codes],
    ) -> None:  # fmt: skip
        self._genome, self._counts, self._more = genome, counts, dict(more)
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
            **counted_columns(counts, 0, ""),
            "expected_share": lambda: expected_share(alleles.zygosity, count[0], number[0]),
        }
        columns |= self._tested(0, "")
        for k, name in enumerate(counts.names, 1):
            columns |= counted_columns(counts, k, f"_{name}") | self._tested(k, f"_{name}")
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
    def counts(self) -> GenomeCounts:
        """What was counted."""
        return self._counts

    @property
    def more(self) -> Mapping[str, Codes]:
        """Annotations and carriers."""
        return self._more

    def take(self, which: NDArray[np.int64]) -> GenomeTable:
        """Some of the rows."""
        more = {name: Codes(codes.codes[which], codes.texts) for name, codes in self._more.items()}
        return GenomeTable(self._genome.take(which), self._counts.take(which), more)

    @property
    def highest(self) -> Codes:
        """In which of the cohorts each allele has the highest frequency."""
        return self._highest()[1]

    def coded(self, name: str) -> Codes:
        """A column of few different texts, as codes."""
        return self._coded[name]

    def _tested(self, k: int, suffix: str) -> dict[str, Any]:
        """The column of the Hardy-Weinberg test of everybody (0) or a cohort, if it was asked for."""
        return {} if self._counts.hwe is None else {f"{HWE}{suffix}": self._counts.hwe[k]}

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
                alleles.key[row], alleles.text[row], alleles.num_ref[row], alleles.num_alt[row],
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
        highest = self.highest if self._counts.names else None
        cores = num_cores()
        yield from in_threads(lambda begin: self._block(begin, min(begin + _ROWS, len(self)), highest), begins, cores)

    def _block(self, begin: int, end: int, highest: Codes | None) -> memoryview:
        alleles = self._genome.alleles.take(slice(begin, end))
        writer = TextRows(end - begin)
        counts = {name: values[:, begin:end] for name, values in self._counts.counts.items()}
        frequency = [Frequency(counts, k, alleles.zygosity) for k in range(1 + len(self._counts.names))]
        writer.code(self._coded["contig"], begin)
        for kind in (POSITION, REF, ALT):
            writer.allele(kind)
        for name in ("zygosity", "state", "rarity"):
            writer.code(self._coded[name], begin)
        for k, shown in enumerate(frequency):
            for name in COUNTS[:2]:
                writer.integer(counts[name][k])
            writer.text(*shown.frequency())
            writer.integer(counts["n_hom_alt"][k])
            if k == 0:
                writer.text(*shown.expected())
            if self._counts.hwe is not None:
                writer.text(*number_texts(self._counts.hwe[k, begin:end]))
        if highest is not None:
            writer.text(*highest_texts(frequency, highest.codes[begin:end]))
            writer.code(highest, begin)
        for codes in self._more.values():
            writer.code(codes, begin)
        return writer.written(alleles, self._genome.arena)
