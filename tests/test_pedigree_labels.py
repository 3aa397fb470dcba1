"""Relationship labels on families made by mating, with missing and wrong calls: what must hold of each pair.

The label asked for is that of what a pair truly shares by descent; within 0.015 of a cut-off a neighbour's will do. All
duplicates, parents and full siblings are right, and no stranger is called kin.
"""

import numpy as np
import pytest

import king_oracle
import pedigrees
import varstore as vs
from varstore.errors import TooFewSitesError

LABELS = ("duplicate/twin", "parent-offspring", "full sibling", "second degree", "third degree", "unrelated")
DEGREE_OF = np.array([0, 1, 1, 2, 3, 4])


@pytest.fixture(scope="module")
def fx_families():
    return pedigrees.simulate(31, sites=44_000, families=2, strangers=5)


def check_labels(families, first, second, label):
    """Hold the label of every pair against what it shares; gives how many have each. first, second : (pairs,) people"""
    said = np.array([LABELS.index(each) for each in label])
    closest, furthest = families.degrees(first, second)
    twins = (families.duplicate_of[first] == second) | (families.duplicate_of[second] == first)
    wrong = (DEGREE_OF[said] < closest) | (DEGREE_OF[said] > furthest)
    wrong |= (said == 0) != twins
    wrong |= (said == 1) != families.is_parent(first, second)
    wrong |= (said < 5) & (families.kinship[first, second] == 0)
    told = [f"{label[i]}, shared {families.kinship[first[i], second[i]]:.4f}" for i in np.flatnonzero(wrong)]
    assert not told
    return np.bincount(said, minlength=len(LABELS))


def copies(calls):
    """(people, sites) copies of ALT, -1 missing."""
    return np.where((calls < 0).any(axis=2), -1, calls.sum(axis=2)).T


@pytest.fixture(scope="module", params=[(0.0, 0.0), (0.02, 0.005), (0.2, 0.0)], ids=str)
def fx_called(request, fx_families, tmp_path_factory):
    """The families with a rate of missing calls and one of errors, and their repository."""
    folder = tmp_path_factory.mktemp("labels")
    calls = fx_families.calls(*request.param)
    return calls, vs.create(folder / "repo", fx_families.write_vcf(folder / "families.vcf", calls))


def test_labels_are_those_of_shared_descent(fx_families, fx_called):
    """Of every pair, and the numbers are the oracle's."""
    calls, repo = fx_called
    found = repo.kinship(threshold=None)
    number = {name: i for i, name in enumerate(fx_families.samples)}
    first, second = (np.array([number[name] for name in found[column]]) for column in ("sample_1", "sample_2"))
    assert (
        len({frozenset(pair) for pair in zip(first, second, strict=True)})
        == len(found)
        == len(number) * (len(number) - 1) // 2
    )
    seen = check_labels(fx_families, first, second, found["relationship"])
    assert seen.min() >= 6
    expected = king_oracle.compare(copies(calls))
    np.testing.assert_allclose(found["kinship"], expected.kinship[first, second], atol=1e-12)
    np.testing.assert_array_equal(found["ibs0"], expected.ibs0[first, second])


def test_above_the_threshold_is_all_kin_and_no_stranger(fx_families, fx_called):
    found = fx_called[1].kinship()
    number = {name: i for i, name in enumerate(fx_families.samples)}
    pairs = {frozenset((number[a], number[b])) for a, b in zip(found["sample_1"], found["sample_2"], strict=True)}
    first, second = fx_families.pairs()
    shared = fx_families.kinship[first, second]
    near = {frozenset(pair) for pair in zip(first[shared > 0.06], second[shared > 0.06], strict=True)}
    assert near <= pairs
    assert all(fx_families.kinship[tuple(pair)] > 0.02 for pair in pairs)


def test_some_against_all_get_the_same_labels(fx_families, fx_called):
    """The sites are those of everybody in the question."""
    repo = fx_called[1]
    some = fx_families.samples[:9]
    everything = {frozenset(row[:2]): row for row in rows(repo.kinship(threshold=None))}
    found = rows(repo.kinship(samples=some, against=fx_families.samples, threshold=None))
    assert len(found) == 9 * 8 // 2 + 9 * (len(fx_families) - 9)
    for row in found:
        other = everything[frozenset(row[:2])]
        assert (row[2:3], row[7:]) == (other[2:3], other[7:])


def rows(table):
    return list(zip(*(table[name].tolist() for name in table.columns), strict=True))


def test_a_family_alone_is_labelled_too(fx_families, fx_called):
    """Frequencies of one family are not those of its population: kinship does not ask them, parents stay parents."""
    family = np.flatnonzero(fx_families.family == fx_families.family[0])
    found = fx_called[1].kinship(samples=[fx_families.samples[p] for p in family], threshold=2**-2.5)
    number = {name: i for i, name in enumerate(fx_families.samples)}
    first, second = (np.array([number[name] for name in found[column]]) for column in ("sample_1", "sample_2"))
    check_labels(fx_families, first, second, found["relationship"])
    assert {"duplicate/twin", "parent-offspring", "full sibling"} == set(found["relationship"])


def test_one_chromosome_is_refused(fx_families, fx_called):
    repo = fx_called[1]
    with pytest.raises(TooFewSitesError, match=r"too few independent sites \(\d+; needs 1,\d+\)"):
        repo.kinship(region="1")
    forced = repo.kinship(region="1", force=True, threshold=None)
    assert set(forced["relationship"]) == {None}
    assert np.isfinite(forced["kinship"]).all()
