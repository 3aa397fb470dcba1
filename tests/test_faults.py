"""Changes that die or fail anywhere: nothing acknowledged is lost, nothing half-written is seen."""

import ast
import json
import os
import shutil
import subprocess
import sys
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

import faults
import varstore as vs
from varstore.storage import leases

CHECKOUT = Path(__file__).resolve().parent.parent
ACTIONS = ("add", "withdraw", "cohort", "gc", "reindex", "compact", "purge", "samples")
# Operations of each, at least: fewer would mean that some pass by unseen.
FEWEST = {
    "add": 100, "withdraw": 12, "cohort": 12, "gc": 25, "reindex": 80, "compact": 100, "purge": 100, "samples": 70,
    "overlays": 70,
}  # fmt: skip
# Faults are tried at every operation so many apart, with VARSTORE_FAULTS=all at every single one. Death is tried at
# every one.
APART = {"add": 5, "reindex": 5, "compact": 7, "purge": 7, "samples": 3, "overlays": 3}
POINTS = int(os.environ.get("VARSTORE_KILLS", "50"))


@dataclass(frozen=True)
class Prepared:
    """A scenario, and what its repository answers before and after the change."""

    scenario: faults.Scenario
    before: dict
    after: dict


@pytest.fixture(params=[*ACTIONS, "overlays"])
def fx_change(request, fx_memory, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # what is tried is the order of things
    monkeypatch.setattr(leases, "GRACE", 0)
    scenario = faults.prepare(fx_memory, request.param)
    before = faults.look(scenario.template)
    shutil.copytree(scenario.template, fx_memory / "whole")
    scenario.act(fx_memory / "whole")
    after = faults.look(fx_memory / "whole")
    assert before != after
    return request.param, Prepared(scenario, before, after)


@pytest.mark.parametrize("kind", faults.KINDS)
def test_a_change_that_fails_at_any_file_operation(fx_change, kind, fx_memory, monkeypatch, record_property):
    """Whatever operation fails: the repository is as it was, or is changed; and goes on."""
    action, prepared = fx_change
    step = 1 if os.environ.get("VARSTORE_FAULTS") == "all" else APART.get(action, 1)
    operations, at, landed = faults.Operations(), 1 - step, 0
    root = fx_memory / "tried"
    while True:
        at += step
        if not root.exists():
            shutil.copytree(prepared.scenario.template, root)
        acknowledged = False
        with operations.failing(monkeypatch, at, kind), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(vs.VarstoreError):
                prepared.scenario.act(root)
                acknowledged = True
        found = faults.look(root)
        assert found in (prepared.before, prepared.after), f"operation {at}: a state that never was"
        assert found == prepared.after or not acknowledged, f"operation {at}: an acknowledged change is lost"
        landed += found == prepared.after
        if at % 16 == 0 or operations.count < at:
            _goes_on(prepared, root, found)
        if at % 16 == 0 or found == prepared.after or action == "gc":
            shutil.rmtree(root)  # else what failed leaves more and more behind
        if operations.count < at:
            break
    record_property("operations", operations.count)
    assert operations.count >= FEWEST[action]
    assert landed > 1


def test_a_change_that_dies_at_any_file_operation(fx_change, fx_memory, monkeypatch, record_property):
    """Whatever operation is the last: the repository is as it was, or is changed; and goes on."""
    action, prepared = fx_change
    operations, one_at_a_time = faults.Operations(), threading.Lock()
    root = fx_memory / "tried"
    seen, found, landed, tried, left = {}, prepared.before, 0, 0, {}

    def check(number):
        nonlocal seen, found, landed, tried
        with one_at_a_time:
            there = faults.visible(root)
            if there != seen or number % 16 == 0:
                found, seen = faults.look(root), there
            assert found in (prepared.before, prepared.after), f"operation {number}: a state that never was"
            landed += found == prepared.after
            tried += 1
            if number % 16 == 0 and fx_memory / f"{number}" not in left:
                left[shutil.copytree(root, fx_memory / f"{number}")] = found

    shutil.copytree(prepared.scenario.template, root)
    with operations.dying(monkeypatch, check), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prepared.scenario.act(root)
        check(operations.count + 1)
        assert found == prepared.after, "an acknowledged change is lost"
    for there, found in left.items():
        _goes_on(prepared, there, found)
    record_property("operations", operations.count)
    assert operations.count >= FEWEST[action]
    assert tried > operations.count
    assert landed > 1


def _goes_on(prepared, root, found):
    """The next one can do it, and what the dead left can be removed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if found != prepared.after:
            prepared.scenario.act(root)
        vs.open(root).gc(0)
        assert faults.look(root) == prepared.after
        assert faults.unneeded(root) == []
        assert [problem for problem in vs.open(root).verify() if "HEAD" not in problem] == []


@pytest.mark.parametrize("action", ACTIONS)
def test_processes_that_are_killed(action, record_property):
    """SIGKILL at random moments, of processes that are real."""
    command = [sys.executable, CHECKOUT / "tests" / "faults.py", action, str(POINTS), "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    tried = json.loads(done.stdout)
    record_property("tried", tried)
    assert tried["killed"] + tried["ended"] == POINTS
    assert tried["killed"] >= POINTS // 2
    assert tried["before"]
    assert tried["after"]


def test_every_change_of_a_file_goes_through_the_one_module():
    """What the faults above cannot fail they do not test."""
    changing = {"rename", "replace", "link", "unlink", "rmtree", "remove", "write_bytes", "write_text", "mkdir"}
    package = CHECKOUT / "src" / "varstore"
    wrong = []
    for path in [*package.glob("storage/*.py"), *package.glob("changes/*.py")]:
        if path.name == "files.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in changing:
                owner = ast.unparse(node.func.value)
                if owner in ("os", "shutil") or "path" in owner.lower() or "folder" in owner:
                    wrong.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert not wrong, "\n".join(wrong)
