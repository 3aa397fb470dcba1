"""Manifests: one immutable, self-checking JSON file a version, and the commit that makes the next.

docs/format.md lists the keys. A manifest is canonical JSON with the SHA-256 digest of itself, so that
any changed byte is noticed; unknown keys are kept, unknown features refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import (
    CorruptManifestError,
    FormatVersionError,
    MissingFileError,
    NotARepositoryError,
    RepositoryError,
    RepositoryExistsError,
    WriteError,
)
from . import files, leases
from .parts import CHECKSUMS, PartRef

FORMAT_VERSION = 1
READER_FEATURES = ("vcf-zarr-0.4", "varstore_genotype")
# Needed by versions in which batches share a part, and by no others.
SHARED_FEATURE = "varstore_genotype_shared"
WRITER_FEATURES = ("sha256-parts",)
# Of versions with a sketch: who does not know of it would leave purged people in it.
SKETCH = "sketch"
# Of manifests that withdraw people, and of those in which people without a record count as reference: who does not
# know of it would go on counting the one, and not count the other.
WITHDRAWN = "withdrawn"
ABSENT_REFERENCE = "absent-reference"
# Of versions whose sample table has typed columns, or overlays: who does not know of them would miss what they say.
SAMPLE_COLUMNS = "sample-columns"
_KNOWN_TO_READERS = (*READER_FEATURES, SHARED_FEATURE, WITHDRAWN, ABSENT_REFERENCE, SAMPLE_COLUMNS)
# Of versions with saved axes: a writer that does not know of them would leave their people's coordinates in a purge.
SAVED_AXES = "saved-axes"
_KNOWN_TO_WRITERS = (*WRITER_FEATURES, SKETCH, SAVED_AXES)
IDENTITY = "varstore.json"
HEAD = "HEAD"

Document = dict[str, Any]


def canonical(document: Document) -> bytes:
    """The one spelling of a document."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def seal(document: Document) -> bytes:
    """Canonical bytes with the document's own digest in ``sha256``."""
    body = {key: value for key, value in document.items() if key != "sha256"}
    return canonical({**body, "sha256": digest(canonical(body))})


# The line of a sealed document that holds its digest: nothing below the top level is indented by one blank.
_SEAL = re.compile(rb'(,?)\n "sha256": "([0-9a-f]{64})"(,?)\n')


def unseal(data: bytes, path: Path) -> Document:
    """Read a sealed document. Raises CorruptManifestError if a byte of it changed."""
    found = list(_SEAL.finditer(data))
    if len(found) == 1:
        seal_line = found[0]
        # What was digested has no such line, and a comma only where another key follows.
        comma = seal_line[1] if seal_line[3] else b""
        body = data[: seal_line.start()] + comma + b"\n" + data[seal_line.end() :]
        if digest(body).encode() == seal_line[2]:
            document = json.loads(data)
            assert isinstance(document, dict)
            return document
    raise CorruptManifestError(f"{path}: damaged: it does not match its own SHA-256 digest")


@dataclass(frozen=True)
class Manifest:
    """One version of a repository, as read or as to be written."""

    version: int
    document: Document
    sha256: str

    @property
    def batches(self) -> list[Document]:
        """Entries of the batches, oldest first."""
        return list(self.document["batches"])

    @property
    def contigs(self) -> list[Document]:
        """The contig table: name and length (or None), in order."""
        return list(self.document["contigs"])

    @property
    def derived(self) -> list[Document]:
        """Entries of the derived parts."""
        return list(self.document["derived"])

    @property
    def samples(self) -> list[Document]:
        """Entries of the sample-table parts, in order."""
        return list(self.document["samples"])

    @property
    def first_version(self) -> int:
        """The oldest version that was not dropped."""
        return int(self.document.get("first_version", 1))

    @property
    def part_refs(self) -> list[PartRef]:
        """The parts it names, whatever their kind."""
        return list(dict.fromkeys(_part_refs(self.document)))


def _part_refs(value: Any) -> Iterator[PartRef]:
    if isinstance(value, dict):
        if value.keys() >= {"path", "checksums"}:
            yield PartRef(value["path"], value["checksums"])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _part_refs(item)


def manifest_path(root: Path, version: int) -> Path:
    """Where a version is."""
    return root / "manifests" / f"{version:08d}.json"


