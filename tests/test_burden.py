"""Rare alleles in intervals, by cohort, counted plainly beside it."""

import math
import random

import pytest

import compare_oracle as oracle
import reference
import varstore as vs
import vcf_text
from varstore.errors import InputError, QueryError, SampleClashError


@pytest.fixture(scope="module")
def fx_awkward(fx_store):
    text = vcf_text.make_vcf(5, 200, 37, ploidy="mixed", missing=0.1, half_missing=0.1, max_alts=3, contigs=("1", "22"))
    return fx_store(text)


def intervals_of(vcf, seed=2):
    """Overlapping intervals, one of a single base and one where nothing is, as rows of BED."""
    rng = random.Random(seed)
    last = max(record.pos for record in vcf.records)
    rows = [("22", 5_000_000, 5_000_100, "nothing"), ("1", vcf.records[3].pos - 1, vcf.records[3].pos, "base")]
    for number in range(20):
        start = rng.randrange(last)
        rows.append((rng.choice(["1", "22"]), start, start + rng.randrange(1, 2000), f"gene{number}"))
    return rows


def test_burden_is_the_sum_over_rare_alleles(fx_awkward, tmp_path):
    vcf = fx_awkward.vcf
    intervals = intervals_of(vcf)
    bed = tmp_path / "genes.bed"
    bed.write_text("track name=genes\n" + "".join("\t".join(map(str, row)) + "\n" for row in intervals))
    members = {"a": list(range(14)), "b": list(range(14, 30))}
    cohorts = {name: fx_awkward.ids(who) for name, who in members.items()}
    table = vs.open(fx_awkward.path).burden(bed, cohorts, max_frequency=0.05)
    everybody = reference.count_rows(vcf.records)
    counted = {name: reference.count_rows(vcf.records, who) for name, who in members.items()}
    rare = [
        i
        for i, row in enumerate(everybody)
        if row["allele_count"] and row["allele_count"] <= 0.05 * row["allele_number"]
    ]
    assert 20 < len(rare) < len(everybody)
    assert len(table) == 2 * len(intervals)
    expected_p = []
    for at, (contig, start, end, name) in enumerate(intervals):
        mine = [
            i for i in rare
            if everybody[i]["contig"] == contig
            and everybody[i]["position"] - 1 < end
            and everybody[i]["position"] - 1 + len(everybody[i]["ref"]) > start
        ]  # fmt: skip
        sums = {k: (sum(rows[i]["allele_count"] for i in mine), sum(rows[i]["allele_number"] for i in mine))
                for k, rows in counted.items()}  # fmt: skip
        for k, (cohort, other) in enumerate((("a", "b"), ("b", "a"))):
            row = 2 * at + k
            assert (table.contig[row], table.start[row], table.end[row]) == (contig, start + 1, end)
            assert (table.name[row], table.cohort[row], table.num_alleles[row]) == (name, cohort, len(mine))
            assert (table.allele_count[row], table.allele_number[row]) == sums[cohort]
            cells = [
                sums[cohort][0],
                sums[cohort][1] - sums[cohort][0],
                sums[other][0],
                sums[other][1] - sums[other][0],
            ]
            p = oracle.fisher(*cells)
            expected_p.append(p)
            assert (
                math.isnan(table.p_value[row]) if p is None else table.p_value[row] == pytest.approx(float(p), rel=1e-9)
            )
    assert any(p is None for p in expected_p)
    adjusted = oracle.benjamini_hochberg(expected_p)
    assert all(q is None or q == pytest.approx(found) for q, found in zip(adjusted, table.p_bh.tolist(), strict=True))


def test_one_cohort_is_counted_without_a_test(fx_awkward, tmp_path):
    (tmp_path / "genes.bed").write_text("chr22\t0\t100000000\n")
    repo = vs.open(fx_awkward.path)
    table = repo.burden(tmp_path / "genes.bed", {"all": repo.samples}, max_frequency=1)
    assert "p_value" not in table.columns
    rows = [
        row for row in reference.count_rows(fx_awkward.vcf.records) if row["contig"] == "22" and row["allele_count"]
    ]
    assert table.num_alleles.tolist() == [len(rows)]
    assert table.allele_count.tolist() == [sum(row["allele_count"] for row in rows)]
    assert table.name.tolist() == ["."]


def test_what_cannot_be_asked(fx_awkward, tmp_path):
    repo = vs.open(fx_awkward.path)
    bed = tmp_path / "genes.bed"
    bed.write_text("7\t0\t100\n")
    with pytest.raises(InputError, match=r"none of its contigs \(7\) is in the repository"):
        repo.burden(bed, {"a": repo.samples})
    bed.write_text("22\t0\t100\n22\tx\t9\n")
    with pytest.raises(InputError, match=r"genes.bed, line 2: found '22 x 9', expected contig, start and end"):
        repo.burden(bed, {"a": repo.samples})
    with pytest.raises(QueryError, match="max_frequency is 0, expected a number above 0, at most 1"):
        repo.burden(bed, {"a": repo.samples}, max_frequency=0)
    bed.write_text("22\t0\t100\n")
    with pytest.raises(SampleClashError, match="1 person is in several of the cohorts"):
        repo.burden(bed, {"a": repo.samples[:3], "b": repo.samples[2:]})
