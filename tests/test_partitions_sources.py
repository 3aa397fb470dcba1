"""PLINK files and VCF Zarr imported in parts: planned, run and committed, or killed and resumed."""

import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest

import varstore as vs
import vcf_text
from faults import OPERATIONS
from test_partitions import KILLED, assert_same_batch, direct, leftovers
from test_vcz_values import make_fields
from varstore.errors import PlanError
from varstore.ingest import partitions
from varstore.storage import leases

SIZE = 700  # of a partition, in these tests: smaller than any of the files


def exported(folder, *names):
    """A small repository in other formats, regions of it in the files that are named after them."""
    repo = vs.create(folder / "from", vcf_text.write_plain(folder / "from.vcf", make_fields(31, 120)))
    for name in names:
        if name.endswith(".pgen"):
            pytest.importorskip("pgenlib")
        repo.export(folder / name, region=name[0] if name[0] in "12" else None)
    return [folder / name for name in names]


def bed(folder):
    """A .bed of 400 variants of 9 people."""
    pytest.importorskip("pgenlib")
    codes = np.random.default_rng(3).integers(0, 256, (400, 3), np.uint8)
    codes[:, 2] &= 3
    (folder / "a.bed").write_bytes(b"\x6c\x1b\x01" + codes.tobytes())
    (folder / "a.bim").write_text("".join(f"{1 + (i > 200)}\trs{i}\t0\t{5 + i}\tG\tA\n" for i in range(400)))
    (folder / "a.fam").write_text("".join(f"f p{i} 0 0 {1 + i % 2} -9\n" for i in range(9)))
    return [folder / "a.bed"]


SOURCES = {
    "folder": lambda folder: exported(folder, "a.vcz"),
    "zip": lambda folder: exported(folder, "a.vcz.zip"),
    "pgen": lambda folder: exported(folder, "a.pgen"),
    "bed": bed,
    "two": lambda folder: exported(folder, "2.pgen", "1.vcz"),
}


@pytest.fixture(autouse=True)
def fx_small_partitions(monkeypatch):
    monkeypatch.setattr(partitions, "PARTITION_SIZE", SIZE)
    monkeypatch.setattr(partitions, "SPOOLED_SIZE", SIZE)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_plan_makes_what_a_direct_import_makes(kind, tmp_path):
    inputs = SOURCES[kind](tmp_path)
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(*inputs)
    # A source is one partition: it is not cut.
    assert plan.num_partitions == len(inputs)
    with pytest.raises(PlanError, match="partitions not run yet: 0"):
        repo.commit(plan)
    for i in [*reversed(range(plan.num_partitions)), 0]:
        vs.open(tmp_path / "repo").run_partition(plan.id, i)
    assert vs.open(tmp_path / "repo").num_samples == 0
    repo.commit(plan.path)
    assert leftovers(tmp_path / "repo") == []
    assert_same_batch(tmp_path / "repo", direct(tmp_path, inputs))
    for source in inputs:
        assert repo.verify(source) == []


@pytest.mark.parametrize("kind", SOURCES)
def test_an_import_that_is_killed_is_resumed(kind, tmp_path):
    inputs = SOURCES[kind](tmp_path)
    expected = direct(tmp_path, inputs)
    root = tmp_path / "repo"
    vs.create(root)
    rng = random.Random(f"kill {kind}")
    command = [sys.executable, "-c", KILLED, str(SIZE)]
    for _ in range(2):
        killed_at = [str(rng.randrange(4, 40)), ",".join(OPERATIONS)]
        done = subprocess.run(
            [*command, *killed_at, "add", root, *inputs, "--resume"], capture_output=True, timeout=120
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert vs.open(root).version == 1
    vs.open(root).add(*inputs, resume=True)
    assert [name for name in leftovers(root) if name.startswith("plan-")] == []
    assert_same_batch(root, expected)


@pytest.mark.parametrize(("kind", "changed"), [("folder", "call_I1/0.0"), ("pgen", "a.psam"), ("bed", "a.bim")])
def test_any_file_of_a_source_that_changes_is_noticed(kind, changed, tmp_path):
    """Of a store every chunk is a file, of a fileset there are three."""
    inputs = SOURCES[kind](tmp_path)
    path = (inputs[0] if kind == "folder" else tmp_path) / changed
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(*inputs)
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    for refused in (lambda: repo.run_partition(plan, 0), lambda: repo.commit(plan)):
        with pytest.raises(PlanError, match=rf"{inputs[0].name}: changed since plan \S+ was made; make a new plan"):
            refused()


def test_a_lease_of_another_host_names_what_to_remove(tmp_path, fx_cli):
    """Nobody can tell from here whether that process lives: the sentence says who, where, and which file to remove."""
    (path,) = exported(tmp_path, "a.vcz")
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(path)
    repo.run_partition(plan, 0)
    lease = plan.path / leases.NAME
    lease.write_text('{"host": "elsewhere", "pid": 4711, "started": 99}')
    done = fx_cli("commit", tmp_path / "repo", plan.id, status=1)
    assert f"{plan.path}: process 4711 on elsewhere is at work on this import, or was when its host" in done.stderr
    assert f"if it is gone remove {lease}" in done.stderr
    assert "Traceback" not in done.stderr
    lease.unlink()
    fx_cli("commit", tmp_path / "repo", plan.id)
    assert vs.open(tmp_path / "repo").num_variants == 120
