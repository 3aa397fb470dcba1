"""The scanner reads what a naive parser reads, wherever the text is cut, and names every fault by file and line."""

import gzip
import random
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs.vlen import VLenUTF8

import reference
import varstore as vs
import vcf_text
from varstore.codec.genotype import decode_array, encode_sets
from varstore.errors import InputError, NotVcfError, TruncatedInputError, UnsortedInputError
from varstore.ingest import records as records_module
from varstore.ingest import text as text_module
from varstore.ingest.header import parse_header
from varstore.ingest.records import PieceScanner, ScanPlan, fault_error, join
from varstore.ingest.sites import site_columns
from varstore.ingest.text import PIECE_SIZE, TextFile

COLUMNS = "#CHROM POS ID REF ALT QUAL FILTER INFO".split()
TINY = 1


def header(samples):
    columns = [*COLUMNS, "FORMAT", *samples] if samples else COLUMNS
    return "##fileformat=VCFv4.3\n" + "\t".join(columns) + "\n"


def make_lines(seed, num_lines, num_samples):
    """Draw lines of every kind: FORMATs, ploidies, alleles of several digits, long and short INFO."""
    rng = random.Random(seed)
    lines, pos, contig = [], 1, 0
    for _ in range(num_lines):
        contig += rng.random() < 0.1
        pos += rng.choice([0, 1, 250])
        num_alts = rng.choice([0, 1, 1, 1, 2, 9, 10, 11, 130])
        alts = ",".join(rng.choice(["C", "CAT", "<DEL>", "*"]) for _ in range(num_alts)) or "."
        info = rng.choice([".", f"DP=7;END={pos + 5}", f"END={pos}1;X", "NOTE=" + "long;" * rng.randrange(900)])
        quality = rng.choice([".", "0", "29.5", "1e-3", "123456789.25", "3450.6400000000000001"])
        fields = [
            f"chr{contig}",
            str(pos),
            rng.choice([".", "rs1;é"]),
            "A",
            alts,
            quality,
            rng.choice("PASS . q10".split()),
        ]
        fields.append(info)
        if num_samples:
            fields += make_calls(rng, num_samples, num_alts)
        lines.append("\t".join(fields))
    return lines


def make_calls(rng, num_samples, num_alts):
    keys = rng.choice(
        [["GT"], ["GT"], ["GT"], ["GT", "DP"], ["DP", "GT"], ["AD", "DP", "GT", "GQ"], ["DP"], ["GTX", "GT"]]
    )
    ploidies = rng.choice([[2], [2], [2], [1], [1, 2], [3], [1, 2, 3, 5]])
    separators = rng.choice(["|", "|", "/", "/|"])
    share = rng.choice([0, 0, 0.05, 0.9, 1])
    calls = []
    for _ in range(num_samples):
        codes = [str(rng.randint(0, num_alts)) if rng.random() < share else "0" for _ in range(rng.choice(ploidies))]
        if rng.random() < 0.05:
            codes[rng.randrange(len(codes))] = "."
        if rng.random() < 0.03:
            codes = ["."] * len(codes)
        gt = codes[0] + "".join(rng.choice(separators) + code for code in codes[1:])
        values = [gt if key == "GT" else rng.choice(["7", "4,5,.", "."]) for key in keys]
        kept = rng.randint(1, len(keys)) if rng.random() < 0.2 else len(keys)
        calls.append(":".join(values[:kept]))
    return [":".join(keys), *calls]


def parse_naively(lines):
    """(site texts, has GT, [(codes, phased) a sample]) a line; a call that was dropped reads as ``.``."""
    out = []
    for line in lines:
        fields = line.split("\t")
        keys = fields[8].split(":") if len(fields) > 8 else []
        calls = []
        for call in fields[9:]:
            values = call.split(":")
            index = keys.index("GT") if "GT" in keys else None
            text = None if index is None else values[index] if index < len(values) else "."
            calls.append(reference.parse_gt(text))
        out.append((fields[:9], "GT" in keys, calls))
    return out


def scan(path, piece_size=PIECE_SIZE, chunk_samples=16_384, ploidy=1):
    """Scan a file piece by piece, one scanner for all; raises the first fault."""
    text = TextFile(path)
    head = parse_header(text.header_text, str(path))
    scanner = PieceScanner(ScanPlan(str(path), head.has_format, head.samples, chunk_samples), ploidy)
    parts, line = [], head.num_lines + 1
    for piece in text.pieces(piece_size):
        result = scanner.scan(piece)
        if result.fault is not None:
            raise fault_error(result.fault, f"{path}, line {line + result.fault.row}")
        parts += result.records
        line += sum(part.num_rows for part in result.records)
    return parts


