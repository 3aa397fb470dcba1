"""Changes of a repository: import beside it, then commit, all or nothing."""

from __future__ import annotations

import datetime
import os
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .errors import (
    ContigLengthError,
    QueryError,
    RepositoryError,
    UnsortedInputError,
    VarstoreError,
    WriteError,
)
from .storage import files, keys, manifest, totals
from .storage.manifest import Document, Manifest
from .storage.parts import PartRef, PartWriter
from .storage.people import NewPeople, check_people, renamed
from .storage.sources import BatchOpener

if TYPE_CHECKING:
    from .ingest.importer import ImportResult
    from .ingest.inputs import Input
    from .ingest.partitions import Spools
    from .storage.plans import Plan

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


def add_batch(
    root: Path,
    newest: Document,
    inputs: Sequence[PathLike],
    options: AddOptions,
) -> None:
    """Import the inputs beside the repository, then commit them: all or nothing.

    Inputs with the same people become one batch; others are batches of their own, in the same commit.
    """
    from .ingest.plans import spooling  # noqa: PLC0415

    staging = manifest.staging_folder(root)
    batches: list[_NewBatch] = []
    try:
        for opened in _open_new(root, newest, inputs, options):
            with spooling(root, opened, options.fields, resume=options.resume) as spools:
                batches.append(_import(root, newest, opened, options, spools, staging))
        _publish(root, newest, batches, staging)
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
    from .ingest.inputs import check_same_samples  # noqa: PLC0415
    from .ingest.plans import make_plan  # noqa: PLC0415

    groups = _open_new(root, newest, inputs, options)
    if len(groups) > 1:
        check_same_samples([group[0] for group in groups])
    kept = {name: getattr(options, name) for name in ("fields", "max_alleles_inline", "on_problem", "rename")}
    return make_plan(root, groups[0], kept)


def commit_plan(root: Path, newest: Document, plan: Plan, threads: int | None, progress: Progress | None) -> None:
    """Make one batch of the partitions of a plan, all run, and commit it. Raises PlanError, UnsortedInputError."""
    from .ingest.plans import committing, open_inputs  # noqa: PLC0415

    options = AddOptions(threads, progress, **plan.document["options"])
    opened = open_inputs(plan)
    for source in opened:
        _prepare(root, newest, source, options)
    staging = manifest.staging_folder(root)
    try:
        with committing(plan, opened) as spools:
            try:
                batch = _import(root, newest, opened, options, spools, staging, sort=False)
            except UnsortedInputError as error:
                text = str(error).partition("; ")[0]
                raise UnsortedInputError(f"{text}; sort the file (bcftools sort), or use `varstore add`") from None
            _publish(root, newest, [batch], staging)
    finally:
        files.remove_tree(staging)


def _open_new(root: Path, newest: Document, inputs: Sequence[PathLike], options: AddOptions) -> list[list[Input]]:
    """Open inputs, those with the same people together. Raises InputError, SampleClashError, QueryError."""
    from .ingest.inputs import check_named_once, open_input  # noqa: PLC0415
    from .storage.field_table import FieldChoice  # noqa: PLC0415

    FieldChoice.parse(options.fields)
    if options.max_alleles_inline is not None and options.max_alleles_inline < 1:
        raise QueryError(f"max_alleles_inline is {options.max_alleles_inline}, expected at least 1")
    groups: dict[tuple[str, ...], list[Input]] = {}
    opened = [open_input(os.fspath(path)) for path in inputs]
    check_named_once(opened)
    for source in opened:
        _prepare(root, newest, source, options)
        groups.setdefault(tuple(source.header.samples), []).append(source)
    return list(groups.values())


def _prepare(root: Path, newest: Document, source: Input, options: AddOptions) -> None:
    """Rename the people of an input, and see early that they do not clash. Raises SampleClashError."""
    source.header.samples = renamed(source.header.samples, options.rename, str(source.path))
    first = source.first_contig()
    check_people(root, newest, source.header.samples, [first] if first is not None else [], str(source.path))


@dataclass(frozen=True)
class _NewBatch:
    """A batch in staging."""

    name: str
    parts: Mapping[str, PartWriter]
    result: ImportResult
    samples: Sequence[str]

    @property
    def places(self) -> dict[str, str]:
        """Where each part will be."""
        # Parts that follow from the batch have ids of their own: each is remade alone.
        return {"batch": f"batches/{self.name}", **{kind: f"derived/{self.name}-{kind}" for kind in _DERIVED}}


