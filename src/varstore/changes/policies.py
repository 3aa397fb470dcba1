"""Changes of what batches say of sites where they have no record: ``varstore batch``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import QueryError, RepositoryError
from ..storage import denominators, files, manifest
from ..storage.denominators import Wish
from ..storage.manifest import Document
from ..storage.sources import BatchOpener
from .adding import commit


class _ChangedMeanwhileError(Exception):
    """Another writer changed the batch after its parts were made."""


def find_batch(entries: Sequence[Document], text: str) -> Document:
    """The entry of a batch by its id, or by an id's beginning that only one has. Raises QueryError."""
    found = [entry for entry in entries if entry["id"] == text] or [
        entry for entry in entries if text and entry["id"].startswith(text)
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(entry["id"] for entry in (found or entries)[:8])
    what = "several batches begin so" if found else "no such batch; there are"
    raise QueryError(f"batch {text!r}: {what}: {known or 'none'}")


def change_batch(root: Path, batch: str, wish: Wish) -> None:
    """Give a batch another policy in a new version; parts that this needs are made beside, then committed.

    Raises QueryError where there is no such batch, InputError where a BED does not fit it.
    """
    while True:
        newest = manifest.read_newest(root)
        assert newest is not None
        entry = find_batch(newest.batches, batch)
        staging = manifest.staging_folder(root)
        try:
            _change(root, staging, newest.document, entry, wish)
        except _ChangedMeanwhileError:
            continue
        finally:
            files.remove_tree(staging)
        return


def _change(root: Path, staging: Path, document: Document, entry: Document, wish: Wish) -> None:
    """Make parts, and commit unless the batch was changed meanwhile. Raises _ChangedMeanwhileError."""
    if wish.min_ref_gq is not None and not entry["covered"].get("reference_blocks", True):
        raise QueryError(f"batch {entry['id']} has no reference blocks: a least GQ of them would change nothing")
    store = BatchOpener(root)(entry)
    made = denominators.prepare(
        root, staging, store, entry["id"], document["assembly"], wish, entry, document["derived"]
    )  # fmt: skip

    def change(current: Document) -> Document:
        mine = find_batch(current["batches"], entry["id"])
        if any(mine.get(key) != entry.get(key) for key in ("part", "absent", "covered")):
            raise _ChangedMeanwhileError
        made.apply(current, mine)
        return current

    try:
        commit(root, document, change, "batch")
    except BaseException:
        # Nobody names these parts, unless the commit itself got through.
        with suppress(RepositoryError, OSError):
            if not _names(root, made.places):
                denominators.discard(root, [made])
        raise


def _names(root: Path, places: Sequence[str]) -> bool:
    """Whether the newest version names one of some parts."""
    newest = manifest.read_newest(root)
    if newest is None:
        return False
    named = {entry["part"]["path"] for entry in newest.derived}
    named |= {
        entry["covered"]["callable"]["part"]["path"] for entry in newest.batches if entry["covered"].get("callable")
    }
    return not named.isdisjoint(places)
