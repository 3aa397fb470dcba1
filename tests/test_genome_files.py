"""Files of a genome: what is read of them, what is refused and why, annotations, carriers, and what is written."""

import gzip
import json
import random
import shutil
import subprocess

import numpy as np
import pytest

import varstore as vs
import vcf_text
from varstore.errors import CohortError, ContigLengthError, InputError, QueryError, TruncatedInputError

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="no bcftools here")
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
GRCH37_22, GRCH38_22 = 51304566, 50818468


def vcf(lines, samples=("me",), length=GRCH37_22, contig="22", meta=""):
    """A VCF of lines ``POS REF ALT CALL...``, with blanks."""
    size = "" if length is None else f",length={length}"
    head = f"##fileformat=VCFv4.3\n##contig=<ID={contig}{size}>\n{meta}" + vcf_text.GT_META
    text = head + COLUMNS + ("\tFORMAT\t" + "\t".join(samples) if samples else "") + "\n"
    for line in lines:
        position, ref, alt, *calls = line.split()
        text += (
            "\t".join([contig, position, ".", ref, alt, ".", "PASS", ".", *(["GT", *calls] if samples else [])]) + "\n"
        )
    return text


OTHERS = ["100 A C 0/1 0/0 1/1", "200 C T 0/0 0/1 0/0", "300 G GA ./. 0/1 1/1", "400 T A,C 1/2 0/2 0/0"]


@pytest.fixture
def fx_three(tmp_path):
    """A repository of three people at four sites."""
    path = vcf_text.write_plain(tmp_path / "others.vcf", vcf(OTHERS, ("a", "b", "c")))
    table = tmp_path / "people.tsv"
    table.write_text("sample\tgroup\na\tx\nb\tx\nc\ty\n")
    return vs.create(tmp_path / "repo", path, samples=table)


@pytest.fixture
def fx_me(tmp_path):
    def write(lines=("100 A C 0/1", "400 T C 1/1", "500 A G 0|1"), **options):
        return vcf_text.write_bgzf(tmp_path / "me.vcf.gz", vcf(lines, **options))

    return write


def test_a_small_one_by_hand(fx_three, fx_me):
    found = fx_three.compare_genome(fx_me(), by="group")
    table = found.variants
    assert "".join(table.to_tsv()).splitlines()[1:] == [
        "22\t100\tA\tC\thet\tfound\tcommon\t3\t6\t0.5\t1\t0.5\t1\t4\t0.25\t0\t2\t2\t1\t1\t1\ty",
        "22\t400\tT\tC\thom\tfound\tcommon\t2\t6\t0.333333\t0\t0.111111\t2\t4\t0.5\t0\t0\t2\t0\t0\t0.5\tx",
        "22\t500\tA\tG\thet\tunseen\t.\t0\t0\t.\t0\t.\t0\t0\t.\t0\t0\t0\t.\t0\t.\t.",
    ]
    assert found.summary["cohorts"] == {"x": 2, "y": 1}
    assert found.summary["variants"] == {"all": 3, "found": 2, "novel": 0, "unseen": 1, "not_callable": 0}
    assert found.summary["filters"] is None
    assert list(json.loads(next(table.to_json_lines())))[:4] == ["contig", "position", "ref", "alt"]


def test_absent_as_reference_is_novel(fx_three, fx_me):
    fx_three.batch(fx_three.info()["batches"][0]["id"], absent="reference")
    table = fx_three.compare_genome(fx_me()).variants
    assert (table["state"][2], table["rarity"][2], table["allele_number"][2]) == ("novel", "novel", 6)


