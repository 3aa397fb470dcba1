"""What a batch's entry says of sites where it has no record, and the parts that this needs."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import QueryError
from ..model.bed import Bed, place_bed, read_bed
from ..model.ploidy import build_of
from . import files, ploidy, reference_blocks
from .batch import Batch
from .coverage import Coverage, write_coverage
from .manifest import ABSENT_REFERENCE, Document
from .parts import Part, PartRef, PartWriter
from .sources import BatchOpener

UNKNOWN, REFERENCE = POLICIES = ("unknown", "reference")
DERIVED = {ploidy.KIND: ploidy.VERSION, reference_blocks.KIND: reference_blocks.VERSION}


@dataclass(frozen=True)
class Wish:
    """What somebody wants of a batch's denominators; None: as it is, or the default.

    absent : ``unknown`` or ``reference``    callable_file, bed : where people are callable
    min_ref_gq : least GQ of a reference block
    """

    absent: str | None = None
    callable_file: Path | None = None
    bed: Bed | None = None
    min_ref_gq: int | None = None

    def check(self, contigs: Mapping[str, int | None]) -> None:
        """See early whether the BED fits the contigs of a header, where it has some. Raises InputError."""
        if self.bed is not None and self.callable_file is not None and contigs:
            place_bed(self.bed, contigs, self.callable_file)


def read_wish(absent: str | None, callable_file: Path | None, min_ref_gq: int | None) -> Wish:
    """Check options, and read the BED. Raises QueryError, InputError."""
    if absent is not None and absent not in POLICIES:
        raise QueryError(f"absent is {absent!r}, expected unknown or reference")
    if min_ref_gq is not None and min_ref_gq < 0:
        raise QueryError(f"min_ref_gq is {min_ref_gq}, expected 0 or more")
    return Wish(absent, callable_file, None if callable_file is None else read_bed(callable_file), min_ref_gq)


@dataclass
class Denominators:
    """New contents of a batch's entry, and the parts that were published for it.

    derived : entries to replace those of their kinds    places : of new parts
    """

    absent: str
    covered: Document
    derived: list[Document] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def apply(self, document: Document, entry: Document) -> None:
        """Put them into a manifest and the batch's entry in it."""
        entry["absent"] = self.absent
        if self.absent == REFERENCE and ABSENT_REFERENCE not in document["reader_features"]:
            document["reader_features"].append(ABSENT_REFERENCE)
        entry["covered"] = {**entry["covered"], **self.covered}
        kinds = {made["kind"] for made in self.derived}
        document["derived"] = [
            old for old in document["derived"] if old["batch"] != entry["id"] or old["kind"] not in kinds
        ] + self.derived


def prepare(
    root: Path, staging: Path, store: Batch, batch: str, assembly: str | None, wish: Wish,
    before: Document | None = None, derived: Sequence[Document] = (),
) -> Denominators:  # fmt: skip
    """Make and publish what a wish needs.

    before, derived : the batch's entry and its derived parts, where it has them already

    Raises InputError where no contig of the BED is the batch's. What was published then is removed.
    """
    old = before["covered"] if before is not None else {}
    blocks = old["reference_blocks"] if "reference_blocks" in old else reference_blocks.has_reference_blocks(store)
    default = before["absent"] if before is not None else REFERENCE if blocks else UNKNOWN
    quality = wish.min_ref_gq if wish.min_ref_gq is not None else old.get("min_ref_gq") or reference_blocks.MIN_REF_GQ
    made = Denominators(
        wish.absent or default,
        {
            "callable": old.get("callable"),
            "reference_blocks": blocks,
            "min_ref_gq": quality if blocks else None,
        },
    )
    try:
        if wish.bed is not None and wish.callable_file is not None:
            made.covered["callable"] = _publish_bed(root, staging, store, wish.bed, wish.callable_file, made)
        if made.absent == REFERENCE:
            _publish_derived(root, staging, store, batch, assembly, made, derived)
    except BaseException:
        discard(root, [made])
        raise
    return made


