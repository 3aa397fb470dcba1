"""The parser of cohort expressions: text to a tree, by recursive descent; nothing is ever evaluated as Python.

condition  := both ("or" both)*
both       := negation ("and" negation)*
negation   := "not" negation | "(" condition ")" | saved | test
saved      := "cohort" (name | text)
test       := operand (operator operand)+            operator: == != < <= > >=
            | column ["not"] "in" "(" value ("," value)* [","] ")"
            | column "is" ["not"] "missing"
            | column "has" ["descendant" "of"] text
            | column | "true" | "false"
operand    := column | value                         column: a name, or anything in backticks
value      := text | number | "true" | "false"       text: in ' or ", with \\\\ \\' \\" \\n \\t
"""

from __future__ import annotations

from .shown import shortened
from .tokens import Token, pointing, tokens
from .tree import Among, And, Compare, Condition, Has, Literal, Missing, Name, Not, Or, Saved

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
# Parentheses and `not` in one another: more would be a text made to exhaust the stack.
_DEEPEST = 50


def parse(text: str) -> Condition:
    """The tree of an expression. Raises CohortExpressionError, which shows where the text is wrong."""
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, text: str, kind: str = "keyword", ahead: int = 0) -> bool:
        at = min(self._at + ahead, len(self._tokens) - 1)
        return self._tokens[at].kind == kind and self._tokens[at].text == text

    def _expect(self, text: str, kind: str, instead: str) -> Token:
        if not self._is(text, kind):
            raise self._unexpected(instead)
        return self._take()

    def _unexpected(self, expected: str) -> Exception:
        token = self._peek()
        found = "the expression ends here" if token.kind == "end" else f"found {self._written(token)}"
        return pointing(f"{found}, expected {expected}", self._text, token.position)

    def _written(self, token: Token) -> str:
        text = shortened(token.text)
        return repr(text) if token.kind == "name" else text

    def parse(self) -> Condition:
        if self._peek().kind == "end":
            raise pointing("the expression is empty; expected a condition, like age >= 60", self._text, 0)
        found = self._condition()
        if self._peek().kind != "end":
            raise self._unexpected("and, or, or the end")
        return found

    def _condition(self) -> Condition:
        position = self._peek().position
        parts = [self._both()]
        while self._is("or"):
            self._take()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts), position)

    def _both(self) -> Condition:
        position = self._peek().position
        parts = [self._negation()]
        while self._is("and"):
            self._take()
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts), position)

    def _negation(self) -> Condition:
        if self._is("not"):
            position = self._enter().position
            inner: Condition = Not(self._negation(), position)
        elif self._is("(", "sign"):
            self._enter()
            inner = self._condition()
            self._expect(")", "sign", "and, or, or )")
        else:
            return self._test()
        self._depth -= 1
        return inner

    def _enter(self) -> Token:
        """Go one deeper."""
        token = self._take()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise pointing(f"more than {_DEEPEST} parentheses and nots in one another", self._text, token.position)
        return token

    def _test(self) -> Condition:
        if (self._is("cohort", "name") and self._after().kind == "name") or self._names_saved():
            position = self._take().position
            token = self._take()
            return Saved(str(token.value) if token.kind == "value" else token.text, position)
        left = self._operand("a condition, like age >= 60")
        if self._peek().text in _COMPARISONS and self._peek().kind == "sign":
            return self._comparisons(left)
        negated = self._is("not")
        if self._is("in") or (negated and self._is("in", ahead=1)):
            column = self._column(left, "in")
            position = self._take().position
            if negated:
                self._take()
            among = Among(column, self._values(), position)
            return Not(among, position) if negated else among
        if self._is("is"):
            return self._missing(self._column(left, "is"))
        if self._is("has"):
            return self._has(self._column(left, "has"))
        if isinstance(left, Literal) and not isinstance(left.value, bool):
            raise pointing("a value is no condition; write a comparison, like age >= 60 (with ==, not =)",
                           self._text, left.position)  # fmt: skip
        return left

    def _after(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _names_saved(self) -> bool:
        after = self._after()
        return self._is("cohort", "name") and after.kind == "value" and isinstance(after.value, str)

    def _operand(self, expected: str) -> Name | Literal:
        token = self._peek()
        if token.kind == "name":
            return Name(self._take().text, token.position)
        if token.kind == "value":
            return Literal(self._take().value, token.position)
        if token.kind == "keyword" and token.text in ("true", "false"):
            return Literal(self._take().text == "true", token.position)
        raise self._unexpected(expected)

    def _comparisons(self, left: Name | Literal) -> Condition:
        """One, or a chain: ``18 <= age < 65``."""
        found: list[Condition] = []
        position = left.position
        while self._peek().kind == "sign" and self._peek().text in _COMPARISONS:
            sign = self._take()
            right = self._operand("a column or a value")
            if isinstance(left, Literal) and isinstance(right, Literal):
                message = "two values are compared here; names of columns stand without quotes"
                raise pointing(message, self._text, left.position)
            found.append(Compare(left, sign.text, right, sign.position))
            left = right
        return found[0] if len(found) == 1 else And(tuple(found), position)

    def _column(self, operand: Name | Literal, word: str) -> Name:
        if isinstance(operand, Literal):
            raise pointing(f"before {word} stands a column, without quotes", self._text, operand.position)
        return operand

    def _values(self) -> tuple[Literal, ...]:
        self._expect("(", "sign", "values in parentheses, like ('EUR', 'AFR')")
        values: list[Literal] = []
        while not values or not self._is(")", "sign"):
            value = self._operand("a value")
            if isinstance(value, Name):
                raise pointing("expected a value; texts stand in quotes", self._text, value.position)
            values.append(value)
            if not self._is(",", "sign"):
                break
            self._take()
        self._expect(")", "sign", ", or )")
        return tuple(values)

    def _missing(self, column: Name) -> Condition:
        position = self._take().position
        negated = self._is("not")
        if negated:
            self._take()
        self._expect("missing", "name", "missing, as in `age is missing`; == compares with a value")
        missing = Missing(column, position)
        return Not(missing, position) if negated else missing

    def _has(self, column: Name) -> Condition:
        position = self._take().position
        descendants = self._is("descendant", "name")
        if descendants:
            self._take()
            self._expect("of", "name", "of")
        term = self._peek()
        if term.kind != "value" or not isinstance(term.value, str) or not term.value.strip():
            raise self._unexpected("a term in quotes, like 'HP:0000819'")
        self._take()
        return Has(column, Literal(term.value.strip(), term.position), descendants, position)
