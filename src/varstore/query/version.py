"""One version of a repository, opened: its batches, its people, and what a question asks of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..errors import NotARepositoryError, QueryError
from ..model.columns import Column
from ..model.contigs import name_in
from ..model.cores import num_cores
from ..model.regions import Region, merge_regions, parse_allele, parse_region, read_regions_file
from ..storage import history, manifest
from ..storage.manifest import Manifest
from ..storage.people import sample_names
from .batches import BatchHandle, open_batches, open_foreign
from .blocks import CACHE_BYTES, BlockCache
from .cohorts import Cohort, People
from .plan import ChunkRead, plan_reads, with_records

if TYPE_CHECKING:
    from ..model.regions import AlleleText
    from ..storage.reference import Sequences
    from .absence import Absence
    from .count import Packed
    from .joined import Joined
    from .joined_store import JoinedStore
    from .union import AlleleKey, Union

PathLike = str | os.PathLike[str]
# Below this many chunks of genotypes threads cost more than they bring.
_FEW_TASKS = 2


class Version:
    """A version as questions see it. ``Repository`` is what users hold of it."""

    def __init__(self, path: Path, version: int | None = None, cache_bytes: int | None = None) -> None:
        self.path = path
        self._cache_bytes = CACHE_BYTES if cache_bytes is None else cache_bytes
        self._pool: ThreadPoolExecutor | None = None
        self._load(version)

    def _load(self, version: int | None) -> None:
        """Read a version, the newest if None."""
        path = self.path
        self.manifest: Manifest | None = None
        self._blocks = BlockCache(self._cache_bytes)
        self.__dict__.pop("_names", None)
        self.__dict__.pop("columns", None)
        self.__dict__.pop("_bases", None)
        self.__dict__.pop("_union", None)
        self.__dict__.pop("_sexes", None)
        self.__dict__.pop("_sketches", None)
        self._newest = 0
        self._withdrawn = np.zeros(0, np.int64)
        self._people: People | None = None
        self._packed: WeakKeyDictionary[Cohort, dict[str, Packed]] = WeakKeyDictionary()
        if (path.suffix == ".zip" and path.is_file()) or (
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
            repository = self.manifest.document["repository"] if self.manifest else str(self.path.resolve())
            people = self._people = People(
                self._names, withdrawn, repository, self.version, self.columns, self._withdrawn_now
            )
        return people

    @cached_property
    def _names(self) -> list[str]:
        """Names of everybody, by number."""
        if self.manifest is None:
            return list(self._batches[0].store.samples)
        return sample_names(self.path, self.manifest.document)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """What is known of people: name of a column to its values over all sample numbers, withdrawn people's too.

        ``sample person sex father mother dataset consent`` are always there.
        """
        from .people_columns import PeopleColumns, foreign_columns  # noqa: PLC0415

        if self.manifest is None:
            return foreign_columns(self._names)
        return PeopleColumns(self.path, self.manifest.document, lambda: self._names)

    @property
    def _bases(self) -> Sequences | None:
        """The bases of a contig by its name, where there is a FASTA."""
        return None

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
        from .union import Union  # noqa: PLC0415

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

    def _absence(self, batch: BatchHandle) -> Absence | None:
        """What a batch says where it has no record; None: nothing."""
        assembly = self.manifest.document["assembly"] if self.manifest else None
        return batch.absence(self.path, lambda: self._sexes, assembly)

    @cached_property
    def _sexes(self) -> NDArray[np.int8]:
        """(people,) sex by number, indexes into ``SEXES``."""
        from .people_columns import sexes  # noqa: PLC0415

        return sexes(self.columns["sex"])

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
        from . import joined_open  # noqa: PLC0415

        assert self.manifest is not None
        regions, alleles = self._where(region, regions_file)
        wanted = list(joined_open.records_with(self._union, alleles))
        contigs = {entry["name"]: entry.get("length") for entry in self.manifest.contigs}
        absences = [self._absence(batch) for batch in self._batches]
        axis = joined_open.joined_axis(self._batches, self._union, self.contigs)
        where, people = (regions, wanted), (names, columns)
        return joined_open.joined_store(axis, self._batches, people, where, contigs, absences, self._blocks)

    def _joined_pieces(
        self, region: str | Sequence[str] | None, regions_file: PathLike | None
    ) -> Iterator[Joined]:  # fmt: skip
        """Joined records of batches that have sites of their own, some at a time: all of them may not fit in memory."""
        from . import joined_open  # noqa: PLC0415

        regions, alleles = self._where(region, regions_file)
        axis = joined_open.joined_axis(self._batches, self._union, self.contigs)
        return axis.pieces(regions, list(joined_open.records_with(self._union, alleles)))

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

    def _where(
        self, region: str | Sequence[str] | None, regions_file: PathLike | None
    ) -> tuple[list[Region] | None, list[AlleleKey]]:
        """Regions asked for, sorted and joined, and exact alleles. None: everything."""
        if region is None and regions_file is None:
            return None, []
        texts = [self._named(text) for text in ([region] if isinstance(region, str) else region or ())]
        alleles = {text: parse_allele(text, self.contigs) for text in texts}
        regions = [parse_region(text, self.contigs) for text in texts if alleles[text] is None]
        if regions_file is not None:
            try:
                regions += read_regions_file(os.fspath(regions_file), self.contigs)
            except OSError as error:
                raise QueryError(f"{regions_file}: cannot be read ({error.strerror})") from None
        return merge_regions(regions), [self._allele(allele) for allele in alleles.values() if allele is not None]

    def _named(self, region: str) -> str:
        """The region with its contig by the name it has here: chr22 and 22 are one."""
        contig, colon, rest = region.partition(":")
        if self.manifest is None or region in self.contigs or contig in self.contigs:
            return region
        return name_in(contig, self.manifest.contigs) + colon + rest

    def _allele(self, text: AlleleText) -> AlleleKey:
        from ..storage.keys import key_of  # noqa: PLC0415
        from .union import AlleleKey  # noqa: PLC0415

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
        tasks, cores = list(tasks), num_cores()
        if len(tasks) < _FEW_TASKS or cores == 1:
            return map(function, tasks)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(cores, "query")
        return self._pool.map(function, tasks)

    def close(self) -> None:
        """Stop the threads; the repository may be asked again."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _derived_versions() -> dict[str, int]:
    """Kinds of derived parts, and the version of each that is read."""
    from ..storage import denominators, keys, totals  # noqa: PLC0415

    return {totals.KIND: totals.VERSION, keys.KIND: keys.VERSION, **denominators.DERIVED}
