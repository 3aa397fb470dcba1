"""Pictures: what is drawn is what the figures say, and what is left out is counted."""

import numpy as np
import pytest
from scipy import stats

import varstore as vs
import vcf_text
from varstore.errors import QueryError
from varstore.plots import figures, frequencies, manhattan, quantiles, spectrum

P = np.array([0.5, 1e-9, np.nan, 0.0, 0.03, 1.0])
CONTIGS = np.array(["2", "2", "2", "X", "X", "X"], object)
POSITIONS = np.array([10, 500, 600, 7, 90, 1000])


def notes(figure):
    return figure.get_supxlabel()


def points(axes):
    return np.concatenate([found.get_offsets().data for found in axes.collections if len(found.get_offsets())])


@pytest.mark.parametrize("form", ["png", "svg"])
@pytest.mark.parametrize(
    "figure",
    [
        spectrum.spectrum({"": (np.array([1, 2, 0]), np.array([8, 8, 8]))}),
        frequencies.frequencies(np.array([0.1, 0.2]), np.array([0.3, 0.0])),
        manhattan.manhattan(CONTIGS, POSITIONS, P),
        quantiles.quantiles(P),
    ],
    ids=["spectrum", "frequencies", "manhattan", "quantiles"],
)
def test_a_picture_is_written_in_both_forms(figure, form, tmp_path):
    path = tmp_path / f"a.{form}"
    figures.save(figure, path)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    assert len(data) > 5000


def test_other_forms_and_places_that_are_not_there_are_refused(tmp_path):
    figure = quantiles.quantiles(P)
    with pytest.raises(QueryError, match=r"\.png or \.svg, not \.pdf"):
        figures.save(figure, tmp_path / "a.pdf")
    with pytest.raises(QueryError, match="cannot be written"):
        figures.save(figure, tmp_path / "none" / "a.png")


def test_the_spectrum_holds_every_allele_somebody_has():
    rng = np.random.default_rng(3)
    number = np.full(3000, 2000)
    count = np.minimum(rng.geometric(0.01, 3000) - 1, 2000)
    few = rng.binomial(40, count / 2000)
    figure = spectrum.spectrum({"all": (count, number), "few": (few, np.full(3000, 40))})
    all_, few_ = figure.axes[0].patches
    assert all_.get_data().values.sum() == (count > 0).sum()
    assert few_.get_data().values.sum() == (few > 0).sum()
    edges = all_.get_data().edges
    assert edges[0] <= 1 / 2000 < edges[1]
    assert edges[-1] == 1
    inside = (count / 2000 >= edges[3]) & (count / 2000 < edges[4])
    assert all_.get_data().values[3] == inside.sum()
    assert f"{(count == 1).sum():,} seen once" in figure.axes[0].get_legend().get_texts()[0].get_text()
    assert f"{(few == 0).sum():,} alleles nobody has in few" in notes(figure)


@pytest.mark.parametrize("num_samples", [1, 3, 10, 77, 1000])
def test_no_class_of_the_spectrum_is_empty_for_want_of_a_number(num_samples):
    edges = spectrum.bin_edges(1 / (2 * num_samples))
    possible = np.arange(1, 2 * num_samples + 1) / (2 * num_samples)
    assert np.histogram(possible, edges)[0].all()


def test_cohort_against_cohort_shows_each_allele_at_its_place():
    a, b = np.array([0.25, 0.0, np.nan, 0.0, 1.0]), np.array([0.5, 0.1, 0.2, 0.0, 0.9])
    figure = frequencies.frequencies(a, b, ("EUR", "AFR"))
    assert points(figure.axes[0]).tolist() == [[0.25, 0.5], [0.0, 0.1], [1.0, 0.9]]
    assert figure.axes[0].get_xlabel() == "Allele frequency in EUR"
    assert "1 that nobody has" in notes(figure)
    assert "1 without calls" in notes(figure)


def test_many_alleles_are_counted_by_place():
    rng = np.random.default_rng(4)
    a, b = rng.uniform(0.01, 1, (2, 20_000))
    figure = frequencies.frequencies(a, b)
    (places,) = (found for found in figure.axes[0].collections if len(found.get_offsets()))
    assert places.get_array().sum() == 20_000


def test_a_manhattan_plot_goes_contig_after_contig():
    figure = manhattan.manhattan(CONTIGS, POSITIONS, P)
    axes = figure.axes[0]
    there = points(axes)
    heights = sorted(there[:, 1].tolist())
    assert heights == pytest.approx(sorted([-np.log10(0.5), 9, 9.9, -np.log10(0.03), 0]))
    by_x = there[np.argsort(there[:, 0])]
    assert by_x[:, 1].tolist() == pytest.approx([-np.log10(0.5), 9, 9.9, -np.log10(0.03), 0])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2", "X"]
    (line,) = axes.lines
    assert line.get_ydata()[0] == pytest.approx(-np.log10(0.05 / 5))
    assert "1 row without" in notes(figure)
    assert "1 row with p = 0" in notes(figure)


def test_one_contig_has_positions_of_its_own():
    axes = manhattan.manhattan(CONTIGS[:2], POSITIONS[:2], P[:2]).axes[0]
    assert points(axes)[:, 0].tolist() == [1e-5, 5e-4]
    assert "contig 2" in axes.get_xlabel()


