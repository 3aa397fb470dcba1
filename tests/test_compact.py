"""Compaction: the same answers before and after, to the last bit, whatever kills it and whoever else is at work."""

import io
import json

import numpy as np
import pytest

import varstore as vs
import vcf_text
from test_commits import renamed
from varstore.changes.compaction import plan_groups
from varstore.storage import files, manifest

pytestmark = pytest.mark.filterwarnings("ignore::varstore.errors.DenominatorWarning")
KINDS = {"missing": 0.1, "half_missing": 0.1, "max_alts": 3, "unphased": 0.5, "mixed_phase": 0.2, "ploidy": "mixed"}
FIRST = vcf_text.make_vcf(3, 40, 5, extra_format=True, no_gt=0.2, contigs=("1", "22", "X"), **KINDS)


OTHERS = [
    vcf_text.make_vcf(seed, 40, 3 + seed, extra_format=True, no_gt=0.2, contigs=contigs, **KINDS)
    for seed, contigs in enumerate([("1", "22", "X"), ("22", "1"), ("X", "2"), ("22",)])
]


def make_repo(directory, num_batches=3, text=FIRST, texts=None):
    """A repository of small batches of other people, at the same sites or at those of ``texts``."""
    texts = texts or [text] * num_batches
    paths = [vcf_text.write_plain(directory / f"{i}.vcf", renamed(text, i)) for i, text in enumerate(texts)]
    repo = vs.create(directory / "repo", paths[0])
    for path in paths[1:]:
        repo.add(path)
    return repo, paths


def answers(repo):
    """What every kind of question answers, as text."""
    people = repo.samples
    cohorts = {"odd": people[1::2], "one": people[:1], "some": people[2:9]}
    tables = [
        repo.count_genotypes(),
        repo.count_alleles("22"),
        repo.count_genotypes(cohorts=cohorts),
        repo.count_genotypes(f"{repo.contigs[0]}:1-2000", samples=people[3:8], filters="PASS,."),
    ]
    columns = [table.to_pandas().to_dict("list") for table in tables]
    try:
        calls = repo.genotypes(samples=people[::-1])
    except vs.QueryError as error:
        return repr((columns, str(error)))
    out = io.BytesIO()
    repo.export(out, "vcf", threads=1)
    return repr((columns, calls.call_genotype.tolist(), calls.call_genotype_phased.tolist(), out.getvalue()))


@pytest.mark.parametrize("texts", [[FIRST] * 3, OTHERS], ids=["alike", "other sites"])
def test_answers_stay_the_same(tmp_path, texts):
    repo, paths = make_repo(tmp_path, texts=texts)
    before, old, entries = answers(repo), vs.open(tmp_path / "repo"), repo.info()["batches"]
    report = repo.compact(threads=2)
    assert report.groups == [[entry["id"] for entry in entries]]
    assert repo.version == len(texts) + 1
    assert answers(repo) == before
    assert answers(vs.open(tmp_path / "repo")) == before
    assert answers(old) == before
    assert answers(vs.open(tmp_path / "repo", version=len(texts))) == before
    assert repo.verify() == []
    for path in paths:
        assert repo.verify(path) == []
    assert list((tmp_path / "repo/tmp").iterdir()) == []


def test_entries_say_the_same_but_where_they_are(tmp_path):
    repo, _ = make_repo(tmp_path)
    before = repo.info()["batches"]
    repo.compact()
    after = repo.info()["batches"]
    assert len({json.dumps(entry["part"]) for entry in after}) == 1
    for old, new, column in zip(before, after, (0, 5, 10), strict=True):
        assert new.pop("source") == {"id": old["id"], "first_column": column}
        assert {**new, "part": old["part"]} == old


def test_a_shared_part_is_compacted_again_with_what_came_since(tmp_path):
    repo, paths = make_repo(tmp_path)
    repo.compact()
    repo.add(vcf_text.write_plain(tmp_path / "more.vcf", renamed(FIRST, "more")))
    before = answers(repo)
    assert len(repo.compact().groups[0]) == 4
    assert answers(repo) == before
    assert repo.verify() == []
    assert repo.verify(paths[1]) == []
    assert repo.compact().groups == []
    assert repo.version == 6


def test_an_older_varstore_refuses(tmp_path, monkeypatch):
    repo, _ = make_repo(tmp_path, 2)
    repo.compact()
    assert "varstore_genotype_shared" in repo.manifest.document["reader_features"]
    monkeypatch.setattr(manifest, "_KNOWN_TO_READERS", manifest.READER_FEATURES)
    with pytest.raises(vs.VarstoreError, match="needs features varstore_genotype_shared"):
        vs.open(tmp_path / "repo")


