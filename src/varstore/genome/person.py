"""The person as a whole: what a genome carries by rarity, beside what everybody in the repository carries.

docs/personal-genome.md, "The person as a whole", has the definitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import carriers as _carriers
from ..kernels.people import NO_SNV, TRANSITION, TRANSVERSION
from ..kernels.person import HEMI, HET, HOM
from ..model.ploidy import X, build_of, classes_at
from ..query.carriers import counted_alleles, over_blocks
from ..query.cohorts import members
from ..query.counting import Question
from ..query.version import Version
from .table import RARITIES

if TYPE_CHECKING:
    from ..codec.carriers import Alleles, Traits
    from ..codec.layout import BlockSets, Scratch
    from ..model.regions import Region
    from ..query.carriers import CountedAlleles
    from ..query.union import AlleleKey

# Classes of rarity in the repository, and the shares that bound those of more than one copy.
CLASSES = RARITIES[1:]
BOUNDS = (1e-4, 1e-3, 1e-2, 5e-2)
# Fewer people than these say nothing of who stands out.
LEAST_PEOPLE = 20
# ALT alleles on X outside the PAR that a sex needs, and shares of heterozygous ones of one X and of two.
LEAST_X_ALLELES = 50
ONE_X, TWO_X = 0.1, 0.25
# Tukey's outer fences (Exploratory Data Analysis, 1977): so many interquartile ranges beyond the quartiles.
_FENCE = 3.0

COUNTS = (
    *(f"n_{name}" for name in CLASSES), "n_het", "n_hom_alt", "n_hemi", "n_transitions", "n_transversions",
    "n_x_het", "n_x_hom_alt", "n_x_hemi",
)  # fmt: skip


@dataclass(frozen=True)
class Tallies:
    """Counts of people, a row a person.

    numbers : (people,) int64, of the repository    counts : (people, 15) int64, columns as ``COUNTS``
    """

    numbers: NDArray[np.int64]
    counts: NDArray[np.int64]

    def of(self, numbers: NDArray[np.int64]) -> Tallies:
        """Those of some people."""
        kept = np.isin(self.numbers, numbers)
        return Tallies(self.numbers[kept], self.counts[kept])


def classes_of(allele_count: NDArray[np.int64], allele_number: NDArray[np.int64]) -> NDArray[np.int64]:
    """(alleles,) class of rarity of each, an index into ``CLASSES``."""
    share = _shares(allele_count, allele_number)
    out = _carriers.FIRST_SHARE + np.searchsorted(np.array(BOUNDS), share, side="right")
    out[allele_count == 1] = _carriers.SINGLETON
    out[allele_count <= 0] = _carriers.NOVEL
    return out


def _shares(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    out = np.full(len(part), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def everybody(
    version: Version, where: tuple[Sequence[Region] | None, Sequence[AlleleKey]] = (None, ()), filters: Any = None
) -> Tallies:
    """What everybody in the repository carries; an allele is as rare as it is among all the others.

    where : regions and alleles; None: everything    filters : as of ``count_alleles``

    Raises UnknownFilterError, CorruptRepositoryError.
    """
    masks = members(None, version._num_numbers, version._withdrawn_now())
    question = Question(*where, masks, None, True, filters, genotypes=False)
    tally = np.zeros((version._num_numbers, _carriers.NUM_FIELDS), np.int64)
    for found in counted_alleles(version, question):
        traits = traits_of(version, found)

        def look(
            block: BlockSets, first_row: int, alleles: Alleles, numbers: NDArray[np.int64], scratch: Scratch,
            traits: Traits = traits,
        ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
            from ..codec.carriers import add_classes  # noqa: PLC0415

            mine = np.zeros((block.num_samples, _carriers.NUM_FIELDS), np.int64)
            add_classes(block, first_row, alleles, traits, mine, scratch)
            return numbers, mine[: len(numbers)]

        for numbers, mine in over_blocks(version, found.reads, look):
            tally[numbers] += mine
    present = np.flatnonzero(masks[0])
    return Tallies(present, tally[present])


def traits_of(version: Version, found: CountedAlleles) -> Traits:
    """What is known of alleles."""
    from ..codec.carriers import Traits  # noqa: PLC0415

    kind = kinds_of_keys(found.key)
    unknown = np.flatnonzero(found.key == 0)
    if len(unknown):
        from ..stats.samples import kinds_of  # noqa: PLC0415

        kind[unknown] = kinds_of(found.ref[unknown].tolist(), found.alt[unknown].tolist())
    x = on_x(version, found.contig, found.position)
    return Traits(found.allele_count, found.allele_number, kind, x, np.array(BOUNDS))


def kinds_of_keys(key: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """(alleles,) whether each changes one base, and how: NO_SNV, TRANSITION or TRANSVERSION (docs/format.md, Keys)."""
    # Not hashed, one base of REF and one of ALT.
    single = key & np.uint64(0xFF800000) == np.uint64(1 << 27 | 1 << 23)
    # A, C, G, T are 0 to 3: purines and pyrimidines differ in the low bit.
    changed = (key ^ (key >> np.uint64(2))) & np.uint64(3)
    return np.where(single, np.where(changed == 2, TRANSITION, TRANSVERSION), NO_SNV).astype(np.uint8)


def on_x(version: Version, contig: NDArray[np.int64], position: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(alleles,) whether each is on X outside the PAR; on all of X where nobody knows the build."""
    build = build_of(version.manifest.document["assembly"] if version.manifest else None)
    out = np.zeros(len(contig), np.bool_)
    for place in np.unique(contig).tolist():
        here = contig == place
        out[here] = classes_at(version.contigs[place], position[here], build) == X
    return out


