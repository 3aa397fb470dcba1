"""Cohort expressions: what they say, of whom they are true, and what is wrong with them."""

import datetime
import math
import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varstore.errors import CohortError, CohortExpressionError, QueryError
from varstore.model.columns import Column
from varstore.people.evaluation import evaluate
from varstore.people.expression import parse
from varstore.people.tree import Among, And, Compare, Has, Literal, Missing, Name, Not, Or, Saved

# A small world, in which every comparison meets equal, smaller, larger and missing values.
TEXTS = ["EUR", "AFR", "it's", 'say "no"', "back\\slash", "HP:1;HP:2", "HP:2, HP:3|HP:1", "", "ä", "or"]
INTEGERS = [-3, 0, 7, 2**62 + 1, -(2**63)]
NUMBERS = [-2.5, 0.0, 7.0, 1e300]
DATES = [datetime.date(1999, 12, 31), datetime.date(2024, 2, 29), datetime.date(1960, 1, 1)]
POOLS = {"text": TEXTS, "integer": INTEGERS, "number": NUMBERS, "boolean": [True, False], "date": DATES}
NAMES = {"text": ["pop", "is not", "ünï"], "integer": ["age", "#IID"], "number": ["bmi"],
         "boolean": ["smoker", "a`b"], "date": ["seen", "born in"]}  # fmt: skip
KIND_OF = {name: kind for kind, names in NAMES.items() for name in names}
SAVED = {"old": [0, 2], "the others": [1]}
TERMS = ["HP:1", "HP:2", "HP:3", "EUR", "or"]
BELOW = {"HP:1": {"HP:2"}, "HP:2": {"HP:3", "EUR"}}
SIGNS = ["==", "!=", "<", "<=", ">", ">="]


class Terms:
    def descendants(self, term):
        return BELOW.get(term, set())


def column_of(kind, cells):
    """A Column of values, None where missing; garbage stands there."""
    missing = np.array([cell is None for cell in cells], np.bool_)
    if kind == "text":
        categories = sorted({cell for cell in cells if cell is not None})
        codes = [-7 if cell is None else categories.index(cell) for cell in cells]
        return Column(kind, np.array(codes, np.int32), missing, categories)
    dtype = {"integer": np.int64, "number": np.float64, "boolean": np.bool_, "date": "datetime64[D]"}[kind]
    return Column(kind, np.array([POOLS[kind][0] if cell is None else cell for cell in cells], dtype), missing)


def people():
    """Some persons: a dict of values each."""
    person = st.fixed_dictionaries({name: st.sampled_from([*POOLS[kind], None]) for name, kind in KIND_OF.items()})
    return st.lists(person, min_size=3, max_size=8)


# Trees that can be asked, and their text

names = st.sampled_from(sorted(KIND_OF)).map(Name)


def literal_for(kind):
    if kind == "date":
        return st.sampled_from([date.isoformat() for date in DATES] + ["2001-01-01"]).map(Literal)
    if kind in ("integer", "number"):
        return st.one_of(st.sampled_from(INTEGERS[:4] + NUMBERS), st.integers(-9, 9), st.floats(-9, 9)).map(Literal)
    return st.sampled_from(POOLS[kind] + (["zzz", "B"] if kind == "text" else [])).map(Literal)


def comparisons():
    def of(name):
        kind = KIND_OF[name]
        signs = SIGNS[:2] if kind == "boolean" else SIGNS
        same = st.sampled_from([other for other in NAMES[kind]]).map(Name)
        sides = st.tuples(
            st.just(Name(name)), st.sampled_from(signs), st.one_of(literal_for(kind), same), st.booleans()
        )
        return sides.map(lambda s: Compare(s[2], s[1], s[0]) if s[3] else Compare(*s[:3]))

    return st.sampled_from(sorted(KIND_OF)).flatmap(of)


def among():
    return st.sampled_from(sorted(KIND_OF)).flatmap(
        lambda name: st.lists(literal_for(KIND_OF[name]), min_size=1, max_size=3).map(
            lambda values: Among(Name(name), tuple(values))
        )
    )


has = st.builds(Has, st.sampled_from(NAMES["text"]).map(Name), st.sampled_from(TERMS).map(Literal), st.booleans())
leaves = st.one_of(
    comparisons(), among(), has, st.builds(Missing, names), st.sampled_from(sorted(SAVED)).map(Saved),
    st.sampled_from(NAMES["boolean"]).map(Name), st.booleans().map(Literal),
)  # fmt: skip


def joined(parts):
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, parts), st.builds(And, several), st.builds(Or, several))


trees = st.recursive(leaves, joined, max_leaves=8)


