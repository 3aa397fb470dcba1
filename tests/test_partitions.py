"""Imports in parts: killed and resumed, or shared among processes; the batch is that of a direct import."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import varstore as vs
import vcf_text
from faults import OPERATIONS, Dead, renews
from test_commits import renamed
from varstore.errors import CorruptManifestError, PlanError, UnsortedInputError
from varstore.ingest import partitions
from varstore.ingest.field_blocks import FieldBlock
from varstore.ingest.inputs import open_input
from varstore.ingest.records import ScanResult
from varstore.ingest.spool import Spool, SpoolWriter
from varstore.storage import files, leases, plans

SIZE = 6000  # of a partition, in these tests
NUM_SAMPLES = 13
SETTINGS = {
    "ploidy": "mixed", "missing": 0.1, "half_missing": 0.1, "max_alts": 4, "unphased": 0.3, "mixed_phase": 0.2,
    "extra_format": True, "no_gt": 0.1, "contigs": ("1", "22", "X"),
}  # fmt: skip
TEXT = vcf_text.make_vcf(5, 300, NUM_SAMPLES, **SETTINGS)

# Runs an import in which the process kills itself at a file operation.
KILLED = """
import os, signal, sys
from varstore.ingest import partitions
from varstore.storage import files
partitions.PARTITION_SIZE = partitions.SPOOLED_SIZE = int(sys.argv[1])
left = int(sys.argv[2])
def counted(real):
    def operation(*arguments):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)
    return operation
for name in sys.argv[3].split(","):
    setattr(files, name, counted(getattr(files, name)))
from varstore.cli.main import main
main(sys.argv[4:])
"""


@pytest.fixture(autouse=True)
def fx_small_partitions(monkeypatch):
    monkeypatch.setattr(partitions, "PARTITION_SIZE", SIZE)
    monkeypatch.setattr(partitions, "SPOOLED_SIZE", SIZE)


def write_bcf(path, text):
    """Write ``text`` as BCF by htslib, contigs and filters declared."""
    cyvcf2 = pytest.importorskip("cyvcf2")
    plain = vcf_text.write_plain(path.with_suffix(".vcf"), text)
    reader = cyvcf2.VCF(str(plain))
    writer = cyvcf2.Writer(str(path), reader, mode="wb")
    for record in reader:
        writer.write_record(record)
    writer.close()
    data = gzip.decompress(path.read_bytes())
    blocks = [vcf_text.bgzf_block(data[begin : begin + 997]) for begin in range(0, len(data), 997)]
    path.write_bytes(b"".join(blocks) + vcf_text.BGZF_END)
    return path


def split(folder, text):
    """The text as two files that split the samples by chromosome, named in the wrong order."""
    lines = text.splitlines(keepends=True)
    head = "".join(line for line in lines if line.startswith("#"))
    parts = [
        [line for line in lines if line[0] != "#" and (line.startswith("1\t") == first)] for first in (True, False)
    ]
    return [
        vcf_text.write_bgzf(folder / f"{name}.vcf.gz", head + "".join(part), 997)
        for name, part in (("rest", parts[1]), ("one", parts[0]))
    ]


SOURCES = {
    "bgzf": lambda folder: [vcf_text.write_bgzf(folder / "a.vcf.gz", TEXT, 997)],
    "text": lambda folder: [vcf_text.write_plain(folder / "a.vcf", vcf_text.make_vcf(8, 900, NUM_SAMPLES, **SETTINGS))],
    "gzip": lambda folder: [vcf_text.write_gzip(folder / "a.vcf.gz", TEXT)],
    "bcf": lambda folder: [write_bcf(folder / "a.bcf", vcf_text.make_vcf(9, 300, 13, extra_format=True))],
    "two": lambda folder: split(folder, TEXT),
}


def contents(root):
    """Every file of the last version's batch and derived parts, by name in its part."""
    document = vs.open(root).manifest.document
    parts = {"batch": document["batches"][-1]["part"], "samples": document["samples"][-1]["part"]}
    parts |= {
        f"derived {e['kind']}": e["part"] for e in document["derived"] if e["batch"] == document["batches"][-1]["id"]
    }
    return {
        (kind, str(file.relative_to(root / part["path"]))): file.read_bytes()
        for kind, part in parts.items()
        for file in sorted((root / part["path"]).rglob("*"))
        if file.is_file()
    }


