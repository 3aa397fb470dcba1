"""Runs of homozygosity: those of plink1.9, those of a naive reading of its rules, and what is made of them."""

import math
import shutil
import subprocess

import numpy as np
import pytest

import varstore as vs
import vcf_text
from varstore.errors import QueryError
from varstore.relatedness.homozygosity import RunRules

RULES = {
    "defaults": RunRules(),
    "short": RunRules(min_sites=30, min_kb=200, window=20, window_het=0, window_missing=2),
    "strict": RunRules(min_sites=50, min_kb=500, max_kb_per_site=20, max_gap_kb=100, threshold=0.2, max_het=1),
    "none het": RunRules(min_sites=20, min_kb=100, window=30, max_het=0, window_het=2),
}
OPTIONS = {
    "window": "window-snp", "window_het": "window-het", "window_missing": "window-missing",
    "threshold": "window-threshold", "min_sites": "snp", "min_kb": "kb", "max_kb_per_site": "density",
    "max_gap_kb": "gap", "max_het": "het",
}  # fmt: skip
CONTIGS = {"1": 1500, "2": 500, "3": 40}


def inbred_vcf(seed, missing, people=30):
    """Calls of people who have stretches with two equal copies, with mistakes; gaps of all sizes."""
    rng = np.random.default_rng(seed)
    lines = ["##fileformat=VCFv4.3", *(f"##contig=<ID={name}>" for name in CONTIGS)]
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">')
    fixed = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*fixed, *(f"s{i}" for i in range(people))]))
    for contig, sites in CONTIGS.items():
        position = np.cumsum(rng.choice([3000, 20000, 60000, 1500000], sites, p=[0.6, 0.34, 0.055, 0.005]))
        calls = (rng.random((sites, people, 2)) < rng.beta(1, 1, sites)[:, None, None]).astype(int)
        for person in range(people):
            for _ in range(6):
                begin = rng.integers(0, sites)
                end = begin + rng.integers(20, 400)
                calls[begin:end, person, 1] = calls[begin:end, person, 0]
        calls[rng.random((sites, people)) < 0.004] = [0, 1]
        for i in range(sites):
            gt = ["./." if rng.random() < missing else f"{a}/{b}" for a, b in calls[i].tolist()]
            lines.append("\t".join([contig, str(position[i]), ".", "A", "C", ".", ".", ".", "GT", *gt]))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", params=[0, 0.02, 0.1], ids=["whole", "2 % missing", "10 % missing"])
def fx_inbred(request, tmp_path_factory):
    """A VCF of people with runs, and its repository."""
    directory = tmp_path_factory.mktemp("inbred")
    source = vcf_text.write_bgzf(directory / "a.vcf.gz", inbred_vcf(int(100 * request.param), request.param))
    return vs.create(directory / "repo", source), source


def rows(table):
    names = ("sample", "contig", "start", "end", "num_sites")
    return sorted(zip(*(table[name].tolist() for name in names), strict=True))


@pytest.mark.skipif(shutil.which("plink1.9") is None, reason="plink1.9 is not installed")
@pytest.mark.parametrize("name", RULES)
def test_as_plink_finds_them(name, fx_inbred, tmp_path):
    repo, source = fx_inbred
    rules = RULES[name]
    options = []
    for field, option in OPTIONS.items():
        if getattr(rules, field) is not None:
            options += [f"--homozyg-{option}", f"{getattr(rules, field):g}"]
    command = ["plink1.9", "--vcf", source, "--double-id", "--homozyg", *options, "--out", tmp_path / "plink"]
    subprocess.run(command, check=True, capture_output=True)
    lines = [line.split() for line in (tmp_path / "plink.hom").read_text().splitlines()[1:]]
    expected = sorted((line[0], line[3], int(line[6]), int(line[7]), int(line[9])) for line in lines)
    assert len(expected) > 100
    assert rows(repo.runs_of_homozygosity(rules=rules).runs) == expected


def naive(position, het, missing, rules):
    """Runs of one person on one contig as (first, last) sites."""
    sites, window = len(position), rules.window
    good = [
        het[w : w + window].sum() <= rules.window_het and missing[w : w + window].sum() <= rules.window_missing
        for w in range(sites - window + 1)
    ]
    runs, run = [], []
    for site in range(sites):
        mine = good[max(0, site - window + 1) : site + 1]
        eligible = bool(mine) and sum(mine) >= math.ceil(rules.threshold * len(mine) - 1e-12)
        many = rules.max_het is not None and het[site] and het[run].sum() == rules.max_het
        if run and (not eligible or position[site] - position[site - 1] > 1000 * rules.max_gap_kb or many):
            runs.append(run)
            run = []
        if run or (eligible and not (rules.max_het == 0 and het[site])):
            run = [*run, site]
    for found in filter(None, [*runs, run]):
        length = position[found[-1]] - position[found[0]] + 1
        long = 1000 * rules.min_kb <= length <= 1000 * rules.max_kb_per_site * len(found)
        if long and len(found) >= rules.min_sites:
            yield found


