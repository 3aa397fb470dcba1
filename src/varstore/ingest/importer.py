"""The import: files in, one staged batch out, with bounded memory and nothing visible before the end.

bytes -> inflate and scan (threads, a piece each) -> records in order -> chunks -> encode, count and
write (threads) -> columns that need the whole input -> the finished part.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import InputError, UnsortedInputError
from ..storage.batch import Batch, BatchHead, BatchWriter, chunk_height, chunk_width
from ..storage.field_table import ALL_FIELDS, FieldChoice
from ..storage.keys import write_keys
from ..storage.parts import PartWriter
from ..storage.reference import Reference, mismatch
from ..storage.totals import TotalsWriter
from .chunks import EncodedBlock, write_genotypes, write_sites
from .declarations import read_declarations
from .fields import FieldsImport, keeps_calls
from .gate import Gate
from .header import with_samples
from .inputs import Input, check_same_samples
from .line_ends import LineEnds
from .partitions import Spools
from .problems import Kind, Problems
from .records import Records, ScanPlan, fault_error, join
from .scanning import run, whole
from .sites import RowError, SiteColumns, site_columns
from .sort import Found

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ImportOptions:
    """How to import.

    threads : for inflating, scanning and encoding    progress : takes bytes read
    fields : which INFO and FORMAT fields to keep
    max_alleles_inline : FORMAT fields by allele have room for so many; None: for 99.9 % of the records
    chunk_variants : that of the batches that are there; None: what suits this one
    on_problem : what harmless problems do: ``warn`` or ``stop``
    spools : of a large import, from which it can go on; None: everything stays in memory
    sort : unsorted inputs may be read once more, to sort them
    reference : the FASTA of the repository: REF must be its bases, and alleles are left-aligned to it
    """

    threads: int = 2
    progress: Progress = lambda _: None
    fields: FieldChoice = ALL_FIELDS
    max_alleles_inline: int | None = None
    chunk_variants: int | None = None
    on_problem: str = "warn"
    spools: Spools | None = None
    sort: bool = True
    reference: Reference | None = None


@dataclass
class ImportResult:
    """What an import found out. files : in the order they were read"""

    contigs: dict[str, int | None]
    num_variants: int
    num_samples: int
    ploidy: int
    sites_sha256: str
    used_contigs: list[str]
    fields_left_out: list[str]
    files: list[Path]
    header_sha256: str
    genotype_bytes: int
    problems: dict[str, Any]


class BatchImport:
    """One import of some inputs into a staged batch, its totals and its keys.

    parts : staging of "batch", "totals" and "keys"
    sources : where the records are read from, if not from the inputs as they are; problems that were
        noted on the way there are in ``noted``
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        parts: Mapping[str, PartWriter],
        options: ImportOptions,
        sources: Sequence[Input] | None = None,
        noted: Sequence[Found] = (),
    ) -> None:
        check_same_samples(inputs)
        self.options = options
        samples = inputs[0].header.samples
        headers = [source.header for source in inputs]
        height = options.chunk_variants or chunk_height(len(samples), calls=keeps_calls(headers, options.fields))
        self.writer = BatchWriter(parts["batch"], samples, height)
        self.totals = TotalsWriter(parts["totals"], self.writer.chunk_variants)
        self._keys = parts["keys"]
        self.chunk_samples = chunk_width(len(samples))
        self.num_sample_chunks = -(-len(samples) // self.chunk_samples)
        self.contigs: dict[str, int | None] = {}
        self.filters = {"PASS": "All filters passed"}
        for source in inputs:
            for name, length in source.header.contigs.items():
                if self.contigs.get(name) is None:
                    self.contigs[name] = length
            self.filters.update(source.header.filters)
        self._lengths = dict(self.contigs)
        if options.reference is not None:
            options.reference.sequences(self.contigs, ", ".join(str(source.path) for source in inputs))
        self.problems = Problems(options.on_problem)
        self.gate = Gate(self.problems)
        for source in inputs:
            self.gate.declare(read_declarations(source.header.text), str(source.path))
            if source.text is not None and source.text.crlf:
                self.problems.add(Kind.CRLF, str(source.path))
        for found in noted:
            self.problems.add(*found)
        self.inputs = self._in_contig_order(inputs)
        self.sources = self._in_contig_order(sources or inputs)
        # Contigs so far, and where each was met last.
        self._seen: dict[str, Input] = {}
        self._last = ("", -1)
        self.fields = FieldsImport(
            parts["batch"], headers, options.fields, options.max_alleles_inline,
            self.writer.chunk_variants, self.chunk_samples,
        )  # fmt: skip
        self._regions: list[tuple[int, ...]] = []
        self._sites = hashlib.sha256()
        # The inputs so far, and the number of their first record in the batch.
        self._begins: list[tuple[int, Input]] = []
        self._num_variants = 0
        self._chunk = 0
        self._ploidy, self._itemsize = 1, 1
        self._num_alleles = 2
        self._pending: deque[tuple[int, list[Future[EncodedBlock]], list[Future[None]]]] = deque()

    def _in_contig_order(self, inputs: Sequence[Input]) -> list[Input]:
        """Inputs in the order of the contig table, whatever order they were named in."""
        if len(inputs) == 1:
            return list(inputs)
        rank = {name: i for i, name in enumerate(self.contigs)}
        return sorted(inputs, key=lambda source: rank.get(source.first_contig() or "", len(rank)))

    def run(self) -> ImportResult:
        """Import everything. On any error the staging is worthless, and nothing else was touched."""
        with ThreadPoolExecutor(self.options.threads, "import") as pool:
            try:
                self._run(pool)
                return self._finish(pool)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _run(self, pool: ThreadPoolExecutor) -> None:
        waiting: list[Records] = []
        size = self.writer.chunk_variants
        rows, num_read = 0, 0
        for source in self.sources:
            self._begins.append((num_read, source))
            for records in self._records(source, pool):
                waiting.append(records)
                rows += records.num_rows
                num_read += records.num_rows
                while rows >= size:
                    whole = join(waiting, self.chunk_samples)
                    self._put_chunk(whole.rows(0, size), pool)
                    rest = whole.rows(size, whole.num_rows)
                    waiting = [rest] if rest.num_rows else []
                    rows = rest.num_rows
        if waiting:
            self._put_chunk(join(waiting, self.chunk_samples), pool)
        while self._pending:
            self._collect()

    def _source(self, row: int) -> tuple[int, Input]:
        """Where a record of the batch is from, and the number of the first record from there."""
        return [begin for begin in self._begins if begin[0] <= row][-1]

    def _place(self, row: int) -> str:
        """File and line of a record of the batch."""
        first, source = self._source(row)
        return source.place(row - first)

    def _records(self, source: Input, pool: ThreadPoolExecutor) -> Iterator[Records]:
        """The records of an input in order, as they are scanned or were spooled."""
        header = source.header
        plan = ScanPlan(str(source.path), header.has_format, header.samples, self.chunk_samples, self.fields.scanned)
        spools, threads = self.options.spools, self.options.threads
        if spools is not None:
            results = spools.results(source, plan, pool, threads)
        else:
            results = (result for _, result in run(whole(source, plan, pool), plan, pool, threads))
        row, read = 0, 0
        state = LineEnds(source.place, self.problems, source.text is not None and source.text.crlf)
        for result in results:
            begin = row
            state.check(result)
            for records in result.records:
                row += records.num_rows
                yield records
            read += result.compressed
            if source.text is not None:
                source.text.release(read)
            self.options.progress(result.compressed)
            if result.fault is not None:
                raise fault_error(result.fault, source.place(begin + result.fault.row))
            state.note(result, row)

    def _put_chunk(self, records: Records, pool: ThreadPoolExecutor) -> None:
        """Check and write a chunk's sites, and send its genotypes to the threads."""
        try:
            sites = site_columns(records, self.writer.chunk_variants)
            contig = self._contig_codes(sites)
            self._check_order(records, contig)
            first = self._num_variants
            self._check_reference(sites)
            self.gate.check(records, sites, self._lengths, lambda row: self._place(first + row))
        except RowError as error:
            row = self._num_variants + error.row
            if not isinstance(error, _OrderError):
                raise InputError(f"{self._place(row)}: {error}") from None
            unsorted = UnsortedInputError(f"{self._place(row)}: {error}; {_SORT}")
            unsorted.paths = tuple({str(error.before.path): None, str(self._source(row)[1].path): None})
            raise unsorted from None
        chunk = self._chunk
        self.writer.put("variant_contig", chunk, contig)
        self.writer.put("variant_filter", chunk, self._filter_rows(sites))
        write_sites(self.writer, sites, records.has_gt, chunk)
        self._add_digest(sites)
        self._index_regions(sites, contig)
        self._num_alleles = max(self._num_alleles, sites.num_alleles)
        genotypes = [
            pool.submit(write_genotypes, self.writer, records, chunk, sample_chunk)
            for sample_chunk in range(self.num_sample_chunks)
        ]
        self._pending.append((chunk, genotypes, self.fields.put(records, chunk, sites.format_texts, pool)))
        if not self.num_sample_chunks:
            self.totals.put_nobody(chunk, records.num_alts)
        self._num_variants += records.num_rows
        self._chunk += 1
        while len(self._pending) > 1:
            self._collect()

    def _collect(self) -> None:
        """Wait for the oldest chunk's genotypes, and write its totals."""
        chunk, futures, fields = self._pending.popleft()
        blocks = [future.result() for future in futures]
        for field in fields:
            field.result()
        if not blocks:
            return
        total = blocks[0].counts
        for block in blocks[1:]:
            total.add(block.counts)
        self._ploidy = max(self._ploidy, *(block.ploidy for block in blocks))
        self._itemsize = max(self._itemsize, *(block.itemsize for block in blocks))
        self.totals.put(chunk, total)

    def _contig_codes(self, sites: SiteColumns) -> Any:
        """Codes of the chunk's contigs in the batch's table; new names go to its end."""
        for name in sites.contig_names:
            self.contigs.setdefault(name, None)
        table = {name: i for i, name in enumerate(self.contigs)}
        return np.array([table[name] for name in sites.contig_names], np.int32)[sites.contig]

    def _check_reference(self, sites: SiteColumns) -> None:
        """REF is what the repository's FASTA has. Raises RowError."""
        if self.options.reference is None:
            return
        sequences = self.options.reference.sequences(self.contigs, str(self.inputs[0].path))
        packed, width = sites.packed_alleles, sites.num_alleles
        found = mismatch(packed, width, sites.contig, sites.contig_names, sites.position, sequences)
        if found is not None:
            raise RowError(found.row, f"{found}; the file is of another reference, or the line is wrong")

    def _check_order(self, records: Records, contig: Any) -> None:
        """Positions do not fall within a contig, and no contig comes back. Raises RowError."""
        falls = np.flatnonzero((np.diff(records.position) < 0) & (np.diff(contig) == 0))
        if len(falls):
            row = int(falls[0]) + 1
            before = self._source(self._num_variants + row - 1)[1]
            text = f"unsorted: position {records.position[row]} comes after {records.position[row - 1]}"
            raise _OrderError(row, text, before)
        for row, name in zip(records.run_start, records.contig_of_run, strict=True):
            if name == self._last[0]:
                if row == 0 and records.position[0] < self._last[1]:
                    text = f"unsorted: position {records.position[0]} comes after {self._last[1]}"
                    raise _OrderError(0, text, self._source(self._num_variants - 1)[1])
            elif name in self._seen:
                text = f"unsorted: contig {name} comes back after {self._last[0]}"
                raise _OrderError(int(row), text, self._seen[name])
            self._seen[name] = self._source(self._num_variants + int(row))[1]
            self._last = (name, 0)
        if records.num_rows:
            self._last = (self._last[0], int(records.position[-1]))

    def _filter_rows(self, sites: SiteColumns) -> Any:
        """(rows, filters) bool; filters the header does not declare are added."""
        # Empty items and a '.' among others are no names; the gate lists them.
        names_of_text = [[name for name in text.split(";") if name not in ("", ".")] for text in sites.filter_texts]
        for names in names_of_text:
            for name in names:
                self.filters.setdefault(name, "")
        table = {name: i for i, name in enumerate(self.filters)}
        rows = np.zeros((len(names_of_text), len(table)), np.bool_)
        for i, names in enumerate(names_of_text):
            rows[i, [table[name] for name in names]] = True
        return rows[sites.filters]

    def _add_digest(self, sites: SiteColumns) -> None:
        """Batches have the same sites if these bytes agree: contig, position, length and alleles."""
        names = np.array(sites.contig_names, object)[sites.contig] if len(sites.contig_names) > 1 else None
        self._sites.update("\n".join(sites.contig_names if names is None else names).encode())
        self._sites.update(sites.position.tobytes())
        self._sites.update(sites.length.tobytes())
        self._sites.update(sites.packed_alleles)

    def _index_regions(self, sites: SiteColumns, contig: Any) -> None:
        starts = np.concatenate(([0], np.flatnonzero(np.diff(contig)) + 1, [len(contig)]))
        ends = sites.position.astype(np.int64) + sites.length - 1
        for begin, end in itertools.pairwise(starts.tolist()):
            first, last = int(sites.position[begin]), int(sites.position[end - 1])
            run = (self._chunk, int(contig[begin]), first, last, int(ends[begin:end].max()), end - begin)
            self._regions.append(run)

    def _finish(self, pool: ThreadPoolExecutor) -> ImportResult:
        header = self.inputs[0].header
        dtype = "|i1" if self._itemsize == 1 else "<i2"
        text = with_samples(header.text, header.samples)
        head = BatchHead(self.contigs, self.filters, header.other, text, f"varstore-{__version__}")
        regions = np.array(self._regions, np.int64).reshape(-1, 6)
        self.writer.finish(head, self._num_variants, regions, dtype, self._ploidy, pool.map)
        self.totals.finish(self._num_variants, pool.map)
        self.fields.note(self.problems, ", ".join(str(source.path) for source in self.inputs))
        ploidy = self._ploidy if header.samples else 2
        self.fields.finish(self._num_variants, ploidy, self._num_alleles, pool.map)
        write_keys(self._keys, Batch(self.writer.part), self.options.reference, pool.map)
        return ImportResult(
            self.contigs,
            self._num_variants,
            len(header.samples),
            self._ploidy,
            self._sites.hexdigest(),
            list(self._seen),
            self.fields.left_out(),
            [path for source in self.inputs for path in source.files],
            hashlib.sha256(header.text.encode()).hexdigest(),
            self.writer.part.size("call_genotype/"),
            self.problems.document(),
        )


_SORT = "sort the file (bcftools sort), or let --on-problem warn sort it"


class _OrderError(RowError):
    """Records out of order; ``before`` is where the record is from that should come after."""

    def __init__(self, row: int, message: str, before: Input) -> None:
        super().__init__(row, message)
        self.before = before
