"""Who a cohort expression is true of, from columns of people.

Logic has three values (Kleene): a comparison with a missing value is neither true nor false, nor is its ``not``; ``or``
is true where one side is, ``and`` false where one side is. So two questions are asked of every node: of whom is it
true, and of whom is it false; only the one that is needed is answered.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CohortExpressionError, InputError
from ..model.columns import Column
from .expression import parse
from .shown import shortened
from .tokens import pointing
from .tree import Among, And, Compare, Condition, Has, Literal, Missing, Name, Not, Or, Saved, Value

Mask = NDArray[np.bool_]

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
# What a column is compared with, and how a person would write it.
_KINDS = {
    "integer": "integers, compared with a number, like 60",
    "number": "numbers, compared with a number, like 1.5",
    "boolean": "true and false, compared with true or false",
    "text": "text, compared with text in quotes",
    "date": "dates, compared with one in quotes, like '2024-05-31'",
}
_NUMBERS = ("integer", "number")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_BETWEEN_TERMS = re.compile(r"[;|,]")
# So many comparisons take less time than looking every code up.
_FEW_CODES = 5
_MISSING_ELSEWHERE = frozenset({"missing", "none", "null", "na", "nan"})


class Vocabulary(Protocol):
    """Terms, some of which are kinds of others."""

    def descendants(self, term: str) -> set[str]:
        """The terms below one, at any distance. Raises KeyError or InputError for a term that it does not have."""
        ...


def evaluate(
    text: str,
    columns: Mapping[str, Column],
    num_people: int,
    saved: Mapping[str, NDArray[np.int64]] | None = None,
    vocabulary: Vocabulary | None = None,
) -> Mask:
    """(people,) bool: of whom an expression is true.

    columns : by name, each of ``num_people`` values    saved : sample numbers of saved cohorts, by name
    vocabulary : for ``has descendant of``

    Raises CohortExpressionError.
    """
    tree = parse(text)
    return _Evaluator(text, columns, num_people, saved or {}, vocabulary).where(tree, truth=True)


class _Evaluator:
    def __init__(
        self, text: str, columns: Mapping[str, Column], num_people: int, saved: Mapping[str, NDArray[np.int64]],
        vocabulary: Vocabulary | None,
    ) -> None:  # fmt: skip
        self._text, self._columns, self._num_people = text, columns, num_people
        self._saved, self._vocabulary = saved, vocabulary

    def where(self, tree: Condition, *, truth: bool) -> Mask:
        """(people,) of whom a condition has this truth; an array of its own."""
        match tree:
            case Not(operand):
                return self.where(operand, truth=not truth)
            case And(operands) | Or(operands):
                both = np.logical_and if isinstance(tree, And) == truth else np.logical_or
                found = self.where(operands[0], truth=truth)
                for operand in operands[1:]:
                    both(found, self.where(operand, truth=truth), out=found)
                return found
            case Literal(value):
                return np.full(self._num_people, value is truth)
            case Missing(name):
                missing = self._column(name).missing
                return missing.copy() if truth else ~missing
            case Saved():
                return self._in_saved(tree, truth)
            case Name():
                column = self._column(tree)
                if column.kind != "boolean":
                    self._fail(f"column {tree.name!r} is of {_kind(column)}: it needs a comparison", tree.position)
                return _known(column.values.copy(), column.missing, truth)
            case Among(name, values):
                return self._among(self._column(name), name, values, truth)
            case Has(name):
                return self._has(self._column(name), tree, truth)
            case Compare(left, operator, right):
                if isinstance(left, Literal):
                    left, operator, right = right, _MIRRORED[operator], left
                assert isinstance(left, Name)
                if isinstance(right, Name):
                    return self._columns_compared(left, operator, right, tree.position, truth)
                column = self._column(left)
                return _known(self._compared(column, left, operator, right), column.missing, truth)

    def _fail(self, message: str, position: int) -> NoReturn:
        raise pointing(message, self._text, position)

    def _column(self, name: Name) -> Column:
        if name.name in self._columns:
            return self._columns[name.name]
        if name.name.lower() in _MISSING_ELSEWHERE:
            self._fail(f"unknown column {name.name!r}; who has no value is found by `is missing`", name.position)
        if name.name in self._saved:
            self._fail(f"unknown column {name.name!r}; write cohort {name.name} for the saved cohort", name.position)
        self._fail(unknown_column(name.name, self._columns), name.position)

    def _in_saved(self, saved: Saved, truth: bool) -> Mask:
        if saved.name not in self._saved:
            self._fail(
                f"no saved cohort {shortened(saved.name)!r}; there are {_listed(list(self._saved))}", saved.position
            )
        found = np.full(self._num_people, not truth)
        found[self._saved[saved.name]] = truth
        return found

    def _value(self, column: Column, name: Name, literal: Literal) -> Any:
        """A literal as what values of a column are compared with. Raises CohortExpressionError."""
        value = literal.value
        kind = column.kind
        if isinstance(value, bool):
            fits = kind == "boolean"
        elif isinstance(value, str):
            fits = kind in ("text", "date")
        else:
            fits = kind in _NUMBERS
        if not fits:
            self._fail(f"column {name.name!r} is of {_kind(column)}; {_shown(value)} is not", literal.position)
        return self._date(str(value), literal.position) if kind == "date" else value

    def _date(self, text: str, position: int) -> np.datetime64:
        try:
            # Python would take more spellings than this one.
            return np.datetime64(date.fromisoformat(text if _DATE.fullmatch(text) else ""))
        except ValueError:
            self._fail(f"{shortened(text)!r} is no date; expected year-month-day, like '2024-05-31'", position)

    def _compared(self, column: Column, name: Name, operator: str, literal: Literal) -> Mask:
        """(people,) what a comparison with a value gives; anything where the column is missing."""
        value = self._value(column, name, literal)
        if column.kind == "boolean" and operator not in ("==", "!="):
            self._fail(f"column {name.name!r} is of true and false, which have no order", literal.position)
        if column.kind == "text":
            operator, value = _as_code(column.categories, operator, value)
        elif column.kind == "integer" and isinstance(value, float):
            operator, value = _as_integer(operator, value)
        compared: Mask = _FUNCTIONS[operator](column.values, value)
        return compared

    def _columns_compared(self, left: Name, operator: str, right: Name, position: int, truth: bool) -> Mask:
        """(people,) two columns compared, person by person."""
        one, other = self._column(left), self._column(right)
        if one.kind != other.kind and not (one.kind in _NUMBERS and other.kind in _NUMBERS):
            self._fail(f"column {left.name!r} is of {one.kind}s and {right.name!r} of {other.kind}s", position)
        if one.kind == "boolean" and operator not in ("==", "!="):
            self._fail("true and false have no order", position)
        values = one.values, other.values
        if one.kind == "text":
            values = _common_codes(one, other)
        return _known(_FUNCTIONS[operator](*values), one.missing | other.missing, truth)

    def _among(self, column: Column, name: Name, literals: Sequence[Literal], truth: bool) -> Mask:
        values = [self._value(column, name, literal) for literal in literals]
        if column.kind == "text":
            wanted = set(values)
            return _with_category(column, [text in wanted for text in column.categories], truth)
        if column.kind == "integer":
            values = [int(value) for value in values if value == int(value) and abs(value) < 2**63]
        return _known(np.isin(column.values, np.array(values, column.values.dtype)), column.missing, truth)

    def _has(self, column: Column, has: Has, truth: bool) -> Mask:
        if column.kind != "text":
            self._fail(f"column {has.column.name!r} is of {_kind(column)}; only text has terms", has.position)
        wanted = {str(has.term.value)}
        if has.descendants:
            wanted |= self._below(has.term)
        return _with_category(column, _holding(column.categories, wanted), truth)

    def _below(self, term: Literal) -> set[str]:
        if self._vocabulary is None:
            self._fail("descendants need a vocabulary: vocabulary= in Python, --vocabulary OBO at the shell",
                       term.position)  # fmt: skip
        try:
            return self._vocabulary.descendants(str(term.value))
        except (KeyError, InputError):
            self._fail(f"the vocabulary has no term {_shown(term.value)}", term.position)


def unknown_column(name: str, columns: Mapping[str, Column]) -> str:
    """What is wrong with a name that is no column's, and which is nearest."""
    folded = {each.casefold(): each for each in columns}
    near = get_close_matches(name.casefold(), folded, 1)
    hint = f"did you mean {_spelled(folded[near[0]])}?" if near else f"there are {_listed(list(columns))}"
    return f"unknown column {shortened(name)!r}; {hint}"


