"""Changes of a repository: import beside it, then commit, all or nothing."""

from __future__ import annotations

import datetime
import os
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import MissingFileError, QueryError, RepositoryError, UnsortedInputError, VarstoreError, WriteError
from ..ingest.digests import Digests
from ..model.contigs import resolve
from ..model.cores import num_cores
from ..people.reading import read_people
from ..people.table import PeopleTable
from ..storage import denominators, files, keys, manifest, totals
from ..storage.batch import Batch
from ..storage.denominators import Denominators, Wish, read_wish
from ..storage.manifest import Document, Manifest
from ..storage.parts import Part, PartRef, PartWriter
from ..storage.people import NewPeople, check_people, renamed
from ..storage.reference import name_sequences, with_reference
from ..storage.sources import BatchOpener
from .sketches import AddedBatch, ListChangedError, NewSketches

if TYPE_CHECKING:
    from ..ingest.fasta import Fasta
    from ..ingest.importer import ImportResult
    from ..ingest.inputs import Input
    from ..ingest.partitions import Spools
    from ..storage.plans import Plan

PathLike = str | os.PathLike[str]
# Parts that follow from a batch, made with it, and their versions.
_DERIVED = {totals.KIND: totals.VERSION, keys.KIND: keys.VERSION}
Progress = Callable[[int], None]


def write_error(root: Path, error: OSError) -> OSError:
    """What the file system refused, as an error of ours."""
    return error if isinstance(error, VarstoreError) else WriteError(f"{root}: cannot be written ({error})")


@dataclass(frozen=True)
class AddOptions:
    """How to add a batch; the fields are the arguments of ``Repository.add``."""

    threads: int | None = None
    progress: Progress | None = None
    fields: str | None = None
    max_alleles_inline: int | None = None
    on_problem: str = "warn"
    resume: bool = False
    rename: Mapping[str, str] | None = None
    absent: str | None = None
    callable: PathLike | None = None
    samples: PathLike | None = None
    min_ref_gq: int | None = None
    reference: PathLike | None = None

    @cached_property
    def wish(self) -> Wish:
        """What the batch is to say where it has no record. Raises QueryError, InputError."""
        return read_wish(self.absent, None if self.callable is None else Path(self.callable), self.min_ref_gq)

    @cached_property
    def table(self) -> PeopleTable | None:
        """What is known of the people. Raises InputError."""
        return None if self.samples is None else read_people(Path(self.samples))


# Options that a plan keeps for its commit.
_KEPT = ("fields", "max_alleles_inline", "on_problem", "rename", "absent", "callable", "samples", "min_ref_gq")


def add_batch(
    root: Path,
    newest: Document,
    inputs: Sequence[PathLike],
    options: AddOptions,
) -> None:
    """Import the inputs beside the repository, then commit them: all or nothing.

    Inputs with the same people become one batch; others are batches of their own, in the same commit.
    """
    with Digests([Path(path) for path in inputs]) as digests:
        from ..ingest.plans import spooling  # noqa: PLC0415

        fasta = _fasta(newest, options.reference)
        staging = manifest.staging_folder(root)
        batches: list[_NewBatch] = []
        try:
            with ExitStack() as until_committed:
                for opened in _open_new(root, newest, inputs, options):
                    spools = until_committed.enter_context(
                        spooling(root, opened, options.fields, resume=options.resume)
                    )
                    batches.append(_import(root, newest, opened, options, spools, staging, fasta))
                _publish(root, newest, [batch.with_files(digests) for batch in batches], staging, options, fasta)
        finally:
            files.remove_tree(staging)


def begun_root(root: Path) -> Document | None:
    """The identity of a repository without batches, on which an interrupted ``create`` can go on; None: no such."""
    if root.is_dir() and not any(path.is_file() for path in root.rglob("*")):
        files.remove_tree(root)  # killed before the identity was written
    if not (root / manifest.IDENTITY).exists():
        return None
    identity = manifest.read_identity(root)
    newest = manifest.read_newest(root)
    return None if newest is not None and newest.batches else identity


