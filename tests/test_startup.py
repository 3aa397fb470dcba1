"""How the command line starts numba: without SciPy, and without a change to what programs of others see."""

import subprocess
import sys

import pytest


def run(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


READ_30 = """
import sys
from varstore.kernels.startup import run_alone
run_alone()
from varstore.kernels import sites
import numpy as np
text = np.frombuffer(b"30", np.uint8).copy()
out = np.zeros(1, np.uint32)
sites.parse_quality(text, np.array([0]), np.array([2]), out)
assert out.view(np.float32)[0] == 30
"""


def test_a_kept_kernel_needs_nothing_that_compiles(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("VARSTORE_BOUNDSCHECK", raising=False)
    program = READ_30 + 'print("numba.np.linalg" in sys.modules, "scipy" in sys.modules)'
    assert run(program).startswith("True"), "compiled"
    assert run(program) == "False False\n", "kept"


def test_a_kept_kernel_can_be_called_by_one_that_is_compiled(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    (tmp_path / "others.py").write_text(
        """
from varstore.kernels.count import member_bit
from varstore.kernels.jit import kernel
@kernel
def both(mask):
    return member_bit(mask, 2), member_bit(mask, 3)
"""
    )
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import numpy as np
from others import both, member_bit
mask = np.array([4], np.uint64)
print(member_bit(mask, 2), member_bit(mask, 3), "numba" in sys.modules, both(mask))
import numba
@numba.njit
def sums(values):
    return np.sqrt(values).sum()
print(sums(np.array([4.0, 9.0])), member_bit(mask, 2))
"""
    assert run(program) == "1 0 True (1, 0)\n5.0 1\n"
    assert run(program) == "1 0 False (1, 0)\n5.0 1\n"


def test_scipy_is_hidden_while_numba_starts_only():
    pytest.importorskip("scipy", reason="SciPy is not installed")
    program = (
        READ_30
        + """
import gc
assert gc.isenabled()
import scipy.linalg  # it was hidden for the start only
print(scipy.linalg.det(np.eye(2)))
"""
    )
    assert run(program) == "1.0\n"


def test_kernels_of_a_program_that_uses_varstore_have_blas():
    pytest.importorskip("scipy", reason="SciPy is not installed")
    program = """
import numba, numpy as np
from varstore.kernels import sites
@numba.njit
def dot(a, b):
    return np.dot(a, b)
print(dot(np.ones(3), np.ones(3)))
"""
    assert run(program) == "3.0\n"


def test_only_the_program_itself_says_that_it_is_alone():
    program = """
from click.testing import CliRunner
from varstore.cli.main import main
from varstore.kernels import startup
CliRunner().invoke(main, ["info", "nowhere"])
print(startup._alone)
try:
    main(["info", "nowhere"])
except SystemExit:
    print(startup._alone)
"""
    assert run(program) == "False\nTrue\n"
