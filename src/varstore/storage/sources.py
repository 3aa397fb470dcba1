"""Batches that share a part: each is read back as it was, its genotypes through the rows they have in common.

docs/format.md, "Shared parts". A shared part is a VCF Zarr group of several sources, batches as they were added; what
only one of them has stands in ``varstore/sources/<batch>/`` of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptChunkError, CorruptRepositoryError
from .batch import Batch
from .parts import Part, PartRef

if TYPE_CHECKING:
    from ..codec.layout import BlockSets

SOURCES = "varstore/sources/"
RECORD_ROW = "varstore/record_row"
# Arrays whose chunks the sources share; their metadata stands where no Zarr reader takes it for an array of fill.
MERGED = ("call_genotype", "call_genotype_phased")
# Blocks of a shared part that are kept, described: chunks follow one another.
_BLOCKS = 8


def stored_name(name: str) -> str:
    """Where a source keeps a file of the batch that it was."""
    array, _, file = name.partition("/")
    return f"varstore/metadata/{array}{file}" if array in MERGED else name


class SourcePart(Part):
    """The files of one source, by the names they had in a part of their own."""

    def __init__(self, shared: Part, source: str) -> None:
        self.shared = shared
        self.prefix = f"{SOURCES}{source}/"
        self.ref = shared.ref
        self.folder = shared.folder / self.prefix

    @cached_property
    def entries(self) -> dict[str, tuple[str, int]]:
        """Digest and size of every file by name."""
        mine = {name[len(self.prefix) :]: e for name, e in self.shared.entries.items() if name.startswith(self.prefix)}
        merged = [f"{array}/{file}" for array in MERGED for file in (".zarray", ".zattrs")]
        own_names = {stored_name(name): name for name in merged}
        return {own_names.get(name, name): entry for name, entry in mine.items()}

    def has(self, name: str) -> bool:
        """Whether the source was written with this file."""
        return self.prefix + stored_name(name) in self.shared.entries

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises MissingFileError, CorruptRepositoryError."""
        return self.shared.read(self.prefix + stored_name(name))


