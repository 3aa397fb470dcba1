"""Settle the zstd level of site columns, fields and derived parts: sizes and times of each.

    python benchmarks/columns.py cohort.varstore -o table.md

Every chunk of the repository that zstd alone compressed is compressed again at every level; CPU time of one thread.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from time import thread_time
from typing import TextIO

import click
from numcodecs import zstd

LEVELS = (1, 2, 3, 5, 7)


def read_chunks(repository: Path, calls: bool) -> Iterator[bytes]:
    """Return what zstd is given of the arrays of calls, or of all others."""
    for metadata in sorted(repository.rglob(".zarray")):
        compressor = json.loads(metadata.read_text())["compressor"]
        if metadata.parent.name.startswith("call_") == calls and compressor and compressor["id"] == "zstd":
            chunks = (path for path in sorted(metadata.parent.iterdir()) if path.name[0].isdigit())
            yield from (zstd.decompress(path.read_bytes()) for path in chunks)


def measure(chunks: list[bytes], level: int) -> tuple[int, float]:
    """Return the bytes of all chunks together, and seconds."""
    start = thread_time()
    size = sum(len(zstd.compress(chunk, level, True)) for chunk in chunks)
    return size, thread_time() - start


@click.command()
@click.argument("repositories", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--output", "-o", type=click.File("w"), default="-")
def main(repositories: tuple[Path, ...], output: TextIO) -> None:
    output.write("| repository | arrays | chunks | zstd | kB | ms |\n|---|---|---|---|---|---|\n")
    for repository in repositories:
        for arrays, calls in {"calls": True, "all others": False}.items():
            chunks = list(read_chunks(repository, calls))
            for level in LEVELS if chunks else ():
                size, seconds = measure(chunks, level)
                row = (repository.name, arrays, len(chunks), level, f"{size / 1e3:,.0f}", f"{seconds * 1e3:.0f}")
                output.write(f"| {' | '.join(map(str, row))} |\n")


if __name__ == "__main__":
    main()