def unpacked(records):
    """Records in the form of ``parse_naively``."""
    text = records.text.tobytes()
    runs = np.searchsorted(records.run_start, np.arange(records.num_rows), "right") - 1
    codes, phased = codes_of(records), phases_of(records)
    out = []
    for row in range(records.num_rows):
        ends = records.fields[row].tolist()
        fields = [text[begin : end - 1].decode() for begin, end in pairwise(ends)]
        if ends[-2] >= ends[-1]:
            del fields[-1]
        site = [records.contig_of_run[runs[row]], str(records.position[row]), *fields]
        out.append((site, bool(records.has_gt[row]), codes[row], phased[row]))
    return out


def codes_of(records):
    sets = records.sets
    codes = np.full((sets.num_rows, int(sets.starts[-1]), sets.ploidy), 99, "<i2")
    for block, size in enumerate(sets.sizes.tolist()):
        data = encode_sets(sets, (sets.num_rows, size, sets.ploidy), blocks=range(block, block + 1))
        begin = sets.starts[block]
        codes[:, begin : begin + size] = decode_array(memoryview(data), dtype=np.dtype("<i2"))
    return codes


def phases_of(records):
    phased = np.repeat(records.phase_default.astype(bool)[:, np.newaxis], int(records.sets.starts[-1]), axis=1)
    for row in range(records.num_rows):
        phased[row, records.phase[records.phase_start[row] : records.phase_start[row + 1]]] ^= True
    return phased


def assert_same(parts, lines):
    found = [row for part in parts for row in unpacked(part)]
    expected = parse_naively(lines)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    for (_, has_gt, codes, phased), (site, _, calls) in zip(found, expected, strict=True):
        if not has_gt:
            assert (codes < 0).all(), site
            assert not phased.any(), site
            continue
        wide = [[*call, *[-2] * (codes.shape[1] - len(call))] for call, _ in calls]
        assert codes.tolist() == wide, site
        assert phased.tolist() == [phase for _, phase in calls], site


WRITERS = {
    "plain": vcf_text.write_plain,
    "gzip": vcf_text.write_gzip,
    "gzip of 5 members": lambda path, text: vcf_text.write_gzip(path, text, 5),
    "bgzf": lambda path, text: vcf_text.write_bgzf(path, text, 65_280),
    "bgzf of 97 bytes": lambda path, text: vcf_text.write_bgzf(path, text, 97),
    "bgzf of 1 byte": lambda path, text: vcf_text.write_bgzf(path, text, 1),
}


@pytest.fixture
def fx_small_buffers(monkeypatch):
    """Buffers so small that lines, pieces and flushes fall on one another."""
    monkeypatch.setattr(records_module, "_BUFFER_SIZE", 64)
    monkeypatch.setattr(records_module, "_ROWS", 3)
    monkeypatch.setattr(text_module, "STREAM_PIECE_SIZE", 200)


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(0, 25), st.integers(0, 40)),
    write=st.sampled_from(sorted(WRITERS)),
    piece_size=st.sampled_from([TINY, 100, 5000, PIECE_SIZE]),
    buffer_size=st.sampled_from([64, 1 << 12, 1 << 20]),
    chunk_samples=st.sampled_from([32, 64, 16_384]),
    end=st.sampled_from(["\n", "\r\n"]),
    final=st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_any_text(tmp_path_factory, seed, shape, write, piece_size, buffer_size, chunk_samples, end, final):
    lines = make_lines(seed, *shape)
    text = header([f"s{i}" for i in range(shape[1])]).replace("\n", end) + "".join(line + end for line in lines)
    path = WRITERS[write](tmp_path_factory.mktemp("scan") / "a.vcf", text if final else text.removesuffix(end))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records_module, "_BUFFER_SIZE", buffer_size)
        patch.setattr(text_module, "STREAM_PIECE_SIZE", max(buffer_size, 200))
        assert_same(scan(path, piece_size, chunk_samples), lines)


