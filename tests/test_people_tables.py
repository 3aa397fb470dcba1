"""Tables of people in files: TSV, CSV, pedigrees, phenopackets, DataFrames; and OBO vocabularies."""

import csv
import datetime
import gzip
import io
import json
import random
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_people_columns import cells
from varstore.errors import InputError, QueryError
from varstore.people.obo import read_obo
from varstore.people.reading import people_of, read_people


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def content(table):
    """A table as ids and lists of values."""
    return list(table.samples), {name: cells(column) for name, column in table.columns.items()}


# TSV and CSV

PLAIN = "sample\tage\tnote\nA\t61\tx, y\nB\tNA\t\nC\t7\tz\n"
EXPECTED = (["A", "B", "C"], {"age": [61, None, 7], "note": ["x, y", None, "z"]})


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "\ufeff" + PLAIN,
        PLAIN.rstrip("\n"),
        PLAIN + "\n\n",
        PLAIN.replace("\t", " \t"),
        'sample,age,note\nA,61,"x, y"\nB,NA,\nC,7,z\n',
        'sample;age;note\n"A";61;"x, y"\nB;NA;""\n"C";7;z\n',
        '"sample"\t"age"\t"note"\nA\t61\t"x, y"\nB\t#N/A\t#REF!\nC\t7\tz\n',
    ],
)
def test_the_same_table_in_many_spellings(tmp_path, text):
    assert content(read_people(write(tmp_path / "a.txt", text))) == EXPECTED
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(text.encode()))
    assert content(read_people(tmp_path / "a.tsv.gz")) == EXPECTED


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).map(str.strip)


@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=8), st.sampled_from("\t,;"), st.sampled_from(["\n", "\r\n"]))
def test_whatever_csv_writes_is_read(tmp_path_factory, pairs, delimiter, end):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["sample", "one", "other: é"], *([f"S{i}", *pair] for i, pair in enumerate(pairs))])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(out.getvalue().encode())
    table = people_of(path, missing="")
    assert list(table.samples) == [f"S{i}" for i in range(len(pairs))]
    for place, name in enumerate(("one", "other: é")):
        column = table.columns[name]
        if column.kind == "text":
            assert cells(column) == [pair[place] or None for pair in pairs]


def test_a_cell_may_have_lines(tmp_path):
    table = read_people(write(tmp_path / "a.csv", 'sample,note\nA,"one\ntwo"\nB,x\n'))
    assert content(table) == (["A", "B"], {"note": ["one\ntwo", "x"]})


@pytest.mark.parametrize("name", ["sample", "Sample", "sample_id", "IID", "#IID", "Sample name"])
def test_the_column_of_ids_has_one_of_several_names(tmp_path, name):
    path = write(tmp_path / "a.tsv", f"age\t{name}\n1\tA\n")
    assert content(read_people(path)) == (["A"], {"age": [1]})


def test_the_column_of_ids_can_be_named(tmp_path):
    path = write(tmp_path / "a.tsv", "IID\tSubject id\nA\tB\n")
    assert content(read_people(path, "Subject id")) == (["B"], {"IID": ["A"]})
    assert content(read_people(path, "subject ID")) == (["B"], {"IID": ["A"]})
    with pytest.raises(InputError, match="no column 'nobody'; there are 'IID', 'Subject id'"):
        read_people(path, "nobody")


def test_missing_cells_can_be_named(tmp_path):
    path = write(tmp_path / "a.tsv", "sample\tage\nA\t-9\nB\t3\nC\t\n")
    assert content(read_people(path, missing="-9,x"))[1] == {"age": [None, 3, None]}


def test_columns_without_a_name_are_left_out_with_a_warning(tmp_path):
    path = write(tmp_path / "a.tsv", "sample\tage\t\t\nA\t5\nB\t6\t\tx\n")
    with pytest.warns(UserWarning, match=r"2 columns without a name are left out \(column 3, 4\)"):
        assert content(read_people(path)) == (["A", "B"], {"age": [5, 6]})


def test_sex_comes_in_many_words(tmp_path):
    text = "#FID\tIID\tSEX\tage\nf\ta\t1\t3\nf\tb\tF\t\nf\tc\tfemale\t9\nf\td\tNA\t1\nf\te\t\t.\nf\tg\tUnknown\t2\n"
    table = read_people(write(tmp_path / "a.tsv", text))
    assert cells(table.columns["sex"]) == ["male", "female", "female", None, None, None]
    assert list(table.columns) == ["sex", "#FID", "age"]


