"""What a version can be asked about one person's genome."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CohortError, QueryError
from ..query.choosing import Choosing
from ..query.cohorts import Cohort, members

if TYPE_CHECKING:
    from ..model.results import CountTable
    from ..query.choosing import Described
    from .comparing import GenomeComparison
    from .counting import Asked
    from .reading import Genome

PathLike = str | os.PathLike[str]


class PersonalGenome(Choosing):
    """Questions about one person's genome."""

    def compare_genome(
        self,
        path_or_sample: PathLike,
        *,
        sample: str | None = None,
        cohorts: Mapping[str, Described] | None = None,
        by: str | None = None,
        region: str | Sequence[str] | None = None,
        regions_file: PathLike | None = None,
        filters: str | Iterable[str] | None = None,
        annotate: Sequence[str] = (),
        carriers: bool = False,
        hwe: bool = False,
        absent: str = "auto",
        progress: Callable[[int], None] | None = None,
    ) -> GenomeComparison:
        """Compare one genome with the people of the repository: how common each of its variants is, and in whom.

        path_or_sample : a VCF, BCF or gVCF, text of a direct-to-consumer service, or the id of a sample of the
            repository, who is left out of all counts then
        sample : which of the file's samples; needed where it has several
        cohorts : name to cohort, expression or ids: counts of each besides those of everybody
        by : a cohort for each value of this column of the sample table
        region, regions_file, filters : as in ``count_alleles``; filters are those of the repository's records
        annotate : sites files and the INFO fields to take from them, like ``clinvar.vcf.gz:CLNSIG,CLNDN``
        carriers : add a column with the ids of who carries each variant
        hwe : add the p value of the exact test of Hardy-Weinberg proportions, over everybody and each cohort
        absent : what the person is where the file says nothing: ``unknown``, ``reference`` or ``auto`` (unknown)
        progress : called with the bytes of the file read since the last call

        docs/personal-genome.md says what the columns mean.
        Raises InputError and its kinds, QueryError and its kinds, CorruptRepositoryError.
        """
        from .comparing import Wanted, compare  # noqa: PLC0415

        if not self._batches:
            raise QueryError(f"{self.path}: the repository is empty; `varstore add` a file first")
        chosen = self._named_cohorts(cohorts, by)
        genome = self._read_genome(path_or_sample, sample, absent, progress or (lambda _: None))
        asked = self._asked_of(genome.number, chosen, filters)
        regions, alleles = self._where(region, regions_file)
        texts = [annotate] if isinstance(annotate, str) else list(annotate)
        wanted = Wanted(
            dict(zip(asked.names, asked.masks, strict=True)), regions, alleles, filters, texts, carriers, hwe
        )
        return compare(self, genome, wanted, asked.everybody)

    def look_up(
        self,
        alleles: Any,
        *,
        cohorts: Mapping[str, Described] | None = None,
        by: str | None = None,
        filters: str | Iterable[str] | None = None,
    ) -> CountTable:
        """Look alleles up, many at a time: how often the people of the repository have each.

        alleles : tuples of contig, position (1-based), REF and ALT; or a mapping, data frame or Arrow table with
            columns ``contig``, ``position``, ``ref`` and ``alt``, where ``contig`` may be one name for all. Any order
            and any spelling: alleles are normalised, chr22 and 22 are one
        cohorts, by, filters : as in ``compare_genome``

        Columns, a row an allele in the order given: contig, position, ref, alt as given, state (found, novel, unseen,
        not_callable), allele_count, allele_number, allele_frequency (NaN where nobody is called), n_hom_alt, and the
        last four of each cohort, ``_`` and its name behind. docs/personal-genome.md says what the states mean.
        Raises QueryError and its kinds, with the row of an allele that is none, CorruptRepositoryError.
        """
        from .lookup import look_up  # noqa: PLC0415

        if not self._batches:
            raise QueryError(f"{self.path}: the repository is empty; `varstore add` a file first")
        return look_up(self, alleles, self._asked_of(None, self._named_cohorts(cohorts, by), filters))

    def _named_cohorts(self, cohorts: Mapping[str, Described] | None, by: str | None) -> dict[str, Cohort]:
        """Cohorts by name. Raises QueryError and its kinds."""
        if cohorts is not None and by is not None:
            raise QueryError("give cohorts or by, not both")
        if by is not None:
            return self.cohorts_by(by)
        return {name: self._as_cohort(people) for name, people in (cohorts or {}).items()}

    def _asked_of(
        self, left_out: int | None, cohorts: Mapping[str, Cohort], filters: str | Iterable[str] | None
    ) -> Asked:
        """Who is counted: everybody but ``left_out``, and cohorts. Raises CohortError."""
        from .counting import Asked  # noqa: PLC0415

        withdrawn = self._withdrawn_now()
        everybody = members(None, self._num_numbers, withdrawn)[0]
        if left_out is not None:
            everybody[left_out] = False
        if not everybody.any():
            raise CohortError("there is nobody else in the repository to compare with")
        masks = members(cohorts.values(), self._num_numbers, withdrawn)
        return Asked(everybody, list(cohorts), masks & everybody, filters)

    def _read_genome(
        self, path_or_sample: PathLike, sample: str | None, absent: str, progress: Callable[[int], None]
    ) -> Genome:
        """A genome from a file, or of somebody of the repository."""
        from .reading import read_genome  # noqa: PLC0415

        text = os.fspath(path_or_sample)
        if Path(text).exists():
            return read_genome(self, text, sample=sample, absent=absent, progress=progress)
        if text not in self._everybody().number_of:
            raise QueryError(f"{text}: no such file, and no sample of the repository has this id")
        from .member import read_member  # noqa: PLC0415

        if sample is not None:
            raise QueryError("--sample names one of a file's samples; this is a sample of the repository")
        return read_member(self, text)
