"""A genome's variants as VCF or BCF: the file it was read from, with what was found in INFO."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..errors import InputError
from ..export import bgzf
from ..export.output import aside, in_threads, opened
from ..model.cores import num_cores
from .info_fields import InfoColumns
from .splicing import Splicer
from .text_rows import ALT, POSITION, REF, UNKNOWN, TextRows

if TYPE_CHECKING:
    from ..ingest.inputs import Input
    from .comparing import GenomeComparison
    from .table import GenomeTable

PathLike = str | os.PathLike[str]
_ROWS = 1 << 16
_ID = re.compile(r"^##(INFO|contig)=<(?:.*?,)?ID=([^,>]+)")
_MINE = "##varstore_genome="


def write_vcf(found: GenomeComparison, target: PathLike | BinaryIO, form: str | None) -> None:
    """Write them. Raises WriteError, InputError where the file of the genome is no longer what it was."""
    path = Path(target) if isinstance(target, str | os.PathLike) else None
    if path is not None and (form or ("bcf" if path.suffix == ".bcf" else "vcf")) == "bcf":
        _write_bcf(found, path)
        return
    packed = path is not None and path.suffix in (".gz", ".bgz")
    with opened(path or target) as file:  # type: ignore[arg-type]
        if not packed:
            for block in _text(found):
                file.write(block)
            return
        for block in in_threads(bgzf.compress, _text(found), num_cores()):
            file.write(block)
        file.write(bgzf.END)


def _write_bcf(found: GenomeComparison, path: Path) -> None:
    """Through VCF: htslib makes BCF of it."""
    import cyvcf2  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="varstore-") as folder, aside(path) as (part,):
        text = Path(folder) / "variants.vcf"
        write_vcf(found, text, "vcf")
        reader = cyvcf2.VCF(str(text))
        writer = cyvcf2.Writer(str(part), reader, "wb")
        for record in reader:
            writer.write_record(record)
        writer.close()
        reader.close()


def _text(found: GenomeComparison) -> Iterator[memoryview | bytes]:
    """Header and records, many at a time."""
    table, summary = found.variants, found.summary
    columns = InfoColumns(table, summary["repository"]["num_people"])
    used = summary["repository"]
    mine = f"{_MINE}<people={used['num_people']},version={used['version']},filters={summary['filters'] or UNKNOWN}>"
    if table.genome.format in ("VCF", "BCF"):
        return _of_file(found, columns, mine)
    return chain([_header(table, columns, mine)], _blocks(table, columns))


def _of_file(found: GenomeComparison, columns: InfoColumns, mine: str) -> Iterator[memoryview | bytes]:
    """The person's file as it stands, with more INFO; where regions were asked for, the records that have a row."""
    from ..ingest.inputs import open_input  # noqa: PLC0415
    from ..ingest.lines_of_one import read_lines  # noqa: PLC0415

    genome = found.genome
    source = open_input(genome.file)
    if source.text is None or genome.sample not in source.header.samples:
        raise InputError(f"{genome.file}: it is another file than that which was compared")
    yield _header_of_file(source, found, columns, mine)
    splicer = Splicer(found.variants, columns, everything=found.wanted.regions is None)
    sample = source.header.samples.index(genome.sample)
    for lines in read_lines(source, sample, columns.keys, num_cores()):
        yield from splicer.spliced(lines)
    if splicer.num_lines != genome.counts["records"]:
        raise InputError(f"{genome.file}: it has changed since it was compared")


def _header_of_file(source: Input, found: GenomeComparison, columns: InfoColumns, mine: str) -> bytes:
    """The header of a file, with what is new; contigs that it has and does not declare are declared."""
    keys, declared = set(columns.keys), set()
    lines = []
    for line in source.header.text.splitlines()[:-1]:
        match = _ID.match(line)
        if match and match[1] == "contig":
            declared.add(match[2])
        if not (match and match[1] == "INFO" and match[2] in keys) and not line.startswith(_MINE):
            lines.append(line)
    lines += [f"##contig=<ID={name}>" for name in found.genome.names if name not in declared]
    lines += [*(field.declared for field in columns.fields), mine]
    lines.append("\t".join([*source.header.text.splitlines()[-1].split("\t")[:9], found.genome.sample]))
    return ("\n".join(lines) + "\n").encode()


def _header(table: GenomeTable, columns: InfoColumns, mine: str) -> bytes:
    genome = table.genome
    lines = ["##fileformat=VCFv4.3", "##source=varstore genome", mine]
    for place in np.unique(genome.alleles.contig).tolist():
        name = genome.contigs[place]
        length = genome.lengths.get(name)
        lines.append(f"##contig=<ID={name}{'' if length is None else f',length={length}'}>")
    lines += [field.declared for field in columns.fields]
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    lines.append("\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()) + f"\t{genome.sample}")
    return ("\n".join(lines) + "\n").encode()


def _blocks(table: GenomeTable, columns: InfoColumns) -> Iterator[memoryview]:
    """One record an allele, normalised, for a genome that was not read from VCF."""
    alleles = table.genome.alleles
    calls = ("0/1", "1/1", "1", "./1")
    call = np.where(alleles.whole, alleles.zygosity, np.uint8(3)).astype(np.int32)
    for begin in range(0, len(table), _ROWS):
        end = min(begin + _ROWS, len(table))
        mine, rows = alleles.take(slice(begin, end)), TextRows(end - begin)
        rows.code(table.coded("contig"), begin)
        rows.allele(POSITION)
        rows.literal(UNKNOWN, 9)
        rows.allele(REF)
        rows.allele(ALT)
        rows.literal(".\t.\t")
        between = ""
        for key, values in zip(columns.keys, columns.values(np.arange(begin, end)), strict=True):
            rows.literal(f"{between}{key}=")
            if isinstance(values, tuple):
                rows.text(*values, 0)
            else:
                rows.integer(values, 0)
            between = ";"
        rows.literal("\tGT\t")
        rows.text(call[begin:end], calls)
        yield rows.written(mine, table.genome.arena)
