"""The gate: what is harmless is taken in, counted and listed; what is harmful is refused with file, line and reason."""

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import varstore as vs
import vcf_text
from varstore.errors import InputError, NotVcfError, TruncatedInputError
from varstore.ingest import header as header_module
from varstore.ingest import records as records_module
from varstore.ingest.declarations import read_declarations
from varstore.ingest.problems import NUM_PLACES, Kind, Problems

META = """\
##fileformat=VCFv4.3
##contig=<ID=1,length=1000>
##FILTER=<ID=q10,Description="Low, \\"really\\"">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n"
GOOD = ["1", "100", "rs1", "A", "C", "50", "PASS", "DP=3", "GT", "0|1", "0/0"]
CHROM, POS, ID, REF, ALT, QUAL, FILTER, INFO, FORMAT = range(9)
FIRST = META.count("\n") + 2  # line of the first record


def line(*changes):
    """A record; changes: (column, text)."""
    fields = list(GOOD)
    for column, text in changes:
        fields[column] = text
    return "\t".join(fields) + "\n"


def write(tmp_path, body, meta=META, columns=COLUMNS, name="in.vcf"):
    path = tmp_path / name
    path.write_text(meta + columns + body, encoding="utf-8", newline="")
    return path


def problems_of(repo):
    return repo.info()["batches"][-1]["problems"]


def take(tmp_path, body, **options):
    """The problems that an import of a file counts."""
    path = write(tmp_path, body, **options)
    repo = vs.create(tmp_path / "repo", path)
    found = problems_of(repo)
    for entry in found.values():
        entry["first"] = [place.removeprefix(str(path)).lstrip(", :") for place in entry["first"]]
    return found


def refuse(tmp_path, body, match, error=InputError, **options):
    path = write(tmp_path, body, **options)
    with pytest.raises(error, match=match) as caught:
        vs.create(tmp_path / "repo", path)
    assert str(caught.value).startswith(str(path))
    assert not (tmp_path / "repo").exists()


def test_a_clean_file_has_no_problems(tmp_path):
    body = line() + line((POS, "1001")) + line((POS, "1001"), (ALT, "*,<DEL>,A]1:7],[<x>:9[A,AT.,.T,<*>,acgtn"))
    assert take(tmp_path, body) == {}


HARMLESS = {
    "contig not declared": ((CHROM, "2"), "undeclared-contig", "2"),
    "filter not declared": ((FILTER, "q10;s50"), "undeclared-filter", "s50"),
    "INFO not declared": ((INFO, "DP=1;AC=2"), "undeclared-info", "AC"),
    "a flag not declared": ((INFO, "H2"), "undeclared-info", "H2"),
    "ID has a blank": ((ID, "rs1 rs2"), "id-syntax", "'rs1 rs2'"),
    "ID is empty": ((ID, ""), "id-syntax", "''"),
    "ID ends in a semicolon": ((ID, "rs1;"), "id-syntax", "'rs1;'"),
    "REF is IUPAC": ((REF, "R"), "iupac", "'R' to 'C'"),
    "REF is lower-case IUPAC": ((REF, "ay"), "iupac", "'ay' to 'C'"),
    "ALT is IUPAC": ((ALT, "C,K"), "iupac", "'A' to 'C,K'"),
    "a breakend is IUPAC": ((ALT, "R[1:5["), "iupac", "'A' to 'R[1:5['"),
    "ALT is REF": ((ALT, "C,a"), "alt-is-ref", "'A' to 'C,a'"),
    "the ALT is REF": ((ALT, "A"), "alt-is-ref", "'A' to 'A'"),
    "ALT twice": ((ALT, "C,CT,c"), "duplicate-alt", "'A' to 'C,CT,c'"),
    "a symbolic ALT twice": ((ALT, "<DEL>,<DEL>"), "duplicate-alt", "'A' to '<DEL>,<DEL>'"),
    "no ALT": ((ALT, "."), "no-alt", "'.'"),
    "QUAL is negative": ((QUAL, "-1.5"), "negative-quality", "'-1.5'"),
    "FILTER has a dot": ((FILTER, "q10;."), "filter-syntax", "'q10;.'"),
    "FILTER is empty": ((FILTER, ""), "filter-syntax", "''"),
    "FILTER twice": ((FILTER, "q10;q10"), "filter-syntax", "'q10;q10'"),
    "INFO is empty": ((INFO, ""), "info-syntax", "''"),
    "INFO has a blank": ((INFO, "DP=1 2"), "info-syntax", "'DP=1 2'"),
    "INFO ends in a semicolon": ((INFO, "DP=1;"), "info-syntax", "'DP=1;'"),
    "INFO has an empty item": ((INFO, "DP=1;;DP"), "info-syntax", "'DP=1;;DP'"),
    "INFO has no key": ((INFO, "=1"), "info-syntax", "'=1'"),
    "INFO key twice": ((INFO, "DP=1;DP=2"), "duplicate-info", "'DP=1;DP=2'"),
    "FORMAT key is no name": ((FORMAT, "GT:1x"), "format-syntax", "'GT:1x'"),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_harmless_problems_are_counted_and_listed(tmp_path, case):
    change, kind, detail = HARMLESS[case]
    body = line() + line(change) + line((CHROM, "2" if change[0] == CHROM else "1"))
    if change[0] == FORMAT:
        body = body.replace(f"{change[1]}\t0|1\t0/0", f"{change[1]}\t0|1:0|1\t0/0:0/0")
    found = take(tmp_path, body)
    assert found[kind] == {"count": 1, "first": [f"line {FIRST + 1}: {detail}"]}
    path = tmp_path / "in.vcf"
    with pytest.raises(InputError, match=rf"in\.vcf, line {FIRST + 1}: .*--on-problem warn takes it"):
        vs.create(tmp_path / "other", path, on_problem="stop")
    assert not (tmp_path / "other").exists()


REFUSED = {
    "POS behind the contig": ((POS, "1002"), "POS is 1002, but contig 1 has 1,000 bases"),
    "REF is missing": ((REF, "."), "REF is '.', expected bases"),
    "REF has a comma": ((REF, "A,C"), "REF is 'A,C'"),
    "REF is a star": ((REF, "*"), r"REF is '\*'"),
    "REF is a word": ((REF, "AXE"), "REF is 'AXE'"),
    "ALT has a blank": ((ALT, "A T"), "ALT is 'A T', expected bases"),
    "ALT has a digit": ((ALT, "C,4"), "ALT is 'C,4'"),
    "ALT has no end": ((ALT, "<DEL"), "ALT is '<DEL'"),
    "ALT has no beginning": ((ALT, "DEL>"), "ALT is 'DEL>'"),
    "ALT has no name": ((ALT, "<>"), "ALT is '<>'"),
    "ALT has brackets inside": ((ALT, "<A<B>>"), "ALT is '<A<B>>'"),
    "a breakend without bases": ((ALT, "[1:100["), r"ALT is '\[1:100\['"),
    "a breakend with bases on both sides": ((ALT, "A[1:100[A"), "ALT is"),
    "a breakend with different brackets": ((ALT, "A[1:100]"), "ALT is"),
    "a breakend without position": ((ALT, "A[1:["), "ALT is"),
    "a breakend without contig": ((ALT, "A[:100["), "ALT is"),
    "a breakend without colon": ((ALT, "A[1100["), "ALT is"),
    "a breakend of one bracket": ((ALT, "A[1:100"), "ALT is"),
    "two dots": ((ALT, ".."), r"ALT is '\.\.'"),
    "two stars": ((ALT, "**"), "ALT is"),
    "an empty ALT": ((ALT, "C,,G"), "ALT has an empty allele"),
    "FORMAT key twice": ((FORMAT, "GT:GT"), "FORMAT is 'GT:GT', expected at most"),
    "an allele without ALT": ((9, "0|2"), "GT is '0.2', but the record has 1 ALT"),
}


FAR_DOWN = [("REF is missing", 5000), ("POS behind the contig", 5000)]


@pytest.mark.parametrize(("case", "place"), [*((case, place) for case in REFUSED for place in (0, 1)), *FAR_DOWN])
def test_harmful_lines_are_refused(tmp_path, case, place):
    change, message = REFUSED[case]
    body = line() * place + line(change) + line((CHROM, "2"))
    refuse(tmp_path, body, rf"in\.vcf, line {FIRST + place}: (sample a .*)?{message}")


def test_position_of_a_contig_without_length(tmp_path):
    body = line((POS, "2147483647"))
    assert "position" not in take(tmp_path, body, meta=META.replace(",length=1000", ""))


HEADERS = {
    "no key": ("##Some words", "header-line"),
    "no value": ("##reference=", "header-line"),
    "no closing bracket": ('##INFO=<ID=X,Number=1,Type=Float,Description="x"', "header-line"),
    "no closing quote": ('##FORMAT=<ID=X,Number=1,Type=Float,Description="x>', "header-line"),
    "quotes inside": ('##INFO=<ID=X,Number=1,Type=Float,Description="a "b" c">', "header-line"),
    "no ID": ("##contig=<length=5>", "header-line"),
    "no Number": ('##INFO=<ID=X,Type=Float,Description="x">', "header-field"),
    "no Type": ('##INFO=<ID=X,Number=1,Description="x">', "header-field"),
    "an unknown Number": ('##FORMAT=<ID=X,Number=Q,Type=Float,Description="x">', "header-field"),
    "an unknown Type": ('##INFO=<ID=X,Number=1,Type=Int,Description="x">', "header-field"),
    "a flag of one": ('##INFO=<ID=X,Number=1,Type=Flag,Description="x">', "header-field"),
    "a FORMAT flag": ('##FORMAT=<ID=X,Number=0,Type=Flag,Description="x">', "header-field"),
    "an id twice": ('##FILTER=<ID=q10,Description="x">', "duplicate-id"),
    "a contig twice": ("##contig=<ID=1>", "duplicate-id"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_harmless_problems_of_the_header(tmp_path, case):
    text, kind = HEADERS[case]
    found = take(tmp_path, line(), meta=META + text + "\n")
    assert list(found) == [kind]
    assert found[kind]["count"] == 1
    assert found[kind]["first"][0].startswith(f"line {FIRST - 1}: ")


@pytest.mark.parametrize(
    "text",
    [
        '##INFO=<ID=X,Number=LA,Type=Float,Description="a, b=<c> \\"d\\"",Source="s",Version="3">',
        '##contig=<ID=HLA-A*01:01:01:01,length=5,assembly=b37,md5=abc,species="Homo sapiens">',
        "##META=<ID=Assay,Type=String,Number=.,Values=[WholeGenome, Exome]>",
        "##PEDIGREE=<ID=c,Father=f,Mother=m>",
        "##GATKCommandLine=<ID=x,CommandLine=\"a 'b' -c\">",
        '##source=words, <and> "more"',
    ],
)
def test_lines_of_the_header_that_are_well_formed(text):
    header = META + text + "\n" + COLUMNS
    assert read_declarations(header).problems == []


@pytest.mark.parametrize("version", ["VCFv4.0", "VCF4.2", "VCFv4.6", "VCF v4.3"])
def test_other_versions_are_named(tmp_path, version):
    found = take(tmp_path, line(), meta=META.replace("VCFv4.3", version))
    assert found == {"file-format": {"count": 1, "first": [f"line 1: ##fileformat={version}"]}}


def test_no_version_is_no_vcf(tmp_path):
    refuse(tmp_path, line(), "line 1: no VCF", NotVcfError, meta=META.replace("VCFv4.3", ""))


def test_a_format_column_without_samples(tmp_path):
    body = "\t".join(GOOD[:9]) + "\n"
    found = take(tmp_path, body, columns=COLUMNS.replace("\ta\tb", ""))
    assert list(found) == ["header-columns"]


def test_line_ends(tmp_path):
    """CR LF, and no line end at the end, are taken with a warning; the records are the same."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    body = line() + line((POS, "200"))
    assert take(tmp_path / "a", body.replace("\n", "\r\n"))["crlf"]["count"] == 1
    assert take(tmp_path / "b", body.rstrip("\n")) == {"no-final-newline": {"count": 1, "first": [f"line {FIRST + 1}"]}}
    one, two = (vs.open(tmp_path / name / "repo").count_genotypes().to_tsv() for name in "ab")
    assert list(one) == list(two)
    info = vs.open(tmp_path / "a" / "repo").genotypes()
    assert info.call_genotype.tolist() == [[[0, 1], [0, 0]]] * 2


