"""A personal genome as it is compared: its alleles in order, normalised as the repository's are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, QueryError
from ..kernels import person as _person
from ..model.contigs import build_of, length_of
from ..model.cores import num_cores
from ..storage.reference_blocks import MIN_REF_GQ

if TYPE_CHECKING:
    from ..ingest.inputs import Input
    from ..ingest.line_scanner import Places
    from ..ingest.person import Alleles
    from ..query.version import Version

PathLike = str | os.PathLike[str]
UNKNOWN, REFERENCE = "unknown", "reference"
# Samples of a file that are named where one has to be chosen.
_NAMED = 5
# Of single bases that can be compared: more that differ are another build, and so few say nothing.
MOST_DIFFERENT, LEAST_COMPARED = 0.05, 20


@dataclass(frozen=True)
class Genome:
    """One person's alleles, each once, by contig and key.

    file : what it was read from    sample : the person's name there    number : in the repository, None: not of it
    format : ``VCF``, ``BCF``, ``text`` or ``repository``
    contigs : names by place, first those of the repository    lengths : of the file's contigs, by name
    alleles : columns    arena : uint8, text of long alleles
    stretches : (any, 4) int64: contig, 0-based start and end where the person is reference, and whether a record of
        its own says so (0) or a reference block (1)
    absent : what the person is elsewhere, ``unknown`` or ``reference``
    counts : of records, as of ``ingest.person.PersonCalls``    problems : what is odd, in sentences
    names : of the contigs in the file, where it is a VCF or BCF
    """

    file: str
    sample: str
    format: str
    contigs: list[str]
    lengths: Mapping[str, int | None]
    alleles: Alleles
    arena: NDArray[np.uint8]
    stretches: NDArray[np.int64]
    absent: str
    counts: dict[str, int]
    number: int | None = None
    problems: list[str] = field(default_factory=list)
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.alleles)

    @property
    def build(self) -> str | None:
        """The build that the lengths of its contigs are of."""
        return build_of(self.lengths)

    @property
    def has_reference_blocks(self) -> bool:
        """Whether it is a gVCF."""
        return bool((self.stretches[:, 3] == _person.BLOCK).any()) or self.counts["unsure"] > 0

    @property
    def callable(self) -> NDArray[np.int64] | None:
        """(any, 3) int64: contig, 0-based start and end of its sure reference blocks; None: it has no blocks."""
        if not self.has_reference_blocks:
            return None
        found: NDArray[np.int64] = self.stretches[self.stretches[:, 3] == _person.BLOCK, :3]
        return found

    @property
    def runs(self) -> list[tuple[int, slice]]:
        """Contigs that it has alleles on, and which alleles those are."""
        contig = self.alleles.contig
        cuts = [0, *(np.flatnonzero(np.diff(contig)) + 1).tolist(), len(contig)]
        return [(int(contig[a]), slice(a, b)) for a, b in pairwise(cuts) if b > a]

    def take(self, which: NDArray[Any]) -> Genome:
        """The same with some of its alleles."""
        return replace(self, alleles=self.alleles.take(which))


def read_genome(
    version: Version, path: PathLike, *, sample: str | None = None, absent: str = "auto", threads: int | None = None,
    min_ref_gq: int = MIN_REF_GQ, progress: Callable[[int], None] = lambda _: None,
) -> Genome:  # fmt: skip
    """Read a genome from a file: VCF, BCF, gVCF, or text as direct-to-consumer services give it.

    sample : which of the file's; needed where it has several
    absent : what the person is where the file says nothing: ``unknown``, ``reference``, or ``auto``: unknown
    min_ref_gq : GQ from which a reference block of a gVCF is callable
    progress : called with the bytes read since the last call

    Raises InputError and its kinds (a build that differs: ContigLengthError), QueryError.
    """
    from ..ingest.inputs import open_input  # noqa: PLC0415
    from ..ingest.line_scanner import Places  # noqa: PLC0415
    from ..ingest.person import read_person  # noqa: PLC0415
    from .chip import is_chip, read_chip  # noqa: PLC0415

    if absent not in ("auto", UNKNOWN, REFERENCE):
        raise QueryError(f"absent is {absent!r}, expected auto, unknown or reference")
    if version.manifest is None:
        raise QueryError(f"{version.path}: not written by varstore: it has no keys to find alleles by")
    path = Path(path)
    if is_chip(path):
        return read_chip(version, path, UNKNOWN if absent == "auto" else absent)
    source = open_input(path)
    if source.text is None:
        raise InputError(f"{path}: a genome is read from VCF, BCF or text; export it as one of them first")
    column = _sample_of(source, sample)
    lengths = source.header.contigs
    places = Places(lengths, version.manifest.contigs, str(path), version._bases)
    calls = read_person(source, column, places, threads or num_cores(), min_ref_gq, progress)
    counts = calls.counts
    if not counts["records"]:
        raise InputError(f"{path}: it has a header and no records; is it the whole file?")
    if counts["without_gt"] == counts["records"]:
        raise InputError(f"{path}: no record has GT: a genome needs the person's genotypes")
    alleles, repeated = in_order(calls.alleles)
    genome = Genome(
        str(path), source.header.samples[column], "BCF" if _is_bcf(source) else "VCF", places.names, lengths, alleles,
        calls.arena, calls.stretches, UNKNOWN if absent == "auto" else absent, counts, names=places.found,
    )  # fmt: skip
    _check_overlap(version, genome, places)
    genome.problems.extend(_problems(version, genome, repeated))
    check_reference(version, genome)
    return genome


def _is_bcf(source: Input) -> bool:
    from ..ingest.bcf import BcfFile  # noqa: PLC0415

    return isinstance(source.text, BcfFile)


def _sample_of(source: Input, sample: str | None) -> int:
    """The person's column. Raises InputError, QueryError."""
    names = source.header.samples
    if not names:
        raise InputError(f"{source.path}: it has sites and no samples: a genome needs one person's calls")
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    if sample is None:
        if len(names) > 1:
            raise QueryError(f"{source.path}: it has {len(names):,} samples ({shown}); name one with --sample")
        return 0
    if sample not in names:
        raise QueryError(f"{source.path}: no sample {sample!r}; there are {shown}")
    return names.index(sample)


