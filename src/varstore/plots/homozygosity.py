"""How much of each genome is in runs of homozygosity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .figures import COLOURS, new_figure, note

_BINS = 40


def histogram(num_bases: NDArray[np.int64], f_roh: NDArray[np.float64]) -> Any:
    """Draw how many people have how many bases in runs.

    num_bases : (people,) int64, in all runs of each    f_roh : (people,) float64, as a share

    Returns a matplotlib Figure. Raises MissingDependencyError.
    """
    megabases = num_bases / 1e6
    figure, axes = new_figure("Runs of homozygosity")
    some = megabases > 0
    if some.any():
        axes.hist(megabases[some], bins=min(_BINS, max(5, int(some.sum()) // 2)), color=COLOURS[0])
    axes.set_xlabel("Mb in runs, of a person who has some")
    axes.set_ylabel("people")
    axes.yaxis.get_major_locator().set_params(integer=True)
    without = int((~some).sum())
    note(
        figure,
        [
            f"left out: {without:,} of {len(some):,} people, who have no run" if without else "",
            f"the most is {f_roh.max():.1%} of the bases that were looked at" if some.any() else "nobody has a run",
        ],
    )
    return figure
