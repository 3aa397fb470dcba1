"""Settle what the encoder chooses: chunk shape, list thresholds, zstd levels.

    python benchmarks/codec.py cohort.vcf.gz --rows 16384 -o table.md

Every setting is varied on its own around the ones in use (bold). One thread, in process, warm: "encode" is record
blocks to bytes, "count" the allele counts of 30 % of the people at all rows, "region" those at the rows of 100 kb,
both from the encoded bytes, inflating included; CPU time, best of ``--repeats``. Without a file, a small made-up cohort
is used. Every setting has to count the same.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from time import process_time
from timeit import repeat
from typing import TextIO

import click
import numpy as np

from suite import make_codes
from varstore.codec import genotype, settings
from varstore.codec.counting import Masks, count_rows
from varstore.codec.counts import BlockCounts
from varstore.codec.genotype import encode_sets
from varstore.codec.layout import inflate_block, parse
from varstore.codec.rows import RowSets, block_starts, sets_from_codes
from varstore.ingest import records as scanning
from varstore.ingest.header import parse_header
from varstore.ingest.text import TextFile
from varstore.storage.batch import CHUNK_SAMPLES, CHUNK_VARIANTS, chunk_width


@dataclass(frozen=True)
class Setting:
    """What is varied. ``samples`` and ``variants``: the most of a chunk."""

    variants: int = CHUNK_VARIANTS
    samples: int = CHUNK_SAMPLES
    sparse_shift: int = settings.SPARSE_SHIFT
    residual_shift: int = settings.RESIDUAL_SHIFT
    level: int = settings.LEVEL


SHAPES = [(1024, 16384), (2048, 16384), (4096, 4096), (4096, 8192), (4096, 16384), (8192, 16384)]
SWEEPS: dict[str, tuple[list[Setting], Callable[[Setting], str]]] = {
    "chunk": ([Setting(*shape) for shape in SHAPES], lambda s: f"{s.variants // 1024}k x {s.samples // 1024}k"),
    "list below 1 /": ([Setting(sparse_shift=n) for n in range(5, 12)], lambda s: str(1 << s.sparse_shift)),
    "XOR a list below 1 /": ([Setting(residual_shift=n) for n in range(2, 9)], lambda s: str(1 << s.residual_shift)),
    "zstd": ([Setting(level=n) for n in (1, 3, 6, 9, 19)], lambda s: str(s.level)),
}


@dataclass(frozen=True)
class Cohort:
    """Genotypes of some records. ``sets``: (samples a chunk, sparse shift) -> the records' sets."""

    name: str
    num_samples: int
    position: np.ndarray
    num_alts: np.ndarray
    sets: Callable[[int, int], RowSets]

    def region(self) -> tuple[int, int]:
        """Rows of 100 kb that begin a quarter into the data, and at no chunk's edge."""
        begin = len(self.position) // 4 + 333
        return begin, int(np.searchsorted(self.position, self.position[begin] + 100_000))


def read_vcf(path: Path, num_rows: int) -> Cohort:
    """The first records of a file, through the importer's scanner."""
    text = TextFile(path)
    header = parse_header(text.header_text, str(path))
    num_samples = len(header.samples)

    @lru_cache(maxsize=1)
    def read(chunk_samples: int, sparse_shift: int) -> scanning.Records:
        plan = scanning.ScanPlan(str(path), header.has_format, header.samples, chunk_samples)
        parts: list[scanning.Records] = []
        with patched(scanning, SPARSE_SHIFT=sparse_shift):
            scanner = scanning.PieceScanner(plan, 2)
            for piece in text.pieces():
                parts += scanner.scan(piece).records
                if sum(part.num_rows for part in parts) >= num_rows:
                    break
        whole = scanning.join(parts, chunk_samples)
        return whole.rows(0, min(whole.num_rows, num_rows))

    first = read(chunk_width(num_samples), settings.SPARSE_SHIFT)
    return Cohort(path.name, num_samples, first.position, first.num_alts, lambda *how: read(*how).sets)


def make_cohort(num_rows: int, num_samples: int) -> Cohort:
    codes = make_codes(num_rows, num_samples)

    @lru_cache(maxsize=1)
    def sets(chunk_samples: int, sparse_shift: int) -> RowSets:
        return sets_from_codes(codes, block_starts(num_samples, chunk_samples, 2), sparse_shift)

    return Cohort("made up", num_samples, np.arange(num_rows) * 50, np.ones(num_rows, np.int64), sets)


