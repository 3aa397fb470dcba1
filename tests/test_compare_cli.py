"""Comparisons against plink 1.9, over several batches, in words and as commands."""

import json
import math
import random
import re
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest

import varstore as vs
from conftest import PANEL, SLICE
from varstore.stats import diversity

BASES = "ACGT"


@pytest.fixture(scope="module")
def fx_1kg(fx_shared_data, tmp_path_factory):
    """The 1000 Genomes slice, its repository, Africans and Europeans."""
    repo = vs.create(tmp_path_factory.mktemp("1kg") / "repo", fx_shared_data / SLICE)
    lines = [line.split()[:3] for line in (fx_shared_data / PANEL).read_text().splitlines()[1:]]
    groups = {name: [sample for sample, _, group in lines if group == name] for name in ("AFR", "EUR")}
    return fx_shared_data / SLICE, repo, groups


def run_plink(source, groups, folder, *options):
    if shutil.which("plink1.9") is None:
        pytest.skip("plink1.9 is not installed")
    status = {name: str(2 - k) for k, ids in enumerate(groups.values()) for name in ids}
    (folder / "keep.txt").write_text("".join(f"{name} {name}\n" for name in status))
    (folder / "status.txt").write_text("".join(f"{name} {name} {value}\n" for name, value in status.items()))
    command = ["plink1.9", "--vcf", source, "--double-id", "--biallelic-only", "strict", "--keep-allele-order"]
    command += ["--keep", folder / "keep.txt", "--pheno", folder / "status.txt", "--allow-no-sex"]
    subprocess.run([*command, *options, "--out", folder / "out"], check=True, capture_output=True, timeout=120)


