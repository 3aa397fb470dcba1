"""Names and lengths of human chromosomes: which contigs of two files are one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ContigLengthError

# Lengths of chromosomes 1 to 22, X and Y, in bases, as in the assembly reports of NCBI's GCF_000001405.12 (NCBI36,
# hg18), GCF_000001405.25 (GRCh37), GCF_000001405.40 (GRCh38) and GCF_009914755.1 (T2T-CHM13v2.0).
LENGTHS = {
    "NCBI36": (
        247249719, 242951149, 199501827, 191273063, 180857866, 170899992, 158821424, 146274826, 140273252, 135374737,
        134452384, 132349534, 114142980, 106368585, 100338915, 88827254, 78774742, 76117153, 63811651, 62435964,
        46944323, 49691432, 154913754, 57772954,
    ),
    "GRCh37": (
        249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
        135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520,
        48129895, 51304566, 155270560, 59373566,
    ),
    "GRCh38": (
        248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422,
        135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167,
        46709983, 50818468, 156040895, 57227415,
    ),
    "T2T-CHM13v2.0": (
        248387328, 242696752, 201105948, 193574945, 182045439, 172126628, 160567428, 146259331, 150617247, 134758134,
        135127769, 133324548, 113566686, 101161492, 99753195, 96330374, 84276897, 80542538, 61707364, 66210255,
        45090682, 51324926, 154259566, 62460029,
    ),
}  # fmt: skip
CHROMOSOMES = (*map(str, range(1, 23)), "X", "Y")
MITOCHONDRION = "MT"
# RefSeq versions of NC_000001 to NC_000024 in GRCh38; GRCh37's are one lower. CHM13's run from NC_060925.1.
_GRCH38_VERSIONS = (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10)
_CHM13_FIRST = 60925
# The revised Cambridge sequence, and the one that hg18 and hg19 have as chrM.
_MITOCHONDRIA = {"NC_012920.1": 16569, "NC_001807.4": 16571}


def _accessions() -> dict[str, tuple[str, int]]:
    """Chromosome and length of each RefSeq accession."""
    found = {name: (MITOCHONDRION, length) for name, length in _MITOCHONDRIA.items()}
    for i, chromosome in enumerate(CHROMOSOMES):
        version = _GRCH38_VERSIONS[i]
        found[f"NC_{i + 1:06}.{version}"] = chromosome, LENGTHS["GRCh38"][i]
        found[f"NC_{i + 1:06}.{version - 1}"] = chromosome, LENGTHS["GRCh37"][i]
        found[f"NC_{_CHM13_FIRST + i:06}.1"] = chromosome, LENGTHS["T2T-CHM13v2.0"][i]
    return found


_ACCESSIONS = _accessions()


def chromosome_of(name: str) -> str | None:
    """The human chromosome that a contig is by its name: ``1`` to ``22``, ``X``, ``Y``, ``MT``; None of others.

    >>> [chromosome_of(name) for name in ("chr1", "NC_000001.11", "chrM", "GL000191.1")]
    ['1', '1', 'MT', None]
    """
    if name in _ACCESSIONS:
        return _ACCESSIONS[name][0]
    bare = re.sub("^chr", "", name, flags=re.IGNORECASE)
    if bare in ("M", MITOCHONDRION):
        return MITOCHONDRION
    return bare if bare in CHROMOSOMES else None


def length_of(name: str, length: int | None) -> int | None:
    """The length of a contig: as it is given, else as its accession says."""
    return length if length is not None or name not in _ACCESSIONS else _ACCESSIONS[name][1]


def build_of(lengths: Mapping[str, int | None]) -> str | None:
    """The build whose chromosomes have these lengths; None where that is none or not one.

    >>> build_of({"chr21": 46709983, "chr22": 50818468})
    'GRCh38'
    """
    found = set()
    for name, given in lengths.items():
        chromosome, length = chromosome_of(name), length_of(name, given)
        if chromosome in CHROMOSOMES and length is not None:
            i = CHROMOSOMES.index(chromosome)
            found.add(next((build for build, known in LENGTHS.items() if known[i] == length), None))
    return found.pop() if len(found) == 1 else None


def resolve(
    contigs: Mapping[str, int | None], table: Sequence[Mapping[str, Any]], file: str, where: str = "the repository"
) -> tuple[list[int], list[dict[str, Any]]]:
    """Find the contigs of a file in the table of a repository.

    contigs : length by name, None where unknown    table : entries with ``name``, ``length`` and ``refget``
    file, where : of the contigs and of the table, for messages

    Returns the place of each contig, and the table with what the file adds: contigs at its end, lengths that were
    not known. Names of one chromosome (chr1, 1, NC_000001.11) are one contig if their lengths are equal or not both
    known; those of the mitochondrion if both are known and equal, for hg19's chrM is another sequence than MT.
    Two contigs of one file are never made one. Raises ContigLengthError.
    """
    entries = [dict(entry) for entry in table]
    places = {name: i for i, entry in enumerate(entries) if (name := entry["name"]) in contigs}
    for name, length in contigs.items():
        if name not in places:
            alias = _alias(name, length_of(name, length), entries, set(places.values()))
            if alias is None:
                alias = len(entries)
                entries.append({"name": name, "length": length, "refget": None})
            places[name] = alias
        entry = entries[places[name]]
        mine, known = length_of(name, length), length_of(entry["name"], entry["length"])
        if mine is not None and known is not None and mine != known:
            raise ContigLengthError(_difference(contigs, table, file, where, (name, mine), (entry["name"], known)))
        entry["length"] = mine if entry["length"] is None else entry["length"]
    return [places[name] for name in contigs], entries


def name_in(name: str, table: Sequence[Mapping[str, Any]]) -> str:
    """What a table calls the contig that somebody names; the name itself where no contig is known to be the same.

    table : as in ``resolve``. The mitochondrion goes by its name alone: chrM and MT may be different sequences.

    >>> name_in("chr22", [{"name": "22", "length": None}])
    '22'
    """
    if any(entry["name"] == name for entry in table):
        return name
    length = length_of(name, None)
    place = _alias(name, length, table, set())
    if place is None:
        return name
    known = length_of(table[place]["name"], table[place]["length"])
    return name if None not in (length, known) and length != known else str(table[place]["name"])


def _alias(name: str, length: int | None, entries: Sequence[Mapping[str, Any]], taken: set[int]) -> int | None:
    """The place of a contig that has another name for the same chromosome."""
    chromosome = chromosome_of(name)
    if chromosome is None:
        return None
    found = [i for i, entry in enumerate(entries) if chromosome_of(entry["name"]) == chromosome and i not in taken]
    lengths = {i: length_of(entries[i]["name"], entries[i]["length"]) for i in found}
    if chromosome == MITOCHONDRION:
        found = [i for i in found if length is not None and lengths[i] == length]
    # One of equal length before one of unknown length; a length that differs is refused by who asks.
    return min(found, key=lambda i: (lengths[i] != length, lengths[i] is not None and length is not None), default=None)


def _difference(
    contigs: Mapping[str, int | None], table: Sequence[Mapping[str, Any]], file: str, where: str,
    found: tuple[str, int], known: tuple[str, int],
) -> str:  # fmt: skip
    """The message of a length that differs."""
    theirs = {entry["name"]: entry["length"] for entry in table}
    builds = build_of(contigs) or build_of(dict([found])), build_of(theirs) or build_of(dict([known]))
    likely = "another reference build"
    if builds[0] != builds[1]:
        likely = f"the file is of {builds[0] or 'another build'}, {where} of {builds[1] or 'another'}"
    name = "it" if found[0] == known[0] else known[0]
    return f"{file}: contig {found[0]} has {found[1]:,} bases, in {where} {name} has {known[1]:,}: {likely}"
