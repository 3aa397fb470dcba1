"""Repositories of many batches: adding to them, and asking them."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from against.answers import StepError, check_equal, read_samples
from against.bench import VARSTORE, Bench, in_child, installed, time_query
from against.data import ROOT, Dataset
from against.figures import Figure, Row

NUM_BATCHES = 32
ALLELE = "22:{position} A>C"


def add_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Add a tenth of the people, under other names, to the data once, ten times, and fifty times a tenth."""
    tenth = cut(bench, data, 10)[0]
    people = data.people // 10
    times = {}
    sizes = (1, 10, 50) if bench.process_runs > 1 else (1, 2)
    for copies in sizes:
        repository = bench.path(f"{data.name}.{copies}-tenths.varstore")
        grow(bench, repository, tenth, copies)
        times[copies] = time_add(bench, repository, tenth)
    for copies in sizes[1:]:
        task = f"add {people:,} people to {people * copies:,}"
        yield Row(task, data, times[copies], f"to {people:,}", times[1])


def grow(bench: Bench, repository: Path, source: Path, copies: int) -> None:
    """A repository of one file, its people again and again under other names."""
    shutil.rmtree(repository, ignore_errors=True)
    bench.run([*VARSTORE, "create", str(repository)])
    for copy in range(copies):
        bench.run([*VARSTORE, "add", str(repository), str(source), "--rename", renames(bench, source, f"c{copy}")])


def renames(bench: Bench, source: Path, tag: str) -> str:
    """Return a file that puts ``tag`` in front of every name."""
    path = bench.path("renames.tsv")
    path.write_text("".join(f"{name}\t{tag}-{name}\n" for name in read_samples(source)))
    return str(path)


def time_add(bench: Bench, repository: Path, source: Path) -> Figure:
    """The median of adds to a copy of the repository, which hard links make at no cost."""
    figures = []
    names = renames(bench, source, "new")
    for _ in range(bench.process_runs + 1):
        copy = bench.path("growing.varstore")
        shutil.rmtree(copy, ignore_errors=True)
        bench.run(["cp", "-al", str(repository), str(copy)])
        figures.append(bench.run([*VARSTORE, "add", str(copy), str(source), "--rename", names]))
    figures = figures[1:] or figures
    return Figure(median(f.value for f in figures), "s", "process", max(f.memory or 0 for f in figures))


def cut(bench: Bench, data: Dataset, num_batches: int) -> list[Path]:
    """The data as batches of disjoint people, each with its own sites, made once."""
    folder = bench.path(f"{data.name}.{num_batches}-batches")
    if not folder.exists():
        part = bench.path(f"part.{folder.name}")
        shutil.rmtree(part, ignore_errors=True)
        tool = [str(ROOT / "tools/cut_batches.py"), str(bench.vcf(data)), str(part), "--batches", str(num_batches)]
        bench.run([sys.executable, *tool])
        part.rename(folder)
    return sorted(folder.iterdir())


def batches_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Count 30 % of the people in one batch, and in 32 batches with their own sites."""
    ids, _ = bench.cohort(data)
    many = bench.path(f"{data.name}.{NUM_BATCHES}-batches.varstore")
    shutil.rmtree(many, ignore_errors=True)
    # Files of one command with different people become batches of their own.
    files = map(str, cut(bench, data, NUM_BATCHES))
    bench.run([*VARSTORE, "create", str(many), *files])
    names = ["allele_count"]
    one, expected = bench.query_varstore(data, "count_alleles", names, cohort=ids)
    ours, found = in_child(time_query, many, "count_alleles", names, {"cohort": ids}, bench.warm_runs)
    yield Row(f"allele counts, 30 % cohort, {NUM_BATCHES} batches", data, ours, "one batch", one,
              check_equal(sorted_counts(found), sorted_counts(expected)))  # fmt: skip
    bench.run([*VARSTORE, "compact", str(many)])
    ours, found = in_child(time_query, many, "count_alleles", names, {"cohort": ids}, bench.warm_runs)
    yield Row(f"the same, {NUM_BATCHES} batches compacted", data, ours, "one batch", one,
              check_equal(sorted_counts(found), sorted_counts(expected)))  # fmt: skip


def sorted_counts(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Sites that nobody carries are in no batch: compare the counts above 0, in any order."""
    counts = np.sort(columns["allele_count"])
    return {"allele_count": counts[counts > 0]}


