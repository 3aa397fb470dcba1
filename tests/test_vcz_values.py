"""Every INFO and FORMAT value of a VCF Zarr store that is taken in, against the file that the store was made of."""

import random
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import varstore as vs
import vcf_text
from field_oracle import read_batch, read_text
from test_export import export_text
from test_export_vcz import vcztools_view

FILES = [
    "edge/sample.vcf.gz",
    "edge/sample_all_missing_gts.vcf.gz",
    "edge/sample_no_genotypes.vcf.gz",
    "edge/micro_mixed_ploidy.vcf",
    "real/bio2zarr_field_type_combos.vcf.gz",
    "real/bio2zarr_chr22.vcf.gz",
    "real/bio2zarr_chr_m_indels.vcf.gz",
    "real/bio2zarr_1kg_2020_chr20_annotations.bcf",
    "real/hail_sample2.vcf.gz",
]
TYPES = ("Integer", "Float", "Character", "String")
NUMBERS = ("1", "2", "A", "R", "G", ".")
# -1 and -2 are what VCF Zarr has for missing and for the end; the others are the bounds of the widths of integers.
INTEGERS = (-1, -2, -3, 0, 1, 127, 128, -128, -129, 32767, 32768, -32769, 2**31 - 1, -(2**31) + 8)
FLOATS = ("0", "-1", "-2", "1.5", "1e-30", "3.4e38", "inf", "-inf", "1e-45")
STRINGS = ("x", "long words", "PASS", "é", "-1", "a|b")


def written(rng, type_, literal):
    """One value of a type as text, missing here and there."""
    if rng.random() < 0.2:
        return "."
    integers = INTEGERS if literal else INTEGERS[2:]
    choices = {"Integer": integers, "Float": FLOATS, "Character": "abZ", "String": STRINGS}
    return str(rng.choice(choices[type_]))


def make_fields(seed, num_variants=37, num_samples=5, *, literal=True):
    """Text of a VCF with a field of every Type and Number in INFO and in FORMAT, and two contigs."""
    rng = random.Random(seed)
    fields = [(f"{type_[0]}{'D' if number == '.' else number}", number, type_) for type_ in TYPES for number in NUMBERS]
    lines = ["##fileformat=VCFv4.3", "##contig=<ID=1,length=9000>", "##contig=<ID=2,length=9000>"]
    lines += ['##INFO=<ID=FLAG,Number=0,Type=Flag,Description="x">', vcf_text.GT_META.strip()]
    for kind in ("INFO", "FORMAT"):
        lines += [f'##{kind}=<ID={key},Number={n},Type={t},Description="x">' for key, n, t in fields]
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*columns, *(f"s{i}" for i in range(num_samples))]))

    def cell(number, type_, num_alts):
        sizes = {"A": num_alts, "R": num_alts + 1, "G": (num_alts + 1) * (num_alts + 2) // 2, ".": rng.randint(1, 4)}
        return ",".join(written(rng, type_, literal) for _ in range(sizes.get(number) or int(number)))

    for record in range(num_variants):
        alts = ["C", "G", "T"][: rng.randint(1, 3)]
        mine = [field for field in fields if rng.random() < 0.7]
        info = [f"{key}={cell(n, t, len(alts)).replace(' ', '_')}" for key, n, t in mine] + ["FLAG"] * rng.randint(0, 1)
        calls = [field for field in fields if rng.random() < 0.7]
        people = []
        for _ in range(num_samples):
            cells = [f"{rng.randint(0, len(alts))}/{rng.randint(0, len(alts))}"]
            cells += [cell(n, t, len(alts)) if rng.random() < 0.8 else "." for _, n, t in calls]
            people.append(":".join(cells[: rng.randint(1, len(cells))]))
        site = ["12"[2 * record >= num_variants], str(100 + 7 * record), ".", "A", ",".join(alts), ".", "."]
        keys = ":".join(["GT", *(key for key, _, _ in calls)])
        lines.append("\t".join([*site, ";".join(info) or ".", keys, *people]))
    return "\n".join(lines) + "\n"


def values_of(repo):
    """(INFO, calls) of every record of a repository's only batch."""
    (handle,) = repo._batches
    return read_batch(handle.store)


def assert_same_values(found, expected):
    assert len(found) == len(expected)
    for number, (got, wanted) in enumerate(zip(found, expected, strict=True)):
        assert got[0] == wanted[0], number
        assert got[1] == wanted[1], number


def convert(source, target, **options):
    """bio2zarr's store of a file. Skips without bio2zarr."""
    pytest.importorskip("bio2zarr.vcf").convert([source], target, **options)
    return target


@pytest.mark.parametrize("form", ["a.vcz", "a.vcz.zip"])
@pytest.mark.parametrize("name", FILES)
def test_values_go_out_and_come_back(name, form, fx_shared_data, tmp_path):
    first = vs.create(tmp_path / "first", fx_shared_data / name)
    first.export(tmp_path / form)
    again = vs.create(tmp_path / "again", tmp_path / form)
    assert_same_values(values_of(again), values_of(first))
    np.testing.assert_array_equal(again.genotypes().call_genotype, first.genotypes().call_genotype)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), size=st.sampled_from([1, 7, 1000]))
