"""Writing a shared part: the genotypes of several batches on one axis, everything else of each as it was."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptChunkError
from .arrays import FLOAT32_MISSING, GROUP, ArraySpec, finish, pack_text
from .batch import CHUNK_VARIANTS, LEAST_VARIANTS, Batch, BatchHead, BatchWriter
from .fewer_people import FewerBatch
from .parts import PartWriter
from .shared_axis import SharedAxis, merge_axis
from .sources import MERGED, RECORD_ROW, SOURCES, SourceBatch, stored_name

# Genotypes that are decoded at a time, in a thread.
_CELLS = 1 << 27
SHARED_CODEC = "varstore_genotype_shared"


@dataclass(frozen=True)
class Source:
    """A batch that is to share a part.

    contigs : (contigs of the batch,) place of each in the repository's table
    """

    id: str
    batch: Batch
    contigs: NDArray[np.int64]

    @cached_property
    def num_samples(self) -> int:
        return len(self.batch.samples)


@dataclass(frozen=True)
class Contigs:
    """The repository's table: names, and lengths or None."""

    names: Sequence[str]
    lengths: Sequence[int | None]


def write_shared(part: PartWriter, sources: Sequence[Source], contigs: Contigs, source_text: str, threads: int) -> None:
    """Write a shared part of batches that have genotypes. ``source_text``: the program, as batches name it."""
    axis = merge_axis([(source.batch, source.contigs) for source in sources], len(contigs.names))
    samples = [name for source in sources for name in source.batch.samples]
    ploidy = max(source.batch.ploidy for source in sources)
    height = CHUNK_VARIANTS
    while height > LEAST_VARIANTS and height * len(samples) * ploidy > _CELLS:
        height //= 2
    writer = BatchWriter(part, samples, height, codec=SHARED_CODEC)
    genotypes = _Genotypes(writer, sources, axis)
    with ThreadPoolExecutor(threads, "compact") as pool:
        # As many chunks at a time as there are threads: each holds its genotypes while it is written.
        for first in range(0, axis.num_chunks(height) if samples else 0, threads):
            list(pool.map(genotypes.write, range(first, min(first + threads, axis.num_chunks(height)))))
    region_index = list(_write_sites(writer, sources, axis))
    dtype = np.result_type(*(source.batch.dtype for source in sources))
    head = BatchHead(
        dict(zip(contigs.names, contigs.lengths, strict=True)), {"PASS": "All filters passed"}, [],
        "##fileformat=VCFv4.3\n", source_text,
    )  # fmt: skip
    regions = np.array(region_index, np.int64).reshape(-1, 6)
    writer.finish(head, axis.num_rows, regions, dtype.str, ploidy)
    part.write(f"{SOURCES}.zgroup", GROUP)
    for source, record_row in zip(sources, axis.record_row, strict=True):
        _copy(part, source, record_row)


@dataclass(frozen=True)
class _Genotypes:
    """Decodes the genotypes of a chunk out of all sources, and writes them."""

    writer: BatchWriter
    sources: Sequence[Source]
    axis: SharedAxis

    @cached_property
    def _inhabited(self) -> list[int]:
        """Sources that have people."""
        return [i for i, source in enumerate(self.sources) if source.num_samples]

    def write(self, chunk: int) -> None:
        """Write a chunk of genotypes and phases; what was written is read back and compared."""
        from ..codec.genotype import decode_layout, encode_sets, fill_absent  # noqa: PLC0415
        from ..codec.layout import parse  # noqa: PLC0415
        from ..codec.presence import Presence  # noqa: PLC0415
        from ..codec.rows import block_starts, sets_from_codes  # noqa: PLC0415

        height = self.writer.chunk_variants
        rows = range(chunk * height, min((chunk + 1) * height, self.axis.num_rows))
        parts = [_of_source(self.sources[i].batch, *self.axis.records(i, rows)) for i in self._inhabited]
        sizes = [self.sources[i].num_samples for i in self._inhabited]
        ends = np.cumsum(sizes)
        ploidy = max((part.codes.shape[2] for part in parts if len(part.rows)), default=1)
        codes = np.full((len(rows), int(ends[-1]), ploidy), -2, np.result_type(*(part.codes.dtype for part in parts)))
        phased = np.zeros(codes.shape[:2], np.bool_)
        flags = np.zeros((len(rows), len(parts)), np.bool_)
        for i, part in enumerate(parts):
            mine = slice(int(ends[i]) - sizes[i], int(ends[i]))
            codes[part.rows, mine, : part.codes.shape[2]] = part.codes
            phased[part.rows, mine] = part.phased
            flags[part.rows, i] = True
        presence = Presence.of(ends, flags)
        width = self.writer.chunk_samples
        for sample_chunk, begin in enumerate(range(0, codes.shape[1], width)):
            mine = slice(begin, min(begin + width, codes.shape[1]))
            block = np.ascontiguousarray(codes[:, mine])
            here = presence.cut(mine.start, mine.stop)
            starts = block_starts(block.shape[1], width, ploidy)
            if here is not None:
                fill_absent(block, starts, here)
            sets = sets_from_codes(block, starts)
            data = encode_sets(sets, (height, width, ploidy), presence=here)
            if here is not None:
                absent = np.repeat(~here.flags(0, len(rows)), np.diff(here.ends, prepend=0), axis=1)
                block[absent] = -1
            back = decode_layout(parse(memoryview(data)), dtype=block.dtype)
            if not np.array_equal(back[: len(rows), : block.shape[1]], block):
                raise CorruptChunkError(f"chunk {chunk}.{sample_chunk}.0 of call_genotype does not come back")
            self.writer.put_genotypes(chunk, sample_chunk, data)
            phases = phased[:, mine]
            self.writer.put_phased(chunk, sample_chunk, bool(phases[0, 0]) if _alike(phases) else phases)


