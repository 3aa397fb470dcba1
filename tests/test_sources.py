"""A VCF Zarr store of somebody else's is taken in without becoming text."""

import re
import shutil
import subprocess

import numpy as np
import pytest

import reference
import varstore as vs
import vcf_text
from exported import assert_same_records, body
from test_export import export_text


@pytest.fixture(scope="module", params=["zarr 2", "zarr 3", "zip"])
def fx_foreign(request, tmp_path_factory):
    """A store that bio2zarr wrote in chunks that divide nothing, and the text it was made from."""
    convert = pytest.importorskip("bio2zarr.vcf").convert
    folder = tmp_path_factory.mktemp("foreign")
    text = vcf_text.make_vcf(
        61, 83, 19, ploidy="mixed", missing=0.1, half_missing=0.1, max_alts=3, unphased=0.5, contigs=("1", "22")
    )
    # -1 and -2 are what VCF Zarr has for missing and end: bio2zarr's stores lose them.
    text = re.sub("CIPOS=-[12],", "CIPOS=-3,", text)
    source = vcf_text.write_bgzf(folder / "a.vcf.gz", text, 65280)
    # bio2zarr wants an index where there are several contigs.
    if shutil.which("tabix") is None:
        pytest.skip("needs tabix")
    subprocess.run(["tabix", "-p", "vcf", str(source)], check=True)
    version = 3 if request.param == "zarr 3" else 2
    convert([source], folder / "a.vcz", variants_chunk_size=17, samples_chunk_size=7, zarr_format=version)
    if request.param != "zip":
        return folder / "a.vcz", text
    shutil.make_archive(str(folder / "a.vcz"), "zip", folder / "a.vcz")
    return folder / "a.vcz.zip", text


def test_what_it_holds_is_what_was_stored(fx_foreign, tmp_path):
    store, text = fx_foreign
    repo = vs.create(tmp_path / "repo", store)
    vcf = reference.read_vcf(text)
    assert repo.samples == vcf.samples
    np.testing.assert_array_equal(repo.genotypes().call_genotype, vcf.call_genotype)
    reference.assert_same_rows(repo.count_genotypes(), reference.count_rows(vcf.records))
    assert_same_records(export_text(repo), text)
    (entry,) = repo.info()["batches"][0]["files"]
    assert entry["name"] == store.name
    assert repo.verify() == []


def test_it_is_read_the_same_without_being_taken_in(fx_foreign):
    store, text = fx_foreign
    assert_same_records(export_text(vs.open(store)), text)


def test_people_are_added_from_a_store(fx_foreign, tmp_path):
    store, text = fx_foreign
    columns = next(line for line in text.splitlines() if line.startswith("#CHROM"))
    fixed, names = columns.split("\t")[:9], columns.split("\t")[9:]
    renamed = text.replace(columns, "\t".join([*fixed, *(f"{name}-too" for name in names)]))
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "b.vcf", renamed))
    repo.add(store)
    assert repo.num_samples == 38
    both = body(export_text(repo))
    assert [columns[9:28] for columns in both] == [columns[28:] for columns in both]


def test_calls_are_those_of_the_file_the_store_was_made_from(fx_shared_data, tmp_path):
    convert = pytest.importorskip("bio2zarr.vcf").convert
    source = fx_shared_data / "edge" / "sample.vcf.gz"
    convert([source], tmp_path / "a.vcz")
    repo = vs.create(tmp_path / "repo", tmp_path / "a.vcz")
    wanted = vs.create(tmp_path / "direct", source)
    assert_same_records(export_text(repo), export_text(wanted))


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(vs.InputError, match="no VCF Zarr store"):
        vs.create(tmp_path / "repo", tmp_path / "folder")
    (tmp_path / "a.zip").write_bytes(b"PK nothing")
    with pytest.raises(vs.InputError, match=r"a\.zip"):
        vs.create(tmp_path / "repo", tmp_path / "a.zip")
    assert not (tmp_path / "repo").exists()


def test_codes_that_name_no_allele_are_refused(fx_foreign, tmp_path):
    zarr = pytest.importorskip("zarr")
    store, _ = fx_foreign
    if store.suffix == ".zip":
        pytest.skip("a zip file cannot be changed in place")
    shutil.copytree(store, tmp_path / "a.vcz")
    group = zarr.open_group(tmp_path / "a.vcz", mode="r+")
    group["call_genotype"][40, 3, 0] = 99
    with pytest.raises(vs.InputError, match=r"a\.vcz, record at \w+:\d+: a genotype has allele 99, but"):
        vs.create(tmp_path / "repo", tmp_path / "a.vcz")
    group["call_genotype"][40, 3, 0] = 0
    group["variant_contig"][12] = 7
    with pytest.raises(vs.InputError, match="names a contig that contig_id has not"):
        vs.create(tmp_path / "repo", tmp_path / "a.vcz")


def test_a_repository_of_ours_is_not_taken_for_an_input(fx_small, tmp_path):
    with pytest.raises(vs.InputError, match="no VCF Zarr store"):
        vs.create(tmp_path / "repo", fx_small.path)
