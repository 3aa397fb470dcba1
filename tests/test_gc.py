"""Garbage: what no version needs goes, what is leased, young or named stays."""

import json
import os
import re
import shutil
import warnings

import pytest

import faults
import varstore as vs
from varstore.changes.upkeep import seconds
from varstore.errors import WriteError
from varstore.storage import files, leases, manifest

HOUR = 3600
LEFT = {
    "batches/0123456789ab": "no version names it",
    "samples/0123456789ab": "no version names it",
    "tmp/HEAD-0": "staging of a process that is gone",
    "tmp/elsewhere-1-00000000": "staging of a process that is gone",
}


@pytest.fixture
def fx_grown(tmp_path):
    """A repository of four versions, with garbage in it, all of it two days old."""
    root = faults.prepare(tmp_path, "gc").template
    aged(root, 48 * HOUR)
    return root


def aged(path, age):
    """Make everything in a folder older."""
    for each in [path, *path.rglob("*")]:
        time = each.stat().st_mtime - age
        os.utime(each, (time, time))


def size(path):
    return sum(each.stat().st_size for each in [path, *path.rglob("*")] if each.is_file())


def hold(root, name="tmp/elsewhere-1-00000000", **changed):
    """Write the lease of the staging in the garbage anew."""
    lease = root / name / leases.NAME
    lease.write_text(json.dumps({**leases.holder(), **changed}) + "\nbatches/0123456789ab\n")
    return lease


def test_what_nobody_needs_goes(fx_grown):
    before = faults.look(fx_grown)
    sizes = {path: size(fx_grown / path) for path in LEFT}
    found = vs.open(fx_grown).gc()
    assert {each.path: each.reason for each in found} == LEFT
    assert {each.path: each.num_bytes for each in found} == sizes
    assert faults.unneeded(fx_grown) == []
    assert faults.look(fx_grown) == before
    assert vs.open(fx_grown).verify() == []
    assert vs.open(fx_grown).gc(0) == []


def test_a_dry_run_removes_nothing(fx_grown):
    files_before = sorted(path for path in fx_grown.rglob("*"))
    repo = vs.open(fx_grown)
    found = repo.gc(dry_run=True, keep_versions=1)
    assert sorted(path for path in fx_grown.rglob("*")) == files_before
    assert {each.path for each in found} == {*LEFT, *(f"manifests/0000000{i}.json" for i in (1, 2, 3))}
    assert repo.gc(dry_run=True, keep_versions=1) == found
    repo.gc(keep_versions=1)
    assert [row.version for row in repo.log()] == [4, 5]


def test_what_is_young_stays(fx_grown):
    now = (fx_grown / "HEAD").stat().st_mtime + 48 * HOUR
    os.utime(fx_grown / "batches/0123456789ab/varstore/checksums", (now, now))
    os.utime(fx_grown / "tmp/HEAD-0", (now, now))
    kept = {each.path for each in vs.open(fx_grown).gc("1h")}
    assert kept == {"samples/0123456789ab", "tmp/elsewhere-1-00000000"}
    assert (fx_grown / "batches/0123456789ab").exists()
    # Even with no age at all: a file without a lease may be one that is being written.
    assert [each.path for each in vs.open(fx_grown).gc(0)] == ["batches/0123456789ab"]


@pytest.mark.parametrize(
    ("changed", "silent", "live"),
    [
        ({}, 48, True),  # this process: whatever the age of its lease
        ({"pid": faults.NOBODY}, 0, False),  # gone from this machine: free at once
        ({"started": -1}, 0, False),  # its number was given to another process since
        ({"host": "elsewhere"}, 0.9, True),  # of another machine: while it is renewed
        ({"host": "elsewhere"}, 1.1, False),
        ({"boot": "another start of this machine"}, 0.9, True),  # or of a container with its name
        ({"boot": "another start of this machine"}, 1.1, False),
        ({"boot": None}, 48, True),
    ],
)
def test_a_live_lease_holds_staging_and_parts(fx_grown, changed, silent, live):
    lease = hold(fx_grown, **changed)
    aged(lease.parent, 48 * HOUR)
    time = (fx_grown / "HEAD").stat().st_mtime + (48 - silent) * HOUR
    os.utime(lease, (time, time))
    found = {each.path for each in vs.open(fx_grown).gc("1h")}
    mine = {"batches/0123456789ab", "tmp/elsewhere-1-00000000"}
    if not live and silent < 1:  # its staging has been written to just now
        mine -= {"tmp/elsewhere-1-00000000"}
        assert (fx_grown / "tmp/elsewhere-1-00000000").exists()
        assert "tmp/elsewhere-1-00000000" in {each.path for each in vs.open(fx_grown).gc(0)}
    assert found & mine == (set() if live else mine)


