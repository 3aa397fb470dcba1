"""The object users hold: one version of a repository, its questions (``questions``) and its changes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import NotARepositoryError, QueryError, ReadOnlyError, RepositoryError
from .model.cores import num_cores
from .query.cohorts import Cohort, resolve_ids
from .questions import Questions
from .storage import files, history, manifest
from .storage.history import VersionRow
from .storage.manifest import Document

if TYPE_CHECKING:
    from datetime import timedelta

    from .changes.adding import AddOptions, Progress
    from .changes.compaction import CompactReport
    from .changes.purging import PurgeReport
    from .model.results import CountTable
    from .people.evaluation import Vocabulary
    from .relatedness.pca import PrincipalAxes
    from .storage.garbage import Garbage
    from .storage.plans import Plan

PathLike = str | os.PathLike[str]


def create(
    path: PathLike,
    *inputs: PathLike,
    assembly: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    fields: str | None = None,
    max_alleles_inline: int | None = None,
    on_problem: str = "warn",
    resume: bool = False,
    rename: Mapping[str, str] | None = None,
    absent: str | None = None,
    callable: PathLike | None = None,  # noqa: A002
    samples: PathLike | None = None,
    min_ref_gq: int | None = None,
    reference: PathLike | None = None,
) -> Repository:
    """Make a new repository, and add the inputs as its first batch.

    path : must not exist, or be an empty folder
    inputs : VCF (BGZF, gzip, text), BCF, PLINK (.pgen, .bed) or VCF Zarr (a folder or .zip); those that split the
        same samples by chromosome become one batch
    assembly : name of the reference build, kept as it is
    threads : for the import; default: the machine's cores
    progress : called with the bytes of input read since the last call
    fields : which INFO and FORMAT fields to keep, like ``INFO/AC,FORMAT/DP``, ``GT`` for GT only, or ``^INFO/CSQ``
        for all but some; default: all
    max_alleles_inline : FORMAT fields by allele have room for so many alleles; what is wider is kept beside.
        Default: enough for 99.9 % of the records
    on_problem : what harmless problems of an input do: ``warn`` (counted in ``info()``) or ``stop``
    resume : where an import of the same inputs was interrupted, go on from it; the path may be a repository that
        has no batch yet
    rename : new names of samples by the names they have in the inputs
    absent : what people of the new batch are where it has no record: ``unknown`` or ``reference``. Default: unknown,
        and for a gVCF reference where its reference blocks are sure
    callable : a BED file of where they could be called; outside it they are unknown
    samples : what is known of the people: a table, a pedigree or phenopackets, as ``set_samples`` takes them
    min_ref_gq : least GQ of a sure reference block; default: 20
    reference : FASTA (plain or bgzip): REF of every record must be its bases, and alleles are matched left-aligned.
        The repository keeps digests of it, and where it was; later batches are held against the same FASTA

    Raises RepositoryExistsError, InputError. Nothing is left behind if an input cannot be taken in.
    """
    from .changes import adding  # noqa: PLC0415 - whoever only asks does without

    root = Path(path)
    was_there = root.is_dir()
    options = adding.AddOptions(
        threads, progress, fields, max_alleles_inline, on_problem, resume, rename, absent, callable, samples,
        min_ref_gq, reference,
    )  # fmt: skip
    begun = None
    try:
        begun = adding.begun_root(root) if resume else None
        if begun is not None and manifest.read_newest(root) is not None:
            return Repository(root)._add(inputs, options)
        identity = begun or manifest.create_root(root)
    except OSError as error:
        raise adding.write_error(root, error) from None
    try:
        first = manifest.first_document(identity, assembly)
        if inputs:
            adding.add_batch(root, first, inputs, options)
        else:
            adding.commit(root, first, lambda document: adding.with_fasta(document, reference), "create")
    except BaseException as error:
        if begun is None and not adding.has_plans(root):
            files.remove_tree(root)
            if was_there:
                files.make_folder(root)
        if isinstance(error, OSError):
            raise adding.write_error(root, error) from None
        raise
    return Repository(root)


def open(path: PathLike, version: int | None = None, *, cache_bytes: int | None = None) -> Repository:  # noqa: A001
    """Open a repository, or read-only a VCF Zarr store somebody else wrote.

    version : an older version instead of the newest
    cache_bytes : of what questions read, encoded blocks, totals and keys, how much is kept for the next; default 256 MB

    Raises NotARepositoryError, FormatVersionError, CorruptRepositoryError, QueryError.
    """
    return Repository(Path(path), version, cache_bytes)


class Repository(Questions):
    """One version of a repository; it stays what it is while others add to it.

    >>> repo = vs.open("cohort.varstore")                               # doctest: +SKIP
    >>> repo.count_alleles("22:16050075", samples=["NA12878"])          # doctest: +SKIP
    """

    def __repr__(self) -> str:
        return f"<Repository {self.path}: {self.num_samples} samples, {self.num_variants} variants>"

    # Changes

    def add(
        self,
        *inputs: PathLike,
        threads: int | None = None,
        progress: Progress | None = None,
        fields: str | None = None,
        max_alleles_inline: int | None = None,
        on_problem: str = "warn",
        resume: bool = False,
        rename: Mapping[str, str] | None = None,
        absent: str | None = None,
        callable: PathLike | None = None,  # noqa: A002
        samples: PathLike | None = None,
        min_ref_gq: int | None = None,
        reference: PathLike | None = None,
    ) -> Repository:
        """Add one more batch, and move on to the version that has it.

        People are new, or come with contigs that no batch of theirs covers; sites may be any. Inputs with other people
        than the first become batches of their own, in the same step. Arguments as of ``create``;
        reference : where the repository's FASTA is now, if it moved.
        Raises InputError, SampleClashError, ContigLengthError, FastaError, ReadOnlyError, PlanError.
        """
        from .changes.adding import AddOptions  # noqa: PLC0415

        options = AddOptions(
            threads, progress, fields, max_alleles_inline, on_problem, resume, rename, absent, callable, samples,
            min_ref_gq, reference,
        )  # fmt: skip
        return self._add(inputs, options)

    def _add(self, inputs: Sequence[PathLike], options: AddOptions) -> Repository:
        from .changes.adding import add_batch  # noqa: PLC0415

        document = self._newest_document()
        if not inputs:
            raise QueryError("nothing to add: name at least one file")
        with self._writing():
            add_batch(self.path, document, inputs, options)
        self._load(None)
        return self

    def reindex(self, *, reference: PathLike | None = None, sketch: bool = False) -> int:
        """Make what follows from batches again where it is of older code, and move on to the version that has it.

        reference : a FASTA that the repository gets: REF of every record must be its bases, and alleles are matched
            left-aligned from now on; or where its own FASTA is now
        sketch : choose the sites of the sketch anew, over everybody (docs/sketch.md). Sketches that are missing, and a
            list where there is none and there are enough sites, are made without it too

        Returns the number of batches whose keys were made again. Raises FastaError, ContigLengthError, and QueryError
        where there are too few sites for the sketch that was asked for.
        """
        from .changes.reindexing import reindex  # noqa: PLC0415
        from .changes.resketching import resketch  # noqa: PLC0415

        with self._writing():
            made = reindex(self.path, self._writable(), reference)
            resketch(self.path, choose=sketch)
        self._load(None)
        return made

    def batch(
        self,
        batch: str,
        *,
        absent: str | None = None,
        callable: PathLike | None = None,  # noqa: A002
        min_ref_gq: int | None = None,
    ) -> Document:
        """The manifest entry of a batch, by its id or the beginning of it; with options, changed in a new version.

        absent, callable, min_ref_gq : as in ``create``; what is not given stays as it is

        The repository moves on to the new version. Raises QueryError, InputError, ReadOnlyError.
        """
        from .changes.policies import change_batch, find_batch  # noqa: PLC0415
        from .storage.denominators import read_wish  # noqa: PLC0415

        entries = self.info()["batches"]
        if absent is None and callable is None and min_ref_gq is None:
            return find_batch(entries, batch)
        self._writable()
        name = find_batch(entries, batch)["id"]
        with self._writing():
            change_batch(self.path, name, read_wish(absent, None if callable is None else Path(callable), min_ref_gq))
        self._load(None)
        return find_batch(self.info()["batches"], name)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What the file system refuses, as an error of ours."""
        try:
            yield
        except OSError as error:
            from .changes.adding import write_error  # noqa: PLC0415

            raise write_error(self.path, error) from None

    def _writable(self) -> Document:
        """The newest manifest that is known. Raises ReadOnlyError."""
        if self.manifest is None:
            raise ReadOnlyError(f"{self.path}: not written by varstore, so it can be read only")
        return self.manifest.document

    def _newest_document(self) -> Document:
        """The newest manifest there is, whoever made it. Raises ReadOnlyError, CorruptManifestError."""
        known = self._writable()
        newest = manifest.read_newest(self.path)
        return known if newest is None else newest.document

    def withdraw(self, samples: Iterable[str]) -> Repository:
        """Take people out of every later answer, of whatever version, and move on to the version that says so.

        Those who are withdrawn already stay so: where all are, there is no new version. What is stored of them
        stays until the batches that hold it are rewritten. Raises UnknownSampleError, SampleClashError, QueryError.
        """
        from .changes.upkeep import withdraw  # noqa: PLC0415

        self._writable()
        if isinstance(samples, str):
            raise QueryError("withdraw takes a list of sample ids, not one string")
        ids = list(samples)
        if not ids:
            raise QueryError("nobody to withdraw: name at least one sample")
        self._load(None)
        people = self._everybody()
        numbers = resolve_ids(ids, people.number_of, len(people.names))
        with self._writing():
            withdraw(self.path, self._writable(), numbers, ids)
        self._load(None)
        return self

    def define_cohort(
        self, name: str, samples: Cohort | str | Iterable[str], *, vocabulary: PathLike | Vocabulary | None = None
    ) -> Repository:
        """Save a cohort under a name, and move on to the version that has it; one of that name is replaced.

        samples : an expression, a cohort of this repository, or sample ids    vocabulary : as of ``cohort``

        Its people are fixed: those of whom the expression is true in the newest version. Who comes later joins when it
        is defined again; who is withdrawn leaves. ``cohort NAME`` in an expression uses it; ``saved_cohorts`` has all.
        Raises CohortExpressionError, CohortError, UnknownSampleError, ReadOnlyError.
        """
        from .changes.cohorts import OutdatedError, check_name, define  # noqa: PLC0415

        self._writable()
        check_name(name)
        wanted = samples if isinstance(samples, Cohort | str) else list(samples)
        while True:
            self._load(None)
            cohort = self.cohort(wanted, vocabulary=vocabulary) if isinstance(wanted, str) else self._as_cohort(wanted)
            numbers = np.setdiff1d(cohort.numbers, self._withdrawn_now(), assume_unique=True)
            with self._writing(), suppress(OutdatedError):
                define(self.path, self._writable(), name, cohort.expression, numbers, cohort.of_version)
                break
        self._load(None)
        return self

    def delete_cohort(self, name: str) -> Repository:
        """Forget a saved cohort, and move on to the version without it; older versions keep it. Raises CohortError."""
        from .changes.cohorts import delete  # noqa: PLC0415

        with self._writing():
            delete(self.path, self._writable(), name)
        self._load(None)
        return self

    def save_axes(self, name: str, axes: PrincipalAxes) -> Repository:
        """Keep principal axes under a name, and move on to the version that has them; those of that name are replaced.

        axes : what ``pca`` of this repository gave

        Coordinates of people who are withdrawn later are left out from then on, and a purge takes them out of the file;
        loadings stay. Raises QueryError, ReadOnlyError.
        """
        from .changes.axes import check_name, save  # noqa: PLC0415
        from .relatedness.saved import arrays_of  # noqa: PLC0415

        document = self._writable()
        check_name(name)
        with self._writing():
            save(self.path, document, name, arrays_of(self, axes), axes.version)
        self._load(None)
        return self

    def delete_axes(self, name: str) -> Repository:
        """Forget saved axes, and move on to the version without them; older versions keep them. Raises QueryError."""
        from .changes.axes import delete  # noqa: PLC0415

        with self._writing():
            delete(self.path, self._writable(), name)
        self._load(None)
        return self

    def set_samples(
        self,
        *tables: Any,
        id: str | None = None,  # noqa: A002
        missing: str | None = None,
        strict: bool = False,
        drop: Iterable[str] = (),
    ) -> Repository:
        """Say something of people, and move on to the version that says so; what is known already stays.

        tables : paths of a TSV or CSV with a header, a pedigree (.ped, .fam, .psam) or phenopackets (.json, .jsonl, a
            folder); or DataFrames or mappings of columns. The last that says something of somebody wins, cell by cell;
            a missing cell says nothing
        id : the column that names the sample; default: the first of sample, sample_id, IID, #IID and Sample name
        missing : texts of missing cells, separated by commas; default: empty, ``NA``, ``.``, ``#REF!`` and ``#N/A``
        strict : rows of people who are not in the repository are an error, not a warning
        drop : columns that go, before the tables are read in

        Raises InputError with file and line, QueryError, ReadOnlyError.
        """
        from .changes.describing import describe  # noqa: PLC0415
        from .people.reading import people_of  # noqa: PLC0415

        self._writable()
        read = [people_of(table, id, missing) for table in tables]
        dropped = [drop] if isinstance(drop, str) else list(drop)
        with self._writing():
            describe(self.path, read, dropped, strict=strict)
        self._load(None)
        return self

    def log(self) -> list[VersionRow]:
        """The versions there are, oldest first: version, time, action, batches, samples, withdrawn, tool, command."""
        self._writable()
        return list(history.log(self.path))

    def gc(
        self, older_than: str | float | timedelta = "24h", *, keep_versions: int | None = None, dry_run: bool = False
    ) -> list[Garbage]:
        """Remove what no version needs, and tell what was removed: path, num_bytes and reason of each thing.

        That is: staging of processes that are gone, and parts that no version names. Whatever is younger than
        ``older_than``, or held by a process that is at work, is left alone.

        older_than : like ``24h`` or ``30m``, a timedelta, or seconds
        keep_versions : drop versions but the newest so many, and what only they need. A version that was the newest
            within ``older_than`` stays
        dry_run : remove nothing

        Raises QueryError, WriteError, CorruptManifestError, FormatVersionError, ReadOnlyError.
        """
        from .changes.upkeep import collect, seconds  # noqa: PLC0415

        self._writable()
        with self._writing():
            found = collect(self.path, seconds(older_than), keep_versions, dry_run=dry_run)
        return found

    def plan(
        self,
        *inputs: PathLike,
        fields: str | None = None,
        max_alleles_inline: int | None = None,
        on_problem: str = "warn",
        rename: Mapping[str, str] | None = None,
        absent: str | None = None,
        callable: PathLike | None = None,  # noqa: A002
        samples: PathLike | None = None,
        min_ref_gq: int | None = None,
    ) -> Plan:
        """Cut an import of inputs into partitions, that any process may run in any order.

        Arguments as of ``add``. The plan has ``id``, ``path`` and ``num_partitions``.
        Raises InputError, SampleClashError, ReadOnlyError.
        """
        from .changes.adding import AddOptions, plan_batch  # noqa: PLC0415

        document = self._newest_document()
        if not inputs:
            raise QueryError("nothing to plan: name at least one file")
        options = AddOptions(
            None, None, fields, max_alleles_inline, on_problem, False, rename, absent, callable, samples, min_ref_gq
        )
        with self._writing():
            return plan_batch(self.path, document, inputs, options)

    def run_partition(self, plan: Plan | PathLike, partition: int, *, threads: int | None = None) -> None:
        """Scan one partition of a plan, numbered from 0; one that is done is left alone.

        plan : what ``plan`` gave, its id or its path
        Raises InputError where lines of the partition are at fault, PlanError where inputs changed.
        """
        from .ingest.plans import run_partition  # noqa: PLC0415

        with self._writing():
            run_partition(self._plan(plan), partition, threads or num_cores())

    def commit(
        self, plan: Plan | PathLike, *, threads: int | None = None, progress: Progress | None = None
    ) -> Repository:
        """Make one batch of a plan whose partitions have all run, and move on to the version that has it.

        Raises PlanError, InputError, SampleClashError, ContigLengthError; the plan stays as it was then.
        """
        from .changes.adding import commit_plan  # noqa: PLC0415

        with self._writing():
            commit_plan(self.path, self._writable(), self._plan(plan), threads, progress)
        self._load(None)
        return self

    def _plan(self, plan: Plan | PathLike) -> Plan:
        from .storage.plans import Plan, read_plan  # noqa: PLC0415

        return plan if isinstance(plan, Plan) else read_plan(self.path, os.fspath(plan))

    def compact(self, *, threads: int | None = None, progress: Progress | None = None) -> CompactReport:
        """Let small batches share parts, and move on to the version in which they do: every answer stays the same.

        threads : default: the machine's cores    progress : called with the people of each part that is written
        Raises ReadOnlyError, CorruptRepositoryError, WriteError.
        """
        from .changes.compaction import compact  # noqa: PLC0415

        document = self._writable()
        with self._writing():
            report = compact(self.path, document, threads, progress)
        self._load(None)
        return report

    def purge(self, *, threads: int | None = None) -> PurgeReport:
        """Take the bytes of withdrawn people out of every file, and move on to a version in which they are gone.

        What holds them is written anew; older versions are dropped, for they point to what held them; what no version
        needs is removed; then every file is searched for their ids: ``left`` in the report has those that hold one.
        Raises ReadOnlyError, CorruptRepositoryError, WriteError.
        """
        from .changes.purging import purge  # noqa: PLC0415

        self._writable()
        with self._writing():
            report = purge(self.path, threads)
        self._load(None)
        return report

    def kinship_against(
        self,
        path: PathLike,
        *,
        sample: str | None = None,
        absent: str | None = None,
        samples: Iterable[str] | None = None,
        cohort: Cohort | str | Iterable[str] | None = None,
        threshold: float | None = None,
        force: bool = False,
    ) -> CountTable:
        """KING-robust kinship of a genome in a file with everybody, by the sketch, highest first.

        path : VCF, BCF, gVCF, or text, as ``compare_genome`` reads them    sample : who, where the file has several
        absent : what the person is where the file says nothing: ``unknown`` (default) or ``reference``
        samples, cohort, threshold, force : as in ``kinship_of``

        Columns as of ``kinship_of``. Nothing of the file stays. Raises InputError and its kinds, and as ``kinship_of``.
        """
        from .genome.kin import read_codes  # noqa: PLC0415

        codes = read_codes(self, os.fspath(path), sample=sample, absent=absent or "auto", force=force)
        return self.kinship_of(codes, samples=samples, cohort=cohort, threshold=threshold, force=True)

    def verify(self, source: PathLike | None = None) -> list[str]:
        """Check every byte against its checksum, every block, and every total; return what is wrong.

        source : compare the batch that was made of this file with it too: CHROM, POS, ID, REF, ALT, QUAL,
            FILTER, GT, phase and every INFO and FORMAT field of every record, read by another reader than the import's
        """
        from .checking import differences  # noqa: PLC0415

        if self.manifest is None:
            raise ReadOnlyError(f"{self.path}: not written by varstore: it has no checksums to verify")
        found = problems(self.path, self)
        if source is not None and not found:
            found = differences(Path(source), self._batches, self._withdrawn_now())
        return found


def problems(path: Path, repository: Repository | None = None) -> list[str]:
    """Everything that is wrong with a repository, as sentences; it need not open."""
    from .checking import problems_of_files, problems_of_values  # noqa: PLC0415

    try:
        found = problems_of_files(path)
        if not found:
            opened = repository or Repository(path)
            assert opened.manifest is not None
            found = list(problems_of_values(path, opened.manifest, opened._batches, opened._map))
    except NotARepositoryError:
        raise
    except (RepositoryError, OSError, KeyError, TypeError) as error:
        return [str(error)]
    return found