def test_many_of_a_kind(tmp_path):
    """All are counted, the first few listed with their places, over chunks."""
    body = line((INFO, "DP=1;DP=2")) * 9000
    found = take(tmp_path, body)
    assert found["duplicate-info"]["count"] == 9000
    places = found["duplicate-info"]["first"]
    assert places == [f"line {FIRST + i}: 'DP=1;DP=2'" for i in range(NUM_PLACES)]


def test_many_info_keys(tmp_path):
    """More distinct keys than are told apart do no harm."""
    body = "".join(line((INFO, ";".join(f"K{100 * i + j}=1" for j in range(100)))) for i in range(50))
    assert take(tmp_path, body)["undeclared-info"]["count"] == 1024


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text("AB=;. ", max_size=6).filter(lambda text: text != "."), min_size=1, max_size=6))
def test_info_keys_as_a_naive_reader_finds_them(tmp_path_factory, texts):
    tmp_path = tmp_path_factory.mktemp("info")
    found = take(tmp_path, "".join(line((INFO, text)) for text in texts))
    items = [text.split(";") for text in texts]
    keys = [[item.partition("=")[0] for item in row] for row in items]
    undeclared = {key for row in keys for key in row if key}
    assert found.get("undeclared-info", {"count": 0})["count"] == len(undeclared)
    odd = sum("" in row or " " in text for row, text in zip(keys, texts, strict=True))
    assert found.get("info-syntax", {"count": 0})["count"] == odd
    named = [[key for key in row if key] for row in keys]
    assert found.get("duplicate-info", {"count": 0})["count"] == sum(len(set(row)) < len(row) for row in named)