def test_regions_and_filters(fx_three, fx_me, tmp_path):
    found = fx_three.compare_genome(fx_me(), region="chr22:390-600")
    assert found.variants["position"].tolist() == [400, 500]
    assert fx_three.compare_genome(fx_me(), region="22:400 T>C").variants["position"].tolist() == [400]
    (tmp_path / "genes.bed").write_text("22\t99\t100\tGENE\n")
    assert fx_three.compare_genome(fx_me(), regions_file=tmp_path / "genes.bed").variants["position"].tolist() == [100]
    filtered = fx_three.compare_genome(fx_me(), filters=".")
    assert filtered.variants["allele_number"].tolist() == [0, 0, 0]
    assert filtered.summary["filters"] == "."


def test_half_calls_haploid_calls_and_repeated_alleles(fx_three, fx_me):
    lines = ["100 A C ./1", "200 C T 1", "400 T A,C 1/2", "400 T C 0/1", "600 G <DEL> 0/1", "700 G * 0/1"]
    found = fx_three.compare_genome(fx_me(lines))
    assert found.variants["zygosity"].tolist() == ["het", "hemi", "het", "het", "het", "het"]
    assert found.variants["alt"].tolist() == ["C", "T", "A", "C", "<DEL>", "*"]
    assert found.genome.alleles.whole.tolist() == [False] + [True] * 5
    assert any("more than once" in problem for problem in found.summary["problems"])
    assert any("lack an allele" in problem for problem in found.summary["problems"])


def test_carriers(fx_three, fx_me):
    assert "carriers" not in fx_three.compare_genome(fx_me()).variants.columns
    table = fx_three.compare_genome(fx_me(), carriers=True).variants
    assert table["carriers"].tolist() == ["a,c", "a,b", "."]
    member = fx_three.compare_genome("a", carriers=True).variants
    assert member["carriers"].tolist() == ["c", ".", "b"]
    assert fx_three.compare_genome(fx_me(), carriers=True, filters=".").variants["carriers"].tolist() == ["."] * 3


ANNOTATED = """\
##fileformat=VCFv4.3
##contig=<ID=chr22,length=51304566>
##INFO=<ID=SIG,Number=.,Type=String,Description="Significance">
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">
##INFO=<ID=AD,Number=R,Type=Integer,Description="Depth">
##INFO=<ID=DB,Number=0,Type=Flag,Description="There">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
chr22\t98\trs1\tGGA\tGGC,GGT\t.\t.\tSIG=bad|worse;AF=0.1,0.2;AD=1,2,3
chr22\t400\trs2\tT\tA,C\t.\t.\tDB;AF=0.3,0.4;AD=4,5,6
"""


def test_annotations_are_joined_by_key(fx_three, fx_me, tmp_path):
    path = vcf_text.write_bgzf(tmp_path / "clinvar.vcf.gz", ANNOTATED)
    table = fx_three.compare_genome(fx_me(), annotate=[f"{path}:SIG,AF,AD,DB,ID", f"{path}:SIG"]).variants
    assert table.columns[-6:] == ["SIG", "AF", "AD", "DB", "ID", "SIG_2"]
    assert table["SIG"].tolist() == ["bad|worse", ".", "."] == table["SIG_2"].tolist()
    assert table["AF"].tolist() == ["0.1", "0.4", "."]
    assert table["AD"].tolist() == ["2", "6", "."]
    assert table["DB"].tolist() == [".", "true", "."]
    assert table["ID"].tolist() == ["rs1", "rs2", "."]
    with pytest.raises(QueryError, match="declares no INFO field 'NO'; there are SIG, AF, AD, DB"):
        fx_three.compare_genome(fx_me(), annotate=[f"{path}:NO"])
    with pytest.raises(QueryError, match="expected FILE:KEY,KEY"):
        fx_three.compare_genome(fx_me(), annotate=["SIG"])
    other = vcf_text.write_plain(tmp_path / "other.vcf", ANNOTATED.replace("51304566", str(GRCH38_22)))
    with pytest.raises(ContigLengthError, match=r"of GRCh38, the repository of GRCh37"):
        fx_three.compare_genome(fx_me(), annotate=[f"{other}:SIG"])
    bad = vcf_text.write_plain(tmp_path / "bad.vcf", ANNOTATED.replace("\t400\t", "\tx\t"))
    with pytest.raises(InputError, match=r"bad.vcf, line 9: POS is 'x'"):
        fx_three.compare_genome(fx_me(), annotate=[f"{bad}:SIG"])