def _known(found: Mask, missing: Mask, truth: bool) -> Mask:
    """Of whom a finding is known to be ``truth``; in the array of the finding."""
    if truth:
        # Of booleans, greater is "and not", in one pass.
        return np.greater(found, missing, out=found)
    np.logical_or(found, missing, out=found)
    return np.logical_not(found, out=found)


def _as_code(categories: Sequence[str], operator: str, text: str) -> tuple[str, int]:
    """A comparison of texts as one of codes: categories are sorted."""
    first, behind = bisect_left(categories, text), bisect_right(categories, text)
    if operator in ("==", "!="):
        return operator, first if first < behind else len(categories)
    # Texts up to and with this one have codes below `behind`, those before it below `first`.
    return {"<": ("<", first), "<=": ("<", behind), ">": (">=", behind), ">=": (">=", first)}[operator]


def _as_integer(operator: str, value: float) -> tuple[str, int]:
    """A comparison of integers with a number as one with an integer, so that none is rounded."""
    if value == int(value):
        return operator, int(value)
    if operator in ("==", "!="):
        # Equal to none: no integer of 64 bits is this one.
        return operator, 1 << 64
    return operator, math.ceil(value) if operator in ("<", ">=") else math.floor(value)


def _common_codes(one: Column, other: Column) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes of two columns of text that are in the order of their texts."""
    place = {text: code for code, text in enumerate(sorted({*one.categories, *other.categories}))}
    codes = []
    for column in (one, other):
        table = np.array([place[text] for text in column.categories] or [0], np.int64)
        codes.append(table.take(column.values, mode="clip"))
    return codes[0], codes[1]


def _with_category(column: Column, chosen: list[bool], truth: bool) -> Mask:
    """(people,) whose text is a chosen one, for each category whether it is."""
    codes = np.flatnonzero(chosen).tolist()
    if len(codes) <= _FEW_CODES:
        found = np.zeros(len(column), np.bool_)
        for code in codes:
            found |= column.values == code
    else:
        # Where nothing is known the code may be anything; `clip` bounds it.
        found = np.array(chosen, np.bool_).take(column.values, mode="clip")
    return _known(found, column.missing, truth)


def _holding(categories: Sequence[str], wanted: set[str]) -> list[bool]:
    """Which texts are, or hold between ; | and , one of the terms."""
    if len(wanted) == 1:
        (term,) = wanted
        return [term in text and (term == text or term in _terms(text)) for text in categories]
    return [text in wanted or not wanted.isdisjoint(_terms(text)) for text in categories]


def _terms(cell: str) -> list[str]:
    return [term.strip() for term in _BETWEEN_TERMS.split(cell)]


def _kind(column: Column) -> str:
    return _KINDS[column.kind]


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return repr(shortened(value))
    return ("true" if value else "false") if isinstance(value, bool) else repr(value)


def _spelled(name: str) -> str:
    """A column's name as an expression writes it."""
    try:
        plain = parse(name) == Name(name)
    except CohortExpressionError:
        plain = False
    return name if plain else "`" + name.replace("`", "``") + "`"


def _listed(names: Sequence[str]) -> str:
    names = sorted(names)
    shown = ", ".join(map(_spelled, names[:12]))
    return (shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")) or "none"
