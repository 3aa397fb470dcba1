"""The exact test of Hardy-Weinberg proportions against fractions, and where floats could fail it."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import stats_oracle
from varstore.kernels.hardy import exact_tests

people = st.integers(0, 40)


def p_values(tables, *, midp=False):
    tables = np.array(tables, np.int64).reshape(-1, 5)
    out = np.empty(len(tables))
    exact_tests(tables, midp, out)
    return out


def same(found, expected):
    return found == pytest.approx(expected, rel=1e-11, abs=0, nan_ok=True)


@settings(deadline=None)
@given(people, people, people, st.booleans())
@example(0, 0, 0, False)
@example(0, 1, 0, True)
@example(1, 0, 1, True)
@example(3, 2, 3, True)
def test_of_diploid_people(hom, het, rest, midp):
    found = p_values([hom, het, rest, 0, 0], midp=midp)[0]
    assert same(found, stats_oracle.hardy(hom, het, rest, midp=midp))


few = st.integers(0, 12)


@settings(deadline=None)
@given(few, few, few, few, few, st.booleans())
@example(0, 0, 0, 3, 4, False)
@example(0, 0, 5, 4, 0, True)
@example(0, 12, 0, 0, 12, False)
@example(12, 0, 12, 12, 0, True)
def test_with_haploid_people(hom, het, rest, hap1, hap2, midp):
    found = p_values([hom, het, rest, hap1, hap2], midp=midp)[0]
    assert same(found, stats_oracle.hardy(hom, het, rest, hap1, hap2, midp=midp))


@pytest.mark.parametrize("midp", [False, True])
def test_tiny_p_values_keep_their_digits(midp):
    """The tail is far below what the total can tell apart: each end stops by its own size."""
    for table in ((60, 0, 60), (200, 3, 200), (0, 400, 0), (150, 10, 300), (1, 500, 2)):
        found = p_values([*table, 0, 0], midp=midp)[0]
        assert found < 1e-15
        assert same(found, stats_oracle.hardy(*table, midp=midp))
    table = 60, 1, 60, 30, 5
    assert same(p_values(table, midp=midp)[0], stats_oracle.hardy(*table, midp=midp))


def test_of_many_people():
    """A million people: no overflow, no loss of digits, and a p value that no float holds is 0."""
    found = p_values([[250_000, 500_000, 250_000, 0, 0], [500_000, 0, 500_000, 0, 0], [0, 1000, 999_000, 0, 0]])
    assert found[0] == pytest.approx(1, abs=1e-9)
    assert found[1] == 0
    assert 0.9 < found[2] <= 1
    # The chi-square test agrees where it should.
    hom, het, rest = 250_700, 498_600, 250_700
    chi_square = 1_000_000 * (1 - het / 500_000) ** 2
    expected = math.erfc(math.sqrt(chi_square / 2))
    assert p_values([hom, het, rest, 0, 0], midp=True)[0] == pytest.approx(expected, rel=1e-2)


def test_alleles_are_alike():
    forward = p_values([[5, 7, 30, 4, 9], [5, 7, 30, 0, 0]])
    assert forward == pytest.approx(p_values([[30, 7, 5, 9, 4], [30, 7, 5, 0, 0]]), rel=1e-12)
