"""Two cohorts compared at every allele: tests, odds, corrections, and the command."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import compare_oracle as oracle
import reference
import varstore as vs
import vcf_text
from varstore.errors import QueryError, SampleClashError
from varstore.stats import association, correction

CELLS = st.one_of(st.integers(0, 6), st.integers(0, 400))
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=20)
GENOTYPES = st.lists(st.tuples(*[st.integers(0, 30)] * 6), min_size=1, max_size=12)


def assert_close(found, expected, relative=1e-9):
    """None is NaN; beside the smallest numbers there are the distance is relative."""
    assert len(found) == len(expected)
    for value, wanted in zip(found.tolist(), expected, strict=True):
        if wanted is None:
            assert math.isnan(value)
        else:
            assert value == pytest.approx(float(wanted), rel=relative, abs=1e-300)


@settings(deadline=None)
@given(TABLES)
def test_fisher_is_the_sum_over_all_tables(tables):
    assert_close(association.fisher(np.array(tables).T), [oracle.fisher(*table) for table in tables])


@pytest.mark.parametrize(
    "table", [(5000, 5000, 20, 9980), (9000, 200, 300, 8000), (2, 300_000, 90, 400_000), (700, 300, 70, 930)]
)
def test_fisher_is_right_down_to_the_smallest_numbers(table):
    found, expected = association.fisher(np.array([table]).T), oracle.fisher(*table)
    assert_close(found, [expected] if expected > 1e-300 else [0.0])


def test_fisher_of_millions_of_alleles_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    table = [[1_000_400, 2_000_000], [999_000, 2_001_000]]
    found = association.fisher(np.array(table).reshape(4, 1))
    assert found[0] == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-7)


@settings(deadline=None)
@given(GENOTYPES)
def test_chi_squares_are_those_of_their_tables(tables):
    genotypes = np.array(tables).reshape(-1, 2, 3).transpose(1, 2, 0)
    pairs = [(list(table[:3]), list(table[3:])) for table in tables]
    statistic, degrees = association.pearson(genotypes)
    expected = [oracle.chi_square(*pair) for pair in pairs]
    assert_close(statistic, [value for value, _ in expected])
    assert degrees.tolist() == [number for _, number in expected]
    assert_close(association.trend(genotypes)[0], [oracle.trend(*pair) for pair in pairs])


def test_p_values_are_scipys():
    stats = pytest.importorskip("scipy.stats")
    statistic = np.array([0.0, 1e-8, 0.4, 3.84, 40.0, 700.0, 1300.0, np.nan])
    for degrees in (1, 2):
        found = np.empty(len(statistic))
        association.chi_square_p(statistic, np.full(len(statistic), degrees), found)
        np.testing.assert_allclose(found, stats.chi2.sf(statistic, degrees), rtol=1e-12)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=40))
def test_corrections_count_the_tests_that_were_made(values):
    p = np.array([math.nan if value is None else value for value in values], float)
    assert_close(correction.benjamini_hochberg(p), oracle.benjamini_hochberg(values))
    made = sum(value is not None for value in values)
    assert_close(correction.bonferroni(p), [None if value is None else min(1, value * made) for value in values])


def test_odds_and_their_interval_are_woolfs():
    tables = np.array([(12, 5, 3, 40), (0, 5, 3, 40), (3, 0, 2, 4), (3, 4, 0, 4), (0, 4, 0, 4)]).T
    ratio, low, high = association.odds_ratio(tables)
    spread = 1.959963984540054 * math.sqrt(1 / 12 + 1 / 5 + 1 / 3 + 1 / 40)
    assert_close(ratio, [32, 0, None, None, None])
    assert_close(low, [32 / math.exp(spread), None, None, None, None])
    assert_close(high, [32 * math.exp(spread), None, None, None, None])


@pytest.fixture(scope="module")
def fx_awkward(fx_store):
    """Missing and half calls, haploids, multi-allelic records, ``*`` and sites where nobody is called."""
    text = vcf_text.make_vcf(
        8,
        90,
        31,
        ploidy="mixed",
        missing=0.15,
        half_missing=0.1,
        max_alts=3,
        extra_format=True,
        no_gt=0.1,
        contigs=("1", "22"),
    )
    return fx_store(text)


@pytest.fixture(scope="module")
def fx_simple(fx_store):
    """Diploid calls, some missing: what every peer understands."""
    return fx_store(vcf_text.make_vcf(4, 120, 40, ploidy="diploid", missing=0.05, max_alts=1, contigs=("22",)))


def halves(stored, seed=1):
    members = list(range(len(stored.vcf.samples)))
    random.Random(seed).shuffle(members)
    middle = len(members) * 2 // 5
    return members[:middle], members[middle:]


def expected_test(test, a, b):
    """Statistic and p-value of two rows of counts, by the oracle."""
    none = [row["n_hom_ref"] + row["n_other"] for row in (a, b)]
    people = [[n, row["n_het"], row["n_hom_alt"]] for n, row in zip(none, (a, b), strict=True)]
    alleles = [[row["allele_count"], row["allele_number"] - row["allele_count"]] for row in (a, b)]
    if test == "fisher":
        return None, oracle.fisher(*alleles[0], *alleles[1])
    statistic, degrees = {
        "chi2": lambda: oracle.chi_square(*alleles),
        "genotypic": lambda: oracle.chi_square(*people),
        "dominant": lambda: oracle.chi_square(*([n, het + hom] for n, het, hom in people)),
        "recessive": lambda: oracle.chi_square(*([n + het, hom] for n, het, hom in people)),
        "trend": lambda: (oracle.trend(*people), 1),
    }[test]()
    if statistic is None:
        return None, None
    half = float(statistic) / 2
    return statistic, math.exp(-half) if degrees == 2 else math.erfc(math.sqrt(half))


@pytest.mark.parametrize("test", sorted(association.TESTS))
def test_a_comparison_is_that_of_the_counted_genotypes(test, fx_awkward):
    sides = halves(fx_awkward)
    table = vs.open(fx_awkward.path).compare_cohorts(*map(fx_awkward.ids, sides), test=test)
    rows = [reference.count_rows(fx_awkward.vcf.records, members) for members in sides]
    assert len(table) == len(rows[0]) > 100
    assert table.alt.tolist() == [row["alt"] for row in rows[0]]
    for side, counted in zip("ab", rows, strict=True):
        for name in ("allele_count", "allele_number"):
            assert table[f"{name}_{side}"].tolist() == [row[name] for row in counted]
    expected = [expected_test(test, a, b) for a, b in zip(*rows, strict=True)]
    assert any(p is None for _, p in expected)
    assert_close(table.p_value, [p for _, p in expected])
    if test != "fisher":
        assert_close(table.chi2, [statistic for statistic, _ in expected])
    assert_close(table.p_bh, oracle.benjamini_hochberg([p for _, p in expected]))
    private = [
        bool(a["allele_count"]) != bool(b["allele_count"]) and a["allele_number"] > 0 < b["allele_number"]
        for a, b in zip(*rows, strict=True)
    ]
    assert table.is_private.tolist() == private
    assert any(private)


def test_nothing_to_compare_is_missing_in_every_form(fx_awkward, recwarn):
    table = vs.open(fx_awkward.path).compare_cohorts(*map(fx_awkward.ids, halves(fx_awkward)))
    empty = np.flatnonzero(table.allele_number_a == 0)
    assert len(empty)
    for name in ("frequency_difference", "odds_ratio", "odds_ratio_low", "p_value", "p_bonferroni", "p_bh"):
        assert np.isnan(table[name][empty]).all()
    assert not table.is_private[empty].any()
    line = list(table.to_tsv())[1 + empty[0]].rstrip().split("\t")
    assert dict(zip(table.columns, line, strict=True))["p_value"] == "."
    assert '"p_value": null' in list(table.to_json_lines())[empty[0]]
    assert not recwarn


def test_fixed_differences_and_private_alleles(fx_store):
    calls = ["1|1\t1|1\t0|0\t0|0", "1|1\t.|.\t0|0\t0|0", "0|1\t0|0\t0|0\t0|0", "1|1\t1|1\t.|.\t.|."]
    lines = [f"1\t{10 + i}\t.\tA\tC\t.\t.\t.\tGT\t{call}\n" for i, call in enumerate(calls)]
    head = "##fileformat=VCFv4.3\n##contig=<ID=1>\n"
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\tC\tD\n"
    repo = vs.open(fx_store(head + columns + "".join(lines)).path)
    table = repo.compare_cohorts(["A", "B"], ["C", "D"])
    assert table.is_fixed_difference.tolist() == [True, True, False, False]
    assert table.is_private.tolist() == [True, True, True, False]
    assert_close(table.p_value, [1 / 35, 1 / 15, 1, None])
    assert_close(repo.compare_cohorts(["A"], ["C"]).p_value, [1 / 3, 1 / 3, 1, None])


def test_who_may_be_compared(fx_simple):
    repo = vs.open(fx_simple.path)
    names = repo.samples
    with pytest.raises(SampleClashError, match=r"2 people are in several of the cohorts, like .*--allow-overlap"):
        repo.compare_cohorts(names[:10], names[8:])
    assert len(repo.compare_cohorts(names[:10], names[8:], overlap=True))
    with pytest.raises(QueryError, match="the cohort is empty: no sample is named"):
        repo.compare_cohorts(names[:10], [])
    with pytest.raises(QueryError, match="no test 'exact'; there are fisher, chi2, genotypic"):
        repo.compare_cohorts(names[:10], names[10:], test="exact")


def test_genomic_inflation_is_the_median_by_its_expectation():
    stats = pytest.importorskip("scipy.stats")
    statistic = np.append(np.linspace(0, 3, 301), np.nan)
    for degrees in (1, 2):
        found = correction.genomic_inflation(statistic, np.full(302, degrees))
        assert found == pytest.approx(1.5 / stats.chi2.median(degrees), rel=1e-12)
    assert math.isnan(correction.genomic_inflation(statistic[-1:], np.array([0])))
