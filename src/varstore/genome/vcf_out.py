"""A genome's variants as VCF or BCF, with what was found in INFO."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..export import bgzf
from ..export.output import aside, opened
from .counting import COUNTS
from .text_rows import ALT, POSITION, REF, UNKNOWN, Codes, Frequency, TextRows

if TYPE_CHECKING:
    from .table import GenomeTable

PathLike = str | os.PathLike[str]
_ROWS = 1 << 16
_FIXED = (
    ("VS_STATE", "1", "String", "found, novel, unseen or not_callable in the repository"),
    ("VS_RARITY", "1", "String", "Rarity class by frequency in the repository"),
)
_COUNTED = (
    ("AC", "A", "Integer", "Copies of the allele"), ("AN", "1", "Integer", "Alleles that are known"),
    ("AF", "A", "Float", "Frequency of the allele"), ("NHOM", "A", "Integer", "People who have only the allele"),
)  # fmt: skip


def write_vcf(table: GenomeTable, summary: dict[str, Any], target: PathLike | BinaryIO, form: str | None) -> None:
    """Write them. Raises WriteError."""
    if not isinstance(target, str | os.PathLike):
        with opened(target) as file:
            file.write(_header(table, summary))
            for block in _blocks(table):
                file.write(block)
        return
    path = Path(target)
    if (form or ("bcf" if path.suffix == ".bcf" else "vcf")) == "bcf":
        _write_bcf(table, summary, path)
        return
    packed = path.suffix in (".gz", ".bgz")
    with opened(path) as file:
        head = _header(table, summary)
        file.write(bgzf.compress(head) if packed else head)
        for block in _blocks(table):
            file.write(bgzf.compress(block) if packed else block)
        if packed:
            file.write(bgzf.END)


def _write_bcf(table: GenomeTable, summary: dict[str, Any], path: Path) -> None:
    """Through VCF: htslib makes BCF of it."""
    import cyvcf2  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="varstore-") as folder, aside(path) as (part,):
        text = Path(folder) / "variants.vcf"
        write_vcf(table, summary, text, "vcf")
        reader = cyvcf2.VCF(str(text))
        writer = cyvcf2.Writer(str(part), reader, "wb")
        for record in reader:
            writer.write_record(record)
        writer.close()
        reader.close()


def info_key(name: str) -> str:
    """A name as a key of INFO may be spelled."""
    found = re.sub(r"[^0-9A-Za-z_.]", "_", name)
    return found if re.match("[A-Za-z_]", found) else f"_{found}"


def _more_key(name: str) -> str:
    return info_key(f"VS_{name}")


def _header(table: GenomeTable, summary: dict[str, Any]) -> bytes:
    genome, counts = table.genome, table.counts
    people = summary["repository"]["num_people"]
    lines = ["##fileformat=VCFv4.3", "##source=varstore genome"]
    for place in np.unique(genome.alleles.contig).tolist():
        name = genome.contigs[place]
        length = genome.lengths.get(name)
        lines.append(f"##contig=<ID={name}{'' if length is None else f',length={length}'}>")
    described = list(_FIXED)
    groups = [("", f"{people} people of the repository")]
    groups += [(f"_{info_key(n)}", f"cohort {n}") for n in counts.names]
    for suffix, who in groups:
        described += [(f"VS_{key}{suffix}", n, kind, f"{what}, {who}") for key, n, kind, what in _COUNTED]
    described += [(_more_key(name), ".", "String", name) for name in table.more]
    for key, number, kind, what in described:
        text = what.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'##INFO=<ID={key},Number={number},Type={kind},Description="{text}">')
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    lines.append("\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()) + f"\t{genome.sample}")
    return ("\n".join(lines) + "\n").encode()


def _blocks(table: GenomeTable) -> Iterator[memoryview]:
    """The records, many at a time."""
    alleles = table.genome.alleles
    calls = ("0/1", "1/1", "1", "./1")
    call = np.where(alleles.whole, alleles.zygosity, np.uint8(3)).astype(np.int32)
    more = {name: _escaped(codes) for name, codes in table.more.items()}
    for begin in range(0, len(table), _ROWS):
        end = min(begin + _ROWS, len(table))
        mine, rows = alleles.take(slice(begin, end)), TextRows(end - begin)
        rows.code(table.coded("contig"), begin)
        rows.allele(POSITION)
        rows.literal(UNKNOWN, 9)
        rows.allele(REF)
        rows.allele(ALT)
        rows.literal(".\t.\tVS_STATE=")
        rows.code(table.coded("state"), begin, 0)
        rows.literal(";VS_RARITY=")
        rows.code(table.coded("rarity"), begin, 0)
        counts = {name: values[:, begin:end] for name, values in table.counts.counts.items()}
        for k, name in enumerate(("", *table.counts.names)):
            suffix = f"_{info_key(name)}" if name else ""
            rows.literal(f";VS_AC{suffix}=")
            rows.integer(counts[COUNTS[0]][k], 0)
            rows.literal(f";VS_AN{suffix}=")
            rows.integer(counts[COUNTS[1]][k], 0)
            rows.literal(f";VS_AF{suffix}=")
            rows.text(*Frequency(counts, k, mine.zygosity).frequency(), 0)
            rows.literal(f";VS_NHOM{suffix}=")
            rows.integer(counts[COUNTS[2]][k], 0)
        for name, codes in more.items():
            rows.literal(f";{_more_key(name)}=")
            rows.code(codes, begin, 0)
        rows.literal("\tGT\t")
        rows.text(call[begin:end], calls)
        yield rows.written(mine, table.genome.arena)


def _escaped(codes: Codes) -> Codes:
    """Texts as values of INFO: what would end one is percent-encoded."""
    table = str.maketrans({";": "%3B", "=": "%3D", " ": "%20", "\t": "%09"})
    return Codes(codes.codes, [text.translate(table) for text in codes.texts])