def _alike(phases: NDArray[np.bool_]) -> bool:
    return bool((phases == phases[:1, :1]).all())


@dataclass(frozen=True)
class _Calls:
    """Genotypes of some records of a source, and the rows of the chunk that they are."""

    rows: NDArray[np.int64]
    codes: NDArray[Any]
    phased: NDArray[np.bool_]


def _of_source(batch: Batch, rows: NDArray[np.int64], records: NDArray[np.int64]) -> _Calls:
    """Decode records of a batch; those without GT are as wide as the batch."""
    codes = np.empty((len(records), len(batch.samples), batch.ploidy), batch.dtype)
    phased = np.empty(codes.shape[:2], np.bool_)
    height = batch.chunk_variants
    for chunk in np.unique(records // height).tolist():
        mine = np.flatnonzero(records // height == chunk)
        local = records[mine] - chunk * height
        codes[mine], phased[mine] = read_calls(batch, chunk, local)
    return _Calls(rows, codes, phased)


def read_calls(batch: Batch, chunk: int, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Genotypes and phases of some rows of a chunk, all samples. Raises CorruptRepositoryError."""
    from ..codec.genotype import expand_window  # noqa: PLC0415
    from ..codec.layout import inflate_block, parse  # noqa: PLC0415

    if isinstance(batch, FewerBatch):
        codes, phases = read_calls(batch.whole, chunk, rows)
        return codes[:, batch.keep], phases[:, batch.keep]
    out = np.empty((len(rows), len(batch.samples), batch.ploidy), batch.dtype)
    if isinstance(batch, SourceBatch):
        records = batch.rows_of(chunk)[rows]
        batch.shared.calls(records, batch.first_column, out)
        phased = batch.shared.phased(records, batch.first_column, out.shape[1])
    else:
        low = int(rows.min())
        place = np.full(int(rows.max()) + 1 - low, -1, np.int64)
        place[rows - low] = np.arange(len(rows))
        phased = np.empty(out.shape[:2], np.bool_)
        for sample_chunk in range(batch.num_sample_chunks):
            begin = sample_chunk * batch.chunk_samples
            samples = min(batch.chunk_samples, out.shape[1] - begin)
            layout = parse(batch.genotype_block(chunk, sample_chunk))
            if layout.ploidy > batch.ploidy or layout.num_samples < samples or layout.num_rows < low + len(place):
                raise CorruptChunkError(f"{batch.part.folder}: chunk {chunk}.{sample_chunk}.0 is not of its batch")
            for i in range(layout.num_blocks):
                block = inflate_block(layout, i)
                at = begin + i * layout.inner
                expand_window(block, low, place, (0, block.num_samples), out[:, at : at + block.num_samples])
            phased[:, begin : begin + samples] = batch.phased_chunk(chunk, sample_chunk)[rows]
    out[~batch.has_gt_chunk(chunk)[rows]] = -1
    return out, phased


def _write_sites(writer: BatchWriter, sources: Sequence[Source], axis: SharedAxis) -> Iterator[tuple[int, ...]]:
    """Write the site columns that rows have in common; yield rows of the region index."""
    height = writer.chunk_variants
    for chunk in range(axis.num_chunks(height)):
        rows = slice(chunk * height, min((chunk + 1) * height, axis.num_rows))
        position, length, contig = axis.position[rows], axis.length[rows], axis.contig[rows]
        num, ones = len(position), np.ones(len(position), np.bool_)
        alleles = axis.alleles(rows, [source.batch for source in sources])
        width = max(2, *(len(each) for each in alleles))
        padded = [text for each in alleles for text in (*each, *[""] * (width - len(each)))]
        writer.put_text("variant_allele", chunk, pack_text([*padded, *[""] * ((height - num) * width)]), width)
        writer.put_text("variant_id", chunk, pack_text([*["."] * num, *[""] * (height - num)]))
        columns = {
            "variant_contig": contig,
            "variant_position": position,
            "variant_length": length,
            "variant_quality": np.full(num, FLOAT32_MISSING),
            "variant_id_mask": ones,
            "variant_filter": np.zeros((num, 1), np.bool_),
            "varstore/variant_has_genotype": ones,
        }
        for name, values in columns.items():
            writer.put(name, chunk, values)
        cuts = np.flatnonzero(np.diff(contig)) + 1
        for begin, end in itertools.pairwise([0, *cuts.tolist(), num]):
            last_end = int((position[begin:end].astype(np.int64) + length[begin:end] - 1).max())
            yield (chunk, int(contig[begin]), int(position[begin]), int(position[end - 1]), last_end, end - begin)


def _copy(part: PartWriter, source: Source, record_row: NDArray[np.int64]) -> None:
    """Copy the files of a source but its genotypes, as they are, and write the rows of its records."""
    batch, folder = source.batch, f"{SOURCES}{source.id}/"
    for name in sorted(batch.part.entries):
        array, _, file = name.partition("/")
        if (array in MERGED and not file.startswith(".")) or name.startswith(f"{RECORD_ROW}/"):
            continue
        part.write(folder + stored_name(name), batch.part.read(name))
    spec = ArraySpec(
        folder + RECORD_ROW, "<i8", ("variants",), "Row of the record in the shared part",
        filters=[{"id": "delta", "dtype": "<i8"}, {"id": "shuffle", "elementsize": 8}],
    )  # fmt: skip
    height = batch.chunk_variants
    for chunk, begin in enumerate(range(0, len(record_row), height)):
        rows = np.zeros(height, "<i8")
        here = record_row[begin : begin + height]
        rows[: len(here)] = here
        part.write(f"{spec.name}/{chunk}", spec.encode(rows))
    finish(part, spec, (len(record_row),), (height,))