def text_of(node, draw):
    """A tree as a person might write it: quotes, blanks and parentheses as ``draw`` has it."""
    space = draw(st.sampled_from([" ", "  ", "\n"]))
    match node:
        case Name(name):
            plain = re.fullmatch(r"[^\W\d]\w*", name) and draw(st.booleans())
            return name if plain else "`" + name.replace("`", "``") + "`"
        case Literal(bool() as value):
            return draw(st.sampled_from([str(value), str(value).lower()]))
        case Literal(str() as value):
            quote = draw(st.sampled_from("'\""))
            return quote + value.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote
        case Literal(value):
            return repr(value)
        case Compare(left, sign, right):
            blank = draw(st.sampled_from(["", " "]))
            return f"{text_of(left, draw)}{blank}{sign}{blank}{text_of(right, draw)}"
        case Among(column, values):
            listed = ",".join(text_of(value, draw) for value in values) + draw(st.sampled_from(["", ","]))
            return f"{text_of(column, draw)}{space}in{space}({listed})"
        case Not(Among(column, values)) if draw(st.booleans()):
            return f"{text_of(column, draw)} not in ({', '.join(text_of(value, draw) for value in values)})"
        case Not(Missing(column)) if draw(st.booleans()):
            return f"{text_of(column, draw)} is{space}not missing"
        case Missing(column):
            return f"{text_of(column, draw)} is{space}missing"
        case Has(column, term, descendants):
            of = f"descendant{space}of{space}" if descendants else ""
            return f"{text_of(column, draw)} has {of}{text_of(term, draw)}"
        case Saved(name):
            return f"cohort{space}{text_of(Literal(name), draw) if ' ' in name or draw(st.booleans()) else name}"
        case Not(operand):
            return f"not{space}{wrapped(operand, (And, Or), draw)}"
        case And(operands):
            return f"{space}and{space}".join(wrapped(part, (And, Or), draw) for part in operands)
        case Or(operands):
            return f"{space}or{space}".join(wrapped(part, (Or,), draw) for part in operands)


def wrapped(node, kinds, draw):
    text = text_of(node, draw)
    return f"({text})" if isinstance(node, kinds) or draw(st.booleans()) else text


@given(st.data(), trees)
@settings(max_examples=300, deadline=None)
def test_what_is_printed_parses_back(data, tree):
    assert parse(text_of(tree, data.draw)) == tree


# Evaluation, person by person: True, False, or None where it is not known

PYTHON = {"==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
          ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}  # fmt: skip


def value_of(node, person, like=None):
    if isinstance(node, Name):
        return person[node.name]
    of_dates = isinstance(like, Name) and KIND_OF[like.name] == "date"
    return datetime.date.fromisoformat(node.value) if of_dates else node.value


def truth_of(node, person, number):
    match node:
        case Literal(value):
            return value
        case Name(name):
            return person[name]
        case Saved(name):
            return number in SAVED[name]
        case Missing(column):
            return person[column.name] is None
        case Compare(left, sign, right):
            one, other = value_of(left, person, right), value_of(right, person, left)
            return None if one is None or other is None else PYTHON[sign](one, other)
        case Among(column, values):
            mine = person[column.name]
            return None if mine is None else any(mine == value_of(value, person, column) for value in values)
        case Has(column, term, descendants):
            cell = person[column.name]
            wanted = {term.value} | (BELOW.get(term.value, set()) if descendants else set())
            return None if cell is None else bool({part.strip() for part in re.split("[;,|]", cell)} & wanted)
        case Not(operand):
            inner = truth_of(operand, person, number)
            return None if inner is None else not inner
        case And(operands) | Or(operands):
            found = {truth_of(operand, person, number) for operand in operands}
            deciding = isinstance(node, Or)
            return deciding if deciding in found else None if None in found else not deciding


@given(st.data(), trees, people())
@settings(max_examples=400, deadline=None)
def test_it_is_true_of_whom_a_person_would_say(data, tree, persons):
    columns = {name: column_of(kind, [person[name] for person in persons]) for name, kind in KIND_OF.items()}
    saved = {name: np.array(numbers) for name, numbers in SAVED.items()}
    found = evaluate(text_of(tree, data.draw), columns, len(persons), saved, Terms())
    assert found.dtype == np.bool_
    assert found.tolist() == [truth_of(tree, person, i) is True for i, person in enumerate(persons)]


def world():
    cells = {
        "super_pop": ("text", ["AFR", "EUR", "EUR", None]),
        "age": ("integer", [60, 61, 20, 3]),
        "bmi": ("number", [19.5, None, 30.0, 24.0]),
        "smoker": ("boolean", [False, True, None, True]),
        "seen": ("date", [DATES[0], DATES[1], None, DATES[2]]),
        "Sample name": ("text", ["a", "b;c", "c", "d"]),
    }
    return {name: column_of(*each) for name, each in cells.items()}


