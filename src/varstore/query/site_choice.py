"""Sites at which people are compared: biallelic, of autosomes, frequent and called enough."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..model.ploidy import AUTOSOME, OTHER, class_of_contig
from ..storage.batch import Batch
from .count import NO_ROW, CountJob, count
from .counting import Question, count_jobs
from .version import Version

if TYPE_CHECKING:
    from ..codec.counts import BlockCounts
    from .plan import ChunkRead

PathLike = str | os.PathLike[str]
_BASES = frozenset("ACGT")


@dataclass(frozen=True)
class SiteLimits:
    """Which sites serve; frequencies are over the people asked for.

    min_maf, min_mac : of the rarer allele, its share and its copies    min_call_rate : of people with a call
    autosomes : of chromosomes 1 to 22 alone, or where a repository has none of them, of contigs that are not X, Y, MT
    snvs : one base for another alone
    """

    min_maf: float = 0.0
    min_mac: int = 1
    min_call_rate: float = 0.0
    autosomes: bool = True
    snvs: bool = False


@dataclass(frozen=True)
class Sites:
    """Biallelic sites in the order of the repository's axis, with counts over some people.

    contig : (sites,) int64, place in the contig table    position : int64, 1-based    ref, alt : object of str
    allele_count, allele_number, n_het, n_hom_alt, n_missing : (sites,) int64, as in ``count_genotypes``
    records : (batches, sites) int64, which record of each batch it is; -1: none
    """

    contig: NDArray[np.int64]
    position: NDArray[np.int64]
    ref: NDArray[Any]
    alt: NDArray[Any]
    allele_count: NDArray[np.int64]
    allele_number: NDArray[np.int64]
    n_het: NDArray[np.int64]
    n_hom_alt: NDArray[np.int64]
    n_missing: NDArray[np.int64]
    records: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.position)

    @property
    def frequency(self) -> NDArray[np.float64]:
        """(sites,) of ALT; NaN where nobody is called."""
        out = np.full(len(self), np.nan)
        np.divide(self.allele_count, self.allele_number, out=out, where=self.allele_number > 0)
        return out

    @property
    def maf(self) -> NDArray[np.float64]:
        """(sites,) frequency of the rarer allele."""
        return np.minimum(self.frequency, 1 - self.frequency)

    @property
    def mac(self) -> NDArray[np.int64]:
        """(sites,) copies of the rarer allele."""
        out: NDArray[np.int64] = np.minimum(self.allele_count, self.allele_number - self.allele_count)
        return out

    def columns(self, contigs: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Where the sites are, and their counts, as a table has them. contigs : names of the contig table"""
        return {
            "contig": np.array([*contigs, ""], object)[self.contig],
            "position": self.position,
            "ref": self.ref,
            "alt": self.alt,
            "allele_count": self.allele_count,
            "allele_number": self.allele_number,
            "allele_frequency": self.frequency,
        }

    def take(self, which: NDArray[Any] | slice) -> Sites:
        """Some of the sites, by indexes or flags."""
        columns = {f.name: getattr(self, f.name)[..., which] for f in fields(self)}
        return Sites(**columns)


def choose_sites(
    version: Version,
    people: NDArray[np.int64],
    limits: SiteLimits,
    *,
    region: str | Sequence[str] | None = None,
    regions_file: PathLike | None = None,
    filters: str | Iterable[str] | None = None,
) -> Sites:
    """The biallelic sites that serve for some people.

    Records of one ALT allele; over batches with sites of their own, alleles that stand alone wherever they stand.
    Symbolic alleles are left out where they stand for anything else (``<NON_REF>``), and so is ``*``.

    people : sorted int64 sample numbers, withdrawn people left out before    region : as in ``count_alleles``

    Raises QueryError and its kinds, CorruptRepositoryError.
    """
    masks = np.zeros((1, version._num_numbers), np.bool_)
    masks[0, people] = True
    everybody = len(people) == version.num_samples
    where = version._where(region, regions_file)
    question = Question(*where, masks, None, everybody, filters, genotypes=True)
    found = list(_on_one_axis(version, question) if version._one_axis else _on_the_union(version, question))
    sites = _joined(found, len(version._batches))
    return sites.take(_serving(version, sites, limits, len(people)))


def allele_keys(version: Version, sites: Sites) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """(sites,) key and digest of the normalised allele of each (docs/format.md, Keys)."""
    key, digest = np.zeros((2, len(sites)), np.uint64)
    open_yet = np.ones(len(sites), np.bool_)
    for batch, records in zip(version._batches, sites.records, strict=True):
        mine = np.flatnonzero(open_yet & (records >= 0))
        if not len(mine):
            continue
        open_yet[mine] = False
        chunk, row = np.divmod(records[mine], cast(Batch, batch.store).chunk_variants)
        for number in np.unique(chunk).tolist():
            here, found = chunk == number, batch.alleles.keys.chunk(number)
            key[mine[here]], digest[mine[here]] = found.key[row[here], 0], found.digest[row[here], 0]
    return key, digest


