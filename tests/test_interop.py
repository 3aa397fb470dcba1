"""Other people's tools read a batch, and a store that bio2zarr wrote opens as a repository."""

import subprocess
import sys

import numpy as np
import pytest

import reference
import varstore as vs
import vcf_text
from reference import ALLELE_COLUMNS, assert_same_rows

# what the tools warn about is theirs to mend
pytestmark = pytest.mark.filterwarnings("ignore")

KINDS = {
    "GT only": {"max_alts": 3, "missing": 0.05, "half_missing": 0.05, "mixed_phase": 0.5},
    "haploid": {"ploidy": "haploid", "missing": 0.1, "odd_alts": False},
    "more fields": {"extra_format": True, "missing": 0.05, "max_alts": 2, "unphased": 0.5},
}


@pytest.fixture(scope="module", params=KINDS)
def fx_kind(request, fx_store):
    """Files of one ploidy throughout: bio2zarr 0.2.1 cannot verify others."""
    return fx_store(vcf_text.make_vcf(len(request.param), 83, 19, **KINDS[request.param]))


def only_batch(stored):
    (batch,) = (stored.path / "batches").iterdir()
    return batch


def vcztools(*arguments):
    command = [sys.executable, "-m", "vcztools", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same_vcf(found, vcf, records):
    """Compare what VCF text says of sites, FILTER and calls, whatever the order of its fields."""
    assert found.samples == vcf.samples
    for got, expected in zip(found.records, records, strict=True):
        assert (got.contig, got.pos, got.id) == (expected.contig, expected.pos, expected.id)
        assert got.alleles == expected.alleles
        assert set(got.filters) == set(expected.filters)
        assert got.qual == expected.qual or float(got.qual) == float(expected.qual)
        width = expected.codes.shape[1] - got.codes.shape[1]
        codes = np.pad(got.codes, ((0, 0), (0, width)), constant_values=reference.FILL)
        np.testing.assert_array_equal(codes, expected.codes)
        several = (expected.codes != reference.FILL).sum(axis=1) >= 2
        np.testing.assert_array_equal(got.phased[several], expected.phased[several])


def test_vcztools_view_prints_what_came_in(fx_kind):
    pytest.importorskip("vcztools")
    found = reference.read_vcf(vcztools("view", only_batch(fx_kind)))
    assert_same_vcf(found, fx_kind.vcf, fx_kind.vcf.records)


def test_vcztools_view_prints_every_oddity(fx_small):
    pytest.importorskip("vcztools")
    found = reference.read_vcf(vcztools("view", only_batch(fx_small)))
    assert_same_vcf(found, fx_small.vcf, fx_small.vcf.records)


def test_vcztools_view_of_a_region_and_some_samples(fx_small):
    pytest.importorskip("vcztools")
    records = fx_small.vcf.records
    record = next(r for r in records if r.contig == "22" and r.rlen > 5)
    start, end = record.pos + record.rlen - 1, record.pos + record.rlen + 3000
    members = [3, 5, 17]
    names = ",".join(fx_small.ids(members))
    text = vcztools("view", "-r", f"22:{start}-{end}", "-s", names, only_batch(fx_small))
    found = reference.read_vcf(text)
    assert found.samples == fx_small.ids(members)
    expected = reference.overlapping(records, [("22", start, end)])
    assert [r.pos for r in found.records] == [r.pos for r in expected]
    for got, record in zip(found.records, expected, strict=True):
        codes = record.codes[members][:, : got.codes.shape[1]]
        np.testing.assert_array_equal(got.codes, codes)


def test_vcztools_query(fx_small):
    pytest.importorskip("vcztools")
    text = vcztools("query", "-f", r"%CHROM\t%POS\t%REF\t%ALT\n", only_batch(fx_small))
    found = [line.split("\t") for line in text.splitlines()]
    records = fx_small.vcf.records
    expected = [[r.contig, str(r.pos), r.ref, ",".join(r.alts)] for r in records]
    assert found == expected
    assert vcztools("query", "-l", only_batch(fx_small)).split() == fx_small.vcf.samples


def test_xarray_opens_a_batch(fx_kind):
    xarray = pytest.importorskip("xarray")
    dataset = xarray.open_zarr(only_batch(fx_kind), consolidated=False, mask_and_scale=False)
    assert dataset.attrs["vcf_zarr_version"] == "0.4"
    vcf = fx_kind.vcf
    np.testing.assert_array_equal(dataset["call_genotype"].values, vcf.call_genotype)
    assert dataset["call_genotype"].dims == ("variants", "samples", "ploidy")
    assert dataset["sample_id"].values.tolist() == vcf.samples
    assert dataset["variant_position"].values.tolist() == [r.pos for r in vcf.records]
    alleles = [[text for text in row if text] for row in dataset["variant_allele"].values.tolist()]
    assert alleles == [list(record.alleles) for record in vcf.records]
    contigs = dataset["contig_id"].values[dataset["variant_contig"].values]
    assert contigs.tolist() == [record.contig for record in vcf.records]
    assert dataset["variant_length"].values.tolist() == [record.rlen for record in vcf.records]


def test_bio2zarr_verifies_a_batch(fx_kind):
    verification = pytest.importorskip("bio2zarr.vcz_verification")
    verification.verify(str(fx_kind.source), str(only_batch(fx_kind)))


def test_bio2zarr_verifies_the_slice(fx_slice, fx_slice_repo, tmp_path):
    """Verify the first thousand records of the real file: enough, and done in a moment."""
    verification = pytest.importorskip("bio2zarr.vcz_verification")
    text = fx_slice.header + "".join(line + "\n" for line in fx_slice.lines[:1000])
    some = vcf_text.write_plain(tmp_path / "some.vcf", text)
    (batch,) = (fx_slice_repo / "batches").iterdir()
    verification.verify(str(some), str(batch))


@pytest.fixture(scope="module", params=[2, 3], ids=["zarr 2", "zarr 3"])
def fx_foreign(request, tmp_path_factory):
    """A store that bio2zarr wrote, in chunks that divide nothing, and what is in it."""
    vcf = pytest.importorskip("bio2zarr.vcf")
    directory = tmp_path_factory.mktemp("foreign")
    text = vcf_text.make_vcf(50, 83, 19, ploidy="mixed", missing=0.1, half_missing=0.1, max_alts=3, unphased=0.5)
    source = vcf_text.write_bgzf(directory / "a.vcf.gz", text, 65280)
    store = directory / "store.vcz"
    vcf.convert(
        [source],
        store,
        variants_chunk_size=17,
        samples_chunk_size=7,
        zarr_format=request.param,
    )
    return store, reference.read_vcf(text)


def test_a_foreign_store_counts_the_same(fx_foreign):
    store, vcf = fx_foreign
    repo = vs.open(store)
    rows = reference.count_rows(vcf.records)
    assert_same_rows(repo.count_genotypes(), rows)
    assert_same_rows(repo.count_alleles(), rows, ALLELE_COLUMNS)
    members = [18, 0, 7, 6]
    ids = [vcf.samples[member] for member in members]
    rows = reference.count_rows(vcf.records, cohorts={"some": members, "one": [5]})
    table = repo.count_genotypes(cohorts={"some": ids, "one": [vcf.samples[5]]})
    assert_same_rows(table, rows)
    record = vcf.records[41]
    region = ("22", record.pos, record.pos + 4000)
    found = reference.overlapping(vcf.records, [region])
    table = repo.count_genotypes("{}:{}-{}".format(*region), samples=ids, filters=["PASS"])
    assert_same_rows(table, reference.count_rows(found, members, filters=["PASS"]))


def test_a_foreign_store_gives_its_genotypes(fx_foreign):
    store, vcf = fx_foreign
    part = vs.open(store).genotypes("22", samples=[vcf.samples[9], vcf.samples[2]])
    np.testing.assert_array_equal(part.call_genotype, vcf.call_genotype[:, [9, 2]])


def test_a_foreign_store_is_only_read(fx_foreign, fx_small):
    store, _ = fx_foreign
    before = sorted(path.stat().st_mtime_ns for path in store.rglob("*"))
    with pytest.raises(vs.VarstoreError, match=r"read.only"):
        vs.open(store).add(fx_small.source)
    assert sorted(path.stat().st_mtime_ns for path in store.rglob("*")) == before
