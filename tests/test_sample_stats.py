"""Statistics of people against the oracle: calls of every kind, over one batch and many."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

import reference
import stats_oracle
import varstore as vs
import vcf_text
from test_variant_stats import assert_rows, create, far_apart, several, split, vcf_of
from varstore.codec.people import Tally
from varstore.errors import DenominatorWarning
from varstore.kernels.people import NOT_CALLED, NOT_DIPLOID
from varstore.stats.samples import People


def assert_people(table, rows):
    """Counts to the last bit, statistics to 1e-11."""
    assert list(table.columns) == list(rows[0]) if rows else not len(table)
    for name in table.columns if rows else []:
        expected = [row[name] for row in rows]
        if isinstance(expected[0], float):
            np.testing.assert_allclose(table[name], expected, rtol=1e-11, atol=1e-11, err_msg=name)
        else:
            assert table[name].tolist() == expected, name


@given(text=vcf_text.vcf_texts(max_variants=12, max_samples=9))
@settings(deadline=None, max_examples=40)
def test_everybody(text, tmp_path_factory):
    repo = create(tmp_path_factory.mktemp("stats"), text)
    assert_people(repo.sample_stats(), stats_oracle.sample_rows(reference.read_vcf(text)))


def test_some_people_filters_and_regions(fx_small):
    repo, vcf = vs.open(fx_small.path), fx_small.vcf
    for members in ([3], [0, 5, 6, 11, 22], list(range(10, 23))):
        ids = fx_small.ids(members[::-1])
        assert_people(repo.sample_stats(samples=ids), stats_oracle.sample_rows(vcf, members))
        assert_people(repo.sample_stats(cohort=ids), stats_oracle.sample_rows(vcf, members))
    records = reference.overlapping(vcf.records, [("22", 1, None)])
    rows = stats_oracle.sample_rows(vcf, [1, 2], ["PASS"], records)
    assert_people(repo.sample_stats("22", samples=fx_small.ids([1, 2]), filters="PASS"), rows)


def test_sites_and_people_together(fx_small):
    """The same tables as apart, and of several cohorts the people of all."""
    repo, vcf = vs.open(fx_small.path), fx_small.vcf
    for options in ({}, {"samples": fx_small.ids([1, 5, 9])}, {"region": "1", "filters": "PASS,."}):
        sites, people = repo.stats(**options)
        assert list(sites.to_tsv()) == list(repo.variant_stats(**options).to_tsv())
        assert list(people.to_tsv()) == list(repo.sample_stats(**options).to_tsv())
    cohorts = {"a": fx_small.ids([1, 5]), "b": fx_small.ids([5, 9])}
    sites, people = repo.stats(cohorts=cohorts)
    assert list(sites.to_tsv()) == list(repo.variant_stats(cohorts=cohorts).to_tsv())
    assert_people(people, stats_oracle.sample_rows(vcf, [1, 5, 9]))


def test_each_block_is_read_once(fx_small, monkeypatch):
    from varstore.storage.batch import Batch

    read = []
    genotype_block = Batch.genotype_block
    monkeypatch.setattr(
        Batch, "genotype_block", lambda self, *chunk: read.append(chunk) or genotype_block(self, *chunk)
    )
    vs.open(fx_small.path).stats(samples=fx_small.ids(range(22)))
    assert read
    assert len(set(read)) == len(read)


def test_long_rows_and_flipped_ones(tmp_path):
    """Rows with many carriers, and of which nearly everybody is: planes, differences of planes, flipped rows."""
    rng = np.random.default_rng(1)
    samples = [f"s{i}" for i in range(700)]
    records = []
    for row in range(60):
        codes = (rng.random((700, 2)) < rng.choice([0.001, 0.3, 0.5, 0.97, 1])).astype(int)
        calls = ["./." if rng.random() < 0.02 * (row % 2) else f"{a}|{b}" for a, b in codes]
        records.append(("1", 10 * row + 1, "A", rng.choice(list("CGT")), " ".join(calls)))
    text = vcf_of(samples, *records)
    repo = create(tmp_path, text)
    vcf = reference.read_vcf(text)
    assert_people(repo.sample_stats(), stats_oracle.sample_rows(vcf))
    some = list(range(1, 700, 7))
    assert_people(repo.sample_stats(samples=[samples[i] for i in some]), stats_oracle.sample_rows(vcf, some))


def test_what_is_left_of_sums_is_not_a_statistic():
    """0.1 + 0.2 + 0.3 is more than 0.3 + 0.2 + 0.1 in floats: nothing is left of it all the same."""
    people, nobody = People(1), Tally.zeros(1)
    people.see(np.array([0]), np.array([0.1, 0.2, 0.3]))
    nobody.counts[0, [NOT_CALLED, NOT_DIPLOID]] = 3
    nobody.lost[0] = 0.3 + 0.2 + 0.1
    people.add_calls(np.array([0]), nobody)
    assert people.expected[0] > people.calls.lost[0]
    assert np.isnan(people.table(np.array([0]), ["a"])["inbreeding_coefficient"][0])


def test_nothing_to_go_by(tmp_path):
    sites = ("1", 10, "A", "G", "0/0 ./. 0/0"), ("1", 20, "A", "C", "0/1 ./. 1"), ("X", 7, "A", "T", "0 . 1")
    text = vcf_of(["a", "b", "c"], *sites)
    repo = create(tmp_path, text)
    table = repo.sample_stats()
    assert_people(table, stats_oracle.sample_rows(reference.read_vcf(text)))
    assert np.isnan(table["inbreeding_coefficient"]).tolist() == [False, True, True]
    assert np.isnan(table["ts_tv"]).tolist() == [False, True, False]
    assert np.isnan(table["heterozygosity"]).tolist() == [False, True, False]
    assert len(repo.sample_stats(samples=[])) == 0
    assert np.isnan(repo.sample_stats("1:500-600")["call_rate"]).all()
    one = repo.sample_stats(samples=["a"])
    assert one["inbreeding_coefficient"][0] == -1
    empty = vs.create(tmp_path / "empty")
    assert len(empty.sample_stats()) == len(empty.variant_stats()) == 0


@pytest.mark.parametrize("drop_monomorphic", [False, True])
def test_people_in_several_batches(drop_monomorphic, tmp_path):
    """One batch or four, with the same sites or what is left of them, whoever has no record being reference."""
    text = vcf_text.make_vcf(
        11, 700, 40, odd_alts=False, contigs=("1", "X"), missing=0.1, half_missing=0.1, max_alts=3, filters=("PASS",)
    )  # fmt: skip
    text = far_apart(text)
    whole = create(tmp_path, text)
    repo = several(tmp_path, split(text, [10, 1, 22, 7], drop_monomorphic=drop_monomorphic), absent="reference")
    found = table_of(repo.sample_stats())
    expected = table_of(whole.sample_stats())
    for name, row in expected.items():
        gone = row[1] + row[0] - found[name][0] - found[name][1]
        assert gone >= 0 if drop_monomorphic else gone == 0
        # Records that no part has are all reference, and missing calls of them are gone with them.
        same = slice(3, None) if drop_monomorphic else slice(0, None)
        assert found[name][same] == pytest.approx(row[same], rel=1e-11, nan_ok=True)


def table_of(table):
    """Numbers of people by name, heterozygosity, which depends on how many records there are, left out."""
    names = [name for name in table.columns[1:] if name not in ("heterozygosity", "call_rate")]
    return dict(zip(table["sample"].tolist(), zip(*(table[name].tolist() for name in names), strict=True), strict=True))


def test_records_that_are_joined(tmp_path):
    """Alleles of one site from several batches: a singleton of one may be none of all; spelled on another REF."""
    first = vcf_of(
        ["a", "b"], ("1", 10, "A", "G", "0/1 0/0"), ("1", 40, "CA", "C", "0/1 0/1"), ("1", 60, "A", "C", "0/1 ./.")
    )
    second = vcf_of(["c", "d"], ("1", 10, "A", "T,G", "0/2 0/1"), ("1", 40, "CAA", "CA,C", "0/2 1/1"))
    repo = several(tmp_path, [first, second], absent="reference")
    table = repo.sample_stats()
    joined = vcf_of(
        ["a", "b", "c", "d"], ("1", 10, "A", "G,T", "0/1 0/0 0/1 0/2"), ("1", 40, "CAA", "CA,C", "0/1 0/1 0/2 1/1"),
        ("1", 60, "A", "C", "0/1 ./. 0/0 0/0"),
    )  # fmt: skip
    assert_people(table, stats_oracle.sample_rows(reference.read_vcf(joined)))
    assert table["n_singletons"].tolist() == [1, 0, 1, 1]


def test_people_without_a_record_are_unknown(tmp_path):
    first = vcf_of(["a", "b"], ("1", 10, "A", "G", "0/1 0/0"))
    second = vcf_of(["c"], ("1", 20, "A", "G", "0/1"), ("X", 20, "A", "G", "0/1"))
    repo = several(tmp_path, [first, second])
    with pytest.warns(DenominatorWarning, match="in 3 of 3 joined records"):
        table = repo.sample_stats()
    assert table["n_missing"].tolist() == [2, 2, 1]
    assert table["n_called"].tolist() == [1, 1, 2]


def test_withdrawn_people_are_gone(tmp_path):
    text = vcf_of(["a", "b", "c"], ("1", 10, "A", "G", "0/1 0/1 0/0"), ("1", 20, "A", "G", "0/0 0/1 0/1"))
    repo = create(tmp_path, text)
    repo.withdraw(["b"])
    table = repo.sample_stats()
    assert table["sample"].tolist() == ["a", "c"]
    assert table["n_singletons"].tolist() == [1, 1]
    assert repo.variant_stats()["is_singleton"].tolist() == [True, True]
    assert not math.isnan(table["inbreeding_coefficient"][0])


def test_compacted_batches_are_the_same(tmp_path):
    text = vcf_text.make_vcf(3, 60, 12, odd_alts=False, contigs=("1",), missing=0.1, max_alts=2, ploidy="mixed")
    repo = several(tmp_path, split(text, [5, 3, 4], drop_monomorphic=True), absent="reference")
    before = [list(table.to_tsv()) for table in repo.stats()]
    repo.compact()
    after = [list(table.to_tsv()) for table in vs.open(tmp_path / "several").stats()]
    assert before == after


@pytest.mark.parametrize("shape", [(4099, 3), (7, 16_387)], ids=["chunks of variants", "chunks of samples"])
def test_several_chunks(shape, tmp_path):
    text = vcf_text.make_vcf(12, *shape, missing=0.01, half_missing=0.01, info=False, max_alts=2, ploidy="mixed")
    repo, vcf = create(tmp_path, text), reference.read_vcf(text)
    sites, people = repo.stats(midp=True)
    assert_people(people, stats_oracle.sample_rows(vcf))
    if shape[1] < 100:
        assert_rows(sites, stats_oracle.variant_rows(vcf.records, midp=True))
    last = vcf.samples[-2:]
    assert_people(repo.sample_stats(samples=last), stats_oracle.sample_rows(vcf, [shape[1] - 2, shape[1] - 1]))


def test_tables_for_others(fx_small):
    """Text, counts, truth values and missing statistics as other packages take them."""
    for table in vs.open(fx_small.path).stats():
        arrow = table.to_arrow()
        for name in table.columns:
            column = table[name]
            expected = [None if value != value else value for value in column.tolist()]
            assert arrow[name].to_pylist() == expected, name
        assert len(table.to_pandas()) == len(table.to_polars()) == len(table)
