"""Our own history, by asv: small made-up data, every answer checked once. Against peers: ../peers.py.

asv --config benchmarks/asv.conf.json run --quick --python=same
"""

import struct
import zlib
from pathlib import Path

import numpy as np

NUM_SAMPLES = 2_000
NUM_VARIANTS = 5_000
SPACING = 40
END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def make_codes(num_variants: int = NUM_VARIANTS, num_samples: int = NUM_SAMPLES, seed: int = 1) -> np.ndarray:
    """Draw int8 codes [variants, samples, 2]; a variant has k carriers with a probability of about 1/k.

    Carriers are a run in an order of haplotypes that slowly changes, as the clades of a genealogy are.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(2 * num_samples)
    codes = np.zeros((num_variants, 2 * num_samples), np.int8)
    for row in codes:
        begin, end, to = np.sort(rng.integers(0, len(order) + 1, 3))
        order = np.concatenate([order[:begin], order[end:to], order[begin:end], order[to:]])
        carriers = int(len(order) ** rng.random())
        row[order[rng.integers(0, len(order) - carriers + 1) :][:carriers]] = 1
    return codes.reshape(num_variants, num_samples, 2)


def sample_names(num_samples: int = NUM_SAMPLES) -> list[str]:
    return [f"S{number:05d}" for number in range(num_samples)]


def write_vcf(path: Path, codes: np.ndarray) -> None:
    """Write phased diploid calls as BGZF."""
    names = "\t".join(sample_names(codes.shape[1]))
    parts = [b"##fileformat=VCFv4.3\n", f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n".encode()]
    calls = np.tile(np.frombuffer(b"0|0\t", np.uint8), codes.shape[1])
    calls[-1] = ord("\n")
    for row, genotypes in enumerate(codes):
        text = calls.copy()
        text[::2] += genotypes.reshape(-1).view(np.uint8)
        parts += [f"22\t{1 + row * SPACING}\t.\tA\tC\t.\tPASS\t.\tGT\t".encode(), text.tobytes()]
    text = b"".join(parts)
    with path.open("wb") as file:
        for begin in range(0, len(text), 65_280):
            file.write(bgzf_block(text[begin : begin + 65_280]))
        file.write(END)


def bgzf_block(data: bytes) -> bytes:
    """One block after the SAM specification, section 4.1."""
    deflate = zlib.compressobj(5, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    head = struct.pack("<4BI2BHBBHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(body) + 25)
    return head + body + struct.pack("<II", zlib.crc32(data), len(data))
