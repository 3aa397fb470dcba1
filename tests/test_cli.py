"""The command line as a process: output, errors and exit status."""

import json
import math
import subprocess
import sys

import pytest

import reference
import vcf_text
from reference import GENOTYPE_COLUMNS

HEADER = (
    "contig position ref alt allele_count allele_number allele_frequency n_hom_ref n_het n_hom_alt n_other n_missing"
).split()
WHOLE_NUMBERS = {name for name in HEADER if name.startswith("n_")} | {
    "position",
    "allele_count",
    "allele_number",
}


def parse_tsv(text):
    """Read what ``count`` prints: the names in the header, and a dict a row."""
    lines = [line.split("\t") for line in text.splitlines()]
    return lines[0], [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def assert_rows(found, rows, missing):
    """Compare rows read from text with rows of the oracle; ``missing`` stands for no frequency."""
    assert len(found) == len(rows)
    for got, expected in zip(found, rows, strict=True):
        assert list(got) == list(expected)
        for name, value in expected.items():
            if name != "allele_frequency":
                assert type(value)(got[name]) == value, (name, got, expected)
            elif math.isnan(value):
                assert got[name] == missing, (got, expected)
            else:
                assert math.isclose(float(got[name]), value, rel_tol=1e-5), (got, expected)


def assert_one_clear_sentence(done, *words):
    """The error says its words on standard error in one line, and shows no traceback."""
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert str(word) in done.stderr, (word, done.stderr)


def test_the_header_is_that_of_the_oracle():
    assert tuple(HEADER) == GENOTYPE_COLUMNS


@pytest.mark.parametrize(
    "code",
    [
        "import varstore",
        "import runpy, sys; sys.argv = ['varstore', '--help']\n"
        "try: runpy.run_module('varstore', run_name='__main__')\n"
        "except SystemExit: pass",
    ],
    ids=["import", "help"],
)
def test_import_and_help_load_nothing_heavy(code):
    heavy = "{'zarr', 'numba', 'pandas', 'dask', 'cyvcf2', 'numcodecs', 'xarray'}"
    report = f"\nimport sys; print('loaded', sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "loaded []"


def test_help_names_every_command(fx_cli):
    text = fx_cli("--help").stdout
    for command in ("create", "add", "info", "count", "verify"):
        assert command in text
    text = fx_cli("count", "--help").stdout
    for option in ("-r", "-R", "-s", "-S", "-f", "-o", "--format", "--apply-filters"):
        assert option in text


def test_create_add_info_count_verify(fx_cli, tmp_path):
    text = vcf_text.make_vcf(40, 53, 8, max_alts=2, missing=0.1, contigs=("1", "22"))
    path = vcf_text.write_bgzf(tmp_path / "a.vcf.gz", text)
    repo = tmp_path / "repo"
    fx_cli("create", repo)
    fx_cli("add", repo, path)
    found = json.loads(fx_cli("info", "--json", repo).stdout)
    figures = set(figures_in(found))
    assert {53, 8} <= figures
    assert "8" in fx_cli("info", repo).stdout
    header, found = parse_tsv(fx_cli("count", repo).stdout)
    assert header == HEADER
    assert_rows(found, reference.count_rows(reference.read_vcf(text).records), ".")
    fx_cli("verify", repo)
    fx_cli("verify", repo, path)


def figures_in(value):
    """Yield every number anywhere in a JSON value, and the length of every list."""
    if isinstance(value, dict):
        for part in value.values():
            yield from figures_in(part)
    elif isinstance(value, list):
        yield len(value)
        for part in value:
            yield from figures_in(part)
    elif isinstance(value, int):
        yield value


def test_verify_against_another_source_names_the_difference(fx_cli, fx_small, tmp_path):
    lines = [line.split("\t") for line in reference.read_text(fx_small.source).splitlines()]
    changed = next(line for line in lines if line[8:9] == ["GT"] and line[4] != ".")
    changed[12] = "0|0" if "1" in changed[12] else "1|1"
    text = "".join("\t".join(line) + "\n" for line in lines)
    other = vcf_text.write_bgzf(tmp_path / "other.vcf.gz", text)
    done = fx_cli("verify", fx_small.path, other, status=1)
    report = done.stdout + done.stderr
    assert changed[1] in report.replace(",", "")
    assert "Traceback" not in report
    fx_cli("verify", fx_small.path, fx_small.source)


def test_count_by_region_and_samples(fx_cli, fx_small):
    records = fx_small.vcf.records
    record = next(record for record in records if record.contig == "22")
    region = ("22", record.pos, record.pos + 4000)
    text = f"22:{record.pos:,}-{record.pos + 4000:,}"
    members = [9, 0, 4]
    names = ",".join(fx_small.ids(members))
    header, found = parse_tsv(fx_cli("count", fx_small.path, "-r", text, "-s", names).stdout)
    rows = reference.count_rows(reference.overlapping(records, [region]), members)
    assert header == HEADER
    assert_rows(found, rows, ".")


def test_count_by_files(fx_cli, fx_small, tmp_path):
    records = fx_small.vcf.records
    region = (records[5].contig, records[5].pos, records[9].pos)
    bed = f"{region[0]}\t{region[1] - 1}\t{region[2]}\n"
    regions = vcf_text.write_plain(tmp_path / "regions.bed", bed)
    members = [1, 20]
    names = "".join(f"{name}\n" for name in fx_small.ids(members))
    samples = vcf_text.write_plain(tmp_path / "samples.txt", names)
    output = tmp_path / "counts.tsv"
    done = fx_cli("count", fx_small.path, "-R", regions, "-S", samples, "-o", output)
    assert done.stdout == ""
    header, found = parse_tsv(output.read_text())
    assert header == HEADER
    chosen = reference.overlapping(records, [region])
    assert_rows(found, reference.count_rows(chosen, members), ".")


@pytest.mark.parametrize("how", ["list", "file"])
def test_a_caret_excludes_samples(fx_cli, fx_small, how, tmp_path):
    out = [2, 3, 21]
    rows = reference.count_rows(
        reference.overlapping(fx_small.vcf.records, [("X", 1, None)]),
        [member for member in range(23) if member not in out],
    )
    chosen = ["-s", "^" + ",".join(fx_small.ids(out))]
    if how == "file":
        lines = "".join(f"{name}\n" for name in fx_small.ids(out))
        chosen = ["-S", f"^{vcf_text.write_plain(tmp_path / 'out.txt', lines)}"]
    _, found = parse_tsv(fx_cli("count", fx_small.path, "-r", "X", *chosen).stdout)
    assert_rows(found, rows, ".")


def test_json_is_one_object_a_line(fx_cli, fx_small):
    lines = fx_cli("count", fx_small.path, "--format", "json", "-f", "PASS,q10").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    rows = reference.count_rows(fx_small.vcf.records, filters=["PASS", "q10"])
    assert_rows(found, rows, None)
    assert all(type(row[name]) is int for row in found for name in WHOLE_NUMBERS)


def test_arrow_output(fx_cli, fx_small, tmp_path):
    pytest.importorskip("arro3.io")
    polars = pytest.importorskip("polars")
    path = tmp_path / "counts.arrow"
    fx_cli("count", fx_small.path, "-r", "22", "--format", "arrow", "-o", path)
    data = path.read_bytes()
    read = polars.read_ipc if data.startswith(b"ARROW1") else polars.read_ipc_stream
    found = read(data).to_dicts()
    for row in found:
        if row["allele_frequency"] is None:
            row["allele_frequency"] = math.nan
    chosen = reference.overlapping(fx_small.vcf.records, [("22", 1, None)])
    assert_rows(found, reference.count_rows(chosen), pytest.approx(math.nan, nan_ok=True))


def test_no_rows_still_have_a_header(fx_cli, fx_small):
    assert parse_tsv(fx_cli("count", fx_small.path, "-r", "empty").stdout) == (HEADER, [])


@pytest.mark.parametrize(
    "arguments",
    [["--wrong"], ["nonsense"], ["count"], ["count", "REPO", "--format", "xml"], ["create"]],
    ids=" ".join,
)
def test_what_click_refuses_is_status_2(fx_cli, fx_small, arguments):
    arguments = [fx_small.path if word == "REPO" else word for word in arguments]
    done = fx_cli(*arguments, status=2)
    assert "Usage" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["count", "{repo}", "-r", "chr7:1-2"], ["chr7"]),
        (["count", "{repo}", "-r", "22:9-3"], ["22:9-3"]),
        (["count", "{repo}", "-s", "NA00000,Nobody"], ["Nobody"]),
        (["count", "{repo}", "-s", "^Nobody"], ["Nobody"]),
        (["count", "{repo}", "-s", "NA00000,NA00000"], ["NA00000"]),
        (["count", "{repo}", "-R", "{tmp}/none.bed"], ["none.bed"]),
        (["count", "{repo}", "-S", "{tmp}/none.txt"], ["none.txt"]),
        (["count", "{tmp}/nothing"], ["nothing"]),
        (["info", "{tmp}/nothing"], ["nothing"]),
        (["verify", "{tmp}/nothing"], ["nothing"]),
        (["create", "{repo}"], ["{repo}"]),
        (["create", "{tmp}/new", "{tmp}/none.vcf"], ["none.vcf"]),
        (["add", "{tmp}/nothing", "{source}"], ["nothing"]),
    ],
    ids=lambda value: " ".join(value) if value[0] in ("count", "info", "verify") else None,
)
def test_errors_are_one_sentence_and_status_1(fx_cli, fx_small, arguments, words, tmp_path):
    places = {"repo": fx_small.path, "tmp": tmp_path, "source": fx_small.source}
    done = fx_cli(*(word.format(**places) for word in arguments), status=1)
    assert_one_clear_sentence(done, *(word.format(**places) for word in words))


def test_a_bad_line_of_a_regions_file_is_named(fx_cli, fx_small, tmp_path):
    path = vcf_text.write_plain(tmp_path / "bad.txt", "22\t1\t50\n22\tten\t20\n")
    done = fx_cli("count", fx_small.path, "-R", path, status=1)
    assert_one_clear_sentence(done, "bad.txt", "2")
