"""Writers, readers, withdrawal, compaction and gc in any order, against a dict of who has which calls."""

import os
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import faults
import varstore as vs
from varstore.errors import SampleClashError, UnknownSampleError, WithdrawnSampleError
from varstore.storage import files, leases

# Each file has people of its own, and some of the sites.
SITES = (*faults.SITES, "1\t40\t.\tC\tG", "22\t70\t.\tA\tG")
NUM_FILES = 6
WRITERS = st.sampled_from("ab")
FILES = st.integers(0, NUM_FILES - 1)
TRIED = Counter()
COLUMNS = ("contig", "position", "ref", "alt", "allele_count", "allele_number")


def calls_of(path):
    """For each person of a file the calls: (contig, position, ref, alts) to the codes as text."""
    lines = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("##")]
    return {
        name: {(row[0], int(row[1]), row[3], row[4]): row[9 + column] for row in lines[1:]}
        for column, name in enumerate(lines[0][9:])
    }


def counts_of(people):
    """Allele counts and numbers of some people: (contig, position, ref, alt) to both."""
    counts = Counter()
    for calls in people:
        for (contig, position, ref, alts), call in calls.items():
            codes = [code for code in call.split("|") if code != "."]
            for number, alt in enumerate(alts.split(","), 1):
                key = (contig, position, ref, alt)
                counts[(*key, "count")] += codes.count(str(number))
                counts[(*key, "number")] += len(codes)
    return counts


