"""The oracle and the generator against cyvcf2 and bcftools: what judges must be right first."""

import dataclasses
import gzip
import math
import re
import shutil
import subprocess
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import reference
import vcf_text

cyvcf2 = pytest.importorskip("cyvcf2")

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="no bcftools here")

KINDS = {
    "plain": {},
    "unphased": {"unphased": 1.0, "missing": 0.2, "max_alts": 3},
    "half": {"missing": 0.2, "half_missing": 0.3, "mixed_phase": 1.0, "max_alts": 5},
    "haploid": {"ploidy": "haploid", "missing": 0.1, "max_alts": 2, "info": False},
    "mixed": {"ploidy": "mixed", "missing": 0.1, "half_missing": 0.1, "unphased": 0.4},
    "triploid": {"ploidy": "triploid", "half_missing": 0.2, "max_alts": 4, "unphased": 0.5},
    "fields": {"extra_format": True, "no_gt": 0.2, "mixed_phase": 0.5, "contigs": ("1", "2", "X")},
}


@pytest.fixture(params=KINDS)
def fx_vcf_text(request):
    return vcf_text.make_vcf(len(request.param), 61, 13, **KINDS[request.param])


def bcftools(*arguments):
    """Run bcftools and give its output, one list of fields a line."""
    done = subprocess.run(["bcftools", *map(str, arguments)], capture_output=True, check=True)
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


def indexed(directory, text):
    """Write ``text`` as BGZF with an index, as region queries of bcftools want it."""
    path = vcf_text.write_bgzf(directory / "indexed.vcf.gz", text, 1009)
    bcftools("index", "--tbi", path)
    return path


def assert_reads_as_cyvcf2(path):
    vcf = reference.read_vcf(path)
    reader = cyvcf2.VCF(str(path))
    assert vcf.samples == reader.samples
    for record, variant in zip(vcf.records, reader, strict=True):
        assert (record.contig, record.pos) == (variant.CHROM, variant.POS)
        assert record.alleles == (variant.REF, *variant.ALT)
        assert record.rlen == variant.end - variant.start
        if not vcf.samples or "GT" not in variant.FORMAT:
            assert (record.codes == reference.MISSING).all()
            assert not record.phased.any()
            continue
        assert_same_calls(record, variant.genotype.array())


def assert_same_calls(record, array):
    codes, phased = array[:, :-1], array[:, -1].astype(bool)
    width = record.codes.shape[1]
    padded = np.pad(codes, ((0, 0), (0, width - codes.shape[1])), constant_values=reference.FILL)
    np.testing.assert_array_equal(record.codes, padded)
    several = (padded != reference.FILL).sum(axis=1) >= 2
    np.testing.assert_array_equal(record.phased[several], phased[several])


def test_generated_files_read_as_cyvcf2_reads_them(fx_vcf_text, tmp_path):
    assert_reads_as_cyvcf2(vcf_text.write_plain(tmp_path / "a.vcf", fx_vcf_text))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=vcf_text.vcf_texts())