def true_of(text, **options):
    return np.flatnonzero(evaluate(text, world(), 4, **options)).tolist()


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("super_pop == 'EUR' and age >= 60", [1]),
        ("not super_pop == 'EUR'", [0]),  # nobody knows of the last
        ("super_pop != 'EUR'", [0]),
        ("super_pop not in ('EUR',)", [0]),
        ("smoker or age < 10", [1, 3]),
        ("not (smoker and age > 30)", [0, 2, 3]),
        ("18 <= age < 60.5", [0, 2]),
        ("age > bmi", [0]),
        ("age >= -5 and age<=+3", [3]),
        ("seen >= '1999-12-31'", [0, 1]),
        ("smoker == false", [0]),
        ("`Sample name` has 'c'", [1, 2]),
        ("seen is missing or super_pop is missing", [2, 3]),
        ("smoker is not missing", [0, 1, 3]),
        ("super_pop < 'B'", [0]),
        ("super_pop > 'EUQ' and true", [1, 2]),
        ("age in (60.0, 3, 3.5, 1e300)", [0, 3]),
        ("age == 60.5 or age != 60.5", [0, 1, 2, 3]),
        ("false", []),
    ],
)
def test_examples(text, who):
    assert true_of(text) == who


def test_saved_cohorts():
    saved = {"old": np.array([0, 1]), "the others": np.array([2])}
    assert true_of("cohort old and smoker", saved=saved) == [1]
    assert true_of("not cohort old", saved=saved) == [2, 3]
    assert true_of("cohort 'the others' or cohort \"old\"", saved=saved) == [0, 1, 2]
    with pytest.raises(CohortExpressionError, match="no saved cohort 'olb'; there are old, `the others`"):
        true_of("cohort olb", saved=saved)
    with pytest.raises(CohortExpressionError, match="write cohort old for the saved cohort"):
        true_of("old and smoker", saved=saved)


def test_a_column_may_be_called_cohort_or_missing():
    columns = {name: column_of("text", ["x", None]) for name in ("cohort", "missing", "descendant", "in")}
    for text in ("cohort == 'x'", "cohort has 'x'", "missing == 'x'", "descendant in ('x')", "`in` is not missing"):
        assert evaluate(text, columns, 2).tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("agee > 4", 0, "unknown column 'agee'; did you mean age?"),
        ("age > 4 and sample_name == 'e'", 12, "unknown column 'sample_name'; did you mean `Sample name`?"),
        ("smoker and xyz == 1", 11, "unknown column 'xyz'; there are `Sample name`, age, bmi, "),
        ("age > missing", 6, "unknown column 'missing'; who has no value is found by `is missing`"),
        ("super_pop == 4", 13, "column 'super_pop' is of text, compared with text in quotes; 4 is not"),
        ("age == '5'", 7, "column 'age' is of integers, compared with a number, like 60; '5' is not"),
        ("bmi in (1, true)", 11, "column 'bmi' is of numbers, compared with a number, like 1.5; true is not"),
        ("smoker == 1", 10, "column 'smoker' is of true and false, compared with true or false; 1 is not"),
        ("smoker < true", 9, "which have no order"),
        ("seen > 'May'", 7, "'May' is no date; expected year-month-day"),
        ("seen > '2023-02-29'", 7, "'2023-02-29' is no date"),
        ("seen > '20230228'", 7, "'20230228' is no date"),
        ("age == super_pop", 4, "column 'age' is of integers and 'super_pop' of texts"),
        ("age", 0, "column 'age' is of integers, .*: it needs a comparison"),
        ("age has 'x'", 4, "only text has terms"),
        ("super_pop has ''", 14, "found '', expected a term in quotes"),
        ("super_pop has descendant of 'x'", 28, "descendants need a vocabulary: vocabulary= in Python"),
        ("age = 4", 4, "= is no operator here: write == to compare"),
        ("age > 4 && smoker", 8, "&& is no operator here: write and"),
        ("super_pop == 'EUR' or 'AFR'", 22, "a value is no condition"),
        ("4", 0, "a value is no condition"),
        ("(age > 4", 8, r"the expression ends here, expected and, or, or \)"),
        ("age > 4)", 7, r"found \), expected and, or, or the end"),
        ("age > 4 smoker", 8, "found 'smoker', expected and, or, or the end"),
        ("age >", 5, "the expression ends here, expected a column or a value"),
        ("and smoker", 0, "found and, expected a condition"),
        ("'x' == 'y'", 0, "two values are compared"),
        ("'EUR' in super_pop", 0, "before in stands a column"),
        ("age in 4", 7, "found 4, expected values in parentheses"),
        ("age in ()", 8, r"found \), expected a value"),
        ("age in (4 5)", 10, r"found 5, expected , or \)"),
        ("super_pop in (EUR, AFR)", 14, "texts stand in quotes"),
        ("age is not 4", 11, "found 4, expected missing"),
        ("age not 4", 4, "found not, expected and, or, or the end"),
        ("super_pop == 'EUR", 13, "this text has no ' at its end"),
        ("super_pop == 'a\\qb'", 15, r"\\q is no escape"),
        ("`age > 4", 0, "this name has no ` at its end"),
        ("#IID == 4", 0, "'#' has no meaning here.*backticks"),
        ("60y > 4", 2, "a number ends here"),
        ("age == 9223372036854775808", 7, "too large"),
        ("age == 1e999", 7, "too large"),
        ("", 0, "the expression is empty"),
        (" \n ", 0, "the expression is empty"),
        ("(" * 51 + "smoker" + ")" * 51, 50, "more than 50 parentheses and nots"),
        ("not " * 100_000 + "smoker", 200, "more than 50 parentheses and nots"),
    ],
)
def test_errors_point_at_the_character(text, at, message):
    with pytest.raises(CohortExpressionError, match=message) as caught:
        true_of(text)
    assert isinstance(caught.value, QueryError | ValueError | CohortError)
    _, shown, caret = str(caught.value).split("\n")
    place = caret.index("^")
    if text.strip():
        assert shown[place : place + 5].removesuffix("...").strip() == text[at : at + 5].partition("...")[0].strip()
    assert caret.strip() == "^"
    assert len(shown) < 140


