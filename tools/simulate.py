"""Simulate a human-like cohort with msprime and write it as a BGZF-compressed VCF.

Three populations part as people did out of Africa and grow fast over the last 60 generations, so
that about half of the sites are singletons, in 10,000 people as in 100,000. Sites hit by several
mutations make multi-allelic records; one biallelic site in twelve is told as a short indel.

    python tools/simulate.py cohort.vcf.gz --samples 10000 --variants 50000

writes ``cohort.vcf.gz`` and ``cohort.samples.tsv`` (sample, population, sex).
"""

import argparse
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msprime
import numpy as np
import tskit

try:
    from zlib_ng import zlib_ng as zlib
except ImportError:
    import zlib

POPULATIONS = {"AFR": 0.2, "EUR": 0.6, "EAS": 0.2}
BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
INDEL_SHARE = 1 / 12
MISSING = ord(".") - ord("0")  # a code as any other: added to "0" it gives "."
HEADER = """\
##fileformat=VCFv4.2
##FILTER=<ID=PASS,Description="All filters passed">
##contig=<ID={contig},length={length}>
##INFO=<ID=AC,Number=A,Type=Integer,Description="Count of each ALT allele">
##INFO=<ID=AN,Number=1,Type=Integer,Description="Number of called alleles">
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency of each ALT allele">
"""
FORMATS = {
    "GT": '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n',
    "GQ": '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype quality">\n',
    "DP": '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Read depth">\n',
    "AD": '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Read depth of each allele">\n',
    "PL": '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Phred-scaled likelihood of each genotype">\n',
}
BGZF_BLOCK = 65_280
BGZF_HEAD = bytes.fromhex("1f8b08040000000000ff060042430200")
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")

RowWriter = Callable[[np.ndarray, int], np.ndarray]


def human_demography() -> msprime.Demography:
    """Return the out-of-Africa history of Gutenkunst et al. (2009) with 6 % growth at its end.

    Sizes in diploid people, times in generations. Onset and rate of the recent growth are fitted
    to the share of singletons; they give about 24 sites a kilobase in 10,000 people and 75 in
    100,000.
    """
    onset, growth, split, out_of_africa, expansion = 60, 0.06, 920, 2_040, 5_920
    demography = msprime.Demography()
    for name, size, rate in [("AFR", 14_474, 0.0), ("EUR", 1_032, 0.0038), ("EAS", 550, 0.0048)]:
        size *= np.exp(rate * (split - onset))
        now = size * np.exp(growth * onset)
        demography.add_population(name=name, initial_size=now, growth_rate=growth)
        demography.add_population_parameters_change(onset, population=name, initial_size=size, growth_rate=rate)
    demography.add_population(name="OOA", initial_size=1_861)
    demography.add_population(name="ANC", initial_size=14_474)
    demography.add_population_split(split, derived=["EUR", "EAS"], ancestral="OOA")
    demography.add_population_split(out_of_africa, derived=["AFR", "OOA"], ancestral="ANC")
    demography.add_population_parameters_change(expansion, population="ANC", initial_size=7_310)
    demography.sort_events()
    return demography


def simulate_sites(people: list[str], length: int, seed: int) -> tskit.TreeSequence:
    """Return a tree sequence of people of these populations; every site varies among them."""
    ancestry = msprime.sim_ancestry(
        [msprime.SampleSet(1, population=name) for name in people],
        demography=human_demography(),
        sequence_length=length,
        recombination_rate=1e-8,
        random_seed=seed,
        record_provenance=False,
    )
    mutated = msprime.sim_mutations(ancestry, rate=1.25e-8, random_seed=seed, record_provenance=False)
    variant = tskit.Variant(mutated)
    unvaried = []
    for site in np.flatnonzero(np.bincount(mutated.mutations_site) > 1):
        variant.decode(site)
        if not variant.genotypes.any():
            unvaried.append(site)
    return mutated.delete_sites(unvaried)


def simulate_variants(people: list[str], variants: int, length: int | None, seed: int) -> tskit.TreeSequence:
    """Return a tree sequence of exactly this many sites.

    With a length, they are drawn over all of it; without, a pilot tells how long a sequence has
    enough of them, and the first are taken.
    """
    if length is None:
        pilot = 20_000
        length = int(1.2 * pilot * variants / (1 + simulate_sites(people, pilot, seed).num_sites))
        while (trees := simulate_sites(people, length, seed)).num_sites < variants:
            length = int(1.3 * length) + 1_000
        return trees.delete_sites(np.arange(variants, trees.num_sites))
    trees = simulate_sites(people, length, seed)
    too_many = trees.num_sites - variants
    if too_many < 0:
        raise SystemExit(f"{length} bp have {trees.num_sites} sites: give a greater --length")
    rng = np.random.default_rng(seed)
    return trees.delete_sites(rng.choice(trees.num_sites, too_many, replace=False))


