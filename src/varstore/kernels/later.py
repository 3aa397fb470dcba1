"""What generates code, imported when code is generated: importing numba takes longer than most questions."""

from importlib import import_module
from typing import Any


class _Later:
    """A module that is imported when something of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


ir = _Later("llvmlite.ir")
types = _Later("numba.core.types")
cgutils = _Later("numba.core.cgutils")