def test_annotations_of_many_sites_are_those_of_a_dictionary(tmp_path):
    rng = random.Random(3)
    positions = rng.sample(range(1, 90_000), 30_000)
    sites = [f"{p} {rng.choice('AC')} {rng.choice('GT')}" for p in sorted(positions)]
    mine = sorted(rng.sample(sites, 800) + [f"{rng.randrange(90_000, 95_000)} A G" for _ in range(50)], key=_position)
    text = ANNOTATED.partition("chr22\t98")[0].replace("chr22", "22")
    known = {}
    for number, site in enumerate(sites):
        position, ref, alt = site.split()
        text += f"22\t{position}\t.\t{ref}\t{alt}\t.\t.\tSIG=s{number}\n"
        known[int(position), ref, alt] = f"s{number}"
    annotated = vcf_text.write_bgzf(tmp_path / "sites.vcf.gz", text)
    me = vcf_text.write_plain(tmp_path / "me.vcf", vcf([f"{site} 0/1" for site in dict.fromkeys(mine)]))
    others = vcf_text.write_plain(tmp_path / "others.vcf", vcf([f"{site} 0/1" for site in sites[::7]], ("a",)))
    table = vs.create(tmp_path / "repo", others).compare_genome(me, annotate=[f"{annotated}:SIG"]).variants
    found = zip(*(table[name].tolist() for name in ("position", "ref", "alt", "SIG")), strict=True)
    rows = list(found)
    assert len(rows) > 800
    assert all(sig == known.get((position, ref, alt), ".") for position, ref, alt, sig in rows)


def _position(site):
    return int(site.split()[0])


@needs_bcftools
def test_vcf_and_bcf_are_read_by_bcftools(fx_three, fx_me, tmp_path):
    annotated = vcf_text.write_plain(tmp_path / "clinvar.vcf", ANNOTATED)
    found = fx_three.compare_genome(fx_me(), by="group", annotate=[f"{annotated}:SIG"], carriers=True)
    form = "%CHROM %POS %REF %ALT %VS_STATE %VS_AC %VS_AN %VS_AF %VS_NHOM_x %VS_SIG %VS_carriers[ %GT]\n"
    for name in ("out.vcf", "out.vcf.gz", "out.bcf"):
        found.write_vcf(tmp_path / name)
        done = subprocess.run(["bcftools", "query", "-f", form, tmp_path / name], capture_output=True, text=True)
        assert done.stderr == ""
        assert done.stdout.splitlines() == [
            "22 100 A C found 3 6 0.5 0 bad|worse a|c 0/1",
            "22 400 T C found 2 6 0.333333 0 . a|b 1/1",
            "22 500 A G unseen 0 0 . 0 . . 0|1",
        ]


def test_a_gvcf_tells_reference_from_no_call(fx_shared_data, tmp_path):
    path = fx_shared_data / "real" / "bio2zarr_CEUTrio.20.21.gatk3.4.g.vcf.bgz"
    repo = vs.create(tmp_path / "repo", path)
    blocks = repo.info()["batches"][0]
    assert blocks["covered"]["reference_blocks"]
    member = repo.samples[0]
    with pytest.raises(CohortError, match="nobody else"):
        repo.compare_genome(member)
    genome = repo.compare_genome(path).genome
    assert genome.has_reference_blocks
    assert genome.absent == "unknown"
    sure = genome.callable
    covered = int((sure[:, 2] - sure[:, 1]).sum())
    assert 250_000 < covered < 350_000
    assert genome.counts["unsure"] > 0
    text = gzip.decompress(path.read_bytes()).decode()
    carried = [line for line in text.splitlines() if line[:1] != "#" and line.split("\t")[9][:3] not in ("0/0", "./.")]
    assert len({int(row) for row in genome.alleles.record}) == len(carried)


