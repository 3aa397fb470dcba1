"""Alleles looked up: in any order, spelling and form, against the rules said slowly; and what is no allele."""

import random

import numpy as np
import pytest

import varstore as vs
import vcf_text
from genome_oracle import counted_row
from reference import read_vcf
from test_genome import HEAD, reference_text, repository, shifted
from union_oracle import allele_key, make_batches
from varstore.genome import lookup, matching
from varstore.storage import batch

COLUMNS = ("contig", "position", "ref", "alt")
COUNTED = ("state", "allele_count", "allele_number", "n_hom_alt")


def asked_of(texts, rng):
    """Every allele that has a key in these files, as tuples, some twice, shuffled; and its key for the oracle."""
    found = []
    for text in texts:
        for record in read_vcf(text).records:
            for alt in record.alts:
                key = allele_key(record, alt)
                if key is not None and not alt.startswith("<"):
                    found.append(((record.contig, record.pos, record.ref, alt), key))
    found += rng.sample(found, len(found) // 3)
    rng.shuffle(found)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_counts_and_states_are_those_of_the_rules(tmp_path, monkeypatch, seed):
    rng = random.Random(seed)
    monkeypatch.setattr(matching, "_CHUNKS", rng.choice((1, 2, 8)))
    monkeypatch.setattr(batch, "CHUNK_VARIANTS", rng.choice((1, 2, 5, 4096)))
    *texts, others = make_batches(seed, rng.choice((2, 4)))
    repo, batches, people = repository(tmp_path, texts, rng)
    asked = asked_of([*texts, others], rng)
    members = {"some": repo.samples[::2]}
    table = repo.look_up([allele for allele, _ in asked], cohorts=members)
    assert list(zip(*(table[name].tolist() for name in COLUMNS), strict=True)) == [allele for allele, _ in asked]
    numbers = [repo.samples.index(name) for name in members["some"]]
    for row, (_, key) in enumerate(asked):
        expected = counted_row(batches, people, key)
        assert {name: table[name][row] for name in COUNTED} == {name: expected[name] for name in COUNTED}
        assert str(table.allele_frequency[row]) == str(
            expected["allele_count"] / expected["allele_number"] if expected["allele_number"] else np.nan
        )
        cohort = counted_row(batches, people, key, numbers)
        assert table["allele_count_some"][row] == cohort["allele_count"]
        assert table["allele_number_some"][row] == cohort["allele_number"]
    assert "found" in table.state


@pytest.fixture
def fx_repo(tmp_path):
    records = ("10\t.\tA\tC", "0/1"), ("20\t.\tG\tGTT,T", "1/2"), ("30\t.\tACG\tA", "1/1")
    lines = "".join(f"22\t{site}\t.\t.\t.\tGT\t{call}\n" for site, call in records)
    text = HEAD.format(name="22", size=1000) + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tann\n" + lines
    return vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", text))


_ALLELES = ("ref", "U9"), ("alt", "U9")
ALLELES = [("22", 30, "ACG", "A"), ("22", 20, "G", "GTT"), ("22", 10, "A", "C"), ("22", 10, "A", "G")]


def test_every_form_of_a_table_gives_the_same(fx_repo):
    expected = "".join(fx_repo.look_up(ALLELES).to_tsv())
    assert [line.split("\t")[4:6] for line in expected.splitlines()[1:]] == [
        ["found", "2"], ["found", "1"], ["found", "1"], ["novel", "0"],
    ]  # fmt: skip
    columns = dict(zip(COLUMNS, zip(*ALLELES, strict=True), strict=True))
    position = np.array(columns["position"])
    fixed = {name: np.array(values) for name, values in columns.items()}
    forms = {
        "lists": {name: list(values) for name, values in columns.items()},
        "fixed text": fixed,
        "bytes": {name: v if name == "position" else v.astype("S") for name, v in fixed.items()},
        "objects": {name: v if name == "position" else v.astype(object) for name, v in fixed.items()},
        "strings": {name: v if name == "position" else v.astype(np.dtypes.StringDType()) for name, v in fixed.items()},
        "one contig": {**fixed, "contig": "22"},
        "numbers": {**fixed, "contig": np.full(4, 22)},
        "small numbers": {**fixed, "position": position.astype(np.uint16)},
        "records": np.array(ALLELES, dtype=[("contig", "U2"), ("position", "i4"), ("ref", "U3"), ("alt", "U3")]),
        "an answer": fx_repo.look_up(ALLELES),
        "rows": (tuple(row) for row in ALLELES),
    }
    for name, form in forms.items():
        assert "".join(fx_repo.look_up(form).to_tsv()) == expected, name


def test_what_is_kept_of_what_was_read_changes_no_answer(fx_repo):
    expected = "".join(fx_repo.look_up(ALLELES).to_tsv())
    assert fx_repo._blocks.num_bytes > 0
    with vs.open(fx_repo.path, cache_bytes=0) as forgetful:
        assert ["".join(forgetful.look_up(ALLELES).to_tsv()) for _ in range(2)] == [expected] * 2
        assert forgetful._blocks.num_bytes == 0


def test_data_frames_are_tables(fx_repo):
    expected = "".join(fx_repo.look_up(ALLELES).to_tsv())
    table = fx_repo.look_up(ALLELES)
    pytest.importorskip("pandas", reason="pandas is not installed")
    assert "".join(fx_repo.look_up(table.to_pandas()).to_tsv()) == expected
    pytest.importorskip("polars", reason="polars is not installed")
    assert "".join(fx_repo.look_up(table.to_polars()).to_tsv()) == expected


def test_contigs_go_by_what_they_are(fx_repo):
    table = fx_repo.look_up([("chr22", 10, "a", "c"), ("CHR22", 10, "A", "C"), ("7", 10, "A", "C")])
    assert table.state.tolist() == ["found", "found", "not_callable"]
    assert table.ref.tolist() == ["a", "A", "A"], "as given"


def test_many_contigs_in_turn(fx_repo):
    alleles = [("22", 10, "A", "C"), ("5", 10, "A", "C")] * 50
    assert fx_repo.look_up(alleles).state.tolist() == ["found", "not_callable"] * 50


def test_nothing_asked_is_nothing_answered(fx_repo):
    for form in ([], {name: [] for name in COLUMNS}):
        table = fx_repo.look_up(form)
        assert len(table) == 0
        assert table.columns[:5] == [*COLUMNS, "state"]


@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize("form", [list, lambda rows: np.array(rows, [("contig", "U9"), ("position", "i8"), *_ALLELES])])
def test_rows_are_taken_some_at_a_time(fx_repo, monkeypatch, rows, form):
    rng = random.Random(rows)
    asked = [*ALLELES, *((f"contig{i % 5}", 10 + i, "A", "C") for i in range(20))] * 2
    rng.shuffle(asked)
    expected = "".join(fx_repo.look_up(asked).to_tsv())
    monkeypatch.setattr(lookup, "_ROWS", rows)
    table = fx_repo.look_up(form(asked))
    assert "".join(table.to_tsv()) == expected
    wrong = [*asked[:17], ("22", 10, "A", "<DEL>"), *asked]
    with pytest.raises(vs.QueryError, match="row 17: alt is '<DEL>'"):
        fx_repo.look_up(form(wrong))


def test_rows_that_are_no_tuples_may_change_afterwards(fx_repo):
    asked = [list(allele) for allele in ALLELES]
    table = fx_repo.look_up(asked)
    asked[0][:] = "7", 1, "N", "N"
    assert list(zip(*(table[name].tolist() for name in COLUMNS), strict=True)) == ALLELES


@pytest.mark.parametrize("rows", [3, 1 << 14])
@pytest.mark.parametrize("seed", range(3))
def test_indels_are_left_aligned_where_there_is_a_fasta(tmp_path, monkeypatch, seed, rows):
    monkeypatch.setattr(lookup, "_ROWS", rows)
    rng = random.Random(seed)
    sequence = reference_text(rng)
    (tmp_path / "ref.fa").write_text(f">1\n{sequence}\n")
    text = HEAD.format(name="1", size=len(sequence)) + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tann\n"
    asked = []
    for position in range(20, 360, 17):
        ref = sequence[position - 1 : position + rng.choice((0, 1, 2))]
        alt = ref[0] if len(ref) > 1 else ref + rng.choice(("A", "CA", "GATTACAGATTAC"))
        text += f"1\t{position}\t.\t{ref}\t{alt}\t.\t.\t.\tGT\t0/1\n"
        asked.append(("1", *shifted(sequence, position, ref, alt)))
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", text), reference=tmp_path / "ref.fa")
    assert set(repo.look_up(asked).state.tolist()) == {"found"}
    mixed = [row for allele in asked for row in (("7", *allele[1:]), allele)]
    assert repo.look_up(mixed).state.tolist() == ["not_callable", "found"] * len(asked)


WRONG = [
    ([("22", 10, "A", "C"), ("22", 0, "A", "C")], r"row 1: position is 0; expected 1 to 2147483647"),
    ([("22", 2**31, "A", "C")], r"row 0: position is 2147483648"),
    ([("22", 10, "", "C")], r"row 0: ref is ''; expected bases"),
    ([("22", 10, "A", "C"), ("7", 1, "A", "C"), ("22", 10, "A-", "C")], r"row 2: ref is 'A-'; expected bases"),
    ([("22", 10, "A", "")], r"row 0: alt is ''; expected an allele"),
    ([("22", 10, "A", ".")], r"row 0: alt is '.'; expected an allele"),
    ([("22", 10, "A", "C"), ("22", 10, "A", "<DEL>")], r"row 1: alt is '<DEL>'; a symbolic allele"),
    ([("22", 10, "A", "Ä")], r"row 0: alt is 'Ä'; expected bases"),
    ([("22", 10, "A", "C\tT")], r"row 0: alt is 'C\\tT'; expected bases"),
    ([("22", 10, "A", None)], r"row 0: alt is None; expected bases"),
    ([("", 10, "A", "C")], r"a contig has no name"),
    ([("22", "10", "A", "C")], r"position is of .*, expected integers"),
    ([("22", 10.0, "A", "C")], r"position is of float64, expected integers"),
    ([("22", 10, "A")], r"expected tuples of contig, position, REF and ALT"),
    (["22:10"], r"expected tuples of contig, position, REF and ALT"),
    ("22:10 A>C", r"expected tuples of contig, position, REF and ALT"),
    (7, r"expected columns contig, position, ref, alt"),
    ({"contig": "22", "position": [1]}, r"expected columns contig, position, ref, alt"),
    ({"contig": "22", "position": [1, 2], "ref": ["A"], "alt": ["C"]}, r"different lengths"),
    ({"contig": "22", "position": [[1]], "ref": ["A"], "alt": ["C"]}, r"position has 2 dimensions"),
    ({"contig": "22", "position": [1], "ref": np.array(["A\0T", "Ä"])[1:], "alt": ["C"]}, r"row 0: ref is"),
]


@pytest.mark.parametrize(("alleles", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_no_allele_is_refused_with_its_row(fx_repo, alleles, message):
    with pytest.raises(vs.QueryError, match=message):
        fx_repo.look_up(alleles)


def test_contigs_without_end_are_refused(fx_repo, monkeypatch):
    monkeypatch.setattr(lookup, "_MOST_CONTIGS", 4)
    many = [(f"c{i}", 10, "A", "C") for i in range(4)] + ALLELES[:2]
    assert list(fx_repo.look_up(many[:3] + ALLELES[:2]).state) == ["not_callable"] * 3 + ["found"] * 2
    with pytest.raises(vs.QueryError, match="over 4 different contigs; look up some at a time"):
        fx_repo.look_up(many)


def test_contigs_in_any_order_and_number(fx_repo):
    rng = random.Random(5)
    asked = [*ALLELES, *((f"contig{i % 300}", 10 + i, "A", "C") for i in range(900))]
    rng.shuffle(asked)
    table = fx_repo.look_up(asked)
    assert list(zip(*(table[name].tolist() for name in COLUMNS), strict=True)) == asked
    expected = dict(zip(ALLELES, fx_repo.look_up(ALLELES).state, strict=True))
    assert list(table.state) == [expected.get(allele, "not_callable") for allele in asked]


def test_an_answer_stays_as_it_is_where_what_was_asked_changes(fx_repo):
    """Columns of text are made when they are looked at."""
    asked = {name: np.array(column) for name, column in zip(COLUMNS, zip(*ALLELES, strict=True), strict=True)}
    table = fx_repo.look_up(asked)
    for name in ("contig", "ref", "alt"):
        asked[name][:] = "N"
    asked["position"][:] = 1
    assert list(zip(*(table[name].tolist() for name in COLUMNS), strict=True)) == ALLELES


def test_alleles_in_order_are_rows_as_they_are(fx_repo):
    asked = sorted(ALLELES, key=lambda allele: allele[1:])
    once, twice = fx_repo.look_up(asked), fx_repo.look_up([allele for allele in asked for _ in range(2)])
    assert list(twice.allele_count) == [count for count in once.allele_count for _ in range(2)]
    backwards = fx_repo.look_up(asked[::-1])
    assert list(backwards.state) == list(once.state)[::-1]
