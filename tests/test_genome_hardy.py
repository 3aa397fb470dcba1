"""The Hardy-Weinberg test of a genome's alleles: over everybody else and each cohort, as the rules say it slowly."""

import math
import random
from collections import Counter

import pytest

import stats_oracle
import varstore as vs
import vcf_text
from genome_oracle import carried
from reference import read_vcf
from test_genome import repository
from union_oracle import MISSING, make_batches


def p_value(batches, people, key, members):
    """Of one allele, over some people: each batch's record, or what it says of who is absent."""
    calls = []
    for batch, numbers in zip(batches, people, strict=True):
        answer = batch.answer(key, 0) if key[0] in batch.contigs else None
        if answer is not None:
            found, allele = batch.vcf.records[answer[0]].codes.tolist(), answer[1] or 99_999
        elif batch.absent is not None and key[0] in batch.contigs:
            found, allele = batch.absent(key[0], key[1]), 1
        else:
            found, allele = [(MISSING,)] * len(numbers), 1
        for i, number in enumerate(numbers):
            codes = stats_oracle.alleles_of(list(found[i])) if number in members else []
            calls.append([code == allele for code in codes])
    copies = Counter((len(call), sum(call)) for call in calls)
    return stats_oracle.hardy(copies[2, 2], copies[2, 1], copies[2, 0], copies[1, 1], copies[1, 0])


def assert_tested(found, batches, people, keys, groups):
    table, rows = found.variants, 0
    for row, site in enumerate(zip(*(table[name] for name in ("contig", "position", "ref", "alt")), strict=True)):
        for suffix, members in groups.items():
            expected = p_value(batches, people, keys[site], members)
            assert table[f"hwe_p_value{suffix}"][row] == pytest.approx(expected, rel=1e-9, nan_ok=True)
            rows += not math.isnan(expected)
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_over_batches_of_sites_and_policies_of_their_own(tmp_path, seed):
    *texts, mine = make_batches(seed, 4)
    repo, batches, people = repository(tmp_path, texts, random.Random(seed))
    path, vcf = vcf_text.write_plain(tmp_path / "me.vcf", mine), read_vcf(mine)
    everybody = {number for numbers in people for number in numbers}
    odd = {number for number in everybody if number % 2}
    found = repo.compare_genome(
        path, sample=vcf.samples[0], hwe=True, cohorts={"odd": [repo.samples[number] for number in sorted(odd)]}
    )
    keys = {key[:4]: key for key in carried(vcf, 0)}
    assert assert_tested(found, batches, people, keys, {"": everybody, "_odd": odd})


def test_haploid_calls_and_the_person_left_out(tmp_path):
    text = vcf_text.make_vcf(11, 60, 12, contigs=("22", "X"), ploidy="mixed", missing=0.1, half_missing=0.1, max_alts=3)
    repo, batches, people = repository(tmp_path, [text])
    found = repo.compare_genome(repo.samples[3], hwe=True)
    keys = {key[:4]: key for key in carried(batches[0].vcf, 3)}
    others = set(people[0]) - {3}
    assert assert_tested(found, batches, people, keys, {"": others})
    lines = "".join(vs.model.results.CountTable.to_tsv(found.variants))
    assert "".join(found.variants.to_tsv()) == lines


def write_report(repo, path):
    """The report of a comparison without the test."""
    repo.describe_genome(repo.compare_genome(repo.samples[0])).write_html(path)
    return path.read_text()


def test_it_is_asked_for(tmp_path, fx_cli):
    repo, _, _ = repository(tmp_path, [vcf_text.make_vcf(2, 20, 6)])
    assert "hwe_p_value" not in repo.compare_genome(repo.samples[0]).variants.columns
    printed = fx_cli("genome", repo.path, repo.samples[0], "--hwe").stdout.splitlines()
    assert printed[0].split("\t")[-2:] == ["expected_share", "hwe_p_value"]
    found = repo.describe_genome(repo.compare_genome(repo.samples[0], hwe=True))
    found.write_html(tmp_path / "report.html")
    assert "Hardy-Weinberg p<" in (tmp_path / "report.html").read_text()
    assert "Hardy-Weinberg p<" not in write_report(repo, tmp_path / "without.html")
    table = found.variants
    assert table.take(table["position"].argsort()[:3])["hwe_p_value"].shape == (3,)
