"""Every INFO and FORMAT field comes back: from generated text, from real files, and to other people's tools."""

import gzip
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import field_oracle
import varstore as vs
from varstore.storage import batch as batch_module

TYPES = ("Integer", "Float", "Flag", "Character", "String")
NUMBERS = ("1", "2", "A", "R", "G", ".")
HEAD = "##fileformat=VCFv4.3\n##contig=<ID=1,length=100000000>\n"


def batch_of(path):
    return vs.open(path)._batches[0].store


def entry_of(path):
    return vs.open(path).info()["batches"][0]


def store(directory, text, **options):
    source = directory / "source.vcf"
    source.write_text(text)
    shutil.rmtree(directory / "repo", ignore_errors=True)
    vs.create(directory / "repo", source, **options)
    return directory / "repo"


def vcf(info=(), formats=(), samples=(), lines=()):
    """A VCF of INFO and FORMAT lines (key, Number, Type) and records of text."""
    meta = "".join(
        f'##{kind}=<ID={key},Number={number},Type={type_},Description="{key} of {kind}">\n'
        for kind, fields in (("INFO", info), ("FORMAT", formats))
        for key, number, type_ in fields
    )
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO".split() + (["FORMAT", *samples] if samples else [])
    body = "".join(f"1\t{10 + i}\t.\t{line}\n" for i, line in enumerate(lines))
    return HEAD + meta + "\t".join(columns) + "\n" + body


# Generated text

integers = st.one_of(
    st.integers(-3, 3), st.integers(-200, 200), st.integers(-40000, 40000), st.integers(-(2**31) + 8, 2**31 - 1)
)
floats = st.one_of(
    st.floats(width=32, allow_nan=False).map(lambda x: f"{x:.9g}"),
    st.floats(allow_nan=False).map(repr),
    st.tuples(st.integers(0, 10**25), st.integers(0, 30)).map(lambda x: f"{x[0] / 10 ** (x[1] % 7):.{x[1]}f}"),
    st.sampled_from(["0", "-0", "1e-05", "1E5", ".5", "5.", "nan", "inf", "-inf", "1e400", "1e-400", "3.4028236e38"]),
)
words = st.text("abcXYZ0123456789.|/%()<>_-é", min_size=1, max_size=6).filter(lambda text: text != ".")


@st.composite
def values(draw, type_, number, alts):
    """Text of one field: mostly as many values as it should have."""
    count = {"A": alts, "R": alts + 1, "G": (alts + 1) * (alts + 2) // 2, ".": draw(st.integers(1, 4))}
    num = max(1, count.get(number) or int(number if number.isdigit() else 1))
    if draw(st.integers(0, 15)) == 0:
        num = draw(st.integers(1, 7))
    one = {"Integer": integers.map(str), "Float": floats, "Character": st.sampled_from("abAB%")}.get(type_, words)
    odd = st.sampled_from(["", "x1", "1.5", "99999999999"])
    weights = [one] * 12 + [st.just(".")] * 4 + ([odd] if draw(st.integers(0, 9)) == 0 else [])
    return ",".join(draw(st.sampled_from(weights).flatmap(lambda s: s)) for _ in range(num))


@st.composite
def field_vcfs(draw):
    """VCF text with fields of every kind; some keys are not declared."""
    kinds = st.tuples(st.sampled_from(NUMBERS), st.sampled_from(TYPES))
    info = [(f"I{i}", "0" if t == "Flag" else n, t) for i, (n, t) in enumerate(draw(st.lists(kinds, max_size=5)))]
    kinds = st.tuples(st.sampled_from(NUMBERS), st.sampled_from([t for t in TYPES if t != "Flag"]))
    formats = [(f"F{i}", n, t) for i, (n, t) in enumerate(draw(st.lists(kinds, max_size=5)))]
    samples = [f"S{i}" for i in range(draw(st.integers(0, 4)))]
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        alts = draw(st.integers(0, 5)) if draw(st.integers(0, 3)) == 0 else 1
        line = ["A", ",".join("ACGTN"[1 : 1 + alts] + ("A" * 3 if alts == 5 else "")) or "."]
        line[1] = ",".join(["C", "G", "T", "CC", "GG"][:alts]) or "."
        items = []
        for key, number, type_ in draw(st.permutations([*info, ("UX", "1", "String"), ("UF", "0", "Flag")])):
            if draw(st.booleans()):
                items.append(key if type_ == "Flag" else f"{key}={draw(values(type_, number, alts))}")
        line += [".", "PASS", ";".join(items) or "."]
        if samples:
            chosen = [f for f in draw(st.permutations([*formats, ("FX", "1", "String")])) if draw(st.booleans())]
            gt = draw(st.booleans()) or not chosen
            line.append(":".join((["GT"] if gt else []) + [key for key, _, _ in chosen]))
            for _ in samples:
                call = [draw(values(type_, number, alts)) for _, number, type_ in chosen]
                call = call[: draw(st.integers(0, len(call)))] if draw(st.booleans()) else call
                call = ([draw(st.sampled_from(["0|0", "0/0", "./.", "0", "."]))] if gt else []) + call
                line.append(":".join(call) or ".")
        lines.append("\t".join(line))
    return vcf(info, formats, samples, lines)


@settings(max_examples=50, deadline=None)
@given(text=field_vcfs(), height=st.sampled_from([3, 4096]), inline=st.sampled_from([None, 1, 2]))
def test_generated_fields_come_back(tmp_path_factory, text, height, inline):
    directory = tmp_path_factory.mktemp("fields")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_module, "CHUNK_VARIANTS", height)
        path = store(directory, text, max_alleles_inline=inline, threads=2)
    assert field_oracle.read_batch(batch_of(path)) == field_oracle.read_text(text)
    shutil.rmtree(directory)