class SharedPart:
    """The genotypes of a shared part."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.batch = Batch(part)
        self.blocks = lru_cache(maxsize=_BLOCKS)(self._blocks)
        self.phases = lru_cache(maxsize=_BLOCKS)(self.batch.phased_chunk)

    @cached_property
    def num_sources(self) -> NDArray[np.int64]:
        """(rows,) how many sources have each row."""
        end = f"/{RECORD_ROW}/.zarray"
        names = [name[len(SOURCES) : -len(end)] for name in self.part.entries if name.endswith(end)]
        rows = [SourceBatch(self, name, 0).record_row for name in names]
        return np.bincount(np.concatenate([np.zeros(0, np.int64), *rows]), minlength=self.batch.num_variants)

    def _blocks(self, chunk: int) -> list[tuple[int, BlockSets]]:
        """The inner blocks of a chunk of variants, each with its first column."""
        from ..codec.layout import inflate_block, parse  # noqa: PLC0415

        out = []
        for sample_chunk in range(self.batch.num_sample_chunks):
            begin = sample_chunk * self.batch.chunk_samples
            layout = parse(self.batch.genotype_block(chunk, sample_chunk))
            rows = min(self.batch.chunk_variants, self.batch.num_variants - chunk * self.batch.chunk_variants)
            samples = min(self.batch.chunk_samples, len(self.batch.samples) - begin)
            if layout.num_rows < rows or layout.num_samples < samples:
                raise CorruptChunkError(
                    f"{self.part.folder}: chunk {chunk}.{sample_chunk}.0 of call_genotype has {layout.num_rows} x "
                    f"{layout.num_samples} genotypes, the part says {rows} x {samples}"
                )
            out += [(begin + i * layout.inner, inflate_block(layout, i)) for i in range(layout.num_blocks)]
        return out

    def calls(self, rows: NDArray[np.int64], first: int, out: NDArray[Any]) -> None:
        """Decode rows, each once, of the columns from ``first`` on into ``out`` (rows, samples, ploidy)."""
        from ..codec.genotype import expand_window  # noqa: PLC0415

        height, end = self.batch.chunk_variants, first + out.shape[1]
        for chunk in np.unique(rows // height).tolist():
            mine = np.flatnonzero(rows // height == chunk)
            local = rows[mine] - chunk * height
            low = int(local.min())
            place = np.full(int(local.max()) + 1 - low, -1, np.int64)
            place[local - low] = mine
            for begin, block in self.blocks(chunk):
                left, right = max(first, begin), min(end, begin + block.num_samples)
                if left < right:
                    expand_window(
                        block, low, place, (left - begin, right - begin), out[:, left - first : right - first]
                    )

    def phased(self, rows: NDArray[np.int64], first: int, samples: int) -> NDArray[np.bool_]:
        """Phases of rows, (rows, samples)."""
        out = np.empty((len(rows), samples), np.bool_)
        height, width = self.batch.chunk_variants, self.batch.chunk_samples
        for chunk in np.unique(rows // height).tolist():
            mine = np.flatnonzero(rows // height == chunk)
            for sample_chunk in range(first // width, -(-(first + samples) // width)):
                begin = sample_chunk * width
                left, right = max(first, begin), min(first + samples, begin + width)
                phases = self.phases(chunk, sample_chunk)[:, left - begin : right - begin]
                out[mine, left - first : right - first] = phases[rows[mine] - chunk * height]
        return out


class SourceBatch(Batch):
    """One source of a shared part, as the batch that it was.

    shared : its part    first_column : of the shared genotypes
    """

    def __init__(self, shared: SharedPart, source: str, first_column: int) -> None:
        super().__init__(SourcePart(shared.part, source))
        self.shared = shared
        self.first_column = first_column

    @cached_property
    def record_row(self) -> NDArray[np.int64]:
        """(records,) the row that each record has in the shared part."""
        rows = self.array(RECORD_ROW).read().astype(np.int64)
        num_rows = self.shared.batch.num_variants
        last_column = self.first_column + len(self.samples)
        if len(rows) and not (0 <= int(rows.min()) and int(rows.max()) < num_rows):
            raise CorruptRepositoryError(f"{self.part.folder / RECORD_ROW}: rows that are not among the {num_rows}")
        if last_column > len(self.shared.batch.samples):
            raise CorruptRepositoryError(f"{self.part.folder}: its columns are not among those of the part")
        return rows

    def rows_of(self, chunk: int) -> NDArray[np.int64]:
        """Rows of the records of a chunk."""
        return self.record_row[chunk * self.chunk_variants : (chunk + 1) * self.chunk_variants]

    def genotype_block(self, chunk: int, sample_chunk: int) -> memoryview:
        """A chunk of ``call_genotype``, encoded anew. Raises CorruptRepositoryError."""
        from ..codec.genotype import encode_array  # noqa: PLC0415

        begin = sample_chunk * self.chunk_samples
        samples = min(self.chunk_samples, len(self.samples) - begin)
        rows = self.rows_of(chunk)
        codes = np.empty((len(rows), samples, self.ploidy), self.dtype)
        self.shared.calls(rows, self.first_column + begin, codes)
        codes[~self.has_gt_chunk(chunk)] = -1  # as wide as the array, whatever the shared block is
        return memoryview(encode_array(codes, level=1))

    def phased_chunk(self, chunk: int, sample_chunk: int) -> NDArray[np.bool_]:
        """Phases of a chunk, (rows, samples)."""
        begin = sample_chunk * self.chunk_samples
        samples = min(self.chunk_samples, len(self.samples) - begin)
        return self.shared.phased(self.rows_of(chunk), self.first_column + begin, samples)


class BatchOpener:
    """Opens the batches of a version; those that share a part share its reader."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._shared: dict[PartRef, SharedPart] = {}

    def __call__(self, entry: Mapping[str, Any]) -> Batch:
        """The batch of a manifest entry."""
        ref = PartRef(**entry["part"])
        source = entry.get("source")
        if source is None:
            return Batch(Part(self.root, ref))
        if ref not in self._shared:
            self._shared[ref] = SharedPart(Part(self.root, ref))
        return SourceBatch(self._shared[ref], source["id"], source["first_column"])
