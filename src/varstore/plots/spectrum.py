"""The frequency spectrum: how many alleles are how common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from .figures import COLOURS, new_figure, note

# At most so many that each class holds a whole number of alleles of any cohort: none is empty for that.
_BINS_A_DECADE = 3
Counts = tuple[NDArray[np.int64], NDArray[np.int64]]


def spectrum(groups: Mapping[str, Counts]) -> Any:
    """Draw how many ALT alleles have which frequency, a line a cohort, on scales of powers of ten.

    groups : name of a cohort (one, empty: everybody) to allele_count and allele_number, (rows,) each

    Returns a matplotlib Figure. Alleles that nobody of a cohort has are left out, and counted below. Raises QueryError
    where no allele is left, MissingDependencyError.
    """
    seen = {name: _seen(*counts) for name, counts in groups.items()}
    if not any(len(frequency) for frequency, _ in seen.values()):
        raise QueryError("no allele was seen: there is nothing to draw")
    lowest = min(float(frequency.min()) for frequency, _ in seen.values() if len(frequency))
    edges = bin_edges(lowest)
    figure, axes = new_figure("How common are the alleles?")
    for place, (name, (frequency, once)) in enumerate(seen.items()):
        number = np.histogram(frequency, edges)[0]
        label = f"{name or 'everybody'}: {len(frequency):,} alleles, {once:,} seen once"
        axes.stairs(
            number, edges, label=label, color=COLOURS[place % len(COLOURS)], linewidth=1.8, fill=len(seen) == 1,
            linestyle=("solid", "dashed", "dotted")[place // len(COLOURS) % 3],
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.set_xlabel("ALT allele frequency")
    axes.set_ylabel(f"Number of ALT alleles ({_BINS_A_DECADE} classes a power of ten)")
    axes.legend(frameon=False, fontsize=9)
    unseen = {name: len(groups[name][0]) - len(frequency) for name, (frequency, _) in seen.items()}
    note(
        figure,
        [", ".join(f"{n:,} alleles nobody has{f' in {name}' if name else ''}" for name, n in unseen.items() if n)],
    )
    return figure


def bin_edges(lowest: float) -> NDArray[np.float64]:
    """Edges of classes of frequency up to 1, the lowest frequency in the first."""
    step = 1 / _BINS_A_DECADE
    first = min(np.floor(np.log10(lowest) / step), -1)
    edges: NDArray[np.float64] = 10 ** (np.arange(first, 1) * step)
    edges[0], edges[-1] = min(edges[0], lowest), 1.0
    return edges


def _seen(allele_count: NDArray[np.int64], allele_number: NDArray[np.int64]) -> tuple[NDArray[np.float64], int]:
    """Frequencies of the alleles that somebody has, and how many are seen once."""
    there = allele_count > 0
    return allele_count[there] / allele_number[there], int((allele_count == 1).sum())
