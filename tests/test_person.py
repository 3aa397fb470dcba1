"""What everybody carries, by rarity, against the oracle: calls of every kind, one batch and many."""

import numpy as np
import pytest
from hypothesis import given, settings

import person_oracle
import reference
import varstore as vs
import vcf_text
from test_variant_stats import create, far_apart, several, split, vcf_of
from varstore.genome import person
from varstore.kernels import carriers
from varstore.query.carriers import carriers_of, counted_alleles
from varstore.query.cohorts import members
from varstore.query.counting import Question


def assert_tallies(repo, vcf):
    found = person.everybody(repo)
    assert found.numbers.tolist() == list(range(len(vcf.samples)))
    for row, expected in zip(found.counts.tolist(), person_oracle.tallies(vcf), strict=True):
        assert dict(zip(person.COUNTS, row, strict=True)) == {name: expected[name] for name in person.COUNTS}


def listed(repo):
    """Every carrier of every allele: which allele, person, copies."""
    masks = members(None, repo._num_numbers, repo._withdrawn_now())
    question = Question(None, [], masks, None, True, None, genotypes=False)
    first, rows = 0, []
    for found in counted_alleles(repo, question):
        copies = np.zeros(len(found), np.int64)
        for part in carriers_of(repo, found.reads, masks[0]):
            np.add.at(copies, part.allele, part.copies)
            rows += zip((part.allele + first).tolist(), part.person.tolist(), part.copies.tolist(), strict=True)
        assert copies.tolist() == found.allele_count.tolist()
        first += len(found)
    return sorted(rows)


@given(text=vcf_text.vcf_texts(max_variants=12, max_samples=9))
@settings(deadline=None, max_examples=40)
def test_everybody(text, tmp_path_factory):
    repo, vcf = create(tmp_path_factory.mktemp("r"), text), reference.read_vcf(text)
    assert_tallies(repo, vcf)
    assert listed(repo) == sorted(person_oracle.carriers(vcf))


def test_many_people_of_every_rarity(tmp_path):
    """Lists, planes, flipped rows and missing calls; every class of rarity is met."""
    rng = np.random.default_rng(4)
    samples = [f"s{i}" for i in range(6000)]
    records = []
    for row, share in enumerate(
        [0, 1 / 12000, 1 / 6000, 0.0002, 0.0006, 0.004, 0.02, 0.04, 0.3, 0.5, 0.9, 0.999, 1] * 3
    ):
        codes = (rng.random((6000, 2)) < share).astype(int)
        calls = ["./." if rng.random() < 0.02 * (row % 2) else f"{a}|{b}" for a, b in codes]
        records.append(("X" if row > 20 else "1", 10 * row + 1, "A", "CGT"[row % 3], " ".join(calls)))
    text = vcf_of(samples, *records)
    repo, vcf = create(tmp_path, text), reference.read_vcf(text)
    assert_tallies(repo, vcf)
    assert listed(repo) == sorted(person_oracle.carriers(vcf))
    seen = person.everybody(repo).counts[:, : len(person.CLASSES)].sum(axis=0) > 0
    # Two copies of 12,000 are more than 1e-4.
    assert seen.tolist() == [True, True, False, True, True, True, True]


def test_classes():
    count = np.array([0, 1, 2, 2, 2, 3, 30, 29, 500, 499, 1, 7, 0])
    number = np.array([9, 2, 20000, 20001, 2000, 3000, 3000, 3000, 10000, 10000, 1, 7, 0])
    bounds = np.array(person.BOUNDS)
    expected = [person_oracle.rarity(*pair) for pair in zip(count.tolist(), number.tolist(), strict=True)]
    assert [person.CLASSES[i] for i in person.classes_of(count, number)] == expected
    assert [person.CLASSES[carriers.class_of(*pair, bounds)] for pair in zip(count, number, strict=True)] == expected


@pytest.mark.parametrize("drop_monomorphic", [False, True])
def test_several_batches(drop_monomorphic, tmp_path):
    """The same people in one batch or four, with the same sites or with those that vary among them."""
    text = vcf_text.make_vcf(
        11, 300, 40, odd_alts=False, contigs=("1", "X"), missing=0.1, half_missing=0.1, max_alts=3, filters=("PASS",)
    )  # fmt: skip
    text = far_apart(text)
    whole = create(tmp_path, text)
    repo = several(tmp_path, split(text, [10, 1, 22, 7], drop_monomorphic=drop_monomorphic), absent="reference")
    np.testing.assert_array_equal(person.everybody(repo).counts, person.everybody(whole).counts)
    repo.compact()
    np.testing.assert_array_equal(person.everybody(vs.open(repo.path)).counts, person.everybody(whole).counts)


def test_regions_filters_and_people_who_left(fx_small):
    repo = vs.open(fx_small.path)
    whole, part = person.everybody(repo), person.everybody(repo, repo._where("22", None), "PASS")
    vcf = fx_small.vcf
    records = [record for record in vcf.records if record.contig == "22" and "PASS" in record.filters]
    expected = person_oracle.tallies(reference.Vcf(vcf.samples, vcf.contigs, records))
    assert part.counts[:, 0].tolist() == [each["n_novel"] for each in expected]
    assert part.counts.sum() < whole.counts.sum()
    assert whole.of(np.array([3, 7, 99])).numbers.tolist() == [3, 7]


def test_beside_others():
    others = person.Tallies(np.arange(40), np.tile(np.arange(15), (40, 1)) + np.arange(40)[:, np.newaxis] % 4)
    mine = others.counts[0].copy()
    mine[0] = 400
    found = person.beside(mine, others)
    assert found["n_novel"] == {
        "value": 400, "num_people": 40, "median": 1.5, "p5": 0, "p95": 3, "low": 0, "high": 3, "percentile": 100.0,
        "stands_out": "high",
    }  # fmt: skip
    assert found["n_singleton"]["percentile"] == 12.5
    assert person.standing_out(found)[0] == "n_novel"
    few = person.Tallies(others.numbers[:5], others.counts[:5])
    assert person.beside(mine, few)["n_novel"]["stands_out"] is None
    alone = person.beside(mine, person.Tallies(others.numbers[:0], others.counts[:0]))
    assert alone["n_novel"]["median"] is None
    assert alone["n_novel"]["percentile"] is None
    nothing = person.beside(np.zeros(15, np.int64), others)
    assert nothing["ts_tv"]["value"] is None
    assert nothing["ts_tv"]["percentile"] is None


@pytest.mark.parametrize(
    ("counts", "stated", "inferred", "contradiction"),
    [
        ((2, 98, 0), "male", "male", False),
        ((0, 0, 60), "female", "male", True),
        ((55, 45, 0), "male", "female", True),
        ((55, 45, 0), "unknown", "female", False),
        ((15, 85, 0), "male", "unknown", False),
        ((20, 9, 0), "male", "unknown", False),
    ],
)
def test_sex(counts, stated, inferred, contradiction):
    row = np.zeros(15, np.int64)
    row[-3:] = counts
    found = person.sex_check(row, stated)
    assert (found["inferred"], found["contradiction"]) == (inferred, contradiction)
    assert (found["reason"] is None) == (inferred != "unknown")
