"""Linkage disequilibrium of pairs of sites: squared correlation of copies, or of haplotypes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..model.results import CountTable
from ..query.site_choice import Sites
from ..query.version import Version

# Sites whose pairs are computed at a time, with those of their windows.
_SITES = 512
# Codes that are decoded at a time.
_MOST_CELLS = 1 << 31

Matrices = tuple[NDArray[np.float32], NDArray[np.float32]]


def linkage(
    version: Version, sites: Sites, people: NDArray[np.int64], *, window: int, min_r2: float, phased: bool
) -> CountTable:
    """Pairs of sites of one contig, at most ``window`` bases apart, of a squared correlation of ``min_r2`` or more.

    people : sorted int64 sample numbers    phased : of haplotypes of phased calls, not of copies

    Raises QueryError where so many calls do not fit in memory.
    """
    if window < 1 or not 0 <= min_r2 <= 1:
        raise QueryError(f"a window of {window} bases and r2 of {min_r2} or more; expected 1 or more, and from 0 to 1")
    if 2 * len(sites) * len(people) > _MOST_CELLS:
        raise QueryError(f"{len(sites):,} sites of {len(people):,} people are too many at a time: ask for a region")
    values, called = (_haplotypes if phased else _copies)(version, sites, people)
    parts = [np.zeros((3, 0))]
    for begin, end, last in _blocks(sites, window):
        r2 = _squared(values[begin:last], called[begin:last], end - begin)
        first, second = np.nonzero(r2 >= min_r2)
        near = second > first
        first, second = first[near], second[near]
        distance = sites.position[begin + second] - sites.position[begin + first]
        near = (distance <= window) & (sites.contig[begin + second] == sites.contig[begin + first])
        first, second = first[near], second[near]
        parts.append(np.stack([begin + first, begin + second, r2[first, second]]))
    found = np.concatenate(parts, axis=1)
    return _table(sites, found[:2].astype(np.int64), found[2], version.contigs)


def _blocks(sites: Sites, window: int) -> Iterator[tuple[int, int, int]]:
    """Runs of sites, and behind the last of their windows."""
    for begin in range(0, len(sites), _SITES):
        end = min(begin + _SITES, len(sites))
        last = end
        same = np.flatnonzero(sites.contig == sites.contig[end - 1])
        behind = np.searchsorted(sites.position[same], sites.position[end - 1] + window, side="right")
        yield begin, end, max(last, int(same[behind - 1]) + 1)


def _squared(values: NDArray[np.float32], called: NDArray[np.float32], rows: int) -> NDArray[np.float64]:
    """(rows, sites) squared correlations of the first sites with all, over what is called at both; NaN where none.

    values : (sites, calls), 0 where missing    called : (sites, calls), 1 where not

    Sums are of small integers, and exact.
    """
    mine, mask = values[:rows], called[:rows]
    number = (mask @ called.T).astype(np.float64)
    products, sums, others = mine @ values.T, mine @ called.T, mask @ values.T
    squares, other_squares = (mine * mine) @ called.T, mask @ (values * values).T
    covariance = number * products - sums.astype(np.float64) * others
    variances = (number * squares - sums.astype(np.float64) ** 2) * (
        number * other_squares - others.astype(np.float64) ** 2
    )
    out = np.full(covariance.shape, np.nan)
    np.divide(covariance * covariance, variances, out=out, where=variances > 0)
    return out


def _copies(version: Version, sites: Sites, people: NDArray[np.int64]) -> Matrices:
    """(sites, people) copies of ALT, and who is called."""
    from ..query.diploid import read_planes  # noqa: PLC0415

    planes = read_planes(version, sites, people)
    het, hom_alt, missing = (_flags(plane, len(people)) for plane in (planes.het, planes.hom_alt, planes.missing))
    return het + 2 * hom_alt, 1 - missing


def _flags(plane: NDArray[np.uint64], columns: int) -> NDArray[np.float32]:
    return np.unpackbits(plane.view(np.uint8), axis=1, count=columns, bitorder="little").astype(np.float32)


def _haplotypes(version: Version, sites: Sites, people: NDArray[np.int64]) -> Matrices:
    """(sites, 2 x people) alleles, and which are known to be of a haplotype: of phased and of homozygous calls."""
    from ..query.genotypes import read_genotypes  # noqa: PLC0415
    from ..query.plan import ChunkRead  # noqa: PLC0415

    if not version._one_axis:
        raise QueryError("haplotypes are read from batches with the same records; leave phased (--phased) out")
    store = version._batches[0].store
    height = len(store.site_chunk(0).position)
    chunk, row = np.divmod(sites.records[0], height)
    reads = [ChunkRead(number, row[chunk == number]) for number in np.unique(chunk).tolist()]
    place = np.full(version._num_numbers, -1, np.int64)
    place[people] = np.arange(len(people))
    columns = [place[batch.numbers] for batch in version._batches]
    stores = [batch.store for batch in version._batches]
    found = read_genotypes(stores, reads, columns, [""] * len(people), version._blocks)
    calls = found.call_genotype[:, :, :2]
    diploid = ((calls == 0) | (calls == 1)).all(axis=2) & (found.call_genotype[:, :, 2:] == -2).all(axis=2)
    known = diploid & (found.call_genotype_phased | (calls[:, :, 0] == calls[:, :, 1]))
    called = np.repeat(known, 2, axis=1).astype(np.float32)
    values = calls.reshape(len(sites), -1).astype(np.float32) * called
    return values, called


def _table(sites: Sites, pair: NDArray[np.int64], r2: NDArray[np.float64], contigs: Sequence[str]) -> CountTable:
    first, second = pair
    return CountTable(
        {
            "contig": np.array([*contigs, ""], object)[sites.contig[first]],
            "position_1": sites.position[first],
            "ref_1": sites.ref[first],
            "alt_1": sites.alt[first],
            "position_2": sites.position[second],
            "ref_2": sites.ref[second],
            "alt_2": sites.alt[second],
            "r2": r2,
        }
    )