def test_the_line_of_the_error_is_shown():
    with pytest.raises(CohortExpressionError) as caught:
        true_of("age > 4\nand\tagee > 5\nand smoker")
    assert str(caught.value).split("\n")[1:] == ["  and agee > 5", "      ^"]


def test_any_text_is_a_tree_or_an_error():
    pieces = [
        "age",
        " ",
        "(",
        ")",
        "'",
        '"',
        "`",
        "\\",
        "==",
        "<",
        "in",
        "not",
        "and",
        "is",
        "has",
        "4",
        ".",
        "e9",
        "ü",
    ]

    @given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(pieces), max_size=25).map("".join)))
    @settings(max_examples=500, deadline=None)
    def check(text):
        with suppress(CohortExpressionError):
            assert len(evaluate(text, world(), 4)) == 4

    check()


def test_a_vocabulary_says_what_is_below():
    class Vocabulary:
        def descendants(self, term):
            return {"x": {"b"}, "b": set()}[term]

    assert true_of("`Sample name` has descendant of 'x'", vocabulary=Vocabulary()) == [1]
    with pytest.raises(CohortExpressionError, match="the vocabulary has no term 'y'"):
        true_of("`Sample name` has descendant of 'y'", vocabulary=Vocabulary())


def test_integers_are_compared_exactly():
    values = [2**53, 2**53 + 1, -(2**63), 2**63 - 1]
    columns = {"id": Column("integer", np.array(values), np.zeros(4, np.bool_))}
    for number in (2.0**53, 2.0**53 + 2, 0.5, -0.5, 1e300, -1e300, 2.0**63, -(2.0**63)):
        for sign in SIGNS:
            found = evaluate(f"id {sign} {number!r}", columns, 4).tolist()
            assert found == [PYTHON[sign](value, number) for value in values], (sign, number)
            assert not math.isnan(number)


def test_many_values_at_once():
    rng = np.random.default_rng(3)
    texts = [f"t{i:02}" for i in range(40)]
    cells = [None if rng.random() < 0.1 else texts[rng.integers(40)] for _ in range(500)]
    columns = {"x": column_of("text", cells)}
    columns["x"].values[columns["x"].missing] = rng.integers(-(2**31), 2**31, columns["x"].missing.sum())
    wanted = texts[::2]
    found = evaluate(f"x in ({', '.join(map(repr, wanted))})", columns, 500)
    assert found.tolist() == [cell in wanted for cell in cells]
    found = evaluate(f"x not in ({', '.join(map(repr, wanted))})", columns, 500)
    assert found.tolist() == [cell is not None and cell not in wanted for cell in cells]


def test_columns_without_people_or_values():
    empty = {"pop": column_of("text", []), "age": column_of("integer", [])}
    assert evaluate("pop == 'EUR' or pop has 'x' or age in (1, 2) or pop == pop", empty, 0).tolist() == []
    nothing = {"pop": column_of("text", [None] * 3)}
    for text in ("pop == 'EUR'", "pop != 'EUR'", "not pop == 'EUR'", "pop in ('a', 'b')", "pop has 'x'", "pop == pop"):
        assert evaluate(text, nothing, 3).tolist() == [False] * 3
    assert evaluate("pop is missing", nothing, 3).all()
