"""The alleles that a genome carries, as the questions about the whole person take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .person import kinds_of_keys
from .table import STATES

if TYPE_CHECKING:
    from .comparing import GenomeComparison

_NOT_CALLABLE = STATES.index("not_callable")


@dataclass(frozen=True)
class Carried:
    """Alleles of one genome where the others could be called, with what is known of them among the others.

    Alleles of calls that lack one are left out. Sorted by contig and key.

    contig : (alleles,) int64, place in the contig table    position : int64, 1-based, normalised
    num_ref : int64, bases of the normalised REF    key, digest : uint64, of the normalised allele
    kind : uint8, of ``kernels.people``    zygosity : uint8, HET, HOM or HEMI of ``kernels.person``
    allele_count, allele_number : (alleles,) int64, of everybody else
    """

    contig: NDArray[np.int64]
    position: NDArray[np.int64]
    num_ref: NDArray[np.int64]
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    kind: NDArray[np.uint8]
    zygosity: NDArray[np.uint8]
    allele_count: NDArray[np.int64]
    allele_number: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.position)

    @classmethod
    def of(cls, found: GenomeComparison, num_contigs: int) -> Carried:
        """From a comparison. num_contigs : of the repository's table"""
        alleles, counts = found.genome.alleles, found.counts.counts
        kept = alleles.whole & (alleles.contig < num_contigs)
        kept &= found.variants.coded("state").codes != _NOT_CALLABLE
        mine = alleles.take(kept)
        return cls(
            mine.contig.astype(np.int64), mine.position, mine.num_ref.astype(np.int64), mine.key, mine.digest,
            kinds_of_keys(mine.key), mine.zygosity, counts["allele_count"][0][kept], counts["allele_number"][0][kept],
        )  # fmt: skip

    def is_rare(self, max_frequency: float) -> NDArray[np.bool_]:
        """(alleles,) whether each is below this frequency; one that nobody else has is."""
        out: NDArray[np.bool_] = (self.allele_count < max_frequency * self.allele_number) | (self.allele_count == 0)
        return out
