"""Rare alleles that a genome shares: by person, by group and by gene, against the oracle."""

import numpy as np
import pytest

import person_oracle
import reference
import varstore as vs
import vcf_text
from genomes import carried_of
from test_variant_stats import create, far_apart, several, split
from varstore.genome import panel, sharing, whole
from varstore.stats.burden import read_intervals


def rare_of(vcf, name, max_frequency):
    """Alleles of a person that are rare among the others: (record, code) to copies of the others."""
    person = vcf.samples.index(name)
    out = {}
    for record, code, _ in person_oracle.alleles(vcf):
        call = [c for c in record.codes[person].tolist() if c != reference.FILL]
        if code in call and reference.MISSING not in call:
            count, number = person_oracle.counts(record, code)
            count, number = count - call.count(code), number - len(call)
            if count < max_frequency * number or not count:
                out[id(record), code] = record, code, count
    return list(out.values())


def shared_with(vcf, name, max_frequency):
    """Weight and number of shared alleles of every other person."""
    weight, shared = dict.fromkeys(vcf.samples, 0.0), dict.fromkeys(vcf.samples, 0)
    for record, code, count in rare_of(vcf, name, max_frequency):
        for other, call in zip(vcf.samples, record.codes.tolist(), strict=True):
            if other != name and code in call:
                weight[other] += call.count(code) / count
                shared[other] += 1
    return weight, shared


@pytest.fixture(scope="module")
def fx_people(fx_store):
    text = vcf_text.make_vcf(
        8,
        3000,
        60,
        max_alts=3,
        missing=0.05,
        half_missing=0.05,
        odd_alts=False,
        ploidy="mixed",
        contigs=("1", "22", "X"),
    )
    return fx_store(far_apart(text))


def assert_sharing(repo, vcf, name, max_frequency=0.5):
    carried = carried_of(repo, vcf, name)
    others = np.ones(len(vcf.samples), np.bool_)
    others[carried.number] = False
    found = whole.share(repo, carried, others, None, max_frequency)
    weight, shared = shared_with(vcf, name, max_frequency)
    np.testing.assert_allclose(found.weight, [weight[sample] for sample in repo.samples], rtol=1e-12)
    assert found.shared.tolist() == [shared[sample] for sample in repo.samples]
    assert found.num_shared == found.num_alleles > 10
    # Every allele is split among the others, and no bit of it is lost.
    assert found.weight.sum() == pytest.approx(found.num_alleles)
    return found


def test_person_by_person(fx_people):
    repo, vcf = vs.open(fx_people.path), fx_people.vcf
    for name in vcf.samples[:6]:
        found = assert_sharing(repo, vcf, name)
        nearest = found.nearest(repo.samples, 5)
        assert nearest["weight"].tolist() == sorted(found.weight.tolist(), reverse=True)[:5]
        assert nearest["sample"][0] == repo.samples[int(np.argmax(found.weight))]
        assert name not in nearest["sample"].tolist()


def test_over_several_batches(fx_people, tmp_path):
    text = reference.read_text(fx_people.source)
    repo = several(tmp_path, split(text, [20, 1, 39], drop_monomorphic=True), absent="reference")
    for name in fx_people.vcf.samples[19:22]:
        assert_sharing(repo, fx_people.vcf, name)


def test_by_group(fx_people):
    repo, vcf = vs.open(fx_people.path), fx_people.vcf
    found = assert_sharing(repo, vcf, vcf.samples[0])
    groups = {"a": np.arange(0, 12), "b": np.arange(12, 57), ".": np.arange(57, 60)}
    table = found.by_group(groups)
    rows = {row["group"]: row for row in whole.rows_of(table)}
    assert [rows[name]["num_people"] for name in groups] == [11, 45, 3]
    for name, numbers in groups.items():
        assert rows[name]["weight"] == pytest.approx(found.weight[numbers].sum())
        share = found.weight[numbers].sum() / found.weight.sum() / (rows[name]["num_people"] / 59)
        assert rows[name]["enrichment"] == pytest.approx(share)
    assert table["enrichment"].tolist() == sorted(table["enrichment"].tolist(), reverse=True)
    said = sharing.closest(table, found.num_shared)
    assert "." not in said["closest"]
    assert all(rows[name]["enrichment"] > 1 for name in said["closest"])
    assert "too few shared rare alleles (19; needs 20)" in sharing.closest(table, 19)["reason"]
    assert "no groups" in sharing.closest(found.by_group({}), 100)["reason"]


