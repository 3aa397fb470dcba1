"""HTML out of Python values: everything that is not markup already is escaped."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable

_VOID = frozenset({"meta", "br", "hr", "line", "rect", "circle"})


class Safe(str):
    """Text that is markup."""

    __slots__ = ()


Child = str | int | None | Iterable["Child"]


def text(value: object) -> Safe:
    """A value as text of a page: escaped; characters that are not shown, or turn the direction of text, are not there.

    >>> text("<b>&\\u202e")
    '&lt;b&gt;&amp;\\ufffd'
    """
    if isinstance(value, Safe):
        return value
    shown = "".join("\ufffd" if _hidden(c) else c for c in str(value))
    return Safe(html.escape(shown, quote=True))


def _hidden(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Safe:
    """An element. ``class_`` is class, ``aria_label`` aria-label; an attribute that is None is left out.

    >>> tag("a", "1 < 2", href="#x", class_="more")
    '<a href="#x" class="more">1 &lt; 2</a>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Safe(f"<{name}{given}>" if name in ("meta", "br", "hr") else f"<{name}{given}/>")
    return Safe(f"<{name}{given}>{join(children)}</{name}>")


def join(children: Child) -> Safe:
    """Markup and text one after another; None is left out."""
    if children is None:
        return Safe("")
    if isinstance(children, str | int):
        return text(children)
    return Safe("".join(join(child) for child in children))
