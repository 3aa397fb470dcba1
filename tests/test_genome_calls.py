"""Call rate and runs of homozygosity of a file: as of the same person in the repository, or why they are not known."""

import numpy as np
import pytest

import varstore as vs
import vcf_text

PEOPLE, SITES, SPACING, ME = 12, 1500, 8000, 3
META = """\
##fileformat=VCFv4.3
##contig=<ID=2,length=243199373>
##contig=<ID=22,length=51304566>
##INFO=<ID=END,Number=1,Type=Integer,Description="End">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
"""
CALLS = {-1: "./.", 0: "0/0", 1: "0/1", 2: "1/1"}


def head(names):
    return META + "\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split() + names) + "\n"


def sites():
    """Contig, POS, REF and ALT of each: every tenth a deletion, and one of an allele that no key spells."""
    for i in range(SITES):
        ref, alt = ("AC", "A") if i % 10 == 3 else ("A", "ACGTACGTACGTA") if i == 8 else ("A", "G")
        yield ("2" if i < SITES // 2 else "22"), 10_000 + i % (SITES // 2) * SPACING, ref, alt


def make_calls(lost=()):
    """(sites, people) copies of ALT; one person has no heterozygous call in a stretch of each contig."""
    rng = np.random.default_rng(5)
    codes = rng.choice([0, 1, 2], (SITES, PEOPLE), p=[0.4, 0.4, 0.2])
    for begin in (100, 1000):
        part = codes[begin : begin + 300, ME]
        part[part == 1] = 0
    codes[list(lost), ME] = -1
    return codes


def write(path, codes, names):
    text = head(names)
    for (contig, position, ref, alt), row in zip(sites(), codes.tolist(), strict=True):
        calls = "\t".join(CALLS[code] for code in row)
        text += f"{contig}\t{position}\t.\t{ref}\t{alt}\t.\t.\t.\tGT\t{calls}\n"
    return vcf_text.write_plain(path, text)


def write_gvcf(path, codes):
    """Reference calls as blocks, those without a call as none or as blocks that are not sure."""
    text = head(["me"])
    for i, ((contig, position, ref, alt), code) in enumerate(zip(sites(), codes.tolist(), strict=True)):
        if code > 0:
            text += f"{contig}\t{position}\t.\t{ref}\t{alt},<NON_REF>\t.\t.\t.\tGT:GQ:DP\t{CALLS[code]}:50:30\n"
        elif code == 0 or i % 2:
            block = f"{contig}\t{position - 50}\t.\tT\t<NON_REF>\t.\t.\tEND={position + 50}"
            text += f"{block}\tGT:GQ:DP\t0/0:{50 if code == 0 else 3}:30\n"
    return vcf_text.write_plain(path, text)


def others(tmp_path):
    names = [f"p{i}" for i in range(PEOPLE)]
    codes = np.delete(make_calls(), ME, axis=1)
    return vs.create(tmp_path / "others", write(tmp_path / "others.vcf", codes, names[:ME] + names[ME + 1 :]))


def whole(repo, path, **options):
    return repo.describe_genome(repo.compare_genome(path, **options)).summary


def test_a_gvcf_is_as_the_person_in_the_repository(tmp_path):
    lost = range(5, SITES, 40)
    codes = make_calls(lost)
    everybody = vs.create(
        tmp_path / "all", write(tmp_path / "all.vcf", codes, [f"p{i}" for i in range(PEOPLE)])
    ).runs_of_homozygosity()
    said = whole(others(tmp_path), write_gvcf(tmp_path / "me.g.vcf", codes[:, ME]))
    found, mine = said["homozygosity"], everybody.people
    assert found["reason"] is None
    assert found["n_runs"]["value"] == mine["n_runs"][ME] == 2
    for name in ("num_bases", "longest", "f_roh"):
        assert found[name]["value"] == pytest.approx(mine[name][ME])
        assert found[name]["high"] == pytest.approx(np.delete(mine[name], ME).max())
    rate = said["person"]["measures"]["call_rate"]
    assert (rate["value"], rate["median"]) == (1 - len(lost) / SITES, 1)
    assert said["person"]["not_known"] == {}


def test_a_plain_file_does_not_know_its_call_rate(tmp_path):
    repo, codes = others(tmp_path), make_calls()
    full = whole(repo, write(tmp_path / "full.vcf", codes[:, [ME]], ["me"]))
    assert "call_rate" not in full["person"]["measures"]
    assert full["person"]["not_known"]["call_rate"] == "only a gVCF tells reference from no call"
    assert full["homozygosity"]["n_runs"]["value"] == 2


def test_variants_alone_have_no_runs_but_as_reference(tmp_path):
    repo, codes = others(tmp_path), make_calls()[:, ME]
    text = write(tmp_path / "full.vcf", codes[:, np.newaxis], ["me"]).read_text()
    alone = vcf_text.write_plain(tmp_path / "alone.vcf", text.replace("\t0/0\n", "\t./.\n"))
    said = whole(repo, alone)
    assert "variants alone" in said["homozygosity"]["reason"]
    assert "variants alone" in said["person"]["not_known"]["call_rate"]
    told = whole(repo, alone, absent="reference")
    assert told["homozygosity"]["n_runs"]["value"] == 2
    assert told["person"]["not_known"]["call_rate"] == "only a gVCF tells reference from no call"
    page = tmp_path / "report.html"
    found = repo.describe_genome(repo.compare_genome(alone))
    found.write_html(page)
    assert "Call rate: not known, a file of variants alone" in page.read_text()


def test_too_few_calls(tmp_path):
    repo, codes = others(tmp_path), make_calls(range(0, SITES, 5))[:, ME]
    said = whole(repo, write_gvcf(tmp_path / "me.g.vcf", codes))
    assert said["homozygosity"] == {
        "reason": "the file has a call at 1,200 of the repository's 1,500 sites; runs need 90% of them"
    }
    assert said["person"]["measures"]["call_rate"]["value"] == 0.8


def test_where_nothing_can_be_looked_for(tmp_path):
    repo, codes = others(tmp_path), make_calls()[:, ME]
    path = write_gvcf(tmp_path / "me.g.vcf", codes)
    said = whole(repo, path, region="22:1-9000")
    assert said["homozygosity"]["reason"] == "the repository has no biallelic site of an autosome there"
    said = whole(repo, path, region="22:10000 A>G")
    assert said["homozygosity"]["reason"] == "single alleles were asked for"