def test_an_add_that_is_at_work_is_left_alone(fx_grown, tmp_path, monkeypatch):
    """Garbage is collected between its publishing and its commit, with no respect for age."""
    source = faults.write_people(tmp_path / "more.vcf", ["X", "Y"], 9)
    link, collected = files.link_new, []

    def late(old, new):
        if not collected:
            collected.append(True)
            collected.extend(each.path for each in vs.open(fx_grown).gc(0))
        link(old, new)

    monkeypatch.setattr(files, "link_new", late)
    repo = vs.open(fx_grown).add(source)
    assert set(collected[1:]) <= set(LEFT)
    assert len(collected) > 1
    assert repo.verify() == []
    assert "X" in repo.samples
    assert list((fx_grown / "tmp").iterdir()) == []


def test_an_import_in_parts_is_left_alone_while_it_is_young(fx_grown, tmp_path):
    source = faults.write_people(tmp_path / "more.vcf", ["X", "Y"], 9)
    repo = vs.open(fx_grown)
    plan = repo.plan(source)
    assert plan.id not in {each.path[4:] for each in repo.gc(0)}
    aged(plan.path, HOUR)
    assert repo.gc("2h") == []
    assert [each.path for each in repo.gc("1h", dry_run=True)] == [f"tmp/{plan.id}"]
    with leases.locked(plan.path / leases.NAME, "this"):
        assert repo.gc("1h") == []
    aged(plan.path, HOUR)
    assert [each.path for each in repo.gc("1h")] == [f"tmp/{plan.id}"]


def test_a_writer_whose_staging_was_taken_for_dead_gives_up(fx_grown, tmp_path, monkeypatch):
    """A process of another machine slept for days: it must not commit what is gone."""
    before = faults.look(fx_grown)
    source = faults.write_people(tmp_path / "more.vcf", ["X", "Y"], 9)
    move, moved = files.move_folder, []

    def woken(old, new):
        move(old, new)
        moved.append(new)
        if "derived" in new.parts and "derived" not in moved[0].parts:
            moved.insert(0, new)
            shutil.rmtree(new)

    with monkeypatch.context() as patch:
        patch.setattr(files, "move_folder", woken)
        with pytest.raises(WriteError, match="gone before it was committed"):
            vs.open(fx_grown).add(source)
    assert faults.look(fx_grown) == before
    with monkeypatch.context() as patch:
        patch.setattr(leases, "_line", lambda: b"")
        patch.setattr(leases, "take", lambda folder: None)
        with pytest.raises(WriteError, match="its lease is gone"):
            vs.open(fx_grown).add(source)
    assert faults.look(fx_grown) == before


def test_leases_are_renewed_and_forgotten(tmp_path):
    root = vs.create(tmp_path / "repo").path
    staging = manifest.staging_folder(root)
    lease = staging / leases.NAME
    aged(staging, 48 * HOUR)
    old = lease.stat().st_mtime
    leases._RENEWER.renew()
    assert lease.stat().st_mtime > old + 47 * HOUR
    found = leases.read(lease)
    assert found.is_live(found.renewed)
    assert found.claims == ()
    shutil.rmtree(staging)
    leases._RENEWER.renew()
    assert lease not in leases._RENEWER._paths
    assert leases.read(lease) is None


# Versions


def test_dropping_versions_leaves_a_chain_that_is_checked(fx_grown):
    before = faults.look(fx_grown)
    repo = vs.open(fx_grown)
    found = repo.gc(keep_versions=2)
    assert {each.path for each in found} == {*LEFT, "manifests/00000001.json", "manifests/00000002.json"}
    now = faults.look(fx_grown)
    assert now == {3: before[3], 4: before[4], 5: before[4]}
    assert [row.action for row in repo.log()] == ["add", "withdraw", "gc"]
    assert repo.verify() == []
    with pytest.raises(vs.QueryError, match="no version 2; there are 3 to 5"):
        vs.open(fx_grown, version=2)
    assert repo.gc(0, keep_versions=2) == []  # those that only drop others are not counted
    assert vs.open(fx_grown).version == 5
    for version in (3, 4):  # but a version that was not dropped is missed
        path = manifest.manifest_path(fx_grown, version)
        data = path.read_bytes()
        path.unlink()
        assert [problem for problem in repo.verify() if f"manifest {version} is gone" in problem]
        path.write_bytes(data.replace(b'"time"', b'"Time"', 1))
        assert [problem for problem in repo.verify() if "damaged" in problem]
        path.write_bytes(data)
    assert repo.verify() == []


