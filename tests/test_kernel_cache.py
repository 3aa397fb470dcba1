"""Compiled kernels on disk: made once by however many processes, checked and unchecked ones apart."""

import json
import os
import subprocess
import sys

# A process that waits until all are ready, and says how many signatures it made and how many it found.
COPIES = """
import json, sys
import numpy as np
from varstore.kernels.copying import copy_to
print("ready", flush=True)
sys.stdin.readline()
for dtype in sys.argv[1:]:
    copy_to(np.zeros(3, dtype), np.ones(3, dtype))
print(json.dumps([sum(copy_to.stats.cache_misses.values()), sum(copy_to.stats.cache_hits.values())]))
"""

# An index that is out of bounds; the memory behind it is the array's own.
ASTRAY = """
import json
import numpy as np
from varstore.kernels.long_form import turn
values, out = np.arange(9).reshape(1, 9)[:, :2], np.zeros((1, 1), np.int64)
try:
    turn(values, np.array([5]), out)
    said = "nothing"
except IndexError:
    said = "IndexError"
print(json.dumps([said, sum(turn.stats.cache_hits.values())]))
"""


def start(script, cache, *arguments, checked=False):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "VARSTORE_BOUNDSCHECK": str(int(checked))}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def made_and_found(cache, *processes):
    started = [start(COPIES, cache, *dtypes) for dtypes in processes]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    return [json.loads(process.communicate(timeout=100)[0]) for process in started]


def test_processes_compile_a_kernel_once(tmp_path):
    counts = made_and_found(tmp_path, ["u1", "i4"], ["u1", "i4"])
    assert [sum(column) for column in zip(*counts, strict=True)] == [2, 2]


def test_checked_kernels_are_kept_apart(tmp_path):
    for checked, expected in [(True, ["IndexError", 0]), (False, ["nothing", 0]), (True, ["IndexError", 1])]:
        said, _ = start(ASTRAY, tmp_path, checked=checked).communicate(timeout=100)
        assert json.loads(said) == expected
