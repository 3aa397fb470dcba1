"""The alleles that a genome carries, as the questions about the whole person take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.people import NO_SNV, TRANSITION, TRANSVERSION
from .table import STATES

if TYPE_CHECKING:
    from ..ingest.person import Alleles
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
            kinds_of_keys(mine), mine.zygosity, counts["allele_count"][0][kept], counts["allele_number"][0][kept],
        )  # fmt: skip

    def is_rare(self, max_frequency: float) -> NDArray[np.bool_]:
        """(alleles,) whether each is below this frequency; one that nobody else has is."""
        out: NDArray[np.bool_] = (self.allele_count < max_frequency * self.allele_number) | (self.allele_count == 0)
        return out


def kinds_of_keys(alleles: Alleles) -> NDArray[np.uint8]:
    """(alleles,) whether each changes one base, and how: NO_SNV, TRANSITION or TRANSVERSION."""
    single = (alleles.num_ref == 1) & (alleles.num_alt == 1) & (alleles.text < 0)
    # A, C, G, T are 0 to 3: purines and pyrimidines differ in the low bit.
    changed: Any = (alleles.key ^ (alleles.key >> np.uint64(2))) & np.uint64(3)
    kind = np.where(changed == 2, TRANSITION, TRANSVERSION)
    return np.where(single, kind, NO_SNV).astype(np.uint8)
