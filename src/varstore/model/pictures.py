"""Which picture a result is drawn as: columns of a table to the functions of ``plots``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import QueryError

if TYPE_CHECKING:
    from .results import CountTable

KINDS = ("spectrum", "frequencies", "manhattan", "qq", "axes")
_P_COLUMNS = ("p_value", "hwe_p_value")


def draw(
    table: CountTable, kind: str | None = None, names: tuple[str, str] = ("a", "b"), inflation: float | None = None
) -> Any:
    """Draw a table.

    kind : "spectrum" (how many alleles are how common), "frequencies" (cohort against cohort), "manhattan" or "qq" (of
        p-values), "axes" (people on the first two); None: axes where there are, manhattan where there are p-values of a
        comparison, else spectrum
    names : of the sides of a comparison    inflation : lambda, where the p-values alone do not give it

    Returns a matplotlib Figure. Raises QueryError where the table has not what the picture needs.
    """
    if kind is None:
        kind = "axes" if "pc1" in table.columns else "manhattan" if "p_value" in table.columns else "spectrum"
    if kind not in KINDS:
        raise QueryError(f"no picture {kind!r}; there are {', '.join(KINDS)}")
    if kind in ("manhattan", "qq"):
        return _p_values(table, kind, names, inflation)
    if kind == "axes":
        return _axes(table)
    return (_spectrum if kind == "spectrum" else _frequencies)(table, names)


def _spectrum(table: CountTable, names: tuple[str, str]) -> Any:
    from ..plots.spectrum import spectrum  # noqa: PLC0415

    columns = ("allele_count", "allele_number")
    if f"{columns[0]}_a" in table.columns:
        sides = zip(names, ("a", "b"), strict=True)
        return spectrum({name: (table[f"{columns[0]}_{side}"], table[f"{columns[1]}_{side}"]) for name, side in sides})
    rows = _rows_of_cohorts(table)
    return spectrum({name: (table[columns[0]][mine], table[columns[1]][mine]) for name, mine in rows.items()})


def _frequencies(table: CountTable, names: tuple[str, str]) -> Any:
    from ..plots.frequencies import frequencies  # noqa: PLC0415

    if "allele_frequency_a" in table.columns:
        return frequencies(table["allele_frequency_a"], table["allele_frequency_b"], names)
    rows = _rows_of_cohorts(table)
    if len(rows) != 2:
        raise QueryError(f"frequencies is of two cohorts, the table has {len(rows)}")
    a, b = (table["allele_frequency"][mine] for mine in rows.values())
    first, second = rows
    return frequencies(a, b, (first, second))


def _p_values(table: CountTable, kind: str, names: tuple[str, str], inflation: float | None) -> Any:
    from ..plots.manhattan import manhattan  # noqa: PLC0415
    from ..plots.quantiles import quantiles  # noqa: PLC0415

    column = next((name for name in _P_COLUMNS if name in table.columns), None)
    if column is None:
        raise QueryError(f"{kind} is of p-values: draw the table of compare_cohorts, or of variant_stats")
    if len(_rows_of_cohorts(table)) > 1:
        raise QueryError(f"{kind} is of one cohort's p-values, the table has several")
    p, title = table[column], "Hardy-Weinberg" if column == "hwe_p_value" else f"{names[0]} against {names[1]}"
    return quantiles(p, title, inflation) if kind == "qq" else manhattan(table["contig"], table["position"], p, title)


def _axes(table: CountTable) -> Any:
    from ..plots.axes import axes  # noqa: PLC0415

    if not {"sample", "pc1", "pc2"} <= set(table.columns):
        raise QueryError("axes is of people on two principal axes: draw a table of pca or project with two or more")
    groups = [name for name in table.columns if name != "sample" and table[name].dtype == object]
    return axes(np.column_stack([table["pc1"], table["pc2"]]), table[groups[0]] if groups else None)


def _rows_of_cohorts(table: CountTable) -> dict[str, Any]:
    """Which rows are whose: every k-th, as cohorts follow each other at every allele."""
    if "cohort" not in table.columns or not len(table):
        return {"": slice(None)}
    names = list(dict.fromkeys(table["cohort"].tolist()))
    return {name: slice(place, None, len(names)) for place, name in enumerate(names)}


def kinship_picture(table: CountTable, least: Mapping[str, float], divide: tuple[str, str, float, float] | None) -> Any:
    """Draw a table of kinship; ``least`` and ``divide`` as of ``plots.kinship.kinship``. Raises QueryError."""
    from ..plots.kinship import kinship  # noqa: PLC0415

    share = table["ibs0"] / np.where(table["n_sites"] > 0, table["n_sites"], np.nan)
    return kinship(share, table["kinship"], table["relationship"], least, divide)