def read_variants(trees: tskit.TreeSequence, rng: np.random.Generator) -> Iterator[tuple[int, list[str], np.ndarray]]:
    """Yield position (1-based), REF and ALTs, and int8 codes [people, 2] of each site."""
    reference = rng.choice(BASES, int(trees.sequence_length))
    positions = trees.sites_position.astype(np.int64)
    reference[positions] = [ord(site.ancestral_state) for site in trees.sites()]
    for position, variant in zip(positions.tolist(), trees.variants(copy=False), strict=True):
        codes = variant.genotypes.astype(np.int8).reshape(-1, 2)
        alleles = list(variant.alleles)
        if len(alleles) > 2:
            codes, alleles = drop_uncarried(codes, alleles)
        if len(alleles) == 2 and rng.random() < INDEL_SHARE:
            alleles = draw_indel(reference[position : position + 20], rng) or alleles
        yield position + 1, alleles, codes


def drop_uncarried(codes: np.ndarray, alleles: list[str]) -> tuple[np.ndarray, list[str]]:
    """Number the alleles anew without those that a later mutation has replaced in everybody."""
    kept = [code for code in range(len(alleles)) if code == 0 or (codes == code).any()]
    renumbered = np.zeros(len(alleles), dtype=np.int8)
    renumbered[kept] = range(len(kept))
    return renumbered[codes], [alleles[code] for code in kept]


def draw_indel(reference: np.ndarray, rng: np.random.Generator) -> list[str] | None:
    """Return REF and ALT of a short, left-aligned indel after the first base given, if one fits."""
    size = 1 + int(rng.geometric(0.4))
    deletes = rng.random() < 0.5
    tail = reference[1:size] if deletes else rng.choice(BASES, size - 1)
    if not tail.size or tail[-1] == reference[0]:
        return None
    short = chr(reference[0])
    long = short + tail.tobytes().decode()
    return [long, short] if deletes else [short, long]


def row_writer(people: int, keys: list[str], separator: str, rng: np.random.Generator) -> RowWriter:
    """Return the function from codes [people, 2] and a number of alleles to the row's bytes."""
    plain = np.frombuffer(f"0{separator}0\t".encode() * people, dtype=np.uint8)

    def write_genotypes(codes: np.ndarray, num_alleles: int) -> np.ndarray:
        row = plain.copy()
        row[::2] += codes.reshape(-1).view(np.uint8)  # "0" plus the code; in between, | and tab
        row[-1] = ord("\n")
        return row

    def write_fields(codes: np.ndarray, num_alleles: int) -> np.ndarray:
        depth = np.minimum(rng.poisson(30, people), 99)
        of_first = rng.binomial(depth, 0.5)
        reads = np.zeros((people, num_alleles), dtype=np.int64)
        for allele in range(num_alleles):
            reads[:, allele] = (codes[:, 0] == allele) * of_first
            reads[:, allele] += (codes[:, 1] == allele) * (depth - of_first)
        quality = np.minimum(3 * depth, 99)
        values = {"GQ": [quality], "DP": [depth], "AD": list(reads.T), "PL": likelihoods(codes, num_alleles, quality)}
        columns = [write_genotypes(codes, num_alleles).reshape(people, 4)[:, :3]]
        for key in keys[1:]:
            marks = ":" + "," * (len(values[key]) - 1)
            columns += map(number_bytes, marks, values[key], [codes[:, 0] >= 0] * len(marks))
        text = np.column_stack([*columns, np.full(people, ord("\t"), dtype=np.uint8)])
        text[-1, -1] = ord("\n")
        return text[text != 0]

    return write_genotypes if keys == ["GT"] else write_fields


def likelihoods(codes: np.ndarray, num_alleles: int, quality: np.ndarray) -> list[np.ndarray]:
    """Return PL of each genotype in VCF's order: the quality for each allele that is not the one called, at most 99."""
    pairs = [(low, high) for high in range(num_alleles) for low in range(high + 1)]
    called = np.sort(codes, axis=1)
    changed = [(called[:, 0] != low).astype(np.int64) + (called[:, 1] != high) for low, high in pairs]
    return [np.minimum(count * quality, 99) for count in changed]


