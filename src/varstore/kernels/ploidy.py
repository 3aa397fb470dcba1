"""How many alleles people's calls have, counted by class of contig."""

from typing import Any

import numpy as np

from .jit import kernel


@kernel
def tally_rows(codes: Any, chosen: Any, classes: Any, tally: Any) -> None:
    """Count the calls of some rows by sample, class and number of alleles.

    codes : (rows, samples, ploidy) int8; -1 missing, -2 no haplotype, anything else an allele
    chosen : (rows,) bool, the rows to count    classes : (rows,) uint8
    tally : (samples, classes, ploidy + 1 or more) int64, added to; calls without an allele are none
    """
    num_rows, num_samples, ploidy = codes.shape
    for row in range(num_rows):
        if not chosen[row]:
            continue
        which = np.int64(classes[row])
        for sample in range(num_samples):
            present, alleles = 0, 0
            for h in range(ploidy):
                code = codes[row, sample, h]
                present += code != -2
                alleles += code >= 0
            if alleles:
                tally[sample, which, present] += 1
