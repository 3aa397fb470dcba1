"""The sample table of a repository: what tables say in versions, who is gone, and how it is shown."""

import datetime
import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import faults
import varstore as vs
from test_people_columns import cells
from test_purge import holders
from varstore.changes import describing
from varstore.cli.main import main
from varstore.errors import FormatVersionError, InputError, QueryError, ReadOnlyError, UnknownSampleError
from varstore.storage import manifest

RESERVED = ["sample", "person", "sex", "father", "mother", "dataset", "consent"]
SCALE = "sample\tage\tbmi\tsmoker\tseen\tnote\n"
ROWS = "A\t61\t20.5\tyes\t2020-01-02\tx y\nB\tNA\t.\tno\t\tz\nD\t7\t30\t\t2021-12-31\t\n"
FIRST = {
    "age": [61, None, None, 7, None], "bmi": [20.5, None, None, 30.0, None], "smoker": [True, False, None, None, None],
    "seen": [datetime.date(2020, 1, 2), None, None, datetime.date(2021, 12, 31), None],
    "note": ["x y", "z", None, None, None],
}  # fmt: skip


def make_repo(folder):
    """A repository of A and B, and then C, D and E."""
    repo = vs.create(folder / "repo", faults.write_people(folder / "first.vcf", ["A", "B"], 1))
    return repo.add(faults.write_people(folder / "second.vcf", ["C", "D", "E"], 2))


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def said(repo, *names):
    """Columns of a version as lists, those that tables gave or those named."""
    return {name: cells(repo.columns[name]) for name in names or repo.columns.given}


def test_a_repository_without_tables_has_the_reserved_columns(tmp_path):
    repo = make_repo(tmp_path)
    assert list(repo.columns) == RESERVED
    everybody = ["A", "B", "C", "D", "E"]
    assert said(repo, "sample", "person") == {"sample": everybody, "person": everybody}
    assert said(repo, "sex", "consent") == {"sex": [None] * 5, "consent": [None] * 5}
    assert repo.sample_table().columns == ["sample"]
    assert repo.info()["columns"] == []
    assert "nobody" not in repo.columns
    with pytest.raises(KeyError):
        repo.columns["nobody"]


def test_a_table_is_a_version(tmp_path):
    repo = make_repo(tmp_path)
    repo.set_samples(write(tmp_path / "a.tsv", SCALE + ROWS))
    assert (repo.version, said(repo)) == (3, FIRST)
    assert list(repo.columns) == [*RESERVED, *FIRST]
    assert said(vs.open(repo.path)) == FIRST
    assert said(vs.open(repo.path, version=2)) == {}
    assert repo.log()[-1].action == "samples"
    assert repo.verify() == []
    with pytest.raises(ValueError, match="read-only"):
        repo.columns["age"].values[0] = 3


def test_the_last_table_wins_cell_by_cell(tmp_path):
    repo = make_repo(tmp_path)
    repo.set_samples(write(tmp_path / "a.tsv", SCALE + ROWS))
    repo.set_samples({"sample": ["E", "A"], "age": [1, None], "note": ["e", "new"]}, {"IID": ["A"], "bmi": [3]})
    assert repo.version == 4
    assert said(repo, "age", "note", "bmi") == {
        "age": [61, None, None, 7, 1], "note": ["new", "z", None, None, "e"], "bmi": [3.0, None, None, 30.0, None],
    }  # fmt: skip
    repo.set_samples({"sample": ["B"], "age": ["old"], "smoker": ["no"]})
    assert said(repo, "age")["age"] == ["61", "old", None, "7", "1"]
    assert said(repo, "smoker")["smoker"] == ["true", "no", None, None, None]
    assert repo.verify() == []


_VALUES = st.one_of(st.none(), st.integers(-5, 5), st.sampled_from(["x", "y"]))


@settings(max_examples=25)
@given(st.lists(st.dictionaries(st.sampled_from("ABCDE"), _VALUES, min_size=1), min_size=1, max_size=4))
def test_tables_are_laid_over_one_another(tmp_path_factory, tables):
    repo = make_repo(tmp_path_factory.mktemp("overlays"))
    expected = dict.fromkeys("ABCDE")
    for table in tables:
        repo.set_samples({"sample": list(table), "x": list(table.values())})
        expected.update({name: value for name, value in table.items() if value is not None})
    found = said(repo, "x")["x"]
    assert [None if value is None else str(value) for value in found] == [
        None if value is None else str(value) for value in expected.values()
    ]