def has_plans(root: Path) -> bool:
    """Whether an import was interrupted that can go on."""
    return any((root / "tmp").glob("plan-*/plan.json"))


def plan_batch(root: Path, newest: Document, inputs: Sequence[PathLike], options: AddOptions) -> Plan:
    """Cut an import into partitions that any process may run."""
    from ..ingest.inputs import check_same_samples  # noqa: PLC0415
    from ..ingest.plans import make_plan  # noqa: PLC0415

    groups = _open_new(root, newest, inputs, options)
    if len(groups) > 1:
        check_same_samples([group[0] for group in groups])
    kept = {name: getattr(options, name) for name in _KEPT}
    kept |= {name: os.path.abspath(kept[name]) for name in ("callable", "samples") if kept[name] is not None}
    return make_plan(root, groups[0], kept)


def commit_plan(root: Path, newest: Document, plan: Plan, threads: int | None, progress: Progress | None) -> None:
    """Make one batch of the partitions of a plan, all run, and commit it. Raises PlanError, UnsortedInputError."""
    from ..ingest.plans import committing, open_inputs  # noqa: PLC0415

    options = AddOptions(threads, progress, **plan.document["options"])
    opened = open_inputs(plan)
    for source in opened:
        _prepare(root, newest, source, options)
    fasta = _fasta(newest, None)
    staging = manifest.staging_folder(root)
    try:
        with Digests(path for source in opened for path in source.files) as digests, committing(plan, opened) as spools:
            try:
                batch = _import(root, newest, opened, options, spools, staging, fasta, sort=False)
            except UnsortedInputError as error:
                text = str(error).partition("; ")[0]
                raise UnsortedInputError(f"{text}; sort the file (bcftools sort), or use `varstore add`") from None
            _publish(root, newest, [batch.with_files(digests)], staging, options, fasta)
    finally:
        files.remove_tree(staging)


def _open_new(root: Path, newest: Document, inputs: Sequence[PathLike], options: AddOptions) -> list[list[Input]]:
    """Open inputs, those with the same people together. Raises InputError, SampleClashError, QueryError."""
    from ..ingest.inputs import check_named_once, open_input  # noqa: PLC0415
    from ..storage.field_table import FieldChoice  # noqa: PLC0415

    FieldChoice.parse(options.fields)
    if options.max_alleles_inline is not None and options.max_alleles_inline < 1:
        raise QueryError(f"max_alleles_inline is {options.max_alleles_inline}, expected at least 1")
    groups: dict[tuple[str, ...], list[Input]] = {}
    opened = [open_input(os.fspath(path)) for path in inputs]
    check_named_once(opened)
    for source in opened:
        _prepare(root, newest, source, options)
        groups.setdefault(tuple(source.header.samples), []).append(source)
    _check_files_of_users(opened, options)
    return list(groups.values())


def _check_files_of_users(opened: Sequence[Input], options: AddOptions) -> None:
    """A BED and a table of people fit some of the inputs. Raises InputError, before anything is imported."""
    headers = [source.header for source in opened]
    if all(header.contigs for header in headers):
        options.wish.check({name: length for header in headers for name, length in header.contigs.items()})
    if options.table is not None:
        options.table.check([name for header in headers for name in header.samples])


def _prepare(root: Path, newest: Document, source: Input, options: AddOptions) -> None:
    """Rename the people of an input, and see early that they do not clash. Raises SampleClashError."""
    source.header.samples = renamed(source.header.samples, options.rename, str(source.path))
    first = source.first_contig()
    covered = [] if first is None else _covered(newest, {**source.header.contigs}, [first], str(source.path))
    check_people(root, newest, source.header.samples, covered, str(source.path))


