"""What all pictures share: their size, colours, notes, and how they are saved."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import MissingDependencyError, QueryError

# Okabe and Ito's colours, told apart by the colour-blind: blue, vermilion, green, orange, sky, purple, black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000")
GREY = "#8C8C8C"
FORMS = (".png", ".svg")
# More points than these are a bitmap in an SVG: as shapes they take a viewer minutes.
MOST_SHAPES = 2000
_DOTS_PER_INCH = 150


def new_figure(title: str, *, width: float = 8.0, height: float = 5.0) -> tuple[Any, Any]:
    """A figure with one pair of axes, nothing global touched. Raises MissingDependencyError."""
    try:
        figure_module = importlib.import_module("matplotlib.figure")
    except ImportError:
        raise MissingDependencyError("pictures need matplotlib: pip install 'varstore[plot]'") from None
    figure = figure_module.Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=12)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def note(figure: Any, sentences: Sequence[str]) -> None:
    """Say below the picture what is not in it."""
    text = ". ".join(sentence[0].upper() + sentence[1:] for sentence in sentences if sentence)
    if text:
        figure.supxlabel(f"{text}.", fontsize=8, color="#555555", x=0.01, ha="left")


def rows(number: int) -> str:
    """So many rows, in words."""
    return f"{number:,} row{'' if number == 1 else 's'}"


def check_form(path: str | os.PathLike[str]) -> None:
    """Refuse names of files that say no form that pictures are written in. Raises QueryError."""
    form = Path(path).suffix.lower()
    if form not in FORMS:
        raise QueryError(f"{os.fspath(path)}: pictures are .png or .svg, not {form or 'without an ending'}")


def save(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG or SVG, by the name of the file. Raises QueryError."""
    check_form(path)
    try:
        figure.savefig(path, dpi=_DOTS_PER_INCH)
    except OSError as error:
        raise QueryError(f"{os.fspath(path)}: cannot be written ({error.strerror})") from None