def test_every_type_and_number_goes_out_and_comes_back(seed, size, tmp_path_factory, monkeypatch):
    monkeypatch.setattr("varstore.export.vcz.CHUNK_VARIANTS", 11)
    monkeypatch.setattr("varstore.export.vcz.CHUNK_SAMPLES", size)
    folder = tmp_path_factory.mktemp("values")
    text = make_fields(seed)
    first = vs.create(folder / "first", vcf_text.write_plain(folder / "a.vcf", text))
    first.export(folder / "a.vcz")
    again = vs.create(folder / "again", folder / "a.vcz")
    assert_same_values(values_of(again), read_text(text))
    assert_same_values(read_text(export_text(vs.open(folder / "a.vcz"))), read_text(text))


def test_numbers_that_equal_sentinels_are_marked_in_the_store(tmp_path):
    text = make_fields(3)
    repo = vs.create(tmp_path / "first", vcf_text.write_plain(tmp_path / "a.vcf", text))
    repo.export(tmp_path / "a.vcz", samples=["s3", "s0"], region="2")
    marked = sorted(path.name for path in (tmp_path / "a.vcz" / "varstore" / "literal").iterdir())
    assert {"call_I1", "variant_I1", "variant_IR"} <= set(marked)
    again = values_of(vs.create(tmp_path / "again", tmp_path / "a.vcz"))
    expected = [(info, [calls[3], calls[0]]) for info, calls in read_text(text)[19:]]
    assert_same_values(again, expected)
    # What others read of the numbers: missing and the end. Nothing else of the store differs for them.
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(tmp_path / "a.vcz", mode="r")
    assert sorted(set(group.group_keys())) == ["varstore"]


def test_marks_that_do_not_fit_their_array_are_passed_over(tmp_path):
    zarr = pytest.importorskip("zarr")
    repo = vs.create(tmp_path / "first", vcf_text.write_plain(tmp_path / "a.vcf", make_fields(4)))
    repo.export(tmp_path / "a.vcz")
    group = zarr.open_group(tmp_path / "a.vcz", mode="r+")
    del group["varstore/literal/call_I1"]
    group.create_array("varstore/literal/call_I1", shape=(3, 2), dtype=bool, fill_value=True)
    again = values_of(vs.create(tmp_path / "again", tmp_path / "a.vcz"))
    assert all([-1] != call.get("FORMAT/I1") for _, calls in again for call in calls)