@given(
    text=vcf_text.vcf_texts(max_variants=30), block_size=st.integers(1, 700), piece_size=st.sampled_from([TINY, 900])
)
@settings(deadline=None, max_examples=60)
def test_drawn_files(tmp_path_factory, text, block_size, piece_size):
    path = vcf_text.write_bgzf(tmp_path_factory.mktemp("scan") / "a.vcf.gz", text, block_size)
    assert_same(scan(path, piece_size), [line for line in text.splitlines() if not line.startswith("#")])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_cut_at_every_place(tmp_path, end):
    """Two blocks, each a piece of its own, and an empty block between them."""
    lines = make_lines(3, 5, 4)
    lines[2] = "chr9\t2\t.\tA\tC\t.\t.\t.\tGT\t0|0\t0|1\t1|1\t.|."
    head = header("abcd").replace("\n", end).encode()
    body = "".join(line + end for line in lines).encode()[-260:]
    body = body[body.index(b"\nchr") + 1 :] if not body.startswith(b"chr") else body
    lines = body.decode().split(end)[:-1]
    path = tmp_path / "a.vcf.gz"
    for cut in range(len(body) + 1):
        blocks = [vcf_text.bgzf_block(part) for part in (head, body[:cut], b"", body[cut:])]
        path.write_bytes(b"".join(blocks) + vcf_text.BGZF_END)
        assert_same(scan(path, TINY), lines)
    for size in range(1, len(head) + len(body)):
        vcf_text.write_bgzf(path, (head + body).decode(), size)
        assert_same(scan(path, TINY), lines)


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_pieces_of_plain_text(tmp_path, shift):
    """Plain text is cut at every 64 KiB; a longer ID moves all cuts along the lines."""
    lines = [f"1\t{pos}\t.\tA\tC\t.\t.\t.\tGT\t0|{pos % 2}\t1/1\t./." for pos in range(1, 6000)]
    lines[0] = lines[0].replace("\t.\tA", f"\t{'r' * (shift + 1)}\tA")
    path = vcf_text.write_plain(tmp_path / "a.vcf", header("abc") + "\n".join(lines))
    pieces = list(TextFile(path).pieces(TINY))
    assert len(pieces) == -(-path.stat().st_size // 65_536)
    assert_same(scan(path, TINY), lines)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.usefixtures("fx_small_buffers")
def test_lines_longer_than_buffers(tmp_path, write):
    lines = [f"1\t{pos}\t.\tA\tC\t.\t.\tX={'y' * (pos % 7 * 99)}\tGT" + "\t0|1" * 300 for pos in range(9)]
    if write == "bgzf of 1 byte":
        lines = lines[:2]
    path = WRITERS[write](tmp_path / "a.vcf", header([str(i) for i in range(300)]) + "\n".join(lines))
    assert_same(scan(path, TINY), lines)


@pytest.mark.parametrize("write", ["gzip", "gzip of 5 members", "bgzf", "bgzf of 97 bytes", "bgzf of 1 byte"])
def test_without_zlib_ng(tmp_path, monkeypatch, write):
    lines = make_lines(4, 40, 9)
    path = WRITERS[write](tmp_path / "a.vcf.gz", header("abcdefghi") + "".join(line + "\n" for line in lines))
    monkeypatch.setattr(text_module, "_FastGzipReader", None)
    assert_same(scan(path, 3000), lines)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TruncatedInputError, match=r"a\.vcf\.gz"):
        scan(path)


@pytest.mark.parametrize("chunk_samples", [32, 64, 16_384])
@pytest.mark.parametrize("num_samples", [1, 15, 16, 17, 31, 32, 33, 64, 65])
def test_every_width_of_the_fast_path(tmp_path, num_samples, chunk_samples):
    """Plain diploid calls are read 16 at a time; odd ones at every place of a row."""
    lines = []
    for sample in range(num_samples):
        for call in ("1|0", "0/1", ".|.", "0|.", "2|1", "./."):
            calls = ["0|0"] * num_samples
            calls[sample] = call
            lines.append("1\t7\t.\tA\tC,G\t.\t.\t.\tGT\t" + "\t".join(calls))
    path = vcf_text.write_plain(tmp_path / "a.vcf", header([str(i) for i in range(num_samples)]) + "\n".join(lines))
    assert_same(scan(path, chunk_samples=chunk_samples), lines)
    assert_same(scan(path, chunk_samples=chunk_samples, ploidy=2), lines)


def calls_with_fields(rng, num_samples):
    """Calls with fields behind GT, of every length: nearly all plain, of one phase but for a few."""
    separator, odd = rng.choice("|/"), rng.choice([0, 0.02, 0.3])
    calls = []
    for _ in range(num_samples):
        mark = separator if rng.random() > odd else rng.choice("|/")
        call = f"{rng.choice('01')}{mark}{rng.choice('01')}"
        if rng.random() < odd:
            call = rng.choice([f".{mark}.", f".{mark}1", f"2{mark}0", "1", ".", f"|1{mark}0", f"0{mark}1{mark}1"])
        fields = rng.choice(["", ":7", ":12:3,4", ":.:.", ":" + "9" * rng.randrange(130)])
        calls.append(call + fields)
    return calls


@given(
    seed=st.integers(0, 2**32 - 1),
    num_samples=st.sampled_from([1, 2, 17, 63, 64, 65, 200]),
    chunk_samples=st.sampled_from([32, 64, 96, 16_384]),
)
@settings(deadline=None, max_examples=150)
def test_calls_with_fields(tmp_path_factory, seed, num_samples, chunk_samples):
    """GT in front of other fields is read along the tabs, 61 bytes at a time."""
    rng = random.Random(seed)
    lines = [
        "\t".join(["1", "7", ".", "A", "C,G", ".", ".", ".", "GT:DP:AD", *calls_with_fields(rng, num_samples)])
        for _ in range(3)
    ]
    text = header([f"s{i}" for i in range(num_samples)]) + "".join(line + "\n" for line in lines)
    assert_same(
        scan(vcf_text.write_plain(tmp_path_factory.mktemp("scan") / "a.vcf", text), chunk_samples=chunk_samples), lines
    )


