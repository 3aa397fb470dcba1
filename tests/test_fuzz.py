"""tools/fuzz.py runs, its inputs follow from the seed, and it finds what is planted."""

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parent.parent / "tools" / "fuzz.py"


@pytest.fixture(scope="module")
def fx_fuzz():
    """tools/fuzz.py as a module; kernels without bounds checks here."""
    before = os.environ.get("VARSTORE_BOUNDSCHECK")
    os.environ["VARSTORE_BOUNDSCHECK"] = before or "0"
    spec = importlib.util.spec_from_file_location("fuzz", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    if before is None:
        del os.environ["VARSTORE_BOUNDSCHECK"]


def test_a_short_run_with_bounds_checks():
    environment = {**os.environ, "VARSTORE_BOUNDSCHECK": "1"}
    done = subprocess.run(
        [sys.executable, TOOL, "--runs", "300", "--seed", "7"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("300 inputs, none of them failed") == 3


@pytest.mark.parametrize("name", ["lines", "header", "block"])
def test_good_inputs_are_good(fx_fuzz, name):
    """What is mutated is valid before: most of it is taken in."""
    target, make = fx_fuzz.TARGETS[name]
    for seed in range(30):
        target(make(random.Random(seed)))
        assert make(random.Random(seed)) == make(random.Random(seed))


def test_mutations_follow_from_the_seed(fx_fuzz):
    one, two = ([fx_fuzz.mutate(b"0|1\t" * 9, rng) for _ in range(50)] for rng in (random.Random(3), random.Random(3)))
    assert one == two
    assert len(set(one)) > 20


def test_a_planted_fault_is_found(fx_fuzz, monkeypatch, capsys):
    def target(data):
        if b"\xff" in data:
            raise IndexError("planted")

    monkeypatch.setitem(fx_fuzz.TARGETS, "header", (target, lambda _: b"header"))
    with pytest.raises(SystemExit, match=r"header, run \d+ of seed 1: [0-9a-f]*ff"):
        fx_fuzz.fuzz("header", 60, 1)
    assert "planted" in capsys.readouterr().err


def test_a_wrong_call_is_found(fx_fuzz, monkeypatch):
    data = b"\x02" + b"1\t7\t.\tA\tC\t.\t.\t.\tGT" + b"\t0|1" * 5 + b"\n"
    fx_fuzz.lines(data)
    right = fx_fuzz.decoded
    monkeypatch.setattr(fx_fuzz, "decoded", lambda records: right(records) ^ 1)
    with pytest.raises(AssertionError, match=r"line 1, sample 1: \[1, 0\], the text has"):
        fx_fuzz.lines(data)
