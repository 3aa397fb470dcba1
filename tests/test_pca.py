"""Principal axes against singular value decomposition of decoded genotypes, against plink2, and of people outside."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import populations
import varstore as vs
import vcf_text
from test_diploid import expected_codes, random_vcf
from test_variant_stats import create, several, split
from varstore.errors import QueryError
from varstore.plots.axes import axes as draw
from varstore.query.site_choice import SiteLimits, choose_sites
from varstore.relatedness import krylov
from varstore.relatedness.assignment import groups_of
from varstore.relatedness.projection import project_dosages
from varstore.relatedness.pruning import Pruning
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
    found = repo.pca(4, min_maf=0.02, min_call_rate=0.5, prune=None)
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
    alone = repo.pca(4, min_maf=0.02, min_call_rate=0.5, prune=None)
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
    found = vs.create(tmp_path / "repo", path).pca(2, prune=None)
    assert (np.abs((vectors * found.coordinates).sum(axis=0)) / np.sqrt(found.eigenvalue) > 0.99999).all()
    np.testing.assert_allclose(found.eigenvalue, values, rtol=1e-4)


def test_like_plink_on_the_slice(fx_slice, fx_slice_repo, tmp_path):
    """1000 Genomes: the axes whose eigenvalues stand out; the warning that one region is no ancestry."""
    path = tmp_path / "a.vcf.gz"
    path.symlink_to(fx_slice.source)
    vectors, values = plink_axes(path, 6, "meanimpute", "--maf", "0.01", "--autosome")
    with pytest.warns(UserWarning, match="in 1 of the about 600 stretches .* not ancestry"):
        found = vs.open(fx_slice_repo).pca(6, prune=None)
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


def test_people_far_from_everybody_belong_to_no_group(study):
    repo = study[0]
    axes = repo.axes("reference")
    groups = groups_of(axes.coordinates, repo._labels("pop", axes.numbers))
    assert groups.names == ["a", "b", "c"]
    group, probability, distance = groups.assign(groups.centroids)
    assert group.tolist() == ["a", "b", "c"]
    assert (probability > 0.999).all()
    assert np.allclose(distance, 0, atol=1e-6)
    middle = groups.centroids.mean(axis=0)
    far = np.array([groups.centroids[0] + 10 * (groups.centroids[0] - middle), np.full(4, np.nan)])
    group, probability, distance = groups.assign(far)
    assert group.tolist() == [".", "."]
    assert np.isnan(probability).all()
    assert distance[0] > 5
    assert np.isnan(distance[1])


def test_probability_between_two_groups():
    """Half-way it is one half, and what a normal distribution says elsewhere; labels of few people are no group."""
    rng = np.random.default_rng(8)
    spread = np.array([[1.0, 0.4], [0.4, 0.5]])
    centres = np.array([[0.0, 0.0], [3.0, 1.0]])
    points = np.concatenate([rng.multivariate_normal(centre, spread, 4000) for centre in centres])
    labels = np.repeat(np.array(["x", "y"], object), 4000)
    labels[:3] = "few"
    labels[3:9] = "."
    groups = groups_of(points, labels)
    assert groups.names == ["x", "y"]
    at = np.array([centres.mean(axis=0), [0.5, 0.5]])
    expected = stats.multivariate_normal(cov=spread)
    density = np.array([expected.pdf(at - centre) for centre in centres])
    _, probability, _ = groups.assign(at)
    np.testing.assert_allclose(probability, density.max(axis=0) / density.sum(axis=0), atol=0.03)
    with pytest.raises(QueryError, match="no group has 5 people"):
        groups_of(points[:8], labels[:8])


def test_too_few_sites_called_is_no_place(study):
    repo = study[0]
    axes = repo.axes("reference")
    dosage = np.full((3, axes.num_sites), np.nan)
    dosage[1, :39] = 1
    dosage[2, :40] = 1
    coordinates, n_sites = project_dosages(axes, dosage)
    assert n_sites.tolist() == [0, 39, 40]
    assert np.isnan(coordinates).all()  # 40 of 2,000 sites do not tell four axes apart
    dosage[2, ::3] = 1
    assert not np.isnan(project_dosages(axes, dosage)[0][2]).any()


def test_bad_questions(study, tmp_path):
    repo = study[0]
    with pytest.raises(QueryError, match="axes is 0, expected at least 1"):
        repo.pca(0)
    with pytest.raises(QueryError, match=r"too few people \(1; 10 axes need 11\)"):
        repo.pca(samples=["s1"])
    with pytest.raises(QueryError, match=r"too few sites \(0 at which .*; 3 axes need 3\)"):
        repo.pca(3, region="1:1-10")
    with pytest.raises(QueryError, match=r"too few sites \(2 at which"):
        repo.pca(3, region="1:1-800000", min_maf=0)
    with pytest.raises(QueryError, match="no saved axes 'nobody'; there are 'reference'"):
        repo.project("nobody")


def test_one_person_many_times_and_haploid_calls(tmp_path):
    """Nobody differs, or nothing is a call of two alleles: there are no sites, which is said."""
    rng = np.random.default_rng(2)
    codes = np.repeat(rng.integers(0, 3, (300, 1)).astype(np.int8), 12, axis=1)
    same = vs.create(tmp_path / "same", populations.write_vcf(tmp_path / "same.vcf", codes))
    with pytest.raises(QueryError, match=r"too few sites \(\d+ at which the people differ"):
        same.pca(3)
    text = (tmp_path / "same.vcf").read_text()
    for diploid, haploid in (("0/0", "0"), ("1/1", "1"), ("0/1", "1")):
        text = text.replace(f"\t{diploid}", f"\t{haploid}")
    text = text.replace("\t1\t1\t1\n", "\t0\t0\t1\n").replace("\t0\t0\t0\n", "\t1\t0\t0\n")
    (tmp_path / "haploid.vcf").write_text(text)
    with pytest.raises(QueryError, match=r"too few sites \(0 at which the people differ"):
        vs.create(tmp_path / "haploid", tmp_path / "haploid.vcf").pca(3, min_maf=0, min_call_rate=0)


def test_sites_are_thinned(study):
    """By the sites that ``prune`` keeps; none leaves all."""
    repo = study[0]
    thinned, everything = repo.pca(2, prune="50,5,0.1"), repo.pca(2, prune=None)
    kept = repo.prune(Pruning.parse("50,5,0.1"), min_maf=0.01, min_call_rate=0.9)
    assert thinned.position.tolist() == kept["position"].tolist()
    assert thinned.num_sites < everything.num_sites
    assert repo.pca(2, prune="none").num_sites == everything.num_sites


def test_what_is_not_found_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(krylov, "SMALL", 0)
    monkeypatch.setattr(krylov, "MOST_PASSES", 2)
    _, path = three_populations(tmp_path, sizes=(90, 10, 20), sites=800)
    with pytest.warns(UserWarning, match="not found to the tolerance in 2 passes"):
        vs.create(tmp_path / "repo", path).pca(4)


def test_command(study, fx_cli, tmp_path):
    """What is made is printed, saved, listed, projected on, drawn and deleted from the command line as in Python."""
    repo, _, label, inside = study
    ids = ",".join(np.array(repo.samples)[inside])
    done = fx_cli(
        "pca", repo.path, "--axes", 3, "-s", ids, "--by", "pop", "--plot", tmp_path / "a.png", "--loadings",
        tmp_path / "l.tsv", "--save", "cli",
    )  # fmt: skip
    assert "3 axes of 168 people at" in done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[0] == ["sample", "pop", "pc1", "pc2", "pc3"]
    assert [line[1] for line in lines[1:]] == label[inside].tolist()
    now = vs.open(repo.path)
    np.testing.assert_allclose([float(line[2]) for line in lines[1:]], now.axes("cli").coordinates[:, 0], rtol=1e-5)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "l.tsv").read_text().startswith("contig\tposition\tref\talt\tallele_frequency\tpc1\t")
    assert "cli: 3 axes of 168 samples at" in fx_cli("info", repo.path).stdout
    done = fx_cli("pca", repo.path, "--project", "cli", "--by", "pop", "-s", f"^{ids}", "--plot", tmp_path / "b.svg")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[0] == ["sample", "n_sites", "pc1", "pc2", "pc3", "group", "probability", "distance"]
    assert [line[5] for line in lines[1:]] == label[~inside].tolist()
    assert (tmp_path / "b.svg").exists()
    assert "makes axes" in fx_cli("pca", repo.path, "--project", "cli", "--axes", 3, status=1).stderr
    assert "--by is not for" in fx_cli("pca", repo.path, "--delete", "cli", "--by", "pop", status=1).stderr
    assert "found 2 cohorts" in fx_cli("pca", repo.path, "--cohort", "a=true", "--cohort", "b=true", status=1).stderr
    assert "there is one" in fx_cli("pca", repo.path, "--axes", 1, "--plot", tmp_path / "c.png", status=1).stderr
    assert "pruning 'x': expected" in fx_cli("pca", repo.path, "--prune", "x", status=1).stderr
    fx_cli("pca", repo.path, "--delete", "cli")
    assert "no saved axes 'cli'" in fx_cli("pca", repo.path, "--project", "cli", status=1).stderr


def test_pictures(study):
    """Groups are counted in the legend, those without coordinates below."""
    points = np.array([[0, 1], [1, 0], [np.nan, 0], [2, 2]])
    figure = draw(points, np.array(["b", "a", "a", "."], object), placed=np.array([[5.0, 5.0], [np.nan, 1]]))
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["a (1)", "b (1)", "no group (1)", "projected (1)"]
    assert figure.get_supxlabel() == "4 people. Left out: 2 with too few calls."
    with pytest.raises(QueryError, match="nobody has coordinates"):
        draw(np.full((2, 2), np.nan))
    repo = study[0]
    figure = repo.axes("reference", by="pop").to_table().plot()
    assert len(figure.axes[0].get_legend().get_texts()) == 3
    with pytest.raises(QueryError, match="two principal axes"):
        repo.count_alleles("1").plot("axes")
