"""An exported VCF Zarr store needs no varstore: other readers find in it what went in."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import reference
import varstore as vs
import vcf_text
from exported import assert_same_records, samples_of
from test_export import export_text

FIELDS = ["real/bio2zarr_field_type_combos.vcf.gz", "real/bio2zarr_chr22.vcf.gz", "edge/sample.vcf.gz"]


def vcztools_view(*arguments):
    """The text that vcztools makes of a store."""
    command = [sys.executable, "-m", "vcztools", "view", "--no-version", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def fx_export(fx_small, tmp_path):
    """The small repository as a store, and what was said."""
    report = vs.open(fx_small.path).export(tmp_path / "small.vcz", threads=2)
    return tmp_path / "small.vcz", report


def test_no_codec_of_ours_is_in_it(fx_export, fx_small):
    store, report = fx_export
    documents = [json.loads(path.read_text()) for path in store.rglob(".zarray")]
    assert {document["compressor"]["id"] for document in documents} == {"blosc"}
    private = {path.parent.relative_to(store).as_posix() for path in store.rglob("varstore/**/.zarray")}
    assert private == {"varstore/literal/variant_CIPOS"}
    without_gt = int(sum((record.codes == reference.MISSING).all() for record in fx_small.vcf.records))
    assert any("records without GT" in sentence for sentence in report.dropped) == (without_gt > 0)


def test_xarray_reads_it(fx_export, fx_small):
    xarray = pytest.importorskip("xarray")
    dataset = xarray.open_zarr(fx_export[0], consolidated=False, mask_and_scale=False)
    vcf = fx_small.vcf
    np.testing.assert_array_equal(dataset["call_genotype"].values, vcf.call_genotype)
    np.testing.assert_array_equal(dataset["call_genotype_mask"].values, vcf.call_genotype < 0)
    assert dataset["sample_id"].values.tolist() == vcf.samples
    assert dataset["variant_position"].values.tolist() == [record.pos for record in vcf.records]
    assert dataset["variant_length"].values.tolist() == [record.rlen for record in vcf.records]
    alleles = [[text for text in row if text] for row in dataset["variant_allele"].values.tolist()]
    assert alleles == [list(record.alleles) for record in vcf.records]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=vcf_text.vcf_texts(max_variants=9))
def test_it_opens_as_a_store_with_the_same_answers(text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vcz")
    repo = vs.create(folder / "repo", vcf_text.write_bgzf(folder / "a.vcf.gz", text))
    repo.export(folder / "a.vcz")
    again = vs.open(folder / "a.vcz")
    assert again.samples == repo.samples
    assert again.contigs == repo.contigs
    rows = reference.count_rows(reference.read_vcf(text).records)
    reference.assert_same_rows(again.count_genotypes(), rows)


@pytest.mark.parametrize("size", [1, 7])
def test_chunks_divide_nothing(fx_small, tmp_path, monkeypatch, size):
    monkeypatch.setattr("varstore.export.vcz.CHUNK_VARIANTS", 17)
    monkeypatch.setattr("varstore.export.vcz.CHUNK_SAMPLES", size)
    repo = vs.open(fx_small.path)
    ids = fx_small.ids([22, 0, 9, 4, 5, 17, 3, 8])
    repo.export(tmp_path / "a.vcz", samples=ids)
    again, expected = vs.open(tmp_path / "a.vcz").genotypes(), repo.genotypes(samples=ids)
    np.testing.assert_array_equal(again.call_genotype, expected.call_genotype)
    np.testing.assert_array_equal(again.call_genotype_phased, expected.call_genotype_phased)
    np.testing.assert_array_equal(again.variant_allele[:, : expected.variant_allele.shape[1]], expected.variant_allele)


def test_vcztools_views_regions_of_it(fx_export, fx_small):
    pytest.importorskip("vcztools")
    records = [record for record in fx_small.vcf.records if record.contig == "22"]
    region = ("22", records[2].pos, records[-2].pos)
    text = vcztools_view("-r", "{}:{}-{}".format(*region), fx_export[0])
    expected = reference.overlapping(records, [region])
    assert [record.pos for record in reference.read_vcf(text).records] == [record.pos for record in expected]
    assert samples_of(text) == fx_small.vcf.samples


@pytest.mark.parametrize("name", ["micro_haploid.vcf", "sample.vcf.gz", "sample.bcf", "sample_extra_contig.vcf.gz"])
def test_bio2zarr_verifies_it(name, fx_shared_data, tmp_path):
    verification = pytest.importorskip("bio2zarr.vcz_verification")
    source = fx_shared_data / "edge" / name
    vs.create(tmp_path / "repo", source).export(tmp_path / "a.vcz")
    verification.verify(str(source), str(tmp_path / "a.vcz"))


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_goes_on_into_a_store(name, fx_shared_data, tmp_path):
    convert = pytest.importorskip("bio2zarr.vcf").convert
    verification = pytest.importorskip("bio2zarr.vcz_verification")
    convert([fx_shared_data / name], tmp_path / "a.vcz", variants_chunk_size=17, samples_chunk_size=7)
    first = vs.open(tmp_path / "a.vcz")
    first.export(tmp_path / "b.vcz")
    verification.verify(str(fx_shared_data / name), str(tmp_path / "b.vcz"))
    assert_same_records(export_text(vs.open(tmp_path / "b.vcz")), export_text(first))


def test_a_zip_file_holds_the_same(fx_small, fx_export, tmp_path):
    zarr = pytest.importorskip("zarr")
    vs.open(fx_small.path).export(tmp_path / "a.vcz.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.vcz.zip", "small.vcz"]
    with zarr.storage.ZipStore(tmp_path / "a.vcz.zip", mode="r") as store:
        group = zarr.open_group(store, mode="r")
        np.testing.assert_array_equal(group["call_genotype"][...], fx_small.vcf.call_genotype)


def test_a_region_without_records_is_an_empty_store(fx_small, tmp_path):
    repo = vs.open(fx_small.path)
    assert repo.export(tmp_path / "none.vcz", region="empty").num_variants == 0
    again = vs.open(tmp_path / "none.vcz")
    assert (again.num_variants, again.samples) == (0, repo.samples)


def test_force_replaces_a_store(fx_export, fx_small):
    store, _ = fx_export
    with pytest.raises(vs.QueryError, match="--force"):
        vs.open(fx_small.path).export(store)
    vs.open(fx_small.path).export(store, samples=fx_small.ids([3]), force=True)
    assert vs.open(store).samples == fx_small.ids([3])
    assert [path.name for path in store.parent.iterdir()] == [store.name]


def test_a_store_that_cannot_be_replaced_stays(fx_export, fx_small, monkeypatch):
    from varstore.storage import files

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    store, _ = fx_export
    monkeypatch.setattr(files, "replace", refuse)
    with pytest.raises(vs.RepositoryError, match=r"small\.vcz: cannot be written \(No space left"):
        vs.open(fx_small.path).export(store, samples=[], force=True)
    assert vs.open(store).samples == fx_small.vcf.samples
    assert [path.name for path in store.parent.iterdir()] == [store.name]
