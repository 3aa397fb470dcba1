"""Classes of human contigs by the number of copies that people have, and the copies that sex tells."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .contigs import MITOCHONDRION, chromosome_of

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
# PLINK's numbers and names of what is no autosome.
_PLINK = {"23": X, "24": Y, "xy": PAR, "25": PAR, "par1": PAR, "par2": PAR, "26": MT}


def build_of(assembly: str | None) -> str | None:
    """The build that an assembly's name means, of those whose PAR is known; None: another, or none.

    >>> build_of("hg38"), build_of("GRCh37.p13"), build_of("mm10")
    ('GRCh38', 'GRCh37', None)
    """
    text = re.sub(r"[^a-z0-9]", "", (assembly or "").lower())
    return _WHOLE.get(text) or next((build for held, build in _HELD.items() if held in text), None)


def class_of_contig(name: str) -> int:
    """Class of a contig by its name (``chr1``, ``1``, ``NC_000001.11``); X for all of X."""
    chromosome = chromosome_of(name)
    if chromosome is None:
        return _PLINK.get(name.lower().removeprefix("chr"), OTHER)
    return {"X": X, "Y": Y, MITOCHONDRION: MT}.get(chromosome, AUTOSOME)


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
