"""Counts on blocks equal the oracle's, one call at a time, and numpy's on the decoded codes, to the last bit."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from varstore.codec.counting import Masks, count_rows
from varstore.codec.counts import BlockCounts
from varstore.codec.genotype import INNER, decode_array, encode_array
from varstore.codec.layout import inflate_block, parse
from varstore.errors import CorruptChunkError

COUNTED = [field.name for field in fields(BlockCounts) if field.name not in ("num_alts", "alt_start")]
FREQUENCIES = (0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.995, 1)
RARE = (0, 0, 0, 0, 0.003, 0.05, 0.6)


def make_calls(seed, shape, *, max_alts=3, odd=True, mixed=True):
    """Draw codes, and how many ALT alleles each row has; no code is above that.

    odd : codes below -2 too    mixed : ploidy holes too
    """
    rng = np.random.default_rng(seed)
    rows, samples, ploidy = shape
    codes = np.zeros(shape, rng.choice(["i1", "<i2"]))
    num_alts = rng.integers(0, max_alts + 1, rows)
    haploid = rng.random(samples) < 0.5
    for row in range(rows):
        calls = codes[row]
        if num_alts[row]:
            calls[...] = rng.random((samples, ploidy)) < rng.choice(FREQUENCIES)
        if num_alts[row] > 1:
            others = rng.random((samples, ploidy)) < rng.choice(RARE)
            calls[others] = rng.integers(2, num_alts[row] + 1, others.sum())
        if odd:
            calls[rng.random((samples, ploidy)) < rng.choice(RARE) / 4] = rng.choice([-3, -128])
        calls[rng.random((samples, ploidy)) < rng.choice(RARE)] = -1
        calls[rng.random(samples) < rng.choice(RARE)] = -1
        if mixed and rng.random() < 0.5:
            calls[haploid, 1:] = -2
            calls[rng.random((samples, ploidy)) < rng.choice(RARE) / 4] = -2
    return codes, num_alts


def make_cohorts(seed, num_cohorts, samples):
    """Nobody, everybody, one person, halves that overlap."""
    rng = np.random.default_rng(seed)
    members = np.zeros((num_cohorts, samples), np.bool_)
    for cohort in members:
        cohort[...] = rng.random(samples) < rng.choice([0, 0.3, 0.5, 0.97, 1])
        if rng.random() < 0.2:
            cohort[:] = np.arange(samples) == rng.integers(samples)
    return members


def count_blocks(data, members, num_alts, rows=None, *, genotypes=True):
    """Count all inner blocks of a chunk; ``rows``: of the chunk, all by default."""
    view = memoryview(data)
    layout = parse(view)
    begin, end = rows or (0, layout.num_rows)
    counts = BlockCounts.zeros(len(members), num_alts[begin:end])
    for block in range(layout.num_blocks):
        part = inflate_block(layout, block)
        first = block * layout.inner
        masks = Masks(members[:, first : first + part.num_samples])
        count_rows(part, (begin, end), masks, counts, genotypes=genotypes)
    return counts


def count_with_numpy(codes, members, num_alts):
    """The same from plain codes, a row at a time."""
    counts = BlockCounts.zeros(len(members), num_alts)
    fill = codes == -2
    missing = ((codes < 0) & ~fill).any(2) | fill.all(2)
    for k, cohort in enumerate(members):
        counts.n_missing[k] = (missing & cohort).sum(1)
        counts.allele_number[k] = (codes[:, cohort] >= 0).sum((1, 2))
        called = ~missing & cohort
        counts.n_hom_ref[k] = (called & ((codes == 0) | fill).all(2)).sum(1)
        for row, first in enumerate(counts.alt_start[:-1]):
            for allele in range(1, num_alts[row] + 1):
                is_allele = codes[row] == allele
                hom = (is_allele | fill[row]).all(1)
                counts.allele_count[k, first + allele - 1] = is_allele[cohort].sum()
                counts.n_hom_alt[k, first + allele - 1] = (called[row] & hom).sum()
                counts.n_het[k, first + allele - 1] = (called[row] & is_allele.any(1) & ~hom).sum()
    return counts


def assert_same_counts(counts, expected, names=COUNTED):
    for name in names:
        np.testing.assert_array_equal(getattr(counts, name), getattr(expected, name), name)


def assert_oracle(counts, codes, members, num_alts):
    """Every number of ``counts`` is what tests/reference.py makes of the calls."""
    for k, cohort in enumerate(members):
        for row in range(len(codes)):
            calls = Counter(map(tuple, codes[row, cohort].tolist()))
            first = int(counts.alt_start[row])
            for allele in range(1, int(num_alts[row]) + 1):
                expected = reference.count_row(calls, allele)
                found = {
                    "allele_count": counts.allele_count[k, first + allele - 1],
                    "allele_number": counts.allele_number[k, row],
                    "n_hom_ref": counts.n_hom_ref[k, row],
                    "n_het": counts.n_het[k, first + allele - 1],
                    "n_hom_alt": counts.n_hom_alt[k, first + allele - 1],
                    "n_missing": counts.n_missing[k, row],
                }
                assert found == {name: expected[name] for name in found}, (k, row, allele)
                others = cohort.sum() - sum(int(found[n]) for n in found if n.startswith("n_"))
                assert others == expected["n_other"]


shapes = st.tuples(st.integers(1, 24), st.integers(1, 150), st.integers(1, 4))
seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, shape=shapes, num_cohorts=st.integers(0, 5), inner=st.sampled_from([3, 64, INNER]))
@settings(deadline=None, max_examples=120)
def test_oracle(seed, shape, num_cohorts, inner):
    codes, num_alts = make_calls(seed, shape)
    members = make_cohorts(seed, num_cohorts, shape[1])
    data = encode_array(codes, inner=inner)
    counts = count_blocks(data, members, num_alts)
    assert_oracle(counts, codes, members, num_alts)
    assert_same_counts(counts, count_with_numpy(decode_array(memoryview(data)), members, num_alts))


@given(seed=seeds, shape=shapes, ends=st.tuples(st.integers(0, 24), st.integers(0, 24)), shift=st.integers(0, 10))
@settings(deadline=None, max_examples=80)
def test_spans_of_rows(seed, shape, ends, shift):
    """Rows in front of a span are read for their planes alone; sparse and dense forms count alike."""
    codes, num_alts = make_calls(seed, shape)
    members = make_cohorts(seed, 2, shape[1])
    data = encode_array(codes, inner=40, sparse_shift=shift)
    begin, end = sorted(min(at, shape[0]) for at in ends)
    counts = count_blocks(data, members, num_alts, (begin, end))
    assert_same_counts(counts, count_with_numpy(codes[begin:end], members, num_alts[begin:end]))


@given(seed=seeds, shape=shapes)
@settings(deadline=None, max_examples=40)
def test_alleles_alone(seed, shape):
    codes, num_alts = make_calls(seed, shape)
    members = make_cohorts(seed, 3, shape[1])
    counts = count_blocks(encode_array(codes, inner=64), members, num_alts, genotypes=False)
    expected = count_with_numpy(codes, members, num_alts)
    assert_same_counts(counts, expected, ["allele_count", "allele_number"])
    untouched = BlockCounts.zeros(3, num_alts)
    assert_same_counts(counts, untouched, ["n_hom_ref", "n_het", "n_hom_alt", "n_missing"])


KINDS = {
    "diploid": (2, {"max_alts": 1, "odd": False, "mixed": False}),
    "diploid, many alleles": (2, {"max_alts": 5, "mixed": False}),
    "haploid": (1, {}),
    "haploid and diploid": (2, {"max_alts": 2}),
    "triploid": (3, {}),
    "pentaploid": (5, {"max_alts": 2}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_full_blocks(kind):
    """Blocks of 16,384 samples, or 65,536 haplotypes, and a short one behind."""
    ploidy, options = KINDS[kind]
    codes, num_alts = make_calls(ploidy, (30, 2 * INNER + 77, ploidy), **options)
    members = make_cohorts(ploidy, 4, codes.shape[1])
    members[0], members[1] = True, False
    counts = count_blocks(encode_array(codes), members, num_alts)
    assert_same_counts(counts, count_with_numpy(codes, members, num_alts))


def test_rows_like_earlier_rows():
    """Planes stored by reference to others, over more rows than references reach back."""
    rng = np.random.default_rng(1)
    base = rng.integers(0, 2, (40, 300, 2))
    codes = (base[rng.integers(0, 40, 600)] ^ (rng.random((600, 300, 2)) < 0.01)).astype("i1")
    num_alts = np.ones(600, np.int64)
    members = make_cohorts(1, 3, 300)
    for inner in (64, 300):
        data = encode_array(codes, inner=inner)
        assert_same_counts(count_blocks(data, members, num_alts), count_with_numpy(codes, members, num_alts))
        late = count_blocks(data, members, num_alts, (555, 571))
        assert_same_counts(late, count_with_numpy(codes[555:571], members, num_alts[555:571]))


@pytest.mark.parametrize(("samples", "ploidy"), [(70_000, 1), (2 * INNER + 5, 2), (INNER, 4), (13_107, 5)])
def test_more_than_65536_carriers_in_a_row(samples, ploidy):
    """Over all blocks, and at ploidy 4 in one block, whose last index is 65,535."""
    codes = np.zeros((6, samples, ploidy), "i1")
    codes[0], codes[1], codes[2], codes[3] = 1, 2, -1, -3
    codes[4, 1:], codes[5, -1] = 1, 1
    num_alts = np.full(6, 2)
    members = np.ones((2, samples), np.bool_)
    members[1, ::3] = False
    counts = count_blocks(encode_array(codes), members, num_alts)
    assert counts.allele_count[0, 0] == counts.allele_number[0, 1] == samples * ploidy
    assert counts.n_hom_alt[0, 3] == counts.n_missing[0, 3] == samples
    assert_same_counts(counts, count_with_numpy(codes, members, num_alts))


@pytest.mark.parametrize("code", [1, 2, -1, -2])
def test_more_than_65536_entries_in_the_lists_of_a_block(code):
    rng = np.random.default_rng(3)
    codes = np.zeros((100, INNER, 1), "i1")
    codes[rng.random(codes.shape) < 0.05] = code
    num_alts = np.full(100, 2)
    members = rng.random((2, INNER)) < [[0.5], [1]]
    data = encode_array(codes, sparse_shift=4)
    assert np.count_nonzero(codes) > 2**16
    counts = count_blocks(data, members, num_alts)
    assert_same_counts(counts, count_with_numpy(codes, members, num_alts))
    late = count_blocks(data, members, num_alts, (97, 99))
    assert_same_counts(late, count_with_numpy(codes[97:99], members, num_alts[97:99]))


def test_padding_is_nobody():
    """Zarr pads chunks with 0; a flipped row counts from the members there are, not from the block's width."""
    codes, num_alts = make_calls(5, (40, 100, 2), odd=False)
    codes[:8], num_alts[:8] = 1, 1
    padded = np.zeros((64, 128, 2), codes.dtype)
    padded[:40, :100] = codes
    members = np.zeros((2, 128), np.bool_)
    members[:, :100] = make_cohorts(5, 2, 100)
    members[0, :100] = True
    counts = count_blocks(encode_array(padded, inner=48), members, np.append(num_alts, [0] * 24), (0, 40))
    assert_same_counts(counts, count_with_numpy(codes, members[:, :100], num_alts))


