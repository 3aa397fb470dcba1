"""Sets of unrelated people and families, as graphs: against brute force and a walk."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varstore.relatedness.graph import Pairs, components, unrelated


def graph(num_people, pairs):
    first, second = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    return Pairs(num_people, first, second, np.full(len(first), 0.25))


@st.composite
def graphs(draw, most=10):
    num = draw(st.integers(0, most))
    possible = list(combinations(range(num), 2))
    pairs = draw(st.sets(st.sampled_from(possible))) if possible else set()
    return num, pairs


def walk(num, pairs):
    """The least person that each reaches."""
    near = {p: {p} for p in range(num)}
    for a, b in pairs:
        near[a].add(b)
        near[b].add(a)
    reached = []
    for p in range(num):
        seen, todo = set(), [p]
        while todo:
            q = todo.pop()
            if q not in seen:
                seen.add(q)
                todo += near[q]
        reached.append(min(seen))
    return reached


@given(graphs())
@settings(deadline=None)
def test_components_are_who_is_reached(drawn):
    np.testing.assert_array_equal(components(graph(*drawn)), walk(*drawn))


def test_components_of_a_long_chain_and_of_many_people():
    rng = np.random.default_rng(3)
    order = rng.permutation(70_000)
    chain = Pairs(70_001, order[:-1], order[1:], np.full(69_999, 0.25))
    assert components(chain).tolist() == [0] * 70_000 + [70_000]


@given(graphs(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_no_two_are_related_nobody_can_be_added_and_order_of_pairs_is_nothing(drawn, random):
    num, pairs = drawn
    rank = np.array(random.sample(range(num), num), np.int64)
    taken = unrelated(graph(num, pairs), rank)
    assert not any(taken[a] and taken[b] for a, b in pairs)
    for p in np.flatnonzero(~taken):
        assert any(taken[sum(pair) - p] for pair in pairs if p in pair)
    turned = [pair[::-1] if random.random() < 0.5 else pair for pair in random.sample(sorted(pairs), len(pairs))]
    first, second = np.array(turned, np.int64).reshape(-1, 2).T
    np.testing.assert_array_equal(unrelated(Pairs(num, first, second, np.zeros(len(first))), rank), taken)


def largest(num, pairs):
    for size in range(num, -1, -1):
        for chosen in combinations(range(num), size):
            if not any(a in chosen and b in chosen for a, b in pairs):
                return size
    return 0


@given(st.lists(st.integers(0, 10**6), max_size=9))
@settings(deadline=None)
def test_of_trees_the_set_is_the_largest(parents):
    num = len(parents) + 1
    pairs = {(parent % (child + 1), child + 1) for child, parent in enumerate(parents)}
    assert unrelated(graph(num, pairs), np.arange(num)).sum() == largest(num, pairs)


def test_the_set_is_close_to_the_largest():
    rng = np.random.default_rng(1)
    found = best = 0
    for _ in range(60):
        num = int(rng.integers(4, 12))
        pairs = {pair for pair in combinations(range(num), 2) if rng.random() < 0.35}
        found += unrelated(graph(num, pairs), np.arange(num)).sum()
        best += largest(num, pairs)
    assert found > 0.97 * best


@pytest.mark.parametrize(("rank", "kept"), [([0, 1, 2], 0), ([2, 0, 1], 1), ([2, 1, 0], 2)])
def test_of_equals_the_least_rank_is_taken(rank, kept):
    everybody = {(0, 1), (0, 2), (1, 2)}
    assert np.flatnonzero(unrelated(graph(3, everybody), np.array(rank))).tolist() == [kept]


def test_a_parent_of_many_is_left_out():
    star = {(0, child) for child in range(1, 6)}
    assert unrelated(graph(7, star), np.arange(7)).tolist() == [False, True, True, True, True, True, True]
