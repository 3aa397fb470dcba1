"""What is wrong with a repository, and where a batch differs from its source, in sentences."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import CorruptRepositoryError, FastaError
from .query.batches import BatchHandle
from .query.blocks import BlockCache
from .query.count import CountJob, Map, count
from .query.plan import ChunkRead
from .storage import manifest
from .storage.batch import Batch
from .storage.manifest import Manifest
from .storage.parts import Part, PartRef

# Differences from a source that are listed.
MAX_DIFFERENCES = 100
_TOTALS = ("allele_count", "allele_number", "n_hom_ref", "n_het", "n_hom_alt", "n_missing")


def problems_of_files(path: Path) -> list[str]:
    """What is wrong with the manifests and the files of the parts they name; the repository need not open."""
    manifest.read_identity(path)
    newest = manifest.read_newest(path)
    if newest is None:
        return [f"{path}: the repository has no version yet"]
    found = manifest.problems(path, newest)
    for ref in manifest.kept_parts(path, newest):
        found += Part(path, ref).problems()
    return found


def problems_of_values(path: Path, version: Manifest, batches: Sequence[BatchHandle], map_tasks: Map) -> Iterator[str]:
    """Where what follows from the batches is not what they say: totals, keys, ploidies, reference blocks, sketches."""
    from .storage.denominators import problems  # noqa: PLC0415

    for batch in batches:
        if batch.totals is not None:
            yield from _wrong_totals(f"{path}: batch {batch.entry['id']}", batch, map_tasks)
    yield from _wrong_keys(path, version, batches)
    yield from _wrong_axes(path, version)
    yield from problems(path, version.document)
    yield from _wrong_sketches(path, version, batches, map_tasks)


def _wrong_totals(where: str, batch: BatchHandle, map_tasks: Map) -> Iterator[str]:
    everybody = np.ones((1, batch.num_samples), np.bool_)
    for chunk in range(batch.store.num_chunks):
        try:
            read = [ChunkRead(chunk)]
            jobs = [CountJob(batch.store, everybody, t, None, BlockCache(0)) for t in (batch.totals, None)]
            stored, counted = (count([job], read, map_tasks, genotypes=True)[0] for job in jobs)
        except CorruptRepositoryError as error:
            yield str(error)
            continue
        if not all(np.array_equal(getattr(stored, name), getattr(counted, name)) for name in _TOTALS):
            yield f"{where}, chunk {chunk}: the totals are not those of the genotypes"


def _wrong_keys(path: Path, version: Manifest, batches: Sequence[BatchHandle]) -> Iterator[str]:
    from .ingest.fasta import fasta_of  # noqa: PLC0415
    from .storage.keys import KIND, VERSION, Keys, wrong_chunks  # noqa: PLC0415

    stores = {batch.entry["id"]: batch.store for batch in batches}
    for entry in version.derived:
        if (entry["kind"], entry["version"]) != (KIND, VERSION):
            continue
        keys, store = Keys(Part(path, PartRef(**entry["part"]))), stores[entry["batch"]]
        assert isinstance(store, Batch)
        fasta = None
        if entry.get("fasta"):
            try:
                fasta = fasta_of(version.document["fasta"], None)
            except FastaError as error:
                warnings.warn(f"the keys of batch {entry['batch']} were not checked: {error}", stacklevel=2)
                continue
        for chunk in wrong_chunks(keys, store, fasta):
            yield f"{path}: batch {entry['batch']}, chunk {chunk}: the keys are not those of the alleles"


def _wrong_axes(path: Path, version: Manifest) -> Iterator[str]:
    from .storage.saved_axes import KEY, read_axes  # noqa: PLC0415

    for entry in version.document.get(KEY, ()):
        try:
            read_axes(path, entry, len(version.contigs), version.document["num_samples"])
        except (CorruptRepositoryError, KeyError) as error:
            yield f"{path}: the axes {entry['name']!r}: {error}"


def _wrong_sketches(path: Path, version: Manifest, batches: Sequence[BatchHandle], map_tasks: Map) -> Iterator[str]:
    from .storage import sketch  # noqa: PLC0415

    entry = sketch.list_of(version.document)
    if entry is None:
        return
    from .relatedness.sketching import sketch_of_batch  # noqa: PLC0415

    sites = sketch.read_sites(Part(path, PartRef(**entry["part"])))
    stored = sketch.of_batches(version.document)
    for batch in batches:
        mine = stored.get(batch.entry["id"])
        if mine is None:
            continue
        found = sketch.read_sketch(Part(path, PartRef(**mine["part"])), batch.num_samples, sites, map_tasks)
        if not found.same(sketch_of_batch(batch, sites, [contig["name"] for contig in version.contigs])):
            yield f"{path}: batch {mine['batch']}: its sketch is not that of its genotypes; `varstore reindex --sketch`"


def differences(source: Path, batches: Sequence[BatchHandle], withdrawn: NDArray[np.int64]) -> list[str]:
    """Where the batch that was made of a file differs from it, read by another reader than the import's."""
    return list(itertools.islice(_differences(source, batches, withdrawn), MAX_DIFFERENCES))


def _differences(source: Path, batches: Sequence[BatchHandle], withdrawn: NDArray[np.int64]) -> Iterator[str]:
    from .ingest.against import differences, readable, source_samples  # noqa: PLC0415
    from .query.genotypes import read_genotypes  # noqa: PLC0415

    samples = source_samples(source)
    batch = _made_of(source, samples, batches)
    if batch is None:
        yield f"{source}: no batch of the repository has its samples"
        return
    store, columns = batch.store, [np.arange(batch.num_samples)]
    assert isinstance(store, Batch)

    def blocks(chunk: int) -> tuple[Any, Any]:
        if not store.has_genotypes:
            return None, None
        calls = read_genotypes([store], [ChunkRead(chunk)], columns, samples, BlockCache(0))
        return calls.call_genotype, calls.call_genotype_phased

    gone = np.flatnonzero(np.isin(batch.numbers, withdrawn))
    with readable(source, batch.entry["problems"]) as path:
        for text in differences(path, store, blocks, batch.entry.get("fields_left_out", ()), gone.tolist()):
            yield text.replace(str(path), str(source))


def _made_of(source: Path, samples: Sequence[str], batches: Sequence[BatchHandle]) -> BatchHandle | None:
    """The batch of a file: with its people and name, else made of its bytes, else with its people."""
    same = [batch for batch in batches if batch.store.samples == samples]
    named = [batch for batch in same if any(file["name"] == source.name for file in batch.entry["files"])]
    return next(itertools.chain(named, _with_other_names(source, len(samples), batches), same), None)


def _with_other_names(source: Path, num_samples: int, batches: Sequence[BatchHandle]) -> Iterator[BatchHandle]:
    """Batches that were made of just this file, whose people were renamed."""
    if not source.is_file() or source.suffix in (".bed", ".pgen"):  # who is in these another file says
        return
    candidates = [batch for batch in batches if batch.num_samples == num_samples]
    if any(file.get("size") == source.stat().st_size for batch in candidates for file in batch.entry["files"]):
        with source.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        yield from (batch for batch in candidates if any(file.get("sha256") == sha256 for file in batch.entry["files"]))
