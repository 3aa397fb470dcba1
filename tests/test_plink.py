"""PLINK files in and out, against what plink2 makes of the same data."""

import io
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reference
import varstore as vs
import vcf_text
from exported import assert_same_records, body

pgenlib = pytest.importorskip("pgenlib")
needs_plink2 = pytest.mark.skipif(shutil.which("plink2") is None, reason="needs plink2")

HEADER = """\
##fileformat=VCFv4.3
##FILTER=<ID=low,Description="x">
##INFO=<ID=DP,Number=1,Type=Integer,Description="x">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##contig=<ID=1,length=1000>
##contig=<ID=X,length=155270560>
##contig=<ID=Y,length=59373566>
##contig=<ID=MT,length=16569>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tM1\tF1\tU1
"""
SEXES = "#IID\tSEX\nM1\t1\nF1\t2\nU1\tNA\n"
RECORDS = """\
1 100 a A C,G 3 PASS DP=4 1|2 0/1 ./.
1 200 b A C 0.5 low . 1/1 ./. 0|1
1 300 . AT A . . . 0/0 1/1 0/0
1 400 d A <DEL>,*,T . . . 3|1 0/2 0|3
X 5000000 e A C . . . 1 0/1 1/1
Y 500 f A C . . . 1 . 1
MT 600 g A C . . . 1 0 1
"""


