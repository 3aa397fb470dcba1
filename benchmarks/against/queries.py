"""Counts, warm and from a cold start."""

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from against.answers import Columns, check_equal, read_plink_counts, read_plink_genotypes, read_table
from against.bench import NUM_COHORTS, VARSTORE, Bench, in_child, peak_memory
from against.data import Dataset
from against.figures import Figure, Row


def counts_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    ids, ids_file = bench.cohort(data)
    names = ["allele_count", "allele_number"]
    ours, columns = bench.query_varstore(data, "count_alleles", names, cohort=ids)
    theirs = bench.query_plink2(data, "--keep", ids_file, "--freq", "counts")
    answers = check_plink2(bench, data, columns, theirs)
    yield Row("allele counts, 30 % cohort", data, ours, "plink2", theirs, answers)


def check_plink2(bench: Bench, data: Dataset, columns: Columns, theirs: Figure | str) -> str:
    if isinstance(theirs, str):
        return ""
    return check_equal(columns, read_plink_counts(bench.path(f"{data.name}.answer.acount")))


def region_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Count in 100 kb; what only reaches into them is not compared, plink2 leaves it out."""
    ids, ids_file = bench.cohort(data)
    names = ["allele_count", "allele_number", "position"]
    contig, interval = data.region.replace(",", "").split(":")
    start, end = interval.split("-")
    ours, columns = bench.query_varstore(data, "count_alleles", names, region=data.region, cohort=ids)
    where = ["--chr", contig, "--from-bp", start, "--to-bp", end]
    theirs = bench.query_plink2(data, *where, "--keep", ids_file, "--freq", "counts")
    begins_inside = columns["position"] >= int(start)
    columns = {name: column[begins_inside] for name, column in columns.items()}
    answers = check_plink2(bench, data, columns, theirs)
    yield Row("allele counts, 30 % cohort, 100 kb", data, ours, "plink2", theirs, answers)


def genotype_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    ids, ids_file = bench.cohort(data)
    names = ["n_hom_ref", "n_het", "n_hom_alt", "n_missing"]
    ours, columns = bench.query_varstore(data, "count_genotypes", names, cohort=ids)
    theirs = bench.query_plink2(data, "--keep", ids_file, "--geno-counts")
    answers = ""
    if not isinstance(theirs, str):
        expected = read_plink_genotypes(bench.path(f"{data.name}.answer.gcount"))
        answers = check_equal(columns, expected)
    yield Row("genotype counts, 30 % cohort", data, ours, "plink2", theirs, answers)


def cohorts_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Count 26 cohorts in one pass, disjoint and overlapping ones, against plink2 and one cohort of our own."""
    ids, _ = bench.cohort(data)
    names = ["allele_count", "allele_number"]
    one, _ = bench.query_varstore(data, "count_alleles", names, cohort=ids)
    disjoint, file = bench.cohorts(data)
    overlapping = bench.overlapping_cohorts(data)
    for kind, cohorts in (("", disjoint), (", overlapping", overlapping)):
        ours, columns = bench.query_varstore(data, "count_alleles", names, cohorts=cohorts)
        task = f"allele counts, {NUM_COHORTS} cohorts{kind}"
        if not kind:
            options = ["--pheno", file, "--loop-cats", "COHORT", "--freq", "counts"]
            theirs = bench.query_plink2(data, *options)
            files = [f"{data.name}.answer.{name}.acount" for name in cohorts]
            yield Row(task, data, ours, "plink2", theirs, check_cohorts(bench, files, columns, theirs))
        theirs, files = bench.runs_of_plink2(data, cohorts)
        answers = check_cohorts(bench, files, columns, theirs)
        yield Row(task, data, ours, f"{NUM_COHORTS} runs of plink2", theirs, answers)
        yield Row(task, data, ours, "one cohort", one)


def one_allele_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Count one common allele in cohorts that were not asked for before, and compare with the people's calls."""
    ours, equal = in_child(time_one_allele, bench.repository(data), bench.warm_runs)
    yield Row("one allele in a new 30 % cohort", data, ours, "", "no peer", answers="equal" if equal else "DIFFERENT")


def time_one_allele(repository: Path, runs: int) -> tuple[Figure, bool]:
    """Open a repository, and time one allele's counts in random cohorts of 30 %, each asked once."""
    import varstore

    repo = varstore.open(repository)
    everybody = repo.count_alleles()
    row = int(np.argmin(np.abs(everybody.allele_frequency - 0.3)))
    where, alt = f"{everybody.contig[row]}:{everybody.position[row]}", everybody.alt[row]
    allele = f"{where} {everybody.ref[row]}>{alt}"
    samples, draw = repo.samples, random.Random(3)
    seconds, equal = [], True
    for _ in range(1 + runs):
        ids = draw.sample(samples, len(samples) * 3 // 10)
        cohort = repo.cohort(ids)
        start = time.perf_counter()
        (found,) = repo.count_alleles(allele, cohort=cohort).allele_count
        seconds.append(time.perf_counter() - start)
        calls = repo.genotypes(where, samples=ids)
        (record,) = np.flatnonzero((calls.variant_allele == alt).any(axis=1))
        code = calls.variant_allele[record].tolist().index(alt)
        equal &= int(found) == int((calls.call_genotype[record] == code).sum())
    return Figure(median(seconds[1:]), "s", "warm", peak_memory()), equal


def check_cohorts(bench: Bench, files: Sequence[str], columns: Columns, theirs: Figure | str) -> str:
    """Compare every number of a table of cohorts with plink2's, a file a cohort."""
    if isinstance(theirs, str):
        return ""
    tables = [read_plink_counts(bench.path(name)) for name in files]
    by_site = {name: np.stack([table[name] for table in tables], axis=1) for name in columns}
    return check_equal(columns, {name: both.reshape(-1) for name, both in by_site.items()})


def cold_start_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Time the command line, from the shell's side; both answer in a file."""
    _, ids_file = bench.cohort(data)
    output = bench.path(f"{data.name}.answer.tsv")
    variants = {"": [], " -S FILE": ["-S", ids_file]}
    for text, options in variants.items():
        command = [*VARSTORE, "count", str(bench.repository(data)), *options]
        bench.run(command)
        ours = bench.repeat(command, output)
        table = read_table(output)
        columns = {name: np.array(table[name], dtype=np.int64) for name in ("allele_count", "allele_number")}
        keep = ["--keep", ids_file] if options else []
        theirs = bench.query_plink2(data, *keep, "--freq", "counts")
        answers = check_plink2(bench, data, columns, theirs)
        yield Row(f"cold start, count REPO{text}", data, ours, "plink2", theirs, answers)