def read_plink(path):
    lines = [line.split() for line in path.read_text().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def assert_printed(found, text):
    """What plink prints, to its four digits; NA, inf and nan are missing."""
    if text in ("NA", "inf", "nan"):
        assert math.isnan(found)
    else:
        assert found == pytest.approx(float(text), rel=6e-4, abs=1e-300)


def biallelic(table):
    """Rows of the records with one ALT: plink 1.9 knows no others."""
    sites = [*zip(table.position.tolist(), table.ref.tolist(), strict=True)]
    several = {site for site in sites if sites.count(site) > 1} if len(sites) < 500 else _repeated(sites)
    return [i for i, site in enumerate(sites) if site not in several]


def _repeated(sites):
    seen, again = set(), set()
    for site in sites:
        (again if site in seen else seen).add(site)
    return again


def test_parity_with_plink_fisher(fx_1kg, tmp_path):
    """But for alleles that nobody has: plink's p is 1 there, ours missing, for there is nothing to test."""
    source, repo, groups = fx_1kg
    run_plink(source, groups, tmp_path, "--assoc", "fisher", "--ci", "0.95")
    expected = {(int(row["BP"]), row["A2"], row["A1"]): row for row in read_plink(tmp_path / "out.assoc.fisher")}
    table = repo.compare_cohorts(*groups.values())
    rows = biallelic(table)
    compared = full = 0
    for i in rows:
        row = expected.get((table.position[i], table.ref[i], table.alt[i]))
        if row is None:
            continue
        compared += 1
        assert_printed(table.allele_frequency_a[i], row["F_A"])
        assert_printed(table.allele_frequency_b[i], row["F_U"])
        assert_printed(table.odds_ratio[i], row["OR"])
        if table.allele_count_a[i] + table.allele_count_b[i] in (
            0,
            table.allele_number_a[i] + table.allele_number_b[i],
        ):
            assert math.isnan(table.p_value[i])
            assert row["P"] == "1"
        else:
            assert_printed(table.p_value[i], row["P"])
        if row["U95"] not in ("NA", "nan"):
            full += 1
            assert_printed(table.odds_ratio_low[i], row["L95"])
            assert_printed(table.odds_ratio_high[i], row["U95"])
    assert compared > 5900
    assert full > 500


def test_parity_with_plink_models(fx_1kg, tmp_path):
    source, repo, groups = fx_1kg
    run_plink(source, groups, tmp_path, "--model", "--cell", "0")
    names = {"GENO": "genotypic", "TREND": "trend", "ALLELIC": "chi2", "DOM": "dominant", "REC": "recessive"}
    tables = {name: repo.compare_cohorts(*groups.values(), test=test) for name, test in names.items()}
    table = tables["GENO"]
    place = {(f"{table.alt[i]}", f"{table.ref[i]}", f"{table.position[i]}"): i for i in biallelic(table)}
    position = {}
    for line in subprocess.run(
        ["bcftools", "query", "-f", "%ID\t%POS\t%REF\t%ALT\n", source], capture_output=True, text=True, check=True
    ).stdout.splitlines():
        identity, at, ref, alt = line.split("\t")
        position.setdefault((identity, alt, ref), []).append(at)
    compared = 0
    for row in read_plink(tmp_path / "out.model"):
        at = position.get((row["SNP"], row["A1"], row["A2"]), [])
        i = place.get((row["A1"], row["A2"], at[0])) if len(at) == 1 else None
        if i is None:
            continue
        compared += 1
        found = tables[row["TEST"]]
        assert_printed(found.chi2[i], row["CHISQ"])
        assert_printed(found.p_value[i], row["P"])
        assert row["DF"] in ("NA", str(found.degrees_of_freedom[i]))
    assert compared > 5 * 5900


def vcf_of(records, people):
    """VCF of diploid calls. records : position, REF, ALTs and for each person two codes"""
    head = "##fileformat=VCFv4.3\n##contig=<ID=1,length=100000>\n"
    lines = ["\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *people])]
    for position, ref, alts, calls in records:
        texts = ["|".join("." if code < 0 else str(code) for code in call) for call in calls]
        lines.append("\t".join(["1", str(position), ".", ref, ",".join(alts), ".", ".", ".", "GT", *texts]))
    return head + "\n".join(lines) + "\n"


def some_records(num_people, missing, seed=11):
    """SNVs or insertions, up to three ALTs a record."""
    rng = random.Random(seed)
    records = []
    for position in range(100, 8100, 100):
        ref = rng.choice(BASES)
        choices = [base for base in BASES if base != ref]
        if rng.random() < 0.3:
            choices = [ref + "T", ref + "GG", ref + "ACA"]
        alts = rng.sample(choices, rng.randint(1, 3))
        share = rng.choice([0.02, 0.2, 0.6])
        calls = [
            (-1, -1) if rng.random() < missing
            else tuple(rng.randint(1, len(alts)) if rng.random() < share else 0 for _ in "ab")
            for _ in range(num_people)
        ]  # fmt: skip
        records.append((position, ref, alts, calls))
    return records


def own_records(records, first, last):
    """What a batch of some people would have: only records and ALTs that they carry, numbered anew."""
    for position, ref, alts, calls in records:
        mine = calls[first:last]
        carried = sorted({code for call in mine for code in call if code > 0})
        if carried:
            new = {0: 0, -1: -1} | {code: number for number, code in enumerate(carried, 1)}
            yield (
                position,
                ref,
                [alts[code - 1] for code in carried],
                [tuple(new[code] for code in call) for call in mine],
            )


def answers(repo, people):
    """Every comparison of two halves, as columns."""
    halves = {"a": people[::2], "b": people[1::2]}
    tables = [repo.compare_cohorts(*halves.values(), test=test) for test in ("fisher", "genotypic", "trend")]
    tables += [repo.fst(halves, window=1500, step=700), repo.fst(halves), repo.diversity(halves, "1:2000-5000")]
    return tables


def assert_same(tables, others):
    for table, other in zip(tables, others, strict=True):
        assert table.columns == other.columns
        if "alt" in table.columns:
            order, other_order = (np.lexsort((each.alt.astype(str), each.position)) for each in (table, other))
        else:
            order = other_order = np.arange(len(table))
        assert len(table) == len(other) > 0
        for name in table.columns:
            np.testing.assert_array_equal(table[name][order], other[name][other_order], err_msg=name)


def test_people_may_come_in_one_batch_or_in_several(tmp_path):
    people = [f"P{i}" for i in range(37)]
    records = some_records(len(people), missing=0.1)
    (tmp_path / "all.vcf").write_text(vcf_of(records, people))
    whole = vs.create(tmp_path / "whole", tmp_path / "all.vcf")
    parts = None
    for first, last in ((0, 10), (10, 11), (11, 37)):
        part = [(position, ref, alts, calls[first:last]) for position, ref, alts, calls in records]
        (tmp_path / "part.vcf").write_text(vcf_of(part, people[first:last]))
        if parts is None:
            parts = vs.create(tmp_path / "parts", tmp_path / "part.vcf")
        else:
            parts.add(tmp_path / "part.vcf")
    assert_same(answers(whole, people), answers(parts, people))


@pytest.mark.parametrize("cuts", [(0, 20, 37), (0, 4, 8, 12, 20, 25, 37)])
def test_batches_with_sites_of_their_own_are_joined_to_the_same_sites(cuts, tmp_path):
    """Each batch has only what its people carry; where it has no record they are reference."""
    people = [f"P{i}" for i in range(37)]
    records = some_records(len(people), missing=0)
    records = [record for record in records if any(any(call) for call in record[3])]
    (tmp_path / "all.vcf").write_text(vcf_of(list(own_records(records, 0, 37)), people))
    whole = vs.create(tmp_path / "whole", tmp_path / "all.vcf")
    parts = None
    for first, last in pairwise(cuts):
        mine = list(own_records(records, first, last))
        (tmp_path / "part.vcf").write_text(vcf_of(mine, people[first:last]))
        if parts is None:
            parts = vs.create(tmp_path / "parts", tmp_path / "part.vcf", absent="reference")
        else:
            parts.add(tmp_path / "part.vcf", absent="reference")
    assert parts.num_variants != whole.num_variants
    assert_same(answers(whole, people)[3:], answers(parts, people)[3:])
    assert_same(answers(whole, people)[:1], answers(parts, people)[:1])


def test_withdrawn_people_and_filters(tmp_path):
    """Who was withdrawn is on no side; a record that fails the filter is missing, and kept as a row."""
    people = [f"P{i}" for i in range(20)]
    text = vcf_of(some_records(20, missing=0.1), people).replace(
        "##contig", '##FILTER=<ID=q10,Description="low">\n##contig', 1
    )
    lines = text.splitlines()
    failing = range(10, len(lines), 3)
    for i in failing:
        columns = lines[i].split("\t")
        lines[i] = "\t".join([*columns[:6], "q10", *columns[7:]])
    (tmp_path / "all.vcf").write_text("\n".join(lines) + "\n")
    repo = vs.create(tmp_path / "repo", tmp_path / "all.vcf")
    cases, controls = repo.cohort(people[:10]), repo.cohort(people[10:])
    repo.withdraw(people[3:5])
    with pytest.warns(UserWarning, match="2 of the 10 people of a cohort were withdrawn"):
        table = repo.compare_cohorts(cases, controls)
    assert table.sides.num_people == (8, 10)
    left = [*people[:3], *people[5:10]]
    assert table.p_value.tolist() == pytest.approx(repo.compare_cohorts(left, controls).p_value.tolist(), nan_ok=True)
    passing = repo.compare_cohorts(left, controls, filters=".")
    low = {int(lines[i].split("\t")[1]) for i in failing}
    assert set(passing.position[passing.allele_number_a == 0].tolist()) >= low
    kept = ~np.isin(table.position, sorted(low))
    np.testing.assert_array_equal(passing.odds_ratio[kept], table.odds_ratio[kept])
    fst = repo.fst({"a": left, "b": controls}, filters=".")
    assert fst.num_skipped[0] == len(low)


@pytest.fixture(scope="module")
def fx_repo(tmp_path_factory):
    """Forty people whose first half differs at one site for certain, with files of both halves."""
    folder = tmp_path_factory.mktemp("compare")
    people = [f"P{i}" for i in range(40)]
    records = some_records(40, missing=0.05)
    fixed = [(1, 1)] * 20 + [(0, 0)] * 20
    records.insert(0, (50, "A", ["C"], fixed))
    (folder / "all.vcf").write_text(vcf_of(records, people))
    vs.create(folder / "repo", folder / "all.vcf")
    for name, ids in {"cases": people[:20], "controls": people[20:], "all": people}.items():
        (folder / f"{name}.txt").write_text("".join(f"{each}\n" for each in ids))
    (folder / "genes.bed").write_text("1\t0\t2000\tone\n1\t1000\t9000\ttwo\n")
    return folder


def test_compare_prints_its_table(fx_repo, fx_cli):
    sides = ["--cohort", f"@{fx_repo}/cases.txt", "--cohort", f"@{fx_repo}/controls.txt"]
    done = fx_cli("compare", fx_repo / "repo", *sides, "-r", "1:1-60")
    names, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == 1
    row = dict(zip(names, rows[0], strict=True))
    assert (row["allele_frequency_a"], row["allele_frequency_b"], row["odds_ratio"]) == ("1", "0", ".")
    assert (row["is_private"], row["is_fixed_difference"]) == ("true", "true")
    assert float(row["p_value"]) == pytest.approx(2 / math.comb(80, 40), rel=1e-5)
    done = fx_cli("compare", fx_repo / "repo", *sides, "-r", "1:1-60", "--test", "trend", "--format", "json")
    found = json.loads(done.stdout)
    assert found["odds_ratio"] is None
    assert found["chi2"] == pytest.approx(40)
    assert (found["n_none_a"], found["n_hom_a"], found["n_none_b"]) == (0, 20, 20)


def test_the_summary_says_what_the_table_does(fx_repo, fx_cli):
    sides = ["--cohort", f"@{fx_repo}/cases.txt", "--cohort", f"@{fx_repo}/controls.txt"]
    done = fx_cli("compare", fx_repo / "repo", *sides, "--summary")
    assert max(map(len, done.stdout.splitlines())) <= 100
    text = " ".join(done.stdout.split())
    repo = vs.open(fx_repo / "repo")
    people = repo.samples
    table = repo.compare_cohorts(people[:20], people[20:])
    tested = int((~np.isnan(table.p_value)).sum())
    sites = len(set(table.position.tolist()))
    assert f"cases (20 people) against controls (20 people): {len(table)} alleles at {sites} sites" in text
    assert f"{tested} of them compared by Fisher's exact test of alleles" in text
    assert f"below 0.05 for {(table.p_bonferroni < 0.05).sum()} after Bonferroni's" in text
    assert "The least p is that of 1:50 A>C: frequency 1 against 0, p = 1.86e-23." in text
    private = table.is_private & (table.allele_count_a > 0)
    assert f"Seen only in cases: {private.sum()} allele" in text
    assert "1 is a fixed difference." in text
    fst = repo.fst({"a": people[:20], "b": people[20:]})
    assert f"Hudson's Fst over {sites} sites is {fst.hudson_fst[0]:.3g}." in text
    assert table.summary().startswith("a (20 people) against b (20 people)")
    assert diversity.hudson_fst(table._counts)[0] == pytest.approx(fst.hudson_fst[0], rel=1e-12)
    chi2 = repo.compare_cohorts(people[:20], people[20:], test="chi2").chi2
    inflation = float(re.search(r"lambda is (\S+)\.", text)[1])
    assert inflation == pytest.approx(np.nanmedian(chi2) / 0.454936, rel=5e-3)


def test_a_summary_of_nothing(fx_repo, recwarn):
    repo = vs.open(fx_repo / "repo")
    people = repo.samples
    table = repo.compare_cohorts(people[:20], people[20:], "1:90000-91000")
    assert table.summary() == (
        "a (20 people) against b (20 people): 0 alleles at 0 sites, 0 of them compared by Fisher's exact test of "
        "alleles. Seen only in a: 0 alleles; only in b: 0; none are fixed differences."
    )
    assert len(table) == len(list(table.to_tsv())) - 1 == 0
    for test in ("chi2", "genotypic", "dominant", "recessive", "trend"):
        assert len(repo.compare_cohorts(people[:20], people[20:], "1:90000-91000", test=test)) == 0
    assert not recwarn


def test_fst_diversity_and_burden_print_their_tables(fx_repo, fx_cli):
    sides = ["--cohort", f"@{fx_repo}/cases.txt", "--cohort", f"@{fx_repo}/controls.txt"]
    repo = vs.open(fx_repo / "repo")
    people = repo.samples
    halves = {"cases": people[:20], "controls": people[20:]}
    for arguments, expected in [
        (("fst", "--window", "2kb", "--step", "1000"), repo.fst(halves, window=2000, step=1000)),
        (("fst", "--window-sites", "7"), repo.fst(halves, window_sites=7)),
        (("diversity", "--window", "each", "-r", "1:1-3000,1:5000-6000"),
         repo.diversity(halves, ["1:1-3000", "1:5000-6000"], window="each")),
        (("burden", "--genes", fx_repo / "genes.bed", "--max-frequency", "0.2"),
         repo.burden(fx_repo / "genes.bed", halves, max_frequency=0.2)),
    ]:  # fmt: skip
        done = fx_cli(arguments[0], fx_repo / "repo", *sides, *arguments[1:])
        assert done.stdout == "".join(expected.to_tsv())
        assert len(expected) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compare",), "found no cohort: give --cohort or --by"),
        (("compare", "--cohort", "@cases.txt"), "found 1 cohorts, expected two: give --cohort twice"),
        (("compare", "--cohort", "@cases.txt", "--cohort", "@all.txt"), "20 people are in several of the cohorts"),
        (("fst", "--cohort", "@cases.txt"), "found 1 cohorts, expected two or more"),
        (("diversity", "--cohort", "@cases.txt", "--window", "x"), "window 'x': expected a number above 0"),
        (("burden", "--cohort", "@cases.txt", "--genes", "no.bed"), "no.bed: cannot be read (No such file"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, fx_repo, monkeypatch, fx_cli):
    monkeypatch.chdir(fx_repo)
    done = fx_cli(arguments[0], fx_repo / "repo", *arguments[1:], status=1)
    assert done.stdout == ""
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    if "@all.txt" in arguments:
        fx_cli(*arguments[:1], fx_repo / "repo", *arguments[1:], "--allow-overlap")
