"""VCF text, plain or BGZF."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ..kernels.text import NEWLINE
from ..storage.rowbytes import RowBytes, from_genotypes, join_rows, weave_calls
from . import bgzf
from .cells import field_cells, with_odd_calls
from .output import in_threads, opened
from .records import Selection, Slice
from .report import Job


def lines_of(part: Slice) -> memoryview:
    """The lines of some records."""
    columns = part.site_columns()
    if part.selection.samples:
        columns.append(_calls(part))
    text, starts = join_rows(columns)
    # The last cell of a line ends in a tab: that is where the line ends.
    text[starts[1:, 0] - 1] = NEWLINE
    return text.data


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


def write_vcf(selection: Selection, target: Path | BinaryIO, job: Job, *, compressed: bool) -> None:
    """Write the records as VCF text, compressed as BGZF or not."""
    head = selection.header.text(selection.samples).encode()

    def encode(part: Slice) -> tuple[int, bytes | memoryview]:
        lines = lines_of(part)
        return part.num_rows, bgzf.compress(lines) if compressed else lines

    with opened(target) as file:
        file.write(bgzf.compress(head) if compressed else head)
        for num_rows, data in in_threads(encode, selection.slices(), job.threads):
            file.write(data)
            job.advance(num_rows)
        if compressed:
            file.write(bgzf.END)
