"""Compiled kernels on disk: made once by however many processes, for one source, checked and unchecked ones apart."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import varstore
import vcf_text

PACKAGE = Path(varstore.__file__).parent

# A process that waits until all are ready, and says how many signatures it compiled.
COPIES = """
import sys
import numpy as np
from varstore.kernels.copying import copy_to
print("ready", flush=True)
sys.stdin.readline()
for dtype in sys.argv[1:]:
    target = np.zeros(3, dtype)
    copy_to(target, np.ones(3, dtype))
    assert target.all()
compiler = sys.modules.get("varstore.kernels.compiler")
made = 0 if compiler is None else sum(compiler._made[copy_to].stats.cache_misses.values())
print(made, "numba" in sys.modules)
"""

# An index that is out of bounds; the memory behind it is the array's own.
ASTRAY = """
import sys
import numpy as np
from varstore.kernels.long_form import turn
values, out = np.arange(9).reshape(1, 9)[:, :2], np.zeros((1, 1), np.int64)
before = "numba" in sys.modules
try:
    turn(values, np.array([5]), out)
    print("nothing")
except IndexError:
    print("IndexError")
"""


def start(script, cache, *arguments, checked=False, **environment):
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(cache),
        "VARSTORE_BOUNDSCHECK": str(int(checked)),
        **environment,
    }
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def made_by(cache, *processes, **options):
    """How many signatures each process compiled, and whether it imported numba."""
    started = [start(COPIES, cache, *dtypes, **options) for dtypes in processes]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=100)[0].split() for process in started]
    return [(int(made), imported == "True") for made, imported in answers]


def test_processes_compile_a_kernel_once(tmp_path):
    counts = made_by(tmp_path, ["u1", "i4"], ["u1", "i4"])
    assert sum(made for made, _ in counts) == 2


def test_a_kept_kernel_needs_no_numba(tmp_path):
    assert made_by(tmp_path, ["u1"]) == [(1, True)]
    assert made_by(tmp_path, ["u1"]) == [(0, False)]
    assert made_by(tmp_path, ["u1", "i4"]) == [(1, True)], "what is kept, and what is new"
    assert made_by(tmp_path, ["i4", "u1"]) == [(0, False)]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"stamp": 3}\n', "cut", "changed"])
def test_a_damaged_kernel_is_compiled_again(tmp_path, damage):
    made_by(tmp_path, ["u1"])
    (kept,) = tmp_path.glob("copying.copy_to-*.kernel")
    whole = kept.read_bytes()
    if damage == "cut":
        damage = whole[:-1]
    elif damage == "changed":
        damage = whole[:-1] + bytes([whole[-1] ^ 1])
    kept.write_bytes(damage)
    ((_, imported),) = made_by(tmp_path, ["u1"])
    assert imported


def test_a_kernel_that_expects_what_is_not_there_is_not_loaded(tmp_path):
    """LLVM ends the process where a symbol is missing."""
    made_by(tmp_path, ["u1"])
    (kept,) = tmp_path.glob("copying.copy_to-*.kernel")
    line, _, code = kept.read_bytes().partition(b"\n")
    head = json.loads(line)
    head["symbols"].append("no_such_symbol")
    kept.write_bytes(json.dumps(head).encode() + b"\n" + code)
    ((_, imported),) = made_by(tmp_path, ["u1"])
    assert imported


def test_a_numba_of_other_parts_loads_its_kernels_itself(tmp_path):
    made_by(tmp_path, ["u1"])
    without = (
        "import varstore.kernels.machine_code as m\ndef gone(name):\n    raise ImportError(name)\nm._extension = gone\n"
    )
    process = start(without + COPIES, tmp_path, "u1")
    said, _ = process.communicate("\n", timeout=100)
    assert said.split() == ["ready", "0", "True"]


def test_what_is_kept_can_be_read_by_others(tmp_path):
    """The folder may be one that many share."""
    made_by(tmp_path, ["u1"])
    mask = os.umask(0)
    os.umask(mask)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ".kernel"]
    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~mask}


def test_kernels_of_other_options_are_kept_apart(tmp_path):
    made_by(tmp_path, ["u1"])
    ((made, _),) = made_by(tmp_path, ["u1"], NUMBA_OPT="1")
    assert made == 1
    assert made_by(tmp_path, ["u1"]) == [(0, False)]


def test_checked_kernels_are_kept_apart(tmp_path):
    for checked, expected in [(True, "IndexError"), (False, "nothing"), (True, "IndexError"), (False, "nothing")]:
        said, _ = start(ASTRAY, tmp_path, checked=checked).communicate(timeout=100)
        assert said.split() == [expected]
    assert len(list(tmp_path.glob("long_form.turn-*.kernel"))) == 2


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    said, _ = start(ASTRAY, nowhere).communicate(timeout=100)
    assert said.split() == ["nothing"]


def test_a_kernel_is_made_again_where_one_that_it_calls_changes(tmp_path):
    """A copy of the package, of which a module that others import is changed."""
    copy = tmp_path / "copy" / "varstore"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "kernels" / "callee.py").write_text("from .jit import kernel\n@kernel\ndef one(x):\n    return x + 1\n")
    (copy / "kernels" / "caller.py").write_text(
        "from .jit import kernel\nfrom .callee import one\n@kernel\ndef two(x):\n    return one(one(x))\n"
    )
    script = "import sys; from varstore.kernels.caller import two; print(two(5), 'numba' in sys.modules)"
    path = {"PYTHONPATH": str(tmp_path / "copy")}

    def said():
        return start(script, tmp_path / "kept", **path).communicate(timeout=100)[0].split()

    assert said() == ["7", "True"]
    assert said() == ["7", "False"]
    (copy / "kernels" / "callee.py").write_text("from .jit import kernel\n@kernel\ndef one(x):\n    return x + 2\n")
    assert said() == ["9", "True"]
    assert said() == ["9", "False"]


KINDS = """
import numpy as np
from varstore.kernels.jit import Kernel, _kind, _spelled
from varstore.kernels.compiler import spelled
import numba
from numba.core import types
table = np.arange(12, dtype=np.int32).reshape(3, 4)
fixed = np.zeros(3, np.float32)
fixed.flags.writeable = False
values = [
    1, 1.5, True, None, np.int8(1), np.uint64(1), np.float32(1), np.bool_(True), table, table.T, table[:, :2],
    table[0], fixed, np.zeros(2, bool), np.zeros((2, 2, 2), np.uint8), (1, table, (2.5, fixed)), (1, 2, 3), (),
    np.zeros(3, np.longlong), np.zeros((1, 1)), np.zeros((0, 3), np.int16), np.asfortranarray(np.zeros((2, 3))),
    np.zeros(4, np.int64)[::2], np.zeros(4, np.uint8)[::-1],
]
for value in values:
    ours, numbas = _spelled(_kind(value)), spelled(numba.typeof(value))
    assert ours is not None and ours == numbas, (ours, numbas)