@contextmanager
def patched(module: object, **values: object) -> Iterator[None]:
    before = {name: getattr(module, name) for name in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(before)


def encode(cohort: Cohort, setting: Setting) -> tuple[list[list[bytes]], float]:
    """Chunks, and the seconds it took."""
    width = chunk_width(cohort.num_samples, setting.samples)
    sets = cohort.sets(width, setting.sparse_shift)
    chunks = []

    begin = process_time()
    with patched(genotype, RESIDUAL_SHIFT=setting.residual_shift):
        for first in range(0, sets.num_rows, setting.variants):
            rows = sets.rows(first, min(first + setting.variants, sets.num_rows))
            edges = np.searchsorted(sets.starts, [*range(0, cohort.num_samples, width), cohort.num_samples]).tolist()
            shape = (setting.variants, width, sets.ploidy)
            chunks.append(
                [
                    encode_sets(rows, shape, blocks=range(low, high), level=setting.level)
                    for low, high in pairwise(edges)
                ]
            )
    return chunks, process_time() - begin


def count(chunks: Sequence[Sequence[bytes]], setting: Setting, num_alts: np.ndarray, cohort: np.ndarray,
          span: tuple[int, int]) -> np.ndarray:  # fmt: skip
    """Allele counts of a cohort at some rows."""
    parts = []
    for number in range(span[0] // setting.variants, -(-span[1] // setting.variants)):
        first = number * setting.variants
        rows = max(0, span[0] - first), min(setting.variants, span[1] - first)
        counts = BlockCounts.zeros(1, num_alts[first + rows[0] : first + rows[1]])
        begin = 0
        for data in chunks[number]:
            layout = parse(memoryview(data))
            for block in range(layout.num_blocks):
                part = inflate_block(layout, block)
                masks = Masks(cohort[:, begin : begin + part.num_samples])
                count_rows(part, rows, masks, counts, genotypes=False)
                begin += part.num_samples
        parts.append(counts.allele_count[0])
    return np.concatenate(parts)


def measure(cohort: Cohort, repeats: int) -> Iterator[str]:
    """Lines of a table."""
    how = {"timer": process_time, "repeat": repeats}
    people = np.random.default_rng(0).random((1, cohort.num_samples)) < 0.3
    everywhere, region = (0, len(cohort.position)), cohort.region()
    expected = count(encode(cohort, Setting())[0], Setting(), cohort.num_alts, people, everywhere)  # compiles too
    size = f"{everywhere[1]:,} rows x {cohort.num_samples:,} people; region of {region[1] - region[0]:,} rows"
    columns = "| what | setting | chunks | kB | encode ms | count ms | region ms |"
    yield f"\n### {cohort.name}: {size}\n\n{columns}\n{'|---' * 7}|"
    for what, (sweep, name) in SWEEPS.items():
        for setting in sweep:
            chunks, seconds = encode(cohort, setting)
            answer = count(chunks, setting, cohort.num_alts, people, everywhere)
            assert np.array_equal(answer, expected), f"{what} {name(setting)} counts otherwise"
            count_time, region_time = (
                min(repeat(partial(count, chunks, setting, cohort.num_alts, people, span), number=1, **how))
                for span in (everywhere, region)
            )
            sizes = [len(data) for row in chunks for data in row]
            label = f"**{name(setting)}**" if setting == Setting() else name(setting)
            times = " | ".join(f"{1000 * t:.3g}" for t in (seconds, count_time, region_time))
            yield f"| {what} | {label} | {len(sizes)} | {sum(sizes) / 1000:.1f} | {times} |"


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rows", default=16_384, show_default=True, help="Records to read of each file.")
@click.option("--repeats", default=5, show_default=True, help="Counts to take the best of.")
@click.option("-o", "--output", type=click.File("w"), default="-", help="Where the tables go.")
def main(files: tuple[Path, ...], rows: int, repeats: int, output: TextIO) -> None:
    cohorts = (read_vcf(path, rows) for path in files) if files else [make_cohort(3_000, 2_000)]
    for cohort in cohorts:
        for line in measure(cohort, repeats):
            click.echo(line, file=output)


if __name__ == "__main__":
    main()
