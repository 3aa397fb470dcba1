"""Runs of homozygosity: stretches of calls in which windows with few heterozygous ones follow each other."""

from typing import Any

import numpy as np

from .jit import kernel

# Columns of a run: person, first and last site, heterozygous and missing calls in it.
PERSON, FIRST, LAST, HETS, LOST = range(5)


@kernel
def _bit(plane: Any, i: int) -> int:
    """Bit ``i`` of a plane, as 0 or 1."""
    return np.int64((plane[i >> 6] >> np.uint64(i & 63)) & np.uint64(1))


@kernel
def _good_windows(het: Any, missing: Any, sites: int, window: int, most_hets: int, most_missing: int, good: Any) -> int:
    """Count good windows: ``good[w]`` is how many of those before window ``w`` have few hets and few missing calls.

    Returns the number of windows, one for each first site; 0 where there are fewer sites than a window has.
    """
    hets, lost = np.int64(0), np.int64(0)
    good[0] = 0
    for site in range(sites):
        hets += _bit(het, site)
        lost += _bit(missing, site)
        first = site - window + 1
        if first < 0:
            continue
        good[first + 1] = good[first] + (hets <= most_hets and lost <= most_missing)
        hets -= _bit(het, first)
        lost -= _bit(missing, first)
    return max(0, sites - window + 1)


@kernel
def find_runs(
    het: Any, missing: Any, first_person: int, position: Any, window: int, window_hets: int, window_missing: int,
    least: Any, min_sites: int, min_bases: int, most_bases_a_site: int, most_gap: int, most_hets: int, good: Any,
    out: Any,
) -> int:  # fmt: skip
    """Find the runs of some people on one contig, in order; return how many.

    het, missing : (people, words over sites) uint64    first_person : number of the first
    position : (sites,) int64, ascending    window : sites of a scanning window
    window_hets, window_missing : calls of a good window, at most
    least : (window + 1,) int64, how many good ones there have to be among so many windows that hold a site
    min_sites, min_bases : of a run    most_bases_a_site : on average    most_gap : bases between two sites of a run
    most_hets : in a run, negative: any number    good : (sites + 2,) int64 scratch
    out : (room, 5) int64, with room for ``sites // min_sites`` runs a person
    """
    sites, num = position.size, 0
    for row in range(het.shape[0]):
        windows = _good_windows(het[row], missing[row], sites, window, window_hets, window_missing, good)
        first, hets, lost = -1, np.int64(0), np.int64(0)
        for site in range(sites + 1):
            begin, end = max(0, site - window + 1), min(site + 1, windows)
            eligible = site < sites and end > begin and good[end] - good[begin] >= least[end - begin]
            is_het = _bit(het[row], site) if site < sites else 0
            if first >= 0:
                apart = site < sites and position[site] - position[site - 1] > most_gap
                if not eligible or apart or (is_het == 1 and hets == most_hets):
                    length, number = position[site - 1] + 1 - position[first], site - first
                    if number >= min_sites and length >= min_bases and length <= number * most_bases_a_site:
                        out[num, PERSON], out[num, FIRST], out[num, LAST] = first_person + row, first, site - 1
                        out[num, HETS], out[num, LOST] = hets, lost
                        num += 1
                    first = -1
            if first < 0:
                if not eligible or (is_het == 1 and most_hets == 0):
                    continue
                first, hets, lost = site, 0, 0
            hets += is_het
            lost += _bit(missing[row], site)
    return num
