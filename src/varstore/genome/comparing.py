"""One genome compared with a repository: the table of its variants and the summary."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..model.regions import Region
from .counting import Asked, GenomeCounts, Targets, count_targets, leave_unseen
from .narrowing import overlapping
from .reading import Genome, refuse_build
from .table import STATES, ZYGOSITIES, GenomeTable
from .text_rows import Codes

PathLike = str | os.PathLike[str]

if TYPE_CHECKING:
    from ..query.union import AlleleKey
    from ..query.version import Version


@dataclass(frozen=True)
class GenomeComparison:
    """What comparing a genome gave.

    variants : a row an allele the genome carries    summary : JSON-ready    genome : as it was read
    wanted : what was asked
    """

    variants: GenomeTable
    summary: dict[str, Any]
    genome: Genome
    counts: GenomeCounts = field(repr=False)
    wanted: Wanted = field(repr=False)

    def write_html(self, path: PathLike) -> None:
        """Write a report as one HTML file that loads nothing; ``Repository.describe_genome`` has to come before.

        Raises QueryError.
        """
        from .report import write_report  # noqa: PLC0415

        write_report(self, path)

    def write_vcf(self, target: PathLike | BinaryIO, format: str | None = None) -> None:  # noqa: A002
        """Write the file the genome was read from as VCF or BCF, with what was found in INFO.

        Its records are as they were, with ID, QUAL, FILTER, INFO and FORMAT, of the one person; with regions those
        alone that have an allele there. Of a genome that was not read from VCF: one record an allele, normalised.

        target : a file (VCF is BGZF where its name ends in .gz or .bgz), or a binary stream, for VCF as text
        format : ``vcf`` or ``bcf``; default: what the name says

        Raises QueryError, WriteError, InputError where the file is no longer what it was.
        """
        from .vcf_out import write_vcf  # noqa: PLC0415

        write_vcf(self, target, format)


@dataclass(frozen=True)
class Wanted:
    """What is asked of a comparison.

    cohorts : who is counted besides everybody, as masks over sample numbers
    regions, alleles : where; None: everywhere    filters : of the repository's records
    annotate : sites files with the INFO fields to take, like ``clinvar.vcf.gz:CLNSIG,CLNDN``
    carriers : name who in the repository carries each allele
    hwe : test whether those who are counted are in Hardy-Weinberg proportions
    """

    cohorts: Mapping[str, NDArray[np.bool_]]
    regions: Sequence[Region] | None = None
    alleles: Sequence[AlleleKey] = ()
    filters: str | Iterable[str] | None = None
    annotate: Sequence[str] = ()
    carriers: bool = False
    hwe: bool = False


def compare(version: Version, genome: Genome, wanted: Wanted, everybody: NDArray[np.bool_]) -> GenomeComparison:
    """Compare a genome with the people of a version.

    everybody : (people,) bool, who it is compared with

    Raises QueryError and its kinds, InputError where the genome is of another build, CorruptRepositoryError.
    """
    if wanted.regions is not None:
        genome = genome.take(np.flatnonzero(_inside(genome, wanted.regions, wanted.alleles)))
    masks = np.array(list(wanted.cohorts.values()), np.bool_).reshape(-1, len(everybody)) & everybody
    asked = Asked(everybody, list(wanted.cohorts), masks, wanted.filters)
    alleles = genome.alleles
    counts = count_targets(version, Targets(alleles.contig, alleles.key, alleles.digest), asked)
    leave_unseen(counts, alleles.length == 0)
    same, different = counts.tally.tolist()
    refuse_build(version, genome, same, same + different, "the repository's records at the same positions")
    vague = int((genome.alleles.length == 0).sum())
    if vague:
        genome.problems.append(
            f"{vague:,} symbolic alleles have neither END nor SVLEN: that others have the same cannot be told, unseen"
        )
    if wanted.hwe:
        from .hardy import hardy_of  # noqa: PLC0415

        counts.hwe = hardy_of(version, genome, asked)
    table = GenomeTable(genome, counts, _more(version, genome, wanted, asked, counts))
    return GenomeComparison(table, summary(version, table, counts, wanted), genome, counts, wanted)


def _more(
    version: Version, genome: Genome, wanted: Wanted, asked: Asked, counts: GenomeCounts
) -> dict[str, Codes]:  # fmt: skip
    """Further columns: annotations, carriers."""
    found: dict[str, Codes] = {}
    if wanted.annotate:
        from .annotating import annotation_columns  # noqa: PLC0415

        found |= annotation_columns(version, genome, wanted.annotate)
    if wanted.carriers:
        from .carriers import carriers  # noqa: PLC0415

        found["carriers"] = carriers(version, genome, asked, counts)
    return found


def _inside(genome: Genome, regions: Sequence[Region], alleles: Sequence[AlleleKey]) -> NDArray[np.bool_]:
    """(alleles,) whether each overlaps a region, by its normalised REF (a symbolic one to END), or is asked for."""
    mine = genome.alleles
    start = mine.position - 1
    end = start + np.maximum(mine.length, mine.num_ref)
    out = overlapping(mine.contig.astype(np.int64), start, end, regions)
    for contig, rows in genome.runs:
        here = out[rows]
        for allele in alleles:
            if allele.contig == contig:
                here |= (mine.key[rows] == np.uint64(allele.key)) & (mine.digest[rows] == np.uint64(allele.digest))
    return out


def summary(version: Version, table: GenomeTable, counts: GenomeCounts, wanted: Wanted) -> dict[str, Any]:
    """What was compared, with whom, and what came out, JSON-ready."""
    genome = table.genome
    number = counts.counts["allele_number"][0]
    known = number[number > 0]
    same, different = counts.tally.tolist()
    filters = wanted.filters
    document = version.manifest.document if version.manifest else {}
    return {
        "repository": {
            "path": str(version.path),
            "version": version.version,
            "assembly": document.get("assembly"),
            "num_people": counts.num_people[0],
        },
        "genome": {
            "file": genome.file,
            "sample": genome.sample,
            "format": genome.format,
            "build": genome.build,
            "absent": genome.absent,
            "in_repository": genome.number is not None,
            "records": dict(genome.counts),
            "reference_blocks": genome.has_reference_blocks,
        },
        "filters": filters if filters is None or isinstance(filters, str) else ",".join(filters),
        "cohorts": dict(zip(counts.names, counts.num_people[1:], strict=True)),
        "variants": {"all": len(genome), **_tally(table.coded("state"), STATES)},
        "zygosity": _tally(table.coded("zygosity"), ZYGOSITIES),
        "rarity": _tally(table.coded("rarity"), table.coded("rarity").texts[1:]),
        "allele_number": {
            "highest": int(known.max(initial=0)),
            "median": float(np.median(known)) if len(known) else None,
            "known": len(known),
        },
        "reference_bases": {"same": same, "different": different},
        "problems": list(genome.problems),
    }


def _tally(codes: Codes, wanted: Sequence[str]) -> dict[str, int]:
    """How many rows have each text."""
    found = dict(zip(codes.texts, np.bincount(codes.codes, minlength=len(codes.texts)).tolist(), strict=True))
    return {text: found[text] for text in wanted}
