"""Changes that die or fail anywhere: nothing acknowledged is lost, nothing half-written is seen."""

import ast
import json
import os
import shutil
import subprocess
import sys
import warnings
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
}  # fmt: skip
# Faults are tried at every operation so many apart, with VARSTORE_FAULTS=all at every single one. Death is tried at
# every operation of those that keep other people's data.
APART = {"add": 5, "reindex": 5, "compact": 7, "purge": 7}
DEATHS_APART = {"reindex": 3, "purge": 3}
POINTS = int(os.environ.get("VARSTORE_KILLS", "50"))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("kind", faults.KINDS)
def test_a_change_that_fails_at_any_file_operation(action, kind, fx_memory, monkeypatch, record_property):
    """Whatever operation is the last: the repository is as it was, or is changed; and goes on."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # what is tried is the order of things
    monkeypatch.setattr(leases, "GRACE", 0)
    scenario = faults.prepare(fx_memory, action)
    before = faults.look(scenario.template)
    shutil.copytree(scenario.template, fx_memory / "whole")
    scenario.act(fx_memory / "whole")
    after = faults.look(fx_memory / "whole")
    assert before != after
    apart = {} if os.environ.get("VARSTORE_FAULTS") == "all" else DEATHS_APART if kind == "dead" else APART
    step = apart.get(action, 1)
    fault, at, landed = faults.Faults(), 1 - step, 0
    root = fx_memory / "tried"
    while True:
        at += step
        if not root.exists():
            shutil.copytree(scenario.template, root)
        acknowledged = False
        with fault.failing(monkeypatch, at, kind), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                scenario.act(root)
                acknowledged = True
            except faults.Dead:
                assert kind == "dead"
            except vs.VarstoreError:
                assert kind != "dead"
        found = faults.look(root)
        assert found in (before, after), f"operation {at}: a state that never was"
        assert found == after or not acknowledged, f"operation {at}: an acknowledged change is lost"
        landed += found == after
        if at % 16 == 0 or fault.count < at:
            _goes_on(scenario, root, found, after)
        if at % 16 == 0 or found == after or action == "gc":
            shutil.rmtree(root)  # else what died leaves more and more behind
        if fault.count < at:
            break
    record_property("operations", fault.count)
    assert fault.count >= FEWEST[action]
    assert landed > 1


def _goes_on(scenario, root, found, after):
    """The next one can do it, and what the dead left can be removed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if found != after:
            scenario.act(root)
        vs.open(root).gc(0)
        assert faults.look(root) == after
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