def is_call(text, num_alts):
    gt = text.split(":")[0]
    alleles = re.split("[/|]", gt[1:] if gt[:1] in ("/", "|") else gt)
    return all(allele == "." or (allele.isdigit() and int(allele) <= num_alts) for allele in alleles)


@given(seed=st.integers(0, 2**32 - 1), num_samples=st.sampled_from([1, 3, 40]), num_changes=st.integers(1, 2))
@settings(deadline=None, max_examples=300)
def test_changed_bytes_of_calls(tmp_path_factory, seed, num_samples, num_changes):
    """What is no row of calls any more is refused; what still is one is read as it stands."""
    rng = random.Random(seed)
    site = "1\t7\t.\tA\tC,G\t.\t.\t.\tGT:DP:AD\t"
    calls = list("\t".join(calls_with_fields(rng, num_samples)))
    for _ in range(num_changes):
        calls[rng.randrange(len(calls))] = rng.choice(["0", "1", "2", "|", "/", ".", ":", "\t", "3", "x", ""])
    line, behind = site + "".join(calls), site + "\t".join(["0|0:3"] * num_samples)
    text = header([f"s{i}" for i in range(num_samples)]) + f"{line}\n{behind}\n"
    path = vcf_text.write_plain(tmp_path_factory.mktemp("scan") / "a.vcf", text)
    columns = line.split("\t")[9:]
    if len(columns) == num_samples and all(is_call(call, 2) for call in columns):
        assert_same(scan(path), [line, behind])
    else:
        with pytest.raises(InputError, match="line 3"):
            scan(path)


def test_ploidy_rises(tmp_path):
    """A wider call starts its row again; what came before stays narrow until it is joined."""
    calls = ["0", "1", "0|1", ".", "1/1/0", "0|0", "|".join(["1"] * 40), "0", "."]
    lines = [f"1\t{pos}\t.\tA\tC\t.\t.\t.\tGT\t0\t{call}\t." for pos, call in enumerate(calls)]
    path = vcf_text.write_plain(tmp_path / "a.vcf", header("abc") + "\n".join(lines) + "\n")
    parts = scan(path)
    assert_same(parts, lines)
    assert [part.sets.ploidy for part in parts] == [1, 2, 3, 40]
    joined = join(parts, 16_384)
    assert joined.sets.ploidy == 40
    assert_same([joined], lines)
    assert_same([joined.rows(begin, begin + 3) for begin in (0, 3, 6)], lines)
    repo = vs.create(tmp_path / "repo", path)
    np.testing.assert_array_equal(repo.genotypes().call_genotype, reference.read_vcf(path).call_genotype)


def test_no_gt_before_ploidy_rises(tmp_path):
    lines = [f"1\t{pos}\t.\tA\tC\t.\t.\t.\t{call}" for pos, call in enumerate(["DP\t7\t8", "GT\t0\t1", "GT\t0|1\t1"])]
    path = vcf_text.write_plain(tmp_path / "a.vcf", header("ab") + "\n".join(lines) + "\n")
    repo = vs.create(tmp_path / "repo", path)
    np.testing.assert_array_equal(repo.genotypes().call_genotype, reference.read_vcf(path).call_genotype)


def test_many_alleles(tmp_path):
    """Alleles of one to four digits, and the most that a code can hold."""
    alts = ",".join("C" * (1 + i % 50) for i in range(32_767))
    lines = [f"1\t5\t.\tA\t{alts}\t.\t.\t.\tGT\t9|10\t99/100\t999|1000\t9999|32767\t.|10"]
    path = vcf_text.write_bgzf(tmp_path / "a.vcf.gz", header("abcde") + lines[0] + "\n", 65_280)
    assert_same(scan(path, TINY), lines)


def test_no_records(tmp_path):
    for name, write in WRITERS.items():
        for samples in ("", "ab"):
            path = write(tmp_path / f"{name}.vcf", header(samples))
            assert scan(path) == []
            assert vs.create(tmp_path / f"{name}{samples}", path).num_variants == 0


# Site columns