def _covered(document: Document, contigs: Mapping[str, int | None], used: Sequence[str], file: str) -> list[str]:
    """Contigs of a file as the repository calls them. Raises ContigLengthError."""
    known = {**contigs, **{name: contigs.get(name) for name in used}}
    places, table = resolve(known, document["contigs"], file)
    place = dict(zip(known, places, strict=True))
    return [table[place[name]]["name"] for name in used]


@dataclass(frozen=True)
class _NewBatch:
    """A batch in staging."""

    name: str
    parts: Mapping[str, PartWriter]
    result: ImportResult
    samples: Sequence[str]
    files: Sequence[Document] = ()

    @property
    def places(self) -> dict[str, str]:
        """Where each part will be."""
        # Parts that follow from the batch have ids of their own: each is remade alone.
        return {"batch": f"batches/{self.name}", **{kind: f"derived/{self.name}-{kind}" for kind in _DERIVED}}

    def with_files(self, digests: Digests) -> _NewBatch:
        """The batch, with what is kept of its inputs."""
        return replace(self, files=[digests.entry(path) for path in self.result.files])

    def added(self, root: Path, store: Batch, refs: Mapping[str, PartRef]) -> AddedBatch:
        """The batch in its place."""
        try:
            of_keys, of_totals = keys.Keys(Part(root, refs[keys.KIND])), totals.Totals(Part(root, refs[totals.KIND]))
        except MissingFileError as error:
            raise WriteError(f"gone before it was committed; was this process asleep for long? ({error})") from None
        return AddedBatch(self.name, store, of_keys, of_totals, self.result.contigs, self.result.files[0].name)


def _import(
    root: Path, newest: Document, opened: Sequence[Input], options: AddOptions, spools: Spools | None, staging: Path,
    fasta: Fasta | None, *, sort: bool = True,
) -> _NewBatch:  # fmt: skip
    """Import opened inputs into staging."""
    from ..ingest.importer import ImportOptions  # noqa: PLC0415
    from ..ingest.resort import import_inputs  # noqa: PLC0415
    from ..storage.field_table import FieldChoice  # noqa: PLC0415

    name = uuid.uuid4().hex[:12]
    import_options = ImportOptions(
        options.threads or num_cores(),
        options.progress or (lambda _: None),
        FieldChoice.parse(options.fields),
        options.max_alleles_inline,
        _chunk_variants(root, newest),
        options.on_problem,
        spools,
        sort,
        fasta,
    )
    parts, result = import_inputs(opened, staging / name, import_options)
    samples = opened[0].header.samples
    file = result.files[0].name
    check_people(root, newest, samples, _covered(newest, result.contigs, result.used_contigs, file), file)
    return _NewBatch(name, parts, result, samples)


def _publish(
    root: Path, newest: Document, batches: Sequence[_NewBatch], staging: Path, options: AddOptions, fasta: Fasta | None
) -> None:
    """Move staged batches into place, and commit them."""
    published: list[str] = []
    people = NewPeople(root, staging, options.table)
    made: list[Denominators] = []
    sketches: NewSketches | None = None
    try:
        refs, added = [], []
        for batch in batches:
            places = batch.places
            published += places.values()
            refs.append({kind: batch.parts[kind].publish(root, place) for kind, place in places.items()})
            store = Batch(Part(root, refs[-1]["batch"]))
            made.append(denominators.prepare(root, staging, store, batch.name, newest["assembly"], options.wish))
            added.append(batch.added(root, store, refs[-1]))
        sketches = NewSketches(root, staging, added)
        sketches.make(newest)

        def change(document: Document) -> Document:
            with_reference(document, fasta)
            for batch, ref, more in zip(batches, refs, made, strict=True):
                document = _with_batch(document, root, batch, ref, people)
                more.apply(document, document["batches"][-1])
            sketches.apply(document)
            return document

        while True:
            try:
                commit(root, newest, change, "add")
                break
            except ListChangedError:
                sketches.make(manifest.read_newest(root).document)  # type: ignore[union-attr] # there is one
    except BaseException:
        # Nobody names these parts: leave nothing behind, unless the commit itself got through.
        with suppress(RepositoryError, OSError):
            if not _is_committed(root, batches[0].name):
                for path in [*published, *people.places]:
                    files.remove_tree(root / path)
                denominators.discard(root, made)
                if sketches is not None:
                    sketches.discard()
        raise


