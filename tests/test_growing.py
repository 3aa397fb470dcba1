"""The 1000 Genomes slice in ten batches: counts are those of the whole file, whatever happens to the repository."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import varstore as vs
from varstore.errors import DenominatorWarning

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared/data/real/1kg_p3_chr22_16-16.5mb.vcf.gz"
COLUMNS = ("allele_count", "allele_number", "n_hom_ref", "n_het", "n_hom_alt", "n_other", "n_missing")
pytestmark = pytest.mark.skipif(not REAL.exists(), reason="needs shared/data/real")


def counts(repo, **options):
    """Counts by allele; alleles that nobody carries left out, for no batch has their sites."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenominatorWarning)
        table = repo.count_genotypes(**options)
    keys = zip(table.contig, table.position, table.ref, table.alt, strict=True)
    rows = zip(*(table[name] for name in COLUMNS), strict=True)
    return {key: row for key, row in zip(keys, rows, strict=True) if row[0]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return vs.create(tmp_path_factory.mktemp("whole") / "whole.varstore", REAL)


@pytest.fixture(scope="module")
def ten_files(tmp_path_factory):
    sys.path.insert(0, str(ROOT / "tools"))
    from cut_batches import cut_batches

    return cut_batches(REAL, tmp_path_factory.mktemp("ten"), 10)


@pytest.fixture(scope="module")
def ten(tmp_path_factory, ten_files):
    path = tmp_path_factory.mktemp("repo") / "ten.varstore"
    repo = vs.create(path, ten_files[0], absent="reference", assembly="GRCh37")
    for file in ten_files[1:]:
        repo.add(file, absent="reference")
    return repo


def test_counts_of_ten_batches_are_those_of_the_whole_file(whole, ten):
    assert ten.version == 10
    assert len({batch["num_variants"] for batch in ten.info()["batches"]}) > 1
    expected = counts(whole)
    assert len(expected) > 6_000
    assert counts(ten) == expected
    some = whole.samples[::7]
    assert counts(ten, samples=some) == counts(whole, samples=some)
    region = "22:16100000-16110000"
    assert counts(ten, region=region) == counts(whole, region=region)


def test_without_a_policy_nobody_is_reference_by_silence(whole, ten_files, tmp_path):
    repo = vs.create(tmp_path / "unknown.varstore", *ten_files)
    expected, found = counts(whole), counts(repo)
    assert found.keys() == expected.keys()
    assert all(found[key][0] == expected[key][0] for key in expected)
    number = np.array([found[key][1] for key in expected])
    assert (number <= [expected[key][1] for key in expected]).all()
    assert (number < [expected[key][1] for key in expected]).sum() > 1_000
    with pytest.warns(DenominatorWarning):
        repo.count_alleles()
