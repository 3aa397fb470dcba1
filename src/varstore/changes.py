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
    QueryError,
    RepositoryError,
    SampleClashError,
    SitesDifferError,
    UnsortedInputError,
    VarstoreError,
    WriteError,
)
from .storage import files, keys, manifest, totals
from .storage.manifest import Document, Manifest
from .storage.parts import Part, PartRef
from .storage.samples import read_samples, write_samples
from .storage.sources import BatchOpener

if TYPE_CHECKING:
    from .ingest.importer import ImportResult
    from .ingest.inputs import Input
    from .ingest.partitions import Spools
    from .storage.plans import Plan

PathLike = str | os.PathLike[str]
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


def add_batch(
    root: Path,
    newest: Document,
    inputs: Sequence[PathLike],
    options: AddOptions,
) -> None:
    """Import the inputs beside the repository, then commit them: all or nothing."""
    from .ingest.plans import spooling  # noqa: PLC0415

    opened = _open_new(root, newest, inputs, options)
    with spooling(root, opened, options.fields, resume=options.resume) as spools:
        _add_opened(root, newest, opened, options, spools)


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
    from .ingest.plans import make_plan  # noqa: PLC0415

    opened = _open_new(root, newest, inputs, options)
    kept = {name: getattr(options, name) for name in ("fields", "max_alleles_inline", "on_problem")}
    return make_plan(root, opened, kept)


def commit_plan(root: Path, newest: Document, plan: Plan, threads: int | None, progress: Progress | None) -> None:
    """Make one batch of the partitions of a plan, all run, and commit it. Raises PlanError, UnsortedInputError."""
    from .ingest.plans import committing, open_inputs  # noqa: PLC0415

    opened = open_inputs(plan)
    for source in opened:
        _check_new_samples(source.header.samples, root, newest, str(source.path))
    with committing(plan, opened) as spools:
        options = AddOptions(threads, progress, **plan.document["options"])
        try:
            _add_opened(root, newest, opened, options, spools, sort=False)
        except UnsortedInputError as error:
            text = str(error).partition("; ")[0]
            raise UnsortedInputError(f"{text}; sort the file (bcftools sort), or use `varstore add`") from None


def _open_new(root: Path, newest: Document, inputs: Sequence[PathLike], options: AddOptions) -> list[Input]:
    """Open inputs whose samples are new. Raises InputError, SampleClashError, QueryError."""
    from .ingest.inputs import open_input  # noqa: PLC0415
    from .storage.field_table import FieldChoice  # noqa: PLC0415

    FieldChoice.parse(options.fields)
    if options.max_alleles_inline is not None and options.max_alleles_inline < 1:
        raise QueryError(f"max_alleles_inline is {options.max_alleles_inline}, expected at least 1")
    opened = [open_input(os.fspath(path)) for path in inputs]
    for source in opened:
        _check_new_samples(source.header.samples, root, newest, str(source.path))
    return opened


def _add_opened(
    root: Path, newest: Document, opened: Sequence[Input], options: AddOptions, spools: Spools | None, *,
    sort: bool = True,
) -> None:  # fmt: skip
    """Import opened inputs, and commit them."""
    from .ingest.importer import ImportOptions  # noqa: PLC0415
    from .ingest.resort import import_inputs  # noqa: PLC0415
    from .storage.field_table import FieldChoice  # noqa: PLC0415

    staging = manifest.staging_folder(root)
    name = uuid.uuid4().hex[:12]
    published: list[str] = []
    try:
        # Where each part will be. Parts that follow from the batch have ids of their own: each is remade alone.
        places = {
            "batch": f"batches/{name}",
            "totals": f"derived/{name}",
            "keys": f"derived/{uuid.uuid4().hex[:12]}",
            "samples": f"samples/{name}",
        }
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
        parts, result = import_inputs(opened, staging, import_options)
        write_samples(parts["samples"], opened[0].header.samples)
        _check_sites(newest, result)
        refs = {}
        for kind, part in parts.items():
            published.append(places[kind])
            refs[kind] = part.publish(root, places[kind])
        samples = opened[0].header.samples
        commit(root, newest, lambda document: _with_batch(document, root, name, refs, result, samples), "add")
    except BaseException:
        # Nobody names these parts: leave nothing behind, unless the commit itself got through.
        with suppress(RepositoryError, OSError):
            if not _is_committed(root, name):
                for path in published:
                    files.remove_tree(root / path)
        raise
    finally:
        files.remove_tree(staging)


def _chunk_variants(root: Path, document: Document) -> int | None:
    """Variants of a chunk in the batches that are there: all have one."""
    for entry in document["batches"][:1]:
        return BatchOpener(root)(entry).chunk_variants
    return None


def _is_committed(root: Path, name: str) -> bool:
    newest = manifest.read_newest(root)
    return newest is not None and any(entry["id"] == name for entry in newest.batches)


def _check_new_samples(samples: Sequence[str], root: Path, document: Document, path: str) -> None:
    """Sample names are unique in the repository. Raises SampleClashError."""
    for entry in document["samples"]:
        clash = set(read_samples(Part(root, PartRef(**entry["part"])))).intersection(samples)
        if clash:
            others = f" and {len(clash) - 1} more are" if len(clash) > 1 else " is"
            raise SampleClashError(f"{path}: sample {min(clash)!r}{others} in the repository already")


def _check_sites(document: Document, result: ImportResult) -> None:
    """Another batch has the same sites, record by record. Raises SitesDifferError."""
    for entry in document["batches"][:1]:
        if entry["sites_sha256"] != result.sites_sha256:
            raise SitesDifferError(
                f"{', '.join(file['name'] for file in result.files)}: its sites are not those of batch {entry['id']} "
                f"({result.num_variants:,} records, the batch has {entry['num_variants']:,}); "
                "this version of varstore adds people at the same sites only"
            )


def _with_batch(
    document: Document,
    root: Path,
    name: str,
    refs: Mapping[str, PartRef],
    result: ImportResult,
    samples: Sequence[str],
) -> Document:
    """The next manifest: one batch more. Refuses what a faster writer made impossible."""
    _check_new_samples(samples, root, document, result.files[0]["name"])
    _check_sites(document, result)
    first_sample = document["num_samples"]
    document["batches"].append(
        {
            "id": name,
            "part": vars(refs["batch"]),
            "num_samples": result.num_samples,
            "num_variants": result.num_variants,
            "first_sample": first_sample,
            "ploidy": result.ploidy,
            "dataset": None,
            "absent": "unknown",
            "covered": {"contigs": result.used_contigs},
            "used_contigs": result.used_contigs,
            "sites_sha256": result.sites_sha256,
            "files": result.files,
            "header_sha256": result.header_sha256,
            **_made(),
            "problems": result.problems,
            "fields_left_out": result.fields_left_out,
            "attributes": {},
        }
    )
    for kind, version in ((totals.KIND, totals.VERSION), (keys.KIND, keys.VERSION)):
        part = vars(refs[kind])
        made = part["path"].rpartition("/")[2]
        document["derived"].append({"id": made, "kind": kind, "version": version, "batch": name, "part": part})
    document["samples"].append({"id": name, "batch": name, "part": vars(refs["samples"])})
    document["num_samples"] = first_sample + result.num_samples
    known = {contig["name"]: contig for contig in document["contigs"]}
    for contig, length in result.contigs.items():
        entry = known.get(contig)
        if entry is None:
            document["contigs"].append({"name": contig, "length": length, "refget": None})
        elif entry["length"] is None:
            entry["length"] = length
    return document


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