@given(seed=st.integers(0, 2**32 - 1), num_lines=st.integers(1, 40), padding=st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_site_columns(tmp_path_factory, seed, num_lines, padding):
    lines = make_lines(seed, num_lines, 1)
    path = vcf_text.write_plain(tmp_path_factory.mktemp("sites") / "a.vcf", header("a") + "\n".join(lines))
    records = join(scan(path), 16_384)
    sites = site_columns(records, num_lines + padding)
    fields = [line.split("\t") for line in lines]
    alleles = [[f[3], *f[4].split(",")] if f[4] != "." else [f[3]] for f in fields]
    none = [""] * padding
    assert [sites.contig_names[i] for i in sites.contig] == [f[0] for f in fields]
    assert sites.position.tolist() == [int(f[1]) for f in fields]
    assert sites.length.tolist() == [reference.reference_length(int(f[1]), f[3], f[7]) for f in fields]
    assert VLenUTF8().decode(sites.packed_ids).tolist() == [f[2] for f in fields] + none
    assert sites.id_missing.tolist() == [f[2] == "." for f in fields]
    assert [sites.filter_texts[i] for i in sites.filters] == [f[6] for f in fields]
    assert sites.num_alts.tolist() == [len(row) - 1 for row in alleles]
    wide = VLenUTF8().decode(sites.packed_alleles).reshape(-1, sites.num_alleles)
    assert [[allele for allele in row if allele] for row in wide.tolist()] == alleles + [[]] * padding
    missing = np.array([0x7F800001], "<u4").view("<f4")[0]
    quality = np.array([missing if f[5] == "." else np.float32(f[5]) for f in fields], "<f4")
    np.testing.assert_array_equal(sites.quality.view("<u4"), quality.view("<u4"))


QUALITIES = (
    "0 0.0 1 .5 5. 007 16777217 0.1 3.4028235e38 1e-45 1e-50 1E5 +3 -2 123456789012345678 0.123456789012345678901 inf"
)


@pytest.mark.parametrize("text", [*QUALITIES.split(), "1e39", "-1e99"])
def test_quality_is_the_nearest_float32(tmp_path, text):
    path = vcf_text.write_plain(tmp_path / "a.vcf", header("") + f"1\t5\t.\tA\tC\t{text}\t.\t.\n")
    found = site_columns(join(scan(path), 1), 1).quality
    with np.errstate(over="ignore"):
        assert found.tolist() == [float(np.float64(text).astype("<f4"))]


# Faults

GOOD = ["1", "100", "rs1", "A", "C", "50", "PASS", "DP=3", "GT", "0|1", "0/0", "1|1"]


def with_field(column, value):
    fields = list(GOOD)
    fields[column] = value
    return "\t".join(fields)


FAULTS = {
    "a sample short": ("\t".join(GOOD[:-1]), "11 columns, the header has 12"),
    "a sample over": ("\t".join([*GOOD, "0|0"]), "13 columns, the header has 12"),
    "two samples over": ("\t".join([*GOOD, "0|0", "0|0"]), "14 columns, the header has 12"),
    "no samples": ("\t".join(GOOD[:9]), "9 columns, the header has 12"),
    "five columns": ("\t".join(GOOD[:5]), "5 columns, the header has 12"),
    "one column": ("1", "1 columns, the header has 12"),
    "spaces": (" ".join(GOOD), "1 columns, the header has 12; columns are separated by one tab"),
    "a column over in front": ("\t".join([*GOOD[:3], "", *GOOD[3:]]), "13 columns|REF or ALT is empty"),
    "a blank line": ("", "the line is blank; remove it"),
    "POS is a word": (with_field(1, "x"), "POS is 'x', expected a number from 0 to 2,147,483,647"),
    "POS is empty": (with_field(1, ""), "POS is ''"),
    "POS is negative": (with_field(1, "-5"), "POS is '-5'"),
    "POS is a fraction": (with_field(1, "1.5"), r"POS is '1\.5'"),
    "POS is too large": (with_field(1, "2147483648"), "POS is '2147483648'"),
    "POS is far too large": (with_field(1, "9" * 99), "POS is '9{40}...'"),
    "CHROM is empty": (with_field(0, ""), "CHROM, REF or ALT is empty"),
    "REF is empty": (with_field(3, ""), "CHROM, REF or ALT is empty"),
    "ALT is empty": (with_field(4, ""), "CHROM, REF or ALT is empty"),
    "an ALT is empty": (with_field(4, "C,,G"), "ALT has an empty allele"),
    "the last ALT is empty": (with_field(4, "C,"), "ALT has an empty allele"),
    "the first ALT is empty": (with_field(4, ",C"), "ALT has an empty allele"),
    "QUAL is a word": (with_field(5, "high"), "QUAL is 'high', expected a number or '.'"),
    "QUAL is empty": (with_field(5, ""), "QUAL is ''"),
    "QUAL has an underscore": (with_field(5, "1_0"), "QUAL is '1_0'"),
    "QUAL has a blank": (with_field(5, " 5"), "QUAL is ' 5'"),
    "QUAL has other digits": (with_field(5, "\u0665"), "QUAL is '\u0665'"),
    "GT is empty": (with_field(10, ""), r"sample b \(column 11\): GT is '', expected alleles separated"),
    "the last GT is empty": (with_field(11, ""), r"sample c \(column 12\): GT is ''"),
    "GT is a word": (with_field(9, "x"), r"sample a \(column 10\): GT is 'x'"),
    "GT ends in a separator": (with_field(9, "0|"), r"GT is '0\|'"),
    "GT has no separator": (with_field(10, "0.1"), "GT is '0.1'"),
    "GT has another separator": (with_field(10, "0\\1"), "GT is"),
    "GT has two separators": (with_field(10, "0||1"), r"GT is '0\|\|1'"),
    "GT is negative": (with_field(11, "-1|0"), r"sample c \(column 12\): GT is '-1\|0'"),
    "GT has a blank": (with_field(11, "0|1 "), r"GT is '0\|1 '"),
    "GT has a blank in front": (with_field(9, " 0|1"), r"GT is ' 0\|1'"),
    "GT has a zero byte": (with_field(9, "0|\0"), "GT is"),
    "an allele too high": (with_field(10, "0|2"), r"sample b \(column 11\): GT is '0\|2', but the record has 1 ALT"),
    "an allele of two digits": (with_field(10, "10|0"), r"GT is '10\|0', but the record has 1 ALT"),
    "an allele of many digits": (with_field(10, "0|" + "9" * 30), "but the record has 1 ALT"),
    "an allele without ALT": (
        "\t".join([*GOOD[:4], ".", *GOOD[5:11], "0|2"]),
        r"sample c \(column 12\): GT is '0\|2', but the record has 0 ALT",
    ),
    "a call of 1,025 alleles": (with_field(10, "|".join("0" * 1025)), "1025 alleles; the most that is read is 1024"),
    "too many ALTs": (with_field(4, ",".join("C" * 32_768)), "32,768 ALT alleles; the most that is read is 32,767"),
    "INFO is not UTF-8": (with_field(7, "X=\udcff"), "the text before the samples is not UTF-8"),
    "CHROM is not UTF-8": (with_field(0, "1\udce9"), "not UTF-8"),
    "FORMAT is not UTF-8": (with_field(8, "GT:\udce9"), "not UTF-8"),
}
WAYS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "bgzf": lambda data: (
        b"".join(vcf_text.bgzf_block(data[i : i + 99]) for i in range(0, len(data), 99)) + vcf_text.BGZF_END
    ),
}


