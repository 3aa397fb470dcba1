"""Classes of human contigs by the number of copies that people have, and the copies that sex tells."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Classes of a position. OTHER: contigs that none of them is, of which only a batch's own calls can tell.
AUTOSOME, PAR, X, Y, MT, OTHER = range(6)
CLASS_NAMES = ("autosomes", "PAR", "X outside PAR", "Y", "MT", "other contigs")
NUM_CLASSES = len(CLASS_NAMES)
# Ploidies that are none: a person without calls, and one whose calls disagree.
NO_CALLS, UNDECIDED = -1, -2

SEXES = ("unknown", "male", "female")
UNKNOWN, MALE, FEMALE = range(3)

# Pseudoautosomal regions of X, 1-based, closed. GRCh37 and GRCh38: the Genome Reference Consortium
# (ncbi.nlm.nih.gov/grc/human, "PAR"); CHM13: chm13v2.0_PAR.bed of the T2T consortium. Those of Y are Y here: they are
# masked where people call variants, and what is called there is not diploid.
PAR_OF_X = {
    "GRCh37": ((60001, 2699520), (154931044, 155260560)),
    "GRCh38": ((10001, 2781479), (155701383, 156030895)),
    "T2T-CHM13v2.0": ((1, 2394410), (153925835, 154259566)),
}
# What names of a build hold, in lower case without punctuation; and whole names.
_HELD = {
    "grch37": "GRCh37", "hg19": "GRCh37", "hs37d5": "GRCh37", "g1kv37": "GRCh37", "assembly19": "GRCh37",
    "grch38": "GRCh38", "hg38": "GRCh38", "hs38dh": "GRCh38", "assembly38": "GRCh38", "chm13v2": "T2T-CHM13v2.0",
}  # fmt: skip
_WHOLE = {
    "b37": "GRCh37", "hs37": "GRCh37", "b38": "GRCh38", "hs38": "GRCh38",
    "hs1": "T2T-CHM13v2.0", "chm13": "T2T-CHM13v2.0", "t2tchm13": "T2T-CHM13v2.0",
}  # fmt: skip
# PLINK's numbers and names of sex chromosomes, and RefSeq's accessions (GRCh and CHM13; hg19's own chrM).
_NAMES = {
    "x": X, "23": X, "y": Y, "24": Y, "xy": PAR, "25": PAR, "par1": PAR, "par2": PAR, "m": MT, "mt": MT, "26": MT,
    "nc_012920": MT, "nc_001807": MT,
    **{str(number): AUTOSOME for number in range(1, 23)},
    **{f"nc_{number:06d}": AUTOSOME for number in range(1, 23)}, "nc_000023": X, "nc_000024": Y,
    **{f"nc_{60924 + number:06d}": AUTOSOME for number in range(1, 23)}, "nc_060947": X, "nc_060948": Y,
}  # fmt: skip


def build_of(assembly: str | None) -> str | None:
    """The build that an assembly's name means, of those whose PAR is known; None: another, or none.

    >>> build_of("hg38"), build_of("GRCh37.p13"), build_of("mm10")
    ('GRCh38', 'GRCh37', None)
    """
    text = re.sub(r"[^a-z0-9]", "", (assembly or "").lower())
    return _WHOLE.get(text) or next((build for held, build in _HELD.items() if held in text), None)


def class_of_contig(name: str) -> int:
    """Class of a contig by its name (``chr1``, ``1``, ``NC_000001.11``); X for all of X."""
    text = name.lower().removeprefix("chr")
    if text.startswith("nc_"):
        text = text.partition(".")[0]
    return _NAMES.get(text, OTHER)


def class_runs(contig: str, build: str | None) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where classes begin on a contig, and which: (runs,) int64 positions from 0, (runs,) uint8."""
    which = class_of_contig(contig)
    if which != X or build is None:
        return np.zeros(1, np.int64), np.array([which], np.uint8)
    (first, last), (first2, last2) = PAR_OF_X[build]
    return np.array([0, first, last + 1, first2, last2 + 1], np.int64), np.array([X, PAR, X, PAR, X], np.uint8)


def classes_at(contig: str, positions: NDArray[Any], build: str | None) -> NDArray[np.uint8]:
    """(positions,) class of each POS."""
    starts, classes = class_runs(contig, build)
    return classes[np.searchsorted(starts, positions, side="right") - 1]


def ploidy_by_sex(sexes: NDArray[np.int8], build: str | None) -> NDArray[np.int16]:
    """(people, classes) copies that each sex has; NO_CALLS where it does not tell.

    sexes : (people,) indexes into ``SEXES``. Of a male's X without a known build nobody knows where it is PAR.
    """
    table = np.full((len(SEXES), NUM_CLASSES), NO_CALLS, np.int16)
    table[:, [AUTOSOME, PAR]] = 2
    table[:, MT] = 1
    table[FEMALE, X], table[FEMALE, Y], table[MALE, Y] = 2, 0, 1
    if build is not None:
        table[MALE, X] = 1
    return table[sexes]


def complete_ploidy(own: NDArray[np.int16], sexes: NDArray[np.int8], build: str | None) -> NDArray[np.int16]:
    """(people, classes) ploidy by a batch's own calls, else by sex; negative: unknown, never guessed.

    own : (people, classes) the commonest ploidy of the calls, NO_CALLS or UNDECIDED
    """
    out = np.where(own >= 0, own, ploidy_by_sex(sexes, build))
    if build is None:
        # Mixed calls on an X of which nobody knows what is PAR: no sex says which position is which.
        out[own[:, X] == UNDECIDED, X] = UNDECIDED
    return out
