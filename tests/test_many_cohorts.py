"""Counts of any number of cohorts in one pass equal those of each alone, and numpy's on plain codes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import varstore
from test_counting import COUNTED, assert_oracle, assert_same_counts, count_blocks, count_with_numpy, make_calls
from varstore.codec.counts import BlockCounts
from varstore.codec.genotype import encode_array
from varstore.kernels.long_form import turn
from vcf_text import GT_META

NUMBERS = (1, 2, 3, 4, 5, 31, 32, 33, 70)


def make_members(seed, num_cohorts, samples):
    """Overlapping cohorts, some of nobody and some of everybody."""
    rng = np.random.default_rng(seed)
    share = rng.choice([0, 0.02, 0.3, 0.9, 1], num_cohorts)
    return rng.random((num_cohorts, samples)) < share[:, np.newaxis]


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 90), st.integers(1, 3)),
    num_cohorts=st.sampled_from(NUMBERS),
    shift=st.integers(0, 10),
)
@settings(deadline=None, max_examples=60)
def test_any_number_of_cohorts(seed, shape, num_cohorts, shift):
    codes, num_alts = make_calls(seed, shape)
    members = make_members(seed, num_cohorts, shape[1])
    counts = count_blocks(encode_array(codes, inner=40, sparse_shift=shift), members, num_alts)
    assert_same_counts(counts, count_with_numpy(codes, members, num_alts))
    assert_oracle(counts, codes, members, num_alts)


@pytest.mark.parametrize("num_cohorts", [4, 33])
@pytest.mark.parametrize("carriers", [254, 255, 256, 511, 1021])
@pytest.mark.parametrize("shift", [0, 10], ids=["lists", "planes"])
def test_more_carriers_than_a_byte_holds(num_cohorts, carriers, shift):
    """A list is added up in bytes, and these are emptied in time; each person is in every cohort."""
    codes = np.zeros((3, 2000, 2), "i1")
    codes[0, :carriers] = 1  # both: pairs too
    codes[1, :carriers, 1] = 1
    codes[2, -carriers:] = -1
    num_alts = np.ones(3, np.int64)
    members = np.ones((num_cohorts, 2000), np.bool_)
    counts = count_blocks(encode_array(codes, sparse_shift=shift), members, num_alts)
    assert (counts.allele_count == [2 * carriers, carriers, 0]).all()
    assert (counts.n_hom_alt == [carriers, 0, 0]).all()
    assert (counts.n_het == [0, carriers, 0]).all()
    assert (counts.n_missing == [0, 0, carriers]).all()
    assert (counts.allele_number == [4000, 4000, 4000 - 2 * carriers]).all()


def test_more_people_than_16_bits_hold():
    """Blocks end before, their sums go on: 70,000 carriers of both alleles are 140,000."""
    codes = np.ones((2, 70_000, 2), "i1")
    codes[1, ::3] = 0
    members = np.ones((6, 70_000), np.bool_)
    members[3] = np.arange(70_000) % 2 == 0
    num_alts = np.ones(2, np.int64)
    counts = count_blocks(encode_array(codes), members, num_alts)
    assert_same_counts(counts, count_with_numpy(codes, members, num_alts))
    assert counts.allele_count[0, 0] == 140_000


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(0, 40), st.sampled_from(NUMBERS), st.integers(1, 50)),
)
@settings(deadline=None, max_examples=40)
def test_rows_turned(seed, shape):
    num_rows, num_cohorts, num_values = shape
    rng = np.random.default_rng(seed)
    values = rng.integers(-(2**40), 2**40, (num_cohorts, num_values))
    index = rng.integers(0, num_values, num_rows)
    out = np.empty((num_rows, num_cohorts), np.int64)
    turn(values, index, out)
    np.testing.assert_array_equal(out, values[:, index].T)


def test_genotypes_not_asked_for_take_no_memory_and_add_up():
    counts, other = (BlockCounts.zeros(2, np.array([1, 2]), genotypes=False) for _ in range(2))
    other.allele_count[...] = 3
    counts.add(other)
    assert (counts.allele_count == 3).all()
    for name in COUNTED[2:]:
        array = getattr(counts, name)
        assert not array.any()
        assert array.strides == (0, 0)
        assert array.shape == getattr(BlockCounts.zeros(2, np.array([1, 2])), name).shape


@pytest.mark.parametrize("num_cohorts", NUMBERS)
@pytest.mark.parametrize("genotypes", [False, True])
def test_table_of_many_is_those_of_each(tmp_path, num_cohorts, genotypes):
    """Multi-allelics, a record with no row of its own, missing calls; lazy columns as they were."""
    rng = np.random.default_rng(num_cohorts)
    samples = [f"p{i}" for i in range(40)]
    texts = [*["0/0"] * 4, "0/1", "1/1", "./.", "0/.", "0|1"]
    lines = []
    for i in range(30):
        alt = ("T", "T,G", "<NON_REF>", "T,<*>")[i % 4]
        calls = [str(text) for text in rng.choice(texts, 40)] if alt != "<NON_REF>" else ["0/0"] * 40
        if alt == "T,G":
            calls[3] = "1/2"
        lines.append("\t".join(["22", str(100 + i), ".", "A", alt, ".", ".", ".", "GT", *calls]))
    path = tmp_path / "x.vcf"
    head = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + "\t".join(samples)
    meta = "##fileformat=VCFv4.3\n##contig=<ID=22,length=50000000>\n" + GT_META
    path.write_text(meta + "\n".join([head, *lines]) + "\n")
    repository = varstore.create(tmp_path / "r", path)
    cohorts = {f"c{k}": [s for s in samples if rng.random() < 0.5] or samples[:1] for k in range(num_cohorts)}
    ask = repository.count_genotypes if genotypes else repository.count_alleles
    table = ask(cohorts=cohorts)
    alone = [ask(cohorts={name: people}) for name, people in cohorts.items()]
    assert len(table) == num_cohorts * len(alone[0]) > 0
    for name in table.columns:
        expected = np.stack([each[name] for each in alone], axis=1).reshape(-1)
        np.testing.assert_array_equal(table[name], expected, name)
        assert table[name] is table[name]
        assert not table[name].flags.writeable
    number = table.allele_number
    called = number > 0
    np.testing.assert_array_equal(table.allele_frequency[called], table.allele_count[called] / number[called])
    assert np.isnan(table.allele_frequency[~called]).all()
