"""BCF comes in as what it says: records made text in bulk say what htslib and the text they were made of say."""

import gzip
import os
import struct
import subprocess
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import cyvcf2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import varstore as vs
from exported import body
from varstore.errors import InputError, NotVcfError, TruncatedInputError, VarstoreError
from varstore.ingest.bcf import BcfFile, BcfHeader
from varstore.kernels import bcf_text
from vcf_text import make_vcf, vcf_texts, write_bgzf

HEADER = """\
##fileformat=VCFv4.3
##FILTER=<ID=PASS,Description="All filters passed">
##FILTER=<ID=q10,Description="q">
##INFO=<ID=I,Number=.,Type=Integer,Description="i">
##INFO=<ID=F,Number=.,Type=Float,Description="f">
##INFO=<ID=S,Number=.,Type=String,Description="s">
##INFO=<ID=FLAG,Number=0,Type=Flag,Description="flag">
##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">
##FORMAT=<ID=I,Number=.,Type=Integer,Description="i">
##FORMAT=<ID=F,Number=.,Type=Float,Description="f">
##FORMAT=<ID=S,Number=1,Type=String,Description="s">
##contig=<ID=1,length=1000>
##contig=<ID=two>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\tC
"""
INTEGERS = "-2147483640 -32769 -32760 -121 -120 -1 0 7 127 128 32767 32768 2147483647".split()
ODD_FLOATS = "1e-30 3.4e38 1.17549e-38 123456.789 0.1 -0.30000001 1e9 16777217 2.5 nan inf -inf . 1e-5 9e-6".split()


def bcf_of(folder: Path, text: str, name: str = "a") -> Path:
    """The text as BCF, written by htslib."""
    source, target = folder / f"{name}.vcf", folder / f"{name}.bcf"
    source.write_text(text)
    reader = cyvcf2.VCF(str(source))
    writer = cyvcf2.Writer(str(target), reader, mode="wb")
    writer.write_header()
    for record in reader:
        writer.write_record(record)
    writer.close()
    return target


def bytes_of(path: Path) -> bytes:
    return b"".join(BcfFile(path).line_blocks())


def text_of(path: Path) -> str:
    return bytes_of(path).decode()


def htslib_text(path: Path) -> str:
    return "".join(str(record) for record in cyvcf2.VCF(str(path)))


def same_numbers(found: str, expected: str) -> bool:
    """Equal, or floats of which htslib printed six digits."""
    if found == expected:
        return True
    try:
        one, other = float(found), float(expected)
    except ValueError:
        return False
    return one == other or abs(one - other) <= 1e-5 * abs(other)


def assert_same_text(found: str, expected: str) -> None:
    def cut(text: str) -> list[str]:
        for sign in "\t:;,=\n":
            text = text.replace(sign, f" {sign} ")
        return text.split(" ")

    left, right = cut(found), cut(expected)
    assert len(left) == len(right), (found, expected)
    assert [pair for pair in zip(left, right, strict=True) if not same_numbers(*pair)] == []


@given(text=vcf_texts())
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
def test_records_say_what_htslib_says(text, tmp_path_factory):
    path = bcf_of(tmp_path_factory.mktemp("bcf"), text)
    assert_same_text(text_of(path), htslib_text(path))


def test_values_of_every_size(tmp_path):
    calls = "0/1:{0}:{1}:w\t.\t1|0:1,{0},.:{1},2:."
    lines = [
        f"1\t{i}\tx;y\tA\tC,<DEL>\t{odd}\tq10\tI={i},.;F={odd},1;S=a,b;FLAG\tGT:I:F:S\t{calls.format(i, odd)}"
        for i, odd in enumerate(ODD_FLOATS, 1)
    ]
    lines += [f"two\t5\t.\tA\t.\t.\t.\t.\tI\t{value}\t.\t{','.join(INTEGERS)}" for value in INTEGERS]
    path = bcf_of(tmp_path, HEADER + "\n".join(lines) + "\n")
    assert_same_text(text_of(path), htslib_text(path))


@given(bits=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=500)
def test_floats_read_as_they_were(bits):
    out, scratch = np.zeros(64, np.uint8), np.zeros(1, np.uint32)
    signed = struct.unpack("<i", struct.pack("<I", bits))[0] & 0xFFFFFFFF
    size = bcf_text._put_float(out, 0, signed, scratch)
    found = np.array([float(out[:size].tobytes())]).astype(np.float32)
    expected = np.array([bits], np.uint32).view(np.float32)
    assert size < 20
    np.testing.assert_array_equal(found, expected)