CHIP = """\
# This data file generated by 23andMe at: Tue Jan 01 2019
# We are using reference human assembly build 37
# rsid\tchromosome\tposition\tgenotype
rs1\t22\t100\tAC
rs2\t22\t200\tCC
rs3\t22\t300\tDI
rs4\t22\t400\tAC
rs5\t22\t450\tAA
rs6\t22\t100\t--
"""


def test_text_of_a_chip(fx_three, tmp_path):
    path = tmp_path / "genome.txt"
    path.write_text(CHIP)
    found = fx_three.compare_genome(path)
    rows = list(zip(*(found.variants[n].tolist() for n in ("position", "ref", "alt", "zygosity")), strict=True))
    assert rows == [(100, "A", "C", "het"), (400, "T", "A", "het"), (400, "T", "C", "het")]
    assert found.genome.counts["missing"] == 1
    assert found.genome.stretches[:, 1:3].tolist() == [[199, 200]]
    assert [problem.split(":")[0] for problem in found.summary["problems"]] == [
        "1 calls are at positions whose reference base is not known",
        "1 calls are no single bases (insertions, deletions)",
    ]
    path.write_text(CHIP.replace("\tAC", "\tA\tC").replace("\tCC", "\tC\tC").replace("\tAA", "\tA\tA"))
    assert fx_three.compare_genome(path).variants["position"].tolist() == [100, 400, 400]
    path.write_text(CHIP + "rs7 22 900 AA\n")
    with pytest.raises(InputError, match=r"genome.txt, line 10: found 'rs7 22 900 AA', expected rsid"):
        fx_three.compare_genome(path)
    path.write_text(CHIP.replace("build 37", "build 38"))
    with pytest.raises(InputError, match="says that it is of GRCh38, the repository is of GRCh37"):
        fx_three.compare_genome(path)


def refused(repo, path, error, match, **options):
    with pytest.raises(error, match=match):
        repo.compare_genome(path, **options)


def test_what_is_refused_is_said_plainly(fx_three, fx_me, tmp_path):
    refused(fx_three, "nobody", QueryError, "no such file, and no sample of the repository has this id")
    refused(fx_three, fx_me(length=GRCH38_22), ContigLengthError, "the file is of GRCh38, the repository of GRCh37")
    refused(
        fx_three, fx_me(contig="7", length=None), InputError, r"none of its contigs \(7\) is in the repository \(22\)"
    )
    refused(fx_three, fx_me([]), InputError, "it has a header and no records")
    refused(fx_three, fx_me(["100 A C"], samples=()), InputError, "sites and no samples")
    two = fx_me(["100 A C 0/1 0/0"], samples=("me", "you"))
    refused(fx_three, two, QueryError, r"it has 2 samples \(me, you\); name one with --sample")
    refused(fx_three, two, QueryError, "no sample 'they'; there are me, you", sample="they")
    assert len(fx_three.compare_genome(two, sample="you").variants) == 0
    empty = tmp_path / "empty.vcf"
    empty.write_bytes(b"")
    refused(fx_three, empty, InputError, "the file is empty")
    (tmp_path / "note.txt").write_text("hello\n")
    refused(fx_three, tmp_path / "note.txt", InputError, "no VCF")
    refused(fx_three, fx_me(["100 A C 0/7"]), InputError, r"line 5: sample me \(column 10\).*has 1 ALT alleles")
    refused(fx_three, fx_me(["100 A C x/1"]), InputError, r"line 5: .*expected up to 16 alleles separated")
    refused(fx_three, fx_me(["1e5 A C 0/1"]), InputError, "line 5: POS is '1e5'")
    refused(fx_three, fx_me(["100 A C 0/1 0/1"]), InputError, "line 5: 11 columns, the header has 10")
    whole = fx_me().read_bytes()
    (tmp_path / "cut.vcf.gz").write_bytes(whole[:-40])
    refused(fx_three, tmp_path / "cut.vcf.gz", TruncatedInputError, "BGZF")
    refused(fx_three, fx_me(), QueryError, "absent is 'never'", absent="never")
    refused(fx_three, fx_me(), CohortError, "column", by="nothing")
    refused(fx_three, fx_me(), QueryError, "not both", by="group", cohorts={"a": ["a"]})
    refused(vs.create(tmp_path / "none"), fx_me(), QueryError, "the repository is empty")


