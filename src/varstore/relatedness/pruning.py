"""Sites thinned until no two near ones are correlated: LD pruning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..query.diploid import read_lists, read_planes
from ..query.site_choice import Sites
from ..query.version import Version

# Sites of which fewer than one person in so many differs are read as lists.
_RARE = 64


@dataclass(frozen=True)
class Pruning:
    """How sites are thinned, as ``plink2 --indep-pairwise`` takes it.

    window : sites, or bases where ``bases``    step : sites by which a window moves on; 1 for windows of bases
    r2 : squared correlation of copies above which one of two sites goes

    Raises QueryError for impossible values.
    """

    window: int = 50
    step: int = 5
    r2: float = 0.2
    bases: bool = False

    def __post_init__(self) -> None:
        if self.window < 2 or self.step < 1 or not 0 <= self.r2 < 1:
            raise QueryError(
                f"pruning by a window of {self.window}, a step of {self.step} and r2 {self.r2}; expected a window of 2 "
                "or more, a step of 1 or more, and r2 of at least 0 and below 1"
            )
        if self.bases and self.step != 1:
            raise QueryError(f"a window of bases moves on by 1 site, found a step of {self.step}")

    @classmethod
    def parse(cls, text: str) -> Pruning | None:
        """``WINDOW,STEP,R2`` or ``WINDOWkb,R2``; ``none`` is None. Raises QueryError.

        >>> Pruning.parse("50,5,0.2"), Pruning.parse("100kb,0.5").window
        (Pruning(window=50, step=5, r2=0.2, bases=False), 100000)
        """
        if text == "none":
            return None
        parts = text.split(",")
        kilobases = parts[0].lower().endswith("kb")
        try:
            if kilobases and len(parts) == 2:
                return cls(round(1000 * float(parts[0][:-2])), 1, float(parts[1]), bases=True)
            if not kilobases and len(parts) == 3:
                return cls(int(parts[0]), int(parts[1]), float(parts[2]))
        except ValueError:
            pass
        raise QueryError(
            f"pruning {text!r}: expected WINDOW,STEP,R2 like 50,5,0.2, WINDOWkb,R2 like 500kb,0.2, or none"
        )


def prune(version: Version, sites: Sites, people: NDArray[np.int64], pruning: Pruning) -> NDArray[np.int64]:
    """Indexes of the sites that stay.

    Correlation is Pearson's, of copies of ALT over those called at both sites; contigs apart. Sites at which all who
    are called are alike go too. Windows, order of pairs and which of two goes are plink2's.

    people : sorted int64 sample numbers

    Raises CorruptRepositoryError.
    """
    from ..kernels import prune as kernels  # noqa: PLC0415

    common, place = _places(sites, len(people))
    planes = read_planes(version, sites.take(common), people)
    lists = read_lists(version, sites.take(~common), people)
    sums = np.empty((len(sites), 3), np.int64)
    sums[common], sums[~common] = _sums(planes.counts(), len(people)), _sums(lists.counts(), len(people))
    # Lists count the rarer allele and planes ALT: a squared correlation is the same.
    frequency = np.divide(sums[:, 0], 2 * sums[:, 2], out=np.zeros(len(sites)), where=sums[:, 2] > 0)
    major = np.maximum(frequency, 1 - frequency)
    kept, signature = np.empty(len(sites), np.bool_), np.empty(len(lists), np.uint64)
    kernels.list_signatures(lists.start, lists.person, signature)
    scratch = np.empty(len(sites), np.int64), np.zeros(len(people), np.uint8)
    kernels.prune(
        *_windows(sites, pruning), major, place, planes.het, planes.hom_alt, planes.missing, lists.start, lists.person,
        lists.code, signature, sums, len(people), pruning.r2, *scratch, kept,
    )  # fmt: skip
    return np.flatnonzero(kept)


def _places(sites: Sites, people: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which sites are read as planes, and for each its row there, or -1 - its list."""
    rarer_hom = np.where(2 * sites.allele_count > sites.allele_number, 0, sites.n_hom_alt)
    differ = np.minimum(sites.mac, people) - rarer_hom + sites.n_missing
    common = differ * _RARE >= people
    place = np.empty(len(sites), np.int64)
    place[common] = np.arange(int(common.sum()))
    place[~common] = -1 - np.arange(int((~common).sum()))
    return common, place


def _sums(counts: NDArray[np.int64], people: int) -> NDArray[np.int64]:
    """(sites, 3) columns of ``kernels.prune``: copies, their squares, people called; from ``counts()`` of calls."""
    het, homozygous, missing = counts.T
    return np.stack([het + 2 * homozygous, het + 4 * homozygous, people - missing], axis=1)


def _windows(sites: Sites, pruning: Pruning) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First site of each window, and the one behind its last."""
    cuts = np.flatnonzero(np.diff(sites.contig)) + 1
    starts, ends = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for begin, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(sites)], strict=True):
        first = np.arange(begin, end, pruning.step)
        if pruning.bases:
            position = sites.position[begin:end]
            last = begin + np.searchsorted(position, position + pruning.window, side="right")
        else:
            last = np.minimum(first + pruning.window, end)
        starts.append(first)
        ends.append(last)
    return np.concatenate(starts), np.concatenate(ends)
