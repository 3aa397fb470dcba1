"""The alleles of a genome that a report shows: rare ones, those in all copies first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.results import CountTable
from .sharing import MAX_FREQUENCY

MOST_ROWS = 100
_SITE = ("contig", "position", "ref", "alt", "zygosity", "rarity", "allele_count", "allele_number", "n_hom_alt")


@dataclass(frozen=True)
class Row:
    """One allele. annotations : name of a field to its text"""

    contig: str
    position: int
    ref: str
    alt: str
    zygosity: str
    rarity: str
    allele_count: int
    allele_number: int
    n_hom_alt: int | None
    annotations: dict[str, str]


def rows_worth_a_look(variants: CountTable) -> tuple[list[Row], int]:
    """The rarest alleles, and how many are rare.

    Rare: below ``MAX_FREQUENCY`` among the others, where they could be called. In all copies come first, then the rarer
    before the more common, then in the order of the table.
    """
    count, number = variants["allele_count"], variants["allele_number"]
    rare = ((count == 0) | (count < MAX_FREQUENCY * number)) & (variants["state"] != "not_callable")
    chosen = np.flatnonzero(rare)
    share = np.divide(count[chosen], number[chosen], out=np.zeros(len(chosen)), where=number[chosen] > 0)
    order = chosen[np.lexsort((chosen, share, count[chosen] > 0, variants["zygosity"][chosen] != "hom"))][:MOST_ROWS]
    annotations = annotation_columns(variants)
    return [_row(variants, i, annotations) for i in order.tolist()], len(chosen)


def annotation_columns(variants: CountTable) -> list[str]:
    """Columns that other files' annotations gave: they are named FILE:FIELD."""
    return [name for name in variants.columns if ":" in name]


def _row(variants: CountTable, i: int, annotations: list[str]) -> Row:
    values: dict[str, Any] = {name: variants[name][i] for name in _SITE if name in variants.columns}
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
    plain.setdefault("n_hom_alt", None)
    return Row(**plain, annotations={name: str(variants[name][i]) for name in annotations})
