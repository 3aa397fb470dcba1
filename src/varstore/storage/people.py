"""Who is in a repository: numbers of people, and what a new batch may add."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ..errors import QueryError, SampleClashError, WithdrawnSampleError
from ..people.table import PeopleTable
from .history import withdrawn_of
from .manifest import Document, need_columns
from .parts import Part, PartRef, PartWriter
from .samples import read_samples, write_samples
from .sources import BatchOpener


def sample_names(root: Path, document: Document) -> list[str]:
    """Names of everybody, by number."""
    return _read_names(root, _parts(document))


def _parts(document: Document) -> tuple[PartRef, ...]:
    return tuple(PartRef(**entry["part"]) for entry in document["samples"])


def _read_names(root: Path, parts: Sequence[PartRef]) -> list[str]:
    return [name for part in parts for name in read_samples(Part(root, part))]


@lru_cache(maxsize=1)
def _names_once(root: Path, parts: Sequence[PartRef]) -> Sequence[str]:
    """Names for one who adds, and asks for them once an input."""
    return tuple(_read_names(root, parts))


def renamed(samples: Sequence[str], names: Mapping[str, str] | None, path: str) -> list[str]:
    """Samples of an input under their new names. Raises SampleClashError where two get the same."""
    out = [(names or {}).get(name, name) for name in samples]
    if len(set(out)) < len(out):
        twice = next(name for name in out if out.count(name) > 1)
        raise SampleClashError(f"{path}: two samples get the name {twice!r}; names are unique")
    return out


def read_renames(path: Path) -> dict[str, str]:
    """Old and new names, one pair a line, separated by a tab or blanks. Raises QueryError."""
    names: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise QueryError(f"{path}: cannot be read ({error.strerror})") from None
    for number, line in enumerate(lines, 1):
        pair = line.split("\t") if "\t" in line else line.split()
        if not line.strip():
            continue
        if len(pair) != 2 or not all(pair):
            raise QueryError(f"{path}, line {number}: found {line!r}, expected an old and a new sample name")
        if pair[0] in names:
            raise QueryError(f"{path}, line {number}: {pair[0]!r} is renamed twice")
        names[pair[0]] = pair[1]
    return names


def check_people(root: Path, document: Document, samples: Sequence[str], contigs: Sequence[str], path: str) -> None:
    """People may come again on contigs that no batch of theirs covers, but not when they were withdrawn.

    Raises SampleClashError, WithdrawnSampleError.
    """
    _check_not_withdrawn(root, document, samples, path)
    names: Sequence[str] | None = None
    wanted = set(samples)
    for entry in document["batches"]:
        shared = [name for name in entry["covered"]["contigs"] if name in contigs]
        if not shared:
            continue
        if names is None:
            names = _names_once(root, _parts(document))
        clash = wanted.intersection(_people(root, entry, names))
        if clash:
            first = next(name for name in samples if name in clash)
            more = f" (and {len(clash) - 1} more)" if len(clash) > 1 else ""
            raise SampleClashError(
                f"{path}: sample {first!r}{more} is in the repository already on contig {shared[0]}, in batch "
                f"{entry['id']} ({', '.join(file['name'] for file in entry['files'])}); "
                "--rename gives people other names"
            )


def _check_not_withdrawn(root: Path, document: Document, samples: Sequence[str], path: str) -> None:
    numbers = withdrawn_of(document)
    if not len(numbers):
        return
    names = _names_once(root, _parts(document))
    clash = sorted({names[number] for number in numbers.tolist()}.intersection(samples) - {""})
    if clash:
        others = f" and {len(clash) - 1} more were" if len(clash) > 1 else " was"
        raise WithdrawnSampleError(f"{path}: sample {clash[0]!r}{others} withdrawn from the repository; leave them out")


def _people(root: Path, entry: Document, names: Sequence[str]) -> Sequence[str]:
    first = entry["first_sample"]
    if first is not None:
        return names[first : first + entry["num_samples"]]
    return BatchOpener(root)(entry).samples


class NewPeople:
    """Sample tables of the people a commit adds; a commit that is tried again writes them again if others came."""

    def __init__(self, root: Path, staging: Path, table: PeopleTable | None = None) -> None:
        self._root = root
        self._table = table
        self._staging = staging
        self._written: dict[tuple[str, ...], PartRef] = {}

    @property
    def places(self) -> list[str]:
        """Where tables were written."""
        return [ref.path for ref in self._written.values()]

    def add(self, document: Document, batch: str, samples: Sequence[str]) -> int | None:
        """Give numbers to those who are new; return the first if all are, in one row, else None."""
        known = set(_names_once(self._root, _parts(document)))
        new = tuple(name for name in samples if name not in known)
        first = int(document["num_samples"])
        if new:
            if new not in self._written:
                self._written[new] = self._write(new)
            part = vars(self._written[new])
            document["samples"].append({"id": part["path"].rpartition("/")[2], "batch": batch, "part": part})
            document["num_samples"] = first + len(new)
            if self._table is not None:
                need_columns(document)
        return first if len(new) == len(samples) else None

    def _write(self, samples: Sequence[str]) -> PartRef:
        name = uuid.uuid4().hex[:12]
        part = PartWriter(self._staging / f"samples-{name}")
        write_samples(part, samples, None if self._table is None else self._table.of(samples))
        return part.publish(self._root, f"samples/{name}")