def test_a_version_that_was_the_newest_lately_stays(fx_grown, tmp_path):
    """Somebody may have it open."""
    repo = vs.open(fx_grown).add(faults.write_people(tmp_path / "more.vcf", ["X", "Y"], 9))
    reader = vs.open(fx_grown, version=4)
    assert {each.path for each in repo.gc(keep_versions=1)} >= {"manifests/00000003.json"}
    assert [row.version for row in repo.log()] == [4, 5, 6]
    assert len(reader.count_alleles("22"))
    repo.gc(0, keep_versions=1)
    assert [row.version for row in repo.log()] == [5, 6, 7]


def test_what_is_withdrawn_stays_so_when_its_version_is_dropped(fx_grown, tmp_path):
    reader = vs.open(fx_grown, version=1)
    repo = vs.open(fx_grown).add(faults.write_people(tmp_path / "more.vcf", ["X", "Y"], 9))
    repo.gc(0, keep_versions=1)
    assert repo.info()["num_withdrawn"] == 2
    repo.withdraw(["A"])
    assert reader.samples == []  # its own manifest is gone, the newest was found all the same
    assert vs.open(fx_grown).samples == ["C", "D", "X", "Y"]


def test_parts_of_dropped_versions_go(fx_grown):
    """As after a compaction: the newest version names other parts than those before it."""
    part = next(iter(vs.open(fx_grown).manifest.derived))

    def without(document):
        document["derived"] = [entry for entry in document["derived"] if entry["id"] != part["id"]]
        document["provenance"] = {**document["provenance"], "action": "compact"}
        return document

    staging = manifest.staging_folder(fx_grown)
    manifest.commit(fx_grown, without, staging, {})
    shutil.rmtree(staging)
    assert part["part"]["path"] not in {each.path for each in vs.open(fx_grown).gc(0)}
    found = {each.path for each in vs.open(fx_grown).gc(0, keep_versions=1)}
    assert part["part"]["path"] in found
    assert not (fx_grown / part["part"]["path"]).exists()
    assert vs.open(fx_grown).verify() == []


def test_nothing_is_removed_where_a_manifest_cannot_be_read(fx_grown):
    path = manifest.manifest_path(fx_grown, 2)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"withdraw", b"withdrew"))
    there = sorted(fx_grown.rglob("*"))
    with pytest.raises(vs.CorruptRepositoryError, match=re.escape(path.name)):
        vs.open(fx_grown).gc(0)
    assert sorted(fx_grown.rglob("*")) == there
    document = json.loads(data)
    path.write_bytes(manifest.seal({**document, "reader_features": [*document["reader_features"], "telepathy"]}))
    with pytest.raises(vs.RepositoryError, match="telepathy"):
        vs.open(fx_grown).gc(0)
    assert sorted(fx_grown.rglob("*")) == there


@pytest.mark.parametrize(("text", "expected"), [("24h", 86400), ("1.5m", 90), ("30s", 30), ("2d", 172800), (7, 7)])
def test_ages(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["24", "h", "-1h", "1w", "1h30m", -1])
def test_what_is_no_age(text, fx_grown):
    with pytest.raises(vs.QueryError, match="is no age"):
        vs.open(fx_grown).gc(text)


def test_the_command(fx_grown, fx_cli):
    done = fx_cli("gc", fx_grown, "--dry-run", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {each["path"] for each in found} == set(LEFT)
    total = sum(each["num_bytes"] for each in found)
    assert done.stderr == f"{fx_grown}: 4 things, {total:,} bytes would be removed\n"
    done = fx_cli("gc", fx_grown, "--older-than", "30h")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(row[0], int(row[1]), row[2]) for row in rows] == [tuple(each.values()) for each in found]
    assert done.stderr == f"{fx_grown}: 4 things, {total:,} bytes removed\n"
    assert fx_cli("gc", fx_grown, "--keep-versions", "3", "--older-than", "0").stderr.endswith("bytes removed\n")
    assert "is no age" in fx_cli("gc", fx_grown, "--older-than", "soon", status=1).stderr
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert vs.open(fx_grown).verify() == []
