"""Fuzz what reads other people's bytes: the scanner with the gate, the header, and the block reader.

    python tools/fuzz.py [--seconds 60] [--seed 1] [--target lines|header|block] [--runs N]

Inputs are mutated from good ones; kernels run with bounds checks. An input may be refused (InputError,
CorruptChunkError) and nothing else; calls that are taken in must be those of a naive reader. With atheris (the
extra ``fuzz``) and without --runs, libFuzzer mutates, guided by coverage of the Python code; else this module
does, and the same seed gives the same inputs. Exit 1 with the input, as hexadecimal, that failed.
"""

import argparse
import os
import random
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("VARSTORE_BOUNDSCHECK", "1")

import numpy as np

from varstore.codec.counting import Masks, count_rows
from varstore.codec.counts import BlockCounts
from varstore.codec.genotype import decode_array, encode_array, encode_sets
from varstore.codec.layout import inflate_block, parse
from varstore.errors import CorruptChunkError, InputError
from varstore.ingest.declarations import Declarations, read_declarations
from varstore.ingest.gate import Gate
from varstore.ingest.header import parse_header
from varstore.ingest.problems import Problems
from varstore.ingest.records import PieceScanner, ScanPlan, join
from varstore.ingest.sites import site_columns
from varstore.ingest.text import plain_piece

Target = Callable[[bytes], None]
NUM_SAMPLES = (0, 1, 5, 70)
MOST = 1 << 14  # bytes of an input


# The scanner and the gate. The first byte says how many samples there are.


def lines(data: bytes) -> None:
    """Scan lines, build their columns, pass the gate; compare what was taken in with a naive reader."""
    num_samples = NUM_SAMPLES[data[0] % 4] if data else 0
    plan = ScanPlan("fuzz", num_samples > 0, [f"s{i}" for i in range(num_samples)], 64)
    result = PieceScanner(plan, 1 + (data[0] >> 2) % 3 if data else 1).scan(plain_piece(memoryview(data[1:])))
    if not result.records:
        return
    records = join(result.records, plan.chunk_samples)
    compare(records, data[1:], num_samples)
    try:
        sites = site_columns(records, records.num_rows)
        gate = Gate(Problems())
        gate.declare(Declarations(), "fuzz")
        gate.check(records, sites, {"1": 1000}, lambda row: f"fuzz, line {row + 1}")
    except InputError as error:
        if not str(error):
            raise


def compare(records: object, text: bytes, num_samples: int) -> None:
    """Genotypes that were taken in are those of the text."""
    rows = text.split(b"\n")[: records.num_rows]
    if not num_samples:
        return
    codes = decoded(records)
    for row, line in enumerate(rows):
        columns = line.removesuffix(b"\r").split(b"\t")
        if len(columns) != 9 + num_samples:
            raise AssertionError(f"line {row + 1} has {len(columns)} columns and was taken in")
        keys = columns[8].split(b":")
        if b"GT" not in keys:
            continue
        for sample, column in enumerate(columns[9:]):
            fields = column.split(b":")
            call = fields[keys.index(b"GT")] if keys.index(b"GT") < len(fields) else b"."
            call = call or b"."  # behind other fields an empty GT is a missing one
            wanted = [-1 if allele == b"." else int(allele) for allele in re.split(rb"[|/]", call.lstrip(b"|/"))]
            found = [code for code in codes[row, sample].tolist() if code != -2]
            if found != wanted:
                raise AssertionError(f"line {row + 1}, sample {sample + 1}: {found}, the text has {call!r}")


def decoded(records: object) -> np.ndarray:
    """(rows, samples, ploidy) codes of scanned records."""
    sets, parts = records.sets, []
    for number, size in enumerate(sets.sizes):
        data = encode_sets(sets, (records.num_rows, int(size), sets.ploidy), blocks=range(number, number + 1))
        parts.append(decode_array(memoryview(data), dtype=np.dtype("<i2"), ploidy=sets.ploidy))
    return np.concatenate(parts, axis=1)


def good_lines(rng: random.Random) -> bytes:
    """Lines to begin with: valid ones of many kinds."""
    choice = rng.randrange(256)
    num_samples = NUM_SAMPLES[choice % 4]
    out = bytearray([choice])
    for pos in range(rng.randint(1, 6)):
        num_alts = rng.choice([0, 1, 1, 2, 11])
        alts = ",".join(
            rng.choice(["C", "CAT", "<DEL>", "*", "A[1:5[", "]<x>:7]T", "T.", "<*>"]) for _ in range(num_alts)
        )
        info = rng.choice([".", "DP=3;END=9", "DB;AF=0.5,.;X=" + "y" * rng.randrange(200)])
        fields = ["1", str(pos * 7), rng.choice([".", "rs1;rs2"]), "ACG"[: rng.randint(1, 3)], alts or "."]
        fields += [rng.choice([".", "0", "29.5", "1e-3"]), rng.choice(["PASS", ".", "q10;s50"]), info]
        if num_samples:
            keys = rng.choice([["GT"], ["GT"], ["GT", "DP"], ["DP", "GT"], ["DP"]])
            fields.append(":".join(keys))
            ploidy = rng.choice([1, 2, 2, 2, 3])
            for _ in range(num_samples):
                codes = [rng.choice([".", "0", "0", str(rng.randint(0, num_alts))]) for _ in range(ploidy)]
                values = {"GT": rng.choice("|/").join(codes), "DP": "7"}
                fields.append(":".join(values[key] for key in keys))
        out += "\t".join(fields).encode() + rng.choice([b"\n", b"\n", b"\r\n"])
    return bytes(out)