def test_partials_add_up():
    """Counts are added to what is there: over people in two chunks, over blocks, twice."""
    codes, num_alts = make_calls(6, (50, 90, 2))
    members = make_cohorts(6, 3, 90)
    expected = count_with_numpy(codes, members, num_alts)
    total = BlockCounts.zeros(3, num_alts)
    for part in (slice(0, 31), slice(31, 90)):
        data = encode_array(np.ascontiguousarray(codes[:, part]), inner=10)
        total.add(count_blocks(data, members[:, part], num_alts))
    assert_same_counts(total, expected)
    total.add(expected)
    np.testing.assert_array_equal(total.allele_count, 2 * expected.allele_count)


def test_rows_without_alleles():
    codes = np.array([[[0, 0]], [[-1, 0]], [[-2, -2]], [[-1, -1]]], "i1")
    num_alts = np.zeros(4, np.int64)
    members = np.ones((1, 1), np.bool_)
    counts = count_blocks(encode_array(codes), members, num_alts)
    assert counts.allele_count.shape == (1, 0)
    assert counts.allele_number.tolist() == [[2, 1, 0, 0]]
    assert counts.n_hom_ref.tolist() == [[1, 0, 0, 0]]
    assert counts.n_missing.tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize("genotypes", [False, True])
@pytest.mark.parametrize(("call", "num_alts"), [((0, 1), 0), ((1, 1), 0), ((0, 2), 1), ((2, 2), 0), ((-1, 127), 126)])
def test_alleles_that_the_record_does_not_have(call, num_alts, genotypes):
    """A block that fits its checksums but not its site columns."""
    data = encode_array(np.array([[call], [(0, 0)]], "i1"))
    with pytest.raises(CorruptChunkError, match=r"genotype block: (impossible contents|an ALT allele)"):
        count_blocks(data, np.ones((1, 1), np.bool_), np.array([num_alts, 1]), genotypes=genotypes)


def test_threads_agree():
    codes, num_alts = make_calls(9, (200, 700, 2))
    members = make_cohorts(9, 26, 700)
    data = encode_array(codes, inner=256)
    expected = count_with_numpy(codes, members, num_alts)
    spans = [(0, 200), (3, 9), (100, 200), (199, 200)] * 6
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda span: count_blocks(data, members, num_alts, span), spans))
    for (begin, end), counts in zip(spans, found, strict=True):
        alleles = slice(expected.alt_start[begin], expected.alt_start[end])
        np.testing.assert_array_equal(counts.n_het, expected.n_het[:, alleles])
        np.testing.assert_array_equal(counts.n_missing, expected.n_missing[:, begin:end])
        assert_same_counts(counts, count_blocks(data, members, num_alts, (begin, end)))