@pytest.mark.parametrize("name", RULES)
def test_as_the_rules_say(name, fx_inbred):
    repo, _ = fx_inbred
    rules = RULES[name]
    people = repo.samples[3:30:8]
    found = repo.genotypes(samples=people)
    calls = found.call_genotype
    expected = []
    for person, sample in enumerate(people):
        for contig in CONTIGS:
            here = found.variant_contig == contig
            position, call = found.variant_position[here], calls[here, person]
            missing = (call < 0).any(axis=1)
            het = ~missing & (call[:, 0] != call[:, 1])
            for run in naive(position, het, missing, rules):
                ends = position[run[0]], position[run[-1]]
                expected.append((sample, contig, *ends, len(run), het[run].sum(), missing[run].sum()))
    runs = repo.runs_of_homozygosity(samples=people, rules=rules).runs
    names = ("sample", "contig", "start", "end", "num_sites", "n_het", "n_missing")
    assert sorted(zip(*(runs[name].tolist() for name in names), strict=True)) == sorted(expected)


def test_people_and_sharing(fx_inbred):
    """What is added up is what the runs say."""
    repo, _ = fx_inbred
    found = repo.runs_of_homozygosity(rules=RULES["short"])
    runs, people, sharing = found.runs, found.people, found.sharing
    assert people["sample"].tolist() == repo.samples
    for i, sample in enumerate(repo.samples):
        lengths = runs["num_bases"][runs["sample"] == sample]
        assert people["n_runs"][i] == len(lengths)
        assert people["num_bases"][i] == lengths.sum()
        assert people["longest"][i] == lengths.max(initial=0)
    positions = repo.count_alleles()
    covered = sum(np.ptp(positions["position"][positions["contig"] == contig]) + 1 for contig in CONTIGS)
    np.testing.assert_allclose(people["f_roh"], people["num_bases"] / covered)
    assert (sharing["num_bases"] * sharing["n_samples"]).sum() == runs["num_bases"].sum()
    for i in range(0, len(sharing), 7):
        inside = (runs["contig"] == sharing["contig"][i]) & (runs["start"] <= sharing["start"][i])
        inside &= runs["end"] >= sharing["end"][i]
        assert inside.sum() == sharing["n_samples"][i]
    pytest.importorskip("matplotlib")
    assert "people" in found.plot().axes[0].get_ylabel()


def test_nobody_and_nothing(tmp_path):
    text = vcf_text.make_vcf(3, 20, 4, contigs=("X",))
    repo = vs.create(tmp_path / "x", vcf_text.write_bgzf(tmp_path / "x.vcf.gz", text))
    with pytest.raises(QueryError, match="no biallelic site of an autosome"):
        repo.runs_of_homozygosity()
    text = vcf_text.make_vcf(3, 20, 4, contigs=("1",))
    repo = vs.create(tmp_path / "one", vcf_text.write_bgzf(tmp_path / "one.vcf.gz", text))
    found = repo.runs_of_homozygosity(samples=repo.samples[:1])
    assert [len(table) for table in (found.runs, found.people, found.sharing)] == [0, 1, 0]
    assert math.isnan(found.people["mean_bases"][0])
    for wrong in ({"window": 0}, {"threshold": 0}, {"threshold": 2}, {"min_kb": float("nan")}, {"max_het": -1}):
        with pytest.raises(QueryError, match="expected"):
            RunRules(**wrong)


def test_the_command(fx_inbred, fx_cli, tmp_path):
    repo, _ = fx_inbred
    options = ["--min-sites", "30", "--min-kb", "200", "--window", "20", "--window-het", "0", "--window-missing", "2"]
    beside = ["--per-sample", tmp_path / "people.tsv", "--sharing", tmp_path / "sharing.tsv"]
    done = fx_cli("roh", repo.path, *options, *beside)
    found = repo.runs_of_homozygosity(rules=RULES["short"])
    assert done.stdout == "".join(found.runs.to_tsv())
    assert (tmp_path / "people.tsv").read_text() == "".join(found.people.to_tsv())
    assert (tmp_path / "sharing.tsv").read_text() == "".join(found.sharing.to_tsv())
    assert ".png or .svg" in fx_cli("roh", repo.path, "--plot", "a.gif", status=1).stderr
