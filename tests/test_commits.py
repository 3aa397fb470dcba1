"""Versions: writers that race, old versions, newer formats. tests/test_faults.py has writers that die."""

import json
import os
import warnings

import pytest

import varstore as vs
import vcf_text
from varstore.errors import CorruptManifestError, FormatVersionError, SampleClashError
from varstore.storage import files, manifest

FIRST = vcf_text.make_vcf(1, 12, 5)


def renamed(text, suffix):
    """The same file for other people."""
    head, columns, rest = text.partition("#CHROM")
    line, newline, records = rest.partition("\n")
    fields = line.split("\t")
    named = [*fields[:9], *(f"{name}-{suffix}" for name in fields[9:])]
    return head + columns + "\t".join(named) + newline + records


def counts(path, **options):
    return vs.open(path, **options).count_genotypes().to_pandas().to_dict("list")


@pytest.fixture
def fx_root(tmp_path):
    """A repository of one batch, and files with more people at its sites."""
    more = [vcf_text.write_plain(tmp_path / f"{i}.vcf", renamed(FIRST, i)) for i in range(3)]
    vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "first.vcf", FIRST))
    return tmp_path / "repo", more


def test_old_versions_stay(fx_root):
    root, more = fx_root
    before = counts(root)
    old = vs.open(root)
    vs.open(root).add(more[0])
    assert vs.open(root).version == 2
    assert vs.open(root).num_samples == 10
    assert counts(root, version=1) == before
    assert old.count_genotypes().to_pandas().to_dict("list") == before
    with pytest.raises(vs.QueryError, match="no version 3; there are 1 to 2"):
        vs.open(root, version=3)


def test_two_writers_both_land(fx_root, monkeypatch):
    """Another writer commits between our reading of the newest manifest and our own commit."""
    root, more = fx_root
    link, raced = files.link_new, []

    def late(source, target):
        if not raced:
            raced.append(True)
            vs.open(root).add(more[1])
        link(source, target)

    ours = vs.open(root)
    monkeypatch.setattr(files, "link_new", late)
    ours.add(more[0])
    assert ours.version == 3
    names = vs.open(root).samples
    assert sorted(name.rpartition("-")[2] for name in names if name.endswith(("-0", "-1"))) == ["0"] * 5 + ["1"] * 5
    assert names[5].endswith("-1")
    assert ours.verify() == []


def test_the_same_people_twice_at_once(fx_root, monkeypatch):
    root, more = fx_root
    link, raced = files.link_new, []

    def late(source, target):
        if not raced:
            raced.append(True)
            vs.open(root).add(more[0])
        link(source, target)

    monkeypatch.setattr(files, "link_new", late)
    with pytest.raises(SampleClashError, match="in the repository already"):
        vs.open(root).add(more[0])
    assert vs.open(root).num_samples == 10
    assert vs.open(root).verify() == []


def test_a_lost_head_is_a_warning(fx_root):
    root, more = fx_root
    vs.open(root).add(more[0])
    os.remove(root / "HEAD")
    with pytest.warns(UserWarning, match="HEAD: gone; the newest manifest in the folder is used"):
        assert vs.open(root).version == 2


def test_a_stale_head_is_passed_by(fx_root):
    root, more = fx_root
    head = (root / "HEAD").read_bytes()
    vs.open(root).add(more[0])
    (root / "HEAD").write_bytes(head)
    assert vs.open(root).version == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reader_features": ["vcf-zarr-0.4", "varstore_genotype", "consent"]}, "needs features consent"),
        ({"format_version": 2}, "needs format 2"),
    ],
)
def test_what_a_newer_varstore_wrote_is_refused(fx_root, change, message):
    root, _ = fx_root
    path = root / "manifests/00000001.json"
    path.write_bytes(manifest.seal({**json.loads(path.read_bytes()), **change}))
    os.remove(root / "HEAD")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(FormatVersionError, match=message):
            vs.open(root)


def test_a_writer_refuses_unknown_writer_features_and_a_reader_reads(fx_root):
    root, more = fx_root
    path = root / "manifests/00000001.json"
    document = json.loads(path.read_bytes())
    path.write_bytes(manifest.seal({**document, "writer_features": [*document["writer_features"], "keys"], "more": 1}))
    os.remove(root / "HEAD")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        repo = vs.open(root)
        assert repo.num_samples == 5
        with pytest.raises(FormatVersionError, match="needs features keys"):
            repo.add(more[0])


def test_unknown_keys_are_kept(fx_root):
    root, more = fx_root
    path = root / "manifests/00000001.json"
    path.write_bytes(manifest.seal({**json.loads(path.read_bytes()), "colour": "blue"}))
    os.remove(root / "HEAD")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vs.open(root).add(more[0])
    assert json.loads((root / "manifests/00000002.json").read_bytes())["colour"] == "blue"


def test_every_changed_byte_of_a_manifest_is_noticed(fx_root, record_property):
    root, _ = fx_root
    vs.open(root).withdraw(vs.open(root).samples[1:3])
    path = root / "manifests/00000002.json"
    data = path.read_bytes()
    record_property("tried", {"flipped": len(data), "cut": len(data)})
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(CorruptManifestError, match=r"00000002\.json"):
            vs.open(root)
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(CorruptManifestError, match=r"00000002\.json"):
            vs.open(root)