def write_bytes(path, text, way="bgzf"):
    path.write_bytes(WAYS[way](text.encode("utf-8", "surrogateescape")))
    return path


def assert_refused(tmp_path, path, error, match, **options):
    """An import raises ``error``, and leaves nothing behind."""
    with pytest.raises(error, match=match):
        vs.create(tmp_path / "repo", path, **options)
    assert not (tmp_path / "repo").exists()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
def test_faults(tmp_path, monkeypatch, fault, way):
    """On the first, a middle and the last line, in pieces of a line and in one piece."""
    line, message = FAULTS[fault]
    good = [with_field(1, str(100 + i)) for i in range(12)]
    for place, pieces in ((0, False), (5, True), (12, True), (12, False)):
        if fault == "a blank line" and place == 12:
            continue  # harmless at the end
        lines = [*good[:place], line, *good[place:]]
        text = header("abc") + "".join(line + "\n" for line in lines)
        path = write_bytes(tmp_path / "bad.vcf", text, way)
        with monkeypatch.context() as patch:
            if pieces:
                patch.setattr(TextFile.pieces, "__defaults__", (TINY,))
                patch.setattr(records_module, "_ROWS", 2)
            assert_refused(tmp_path, path, InputError, rf"bad\.vcf, line {place + 3}: .*({message})")


@pytest.mark.parametrize("num_good", [4095, 4096, 9000])
@pytest.mark.parametrize("fault", ["POS is a word", "an ALT is empty", "QUAL is a word", "INFO is not UTF-8"])
def test_faults_far_down(tmp_path, fault, num_good):
    """Found while reading, or where a chunk is put together; the line is right in later chunks too."""
    text = (
        header("abc") + (with_field(1, "7") + "\n") * num_good + FAULTS[fault][0] + "\n" + with_field(1, "200") + "\n"
    )
    path = write_bytes(tmp_path / "bad.vcf", text)
    assert_refused(tmp_path, path, InputError, rf"bad\.vcf, line {num_good + 3}: .*({FAULTS[fault][1]})")


def test_the_first_of_two_faults(tmp_path):
    lines = [GOOD, [*GOOD[:5], "bad", *GOOD[6:]], [*GOOD[:1], "bad", *GOOD[2:]]]
    path = write_bytes(tmp_path / "bad.vcf", header("abc") + "".join("\t".join(line) + "\n" for line in lines))
    assert_refused(tmp_path, path, InputError, r"bad\.vcf, line [45]: (QUAL|POS) is 'bad'")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\n\n\n", "\n" * 300])
def test_blank_lines_at_the_end(tmp_path, monkeypatch, end, pieces, way):
    """Taken with a warning, wherever the pieces are cut; a record behind them is not."""
    if pieces:
        monkeypatch.setattr(TextFile.pieces, "__defaults__", (TINY,))
    text = header("abc") + "\t".join(GOOD) + end
    repo = vs.create(tmp_path / "repo", write_bytes(tmp_path / "a.vcf", text, way))
    assert repo.num_variants == 1
    problems = repo.info()["batches"][0]["problems"]
    assert problems["blank-last-line"] == {"count": 1, "first": [f"{tmp_path}/a.vcf, line 4"]}
    assert ("crlf" in problems) == ("\r" in end)
    path = write_bytes(tmp_path / "bad.vcf", text + "\t".join(GOOD), way)
    with pytest.raises(InputError, match=r"bad\.vcf, line 4: the line is blank; remove it"):
        vs.create(tmp_path / "other", path)


