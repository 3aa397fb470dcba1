"""What a version can be asked of its sketch: its sites, and who is nearest to one person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import QueryError
from ..model.results import CountTable
from .asking import Relatedness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..query.choosing import Described
    from ..storage.manifest import Document


class SketchQuestions(Relatedness):
    """Questions of one person against many, by the sketch (docs/sketch.md)."""

    def sketch_sites(self) -> CountTable:
        """The sites of the sketch, one row each: contig, position (1-based), ref, alt, frequency.

        The frequency is that of ALT among the people by whom the site was chosen. Raises QueryError where the
        repository has no sketch, CorruptRepositoryError.
        """
        from .nearest import sketch_sites  # noqa: PLC0415

        sites = sketch_sites(self)
        columns = {name: getattr(sites, name).copy() for name in ("contig", "position", "ref", "alt", "frequency")}
        return CountTable(columns)

    def sketch_of(self, sample: str) -> NDArray[np.int8]:
        """Calls of somebody at the sites of the sketch: (sites,) int8, copies of ALT, -1: missing.

        Raises UnknownSampleError, WithdrawnSampleError, QueryError where there is no sketch, CorruptRepositoryError.
        """
        from .nearest import sketches_of  # noqa: PLC0415

        (number,) = self._everybody().resolve([sample]).tolist()
        return sketches_of(self).codes(number)

    def kinship_of(
        self,
        genome: str | NDArray[np.int8],
        *,
        samples: Iterable[str] | None = None,
        cohort: Described | None = None,
        threshold: float | None = None,
        force: bool = False,
    ) -> CountTable:
        """KING-robust kinship of one person with all others by the sketch, highest first.

        genome : a sample of the repository, who is left out of the answer; or calls at the sites of the sketch as
            ``sketch_of`` gives them, of anybody
        samples, cohort : compare with these people; default: everybody
        threshold : rows of this kinship or more; default: every row, those without a kinship last
        force : compare at however few sites the person is called

        Columns: sample, n_sites (where both are called), ibs0 (where they share no allele), het_het (where both are
        heterozygous), kinship (NaN where one of them is nowhere heterozygous), relationship as of ``kinship`` (None
        where the sites at which both are called do not carry a label).
        Raises QueryError where there is no sketch, or the person is called at too few of its sites;
        UnknownSampleError, CohortError, CorruptRepositoryError.
        """
        from .nearest import nearest, sketches_of  # noqa: PLC0415
        from .sketch_sites import check_called  # noqa: PLC0415

        people = self._chosen_people(samples, cohort)
        if isinstance(genome, str):
            (number,) = self._everybody().resolve([genome]).tolist()
            people = people[people != number]
            codes = self.sketch_of(genome)
        else:
            codes = np.asarray(genome)
            if codes.dtype.kind not in "iu":
                raise QueryError(f"codes of calls are integers, found {codes.dtype}")
        found = nearest(self, codes, people)
        if not force:
            check_called(codes, genome if isinstance(genome, str) else "the genome")
        order = np.argsort(-found.kinship, kind="stable")
        if threshold is not None:
            order = order[np.nan_to_num(found.kinship[order], nan=-np.inf) >= threshold]
        names = np.array(self._names, object)
        columns: dict[str, Any] = {"sample": names[found.number[order]]}
        columns |= {name: getattr(found, name)[order] for name in ("n_sites", "ibs0", "het_het", "kinship")}
        used = sketches_of(self).used
        columns["relationship"] = used.relationships(columns["kinship"], columns["ibs0"], columns["n_sites"])
        return CountTable(columns)

    def _sketch_said(self) -> Document | None:
        """How many sites the sketch has, and people of whom it is stored; None: there is none."""
        from ..storage.sketch import list_of, of_batches  # noqa: PLC0415

        document = {} if self.manifest is None else self.manifest.document
        entry = list_of(document)
        if entry is None:
            return None
        stored = of_batches(document)
        people = [batch.numbers for batch in self._batches if batch.entry["id"] in stored]
        numbers = np.unique(np.concatenate([np.zeros(0, np.int64), *people]))
        present = np.setdiff1d(numbers, self._withdrawn_now(), assume_unique=True)
        return {"num_sites": entry["num_sites"], "num_samples": len(present)}
