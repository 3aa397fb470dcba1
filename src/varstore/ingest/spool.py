"""Spools: what the scanner made of one partition, on disk until the import is committed.

A spool is blocks, one a scanned piece, an index of them, and the SHA-256 of everything before it. A block is a
JSON description and the arrays it refers to, compressed. docs/format.md describes it with the staging folder.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import uuid
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs import zstd
from numpy.typing import NDArray

from ..codec.rows import RowSets
from ..errors import PlanError
from ..storage import files
from ..storage.field_table import FieldTable
from .calls import Calls
from .field_blocks import FieldBlock
from .records import Fault, Records, ScanResult

_MAGIC = b"varstore spool 1\n"
_SIZE = struct.Struct("<Q")
_DIGEST_SIZE = hashlib.sha256().digest_size
_LEVEL = 1
_FRAME = 1 << 26  # bytes of an array that are compressed at once
_KINDS = {kind.__name__: kind for kind in (ScanResult, Fault, Records, RowSets, Calls, FieldBlock)}


class SpoolWriter:
    """Writes the spool of one partition under a name of its own, and gives it its real name when it is whole.

    plan_id : of the plan it belongs to, kept in it
    """

    def __init__(self, path: Path, plan_id: str) -> None:
        self.path = path
        self._temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
        self._plan_id = plan_id
        self._digest = hashlib.sha256()
        self._size = 0
        self._blocks: list[int] = []
        self._is_sound = True
        self._append(_MAGIC)

    def _append(self, data: bytes) -> None:
        files.append(self._temporary, data)
        self._digest.update(data)
        self._size += len(data)

    def put(self, result: ScanResult, table: FieldTable | None) -> None:
        """Write one piece's result; ``table`` has the names of its FORMAT fields."""
        self._is_sound = False
        self._blocks.append(self._size)
        packer = _Packer()
        document = {"result": packer.pack(result), "formats": [f.key for f in table.fields] if table else []}
        frames = []
        document["arrays"] = []
        for array in packer.arrays:
            sizes = []
            data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            for begin in range(0, len(data), _FRAME):
                frames.append(zstd.compress(data[begin : begin + _FRAME], _LEVEL))
                sizes.append(len(frames[-1]))
            document["arrays"].append([array.dtype.str, array.shape, sizes])
        head = json.dumps(document).encode()
        self._append(b"".join([_SIZE.pack(len(head)), head, *frames]))
        self._is_sound = True

    def finish(self, following: tuple[int, int] | None) -> None:
        """End the spool: sync it, and rename it into place. Nothing of that if a ``put`` failed.

        following : where the next partition of a BCF begins
        """
        if not self._is_sound:
            return
        index = json.dumps({"plan": self._plan_id, "blocks": self._blocks, "following": following}).encode()
        self._append(index + _SIZE.pack(len(index)))
        files.append(self._temporary, self._digest.digest())
        files.sync_file(self._temporary)
        files.replace(self._temporary, self.path)

    def abandon(self) -> None:
        """Remove what was written."""
        files.remove(self._temporary)


class Spool:
    """A whole spool, checked against its digest. Raises PlanError if it is damaged or of another plan."""

    def __init__(self, path: Path, plan_id: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            if size < len(_MAGIC) + _SIZE.size + _DIGEST_SIZE:
                raise PlanError(f"{path}: damaged: cut off at byte {size}")
            self._data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        body = self._data[:-_DIGEST_SIZE]
        if hashlib.sha256(body).digest() != self._data[-_DIGEST_SIZE:] or body[: len(_MAGIC)] != _MAGIC:
            raise PlanError(f"{path}: damaged: it does not match its own SHA-256 digest")
        (length,) = _SIZE.unpack(body[-_SIZE.size :])
        index = json.loads(bytes(body[-_SIZE.size - length : -_SIZE.size]))
        if index["plan"] != plan_id:
            raise PlanError(f"{path}: a spool of plan {index['plan']}, expected {plan_id}")
        self._blocks: list[int] = index["blocks"]
        following = index["following"]
        self.following: tuple[int, int] | None = None if following is None else (following[0], following[1])

    def __len__(self) -> int:
        return len(self._blocks)

    def load(self, block: int, table: FieldTable | None) -> ScanResult:
        """One piece's result, its FORMAT fields numbered as in ``table``."""
        begin = self._blocks[block]
        (length,) = _SIZE.unpack(self._data[begin : begin + _SIZE.size])
        at = begin + _SIZE.size + length
        document = json.loads(bytes(self._data[begin + _SIZE.size : at]))
        arrays = []
        for dtype, shape, sizes in document["arrays"]:
            array = np.empty(shape, dtype)
            self._inflate(array.reshape(-1).view(np.uint8), at, sizes)
            at += sum(sizes)
            arrays.append(array)
        result: ScanResult = _unpack(document["result"], arrays)
        return _renumbered(result, document["formats"], table)

    def _inflate(self, out: NDArray[np.uint8], at: int, sizes: list[int]) -> None:
        """Inflate the frames at ``at`` one behind the other."""
        for i, size in enumerate(sizes):
            zstd.decompress(self._data[at : at + size], out[i * _FRAME : (i + 1) * _FRAME])
            at += size


class _Packer:
    """Describes values as JSON; arrays are numbered, each once however often it is met."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._number: dict[int, int] = {}

    def pack(self, value: Any) -> Any:
        """The description of a value: dataclasses of ours, arrays, containers, and what JSON has."""
        if isinstance(value, np.ndarray):
            if id(value) not in self._number:
                self._number[id(value)] = len(self.arrays)
                self.arrays.append(value)
            return {"array": self._number[id(value)]}
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, list):
            return [self.pack(item) for item in value]
        if isinstance(value, tuple):
            return {"tuple": [self.pack(item) for item in value]}
        if isinstance(value, dict):
            return {"dict": [[self.pack(key), self.pack(item)] for key, item in value.items()]}
        if is_dataclass(value):
            return {
                "kind": type(value).__name__,
                "fields": {field.name: self.pack(getattr(value, field.name)) for field in fields(value)},
            }
        return value


def _unpack(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """The value that a description is of."""
    if isinstance(value, list):
        return [_unpack(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "tuple" in value:
        return tuple(_unpack(item, arrays) for item in value["tuple"])
    if "dict" in value:
        return {_unpack(key, arrays): _unpack(item, arrays) for key, item in value["dict"]}
    return _KINDS[value["kind"]](**{name: _unpack(item, arrays) for name, item in value["fields"].items()})


def _renumbered(result: ScanResult, names: list[str], table: FieldTable | None) -> ScanResult:
    """The same with FORMAT fields as ``table`` numbers them: fields no header declares come in any order."""
    if table is None or names == [field.key for field in table.fields[: len(names)]]:
        return result
    result.records = [replace(r, calls=_renumbered_calls(r.calls, names, table)) for r in result.records]
    return result


def _renumbered_calls(calls: Calls, names: list[str], table: FieldTable) -> Calls:
    segments = tuple(
        (num_rows, {table.add(names[slot]): block for slot, block in blocks.items()})
        for num_rows, blocks in calls.segments
    )
    odd = calls.odd.copy()
    for slot in np.unique(odd[:, 2]).tolist():
        if slot >= 0:
            odd[calls.odd[:, 2] == slot, 2] = table.add(names[slot])
    return Calls(segments, odd, calls.text)