# The header


def header(data: bytes) -> None:
    """Read a header, and what it declares."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        parse_header(text, "fuzz")
        read_declarations(text)
    except InputError as error:
        if not str(error).startswith("fuzz, line "):
            raise


def good_header(rng: random.Random) -> bytes:
    """A header to begin with."""
    some = [
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="a, \\"b\\" c">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">',
        '##contig=<ID=HLA-A*01:01:01:01,length=5,species="Homo sapiens">',
        "##META=<ID=Assay,Type=String,Number=.,Values=[WholeGenome, Exome]>",
        '##FILTER=<ID=q10,Description="x">',
        "##source=words",
    ]
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb"
    return "\n".join(["##fileformat=VCFv4.3", *rng.sample(some, rng.randint(0, 6)), columns, ""]).encode()


# The block reader


def block(data: bytes) -> None:
    """Decode a block and count on it; only CorruptChunkError may come of a damaged one."""
    view = memoryview(data)
    try:
        layout = parse(view)
        if np.prod(layout.shape, dtype=np.float64) * layout.ploidy > 1 << 22:
            return  # sound sizes, but too much for a fuzzer
        decode_array(view)
        num_rows = layout.shape[0]
        for number in range(layout.num_blocks):
            part = inflate_block(layout, number)
            counts = BlockCounts.zeros(2, np.full(num_rows, 40, np.int64))
            masks = Masks(np.arange(2 * part.num_samples).reshape(2, -1) % 3 == 0)
            count_rows(part, (0, num_rows), masks, counts, genotypes=True)
    except CorruptChunkError as error:
        if not str(error):
            raise


def good_block(rng: random.Random) -> bytes:
    """An encoded block to begin with."""
    random_codes = np.random.default_rng(rng.randrange(1 << 30))
    shape = (rng.choice([1, 5, 70]), rng.choice([1, 9, 200]), rng.choice([1, 2, 3]))
    codes = (random_codes.random(shape) < rng.choice([0.001, 0.1, 0.6, 1])).astype("i1")
    codes[random_codes.random(shape) < rng.choice([0, 0.01])] = rng.choice([-1, -2, 2, 39])
    return encode_array(codes, inner=rng.choice([64, 16384]), level=1)


TARGETS: dict[str, tuple[Target, Callable[[random.Random], bytes]]] = {
    "lines": (lines, good_lines),
    "header": (header, good_header),
    "block": (block, good_block),
}
_WORDS = (
    b"\t", b"\n", b"\r\n", b"\n\n", b"|", b"/", b".", b",", b":", b";", b"=", b"0|1", b"./.", b"32768", b"<", b">",
    b"[", b"]", b"*", b"\0", b"\xff", b"GT", b"-1", b"99999999999999999999", b'"', b"##", b"<ID=", b"\xff" * 8,
)  # fmt: skip


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Change some places: bytes, words, cuts, copies."""
    out = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 4, 16])):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(6)
        if kind == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at:at] = rng.choice(_WORDS)
        elif kind == 2:
            out[at : at + rng.randint(1, 9)] = b""
        elif kind == 3:
            begin = rng.randrange(len(out) + 1)
            out[at:at] = out[begin : begin + rng.randint(1, 64)]
        elif kind == 4 and out:
            out[at % len(out)] = rng.randrange(256)
        else:
            out = out[:at] if rng.random() < 0.1 else out
    return bytes(out[:MOST])


def fuzz(name: str, seconds: float, seed: int, runs: int | None = None) -> int:
    """Mutate good inputs until the time or the number of runs is over; return how many there were."""
    target, make = TARGETS[name]
    rng = random.Random(f"{seed} {name}")
    for _ in range(20):
        target(make(rng))  # compiles the kernels
    end, done = time.monotonic() + seconds, 0
    while done < runs if runs is not None else time.monotonic() < end:
        data = mutate(make(rng), rng)
        try:
            target(data)
        except Exception:
            traceback.print_exc()
            sys.exit(f"{name}, run {done + 1} of seed {seed}: {data.hex()}")
        done += 1
    return done


def fuzz_with_atheris(name: str, seconds: int, seed: int) -> None:
    """Let libFuzzer mutate; it ends the process."""
    import atheris  # noqa: PLC0415

    target, make = TARGETS[name]
    rng = random.Random(seed)
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"varstore-fuzz-{os.getpid()}"
    folder.mkdir()
    for number in range(100):
        (folder / str(number)).write_bytes(make(rng))
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith(("varstore.ingest", "varstore.codec")):
            for function in vars(module).values():
                if getattr(function, "__module__", "") == module.__name__ and hasattr(function, "__code__"):
                    atheris.instrument_func(function)
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MOST}", "-timeout=20", str(folder)]
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


def main() -> None:
    """Fuzz one target, or all in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--target", choices=TARGETS)
    parser.add_argument("--atheris", action="store_true", help="needs --target and the extra fuzz")
    options = parser.parse_args()
    if options.atheris:
        if options.target is None:
            parser.error("--atheris needs --target")
        fuzz_with_atheris(options.target, int(options.seconds), options.seed)
        return
    names = [options.target] if options.target else list(TARGETS)
    for name in names:
        done = fuzz(name, options.seconds / len(names), options.seed, options.runs)
        print(f"{name}: {done:,} inputs, none of them failed")


if __name__ == "__main__":
    main()