def test_a_column_is_dropped_from_the_versions_that_follow(tmp_path):
    repo = make_repo(tmp_path)
    repo.set_samples(write(tmp_path / "a.tsv", SCALE + ROWS))
    repo.set_samples(drop=["age", "seen"])
    assert list(said(repo)) == ["bmi", "smoker", "note"]
    repo.set_samples({"sample": ["B"], "age": [5]}, drop="bmi")
    assert said(repo, "age")["age"] == [None, 5, None, None, None]
    assert list(said(repo)) == ["smoker", "note", "age"]
    assert list(said(vs.open(repo.path, version=3))) == list(FIRST)
    with pytest.raises(QueryError, match="no column 'bmi' in the sample table"):
        repo.set_samples(drop=["bmi"])
    with pytest.raises(QueryError, match="nothing to do"):
        repo.set_samples()
    assert repo.verify() == []


def test_people_come_with_a_table_or_later(tmp_path):
    table = write(tmp_path / "a.csv", "sample,Sex,age\nA,1,5\nC,F,6\nX,2,\n")
    repo = vs.create(tmp_path / "repo", faults.write_people(tmp_path / "1.vcf", ["A", "B"], 1), samples=table)
    repo.add(faults.write_people(tmp_path / "2.vcf", ["C"], 2))
    assert said(repo) == {"sex": ["male", None, None], "age": [5, None, None]}
    repo.set_samples({"sample": ["B"], "sex": ["female"]})
    repo.add(
        faults.write_people(tmp_path / "3.vcf", ["D", "E"], 3), samples=write(tmp_path / "b.csv", "sample,sex\nE,2\n")
    )
    assert said(repo, "sex")["sex"] == ["male", "female", None, None, "female"]
    assert repo._sexes.tolist() == [1, 2, 0, 0, 2]
    assert said(repo, "sample")["sample"] == list("ABCDE")


def test_sex_that_is_said_later_gives_absent_people_their_ploidy(tmp_path):
    """A female has no calls of Y where her batch has no record; before her sex is known, her ploidy is unknown."""
    sites = ["Y\t5000000\t.\tA\tC", "Y\t6000000\t.\tA\tG"]
    for name, who, site in (("1.vcf", "A", sites[0]), ("2.vcf", "B", sites[1])):
        text = f"##fileformat=VCFv4.3\n##contig=<ID=Y>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{who}\n"
        write(tmp_path / name, f"{text}{site}\t.\tPASS\t.\tGT\t.\n")
    repo = vs.create(tmp_path / "repo", tmp_path / "1.vcf", assembly="GRCh38", absent="reference")
    repo.add(tmp_path / "2.vcf", absent="reference")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert repo.count_alleles().allele_number.tolist() == [0, 0]
        repo.set_samples({"sample": ["A", "B"], "sex": ["male", "female"]})
        assert repo.count_alleles().allele_number.tolist() == [0, 1]


def test_rows_of_others_are_counted(tmp_path):
    repo = make_repo(tmp_path)
    table = write(tmp_path / "a.tsv", "sample\tage\nA\t1\nX\t2\nY\t3\n")
    with pytest.raises(InputError, match="2 of 3 rows are of nobody in the repository: 'X', 'Y'"):
        repo.set_samples(table, strict=True)
    assert vs.open(repo.path).version == 2
    with pytest.warns(UserWarning, match="2 of 3 rows are of nobody"):
        repo.set_samples(table)
    assert said(repo) == {"age": [1, None, None, None, None]}
    with pytest.raises(
        InputError, match=r"it names nobody in the repository \(found 'X'.*'other' names 1 .*--id 'other'"
    ):
        repo.set_samples({"sample": ["X"], "other": ["B"]})
    with pytest.raises(InputError, match=r"names nobody in the repository \(it has no rows\)"):
        repo.set_samples({"sample": [], "x": []})
    with pytest.raises(InputError, match="no column besides the ids"):
        repo.set_samples({"sample": ["A"]})
    assert repo.version == 3
    with pytest.raises(InputError, match="names nobody"):
        vs.create(tmp_path / "empty").set_samples(table)


# Withdrawal and purge


