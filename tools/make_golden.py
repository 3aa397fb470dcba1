"""Make the golden blocks of the layouts of the genotype codec: tests/golden/layout<N>/<name>.block and .npz.

    python tools/make_golden.py

Makes the folders that are not there: each once, with its layout. What is there is never written again: a block of an
old layout has to be read for ever, so a change of the code that cannot read it is a bug, and making the file anew would
hide it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from varstore.codec.genotype import decode_array, encode_array, encode_sets
from varstore.codec.layout import ABSENT_VERSION, VERSION
from varstore.codec.presence import Presence
from varstore.codec.rows import sets_from_codes

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"
FREQUENCIES = (0, 0.002, 0.02, 0.2, 0.5, 0.8, 0.99, 1)


def carriers(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Codes 0 and 1, each row with a frequency of its own."""
    return (rng.random(shape) < rng.choice(FREQUENCIES, shape[0])[:, np.newaxis, np.newaxis]).astype(np.int8)


def scatter(rng: np.random.Generator, codes: np.ndarray, values: list[int], share: float) -> np.ndarray:
    """Put some of ``values`` at random places of every second row."""
    for value in values:
        codes[::2][rng.random(codes[::2].shape) < share] = value
    return codes


def clades(rng: np.random.Generator, rows: int, samples: int) -> np.ndarray:
    """Rows as alike as those of neighbouring sites are: unions and differences of a few sets."""
    parts = rng.integers(0, 24, (samples, 2))
    codes = np.zeros((rows, samples, 2), np.int8)
    for row in codes:
        row[np.isin(parts, rng.choice(24, rng.integers(1, 24), replace=False))] = 1
        row[rng.integers(0, samples, 2), rng.integers(0, 2, 2)] ^= 1
    return codes


def make_blocks() -> Iterator[tuple[str, np.ndarray, bytes]]:
    """Name, codes, and the block of each."""
    rng = np.random.default_rng(1)
    shape = (40, 90, 2)
    cases = {
        "plain": carriers(rng, shape),
        "flipped": 1 - (rng.random(shape) < 0.02).astype(np.int8),
        "missing": scatter(rng, carriers(rng, shape), [-1], 0.04),
        "multiallelic": scatter(rng, carriers(rng, shape), [2, 3, 12, 127], 0.03),
        "haploid": scatter(rng, carriers(rng, (40, 90, 1)), [-1, 2], 0.03),
        "tetraploid": scatter(rng, carriers(rng, (20, 50, 4)), [-1, -2, 2], 0.03),
        "int16": scatter(rng, carriers(rng, shape).astype("<i2"), [-1, 2, 200, 32767, -32768, -3], 0.02),
        "planes": clades(rng, 700, 130),
        "wide": (rng.random((6, 16384, 4)) < 0.0003).astype(np.int8),
        "reference": np.zeros((5, 7, 2), np.int8),
        "no-samples": np.zeros((3, 0, 2), np.int8),
        "no-variants": np.zeros((0, 3, 2), np.int8),
    }
    cases["missing"][5:9, 10:80] = -1
    cases["missing"][9] = -1
    cases["wide"][:, -1, -1] = 1
    mixed = carriers(rng, shape)
    mixed[:, ::2, 1] = -2
    mixed[7] = -2
    cases["mixed"] = scatter(rng, mixed, [-1], 0.02)
    for name, codes in cases.items():
        yield name, codes, encode_array(codes)
    yield "inner-blocks", cases["mixed"], encode_array(cases["mixed"], inner=32)
    padded = np.zeros((64, 128, 2), np.int8)
    padded[:40, :90] = cases["mixed"]
    yield "padded", padded, encode_sets(sets_from_codes(cases["mixed"], np.array([0, 64, 90])), padded.shape)


def make_absent_blocks() -> Iterator[tuple[str, np.ndarray, bytes]]:
    """The same of blocks with absent samples."""
    rng = np.random.default_rng(2)
    shape = (40, 90, 2)
    cases = {
        "absent": carriers(rng, shape),
        "absent-flipped": 1 - (rng.random(shape) < 0.02).astype(np.int8),
        "absent-odd": scatter(rng, carriers(rng, shape), [-1, -2, 2, 3], 0.03),
        "absent-haploid": scatter(rng, carriers(rng, (40, 90, 1)), [-1, 2], 0.03),
        "absent-tetraploid": scatter(rng, carriers(rng, (20, 50, 4)), [-1, -2, 2], 0.03),
        "absent-int16": scatter(rng, carriers(rng, shape).astype("<i2"), [-1, 2, 200, -3], 0.02),
        "absent-planes": clades(rng, 600, 100),
    }
    for name, codes in cases.items():
        rows, samples, _ = codes.shape
        ends = np.append(np.sort(rng.choice(np.arange(1, samples), 11, replace=False)), samples)
        flags = rng.random((rows, 12)) < rng.choice([0.1, 0.6, 1], (rows, 1))
        flags[3] = False
        block = encode_array(codes, inner=32 if name == "absent-odd" else 16384, presence=Presence.of(ends, flags))
        codes[np.repeat(~flags, np.diff(ends, prepend=0), axis=1)] = -1
        yield name, codes, block


def main(folder: Path = FOLDER) -> None:
    layouts = {VERSION: make_blocks(), ABSENT_VERSION: make_absent_blocks()}
    missing = [version for version in layouts if not (folder / f"layout{version}").exists()]
    if not missing:
        raise SystemExit(f"{folder}: golden blocks are there already; they are never made anew")
    for version in missing:
        make_layout(folder / f"layout{version}", layouts[version])


def make_layout(folder: Path, blocks: Iterator[tuple[str, np.ndarray, bytes]]) -> None:
    """Write the blocks of a layout into its new folder."""
    folder.mkdir(parents=True)
    for name, codes, block in blocks:
        if not np.array_equal(decode_array(memoryview(block)), codes):
            raise SystemExit(f"{name}: the block does not decode to what was encoded")
        (folder / f"{name}.block").write_bytes(block)
        np.savez_compressed(folder / f"{name}.npz", codes=codes)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
