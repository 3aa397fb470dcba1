"""Axes that a repository keeps: opened as they were, checked, withdrawn from, purged, compacted, forgotten."""

import json
from dataclasses import replace

import numpy as np
import pytest

import populations
import varstore as vs
from test_variant_stats import split
from varstore.errors import CorruptRepositoryError, QueryError, UnknownSampleError, WriteError
from varstore.relatedness.projection import project_dosages, project_people
from varstore.storage.arrays import StoredArray
from varstore.storage.parts import Part, PartRef


def made(directory, sizes=(30, 20), sites=900, missing=0.03, parts=None):
    rng = np.random.default_rng(3)
    codes = populations.dosages(rng, populations.frequencies(rng, sites, 2, 0.1), sizes, missing)
    path = populations.write_vcf(directory / "a.vcf", codes)
    if parts is None:
        return vs.create(directory / "repo", path), codes
    repo = vs.create(directory / "repo")
    for number, text in enumerate(split(path.read_text(), parts)):
        (directory / f"{number}.vcf").write_text(text)
        repo.add(directory / f"{number}.vcf")
    return repo, codes


def assert_same(a, b):
    for name in ("eigenvalue", "variance_share", "coordinates", "loadings", "call_rate", "shrinkage", "position"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for name in ("contig", "ref", "alt", "key", "digest", "frequency", "sample", "numbers"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def part_of(repo, name):
    entry = next(entry for entry in repo.manifest.document["axes"] if entry["name"] == name)
    return Part(repo.path, PartRef(**entry["part"]))


def test_saved_opened_replaced_and_forgotten(tmp_path):
    repo, _ = made(tmp_path)
    found = repo.pca(3)
    before = repo.version
    saved = repo.pca(3, save="all of them")
    assert repo.version == before + 1
    assert (saved.name, saved.version, saved.num_withdrawn) == ("all of them", before, 0)
    assert "all of them" in repr(saved)
    assert_same(saved, found)
    assert_same(vs.open(repo.path).axes("all of them"), found)
    assert [entry["name"] for entry in repo.info()["axes"]] == ["all of them"]
    assert repo.verify() == []
    first = part_of(repo, "all of them").folder
    repo.pca(2, save="all of them")
    assert len(repo.axes("all of them")) == 2
    assert len(vs.open(repo.path, before + 1).axes("all of them")) == 3
    repo.gc("0s", keep_versions=1)
    assert not first.exists()
    repo.compact()
    assert len(repo.axes("all of them")) == 2
    assert len(vs.open(repo.path).project("all of them")) == 50
    repo.delete_axes("all of them")
    with pytest.raises(QueryError, match=r"no saved axes 'all of them'; there are none"):
        repo.axes("all of them")
    with pytest.raises(QueryError, match="no saved axes 'x'"):
        repo.delete_axes("x")
    with pytest.raises(QueryError, match="is no name of axes"):
        repo.pca(2, save=" ")


def test_damage_is_found(tmp_path):
    repo, _ = made(tmp_path)
    repo.pca(2, save="a")
    file = part_of(repo, "a").folder / "variant_loading" / "0.0"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(CorruptRepositoryError, match="variant_loading"):
        vs.open(repo.path).axes("a")
    assert len(vs.open(repo.path).verify()) == 1
    file.unlink()
    with pytest.raises(CorruptRepositoryError, match="gone"):
        vs.open(repo.path).axes("a")


def test_a_version_with_axes_is_written_by_those_who_know_them(tmp_path):
    repo, _ = made(tmp_path)
    assert "saved-axes" not in repo.manifest.document["writer_features"]
    repo.pca(2, save="a")
    assert "saved-axes" in repo.manifest.document["writer_features"]
    repo.define_cohort("c", ["s1"])
    assert len(repo.axes("a")) == 2


@pytest.mark.parametrize("parts", [None, [20, 30]])
def test_withdrawn_and_purged(parts, tmp_path):
    """Who is withdrawn is gone from every answer at once, and from the bytes with a purge; loadings stay."""
    repo, _ = made(tmp_path, parts=parts)
    found = repo.pca(3, save="with s17")
    repo.pca(2, samples=[f"s{i}" for i in range(20, 40)], save="b")
    kept = part_of(repo, "b").folder
    saved_before = repo.version
    repo.withdraw(["s17", "s45"])
    left = np.setdiff1d(np.arange(50), [17, 45])
    for version in (None, saved_before):
        axes = vs.open(repo.path, version).axes("with s17")
        assert axes.num_withdrawn == 2
        np.testing.assert_array_equal(axes.numbers, left)
        np.testing.assert_array_equal(axes.coordinates, found.coordinates[left])
        np.testing.assert_array_equal(axes.loadings, found.loadings)
    with pytest.raises(UnknownSampleError, match="withdrawn"):
        repo.project("with s17", samples=["s17"])
    with pytest.raises(QueryError, match="withdrawn: make them again"):
        repo.save_axes("late", found)
    assert len(StoredArray(part_of(repo, "with s17"), "sample_number").read()) == 50
    report = repo.purge()
    assert report.left == []
    part = part_of(repo, "purged 1")
    np.testing.assert_array_equal(StoredArray(part, "sample_number").read(), left)
    np.testing.assert_array_equal(StoredArray(part, "sample_coordinate").read(), found.coordinates[left])
    assert "with s17" not in json.dumps(repo.manifest.document)
    assert part_of(repo, "b").folder == kept
    axes = vs.open(repo.path).axes("purged 1")
    np.testing.assert_array_equal(axes.loadings, found.loadings)
    assert axes.num_withdrawn == 2
    assert repo.verify() == []
    held = [path for path in repo.path.rglob("sample_coordinate/0.0") if path.parent.parent not in (part.folder, kept)]
    assert held == []


def test_projected_by_calls_as_by_people(tmp_path):
    """People of the repository by their numbers, of another one by its own records, and by dosages: one answer."""
    repo, codes = made(tmp_path, sizes=(60, 60), missing=0.1)
    inside = [f"s{i}" for i in range(120) if i % 4]
    axes = repo.pca(3, samples=inside, min_call_rate=0.5)
    outside = np.arange(0, 120, 4)
    table = repo.project(axes, samples=[f"s{i}" for i in outside])
    names = zip(axes.contig.tolist(), axes.position.tolist(), strict=True)
    place = [(int(contig) - 1) * 41 + position // 400_000 - 1 for contig, position in names]
    coordinates, n_sites = project_dosages(axes, codes[place][:, outside].T)
    np.testing.assert_allclose(np.column_stack([table[f"pc{i}"] for i in (1, 2, 3)]), coordinates, atol=1e-12)
    np.testing.assert_array_equal(table["n_sites"], n_sites)
    assert (n_sites < axes.num_sites).all()
    with pytest.raises(QueryError, match="dosages of 4 sites, expected the"):
        project_dosages(axes, np.zeros((2, 4)))


def test_sites_that_a_version_lacks_are_missing(tmp_path):
    """Axes of one version asked of people at a part of the sites: the rest is missing, and placed all the same."""
    repo, codes = made(tmp_path, sizes=(60, 60), missing=0)
    axes = repo.pca(2, samples=[f"s{i}" for i in range(120) if i % 4])
    fewer = populations.write_vcf(tmp_path / "fewer.vcf", codes)
    lines = fewer.read_text().splitlines(keepends=True)
    head = [line for line in lines if line.startswith("#")]
    (tmp_path / "fewer.vcf").write_text("".join([*head, *[line for line in lines if line[0] in "123456789"][::2]]))
    other = vs.create(tmp_path / "other", tmp_path / "fewer.vcf")
    known = np.arange(0, 120, 4)
    here = repo.project(axes, samples=[f"s{i}" for i in known])
    nobody = replace(axes, numbers=np.zeros(0, np.int64), coordinates=axes.coordinates[:0])
    there, n_sites = project_people(other, nobody, known)
    assert (n_sites < 0.6 * axes.num_sites).all()
    assert np.corrcoef(there[:, 0], here["pc1"])[0, 1] > 0.98
    assert abs(np.abs(there[:, 0]).mean() / np.abs(here["pc1"]).mean() - 1) < 0.05


def test_nothing_is_left_of_axes_that_could_not_be_saved(tmp_path, monkeypatch):
    """Nor is anything lost where two save at the same time: both are there."""
    repo, _ = made(tmp_path)
    found = repo.pca(2)
    before = sorted(repo.path.rglob("*"))

    def refuse(*_):
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("varstore.changes.axes.commit", refuse)
        with pytest.raises(WriteError, match="no room"):
            repo.save_axes("a", found)
    assert sorted(repo.path.rglob("*")) == before
    other = vs.open(repo.path)
    repo.save_axes("a", found)
    other.save_axes("b", found)
    assert [entry["name"] for entry in vs.open(repo.path).info()["axes"]] == ["a", "b"]


def test_impossible_arrays_are_refused(tmp_path):
    """A part whose digests are right, and whose contents are not: ``verify`` says so."""
    repo, _ = made(tmp_path)
    found = repo.pca(2)
    wrong = replace(found, numbers=found.numbers + 100)
    repo.save_axes("wrong", wrong)
    with pytest.raises(CorruptRepositoryError, match="impossible axes"):
        repo.axes("wrong")
    assert [problem for problem in repo.verify() if "'wrong'" in problem and "impossible axes" in problem]
