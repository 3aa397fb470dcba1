"""What a version of a repository can be asked: the methods of ``Repository`` that change nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .errors import QueryError
from .genome.describing import WholePerson
from .model.cores import num_cores
from .model.ploidy import CLASS_NAMES
from .model.results import CountTable, Genotypes
from .query.batches import BatchHandle
from .query.cohorts import Cohort, members
from .relatedness.asking_families import Families
from .relatedness.axes import Axes
from .relatedness.sketch_asking import SketchQuestions
from .stats.asking import Statistics
from .stats.comparisons import Comparisons
from .storage.manifest import Document

if TYPE_CHECKING:
    from .export.records import Selection
    from .export.report import ExportReport
    from .model.people import SampleTable
    from .storage.reference import Sequences

PathLike = str | os.PathLike[str]


class Questions(Comparisons, Statistics, Axes, SketchQuestions, Families, WholePerson):
    """Questions of one version; arguments mean the same in all of them."""

    def info(self) -> Document:
        """What is in it: JSON-ready."""
        document = self.manifest.document if self.manifest else {}
        return {
            "path": str(self.path),
            "version": self.version,
            "uuid": document.get("repository"),
            "assembly": document.get("assembly"),
            "num_samples": self.num_samples,
            "num_withdrawn": len(self._withdrawn_now()),
            "num_variants": self.num_variants,
            "contigs": list(dict.fromkeys(name for batch in self._batches for name in batch.entry["used_contigs"])),
            "batches": [self._described(batch) for batch in self._batches],
            "normalised": _normalised(document.get("fasta")),
            "columns": self._columns_said(),
            "sketch": self._sketch_said(),
            "cohorts": [
                {"name": name, "expression": cohort.expression, "num_samples": len(cohort), "version": cohort.version}
                for name, cohort in self.saved_cohorts.items()
            ],
            "axes": [
                {key: entry[key] for key in ("name", "num_axes", "num_sites", "num_samples", "of_version", "time")}
                for entry in self._axes_entries()
            ],
        }

    def sample_table(self, samples: Iterable[str] | None = None) -> SampleTable:
        """What is known of people: ``sample``, and the columns that tables gave; a row a sample.

        samples : these, in this order; default: everybody in the order of the repository, less those withdrawn

        Raises UnknownSampleError, WithdrawnSampleError, SampleClashError.
        """
        from .model.people import SampleTable  # noqa: PLC0415
        from .storage.sample_columns import chosen  # noqa: PLC0415

        people = self._everybody()
        numbers = people.resolve(people.present if samples is None else samples)
        return SampleTable(chosen({name: self.columns[name] for name in ("sample", *self._given_columns())}, numbers))

    def _given_columns(self) -> list[str]:
        """Names of the columns that tables gave."""
        return list(getattr(self.columns, "given", ()))

    def _columns_said(self) -> list[Document]:
        """Name and contents of each column that a table gave."""
        from .model.people import summary  # noqa: PLC0415

        names = self._given_columns()
        if not names:
            return []
        present = members(None, self._num_numbers, self._withdrawn_now())[0]
        return [{"name": name, **summary(self.columns[name], present)} for name in names]

    def _described(self, batch: BatchHandle) -> Document:
        """The entry of a batch, with how many of its people are of unknown ploidy where it has no record."""
        absence = self._absence(batch)
        if absence is None:
            return batch.entry
        people = zip(CLASS_NAMES, absence.unknown_ploidy().tolist(), strict=True)
        return {**batch.entry, "unknown_ploidy": {name: number for name, number in people if number}}

    def count_alleles(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Cohort | str | Iterable[str] | None = None,
        cohorts: Mapping[str, Cohort | str | Iterable[str]] | None = None,
        filters: str | Iterable[str] | None = None,
    ) -> CountTable:
        """Allele counts: one row an ALT allele, and a cohort where there are several.

        region : ``contig``, ``contig:pos`` or ``contig:start-end`` (1-based, closed), an allele like
            ``22:16050075 A>G``, or several
        regions_file : a file of regions, 1-based closed, or 0-based half-open if named .bed
        samples : count these people only, by id; cohort : the same of a cohort, an expression or ids
        cohorts : name to cohort, expression or ids: counts of each, in one pass, with a leading column ``cohort``
        filters : count records that have one of these filters, ``.`` for none, like ``PASS,.``;
            people whose record fails are missing there

        Columns: contig, position, ref, alt, allele_count, allele_number, allele_frequency.
        Raises QueryError and its kinds, CorruptRepositoryError.
        """
        return self._count(region, regions_file, samples, cohort, cohorts, filters, genotypes=False)

    def count_genotypes(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Cohort | str | Iterable[str] | None = None,
        cohorts: Mapping[str, Cohort | str | Iterable[str]] | None = None,
        filters: str | Iterable[str] | None = None,
    ) -> CountTable:
        """Allele and genotype counts; arguments as in ``count_alleles``.

        More columns: n_hom_ref, n_het, n_hom_alt, n_other, n_missing; they add up to the people counted.
        """
        return self._count(region, regions_file, samples, cohort, cohorts, filters, genotypes=True)

    def _count(
        self,
        region: str | Sequence[str] | None,
        regions_file: PathLike | None,
        samples: Iterable[str] | None,
        cohort: Cohort | str | Iterable[str] | None,
        cohorts: Mapping[str, Cohort | str | Iterable[str]] | None,
        filters: str | Iterable[str] | None,
        *,
        genotypes: bool,
    ) -> CountTable:
        from .query.counting import Question, count_batches  # noqa: PLC0415

        names, chosen = self._cohorts(samples, cohort, cohorts)
        regions, alleles = self._where(region, regions_file)
        masks = members(chosen, self._num_numbers, self._withdrawn_now())
        # A cohort is asked for again and again: its masks are packed once.
        packed = self._packed.setdefault(chosen[0], {}) if chosen is not None and len(chosen) == 1 else {}
        question = Question(regions, alleles, masks, names, chosen is None, filters, genotypes)
        axis = None if self._one_axis and not alleles else (self._union, map(self._absence, self._batches))
        return count_batches(question, self._batches, axis, self.contigs, self._blocks, packed, self._map)

    def genotypes(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        fields: Iterable[str] = (),
    ) -> Genotypes:
        """Genotypes as they were stored: records in the region, columns in the order asked.

        Where batches have sites of their own, records are joined as ``bcftools merge -m both`` does.

        fields : INFO and FORMAT fields to read too, like ``["INFO/AC", "FORMAT/DP"]``

        Raises QueryError and its kinds, CorruptRepositoryError.
        """
        from .query.fields import read_fields  # noqa: PLC0415
        from .query.genotypes import read_genotypes  # noqa: PLC0415

        names, columns = self._columns(samples)
        if not self._one_axis:
            from .query.joined_genotypes import read_joined  # noqa: PLC0415

            return read_joined(self._joined(region, regions_file, names, columns), list(fields))
        reads = self._reads(region, regions_file)
        stores = [batch.store for batch in self._batches]
        found = read_fields(stores, reads, columns, len(names), list(fields))
        return read_genotypes(stores, reads, columns, names, self._blocks, found)

    def export(
        self,
        path: PathLike | BinaryIO,
        format: str | None = None,  # noqa: A002
        region: str | Sequence[str] | None = None,
        samples: Iterable[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        force: bool = False,
        threads: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        batch: str | None = None,
        write_index: str | None = None,
    ) -> ExportReport:
        """Write records and people to a file in another format.

        path : a file, or a binary stream for VCF and BCF
        format : "vcf" (BGZF where the name ends in .gz or .bgz), "bcf", "vcz" (VCF Zarr: a folder, or a zip file where
            the name ends in .zip) or "plink" (.pgen, .pvar and .psam); default: what the name of the file says
        region, regions_file, samples : as in ``genotypes``; samples in the order asked
        force : replace what is there
        progress : called with the records written since the last call, and with all there are
        batch : the id of one batch (``info()``): its own records and people, as they came
        write_index : "csi" or "tbi" beside a BGZF VCF, "csi" beside a BCF

        Nothing stands at the path before it is whole. Raises QueryError and its kinds, WriteError,
        CorruptRepositoryError.
        """
        from .export import run  # noqa: PLC0415

        target = Path(path) if isinstance(path, str | os.PathLike) else path
        selection = self._selected(region, regions_file, samples, batch)
        job = run.Job(threads or num_cores(), selection.num_records, progress or (lambda *_: None))
        return run.run(selection, target, format or run.format_of(target), job, force=force, write_index=write_index)

    def _selected(
        self,
        region: str | Sequence[str] | None,
        regions_file: PathLike | None,
        samples: Iterable[str] | None,
        batch: str | None,
    ) -> Selection:
        """What an export writes: one batch, all on their one axis, or joined records."""
        from .export import selecting  # noqa: PLC0415

        if batch is not None:
            regions, alleles = self._where(region, regions_file)
            if alleles:
                raise QueryError("one batch is exported by regions, not by alleles")
            chosen = None if samples is None else list(samples)
            self._everybody().resolve(chosen or ())
            return selecting.one_batch(
                self._handle(batch), regions, self.samples_of(batch) if chosen is None else chosen
            )
        names, columns = self._columns(samples)
        if not self._one_axis:
            return selecting.joined(self._joined(region, regions_file, names, columns))
        stores = [handle.store for handle in self._batches]
        return selecting.Selection(stores, self._reads(region, regions_file), columns, names)

    @cached_property
    def _bases(self) -> Sequences | None:
        """The bases of a contig by its name here, if the repository has a FASTA. Raises FastaError."""
        from .ingest.fasta import fasta_of  # noqa: PLC0415

        fasta = fasta_of(self.manifest.document["fasta"], None) if self.manifest else None
        if fasta is None or self.manifest is None:
            return None
        return fasta.sequences({entry["name"]: entry["length"] for entry in self.manifest.contigs}, str(self.path))


def _normalised(fasta: Document | None) -> str:
    """How alleles of several batches are matched, in words."""
    if fasta is None:
        return "no FASTA: alleles are trimmed only, not left-aligned"
    return f"left-aligned to {Path(fasta['path']).name} (SHA-256 of its contigs {fasta['sha256'][:12]})"
