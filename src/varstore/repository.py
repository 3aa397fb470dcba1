"""The object users hold: one version of a repository, its questions and its changes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .changes import (
    AddOptions,
    Progress,
    add_batch,
    begun_root,
    commit,
    commit_plan,
    has_plans,
    plan_batch,
    with_fasta,
    write_error,
)
from .errors import (
    NotARepositoryError,
    QueryError,
    ReadOnlyError,
    RepositoryError,
)
from .model.ploidy import CLASS_NAMES
from .model.regions import Region, merge_regions, parse_allele, parse_region, read_regions_file
from .model.results import CountTable, Genotypes
from .query.batches import BatchHandle, open_batches, open_foreign
from .query.blocks import BlockCache
from .query.cohorts import Cohort, People, members, resolve_ids
from .query.plan import ChunkRead, plan_reads, with_records
from .storage import files, history, manifest
from .storage.history import VersionRow
from .storage.manifest import Document, Manifest
from .storage.parts import Part, PartRef
from .storage.people import sample_names
from .storage.samples import read_sexes

if TYPE_CHECKING:
    from datetime import timedelta

    from .compaction import CompactReport
    from .export.records import Selection
    from .export.report import ExportReport
    from .model.regions import AlleleText
    from .purging import PurgeReport
    from .query.absence import Absence
    from .query.count import Packed
    from .query.joined_store import JoinedStore
    from .query.union import AlleleKey, Union
    from .storage.garbage import Garbage
    from .storage.plans import Plan
    from .storage.reference import Sequences

PathLike = str | os.PathLike[str]
# Below this many chunks of genotypes threads cost more than they bring.
_FEW_TASKS = 2


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
    samples : a TSV with a header, a column that names the sample, and a column ``sex``
    min_ref_gq : least GQ of a sure reference block; default: 20
    reference : FASTA (plain or bgzip): REF of every record must be its bases, and alleles are matched left-aligned.
        The repository keeps digests of it, and where it was; later batches are held against the same FASTA

    Raises RepositoryExistsError, InputError. Nothing is left behind if an input cannot be taken in.
    """
    root = Path(path)
    was_there = root.is_dir()
    options = AddOptions(
        threads, progress, fields, max_alleles_inline, on_problem, resume, rename, absent, callable, samples,
        min_ref_gq, reference,
    )  # fmt: skip
    begun = None
    try:
        begun = begun_root(root) if resume else None
        if begun is not None and manifest.read_newest(root) is not None:
            return Repository(root)._add(inputs, options)
        identity = begun or manifest.create_root(root)
    except OSError as error:
        raise write_error(root, error) from None
    try:
        first = manifest.first_document(identity, assembly)
        if inputs:
            add_batch(root, first, inputs, options)
        else:
            commit(root, first, lambda document: with_fasta(document, reference), "create")
    except BaseException as error:
        if begun is None and not has_plans(root):
            files.remove_tree(root)
            if was_there:
                files.make_folder(root)
        if isinstance(error, OSError):
            raise write_error(root, error) from None
        raise
    return Repository(root)


def open(path: PathLike, version: int | None = None) -> Repository:  # noqa: A001
    """Open a repository, or read-only a VCF Zarr store somebody else wrote.

    version : an older version instead of the newest

    Raises NotARepositoryError, FormatVersionError, CorruptRepositoryError, QueryError.
    """
    return Repository(Path(path), version)


