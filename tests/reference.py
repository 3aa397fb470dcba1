"""The oracle: what every number of varstore means, said slowly.

Written from the rules alone (docs/semantics.md sections 1 to 3) in plain Python and numpy, and
short enough to read in one sitting. It shares no line with the package, so that an error has to be
made twice to go unseen.

Genotype codes are VCF Zarr's: 0 is REF, k the k-th ALT, -1 a missing allele, -2 padding where a
call has fewer alleles than the widest call of the file. Positions are VCF's: 1-based, intervals
closed.
"""

import gzip
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

MISSING = -1
FILL = -2
NO_ROW = frozenset({".", "<NON_REF>", "<*>"})
SITE_COLUMNS = ("contig", "position", "ref", "alt")
ALLELE_COLUMNS = (*SITE_COLUMNS, "allele_count", "allele_number", "allele_frequency")
GENOTYPE_CLASSES = ("n_hom_ref", "n_het", "n_hom_alt", "n_other", "n_missing")
GENOTYPE_COLUMNS = (*ALLELE_COLUMNS, *GENOTYPE_CLASSES)


@dataclass(frozen=True)
class Record:
    """One line of a VCF.

    ``codes`` is int16 [samples, ploidy], ``phased`` bool [samples], ``rlen`` the number of bases of
    the reference, from ``pos`` on, that the record stands for.
    """

    contig: str
    pos: int
    id: str
    ref: str
    alts: tuple[str, ...]
    qual: str
    filters: tuple[str, ...]
    info: str
    codes: np.ndarray
    phased: np.ndarray
    rlen: int

    @property
    def alleles(self):
        """REF and the ALTs; an ALT of ``.`` is no allele."""
        return (self.ref, *(alt for alt in self.alts if alt != "."))


@dataclass(frozen=True)
class Vcf:
    """A whole file: ``contigs`` maps each name, in header order, to its length or None."""

    samples: list[str]
    contigs: dict[str, int | None]
    records: list[Record]

    @property
    def call_genotype(self):
        """All codes as int16 [variants, samples, ploidy]."""
        if not self.records:
            return np.zeros((0, len(self.samples), 1), np.int16)
        return np.stack([record.codes for record in self.records])


def read_vcf(source):
    """Read VCF text, or the file at a path, compressed by gzip, BGZF or not at all."""
    samples, contigs, lines = [], {}, []
    for line in read_text(source).splitlines():
        if line.startswith("##contig="):
            name = re.search(r"ID=([^,>]+)", line).group(1)
            length = re.search(r"length=(\d+)", line)
            contigs[name] = int(length.group(1)) if length else None
        elif line.startswith("#CHROM"):
            samples = line.split("\t")[9:]
        elif not line.startswith("#"):
            lines.append(line.split("\t"))
    calls = [_genotype_texts(fields) for fields in lines]
    ploidy = max((len(parse_gt(text)[0]) for text in set().union(*calls)), default=1)
    for fields in lines:
        contigs.setdefault(fields[0], None)
    return Vcf(samples, contigs, [_record(f, c, ploidy) for f, c in zip(lines, calls, strict=True)])