def test_a_record_wider_than_its_arrays_is_missing_wherever_it_stands(tmp_path):
    text = make_fields(5)
    repo = vs.create(tmp_path / "r", vcf_text.write_plain(tmp_path / "a.vcf", text), max_alleles_inline=2)
    wide = next(
        i for i, (_, calls) in enumerate(read_text(text)) if any(len(c.get("FORMAT/IR", [])) > 2 for c in calls)
    )
    position = 100 + 7 * wide
    region = f"{1 if 2 * wide < 37 else 2}:{position}"
    for options in ({}, {"region": region}):
        report = repo.export(tmp_path / "a.vcz", force=True, **options)
        assert any("more alleles than the arrays are wide for" in sentence for sentence in report.dropped)
        again = vs.create(tmp_path / f"s{len(options)}", tmp_path / "a.vcz")
        record = values_of(again)[0 if options else wide]
        assert all("FORMAT/IR" not in call for call in record[1])
        assert record[0] == read_text(text)[wide][0]


@pytest.mark.parametrize("name", FILES)
def test_a_store_of_bio2zarr_gives_the_values_of_its_file(name, fx_shared_data, tmp_path):
    if not name.endswith((".gz", ".bcf")):
        pytest.skip("bio2zarr reads BGZF only")
    store = convert(fx_shared_data / name, tmp_path / "a.vcz", variants_chunk_size=50, samples_chunk_size=30)
    direct = vs.create(tmp_path / "direct", fx_shared_data / name)
    assert_same_values(values_of(vs.create(tmp_path / "repo", store)), values_of(direct))


@pytest.mark.filterwarnings("ignore:The data type")  # of zarr-python, where bio2zarr writes Zarr format 3
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("seed", [11, 12])
def test_a_store_of_bio2zarr_of_every_type_and_number(seed, version, tmp_path):
    if shutil.which("tabix") is None:
        pytest.skip("needs tabix: bio2zarr wants an index")
    # bio2zarr loses -1 and -2, as the specification has it.
    # cyvcf2, its reader, has FORMAT text as ASCII.
    text = make_fields(seed, literal=False).replace("é", "e")
    source = vcf_text.write_bgzf(tmp_path / "a.vcf.gz", text)
    subprocess.run(["tabix", "-p", "vcf", str(source)], check=True)
    store = convert(source, tmp_path / "a.vcz", variants_chunk_size=7, samples_chunk_size=2, zarr_format=version)
    found = values_of(vs.create(tmp_path / "repo", store))
    # It writes floats that end early as missing to the end of the array.
    assert_same_values(
        *(
            [(_cut(info), [_cut(call) for call in calls]) for info, calls in values]
            for values in (found, read_text(text))
        )
    )


def _cut(fields):
    """Fields without the missing values at the end of floats."""
    out = {}
    for name, values in fields.items():
        last = max((i for i, value in enumerate(values) if value is not None), default=-1)
        out[name] = values[: last + 1] if name.split("/")[1][0] == "F" else values
    return out


@pytest.mark.parametrize("name", [name for name in FILES if "annotations" not in name])
def test_vcztools_prints_the_values_that_are_taken_in(name, fx_shared_data, tmp_path):
    pytest.importorskip("vcztools")
    vs.create(tmp_path / "first", fx_shared_data / name).export(tmp_path / "a.vcz")
    mine = values_of(vs.create(tmp_path / "taken", tmp_path / "a.vcz"))
    theirs = read_text(vcztools_view(tmp_path / "a.vcz"))
    # vcztools rounds floats to three digits, and zero may lose its sign.
    assert_same_values(*([(_printed(info), [_printed(c) for c in calls]) for info, calls in v] for v in (theirs, mine)))


def _printed(fields):
    """Fields as vcztools prints and ``read_text`` reads them."""
    return {
        name: [_rounded(value[1]) if isinstance(value, tuple) else value for value in values]
        for name, values in fields.items()
    }


def _rounded(bits):
    """The bits of a float32 that was printed with three digits behind the point."""
    value = float(np.array([bits], np.int32).view(np.float32)[0])
    return "f", int((np.array([f"{value:.3f}"], np.float32) + np.float32(0)).view(np.int32)[0])
