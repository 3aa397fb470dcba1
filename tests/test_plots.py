"""Pictures: what is drawn is what the figures say, and what is left out is counted."""

import numpy as np
import pytest
from scipy import stats

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
    assert quantiles.inflation(p) == pytest.approx(stats.chi2.isf(np.median(p), 1) / stats.chi2.ppf(0.5, 1), rel=1e-9)
    assert quantiles.inflation(np.array([np.nan])) != quantiles.inflation(np.array([0.5]))
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
