"""One person against many by the sketch."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from against.answers import StepError
from against.bench import VARSTORE, Bench, in_child, peak_memory
from against.data import Dataset
from against.figures import Figure, Row

SHARES = {"": 0.0, ", 2 % missing": 0.02}
CHECKED = 20


def sketch_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Compare somebody with everybody, with and without missing calls; the first rows with the formula."""
    for name, missing in SHARES.items():
        repository = bench.path(f"{data.name}-{missing}.sketch.varstore")
        if not repository.exists():
            part = bench.path(f"part.{repository.name}")
            shutil.rmtree(part, ignore_errors=True)
            in_child(simulate, bench, data, part, missing)
            part.rename(repository)
        ours = in_child(time_nearest, repository, bench.warm_runs)
        yield Row(f"one against {data.people:,} by a sketch{name}", data, ours, "", "no peer", "equal")


def simulate(bench: Bench, data: Dataset, root: Path, missing: float) -> None:
    """A repository of one record and many people, whose sketch is random calls, written as sketches are."""
    from varstore.changes.adding import commit
    from varstore.storage import manifest, sketch
    from varstore.storage.parts import PartWriter

    source = bench.path("one-record.vcf")
    names = "\t".join(f"S{i}" for i in range(data.people))
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"
    site = "1\t9\t.\tA\tC\t.\t.\t.\tGT\t" + "\t".join(["0|0"] * data.people)
    source.write_text(f"##fileformat=VCFv4.3\n{columns}\t{names}\n{site}\n")
    bench.run([*VARSTORE, "create", str(root), str(source)])
    newest = manifest.read_newest(root)
    assert newest is not None
    staging = manifest.staging_folder(root)
    rng = np.random.default_rng(1)
    positions = np.arange(data.variants, dtype=np.uint64) * np.uint64(100_000) + np.uint64(9)
    key = positions << np.uint64(32) | np.uint64(1 << 27 | 1 << 23 | 4)
    sites = sketch.SketchSites.of(np.full(data.variants, "1", object), key, np.full(data.variants, 0.4))
    listed, part = PartWriter(staging / "list"), PartWriter(staging / "sketch")
    sketch.write_sites(listed, sites)
    state = np.full(data.variants, sketch.ALLELE, np.uint8)
    writer = sketch.SketchWriter(part, state, data.people, sites.num_words)
    for begin in range(0, data.people, writer.rows):
        people = min(writer.rows, data.people - begin)
        drawn = rng.integers(0, 100, (people, data.variants), np.uint8)
        codes = (drawn >= 36).astype(np.uint8) + (drawn >= 84)
        codes[rng.integers(0, 100, codes.shape, np.uint8) < 100 * missing] = 3
        writer.put(*(packed(codes >> bit & 1, sites.num_words) for bit in (0, 1)))
    entry = {"id": "list", "version": sketch.SITES_VERSION, "num_sites": data.variants}
    entry |= {"part": vars(listed.publish(root, "derived/list"))}
    mine = {"id": "sketch", "kind": sketch.KIND, "version": sketch.VERSION, "sites": "list"}
    mine |= {"batch": newest.batches[0]["id"], "part": vars(part.publish(root, "derived/sketch"))}

    def change(document: dict[str, Any]) -> dict[str, Any]:
        sketch.with_list(document, entry)
        document["derived"].append(mine)
        return document

    commit(root, newest.document, change, "reindex")
    shutil.rmtree(staging)


def packed(bits: np.ndarray, words: int) -> np.ndarray:
    """Rows of bits as rows of words."""
    out = np.zeros((len(bits), 64 * words), np.uint8)
    out[:, : bits.shape[1]] = bits
    return np.packbits(out, axis=1, bitorder="little").view(np.uint64)


def time_nearest(repository: Path, runs: int) -> Figure:
    """Ask once for nothing, then ``runs`` times: from calls to a table by kinship."""
    import varstore

    repo = varstore.open(repository)
    codes = repo.sketch_of("S7")
    seconds = []
    for _ in range(1 + runs):
        start = perf_counter()
        table = repo.kinship_of(codes)
        seconds.append(perf_counter() - start)
    check(repo, codes, table)
    return Figure(median(seconds[1:]), "s", "warm", peak_memory())


def check(repo: Any, codes: np.ndarray, table: Any) -> None:
    """Rows are what the formula says of the calls."""
    row = {name: i for i, name in enumerate(table["sample"])}
    for name in [f"S{i}" for i in range(CHECKED)]:
        others = repo.sketch_of(name)
        both = (codes >= 0) & (others >= 0)
        a, b = codes[both].astype(int), others[both].astype(int)
        kinship = 0.5 - ((a - b) ** 2).sum() / (4 * min((a == 1).sum(), (b == 1).sum()))
        found = table["n_sites"][row[name]], table["ibs0"][row[name]], table["kinship"][row[name]]
        if found[:2] != (both.sum(), (abs(a - b) == 2).sum()) or abs(found[2] - kinship) > 1e-12:
            raise StepError(f"{name}: {found}, expected {both.sum()} sites and a kinship of {kinship}")