def entry(root):
    """The batch's entry in the manifest, without what differs from import to import."""
    kept = ("num_samples", "num_variants", "ploidy", "used_contigs", "sites_sha256", "files", "header_sha256")
    return {key: vs.open(root).manifest.batches[-1][key] for key in kept}


def direct(folder, inputs):
    """What an import without partitions makes of inputs."""
    real, partitions.SPOOLED_SIZE = partitions.SPOOLED_SIZE, 1 << 40
    try:
        vs.create(folder / "direct", *inputs)
    finally:
        partitions.SPOOLED_SIZE = real
    return folder / "direct"


def assert_same_batch(root, other):
    """The batches are equal to the byte, and sound."""
    assert entry(root) == entry(other)
    found, expected = contents(root), contents(other)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert vs.open(root).verify() == []


def leftovers(root):
    return sorted(path.name for path in (root / "tmp").iterdir())


@pytest.mark.parametrize("kind", SOURCES)
def test_a_plan_makes_what_a_direct_import_makes(kind, tmp_path):
    inputs = SOURCES[kind](tmp_path)
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(*inputs)
    assert plan.num_partitions > {"gzip": 0, "text": 1}.get(kind, 5)
    order = [*range(plan.num_partitions), 0]
    random.Random(kind).shuffle(order)
    for i in order:
        vs.open(tmp_path / "repo").run_partition(plan.id, i, threads=1 + i % 2)
    assert vs.open(tmp_path / "repo").num_samples == 0
    assert repo.commit(plan.path).version == 2
    assert leftovers(tmp_path / "repo") == []
    assert_same_batch(tmp_path / "repo", direct(tmp_path, inputs))


@pytest.mark.parametrize("kind", SOURCES)
def test_a_large_import_is_spooled_and_equal(kind, tmp_path):
    inputs = SOURCES[kind](tmp_path)
    read = []
    vs.create(tmp_path / "repo", *inputs, progress=read.append)
    assert leftovers(tmp_path / "repo") == []
    assert_same_batch(tmp_path / "repo", direct(tmp_path, inputs))
    size = sum(path.stat().st_size for path in inputs)
    # Blocks of the header may be left out, and of gzip nobody knows how far its reader is.
    assert sum(read) <= size, "no byte is told twice"
    assert sum(read) > 0.9 * size or kind == "gzip"


def test_a_small_import_is_not_spooled(tmp_path, monkeypatch):
    monkeypatch.setattr(partitions, "SPOOLED_SIZE", 1 << 32)
    monkeypatch.setattr(SpoolWriter, "__init__", None)
    vs.create(tmp_path / "repo", *SOURCES["two"](tmp_path))
    assert vs.open(tmp_path / "repo").num_variants == 300


@pytest.mark.parametrize("kind", ["bgzf", "bcf", "two"])
def test_an_import_that_is_killed_is_resumed(kind, tmp_path):
    """Kill -9 at random file operations, in a process of its own; each resumes the one before."""
    inputs = SOURCES[kind](tmp_path)
    expected = direct(tmp_path, inputs)
    root = tmp_path / "repo"
    vs.create(root)
    rng = random.Random(f"kill {kind}")
    spooled, command = 0, [sys.executable, "-c", KILLED, str(SIZE)]
    for _ in range(4):
        arguments = [
            str(rng.randrange(50, 400)),
            ",".join(OPERATIONS),
            "add",
            str(root),
            *map(str, inputs),
            "--resume",
        ]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        repo = vs.open(root)
        if repo.version == 2:  # killed between the commit and the end
            break
        assert repo.num_samples == 0
        assert repo.verify() == []
        spools = list((root / "tmp").glob("plan-*/*.spool"))
        assert len(spools) >= spooled  # nothing that was done is lost
        assert len(list((root / "tmp").glob("plan-*"))) <= 1
        spooled = len(spools)
    if vs.open(root).version == 1:
        assert spooled
        vs.open(root).add(*inputs, resume=True)
    assert_same_batch(root, expected)