def plink2(*arguments):
    """Run plink2, quietly."""
    done = subprocess.run(["plink2", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def vcf_of(records):
    """VCF text of RECORDS' short form."""
    lines = [line.split(" ") for line in records.splitlines()]
    return HEADER + "".join("\t".join([*line[:8], "GT", *line[8:]]) + "\n" for line in lines)


def calls_of(columns):
    """The calls of a line as plink2 can know them: sorted unless a phased heterozygote."""
    calls = []
    for call in columns[9:]:
        alleles = call.replace("|", "/").split("/")
        phased = "|" in call and len(set(alleles)) > 1
        calls.append((phased, alleles if phased else sorted(alleles)))
    return calls


def assert_same_calls(found, expected):
    """Compare VCF texts: site columns, alleles, and the phase of heterozygotes."""
    found, expected = body(found), body(expected)
    assert [columns[:5] for columns in found] == [columns[:5] for columns in expected]
    for got, wanted in zip(found, expected, strict=True):
        assert calls_of(got) == calls_of(wanted), got[:5]


@pytest.fixture
def fx_fileset(tmp_path):
    """A fileset that plink2 made of RECORDS, with sexes: its prefix."""
    source = vcf_text.write_plain(tmp_path / "a.vcf", vcf_of(RECORDS))
    (tmp_path / "sex.psam").write_text(SEXES)
    plink2("--vcf", source, "--psam", tmp_path / "sex.psam", "--make-pgen", "--out", tmp_path / "a")
    return tmp_path / "a"


def text_of(repo):
    out = io.BytesIO()
    repo.export(out, "vcf")
    return out.getvalue().decode()


@needs_plink2
def test_a_pgen_says_what_plink2_says(fx_fileset):
    repo = vs.create(fx_fileset.with_name("repo"), fx_fileset.with_suffix(".pgen"))
    plink2("--pfile", fx_fileset, "--export", "vcf", "--out", fx_fileset.with_name("theirs"))
    found = text_of(repo)
    assert_same_calls(found, fx_fileset.with_name("theirs.vcf").read_text())
    # Sites are those of the source, which plink2 had them from.
    assert [columns[:8] for columns in body(found)] == [columns[:8] for columns in body(vcf_of(RECORDS))]
    assert repo.samples == ["M1", "F1", "U1"]
    names = [file["name"] for file in repo.info()["batches"][0]["files"]]
    assert names == ["a.pgen", "a.pvar", "a.psam"]


@needs_plink2
def test_a_bed_says_what_plink2_says(fx_fileset):
    biallelic = fx_fileset.with_name("b")
    plink2("--pfile", fx_fileset, "--max-alleles", 2, "--make-bed", "--out", biallelic)
    repo = vs.create(fx_fileset.with_name("repo"), biallelic.with_suffix(".bed"))
    plink2("--bfile", biallelic, "--export", "vcf", "--out", fx_fileset.with_name("theirs"))
    theirs = fx_fileset.with_name("theirs.vcf").read_text()
    assert_same_calls(text_of(repo), theirs)
    assert {columns[7] for columns in body(text_of(repo))} == {"PR"}
    assert text_of(repo).count("##INFO=<ID=PR,") == 1


@needs_plink2
def test_counts_of_a_simulated_cohort_are_plink2s(fx_store, tmp_path):
    stored = fx_store(vcf_text.make_vcf(31, 200, 150, missing=0.02, mixed_phase=0.5, max_alts=3, odd_alts=False))
    plink2("--vcf", stored.source, "--make-pgen", "--out", tmp_path / "a")
    repo = vs.create(tmp_path / "repo", tmp_path / "a.pgen")
    expected = vs.open(stored.path).count_genotypes()
    reference_rows = reference.count_rows(stored.vcf.records)
    reference.assert_same_rows(expected, reference_rows)
    reference.assert_same_rows(repo.count_genotypes(), reference_rows)


@needs_plink2
def test_dosages_are_named(tmp_path):
    line = "1\t5\t.\tA\tC\t.\t.\t.\tGT:DS\t0/1:0.9\t0/0:0.05\t./.:1.5\n"
    plain = "1\t9\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/0\t./.\n"
    dosage = '##FORMAT=<ID=DS,Number=1,Type=Float,Description="Dosage">\n'
    source = vcf_text.write_plain(tmp_path / "a.vcf", HEADER.replace("##contig", dosage + "##contig", 1) + line + plain)
    plink2("--vcf", source, "dosage=DS", "--make-pgen", "--out", tmp_path / "a")
    with pytest.warns(UserWarning, match=r"a\.pgen: not stored: dosages, of 1 variants"):
        repo = vs.create(tmp_path / "repo", tmp_path / "a.pgen")
    np.testing.assert_array_equal(repo.genotypes().call_genotype[0, :2], [[0, 1], [0, 0]])


@needs_plink2
def test_an_exported_fileset_is_plink2s_own(fx_store, tmp_path):
    stored = fx_store(vcf_text.make_vcf(17, 120, 37, missing=0.1, mixed_phase=0.6, max_alts=4))
    report = vs.open(stored.path).export(tmp_path / "mine.pgen")
    assert report.dropped == ()
    plink2("--vcf", stored.source, "--make-pgen", "--out", tmp_path / "theirs")
    for name in ("mine", "theirs"):
        plink2("--pfile", tmp_path / name, "--freq", "counts", "--out", tmp_path / name)
        plink2("--pfile", tmp_path / name, "--export", "vcf", "--out", tmp_path / name)
    assert (tmp_path / "mine.acount").read_text() == (tmp_path / "theirs.acount").read_text()
    mine, theirs = ((tmp_path / f"{name}.vcf").read_text() for name in ("mine", "theirs"))
    assert_same_records(mine, theirs)
    assert [columns[9:] for columns in body(mine)] == [columns[9:] for columns in body(theirs)]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=vcf_text.vcf_texts(max_variants=9), data=st.data())
def test_calls_go_out_and_come_back(text, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plink")
    repo = vs.create(folder / "repo", vcf_text.write_bgzf(folder / "a.vcf.gz", text))
    if not repo.num_samples or not repo.num_variants:
        with pytest.raises(vs.QueryError, match="at least one sample and one variant"):
            repo.export(folder / "out", "plink")
        return
    report = repo.export(folder / "out", "plink")
    again = vs.create(folder / "again", folder / "out.pgen")
    records = reference.read_vcf(text).records
    codes = again.genotypes().call_genotype
    phased = again.genotypes().call_genotype_phased
    half = polyploid = 0
    for row, record in enumerate(records):
        for sample, call in enumerate(record.codes.tolist()):
            alleles = [code for code in call if code != reference.FILL]
            kept = alleles * 2 if len(alleles) == 1 else alleles
            some = any(code >= 0 for code in alleles)
            polyploid += len(alleles) > 2 and some
            half += len(alleles) <= 2 and some and min(alleles) < 0
            if min(alleles) < 0 or len(alleles) > 2:
                kept = [-1, -1]
            heterozygote = kept[0] != kept[1]
            expected = kept if record.phased[sample] or not heterozygote else sorted(kept)
            assert codes[row, sample, :2].tolist() == expected
            if heterozygote:
                assert phased[row, sample] == record.phased[sample]
    said = " ".join(report.dropped)
    assert (f"{half:,} calls with some alleles missing" in said) == (half > 0)
    assert (f"{polyploid:,} calls of more than two" in said) == (polyploid > 0)


def test_what_belongs_to_a_fileset_must_be_there(fx_small, tmp_path):
    repo = vs.open(fx_small.path)
    ids = fx_small.ids([1, 2, 3])
    repo.export(tmp_path / "a.pgen", samples=ids)
    lines = (tmp_path / "a.pvar").read_text().splitlines(keepends=True)
    (tmp_path / "a.pvar").write_text("".join(lines[:-1]))
    with pytest.raises(vs.InputError, match=r"a\.pgen: it does not open with the 130 variants and 3 samples"):
        vs.create(tmp_path / "r", tmp_path / "a.pgen")
    (tmp_path / "a.pvar").write_text("".join([*lines[:-1], "22\tfar\n"]))
    with pytest.raises(vs.InputError, match=rf"a\.pvar, line {len(lines)}: 2 columns, expected at least 8"):
        vs.create(tmp_path / "r", tmp_path / "a.pgen")
    (tmp_path / "a.pvar").write_text("".join([*lines[:-1], lines[-1].replace("\t", "\tx", 1)]))
    with pytest.raises(vs.InputError, match=rf"a\.pvar, line {len(lines)}: POS is 'x"):
        vs.create(tmp_path / "r", tmp_path / "a.pgen")
    (tmp_path / "a.pvar").rename(tmp_path / "a.pvar.zst")
    with pytest.raises(vs.InputError, match=r"unpack it first: zstd -d a\.pvar\.zst"):
        vs.create(tmp_path / "r", tmp_path / "a.pgen")
    (tmp_path / "a.pvar.zst").unlink()
    with pytest.raises(vs.InputError, match=r"a\.pgen: a\.pvar is not beside it"):
        vs.create(tmp_path / "r", tmp_path / "a.pgen")
    (tmp_path / "a.pvar").write_text("".join(lines))
    (tmp_path / "a.psam").write_text("#IID\nA\nA\nB\n")
    with pytest.raises(vs.InputError, match="the sample 'A' is there twice"):
        vs.create(tmp_path / "r", tmp_path / "a.pgen")
    assert not (tmp_path / "r").exists()


def test_a_fileset_cut_off_is_refused(fx_small, tmp_path):
    vs.open(fx_small.path).export(tmp_path / "a.pgen")
    data = (tmp_path / "a.pgen").read_bytes()
    for size in (4, 12, len(data) // 2, len(data) - 1):
        (tmp_path / "a.pgen").write_bytes(data[:size])
        with pytest.raises(vs.InputError, match=r"a\.pgen"):
            vs.create(tmp_path / "r", tmp_path / "a.pgen")
        assert not (tmp_path / "r").exists()


def test_families_with_the_same_member_names(tmp_path):
    (tmp_path / "a.bed").write_bytes(b"\x6c\x1b\x01" + bytes([0b11_10_00_00]))
    (tmp_path / "a.bim").write_text("chrX rs1 0 77 G A\n")
    (tmp_path / "a.fam").write_text("f1 1 0 0 1 -9\nf2 1 0 0 2 -9\nf2 2 0 0 2 -9\nf3 3 0 0 0 -9\n")
    repo = vs.create(tmp_path / "r", tmp_path / "a.bed")
    assert repo.samples == ["f1_1", "f2_1", "f2_2", "f3_3"]
    # 00 is two of the first allele, ALT; a man's X is one haplotype.
    assert repo.genotypes().call_genotype[0].tolist() == [[1, -2], [1, 1], [0, 1], [0, 0]]
    assert body(text_of(repo))[0][:5] == ["chrX", "77", "rs1", "A", "G"]


def test_without_pgenlib_the_error_says_what_to_install(fx_small, fx_cli, tmp_path, monkeypatch):
    vs.open(fx_small.path).export(tmp_path / "a.pgen")
    monkeypatch.setitem(sys.modules, "pgenlib", None)
    with pytest.raises(ImportError, match=r"pip install 'varstore\[plink\]'"):
        vs.create(tmp_path / "r", tmp_path / "a.pgen")
    with pytest.raises(vs.QueryError, match=r"pip install 'varstore\[plink\]'"):
        vs.open(fx_small.path).export(tmp_path / "b.pgen")


def test_the_command_line_names_what_is_dropped(fx_small, fx_cli, tmp_path):
    done = fx_cli("export", fx_small.path, "-O", "plink", "-o", tmp_path / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pgen", "a.psam", "a.pvar"]
    assert "warning: " in done.stderr
    assert "calls with some alleles missing, like 0/., are missing in PGEN" in done.stderr
    assert "--force" in fx_cli("export", fx_small.path, "-O", "plink", "-o", tmp_path / "a", status=1).stderr
    assert "needs -o" in fx_cli("export", fx_small.path, "-O", "plink", status=1).stderr
    fx_cli("create", tmp_path / "r", tmp_path / "a.pgen")
    assert vs.open(tmp_path / "r").samples == fx_small.vcf.samples