def test_withdrawn_people_are_not_shown_and_not_spoken_of(tmp_path):
    repo = make_repo(tmp_path)
    repo.set_samples({"sample": ["A", "B"], "age": [5, 90]})
    repo.withdraw(["B"])
    assert repo.sample_table()["age"].tolist() == [5, None, None, None]
    assert repo.info()["columns"] == [{"name": "age", "kind": "integer", "missing": 3, "range": [5, 5]}]
    with pytest.warns(UserWarning, match="1 of 2 rows are of nobody"):
        repo.set_samples({"sample": ["B", "C"], "age": [91, 6]})
    part = repo.manifest.document["sample_overlays"][-1]["part"]["path"]
    assert (repo.path / part / "varstore/number/.zarray").exists()
    assert said(repo, "age")["age"] == [5, 90, 6, None, None]
    with pytest.raises(UnknownSampleError, match="withdrawn"):
        repo.sample_table(["B"])


def test_purged_people_are_gone_from_every_table(tmp_path):
    names = ["person_one", "person_two", "person_three", "person_four"]
    text = "sample\tage\tsecret\nperson_one\t3\tone-secret\nperson_two\t4\tkept\n"
    vcf = faults.write_people(tmp_path / "1.vcf", names, 1)
    repo = vs.create(tmp_path / "repo", vcf, samples=write(tmp_path / "a.tsv", text))
    repo.set_samples(
        {
            "sample": names, "father": [None, "person_one", "x", None], "weight": [1, 2, 3, 4],
            "person": ["person_one", "person_one", "person_one", "p4"],
            "note": ["a-secret", "friend of person_one", "b", "person_onely"],
        },
        {"sample": ["person_one"], "weight": [77]},
    )  # fmt: skip
    repo.set_samples(drop=["secret"])
    repo.withdraw(["person_one"])
    before = repo.count_genotypes().to_pandas()
    report = repo.purge(threads=1)
    assert report.left == []
    assert [path for path in holders(repo.path, ["person_one"]) if not holders(repo.path, ["person_onely"])] == []
    assert holders(repo.path, ["one-secret", "a-secret", "friend of"]) == []
    assert said(repo) == {
        "person": [None, "person-0", "person-0", "p4"], "father": [None, None, "x", None],
        "age": [None, 4, None, None], "weight": [None, 2, 3, 4], "note": [None, None, "b", "person_onely"],
    }  # fmt: skip
    assert repo.count_genotypes().to_pandas().equals(before)
    assert repo.verify() == []
    version = repo.version
    repo.purge(threads=1)
    assert repo.version == version


def test_short_ids_are_words_of_others_too(tmp_path):
    """The cell A of a group is no id of sample A; a father A is."""
    repo = make_repo(tmp_path)
    repo.set_samples({"sample": ["A", "B", "C"], "group": ["A", "A", "x"], "father": [None, "A", "x"]})
    repo.withdraw(["A"]).purge(threads=1)
    assert said(repo) == {"father": [None, None, "x", None, None], "group": [None, "A", "x", None, None]}


def test_gc_keeps_overlays_that_versions_name(tmp_path):
    repo = make_repo(tmp_path)
    repo.set_samples({"sample": ["A"], "age": [5]})
    repo.set_samples({"sample": ["A"], "age": [6]})
    repo.gc(0)
    assert said(repo, "age")["age"][0] == 6
    assert said(vs.open(repo.path, version=3), "age")["age"][0] == 5
    repo.gc(0, keep_versions=1)
    assert repo.verify() == []
    assert said(vs.open(repo.path), "age")["age"][0] == 6


def test_compaction_keeps_what_is_known(tmp_path):
    repo = make_repo(tmp_path)
    repo.set_samples(write(tmp_path / "a.tsv", SCALE + ROWS))
    repo.compact()
    assert said(repo) == FIRST
    assert repo.verify() == []


def test_people_withdrawn_meanwhile_are_left_out(tmp_path, monkeypatch):
    repo = make_repo(tmp_path)
    real, calls = describing._write, []

    def late(*arguments):
        entry = real(*arguments)
        if not calls:
            vs.open(repo.path).withdraw(["B"])
        calls.append(repo.path / entry["part"]["path"])
        return entry

    monkeypatch.setattr(describing, "_write", late)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        repo.set_samples({"sample": ["A", "B", "X"], "age": [5, 6, 7]})
    assert len(shown) == 1
    assert [path.exists() for path in calls] == [False, True]
    assert said(repo, "age")["age"] == [5, None, None, None, None]