def test_two_compactions_at_once(tmp_path, monkeypatch):
    """The second gives up, leaves nothing behind, and says so."""
    repo, _ = make_repo(tmp_path)
    before = answers(repo)
    link, raced = files.link_new, []

    def late(source, target):
        if not raced:
            raced.append(True)
            raced.append(vs.open(tmp_path / "repo").compact())
        link(source, target)

    monkeypatch.setattr(files, "link_new", late)
    report = repo.compact()
    assert report.groups == []
    assert report.overtaken == raced[1].groups[0]
    assert repo.version == 4
    assert answers(repo) == before
    assert len(list((tmp_path / "repo/batches").iterdir())) == 4


def test_an_add_meanwhile_lands(tmp_path, monkeypatch):
    repo, _ = make_repo(tmp_path)
    more = vcf_text.write_plain(tmp_path / "more.vcf", renamed(FIRST, "more"))
    link, raced = files.link_new, []

    def late(source, target):
        if not raced:
            raced.append(True)
            vs.open(tmp_path / "repo").add(more)
        link(source, target)

    monkeypatch.setattr(files, "link_new", late)
    assert len(repo.compact().groups) == 1
    assert (repo.version, repo.num_samples) == (5, 20)
    assert [("source" in entry) for entry in repo.info()["batches"]] == [True] * 3 + [False]
    assert repo.verify() == []


def entry(number, samples, part=None):
    return {"id": f"b{number}", "num_samples": samples, "part": {"path": f"batches/{number if part is None else part}"}}


def grouped(sizes):
    """Sizes of batches, a list a part, to the sizes that come to share one."""
    entries = [entry(f"{i}.{j}", n, i) for i, part in enumerate(sizes) for j, n in enumerate(part)]
    return [[e["num_samples"] for e in group] for group in plan_groups(entries)]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([[5]], []),
        ([[5], [6]], [[5, 6]]),
        ([[5, 6]], []),
        ([[5, 6], [7]], [[5, 6, 7]]),
        ([[0], [6]], []),
        ([[16384], [6]], []),
        ([[9000], [6], [7]], [[6, 7]]),
        ([[5000], [6], [7]], [[6, 7]]),
        ([[5000], [1000], [667]], [[1000, 667, 5000]]),
        ([[4000], [4000], [4000], [4000], [4000]], [[4000, 4000, 4000, 4000]]),
        ([[312]] * 32, [[312] * 32]),
        ([[1000]] * 20, [[1000] * 16, [1000] * 4]),
    ],
)
def test_which_batches_share_a_part(sizes, expected):
    assert grouped(sizes) == expected


def test_adding_and_compacting_by_turns_writes_nobody_often():
    """A repository that grows by 100 people a day and is compacted every night."""
    parts, written, number = [], 0, 0
    for _ in range(400):
        number += 1
        parts.append([entry(number, 100)])
        for group in plan_groups([e for part in parts for e in part]):
            ids = {e["id"] for e in group}
            written += 100 * len(ids)
            parts = [part for part in parts if part[0]["id"] not in ids]
            parts.append([{**e, "part": {"path": f"shared/{number}"}} for e in group])
    assert written < 30 * 100 * 400
    assert len(parts) < 40000 / 8192 + 12


def test_the_command(tmp_path, fx_cli):
    make_repo(tmp_path, 2)
    done = fx_cli("compact", tmp_path / "repo", "--threads", 1)
    assert "2 batches share a part now" in done.stdout
    assert "nothing to compact" in fx_cli("compact", tmp_path / "repo").stdout


def test_a_shared_part_is_vcf_zarr(tmp_path):
    zarr = pytest.importorskip("zarr", minversion="3")
    numcodecs = pytest.importorskip("numcodecs")
    from varstore.codec.numcodec import SharedGenotypeCodec

    numcodecs.register_codec(SharedGenotypeCodec)
    repo, _ = make_repo(tmp_path)
    calls = repo.genotypes()
    repo.compact()
    group = zarr.open_group(tmp_path / "repo" / repo.info()["batches"][0]["part"]["path"], mode="r")
    assert group["sample_id"][...].tolist() == repo.samples
    np.testing.assert_array_equal(group["variant_position"][...], calls.variant_position)
    rows = group["call_genotype"][...]
    np.testing.assert_array_equal(np.maximum(rows, -1), np.maximum(calls.call_genotype, -1))
    np.testing.assert_array_equal(group["call_genotype_phased"][...], calls.call_genotype_phased)