def test_another_build_is_refused_by_its_reference_bases(tmp_path):
    """Lengths are unknown, positions meet, REF differs at most of them; and few that differ are told."""
    rng = random.Random(1)
    sites = [(position, *rng.sample("ACGT", 2)) for position in range(100, 4_100, 40)]
    others = [f"{position} {ref} {alt} 0/1" for position, ref, alt in sites]
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "o.vcf", vcf(others, ("a",), None)))
    wrong = [f"{p} {'ACGT'[('ACGT'.index(ref) + 1) % 4]} {alt} 0/1" for p, ref, alt in sites if ref != alt]
    path = vcf_text.write_plain(tmp_path / "me.vcf", vcf(wrong, ("me",), None))
    refused(repo, path, InputError, "100 of 100 single reference bases are not those of the repository's records")
    path = vcf_text.write_plain(tmp_path / "me.vcf", vcf([*others[:97], *wrong[97:]], ("me",), None))
    found = repo.compare_genome(path)
    assert found.summary["reference_bases"] == {"same": 97, "different": 3}
    assert any("3 of 100 single reference bases" in problem for problem in found.summary["problems"])
    sequence = "".join(rng.choice("ACGT") for _ in range(5_000))
    right = [
        f"{p} {sequence[p - 1]} {rng.choice([b for b in 'ACGT' if b != sequence[p - 1]])} 0/1" for p, _, _ in sites
    ]
    (tmp_path / "ref.fa").write_text(f">22\n{sequence}\n")
    source = vcf_text.write_plain(tmp_path / "r.vcf", vcf(right[::2], ("a",), None))
    with_fasta = vs.create(tmp_path / "with", source, reference=tmp_path / "ref.fa")
    refused(with_fasta, path, InputError, "are not those of the FASTA of the repository")
    mine = vcf_text.write_plain(tmp_path / "mine.vcf", vcf(right, ("me",), None))
    assert len(with_fasta.compare_genome(mine).variants) == 100


def test_foreign_stores_have_no_keys(fx_shared_data, tmp_path, fx_me):
    del fx_shared_data
    vcz = tmp_path / "o.vcz"
    path = vcf_text.write_plain(tmp_path / "o.vcf", vcf(OTHERS, ("a", "b", "c")))
    vs.create(tmp_path / "repo", path).export(vcz, "vcz")
    refused(vs.open(vcz), fx_me(), QueryError, "not written by varstore")


def test_order_and_line_ends_of_the_file_do_not_matter(fx_three, tmp_path):
    lines = ["500 A G 0/1", "100 A C 0/1", "300 G GA 1/1", "400 T A,C 1/2"]
    text = vcf(lines)
    expected = None
    for name, write, changed in (
        ("a.vcf", vcf_text.write_plain, text),
        ("b.vcf.gz", vcf_text.write_gzip, text),
        ("c.vcf.gz", vcf_text.write_bgzf, text.replace("\n", "\r\n")),
        ("d.vcf", vcf_text.write_plain, vcf(sorted(lines, key=_position)).rstrip("\n")),
        ("e.vcf", vcf_text.write_plain, text + "\n\n"),
    ):
        rows = "".join(fx_three.compare_genome(write(tmp_path / name, changed)).variants.to_tsv())
        expected = expected or rows
        assert rows == expected, name
    assert expected.count("\n") == 6


