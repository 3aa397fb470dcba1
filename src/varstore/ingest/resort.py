"""Imports whose inputs turn out to be unsorted: begun again, with those inputs sorted in staging."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import UnsortedInputError
from ..storage import files
from ..storage.parts import PartWriter
from .bcf import BcfFile
from .importer import BatchImport, ImportOptions, ImportResult
from .inputs import Input, check_named_once, open_input
from .problems import Kind
from .sort import Found, SortedText, Source
from .text import TextFile

PARTS = ("batch", "totals", "keys")


def import_inputs(
    inputs: Sequence[Input], staging: Path, options: ImportOptions
) -> tuple[dict[str, PartWriter], ImportResult]:
    """Import inputs into parts of ``staging``; unsorted ones are sorted, unless problems stop the import.

    Raises InputError and its kinds. Whatever is left in ``staging`` is the caller's to remove.
    """
    check_named_once(inputs)
    sources: list[Input] = list(inputs)
    noted: list[Found] = []
    texts: list[SortedText] = []
    try:
        for attempt in itertools.count():
            parts = {kind: PartWriter(staging / kind) for kind in PARTS}
            try:
                run = BatchImport(inputs, parts, options, sources, noted)
                return parts, run.run()
            except UnsortedInputError as error:
                if not options.sort or options.on_problem == "stop" or not _can_sort(inputs, sources, error):
                    raise
                for kind in PARTS:
                    files.remove_tree(staging / kind)
                text = _sorted_text(inputs, sources, error, staging / f"sort-{attempt}")
                texts.append(text)
                place, _, detail = str(error).partition(": unsorted: ")
                noted += [(Kind.UNSORTED, place, detail.partition(";")[0]), *text.problems]
    finally:
        for text in texts:
            text.close()
    raise AssertionError


def _can_sort(inputs: Sequence[Input], sources: Sequence[Input], error: UnsortedInputError) -> bool:
    """Whether sorting may help: nothing is sorted twice, and what is merged must have the same columns."""
    if len(error.paths) > 1:
        return len(sources) == len(inputs) and len({source.header.has_format for source in inputs}) == 1
    return not any(isinstance(source.text, SortedText) for source in sources if str(source.path) in error.paths)


def _sorted_text(inputs: Sequence[Input], sources: list[Input], error: UnsortedInputError, folder: Path) -> SortedText:
    """Sort the input that is at fault, or all together; it takes their place in ``sources``."""
    table = dict.fromkeys(name for source in inputs for name in source.header.contigs)
    if len(error.paths) > 1:
        text = SortedText([_source(source) for source in inputs], folder, table)
        sources[:] = [replace(inputs[0], text=text)]
        return text
    at = next(i for i, source in enumerate(sources) if str(source.path) in error.paths)
    text = SortedText([_source(sources[at])], folder, table)
    sources[at] = replace(sources[at], text=text)
    return text


def _source(source: Input) -> Source:
    if isinstance(source.text, BcfFile):
        return Source(source.text.line_blocks(), f"{source.path}, record ", 1)
    assert isinstance(source.text, TextFile)
    return Source(source.text.line_blocks(), f"{source.path}, line ", source.header.num_lines + 1)


def sorted_copy(path: Path, folder: Path) -> Path:
    """A copy of a VCF or BCF as plain text, its records as an import sorts them, without blank lines."""
    source = open_input(path)
    text = SortedText([_source(source)], folder, source.header.contigs)
    copy = folder / "sorted.vcf"
    try:
        with open(copy, "wb") as file:
            file.write(source.header.text.rstrip("\n").encode() + b"\n")
            for lines in text.blocks():
                file.write(lines)
    finally:
        text.close()
    return copy