def test_gender_fills_sex_where_it_is_one(tmp_path):
    table = read_people(write(tmp_path / "a.tsv", "sample\tGender\nA\tmale\nB\tnon-binary\nC\tF\n"))
    assert content(table)[1] == {"sex": ["male", None, "female"], "Gender": ["male", "non-binary", "F"]}
    table = read_people(write(tmp_path / "a.tsv", "sample\tgender\tsex\nA\tmale\t2\n"))
    assert content(table)[1] == {"sex": ["female"], "gender": ["male"]}
    table = read_people(write(tmp_path / "a.tsv", "sample\tgender\nA\tother\n"))
    assert content(table)[1] == {"gender": ["other"]}


def test_ids_are_text_whatever_they_look_like(tmp_path):
    table = read_people(write(tmp_path / "a.tsv", "sample\tperson\tfather\tage\n01\t7\t1.0\t7\n"))
    assert content(table) == (["01"], {"person": ["7"], "father": ["1.0"], "age": [7]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["line 1", "found nothing", "a column sample", "--id COLUMN"]),
        ("name\tsex\n", ["line 1", "found 'name', 'sex'", "a column sample"]),
        ("sample\tsex\na\tmal\n", ["line 2", "sex is 'mal'", "expected male, female"]),
        ("sample\tsex\na\tM\nb\n", ["line 3", "1 columns, the header has 2"]),
        ("sample\tsex\na\tM\tx\n", ["line 2", "3 columns, the header has 2"]),
        ("sample\na\na\n", ["line 3", "named twice", "'a' (lines 2, 3)"]),
        ("sample\nb\na\nc\na\nb\na\n", ["named twice: 'b' (lines 2, 6); 'a' (lines 3, 5, 7)"]),
        ("sample\tage\n\t3\n", ["line 2", "no name", "expected the id"]),
        ("sample\tsex\tSex\n", ["line 1", "'sex' stands twice"]),
        ("sample\tage\tage\n", ["line 1", "'age' stands twice"]),
        ("IID\tsample\nA\tB\n", []),
        ('sample,note\na,"b\nc,d\n', ["line 2", "is a quotation mark open?"]),
        ("sample\0\n", ["zero bytes"]),
    ],
)
def test_errors_have_a_line(tmp_path, text, words):
    path = write(tmp_path / "a.tsv", text)
    if not words:
        assert content(read_people(path)) == (["B"], {"IID": ["A"]})
        return
    with pytest.raises(InputError) as error:
        read_people(path)
    for word in [str(path), *words]:
        assert word in str(error.value)


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_people(tmp_path / "none.tsv")
    (tmp_path / "cut.tsv.gz").write_bytes(gzip.compress(b"sample\n")[:-9])
    with pytest.raises(InputError, match="does not inflate"):
        read_people(tmp_path / "cut.tsv.gz")
    with pytest.raises(InputError, match="no text"):
        read_people(write(tmp_path / "a.tsv", "sample\n", "utf-16"))
    with pytest.raises(InputError, match="'sample' is reserved"):
        read_people(write(tmp_path / "a.tsv", "IID\tsample\nA\tB\n"), "IID")
    with pytest.raises(QueryError, match="found int, expected a path"):
        people_of(3)


def test_real_tables_load_as_they_are(fx_shared_data):
    meta = fx_shared_data / "meta"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        panel = read_people(meta / "integrated_call_samples_v3.20130502.ALL.panel")
    assert ["2 columns without a name" in str(each.message) for each in said] == [True]
    assert list(panel.columns) == ["sex", "pop", "super_pop", "gender"]
    igsr = read_people(meta / "igsr_samples.tsv")
    cineca = read_people(meta / "cineca_uk1.tsv.gz", "Subject id")
    assert (len(panel.samples), len(igsr.samples), len(cineca.samples)) == (2504, 4974, 2504)
    for table in (panel, igsr, cineca):
        sex = table.columns["sex"]
        assert list(sex.categories) == ["female", "male"]
    kinds = {name: column.kind for name, column in cineca.columns.items()}
    assert (kinds["Platelet count-0.0"], kinds["Ever smoked-0.0"], kinds["Sleep duration-0.0"]) == (
        "number", "boolean", "integer",
    )  # fmt: skip
    assert cineca.columns["Date of death-0.0"].missing.all()