def test_quantiles_and_lambda():
    p = np.random.default_rng(5).uniform(size=1001)
    figure = quantiles.quantiles(np.concatenate([p, [np.nan, 0.0]]))
    there = points(figure.axes[0])
    there = there[there[:, 0] > 0]
    expected = -np.log10((np.arange(1002) + 0.5) / 1002)
    assert np.sort(there[-1002:, 0]) == pytest.approx(np.sort(expected))
    assert quantiles.inflation_of(p) == pytest.approx(
        stats.chi2.isf(np.median(p), 1) / stats.chi2.ppf(0.5, 1), rel=1e-9
    )
    assert np.isnan(quantiles.inflation_of(np.array([np.nan])))
    assert quantiles.inflation_of(np.array([0.5])) == pytest.approx(1)
    assert "1 row without" in notes(figure)


def test_the_band_is_where_each_rank_falls():
    expected, low, high = quantiles._band(1000)
    assert 10 ** -low[0] == pytest.approx(stats.beta.ppf(0.975, 1, 1000))
    assert 10 ** -high[-1] == pytest.approx(stats.beta.ppf(0.025, 1000, 1))
    assert (low <= expected).all()
    assert (expected <= high).all()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: spectrum.spectrum({"": (np.zeros(3, np.int64), np.full(3, 4))}),
        lambda: frequencies.frequencies(np.array([np.nan, 0.0]), np.array([0.1, 0.0])),
        lambda: manhattan.manhattan(CONTIGS[:1], POSITIONS[:1], np.array([np.nan])),
        lambda: quantiles.quantiles(np.zeros(0)),
    ],
)
def test_nothing_to_draw_is_said(draw):
    with pytest.raises(QueryError, match="nothing to draw"):
        draw()


@pytest.fixture(scope="module")
def fx_repo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    text = vcf_text.make_vcf(9, 60, 40, contigs=("1", "22"))
    repo = vs.create(folder / "repo", vcf_text.write_plain(folder / "a.vcf", text))
    half = len(repo.samples) // 2
    return repo, {"A": repo.samples[:half], "B": repo.samples[half:]}


def test_tables_draw_themselves(fx_repo):
    repo, cohorts = fx_repo
    counts = repo.count_alleles(cohorts=cohorts)
    lines = counts.plot().axes[0].patches
    for line, name in zip(lines, cohorts, strict=True):
        of_name = repo.count_alleles(cohort=cohorts[name])
        assert line.get_data().values.sum() == (of_name.allele_count > 0).sum()
    places = points(counts.plot("frequencies").axes[0])
    of_a, of_b = (repo.count_alleles(cohort=ids).allele_frequency for ids in cohorts.values())
    kept = ~(np.isnan(of_a) | np.isnan(of_b)) & ((of_a > 0) | (of_b > 0))
    assert places.tolist() == np.column_stack([of_a[kept], of_b[kept]]).tolist()
    compared = repo.compare_cohorts(*cohorts.values())
    assert len(points(compared.plot().axes[0])) == np.count_nonzero(~np.isnan(compared.p_value))
    heading = compared.plot("qq").axes[0].get_legend().get_title().get_text()
    assert f"{compared.genomic_inflation:.3f}" in heading
    assert f"{compared.genomic_inflation:.3g}" in compared.summary()
    hardy = repo.variant_stats().plot("qq")
    assert hardy.axes[0].get_title(loc="left") == "Hardy-Weinberg"


def test_a_table_without_what_a_picture_needs_says_so(fx_repo):
    repo, cohorts = fx_repo
    with pytest.raises(QueryError, match="of p-values"):
        repo.count_alleles().plot("manhattan")
    with pytest.raises(QueryError, match="two cohorts, the table has 1"):
        repo.count_alleles().plot("frequencies")
    with pytest.raises(QueryError, match="one cohort's"):
        repo.variant_stats(cohorts=cohorts).plot("qq")
    with pytest.raises(QueryError, match="no picture 'pie'"):
        repo.count_alleles().plot("pie")


@pytest.mark.parametrize("kind", ["spectrum", "frequencies", "manhattan", "qq"])
def test_the_command_draws(kind, fx_repo, fx_cli, tmp_path):
    repo, cohorts = fx_repo
    for name, ids in cohorts.items():
        (tmp_path / name).write_text("\n".join(ids) + "\n")
    options = [word for name in cohorts for word in ("--cohort", f"{name}=@{tmp_path / name}")]
    fx_cli("plot", repo.path, kind, "-o", tmp_path / "a.svg", *options)
    assert (tmp_path / "a.svg").read_text().count("<path") > 20
    refused = fx_cli("plot", repo.path, kind, "-o", tmp_path / "a.pdf", *options, status=1)
    assert ".png or .svg" in refused.stderr


def test_options_that_a_picture_does_not_take_are_refused(fx_repo, fx_cli, tmp_path):
    refused = fx_cli("plot", fx_repo[0].path, "spectrum", "-o", tmp_path / "a.png", "--test", "chi2", status=1)
    assert "for manhattan and qq" in refused.stderr
    refused = fx_cli("plot", fx_repo[0].path, "qq", "-o", tmp_path / "a.png", status=1)
    assert "--cohort" in refused.stderr
