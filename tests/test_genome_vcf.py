"""A genome's file written with what was found: its own lines, and values that stand at the right allele."""

import gzip
import io
import math
import shutil
import subprocess

import pytest

import varstore as vs
import vcf_text
from varstore.errors import InputError

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="no bcftools here")
META = """\
##fileformat=VCFv4.3
##contig=<ID=22,length=51304566>
##FILTER=<ID=q10,Description="Low">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##INFO=<ID=DB,Number=0,Type=Flag,Description="There">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tother\tme
"""
LINES = [
    "22 90 rs1 A C 50 PASS DP=3;DB GT:GQ 0/0:3 0/0:9",
    "22 100 rs2 A C,G 7.5 q10 DP=4 GT:GQ 0/1:3 0|2:8",
    "22 200 . C T . . . GT 0/1 ./.",
    "22 300 . G GA . PASS VS_AC=77;DB GT 0/1 1/1",
    "22 400 . T A,C . PASS DB;VS_STATE=novel;DP=1 GT 0/1 1/2",
    "23x 5 . T A . PASS . GT 0/1 0/1",
]


def text_of(lines, meta=META):
    return meta + "".join("\t".join(line.split()) + "\n" for line in lines)


def records(path):
    """Header lines, and the columns of each record, of a VCF as text."""
    data = path if isinstance(path, bytes) else path.read_bytes()
    lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode().splitlines()
    return [x for x in lines if x[0] == "#"], [x.split("\t") for x in lines if x[0] != "#"]


@pytest.fixture
def fx_repo(tmp_path):
    others = ["22 100 . A C . . . GT 0/1 1/1", "22 300 . G GA . . . GT 1/1 0/0", "22 400 . T C . . . GT 0/1 0/1"]
    return vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "others.vcf", text_of(others)))


def own(fields):
    return [each for each in fields.split(";") if each != "." and not each.startswith("VS_")]


def ours(fields):
    return dict(each.split("=") for each in fields.split(";") if each.startswith("VS_"))


def test_lines_stay_as_they_are_but_for_what_is_added(fx_repo, tmp_path):
    mine = vcf_text.write_plain(tmp_path / "me.vcf", text_of(LINES))
    found = fx_repo.compare_genome(mine, sample="me", hwe=True)
    found.write_vcf(tmp_path / "out.vcf")
    header, rows = records(tmp_path / "out.vcf")
    for row, line in zip(rows, LINES, strict=True):
        before = line.split()
        assert row[:7] == before[:7]
        assert row[8:] == [before[8], before[10]]
        assert own(row[7]) == own(before[7])
    assert [row[7] for row in (rows[0], rows[2])] == ["DP=3;DB", "."]
    assert rows[1][7].startswith("DP=4;VS_STATE=.,novel;VS_RARITY=.,novel;VS_AC=.,0;VS_AN=.,4;VS_AF=.,0;VS_NHOM=.,0;")
    assert ours(rows[3][7])["VS_AC"] == "2"
    assert own(rows[3][7]) == ["DB"]
    assert {key: ours(rows[4][7])[key] for key in ("VS_STATE", "VS_AC", "VS_HWE", "VS_EXPECTED")} == {
        "VS_STATE": "novel,found", "VS_AC": "0,2", "VS_HWE": "1,1", "VS_EXPECTED": "0,0.5",
    }  # fmt: skip
    assert rows[5][7].startswith("VS_STATE=not_callable;")
    assert header[-1].split("\t")[8:] == ["FORMAT", "me"]
    assert set(META.splitlines()[:-1]) < set(header)
    assert sum("<ID=VS_AC," in line for line in header) == 1
    assert "##contig=<ID=23x>" in header


def test_again_is_the_same(fx_repo, tmp_path):
    mine = vcf_text.write_plain(tmp_path / "me.vcf", text_of(LINES))
    fx_repo.compare_genome(mine, sample="me").write_vcf(tmp_path / "once.vcf.gz")
    stream = io.BytesIO()
    fx_repo.compare_genome(tmp_path / "once.vcf.gz").write_vcf(stream)
    assert records(stream.getvalue()) == records(tmp_path / "once.vcf.gz")