# Pedigrees


def test_fam_and_ped_and_psam(tmp_path):
    fam = write(tmp_path / "a.fam", "F1 A 0 0 1 2\nF1\tB\t0\t0\t2\t1\nF1  C A B 0 -9\n0 D 0 0 -9 0\n")
    assert content(read_people(fam)) == (
        ["A", "B", "C", "D"],
        {
            "sex": ["male", "female", None, None],
            "family": ["F1", "F1", "F1", None],
            "father": [None, None, "A", None],
            "mother": [None, None, "B", None],
            "phenotype": [2, 1, None, None],
        },
    )
    ped = write(tmp_path / "a.ped", "#FID IID PAT MAT SEX PHENO\nF A 0 0 1 0\nF B A 0 F 2.5\n\n")
    _, columns = content(read_people(ped))
    assert columns["phenotype"] == [0.0, 2.5]  # a quantity of 0 is one
    assert columns["father"] == [None, "A"]
    psam = write(tmp_path / "a.psam", "#IID\tSEX\tPOP\nA\t1\tGBR\nB\tNA\t.\n")
    assert content(read_people(psam)) == (["A", "B"], {"sex": ["male", None], "POP": ["GBR", None]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("F A 0 0 1 1\nF B 0 0 1\n", ["line 2", "5 columns, expected 6: family sample father"]),
        ("F A 0 0 3 1\n", ["line 1", "sex is '3'"]),
        ("F A 0 0 1 1\nG A 0 0 1 1\n", ["line 2", "'A' (lines 1, 2)"]),
        ("#FID SEX\nF 1\n", ["line 1", "a header with IID"]),
        ("#IID IID\n", ["line 1", "stands twice"]),
        ("F A 0 0 1 1\n#IID SEX\n", ["line 2", "a header after people"]),
    ],
)
def test_errors_of_pedigrees_have_a_line(tmp_path, text, words):
    path = write(tmp_path / "a.ped", text)
    with pytest.raises(InputError) as error:
        read_people(path)
    for word in [str(path), *words]:
        assert word in str(error.value)
    with pytest.raises(QueryError, match="no column to choose"):
        read_people(path, "IID")


# Phenopackets


def packet(name, **more):
    """A packet of somebody."""
    subject = {
        "id": name,
        **{key: more.pop(key) for key in list(more) if key in ("sex", "dateOfBirth", "timeAtLastEncounter")},
    }
    return {"id": f"packet of {name}", "subject": subject, "metaData": {}, **more}


FEATURES = [
    {"type": {"id": "HP:0000819", "label": "Diabetes mellitus"}},
    {"type": {"id": "HP:0001250"}, "excluded": True},
    {"type": {"id": "HP:0000822"}, "excluded": False},
    {"type": {"id": "HP:0000819"}},
]
DISEASES = [{"term": {"id": "MONDO:0005148"}}, {"term": {"id": "MONDO:0005147"}, "excluded": True}]
ONE = packet("A", sex="FEMALE", timeAtLastEncounter={"age": {"iso8601duration": "P45Y6M"}},
             phenotypicFeatures=FEATURES, diseases=DISEASES)  # fmt: skip
TWO = packet(
    "B", sex="OTHER_SEX", dateOfBirth="1980-01-01T00:00:00Z", timeAtLastEncounter={"timestamp": "2020-01-01T09:00:00Z"}
)
BOTH = (
    ["A", "B"],
    {
        "sex": ["female", None], "age": [45.5, 40.0], "phenotype": ["HP:0000819;HP:0000822", None],
        "phenotype_excluded": ["HP:0001250", None], "disease": ["MONDO:0005148", None],
        "disease_excluded": ["MONDO:0005147", None],
    },
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([ONE, TWO], indent=2),
        json.dumps(ONE) + "\n" + json.dumps(TWO) + "\n",
        json.dumps({"id": "cohort", "members": [ONE, TWO]}),
        json.dumps({"id": "family", "proband": ONE, "relatives": [TWO]}),
        json.dumps([ONE, TWO]).replace("phenotypicFeatures", "phenotypic_features").replace(
            "timeAtLastEncounter", "time_at_last_encounter"),
    ],
    ids=["list", "lines", "cohort", "family", "protobuf"],
)  # fmt: skip
def test_phenopackets_in_each_form(tmp_path, text):
    table = read_people(write(tmp_path / "a.json", text))
    assert content(table)[0] == BOTH[0]
    columns = content(table)[1]
    assert columns.pop("age") == pytest.approx(BOTH[1]["age"], abs=2e-3)
    assert columns == {name: values for name, values in BOTH[1].items() if name != "age"}