class Repository:
    """One version of a repository; it stays what it is while others add to it.

    >>> repo = vs.open("cohort.varstore")                               # doctest: +SKIP
    >>> repo.count_alleles("22:16050075", samples=["NA12878"])          # doctest: +SKIP
    """

    def __init__(self, path: Path, version: int | None = None) -> None:
        self.path = path
        self._pool: ThreadPoolExecutor | None = None
        self._load(version)

    def _load(self, version: int | None) -> None:
        """Read a version, the newest if None."""
        path = self.path
        self.manifest: Manifest | None = None
        self._blocks = BlockCache()
        self.__dict__.pop("_names", None)
        self.__dict__.pop("_bases", None)
        self.__dict__.pop("_union", None)
        self.__dict__.pop("_sexes", None)
        self._newest = 0
        self._withdrawn = np.zeros(0, np.int64)
        self._people: People | None = None
        self._packed: WeakKeyDictionary[Cohort, dict[str, Packed]] = WeakKeyDictionary()
        if path.suffix == ".zip" or (
            not (path / manifest.IDENTITY).exists()
            and any((path / name).exists() for name in (".zgroup", "zarr.json", ".zattrs"))
        ):
            self._batches = [open_foreign(path)]
            return
        manifest.read_identity(path)
        newest = manifest.read_newest(path)
        if newest is None:
            raise NotARepositoryError(f"{path}: the repository has no version yet: its creation did not end")
        if version is not None and not newest.first_version <= version <= newest.version:
            raise QueryError(f"{path}: no version {version}; there are {newest.first_version} to {newest.version}")
        self.manifest = newest if version in (None, newest.version) else manifest.read_version(path, version)
        self._note_withdrawn(newest)
        self._batches = open_batches(path, self.manifest, lambda: self._everybody().number_of, _derived_versions())

    def _note_withdrawn(self, newest: Manifest) -> None:
        """Take in who is withdrawn by now."""
        numbers = history.withdrawn(newest)
        self._withdrawn = numbers[numbers < self._num_numbers]
        self._people = None
        self._packed.clear()
        self._newest = newest.version

    def _withdrawn_now(self) -> NDArray[np.int64]:
        """Numbers of the people of this version who are withdrawn, in the newest version there is."""
        if self.manifest is not None and not manifest.is_newest(self.path, self._newest):
            newest = manifest.read_newest(self.path)
            if newest is not None:
                self._note_withdrawn(newest)
        return self._withdrawn

    @property
    def _num_numbers(self) -> int:
        """Sample numbers of this version, those of withdrawn people too."""
        if self.manifest is None:
            return self._batches[0].num_samples
        return int(self.manifest.document["num_samples"])

    def _everybody(self) -> People:
        """The people of this version."""
        withdrawn = self._withdrawn_now()
        people = self._people
        if people is None:
            people = self._people = People(self._names, withdrawn)
        return people

    @cached_property
    def _names(self) -> list[str]:
        """Names of everybody, by number."""
        if self.manifest is None:
            return list(self._batches[0].store.samples)
        return sample_names(self.path, self.manifest.document)

    def __repr__(self) -> str:
        return f"<Repository {self.path}: {self.num_samples} samples, {self.num_variants} variants>"

    # What is in it

    @property
    def version(self) -> int:
        """Number of this version; 0 for a store that varstore did not write."""
        return self.manifest.version if self.manifest else 0

    @property
    def num_samples(self) -> int:
        """People in this version, less those withdrawn since."""
        return self._num_numbers - len(self._withdrawn_now())

    @property
    def num_variants(self) -> int:
        """Records; where batches have sites of their own, of all of them together."""
        batches = self._batches[:1] if self._one_axis else self._batches
        return sum(int(batch.entry["num_variants"]) for batch in batches)

    @property
    def contigs(self) -> list[str]:
        """Names of the contig table, in order."""
        if self.manifest is None:
            return self._batches[0].store.contigs
        return [entry["name"] for entry in self.manifest.contigs]

    @property
    def _one_axis(self) -> bool:
        """Whether all batches have the same records: then one's axis is everybody's, and nobody is absent."""
        return len({batch.entry.get("sites_sha256") for batch in self._batches}) <= 1

    @cached_property
    def _union(self) -> Union:
        """The axis of batches with sites of their own."""
        from .query.union import Union  # noqa: PLC0415

        covered: list[list[int]] = [[] for _ in self.contigs]
        place = {name: i for i, name in enumerate(self.contigs)}
        for number, batch in enumerate(self._batches):
            for name in batch.entry["covered"]["contigs"]:
                covered[place[name]].append(number)
        return Union([batch.alleles for batch in self._batches], covered)

    @property
    def samples(self) -> list[str]:
        """Names of all samples, by number, less those withdrawn."""
        return list(self._everybody().present)

    def cohort(self, samples: Iterable[str]) -> Cohort:
        """A cohort of sample ids, to be used again and again.

        Raises UnknownSampleError, WithdrawnSampleError, SampleClashError.
        """
        if isinstance(samples, str):
            raise QueryError("a cohort is a list of sample ids, not one string")
        return Cohort(np.sort(self._everybody().resolve(samples)))

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
        }

    def _described(self, batch: BatchHandle) -> Document:
        """The entry of a batch, with how many of its people are of unknown ploidy where it has no record."""
        absence = self._absence(batch)
        if absence is None:
            return batch.entry
        people = zip(CLASS_NAMES, absence.unknown_ploidy().tolist(), strict=True)
        return {**batch.entry, "unknown_ploidy": {name: number for name, number in people if number}}

    def _absence(self, batch: BatchHandle) -> Absence | None:
        """What a batch says where it has no record; None: nothing."""
        assembly = self.manifest.document["assembly"] if self.manifest else None
        return batch.absence(self.path, lambda: self._sexes, assembly)

    @cached_property
    def _sexes(self) -> NDArray[np.int8]:
        """(people,) sex by number, indexes into ``SEXES``."""
        assert self.manifest is not None
        parts = (Part(self.path, PartRef(**entry["part"])) for entry in self.manifest.samples)
        return np.concatenate([np.zeros(0, np.int8), *map(read_sexes, parts)])

    # Questions

    def count_alleles(
        self,
        region: str | Sequence[str] | None = None,
        *,
        regions_file: PathLike | None = None,
        samples: Iterable[str] | None = None,
        cohort: Cohort | Iterable[str] | None = None,
        cohorts: Mapping[str, Cohort | Iterable[str]] | None = None,
        filters: str | Iterable[str] | None = None,
    ) -> CountTable:
        """Allele counts: one row an ALT allele, and a cohort where there are several.

        region : ``contig``, ``contig:pos`` or ``contig:start-end`` (1-based, closed), an allele like
            ``22:16050075 A>G``, or several
        regions_file : a file of regions, 1-based closed, or 0-based half-open if named .bed
        samples : count these people only; cohort : the same, as a cohort of its own
        cohorts : name to people: counts of each, in one pass, with a leading column ``cohort``
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
        cohort: Cohort | Iterable[str] | None = None,
        cohorts: Mapping[str, Cohort | Iterable[str]] | None = None,
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
        cohort: Cohort | Iterable[str] | None,
        cohorts: Mapping[str, Cohort | Iterable[str]] | None,
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
        job = run.Job(threads or os.cpu_count() or 1, selection.num_records, progress or (lambda *_: None))
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

    def samples_of(self, batch: str) -> list[str]:
        """Names of the samples of a batch, by its id, in its order, less those withdrawn. Raises QueryError."""
        present = set(self._everybody().present)
        return [name for name in self._handle(batch).store.samples if name in present]

    def _handle(self, identity: str) -> BatchHandle:
        found = {handle.entry["id"]: handle for handle in self._batches}
        if identity not in found:
            raise QueryError(f"{self.path}: no batch {identity!r}; there are {', '.join(found) or 'none'}")
        return found[identity]

    def _joined(
        self,
        region: str | Sequence[str] | None,
        regions_file: PathLike | None,
        names: Sequence[str],
        columns: Sequence[NDArray[np.int64]],
    ) -> JoinedStore:
        """Joined records of batches that have sites of their own."""
        from .query import joined_open  # noqa: PLC0415

        assert self.manifest is not None
        regions, alleles = self._where(region, regions_file)
        wanted = list(joined_open.records_with(self._union, alleles))
        contigs = {entry["name"]: entry.get("length") for entry in self.manifest.contigs}
        absences = [self._absence(batch) for batch in self._batches]
        axis = joined_open.joined_axis(self._batches, self._union, self.contigs)
        where, people = (regions, wanted), (names, columns)
        return joined_open.joined_store(axis, self._batches, people, where, contigs, absences, self._blocks)

    def _columns(self, samples: Iterable[str] | None) -> tuple[list[str], list[NDArray[np.int64]]]:
        """Names of the samples asked for, and for each batch which of them each of its columns is, or -1."""
        if not self._batches:
            raise QueryError(f"{self.path}: the repository is empty; `varstore add` a file first")
        people = self._everybody()
        names = people.present if samples is None else list(samples)
        numbers = people.resolve(names)
        columns = []
        place = np.full(self._num_numbers, -1, np.int64)
        place[numbers] = np.arange(len(numbers))
        for batch in self._batches:
            column = place[batch.numbers]
            columns.append(column)
        return names, columns

    def _cohorts(
        self,
        samples: Iterable[str] | None,
        cohort: Cohort | Iterable[str] | None,
        cohorts: Mapping[str, Cohort | Iterable[str]] | None,
    ) -> tuple[list[str] | None, list[Cohort] | None]:
        """Names of the cohorts (None: no column) and who they are (None: everybody)."""
        given = [value is not None for value in (samples, cohort, cohorts)]
        if sum(given) > 1:
            raise QueryError("give one of samples, cohort and cohorts")
        if cohorts is not None:
            return list(cohorts), [self._as_cohort(people) for people in cohorts.values()]
        people = samples if cohort is None else cohort
        return None, None if people is None else [self._as_cohort(people)]

    def _as_cohort(self, people: Cohort | Iterable[str]) -> Cohort:
        if not isinstance(people, Cohort):
            return self.cohort(people)
        if len(people) and people.numbers[-1] >= self._num_numbers:
            raise QueryError("the cohort is of another version of the repository; make it again")
        gone = int(np.isin(people.numbers, self._withdrawn_now()).sum())
        if gone:
            text = f"{gone:,} of the {len(people):,} people of a cohort were withdrawn since it was made"
            warnings.warn(text, stacklevel=5)
        return people

    def _where(
        self, region: str | Sequence[str] | None, regions_file: PathLike | None
    ) -> tuple[list[Region] | None, list[AlleleKey]]:
        """Regions asked for, sorted and joined, and exact alleles. None: everything."""
        if region is None and regions_file is None:
            return None, []
        texts = [region] if isinstance(region, str) else list(region or ())
        alleles = {text: parse_allele(text, self.contigs) for text in texts}
        regions = [parse_region(text, self.contigs) for text in texts if alleles[text] is None]
        if regions_file is not None:
            try:
                regions += read_regions_file(os.fspath(regions_file), self.contigs)
            except OSError as error:
                raise QueryError(f"{regions_file}: cannot be read ({error.strerror})") from None
        return merge_regions(regions), [self._allele(allele) for allele in alleles.values() if allele is not None]

    def _allele(self, text: AlleleText) -> AlleleKey:
        from .query.union import AlleleKey  # noqa: PLC0415
        from .storage.keys import key_of  # noqa: PLC0415

        if self.manifest is None:
            raise QueryError(
                f"{self.path}: not written by varstore: it has no keys to find alleles by; ask for a region"
            )
        if text.alt.startswith("<"):
            raise QueryError(f"{text.alt}: symbolic alleles of one position differ by END and SVLEN; ask for a region")
        # Bases as many as before stay where they are: only the others need the FASTA.
        moves = len(text.ref) != len(text.alt) and text.alt.isalpha()
        sequence = self._bases(self.contigs[text.contig]) if moves and self._bases else None
        return AlleleKey(text.contig, *key_of(text.position, text.ref, text.alt, sequence))

    @cached_property
    def _bases(self) -> Sequences | None:
        """The bases of a contig by its name here, if the repository has a FASTA. Raises FastaError."""
        from .ingest.fasta import fasta_of  # noqa: PLC0415

        fasta = fasta_of(self.manifest.document["fasta"], None) if self.manifest else None
        if fasta is None or self.manifest is None:
            return None
        return fasta.sequences({entry["name"]: entry["length"] for entry in self.manifest.contigs}, str(self.path))

    def _reads(self, region: str | Sequence[str] | None, regions_file: PathLike | None) -> list[ChunkRead]:
        """Chunk reads of genotypes."""
        regions, alleles = self._where(region, regions_file)
        if not self._batches:
            return []
        store = self._batches[0].store
        reads = plan_reads(store, regions)
        if alleles:
            pieces = list(self._union.pieces([], alleles))
            records = np.concatenate([np.zeros(0, np.int64), *(piece.record[piece.owner == 0] for piece in pieces)])
            reads = with_records(store, reads, records)
        return reads

    def _map(self, function: Callable[..., Any], tasks: Iterable[Any]) -> Iterable[Any]:
        """Run tasks in threads, results in order; few tasks run here."""
        tasks = list(tasks)
        if len(tasks) < _FEW_TASKS:
            return map(function, tasks)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(os.cpu_count() or 1, "query")
        return self._pool.map(function, tasks)

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
        options = AddOptions(
            threads, progress, fields, max_alleles_inline, on_problem, resume, rename, absent, callable, samples,
            min_ref_gq, reference,
        )  # fmt: skip
        return self._add(inputs, options)

    def _add(self, inputs: Sequence[PathLike], options: AddOptions) -> Repository:
        document = self._writable()
        if not inputs:
            raise QueryError("nothing to add: name at least one file")
        with self._writing():
            add_batch(self.path, document, inputs, options)
        self._load(None)
        return self

    def reindex(self, *, reference: PathLike | None = None) -> int:
        """Make what follows from batches again where it is of older code, and move on to the version that has it.

        reference : a FASTA that the repository gets: REF of every record must be its bases, and alleles are matched
            left-aligned from now on; or where its own FASTA is now

        Returns the number of batches whose keys were made again. Raises FastaError, ContigLengthError.
        """
        from .reindexing import reindex  # noqa: PLC0415

        with self._writing():
            made = reindex(self.path, self._writable(), reference)
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
        from .policies import change_batch, find_batch  # noqa: PLC0415
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
            raise write_error(self.path, error) from None

    def _writable(self) -> Document:
        """The newest manifest that is known. Raises ReadOnlyError."""
        if self.manifest is None:
            raise ReadOnlyError(f"{self.path}: not written by varstore, so it can be read only")
        return self.manifest.document

    def withdraw(self, samples: Iterable[str]) -> Repository:
        """Take people out of every later answer, of whatever version, and move on to the version that says so.

        Those who are withdrawn already stay so: where all are, there is no new version. What is stored of them
        stays until the batches that hold it are rewritten. Raises UnknownSampleError, SampleClashError, QueryError.
        """
        from .upkeep import withdraw  # noqa: PLC0415

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
        from .upkeep import collect, seconds  # noqa: PLC0415

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
        document = self._writable()
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
            run_partition(self._plan(plan), partition, threads or os.cpu_count() or 1)

    def commit(
        self, plan: Plan | PathLike, *, threads: int | None = None, progress: Progress | None = None
    ) -> Repository:
        """Make one batch of a plan whose partitions have all run, and move on to the version that has it.

        Raises PlanError, InputError, SampleClashError, ContigLengthError; the plan stays as it was then.
        """
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
        from .compaction import compact  # noqa: PLC0415

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
        from .purging import purge  # noqa: PLC0415

        self._writable()
        with self._writing():
            report = purge(self.path, threads)
        self._load(None)
        return report

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

    def close(self) -> None:
        """Stop the threads; the repository may be asked again."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _normalised(fasta: Document | None) -> str:
    """How alleles of several batches are matched, in words."""
    if fasta is None:
        return "no FASTA: alleles are trimmed only, not left-aligned"
    return f"left-aligned to {Path(fasta['path']).name} (SHA-256 of its contigs {fasta['sha256'][:12]})"


def _derived_versions() -> dict[str, int]:
    """Kinds of derived parts, and the version of each that is read."""
    from .storage import denominators, keys, totals  # noqa: PLC0415

    return {totals.KIND: totals.VERSION, keys.KIND: keys.VERSION, **denominators.DERIVED}


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