# By hand


def test_sentinels_are_numbers_where_the_file_says_so(tmp_path):
    lines = [
        "A\tC\t.\t.\tCIPOS=-1,1;SVLEN=-1\tGT:AD\t0|1:-1,.\t0|1:-2,7",
        "A\tC\t.\t.\tCIPOS=-2,2\tGT:AD\t0|1:3,4\t0|1:.",
    ]
    info = [("CIPOS", "2", "Integer"), ("SVLEN", "A", "Integer"), ("DP", "1", "Integer")]
    text = vcf(info, [("GT", "1", "String"), ("AD", "R", "Integer")], "XY", lines)
    path = store(tmp_path, text)
    batch = batch_of(path)
    assert field_oracle.read_batch(batch) == field_oracle.read_text(text)
    assert batch.array("variant_CIPOS").read().tolist() == [[-1, 1], [-2, 2]]
    assert batch.array("varstore/literal/variant_CIPOS").read().tolist() == [[True, False], [True, False]]
    assert batch.part.has("varstore/literal/call_AD/.zarray")
    assert vs.open(path).verify(tmp_path / "source.vcf") == []


def test_no_literals_where_no_number_is_a_sentinel(tmp_path):
    text = vcf([("DP", "1", "Integer")], [], "", ["A\tC\t.\t.\tDP=5", "A\tC\t.\t.\tDP=."])
    batch = batch_of(store(tmp_path, text))
    assert not [name for name in batch.part.entries if "literal" in name or "odd" in name or "overflow" in name]
    assert batch.array("variant_DP").read().tolist() == [5, -1]


