"""Absent samples: missing in every haplotype, in no count but n_missing, in no set, and no cost of the sets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_codec import make_codes
from test_counting import assert_same_counts, count_blocks, count_with_numpy, make_calls, make_cohorts
from varstore.codec.genotype import decode_array, encode_array, encode_sets, expand_rows, fill_absent
from varstore.codec.layout import ABSENT, ABSENT_VERSION, VERSION, inflate_block, parse
from varstore.codec.presence import Presence
from varstore.codec.rows import concatenate, sets_from_codes
from varstore.kernels.rows import ALT, FLIPPED


def make_presence(seed, rows, samples):
    """Ranges of samples, and rows in which all, some, one or none of them are there."""
    rng = np.random.default_rng(seed)
    num = int(rng.integers(1, min(samples, 40) + 1))
    ends = np.append(np.sort(rng.choice(np.arange(1, samples), num - 1, replace=False)), samples)
    return ends, rng.random((rows, num)) < rng.choice([0, 0.1, 0.6, 1], (rows, 1))


def with_absent(codes, ends, flags):
    """The naive oracle: the codes as they have to come back."""
    absent = np.repeat(~flags, np.diff(ends, prepend=0), axis=1)
    return np.where(absent[:, :, np.newaxis], -1, codes).astype(codes.dtype)


SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 150), st.integers(1, 4))
SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS, shape=SHAPES, inner=st.sampled_from([3, 64, 16384]), dtype=st.sampled_from(["i1", "<i2"]))
@settings(deadline=None, max_examples=100)
def test_round_trip(seed, shape, inner, dtype):
    codes = make_codes(seed, shape, dtype)
    ends, flags = make_presence(seed, *shape[:2])
    before = codes.copy()
    data = memoryview(encode_array(codes, inner=inner, presence=Presence.of(ends, flags)))
    np.testing.assert_array_equal(codes, before)
    expected = with_absent(codes, ends, flags)
    np.testing.assert_array_equal(decode_array(data), expected)
    layout = parse(data)
    first, last = sorted(np.random.default_rng(seed).integers(0, shape[0] + 1, 2).tolist())
    for block in range(layout.num_blocks):
        mine = expected[first:last, block * layout.inner : (block + 1) * layout.inner]
        out = np.full((*mine.shape[:2], shape[2] + 1), 99, dtype)
        expand_rows(inflate_block(layout, block), first, last, out)
        np.testing.assert_array_equal(out[:, :, :-1], mine)
        assert (out[:, :, -1] == -2).all()


@given(seed=SEEDS, shape=SHAPES, num_cohorts=st.integers(1, 4), inner=st.sampled_from([7, 64, 16384]))
@settings(deadline=None, max_examples=150)
def test_counts(seed, shape, num_cohorts, inner):
    codes, num_alts = make_calls(seed, shape)
    members = make_cohorts(seed, num_cohorts, shape[1])
    ends, flags = make_presence(seed, *shape[:2])
    data = encode_array(codes, inner=inner, presence=Presence.of(ends, flags))
    expected = count_with_numpy(with_absent(codes, ends, flags), members, num_alts)
    assert_same_counts(count_blocks(data, members, num_alts), expected)
    first, last = sorted(np.random.default_rng(seed).integers(0, shape[0] + 1, 2).tolist())
    part = with_absent(codes, ends, flags)[first:last]
    found = count_blocks(data, members, num_alts, (first, last))
    assert_same_counts(found, count_with_numpy(part, members, num_alts[first:last]))
    alleles = count_blocks(data, members, num_alts, genotypes=False)
    assert_same_counts(alleles, expected, ["allele_count", "allele_number"])


@given(seed=SEEDS, shape=SHAPES)
@settings(deadline=None, max_examples=60)
def test_absent_samples_cost_the_sets_nothing(seed, shape):
    """What the absent have in the array makes no difference, and no set has a member of them."""
    codes = make_codes(seed, shape)
    ends, flags = make_presence(seed, *shape[:2])
    presence = Presence.of(ends, flags)
    data = encode_array(codes, inner=64, presence=presence)
    other = np.where(with_absent(np.zeros_like(codes), ends, flags) == -1, np.int8(7), codes)
    assert encode_array(other, inner=64, presence=presence) == data
    layout = parse(memoryview(data))
    absent = with_absent(np.zeros(shape, "i1"), ends, flags) == -1
    for block in range(layout.num_blocks):
        part = inflate_block(layout, block)
        mine = absent[:, block * layout.inner : (block + 1) * layout.inner]
        out = np.empty(mine.shape, "i1")
        expand_rows(replace(part, presence=None), 0, shape[0], out)
        default = (part.form[ALT] & FLIPPED != 0)[:, np.newaxis, np.newaxis]
        np.testing.assert_array_equal(out[mine], np.broadcast_to(default, mine.shape)[mine])


def test_blocks_where_nobody_is_absent_stay_what_they_were():
    codes = make_codes(3, (40, 90, 2))
    everybody = Presence.of(np.array([30, 64, 90]), np.ones((40, 3), np.bool_))
    data = encode_array(codes, inner=64, presence=everybody)
    assert data == encode_array(codes, inner=64)
    flags = np.ones((40, 3), np.bool_)
    flags[5, 2] = False
    layout = parse(memoryview(encode_array(codes, inner=64, presence=Presence.of(np.array([30, 64, 90]), flags))))
    assert [s.block for s in layout.streams if s.role == ABSENT] == [1]
    assert (parse(memoryview(data)).version, layout.version) == (VERSION, ABSENT_VERSION)


def test_rows_where_everybody_is_absent():
    codes = np.ones((3, 20, 2), "i1")
    data = encode_array(codes, presence=Presence.of(np.array([20]), np.zeros((3, 1), np.bool_)))
    assert (decode_array(memoryview(data)) == -1).all()
    assert inflate_block(parse(memoryview(data)), 0).sets == {}


def test_which_ranges_are_there():
    ends, flags = make_presence(8, 50, 100)
    layout = parse(memoryview(encode_array(make_codes(1, (50, 100, 2)), presence=Presence.of(ends, flags))))
    found = inflate_block(layout, 0).presence
    np.testing.assert_array_equal(found.flags(0, 50), flags)
    np.testing.assert_array_equal(found.flags(7, 9), flags[7:9])
    np.testing.assert_array_equal(found.num_present, flags.sum(1))
    assert found.ends.tolist() == ends.tolist()


def test_rows_encoded_some_at_a_time():
    """As a writer does who holds a few rows in memory."""
    codes = make_codes(11, (60, 100, 2))
    ends, flags = make_presence(11, 60, 100)
    presence = Presence.of(ends, flags)
    starts = np.array([0, 40, 80, 100])
    parts = []
    for begin in range(0, 60, 16):
        slab = codes[begin : begin + 16].copy()
        fill_absent(slab, starts, Presence(presence.ends, presence.bits[begin : begin + 16]))
        parts.append(sets_from_codes(slab, starts))
    data = encode_sets(concatenate(parts), (64, 128, 2), presence=presence, dtype=np.dtype("i1"))
    back = decode_array(memoryview(data))
    np.testing.assert_array_equal(back[:60, :100], with_absent(codes, ends, flags))
    assert not back[60:].any()
    assert not back[:, 100:].any()


@pytest.mark.parametrize("ploidy", [1, 2])
def test_wide_ranges(ploidy):
    """More than 65,536 bits in all, ranges over several inner blocks, and a row of 20,000 absent samples."""
    codes, num_alts = make_calls(5, (12, 40_000, ploidy))
    ends = np.array([9, 20_009, 20_010, 40_000])
    flags = np.random.default_rng(5).random((12, 4)) < 0.5
    flags[0] = [True, False, True, True]
    data = encode_array(codes, presence=Presence.of(ends, flags))
    expected = with_absent(codes, ends, flags)
    np.testing.assert_array_equal(decode_array(memoryview(data)), expected)
    members = make_cohorts(5, 3, 40_000)
    assert_same_counts(count_blocks(data, members, num_alts), count_with_numpy(expected, members, num_alts))