def tally_of(
    classes: NDArray[np.int64], zygosity: NDArray[np.uint8], kind: NDArray[np.uint8], is_x: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(15,) counts of one genome, columns as ``COUNTS``.

    classes : (alleles,) of ``CLASSES``    zygosity : (alleles,) of ``kernels.person``
    kind : (alleles,) of ``kernels.people``    is_x : (alleles,) bool
    """
    out = np.zeros(_carriers.NUM_FIELDS, np.int64)
    out[: len(CLASSES)] = np.bincount(classes, minlength=len(CLASSES))
    for column, which in enumerate((HET, HOM, HEMI)):
        mine = zygosity == which
        out[_carriers.HET + column], out[_carriers.X_HET + column] = mine.sum(), (mine & is_x).sum()
    out[_carriers.TRANSITIONS] = (kind == TRANSITION).sum()
    out[_carriers.TRANSVERSIONS] = (kind == TRANSVERSION).sum()
    return out


def measures(counts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """What people are compared by: (people,) each, NaN where it is missing. counts : (people, 15)"""
    columns = dict(zip(COUNTS, counts.T, strict=True))
    out: dict[str, NDArray[Any]] = {f"n_{name}": columns[f"n_{name}"].astype(np.float64) for name in CLASSES}
    out["n_alleles"] = counts[:, : len(CLASSES)].sum(axis=1).astype(np.float64)
    out["ts_tv"] = _shares(columns["n_transitions"], columns["n_transversions"])
    out["het_hom"] = _shares(columns["n_het"], columns["n_hom_alt"])
    out["x_het_share"] = x_het_share(counts)
    return out


def x_het_share(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(people,) share of the ALT alleles on X outside the PAR that stand beside another allele."""
    on = counts[:, _carriers.X_HET : _carriers.X_HEMI + 1]
    return _shares(on[:, 0], on.sum(axis=1))


def compared(value: float, others: NDArray[np.float64]) -> dict[str, Any]:
    """A number beside the same of other people, JSON-ready: None is missing.

    ``percentile`` is the share of others below it and half of those equal, in percent; ``stands_out`` says where it is
    beyond Tukey's outer fences, ``low`` or ``high``, and nothing where there are fewer than ``LEAST_PEOPLE`` others.
    """
    others = others[~np.isnan(others)]
    out: dict[str, Any] = {"value": _plain(value), "num_people": len(others)}
    if not len(others):
        return out | dict.fromkeys(("median", "p5", "p95", "low", "high", "percentile", "stands_out"))
    p5, q1, median, q3, p95 = np.percentile(others, (5, 25, 50, 75, 95)).tolist()
    out |= {"median": _plain(median), "p5": _plain(p5), "p95": _plain(p95)}
    out |= {"low": _plain(others.min()), "high": _plain(others.max()), "percentile": None, "stands_out": None}
    if np.isnan(value):
        return out
    below = (others < value).sum() + (others == value).sum() / 2
    out["percentile"] = 100 * float(below) / len(others)
    reach = _FENCE * (q3 - q1)
    if len(others) >= LEAST_PEOPLE and not q1 - reach <= value <= q3 + reach:
        out["stands_out"] = "low" if value < median else "high"
    return out


def _plain(value: Any) -> float | int | None:
    number = float(value)
    return None if np.isnan(number) else int(number) if number == int(number) else number


def beside(counts: NDArray[np.int64], others: Tallies) -> dict[str, Any]:
    """One person's counts beside those of others: name of a measure to ``compared``."""
    mine, theirs = measures(counts[np.newaxis]), measures(others.counts)
    return {name: compared(float(mine[name][0]), theirs[name]) for name in mine}


def sex_check(counts: NDArray[np.int64], stated: str) -> dict[str, Any]:
    """The sex that X tells, and whether it contradicts what is stated: "male", "female" or "unknown".

    Of the ALT alleles on X outside the PAR somebody with one X has none beside another allele, somebody with two about
    half: below ``ONE_X`` is male, above ``TWO_X`` female, between them, or of too few alleles, nothing is said.
    """
    x = counts[_carriers.X_HET : _carriers.X_HEMI + 1]
    total, share = int(x.sum()), float(x_het_share(counts[np.newaxis])[0])
    out: dict[str, Any] = {
        "stated": stated,
        "num_x_alleles": total,
        "x_het_share": _plain(share),
        "inferred": "unknown",
    }
    if total < LEAST_X_ALLELES:
        return out | {"contradiction": False, "reason": f"too few alleles on X ({total}; needs {LEAST_X_ALLELES})"}
    if share < ONE_X:
        out["inferred"] = "male"
    elif share > TWO_X:
        out["inferred"] = "female"
    contradiction = "unknown" not in (stated, out["inferred"]) and stated != out["inferred"]
    reason = None if out["inferred"] != "unknown" else f"{share:.2f} is between {ONE_X} and {TWO_X}"
    return out | {"contradiction": contradiction, "reason": reason}


def standing_out(person: dict[str, Any], names: Sequence[str] | None = None) -> list[str]:
    """Names of the measures that stand out. person : of ``beside``"""
    return [name for name in names or person if person[name]["stands_out"]]
