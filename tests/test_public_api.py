"""The names people import, and what importing them costs."""

import subprocess
import sys
import textwrap

import pytest

import varstore

# Adding a name is a decision: extend this list, and say so in CHANGELOG.md.
NAMES = [
    "Cohort",
    "CorruptRepositoryError",
    "CountTable",
    "Genotypes",
    "InputError",
    "QueryError",
    "Repository",
    "RepositoryError",
    "VarstoreError",
    "__version__",
    "create",
    "open",
]
# None of these may be loaded before it is needed: each costs more than a whole `varstore --help`.
HEAVY = {
    "arro3",
    "cyvcf2",
    "dask",
    "llvmlite",
    "numba",
    "numcodecs",
    "numpy",
    "pandas",
    "polars",
    "rich",
    "xarray",
    "zarr",
}


def modules_after(program):
    """Top-level names of what a fresh interpreter has loaded after ``program``."""
    report = "import sys; print('\\nLOADED', *{name.partition('.')[0] for name in sys.modules})"
    code = f"{textwrap.dedent(program)}\n{report}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_exported_names_are_pinned():
    assert varstore.__all__ == NAMES
    assert varstore.__all__ == sorted(NAMES)
    assert len(NAMES) <= 18
    assert dir(varstore) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_documented(name):
    value = getattr(varstore, name)
    assert name == "__version__" or value.__doc__


def test_every_public_method_is_documented():
    for name in NAMES:
        value = getattr(varstore, name)
        if isinstance(value, type):
            for attribute, member in vars(value).items():
                if not attribute.startswith("_") and (callable(member) or isinstance(member, property)):
                    assert member.__doc__, f"{name}.{attribute} has no docstring"


def test_other_names_are_no_attributes():
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        _ = varstore.opne


def test_importing_loads_nothing_heavy():
    assert not modules_after("import varstore") & (HEAVY | {"click"})


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["count", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    loaded = modules_after(
        f"""
        from varstore.cli.main import main
        main({arguments!r}, standalone_mode=False)
        """
    )
    assert "click" in loaded
    assert not loaded & HEAVY


def test_counting_everybody_loads_no_numba(fx_small):
    """The answer is in the stored totals; numba's start would be most of the question."""
    loaded = modules_after(f"import varstore\nassert len(varstore.open({str(fx_small.path)!r}).count_genotypes())")
    assert "numpy" in loaded
    assert not loaded & {"numba", "llvmlite", "zarr", "cyvcf2"}


def test_the_codec_loads_nothing_of_zarr():
    # It must work inside zarr-python 2, whose environment has no zarr 3 to offer.
    assert not modules_after("import varstore.codec.numcodec") & {"zarr", "click", "cyvcf2", "rich"}
