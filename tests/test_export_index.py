"""Indexes beside exported files: bcftools and tabix find by them what they find by an index of their own."""

import random
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import varstore as vs
import vcf_text
from exported import body

pytestmark = pytest.mark.skipif(
    shutil.which("bcftools") is None or shutil.which("tabix") is None, reason="needs bcftools and tabix"
)
KINDS = [("a.vcf.gz", "csi"), ("a.vcf.gz", "tbi"), ("a.bcf", "csi")]


def run(*arguments):
    """Standard output of a command that must not complain."""
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "[E::" not in done.stderr, done.stderr
    assert "[W::" not in done.stderr, done.stderr
    return done.stdout


def assert_index_serves(path, kind, regions):
    """Compare answers by the index with those by bcftools' own, of a copy of the file."""
    copy = path.parent / "theirs" / path.name
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(path, copy)
    run("bcftools", "index", "-f", "--tbi" if kind == "tbi" else "--csi", copy)
    for option in ("-n", "-s"):
        assert run("bcftools", "index", option, path) == run("bcftools", "index", option, copy)
    found = 0
    for region in regions:
        mine, theirs = (run("bcftools", "view", "-H", "-r", region, file) for file in (path, copy))
        assert mine == theirs, region
        found += len(mine.splitlines())
        if path.suffix == ".gz":
            assert run("tabix", path, region) == run("tabix", copy, region), region
    if path.suffix == ".gz":
        assert run("tabix", "-l", path) == run("tabix", "-l", copy)
    return found


def regions_of(path, rng, num=12):
    """Regions around records of a file, some long and some of one base, and contigs whole."""
    records = [(columns[0], int(columns[1])) for columns in body(run("bcftools", "view", "-H", path))]
    contigs = sorted({contig for contig, _ in records})
    chosen = [rng.choice(records) for _ in range(num)] if records else []
    spans = [
        (contig, max(1, pos - rng.choice([0, 0, 20_000])), pos + rng.choice([0, 3, 40_000])) for contig, pos in chosen
    ]
    return [*contigs, *(f"{contig}:{begin}-{end}" for contig, begin, end in spans)]


@pytest.mark.parametrize(("name", "kind"), KINDS)
@pytest.mark.parametrize(
    "source", ["edge/plink2_all_ploidy.vcf.gz", "real/bio2zarr_multi_contig.vcf.gz", "sim/sim1k.bcf"]
)
def test_real_files(source, name, kind, fx_shared_data, tmp_path):
    repo = vs.create(tmp_path / "r", fx_shared_data / source, fields="GT")
    samples = repo.samples[:3]
    repo.export(tmp_path / name, samples=samples, write_index=kind)
    assert assert_index_serves(tmp_path / name, kind, regions_of(tmp_path / name, random.Random(3))) > 0


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), which=st.sampled_from(KINDS), num=st.sampled_from([0, 1, 400]))
def test_made_files_with_long_alleles_and_empty_contigs(seed, which, num, tmp_path_factory, monkeypatch):
    # Small blocks and slices: records and windows go over their ends.
    monkeypatch.setattr("varstore.export.bgzf.BLOCK", 500)
    monkeypatch.setattr("varstore.export.records._CELLS", 400)
    folder = tmp_path_factory.mktemp("index")
    name, kind = which
    rng = random.Random(seed)
    text = vcf_text.make_vcf(
        seed, num, 7, ploidy="mixed", max_alts=3, contigs=("2", "empty", "1", "X"), extra_format=True
    )
    far = "".join(
        f"X\t{50_000_000 + 9000 * i}\t.\tA\t<DEL>\t.\t.\tEND={50_000_000 + 9000 * i + rng.choice([0, 70, 9_000_000])}"
        + "\tGT"
        + "\t0/1" * 7
        + "\n"
        for i in range(num // 8)
    )
    text = text.replace("length=50000000", "length=90000000")
    repo = vs.create(folder / "r", vcf_text.write_plain(folder / "in.vcf", text + far))
    repo.export(folder / name, write_index=kind)
    assert_index_serves(folder / name, kind, regions_of(folder / name, rng))


def test_contigs_too_long_for_tbi(tmp_path):
    header = "##fileformat=VCFv4.3\n##contig=<ID=1>\n##contig=<ID=2>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    lines = "".join(f"{contig}\t{pos}\t.\tA\tC\t.\t.\t.\n" for contig in "12" for pos in (7, 2**29 + 5, 2**31 - 9))
    repo = vs.create(tmp_path / "r", vcf_text.write_plain(tmp_path / "in.vcf", header + lines))
    with pytest.raises(vs.QueryError, match="a TBI index reaches to position 536,870,912"):
        repo.export(tmp_path / "a.vcf.gz", write_index="tbi")
    assert not (tmp_path / "a.vcf.gz").exists()
    for name in ("a.vcf.gz", "a.bcf"):
        repo.export(tmp_path / name, write_index="csi")
        for contig in "12":
            (line,) = run("bcftools", "view", "-H", "-r", f"{contig}:600000000-", tmp_path / name).splitlines()
            assert line.split("\t")[:2] == [contig, str(2**31 - 9)]


def test_regions_of_a_repository_and_a_stale_index(fx_small, tmp_path):
    repo = vs.open(fx_small.path)
    repo.export(tmp_path / "a.vcf.gz", region=["X", "22"], write_index="tbi")
    assert assert_index_serves(tmp_path / "a.vcf.gz", "tbi", ["22", "X", "1", "22:1-2000"])
    with pytest.raises(vs.QueryError, match=r"a\.vcf\.gz: is there already"):
        repo.export(tmp_path / "a.vcf.gz", write_index="tbi")
    (tmp_path / "a.vcf.gz").unlink()
    with pytest.raises(vs.QueryError, match=r"a\.vcf\.gz\.tbi: is there already"):
        repo.export(tmp_path / "a.vcf.gz", write_index="tbi")
    repo.export(tmp_path / "a.vcf.gz", region="1", write_index="tbi", force=True)
    assert run("tabix", "-l", tmp_path / "a.vcf.gz") == "1\n"


def test_the_command_line(fx_small, fx_cli, tmp_path):
    fx_cli("export", fx_small.path, "-o", tmp_path / "a.bcf", "--write-index")
    fx_cli("export", fx_small.path, "-o", tmp_path / "a.vcf.gz", "--write-index=tbi", "-r", "22")
    assert {path.name for path in tmp_path.iterdir()} == {"a.bcf", "a.bcf.csi", "a.vcf.gz", "a.vcf.gz.tbi"}
    assert int(run("bcftools", "index", "-n", tmp_path / "a.bcf")) == len(fx_small.vcf.records)
    wrong = [("a.vcf", "csi", "BGZF"), ("b.bcf", "tbi", "no TBI"), ("b.vcz", "csi", "BGZF"), (None, "csi", "BGZF")]
    for name, kind, said in wrong:
        where = [] if name is None else ["-o", tmp_path / name]
        assert said in fx_cli("export", fx_small.path, *where, f"--write-index={kind}", status=1).stderr
