"""Cohorts compared: Fisher's exact test at every site, and Fst."""

import random
from collections.abc import Iterator

import numpy as np

from against.answers import Columns, StepError, read_samples, read_table
from against.bench import NOT_INSTALLED, Bench, installed
from against.data import Dataset
from against.figures import Figure, Row

NUM_GROUPS = 3


def fst_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    samples = read_samples(bench.vcf(data))
    random.Random(3).shuffle(samples)
    groups = {f"G{k}": samples[k::NUM_GROUPS] for k in range(NUM_GROUPS)}
    path = bench.path(f"{data.name}.groups.txt")
    lines = [f"{sample}\t{name}\n" for name, ids in groups.items() for sample in ids]
    path.write_text("#IID\tGROUP\n" + "".join(lines))
    ours, columns = bench.query_varstore(data, "fst", ["hudson_fst"], cohorts=groups)
    theirs = bench.query_plink2(data, "--pheno", str(path), "--fst", "GROUP", "method=hudson")
    answers = ""
    if not isinstance(theirs, str):
        table = read_table(bench.path(f"{data.name}.answer.fst.summary"))
        check_printed(columns["hudson_fst"], table["HUDSON_FST"], digits=6)
        answers = "equal, 6 digits"
    yield Row(f"Hudson's Fst, {NUM_GROUPS} groups", data, ours, "plink2", theirs, answers)


def fisher_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Half the people against the others. plink 1.9 keeps one ALT a record, so records with several are left out."""
    samples = read_samples(bench.vcf(data))
    random.Random(2).shuffle(samples)
    middle = len(samples) // 2
    names = ["position", "ref", "alt", "p_value", "odds_ratio"]
    ours, columns = bench.query_varstore(data, "compare_cohorts", names, a=samples[:middle], b=samples[middle:])
    theirs = fisher_of_plink(bench, data, samples[:middle], samples[middle:])
    answers = "" if isinstance(theirs, str) else check_plink(bench, data, columns)
    yield Row("Fisher's exact test, half and half", data, ours, "plink1.9", theirs, answers)


def fisher_of_plink(bench: Bench, data: Dataset, cases: list[str], controls: list[str]) -> Figure | str:
    if not installed("plink1.9"):
        return NOT_INSTALLED
    prefix = bench.path(f"{data.name}.plink19")
    if not prefix.with_suffix(".bed").exists():
        bench.run(["plink1.9", "--vcf", str(bench.vcf(data)), "--double-id", "--keep-allele-order", "--make-bed",
                   "--out", str(prefix)])  # fmt: skip
    status = bench.path(f"{data.name}.status.txt")
    both = ((cases, 2), (controls, 1))
    status.write_text("".join(f"{name} {name} {value}\n" for names, value in both for name in names))
    command = ["plink1.9", "--bfile", str(prefix), "--pheno", str(status), "--allow-no-sex", "--keep-allele-order"]
    command += ["--assoc", "fisher", "--threads", "2", "--out", str(bench.path(f"{data.name}.answer"))]
    bench.run(command)
    return bench.repeat(command)


def check_plink(bench: Bench, data: Dataset, columns: Columns) -> str:
    lines = bench.path(f"{data.name}.answer.assoc.fisher").read_text().splitlines()
    place = {name: k for k, name in enumerate(lines[0].split())}
    sites = list(zip(columns["position"].tolist(), columns["ref"].tolist(), strict=True))
    number = dict.fromkeys(sites, 0)
    for site in sites:
        number[site] += 1
    rows = {(*site, alt): i for i, (site, alt) in enumerate(zip(sites, columns["alt"].tolist(), strict=True))}
    found, p, odds = [], [], []
    for line in lines[1:]:
        row = line.split()
        site = int(row[place["BP"]]), row[place["A2"]]
        i = rows.get((*site, row[place["A1"]]))
        if i is None or number[site] > 1:
            continue
        found.append(i)
        p.append("nan" if np.isnan(columns["p_value"][i]) and row[place["P"]] == "1" else row[place["P"]])
        odds.append(row[place["OR"]])
    if len(found) < 0.9 * len(number):
        raise StepError(f"{len(found)} of {len(number)} sites are in plink's answer")
    check_printed(columns["p_value"][found], p, digits=4)
    check_printed(columns["odds_ratio"][found], odds, digits=4)
    return "equal, 4 digits"


def check_printed(ours: np.ndarray, texts: list[str], digits: int) -> None:
    """Raise StepError unless the numbers are those that a peer prints, NA missing, up to its last digit."""
    theirs = np.array([np.nan if text in ("NA", "nan") else float(text) for text in texts])
    near = np.isclose(ours, theirs, rtol=6 * 10.0**-digits, atol=1e-300, equal_nan=True)
    if not near.all():
        row = int(np.flatnonzero(~near)[0])
        raise StepError(
            f"{(~near).sum()} of {len(near)} numbers differ; the first is {ours[row]}, the peer's {texts[row]}"
        )
