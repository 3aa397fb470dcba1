"""The one kernel decorator: a function becomes machine code where it is first called, and is kept on disk.

Kernels are serial and release the GIL: parallel means threads or processes over chunks, outside.
They trust their input. Whoever calls one has validated sizes and codes before.

numba compiles them and is imported for that alone. A kernel that was compiled before, for the types it is called with,
is read from disk as machine code (``machine_code``): importing numba takes ten times as long.
"""

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, cast

import numpy as np

from . import machine_code

# Of an array's flags: contiguous in C's order, in Fortran's, writable.
_C, _F, _WRITABLE = 1, 2, 1024
_FLAGS = _C | _F | _WRITABLE
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

    def __call__(self, *arguments: Any) -> Any:
        """Run with what is compiled for the types of ``arguments``; compile it where there is nothing."""
        kinds = tuple([_kind(argument) for argument in arguments])
        run = self._compiled.get(kinds)
        if run is None:
            with _finding:
                run = self._compiled[kinds] = self._find(kinds, arguments)
        return run(*arguments)

    def _find(self, kinds: Any, arguments: Any) -> Callable[..., Any]:
        signature = _spelled(kinds)
        if signature is not None and (kept := machine_code.load(self.function, signature)):
            return kept
        from .compiler import compile_for  # noqa: PLC0415

        return compile_for(self, arguments)


def _kind(value: Any) -> Any:
    """What of a value its type in a kernel depends on; differs at least where that does."""
    kind = type(value)
    if kind is tuple:
        return tuple([_kind(item) for item in value])
    if kind is np.ndarray or isinstance(value, np.ndarray):
        return value.dtype, value.ndim, value.flags.num & _FLAGS
    return kind


def _spelled(kind: Any) -> str | None:
    """A kind as text, the same as ``compiler.spelled`` makes of numba's types; None: only numba knows its type."""
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