def in_order(alleles: Alleles) -> tuple[Alleles, int]:
    """Alleles by contig and key, each once; and how many came again."""
    contig, key, digest = alleles.contig, alleles.key, alleles.digest
    ahead = contig[1:] > contig[:-1]
    ahead |= (contig[1:] == contig[:-1]) & (key[1:] > key[:-1])
    if ahead.all():
        return alleles, 0
    order = np.argsort(contig, kind="stable")
    bounds = np.searchsorted(contig[order], np.arange(int(contig.max(initial=0)) + 2))
    for begin, end in zip(bounds.tolist(), bounds[1:].tolist(), strict=False):
        mine = order[begin:end]
        if digest[mine].any():
            order[begin:end] = mine[np.lexsort((digest[mine], key[mine]))]
        else:
            order[begin:end] = mine[np.argsort(key[mine], kind="stable")]
    contig, key, digest = contig[order], key[order], digest[order]
    again = (contig[1:] == contig[:-1]) & (key[1:] == key[:-1]) & (digest[1:] == digest[:-1])
    kept = np.ones(len(order), np.bool_)
    kept[1:] = ~again
    return alleles.take(order[kept]), int(again.sum())


def _check_overlap(version: Version, genome: Genome, places: Places) -> None:
    """Raises InputError where no contig is the repository's."""
    known = len(version.contigs)
    seen = {*np.unique(genome.alleles.contig).tolist(), *np.unique(genome.stretches[:, 0]).tolist()}
    if seen and not any(place < known for place in seen):
        theirs = ", ".join(genome.contigs[place] for place in sorted(seen)[:_NAMED])
        mine = ", ".join(version.contigs[:_NAMED]) + (", ..." if known > _NAMED else "")
        raise InputError(f"{genome.file}: none of its contigs ({theirs}) is in the repository ({mine})")


def _problems(version: Version, genome: Genome, repeated: int) -> list[str]:
    """What is odd and harmless."""
    found = []
    counts = genome.counts
    if repeated:
        found.append(f"{repeated:,} alleles stand in the file more than once: the first of each counts")
    if counts["half"]:
        found.append(f"{counts['half']:,} calls lack an allele: what they have is compared")
    if counts["without_gt"]:
        found.append(f"{counts['without_gt']:,} records have no GT: they are left out")
    outside = int((genome.alleles.contig >= len(version.contigs)).sum())
    if outside:
        found.append(f"{outside:,} alleles are on contigs that the repository does not have: they are not callable")
    if not len(genome) and not repeated:
        found.append("the genome has no variant: every call is reference or missing")
    return found


def check_reference(version: Version, genome: Genome) -> None:
    """Compare REF of single bases with the repository's FASTA, if it has one. Raises InputError."""
    if version._bases is None:
        return
    same, compared = 0, 0
    for place, rows in genome.runs:
        if place >= len(version.contigs):
            continue
        bases = version._bases(version.contigs[place])
        alleles = genome.alleles.take(rows)
        single = (alleles.num_ref == 1) & (alleles.num_alt == 1) & (alleles.digest == 0)
        position = alleles.position[single]
        inside = (position > 0) & (position <= len(bases))
        base = np.frombuffer(b"ACGT", np.uint8)[(alleles.key[single][inside] & np.uint64(3)).astype(np.intp)]
        found = bases[position[inside] - 1]
        known = np.isin(found, np.frombuffer(b"ACGT", np.uint8))
        same += int((base == found)[known].sum())
        compared += int(known.sum()) + int((~inside).sum())
    refuse_build(version, genome, same, compared, "the FASTA of the repository")


def refuse_build(version: Version, genome: Genome, same: int, compared: int, where: str) -> None:
    """Refuse a genome whose reference bases are others; a few are a problem. Raises InputError."""
    different = compared - same
    if not different:
        return
    share = f"{different:,} of {compared:,} single reference bases"
    if compared >= LEAST_COMPARED and different > MOST_DIFFERENT * compared:
        raise InputError(f"{genome.file}: {share} are not those of {where}: {likely_builds(version, genome)}")
    genome.problems.append(f"{share} are not those of {where}: such alleles are novel")


def likely_builds(version: Version, genome: Genome) -> str:
    """Which builds the genome and the repository seem to be of."""
    assert version.manifest is not None
    document = version.manifest.document
    entries = {entry["name"]: entry["length"] for entry in version.manifest.contigs}
    mine = build_of({name: length_of(name, length) for name, length in entries.items()}) or document.get("assembly")
    theirs = genome.build
    if theirs is not None and theirs != mine:
        return f"the file is of {theirs}, the repository of {mine or 'another build'}"
    return f"the file is likely of another build than the repository ({mine or 'of a build that is not named'})"