SITES_FAULTS = {
    "columns over": ("1\t5\t.\tA\tC\t.\t.\t.\tGT", "9 columns, the header has 8"),
    "columns short": ("1\t5\t.\tA\tC\t.\t.", "7 columns, the header has 8"),
    "blank": ("", "the line is blank"),
    "POS": ("1\t?\t.\tA\tC\t.\t.\t.", r"POS is '\?'"),
    "ALT": ("1\t5\t.\tA\tC,\t.\t.\t.", "ALT has an empty allele"),
}


@pytest.mark.parametrize("fault", SITES_FAULTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_faults_of_sites_only_files(tmp_path, fault, end):
    line, message = SITES_FAULTS[fault]
    text = header("") + f"1\t4\t.\tA\tC\t.\t.\t.\n{line}\n1\t6\t.\tA\tC\t.\t.\t.\n"
    path = write_bytes(tmp_path / "bad.vcf", text.replace("\n", end))
    assert_refused(tmp_path, path, InputError, rf"bad\.vcf, line 4: .*{message}")


def test_cut_off_text(tmp_path):
    """Text that ends in a line is refused, unless what is left happens to be a whole line."""
    text = header("abc") + "\t".join(GOOD) + "\n"
    last = len(header("abc"))
    for size in range(last + 1, len(text) - 4):
        path = write_bytes(tmp_path / "bad.vcf", text[:size], "plain")
        assert_refused(tmp_path, path, InputError, r"bad\.vcf, line 3: ")
    for size in (len(text) - 3, len(text) - 1):
        path = write_bytes(tmp_path / "whole.vcf", text[:size], "plain")
        assert len(scan(path)[0].position) == 1


@pytest.mark.parametrize("way", ["gzip", "bgzf"])
def test_cut_off_files(tmp_path, way):
    text = header("abc") + "".join(with_field(1, str(pos)) + "\n" for pos in range(300))
    data = write_bytes(tmp_path / "whole.vcf.gz", text, way).read_bytes()
    for size in [*range(300, len(data), 97 if way == "gzip" else 1999), len(data) - 1, len(data) - 8]:
        path = tmp_path / "bad.vcf.gz"
        path.write_bytes(data[:size])
        assert_refused(tmp_path, path, InputError, r"bad\.vcf\.gz.*(cut off|decompressed|no VCF)")
    path.write_bytes(data[:-3])
    assert_refused(tmp_path, path, TruncatedInputError, r"bad\.vcf\.gz")


def test_missing_bgzf_end_block(tmp_path):
    text = header("abc") + "\t".join(GOOD) + "\n"
    path = vcf_text.write_bgzf(tmp_path / "bad.vcf.gz", text, end=False)
    assert_refused(tmp_path, path, TruncatedInputError, r"bad\.vcf\.gz: the BGZF end marker is missing.*cut off; copy")


def test_damaged_bgzf_blocks(tmp_path):
    """Flipped bits in the middle: the block's checksum, sizes or structure tell."""
    text = header("abc") + "".join(with_field(1, str(pos)) + "\n" for pos in range(200))
    data = write_bytes(tmp_path / "whole.vcf.gz", text).read_bytes()
    truth = vs.create(tmp_path / "whole", tmp_path / "whole.vcf.gz").genotypes()
    rng = random.Random(6)
    for _ in range(60):
        damaged = bytearray(data)
        damaged[rng.randrange(300, len(data) - 28)] ^= 1 << rng.randrange(8)
        path = tmp_path / "bad.vcf.gz"
        path.write_bytes(damaged)
        try:
            repo = vs.create(tmp_path / "repo", path)
        except InputError as error:
            assert "bad.vcf.gz" in str(error)  # noqa: PT017
            continue
        # A byte of a gzip header that nobody reads, such as its time.
        np.testing.assert_array_equal(repo.genotypes().call_genotype, truth.call_genotype)
        np.testing.assert_array_equal(repo.genotypes().variant_position, truth.variant_position)
        (tmp_path / "repo").rename(tmp_path / f"same{rng.random()}")


def test_garbage_between_bgzf_blocks(tmp_path):
    text = header("abc") + "".join(with_field(1, str(pos)) + "\n" for pos in range(50))
    blocks = [vcf_text.bgzf_block(text[i : i + 400].encode()) for i in range(0, len(text), 400)]
    path = tmp_path / "bad.vcf.gz"
    path.write_bytes(b"".join(blocks[:3]) + b"garbage" + b"".join(blocks[3:]) + vcf_text.BGZF_END)
    assert_refused(tmp_path, path, InputError, r"bad\.vcf\.gz.*(no BGZF block at byte|decompressed)")


HEADER_FAULTS = {
    "no file format": ("#CHROM\tPOS\n", NotVcfError, r"line 1: no VCF: found '#CHROM"),
    "no columns": (
        "##fileformat=VCFv4.2\n##x=y\n",
        NotVcfError,
        "line 3: no VCF: found '1.t5', expected the line '#CHROM",
    ),
    "other columns": ("##fileformat=VCFv4.2\n#CHROM\tPOS\n", NotVcfError, "line 2: no VCF: found '#CHROM"),
    "spaces": (header("ab").replace("\t", " "), NotVcfError, "with tabs"),
    "no FORMAT": (header("ab").replace("FORMAT", "GT"), InputError, "line 2: column 9 is 'GT', expected 'FORMAT'"),
    "a name twice": (header("aba"), InputError, "line 2: the sample 'a' is there twice"),
    "an empty name": (header(["a", ""]), InputError, "line 2: a sample name is empty"),
    "no UTF-8": (header("a").replace("#CHROM", "##x=\udcff\n#CHROM"), InputError, "line 2: the header is not UTF-8"),
    "two lengths": (
        header("a").replace("#CHROM", "##contig=<ID=1,length=5>\n##contig=<ID=1,length=6>\n#CHROM"),
        InputError,
        "line 3: contig 1 has two lengths, 5 and 6",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", HEADER_FAULTS)
def test_faults_of_the_header(tmp_path, fault, way):
    text, error, message = HEADER_FAULTS[fault]
    path = write_bytes(tmp_path / "bad.vcf", text + "1\t5\n", way)
    assert_refused(tmp_path, path, error, rf"bad\.vcf, {message}" if "line" in message else message)


# Order. Unsorted input is sorted unless problems stop the import: tests/test_sort.py.


def declared(samples):
    """A header that declares what the records have, so that nothing else stops the import."""
    meta = "##contig=<ID=1>\n##contig=<ID=2>\n##contig=<ID=3>\n##INFO=<ID=DP,Number=1,Type=Integer,Description=x>\n"
    meta += '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
    return header(samples).replace("#CHROM", meta + "#CHROM")


@pytest.mark.parametrize("before", [1, 2, 4095, 4096, 4097])
@pytest.mark.parametrize("pieces", [False, True])
def test_positions_go_back(tmp_path, monkeypatch, before, pieces):
    lines = [with_field(1, str(pos)) for pos in [*range(10, 10 + before), 8 + before, 9999]]
    path = write_bytes(tmp_path / "bad.vcf", declared("abc") + "".join(line + "\n" for line in lines))
    if pieces:
        monkeypatch.setattr(TextFile.pieces, "__defaults__", (5000,))
    message = rf"bad\.vcf, line {before + 8}: unsorted: position {before + 8} comes after {before + 9}; .*bcftools sort"
    assert_refused(tmp_path, path, UnsortedInputError, message, on_problem="stop")


@pytest.mark.parametrize("before", [1, 4095, 4096, 5000])
def test_a_contig_comes_back(tmp_path, before):
    contigs = ["1"] * before + ["2", "2", "1"]
    lines = [[name, str(10 + i), *GOOD[2:]] for i, name in enumerate(contigs)]
    path = write_bytes(tmp_path / "bad.vcf", declared("abc") + "".join("\t".join(line) + "\n" for line in lines))
    message = rf"bad\.vcf, line {before + 10}: .*contig 1 comes back after 2"
    assert_refused(tmp_path, path, UnsortedInputError, message, on_problem="stop")


def test_a_contig_comes_back_in_another_file(tmp_path):
    for name, contigs in (("one.vcf", "12"), ("two.vcf", "31")):
        lines = [[contig, "10", *GOOD[2:]] for contig in contigs]
        write_bytes(tmp_path / name, declared("abc") + "".join("\t".join(line) + "\n" for line in lines))
    with pytest.raises(UnsortedInputError, match=r"(one|two)\.vcf, line [89]: .*contig 1 comes back"):
        vs.create(tmp_path / "repo", tmp_path / "one.vcf", tmp_path / "two.vcf", on_problem="stop")


def test_equal_positions_and_contigs_in_any_order(tmp_path):
    sites = [("2", 5), ("2", 5), ("2", 6), ("1", 1), ("1", 1), ("10", 1), ("1x", 0), ("X", 2147483647)]
    lines = [[name, str(pos), *GOOD[2:]] for name, pos in sites]
    path = write_bytes(tmp_path / "a.vcf", header("abc") + "".join("\t".join(line) + "\n" for line in lines))
    table = vs.create(tmp_path / "repo", path).genotypes()
    assert list(zip(table.variant_contig, table.variant_position.tolist(), strict=True)) == sites


def test_messages_are_one_line(tmp_path):
    path = write_bytes(tmp_path / "bad.vcf", header("abc") + with_field(1, "x\x07y") + "\n")
    with pytest.raises(InputError, match="POS is") as caught:
        vs.create(tmp_path / "repo", path)
    assert re.fullmatch(r"[^\x00-\x1f]+", str(caught.value))