def _serving(version: Version, sites: Sites, limits: SiteLimits, people: int) -> NDArray[np.bool_]:
    """(sites,) whether each is within the limits."""
    good: NDArray[np.bool_] = sites.mac >= limits.min_mac
    if limits.min_maf > 0:
        good &= np.nan_to_num(sites.maf) >= limits.min_maf
    good &= people - sites.n_missing >= limits.min_call_rate * people
    if limits.autosomes:
        classes = np.array([*map(class_of_contig, version.contigs), OTHER])
        here = set(classes[np.unique(sites.contig)].tolist())
        good &= classes[sites.contig] == (AUTOSOME if AUTOSOME in here else OTHER)
    if limits.snvs:
        good &= np.fromiter((base in _BASES for base in sites.ref.tolist()), np.bool_, len(sites))
        good &= np.fromiter((base in _BASES for base in sites.alt.tolist()), np.bool_, len(sites))
    return good


def _is_allele(alts: NDArray[Any]) -> NDArray[np.bool_]:
    return np.fromiter((alt != "*" and alt not in NO_ROW for alt in alts.tolist()), np.bool_, len(alts))


def _on_one_axis(version: Version, question: Question) -> Iterator[Sites]:
    """Records of one ALT allele, which all batches have."""
    if not version._batches:
        return
    batches = version._batches
    jobs = count_jobs(question, batches, version._blocks, {})
    reads = _reads(version, question)
    store, table = jobs[0].store, batches[0].contigs
    for read, counts in zip(reads, count(jobs, reads, version._map, genotypes=True), strict=True):
        chunk = store.site_chunk(read.chunk)
        rows = np.arange(len(chunk.position)) if read.rows is None else read.rows
        kept = counts.num_alts == 1
        rows, alleles = rows[kept], counts.alt_start[:-1][kept]
        records = read.chunk * _height(jobs[0]) + rows
        alt = chunk.alts[chunk.alt_start[rows]]
        sites = Sites(
            table[chunk.contig[rows]].astype(np.int64), chunk.position[rows].astype(np.int64), chunk.ref[rows], alt,
            *_counts(counts, np.flatnonzero(kept), alleles), np.broadcast_to(records, (len(batches), len(records))),
        )  # fmt: skip
        yield sites.take(_is_allele(alt))


def _reads(version: Version, question: Question) -> list[ChunkRead]:
    from .plan import plan_reads, with_records  # noqa: PLC0415

    store = version._batches[0].store
    reads = plan_reads(store, question.regions)
    if question.alleles:
        pieces = version._union.pieces([], question.alleles)
        records = [piece.record[piece.owner == 0] for piece in pieces]
        reads = with_records(store, reads, np.concatenate([np.zeros(0, np.int64), *records]))
    return reads


def _height(job: CountJob) -> int:
    """Records of a chunk."""
    return len(job.store.site_chunk(0).position)


def _on_the_union(version: Version, question: Question) -> Iterator[Sites]:
    """Alleles that are alone at their site, in whatever batch."""
    from .union_count import UnionJob, count_piece  # noqa: PLC0415

    batches = version._batches
    jobs = count_jobs(question, batches, version._blocks, {})
    union_jobs = {n: UnionJob(job, version._absence(b)) for n, (job, b) in enumerate(zip(jobs, batches, strict=True))}
    stores = [cast(Batch, job.store) for job in jobs]
    for piece in version._union.pieces(question.regions, question.alleles):
        alone = np.bincount(piece.sites)[piece.sites] == 1 if len(piece) else np.zeros(0, np.bool_)
        counts, _ = count_piece(piece, union_jobs, question.masks.sum(axis=1), version._map, genotypes=True)
        ref, alt = piece.spelled(stores)
        records = np.full((len(batches), len(piece)), -1, np.int64)
        for batch, answers in piece.answers.items():
            records[batch, answers.row] = np.where(answers.alt == 1, answers.record, -1)
            alone[answers.row[answers.alt != 1]] = False
        rows = np.arange(len(piece))
        contig = np.full(len(piece), piece.contig, np.int64)
        sites = Sites(contig, piece.start + 1, ref, alt, *_counts(counts, rows, rows), records)
        yield sites.take(alone & _is_allele(alt))


def _counts(
    counts: BlockCounts, records: NDArray[np.int64], alleles: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """allele_count, allele_number, n_het, n_hom_alt and n_missing of the one cohort."""
    by_allele = (counts.allele_count, counts.n_het, counts.n_hom_alt)
    allele_count, n_het, n_hom_alt = (values[0, alleles] for values in by_allele)
    return allele_count, counts.allele_number[0, records], n_het, n_hom_alt, counts.n_missing[0, records]


def _joined(parts: Sequence[Sites], batches: int) -> Sites:
    """Sites one part after another."""
    nothing = np.zeros(0, np.int64)
    text = np.zeros(0, object)
    none = np.zeros((batches, 0), np.int64)
    empty = Sites(nothing, nothing, text, text, nothing, nothing, nothing, nothing, nothing, none)
    parts = [empty, *parts]
    columns: Any = {f.name: np.concatenate([getattr(part, f.name) for part in parts], axis=-1) for f in fields(Sites)}
    return replace(empty, **columns)
