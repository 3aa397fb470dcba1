"""Odd real files come back from a repository exactly as cyvcf2 reads them.

Needs the files of ../shared/data (its README.md says what each is and where it comes from).
"""

import numpy as np
import pytest

import reference
import varstore as vs
from reference import assert_same_rows

cyvcf2 = pytest.importorskip("cyvcf2")

WITH_CALLS = [
    "edge/micro_eov.vcf",
    "edge/micro_haploid.vcf",
    "edge/micro_missing.vcf",
    "edge/micro_missing_non_uniform_phasing.vcf",
    "edge/micro_missing_non_uniform_phasing_ploidy.vcf",
    "edge/micro_mixed_ploidy.vcf",
    "edge/micro_non_uniform_phase.vcf",
    "edge/plink2_all_ploidy.vcf.gz",
    "edge/sample.bcf",
    "edge/sample.vcf.gz",
    "edge/sample_all_missing_gts.vcf.gz",
    "edge/sample_extra_contig.vcf.gz",
    "edge/sample_missing_contig.vcf.gz",
    "edge/sample_missing_contig_csi.vcf.gz",
    "edge/sample_missing_filter.vcf.gz",
    "edge/sample_old_tabix.vcf.gz",
    "edge/test-haploidX.vcf",
    "edge/test-hemi.vcf",
    "real/1kg_p3_chr21_start.vcf.gz",
    "real/bio2zarr_1kg_2020_chrM.vcf.gz",
    "real/bio2zarr_CEUTrio.20.21.gatk3.4.g.vcf.bgz",
    "real/bio2zarr_chr22.vcf.gz",
    "real/bio2zarr_chr_m_indels.vcf.gz",
    "real/hail_multipleChromosomes.vcf.gz",
    "real/hail_sample2.vcf.gz",
]
WITHOUT_SAMPLES = [
    "edge/sample_no_genotypes.vcf.gz",
    "edge/sample_no_genotypes_with_gt_header.vcf.gz",
    "real/bio2zarr_1kg_2020_chr20_annotations.bcf",
    "real/bio2zarr_multi_contig.vcf.gz",
]
WITHOUT_GT = ["real/bio2zarr_field_type_combos.vcf.gz"]


def read_calls(path):
    """Read with cyvcf2: samples, (contig, pos, alleles) a record, codes and phase.

    ``codes`` is [variants, samples, ploidy], padded with -2 to the widest record; a record without
    GT is -1 throughout and unphased.
    """
    reader = cyvcf2.VCF(str(path))
    num_samples = len(reader.samples)
    sites, arrays = [], []
    for variant in reader:
        sites.append((variant.CHROM, variant.POS, [variant.REF, *variant.ALT]))
        arrays.append(variant.genotype.array() if "GT" in variant.FORMAT else None)
    ploidy = max((array.shape[1] - 1 for array in arrays if array is not None), default=0)
    codes = np.full((len(sites), num_samples, ploidy), reference.FILL)
    phased = np.zeros((len(sites), num_samples), bool)
    for row, array in enumerate(arrays):
        if array is None:
            codes[row] = reference.MISSING
        else:
            codes[row, :, : array.shape[1] - 1] = array[:, :-1]
            phased[row] = array[:, -1]
    return reader.samples, sites, codes, phased


@pytest.fixture(scope="module")
def fx_import(fx_shared_data, tmp_path_factory):
    """A function that makes a repository of a file of ../shared/data; gives both their paths."""

    def make(name):
        repo = tmp_path_factory.mktemp("edge") / "repo"
        vs.create(repo, fx_shared_data / name)
        return fx_shared_data / name, repo

    return make


def assert_same_sites(found, sites):
    assert np.asarray(found.variant_position).tolist() == [pos for _, pos, _ in sites]
    rows = np.asarray(found.variant_allele).tolist()
    alleles = [[allele for allele in row if allele] for row in rows]
    assert alleles == [alleles for _, _, alleles in sites]


@pytest.mark.parametrize("name", WITH_CALLS)
def test_calls_come_back_as_cyvcf2_reads_them(name, fx_import):
    source, path = fx_import(name)
    samples, sites, codes, phased = read_calls(source)
    found = vs.open(path).genotypes()
    assert list(found.sample_id) == samples
    assert_same_sites(found, sites)
    np.testing.assert_array_equal(found.call_genotype, codes)
    several = (codes != reference.FILL).sum(axis=2) >= 2
    np.testing.assert_array_equal(np.asarray(found.call_genotype_phased)[several], phased[several])


@pytest.mark.parametrize("name", [name for name in WITH_CALLS if name.startswith("edge/")])
def test_counts_follow_from_what_cyvcf2_reads(name, fx_import):
    source, path = fx_import(name)
    _, sites, codes, _ = read_calls(source)
    records = [
        reference.Record(contig, pos, ".", ref, tuple(alts), ".", (".",), ".", codes[row], None, len(ref))
        for row, (contig, pos, (ref, *alts)) in enumerate(sites)
    ]
    assert_same_rows(vs.open(path).count_genotypes(), reference.count_rows(records))


@pytest.mark.parametrize("name", WITHOUT_SAMPLES)
def test_a_file_without_samples_has_sites_and_counts_nobody(name, fx_import):
    source, path = fx_import(name)
    _, sites, _, _ = read_calls(source)
    repo = vs.open(path)
    table = repo.count_genotypes()
    alts = [alt for _, _, (_, *alts) in sites for alt in alts if alt not in reference.NO_ROW]
    assert list(table["alt"]) == alts
    assert not table["allele_number"].any()
    assert not table["n_missing"].any()
    assert np.isnan(table["allele_frequency"]).all()
    found = repo.genotypes()
    assert len(found.sample_id) == 0
    assert found.call_genotype.shape[:2] == (len(sites), 0)
    assert_same_sites(found, sites)


@pytest.mark.parametrize("name", WITHOUT_GT)
def test_a_file_without_gt_has_its_rows_all_missing(name, fx_import):
    source, path = fx_import(name)
    samples, sites, _, _ = read_calls(source)
    table = vs.open(path).count_genotypes()
    assert len(table) == sum(len(alleles) - 1 for _, _, alleles in sites)
    assert not table["allele_number"].any()
    np.testing.assert_array_equal(table["n_missing"], len(samples))
