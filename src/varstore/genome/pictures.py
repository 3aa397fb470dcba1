"""Pictures of a report: SVG that stands in the page, in the colours of its style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .markup import Child, Safe, tag

_WIDTH = 720
_ROW = 30
_LEFT, _RIGHT = 190, 150


@dataclass(frozen=True)
class Strip:
    """One number beside those of other people.

    value, shown : the number and its text    low, p5, median, p95, high : of the others
    stands_out : it is beyond the outer fences
    """

    label: str
    value: float | None
    shown: str
    low: float
    p5: float
    median: float
    p95: float
    high: float
    stands_out: bool = False


@dataclass(frozen=True)
class Bar:
    """A share beside the one to be expected; both 0 to 1."""

    label: str
    share: float
    expected: float
    shown: str


def _picture(identity: str, title: str, description: str, height: float, *children: Child) -> Safe:
    """An SVG that a screen reader reads by its title and description; on a narrow page it scrolls, and can be read."""
    made = tag(
        "svg",
        tag("title", title, id=f"{identity}-title"),
        tag("desc", description, id=f"{identity}-desc"),
        *children,
        viewBox=f"0 0 {_WIDTH} {height:g}", role="img", aria_labelledby=f"{identity}-title {identity}-desc",
    )  # fmt: skip
    return tag("div", made, class_="wide", tabindex="0", role="region", aria_label=title)


def strips(identity: str, title: str, rows: Sequence[Strip]) -> Safe:
    """A row a number: the range of the others, from the 5th to the 95th in a hundred, their median, and the person.

    Every row has a scale of its own.
    """
    parts: list[Child] = []
    for place, row in enumerate(rows):
        y = _ROW * place + _ROW / 2
        ends = [row.low, row.high] + ([] if row.value is None else [row.value])
        least, most = min(ends), max(ends)

        def at(number: float, least: float = least, most: float = most) -> float:
            share = 0.5 if most == least else (number - least) / (most - least)
            return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

        p5, p95 = at(row.p5), at(row.p95)
        parts += [
            tag("text", row.label, x=_LEFT - 12, y=y + 4, class_="label"),
            tag("line", x1=at(row.low), x2=at(row.high), y1=y, y2=y, class_="range"),
            tag("rect", x=p5 - 1, y=y - 6, width=max(2.0, round(p95 - p5 + 2, 1)), height=12, class_="middle"),
            tag("line", x1=at(row.median), x2=at(row.median), y1=y - 8, y2=y + 8, class_="median"),
        ]
        if row.value is not None:
            kind = "person out" if row.stands_out else "person"
            parts.append(tag("circle", cx=at(row.value), cy=y, r=6, class_=kind))
        parts.append(tag("text", row.shown, x=_WIDTH - _RIGHT + 16, y=y + 4, class_="number"))
    said = "; ".join(
        f"{row.label}: {row.shown}, others {row.p5:g} to {row.p95:g}, median {row.median:g}" for row in rows
    )
    return _picture(identity, title, said, _ROW * len(rows), parts)


def bars(identity: str, title: str, rows: Sequence[Bar]) -> Safe:
    """A row a share, with a mark where it would be by size alone."""
    most = max([row.share for row in rows] + [row.expected for row in rows] + [1e-9])
    parts: list[Child] = []
    for place, row in enumerate(rows):
        y = _ROW * place + _ROW / 2
        scale = (_WIDTH - _LEFT - _RIGHT) / most
        mark = round(_LEFT + row.expected * scale, 1)
        parts += [
            tag("text", row.label, x=_LEFT - 12, y=y + 4, class_="label"),
            tag("rect", x=_LEFT, y=y - 8, width=max(1.0, round(row.share * scale, 1)), height=16, class_="bar"),
            tag("line", x1=mark, x2=mark, y1=y - 11, y2=y + 11, class_="median"),
            tag("text", row.shown, x=_WIDTH - _RIGHT + 16, y=y + 4, class_="number"),
        ]
    said = "; ".join(f"{row.label}: {row.shown}" for row in rows)
    return _picture(identity, title, said, _ROW * len(rows), parts)


def parts_of_whole(identity: str, title: str, rows: Sequence[tuple[str, int]]) -> Safe:
    """One bar cut into parts as wide as their numbers, with a legend; parts of nothing are in the legend alone."""
    total = max(1, sum(number for _, number in rows))
    parts: list[Child] = []
    x = 0.0
    for place, (label, number) in enumerate(rows):
        width = _WIDTH * number / total
        if number:
            shape = tag("rect", x=round(x, 1), y=0, width=max(1.0, round(width, 1)), height=26, class_=f"part{place}")
            parts.append(shape)
        at = _WIDTH / len(rows) * place
        parts += [
            tag("rect", x=round(at, 1), y=38, width=12, height=12, class_=f"part{place}"),
            tag("text", f"{label}: {number:,}", x=round(at + 18, 1), y=49, class_="legend"),
        ]
        x += width
    said = "; ".join(f"{label}: {number:,}" for label, number in rows)
    return _picture(identity, title, said, 56, parts)