def many_alleles():
    """Two thousand records of AD and PL, one of them with 95 alleles."""
    alts = [f"A{'CGT'[i % 3]}{'ACGT'[i // 3 % 4]}{'ACGT'[i // 12 % 4]}{'ACGT'[i // 48]}" for i in range(94)]
    wide = ",".join(str(i) for i in range(95))
    tall = ",".join(str(i) for i in range(95 * 96 // 2))
    lines = ["A\tC\t.\t.\tAC=1\tGT:AD:PL:LAA\t0/1:4,5:1,2,3:1\t0/0:.:.:."] * 2000
    lines[700] = f"A\t{','.join(alts)}\t.\t.\tAC={wide[2:]}\tGT:AD:PL:LAA\t0/94:{wide}:{tall}:94,3\t./.:.:.:."
    formats = [("AD", "R", "Integer"), ("PL", "G", "Integer"), ("LAA", ".", "Integer")]
    return vcf([("AC", "A", "Integer")], formats, "XY", lines)


def test_one_site_of_many_alleles_does_not_widen_every_record(tmp_path):
    text = many_alleles()
    path = store(tmp_path, text)
    batch = batch_of(path)
    assert batch.array("call_AD").shape == (2000, 2, 2)
    assert batch.array("call_PL").shape == (2000, 2, 3)
    assert batch.array("call_LAA").shape == (2000, 2, 2)
    assert (np.asarray(batch.fields.chunk("FORMAT/AD", 0).values[700]) == -1).all()
    assert batch.array("varstore/overflow/call_AD_record").read().tolist() == [700]
    assert field_oracle.read_batch(batch) == field_oracle.read_text(text)
    assert vs.open(path).verify(tmp_path / "source.vcf") == []


def test_records_of_some_more_alleles_do_not_widen_the_others(tmp_path):
    lines = ["A\tC,G\t.\t.\t.\tGT:AD:X:F\t0/1:4,5,-1:a,b:1,2\t0/0:.:.:."] * 20
    lines[7] = "A\tC,G,T,AA,AC\t.\t.\t.\tGT:AD:X:F\t0/1:4,5,3,2,1,0:a,b,c,d,e:1,2,3,4,5,6\t0/0:.:.:."
    formats = [("AD", "R", "Integer"), ("X", "A", "String"), ("F", "R", "Float")]
    text = vcf([], formats, "XY", lines)
    batch = batch_of(store(tmp_path, text, max_alleles_inline=3))
    assert [batch.array(f"call_{key}").shape[2] for key in ("AD", "X", "F")] == [3, 2, 2]
    assert field_oracle.read_batch(batch) == field_oracle.read_text(text)


def test_max_alleles_inline_is_a_choice(tmp_path, fx_cli):
    (tmp_path / "a.vcf").write_text(many_alleles())
    fx_cli("create", tmp_path / "wide", tmp_path / "a.vcf", "--max-alleles-inline", 95)
    batch = batch_of(tmp_path / "wide")
    assert batch.array("call_AD").shape == (2000, 2, 95)
    assert not batch.part.has("varstore/overflow/call_AD/.zarray")
    attributes = json.loads(batch.part.read("call_AD/.zattrs"))
    assert attributes["_ARRAY_DIMENSIONS"] == ["variants", "samples", "alleles"]


def test_widths_and_dtypes_grow_from_chunk_to_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_module, "CHUNK_VARIANTS", 2)
    dp = ["1", "127", "128", ".", "40000", "-2", "2147483647"]
    text = vcf(
        [("N", ".", "Integer"), ("S", ".", "String"), ("F", ".", "Float")],
        [("DP", "1", "Integer"), ("X", ".", "String"), ("L", ".", "Integer")],
        "XY",
        [
            f"A\tC\t.\t.\t{'N=' + ','.join(dp[: i or 1]) if i != 2 else 'N=.'};S={'a,' * i}b;F={'1,' * (i // 3)}0\t"
            f"DP:X:L\t{dp[i]}:{'x,' * (i // 2)}y:-1\t.:.:{'7,' * (i // 4)}."
            for i in range(7)
        ],
    )
    path = store(tmp_path, text)
    batch = batch_of(path)
    assert batch.num_chunks == 4
    assert field_oracle.read_batch(batch) == field_oracle.read_text(text)
    assert batch.array("call_DP").metadata["dtype"] == "<i4"
    assert batch.array("variant_N").shape == (7, 6)
    assert vs.open(path).verify(tmp_path / "source.vcf") == []


def test_a_field_that_comes_late_is_missing_before(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_module, "CHUNK_VARIANTS", 1)
    fields = [("I", "1", "Integer"), ("F", "1", "Float"), ("S", "1", "String"), ("B", "0", "Flag")]
    text = vcf(fields, fields[:3], "X", ["A\tC\t.\t.\t.\tGT\t0"] * 2 + ["A\tC\t.\t.\tI=1;F=2;S=c;B\tGT:I:F:S\t0:4:5:f"])
    batch = batch_of(store(tmp_path, text))
    assert batch.array("variant_I").read().tolist() == [-1, -1, 1]
    assert batch.array("variant_F").read().view(np.uint32).tolist() == [0x7F800001, 0x7F800001, 0x40000000]
    assert batch.array("variant_S").read().tolist() == [".", ".", "c"]
    assert batch.array("variant_B").read().tolist() == [False, False, True]
    assert field_oracle.read_batch(batch) == field_oracle.read_text(text)


def test_separators_that_phase_does_not_hold_are_kept(tmp_path):
    calls = ["0|1/1", "|0|1", "/0/1", "0/1", "0|1", "/1", "|1", "1", "1/0|.", ".|./."]
    path = store(tmp_path, vcf([], [], [f"S{i}" for i in range(10)], ["A\tC\t.\t.\t.\tGT\t" + "\t".join(calls)]))
    found = vs.open(path).genotypes()
    assert found.call_genotype[0, :3].tolist() == [[0, 1, 1], [0, 1, -2], [0, 1, -2]]
    assert found.call_genotype_phased[0].tolist() == [False, True, False, False, True, False, True, True, False, False]
    kept = {sample: text for sample, key, text in batch_of(path).fields.odd_calls[0] if key == "GT"}
    assert kept == {0: "|/", 1: "||", 2: "//", 5: "/", 6: "|", 8: "/|", 9: "|/"}
    assert list(entry_of(path)["problems"]) == ["undeclared-format"]  # GT


def test_what_no_array_holds_is_kept_as_text_and_named(tmp_path):
    lines = [
        "A\tC\t.\t.\tDB=1;DP=abc;UND=5,6;NOVAL\tGT:DP:XX\t0/1:1.5:q,r\t0/1:3:.",
        "A\tC\t.\t.\tDP=1;DP=2\tGT:DP\t0/1:4\t0/1:99999999999",
        "A\tC\t.\t.\tDP=3;NOVAL=4\tGT\t0/1\t0/1",
    ]
    text = vcf([("DB", "0", "Flag"), ("DP", "1", "Integer")], [("DP", "1", "Integer")], "XY", lines)
    path = store(tmp_path, text)
    batch = batch_of(path)
    assert batch.fields.odd_info == {0: "DB=1;DP=abc;UND=5,6;NOVAL", 1: "DP=1;DP=2", 2: "DP=3;NOVAL=4"}
    assert batch.fields.odd_calls == {0: [(0, "DP", "1.5")], 1: [(1, "DP", "99999999999")]}
    found = entry_of(path)["problems"]
    assert {kind: found[kind]["count"] for kind in found} == {
        "undeclared-info": 2, "undeclared-format": 2, "duplicate-info": 1, "info-value": 3, "format-value": 2,
    }  # fmt: skip
    assert batch.array("variant_UND").read().tolist()[0] == ["5", "6"]
    assert batch.array("call_XX").read().tolist()[0] == ["q,r", "."]


def test_names_that_vcf_zarr_needs_for_itself(tmp_path):
    info = [("position", "1", "Integer"), ("allele", "1", "String"), ("a/b", "1", "Integer"), ("x_mask", "0", "Flag")]
    text = vcf(info, [("genotype", "1", "Integer")], "X", ["A\tC\t.\t.\tposition=5;allele=z;a/b=1;x_mask\tgenotype\t7"])
    batch = batch_of(store(tmp_path, text))
    assert batch.array("variant_position").read().tolist() == [10]
    assert field_oracle.read_batch(batch) == field_oracle.read_text(text)


def test_a_call_with_more_subfields_than_keys_is_refused(tmp_path):
    text = vcf([], [("DP", "1", "Integer")], "XY", ["A\tC\t.\t.\t.\tGT:DP\t0/1:3\t0/1:4:5"])
    with pytest.raises(vs.InputError, match=r"source.vcf, line 5: sample Y \(column 11\) is '0/1:4:5'"):
        store(tmp_path, text)
    with pytest.raises(vs.InputError, match=r"line 5: FORMAT is 'DP:DP'"):
        store(tmp_path, text.replace("GT:DP", "DP:DP"))


def test_text_of_samples_that_is_not_utf8_is_refused(tmp_path):
    text = vcf([], [("FT", "1", "String")], "X", ["A\tC\t.\t.\t.\tGT:FT\t0/1:é"] * 3)
    lines = text.encode().split(b"\n")
    lines[5] = lines[5].replace("é".encode(), b"\xe9")
    (tmp_path / "bad.vcf").write_bytes(b"\n".join(lines))
    with pytest.raises(vs.InputError, match=r"bad.vcf, line 6: the text of the samples is not UTF-8"):
        vs.create(tmp_path / "repo", tmp_path / "bad.vcf")


# Choosing fields

CHOICES = {
    None: {"INFO/AC", "INFO/DP", "FORMAT/DP", "FORMAT/GQ"},
    "GT": set(),
    "INFO/AC": {"INFO/AC"},
    "INFO,GT": {"INFO/AC", "INFO/DP"},
    "FORMAT/DP,INFO/DP": {"FORMAT/DP", "INFO/DP"},
    "FMT/GQ": {"FORMAT/GQ"},
    "FORMAT": {"FORMAT/DP", "FORMAT/GQ"},
    "^INFO": {"FORMAT/DP", "FORMAT/GQ"},
    "^INFO/AC,FORMAT/GQ": {"INFO/DP", "FORMAT/DP"},
}


@pytest.mark.parametrize("choice", CHOICES)
def test_fields_are_chosen(choice, tmp_path, fx_cli):
    info = [("AC", "A", "Integer"), ("DP", "1", "Integer")]
    formats = [("GT", "1", "String"), ("DP", "1", "Integer"), ("GQ", "1", "Integer")]
    text = vcf(info, formats, "X", ["A\tC\t.\t.\tAC=1;DP=x\tGT:DP:GQ\t0/1:1:2"])
    (tmp_path / "a.vcf").write_text(text)
    fx_cli("create", tmp_path / "repo", tmp_path / "a.vcf", *(["--fields", choice] if choice else []))
    repo, batch = vs.open(tmp_path / "repo"), batch_of(tmp_path / "repo")
    assert repo.genotypes().call_genotype.tolist() == [[[0, 1]]]
    assert set(batch.fields.fields) == CHOICES[choice]
    assert set(entry_of(tmp_path / "repo")["fields_left_out"]) == CHOICES[None] - CHOICES[choice]
    # DP=x is no number: its text is kept with INFO/DP, and nowhere else.
    odd = {"INFO/AC": "AC=1", "INFO/DP": "DP=x"}
    expected = ";".join(text for name, text in odd.items() if name in CHOICES[choice])
    assert batch.fields.odd_info == ({0: expected} if "INFO/DP" in CHOICES[choice] else {})
    assert repo.verify(tmp_path / "a.vcf") == []


@pytest.mark.parametrize("choice", ["DP", "INFO/", "", "^GT", "^FORMAT", "INFO/AC,,GT", "CHROM"])
def test_a_choice_that_cannot_be_read(choice, tmp_path):
    with pytest.raises(vs.QueryError, match="--fields"):
        store(tmp_path, vcf(lines=["A\tC\t.\t.\t."]), fields=choice)
    assert not (tmp_path / "repo").exists()


def test_a_field_nobody_declares_cannot_be_chosen(tmp_path):
    with pytest.raises(vs.QueryError, match="INFO/ZZ: no input declares such a field"):
        store(tmp_path, vcf(lines=["A\tC\t.\t.\t."]), fields="INFO/ZZ")


# Real files


REAL = [
    "edge/micro_eov.vcf",
    "edge/micro_missing_non_uniform_phasing_ploidy.vcf",
    "edge/plink2_all_ploidy.vcf.gz",
    "edge/sample.bcf",
    "edge/sample.vcf.gz",
    "edge/sample_all_missing_gts.vcf.gz",
    "edge/sample_missing_contig.vcf.gz",
    "edge/sample_no_genotypes.vcf.gz",
    "edge/test-haploidX.vcf",
    "edge/test-hemi.vcf",
    "real/1kg_p3_chr21_start.vcf.gz",
    "real/bio2zarr_1kg_2020_chr20_annotations.bcf",
    "real/bio2zarr_1kg_2020_chrM.vcf.gz",
    "real/bio2zarr_chr22.vcf.gz",
    "real/bio2zarr_chr_m_indels.vcf.gz",
    "real/bio2zarr_field_type_combos.vcf.gz",
    "real/bio2zarr_multi_contig.vcf.gz",
    "real/hail_multipleChromosomes.vcf.gz",
    "real/hail_sample2.vcf.gz",
    "sim/sim500_fmt.vcf.gz",
]
# bio2zarr 0.2.1 cannot verify mixed ploidy, nor records without GT.
NOT_FOR_BIO2ZARR = {
    "edge/micro_eov.vcf",
    "edge/micro_missing_non_uniform_phasing_ploidy.vcf",
    "edge/plink2_all_ploidy.vcf.gz",
    "edge/sample_all_missing_gts.vcf.gz",
    "edge/test-haploidX.vcf",
    "real/bio2zarr_field_type_combos.vcf.gz",
}


@pytest.fixture(scope="module", params=REAL)
def fx_real(request, fx_shared_data, tmp_path_factory):
    """A file of ../shared/data, and a repository made of it."""
    path = tmp_path_factory.mktemp("real") / "repo"
    vs.create(path, fx_shared_data / request.param)
    return request.param, fx_shared_data / request.param, path


def test_real_files_are_as_htslib_reads_them(fx_real):
    _, source, path = fx_real
    assert vs.open(path).verify(source) == []
    assert entry_of(path)["fields_left_out"] == []


def test_real_files_come_back_value_by_value(fx_real):
    name, source, path = fx_real
    if name.endswith(".bcf"):
        pytest.skip("the text oracle reads VCF")
    data = source.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    assert field_oracle.read_batch(batch_of(path)) == field_oracle.read_text(text)


def test_bio2zarr_verifies_real_files(fx_real):
    verification = pytest.importorskip("bio2zarr.vcz_verification")
    name, source, path = fx_real
    if name in NOT_FOR_BIO2ZARR:
        pytest.skip("bio2zarr 0.2.1 cannot verify mixed ploidy, nor records without GT")
    (batch,) = (path / "batches").iterdir()
    verification.verify(str(source), str(batch))


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="needs bcftools")
@pytest.mark.filterwarnings("ignore")
def test_vcztools_view_prints_what_bcftools_does(fx_real):
    pytest.importorskip("vcztools")
    name, source, path = fx_real
    if name not in ("edge/sample.vcf.gz", "real/hail_sample2.vcf.gz", "real/bio2zarr_1kg_2020_chrM.vcf.gz"):
        pytest.skip("one small file of a kind is enough")
    (batch,) = (path / "batches").iterdir()
    commands = [sys.executable, "-m", "vcztools", "view", batch], ["bcftools", "view", source]
    shown, expected = (subprocess.run(c, capture_output=True, text=True, check=True).stdout for c in commands)
    header = expected.partition("#CHROM")[0]

    def read(text):
        # vcztools prints floats with three decimals.
        return field_oracle.read_text(header + "#CHROM" + text.partition("#CHROM")[2])

    floats = {name for name, (_, type_) in field_oracle.declared(header).items() if type_ == "Float"}
    for found, wanted in zip(read(shown), read(expected), strict=True):
        for a, b in zip([found[0], *found[1]], [wanted[0], *wanted[1]], strict=True):
            assert {k: v for k, v in a.items() if k not in floats} == {k: v for k, v in b.items() if k not in floats}
            assert {k for k in a if k in floats} <= set(b)


