"""``verify`` of PLINK files and VCF Zarr stores against what was stored of them: what differs is said."""

import shutil
import subprocess

import numpy as np
import pytest

import varstore as vs
import vcf_text
from test_vcz_values import convert, make_fields

needs_plink2 = pytest.mark.skipif(shutil.which("plink2") is None, reason="needs plink2")


def plink2(source, folder, *options):
    """A fileset of what a VCF says, for plink2 reads it as we do not."""
    command = ["plink2", "--vcf", source, "--allow-extra-chr", *options, "--out", folder / "p"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "p"


@pytest.fixture
def fx_bed(tmp_path):
    """A .bed of 13 people, men and women, on an autosome, X and Y; and the repository made of it."""
    pytest.importorskip("pgenlib")
    rng = np.random.default_rng(8)
    contigs = ["1"] * 9 + ["X"] * 5 + ["Y"] * 4
    codes = rng.integers(0, 256, (len(contigs), 4), np.uint8)
    codes[:, 3] &= 3
    (tmp_path / "a.bed").write_bytes(b"\x6c\x1b\x01" + codes.tobytes())
    sites = [f"{contig}\trs{i}\t0\t{100 + i}\tG\tA\n" for i, contig in enumerate(contigs)]
    (tmp_path / "a.bim").write_text("".join(sites))
    people = [f"f{i} p{i} 0 0 {1 + i % 2} -9\n" for i in range(13)]
    (tmp_path / "a.fam").write_text("".join(people))
    return tmp_path / "a.bed", vs.create(tmp_path / "r", tmp_path / "a.bed")


def test_a_bed_is_read_by_its_bytes(fx_bed):
    path, repo = fx_bed
    assert repo.verify(path) == []
    data = bytearray(path.read_bytes())
    first = repo.genotypes().call_genotype[6, 9].tolist()
    data[3 + 6 * 4 + 2] ^= 0b1100
    path.write_bytes(data)
    (said,) = repo.verify(path)
    assert said.startswith(f"{path}, record 7, 1:106: GT is ")
    assert repo.genotypes().call_genotype[6, 9].tolist() == first


def test_a_bed_whose_sites_were_changed(fx_bed):
    path, repo = fx_bed
    sites = path.with_suffix(".bim")
    lines = sites.read_text().splitlines(keepends=True)
    sites.write_text("".join([*lines[:2], lines[2].replace("rs2", "rs0").replace("G\tA", "T\tA"), *lines[3:]]))
    assert repo.verify(path) == [
        f"{path}, record 3, 1:102: ID is 'rs0' in the file, 'rs2' in the repository",
        f"{path}, record 3, 1:102: REF and ALT is ['A', 'T'] in the file, ['A', 'G'] in the repository",
    ]
    people = path.with_suffix(".fam")
    people.write_text(people.read_text().replace("p3", "other"))
    assert repo.verify(path) == [f"{path}: no batch of the repository has its samples"]


def test_men_become_women(fx_bed):
    """The sex of a man decides on X what his pair of equal alleles means."""
    path, repo = fx_bed
    people = path.with_suffix(".fam")
    people.write_text(people.read_text().replace("p0 0 0 1", "p0 0 0 2"))
    said = repo.verify(path)
    homozygous = (repo.genotypes().call_genotype[9:14, 0, 1] == -2).sum()
    assert homozygous
    assert len([text for text in said if "GT is" in text]) == homozygous
    assert all(", X:" in text for text in said)


@needs_plink2
@pytest.mark.parametrize("kind", ["pgen", "bed"])
def test_filesets_of_plink2(kind, tmp_path):
    pytest.importorskip("pgenlib")
    text = vcf_text.make_vcf(
        5, 90, 21, missing=0.1, max_alts=1 if kind == "bed" else 3, unphased=0.4, odd_alts=False, contigs=("1", "22")
    )
    source = vcf_text.write_plain(tmp_path / "a.vcf", text)
    made = plink2(source, tmp_path, f"--make-{kind}", *(["--max-alleles", "2"] if kind == "bed" else []))
    path = made.with_suffix(f".{kind}")
    repo = vs.create(tmp_path / "r", path)
    assert repo.verify(path) == []


@needs_plink2
def test_a_pgen_with_another_call_phase_and_info(tmp_path):
    pytest.importorskip("pgenlib")
    header = (
        '##fileformat=VCFv4.3\n##contig=<ID=1,length=9999>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
        '##INFO=<ID=I,Number=.,Type=Integer,Description="x">\n##INFO=<ID=F,Number=1,Type=Float,Description="x">\n'
        '##INFO=<ID=S,Number=1,Type=String,Description="x">\n##INFO=<ID=B,Number=0,Type=Flag,Description="x">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n"
    )
    lines = [
        "1\t5\tx\tA\tC\t3.25\tPASS\tI=1,.,-2;F=0.1;S=words;B\tGT\t0|1\t1|0\n",
        "1\t6\ty\tA\tC,G\t.\t.\t.\tGT\t0/2\t./.\n",
        "1\t7\tz\tA\tC\t1e10\tPASS\tS=a,b;F=.\tGT\t1/1\t0/0\n",
    ]
    changed = [
        lines[0].replace("0|1", "0/1").replace("F=0.1", "F=0.2").replace(";B", ""),
        lines[1].replace("0/2", "0/1"),
        lines[2].replace("1e10", "2e10").replace("PASS", "."),
    ]
    paths = {}
    for name, body in (("first", lines), ("second", changed)):
        (tmp_path / name).mkdir()
        source = vcf_text.write_plain(tmp_path / name / "a.vcf", header + "".join(body))
        paths[name] = plink2(source, tmp_path / name, "--make-pgen").with_suffix(".pgen")
    repo = vs.create(tmp_path / "r", paths["first"])
    assert repo.verify(paths["first"]) == []
    said = [text.partition(".pgen, ")[2].partition(" is ")[0] for text in repo.verify(paths["second"])]
    assert said == [
        "record 1, 1:5: phase",
        "record 1, 1:5: INFO/B",
        "record 1, 1:5: INFO/F",
        "record 2, 1:6: GT",
        "record 3, 1:7: QUAL",
        "record 3, 1:7: FILTER",
    ]


def _changed(array, name, row):
    """Give a record of an array, of calls the third sample, another value; return what was there."""
    before = array[row]
    kind = array.dtype.kind
    at = (2, *[0] * (before.ndim - 1)) if name.startswith("call_") else (0,) * np.ndim(before)
    new = {"O": "other", "T": "other", "U": "other", "f": 7.25}.get(kind, 77)
    if name == "call_genotype":
        new = 1 - int(before[at])
    if kind == "b":
        new = not np.asarray(before)[at]
    after = np.array(before, copy=True) if np.ndim(before) else new
    if np.ndim(before):
        after[at] = new
    array[row] = after
    return before


def test_a_store_that_differs_in_each_array(tmp_path):
    """One value of one array at a time is another: the sentence names record and field, and nothing else."""
    zarr = pytest.importorskip("zarr")
    repo = vs.create(tmp_path / "first", vcf_text.write_plain(tmp_path / "a.vcf", make_fields(21)))
    repo.export(tmp_path / "a.vcz")
    taken = vs.create(tmp_path / "r", tmp_path / "a.vcz")
    assert taken.verify(tmp_path / "a.vcz") == []
    group = zarr.open_group(tmp_path / "a.vcz", mode="r+")
    named = {"variant_position": "POS", "variant_id": "ID", "variant_allele": "REF and ALT", "variant_quality": "QUAL"}
    named |= {"call_genotype": "GT", "call_genotype_phased": "phase"}
    passed_over = {"variant_contig", "variant_length", "variant_id_mask", "variant_filter", "call_genotype_mask"}
    names = [n for n in group.array_keys() if n.startswith(("variant_", "call_")) and n not in passed_over]
    assert len(names) == 2 * 24 + 1 + 6
    for begin in range(0, len(names), 11):
        some = list(enumerate(names[begin : begin + 11], 3))
        kept = [_changed(group[name], name, row) for row, name in some]
        said = taken.verify(tmp_path / "a.vcz")
        for (row, name), before in zip(some, kept, strict=True):
            group[name][row] = before
        expected = []
        for row, name in some:
            field = named.get(name) or f"{'INFO' if name.startswith('variant') else 'FORMAT'}/{name.partition('_')[2]}"
            field += " of s2" if field.startswith("FORMAT/") else ""
            position = 77 if name == "variant_position" else 100 + 7 * row
            expected.append(f"{tmp_path / 'a.vcz'}, record {row + 1}, 1:{position}: {field}")
        assert [text.partition(" is ")[0] for text in said] == expected
    assert taken.verify(tmp_path / "a.vcz") == []


def test_more_and_fewer_records(tmp_path):
    repo = vs.create(tmp_path / "first", vcf_text.write_plain(tmp_path / "a.vcf", make_fields(22)))
    repo.export(tmp_path / "a.vcz")
    repo.export(tmp_path / "b.vcz", region="1:100-198")
    assert repo.verify(tmp_path / "b.vcz") == [f"{tmp_path / 'b.vcz'}: the repository has 4 more records on 1"]
    some = vs.create(tmp_path / "r", tmp_path / "b.vcz")
    assert some.verify(tmp_path / "a.vcz") == [
        f"{tmp_path / 'a.vcz'}, record 16, 1:205: the repository has no such record"
    ]


def test_a_store_that_others_wrote_and_a_zip_file(fx_shared_data, fx_cli, tmp_path):
    source = fx_shared_data / "real" / "bio2zarr_chr22.vcf.gz"
    store = convert(source, tmp_path / "a.vcz", variants_chunk_size=33, samples_chunk_size=30)
    fx_cli("create", tmp_path / "r", store)
    assert "everything is as it was written" in fx_cli("verify", tmp_path / "r", store).stdout
    assert "everything is as it was written" in fx_cli("verify", tmp_path / "r", source).stdout
    shutil.make_archive(str(tmp_path / "a"), "zip", store)
    assert "everything is as it was written" in fx_cli("verify", tmp_path / "r", tmp_path / "a.zip").stdout
    assert "no such file" in fx_cli("verify", tmp_path / "r", tmp_path / "none.zip", status=1).stderr


def test_a_file_whose_people_were_renamed_is_found_by_its_bytes(tmp_path):
    first, second = (
        vcf_text.write_bgzf(tmp_path / f"{seed}.vcf.gz", vcf_text.make_vcf(seed, 30, 4), 997) for seed in (3, 4)
    )
    names = vs.create(tmp_path / "names", second).samples
    repo = vs.create(tmp_path / "repo", first)
    repo.add(second, rename={name: f"new-{name}" for name in names})
    assert repo.verify(second) == []
    other = vcf_text.write_bgzf(tmp_path / "other.vcf.gz", vcf_text.make_vcf(5, 30, 5), 997)
    assert "no batch" in repo.verify(other)[0]