def read_text(source):
    """Give VCF text as it is, or read and decompress the file at a path."""
    if isinstance(source, Path):
        data = source.read_bytes()
        return (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode()
    return source


def _genotype_texts(fields):
    """The GT text of every sample; None in each place where FORMAT has no GT."""
    keys = fields[8].split(":") if len(fields) > 8 else []
    if "GT" not in keys:
        return [None] * len(fields[9:])
    return [sample.split(":")[keys.index("GT")] for sample in fields[9:]]


@cache
def parse_gt(text):
    """Codes and phase of one call: ``0|1`` is ((0, 1), True). Without GT: ((-1,), False)."""
    if text is None:
        return (MISSING,), False
    alleles = re.split(r"[/|]", text[1:] if text[:1] in ("/", "|") else text)
    codes = tuple(MISSING if allele == "." else int(allele) for allele in alleles)
    return codes, "/" not in text


def _record(fields, texts, ploidy):
    contig, pos, identifier, ref, alts, qual, filters, info = fields[:8]
    codes = np.full((len(texts), ploidy), FILL, np.int16)
    phased = np.zeros(len(texts), bool)
    for sample, text in enumerate(texts):
        call, phased[sample] = parse_gt(text)
        codes[sample, : len(call)] = call
        if text is None:
            codes[sample] = MISSING
    return Record(
        contig=contig,
        pos=int(pos),
        id=identifier,
        ref=ref,
        alts=tuple(alts.split(",")),
        qual=qual,
        filters=tuple(filters.split(";")),
        info=info,
        codes=codes,
        phased=phased,
        rlen=reference_length(int(pos), ref, info),
    )


def reference_length(pos, ref, info):
    """Count the reference bases under a record: up to INFO/END, or those of REF without one."""
    for field in info.split(";"):
        key, _, value = field.partition("=")
        if key == "END" and value.isdigit() and int(value) >= pos:
            return int(value) - pos + 1
    return len(ref)


def overlapping(records, regions):
    """Select the records that share a base with any of ``regions``, each once, in their order.

    A region is (contig, start, end), 1-based and closed; ``end`` None is the end of the contig.
    """

    def hit(record, region):
        contig, start, end = region
        last = record.pos + record.rlen - 1
        return record.contig == contig and last >= start and record.pos <= (end or math.inf)

    return [record for record in records if any(hit(record, region) for region in regions)]


def genotype_class(call, allele):
    """Name the class of ``call``, the codes of one sample, in the row of ``allele``."""
    codes = [code for code in call if code != FILL]
    if not codes or any(code < 0 for code in codes):
        return "n_missing"
    if all(code == 0 for code in codes):
        return "n_hom_ref"
    if allele not in codes:
        return "n_other"
    return "n_hom_alt" if all(code == allele for code in codes) else "n_het"


def count_row(calls, allele):
    """Count one row: ``calls`` maps each distinct call to the number of samples that have it."""
    count = sum(times * call.count(allele) for call, times in calls.items())
    number = sum(times * sum(code >= 0 for code in call) for call, times in calls.items())
    row = {"allele_count": count, "allele_number": number}
    row["allele_frequency"] = count / number if number else math.nan
    row |= dict.fromkeys(GENOTYPE_CLASSES, 0)
    for call, times in calls.items():
        row[genotype_class(call, allele)] += times
    return row


def count_rows(records, samples=None, cohorts=None, filters=None):
    """Count every ALT allele of every record, one dict a row, in the order of the printed columns.

    ``samples`` is a list of sample indexes (None: everybody). ``cohorts`` maps names to such lists
    and puts a ``cohort`` column in front: rows by site, then cohort in the order given. ``filters``
    lists accepted FILTER values (``.``: none applied); a record with none of them is all missing.
    """
    groups = {None: samples} if cohorts is None else cohorts
    rows = []
    for record in records:
        passed = filters is None or bool(set(filters) & set(record.filters))
        calls = {name: _count_calls(record, members, passed) for name, members in groups.items()}
        for allele, alt in enumerate(record.alts, start=1):
            if alt in NO_ROW:
                continue
            for name in groups:
                row = {} if cohorts is None else {"cohort": name}
                row |= {"contig": record.contig, "position": record.pos}
                row |= {"ref": record.ref, "alt": alt}
                rows.append(row | count_row(calls[name], allele))
    return rows


def _count_calls(record, members, passed):
    codes = record.codes if members is None else record.codes[list(members)]
    return Counter(map(tuple, codes.tolist())) if passed else Counter({(MISSING,): len(codes)})


def assert_same_rows(table, rows, columns=GENOTYPE_COLUMNS):
    """Compare a result of the package with rows of the oracle, column by column, to the last bit.

    ``columns`` leaves out ``cohort``, which is compared wherever the rows have it.
    """
    assert len(table) == len(rows)
    names = [*(["cohort"] if rows and "cohort" in rows[0] else []), *columns]
    for name in names:
        expected = [row[name] for row in rows]
        found = np.asarray(table[name]).tolist()
        assert len(found) == len(expected), name
        wrong = [i for i, (f, e) in enumerate(zip(found, expected, strict=True)) if not _same(f, e)]
        assert not wrong, (
            f"{name}: {len(wrong)} of {len(rows)} rows differ, the first is row {wrong[0]}: "
            f"{found[wrong[0]]!r} for {rows[wrong[0]]}"
        )


def _same(found, expected):
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    return found == expected
