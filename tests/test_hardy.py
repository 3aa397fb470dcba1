"""The exact test of Hardy-Weinberg proportions against fractions, and where floats could fail it."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import stats_oracle
from varstore.kernels.hardy import exact_tests
from varstore.stats.variants import hardy_p_values

people = st.integers(0, 40)


def p_values(tables, *, midp=False):
    """Of tables: homozygous, heterozygous, homozygous for others; haploid with the allele, with others."""
    hom, het, rest, hap1, hap2 = np.array(tables, np.int64).reshape(-1, 5).T
    haploid = hap1 + hap2
    return hardy_p_values(hom + hap1, het, hom + het + rest + haploid, haploid, hap1, midp=midp)


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


@pytest.mark.parametrize("num_slots", [16, 1 << 12])
def test_equal_tables_are_remembered(num_slots):
    """Many tables, few distinct, in more and in fewer places than they need: each has its own p value."""
    rng = np.random.default_rng(3)
    columns = np.ascontiguousarray(rng.integers(0, 4, (5, 3000)))
    columns[2] += columns[0] + columns[1] + columns[3]
    columns[4] = np.minimum(columns[4], np.minimum(columns[0], columns[3]))
    out = np.empty(3000)
    exact_tests(*columns, False, np.full(num_slots, -1), out)
    known = {}
    for i, (hom, het, called, haploid, of_allele) in enumerate(columns.T.tolist()):
        table = hom - of_allele, het, called - haploid - hom + of_allele - het, of_allele, haploid - of_allele
        if table not in known:
            known[table] = stats_oracle.hardy(*table)
        assert same(out[i], known[table])
    assert len(known) > 16
