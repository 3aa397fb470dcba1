"""The batches of a version: their manifest entries, opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RepositoryError
from ..storage.batch import Batch
from ..storage.manifest import Document, Manifest
from ..storage.parts import Part, PartRef
from ..storage.sources import BatchOpener
from .plan import Store

if TYPE_CHECKING:
    from ..storage.totals import Totals
    from .absence import Absence
    from .alleles import AlleleIndex


@dataclass(frozen=True)
class BatchHandle:
    """A batch in a version: its manifest entry and its reader.

    derived : its derived parts by kind, of versions that this varstore reads
    table : place of each contig in the repository's table, by name
    number_of : gives the numbers of people by name, for batches whose people were there before
    """

    entry: Document
    store: Store
    derived: Mapping[str, Part]
    table: Mapping[str, int]
    number_of: Callable[[], Mapping[str, int]]
    _kept: dict[str, Absence | None] = field(default_factory=dict, repr=False)

    @property
    def num_samples(self) -> int:
        return int(self.entry["num_samples"])

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """(samples,) the repository's number of each column."""
        first = self.entry.get("first_sample", 0)
        if first is not None:
            return np.arange(first, first + self.num_samples)
        number_of = self.number_of()
        return np.fromiter((number_of[name] for name in self.store.samples), np.int64, self.num_samples)

    @cached_property
    def contigs(self) -> NDArray[np.int64]:
        """For each contig of the batch its place in the repository's table."""
        named = self.entry.get("contigs")
        return np.array([self.table[name] for name in self.store.contigs] if named is None else named, np.int64)

    @cached_property
    def totals(self) -> Totals | None:
        """Stored counts over everybody."""
        from ..storage.totals import Totals  # noqa: PLC0415

        return Totals(self.derived["totals"]) if "totals" in self.derived else None

    def absence(self, root: Path, sexes: Callable[[], NDArray[np.int8]], assembly: str | None) -> Absence | None:
        """What it says where it has no record, opened once; None: its people are unknown there.

        sexes : gives the sex of everybody in the repository, by number
        """
        if self.entry.get("absent", "unknown") == "unknown":
            return None
        if "absence" not in self._kept:
            from .absence import open_absence  # noqa: PLC0415

            self._kept["absence"] = open_absence(
                root, self.entry, self.derived, self.store.contigs, self.contigs, self.table, sexes()[self.numbers],
                assembly,
            )  # fmt: skip
        return self._kept["absence"]

    @cached_property
    def alleles(self) -> AlleleIndex:
        """Its alleles by key."""
        from ..storage.keys import Keys  # noqa: PLC0415
        from .alleles import AlleleIndex  # noqa: PLC0415

        assert isinstance(self.store, Batch)
        if "keys" not in self.derived:
            raise RepositoryError(f"batch {self.entry['id']}: its keys are of another version; run `varstore reindex`")
        return AlleleIndex(self.store, Keys(self.derived["keys"]), self.contigs)


def open_batches(
    root: Path, version: Manifest, number_of: Callable[[], Mapping[str, int]], kinds: Mapping[str, int]
) -> list[BatchHandle]:
    """The batches of a version, in order. ``kinds``: derived parts that are read, and their versions."""
    derived: dict[str, dict[str, Part]] = {}
    for entry in version.derived:
        if kinds.get(entry["kind"]) == entry["version"]:
            derived.setdefault(entry["batch"], {})[entry["kind"]] = Part(root, PartRef(**entry["part"]))
    table = {entry["name"]: i for i, entry in enumerate(version.contigs)}
    open_batch = BatchOpener(root)
    handles = [
        BatchHandle(entry, open_batch(entry), derived.get(entry["id"], {}), table, number_of)
        for entry in version.batches
    ]
    for handle in handles:
        if isinstance(handle.store, Batch):
            handle.store.keep_sites(len(handles))
    return handles


def open_foreign(path: Path) -> BatchHandle:
    """A VCF Zarr store of somebody else as a batch."""
    from ..storage.foreign import ForeignStore  # noqa: PLC0415

    store = ForeignStore(path)
    entry: dict[str, Any] = {"id": "foreign", "num_variants": store.num_variants, "num_samples": len(store.samples)}
    entry["used_contigs"] = [store.contigs[i] for i in dict.fromkeys(store.region_index[:, 1].tolist())]
    entry["contigs"] = list(range(len(store.contigs)))
    return BatchHandle(entry, store, {}, {}, dict)