def test_a_creation_that_is_killed_is_resumed(tmp_path, fx_cli):
    inputs = SOURCES["bgzf"](tmp_path)
    expected = direct(tmp_path, inputs)
    for operations in (3, 40):
        root = tmp_path / f"repo{operations}"
        command = [sys.executable, "-c", KILLED, str(SIZE), str(operations), ",".join(OPERATIONS)]
        command += ["create", str(root), str(inputs[0])]
        assert subprocess.run(command, capture_output=True, timeout=120).returncode == -signal.SIGKILL
        done = fx_cli("create", root, *inputs, status=1)
        assert "already" in done.stderr
        with pytest.raises(vs.InputError, match="no such file"):
            vs.create(root, tmp_path / "none.vcf", resume=True)
        vs.create(root, *inputs, resume=True)
        assert_same_batch(root, expected)
        with pytest.raises(vs.RepositoryError, match="already"):
            vs.create(root, *inputs, resume=True)


class Faulty:
    """Fails the n-th file operation, and if ``error`` is Dead all that follow."""

    def __init__(self, patch, number, error):
        self.left, self.error = number, error
        self.lock = threading.Lock()
        for name in OPERATIONS:
            patch.setattr(files, name, self.operation(getattr(files, name)))

    def operation(self, real):
        def run(*arguments):
            if renews():
                return real(*arguments)
            with self.lock:
                self.left -= 1
                failed = self.left == 0 or (self.left < 0 and self.error is Dead)
            if failed:
                raise self.error
            return real(*arguments)

        return run