for value in ("text", b"bytes", np.zeros(2, "S3"), np.zeros(2, [("a", int)]), np.zeros(2, ">i4"), [1], 1j, (1, "a")):
    assert _spelled(_kind(value)) is None, value
print("same")
"""


def test_values_are_of_the_types_numba_says(tmp_path):
    """Machine code is called without a check: the arguments have to be what it was compiled for."""
    said, _ = start(KINDS, tmp_path).communicate(timeout=100)
    assert said == "same\n"


def test_arrays_of_other_layouts_are_other_kernels(tmp_path):
    script = """
import numpy as np
from varstore.kernels.copying import copy_to
for source in (np.arange(6), np.arange(12)[::2] // 2, np.broadcast_to(np.int64(4), 6), np.arange(6).astype(np.int32)):
    target = np.zeros(6, np.int64)
    copy_to(target, source)
    print(*target)
try:
    copy_to(np.zeros(5, np.int64), np.arange(6))
except ValueError as error:
    print(error)
"""
    expected = ["0 1 2 3 4 5"] * 2 + ["4 4 4 4 4 4", "0 1 2 3 4 5", "copies are of one size"]
    for _ in range(2):
        said, _ = start(script, tmp_path).communicate(timeout=100)
        assert said.splitlines() == expected


WORK = """
import sys
from pathlib import Path
import varstore
folder = Path(sys.argv[1])
repo = varstore.create(folder / "repo", folder / "source.vcf.gz")
some = repo.samples[:5]
repo.count_alleles("22:1-500", samples=some)
repo.count_genotypes(samples=some)
repo.variant_stats(samples=some)
repo.look_up([("22", 5, "A", "T")])
print("numba" in sys.modules)
"""


def test_work_that_was_done_before_imports_no_numba(tmp_path):
    """Every kernel of an import and of common questions is one that runs alone."""
    text = vcf_text.make_vcf(20, 131, 23, ploidy="mixed", missing=0.05, half_missing=0.05, max_alts=4, unphased=0.3)
    environment = {**os.environ, "VARSTORE_BOUNDSCHECK": "0"}
    for time in ("first", "second"):
        (tmp_path / time).mkdir()
        vcf_text.write_bgzf(tmp_path / time / "source.vcf.gz", text)
        command = [sys.executable, "-c", WORK, str(tmp_path / time)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
        assert done.returncode == 0, done.stderr
    assert done.stdout == "False\n"


CALLER = """
from varstore.kernels.count import member_bit
from varstore.kernels.jit import kernel
@kernel
def both(mask):
    return member_bit(mask, 2), member_bit(mask, 3)
"""

# Kernels that were kept, one that calls them and is compiled each time, and a function of somebody else.
TOGETHER = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from others import both, member_bit
mask = np.array([4], np.uint64)
print(member_bit(mask, 2), member_bit(mask, 3), "numba" in sys.modules, both(mask))
import numba
@numba.njit
def roots(values):
    return np.dot(np.sqrt(values), values)
print(roots(np.array([4.0, 9.0])), member_bit(mask, 2))
"""


def test_a_kept_kernel_can_be_called_by_one_that_is_compiled(tmp_path):
    pytest.importorskip("scipy", reason="SciPy is not installed: numba needs it for np.dot")
    (tmp_path / "others.py").write_text(CALLER)
    for imported in (True, False):
        said, _ = start(TOGETHER, tmp_path / "kept", str(tmp_path)).communicate(timeout=100)
        assert said == f"1 0 {imported} (1, 0)\n35.0 1\n"


THREADS = """
import os
from click.testing import CliRunner
from varstore.cli.main import main
CliRunner().invoke(main, ["info", "nowhere"])
print(os.environ.get("OPENBLAS_NUM_THREADS"))
try:
    main(["info", "nowhere"])
except SystemExit:
    print(os.environ.get("OPENBLAS_NUM_THREADS"))
"""


def test_only_the_program_itself_tells_numpy_to_start_no_threads(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", THREADS]
    said = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, check=True).stdout
    assert said == "None\n1\n"