def test_lines_longer_than_the_buffer(fx_three, tmp_path):
    """An insertion of 3 Mb and an INFO column of 2 Mb between others."""
    long = "".join(random.Random(5).choices("ACGT", k=3_000_000))
    text = vcf(["100 A C 0/1", f"200 C C{long} 0/1", "300 G GA 0/1"])
    text = text.replace("22\t300\t.\tG\tGA\t.\tPASS\t.", "22\t300\t.\tG\tGA\t.\tPASS\tX=" + "y" * 2_000_000)
    table = fx_three.compare_genome(vcf_text.write_bgzf(tmp_path / "long.vcf.gz", text, 60_000)).variants
    assert table["position"].tolist() == [100, 200, 300]
    assert table["alt"][1] == "C" + long
    assert table["allele_count"].tolist() == [3, 0, 3]


def test_command(fx_cli, fx_three, fx_me, tmp_path):
    repo, me = fx_three.path, fx_me()
    done = fx_cli("genome", repo, me, "--cohort", "x=group == 'x'")
    table = fx_three.compare_genome(me, cohorts={"x": "group == 'x'"}).variants
    assert done.stdout == "".join(table.to_tsv())
    assert "me (VCF, GRCh37) against 3 people, version 1; filters: none" in done.stderr
    assert "3 variants: 2 found, 0 novel, 1 unseen, 0 not callable" in done.stderr
    fx_cli("genome", repo, "a", "-o", tmp_path / "out", "--carriers", "-f", "PASS")
    assert (tmp_path / "out" / "variants.tsv").read_text().splitlines()[1].endswith("\tc")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["genome"]["in_repository"]
    assert summary["filters"] == "PASS"
    for name, option in (
        ("a.json", ()),
        ("a.arrow", ()),
        ("a.vcf.gz", ()),
        ("a.bcf", ()),
        ("b.out", ("--format", "vcf")),
    ):
        fx_cli("genome", repo, me, "-o", tmp_path / name, *option)
        assert (tmp_path / name).exists() or (tmp_path / name / "variants.vcf.gz").exists()
    assert "needs -o" in fx_cli("genome", repo, me, "--format", "bcf", status=1).stderr
    failed = fx_cli("genome", repo, fx_me(["100 A C 0/1"], length=GRCH38_22), status=1)
    assert failed.stderr.startswith("varstore: ")
    assert "Traceback" not in failed.stderr


def test_columns_are_read_only_and_plain(fx_three, fx_me):
    table = fx_three.compare_genome(fx_me()).variants
    with pytest.raises(ValueError, match="read-only"):
        table["allele_count"][0] = 9
    assert table["allele_frequency"].dtype == np.float64
    assert np.isnan(table["allele_frequency"][2])


def test_records_of_one_position_in_two_chunks(tmp_path):
    """The last record of a chunk is joined by position, the first of the next has the allele: that one answers."""
    sites = [f"{position} A C 0/0" for position in range(1, 4_096)]
    lines = [*sites, "5000 A C 0/1", "5000 A G 1/1", "6000 A C 0/1"]
    source = vcf_text.write_plain(tmp_path / "others.vcf", vcf(lines, ("a",)))
    repo = vs.create(tmp_path / "repo", source)
    me = vcf_text.write_plain(tmp_path / "me.vcf", vcf(["5000 A G 0/1", "5000 A T 0/1", "6000 A C 0/1"]))
    table = repo.compare_genome(me).variants
    assert table["allele_count"].tolist() == [2, 0, 1]
    assert table["allele_number"].tolist() == [2, 2, 2]
    assert table["state"].tolist() == ["found", "novel", "found"]
    counted = repo.compare_genome(me, cohorts={"all": ["a"]}).variants
    assert counted["allele_count_all"].tolist() == [2, 0, 1]
