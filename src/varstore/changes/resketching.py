"""Sketches of batches that have none, and a new list of sites, in a next version: part of ``varstore reindex``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..errors import QueryError, RepositoryError
from ..query.batches import BatchHandle
from ..query.version import Version
from ..relatedness.sketch_sites import MIN_PEOPLE, MIN_SITES, SPACING, candidates_of_version, choose_list, num_spaced
from ..storage import files, manifest, sketch
from ..storage.batch import Batch
from ..storage.manifest import Document
from ..storage.parts import Part, PartRef
from ..storage.sketch import SketchSites
from .adding import commit
from .sketches import ListChangedError, NewSketches


def resketch(root: Path, *, choose: bool) -> int:
    """Make the sketches that are missing; return how many they were.

    choose : choose the list of sites anew, over everybody. Where there is none, that is tried anyway

    No version is made where nothing changes. Raises QueryError where a list was asked for and there are too few sites.
    """
    while True:
        staging = manifest.staging_folder(root)
        made = NewSketches(root, staging, ())
        try:
            return _resketch(root, made, choose=choose)
        except ListChangedError:
            made.discard()
        except BaseException:
            with suppress(RepositoryError, OSError):
                _discard_unnamed(root, made)
            raise
        finally:
            files.remove_tree(staging)


def _resketch(root: Path, made: NewSketches, *, choose: bool) -> int:
    """One attempt, from the newest version. Raises ListChangedError where another writer was faster."""
    with Version(root) as version:
        assert version.manifest is not None
        document = version.manifest.document
        people = [batch for batch in version._batches if batch.num_samples]
        if choose or sketch.KEY not in document:
            sites = _chosen(version, choose=choose)
            if sites is None:
                return 0
            made.publish_list(sites)
        else:
            entry = sketch.list_of(document)
            stored = sketch.of_batches(document)
            people = [batch for batch in people if batch.entry["id"] not in stored]
            if entry is None or not people:
                return 0
            sites = sketch.read_sites(Part(root, PartRef(**entry["part"])))
            made.hold(entry)
        for batch in people:
            assert isinstance(batch.store, Batch)
            made.add(batch.entry["id"], batch.store, batch.alleles.keys, sites, (batch.contigs, version.contigs))
    commit(root, document, lambda newest: _with_sketches(newest, document, people, made), "reindex")
    return len(people)


def _chosen(version: Version, *, choose: bool) -> SketchSites | None:
    """A list of sites for a version; None where there are too few and it was not asked for. Raises QueryError."""
    found = candidates_of_version(version)
    sites = choose_list(found, version.contigs)
    if sites is None and choose:
        raise QueryError(
            f"{version.path}: too few sites for a sketch: {num_spaced(found):,} common ones of autosomes that are "
            f"{SPACING // 1000} kb apart, needs {MIN_SITES:,}, and {MIN_PEOPLE} people (there are "
            f"{version.num_samples:,})"
        )
    return sites


def _with_sketches(newest: Document, seen: Document, made_of: list[BatchHandle], made: NewSketches) -> Document:
    """The next manifest. Raises ListChangedError where the list or the people of batches are no longer the same."""
    sizes = {entry["id"]: entry["num_samples"] for entry in newest["batches"]}
    same = all(sizes.get(batch.entry["id"]) == batch.num_samples for batch in made_of)
    if not same or newest.get(sketch.KEY) != seen.get(sketch.KEY):
        raise ListChangedError
    made.replace(newest)
    if any(entry["num_samples"] and entry["id"] not in sketch.of_batches(newest) for entry in newest["batches"]):
        raise ListChangedError  # a batch came meanwhile
    return newest


def _discard_unnamed(root: Path, made: NewSketches) -> None:
    """Remove what was published, unless the commit got through all the same."""
    newest = manifest.read_newest(root)
    if newest is None or not made.named_in(newest.document):
        made.discard()
