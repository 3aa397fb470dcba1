"""Calls of BCF read where they lie say what their text says, whatever bytes they are."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import varstore as vs
from varstore.codec.genotype import decode_array, encode_sets
from varstore.errors import InputError
from varstore.ingest.bcf import BcfFile
from varstore.ingest.records import PieceScanner, Records, ScanPlan, ScanResult

END, MISSING = 0x81, 0x80
ODD_CODES = [0, 1, 2, 3, 4, 5, 6, 7, 18, 20, 22, 23, 126, 127, MISSING, END, 0x82, 0xFF]


def typed(text: bytes) -> bytes:
    """A typed string of BCF."""
    if len(text) < 15:
        return bytes([len(text) << 4 | 7]) + text
    return b"\xf7\x12" + struct.pack("<H", len(text)) + text


def write_bcf(path: Path, calls: np.ndarray, num_alts: int, ids: list[bytes] | None = None) -> Path:
    """A record a row of ``calls``: (records, samples, 2) uint8, as BCF has them."""
    names = "\t".join(f"S{i}" for i in range(calls.shape[1]))
    text = (
        '##fileformat=VCFv4.3\n##FILTER=<ID=PASS,Description="All filters passed",IDX=0>\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="GT",IDX=1>\n##contig=<ID=1,IDX=0>\n'
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n"
    ).encode() + b"\0"
    data = b"BCF\2\2" + struct.pack("<I", len(text)) + text
    for row, record in enumerate(calls):
        counts = (num_alts + 1) << 16, 1 << 24 | calls.shape[1]
        site = struct.pack("<iiiIII", 0, 10 + row, 1, 0x7F800001, *counts) + typed(ids[row] if ids else b"")
        site += b"".join(typed(b"A" + b"C" * i) for i in range(num_alts + 1)) + b"\0"
        samples = b"\x11\x01" + b"\x21" + record.tobytes()
        data += struct.pack("<II", len(site), len(samples)) + site + samples
    path.write_bytes(data)
    return path


class AsText:
    """A piece whose calls all become text."""

    def __init__(self, piece) -> None:
        self.piece, self.compressed = piece, piece.compressed

    def prepared(self, beside: bool = False):
        return self.piece.prepared()


def scan(path: Path, ploidy: int, chunk_samples: int, as_text: bool, slab: int) -> list[ScanResult]:
    file = BcfFile(path)
    names = [f"S{i}" for i in range(file._header.num_samples)]
    scanner = PieceScanner(ScanPlan(str(path), True, names, chunk_samples), ploidy)
    return [scanner.scan(AsText(piece) if as_text else piece) for piece in file.pieces(slab)]


def codes_of(records: Records) -> np.ndarray:
    sets = records.sets
    parts = []
    for block in range(len(sets.sizes)):
        shape = (sets.num_rows, int(sets.sizes[block]), sets.ploidy)
        data = encode_sets(sets, shape, blocks=range(block, block + 1), level=1)
        parts.append(decode_array(memoryview(data), dtype=np.dtype("<i2"), ploidy=sets.ploidy))
    return np.concatenate(parts, axis=1)


def phases_of(records: Records) -> np.ndarray:
    phased = np.repeat(records.phase_default[:, None], int(records.sets.starts[-1]), axis=1)
    for row in range(records.num_rows):
        phased[row, records.phase[records.phase_start[row] : records.phase_start[row + 1]]] ^= 1
    return phased


def assert_same(found: list[ScanResult], expected: list[ScanResult]) -> None:
    assert [result.fault for result in found] == [result.fault for result in expected]
    ones, others = ([records for result in results for records in result.records] for results in (found, expected))
    for read in (codes_of, phases_of, lambda r: r.position, lambda r: r.num_alts, lambda r: r.has_gt):
        # Where the arenas were emptied may differ, and rows are at the ploidy that was known then.
        one, other = ([row.tolist() for records in many for row in read(records)] for many in (ones, others))
        assert one == other
    assert b"".join(r.text.tobytes() for r in ones) == b"".join(r.text.tobytes() for r in others)


CALLS = st.tuples(st.integers(1, 6), st.one_of(st.integers(1, 4), st.integers(30, 70)), st.just(2)).flatmap(
    lambda shape: npst.arrays(np.uint8, shape, elements=st.sampled_from(ODD_CODES), fill=st.sampled_from([2, 3, 4, 5]))
)


@given(calls=CALLS, num_alts=st.sampled_from([0, 1, 2, 9, 12, 70]), ploidy=st.integers(1, 3))
@settings(deadline=None, max_examples=300)
def test_any_bytes_say_what_their_text_says(calls, num_alts, ploidy, tmp_path_factory):
    path = write_bcf(tmp_path_factory.mktemp("bcf") / "a.bcf", calls, num_alts)
    found, expected = (scan(path, ploidy, 32, as_text, 1 << 20) for as_text in (False, True))
    assert_same(found, expected)


@pytest.mark.parametrize("num_samples", [1, 31, 32, 33, 64, 65, 1000])
@pytest.mark.parametrize("slab", [1, 1 << 20])
def test_plain_calls(num_samples, slab, tmp_path):
    rng = np.random.default_rng(num_samples)
    calls = rng.choice(np.array([2, 3, 4, 5], np.uint8), size=(50, num_samples, 2), p=[0.4, 0.4, 0.1, 0.1])
    calls[5:20, :, 1] |= 1
    calls[20:35, :, 1] &= 0xFE
    calls[40, :, 1] = END  # all with one allele
    calls[41] = [END, END]
    calls[42] = 0
    path = write_bcf(tmp_path / "a.bcf", calls, 1)
    for ploidy in (1, 2):
        found = scan(path, ploidy, 512, False, slab)
        assert_same(found, scan(path, ploidy, 512, True, slab))
    assert sum(records.num_rows for result in found for records in result.records) == 50


def test_they_are_read_where_they_lie(tmp_path, monkeypatch):
    """Plain records and those with missing and lone alleles do not become text, and others do."""
    became_text = []
    real = PieceScanner._calls_to_text

    def spy(self, begin, end):
        became_text.append(int(self.cursors[6]))
        return real(self, begin, end)

    monkeypatch.setattr(PieceScanner, "_calls_to_text", spy)
    calls = np.full((4, 40, 2), 2, np.uint8)
    calls[0, 3], calls[1, 5], calls[2, 7] = [0, 0], [4, END], [22, 5]
    path = write_bcf(tmp_path / "a.bcf", calls, 12)
    assert [r.fault for r in scan(path, 2, 32, False, 1 << 20)] == [None]
    assert became_text == []
    calls[1, 9] = [END, END]
    write_bcf(path, calls, 12)
    assert [r.fault for r in scan(path, 2, 32, False, 1 << 20)] == [None]
    assert became_text == [1]


def test_an_allele_that_the_record_does_not_have(tmp_path):
    calls = np.full((3, 5, 2), 2, np.uint8)
    calls[1, 4] = [2, 9]
    path = write_bcf(tmp_path / "a.bcf", calls, 1)
    with pytest.raises(
        InputError, match=r"a\.bcf, record 2: sample S4 \(column 14\): GT is '0\|3', but the record has 1"
    ):
        vs.create(tmp_path / "repo", path)


@pytest.mark.parametrize(
    "text", [b"a\tb", b"a\nb", b"\t" * 6 + b"GT\t\0@@@@@@@@\n", b"\t" * 6 + b"GT\t\0" + b"~" * 8 + b"\n"]
)
def test_a_name_with_line_ends_and_tabs(text, tmp_path):
    """Site text that would be other columns is refused, in whatever way its calls are read."""
    path = write_bcf(tmp_path / "a.bcf", np.full((2, 40, 2), 2, np.uint8), 1, [b"fine", text])
    with pytest.raises(InputError, match=r"a\.bcf, record 2"):
        vs.create(tmp_path / "repo", path)


def test_damage_does_not_reach_behind_the_records(tmp_path):
    """Every byte of a record changed: an error or records, with bounds checks in the fuzz run too."""
    path = write_bcf(tmp_path / "a.bcf", np.full((2, 9, 2), 2, np.uint8), 1)
    data = path.read_bytes()
    begin = 9 + struct.unpack_from("<I", data, 5)[0]
    for at in range(begin, len(data)):
        for value in (0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1, data[at] ^ 0x10):
            path.write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
            try:
                scan(path, 2, 32, False, 1 << 20)
            except vs.VarstoreError:
                continue
