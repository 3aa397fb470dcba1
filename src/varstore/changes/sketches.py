"""Sketches of batches that are added, made with them in one step."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..model.contigs import resolve
from ..storage import files, sketch
from ..storage.batch import Batch
from ..storage.keys import Keys
from ..storage.manifest import Document
from ..storage.parts import Part, PartRef, PartWriter
from ..storage.sketch import SketchSites
from ..storage.totals import Totals

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ListChangedError(Exception):
    """Another writer chose a list of sites meanwhile."""


@dataclass(frozen=True)
class AddedBatch:
    """A batch that is in its place, and not committed.

    contigs : length by name, None where unknown    file : its first input, for messages
    """

    name: str
    store: Batch
    keys: Keys
    totals: Totals
    contigs: Mapping[str, int | None]
    file: str


class NewSketches:
    """Sketches of the batches of one ``add``, and the list of sites if the repository gets it with them."""

    def __init__(self, root: Path, staging: Path, batches: Sequence[AddedBatch]) -> None:
        self._root, self._staging, self._batches = root, staging, batches
        self._list: Document | None = None
        self._entries: list[Document] = []
        self._published: list[str] = []

    def hold(self, entry: Document) -> None:
        """Make what comes by a list of sites that a manifest names."""
        self._list = entry

    def make(self, document: Document) -> None:
        """Publish the sketches for a version: by its list of sites, or by one of their own where it has none.

        The first of the batches that has enough sites chooses; without a list there is nothing to make.
        """
        self.discard()
        self._list, self._entries = sketch.list_of(document), []
        if sketch.KEY in document and self._list is None:
            return  # a list of another version: nothing that fits it can be made
        sites = None if self._list is None else sketch.read_sites(Part(self._root, PartRef(**self._list["part"])))
        tables = [_table(batch, document) for batch in self._batches]
        if sites is None:
            sites = self._choose(tables)
        if sites is None:
            return
        for batch, (places, names) in zip(self._batches, tables, strict=True):
            if batch.store.samples:
                self.add(batch.name, batch.store, batch.keys, sites, (places, names))

    def _choose(self, tables: Sequence[tuple[NDArray[np.int64], list[str]]]) -> SketchSites | None:
        from ..relatedness.sketch_sites import candidates_of_batch, choose_list  # noqa: PLC0415

        for batch, (places, names) in zip(self._batches, tables, strict=True):
            sites = choose_list(candidates_of_batch(batch.store, batch.keys, batch.totals, places, names), names)
            if sites is not None:
                self._list = self.publish_list(sites)
                return sites
        return None

    def publish_list(self, sites: SketchSites) -> Document:
        """Publish a list of sites; return its entry."""
        name, part = self._part()
        sketch.write_sites(part, sites)
        entry = {"id": name, "version": sketch.SITES_VERSION, "num_sites": len(sites)}
        self._list = {**entry, "part": self._place(name, part)}
        return self._list

    def add(
        self, batch: str, store: Batch, keys: Keys, sites: SketchSites, table: tuple[NDArray[np.int64], list[str]]
    ) -> None:
        """Publish the sketch of a batch by the list that is held. table : places of its contigs, and all names"""
        from ..relatedness.sketching import locate, make_sketch  # noqa: PLC0415

        assert self._list is not None
        name, part = self._part()
        make_sketch(part, store, locate(store, keys, table[0], sites, table[1]), sites)
        entry = {"id": name, "kind": sketch.KIND, "version": sketch.VERSION, "batch": batch}
        self._entries.append({**entry, "sites": self._list["id"], "part": self._place(name, part)})

    def _part(self) -> tuple[str, PartWriter]:
        name = uuid.uuid4().hex[:12]
        return name, PartWriter(self._staging / name)

    def _place(self, name: str, part: PartWriter) -> dict[str, str]:
        self._published.append(f"derived/{name}")
        return dict(vars(part.publish(self._root, f"derived/{name}")))

    def apply(self, document: Document) -> None:
        """Name them in a manifest. Raises ListChangedError where it has another list than they were made for."""
        known = document.get(sketch.KEY)
        if known is not None and known != self._list:
            if sketch.list_of(document) is not None:
                raise ListChangedError
            return
        self.replace(document)

    def replace(self, document: Document) -> None:
        """Name them in a manifest, whatever list it has."""
        if self._list is not None:
            sketch.with_list(document, self._list)
        mine = {entry["batch"] for entry in self._entries}
        current = sketch.of_batches(document).values()
        kept = [e for e in document["derived"] if e["kind"] != sketch.KIND or (e in current and e["batch"] not in mine)]
        document["derived"] = kept + self._entries

    def named_in(self, document: Document) -> bool:
        """Whether a manifest names any of them."""
        named = {entry["part"]["path"] for entry in document["derived"]}
        return any(path in named for path in self._published)

    def discard(self) -> None:
        """Remove what was published; no manifest names it."""
        for path in self._published:
            files.remove_tree(self._root / path)
        self._published.clear()


def _table(batch: AddedBatch, document: Document) -> tuple[NDArray[np.int64], list[str]]:
    """Places of a batch's contigs in the table as it will be, and the names in it."""
    places, table = resolve(batch.contigs, document["contigs"], batch.file)
    return np.array(places, np.int64), [entry["name"] for entry in table]
