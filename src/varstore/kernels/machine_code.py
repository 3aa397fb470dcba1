"""Compiled kernels on disk, as machine code, and how they are loaded without numba.

numba makes of a kernel a function that Python can call, with its arguments taken apart in C. Such a function needs no
more than numba's helpers in C and LLVM's loader, which are loaded here without the rest of numba. A kernel is kept in
``NUMBA_CACHE_DIR``, else beside its module, else in the user's cache, in a file that holds a line of JSON and an object
file. It is one for this source, processor, Python and numba; for any other it is compiled again.
"""

import ctypes
import json
import os
import re
import sys
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

# Bounds checks cost half the speed; tests and the fuzzers switch them on.
CHECKED = os.environ.get("VARSTORE_BOUNDSCHECK") == "1"
_HERE = Path(__file__).parent
_IMPORTS = re.compile(rb"^\s*from \.(\w*) import ([\w, ]*)", re.MULTILINE)


@dataclass(frozen=True)
class Compiled:
    """A kernel, compiled for a signature.

    wrapper : name of the function Python calls    environment : of the variable that points to its environment
    symbols : what the code expects of the process    alone : whether it runs without numba
    code : an object file
    """

    wrapper: str
    environment: str
    symbols: list[str]
    alone: bool
    code: bytes


def load(function: Callable[..., Any], signature: str) -> Callable[..., Any] | None:
    """What runs a kernel for a signature; None: it has to be compiled, or needs numba."""
    kept = read(function, signature)
    if kept is None or not kept.alone:
        return None
    try:
        place_of = _symbol_place()
    except (ImportError, AttributeError):  # a numba with other parts: it loads what it made itself
        return None
    # What LLVM does not find ends the process.
    return _loaded(function, kept) if all(map(place_of, kept.symbols)) else None


def read(function: Callable[..., Any], signature: str) -> Compiled | None:
    """What is kept of a kernel for a signature; None: nothing, or it was made of another source."""
    stamp = source_stamp(function)
    try:
        line, _, code = _file(function, signature).read_bytes().partition(b"\n")
        head = json.loads(line)
        if stamp is None or head.pop("stamp") != stamp or head.pop("crc32") != zlib.crc32(code):
            return None
        return Compiled(code=code, **head)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save(function: Callable[..., Any], signature: str, compiled: Compiled) -> None:
    """Keep a compiled kernel, if its source is known and the folder lets itself be written."""
    head = asdict(compiled) | {"stamp": source_stamp(function)}
    code = head.pop("code")
    head["crc32"] = zlib.crc32(code)
    if head["stamp"] is None:
        return
    path = _file(function, signature)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        temporary.write_bytes(json.dumps(head).encode() + b"\n" + code)
        os.replace(temporary, path)


@cache
def _stamp_of(module: str) -> bytes | None:
    """A digest of a module of this package and of all it imports from it; None: the source is not there."""
    sources: dict[str, bytes] = {}
    missing = [module]
    while missing:
        name = missing.pop()
        try:
            sources[name] = (_HERE / f"{name}.py").read_bytes()
        except OSError:
            return None
        for imported, names in _IMPORTS.findall(sources[name]):
            found = [imported] if imported else re.findall(rb"\w+", names)
            missing.extend(text for text in (item.decode() for item in found) if text not in sources)
    whole = sha256()
    for name, source in sorted(sources.items()):
        whole.update(f"{name} {len(source)}\n".encode() + source)
    return whole.digest()


def source_stamp(function: Callable[..., Any]) -> str | None:
    """What changes where the source of a kernel does, or that of a module it is made with; None: it is not known."""
    package, _, module = function.__module__.rpartition(".")
    stamp = _stamp_of(module) if package == __package__ else None
    return None if stamp is None else stamp.hex()


@cache
def _folder() -> Path:
    """Where kernels are kept. Found once."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    beside = _HERE / "__pycache__"
    if os.access(beside if beside.is_dir() else _HERE, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "varstore"


def _file(function: Callable[..., Any], signature: str) -> Path:
    """The file of a kernel for a signature, on this machine: others that read the folder have their own."""
    made = sha256(json.dumps([signature, *_machine()]).encode()).hexdigest()[:24]
    module = function.__module__.rpartition(".")[2]
    return _folder() / f"{module}.{function.__qualname__}-{made}.kernel"


@cache
def _machine() -> list[str]:
    """What machine code depends on besides its source."""
    import llvmlite  # noqa: PLC0415 - as all of it: whoever asks for no kernel does without
    from llvmlite import binding  # noqa: PLC0415

    features = binding.get_host_cpu_features().flatten()
    numba = (_numba() / "_version.py").read_text()
    python = sys.implementation.cache_tag or sys.version
    return [str(_HERE), python, numba, llvmlite.__version__, binding.get_host_cpu_name(), features, *options()]


def options() -> list[str]:
    """What the environment says of how kernels are compiled."""
    asked = sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith("NUMBA_") and k != "NUMBA_CACHE_DIR")
    return [*asked, "checked"] if CHECKED else asked


@cache
def _numba() -> Path:
    """The folder of numba, which is found and not imported."""
    spec = find_spec("numba")
    if spec is None or spec.origin is None:
        raise ImportError("numba is not installed: varstore needs it; pip install numba")
    return Path(spec.origin).parent


def _extension(name: str) -> Any:
    """An extension module of numba, without the packages it is in."""
    if name in sys.modules:
        return sys.modules[name]
    folder = _numba().joinpath(*name.split(".")[1:-1])
    spec = PathFinder.find_spec(name, [str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder}: {name} is not in it; reinstall numba")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _engine() -> Any:
    """LLVM's loader of object files, and in the process the symbols that numba's machine code refers to."""
    import builtins  # noqa: PLC0415

    from llvmlite import binding  # noqa: PLC0415

    helpers, functions = _extension("numba._helperlib"), _extension("numba._dynfunc")
    symbols = {f"numba_{name}": place for part in (helpers, functions) for name, place in part.c_helpers.items()}
    for name, place in _extension("numba.core.runtime._nrt_python").c_helpers.items():
        symbols[name if name.startswith("_") else f"NRT_{name}"] = place
    for error in vars(builtins).values():
        if isinstance(error, type) and issubclass(error, BaseException):
            symbols[f"PyExc_{error.__name__}"] = id(error)
    symbols["_Py_NoneStruct"] = id(None)
    for name, place in symbols.items():
        binding.add_symbol(name, place)
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine()
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)


def _symbol_place() -> Callable[[str], Any]:
    from llvmlite import binding  # noqa: PLC0415

    _engine()
    place: Callable[[str], Any] = binding.address_of_symbol
    return place


def _loaded(function: Callable[..., Any], compiled: Compiled) -> Callable[..., Any]:
    from llvmlite import binding  # noqa: PLC0415

    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(compiled.code))
    engine.finalize_object()
    functions = _extension("numba._dynfunc")
    environment = functions.Environment(function.__globals__)
    ctypes.c_void_p.from_address(engine.get_global_value_address(compiled.environment)).value = id(environment)
    address = engine.get_function_address(compiled.wrapper)
    module, name = sys.modules[function.__module__], function.__name__
    # It keeps its environment, to which the code has a pointer.
    made: Callable[..., Any] = functions.make_function(
        module, name, function.__doc__ or name, address, environment, (engine,)
    )  # fmt: skip
    return made
