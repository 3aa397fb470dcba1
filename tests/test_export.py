"""What goes in comes out: VCF and BCF of a repository against the text it was made from."""

import gzip
import io
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import reference
import varstore as vs
import vcf_text
from exported import assert_same_records, bcftools_view, body, samples_of
from test_edge_files import WITH_CALLS, WITHOUT_GT, WITHOUT_SAMPLES

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="needs bcftools")


def export_text(repo, **options):
    """A repository as VCF text."""
    out = io.BytesIO()
    repo.export(out, "vcf", **options)
    return out.getvalue().decode()


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(text=vcf_text.vcf_texts())
def test_vcf_comes_back(text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vcf")
    repo = vs.create(folder / "repo", vcf_text.write_bgzf(folder / "a.vcf.gz", text))
    found = export_text(repo)
    assert_same_records(found, text)
    assert samples_of(found) == samples_of(text)
    meta = [line for line in text.splitlines() if line.startswith("##")]
    assert [line for line in found.splitlines() if line.startswith("##")][: len(meta)] == meta


def test_a_genotype_file_comes_back_to_the_byte(fx_store):
    text = vcf_text.make_vcf(
        3, 60, 9, ploidy="mixed", missing=0.2, half_missing=0.1, max_alts=12, mixed_phase=1, info=False
    )
    assert export_text(vs.open(fx_store(text).path)) == text


def test_bgzf_is_whole_and_can_be_taken_in_again(fx_small, tmp_path):
    repo = vs.open(fx_small.path)
    report = repo.export(tmp_path / "again.vcf.gz")
    assert (report.num_variants, report.num_samples, report.dropped) == (131, 23, ())
    data = (tmp_path / "again.vcf.gz").read_bytes()
    assert data.endswith(vcf_text.BGZF_END)
    assert gzip.decompress(data).decode() == export_text(repo)
    again = vs.create(tmp_path / "again", tmp_path / "again.vcf.gz")
    np.testing.assert_array_equal(again.genotypes().call_genotype, repo.genotypes().call_genotype)
    np.testing.assert_array_equal(again.genotypes().call_genotype_phased, repo.genotypes().call_genotype_phased)


def test_regions_and_samples_are_those_of_count(fx_small, tmp_path):
    repo = vs.open(fx_small.path)
    records = fx_small.vcf.records
    middle = records[60]
    regions = [(middle.contig, middle.pos, middle.pos + 5000), (records[0].contig, 1, records[3].pos)]
    ids = fx_small.ids([20, 3, 7])
    found = reference.read_vcf(
        export_text(repo, region=[f"{contig}:{start}-{end}" for contig, start, end in regions], samples=ids)
    )
    expected = reference.overlapping(records, regions)
    assert found.samples == ids
    assert [(r.contig, r.pos, r.alleles) for r in found.records] == [(r.contig, r.pos, r.alleles) for r in expected]
    for got, record in zip(found.records, expected, strict=True):
        codes = record.codes[[20, 3, 7]]
        np.testing.assert_array_equal(got.codes, codes[:, : got.codes.shape[1]])
        assert (codes[:, got.codes.shape[1] :] <= reference.MISSING).all()
    sites = export_text(repo, samples=[])
    assert {len(columns) for columns in body(sites)} == {8}


def test_people_of_several_batches_stand_side_by_side(fx_store, tmp_path):
    text = vcf_text.make_vcf(8, 40, 12, ploidy="mixed", missing=0.2, max_alts=3, mixed_phase=0.5)
    lines = text.splitlines(keepends=True)

    def some(samples):
        return "".join(
            line
            if line.startswith("##")
            else "\t".join([*(c := line.rstrip("\n").split("\t"))[:9], *(c[9 + i] for i in samples)]) + "\n"
            for line in lines
        )

    parts = [range(5), range(5, 12)]
    sources = [vcf_text.write_plain(tmp_path / f"{i}.vcf", some(part)) for i, part in enumerate(parts)]
    repo = vs.create(tmp_path / "repo", sources[0]).add(sources[1])
    assert_same_records(export_text(repo), text)
    order = [11, 0, 6, 4]
    ids = [repo.samples[i] for i in order]
    assert_same_records(export_text(repo, samples=ids), some(order))


def test_what_is_there_stays_unless_forced(fx_small, tmp_path):
    repo = vs.open(fx_small.path)
    target = tmp_path / "out.vcf"
    target.write_text("mine")
    with pytest.raises(vs.QueryError, match=r"out\.vcf: is there already; --force"):
        repo.export(target)
    assert target.read_text() == "mine"
    repo.export(target, force=True)
    assert target.read_text() == export_text(repo)
    with pytest.raises(vs.QueryError, match="there is no folder"):
        repo.export(tmp_path / "nowhere" / "out.vcf")


@pytest.mark.parametrize("form", ["vcf", "bcf", "vcz"])
def test_a_folder_is_never_replaced_but_a_store_by_a_store(form, fx_small, tmp_path):
    shutil.copytree(fx_small.path, tmp_path / "repo")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("long")
    repo = vs.open(tmp_path / "repo")
    for target in (tmp_path / "repo", tmp_path / "mine", tmp_path):
        with pytest.raises(vs.QueryError, match="is a folder, and no VCF Zarr store"):
            repo.export(target, form, force=True)
    repo.export(tmp_path / "a.vcz")
    if form != "vcz":
        with pytest.raises(vs.QueryError, match="is a folder"):
            repo.export(tmp_path / "a.vcz", form, force=True)
    assert vs.open(tmp_path / "repo").verify() == []
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "long"


def test_a_device_is_written_to(fx_small):
    report = vs.open(fx_small.path).export("/dev/null", "bcf")
    assert report.num_variants == 131


@pytest.mark.parametrize(
    ("form", "name"), [("vcf", "out"), ("bcf", "out"), ("vcz", "out"), ("vcz", "out.zip"), ("plink", "out.pgen")]
)
def test_an_interrupted_export_leaves_nothing(form, name, fx_small, tmp_path):
    if form == "plink":
        pytest.importorskip("pgenlib")
    repo = vs.open(fx_small.path)
    target = tmp_path / name
    target.write_text("mine")

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repo.export(target, form, force=True, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert target.read_text() == "mine"


def test_a_damaged_chunk_is_never_exported(fx_small, tmp_path):
    shutil.copytree(fx_small.path, tmp_path / "repo")
    (block,) = (tmp_path / "repo").glob("batches/*/call_genotype/0.0.0")
    data = bytearray(block.read_bytes())
    data[len(data) // 2] ^= 1
    block.write_bytes(data)
    with pytest.raises(vs.CorruptRepositoryError, match="call_genotype"):
        vs.open(tmp_path / "repo").export(tmp_path / "out.vcf")
    assert [path.name for path in tmp_path.iterdir()] == ["repo"]


def test_progress_counts_records(fx_small):
    seen = []
    vs.open(fx_small.path).export(io.BytesIO(), "vcf", progress=lambda *step: seen.append(step))
    assert sum(done for done, _ in seen) == 131
    assert {total for _, total in seen} == {131}


TYPED = """\
##fileformat=VCFv4.3
##contig=<ID=1>
##FILTER=<ID=low,Description="x">
##INFO=<ID=I,Number=.,Type=Integer,Description="x">
##INFO=<ID=F,Number=.,Type=Float,Description="x">
##INFO=<ID=S,Number=.,Type=String,Description="x">
##INFO=<ID=DB,Number=0,Type=Flag,Description="x">
##FORMAT=<ID=GT,Number=1,Type=String,Description="x">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA
"""
FLOATS = "0,-0.0,1e-45,3.4028235e38,1e39,-inf,nan,.,.1,5.,123456789.123456789,1E-3,+7,0.1000000014901161"


@needs_bcftools
def test_numbers_of_every_size_come_through_bcf(tmp_path):
    """Integers at the edges of BCF's types, long vectors and texts, floats of every form, all as bcftools has them."""
    infos = [f"I={n}" for n in (0, -1, -2, 127, 128, -120, -121, 32767, 32768, -32760, -32761, 2**31 - 1, -(2**31) + 8)]
    infos += ["I=" + ",".join(["7", ".", "-300"] * 6), "I=.,.", "S=" + "x" * 14, "S=" + "y" * 15, "S=" + "z" * 40000]
    infos += [f"F={FLOATS}", "DB;I=1;NEW=3;F=.", "NEW;S=a,b", "S=", "."]
    lines = [f"1\t{i + 1}\t.\tA\tC\t.\t{'low' if i % 2 else '.'}\t{info}\tGT\t0|1\n" for i, info in enumerate(infos)]
    long = ",".join(["C" * (k + 1) for k in range(70)])
    lines += [f"1\t900\tan-id;another-id\t{'A' * 300}\t{long}\t1e-3\tPASS\t.\tGT\t70/3\n"]
    source = vcf_text.write_plain(tmp_path / "a.vcf", TYPED + "".join(lines))
    vs.create(tmp_path / "repo", source).export(tmp_path / "out.bcf")
    assert_same_records(bcftools_view(tmp_path / "out.bcf"), bcftools_view(source))


def test_bcf_refuses_a_value_that_is_not_of_its_type(tmp_path):
    line = "1\t77\t.\tA\tC\t.\t.\tI=4,five\tGT\t0|1\n"
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", TYPED + line))
    with pytest.raises(vs.QueryError, match=r"1:77: INFO 'I=4,five' is no Integer"):
        repo.export(tmp_path / "out.bcf")
    assert not (tmp_path / "out.bcf").exists()
    assert body(export_text(repo))[0][7] == "I=4,five"


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=vcf_text.vcf_texts())
def test_bcf_says_what_vcf_says(text, tmp_path_factory):
    cyvcf2 = pytest.importorskip("cyvcf2")
    folder = tmp_path_factory.mktemp("bcf")
    repo = vs.create(folder / "repo", vcf_text.write_bgzf(folder / "a.vcf.gz", text))
    repo.export(folder / "a.bcf")
    repo.export(folder / "a.vcf")
    found, expected = ([str(record) for record in cyvcf2.VCF(str(folder / name))] for name in ("a.bcf", "a.vcf"))
    assert found == expected


@needs_bcftools
@pytest.mark.parametrize("name", [*WITH_CALLS, *WITHOUT_GT, *WITHOUT_SAMPLES])
def test_real_and_edge_files_come_back(name, fx_shared_data, tmp_path):
    source = fx_shared_data / name
    repo = vs.create(tmp_path / "repo", source)
    expected = bcftools_view(source)
    for target in (tmp_path / "out.vcf.gz", tmp_path / "out.bcf"):
        repo.export(target)
        assert_same_records(bcftools_view(target), expected)


@needs_bcftools
@pytest.mark.parametrize(
    "name", ["real/bio2zarr_field_type_combos.vcf.gz", "real/bio2zarr_chr22.vcf.gz", "edge/sample.vcf.gz"]
)
def test_every_field_of_a_vcf_zarr_store_comes_out(name, fx_shared_data, tmp_path):
    convert = pytest.importorskip("bio2zarr.vcf").convert
    convert([fx_shared_data / name], tmp_path / "store.vcz", variants_chunk_size=17, samples_chunk_size=7)
    for target in (tmp_path / "out.vcf", tmp_path / "out.bcf"):
        vs.open(tmp_path / "store.vcz").export(target)
        assert_same_records(bcftools_view(target), bcftools_view(fx_shared_data / name))


def test_the_command_line(fx_small, fx_cli, tmp_path):
    done = fx_cli("export", fx_small.path, "-r", "22", "-s", f"^{fx_small.vcf.samples[0]}")
    assert samples_of(done.stdout) == fx_small.vcf.samples[1:]
    assert {columns[0] for columns in body(done.stdout)} == {"22"}
    done = fx_cli("export", fx_small.path, "-O", "vcf", "-o", tmp_path / "a.vcf.gz")
    assert done.stderr.endswith("a.vcf.gz: 23 samples, 131 variants\n")
    refused = fx_cli("export", fx_small.path, "-o", tmp_path / "a.vcf.gz", status=1)
    assert "--force" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "no sample 'nobody'" in fx_cli("export", fx_small.path, "-s", "nobody", status=1).stderr
