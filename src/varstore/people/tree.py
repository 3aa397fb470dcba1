"""What a cohort expression says, as a small tree.

Every node knows where it stands in the text (``position``, 0-based), so that an error can point there; two trees are
equal when they say the same, wherever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Value = str | int | float | bool


@dataclass(frozen=True)
class Name:
    """A column. Where a condition stands: one of booleans that is true."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Literal:
    """A text, a number or a boolean. Where a condition stands: everybody (``true``) or nobody (``false``)."""

    value: Value
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Compare:
    """Two values compared; ``operator`` is one of == != < <= > >=. A chain of them is an ``And``."""

    left: Name | Literal
    operator: str
    right: Name | Literal
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Among:
    """A column's value is one of several."""

    column: Name
    values: tuple[Literal, ...]
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Has:
    """A column's cell holds a term; with ``descendants``, the term or one below it in a vocabulary."""

    column: Name
    term: Literal
    descendants: bool = False
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Missing:
    """Nothing is known of a column."""

    column: Name
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Saved:
    """The people of a saved cohort."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Not:
    """The condition is false. Neither is true where a value is missing."""

    operand: Condition
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class And:
    """All of two or more conditions are true."""

    operands: tuple[Condition, ...]
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Or:
    """One at least of two or more conditions is true."""

    operands: tuple[Condition, ...]
    position: int = field(default=0, compare=False)


Condition = Name | Literal | Compare | Among | Has | Missing | Saved | Not | And | Or
