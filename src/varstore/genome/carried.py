"""The alleles that a genome carries, as the questions about the whole person take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Carried:
    """Alleles of one genome, with what is known of them among the others.

    sample : its name    number : of a genome that is in the repository; None: it is not
    sex : "male", "female" or "unknown", as stated
    contig : (alleles,) int64, place in the contig table    position : int64, 1-based    ref, alt : object of str
    key, digest : uint64, of the normalised allele    zygosity : object, "het", "hom" or "hemi"
    allele_count, allele_number : (alleles,) int64, of everybody else
    callable : (alleles,) bool, the repository's people could be called there
    """

    sample: str
    number: int | None
    sex: str
    contig: NDArray[np.int64]
    position: NDArray[np.int64]
    ref: NDArray[Any]
    alt: NDArray[Any]
    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    zygosity: NDArray[Any]
    allele_count: NDArray[np.int64]
    allele_number: NDArray[np.int64]
    callable: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.position)

    def is_rare(self, max_frequency: float) -> NDArray[np.bool_]:
        """(alleles,) whether each is below this frequency; one that nobody else has is, where people were called."""
        share = self.allele_count < max_frequency * self.allele_number
        out: NDArray[np.bool_] = (share | (self.allele_count == 0)) & self.callable
        return out