def _import(
    root: Path, newest: Document, opened: Sequence[Input], options: AddOptions, spools: Spools | None, staging: Path, *,
    sort: bool = True,
) -> _NewBatch:  # fmt: skip
    """Import opened inputs into staging."""
    from .ingest.importer import ImportOptions  # noqa: PLC0415
    from .ingest.resort import import_inputs  # noqa: PLC0415
    from .storage.field_table import FieldChoice  # noqa: PLC0415

    name = uuid.uuid4().hex[:12]
    import_options = ImportOptions(
        options.threads or os.cpu_count() or 1,
        options.progress or (lambda _: None),
        FieldChoice.parse(options.fields),
        options.max_alleles_inline,
        _chunk_variants(root, newest),
        options.on_problem,
        spools,
        sort,
    )
    parts, result = import_inputs(opened, staging / name, import_options)
    samples = opened[0].header.samples
    check_people(root, newest, samples, result.used_contigs, result.files[0]["name"])
    return _NewBatch(name, parts, result, samples)


def _publish(root: Path, newest: Document, batches: Sequence[_NewBatch], staging: Path) -> None:
    """Move staged batches into place, and commit them."""
    published: list[str] = []
    people = NewPeople(root, staging)
    try:
        refs = []
        for batch in batches:
            places = batch.places
            published += places.values()
            refs.append({kind: batch.parts[kind].publish(root, place) for kind, place in places.items()})

        def change(document: Document) -> Document:
            for batch, ref in zip(batches, refs, strict=True):
                document = _with_batch(document, root, batch, ref, people)
            return document

        commit(root, newest, change, "add")
    except BaseException:
        # Nobody names these parts: leave nothing behind, unless the commit itself got through.
        with suppress(RepositoryError, OSError):
            if not _is_committed(root, batches[0].name):
                for path in [*published, *people.places]:
                    files.remove_tree(root / path)
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
    file = result.files[0]["name"]
    contigs = _add_contigs(document, result.contigs, file)
    table = [entry["name"] for entry in document["contigs"]]
    covered = [table[contigs[name]] for name in result.used_contigs]
    check_people(root, document, batch.samples, covered, file)
    document["batches"].append(
        {
            "id": batch.name,
            "part": vars(refs["batch"]),
            "num_samples": result.num_samples,
            "num_variants": result.num_variants,
            "first_sample": people.add(document, batch.name, batch.samples),
            "contigs": list(contigs.values()),
            "ploidy": result.ploidy,
            "dataset": None,
            "absent": "unknown",
            "covered": {"contigs": covered},
            "used_contigs": covered,
            "sites_sha256": result.sites_sha256,
            "files": result.files,
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
        document["derived"].append({"id": made, "kind": kind, "version": version, "batch": batch.name, "part": part})
    return document


def _add_contigs(document: Document, contigs: Mapping[str, int | None], file: str) -> dict[str, int]:
    """Put a batch's contigs into the table of the repository; return the place of each."""
    places = {entry["name"]: i for i, entry in enumerate(document["contigs"])}
    for name, length in contigs.items():
        if name not in places:
            places[name] = len(document["contigs"])
            document["contigs"].append({"name": name, "length": length, "refget": None})
        entry = document["contigs"][places[name]]
        if length is not None and entry["length"] not in (None, length):
            raise ContigLengthError(
                f"{file}: contig {name} has {length:,} bases, in the repository it has {entry['length']:,}: "
                "another reference build"
            )
        entry["length"] = entry["length"] or length
    return {name: places[name] for name in contigs}


def _made() -> Document:
    """By what, when and how something is made."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"tool": f"varstore {__version__}", "time": now, "command": list(sys.argv)}


def commit(root: Path, first: Document, change: Callable[[Document], Document], action: str) -> Manifest:
    """Commit ``change`` with its provenance."""

    def changed(document: Document) -> Document:
        document = change(document)
        made = _made()
        document["tool"] = made["tool"]
        document["provenance"] = {"action": action, "time": made["time"], "command": made["command"]}
        return document

    staging = manifest.staging_folder(root)
    try:
        return manifest.commit(root, changed, staging, first)
    finally:
        files.remove_tree(staging)
