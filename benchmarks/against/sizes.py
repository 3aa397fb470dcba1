"""What the same data takes on disk."""

from collections.abc import Iterator
from pathlib import Path

from against.bench import NOT_INSTALLED, Bench
from against.data import SIM100K, Dataset
from against.figures import Figure, Row


def size_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Compare what the genotypes take; whole files of plink2 (.pgen), savvy and BCF.

    The slow peers' files of 100,000 people are compared where they are there already.
    """
    arrays = bench.repository(data).glob("batches/*/call_genotype")
    ours = Figure(sum(map(num_bytes, arrays)), "B", "on disk")
    for peer in ("bio2zarr", "plink2", "savvy", "bcftools"):
        theirs: Figure | str = "takes too long"
        kept = {"savvy": "sav", "bcftools": "bcf"}.get(peer, "vcz")
        if data != SIM100K or peer == "plink2" or bench.path(f"{data.name}.{kept}").exists():
            path = bench.peer_file(data, peer)
            theirs = NOT_INSTALLED
            if path is not None:
                genotypes = path / "call_genotype" if path.is_dir() else path
                theirs = Figure(num_bytes(genotypes), "B", "on disk")
        yield Row("call_genotype on disk", data, ours, peer, theirs)


def num_bytes(path: Path) -> int:
    """Return the size of a file, or of an array's chunks without its metadata."""
    if path.is_file():
        return path.stat().st_size
    files = (file for file in path.rglob("*") if file.is_file())
    return sum(file.stat().st_size for file in files if not file.name.startswith("."))