def test_allele_one_of_no_alt(tmp_path):
    """The calls come back; ALT '.' has no row in counts."""
    path = write(tmp_path, line((ALT, ".")) + line((POS, "200")) + line((POS, "300"), (ALT, "."), (9, "0|0")))
    repo = vs.create(tmp_path / "repo", path)
    assert repo.genotypes().call_genotype[0].tolist() == [[0, 1], [0, 0]]
    table = repo.count_genotypes()
    assert table["position"].tolist() == [200]
    assert table["allele_count"].tolist() == [1]
    assert repo.verify(path) == []


def test_utf8_names(tmp_path):
    names = ["Zoë", "样本"]
    path = write(tmp_path, line(), columns=COLUMNS.replace("a\tb", "\t".join(names)))
    assert vs.create(tmp_path / "repo", path).samples == names


def test_limits_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(header_module, "MAX_SAMPLES", 1)
    refuse(tmp_path, line(), f"line {FIRST - 1}: 2 samples, the most that are read is 1")
    monkeypatch.undo()
    monkeypatch.setattr(records_module, "_MAX_LINE", 1 << 20)
    refuse(tmp_path, line((INFO, "x" * (12 << 20))), f"line {FIRST}: the line has over 1,048,576 bytes")


@pytest.mark.parametrize("key", ["k" * 247, "k" * 248, "k" * 5000, "é" * 123 + "x", "é" * 125, "%" * 90])
def test_info_keys_too_long_for_a_file_name_come_back(tmp_path, key):
    infos = [f"DP=3;{key}=7", "DP=3", f"DP=4;{key}=8"]
    path = write(tmp_path, "".join(line((POS, str(100 * i)), (INFO, info)) for i, info in enumerate(infos, 1)))
    repo = vs.create(tmp_path / "repo", path)
    repo.export(tmp_path / "out.vcf")
    rows = [row.split("\t") for row in (tmp_path / "out.vcf").read_text().splitlines() if not row.startswith("#")]
    assert [row[INFO] for row in rows] == infos
    assert repo.verify(path) == []


