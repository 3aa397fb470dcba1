"""Purging: the bytes of withdrawn people are taken out of every file, and what held them is removed."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import RepositoryError
from ..model.cores import num_cores
from ..storage import files, manifest, ploidy, reference_blocks, saved_axes, saved_cohorts, sketch, totals
from ..storage.arrays import StoredArray
from ..storage.batch import Batch
from ..storage.coverage import Coverage, write_coverage
from ..storage.fewer_people import HEADER, FewerBatch, FewerPeople, holds, token
from ..storage.garbage import Garbage
from ..storage.history import withdrawn_of
from ..storage.manifest import SHARED_FEATURE, Document, need_columns
from ..storage.parts import Part, PartRef, PartWriter
from ..storage.people import sample_names
from ..storage.sharing import Contigs, Source, read_calls, write_shared
from ..storage.sources import BatchOpener
from .adding import commit
from .purging_people import PeoplePurge
from .upkeep import collect


@dataclass(frozen=True)
class PurgeReport:
    """What a purge did.

    people : how many were taken out    batches : ids of those that were written anew    removed : what was removed
    left : files that hold an id all the same, as sentences
    """

    people: int
    batches: list[str] = field(default_factory=list)
    removed: list[Garbage] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class _OvertakenError(RepositoryError):
    """Something is no longer where it was read."""


def purge(root: Path, threads: int | None) -> PurgeReport:
    """Write every part that holds withdrawn people anew without them, drop older versions, remove what is not needed.

    One commit; killed before it, nothing has changed, and killed after it, another purge ends it.
    """
    while True:
        newest = manifest.read_newest(root)
        assert newest is not None
        job = _Purge(root, newest.document, threads or num_cores())
        try:
            job.run()
            break
        except _OvertakenError:
            continue
    removed = collect(root, 0, None, dry_run=False)
    return PurgeReport(len(job.ids), job.batches, removed, holds(root, job.ids))


class _Purge:
    """One attempt, from one version."""

    def __init__(self, root: Path, document: Document, threads: int) -> None:
        self.root, self.document, self.threads = root, document, threads
        self.names = sample_names(root, document)
        self.withdrawn = withdrawn_of(document)
        self.ids = [self.names[number] for number in self.withdrawn.tolist() if self.names[number]]
        self.batches: list[str] = []
        self._staging = manifest.staging_folder(root)
        self._published: list[str] = []
        self._entries: dict[str, Document] = {}
        self._derived: dict[str, Document] = {}
        self._samples: dict[str, Document] = {}
        self._overlays: dict[str, Document] = {}
        self._axes: dict[str, Document] = {}

    def run(self) -> None:
        """Write, publish and commit. Raises _OvertakenError."""
        committed = False
        try:
            self._write_batches()
            self._write_samples()
            self._write_axes()
            if self._entries or self._samples or self._overlays or self._axes:
                commit(self.root, self.document, self._change, "purge")
            committed = True
        finally:
            if not committed:
                with suppress(RepositoryError, OSError):
                    now = manifest.read_newest(self.root)
                    named = {ref.path for ref in now.part_refs} if now is not None else set()
                    for path in self._published:
                        if path not in named:
                            files.remove_tree(self.root / path)
            files.remove_tree(self._staging)

    def _publish(self, writer: PartWriter, folder: str) -> dict[str, str]:
        path = f"{folder}/{uuid.uuid4().hex[:12]}"
        self._published.append(path)
        return dict(vars(writer.publish(self.root, path)))

    def _writer(self) -> PartWriter:
        return PartWriter(self._staging / uuid.uuid4().hex)

    def _write_batches(self) -> None:
        opened = BatchOpener(self.root)
        number_of = {name: number for number, name in enumerate(self.names) if name}
        parts: dict[str, list[tuple[Document, Batch, NDArray[np.int64]]]] = {}
        for entry in self.document["batches"]:
            first, batch = entry["first_sample"], opened(entry)
            if first is None:
                numbers = np.array([number_of[name] for name in batch.samples], np.int64)
            else:
                numbers = np.arange(first, first + entry["num_samples"])
            parts.setdefault(entry["part"]["path"], []).append((entry, batch, numbers))
        for members in parts.values():
            if any(np.isin(numbers, self.withdrawn).any() for _, _, numbers in members):
                self._write_part(members)

    def _write_part(self, members: Sequence[tuple[Document, Batch, NDArray[np.int64]]]) -> None:
        """Write a part anew; each of its batches becomes a source."""
        table = {contig["name"]: place for place, contig in enumerate(self.document["contigs"])}
        sources = []
        for entry, batch, numbers in members:
            fewer = FewerBatch(batch, ~np.isin(numbers, self.withdrawn), self.ids)
            places = entry.get("contigs")
            named = [table[name] for name in batch.contigs] if places is None else places
            sources.append(Source(entry["id"], fewer, np.array(named, np.int64)))
        contigs = Contigs(list(table), [contig["length"] for contig in self.document["contigs"]])
        writer = self._writer()
        write_shared(writer, sources, contigs, f"varstore-{__version__}", self.threads)
        ref, column = self._publish(writer, "batches"), 0
        for (entry, _, numbers), source in zip(members, sources, strict=True):
            assert isinstance(source.batch, FewerBatch)
            self._entries[entry["id"]] = self._entry(entry, numbers, source.batch) | {
                "part": ref, "source": {"id": entry["id"], "first_column": column},
            }  # fmt: skip
            column += source.num_samples
            self._write_derived(entry, source.batch)
            self.batches.append(entry["id"])

    def _entry(self, entry: Document, numbers: NDArray[np.int64], batch: FewerBatch) -> Document:
        """A batch's entry without the withdrawn; where it is comes later."""
        kept = numbers[batch.keep]
        in_a_row = len(kept) > 0 and int(kept[-1]) - int(kept[0]) == len(kept) - 1
        header = batch.part.read(HEADER)
        covered = dict(entry["covered"])
        if covered.get("callable") and not batch.keep.all():
            old = covered["callable"]
            part, num = self._write_coverage(old["part"], batch, "coverage")
            covered["callable"] = {**old, "part": part, "num_intervals": num, "name": self._without(old["name"])}
        return {
            **entry,
            "num_samples": len(kept),
            "first_sample": int(kept[0]) if in_a_row and (np.diff(kept) == 1).all() else None,
            "header_sha256": hashlib.sha256(header).hexdigest(),
            "covered": covered,
            "files": [file | {"name": self._without(file["name"])} for file in entry["files"]],
            "command": [self._without(word) for word in entry["command"]],
            "problems": self._without_all(entry["problems"]),
        }

    def _without(self, text: str) -> str:
        found = token(self.ids)
        return text if found is None or not found.search(text) else "..."

    def _without_all(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._without(value)
        if isinstance(value, list):
            return [self._without_all(each) for each in value]
        return {key: self._without_all(each) for key, each in value.items()} if isinstance(value, dict) else value

    def _write_coverage(self, old: Document, batch: FewerBatch, folder: str) -> tuple[dict[str, str], int]:
        """Sets of intervals of those who are kept, and how many intervals they are."""
        part = Part(self.root, PartRef(**old))
        coverage, contigs = Coverage(part), [str(name) for name in StoredArray(part, "contig_id").read()]
        sample_set = coverage.sample_set[batch.keep]
        sets = np.unique(sample_set)
        group, start, end = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for place, contig in enumerate(contigs):
            found = coverage.intervals(contig)
            for new, one in enumerate(sets.tolist()):
                mine = slice(int(found.first[one]), int(found.first[one + 1]))
                start.append(found.start[mine])
                end.append(found.end[mine])
                group.append(np.full(len(start[-1]), place * len(sets) + new))
        writer = self._writer()
        intervals = (np.concatenate(group), np.concatenate(start), np.concatenate(end))
        num = write_coverage(writer, contigs, max(1, len(sets)), np.searchsorted(sets, sample_set), intervals)
        return self._publish(writer, folder), num

    def _write_derived(self, entry: Document, batch: FewerBatch) -> None:
        """Make what follows from the people of a batch without the withdrawn."""
        if batch.keep.all():
            return
        for derived in self.document["derived"]:
            if derived["batch"] != entry["id"]:
                continue
            if derived["kind"] == reference_blocks.KIND:
                ref, _ = self._write_coverage(derived["part"], batch, "derived")
            elif derived["kind"] == ploidy.KIND:
                writer = self._writer()
                FewerPeople(Part(self.root, PartRef(**derived["part"])), batch.keep, ()).copy_to(writer)
                ref = self._publish(writer, "derived")
            elif derived["kind"] == totals.KIND:
                writer = self._writer()
                _write_totals(writer, batch)
                ref = self._publish(writer, "derived")
            elif derived["kind"] == sketch.KIND:
                writer = self._writer()
                sketch.write_fewer(writer, Part(self.root, PartRef(**derived["part"])), batch.keep)
                ref = self._publish(writer, "derived")
            else:
                continue
            made = ref["path"].rpartition("/")[2]
            self._derived[derived["id"]] = {**derived, "id": made, "version": derived["version"], "part": ref}

    def _write_samples(self) -> None:
        """Sample tables in which the withdrawn have a number and nothing else."""
        job, first = PeoplePurge(self.root, self.names, self.withdrawn), 0
        for entry in self.document["samples"]:
            writer = self._writer()
            size, written = job.write_samples(entry, first, writer)
            first += size
            if written:
                self._samples[entry["id"]] = {**entry, "part": self._publish(writer, "samples")}
        for entry in self.document.get("sample_overlays", ()):
            writer = self._writer()
            if job.write_overlay(entry, writer):
                self._overlays[entry["id"]] = {**entry, "part": self._publish(writer, "samples")}

    def _write_axes(self) -> None:
        """Saved axes without the coordinates of the withdrawn; loadings, like frequencies, are nobody's alone."""
        for place, entry in enumerate(self.document.get(saved_axes.KEY, ()), 1):
            part = Part(self.root, PartRef(**entry["part"]))
            keep = ~np.isin(StoredArray(part, "sample_number").read(), self.withdrawn)
            name = entry["name"] if self._without(entry["name"]) == entry["name"] else f"purged {place}"
            if keep.all() and name == entry["name"]:
                continue
            writer = self._writer()
            FewerPeople(part, keep, ()).copy_to(writer)
            self._axes[entry["id"]] = entry | {"name": name, "part": self._publish(writer, "derived")}

    def _saved_cohort(self, place: int, entry: Document, num_people: int) -> Document:
        """The entry of a saved cohort without the withdrawn: their numbers, and text that names one of them."""
        kept = np.setdiff1d(saved_cohorts.unpack(entry, num_people), self.withdrawn, assume_unique=True)
        name = entry["name"] if self._without(entry["name"]) == entry["name"] else f"purged {place}"
        said = {"name": name, "expression": self._without_all(entry["expression"])}
        return entry | said | {"samples": saved_cohorts.pack(kept)}

    def _change(self, document: Document) -> Document:
        """The next manifest. Refuses if what was written anew has changed, or more people were withdrawn."""
        if not np.array_equal(withdrawn_of(document), self.withdrawn):
            raise _OvertakenError("more people were withdrawn meanwhile")
        replaced = {"batches": self._entries, "samples": self._samples, "derived": self._derived}
        more = {"sample_overlays": self._overlays, saved_axes.KEY: self._axes}
        for key, new in {**replaced, **more}.items():
            before = {each["id"]: each for each in self.document.get(key, ())}
            found = {each["id"]: each for each in document.get(key, ())}
            if any(found.get(each) != before[each] for each in new):
                raise _OvertakenError("a batch was changed meanwhile")
            if key == "sample_overlays" and found.keys() != before.keys():
                raise _OvertakenError("more was said of people meanwhile: it may name them")
            if found:
                document[key] = [new.get(each, entry) for each, entry in found.items()]
        if self._samples or self._overlays:
            need_columns(document)
        people = document["num_samples"]
        document["cohorts"] = [self._saved_cohort(*each, people) for each in enumerate(document["cohorts"], 1)]
        document["reader_features"] = sorted({*document["reader_features"], SHARED_FEATURE})
        document["first_version"] = document["version"] + 1
        return document


def _write_totals(writer: PartWriter, batch: FewerBatch) -> None:
    """Count everybody who is left in a batch."""
    from ..codec.counting import Masks, count_rows  # noqa: PLC0415
    from ..codec.counts import BlockCounts  # noqa: PLC0415
    from ..codec.genotype import encode_array  # noqa: PLC0415
    from ..codec.layout import inflate_block, parse  # noqa: PLC0415

    out = totals.TotalsWriter(writer, batch.chunk_variants)
    for chunk in range(batch.num_chunks):
        num_alts = batch.site_chunk(chunk).num_alts
        counts = BlockCounts.zeros(1, num_alts)
        if batch.samples:
            codes, _ = read_calls(batch, chunk, np.arange(len(num_alts)))
            layout = parse(memoryview(encode_array(np.ascontiguousarray(codes), level=1)))
            for number in range(layout.num_blocks):
                block = inflate_block(layout, number)
                everybody = Masks(np.ones((1, block.num_samples), np.bool_))
                count_rows(block, (0, len(num_alts)), everybody, counts, genotypes=True)
        out.put(chunk, counts)
    out.finish(batch.num_variants)