def test_a_folder_of_phenopackets(tmp_path):
    for name, one in (("2.json", TWO), ("1.json", ONE)):
        write(tmp_path / name, json.dumps(one))
    write(tmp_path / "readme.txt", "no packet")
    assert content(read_people(tmp_path))[0] == ["A", "B"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no file named \.json"):
        read_people(tmp_path / "empty")


def test_pedigrees_of_families(tmp_path):
    persons = [
        {"familyId": "F", "individualId": "A", "paternalId": "P", "maternalId": "0", "sex": "FEMALE"},
        {"familyId": "F", "individualId": "P", "paternalId": "0", "maternalId": "0", "sex": "MALE"},
    ]
    family = {"proband": ONE, "pedigree": {"persons": persons}}
    samples, columns = content(read_people(write(tmp_path / "a.json", json.dumps(family))))
    assert samples == ["A", "P"]
    assert columns["father"] == ["P", None]
    assert "mother" not in columns
    assert columns["sex"] == ["female", "male"]


@pytest.mark.parametrize(
    ("duration", "years"),
    [
        ("P30Y", 30),
        ("P0D", 0),
        ("P1Y6M", 1.5),
        ("P2W", 14 / 365.25),
        ("P3M10D", 0.25 + 10 / 365.25),
        ("P1DT12H", 1 / 365.25),
    ],
)
def test_ages(tmp_path, duration, years):
    text = json.dumps(packet("A", timeAtLastEncounter={"age": {"iso8601duration": duration}}))
    _, columns = content(read_people(write(tmp_path / "a.json", text)))
    assert columns["age"] == [pytest.approx(years, abs=1e-4)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["line 1", "no JSON"]),
        ('[{"subject": {}}]', ["packet 1", "no subject with an id"]),
        ("[3]", ["found int"]),
        ('{"subject": {"id": "A", "timeAtLastEncounter": {"age": {"iso8601duration": "45"}}}}', ["'45'", "P45Y6M"]),
        ('{"subject": {"id": "A", "timeAtLastEncounter": {"age": {"iso8601duration": "P"}}}}', ["'P'"]),
        ('{"subject": {"id": "A"}, "phenotypicFeatures": [{}]}', ["a type without an id"]),
        ('{"subject": {"id": "A"}, "phenotypicFeatures": 3}', ["another structure"]),
        ('{"subject": {"id": "A"}, "diseases": ["x"]}', ["another structure"]),
        ('{"subject": {"id": "A", "sex": []}}', ["another structure"]),
        ('[{"subject": {"id": "A"}}, {"subject": {"id": "A"}}]', ["'A' (packets 1, 2)"]),
        ("[" * 100_000, ["no JSON"]),
    ],
)
def test_errors_of_phenopackets(tmp_path, text, words):
    path = write(tmp_path / "a.json", text)
    with pytest.raises(InputError) as error:
        read_people(path)
    for word in [str(path), *words]:
        assert word in str(error.value)


# Tables in memory

IN_MEMORY = {
    "sample": ["A", "B"], "sex": [1, 2], "age": [61, None], "bmi": [np.nan, 22.5], "smoker": [True, None],
    "seen": [datetime.date(2020, 1, 2), None], "code": ["7", "8"],
}  # fmt: skip
TYPED = {
    "sex": ["male", "female"], "age": [61, None], "bmi": [None, 22.5], "smoker": [True, None],
    "seen": [datetime.date(2020, 1, 2), None], "code": ["7", "8"],
}  # fmt: skip


