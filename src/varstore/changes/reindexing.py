"""Derived parts made again, in a next version: where a FASTA came, or where the code that makes them is newer."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FastaError, RepositoryError
from ..storage import files, keys, manifest
from ..storage.manifest import Document
from ..storage.parts import PartRef, PartWriter
from ..storage.reference import contig_lengths, mismatch_of, with_reference
from ..storage.sources import BatchOpener
from .adding import PathLike, commit

if TYPE_CHECKING:
    from ..ingest.fasta import Fasta


class _OutdatedError(Exception):
    """Another writer added batches meanwhile."""


def reindex(root: Path, newest: Document, reference: PathLike | None) -> int:
    """Make the keys of batches again that are not of this code, or not of the FASTA; return how many there were.

    reference : a FASTA that the repository gets, or the place where its own is now

    No version is made where nothing changes. Raises FastaError where the FASTA contradicts a record.
    """
    from ..ingest.fasta import fasta_of  # noqa: PLC0415

    known = newest["fasta"]
    fasta = None if reference is None else fasta_of(known, reference)
    made: dict[str, PartRef] = {}
    staging = manifest.staging_folder(root)
    document, committed = newest, False
    try:
        while not committed:
            missing = [entry for entry in document["batches"] if _is_stale(entry["id"], document, fasta, made)]
            if missing and fasta is None and known is not None:
                fasta = fasta_of(known, None)
            for entry in missing:
                made[entry["id"]] = _make_keys(root, staging, entry, fasta, check=known is None)
            if not made and (fasta is None or fasta.document == known):
                return 0
            with suppress(_OutdatedError):
                _commit(root, document, made, fasta)
                committed = True
            if not committed:
                document = manifest.read_newest(root).document  # type: ignore[union-attr] # there is one
    finally:
        if not committed:
            _discard(root, made)
        files.remove_tree(staging)
    return len(made)


def _discard(root: Path, made: dict[str, PartRef]) -> None:
    """Remove keys that no manifest names: the commit may have got through all the same."""
    with suppress(RepositoryError, OSError):
        newest = manifest.read_newest(root)
        named = {entry["part"]["path"] for entry in newest.derived} if newest is not None else set()
        for ref in made.values():
            if ref.path not in named:
                files.remove_tree(root / ref.path)


def _commit(root: Path, document: Document, made: dict[str, PartRef], fasta: Fasta | None) -> None:
    commit(root, document, lambda newest: _with_keys(newest, made, fasta), "reindex")


def _is_stale(batch: str, document: Document, fasta: Fasta | None, made: dict[str, PartRef]) -> bool:
    """Whether the keys of a batch are none of this code and FASTA."""
    of = fasta.document if fasta is not None else document["fasta"]
    wanted = keys.VERSION, None if of is None else of["sha256"]
    found = [e for e in document["derived"] if (e["kind"], e["batch"]) == (keys.KIND, batch)]
    return batch not in made and all((entry["version"], entry.get("fasta")) != wanted for entry in found)


def _make_keys(root: Path, staging: Path, entry: Document, fasta: Fasta | None, *, check: bool) -> PartRef:
    """Publish the keys of a batch. Raises FastaError where REF of a record is not what the FASTA has."""
    batch = BatchOpener(root)(entry)
    file = ", ".join(source["name"] for source in entry["files"])
    if fasta is not None and check:
        sequences = fasta.sequences(contig_lengths(batch), file)
        for chunk in range(batch.num_chunks):
            found = mismatch_of(batch, chunk, sequences)
            if found is not None:
                raise FastaError(f"batch {entry['id']} ({file}): {found}; another FASTA was used to make the file")
    part = PartWriter(staging / entry["id"])
    keys.write_keys(part, batch, fasta)
    return part.publish(root, f"derived/{uuid.uuid4().hex[:12]}")


def _with_keys(document: Document, made: dict[str, PartRef], fasta: Fasta | None) -> Document:
    """The next manifest: keys replaced. Raises _OutdatedError."""
    with_reference(document, fasta)
    if any(_is_stale(entry["id"], document, fasta, made) for entry in document["batches"]):
        raise _OutdatedError
    kept = [e for e in document["derived"] if e["kind"] != keys.KIND or e["batch"] not in made]
    for batch, ref in made.items():
        kept.append(keys_entry(batch, ref, document))
    document["derived"] = kept
    return document


def keys_entry(batch: str, ref: PartRef, document: Document) -> Document:
    """The derived entry of the keys of a batch."""
    entry = {"id": ref.path.rpartition("/")[2], "kind": keys.KIND, "version": keys.VERSION, "batch": batch}
    of = None if document["fasta"] is None else document["fasta"]["sha256"]
    return {**entry, "part": vars(ref), "fasta": of}