def create_root(root: Path) -> Document:
    """Make an empty repository folder with its identity; return the identity document.

    Raises RepositoryExistsError if anything but an empty folder is there.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        hint = ", or --resume a creation that was interrupted" if (root / IDENTITY).exists() else ""
        raise RepositoryExistsError(f"{root}: there is something already; choose another path, `varstore add`{hint}")
    for name in ("manifests", "batches", "derived", "samples", "tmp"):
        files.make_folder(root / name)
    identity = {"format": "varstore", "format_version": FORMAT_VERSION, "uuid": str(uuid.uuid4())}
    files.write_new(root / IDENTITY, seal(identity))
    files.sync_folder(root)
    return identity


def read_identity(root: Path) -> Document:
    """The document of ``varstore.json``.

    Raises NotARepositoryError, FormatVersionError, CorruptManifestError.
    """
    path = root / IDENTITY
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if (root / "manifests").is_dir():
            raise MissingFileError(f"{path}: the file is gone; the folder is otherwise a repository") from None
        raise NotARepositoryError(f"{root}: no varstore repository (there is no {IDENTITY})") from None
    identity = unseal(data, path)
    if identity.get("format") != "varstore":
        raise NotARepositoryError(f"{root}: no varstore repository ({IDENTITY} has another format)")
    if identity.get("format_version") != FORMAT_VERSION:
        raise FormatVersionError(
            f"{root}: repository format {identity.get('format_version')}, this varstore reads {FORMAT_VERSION}; "
            "a newer varstore is needed"
        )
    return identity


def first_document(identity: Document, assembly: str | None) -> Document:
    """What version 1 begins from, before its changes."""
    return {
        "format_version": FORMAT_VERSION,
        "repository": identity["uuid"],
        "identity_sha256": digest(seal(identity)),
        "reader_features": list(READER_FEATURES),
        "writer_features": list(WRITER_FEATURES),
        "assembly": assembly,
        "fasta": None,
        "contigs": [],
        "batches": [],
        "derived": [],
        "samples": [],
        "cohorts": [],
        "withdrawn": [],
        "num_samples": 0,
        "parent": None,
    }


def read_version(root: Path, version: int) -> Manifest:
    """Read manifest ``version``. Raises MissingFileError, CorruptManifestError, FormatVersionError."""
    path = manifest_path(root, version)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise MissingFileError(f"{path}: manifest {version} is gone") from None
    document = unseal(data, path)
    if document.get("version") != version:
        raise CorruptManifestError(f"{path}: it says that it is version {document.get('version')}")
    _check_features(document, path, "reader_features", _KNOWN_TO_READERS)
    identity = (root / IDENTITY).read_bytes()
    if document["identity_sha256"] != digest(identity):
        raise CorruptManifestError(f"{root / IDENTITY}: not the file that manifest {version} belongs to")
    return Manifest(version, document, digest(data))


def _check_features(document: Document, path: Path, key: str, known: tuple[str, ...]) -> None:
    unknown = sorted(set(document.get(key, ())) - set(known))
    if unknown or document.get("format_version") != FORMAT_VERSION:
        what = f"features {', '.join(unknown)}" if unknown else f"format {document.get('format_version')}"
        raise FormatVersionError(
            f"{path}: needs {what}, unknown to this varstore; it was written by {document.get('tool', 'a newer one')}"
        )


def check_writable(root: Path, newest: Manifest) -> None:
    """Raise FormatVersionError if this varstore does not know all that a next version has to keep to."""
    _check_features(newest.document, root, "writer_features", _KNOWN_TO_WRITERS)


def need_columns(document: Document) -> None:
    """Note that readers of a version have to know typed columns and overlays of the sample table."""
    document["reader_features"] = sorted({*document["reader_features"], SAMPLE_COLUMNS})


def need_axes(document: Document) -> None:
    """Note that writers of versions after this one have to know saved axes."""
    document["writer_features"] = sorted({*document["writer_features"], SAVED_AXES})


def versions(root: Path) -> list[int]:
    """Numbers of the manifests that are there, ascending."""
    names = (path.name for path in (root / "manifests").glob("*.json"))
    return sorted(int(name[:-5]) for name in names if name[:-5].isdigit())


def read_newest(root: Path) -> Manifest | None:
    """The newest manifest: HEAD's, or any later one; None in a repository without versions.

    A damaged or missing HEAD is warned about; a newest manifest that is damaged or gone is an error.
    """
    head = _read_head(root)
    there = versions(root)
    newest = there[-1] if there else 0
    if head is not None and head["version"] > newest:
        raise MissingFileError(
            f"{manifest_path(root, head['version'])}: manifest {head['version']} is gone; HEAD names it"
        )
    if newest == 0:
        return None
    manifest = read_version(root, newest)
    if head is not None and head["version"] == newest and head["manifest_sha256"] != manifest.sha256:
        raise CorruptManifestError(f"{manifest_path(root, newest)}: not the manifest that HEAD names")
    return manifest


def is_newest(root: Path, version: int) -> bool:
    """Whether a version that was the newest still is; quick. (Old versions are dropped from the oldest on.)"""
    return manifest_path(root, version).exists() and not manifest_path(root, version + 1).exists()


def drop(root: Path, version: int) -> None:
    """Remove a version that the newest says is dropped."""
    files.remove(manifest_path(root, version))


def _read_head(root: Path) -> Document | None:
    path = root / HEAD
    try:
        return unseal(path.read_bytes(), path)
    except FileNotFoundError:
        if versions(root):
            warnings.warn(f"{path}: gone; the newest manifest in the folder is used", stacklevel=4)
    except CorruptManifestError:
        warnings.warn(f"{path}: damaged; the newest manifest in the folder is used", stacklevel=4)
    return None


def commit(root: Path, change: Callable[[Document], Document], staging: Path, first: Document) -> Manifest:
    """Make the next version: ``change`` applied to the newest one, again if another writer was faster.

    ``change`` gets a copy it may alter, and may refuse by raising. The exclusive creation of the
    manifest is the commit; HEAD follows as a hint.
    """
    while True:
        newest = read_newest(root)
        if newest is not None:
            check_writable(root, newest)
        base = first if newest is None else newest.document
        document = change(json.loads(json.dumps(base)))
        version = 1 if newest is None else newest.version + 1
        document["version"] = version
        document["parent"] = None if newest is None else newest.sha256
        data = seal(document)
        _check_new_parts(root, Manifest(version, document, ""), base)
        temporary = staging / f"manifest-{uuid.uuid4().hex}"
        files.write_new(temporary, data)
        try:
            files.link_new(temporary, manifest_path(root, version))
        except FileExistsError:
            continue
        finally:
            files.remove(temporary)
        _write_head(root, version, digest(data))
        return Manifest(version, document, digest(data))


def _check_new_parts(root: Path, made: Manifest, base: Document) -> None:
    """What a version is the first to name has to be there. Raises WriteError."""
    known = set(_part_refs(base))
    for ref in made.part_refs:
        if ref not in known and not (root / ref.path / CHECKSUMS).exists():
            raise WriteError(f"{root / ref.path}: gone before it was committed; was this process asleep for long?")


def _write_head(root: Path, version: int, sha256: str) -> None:
    """Replace the hint. The version is committed already, so a failure here is no failure."""
    temporary = root / "tmp" / f"HEAD-{uuid.uuid4().hex}"
    try:
        files.write_new(temporary, seal({"version": version, "manifest_sha256": sha256}))
        files.replace(temporary, root / HEAD)
    except OSError as error:
        message = f"{root / HEAD}: not renewed ({error}); readers find version {version} all the same"
        warnings.warn(message, stacklevel=3)


def problems(root: Path, newest: Manifest) -> list[str]:
    """What is wrong with HEAD and the chain of manifests, as sentences."""
    found = []
    try:
        head = unseal((root / HEAD).read_bytes(), root / HEAD)
        if head["version"] != newest.version:
            found.append(f"{root / HEAD}: names version {head['version']}, the newest is {newest.version}")
    except (OSError, RepositoryError) as error:
        found.append(str(error) if isinstance(error, RepositoryError) else f"{root / HEAD}: {error.strerror}")
    child = newest
    while child.version > newest.first_version:
        try:
            parent = read_version(root, child.version - 1)
        except (OSError, RepositoryError) as error:
            found.append(str(error))
            break
        if parent.sha256 != child.document["parent"]:
            found.append(f"{manifest_path(root, parent.version)}: not the parent that version {child.version} names")
            break
        child = parent
    return found


def kept_parts(root: Path, newest: Manifest) -> list[PartRef]:
    """The parts that versions name, the newest's first; a version that cannot be read names none."""
    refs = dict.fromkeys(newest.part_refs)
    for version in range(newest.version - 1, newest.first_version - 1, -1):
        with suppress(OSError, RepositoryError):  # `problems` tells
            refs.update(dict.fromkeys(read_version(root, version).part_refs))
    return list(refs)


def staging_folder(root: Path) -> Path:
    """A new folder of one's own under ``tmp``, named after host and process, with a lease in it."""
    path = root / "tmp" / f"{os.uname().nodename}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    files.make_folder(path)
    leases.take(path)
    return path