def discard(root: Path, unused: Sequence[Denominators]) -> None:
    """Remove published parts that no manifest names."""
    for made in unused:
        for place in made.places:
            files.remove_tree(root / place)


def _publish_bed(root: Path, staging: Path, store: Batch, bed: Bed, path: Path, made: Denominators) -> Document:
    """Intervals of a BED as a part, one set for everybody."""
    placed = place_bed(bed, _lengths(store), path)
    number = {name: i for i, name in enumerate(store.contigs)}
    group = np.concatenate([np.full(len(start), number[name], np.int64) for name, (start, _) in placed.items()])
    start, end = (np.concatenate([pair[side] for pair in placed.values()]) for side in (0, 1))
    name = uuid.uuid4().hex[:12]
    part = PartWriter(staging / f"coverage-{name}")
    nobody = np.zeros(len(store.samples), np.int64)
    num_intervals = write_coverage(part, store.contigs, 1, nobody, (group, start, end))
    ref = _publish(part, root, f"coverage/{name}", made)
    files.sync_folder(root)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"part": vars(ref), "name": path.name, "sha256": digest, "num_intervals": num_intervals}


def _publish_derived(
    root: Path, staging: Path, store: Batch, batch: str, assembly: str | None, made: Denominators,
    derived: Sequence[Document],
) -> None:  # fmt: skip
    """Ploidies, and where reference blocks are sure, if they are not there already."""
    there = {(entry["kind"], entry["version"], entry.get("min_ref_gq")) for entry in derived if entry["batch"] == batch}
    wanted: list[tuple[str, int | None]] = [(ploidy.KIND, None)]
    if made.covered["reference_blocks"]:
        wanted.append((reference_blocks.KIND, made.covered["min_ref_gq"]))
    for kind, quality in wanted:
        if (kind, DERIVED[kind], quality) in there:
            continue
        name = uuid.uuid4().hex[:12]
        part = PartWriter(staging / name)
        entry: dict[str, Any] = {"id": name, "kind": kind, "version": DERIVED[kind], "batch": batch}
        if quality is None:
            ploidy.write_ploidy(part, store, build_of(assembly))
        else:
            reference_blocks.write_reference_blocks(part, store, quality)
            entry["min_ref_gq"] = quality
        made.derived.append({**entry, "part": vars(_publish(part, root, f"derived/{name}", made))})


def _publish(part: PartWriter, root: Path, place: str, made: Denominators) -> PartRef:
    made.places.append(place)
    return part.publish(root, place)


def _lengths(store: Batch) -> dict[str, int | None]:
    """Length by contig of a batch, None where unknown."""
    if not store.part.has("contig_length/.zarray"):
        return dict.fromkeys(store.contigs)
    lengths = [int(length) for length in store.array("contig_length").read()]
    return dict(zip(store.contigs, lengths, strict=True))


def problems(root: Path, document: Document) -> Iterator[str]:
    """Derived parts of denominators that are not what their batch's records say, as sentences."""
    entries = {entry["id"]: entry for entry in document["batches"]}
    open_batch = BatchOpener(root)
    for derived in document["derived"]:
        if DERIVED.get(derived["kind"]) != derived["version"]:
            continue
        part = Part(root, PartRef(**derived["part"]))
        store = open_batch(entries[derived["batch"]])
        if derived["kind"] == ploidy.KIND:
            build = build_of(document["assembly"])
            same = np.array_equal(
                ploidy.read_ploidy(part), ploidy.commonest_ploidy(ploidy.tally_ploidy(store, build), build)
            )
        else:
            same = reference_blocks.same_blocks(Coverage(part), store, derived["min_ref_gq"])
        if not same:
            yield f"{root}: batch {derived['batch']}: its {derived['kind']} are not those of its records"
