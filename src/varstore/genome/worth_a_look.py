"""The alleles of a genome that a report shows: rare ones, those in all copies first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..kernels.person import HOM
from .sharing import MAX_FREQUENCY
from .table import HWE, STATES

if TYPE_CHECKING:
    from .table import GenomeTable

MOST_ROWS = 100
_NOT_CALLABLE = STATES.index("not_callable")
_SITE = (
    "contig", "position", "ref", "alt", "zygosity", "rarity", "allele_count", "allele_number", "n_hom_alt",
    "expected_share",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One allele.

    expected_share : in Hardy-Weinberg proportions    hwe_p_value : None: not asked for
    annotations : name of a field to its text
    """

    contig: str
    position: int
    ref: str
    alt: str
    zygosity: str
    rarity: str
    allele_count: int
    allele_number: int
    n_hom_alt: int
    expected_share: float
    hwe_p_value: float | None
    annotations: dict[str, str]


def rows_worth_a_look(variants: GenomeTable) -> tuple[list[Row], int]:
    """The rarest alleles, and how many are rare.

    Rare: below ``MAX_FREQUENCY`` among the others, where they could be called. In all copies come first, then the rarer
    before the more common, then in the order of the table.
    """
    count, number = variants["allele_count"], variants["allele_number"]
    rare = ((count == 0) | (count < MAX_FREQUENCY * number)) & (variants.coded("state").codes != _NOT_CALLABLE)
    chosen = np.flatnonzero(rare)
    count, number = count[chosen], number[chosen]
    share = np.divide(count, number, out=np.zeros(len(chosen)), where=number > 0)
    in_one = variants.genome.alleles.zygosity[chosen] != HOM
    order = chosen[np.lexsort((chosen, share, count > 0, in_one))][:MOST_ROWS]
    shown = variants.take(np.sort(order))
    columns = {name: dict(zip(np.sort(order).tolist(), shown[name].tolist(), strict=True)) for name in shown.columns}
    annotations = [name for name in variants.more if name != "carriers"]
    return [
        Row(
            **{name: columns[name][i] for name in _SITE},
            hwe_p_value=columns[HWE][i] if HWE in columns else None,
            annotations={name: str(columns[name][i]) for name in annotations},
        )
        for i in order.tolist()
    ], len(chosen)