def test_a_format_key_too_long_for_a_file_name_is_refused(tmp_path):
    key = "k" * 251
    refuse(tmp_path, line((FORMAT, f"GT:{key}")), f"line {FIRST}: FORMAT has a key of 251 characters")
    meta = META + f'##FORMAT=<ID={key},Number=1,Type=Integer,Description="x">\n'
    refuse(tmp_path, line((FORMAT, f"GT:{key}")), f"line {FIRST + 1}: FORMAT has a key of 251 characters", meta=meta)


@pytest.mark.parametrize("way", ["bgzf", "plain"])
def test_a_line_of_100_million_bytes(tmp_path, way):
    text = META + COLUMNS + line() + line((POS, "200"), (INFO, "DP=1;NOTE=" + "x" * 100_000_000)) + line((POS, "300"))
    writer = vcf_text.write_plain if way == "plain" else lambda path, text: vcf_text.write_bgzf(path, text, 65_000)
    repo = vs.create(tmp_path / "repo", writer(tmp_path / "in.vcf", text))
    assert repo.count_alleles()["position"].tolist() == [100, 200, 300]
    assert repo.count_alleles()["allele_count"].tolist() == [1, 1, 1]


# Compressed files


def body_of(num):
    return META + COLUMNS + "".join(line((POS, str(i // 9 + 1))) for i in range(num))


@pytest.mark.parametrize("padding", [b"\0", b"\0" * 7, b"\0" * 5000, b"garbage"])
@pytest.mark.parametrize("way", ["gzip", "bgzf"])
def test_padded_files(tmp_path, padding, way):
    """zlib-ng passes over zeros at the end; we say from which byte on they stand."""
    writer = vcf_text.write_gzip if way == "gzip" else vcf_text.write_bgzf
    path = writer(tmp_path / "in.vcf.gz", body_of(50))
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + padding)
    with pytest.raises(TruncatedInputError, match=rf"in\.vcf\.gz.*byte {size}\b.*padded"):
        vs.create(tmp_path / "repo", path)


@pytest.mark.parametrize("way", ["gzip", "bgzf"])
def test_cut_off_files_say_where(tmp_path, way):
    writer = vcf_text.write_gzip if way == "gzip" else vcf_text.write_bgzf
    path = writer(tmp_path / "in.vcf.gz", body_of(3000))
    data = path.read_bytes()
    for size in (len(data) // 2, len(data) - 29, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(TruncatedInputError, match=rf"in\.vcf\.gz.*byte {size}\b.*copy"):
            vs.create(tmp_path / "repo", path)


def test_a_damaged_block_says_where(tmp_path):
    text = META + COLUMNS + "".join(line((POS, str(i // 99 + 1)), (INFO, f"DP={hash(i) * i}")) for i in range(60_000))
    path = vcf_text.write_bgzf(tmp_path / "in.vcf.gz", text, 3000)
    data = bytearray(path.read_bytes())
    starts = [i for i in range(len(data)) if data[i : i + 4] == b"\x1f\x8b\x08\x04"]
    damaged = starts[len(starts) // 2]
    data[damaged + 40] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(TruncatedInputError, match=rf"in\.vcf\.gz, line \d+: .*at byte {damaged}; copy the file"):
        vs.create(tmp_path / "repo", path)


def test_gzip_is_read_to_its_end(tmp_path):
    """Several members, the last of them cut or not gzip: refused; whole: the same records."""
    text = body_of(500)
    path = vcf_text.write_gzip(tmp_path / "in.vcf.gz", text, members=3)
    assert vs.create(tmp_path / "repo", path).num_variants == 500
    path.write_bytes(gzip.compress(text.encode()) + gzip.compress(b"1\t999\n")[:-4])
    with pytest.raises(TruncatedInputError, match=r"in\.vcf\.gz: .*cut off at byte \d+"):
        vs.create(tmp_path / "other", path)


# What an import says


def test_one_file_at_fault_names_itself(tmp_path):
    paths = [write(tmp_path, line((CHROM, name)), name=f"{name}.vcf") for name in "23"]
    bad = write(tmp_path, line((CHROM, "4"), (REF, "?")), name="bad.vcf")
    with pytest.raises(InputError, match=rf"^{bad}, line {FIRST}: REF is '\?'"):
        vs.create(tmp_path / "repo", paths[0], bad, paths[1])


def test_the_command_line_lists_problems(tmp_path, fx_cli):
    body = line((QUAL, "-1")) * 7 + line((POS, "200"))
    path = write(tmp_path, body, meta=META.replace("##INFO", "##info"))
    done = fx_cli("create", tmp_path / "repo", path)
    assert done.stdout == ""
    assert "varstore: warning: negative-quality (7): QUAL is negative; kept\n" in done.stderr
    assert f"    {path}, line {FIRST}: '-1'\n" in done.stderr
    assert "    and 2 more\n" in done.stderr
    assert f"undeclared-info (1): an INFO key is not declared; kept as text\n    {path}" in done.stderr
    document = json.loads(fx_cli("info", tmp_path / "repo", "--json").stdout)
    assert document["batches"][0]["problems"]["negative-quality"]["count"] == 7
    done = fx_cli("create", tmp_path / "other", path, "--on-problem", "stop", status=1)
    assert f"varstore: {path}, line {FIRST}: an INFO key is not declared (DP); --on-problem" in done.stderr
    assert not (tmp_path / "other").exists()
    fx_cli("create", tmp_path / "other", path, "--on-problem", "ignore", status=2)


def test_on_problem_of_add(tmp_path):
    first = write(tmp_path, line())
    repo = vs.create(tmp_path / "repo", first)
    other = write(tmp_path, line((QUAL, "-1")), columns=COLUMNS.replace("a\tb", "c\td"), name="other.vcf")
    with pytest.raises(InputError, match="QUAL is negative"):
        repo.add(other, on_problem="stop")
    assert vs.open(tmp_path / "repo").version == repo.version
    assert list(problems_of(repo.add(other))) == ["negative-quality"]


def test_every_harmless_kind_says_what_becomes_of_it():
    assert len({kind.value.name for kind in Kind}) == len(Kind)
    for kind in Kind:
        assert kind.harmful == (kind.value.taken is None)
        assert kind.value.text


def test_every_harmless_kind_is_in_the_docs():
    page = (Path(__file__).parent.parent / "docs" / "importing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \| (.*) \|$", page, re.MULTILINE)
    expected = [(kind.value.name, kind.value.text, kind.value.taken) for kind in Kind if not kind.harmful]
    assert [tuple(cell.replace("&lt;", "<").replace("\\|", "|") for cell in row) for row in rows] == expected


def test_stopping_problems():
    problems = Problems("stop")
    with pytest.raises(InputError, match=r"^a\.vcf, line 3: lines end in CR LF; --on-problem warn takes it$"):
        problems.add(Kind.CRLF, "a.vcf, line 3")
    assert problems.document() == {}
