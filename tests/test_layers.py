"""Imports point downwards only, and the check of that finds what it should."""

import importlib.util
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def fx_check_layers():
    """The module tools/check_layers.py."""
    spec = importlib.util.spec_from_file_location("check_layers", CHECKOUT / "tools" / "check_layers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fx_package(tmp_path):
    """A function that writes one module of a package otherwise empty, and returns the package's folder."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return tmp_path

    return write


def test_varstore_keeps_its_layers(fx_check_layers):
    assert fx_check_layers.problems(CHECKOUT / "src" / "varstore") == []


@pytest.mark.parametrize(
    ("name", "text", "culprit"),
    [
        ("codec/genotype.py", "from ..storage.batch import Batch", "codec imports varstore.storage.batch.Batch"),
        ("codec/genotype.py", "from .. import storage", "codec imports varstore.storage"),
        ("codec/genotype.py", "import varstore.query.plan", "codec imports varstore.query.plan"),
        ("query/plan.py", "from ..ingest.text import TextFile", "query imports varstore.ingest.text.TextFile"),
        ("ingest/text.py", "from ..query import plan", "ingest imports varstore.query.plan"),
        ("storage/files.py", "def f():\n    from ..repository import open", "storage imports varstore.repository.open"),
        (
            "query/plan.py",
            "try:\n    import varstore.cli.main\nexcept ImportError:\n    pass",
            "query imports varstore.cli",
        ),
        ("kernels/count.py", "from ..errors import VarstoreError", "kernels imports varstore.errors"),
        ("kernels/count.py", "from ..model.regions import Region", "kernels imports varstore.model"),
        ("model/regions.py", "from ..kernels import rows", "model imports varstore.kernels.rows"),
        ("errors.py", "from .model import regions", "errors imports varstore.model.regions"),
        ("query/plan.py", "from .. import Repository", "query imports varstore.Repository"),
        ("utils.py", "", "utils is no layer"),
    ],
)
def test_an_import_upwards_is_found(fx_check_layers, fx_package, name, text, culprit):
    (found,) = fx_check_layers.problems(fx_package(name, text))
    assert culprit in found
    assert f"{name}:" in found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cli/main.py", "from .. import repository, __version__\nfrom ..errors import QueryError\nfrom . import show"),
        ("repository.py", "from .query.plan import plan_reads\nfrom .ingest.importer import BatchImport"),
        (
            "query/plan.py",
            "from ..storage.batch import Batch\nfrom .cohorts import Cohort\nfrom ..model import regions",
        ),
        ("model/results.py", "from ..errors import QueryError"),
        ("kernels/count.py", "import numpy\nfrom .rows import ALT"),
        ("codec/rows.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..query.plan import Store"),
        ("__init__.py", "from .repository import open"),
        ("__main__.py", "from .cli.main import main"),
    ],
)
def test_an_import_downwards_is_fine(fx_check_layers, fx_package, name, text):
    assert fx_check_layers.problems(fx_package(name, text)) == []