def test_drawn_files_read_as_cyvcf2_reads_them(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("drawn") / "a.vcf"
    assert_reads_as_cyvcf2(vcf_text.write_plain(path, text))


@needs_bcftools
def test_generated_files_pass_bcftools_without_a_word(fx_vcf_text, tmp_path):
    path = vcf_text.write_plain(tmp_path / "a.vcf", fx_vcf_text)
    done = subprocess.run(["bcftools", "view", "-H", path], capture_output=True, check=True)
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 61


def test_shared_edge_files_read_as_cyvcf2_reads_them(fx_shared_data):
    paths = sorted((fx_shared_data / "edge").glob("*.vcf*"))
    paths = [path for path in paths if path.suffix in {".vcf", ".gz"}]
    assert len(paths) >= 18
    for path in paths:
        assert_reads_as_cyvcf2(path)


def assert_counts(records, tagged, members=None):
    """Compare AN and AC that bcftools wrote to the INFO of ``tagged`` with those of the oracle."""
    lines = bcftools("query", "-f", "%INFO/AN\t%INFO/AC\n", tagged)
    for record, (number, counts) in zip(records, lines, strict=True):
        if number == ".":
            assert (record.codes == reference.MISSING).all()
            continue
        counts = [int(count) for count in counts.split(",") if count != "."]
        rows = reference.count_rows([record], members)
        assert {row["allele_number"] for row in rows} <= {int(number)}
        for row in rows:
            assert row["allele_count"] == counts[record.alts.index(row["alt"])]


@needs_bcftools
def test_allele_counts_are_those_of_fill_tags(fx_vcf_text, tmp_path):
    records = reference.read_vcf(fx_vcf_text).records
    if records[0].codes.shape[1] == 3:
        pytest.skip("fill-tags of bcftools 1.16 counts two alleles of a triploid call")
    path = vcf_text.write_plain(tmp_path / "a.vcf", fx_vcf_text)
    bcftools("+fill-tags", path, "-o", tmp_path / "tagged.vcf", "--", "-t", "AC,AN")
    assert_counts(records, tmp_path / "tagged.vcf")


@needs_bcftools
def test_allele_counts_of_some_samples_are_those_of_bcftools_view(fx_vcf_text, tmp_path):
    vcf = reference.read_vcf(fx_vcf_text)
    members = [1, 2, 5, 11]
    path = vcf_text.write_plain(tmp_path / "a.vcf", fx_vcf_text)
    names = ",".join(vcf.samples[member] for member in members)
    bcftools("view", "-s", names, path, "-o", tmp_path / "some.vcf")
    assert_counts(vcf.records, tmp_path / "some.vcf", members)


def site_fields(record):
    return [record.contig, str(record.pos), record.id, record.ref, ",".join(record.alts)]


@needs_bcftools
@pytest.mark.parametrize("seed", range(3))
def test_regions_select_what_bcftools_selects(seed, tmp_path):
    text = vcf_text.make_vcf(seed, 97, 2, contigs=("1", "22", "X"), max_alts=2)
    path = indexed(tmp_path, text)
    records = reference.read_vcf(text).records
    rng = np.random.default_rng(seed)
    for _ in range(25):
        start = int(rng.choice([record.pos for record in records])) + int(rng.integers(-3, 9))
        start = max(start, 1)
        contig = str(rng.choice(["1", "22", "X"]))
        region = (contig, start, start + int(rng.choice([0, 1, 30, 5000])))
        # "query" does not read INFO/END when its format does not ask for INFO; "view" always does
        lines = bcftools("view", "-H", "-r", "{}:{}-{}".format(*region), path)
        found = reference.overlapping(records, [region])
        assert [fields[:5] for fields in lines] == [site_fields(record) for record in found]


@needs_bcftools
@pytest.mark.parametrize(("name", "offset"), [("regions.txt", 0), ("regions.bed", -1)])
def test_overlapping_regions_of_a_file_give_each_record_once(name, offset, tmp_path):
    text = vcf_text.make_vcf(5, 97, 2, contigs=("1", "22"), max_alts=2)
    records = reference.read_vcf(text).records
    first, middle, last = (records[i] for i in (3, 40, 90))
    regions = [
        (first.contig, first.pos, first.pos + 300),
        (first.contig, first.pos + 10, first.pos + 5000),
        (middle.contig, middle.pos, middle.pos),
        (last.contig, last.pos - 1, last.pos + 20),
    ]
    lines = [f"{contig}\t{start + offset}\t{end}\n" for contig, start, end in regions]
    file = vcf_text.write_plain(tmp_path / name, "".join(lines))
    found = bcftools("view", "-H", "-R", file, indexed(tmp_path, text))
    expected = reference.overlapping(records, regions)
    assert [fields[:5] for fields in found] == [site_fields(record) for record in expected]
    assert 4 < len(found) < 97


@needs_bcftools
@pytest.mark.parametrize("filters", ["PASS", "q10", ".", "s50,.", "PASS,q10"])
def test_filters_accept_what_bcftools_accepts(filters, tmp_path):
    text = vcf_text.make_vcf(6, 83, 3, odd_alts=False)
    path = vcf_text.write_plain(tmp_path / "a.vcf", text)
    accepted = bcftools("view", "-f", filters, "-H", path)
    records = reference.read_vcf(text).records
    rows = reference.count_rows(records, filters=filters.split(","))
    kept = [row for row in rows if row["n_missing"] < 3]
    assert 0 < len(kept) < len(rows) == 83
    assert [str(row["position"]) for row in kept] == [fields[1] for fields in accepted]


def test_the_classes_of_every_call_by_hand():
    cases = {
        (0, 0): "n_hom_ref",
        (0, -2): "n_hom_ref",
        (0, 1): "n_het",
        (1, 2): "n_het",
        (0, 0, 1): "n_het",
        (1, 1): "n_hom_alt",
        (1, -2): "n_hom_alt",
        (2, 2): "n_other",
        (0, 2): "n_other",
        (2, 3): "n_other",
        (0, -1): "n_missing",
        (-1, 1): "n_missing",
        (-1, -1): "n_missing",
        (-1, -2): "n_missing",
        (-2, -2): "n_missing",
        (-3, 0): "n_missing",
        (): "n_missing",
    }
    for call, name in cases.items():
        assert reference.genotype_class(call, 1) == name, call


def test_counts_of_a_record_by_hand():
    head = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\td\te\n"
    line = "22\t7\t.\tA\tC,*,<NON_REF>\t.\tq10;s50\t.\tGT\t0|1\t0/.\t2\t1|3\t1/1\n"
    records = reference.read_vcf(head + line).records
    rows = reference.count_rows(records)
    assert [list(row.values()) for row in rows] == [
        ["22", 7, "A", "C", 4, 8, 0.5, 0, 2, 1, 1, 1],
        ["22", 7, "A", "*", 1, 8, 0.125, 0, 0, 1, 3, 1],
    ]
    assert tuple(rows[0]) == reference.GENOTYPE_COLUMNS
    cohorts = reference.count_rows(records, cohorts={"x": [1, 2], "y": []}, filters=["s50"])
    assert [(row["cohort"], row["alt"], row["allele_number"]) for row in cohorts] == [
        ("x", "C", 2),
        ("y", "C", 0),
        ("x", "*", 2),
        ("y", "*", 0),
    ]
    failed = reference.count_rows(records, filters=["PASS"])
    assert [row["n_missing"] for row in failed] == [5, 5]
    assert math.isnan(failed[0]["allele_frequency"])


@pytest.mark.parametrize(
    ("info", "rlen"),
    [(".", 4), ("END=120", 21), ("DP=3;END=100;DB", 1), ("END=99", 4), ("CIEND=7;END=x", 4)],
)
def test_the_length_of_a_record(info, rlen):
    assert reference.reference_length(100, "ACGT", info) == rlen


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_falls_in_one_class(kind):
    vcf = reference.read_vcf(vcf_text.make_vcf(3, 71, 17, **KINDS[kind]))
    rows = reference.count_rows(vcf.records)
    assert rows
    for row in rows:
        assert sum(row[name] for name in reference.GENOTYPE_CLASSES) == 17


def test_the_generator_repeats_itself_and_covers_its_ground():
    text = vcf_text.make_vcf(1, 997, 11, ploidy="mixed", max_alts=4, missing=0.1, half_missing=0.1)
    assert text == vcf_text.make_vcf(1, 997, 11, ploidy="mixed", max_alts=4, missing=0.1, half_missing=0.1)
    vcf = reference.read_vcf(text)
    assert len(vcf.records) == 997
    alts = {alt for record in vcf.records for alt in record.alts}
    assert {"*", "<NON_REF>", "<*>", ".", "<DEL>"} <= alts
    assert any(record.rlen > len(record.ref) for record in vcf.records)
    assert any(re.search("[acgt]", record.ref) for record in vcf.records)
    assert len({(r.contig, r.pos, r.ref, r.alts) for r in vcf.records}) < 997
    calls = {tuple(call) for record in vcf.records for call in record.codes.tolist()}
    assert {(0, 0), (0, -2), (-1, -2), (-1, -1), (0, -1), (-1, 1), (1, 2), (2, -2)} <= calls


@pytest.mark.parametrize("block_size", [1, 37, 4096, 65280])
def test_bgzf_blocks_are_read_by_everybody(block_size, tmp_path):
    text = vcf_text.make_vcf(2, 11, 3, contigs=("1", "2"))
    path = vcf_text.write_bgzf(tmp_path / "a.vcf.gz", text, block_size)
    data = path.read_bytes()
    assert gzip.decompress(data).decode() == text
    assert data.endswith(vcf_text.BGZF_END)
    assert_reads_as_cyvcf2(path)
    size = int.from_bytes(data[16:18], "little") + 1
    assert zlib.decompress(data[18 : size - 8], -15) == text.encode()[:block_size]


@pytest.mark.parametrize("members", [1, 2, 5])
def test_gzip_members_are_read_by_everybody(members, tmp_path):
    text = vcf_text.make_vcf(2, 11, 3, contigs=("1", "2"))
    path = vcf_text.write_gzip(tmp_path / "a.vcf.gz", text, members)
    assert path.read_bytes().count(b"\x1f\x8b\x08") >= members
    assert_reads_as_cyvcf2(path)


def test_frequencies_of_the_1000_genomes_slice_are_those_of_its_info(fx_slice):
    every = 7
    text = fx_slice.header + "\n".join(fx_slice.lines[::every])
    vcf = reference.read_vcf(text)
    place = {name: index for index, name in enumerate(vcf.samples)}
    cohorts = {"": None} | {
        f"{name}_": [place[sample] for sample in samples] for name, samples in fx_slice.populations.items()
    }
    rows = reference.count_rows(vcf.records, cohorts=cohorts)
    sites = dataclasses.replace(fx_slice, lines=fx_slice.lines[::every]).info()
    infos = [(info, name) for info in sites for name in cohorts]
    for row, (info, name) in zip(rows, infos, strict=True):
        frequency = f"{row['allele_frequency']:{'.4f' if name else '.6g'}}"
        assert float(frequency) == float(info[f"{name}AF"])
        if not name:
            assert (row["allele_count"], row["allele_number"]) == (int(info["AC"]), int(info["AN"]))
