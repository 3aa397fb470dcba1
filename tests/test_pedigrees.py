"""The simulated families are what they say: shared descent, distance of populations, sexes, files."""

import numpy as np
import pytest

import pedigrees
import varstore as vs
from pedigrees import FEMALE, MALE, X, Y


@pytest.fixture(scope="module")
def fx_families():
    return pedigrees.simulate(5, sites=6000, sex_sites=300, consanguineous=1)


def test_the_genome_is_long_enough():
    assert sum(pedigrees.LENGTHS.values()) / pedigrees.MORGAN > 30
    assert len(pedigrees.LENGTHS) == 22


def test_parents_share_one_copy_everywhere_and_duplicates_two(fx_families):
    origin = fx_families.origin[fx_families.autosomes]
    for child in np.flatnonzero(fx_families.father >= 0):
        for copy, parent in enumerate((fx_families.father[child], fx_families.mother[child])):
            none, _, _ = fx_families.shares(child, parent)
            assert none == 0
            # Where the parents are related, the copy of the other parent is here too.
            others = (origin[:, child, 1 - copy, np.newaxis] == origin[:, parent]).sum(axis=1).mean()
            assert fx_families.kinship[child, parent] == pytest.approx(0.25 * (1 + others))
        alleles = fx_families.haplotypes[fx_families.autosomes]
        for copy, parent in enumerate((fx_families.father[child], fx_families.mother[child])):
            assert (alleles[:, child, copy, np.newaxis] == alleles[:, parent]).any(axis=1).all()
    for twin in np.flatnonzero(fx_families.duplicate_of >= 0):
        assert fx_families.shares(twin, fx_families.duplicate_of[twin]) == (0, 0, 1)


def expected_kinship(families):
    """Kinship coefficients by the recursion over the pedigree."""
    number = len(families)
    origin = [families.duplicate_of[p] if families.duplicate_of[p] >= 0 else p for p in range(number)]

    def depth(p):
        return -1 if p < 0 else 1 + max(depth(families.father[p]), depth(families.mother[p]))

    def phi(a, b):
        if a < 0 or b < 0:
            return 0.0
        a, b = origin[a], origin[b]
        if a == b:
            return 0.5 * (1 + phi(families.father[a], families.mother[a]))
        if depth(a) < depth(b):
            a, b = b, a
        if families.father[a] < 0:
            return 0.0
        return 0.5 * (phi(families.father[a], b) + phi(families.mother[a], b))

    return np.array([[phi(a, b) for b in range(number)] for a in range(number)])


def test_shared_descent_is_around_what_the_pedigree_expects(fx_families):
    expected = expected_kinship(fx_families)
    a, b = fx_families.pairs()
    found, expected = fx_families.kinship[a, b], expected[a, b]
    assert (found[expected == 0] == 0).all()
    assert {0.5, 0.25, 0.125, 0.0625, 0.03125} <= set(np.round(expected, 5))
    for level in np.unique(expected[expected > 0]):
        here = found[expected == level]
        assert abs(here.mean() - level) < 0.02
    assert np.abs(found - expected).max() < 0.09


def test_populations_are_apart_and_mating_within_them_is_random(fx_families):
    founders = (fx_families.father < 0) & (fx_families.duplicate_of < 0)
    alleles = fx_families.haplotypes[fx_families.autosomes]
    groups = [
        alleles[:, founders & (fx_families.population == name)].reshape(len(alleles), -1)
        for name in pedigrees.POPULATIONS
    ]
    for k, one in enumerate(groups):
        for other in groups[:k]:
            p, q, n, m = one.mean(axis=1), other.mean(axis=1), one.shape[1], other.shape[1]
            within = p * (1 - p) / (n - 1) + q * (1 - q) / (m - 1)
            fst = ((p - q) ** 2 - within).sum() / (p * (1 - q) + q * (1 - p)).sum()
            assert 0.05 < fst < 0.12


def test_sex_chromosomes(fx_families):
    male = fx_families.sex == MALE
    on_x, on_y = fx_families.kind == X, fx_families.kind == Y
    x = fx_families.haplotypes[on_x]
    assert (x[:, male, 0] == x[:, male, 1]).all()
    assert (x[:, ~male, 0] != x[:, ~male, 1]).mean() > 0.2
    assert (fx_families.haplotypes[on_y][:, ~male] == -2).all()
    assert (fx_families.haplotypes[on_y][:, male] >= 0).all()
    for child in np.flatnonzero(fx_families.father >= 0):
        father, mother = fx_families.father[child], fx_families.mother[child]
        assert fx_families.sex[father] == MALE
        assert fx_families.sex[mother] == FEMALE
        if male[child]:
            assert (fx_families.origin[on_y][:, child] == fx_families.origin[on_y][:, father]).all()
            assert (x[:, child, 0, np.newaxis] == x[:, mother]).any(axis=1).all()
        else:
            assert (fx_families.origin[on_x][:, child, 0] == fx_families.origin[on_x][:, father, 0]).all()


def test_missing_calls_and_errors(fx_families):
    plain = fx_families.haplotypes
    calls = fx_families.calls(missing=0.2)
    there = plain[..., 0] >= 0
    assert ((calls < 0).all(axis=2) == (calls < 0).any(axis=2)).all()
    assert (calls[there][:, 0] < 0).mean() == pytest.approx(0.2, abs=0.01)
    wrong = fx_families.calls(error=0.01)
    autosomes = fx_families.autosomes
    assert (wrong != plain)[autosomes].sum(axis=2).max() == 1
    assert (wrong != plain)[autosomes].any(axis=2).mean() == pytest.approx(0.01, abs=0.001)
    assert (fx_families.calls() == plain).all()
    assert (fx_families.calls(0.1, 0.1) == fx_families.calls(0.1, 0.1)).all()
    assert (fx_families.calls(0.1, seed=1) != fx_families.calls(0.1)).any()


@pytest.mark.parametrize("haploid", [True, False])
def test_files_hold_what_was_made(haploid, tmp_path):
    families = pedigrees.simulate(2, sites=300, families=1, strangers=1, sex_sites=40)
    calls = families.calls(missing=0.1)
    source = families.write_vcf(tmp_path / "families.vcf.gz", calls, haploid=haploid)
    repo = vs.create(tmp_path / "repo", source, samples=families.write_ped(tmp_path / "families.ped"))
    found = repo.genotypes()
    assert found.sample_id.tolist() == families.samples
    np.testing.assert_array_equal(found.variant_position, families.position)
    expected = calls.copy()
    one = (families.sex == MALE) if haploid else np.zeros(len(families), bool)
    expected[np.ix_(families.kind == X, one, [1])] = -2
    expected[np.ix_(families.kind == Y, families.sex == FEMALE)] = -1
    if haploid:
        expected[families.kind == Y, :, 1] = -2
    np.testing.assert_array_equal(found.call_genotype, expected)
    table = repo.sample_table()
    assert table["sex"].tolist() == ["male" if sex == MALE else "female" for sex in families.sex]
    for column, parents in (("father", families.father), ("mother", families.mother)):
        assert table[column].tolist() == [families.samples[parent] if parent >= 0 else None for parent in parents]