# What verify finds


CHANGES = [
    ("AF=0.25", "AF=0.75", "INFO/AF"),
    ("AC=1;", "AC=2;", "INFO/AC"),
    ("NOTE=a,b", "NOTE=a,c", "INFO/NOTE"),
    (";DB", "", "INFO/DB"),
    ("0/1:7:1,2:x", "0/1:8:1,2:x", "FORMAT/DP of Y"),
    ("0/1:7:1,2:x", "0/1:7:1:x", "FORMAT/AD of Y"),
    ("0/1:7:1,2:x", "0/1:7:1,2:y", "FORMAT/FT of Y"),
    ("0/1:7:1,2:x", "0/1:.:1,2:x", "FORMAT/DP of Y"),
    ("GT:DP:AD:FT", "GT:DP:AD:GG", "FORMAT/FT of X"),
]


@pytest.mark.parametrize(("old", "new", "name"), CHANGES)
def test_verify_says_what_differs(old, new, name, tmp_path):
    info = [("AF", "A", "Float"), ("AC", "A", "Integer"), ("NOTE", ".", "String"), ("DB", "0", "Flag")]
    formats = [("GT", "1", "String"), ("DP", "1", "Integer"), ("AD", "R", "Integer"), ("FT", "1", "String")]
    formats.append(("GG", "1", "String"))
    line = "A\tC\t.\t.\tAC=1;AF=0.25;NOTE=a,b;DB\tGT:DP:AD:FT\t0/0:5:.:PASS\t0/1:7:1,2:x"
    text = vcf(info, formats, "XY", [line, line])
    path = store(tmp_path, text)
    assert vs.open(path).verify(tmp_path / "source.vcf") == []
    (tmp_path / "other.vcf").write_text(text[: text.rindex("1\t11")] + text[text.rindex("1\t11") :].replace(old, new))
    found = vs.open(path).verify(tmp_path / "other.vcf")
    assert found
    assert f"record 2, 1:11: {name} is" in found[0]
    assert all("record 2" in line for line in found)