def test_regions_leave_the_records_that_have_an_allele_there(fx_repo, tmp_path):
    mine = vcf_text.write_plain(tmp_path / "me.vcf", text_of(LINES))
    found = fx_repo.compare_genome(mine, sample="me", region="22:80-300")
    found.write_vcf(tmp_path / "out.vcf")
    assert [row[1] for row in records(tmp_path / "out.vcf")[1]] == ["100", "300"]


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_the_table(tmp_path, seed, monkeypatch):
    """Files with many ALT alleles, haploid and missing calls, written some rows at a time."""
    # Records of the files that are made overlap with bases of their own.
    monkeypatch.setattr("varstore.genome.reading.MOST_DIFFERENT", 1)
    monkeypatch.setattr("varstore.genome.splicing._ROWS", 7)
    text = vcf_text.make_vcf(
        seed, 150, 6, ploidy="mixed", missing=0.1, half_missing=0.1, max_alts=4, contigs=("22", "X"), extra_format=True
    )
    source = vcf_text.write_bgzf(tmp_path / "all.vcf.gz", text)
    repo = vs.create(tmp_path / "repo", source)
    table = repo.samples
    found = repo.compare_genome(source, sample=table[2], cohorts={"a,b": table[:3], "c": table[3:]}, hwe=True)
    found.write_vcf(tmp_path / "out.vcf.gz")
    _, rows = records(tmp_path / "out.vcf.gz")
    _, before = records(source)
    assert len(rows) == len(before)
    columns = {
        "VS_STATE": "state", "VS_RARITY": "rarity", "VS_AC": "allele_count", "VS_AN_a_b": "allele_number_a,b",
        "VS_AF_c": "allele_frequency_c", "VS_NHOM": "n_hom_alt", "VS_HWE": "hwe_p_value", "VS_HWE_c": "hwe_p_value_c",
        "VS_EXPECTED": "expected_share", "VS_MAX_AF": "max_frequency", "VS_MAX_COHORT": "max_frequency_cohort",
    }  # fmt: skip
    values = {key: found.variants[name].tolist() for key, name in columns.items()}
    alleles = found.genome.alleles
    at = {place: i for i, place in enumerate(zip(alleles.record.tolist(), alleles.alt.tolist(), strict=True))}
    seen = 0
    for number, (row, line) in enumerate(zip(rows, before, strict=True)):
        assert [*row[:7], *row[8:]] == [*line[:7], line[8], line[11]]
        told = ours(row[7])
        assert bool(told) == any((number, a) in at for a in range(1, 6))
        if not told:
            assert row[7] == line[7]
            continue
        for key, each in values.items():
            cells = told[key].split(",")
            assert len(cells) == len(line[4].split(","))
            for alt, cell in enumerate(cells, start=1):
                value = each[at[number, alt]] if (number, alt) in at else "."
                assert cell == spelled(value)
                seen += (number, alt) in at
    assert seen == len(values) * len(found.variants)


def spelled(value):
    if isinstance(value, float):
        return "." if math.isnan(value) else f"{value:.6g}"
    return str(value).replace(",", "%2C")


def test_a_file_that_has_changed_is_refused(fx_repo, tmp_path):
    mine = vcf_text.write_plain(tmp_path / "me.vcf", text_of(LINES))
    found = fx_repo.compare_genome(mine, sample="me")
    vcf_text.write_plain(mine, text_of(LINES[:-1]))
    with pytest.raises(InputError, match=r"me\.vcf: it has changed since it was compared"):
        found.write_vcf(tmp_path / "out.vcf")
    mine.unlink()
    with pytest.raises(InputError, match=r"me\.vcf: no such file"):
        found.write_vcf(tmp_path / "out.vcf")
    assert not (tmp_path / "out.vcf").exists()


def test_annotations_of_a_name_that_is_taken(fx_repo, tmp_path):
    sites = META.replace("\tFORMAT\tother\tme", "").replace("ID=DP", "ID=AC") + "22\t300\t.\tG\tGA\t.\t.\tAC=1,2;DP=2\n"
    path = vcf_text.write_plain(tmp_path / "sites.vcf", sites)
    mine = vcf_text.write_plain(tmp_path / "me.vcf", text_of(LINES))
    found = fx_repo.compare_genome(mine, sample="me", annotate=[f"{path}:AC"])
    found.write_vcf(tmp_path / "out.vcf")
    header, rows = records(tmp_path / "out.vcf")
    assert {key: ours(rows[3][7])[key] for key in ("VS_AC", "VS_AC_2")} == {"VS_AC": "2", "VS_AC_2": "1%2C2"}
    assert sum("<ID=VS_AC_2," in line for line in header) == 1


def test_of_a_sample_one_record_an_allele(fx_repo, tmp_path):
    found = fx_repo.compare_genome("me", hwe=True)
    found.write_vcf(tmp_path / "out.vcf")
    _, rows = records(tmp_path / "out.vcf")
    assert [row[1] for row in rows] == ["100", "400"]
    assert ours(rows[0][7])["VS_HWE"] == "1"


@needs_bcftools
def test_bcftools_reads_it_without_a_warning(fx_repo, fx_shared_data, tmp_path):
    gvcf = fx_shared_data / "real" / "bio2zarr_CEUTrio.20.21.gatk3.4.g.vcf.bgz"
    repo = vs.create(tmp_path / "gvcf", gvcf)
    repo.add(vcf_text.write_plain(tmp_path / "others.vcf", text_of(["20 100 . A C . . . GT 0/1 1/1"])))
    mine = vcf_text.write_bgzf(tmp_path / "me.vcf.gz", text_of(LINES))
    for where, path, sample in ((fx_repo, mine, "me"), (repo, gvcf, None)):
        found = where.compare_genome(path, sample=sample)
        for name in ("out.vcf.gz", "out.bcf"):
            found.write_vcf(tmp_path / name)
            done = subprocess.run(["bcftools", "view", "-H", tmp_path / name], capture_output=True, text=True)
            assert (done.stderr, done.returncode) == ("", 0)
            assert done.stdout.count("\n") == found.genome.counts["records"]