@pytest.mark.parametrize("error", [Dead, OSError(28, "No space left on device")])
def test_partitions_and_commits_that_fail_at_any_file_operation(tmp_path, monkeypatch, error):
    """Whatever operation is the last: the repository is as it was, and the plan can be finished."""
    text = vcf_text.make_vcf(6, 40, 5)
    inputs = [vcf_text.write_bgzf(tmp_path / "a.vcf.gz", text, 997)]
    expected = direct(tmp_path, inputs)
    monkeypatch.setattr(partitions, "PARTITION_SIZE", len(text) // 2)
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(*inputs)
    assert plan.num_partitions == 2
    steps = [lambda: repo.run_partition(plan, 0, threads=1), lambda: repo.run_partition(plan, 1, threads=1)]
    for step in [*steps, lambda: repo.commit(plan, threads=1)]:
        number, finished = 0, False
        while not finished:
            number += 1 if error is Dead else 5
            with monkeypatch.context() as patch, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Faulty(patch, number, error)
                try:
                    step()
                except (Dead, OSError):
                    assert number < 2000
                else:
                    finished = True
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if vs.open(tmp_path / "repo").version == 2:
                    break
                assert vs.open(tmp_path / "repo").num_samples == 0
        assert number > 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, wanted = contents(tmp_path / "repo"), contents(expected)
    assert found == wanted


@pytest.mark.parametrize("error", [Dead, KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_import_that_fails_keeps_its_spools(tmp_path, monkeypatch, error):
    inputs = SOURCES["bgzf"](tmp_path)
    expected = direct(tmp_path, inputs)
    for number in range(3, 80, 11):
        root = tmp_path / f"repo{number}"
        vs.create(root)
        with monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Faulty(patch, number, error)
            with pytest.raises((Dead, KeyboardInterrupt, OSError)):
                vs.open(root).add(*inputs, threads=1)
        assert vs.open(root).version == 1
        assert vs.open(root).verify() == []
        vs.open(root).add(*inputs, resume=True)
        assert_same_batch(root, expected)


def interrupted(tmp_path, monkeypatch, kind="bgzf"):
    """A repository in which an import was interrupted, and its inputs."""
    inputs = SOURCES[kind](tmp_path)
    root = tmp_path / "repo"
    vs.create(root)
    with monkeypatch.context() as patch:
        Faulty(patch, 60, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            vs.open(root).add(*inputs, threads=1)
    assert list((root / "tmp").glob("plan-*/*.spool"))
    return root, inputs


def test_resuming_reads_only_what_is_missing(tmp_path, monkeypatch):
    root, inputs = interrupted(tmp_path, monkeypatch)
    done = {path.name for path in (root / "tmp").glob("plan-*/*.spool")}
    written, real = set(), SpoolWriter.finish

    def finish(writer, following):
        written.add(writer.path.name)
        real(writer, following)

    monkeypatch.setattr(SpoolWriter, "finish", finish)
    vs.open(root).add(*inputs, resume=True)
    assert written
    assert not written & done


def test_spools_are_kept_until_the_commit(tmp_path, monkeypatch):
    """An import that is interrupted while it is published is resumed from its spools: nothing is scanned again."""
    inputs = SOURCES["bgzf"](tmp_path)
    expected = direct(tmp_path, inputs)
    root = tmp_path / "repo"
    vs.create(root)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "link_new", interrupt)  # the commit
        with pytest.raises(KeyboardInterrupt):
            vs.open(root).add(*inputs, threads=1)
    assert vs.open(root).version == 1
    monkeypatch.setattr(SpoolWriter, "__init__", interrupt)
    vs.open(root).add(*inputs, resume=True)
    assert leftovers(root) == []
    assert_same_batch(root, expected)


def test_without_resume_the_leftovers_are_named_and_left(tmp_path, monkeypatch):
    root, inputs = interrupted(tmp_path, monkeypatch)
    (left,) = leftovers(root)
    with pytest.warns(UserWarning, match=rf"unfinished import.*{left}.*--resume"):
        vs.open(root).add(*inputs)
    assert leftovers(root) == [left]


def test_another_import_does_not_take_the_spools(tmp_path, monkeypatch):
    root, inputs = interrupted(tmp_path, monkeypatch)
    (left,) = leftovers(root)
    vs.open(root).add(*inputs, fields="GT", resume=True)
    assert leftovers(root) == [left]
    os.utime(inputs[0], ns=(1, 1))
    other = vs.create(tmp_path / "other")
    other.add(*inputs)
    assert leftovers(root) == [left]


def test_a_live_import_is_not_taken_over(tmp_path, monkeypatch):
    root, inputs = interrupted(tmp_path, monkeypatch)
    (left,) = leftovers(root)
    plan = plans.read_plan(root, left)
    with plans.lease(plan), pytest.raises(PlanError, match=rf"process {os.getpid()} on .* is at work"):
        vs.open(root).add(*inputs, resume=True)
    # Where locks do nothing, the file alone says it.
    lease = plan.path / "lease"
    mine = {"host": os.uname().nodename, "pid": os.getpid(), "started": leases.started(os.getpid())}
    for other in ({}, {"host": "elsewhere", "pid": 1}):
        lease.write_text(json.dumps({**mine, **other}))
        with pytest.raises(PlanError, match="is at work on this import"):
            vs.open(root).add(*inputs, resume=True)
    lease.write_text(json.dumps({**mine, "started": -1}))  # the number was given to another process since
    vs.open(root).add(*inputs, resume=True)
    assert leftovers(root) == []


def test_a_damaged_spool_is_found(tmp_path, monkeypatch):
    """Resuming scans it again; a commit refuses; run-partition removes it, then makes it again."""
    root, inputs = interrupted(tmp_path, monkeypatch)
    rng = random.Random(4)
    for path in (root / "tmp").glob("plan-*/*.spool"):
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
    vs.open(root).add(*inputs, resume=True)
    assert_same_batch(root, direct(tmp_path, inputs))

    repo = vs.create(tmp_path / "parts")
    plan = repo.plan(*inputs)
    for i in range(plan.num_partitions):
        repo.run_partition(plan, i)
    path = partitions.spool_path(plan.path, 0, 2)
    whole = path.read_bytes()
    for place in [0, len(whole) - 1, *rng.sample(range(len(whole)), 40)]:
        data = bytearray(whole)
        data[place] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        with pytest.raises(PlanError, match=rf"{path.name}: damaged"):
            Spool(path, plan.id)
    with pytest.raises(PlanError, match=rf"{path.name}: damaged"):
        repo.commit(plan)
    path.write_bytes(whole[:20])
    with pytest.raises(PlanError, match="run the partition again"):
        repo.run_partition(plan, 2)
    with pytest.raises(PlanError, match=r"partitions not run yet: 2 \(1 of"):
        repo.commit(plan)
    repo.run_partition(plan, 2)
    assert path.read_bytes() == whole
    other = repo.plan(*inputs)
    with pytest.raises(PlanError, match="a spool of plan"):
        Spool(path, other.id)
    repo.commit(plan)
    assert_same_batch(tmp_path / "parts", tmp_path / "direct")


def test_a_changed_input_is_refused(tmp_path):
    (path,) = SOURCES["text"](tmp_path)
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(path)
    for i in range(plan.num_partitions):
        repo.run_partition(plan, i)
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    for refused in (lambda: repo.commit(plan), lambda: repo.run_partition(plan, 0)):
        with pytest.raises(PlanError, match=r"a\.vcf: changed since"):
            refused()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert repo.commit(plan).num_variants == 900


def test_faults_have_the_line_of_the_file(tmp_path):
    """Whoever meets the fault, the import or the commit, names the line; run-partition what it can know."""
    lines = TEXT.splitlines(keepends=True)
    columns = lines[-20].split("\t")
    columns[10] = "0|9" + columns[10][3:]
    lines[-20] = "\t".join(["1" * 11 if i == 1 else column for i, column in enumerate(columns)])
    path = vcf_text.write_bgzf(tmp_path / "bad.vcf.gz", "".join(lines), 997)
    line = rf"bad\.vcf\.gz, line {len(lines) - 19}: POS is"
    repo = vs.create(tmp_path / "repo")
    with pytest.raises(vs.InputError, match=line):
        repo.add(path)
    assert leftovers(tmp_path / "repo") == []
    plan = repo.plan(path)
    refused = []
    for _ in range(2):
        for i in range(plan.num_partitions):
            try:
                repo.run_partition(plan, i)
            except vs.InputError as error:
                refused.append(str(error))
    assert len(refused) == 2
    assert refused[0] == refused[1]
    assert re.search(r"bad\.vcf\.gz, record \d+ of partition \d+: POS is", refused[0])
    with pytest.raises(vs.InputError, match=line):
        repo.commit(plan)
    assert repo.version == 1


def test_line_ends_are_noted_where_they_are(tmp_path):
    path = vcf_text.write_plain(tmp_path / "a.vcf", TEXT + "\n")
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(path)
    for i in range(plan.num_partitions):
        repo.run_partition(plan, i)
    found = repo.commit(plan).info()["batches"][0]["problems"]["blank-last-line"]
    assert found == {"count": 1, "first": [f"{path}, line {TEXT.count(chr(10)) + 1}"]}


def test_unsorted_inputs(tmp_path, monkeypatch):
    lines = TEXT.splitlines(keepends=True)
    num_head = sum(line.startswith("#") for line in lines)
    mixed = [*lines[:num_head], *random.Random(3).sample(lines[num_head:], 300)]
    path = vcf_text.write_bgzf(tmp_path / "mixed.vcf.gz", "".join(mixed), 997)
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(path)
    for i in range(plan.num_partitions):
        repo.run_partition(plan, i)
    with pytest.raises(UnsortedInputError, match=r"line \d+: unsorted: .*; sort the file .* or use `varstore add`$"):
        repo.commit(plan)
    plan.remove()
    repo.add(path)
    assert leftovers(tmp_path / "repo") == []
    assert_same_batch_but_files(tmp_path / "repo", direct(tmp_path, [path]))


def assert_same_batch_but_files(root, other):
    found, expected = contents(root), contents(other)
    assert {name: data for name, data in found.items() if expected[name] != data} == {}


def test_plans_at_the_command_line(tmp_path, fx_cli):
    """The sizes are the real ones here: two inputs, a partition each."""
    inputs = SOURCES["two"](tmp_path)
    root = tmp_path / "repo"
    fx_cli("create", root)
    name, number = fx_cli("plan", root, *inputs).stdout.split()
    assert number == "2"
    fx_cli("run-partition", root, name, 1, "--threads", 1)
    done = fx_cli("commit", root, name, status=1)
    assert "partitions not run yet: 0 (1 of 2)" in done.stderr
    assert "no partition 2; there are 2" in fx_cli("run-partition", root, name, 2, status=1).stderr
    fx_cli("run-partition", root, name, 0)
    fx_cli("commit", root, name)
    assert_same_batch(root, direct(tmp_path, inputs))
    assert "no plan" in fx_cli("commit", root, name, status=1).stderr
    assert "in the repository already" in fx_cli("plan", root, *inputs, status=1).stderr
    made = json.loads(fx_cli("plan", fx_empty(tmp_path), *inputs, "--json", "--fields", "GT").stdout)
    assert made["num_partitions"] == 2
    assert made["path"].endswith(made["plan"])


def fx_empty(tmp_path):
    vs.create(tmp_path / "empty")
    return tmp_path / "empty"


def test_a_second_batch_by_a_plan(tmp_path):
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", TEXT))
    plan = repo.plan(vcf_text.write_plain(tmp_path / "b.vcf", renamed(TEXT, "b")))
    for i in range(plan.num_partitions):
        repo.run_partition(plan, i)
    assert repo.commit(plan).num_samples == 2 * NUM_SAMPLES
    assert repo.verify() == []


def test_a_damaged_plan_is_refused(tmp_path):
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(*SOURCES["bgzf"](tmp_path))
    path = plan.path / "plan.json"
    path.write_bytes(path.read_bytes().replace(b'"number": 1', b'"number": 2'))
    with pytest.raises(CorruptManifestError, match="damaged"):
        repo.run_partition(plan.id, 0)
    for name in ("plan-000000000000", "../../etc", ""):
        with pytest.raises(PlanError, match="no plan"):
            repo.commit(name)


def arrays_of(value):
    """Every array in a result, with where it is."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return [array for item in value.values() for array in arrays_of(item)]
    if isinstance(value, list | tuple):
        return [array for item in value for array in arrays_of(item)]
    return arrays_of(vars(value)) if hasattr(value, "__dict__") else []


def test_a_spool_gives_back_what_went_in(tmp_path):
    """Fields that no header declares come in another order to the one that reads."""
    from varstore.ingest import scanning
    from varstore.ingest.records import PieceScanner, ScanPlan
    from varstore.storage.field_table import FieldTable

    text = TEXT.replace("##FORMAT=<ID=DP", "##FORMAT=<ID=NOT_DP")
    source = open_input(vcf_text.write_plain(tmp_path / "a.vcf", text))
    table = FieldTable("FORMAT")
    plan = ScanPlan("a.vcf", True, source.header.samples, NUM_SAMPLES, table)
    results = [PieceScanner(plan, 1).scan(task.piece) for task in scanning.whole(source, plan)]
    assert table.fields
    writer = SpoolWriter(tmp_path / "a.spool", "a plan")
    for result in results:
        writer.put(result, table)
    writer.finish((7, 8))
    spool = Spool(tmp_path / "a.spool", "a plan")
    assert spool.following == (7, 8)
    assert len(spool) == len(results)
    for i, result in enumerate(results):
        found = spool.load(i, table)
        pairs = list(zip(arrays_of(found), arrays_of(result), strict=True))
        assert pairs
        for got, wanted in pairs:
            assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
            np.testing.assert_array_equal(got, wanted)
            assert got.flags.writeable
    other = FieldTable("FORMAT")
    for field in reversed(table.fields):
        other.add(field.key)
    assert isinstance(spool.load(0, other), ScanResult)
    blocks = [
        {
            fields.fields[slot].key: block
            for slot, block in spool.load(0, fields).records[0].calls.segments[0][1].items()
        }
        for fields in (table, other)
    ]
    assert blocks[0].keys() == blocks[1].keys()
    assert all(isinstance(block, FieldBlock) for block in blocks[0].values())
    for key, block in blocks[0].items():
        np.testing.assert_array_equal(block.values, blocks[1][key].values)
