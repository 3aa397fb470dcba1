"""Columns of people: typing of cells, what several parts say together, and how parts hold them."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varstore.model.columns import Column
from varstore.people.cells import MISSING, as_text, parse_missing, texts_of, typed
from varstore.people.merging import merge
from varstore.storage.manifest import staging_folder
from varstore.storage.parts import Part, PartWriter
from varstore.storage.sample_columns import array_name, read_column, stored_columns, write_columns


def cells(column):
    """A column as a list of Python values, None where missing."""
    values = column.values.tolist()
    if column.kind == "text":
        values = [column.categories[code] if len(column.categories) else None for code in values]
    return [None if gone else value for value, gone in zip(values, column.missing.tolist(), strict=True)]


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", "-2", "", "+3"], "integer", [1, -2, None, 3]),
        (["1", "2.5", "NA", "1e3", ".5"], "number", [1.0, 2.5, None, 1000.0, 0.5]),
        (["1.5", "nan"], "number", [1.5, None]),
        (["TRUE", "false", "."], "boolean", [True, False, None]),
        (["Yes", "no", "#N/A"], "boolean", [True, False, None]),
        (["2020-02-29", "#REF!"], "date", [datetime.date(2020, 2, 29), None]),
        (["2020-02-30", "2020-01-01"], "text", ["2020-02-30", "2020-01-01"]),
        (["007", "8"], "text", ["007", "8"]),
        (["1", "x"], "text", ["1", "x"]),
        (["yes", "1"], "text", ["yes", "1"]),
        (["9" * 19, "1"], "text", ["9" * 19, "1"]),
        ([str(-(1 << 63))], "text", [str(-(1 << 63))]),
        (["1" + "0" * 17, "0.5"], "text", ["1" + "0" * 17, "0.5"]),
        (["1e9999"], "text", ["1e9999"]),
        (["\u0661"], "text", ["\u0661"]),
        (["", "."], "text", [None, None]),
        ([], "text", []),
    ],
)
def test_a_column_has_the_narrowest_kind_of_all_its_cells(texts, kind, values):
    column = typed(texts)
    assert (column.kind, cells(column)) == (kind, values)
    assert list(column.categories) == sorted({v for v in values if v is not None} if kind == "text" else ())


def test_what_is_missing_can_be_said():
    assert cells(typed(["-9", "", "NA"], parse_missing("-9"))) == [None, None, "NA"]
    assert parse_missing(None) == set(MISSING)


_TEXTS = st.one_of(
    st.lists(st.sampled_from(["", "NA", "a", "b c", "ä", "1;2", "007", "x" * 50]), max_size=9),
    st.lists(st.integers(-(2**40), 2**40).map(str) | st.just(""), max_size=9),
    st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.just("NA"), max_size=9),
    st.lists(st.sampled_from(["true", "false", ""]), max_size=9),
    st.lists(st.dates(datetime.date(1, 1, 1)).map(str) | st.just("."), max_size=9),
)


@given(_TEXTS)
def test_texts_of_a_column_are_read_as_the_same_column(texts):
    column = typed(texts)
    again = typed(texts_of(column))
    assert cells(again) == cells(column)
    assert again.kind == column.kind or (column.kind, again.kind) == ("number", "integer")
    assert cells(as_text(column)) == [text or None for text in texts_of(column)]


@given(st.lists(st.tuples(_TEXTS, st.randoms(use_true_random=False)), min_size=1, max_size=4))
def test_the_last_part_that_says_something_wins(given_parts):
    pieces, expected, kinds = [], [None] * 12, set()
    columns = [typed(texts) for texts, _ in given_parts]
    speaking = {column.kind for column in columns if not column.missing.all()}
    for column, (_, random) in zip(columns, given_parts, strict=True):
        numbers = np.array(sorted(random.sample(range(12), len(column))), np.int64)
        pieces.append((numbers, column))
        kinds.add(column.kind)
        texts = texts_of(column)
        for place, number in enumerate(numbers.tolist()):
            if not column.missing[place]:
                expected[number] = (texts[place], cells(column)[place])
    merged = merge(pieces, 12)
    if len(speaking) == 1:
        assert merged.kind in speaking
        assert cells(merged) == [None if said is None else said[1] for said in expected]
    elif speaking == {"integer", "number"}:
        assert merged.kind == "number"
        assert cells(merged) == [None if said is None else float(said[1]) for said in expected]
    elif speaking:
        assert merged.kind == "text"
        assert cells(merged) == [None if said is None else said[0] for said in expected]
    else:
        assert merged.missing.all()
    if merged.kind == "text":
        assert list(merged.categories) == sorted({cell for cell in cells(merged) if cell is not None})


_NAMES = ["age", "Sex ", ".hidden", "a/b\\c", "varstore", "ä" * 90, "x" * 200, "x" * 199 + "y", "%41", "A", "sample "]


@given(st.lists(_TEXTS, min_size=1, max_size=4))
def test_columns_come_back_from_a_part(tmp_path_factory, texts):
    rows = min(map(len, texts))
    columns = {name: typed((texts * 20)[i][:rows]) for i, name in enumerate(_NAMES)}
    root = tmp_path_factory.mktemp("parts")
    (root / "tmp").mkdir()
    writer = PartWriter(staging_folder(root) / "part")
    write_columns(writer, columns)
    part = Part(root, writer.publish(root, "samples/a"))
    assert not list(part.problems())
    stored = stored_columns(part)
    assert list(stored) == _NAMES
    for name, column in columns.items():
        again = read_column(part, stored[name])
        assert (again.kind, cells(again), list(again.categories)) == (
            column.kind, cells(column), list(column.categories))  # fmt: skip


def test_names_of_arrays_are_names_of_files():
    assert [array_name(name) for name in ("a b", ".x", "a/b", "varstore")] == ["a b", "%2Ex", "a%2Fb", "%76arstore"]


def test_many_categories_need_wider_codes(tmp_path):
    (tmp_path / "tmp").mkdir()
    for count in (127, 128, 32768):
        column = typed([f"c{i}" for i in range(count)])
        writer = PartWriter(staging_folder(tmp_path) / "part")
        write_columns(writer, {"a": column})
        part = Part(tmp_path, writer.publish(tmp_path, f"samples/{count}"))
        again = read_column(part, stored_columns(part)["a"])
        assert cells(again) == cells(column)


def test_a_column_is_what_its_missing_cells_say():
    column = Column("integer", np.array([5, 7]), np.array([True, False]))
    assert texts_of(column) == ["", "7"]
