"""What a version can be asked about its principal axes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..model.results import CountTable
from .asking import Relatedness

if TYPE_CHECKING:
    from ..query.choosing import Described
    from ..storage.manifest import Document
    from .pca import PrincipalAxes
    from .pruning import Pruning

PathLike = str | os.PathLike[str]


class Axes(Relatedness):
    """Questions of principal axes; arguments mean the same in all of them."""

    def pca(
        self,
        axes: int = 10,
        *,
        region: str | Sequence[str] | None = None,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        filters: str | Iterable[str] | None = None,
        min_maf: float = 0.01,
        min_call_rate: float = 0.9,
        prune: Pruning | str | None = "50,5,0.2",
        seed: int = 1,
        by: str | None = None,
        save: str | None = None,
    ) -> PrincipalAxes:
        """The directions along which people differ most: principal axes of their standardised genotypes.

        axes : how many    min_maf, min_call_rate : of the sites, among these people
        prune : how the sites are thinned, so that no stretch counts more often than others; WINDOW,STEP,R2 or
            WINDOWkb,R2 as of ``varstore prune``; None: not at all
        seed : of the random vectors that the search begins from: the same seed, the same answer
        by : a column of the sample table that tells people apart in tables and pictures
        save : keep the axes under this name in a new version, to which the repository moves on
        Other arguments as in ``count_alleles``.

        Sites are biallelic and of autosomes (of contigs that are not X, Y or MT, where there is no autosome). A missing
        call counts as the mean of the site. docs/structure.md has the definitions. Warns where the sites are of too
        little of the genome. Raises QueryError and its kinds, CorruptRepositoryError.
        """
        from ..query.site_choice import SiteLimits, choose_sites  # noqa: PLC0415
        from .pca import check_enough, principal_axes  # noqa: PLC0415
        from .pruning import Pruning  # noqa: PLC0415
        from .pruning import prune as kept_of  # noqa: PLC0415

        numbers = self._chosen_people(samples, cohort)
        check_enough(axes, len(numbers), axes)
        thinning = Pruning.parse(prune) if isinstance(prune, str) else prune
        limits = SiteLimits(min_maf=min_maf, min_call_rate=min_call_rate)
        sites = choose_sites(self, numbers, limits, region=region, regions_file=regions_file, filters=filters)
        if thinning is not None:
            sites = sites.take(kept_of(self, sites, numbers, thinning))
        found = principal_axes(self, sites, numbers, axes, seed)
        if save is None:
            return self._with_groups(found, by)
        self.save_axes(save, found)
        return self.axes(save, by=by)

    def axes(self, name: str, *, by: str | None = None) -> PrincipalAxes:
        """Saved axes by their name; the coordinates of people withdrawn since are left out.

        by : as of ``pca``

        Raises QueryError where there are none of this name, CorruptRepositoryError.
        """
        from .saved import open_axes  # noqa: PLC0415

        entries = {entry["name"]: entry for entry in self._axes_entries()}
        if name not in entries:
            there = ", ".join(map(repr, entries)) or "none"
            raise QueryError(f"{self.path}: no saved axes {name!r}; there are {there}")
        return self._with_groups(open_axes(self, entries[name]), by)

    def project(
        self,
        axes: PrincipalAxes | str,
        *,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        by: str | None = None,
    ) -> CountTable:
        """Where people fall on axes: one row a sample, in the order of the repository.

        axes : what ``pca`` gave, or the name of saved ones    by : also tell to which group people belong, of those
            that a column of the sample table makes of the people whom the axes were made of

        Columns: sample, n_sites (of the axes, at which it is called), pc1, pc2 and so on; with ``by`` group (``.``:
        outside all of them), probability, distance. NaN: too few sites are called. Who the axes were made of has its
        own coordinates; others are projected, and what projecting shrinks is undone (docs/structure.md).

        Raises QueryError and its kinds, CorruptRepositoryError.
        """
        from .pca import named_columns  # noqa: PLC0415
        from .projection import project_people  # noqa: PLC0415

        made = self.axes(axes) if isinstance(axes, str) else axes
        numbers = self._chosen_people(samples, cohort)
        coordinates, n_sites = project_people(self, made, numbers)
        names = np.array(self._names, object)[numbers]
        columns: dict[str, Any] = {"sample": names, "n_sites": n_sites, **named_columns(coordinates)}
        if by is not None:
            from .assignment import groups_of  # noqa: PLC0415

            groups = groups_of(made.coordinates, self._labels(by, made.numbers))
            columns |= dict(zip(("group", "probability", "distance"), groups.assign(coordinates), strict=True))
        return CountTable(columns)

    def _with_groups(self, axes: PrincipalAxes, by: str | None) -> PrincipalAxes:
        return axes if by is None else replace(axes, by=by, groups=self._labels(by, axes.numbers))

    def _labels(self, column: str, numbers: NDArray[np.int64]) -> NDArray[np.object_]:
        """(people,) the values of a column of the sample table as text, ``.`` where it says nothing.

        Raises CohortError for an unknown column, or one of more than 1,000 values.
        """
        out = np.full(self._num_numbers, ".", object)
        for value, cohort in self.cohorts_by(column).items():
            out[cohort.numbers] = value
        return out[numbers]

    def _axes_entries(self) -> list[Document]:
        """What the manifest says of saved axes."""
        from ..storage.saved_axes import KEY  # noqa: PLC0415

        return list(self.manifest.document.get(KEY, ())) if self.manifest else []

    if TYPE_CHECKING:

        def save_axes(self, name: str, axes: PrincipalAxes) -> Any:
            """Of the repository: questions alone change nothing."""
