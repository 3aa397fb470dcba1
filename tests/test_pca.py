"""Principal axes against singular value decomposition of decoded genotypes, against plink2, and of people outside."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import populations
import varstore as vs
import vcf_text
from test_diploid import expected_codes, random_vcf
from test_variant_stats import create, several, split
from varstore.query.site_choice import SiteLimits, choose_sites
from varstore.relatedness import krylov
from varstore.relatedness.standardised import StandardisedGenotypes

ANYWHERE = SiteLimits(autosomes=False)


def standardised(codes):
    """(people, sites) of (sites, people) copies of ALT, -1 missing: mean 0, variance 1 by 2p (1 - p); NaN-free."""
    called = codes >= 0
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.where(called, codes, 0).sum(axis=1) / (2 * called.sum(axis=1))
        x = (codes - 2 * p[:, None]) / np.sqrt(2 * p * (1 - p))[:, None]
    x[~called] = 0
    good = np.isfinite(x).all(axis=1) & (p > 0) & (p < 1)
    return x[good].T, p[good], good


def check_products(repo, people):
    sites = choose_sites(repo, people, ANYWHERE)
    codes = expected_codes(repo, sites, people)
    x, _, good = standardised(codes)
    matrix = StandardisedGenotypes(repo, sites, people)
    np.testing.assert_array_equal(matrix.scaling.varying, good)
    rng = np.random.default_rng(1)
    v, w = rng.standard_normal((len(people), 11)), rng.standard_normal((len(sites), 3))
    np.testing.assert_allclose(matrix.of_people(v)[good], x.T @ v, atol=1e-10)
    assert not matrix.of_people(v)[~good].any()
    np.testing.assert_allclose(matrix.of_sites(w), x @ w[good], atol=1e-10)
    np.testing.assert_allclose(matrix.of_missing(w), (codes < 0).T @ w, atol=1e-10)
    np.testing.assert_array_equal(matrix.num_missing(), (codes < 0).sum(axis=0))
    np.testing.assert_allclose(matrix.scaling.total, (x**2).sum(), rtol=1e-12)
    return matrix


@given(text=vcf_text.vcf_texts(max_variants=12, max_samples=9))
@settings(deadline=None, max_examples=25)
def test_products_of_any_calls(text, tmp_path_factory):
    repo = create(tmp_path_factory.mktemp("products"), text)
    check_products(repo, np.arange(repo.num_samples))


def test_products_of_planes_and_lists(tmp_path):
    """Common sites are planes, rare ones lists, whichever allele is rarer; one batch, and two."""
    frequency = np.concatenate([np.random.default_rng(4).beta(0.3, 0.3, 300), [0.0004, 0.9995, 0.001, 0.998] * 20])
    text = random_vcf(frequency, 1300, [0.0, 0.002, 0.05, 0.3], 4)
    matrix = check_products(create(tmp_path, text), np.arange(1300))
    assert len(matrix._common) > 100
    assert len(matrix._rare) > 40
    assert matrix._lists.flipped.any()
    assert (matrix._lists.code == 3).any()
    check_products(several(tmp_path, split(text, [700, 600])), np.arange(3, 1290, 2))


def symmetric(rng, values):
    turn = np.linalg.qr(rng.standard_normal((len(values), len(values))))[0]
    return (turn * values) @ turn.T, turn


@given(
    seed=st.integers(0, 99), rows=st.integers(20, 150), rank=st.integers(1, 150), k=st.integers(1, 9),
    decay=st.floats(0.3, 0.95),
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_krylov_finds_the_leading_pairs(seed, rows, rank, k, decay):
    """Without the short way of small matrices: also where the rank is below what is asked for, or the basis is cut."""
    values = np.where(np.arange(rows) < rank, 100 * decay ** np.arange(rows), 0)
    matrix, turn = symmetric(np.random.default_rng(seed), values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(krylov, "SMALL", 0)
        patch.setattr(krylov, "_BLOCKS", 3)
        patch.setattr(krylov, "TOLERANCE", 1e-7)
        found = krylov.leading(lambda v: matrix @ v, rows, min(k, rows - 12), 3)
    k = len(found.values)
    assert found.converged
    np.testing.assert_allclose(found.values, values[:k], atol=1e-6)
    strong = values[:k] > 1e-3
    assert (np.abs((found.vectors * turn[:, :k]).sum(axis=0))[strong] > 1 - 1e-8).all()
    assert np.isclose(found.weight.sum(), rows)


@pytest.mark.parametrize("small", [0, krylov.SMALL])
@pytest.mark.parametrize("missing", [0, 0.07])
def test_against_singular_values(small, missing, tmp_path, monkeypatch):
    """To 1e-6, by Krylov iteration and by solving whole; the same answer in any number of threads."""
    monkeypatch.setattr(krylov, "SMALL", small)
    monkeypatch.setattr(krylov, "TOLERANCE", 1e-8)
    rng = np.random.default_rng(5)
    codes = populations.dosages(rng, populations.frequencies(rng, 1300, 3, 0.1), [60, 50, 30], missing)
    repo = vs.create(tmp_path / "repo", populations.write_vcf(tmp_path / "a.vcf", codes))
    found = repo.pca(4, min_maf=0.02, min_call_rate=0.5)
    maf = np.minimum(p := np.where(codes >= 0, codes, 0).sum(1) / (2 * (codes >= 0).sum(1)), 1 - p)
    x, p, _ = standardised(codes[maf >= 0.02])
    assert found.num_sites == x.shape[1]
    u, d, v = np.linalg.svd(x, full_matrices=False)
    np.testing.assert_allclose(found.eigenvalue, d[:4] ** 2 / x.shape[1], rtol=1e-6)
    np.testing.assert_allclose(found.variance_share, d[:4] ** 2 / (d**2).sum(), rtol=1e-6)
    np.testing.assert_allclose(found.frequency, p, rtol=1e-12)
    sign = np.sign((v[:4].T * found.loadings).sum(axis=0))
    np.testing.assert_allclose(found.loadings, v[:4].T * sign, atol=1e-6)
    np.testing.assert_allclose(found.coordinates, u[:, :4] * d[:4] / np.sqrt(x.shape[1]) * sign, atol=1e-6)
    assert (found.loadings.max(axis=0) >= -found.loadings.min(axis=0)).all()
    assert found.to_table().columns == ["sample", "pc1", "pc2", "pc3", "pc4"]
    monkeypatch.setattr(repo, "_map", map)
    alone = repo.pca(4, min_maf=0.02, min_call_rate=0.5)
    np.testing.assert_array_equal(alone.coordinates, found.coordinates)
    np.testing.assert_array_equal(alone.loadings, found.loadings)


def plink_axes(path, k, *options):
    """(people, k) eigenvectors and (k,) eigenvalues by plink2."""
    if shutil.which("plink2") is None:
        pytest.skip("plink2 is not installed")
    out = path.parent / "plink"
    command = ["plink2", "--vcf", path, "--max-alleles", "2", "--pca", str(k), *options, "--out", out]
    subprocess.run([*map(str, command)], check=True, capture_output=True)
    vectors = np.loadtxt(f"{out}.eigenvec", skiprows=1, usecols=range(1, k + 1), ndmin=2)
    return vectors, np.loadtxt(f"{out}.eigenval", ndmin=1)


def three_populations(directory, seed=6, sizes=(90, 80, 40), sites=2400, missing=0.02, fst=0.06):
    rng = np.random.default_rng(seed)
    codes = populations.dosages(rng, populations.frequencies(rng, sites, 3, fst), sizes, missing)
    return codes, populations.write_vcf(directory / "a.vcf", codes)


@pytest.mark.parametrize("missing", [0, 0.04])
def test_like_plink(missing, tmp_path):
    """Three populations stand out on two axes; plink2 too puts missing calls at the mean, where told to."""
    _, path = three_populations(tmp_path, missing=missing)
    vectors, values = plink_axes(path, 2, "meanimpute", "--maf", "0.01")
    found = vs.create(tmp_path / "repo", path).pca(2)
    assert (np.abs((vectors * found.coordinates).sum(axis=0)) / np.sqrt(found.eigenvalue) > 0.99999).all()
    np.testing.assert_allclose(found.eigenvalue, values, rtol=1e-4)


def test_like_plink_on_the_slice(fx_slice, fx_slice_repo, tmp_path):
    """1000 Genomes: the axes whose eigenvalues stand out; the warning that one region is no ancestry."""
    path = tmp_path / "a.vcf.gz"
    path.symlink_to(fx_slice.source)
    vectors, values = plink_axes(path, 6, "meanimpute", "--maf", "0.01", "--autosome")
    with pytest.warns(UserWarning, match="in 1 of the about 600 stretches .* not ancestry"):
        found = vs.open(fx_slice_repo).pca(6)
    np.testing.assert_allclose(found.eigenvalue, values, rtol=2e-3)
    gap = -np.diff(values) / values[:-1] > 0.1
    stand_out = np.concatenate([gap, [False]]) & np.concatenate([[True], gap])
    assert stand_out.sum() >= 2
    alike = np.abs((vectors * found.coordinates).sum(axis=0)) / np.sqrt(found.eigenvalue)
    assert (alike[stand_out] > 0.999).all()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """210 people of three populations, and who is who; every fifth is left out of the axes."""
    directory = tmp_path_factory.mktemp("study")
    codes, path = three_populations(directory)
    repo = vs.create(directory / "repo", path)
    label = np.repeat(["a", "b", "c"], [90, 80, 40])
    names = np.array(repo.samples)
    repo.set_samples({"sample": names.tolist(), "pop": label.tolist()})
    inside = np.arange(210) % 5 > 0
    repo.pca(4, cohort=names[inside].tolist(), save="reference")
    return repo, codes, label, inside


def test_who_is_left_out_falls_where_its_group_is(study):
    """The shrinkage of projecting is undone: left out or not, a group has its centroid and spread at one place."""
    repo, _, label, inside = study
    axes = repo.axes("reference")
    assert axes.shrinkage[1] < 0.9
    assert np.isnan(axes.shrinkage[2:]).all() or (axes.shrinkage[2:] < axes.shrinkage[1]).all()
    table = repo.project("reference", by="pop")
    placed = np.column_stack([table["pc1"], table["pc2"]])
    np.testing.assert_array_equal(placed[inside], axes.coordinates[:, :2])
    for name in "abc":
        mine = label == name
        ours, theirs = placed[mine & inside].mean(axis=0), placed[mine & ~inside].mean(axis=0)
        spread = placed[mine & inside].std(axis=0)
        assert (np.abs(ours - theirs) < 5 * spread / np.sqrt((mine & ~inside).sum())).all()
    centroids = np.array([placed[inside & (label == name)].mean(axis=0) for name in "abc"])
    own = centroids[np.searchsorted(["a", "b", "c"], label)][~inside]
    factor = (placed[~inside] * own).sum(axis=0) / (own**2).sum(axis=0)
    assert (np.abs(factor - 1) < 0.04).all()
    assert (table["group"] == label).all()
    assert (table["probability"] > 0.99).all()
