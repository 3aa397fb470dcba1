"""The one kernel decorator: a function becomes machine code where it is first called, and is kept on disk.

Kernels are serial and release the GIL: parallel means threads or processes over chunks, outside.
They trust their input. Whoever calls one has validated sizes and codes before.

numba compiles them and is imported for that alone. A kernel that was compiled before, for the types it is called with,
is read from disk as machine code (``machine_code``): importing numba takes ten times as long.
"""

import threading
from collections.abc import Callable
from functools import update_wrapper
from operator import attrgetter
from typing import Any, cast

import numpy as np

from . import machine_code

# Of an array's flags: contiguous in C's order, in Fortran's, writable.
_C, _F, _WRITABLE = 1, 2, 1024
_SCALARS = {int: "int64", float: "float64", bool: "bool", np.bool_: "bool", type(None): "none"}
_SCALARS |= {kind: np.dtype(kind).name for kind in np.sctypeDict.values() if issubclass(kind, np.integer | np.floating)}
_finding = threading.RLock()


class Intrinsic:
    """A function that generates LLVM code where a kernel calls it, as numba's ``intrinsic`` describes it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(cast(Any, self), function)
        self.function = function


class Kernel:
    """A function as machine code. It takes arrays, numbers and tuples of them, by position."""

    def __init__(self, function: Callable[..., Any], *, inline: bool = False) -> None:
        update_wrapper(cast(Any, self), function)
        self.function, self.inline = function, inline
        self._compiled: dict[Any, Callable[..., Any]] = {}
        self._last: tuple[Any, Any] = None, None

    def __call__(self, *arguments: Any) -> Any:
        """Run with what is compiled for the types of ``arguments``; compile it where there is nothing."""
        # Written out: a question calls many kernels, each with many arrays.
        kinds = tuple([_array(item) if item.__class__ is np.ndarray else _kind(item) for item in arguments])
        last, run = self._last
        if kinds != last:  # to compare them takes half of the time of a look-up
            run = self._compiled.get(kinds)
            if run is None:
                with _finding:
                    run = self._compiled[kinds] = self._find(_spelled(kinds), arguments)
            self._last = kinds, run
        return run(*arguments)

    def _find(self, signature: str | None, arguments: Any) -> Callable[..., Any]:
        if signature is not None:
            if signature in self._compiled:
                return self._compiled[signature]
            if kept := machine_code.load(self.function, signature):
                self._compiled[signature] = kept
                return kept
        from .compiler import compile_for  # noqa: PLC0415

        return compile_for(self, arguments)


# What the type of an array in a kernel depends on, and more: flags that do not matter.
_array = attrgetter("dtype", "ndim", "flags.num")


def _kind(value: Any) -> Any:
    """What the type of a value in a kernel depends on; differs at least where that does."""
    if isinstance(value, tuple):
        return tuple([_kind(item) for item in value]) if type(value) is tuple else type(value)
    return _array(value) if isinstance(value, np.ndarray) else type(value)


def _spelled(kind: Any) -> str | None:
    """What ``_kind`` says as text: ``compiler.spelled`` says the same of numba's types. None: only numba knows."""
    if not isinstance(kind, tuple):
        return _SCALARS.get(kind)
    if kind and isinstance(kind[0], np.dtype):
        dtype, ndim, flags = kind
        element = _SCALARS.get(dtype.type) if dtype.isnative else None
        layout = "C" if flags & _C else "F" if flags & _F else "A"
        return element and f"{element}[{ndim}{layout}{'' if flags & _WRITABLE else ' read-only'}]"
    items = [_spelled(item) for item in kind]
    return None if None in items else f"({', '.join(map(str, items))})"


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` without the GIL, for the types it is called with, and keep that on disk."""
    return Kernel(function)


def inlined(function: Callable[..., Any]) -> Any:
    """A kernel that becomes part of those that call it: for what is called once a row with arrays.

    A call that passes arrays counts references to them, atomically: 30 ns, more than reading a short list.
    """
    return Kernel(function, inline=True)


def intrinsic(function: Callable[..., Any]) -> Any:
    """A function that generates LLVM code: its arguments are numba's typing context and types."""
    return Intrinsic(function)