def number_bytes(mark: str, numbers: np.ndarray, called: np.ndarray) -> np.ndarray:
    """Return [people, 3] bytes: a mark and a number below 100, 0 where a byte is to be left out.

    Who is not called gets one ``.`` in the whole field.
    """
    text = np.empty((len(numbers), 3), dtype=np.uint8)
    text[:, 0] = ord(mark)
    text[:, 1] = np.where(numbers >= 10, ord("0") + numbers // 10, 0)
    text[:, 2] = ord("0") + numbers % 10
    text[~called] = [ord(":"), ord("."), 0] if mark == ":" else 0
    return text


def site_text(contig: str, position: int, alleles: list[str], codes: np.ndarray, form: str) -> str:
    """Return the first nine columns of a row, its AC, AN and AF counted from the codes."""
    counts = [np.count_nonzero(codes == code) for code in range(1, len(alleles))]
    number = np.count_nonzero(codes >= 0)
    info = f"AC={','.join(map(str, counts))};AN={number}"
    if number:
        info += ";AF=" + ",".join(f"{count / number:.6g}" for count in counts)
    ref, *alts = alleles
    return f"{contig}\t{position}\t.\t{ref}\t{','.join(alts)}\t.\tPASS\t{info}\t{form}\t"


def vcf_text(trees: tskit.TreeSequence, args: argparse.Namespace, samples: list[str]) -> Iterator[bytes | np.ndarray]:
    """Yield the VCF piece by piece, calls set missing and phase forgotten as asked."""
    people = len(samples)
    rng = np.random.default_rng(args.seed)
    keys = args.format.split(":")
    to_bytes = row_writer(people, keys, "/" if args.unphased else "|", rng)
    yield HEADER.format(contig=args.contig, length=int(trees.sequence_length)).encode()
    yield "".join(FORMATS[key] for key in keys).encode()
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    yield ("\t".join(columns + samples) + "\n").encode()
    for position, alleles, codes in read_variants(trees, rng):
        if args.unphased:
            codes.sort(axis=1)
        if args.missing:
            codes[rng.choice(people, rng.binomial(people, args.missing), replace=False)] = MISSING
        yield site_text(args.contig, position, alleles, codes, args.format).encode()
        yield to_bytes(codes, len(alleles))


def write_bgzf(path: Path, texts: Iterable[bytes | np.ndarray], threads: int) -> None:
    """Compress the texts in a pool of threads, 64 blocks a task, and write them in order."""
    pending: deque[Future[bytes]] = deque()
    with path.open("wb") as file, ThreadPoolExecutor(threads) as pool:
        for piece in in_pieces(texts, 64 * BGZF_BLOCK):
            pending.append(pool.submit(compress_blocks, piece))
            if len(pending) > 4 * threads:
                file.write(pending.popleft().result())
        for compressed in pending:
            file.write(compressed.result())
        file.write(BGZF_END)


def in_pieces(texts: Iterable[bytes | np.ndarray], size: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of one size, the last one shorter."""
    buffer = bytearray()
    for text in texts:
        buffer += memoryview(text)
        while len(buffer) >= size:
            yield bytes(memoryview(buffer)[:size])
            del buffer[:size]
    yield bytes(buffer)


def compress_blocks(text: bytes) -> bytes:
    """Return the text as BGZF blocks, each a gzip member that tells its own size."""
    blocks = []
    for start in range(0, len(text), BGZF_BLOCK):
        part = memoryview(text)[start : start + BGZF_BLOCK]
        deflate = zlib.compressobj(5, zlib.DEFLATED, -15)
        body = deflate.compress(part) + deflate.flush()
        last_byte = struct.pack("<H", len(BGZF_HEAD) + 2 + len(body) + 8 - 1)
        blocks += [BGZF_HEAD, last_byte, body, struct.pack("<II", zlib.crc32(part), len(part))]
    return b"".join(blocks)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT.vcf.gz")
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--variants", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--length", type=int, help="spread the variants over this many bases")
    parser.add_argument("--missing", type=float, default=0.0, help="share of calls set missing")
    parser.add_argument("--unphased", action="store_true")
    parser.add_argument("--contig", default="22")
    parser.add_argument("--format", default="GT", help="GT, then any of GQ, DP, AD, PL: GT:DP")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    first, *others = args.format.split(":")
    if first != "GT" or not set(others) <= {"GQ", "DP", "AD", "PL"}:
        parser.error(f"--format is GT, then any of GQ, DP, AD, PL; not {args.format}")
    return args


def main() -> None:
    args = parse_arguments()
    rng = np.random.default_rng(args.seed)
    samples = [f"S{number:06d}" for number in range(args.samples)]
    people = rng.choice(list(POPULATIONS), args.samples, p=list(POPULATIONS.values())).tolist()
    sex = rng.choice(["female", "male"], args.samples).tolist()
    table = ["sample population sex".split(), *zip(samples, people, sex, strict=True)]
    stem = args.out.name.removesuffix(".gz").removesuffix(".vcf")
    lines = "".join("\t".join(row) + "\n" for row in table)
    args.out.with_name(f"{stem}.samples.tsv").write_text(lines)
    trees = simulate_variants(people, args.variants, args.length, args.seed)
    write_bgzf(args.out, vcf_text(trees, args, samples), args.threads)


if __name__ == "__main__":
    main()