def test_another_writer_may_be_faster(tmp_path):
    """Two change the table, each from the version it opened: both changes are there in the end."""
    one, two = make_repo(tmp_path), vs.open(tmp_path / "repo")
    one.set_samples({"sample": ["A"], "age": [5]})
    two.set_samples({"sample": ["B"], "age": [6]})
    assert two.version == 4
    assert said(two, "age")["age"] == [5, 6, None, None, None]


def test_an_older_varstore_refuses(tmp_path, monkeypatch):
    repo = make_repo(tmp_path)
    repo.set_samples({"sample": ["A"], "sex": ["male"]})
    known = tuple(each for each in manifest._KNOWN_TO_READERS if each != manifest.SAMPLE_COLUMNS)
    monkeypatch.setattr(manifest, "_KNOWN_TO_READERS", known)
    with pytest.raises(FormatVersionError, match="sample-columns"):
        vs.open(repo.path)


def test_damage_is_noticed(tmp_path):
    repo = make_repo(tmp_path)
    repo.set_samples({"sample": ["A"], "age": [5]})
    path = repo.path / repo.manifest.document["sample_overlays"][0]["part"]["path"] / "age" / "0"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(vs.CorruptRepositoryError, match="damaged"):
        vs.open(repo.path).columns["age"]
    assert any("age/0" in problem for problem in vs.open(repo.path).verify())


# Shown


def table_of(tmp_path):
    repo = make_repo(tmp_path)
    return repo.set_samples(write(tmp_path / "a.tsv", SCALE + ROWS))


def test_the_table_in_python(tmp_path):
    table = table_of(tmp_path).sample_table()
    assert (len(table), table.columns) == (5, ["sample", *FIRST])
    assert table.sample.tolist() == list("ABCDE")
    assert table.age.tolist() == FIRST["age"]
    assert (table.age > 10).filled(False).tolist() == [True, False, False, False, False]
    np.testing.assert_array_equal(table.bmi, [20.5, np.nan, np.nan, 30, np.nan])
    assert table["note"].tolist() == FIRST["note"]
    assert table["seen"].dtype == "M8[D]"
    assert table.kind("smoker") == "boolean"
    assert repr(table) == "<SampleTable of 5 samples: sample, age, bmi, smoker, seen, note>"
    with pytest.raises(AttributeError, match="no column 'nothing'"):
        table.nothing  # noqa: B018


def test_some_samples_in_the_order_asked(tmp_path):
    table = table_of(tmp_path).sample_table(["D", "A"])
    assert (table.sample.tolist(), table.age.tolist(), table.note.tolist()) == (["D", "A"], [7, 61], [None, "x y"])
    assert table.age.dtype == np.int64


def test_other_libraries_take_it(tmp_path):
    table = table_of(tmp_path).sample_table()
    pytest.importorskip("pandas")
    frame = table.to_pandas()
    assert frame["age"].dtype == "Int64"
    assert frame["smoker"].tolist()[:2] == [True, False]
    assert frame["seen"].dt.year.tolist()[0] == 2020
    assert frame["note"].isna().tolist() == [False, False, True, True, True]
    polars = pytest.importorskip("polars")
    lists = table.to_polars().to_dict(as_series=False)
    assert {name: lists[name] for name in FIRST} == FIRST
    pytest.importorskip("arro3.core")
    assert polars.DataFrame(table).to_dict(as_series=False) == lists
    pytest.importorskip("xarray")
    dataset = table.to_xarray()
    np.testing.assert_array_equal(dataset["age"], [61, np.nan, np.nan, 7, np.nan])
    np.testing.assert_array_equal(dataset["smoker"], [1, 0, np.nan, np.nan, np.nan])
    assert dataset["seen"].dims == ("samples",)


def test_what_is_shown_can_be_taken_in_again(tmp_path):
    repo = table_of(tmp_path)
    text = "".join(repo.sample_table().to_tsv())
    assert text.splitlines()[1] == "A\t61\t20.5\ttrue\t2020-01-02\tx y"
    repo.set_samples(drop=list(FIRST))
    repo.set_samples(write(tmp_path / "b.tsv", text))
    assert said(repo) == FIRST


# The command


