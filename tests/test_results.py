"""What a query gives back: columns, types and the tables of other libraries."""

import numpy as np
import pytest

import reference
import varstore as vs
from reference import ALLELE_COLUMNS, GENOTYPE_COLUMNS

STRINGS = ("cohort", "contig", "ref", "alt")
COUNTS = tuple(name for name in GENOTYPE_COLUMNS if name.startswith("n_"))


@pytest.fixture(scope="module")
def fx_repo(fx_small):
    return vs.open(fx_small.path)


@pytest.fixture(scope="module", params=["alleles", "genotypes", "cohorts", "no rows"])
def fx_result(request, fx_repo, fx_small):
    """A result, the rows it should have, and the names of its columns."""
    records = fx_small.vcf.records
    if request.param == "alleles":
        return fx_repo.count_alleles(), reference.count_rows(records), ALLELE_COLUMNS
    if request.param == "genotypes":
        return fx_repo.count_genotypes(), reference.count_rows(records), GENOTYPE_COLUMNS
    if request.param == "no rows":
        return fx_repo.count_genotypes("empty"), [], GENOTYPE_COLUMNS
    cohorts = {"one": [3], "more": [0, 3, 9]}
    table = fx_repo.count_genotypes(cohorts={n: fx_small.ids(m) for n, m in cohorts.items()})
    return table, reference.count_rows(records, cohorts=cohorts), ("cohort", *GENOTYPE_COLUMNS)


def assert_columns(found, rows, names):
    """Compare columns, given as a dict of lists, with rows; a null counts as NaN."""
    assert list(found) == list(names)
    for name in names:
        values = [float("nan") if value is None else value for value in found[name]]
        np.testing.assert_array_equal(values, [row[name] for row in rows], err_msg=name)


def test_columns_have_the_types_promised(fx_result):
    table, rows, names = fx_result
    assert len(table) == len(rows)
    for name in names:
        column = table[name]
        assert isinstance(column, np.ndarray)
        assert column.shape == (len(rows),)
        if name in STRINGS:
            assert all(isinstance(value, str) for value in column)
        else:
            assert column.dtype == (np.float64 if name == "allele_frequency" else np.int64), name


def test_attributes_are_the_columns(fx_result):
    table, _, names = fx_result
    for name in names:
        np.testing.assert_array_equal(getattr(table, name), table[name])


def test_an_unknown_column_is_named_in_the_error(fx_result):
    table, _, _ = fx_result
    with pytest.raises(KeyError, match="allele_cuont"):
        table["allele_cuont"]
    with pytest.raises(AttributeError, match="allele_cuont"):
        table.allele_cuont  # noqa: B018


def test_allele_counts_have_no_genotype_columns(fx_repo):
    with pytest.raises(KeyError, match="n_het"):
        fx_repo.count_alleles("1")["n_het"]


def test_columns_are_read_only(fx_result):
    table, rows, _ = fx_result
    if rows:
        with pytest.raises(ValueError, match="read-only"):
            table["allele_count"][0] = 7


def test_to_pandas(fx_result):
    table, rows, names = fx_result
    pytest.importorskip("pandas")
    frame = table.to_pandas()
    assert_columns({name: frame[name].tolist() for name in frame.columns}, rows, names)
    assert frame["allele_count"].dtype == np.int64
    assert frame["allele_frequency"].dtype == np.float64


def test_to_polars(fx_result):
    table, rows, names = fx_result
    polars = pytest.importorskip("polars")
    frame = table.to_polars()
    assert_columns(frame.to_dict(as_series=False), rows, names)
    assert frame.schema["allele_count"] == polars.Int64
    assert frame.schema["allele_frequency"] == polars.Float64
    assert frame.schema["ref"] == polars.String


@pytest.mark.parametrize("give", [lambda table: table.to_arrow(), lambda table: table])
def test_arrow_is_read_by_polars(fx_result, give):
    table, rows, names = fx_result
    pytest.importorskip("arro3.core")
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(give(table))
    assert_columns(frame.to_dict(as_series=False), rows, names)
    assert frame.schema["allele_count"] == polars.Int64
    assert frame.schema["ref"] == polars.String


@pytest.mark.parametrize("give", [lambda table: table.to_arrow(), lambda table: table])
def test_arrow_is_read_by_pyarrow(fx_result, give):
    table, rows, names = fx_result
    pytest.importorskip("arro3.core")
    pyarrow = pytest.importorskip("pyarrow")
    found = pyarrow.table(give(table))
    assert_columns(found.to_pydict(), rows, names)
    assert found.schema.field("position").type == pyarrow.int64()


def test_arrow_is_read_by_arro3(fx_result):
    table, rows, names = fx_result
    core = pytest.importorskip("arro3.core")
    found = core.Table.from_arrow(table)
    assert found.column_names == list(names)
    assert found.num_rows == len(rows)
    counts = found.column("allele_count").to_numpy() if rows else np.zeros(0)
    np.testing.assert_array_equal(counts, [row["allele_count"] for row in rows])


def test_to_xarray(fx_result):
    table, rows, names = fx_result
    pytest.importorskip("xarray")
    dataset = table.to_xarray()
    assert set(names) <= set(dataset.variables)
    assert_columns({name: dataset[name].values.tolist() for name in names}, rows, names)
    assert len({dataset[name].dims for name in names}) == 1


def test_the_invariant_holds_in_the_result(fx_repo, fx_small):
    table = fx_repo.count_genotypes()
    total = sum(table[name] for name in COUNTS)
    np.testing.assert_array_equal(total, len(fx_small.vcf.samples))


def test_genotypes_as_a_dataset(fx_repo, fx_small):
    pytest.importorskip("xarray")
    found = fx_repo.genotypes("22", samples=fx_small.ids([5, 1]))
    dataset = found.to_xarray()
    records = reference.overlapping(fx_small.vcf.records, [("22", 1, None)])
    assert dataset["call_genotype"].dims == ("variants", "samples", "ploidy")
    codes = np.stack([record.codes[[5, 1]] for record in records])
    np.testing.assert_array_equal(dataset["call_genotype"].values, codes)
    assert dataset["sample_id"].values.tolist() == fx_small.ids([5, 1])
    assert dataset["variant_position"].values.tolist() == [record.pos for record in records]
    assert dataset["variant_allele"].dims == ("variants", "alleles")


def test_results_outlive_the_repository_object(fx_small):
    table = vs.open(fx_small.path).count_alleles("22")
    rows = reference.count_rows(reference.overlapping(fx_small.vcf.records, [("22", 1, None)]))
    reference.assert_same_rows(table, rows, ALLELE_COLUMNS)
