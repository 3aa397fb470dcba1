"""Whether the people of a repository are in Hardy-Weinberg proportions at a genome's alleles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..query.counting import Question, count_jobs
from ..query.union_count import UnionJob, count_piece
from ..stats.passes import haploid_jobs, may_have_haploids
from ..stats.variants import hardy_p_values
from .counting import Asked, covering_batches, pieces
from .matching import match_batch

if TYPE_CHECKING:
    from ..codec.counts import BlockCounts
    from ..query.union import Piece
    from ..query.version import Version
    from .reading import Genome


def hardy_of(version: Version, genome: Genome, asked: Asked) -> NDArray[np.float64]:
    """(1 + cohorts, alleles) p values of the exact test, over everybody and each cohort.

    NaN where nobody has a call of two alleles, and where calls of more than two cannot be told from half calls
    (docs/statistics.md). Genotypes are counted for it. Raises UnknownFilterError, CorruptRepositoryError.
    """
    out = np.full((1 + len(asked.names), len(genome)), np.nan)
    test = _Test(version, asked)
    for contig, rows in genome.runs:
        if contig >= len(version.contigs):
            continue
        alleles = genome.alleles.take(rows)
        columns = alleles.key, alleles.digest, alleles.position
        matches = {
            i: match_batch(version, version._batches[i], contig, alleles.key, alleles.digest, None)
            for i in covering_batches(version, version.contigs[contig])
        }
        for part, piece in pieces(contig, columns, matches):
            out[:, rows][:, part] = test.of(piece)
    out[:, genome.alleles.length == 0] = np.nan
    return out


class _Test:
    """The batches of a version, ready to be counted for the test."""

    def __init__(self, version: Version, asked: Asked) -> None:
        masks = np.concatenate([asked.everybody[np.newaxis], asked.masks])
        everybody = bool(asked.everybody.all()) and not asked.names
        question = Question(None, [], masks, None, everybody, asked.filters, genotypes=True)
        jobs = count_jobs(question, version._batches, version._blocks, {})
        absences = [version._absence(batch) for batch in version._batches]
        self._map = version._map
        self._people = masks.sum(axis=1)
        self._polyploid = any(batch.store.ploidy > 2 for batch in version._batches)
        self._whole = dict(enumerate(map(UnionJob, jobs, absences)))
        alone = [None if absence is None else absence.of_ploidy(1) for absence in absences]
        self._haploid = dict(enumerate(map(UnionJob, haploid_jobs(jobs), alone)))

    def of(self, piece: Piece) -> NDArray[np.float64]:
        """(masks, rows) p values."""
        counts, _ = count_piece(piece, self._whole, self._people, self._map, genotypes=True)
        haploid, of_allele = self._haploids(piece, counts)
        called = self._people[:, np.newaxis] - counts.n_missing
        p_value = hardy_p_values(counts.n_hom_alt, counts.n_het, called, haploid, of_allele, midp=False)
        if self._polyploid:
            p_value[counts.allele_number != 2 * called - haploid] = np.nan
        return p_value

    def _haploids(self, piece: Piece, counts: BlockCounts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Calls of one allele, and those of them that have the row's."""
        if not may_have_haploids(counts, self._people):
            return np.zeros_like(counts.allele_count), np.zeros_like(counts.allele_count)
        found, _ = count_piece(piece, self._haploid, self._people, self._map, genotypes=False)
        return found.allele_number, found.allele_count
