"""Words of a cohort expression, and errors that point into its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..errors import CohortExpressionError
from .shown import SHOWN
from .tree import Value

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "has", "true", "false", "True", "False"})
Kind = Literal["name", "keyword", "value", "sign", "end"]

_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = re.compile(r"\s+")
_NAME = re.compile(r"[^\W\d]\w*")
_QUOTED_NAME = re.compile(r"`((?:[^`]|``)+)`")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_SIGN = re.compile(r"==|!=|<=|>=|<(?!>)|>|[(),]")
# What other languages write, and what to write here.
_ELSEWHERE = {
    "=": "write == to compare",
    "<>": "write != for what is not equal",
    "&&": "write and",
    "&": "write and",
    "||": "write or",
    "|": "write or",
    "!": "write not",
    "~": "write not",
}
_FOREIGN = re.compile("|".join(map(re.escape, sorted(_ELSEWHERE, key=len, reverse=True))))
_LONGEST = 1_000_000
_MOST_DIGITS = 100


@dataclass(frozen=True)
class Token:
    """A word of the text. ``end`` stands behind the last.

    text : as written; of a name, what it names    value : of a value
    """

    kind: Kind
    text: str
    position: int
    value: Value = ""


def pointing(message: str, text: str, position: int) -> CohortExpressionError:
    """An error that shows the line of the text with a caret under the character at ``position``."""
    begin = text.rfind("\n", 0, position) + 1
    line = text[begin:].partition("\n")[0]
    at = position - begin
    first = max(0, at - SHOWN)
    shown = line[first : at + SHOWN]
    before, after = "..." if first else "", "..." if at + SHOWN < len(line) else ""
    shown = "".join(character if character.isprintable() else " " for character in shown)
    caret = " " * (len(before) + at - first) + "^"
    return CohortExpressionError(f"{message}\n  {before}{shown}{after}\n  {caret}")


def tokens(text: str) -> Iterator[Token]:
    """The words of an expression, and the end. Raises CohortExpressionError."""
    position = 0
    if len(text) > _LONGEST:
        message = f"the expression has {len(text):,} characters, expected at most {_LONGEST:,}; lists of samples are "
        raise pointing(message + "given as ids, or as a file: --cohort @FILE", text, 0)
    if found := _SURROGATE.search(text):
        raise pointing("this is no character: the text was not UTF-8", text, found.start())
    while True:
        blanks = _BLANKS.match(text, position)
        position = blanks.end() if blanks else position
        if position == len(text):
            yield Token("end", "", position)
            return
        token, position = _token(text, position)
        yield token


def _token(text: str, position: int) -> tuple[Token, int]:
    """The word at a position, and where it ends."""
    first = text[position]
    if first in "'\"":
        return _string(text, position)
    if first == "`":
        found = _QUOTED_NAME.match(text, position)
        if found is None:
            raise pointing("this name has no ` at its end, or is empty", text, position)
        return Token("name", found[1].replace("``", "`"), position), found.end()
    if found := _NUMBER.match(text, position):
        return _number(text, found)
    if found := _NAME.match(text, position):
        word = found[0]
        if word in KEYWORDS:
            return Token("keyword", word.lower(), position), found.end()
        return Token("name", word, position), found.end()
    if found := _SIGN.match(text, position):
        return Token("sign", found[0], position), found.end()
    if found := _FOREIGN.match(text, position):
        raise pointing(f"{found[0]} is no operator here: {_ELSEWHERE[found[0]]}", text, position)
    message = f"{first!r} has no meaning here; names of columns with other characters than letters, digits and _ "
    raise pointing(message + "stand in backticks, like `Sample name`", text, position)


def _string(text: str, position: int) -> tuple[Token, int]:
    found = _STRING.match(text, position)
    if found is None:
        raise pointing(f"this text has no {text[position]} at its end", text, position)
    inside = found[1] if found[1] is not None else found[2]
    if "\\" in inside:
        inside = _unescaped(text, position, inside)
    return Token("value", found[0], position, inside), found.end()


def _unescaped(text: str, position: int, inside: str) -> str:
    for escape in _ESCAPE.finditer(inside):
        if escape[1] not in _ESCAPES:
            at = position + 1 + escape.start()
            raise pointing(f"\\{escape[1]} is no escape; write \\\\ for a backslash", text, at)
    return _ESCAPE.sub(lambda escape: _ESCAPES[escape[1]], inside)


def _number(text: str, found: re.Match[str]) -> tuple[Token, int]:
    """An integer of 64 bits, or a number in double precision."""
    end = found.end()
    if end < len(text) and (text[end].isalnum() or text[end] in "_."):
        raise pointing("a number ends here; texts stand in quotes, and names that begin with a digit in backticks",
                       text, end)  # fmt: skip
    value: int | float
    if found[1].isdigit() and found[3] is None:
        # Python refuses to read integers of thousands of digits.
        value = int(found[0]) if len(found[1]) < _MOST_DIGITS else 2**63
        fits = -(2**63) <= value < 2**63
    else:
        value = float(found[0])
        fits = abs(value) < float("inf")
    if not fits:
        raise pointing("this number is too large", text, found.start())
    return Token("value", found[0], found.start(), value), end
