"""Rare alleles that a genome shares: by person, by group and by gene, against the oracle."""

import json

import numpy as np
import pytest

import person_oracle
import reference
import two_groups
import varstore as vs
import vcf_text
from test_variant_stats import create, far_apart, several, split
from varstore.errors import QueryError
from varstore.genome import panel, sharing, whole
from varstore.genome.carried import Carried
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


def alleles_of(repo, name):
    """What a sample carries, and everybody else."""
    others = np.array([sample != name for sample in repo.samples])
    return Carried.of(repo.compare_genome(name), len(repo.contigs)), others


def assert_sharing(repo, vcf, name, max_frequency=0.5):
    carried, others = alleles_of(repo, name)
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
    codes = two_groups.calls()
    (tmp_path / "people.tsv").write_text(two_groups.table())
    repo = create(tmp_path, two_groups.vcf(codes))
    repo.set_samples(tmp_path / "people.tsv")
    found = repo.describe_genome(repo.compare_genome("p200", by="group", carriers=True))
    said = found.summary
    assert {row["sample"] for row in said["sharing"]["people"][:2]} == {"p0", "p1"}
    assert said["sharing"]["closest"] == ["x"]
    assert said["person"]["in_closest_group"]["group"] == "x"
    assert said["person"]["num_people"] == 200
    assert said["person"]["measures"]["n_alleles"]["value"] == len(found.variants)
    assert said["person"]["measures"]["call_rate"]["value"] == 1
    assert said["person"]["measures"]["call_rate"]["num_people"] == 200
    runs = repo.runs_of_homozygosity().people
    assert said["homozygosity"]["num_bases"]["value"] == runs["num_bases"][200]
    assert said["homozygosity"]["f_roh"]["num_people"] == 200
    hidden = repo.describe_genome(repo.compare_genome("p200", by="group")).summary
    assert {row["sample"] for row in hidden["sharing"]["people"]} == {None}
    assert hidden["sharing"]["people"][0]["group"] == "x"
    assert '"p0"' not in json.dumps(hidden)
    # The same genome as a file of its own, of which nothing says that it is there.
    (tmp_path / "child.vcf").write_text(two_groups.vcf(codes, [200]))
    same = repo.describe_genome(repo.compare_genome(tmp_path / "child.vcf", by="group", carriers=True)).summary
    assert same["sharing"]["people"][0]["sample"] == "p200"
    assert same["person"]["num_people"] == 201
    assert "call_rate" not in same["person"]["measures"]
    assert same["person"]["not_known"] == {"call_rate": "only a gVCF tells reference from no call"}
    # Its records have the reference calls, too.
    assert same["homozygosity"]["num_bases"]["value"] == runs["num_bases"][200]
    assert same["homozygosity"]["f_roh"]["num_people"] == 201
    assert (same["sex"]["stated"], same["sex"]["inferred"]) == ("unknown", "male")
    assert not said["sex"]["contradiction"]
    json.dumps(same, allow_nan=False)


def test_sex_that_x_contradicts(tmp_path):
    codes = two_groups.calls()
    repo = create(tmp_path, two_groups.vcf(codes))
    (tmp_path / "p3.vcf").write_text(two_groups.vcf(codes, [3]))
    found = repo.compare_genome(tmp_path / "p3.vcf")
    assert repo.describe_genome(found, sex="female").summary["sex"]["contradiction"] is False
    said = repo.describe_genome(found, sex="male").summary["sex"]
    assert said["contradiction"]
    assert said["inferred"] == "female"
    with pytest.raises(QueryError, match="sex is 'm', expected male, female or unknown"):
        repo.describe_genome(found, sex="m")


def test_a_repository_of_one(tmp_path):
    codes = two_groups.calls()
    repo = create(tmp_path, two_groups.vcf(codes, [0]))
    (tmp_path / "p200.vcf").write_text(two_groups.vcf(codes, [200]))
    found = repo.describe_genome(repo.compare_genome(tmp_path / "p200.vcf"))
    assert found.summary["person"]["num_people"] == 1
    assert found.summary["person"]["stands_out"] == []
    assert found.summary["sharing"]["reason"] == "no groups: name a column of the sample table"
    found.write_html(tmp_path / "report.html")
    assert "Too few people to say" in (tmp_path / "report.html").read_text()
    with pytest.raises(QueryError, match="cannot be written"):
        found.write_html(tmp_path / "none" / "report.html")
    with pytest.raises(QueryError, match="not described yet"):
        repo.compare_genome(tmp_path / "p200.vcf").write_html(tmp_path / "report.html")


def test_panel(fx_people, tmp_path):
    repo, vcf = vs.open(fx_people.path), fx_people.vcf
    last = vcf.records[-1]
    genes = [("1", 0, 40_000, "first"), ("22", 0, 10**6, "<b>"), ("22", 100, 30_000, "inside"), ("X", 0, 1, "empty"),
             (last.contig, last.pos - 1, last.pos, "base")]  # fmt: skip
    bed = tmp_path / "genes.bed"
    bed.write_text("".join("\t".join(map(str, row)) + "\n" for row in genes))
    carried, others = alleles_of(repo, vcf.samples[4])
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


def test_on_the_command_line(tmp_path, fx_cli):
    codes = two_groups.calls()
    (tmp_path / "people.tsv").write_text(two_groups.table())
    (tmp_path / "p200.vcf").write_text(two_groups.vcf(codes, [200]))
    (tmp_path / "genes.bed").write_text("1\t0\t40000\tone\nX\t0\t9\ttwo\n")
    repo = create(tmp_path, two_groups.vcf(codes))
    repo.set_samples(tmp_path / "people.tsv")
    command = ["genome", repo.path, tmp_path / "p200.vcf", "--by", "group"]
    page, folder = tmp_path / "report.html", tmp_path / "out"
    done = fx_cli(*command, "--html", page, "--sex", "female")
    assert done.stdout == ""
    assert "closest by" in done.stderr
    assert ": x\n" in done.stderr
    assert "look at this: Stated to be female, but the calls on X are those of a male" in done.stderr
    assert "contradict the stated sex" in page.read_text()
    fx_cli(*command, "-o", folder, "--panel", tmp_path / "genes.bed")
    summary = json.loads((folder / "summary.json").read_text())
    lines = [line.split("\t") for line in (folder / "panel.tsv").read_text().splitlines()]
    assert lines[0] == list(summary["panel"][0])
    assert [line[3] for line in lines[1:]] == ["one", "two"]
    assert int(lines[1][4]) == summary["panel"][0]["n_rare"] > 0
    assert (folder / "variants.tsv").stat().st_size
    done = fx_cli(*command, "--panel", tmp_path / "genes.bed", status=1)
    assert "--panel needs --html FILE, or a folder for -o" in done.stderr
