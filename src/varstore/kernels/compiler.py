"""Kernels compiled by numba, and kept: as machine code, and in numba's own cache for kernels that call them."""

from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import numba
from numba.core import types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

from . import machine_code
from .jit import Intrinsic, Kernel
from .once import one_process

_njit = partial(numba.njit, nogil=True, boundscheck=machine_code.CHECKED)
_made: dict[Kernel | Intrinsic, Any] = {}


def compile_for(kernel: Kernel, arguments: Any) -> Callable[..., Any]:
    """Compile a kernel for the types of some arguments, or find it in numba's cache; return what runs it."""
    dispatcher = _numba_of(kernel)
    signature = tuple(dispatcher.typeof_pyval(argument) for argument in arguments)
    dispatcher.compile(signature)
    text = spelled(types.Tuple(signature))
    kept = None if text is None else machine_code.load(kernel.function, text)
    return kept or dispatcher


def spelled(kind: Any) -> str | None:
    """A type as text, the same as ``jit._spelled`` makes of a value's; None: kernels of it are not kept."""
    kind = types.unliteral(kind)
    if isinstance(kind, types.Array):
        element = spelled(kind.dtype)
        return element and f"{element}[{kind.ndim}{kind.layout}{'' if kind.mutable else ' read-only'}]"
    if isinstance(kind, types.BaseAnonymousTuple):
        items = [spelled(item) for item in kind]
        return None if None in items else f"({', '.join(map(str, items))})"
    known = isinstance(kind, types.Integer | types.Float | types.Boolean | types.NoneType)
    return str(kind) if known else None


class _Cache(FunctionCache):  # type: ignore[misc] # numba has no types
    """numba's cache of a function, made again where a module changes that the function is made with."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._function = function
        self._cache_file._source_stamp = machine_code.source_stamp(function) or self._cache_file._source_stamp

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function of a signature, or None: also where its machine code was not kept, or was damaged."""
        text = spelled(types.Tuple(sig))
        if text is not None and machine_code.read(self._function, text) is None:
            return None
        return super().load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a function that was compiled."""
        super().save_overload(sig, data)
        text = spelled(types.Tuple(data.signature.args))
        if text is None or data.lifted or data.library.has_dynamic_globals:
            return
        module = data.library._final_module
        declared = [
            item.name for part in (module.functions, module.global_variables) for item in part if item.is_declaration
        ]
        compiled = machine_code.Compiled(
            wrapper=data.fndesc.llvm_cpython_wrapper_name,
            environment=data.fndesc.env_name,
            symbols=[name for name in declared if not name.startswith("llvm.")],
            alone=not data.environment.consts,  # objects that only numba knows how to make again
            code=data.library._get_compiled_object(),
        )
        machine_code.save(self._function, text, compiled)

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """What numba keeps a compiled function under, which does not say how it was compiled."""
        return (*super()._index_key(sig, codegen), *machine_code.options())


def _numba_of(item: Kernel | Intrinsic) -> Any:
    """numba's object for one of ours, made once."""
    if item not in _made:
        if isinstance(item, Intrinsic):
            _made[item] = intrinsic(item.function)
        elif item.inline:
            _made[item] = _njit(inline="always")(_with_numba(item.function))
        else:
            _made[item] = _dispatcher(_with_numba(item.function))
    return _made[item]


def _dispatcher(function: Callable[..., Any]) -> Any:
    # Nobody calls kernels from C: that entry of each is a tenth of the time it takes to compile.
    compiled = _njit(no_cfunc_wrapper=True)(function)
    compiled._cache = _Cache(function)
    template_of = compiled.get_call_template
    compiled.get_call_template = lambda args, kws: template_of(tuple(map(_widened, args)), kws)
    one_process(compiled)
    return compiled


def _with_numba(function: Any) -> Any:
    """The function with numba's objects where it names ours."""
    named = {name: function.__globals__.get(name) for name in _names(function.__code__)}
    ours = {name: _numba_of(item) for name, item in named.items() if isinstance(item, Kernel | Intrinsic)}
    copy = FunctionType(function.__code__, {**function.__globals__, **ours}, function.__name__, function.__defaults__)
    copy.__module__, copy.__qualname__, copy.__doc__ = function.__module__, function.__qualname__, function.__doc__
    return copy


def _names(code: CodeType) -> set[str]:
    """Names that code looks for outside of itself, with what is defined in it."""
    return set(code.co_names).union(*(_names(item) for item in code.co_consts if isinstance(item, CodeType)))


def _widened(argument: Any) -> Any:
    """The type a kernel is compiled for where another kernel passes ``argument``.

    numba compiles a callee for each literal and each width of integer that is passed: here it is compiled once, for
    int64, which every signed integer converts to.
    """
    argument = types.unliteral(argument)
    return types.int64 if isinstance(argument, types.Integer) and argument.signed else argument