def lookup_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Ask 100 batches for one allele and for 10 kb; ``data.variants`` alleles, ``data.people`` people in all."""
    repository = bench.path(f"{data.name}.lookup.varstore")
    if not repository.exists():
        make_lookup(bench, data, repository)
    batches = num_lookup_batches(data)
    middle = 1_000 + 10 * (data.variants // batches // 2) * batches
    names = ["allele_count", "position"]
    for what, region in (("one allele", ALLELE.format(position=middle)), ("10 kb", f"22:{middle}-{middle + 9_999}")):
        ours, found = in_child(time_query, repository, "count_alleles", names, {"region": region}, bench.warm_runs)
        expected = 1 if what == "one allele" else 1_000
        if len(found["position"]) != expected:
            raise StepError(f"{region}: {len(found['position'])} rows, expected {expected}")
        yield Row(f"{what} in {batches} batches", data, ours, "", "no peer")


def num_lookup_batches(data: Dataset) -> int:
    """100; of small data 5."""
    return 100 if data.variants >= 10_000_000 else 5


def make_lookup(bench: Bench, data: Dataset, repository: Path) -> None:
    """Batches of synthetic sites, 10 bp apart in turn: every allele is in one batch, every 10 kb in all."""
    part = bench.path(f"part.{repository.name}")
    shutil.rmtree(part, ignore_errors=True)
    batches = num_lookup_batches(data)
    people, sites = data.people // batches, data.variants // batches
    bench.run([*VARSTORE, "create", str(part)])
    vcf = bench.path("lookup.vcf")
    for batch in range(batches):
        with vcf.open("w") as file:
            file.write("##fileformat=VCFv4.3\n##contig=<ID=22>\n")
            file.write('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n')
            samples = "\t".join(f"b{batch}s{i}" for i in range(people))
            file.write(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{samples}\n")
            calls = "\t".join(["0|1"] + ["0|0"] * (people - 1))
            for site in range(sites):
                file.write(f"22\t{1_000 + 10 * (site * batches + batch)}\t.\tA\tC\t.\t.\t.\tGT\t{calls}\n")
        bench.run([*VARSTORE, "add", str(part), str(vcf)])
    part.rename(repository)


def merge_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Add two batches of half the people, each with its own sites, and export them as one BCF."""
    if not installed("bcftools"):
        raise StepError("bcftools, which merges, is not installed")
    sources = [bgzipped(bench, path) for path in cut(bench, data, 2)]
    repository, ours, theirs = (bench.path(f"{data.name}.merge.{end}") for end in ("varstore", "bcf", "bcftools.bcf"))
    figures = []
    for _ in range(bench.process_runs):
        shutil.rmtree(repository, ignore_errors=True)
        bench.run([*VARSTORE, "create", str(repository)])
        steps = [[*VARSTORE, "add", str(repository), str(source), "--threads", "2"] for source in sources]
        export = ["export", str(repository), "-O", "bcf", "-o", str(ours), "--force", "--threads", "2"]
        done = [bench.run(step) for step in [*steps, [*VARSTORE, *export]]]
        memory = max(figure.memory or 0 for figure in done)
        figures.append(Figure(sum(figure.value for figure in done), "s", "process", memory))
    merge = ["bcftools", "merge", "-m", "both", "-Ob", "--threads", "2", *map(str, sources), "-o", str(theirs)]
    figure = Figure(median(f.value for f in figures), "s", "process", max(f.memory or 0 for f in figures))
    peer = bench.repeat(merge)
    if digest(bench, ours) != digest(bench, theirs):
        raise StepError("the records of the export are not those of bcftools merge")
    yield Row("two adds and export to BCF", data, figure, "bcftools merge", peer, "equal")


def bgzipped(bench: Bench, source: Path) -> Path:
    """The file as BGZF with an index, as ``bcftools merge`` wants it, made once."""
    path = source.parent.with_name(f"{source.parent.name}.bgzf") / source.name
    path.parent.mkdir(exist_ok=True)
    if not path.with_name(f"{path.name}.csi").exists():
        bench.run(["bcftools", "view", "--no-version", "--threads", "2", "-Oz", str(source), "-o", str(path)])
        bench.run(["bcftools", "index", "-f", str(path)])
    return path


def digest(bench: Bench, path: Path) -> str:
    """What CHROM, POS, REF, ALT and GT of all records come to."""
    script = r"""bcftools query -f '%CHROM %POS %REF %ALT[ %GT]\n' "$0" | sha256sum"""
    out = bench.path("digest.txt")
    bench.run(["sh", "-c", script, str(path)], out)
    return out.read_text()
