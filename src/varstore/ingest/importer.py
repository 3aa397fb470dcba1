"""The import: files in, one staged batch out, with bounded memory and nothing visible before the end.

bytes -> inflate and scan (threads, a piece each) -> records in order -> chunks -> encode, count and
write (threads) -> columns that need the whole input -> the finished part.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from .. import __version__
from ..errors import InputError, UnsortedInputError
from ..storage.batch import BatchHead, BatchWriter, chunk_width
from ..storage.parts import PartWriter
from ..storage.totals import TotalsWriter
from .bcf import first_contig_of_bcf, read_bcf, read_bcf_header
from .chunks import EncodedBlock, write_genotypes, write_sites
from .header import VcfHeader, parse_header
from .records import PieceScanner, Records, ScanPlan, ScanResult, join, raise_fault
from .sites import RowError, SiteColumns, site_columns
from .sources import Source, file_entry, open_source
from .text import TextFile, is_bcf

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ImportOptions:
    """How to import: ``threads`` for inflating, scanning and encoding; ``progress`` takes bytes read."""

    threads: int = 2
    progress: Progress = lambda _: None


@dataclass
class Input:
    """One input file: its header, and how to read it."""

    path: Path
    header: VcfHeader
    text: TextFile | None
    source: Source | None = None

    @property
    def files(self) -> list[Path]:
        """Everything that is read."""
        return [self.path] if self.source is None else self.source.files

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def first_contig(self) -> str | None:
        """CHROM of the first record, or None where there is none."""
        if self.source is not None:
            return self.source.first_contig()
        return first_contig_of_bcf(self.path) if self.text is None else self.text.first_contig()


def open_input(path: str | Path) -> Input:
    """Open a VCF, a BCF or another source and read its header. Raises InputError and its kinds."""
    path = Path(path)
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        source = open_source(path)
        if source is not None:
            return Input(path, source.header, None, source)
        if is_bcf(path):
            return Input(path, read_bcf_header(path), None)
        text = TextFile(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return Input(path, parse_header(text.header_text, str(path)), text)


def check_same_samples(inputs: Sequence[Input]) -> None:
    """Inputs of one batch have the same samples in the same order. Raises InputError."""
    first = inputs[0]
    for other in inputs[1:]:
        if other.header.samples != first.header.samples:
            raise InputError(
                f"{other.path}: its samples are not those of {first.path}, in the same order; "
                "inputs of one batch split the same samples by chromosome, add others one by one"
            )


@dataclass
class ImportResult:
    """What an import found out."""

    contigs: dict[str, int | None]
    num_variants: int
    num_samples: int
    ploidy: int
    sites_sha256: str
    used_contigs: list[str]
    formats_left_out: list[str]
    files: list[dict[str, Any]]
    header_sha256: str
    genotype_bytes: int


class BatchImport:
    """One import of some inputs into a staged batch and its totals."""

    def __init__(self, inputs: Sequence[Input], batch: PartWriter, totals: PartWriter, options: ImportOptions) -> None:
        check_same_samples(inputs)
        self.options = options
        samples = inputs[0].header.samples
        self.writer = BatchWriter(batch, samples)
        self.totals = TotalsWriter(totals, self.writer.chunk_variants)
        self.chunk_samples = chunk_width(len(samples))
        self.num_sample_chunks = -(-len(samples) // self.chunk_samples)
        self.contigs: dict[str, int | None] = {}
        self.filters = {"PASS": "All filters passed"}
        for source in inputs:
            for name, length in source.header.contigs.items():
                if self.contigs.get(name) is None:
                    self.contigs[name] = length
            self.filters.update(source.header.filters)
        self.inputs = self._in_contig_order(inputs)
        self._seen: dict[str, str] = {}
        self._last = ("", -1)
        self._formats: dict[str, None] = {}
        self._regions: list[tuple[int, ...]] = []
        self._sites = hashlib.sha256()
        # The inputs so far, and the number of their first record in the batch.
        self._begins: list[tuple[int, Input]] = []
        self._num_variants = 0
        self._chunk = 0
        self._ploidy, self._itemsize = 1, 1
        self._pending: deque[tuple[int, list[Future[EncodedBlock]]]] = deque()

    def _in_contig_order(self, inputs: Sequence[Input]) -> list[Input]:
        """Inputs in the order of the contig table, whatever order they were named in."""
        if len(inputs) == 1:
            return list(inputs)
        rank = {name: i for i, name in enumerate(self.contigs)}
        return sorted(inputs, key=lambda source: rank.get(source.first_contig() or "", len(rank)))

    def run(self) -> ImportResult:
        """Import everything. On any error the staging is worthless, and nothing else was touched."""
        with ThreadPoolExecutor(self.options.threads, "import") as pool:
            entries = [pool.submit(file_entry, path) for source in self.inputs for path in source.files]
            try:
                self._run(pool)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
            files = [entry.result() for entry in entries]
        return self._finish(files)

    def _run(self, pool: ThreadPoolExecutor) -> None:
        waiting: list[Records] = []
        size = self.writer.chunk_variants
        rows, num_read = 0, 0
        for source in self.inputs:
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

    def _place(self, row: int) -> str:
        """File and line of a record of the batch: every record is one line."""
        first, source = [begin for begin in self._begins if begin[0] <= row][-1]
        if source.text is None:
            return f"{source.path}, record {row - first + 1}"
        return f"{source.path}, line {source.header.num_lines + 1 + row - first}"

    def _records(self, source: Input, pool: ThreadPoolExecutor) -> Iterator[Records]:
        header = source.header
        plan = ScanPlan(str(source.path), header.has_format, header.samples, self.chunk_samples)
        if source.source is not None:
            yield from source.source.records(plan)
            self.options.progress(source.size)
        elif source.text is None:
            yield from read_bcf(source.path, plan)
            self.options.progress(source.size)
        else:
            yield from self._scan(source.text, plan, header.num_lines + 1, pool)

    def _scan(self, text: TextFile, plan: ScanPlan, line: int, pool: ThreadPoolExecutor) -> Iterator[Records]:
        """Scan pieces in threads, a few ahead, and give out their records in order."""
        scanners: SimpleQueue[PieceScanner] = SimpleQueue()
        ploidy, read = 1, 0
        running: deque[Future[ScanResult]] = deque()

        def scan(piece: Any) -> ScanResult:
            try:
                scanner = scanners.get_nowait()
            except Empty:
                scanner = PieceScanner(plan, ploidy)
            result = scanner.scan(piece)
            scanners.put(scanner)
            return result

        def take() -> Iterator[Records]:
            nonlocal line, ploidy, read
            result = running.popleft().result()
            for records in result.records:
                ploidy = max(ploidy, records.sets.ploidy)
                line += records.num_rows
                yield records
            read += result.compressed
            text.release(read)
            self.options.progress(result.compressed)
            if result.fault is not None:
                begin = line - sum(records.num_rows for records in result.records)
                raise_fault(result.fault, plan.path, begin)

        for piece in text.pieces():
            running.append(pool.submit(scan, piece))
            while len(running) > self.options.threads:
                yield from take()
        while running:
            yield from take()

    def _put_chunk(self, records: Records, pool: ThreadPoolExecutor) -> None:
        """Check and write a chunk's sites, and send its genotypes to the threads."""
        try:
            sites = site_columns(records, self.writer.chunk_variants)
            contig = self._contig_codes(sites)
            self._check_order(records, contig)
        except RowError as error:
            kind = UnsortedInputError if isinstance(error, _OrderError) else InputError
            raise kind(f"{self._place(self._num_variants + error.row)}: {error}") from None
        chunk = self._chunk
        self.writer.put("variant_contig", chunk, contig)
        self.writer.put("variant_filter", chunk, self._filter_rows(sites))
        write_sites(self.writer, sites, records.has_gt, chunk)
        self._add_digest(sites)
        self._index_regions(sites, contig)
        for formats in sites.format_texts:
            self._formats.update(dict.fromkeys(key for key in formats.split(":") if key not in ("GT", "", ".")))
        self._pending.append(
            (
                chunk,
                [
                    pool.submit(write_genotypes, self.writer, records, chunk, sample_chunk)
                    for sample_chunk in range(self.num_sample_chunks)
                ],
            )
        )
        if not self.num_sample_chunks:
            self.totals.put_nobody(chunk, records.num_alts)
        self._num_variants += records.num_rows
        self._chunk += 1
        while len(self._pending) > 1:
            self._collect()

    def _collect(self) -> None:
        """Wait for the oldest chunk's genotypes, and write its totals."""
        chunk, futures = self._pending.popleft()
        blocks = [future.result() for future in futures]
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

    def _check_order(self, records: Records, contig: Any) -> None:
        """Positions do not fall within a contig, and no contig comes back. Raises RowError."""
        falls = np.flatnonzero((np.diff(records.position) < 0) & (np.diff(contig) == 0))
        if len(falls):
            row = int(falls[0]) + 1
            raise _OrderError(
                row,
                f"unsorted: position {records.position[row]} comes after {records.position[row - 1]}; "
                "sort the file (bcftools sort)",
            )
        for row, name in zip(records.run_start, records.contig_of_run, strict=True):
            if name == self._last[0]:
                if row == 0 and records.position[0] < self._last[1]:
                    raise _OrderError(
                        0,
                        f"unsorted: position {records.position[0]} comes after {self._last[1]}; "
                        "sort the file (bcftools sort)",
                    )
            elif name in self._seen:
                raise _OrderError(int(row), f"unsorted: contig {name} comes back after {self._last[0]}; sort the file")
            self._seen[name] = name
            self._last = (name, 0)
        if records.num_rows:
            self._last = (self._last[0], int(records.position[-1]))

    def _filter_rows(self, sites: SiteColumns) -> Any:
        """(rows, filters) bool; filters the header does not declare are added."""
        names_of_text = [[] if text == "." else text.split(";") for text in sites.filter_texts]
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

    def _finish(self, files: list[dict[str, Any]]) -> ImportResult:
        header = self.inputs[0].header
        dtype = "|i1" if self._itemsize == 1 else "<i2"
        head = BatchHead(self.contigs, self.filters, header.other, header.text, f"varstore-{__version__}")
        regions = np.array(self._regions, np.int64).reshape(-1, 6)
        self.writer.finish(head, self._num_variants, regions, dtype, self._ploidy)
        self.totals.finish(self._num_variants)
        return ImportResult(
            self.contigs,
            self._num_variants,
            len(header.samples),
            self._ploidy,
            self._sites.hexdigest(),
            list(self._seen),
            list(self._formats),
            files,
            hashlib.sha256(header.text.encode()).hexdigest(),
            self.writer.part.size("call_genotype/"),
        )


class _OrderError(RowError):
    """Records out of order."""