# Fields beside genotypes


def test_genotypes_come_with_fields(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_module, "CHUNK_VARIANTS", 2)
    info = [("AC", "A", "Integer"), ("AF", "A", "Float"), ("DB", "0", "Flag")]
    formats = [("DP", "1", "Integer"), ("AD", "R", "Integer"), ("FT", "1", "String")]
    lines = [
        "A\tC\t.\t.\tAC=1;AF=0.5\tGT:DP:AD:FT\t0/1:3:1,2:a\t0/0:300:.:.",
        "A\tC,G\t.\t.\tAC=1,2;DB\tGT:AD\t0/1:1,2,3\t0/2:4,5,6",
        "A\tC\t.\t.\t.\tGT:DP\t0/1:7\t0/0:8",
    ]
    path = store(tmp_path, vcf(info, formats, "XY", lines), max_alleles_inline=2)
    other = vcf(info, formats, "Z", ["\t".join(line.split("\t")[:7]) for line in lines])
    (tmp_path / "other.vcf").write_text(other)
    repo = vs.open(path).add(tmp_path / "other.vcf")
    found = repo.genotypes(fields=["INFO/AC", "INFO/DB", "INFO/AF", "FORMAT/DP", "FORMAT/AD", "FORMAT/FT"]).fields
    assert found["variant_AC"].tolist() == [[1, -2], [1, 2], [-1, -1]]
    assert found["variant_DB"].tolist() == [False, True, False]
    assert found["variant_AF"].view(np.uint32)[:, 0].tolist() == [0x3F000000, 0x7F800001, 0x7F800001]
    assert found["call_DP"].tolist() == [[3, 300, 3], [-1, -1, -1], [7, 8, 7]]
    assert found["call_AD"][1].tolist() == [[1, 2, 3], [4, 5, 6], [1, 2, 3]]
    assert found["call_FT"][0].tolist() == ["a", ".", "a"]
    part = repo.genotypes("1:11", samples=["Z", "Y"], fields=["FORMAT/AD"])
    assert part.fields["call_AD"].tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert part.to_xarray()["call_AD"].dims == ("variants", "samples", "call_AD_dim")
    with pytest.raises(vs.QueryError, match="no field 'INFO/ZZ' in the repository; there are FORMAT/AD"):
        repo.genotypes(fields=["INFO/ZZ"])


