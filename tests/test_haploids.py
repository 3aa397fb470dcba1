"""Haploid calls counted in blocks are those found call by call."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from test_counting import make_calls, make_cohorts, seeds, shapes
from varstore.codec.counting import Masks
from varstore.codec.counts import BlockCounts
from varstore.codec.genotype import INNER, encode_array
from varstore.codec.haploids import count_haploids
from varstore.codec.layout import inflate_block, parse
from varstore.codec.presence import Presence


def count_blocks(data, members, num_alts, rows):
    layout = parse(memoryview(data))
    counts = BlockCounts.zeros(len(members), num_alts[rows[0] : rows[1]])
    for block in range(layout.num_blocks):
        part = inflate_block(layout, block)
        first = block * layout.inner
        count_haploids(part, rows, Masks(members[:, first : first + part.num_samples]), counts)
    return counts


def assert_call_by_call(counts, codes, members, num_alts):
    for k, cohort in enumerate(members):
        for row, calls in enumerate(codes):
            alleles = [[code for code in call if code != -2] for call in calls[cohort].tolist()]
            alone = [call[0] for call in alleles if len(call) == 1 and call[0] >= 0]
            assert counts.allele_number[k, row] == len(alone)
            first = int(counts.alt_start[row])
            for allele in range(1, int(num_alts[row]) + 1):
                assert counts.allele_count[k, first + allele - 1] == alone.count(allele)


@given(
    seed=seeds, shape=shapes, num_cohorts=st.integers(1, 4), inner=st.sampled_from([3, 64, INNER]),
    ends=st.tuples(st.integers(0, 24), st.integers(0, 24)),
)  # fmt: skip
@settings(deadline=None, max_examples=120)
def test_call_by_call(seed, shape, num_cohorts, inner, ends):
    codes, num_alts = make_calls(seed, shape)
    members = make_cohorts(seed, num_cohorts, shape[1])
    begin, end = sorted(min(row, shape[0]) for row in ends)
    counts = count_blocks(encode_array(codes, inner=inner), members, num_alts, (begin, end))
    assert_call_by_call(counts, codes[begin:end], members, num_alts[begin:end])


@given(seed=seeds, shape=shapes)
@settings(deadline=None, max_examples=60)
def test_absent_people_have_no_call(seed, shape):
    codes, num_alts = make_calls(seed, shape)
    rng = np.random.default_rng(seed)
    members = make_cohorts(seed, 2, shape[1])
    ends = np.unique([*rng.integers(1, shape[1] + 1, 4), shape[1]])
    flags = rng.random((shape[0], len(ends))) < 0.6
    data = encode_array(codes, presence=Presence.of(ends, flags))
    here = np.repeat(flags, np.diff(ends, prepend=0), axis=1)
    codes[~here] = -1
    counts = count_blocks(data, members, num_alts, (0, shape[0]))
    assert_call_by_call(counts, codes, members, num_alts)
