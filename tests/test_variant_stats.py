"""Statistics of sites against the oracle: over one batch and many, cohorts, filters, X, and nothing to go by."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
import stats_oracle
import varstore as vs
import vcf_text
from varstore.errors import DenominatorWarning

HEADER = """\
##fileformat=VCFv4.3
##contig=<ID=1,length=249250621>
##contig=<ID=X,length=155270560>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""


def vcf_of(samples, *records):
    """VCF text: ``records`` are (contig, POS, REF, ALT, calls), the calls separated by blanks."""
    lines = ["\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples])]
    for contig, pos, ref, alt, calls in records:
        lines.append("\t".join([contig, str(pos), ".", ref, alt, ".", ".", ".", "GT", *calls.split()]))
    return HEADER + "".join(line + "\n" for line in lines)


def create(directory, text, **options):
    return vs.create(directory / "repo", vcf_text.write_bgzf(directory / "a.vcf.gz", text), **options)


def assert_rows(table, rows):
    """Counts to the last bit, statistics to 1e-11."""
    reference.assert_same_rows(table, rows)
    names = [name for name in (*stats_oracle.STATISTICS, "is_private") if rows and name in rows[0]]
    assert [name for name in table.columns if name in names] == names or not rows
    for name in names:
        expected = np.array([row[name] for row in rows], float)
        np.testing.assert_allclose(table[name].astype(float), expected, rtol=1e-11, atol=0, err_msg=name)


@given(text=vcf_text.vcf_texts(max_variants=10, max_samples=9), midp=st.booleans())
@settings(deadline=None, max_examples=40)
def test_everybody(text, midp, tmp_path_factory):
    directory = tmp_path_factory.mktemp("stats")
    repo = create(directory, text)
    vcf = reference.read_vcf(text)
    rows = stats_oracle.variant_rows(vcf.records, midp=midp)
    table = repo.variant_stats(midp=midp)
    if vcf.call_genotype.shape[2] > 2:
        for i, row in enumerate(rows):
            row["hwe_p_value"] = math.nan if math.isnan(table["hwe_p_value"][i]) else row["hwe_p_value"]
    assert_rows(table, rows)


def test_cohorts_filters_and_regions(fx_small):
    repo, vcf = vs.open(fx_small.path), fx_small.vcf
    cohorts = {"a": list(range(0, 12)), "b": list(range(8, 23)), "one": [4], "none": []}
    ids = {name: fx_small.ids(people) for name, people in cohorts.items()}
    assert_rows(repo.variant_stats(cohorts=ids), stats_oracle.variant_rows(vcf.records, cohorts=cohorts))
    found = reference.overlapping(vcf.records, [("22", 1, None), ("X", 1, None)])
    rows = stats_oracle.variant_rows(found, samples=cohorts["b"], filters=["PASS", "."])
    assert_rows(repo.variant_stats(["22", "X"], samples=ids["b"], filters="PASS,."), rows)
    table = repo.variant_stats("22", cohort=repo.cohort(ids["a"]))
    assert_rows(table, stats_oracle.variant_rows(reference.overlapping(vcf.records, [("22", 1, None)]), cohorts["a"]))
    assert (repo.variant_stats(cohorts={"a": ids["a"], "b": ids["b"]})["is_private"]).any()


def test_nothing_to_go_by(tmp_path):
    """Nobody called, nobody diploid, nobody at all: missing values, no warning (they are errors here)."""
    text = vcf_of(
        ["a", "b", "c"],
        ("1", 10, "A", "G", "./. ./. ."),
        ("1", 20, "A", "G", "0/. ./1 ./."),
        ("1", 30, "A", "G", "0 1 ."),
        ("1", 40, "A", "*", "1/1 1/1 0/0"),
    )
    repo = create(tmp_path, text)
    table = repo.variant_stats()
    assert_rows(table, stats_oracle.variant_rows(reference.read_vcf(text).records))
    assert np.isnan(table["hwe_p_value"]).tolist() == [True, True, True, False]
    assert np.isnan(table["heterozygosity"]).tolist() == [True, True, True, False]
    assert np.isnan(table["minor_allele_frequency"]).tolist() == [True, False, False, False]
    assert table["call_rate"].tolist() == [0, 0, 2 / 3, 1]
    nobody = repo.variant_stats(samples=[])
    for name in stats_oracle.STATISTICS[:-1]:
        assert np.isnan(nobody[name]).all()
    lines = list(nobody.to_tsv())
    assert lines[1].split("\t")[12:-1] == ["."] * 5
    assert len(repo.variant_stats("1:100-200")) == 0
    with pytest.raises(vs.QueryError, match="give one of"):
        repo.variant_stats(samples=["a"], cohorts={"b": ["b"]})


def test_half_calls_do_not_hide_haploid_ones(tmp_path):
    """As many half calls as haploid ones: in sums they cancel."""
    text = vcf_of(["a", "b", "c", "d", "e"], ("X", 5_000_000, "A", "G", "1 ./1 0/1 0/0 1/1"))
    repo = create(tmp_path, text)
    table = repo.variant_stats()
    assert table["allele_number"][0] == 2 * (5 - table["n_missing"][0])
    assert table["hwe_p_value"][0] == pytest.approx(stats_oracle.hardy(1, 1, 1, 1, 0))
    assert stats_oracle.hardy(1, 1, 1, 1, 0) != stats_oracle.hardy(2, 1, 1)


def split(text, sizes, *, drop_monomorphic=False):
    """The same records with the samples cut into parts; records of which a part has no ALT left out if asked."""
    lines = text.splitlines()
    head = [line for line in lines if line.startswith("##")]
    columns = next(line.split("\t") for line in lines if line.startswith("#CHROM"))
    begin = 9
    for size in sizes:
        part = []
        for line in lines:
            fields = line.split("\t")
            calls = fields[begin : begin + size]
            if line.startswith("#") or (drop_monomorphic and all(set(call) <= set("0/|") for call in calls)):
                continue
            part.append("\t".join([*fields[:9], *calls]))
        yield "\n".join([*head, "\t".join([*columns[:9], *columns[begin : begin + size]]), *part]) + "\n"
        begin += size


def several(directory, texts, **options):
    repo = vs.create(directory / "several")
    for number, text in enumerate(texts):
        repo.add(vcf_text.write_bgzf(directory / f"{number}.vcf.gz", text), **options)
    return repo


@pytest.mark.parametrize("drop_monomorphic", [False, True])
def test_people_in_several_batches(drop_monomorphic, tmp_path):
    """One batch or four, with the same sites or what is left of them, whoever has no record being reference."""
    kind = {"missing": 0.05} if drop_monomorphic else {"missing": 0.1, "half_missing": 0.1, "max_alts": 3}
    text = far_apart(vcf_text.make_vcf(7, 500, 40, odd_alts=False, contigs=("1", "22"), **kind))
    whole = create(tmp_path, text)
    parts = split(text, [10, 1, 22, 7], drop_monomorphic=drop_monomorphic)
    repo = several(tmp_path, parts, absent="reference")
    expected, found = rows_of(whole.variant_stats()), rows_of(repo.variant_stats())
    assert len(found) > 50
    assert drop_monomorphic or found.keys() == expected.keys()
    for site, row in found.items():
        assert row == pytest.approx(expected[site], rel=1e-12, nan_ok=True), site


def far_apart(text):
    """The same without records near the one before: another allele at a site would answer for one that is left out."""
    kept, last = [], -1000
    for line in text.splitlines():
        pos = -1000 if line.startswith("#") else int(line.split("\t")[1])
        if pos < 0 or not 0 <= pos - last < 100:
            kept.append(line)
            last = pos
    return "\n".join(kept) + "\n"


def rows_of(table):
    """Numbers by site; of duplicates, which are alike, the last."""
    sites = zip(*(table[name].tolist() for name in ("contig", "position", "ref", "alt")), strict=True)
    numbers = zip(*(table[name].tolist() for name in table.columns[4:]), strict=True)
    return dict(zip(sites, numbers, strict=True))


def test_haploid_people_without_a_record(tmp_path):
    """Men whose batch has no record of a site on X are haploid there."""
    men = vcf_of(["m1", "m2"], ("X", 5_000_000, "A", "G", "1 0"), ("X", 5_000_100, "C", "T", "0 1"))
    women = vcf_of(
        ["w1", "w2", "w3"], ("X", 5_000_000, "A", "G", "0/1 1/1 0/0"), ("X", 5_000_200, "A", "C", "0/1 0/1 1/1")
    )
    repo = several(tmp_path, [men, women], absent="reference")
    table = repo.variant_stats()
    assert table["position"].tolist() == [5_000_000, 5_000_100, 5_000_200]
    tables = [(1, 1, 1, 1, 1), (0, 0, 3, 1, 1), (1, 2, 0, 0, 2)]
    assert table["hwe_p_value"].tolist() == pytest.approx([stats_oracle.hardy(*each) for each in tables])
    assert table["heterozygosity"].tolist() == pytest.approx([1 / 3, 0, 2 / 3])


def test_people_without_a_record_are_unknown(tmp_path):
    first = vcf_of(["a", "b"], ("1", 10, "A", "G", "0/1 0/0"))
    second = vcf_of(["c"], ("1", 20, "A", "G", "0/1"))
    repo = several(tmp_path, [first, second])
    with pytest.warns(DenominatorWarning, match="in 2 of 2 rows"):
        table = repo.variant_stats()
    assert table["call_rate"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert table["heterozygosity"].tolist() == [0.5, 1]
