"""What a version can be asked about the person whose genome was compared."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from ..stats.asking import Statistics
from .asking import PersonalGenome

if TYPE_CHECKING:
    from .comparing import GenomeComparison


class WholePerson(PersonalGenome):
    """Questions about the person as a whole."""

    def describe_genome(
        self, found: GenomeComparison, *, panel: str | os.PathLike[str] | None = None, sex: str | None = None
    ) -> GenomeComparison:
        """Add to the summary of a comparison what the person is like among everybody else; give it back.

        Counts by rarity beside those of all people of the repository, sex by X, who shares the rare alleles, by person
        and by the cohorts of the comparison, and rare alleles by gene. One pass over the genotypes.

        found : of ``compare_genome``    panel : BED file of genes, a name in the fourth column
        sex : "male" or "female", as it is stated; default: what the sample table says of a sample of the repository

        docs/personal-genome.md says what the numbers mean. ``found.write_html`` makes a report of them.
        Raises QueryError and its kinds, InputError, CorruptRepositoryError.
        """
        from .whole import describe  # noqa: PLC0415

        found.summary.update(describe(cast(Statistics, self), found, panel=panel, sex=sex))
        return found
