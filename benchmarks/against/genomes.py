"""Synthetic sites of 22 chromosomes, and one genome to be read against them.

Sites carry people's calls with the spectrum of a neutral population: an allele with ``i`` copies is ``1 / i`` as common
as one with a single copy. One site in ten is an insertion or a deletion. One variant of the genome in twenty is at a
place that the sites do not have.
"""

import gzip
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from against.answers import StepError
from against.bench import NOT_INSTALLED, VARSTORE, Bench, in_child, installed, peak_memory
from against.data import Dataset
from against.figures import Figure, Row

# Lengths of chromosomes 1 to 22 in GRCh37, in bases.
LENGTHS = (
    249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
    135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520,
    48129895, 51304566,
)  # fmt: skip
ALLELES = ("A\tC", "A\tG", "C\tT", "G\tA", "G\tC", "T\tC", "C\tG", "T\tA", "CA\tC", "G\tGTTC")
NOVEL = 0.05
_PATTERNS = 8
_HEADER = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def header(lines: tuple[str, ...] = ()) -> str:
    """The lines in front of the column names."""
    contigs = "".join(f"##contig=<ID={i + 1},length={length}>\n" for i, length in enumerate(LENGTHS))
    return "##fileformat=VCFv4.3\n" + contigs + "".join(line + "\n" for line in lines)


def call_patterns(rng: random.Random, people: int) -> tuple[list[list[str]], list[list[int]]]:
    """For each number of copies of an allele some rows of calls, and how many people are homozygous in each."""
    rows: list[list[str]] = [[]]
    homozygous: list[list[int]] = [[]]
    for copies in range(1, 2 * people):
        rows.append([])
        homozygous.append([])
        for _ in range(_PATTERNS):
            carried = set(rng.sample(range(2 * people), copies))
            pairs = [(2 * person in carried, 2 * person + 1 in carried) for person in range(people)]
            rows[-1].append("\t".join(f"{a:d}|{b:d}" for a, b in pairs))
            homozygous[-1].append(sum(a and b for a, b in pairs))
    return rows, homozygous


def places(seed: int, sites: int) -> Iterator[tuple[int, int, str]]:
    """Contig from 1, position and alleles of so many sites, in order, further than 4 bases apart."""
    rng = random.Random(seed)
    done = 0
    for contig, length in enumerate(LENGTHS, 1):
        here = sites - done if contig == len(LENGTHS) else sites * length // sum(LENGTHS)
        done += here
        spacing = (length - 20_000) // here
        for number in range(here):
            yield contig, 10_000 + number * spacing + rng.randrange(spacing - 4), ALLELES[rng.randrange(10)]


def write_sites(folder: Path, sites: int, people: int, variants: int, seed: int = 1) -> tuple[Path, Path, Path]:
    """Write people's calls (plain VCF), the same as counts (BGZF, indexed), and one genome (BGZF, indexed)."""
    rng = random.Random(seed)
    rows, homozygous = call_patterns(rng, people)
    copies = rng.choices(range(1, 2 * people), [1 / i for i in range(1, 2 * people)], k=1 << 16)
    calls, counts, genome = (folder / name for name in ("people.vcf", "counts.vcf.gz", "genome.vcf.gz"))
    info = [
        f'##INFO=<ID={key},Number=A,Type={kind},Description="{key}">'
        for key, kind in (("AC", "Integer"), ("AN", "Integer"), ("AF", "Float"), ("NHOM", "Integer"))
    ]
    form = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
    chosen = variants * (1 - NOVEL) / sites
    novel = variants * NOVEL / sites
    with calls.open("w") as all_calls, _bgzip(counts) as all_counts, _bgzip(genome) as mine:
        all_calls.write(header((form,)) + f"{_HEADER}\tFORMAT\t" + "\t".join(f"p{i}" for i in range(people)) + "\n")
        all_counts.stdin.write(header(tuple(info)) + _HEADER + "\n")
        mine.stdin.write(header((form,)) + f"{_HEADER}\tFORMAT\tme\n")
        for number, (contig, position, alleles) in enumerate(places(seed, sites)):
            copied, pattern = copies[number & 0xFFFF], number % _PATTERNS
            site = f"{contig}\t{position}\t.\t{alleles}\t.\tPASS\t"
            all_calls.write(f"{site}.\tGT\t{rows[copied][pattern]}\n")
            counted = f"AC={copied};AN={2 * people};AF={copied / 2 / people:.6g};NHOM={homozygous[copied][pattern]}"
            all_counts.stdin.write(f"{site}{counted}\n")
            drawn = rng.random()
            if drawn < chosen:
                mine.stdin.write(f"{site}.\tGT\t{'1/1' if drawn < 0.35 * chosen else '0/1'}\n")
            elif drawn > 1 - novel:
                mine.stdin.write(f"{contig}\t{position + 2}\t.\tT\tG\t.\tPASS\t.\tGT\t0/1\n")
    for path in (counts, genome):
        subprocess.run(["tabix", "-f", "-p", "vcf", str(path)], check=True)
    return calls, counts, genome


def _bgzip(path: Path) -> "_Pipe":
    return _Pipe(path)


