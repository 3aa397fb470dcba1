"""varstore: a repository of genomes. Chunked, compressed genotypes; counts straight from them.

>>> import varstore as vs                                            # doctest: +SKIP
>>> repo = vs.create("cohort.varstore", "chr22.vcf.gz")              # doctest: +SKIP
>>> repo.count_alleles("22:16,050,000-16,100,000").to_pandas()       # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .errors import (
        CorruptRepositoryError,
        InputError,
        QueryError,
        RepositoryError,
        VarstoreError,
    )
    from .model.results import CountTable, Genotypes
    from .query.cohorts import Cohort
    from .repository import Repository, create, open  # noqa: A004

# Where each public name lives; loaded when first asked for, so that `import varstore` costs nothing.
_HOMES = {
    "Cohort": "query.cohorts",
    "CorruptRepositoryError": "errors",
    "CountTable": "model.results",
    "Genotypes": "model.results",
    "InputError": "errors",
    "QueryError": "errors",
    "Repository": "repository",
    "RepositoryError": "errors",
    "VarstoreError": "errors",
    "create": "repository",
    "open": "repository",
}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'varstore' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