def table_of(repo, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = repo.count_alleles(**options)
    counts = Counter()
    for row in zip(*(table[name] for name in COLUMNS), strict=True):
        key = (row[0], int(row[1]), row[2], row[3])
        counts[(*key, "count")] += int(row[4])
        counts[(*key, "number")] += int(row[5])
    return counts


class Versions(RuleBasedStateMachine):
    """The model: for each version who was added up to it, and who is withdrawn by now."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=faults.MEMORY, prefix="varstore-"))
        self.files = [
            faults.write_people(self.folder / f"{i}.vcf", [f"P{i}{k}" for k in "xy"[: 1 + i % 2]], i, SITES[i % 3 :])
            for i in range(NUM_FILES)
        ]
        self.calls = {name: calls for file in self.files for name, calls in calls_of(file).items()}
        self.versions, self.versions_ever = {}, {}
        self.step = 0
        self.fsync, os.fsync = os.fsync, lambda _: None
        self.grace, leases.GRACE = leases.GRACE, 0

    def teardown(self):
        os.fsync, leases.GRACE = self.fsync, self.grace
        shutil.rmtree(self.folder)

    @initialize()
    def create(self):
        self.root = vs.create(self.folder / "repo", self.files[0]).path
        self.versions = {1: self.people(0)}
        self.withdrawn = set()
        self.readers = []
        self.writers = {name: vs.open(self.root) for name in "ab"}

    def people(self, file):
        return [f"P{file}{k}" for k in "xy"[: 1 + file % 2]]

    @property
    def newest(self):
        return self.versions[max(self.versions)]

    def note(self, people):
        self.versions[max(self.versions) + 1] = people

    def try_add(self, writer, file):
        """Add, and note it; expect the refusal that is due."""
        new = self.people(file)
        TRIED["add"] += 1
        if not self.withdrawn.isdisjoint(new):
            with pytest.raises(WithdrawnSampleError, match="withdrawn from the repository"):
                self.writers[writer].add(self.files[file], threads=1)
        elif not set(new).isdisjoint(self.newest):
            with pytest.raises(SampleClashError, match="in the repository already"):
                self.writers[writer].add(self.files[file], threads=1)
        else:
            self.writers[writer].add(self.files[file], threads=1)
            self.note([*self.newest, *new])

    @rule(writer=WRITERS, file=FILES)
    def add(self, writer, file):
        self.try_add(writer, file)

    @rule(writer=WRITERS, data=st.data())
    def withdraw(self, writer, data):
        names = data.draw(st.lists(st.sampled_from(sorted(self.newest)), min_size=1, max_size=2, unique=True))
        TRIED["withdraw"] += 1
        self.writers[writer].withdraw(names)
        if not self.withdrawn.issuperset(names):
            self.note(self.newest)
            self.withdrawn.update(names)

    @rule(first=FILES, second=FILES, withdraws=st.booleans(), data=st.data())
    def race(self, first, second, withdraws, data):
        """b commits between a's reading of the newest manifest and its link: both land, or one is refused."""
        name = data.draw(st.sampled_from(sorted(self.newest)))
        wanted = [self.people(first), self.people(second)]
        new = {*wanted[0], *wanted[1]}
        if first == second or new & self.withdrawn or new & {*self.newest}:
            return
        link, raced = files.link_new, []

        def late(source, target):
            if not raced:
                raced.append(True)
                if withdraws:
                    self.writers["b"].withdraw([name])
                else:
                    self.writers["b"].add(self.files[second], threads=1)
            link(source, target)

        TRIED["race"] += 1
        files.link_new = late
        try:
            self.writers["a"].add(self.files[first], threads=1)
        finally:
            files.link_new = link
        if not withdraws:
            self.note([*self.newest, *wanted[1]])
        elif name not in self.withdrawn:
            self.note(self.newest)
            self.withdrawn.add(name)
        self.note([*self.newest, *wanted[0]])

    @rule(file=FILES, at=st.integers(1, 150))
    def die(self, file, at):
        """A writer dies at some operation: its change is there whole, or not at all."""
        new = self.people(file)
        if not self.withdrawn.isdisjoint(new) or not set(new).isdisjoint(self.newest):
            return
        TRIED["die"] += 1
        with pytest.MonkeyPatch.context() as patch:
            with faults.Operations().failing(patch, at, "dead"):
                try:
                    vs.open(self.root).add(self.files[file], threads=1)
                except faults.Dead:
                    pass
        found = vs.open(self.root)
        if found.version > max(self.versions):
            self.note([*self.newest, *new])

    @rule(data=st.data())
    def read(self, data):
        TRIED["read"] += 1
        version = data.draw(st.sampled_from(sorted(self.versions)))
        self.readers.append((version, vs.open(self.root, version=version)))

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def ask_about_some(self, data):
        version, repo = data.draw(st.sampled_from(self.readers))
        names = data.draw(st.lists(st.sampled_from(sorted(self.calls)), min_size=1, max_size=3, unique=True))
        known = self.versions_ever[version]
        if set(names) <= set(known) - self.withdrawn:
            expected = counts_of(self.calls[name] for name in names)
            found = table_of(repo, samples=names)
            assert {key: value for key, value in found.items() if value} == {k: v for k, v in expected.items() if v}
        else:
            with pytest.raises(UnknownSampleError):
                repo.count_alleles(samples=names)

    @rule(writer=WRITERS)
    def compact(self, writer):
        TRIED["compact"] += 1
        self.writers[writer].compact(threads=1)
        if vs.open(self.root).version > max(self.versions):
            self.note(self.newest)

    @rule(keep=st.none() | st.integers(1, 3))
    def collect(self, keep):
        TRIED["gc"] += 1
        self.writers["a"].gc(0, keep_versions=keep)
        assert faults.unneeded(self.root) == []
        rows = vs.open(self.root).log()
        if rows[-1].version > max(self.versions):
            self.note(self.newest)
        self.versions = {row.version: self.versions[row.version] for row in rows}

    @invariant()
    def versions_answer(self):
        if not self.versions:
            return
        self.versions_ever.update(self.versions)
        newest = vs.open(self.root)
        assert newest.version == max(self.versions)
        self.step += 1
        older = sorted(self.versions)[self.step % len(self.versions)]
        asked = [(newest.version, newest), (older, vs.open(self.root, version=older))]
        if self.readers:
            asked.append(self.readers[self.step % len(self.readers)])
        for version, repo in asked:
            people = [name for name in self.versions_ever[version] if name not in self.withdrawn]
            assert repo.samples == people
            expected = counts_of(self.calls[name] for name in people)
            found = table_of(repo)
            assert {key: value for key, value in found.items() if value} == {k: v for k, v in expected.items() if v}


@pytest.mark.filterwarnings("ignore")
def test_any_order_of_things(record_property):
    TRIED.clear()
    steps = settings(
        max_examples=int(os.environ.get("VARSTORE_EXAMPLES", "20")),
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Versions, settings=steps)
    record_property("tried", dict(TRIED))
    assert set(TRIED) == {"add", "withdraw", "race", "die", "read", "gc", "compact"}