def test_mappings_and_frames(tmp_path):
    assert content(people_of(IN_MEMORY)) == (["A", "B"], TYPED)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(IN_MEMORY)
    frame["seen"] = pandas.to_datetime(frame["seen"])
    _, columns = content(people_of(frame))
    assert columns == TYPED  # of ages pandas makes floats, equal ones
    assert content(people_of(frame.convert_dtypes()))[1] == TYPED
    frame["code"] = frame["code"].astype("category")
    assert content(people_of(frame.rename(columns={"sample": "who"}), "who")) == (["A", "B"], TYPED)
    polars = pytest.importorskip("polars")
    assert content(people_of(polars.DataFrame(IN_MEMORY))) == (["A", "B"], TYPED)


def test_errors_of_tables_in_memory():
    with pytest.raises(InputError, match="columns differ in length: 'sample' 2, 'age' 1"):
        people_of({"sample": ["A", "B"], "age": [1]})
    with pytest.raises(InputError, match="row 2: samples are named twice"):
        people_of({"sample": ["A", "A"], "age": [1, 2]})
    with pytest.raises(InputError, match="expected a header with a column sample"):
        people_of({"who": ["A"]})
    with pytest.raises(InputError, match="of 2 dimensions"):
        people_of({"sample": ["A"], "x": [[1, 2]]})
    assert content(people_of({"sample": ["A"], "x": [1 << 70]}))[1] == {"x": [str(1 << 70)]}


# Vocabularies

OBO = """format-version: 1.2
ontology: hp

[Term]
id: HP:1
name: All

[Term]
id: HP:2
name: Diabetes ! of some sort
alt_id: HP:20
is_a: HP:1 ! All

[Term]
id: HP:3
is_a: HP:2 {source="x"} ! Diabetes
is_a: HP:1

[Typedef]
id: part_of
is_a: HP:2

[Term]
id: HP:4
is_obsolete: true
replaced_by: HP:3

[Term]
id: HP:5
is_obsolete: true
"""


def test_descendants_of_a_term(tmp_path):
    terms = read_obo(write(tmp_path / "a.obo", OBO))
    assert terms.descendants("HP:2") == {"HP:2", "HP:20", "HP:3", "HP:4"}
    assert terms.descendants("HP:20") == {"HP:2", "HP:20", "HP:3", "HP:4"}
    assert terms.descendants("HP:4") == {"HP:3", "HP:4"}
    assert terms.descendants("HP:5") == {"HP:5"}
    assert len(terms.descendants("HP:1")) == 5
    assert (terms.name("HP:20"), "HP:4" in terms, "part_of" in terms) == ("Diabetes", True, False)
    with pytest.raises(InputError, match="no term 'HP:9'"):
        terms.descendants("HP:9")


def test_descendants_are_those_of_a_naive_search(tmp_path):
    rng = random.Random(4)
    parents = {i: rng.sample(range(i), min(i, rng.randint(1, 3))) for i in range(1, 60)}
    stanzas = [f"[Term]\nid: T:{i}\n" + "".join(f"is_a: T:{p}\n" for p in parents.get(i, ())) for i in range(60)]
    rng.shuffle(stanzas)
    terms = read_obo(write(tmp_path / "a.obo", "format-version: 1.4\n\n" + "\n".join(stanzas)))

    def ancestors(i):
        return {i}.union(*(ancestors(p) for p in parents.get(i, ())))

    for i in range(60):
        assert terms.descendants(f"T:{i}") == {f"T:{j}" for j in range(60) if i in ancestors(j)}


def test_circles_in_a_vocabulary_end(tmp_path):
    text = (
        "[Term]\nid: A\nis_a: B\nalt_id: C\n[Term]\nid: B\nis_a: A\n[Term]\nid: D\nis_obsolete: true\nreplaced_by: E\n"
    )
    text += "[Term]\nid: E\nis_obsolete: true\nreplaced_by: D\n"
    terms = read_obo(write(tmp_path / "a.obo", text))
    assert terms.descendants("A") == {"A", "B", "C"}
    assert "D" in terms.descendants("D")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sample\tage\n", "no \\[Term\\]"),
        ("[Term]\nname: x\n", "line 1: a \\[Term\\] without id"),
        ("[Term]\nhello\n", "line 2"),
    ],
)  # fmt: skip
def test_what_is_no_obo(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_obo(write(tmp_path / "a.obo", text))
