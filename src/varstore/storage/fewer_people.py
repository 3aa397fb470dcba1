"""Parts and batches without some of their people, as they are to be written anew."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs.registry import get_codec
from numpy.typing import NDArray

from .arrays import ArraySpec, StoredArray, decode, pack_text
from .batch import Batch, chunk_width
from .field_columns import write_list
from .field_extras import ODD
from .parts import PartWriter, ReadablePart
from .sources import MERGED, RECORD_ROW

HEADER = "varstore/header.vcf"
_OVERFLOW = "varstore/overflow/"
# Ids that are shorter, or numbers, stand for other things in text too.
_LEAST_ID = 3


def token(ids: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds ids as words of a text; None where there is none that could not be another word."""
    words = sorted((re.escape(i) for i in ids if len(i) >= _LEAST_ID and not i.isdigit()), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])") if words else None


class _Memory:
    """What small arrays are written into."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, name: str, data: bytes | memoryview) -> None:
        self.files[name] = bytes(data)


class FewerPeople:
    """A part without some people: a view that gives each file as it is to be written.

    keep : (samples,) bool, along every axis that is named ``samples``
    ids : lines of headers that hold one of these names are left out
    """

    def __init__(self, part: ReadablePart, keep: NDArray[np.bool_], ids: Sequence[str]) -> None:
        self.whole = part
        self.folder = part.folder
        self.keep = keep
        self.kept = np.flatnonzero(keep)
        self.ids = ids

    @cached_property
    def _axes(self) -> dict[str, int]:
        """Where arrays have an axis of samples."""
        out = {}
        for name in self.whole.entries:
            if name.endswith("/.zattrs"):
                dims = json.loads(self.whole.read(name)).get("_ARRAY_DIMENSIONS", [])
                if "samples" in dims:
                    out[name.removesuffix("/.zattrs")] = dims.index("samples")
        return out

    @cached_property
    def _metadata(self) -> dict[str, dict[str, Any]]:
        """Metadata of these arrays as they come to be."""
        out = {}
        for name, axis in self._axes.items():
            document = json.loads(self.whole.read(f"{name}/.zarray"))
            document["shape"][axis] = len(self.kept)
            document["chunks"][axis] = min(document["chunks"][axis], chunk_width(len(self.kept)))
            out[name] = document
        return out

    @cached_property
    def _small(self) -> dict[str, bytes]:
        """Files that are made at once: headers, and what is kept beside the arrays."""
        memory = _Memory()
        if self.whole.has(HEADER):
            memory.write(HEADER, self._header().encode())
        if self.whole.has(".zattrs"):
            memory.write(".zattrs", self._attributes())
        for name in self.whole.entries:
            if name.startswith(_OVERFLOW) and name.endswith("_width/.zarray"):
                self._overflow(memory, name.removesuffix("_width/.zarray"))
        if self.whole.has(f"{ODD}call_sample/.zarray"):
            self._odd_calls(memory)
        return memory.files

    def _header(self) -> str:
        out, found = [], token(self.ids)
        for line in self.whole.read(HEADER).decode().splitlines(keepends=True):
            if line.startswith("#CHROM"):
                columns = line.rstrip("\n").split("\t")
                people = columns[9:]
                if len(people) == len(self.keep):
                    people = [people[i] for i in self.kept.tolist()]
                out.append("\t".join([*columns[: 9 if people else 8], *people]) + "\n")
            elif found is None or not found.search(line):
                out.append(line)
        return "".join(out)

    def _attributes(self) -> bytes:
        document, found = json.loads(self.whole.read(".zattrs")), token(self.ids)
        pairs = document.get("vcf_meta_information")
        if pairs is not None and found is not None:
            document["vcf_meta_information"] = [pair for pair in pairs if not found.search(json.dumps(pair))]
        return json.dumps(document, indent=1).encode()

    def _overflow(self, memory: Any, name: str) -> None:
        arrays = [StoredArray(self.whole, each) for each in (name, f"{name}_width")]
        values, widths = arrays[0].read(), arrays[1].read().astype(np.int64)
        parts, at = [], 0
        for width in widths.tolist():
            size = width * len(self.keep)
            parts.append(values[at : at + size].reshape(len(self.keep), width)[self.keep].reshape(-1))
            at += size
        self._write_list(memory, arrays[0], np.concatenate([values[:0], *parts]))

    def _odd_calls(self, memory: Any) -> None:
        columns = {name: StoredArray(self.whole, f"{ODD}call_{name}") for name in ("record", "sample", "key", "text")}
        sample = columns["sample"].read().astype(np.int64)
        mine = self.keep[sample]
        new = np.cumsum(self.keep) - 1
        for name, array in columns.items():
            values = new[sample[mine]] if name == "sample" else array.read()[mine]
            self._write_list(memory, array, values)

    def _write_list(self, memory: Any, array: StoredArray, values: NDArray[Any]) -> None:
        dims = json.loads(self.whole.read(f"{array.name}/.zattrs"))["_ARRAY_DIMENSIONS"]
        spec = ArraySpec(array.name, array.metadata["dtype"], tuple(dims))
        write_list(memory, spec, values.tolist() if spec.dtype == "|O" else values)

    @cached_property
    def entries(self) -> dict[str, tuple[str, int]]:
        """Names of the files; sizes and digests are those of the part as it is."""
        out = {}
        replaced = {name.rpartition("/")[0] for name in self._small if name.endswith("/.zarray")}
        for name, entry in self.whole.entries.items():
            array, _, _ = name.rpartition("/")
            if name.startswith(f"{RECORD_ROW}/") or array in self._axes or array in replaced:
                continue
            out[name] = entry
        out |= dict.fromkeys(self._small, ("", 0))
        for array, document in self._metadata.items():
            if not len(self.kept) and array not in ("sample_id", "sample_set", "sample_ploidy"):
                continue  # a batch without people has no calls
            out[f"{array}/.zarray"] = out[f"{array}/.zattrs"] = ("", 0)
            counts = [-(-n // c) for n, c in zip(document["shape"], document["chunks"], strict=True)]
            for index in itertools.product(*map(range, counts)):
                if array not in MERGED and any(
                    self.whole.has(_key(array, i)) for i, _, _ in self._pieces(array, index)
                ):
                    out[_key(array, index)] = ("", 0)
        return out

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self.entries

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        if name in self._small:
            return self._small[name]
        array, _, key = name.rpartition("/")
        if array not in self._axes or key == ".zattrs":
            return self.whole.read(name)
        if key == ".zarray":
            return json.dumps(self._metadata[array], indent=1).encode()
        return self._chunk(array, tuple(map(int, key.split("."))))

    def _pieces(self, array: str, index: tuple[int, ...]) -> list[tuple[tuple[int, ...], NDArray[np.int64], int]]:
        """Old chunks that a new one is made of: which, which samples of it, and where they go."""
        axis = self._axes[array]
        old, new = self._old(array).chunks[axis], self._metadata[array]["chunks"][axis]
        mine = self.kept[index[axis] * new : (index[axis] + 1) * new]
        out, at = [], 0
        for chunk in np.unique(mine // old).tolist():
            inside = mine[mine // old == chunk] - chunk * old
            out.append(((*index[:axis], chunk, *index[axis + 1 :]), inside, at))
            at += len(inside)
        return out

    def _old(self, array: str) -> StoredArray:
        return StoredArray(self.whole, array)

    def _chunk(self, array: str, index: tuple[int, ...]) -> bytes:
        axis, old, document = self._axes[array], self._old(array), self._metadata[array]
        text = document["dtype"] == "|O"
        dtype = np.dtype(object if text else document["dtype"])
        fill = "" if text else document["fill_value"] or 0
        out = np.full(document["chunks"], fill, dtype)
        for chunk, samples, at in self._pieces(array, index):
            data = old.raw(*chunk)
            if data is None:
                continue
            flat = decode(data, document["compressor"], document["filters"])
            block = (flat if text else np.frombuffer(flat, dtype)).reshape(old.chunks)
            place = (*[slice(None)] * axis, slice(at, at + len(samples)))
            out[place] = np.take(block, samples, axis=axis)
        encoded: Any = pack_text(out.reshape(-1).tolist()) if text else out
        for config in () if text else document["filters"] or ():
            encoded = get_codec(dict(config)).encode(encoded)
        return bytes(get_codec(dict(document["compressor"])).encode(encoded))

    def copy_to(self, writer: PartWriter) -> None:
        """Write the whole part."""
        for name in sorted(self.entries):
            writer.write(name, self.read(name))


def _key(array: str, index: tuple[int, ...]) -> str:
    return f"{array}/" + ".".join(map(str, index))


class FewerBatch(Batch):
    """A batch without some people, to be written into a shared part."""

    def __init__(self, whole: Batch, keep: NDArray[np.bool_], ids: Sequence[str]) -> None:
        self.whole = whole
        self.keep = keep
        super().__init__(FewerPeople(whole.part, keep, ids))


def holds(root: Path, ids: Sequence[str]) -> list[str]:
    """Every file below a repository that holds one of these ids, as sentences.

    Text is searched for ids as words, decoded where it is compressed; ids that are numbers or shorter than three
    characters only where samples are named.
    """
    found, names = [], set(ids)
    pattern = token(ids)
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        texts = _texts(path, data)
        exact = path.parent.name in ("sample", "sample_id") and not path.name.startswith(".")
        if path.name == "header.vcf":
            line = next((line for line in data.decode().splitlines() if line.startswith("#CHROM")), "")
            exact, texts = True, [*line.split("\t")[9:], *texts]
        if (exact and names.intersection(texts)) or (pattern and any(map(pattern.search, texts))):
            found.append(f"{path}: holds the id of somebody who was withdrawn")
    return found


def _texts(path: Path, data: bytes) -> list[str]:
    """The text in a file: items of a chunk of a text array, or all of it."""
    metadata = path.parent / ".zarray"
    if metadata.exists() and not path.name.startswith("."):
        document = json.loads(metadata.read_bytes())
        if document["dtype"] != "|O":
            return []
        return [str(text) for text in decode(data, document["compressor"], document["filters"])]
    return [data.decode(errors="replace")]