def test_repository_of_bcf_is_that_of_the_text(tmp_path):
    text = make_vcf(4, 200, 40, ploidy="mixed", missing=0.1, half_missing=0.1, max_alts=3, extra_format=True, no_gt=0.1)
    path = bcf_of(tmp_path, text)
    (tmp_path / "a.vcf").write_text(text)
    of_bcf, of_text = (vs.create(tmp_path / name, tmp_path / f"a.{name}") for name in ("bcf", "vcf"))
    assert of_bcf.verify(path) == []
    for repo, name in ((of_bcf, "one"), (of_text, "other")):
        repo.export(tmp_path / f"{name}.vcf")
    one, other = (body((tmp_path / f"{name}.vcf").read_text()) for name in ("one", "other"))
    assert [columns[:7] for columns in one] == [columns[:7] for columns in other]
    found, expected = (repo.genotypes() for repo in (of_bcf, of_text))
    np.testing.assert_array_equal(found.call_genotype, expected.call_genotype)


def test_plain_and_many_pieces(tmp_path):
    """An uncompressed BCF, and records cut from the file in pieces smaller than they are."""
    path = bcf_of(tmp_path, make_vcf(5, 120, 33, missing=0.1))

    plain = tmp_path / "plain.bcf"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    whole = text_of(path)
    assert text_of(plain) == whole
    for slab in (1, 100, 5000):
        pieces = list(BcfFile(path).pieces(slab))
        assert b"".join(piece.text() for piece in pieces).decode() == whole
        assert sum(piece.compressed for piece in pieces) <= path.stat().st_size
    assert vs.create(tmp_path / "repo", plain).num_variants == 120


def test_dictionary_by_idx():
    header = BcfHeader.parse(
        '##FILTER=<ID=PASS,Description="x",IDX=0>\n##INFO=<ID=A,Description="a, b",IDX=7>\n##FORMAT=<ID=GT,IDX=3>\n'
        "##contig=<ID=c2,IDX=1>\n##contig=<ID=c1,length=5,IDX=0>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    names = header.strings.text.tobytes().decode()
    starts = header.strings.starts
    assert [names[a:b] for a, b in pairwise(starts)] == ["PASS", "", "", "GT", "", "", "", "A"]
    assert header.contigs.text.tobytes() == b"c1c2"
    assert header.gt_key == 3
    assert header.num_samples == 0


# Damage


def raw_bcf(folder: Path) -> tuple[bytes, int]:
    """An uncompressed BCF and where its records begin."""

    data = gzip.decompress(bcf_of(folder, make_vcf(6, 6, 5, missing=0.2, extra_format=True, max_alts=3)).read_bytes())
    return data, 9 + int.from_bytes(data[5:9], "little")


@pytest.mark.parametrize("bounds", [False, True], ids=["", "with bounds checks"])
def test_every_byte_of_a_record_changed(bounds, tmp_path):
    """An error, or records: never a crash."""
    if bounds and os.environ.get("VARSTORE_BOUNDSCHECK") != "1":
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
        environment = {**os.environ, "VARSTORE_BOUNDSCHECK": "1"}
        chosen = f"{__file__}::test_every_byte_of_a_record_changed[]"
        done = subprocess.run([*command, chosen], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        return
    data, begin = raw_bcf(tmp_path)
    target = tmp_path / "damaged.bcf"
    for at in range(begin, len(data)):
        for value in (0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1, data[at] ^ 0x10):
            target.write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
            with suppress(VarstoreError):
                bytes_of(target)


def test_truncated_everywhere(tmp_path):
    data, begin = raw_bcf(tmp_path)
    ends = {begin}
    while max(ends) < len(data):
        at = max(ends)
        ends.add(at + 8 + sum(struct.unpack_from("<II", data, at)))
    target = tmp_path / "cut.bcf"
    for size in range(5, len(data)):
        target.write_bytes(data[:size])
        if size in ends:
            text_of(target)
            continue
        with pytest.raises((TruncatedInputError, NotVcfError), match=r"cut\.bcf"):
            text_of(target)


def test_a_bad_record_names_itself(tmp_path):
    data, begin = raw_bcf(tmp_path)
    second = begin + 8 + sum(struct.unpack_from("<II", data, begin))
    third = second + 8 + sum(struct.unpack_from("<II", data, second))
    target = tmp_path / "bad.bcf"
    target.write_bytes(data[: third + 8] + struct.pack("<i", 99) + data[third + 12 :])  # a contig that is none
    with pytest.raises(InputError, match=r"bad\.bcf, record 3: the record is damaged"):
        vs.create(tmp_path / "repo", target)
    assert not (tmp_path / "repo").exists()


def test_cut_off_bgzf(tmp_path):
    path = bcf_of(tmp_path, make_vcf(7, 60, 20))
    path.write_bytes(path.read_bytes()[:-28])
    with pytest.raises(TruncatedInputError, match="the BGZF end marker is missing"):
        vs.create(tmp_path / "repo", path)


def test_bgzf_that_is_no_bcf(tmp_path):
    write_bgzf(tmp_path / "a.bcf", "BCF\x04\x02 and more text")
    with pytest.raises(NotVcfError, match="no BCF 2"):
        vs.create(tmp_path / "repo", tmp_path / "a.bcf")