def _chunk_variants(root: Path, document: Document) -> int | None:
    """Variants of a chunk in the batches that are there: all have one."""
    for entry in document["batches"][:1]:
        return BatchOpener(root)(entry).chunk_variants
    return None


def _is_committed(root: Path, name: str) -> bool:
    newest = manifest.read_newest(root)
    return newest is not None and any(entry["id"] == name for entry in newest.batches)


def _with_batch(
    document: Document, root: Path, batch: _NewBatch, refs: Mapping[str, PartRef], people: NewPeople
) -> Document:
    """The next manifest: one batch more. Refuses what a faster writer made impossible."""
    result = batch.result
    file = result.files[0].name
    contigs, document["contigs"] = resolve(result.contigs, document["contigs"], file)
    name_sequences(document)
    place = dict(zip(result.contigs, contigs, strict=True))
    covered = [document["contigs"][place[name]]["name"] for name in result.used_contigs]
    check_people(root, document, batch.samples, covered, file)
    document["batches"].append(
        {
            "id": batch.name,
            "part": vars(refs["batch"]),
            "num_samples": result.num_samples,
            "num_variants": result.num_variants,
            "first_sample": people.add(document, batch.name, batch.samples),
            "contigs": contigs,
            "ploidy": result.ploidy,
            "dataset": None,
            "absent": "unknown",
            "covered": {"contigs": covered},
            "used_contigs": covered,
            "sites_sha256": result.sites_sha256,
            "files": batch.files,
            "header_sha256": result.header_sha256,
            **_made(),
            "problems": result.problems,
            "fields_left_out": result.fields_left_out,
            "attributes": {},
        }
    )
    for kind, version in _DERIVED.items():
        part = vars(refs[kind])
        made = part["path"].rpartition("/")[2]
        entry = {"id": made, "kind": kind, "version": version, "batch": batch.name, "part": part}
        if kind == keys.KIND:
            entry["fasta"] = document["fasta"] and document["fasta"]["sha256"]
        document["derived"].append(entry)
    return document


def _fasta(newest: Document, reference: PathLike | None) -> Fasta | None:
    """The FASTA of the repository, or the one that it gets with its first batch. Raises FastaError, QueryError."""
    from ..ingest.fasta import fasta_of  # noqa: PLC0415

    if newest["fasta"] is None and reference is not None and newest["batches"]:
        raise QueryError("the repository has no FASTA yet; `varstore reindex REPO --reference FASTA` gives it one")
    return fasta_of(newest["fasta"], reference)


def with_fasta(document: Document, reference: PathLike | None) -> Document:
    """The manifest of a repository without batches, with its FASTA if it gets one. Raises FastaError."""
    with_reference(document, _fasta(document, reference))
    return document


def _made() -> Document:
    """By what, when and how something is made."""
    return {"tool": f"varstore {__version__}", "time": timestamp(), "command": list(sys.argv)}


def timestamp() -> str:
    """Now, as manifests say it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def commit(
    root: Path, first: Document, change: Callable[[Document], Document], action: str, command: list[str] | None = None
) -> Manifest:
    """Commit ``change`` with its provenance. ``command``: what to say of the command line; None: all of it."""

    def changed(document: Document) -> Document:
        document = change(document)
        made = _made()
        document["tool"] = made["tool"]
        words = made["command"] if command is None else command
        document["provenance"] = {"action": action, "time": made["time"], "command": words}
        return document

    staging = manifest.staging_folder(root)
    try:
        return manifest.commit(root, changed, staging, first)
    finally:
        files.remove_tree(staging)