class _Pipe:
    """Text through bgzip into a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._process = subprocess.Popen(["bgzip", "-c"], stdin=subprocess.PIPE, stdout=self._file, text=True)
        assert self._process.stdin is not None
        self.stdin = self._process.stdin

    def __enter__(self) -> "_Pipe":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stdin.close()
        status = self._process.wait()
        self._file.close()
        if status:
            raise RuntimeError("bgzip failed")


def genome_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """One genome of 45 variants for each 100 alleles, its table against annotation from an indexed VCF."""
    folder, repository = bench.path(f"{data.name}.files"), bench.path(f"{data.name}.varstore")
    folder.mkdir(exist_ok=True)
    files = [folder / name for name in ("people.vcf", "counts.vcf.gz", "genome.vcf.gz")]
    if not all(path.exists() for path in files):
        write_sites(folder, data.variants, data.people, data.variants * 45 // 100)
    if not repository.exists():
        bench.run([*VARSTORE, "create", str(repository), str(files[0])])
    table, text = folder / "variants.tsv", folder / "annotated.vcf"
    command = [*VARSTORE, "genome", str(repository), str(files[2]), "-o", str(table)]
    bench.run(command)
    ours = bench.repeat(command)
    theirs, answers = annotate(bench, files, text, table)
    yield Row("one genome, table of its variants", data, ours, "bcftools annotate", theirs, answers)
    yield from lookup_rows(bench, data, repository, files[2], table)
    config = folder / "vcfanno.toml"
    fields = '["AC", "AN", "AF", "NHOM"]'
    ops = '["self", "self", "self", "self"]'
    config.write_text(f'[[annotation]]\nfile = "{files[1]}"\nfields = {fields}\nops = {ops}\n')
    command = ["vcfanno", "-p", "2", str(config), str(files[2])]
    other = bench.repeat(command, text) if installed("vcfanno") else NOT_INSTALLED
    yield Row("one genome, table of its variants", data, ours, "vcfanno", other)


def lookup_rows(bench: Bench, data: Dataset, repository: Path, genome: Path, table: Path) -> Iterator[Row]:
    """The genome's alleles looked up, from arrays and from tuples, on one core; counts are those of its table."""
    for form in ("arrays", "tuples"):
        figure, same = in_child(time_lookup, repository, genome, table, form, bench.warm_runs)
        if not same:
            raise StepError(f"alleles looked up from {form} have other counts than the table of the genome")
        yield Row(f"its alleles looked up from {form}, one core", data, figure, "", "no peer", "equal")


def time_lookup(repository: Path, genome: Path, table: Path, form: str, runs: int) -> tuple[Figure, bool]:
    """Time ``look_up`` of a genome's alleles, warm, on one core; and whether counts are those of the table."""
    import numpy as np

    import varstore

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with gzip.open(genome, "rt") as lines:
        rows = [line.split("\t", 5) for line in lines if not line.startswith("#")]
    alleles: Any = [(row[0], int(row[1]), row[3], row[4]) for row in rows]
    if form == "arrays":
        names = ("contig", "position", "ref", "alt")
        alleles = {name: np.array(values) for name, values in zip(names, zip(*alleles, strict=True), strict=True)}
    repo = varstore.open(repository)
    seconds = []
    for _ in range(1 + min(runs, 5)):
        start = time.perf_counter()
        count = repo.look_up(alleles).allele_count
        seconds.append(time.perf_counter() - start)
    expected = np.loadtxt(table, np.int64, delimiter="\t", skiprows=1, usecols=counted_column(table))
    figure = Figure(median(seconds[1:]), "s", "warm", peak_memory())
    return figure, bool(np.array_equal(count, expected))


def counted_column(table: Path) -> int:
    with table.open() as lines:
        return next(lines).rstrip("\n").split("\t").index("allele_count")


def annotate(bench: Bench, files: list[Path], text: Path, table: Path) -> tuple[Figure | str, str]:
    """Time bcftools, and compare its counts with those of the table. Raises StepError."""
    if not installed("bcftools"):
        return NOT_INSTALLED, "no peer"
    columns = "INFO/AC,INFO/AN,INFO/AF,INFO/NHOM"
    command = ["bcftools", "annotate", "--no-version", "--threads", "2", "-a", str(files[1]), "-c", columns]
    figure = bench.repeat([*command, str(files[2]), "-Ov", "-o", str(text)])
    with table.open() as mine, text.open() as theirs:
        names = next(mine).rstrip("\n").split("\t")
        place = [names.index(name) for name in ("contig", "position", "allele_count", "allele_number", "n_hom_alt")]
        for line in (line for line in theirs if not line.startswith("#")):
            fields, row = line.split("\t", 8), next(mine).split("\t")
            info = dict(field.partition("=")[::2] for field in fields[7].split(";"))
            expected = [*fields[:2], *(info.get(key, "0") for key in ("AC", "AN", "NHOM"))]
            if [row[i] for i in place] != expected:
                raise StepError(f"{row} differs from {line}")
        if next(mine, None) is not None:
            raise StepError("the table has more rows than the file has variants")
    return figure, "equal"