def test_inputs_that_declare_a_field_differently(tmp_path):
    for contig, type_, value in (("1", "Integer", "3"), ("2", "Float", "0.5")):
        text = vcf([("Q", "1", type_)], [], "X", [f"A\tC\t.\t.\tQ={value}\tGT\t0/1"])
        (tmp_path / f"{contig}.vcf").write_text(text.replace("\n1\t", f"\n{contig}\t").replace("ID=1", f"ID={contig}"))
    vs.create(tmp_path / "repo", tmp_path / "1.vcf", tmp_path / "2.vcf")
    assert batch_of(tmp_path / "repo").array("variant_Q").read().tolist() == [3.0, 0.5]


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="needs bcftools")
def test_floats_of_a_bcf_keep_all_their_bits(tmp_path):
    lines = ["A\tC\t0.123456789\t.\tF=0.1234567891,1e-30,.\tGT:G\t0/1:3.14159265\t0/0:.", "A\tC\t.\t.\t.\tGT\t0/1\t."]
    text = vcf([("F", ".", "Float")], [("GT", "1", "String"), ("G", "1", "Float")], "XY", lines)
    (tmp_path / "a.vcf").write_text(text)
    subprocess.run(["bcftools", "view", "-Ob", "-o", tmp_path / "a.bcf", tmp_path / "a.vcf"], check=True)
    vs.create(tmp_path / "repo", tmp_path / "a.bcf")
    assert field_oracle.read_batch(batch_of(tmp_path / "repo")) == field_oracle.read_text(text)
    assert vs.open(tmp_path / "repo").verify(tmp_path / "a.vcf") == []


def test_chunks_hold_fewer_variants_where_samples_are_many():
    assert batch_module.chunk_height(100_000, calls=False) == 4096
    assert batch_module.chunk_height(2_500, calls=True) == 4096
    assert batch_module.chunk_height(100_000, calls=True) == 128
    assert batch_module.chunk_height(10_000_000, calls=True) == 64
