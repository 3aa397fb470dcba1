"""The calls of one genome file at the sites of a sketch: it is imported aside, by the code that imports batches."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..model.contigs import resolve
from ..query.version import Version
from ..relatedness.nearest import put_reference, sketch_sites
from ..relatedness.sketching import locate, sketch_in_memory
from ..storage import manifest
from ..storage.batch import Batch
from .adding import AddOptions, add_batch

# What tells whether reference blocks are sure.
_FIELDS = {"INFO/END", "FORMAT/LEN", "FORMAT/GQ", "FORMAT/RGQ", "FORMAT/MIN_DP", "FORMAT/DP"}


def read_codes(version: Version, path: str, sample: str | None, absent: str | None) -> tuple[str, NDArray[np.int8]]:
    """The name of a person in a file, and calls at the sites of a version's sketch: copies of ALT, -1: missing.

    path : VCF, BCF, gVCF, whatever ``add`` takes    sample : who, where there are several
    absent : what a site without a record is: ``unknown`` or ``reference``; None: unknown, and in a gVCF reference where
        its blocks are sure

    Raises InputError and its kinds (ContigLengthError: another build), QueryError, CorruptRepositoryError.
    """
    sites = sketch_sites(version)
    assert version.manifest is not None
    with tempfile.TemporaryDirectory(prefix="varstore-") as folder:
        root = Path(folder) / "one.varstore"
        document = manifest.first_document(manifest.create_root(root), version.manifest.document["assembly"])
        add_batch(root, document, [path], AddOptions(fields=_needed(path), absent=absent))
        with Version(root) as one:
            assert one.manifest is not None
            name, person = _person(one.samples, sample, path)
            (batch,) = one._batches
            lengths = {entry["name"]: entry["length"] for entry in one.manifest.contigs}
            places, table = resolve(lengths, version.manifest.contigs, path)
            store, names = cast(Batch, batch.store), [entry["name"] for entry in table]
            place_of = np.array(places, np.int64)
            located = locate(store, batch.alleles.keys, place_of[batch.contigs], sites, names)
            sketch = sketch_in_memory(store, located, sites, np.array([person]))
            # The names of the file's contigs here, in the order of its own table.
            put_reference(one._absence(batch), [names[p] for p in places], sites, sketch, np.array([person]))
    code = [
        np.unpackbits(plane.view(np.uint8), count=len(sites), bitorder="little") for plane in (sketch.low, sketch.high)
    ]
    codes = (code[0] + 2 * code[1]).astype(np.int8)
    codes[codes == 3] = -1
    return name, codes


def _needed(path: str) -> str:
    """Which of the fields a file declares. Raises InputError."""
    from ..ingest.inputs import open_input  # noqa: PLC0415
    from ..storage.field_table import declared_fields  # noqa: PLC0415

    declared = {field.name for field in declared_fields(open_input(path).header.text)}
    return ",".join(sorted(_FIELDS & declared)) or "GT"


def _person(samples: list[str], sample: str | None, path: str) -> tuple[str, int]:
    """Name and column of the person meant. Raises QueryError."""
    if not samples:
        raise QueryError(f"{path}: no genotypes: there is no sample in it")
    if sample is None and len(samples) > 1:
        raise QueryError(f"{path}: {len(samples):,} samples; say which is meant (--sample)")
    if sample is not None and sample not in samples:
        raise QueryError(f"{path}: no sample {sample!r}; there are {', '.join(samples[:8])}")
    return samples[0] if sample is None else sample, 0 if sample is None else samples.index(sample)