def test_the_nearest_are_kin_and_their_group(tmp_path):
    """Two populations with alleles of their own, and a child: it is found, and the group is right."""
    rng = np.random.default_rng(7)
    half = np.where(np.arange(1200) % 2 == 0, 0.02, 0.0)
    people = [
        (rng.random((1200, 2)) < (half if group == "x" else half[::-1])[:, np.newaxis]).astype(int)
        for group in ["x"] * 60 + ["y"] * 60
    ]
    child = np.stack([people[0][np.arange(1200), rng.integers(0, 2, 1200)], people[1][:, 0]], axis=1)
    people.append(child)
    samples = [f"p{i}" for i in range(len(people))]
    lines = [
        "\t".join(["1", str(100 * row + 1), ".", "A", "G", ".", ".", ".", "GT", *(f"{a}|{b}" for a, b in calls)])
        for row, calls in enumerate(np.stack(people, axis=1).tolist())
    ]
    text = "##fileformat=VCFv4.3\n##contig=<ID=1,length=1000000>\n" + "\t".join(
        ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]
    )
    text += "\n" + "\n".join(lines) + "\n"
    (tmp_path / "people.tsv").write_text(
        "sample\tgroup\n" + "".join(f"{name}\t{'y' if 60 <= i < 120 else 'x'}\n" for i, name in enumerate(samples))
    )
    repo = create(tmp_path, text)
    repo.set_samples(tmp_path / "people.tsv")
    carried = carried_of(repo, reference.read_vcf(text), "p120")
    said = whole.describe(repo, carried, by="group", max_frequency=0.05, names=True)
    assert {row["sample"] for row in said["sharing"]["people"][:2]} == {"p0", "p1"}
    assert said["sharing"]["closest"] == ["x"]
    assert said["person"]["in_closest_group"]["group"] == "x"
    assert said["person"]["num_people"] == 120
    assert said["person"]["measures"]["n_alleles"]["value"] == len(carried)
    assert said["person"]["measures"]["call_rate"]["value"] == 1
    assert said["person"]["measures"]["call_rate"]["num_people"] == 120
    hidden = whole.describe(repo, carried, by="group", max_frequency=0.05)
    assert {row["sample"] for row in hidden["sharing"]["people"]} == {None}
    assert hidden["sharing"]["people"][0]["group"] == "x"


def test_panel(fx_people, tmp_path):
    repo, vcf = vs.open(fx_people.path), fx_people.vcf
    last = vcf.records[-1]
    genes = [("1", 0, 40_000, "first"), ("22", 0, 10**6, "<b>"), ("22", 100, 30_000, "inside"), ("X", 0, 1, "empty"),
             (last.contig, last.pos - 1, last.pos, "base")]  # fmt: skip
    bed = tmp_path / "genes.bed"
    bed.write_text("".join("\t".join(map(str, row)) + "\n" for row in genes))
    carried = carried_of(repo, vcf, vcf.samples[4])
    others = np.ones(60, np.bool_)
    others[4] = False
    intervals = read_intervals(bed, repo.contigs, repo._named)
    table = panel.panel_table(repo, intervals, carried, others, max_frequency=0.5)
    mine = rare_of(vcf, vcf.samples[4], 0.5)
    for row, (contig, start, end, name) in zip(whole.rows_of(table), genes, strict=True):

        def inside(record, contig=contig, start=start, end=end):
            return record.contig == contig and record.pos - 1 < end and record.pos - 1 + len(record.ref) > start

        here = [each for each in mine if inside(each[0])]
        people, num = set(), 0
        for record, code, _ in person_oracle.alleles(vcf):
            codes = np.delete(record.codes, 4, axis=0)
            count, number = (codes == code).sum(), (codes >= 0).sum()
            if inside(record) and 0 < count < 0.5 * number:
                num += 1
                people |= {i for i in range(60) if i != 4 and code in record.codes[i].tolist()}
        assert (row["name"], row["n_rare"], row["num_rare_alleles"]) == (name, len(here), num)
        assert (row["n_carriers"], row["num_people"], row["n_novel"]) == (
            len(people), 59, sum(not count for *_, count in here)
        )  # fmt: skip
        assert row["carrier_share"] == pytest.approx(len(people) / 59)
    assert table["n_carriers"].max() > 20
