"""gVCF: what its reference blocks are worth, against lines read one by one."""

import random

import numpy as np
import pytest

import varstore as vs
import vcf_text
from varstore.storage.batch import Batch
from varstore.storage.coverage import Coverage
from varstore.storage.manifest import staging_folder
from varstore.storage.parts import Part, PartRef, PartWriter
from varstore.storage.reference_blocks import has_reference_blocks, write_reference_blocks

HEADER = """\
##fileformat=VCFv4.5
##contig=<ID=1,length=100000>
##contig=<ID=2,length=100000>
##INFO=<ID=END,Number=1,Type=Integer,Description="End">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
##FORMAT=<ID=RGQ,Number=1,Type=Integer,Description="Quality of reference">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description="Least depth">
##FORMAT=<ID=LEN,Number=1,Type=Integer,Description="Length of the block">
"""
KEYS = ("GQ", "RGQ", "DP", "MIN_DP", "LEN")


def batch_of(path):
    return Batch(Part(path, PartRef(**vs.open(path).manifest.batches[0]["part"])))


def covered(folder, store, min_ref_gq=20):
    """(samples, contigs, positions) bool as stored; positions from 1."""
    part = PartWriter(staging_folder(folder) / "part")
    write_reference_blocks(part, store, min_ref_gq)
    coverage = Coverage(Part(folder, part.publish(folder, "derived/a")))
    out = np.zeros((len(store.samples), len(store.contigs), 3000), bool)
    for number, name in enumerate(store.contigs):
        found = coverage.intervals(name)
        for sample, which in enumerate(coverage.sample_set.tolist()):
            for i in range(found.first[which], found.first[which + 1]):
                out[sample, number, found.start[i] + 1 : found.end[i] + 1] = True
    assert out.sum(axis=(1, 2)).tolist() == coverage.num_bases()[coverage.sample_set].tolist()
    return out


def block(rng, num_samples, *, with_length):
    """A line of a gVCF, and for each sample how many positions it covers."""
    alt = rng.choice(["<NON_REF>", "<*>", "<NON_REF>", "A,<NON_REF>", "A", "."])
    end, keys = rng.randint(0, 30), [key for key in KEYS if rng.random() < 0.8 and (key != "LEN" or with_length)]
    info = rng.random() < 0.8
    calls, lengths = [], []
    for _ in range(num_samples):
        gt = rng.choice(["0/0", "0|0", "0", "0/0", "./.", "0/.", "."] + (["0/1"] if alt != "." else []))
        values = {key: rng.choice([None, 0, 19, 20, 21, 60]) for key in keys}
        quality, depth = values.get("GQ"), values.get("MIN_DP")
        quality = values.get("RGQ") if quality is None else quality
        depth = values.get("DP") if depth is None else depth
        length = values.get("LEN") or (end + 1 if info else 1)
        alone = alt in ("<NON_REF>", "<*>")
        sure = alone and gt in ("0/0", "0|0", "0") and (quality or 0) >= 20 and (depth or 0) > 0
        lengths.append(length if sure else 0)
        calls.append(":".join([gt, *("." if values[key] is None else str(values[key]) for key in keys)]))
    is_block = info or any(not call.endswith((":.", ":0")) for call in calls if "LEN" in keys)
    return alt, end if info else None, ":".join(["GT", *keys]), calls, [size * is_block for size in lengths]


@pytest.mark.parametrize(("seed", "num_samples", "with_length"), [(1, 1, False), (2, 3, False), (3, 7, True)])
def test_blocks_that_are_sure(tmp_path, seed, num_samples, with_length):
    rng = random.Random(seed)
    names = [f"s{i}" for i in range(num_samples)]
    lines, expected = [], np.zeros((num_samples, 2, 3000), bool)
    for number, contig in enumerate("12"):
        position = 1
        for _ in range(60):
            alt, end, form, calls, lengths = block(rng, num_samples, with_length=with_length)
            info = "." if end is None else f"END={position + end}"
            lines.append("\t".join([contig, str(position), ".", "C", alt, ".", ".", info, form, *calls]) + "\n")
            for sample, length in enumerate(lengths):
                expected[sample, number, position : position + length] = True
            position += rng.randint(1, 45)
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    text = HEADER + "\t".join([*columns, *names]) + "\n" + "".join(lines)
    vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", text))
    store = batch_of(tmp_path / "repo")
    assert has_reference_blocks(store)
    assert np.array_equal(covered(tmp_path, store), expected)
    assert expected.any()


def test_a_file_without_blocks_is_no_gvcf(fx_small):
    """Symbolic alleles with END and records of <NON_REF> alone do not make one; both together do."""
    store = batch_of(fx_small.path)
    blocks = [
        record for record in fx_small.vcf.records if record.alts in (("<NON_REF>",), ("<*>",)) and "END=" in record.info
    ]
    assert has_reference_blocks(store) == bool(blocks)


def test_the_gvcf_of_a_trio(fx_shared_data, tmp_path):
    """A real gVCF: it opens with a block of 10 Mb at depth 0, and 0.3 Mb of it are sure."""
    vs.create(tmp_path / "repo", fx_shared_data / "real" / "bio2zarr_CEUTrio.20.21.gatk3.4.g.vcf.bgz")
    store = batch_of(tmp_path / "repo")
    assert has_reference_blocks(store)
    found = {}
    for quality in (0, 20, 99):
        part = PartWriter(staging_folder(tmp_path) / "part")
        write_reference_blocks(part, store, quality)
        coverage = Coverage(Part(tmp_path, part.publish(tmp_path, f"derived/{quality}")))
        found[quality] = int(coverage.num_bases()[0])
        assert (coverage.intervals("20").start >= 9_999_901).all()
    assert 300_000 < found[20] < 310_000
    assert found[99] < found[20] < found[0] < 500_000