def test_the_command(tmp_path, fx_cli):
    repo = make_repo(tmp_path)
    table = write(tmp_path / "a.csv", "who,age,,note\nA,61,,x\nD,-9,,\nX,3,,\n")
    done = fx_cli("samples", repo.path, "--set", table, "--id", "who", "--missing", "-9")
    assert done.returncode == 0, done.stderr
    assert "version 3, 2 columns of people" in done.stderr
    assert "1 columns without a name are left out (column 3)" in done.stderr
    assert "1 of 3 rows are of nobody in the repository: 'X'" in done.stderr
    shown = fx_cli("samples", repo.path)
    assert shown.stdout == "sample\tage\tnote\nA\t61\tx\nB\t.\t.\nC\t.\t.\nD\t.\t.\nE\t.\t.\n"
    some = fx_cli("samples", repo.path, "-s", "^B,C,E", "--format", "json")
    assert [json.loads(line) for line in some.stdout.splitlines()] == [
        {"sample": "A", "age": 61, "note": "x"}, {"sample": "D", "age": None, "note": None},
    ]  # fmt: skip
    fx_cli("samples", repo.path, "-o", tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text() == shown.stdout
    info = fx_cli("info", repo.path).stdout
    assert "column    age: integer, 4 missing; 61 to 61\n" in info
    assert "column    note: text, 4 missing; x (1)\n" in info
    assert json.loads(fx_cli("info", repo.path, "--json").stdout)["columns"][1] == {
        "name": "note", "kind": "text", "missing": 4, "distinct": 1, "commonest": [["x", 1]],
    }  # fmt: skip
    assert fx_cli("samples", repo.path, "--drop", "note").returncode == 0
    assert fx_cli("samples", repo.path, "-s", "A").stdout == "sample\tage\nA\t61\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "{}", "--id", "who", "--strict"], "1 of 2 rows are of nobody"),
        (["--set", "{}"], "expected a header with a column sample"),
        (["--set", "{}", "-s", "A"], "do one after the other"),
        (["--strict"], "give one with --set FILE"),
        (["--drop", "age"], "no column 'age'"),
        (["-s", "nobody"], "no sample 'nobody'"),
        (["--set", "none.tsv"], "there is no such file"),
    ],
)
def test_what_the_command_refuses(tmp_path, monkeypatch, options, words):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    repo = make_repo(tmp_path)
    table = str(write(tmp_path / "a.csv", "who,age\nA,61\nX,3\n"))
    done = CliRunner().invoke(main, ["samples", str(repo.path), *(option.replace("{}", table) for option in options)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("varstore: ")
    assert words in done.stderr
    assert vs.open(repo.path).version == 2


def test_the_table_of_the_slice(tmp_path, fx_shared_data):
    repo = vs.create(tmp_path / "repo", fx_shared_data / "real" / "1kg_p3_chr22_16-16.5mb.vcf.gz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        repo.set_samples(fx_shared_data / "meta" / "integrated_call_samples_v3.20130502.ALL.panel")
        repo.set_samples(fx_shared_data / "meta" / "igsr_samples.tsv")
    repo.set_samples(fx_shared_data / "meta" / "cineca_uk1.tsv.gz", id="Subject id")
    table = repo.sample_table()
    assert (len(table), len(table.columns)) == (2504, 90)
    assert not repo.columns["super_pop"].missing.any()
    people = {column["name"]: column for column in repo.info()["columns"]}
    assert people["super_pop"]["commonest"][0] == ["AFR", 661]
    assert people["Sleep duration-0.0"]["range"] == [3, 11]
    row = dict(
        zip(table.columns, next(zip(*(table[name].tolist() for name in table.columns), strict=True)), strict=True)
    )
    assert (row["sample"], row["pop"], row["Biosample ID"], row["eid"]) == ("HG00096", "GBR", "SAME123268", "fake1")
    assert repo.verify() == []


def test_stores_of_others_are_read_only(tmp_path):
    repo = make_repo(tmp_path)
    repo.export(tmp_path / "a.vcz")
    other = vs.open(tmp_path / "a.vcz")
    assert list(other.columns) == RESERVED
    assert cells(other.columns["sample"]) == list("ABCDE")
    assert other.sample_table().columns == ["sample"]
    with pytest.raises(ReadOnlyError):
        other.set_samples({"sample": ["A"], "age": [5]})
