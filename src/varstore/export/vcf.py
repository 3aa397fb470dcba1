"""VCF text, plain or BGZF."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..kernels.text import NEWLINE
from ..storage.rowbytes import RowBytes, from_genotypes, join_rows, weave_calls
from . import bgzf_file
from .cells import field_cells, with_odd_calls
from .index import Index
from .output import in_threads, opened
from .records import Selection, Slice
from .report import Job


def lines_of(part: Slice) -> tuple[memoryview, NDArray[np.int64]]:
    """The lines of some records, and (rows + 1,) where each begins and the last ends."""
    columns = part.site_columns()
    if part.selection.samples:
        columns.append(_calls(part))
    text, starts = join_rows(columns)
    # The last cell of a line ends in a tab: that is where the line ends.
    text[starts[1:, 0] - 1] = NEWLINE
    return text.data, starts[:, 0]


def _calls(part: Slice) -> RowBytes:
    """FORMAT and the columns of the samples."""
    samples = part.selection.samples
    fields: list[tuple[str, RowBytes]] = []
    if part.has_gt.any():
        calls = part.calls()
        fields.append(("GT", from_genotypes(calls.codes, calls.phased, calls.has_gt)))
    fields += [(field.key, field_cells(part, field)) for field in part.selection.formats]
    fields = [(key, with_odd_calls(column, key, part.odd_calls)) for key, column in fields]
    return weave_calls(fields, part.num_rows, len(samples))


def write_vcf(
    selection: Selection, target: Path | BinaryIO, job: Job, *, compressed: bool, index: Index | None = None
) -> None:
    """Write the records as VCF text, compressed as BGZF or not.

    index : is told of them
    """
    head = selection.header.text(selection.samples).encode()

    with opened(target) as file:
        if compressed:
            bgzf_file.write(file, head, lines_of, selection, job, index)
            return
        file.write(head)
        for num_rows, data in in_threads(
            lambda part: (part.num_rows, lines_of(part)[0]), selection.slices(), job.threads
        ):
            file.write(data)
            job.advance(num_rows)
