"""Scanned records: genotype sets and site text of some lines, between scanner and chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..codec.rows import Arenas, RowSets, block_starts, concatenate, sets_from_codes
from ..codec.settings import SPARSE_SHIFT
from ..errors import InputError, TruncatedInputError
from ..kernels import bcf_calls as _bcf_calls
from ..kernels import bcf_text as _bcf_text
from ..kernels import outcomes as _outcomes
from ..kernels import scan as _scan
from ..kernels.genotypes import USED_PHASE
from ..kernels.lines import find_newline
from ..storage.field_table import FieldTable
from .bgzf import damage_text
from .calls import CallArenas, Calls, CallTextError, join_calls
from .text import INFLATE_ERRORS, Piece, Preparable, RecordError

_PADDING = 64  # bytes a vector load may read behind the text
_BUFFER_SIZE = 1 << 22
_MAX_LINE = 1 << 30
_UNKNOWN = 1 << 62
_ROWS = 2048


@dataclass(frozen=True)
class Records:
    """Some records in the order of their file.

    sets : genotypes of all samples
    text : uint8 arena of CHROM to FORMAT; fields : (rows, 8) int64, where ID to FORMAT begin in it,
        and the end
    position : int64; num_alts : int64; has_gt : bool
    contig_of_run, run_start : names of the contigs, and the rows where each begins
    phase_default : (rows,) uint8; phase : int32 samples that differ from it, row by row from phase_start
    calls : FORMAT fields besides GT, and what of GT the sets and phases do not hold
    """

    sets: RowSets
    text: NDArray[np.uint8]
    fields: NDArray[np.int64]
    position: NDArray[np.int64]
    num_alts: NDArray[np.int64]
    has_gt: NDArray[np.bool_]
    contig_of_run: list[str]
    run_start: NDArray[np.int64]
    phase_default: NDArray[np.uint8]
    phase: NDArray[np.int32]
    phase_start: NDArray[np.int64]
    calls: Calls

    @property
    def num_rows(self) -> int:
        return len(self.position)

    def rows(self, begin: int, end: int) -> Records:
        """The records ``begin`` to ``end``."""
        first = int(np.searchsorted(self.run_start, begin, "right")) - 1
        last = int(np.searchsorted(self.run_start, end, "left"))
        text = self.fields[begin:end]
        low = int(text[0, 0]) if end > begin else 0
        high = int(text[-1, -1]) if end > begin else 0
        phase_start = self.phase_start[begin : end + 1]
        return Records(
            self.sets.rows(begin, end),
            self.text[low:high],
            text - low,
            self.position[begin:end],
            self.num_alts[begin:end],
            self.has_gt[begin:end],
            self.contig_of_run[first:last],
            np.maximum(self.run_start[first:last] - begin, 0),
            self.phase_default[begin:end],
            self.phase[phase_start[0] : phase_start[-1]],
            phase_start - phase_start[0],
            self.calls.rows(begin, end),
        )


def join(parts: Sequence[Records], chunk_samples: int) -> Records:
    """One after another; genotypes at the highest ploidy among them."""
    if len(parts) == 1:
        return parts[0]
    ploidy = max(part.sets.ploidy for part in parts)
    sizes = np.cumsum([0] + [part.num_rows for part in parts])
    texts = np.cumsum([0] + [len(part.text) for part in parts])
    phases = np.cumsum([0] + [len(part.phase) for part in parts])
    return Records(
        concatenate([widen(part.sets, part.has_gt, ploidy, chunk_samples) for part in parts]),
        np.concatenate([part.text for part in parts]),
        np.concatenate([part.fields + texts[i] for i, part in enumerate(parts)]),
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.num_alts for part in parts]),
        np.concatenate([part.has_gt for part in parts]),
        [name for part in parts for name in part.contig_of_run],
        np.concatenate([part.run_start + sizes[i] for i, part in enumerate(parts)]),
        np.concatenate([part.phase_default for part in parts]),
        np.concatenate([part.phase for part in parts]),
        np.concatenate([part.phase_start[:-1] + phases[i] for i, part in enumerate(parts)] + [phases[-1:]]),
        join_calls([part.calls for part in parts]),
    )


def widen(sets: RowSets, has_gt: NDArray[np.bool_], ploidy: int, chunk_samples: int) -> RowSets:
    """The same rows at a higher ploidy: further haplotypes are holes, or missing too in records without GT.

    Rare, so it goes by codes.
    """
    if sets.ploidy == ploidy:
        return sets
    from ..codec.genotype import decode_array, encode_sets  # noqa: PLC0415

    num_samples = int(sets.starts[-1])
    starts = block_starts(num_samples, chunk_samples, ploidy)
    parts = []
    step = max(1, (1 << 26) // max(1, num_samples * ploidy))
    for begin in range(0, sets.num_rows, step):
        rows = sets.rows(begin, min(begin + step, sets.num_rows))
        codes = np.empty((rows.num_rows, num_samples, ploidy), np.int16)
        for block in range(len(sets.sizes)):
            shape = (rows.num_rows, int(sets.sizes[block]), sets.ploidy)
            data = encode_sets(rows, shape, blocks=range(block, block + 1), level=1)
            decoded = decode_array(memoryview(data), dtype=np.dtype("<i2"), ploidy=ploidy)
            codes[:, sets.starts[block] : sets.starts[block + 1]] = decoded
        codes[~has_gt[begin : begin + len(codes)]] = -1
        parts.append(sets_from_codes(codes, starts))
    return concatenate(parts)


@dataclass(frozen=True)
class Fault:
    """What stopped a scan: on which line of the piece (from 0), and the sentence."""

    row: int
    message: str


@dataclass
class ScanResult:
    """What came out of a piece."""

    records: list[Records]
    compressed: int
    fault: Fault | None = None
    blank_end: bool = False  # blank lines behind the records: harmless if nothing follows
    crlf: bool = False
    open_end: bool = False  # the last line has no line end


@dataclass(frozen=True)
class ScanPlan:
    """What the scanner must know of a file.

    chunk_samples : samples of a Zarr chunk
    formats : FORMAT fields to read besides GT; None for none
    """

    path: str
    has_format: bool
    sample_names: Sequence[str]
    chunk_samples: int
    formats: FieldTable | None = None

    @property
    def num_samples(self) -> int:
        return len(self.sample_names)


class PieceScanner:
    """Scans pieces of one file, one thread, one at a time; keeps its buffers between them."""

    def __init__(self, plan: ScanPlan, ploidy: int) -> None:
        self.plan = plan
        self.buffer = np.zeros(_BUFFER_SIZE + _PADDING, np.uint8)
        self.calls = CallArenas(plan.formats, _ROWS, plan.num_samples)
        self.set_ploidy(ploidy)

    def set_ploidy(self, ploidy: int) -> None:
        """Read from now on with room for this many alleles a call."""
        samples = max(1, self.plan.num_samples)
        starts = block_starts(self.plan.num_samples, self.plan.chunk_samples, ploidy)
        self.arenas = Arenas(ploidy, starts, _ROWS)
        # Room for many rows, so that a flush is rare.
        self.arenas.lists = np.empty(max(1 << 19, 4 * self.arenas.worst_lists), np.uint16)
        self.arenas.planes = np.empty(max(1 << 18, 4 * self.arenas.worst_planes), np.uint64)
        self.phased = np.empty(samples, np.uint8)
        self.phase = np.empty(max(1 << 16, 4 * samples), np.int32)
        self.phase_default = np.empty(_ROWS, np.uint8)
        self.text = np.empty(1 << 20, np.uint8)
        self.fields = np.empty((_ROWS, _scan.NUM_FIELDS), np.int64)
        self.position = np.empty(_ROWS, np.int64)
        self.num_alts = np.empty(_ROWS, np.int64)
        self.has_gt = np.empty(_ROWS, np.bool_)
        self.runs = np.empty((_ROWS, 3), np.int64)
        self.row_cursors = np.empty((_ROWS + 1, 5), np.int64)
        self.cursors = np.zeros(_scan.NUM_CURSORS, np.int64)
        self.fault = np.zeros(2, np.int64)

    def scan(self, unprepared: Preparable) -> ScanResult:
        """Read a piece's lines. A fault of the input is in the result; its line is counted from 0."""
        self.cursors[:] = 0
        result = ScanResult([], unprepared.compressed)
        piece = unprepared.prepared(beside=True)
        self.records = piece.records
        try:
            self._scan_piece(piece, result)
        except RecordError as error:
            result.fault = Fault(error.row, str(error))
        except _FaultError as error:
            rows = sum(r.num_rows for r in result.records) + int(self.cursors[_scan.NUM_ROWS])
            result.fault = Fault(rows, str(error))
        except INFLATE_ERRORS as error:
            rows = sum(r.num_rows for r in result.records) + int(self.cursors[_scan.NUM_ROWS])
            result.fault = Fault(rows, f"the file {damage_text(error, piece.find_damage())}")
        except CallTextError as error:
            self._refuse_text(error, result)
        try:
            self._flush(result)
        except CallTextError as error:
            self._refuse_text(error, result)
        return result

    def _refuse_text(self, error: CallTextError, result: ScanResult) -> None:
        """The rows in the arenas are not given out: one of them is at fault."""
        result.fault = Fault(sum(r.num_rows for r in result.records) + error.row, str(error))
        self.cursors[:] = 0

    def _scan_piece(self, piece: Piece, result: ScanResult) -> None:
        self._discard(piece)
        have = 0
        left = _UNKNOWN if piece.length is None else piece.length
        skipping = not piece.starts_line
        while left:
            waiting = have
            have, left = self._fill(piece, have, left)
            begin = 0
            if skipping:
                newline = find_newline(self.buffer, 0, have)
                if newline < 0:
                    have = 0
                    continue
                begin = newline + 1
                skipping = False
            elif find_newline(self.buffer, waiting, have) < 0:
                continue  # a long line
            have = self._scan_buffer(begin, have, result)
        if skipping:
            return
        if piece.overlaps:
            have = self._finish_line(piece, have)
        if have:
            if self.buffer[have - 1] != 10:
                self._room(have, 1)
                self.buffer[have] = 10
                have += 1
                result.open_end = True
            if self._scan_buffer(0, have, result):
                raise _FaultError("the line is cut off: the file ends in it")

    def _discard(self, piece: Piece) -> None:
        left = piece.skip
        while left:
            size = piece.reader.readinto(self.buffer.data[: min(left, _BUFFER_SIZE)])
            if size == 0:
                raise EOFError
            left -= size

    def _room(self, have: int, more: int) -> None:
        if have + more + _PADDING > len(self.buffer):
            if have > _MAX_LINE:
                raise _FaultError(f"the line has over {_MAX_LINE:,} bytes, the longest that is read")
            larger = np.zeros(2 * (have + more) + _PADDING, np.uint8)
            larger[:have] = self.buffer[:have]
            self.buffer = larger

    def _fill(self, piece: Piece, have: int, left: int) -> tuple[int, int]:
        """Read more of the piece behind ``have`` bytes that wait for the end of their line."""
        self._room(have, min(left, _BUFFER_SIZE // 2))
        room = min(len(self.buffer) - _PADDING - have, left)
        size = piece.reader.readinto(self.buffer.data[have : have + room])
        if size == 0:
            if piece.length is None:
                return have, 0
            raise EOFError
        return have + size, left - size

    def _finish_line(self, piece: Piece, have: int) -> int:
        """Read past the piece's end to the end of the line that begins in it, and no further."""
        while True:
            self._room(have, _BUFFER_SIZE // 8)
            size = piece.reader.readinto(self.buffer.data[have : have + _BUFFER_SIZE // 8])
            newline: int = find_newline(self.buffer, have, have + size)
            if newline >= 0:
                return newline + 1
            have += size
            if size == 0:
                return have

    def _scan_buffer(self, begin: int, end: int, result: ScanResult) -> int:
        """Scan the whole lines of the buffer, and move what is left to its front."""
        first = begin
        while True:
            if result.blank_end:
                if not _is_blank(self.buffer[begin:end]):
                    raise _FaultError(BLANK_LINE)
                return 0
            a = self.arenas
            self.fault[:] = 0
            status, begin = _scan.scan_lines(
                self.buffer, begin, end, self.plan.num_samples, self.plan.has_format, a.ploidy,
                SPARSE_SHIFT, a.starts, a.words, a.plane, a.plane.view(np.uint32), a.exceptions,
                a.num_exceptions, a.other_codes, self.phased, a.kind, a.count, a.lists, a.planes, a.values,
                self.phase, self.phase_default, self.text, self.fields, self.position, self.num_alts, self.has_gt,
                self.runs, self.row_cursors, self.cursors, self.calls.collect, self.calls.field_table,
                self.calls.arenas, self.calls.cursors, self.fault, self.records,
            )  # fmt: skip
            result.crlf |= begin - first > 1 and self.buffer[begin - 2] == 13
            if status == _outcomes.DONE:
                break
            if status == _outcomes.BLANK_LINE:
                # Harmless if nothing else follows, here and in later pieces.
                result.blank_end = True
                continue
            if status == _outcomes.NEED_ROOM:
                if self.cursors[_scan.NUM_ROWS] == 0:
                    self.text = np.empty(2 * (end - begin) + 1024, np.uint8)
                    self.calls.grow(int(self.fault[0]), int(self.fault[1]), end - begin)
                self._flush(result)
            elif status == _outcomes.NEED_PLOIDY:
                self._flush(result)
                self._widen(int(self.fault[1]))
            elif status == _outcomes.NEED_TEXT:
                end = self._calls_to_text(begin, end)
            elif status == _outcomes.NEED_FIELD:
                key = self.buffer[begin + int(self.fault[0]) : begin + int(self.fault[1])].tobytes()
                self._flush(result)
                self.calls.add_field(key)
            else:
                raise _FaultError(self._describe(status, begin, end))
        left = end - begin
        self.buffer[:left] = self.buffer[begin:end].copy()
        return left

    def _calls_to_text(self, begin: int, end: int) -> int:
        """Put the calls beside the line at ``begin`` into it; return where the buffer's lines end then."""
        behind: int = find_newline(self.buffer, begin, end) + 1
        calls = behind - _bcf_calls.LINE_SIZE
        place = _bcf_calls.read_place(self.buffer, calls, self.plan.num_samples, self.records)
        if place < 0:
            raise _FaultError("the record is damaged")
        text = np.empty(_bcf_text.CALL_ROOM * self.plan.num_samples, np.uint8)
        size: int = _bcf_text.put_diploid_calls(text, self.records, place, self.plan.num_samples)
        rest = self.buffer[behind:end].copy()
        self._room(end, size)
        self.buffer[calls : calls + size] = text[:size]
        self.buffer[calls + size : calls + size + len(rest)] = rest
        return calls + size + len(rest)

    def _widen(self, ploidy: int) -> None:
        if ploidy > _MAX_PLOIDY:
            raise _FaultError(f"a call of {ploidy} alleles; the most that is read is {_MAX_PLOIDY}")
        self.set_ploidy(ploidy)

    def _flush(self, result: ScanResult) -> None:
        """Copy out what was scanned, and start the arenas again."""
        rows = int(self.cursors[_scan.NUM_ROWS])
        if rows:
            self.row_cursors[rows] = self.cursors[:5]
            num_phase, num_text = int(self.cursors[USED_PHASE]), int(self.cursors[_scan.USED_TEXT])
            runs = self.runs[: int(self.cursors[_scan.USED_RUNS])]
            names = [bytes(self.text[begin:end]).decode(errors="surrogateescape") for _, begin, end in runs]
            result.records.append(
                Records(
                    self.arenas.sets(rows, self.row_cursors[:, :3]),
                    self.text[:num_text].copy(),
                    self.fields[:rows].copy(),
                    self.position[:rows].copy(),
                    self.num_alts[:rows].copy(),
                    self.has_gt[:rows].copy(),
                    names,
                    runs[:, 0].copy(),
                    self.phase_default[:rows].copy(),
                    self.phase[:num_phase].copy(),
                    self.row_cursors[: rows + 1, 3].copy(),
                    self.calls.take(rows),
                )
            )
        self.cursors[:] = 0

    def _describe(self, status: int, begin: int, end: int) -> str:
        """The sentence for a fault of the line at ``begin``."""
        newline = find_newline(self.buffer, begin, end)
        line = bytes(self.buffer[begin : newline if newline >= 0 else end])
        columns = line.split(b"\t", 10)
        found, expected = int(self.fault[0]), int(self.fault[1])
        if status == _outcomes.BAD_POSITION:
            return f"POS is {_show(columns[1])}, expected a number from 0 to 2,147,483,647"
        if status == _outcomes.BAD_TEXT:
            return "CHROM, REF or ALT is empty"
        if status == _outcomes.BAD_COLUMNS:
            return f"{found} columns, the header has {expected}; columns are separated by one tab"
        if status == _outcomes.BAD_KEYS:
            return f"FORMAT is {_show(columns[8])}, expected at most 1,024 keys, each once, separated by one colon"
        if status == _outcomes.BAD_SUBFIELDS:
            call = line.split(b"\t", 10 + found)[9 + found].split(b"\t")[0]
            name = self.plan.sample_names[found]
            return f"sample {name} (column {10 + found}) is {_show(call)}, but FORMAT is {_show(columns[8])}"
        num_alts = columns[4].count(b",") + (columns[4] != b".") if len(columns) > 4 else 0
        if num_alts > _MAX_ALTS:
            return f"{num_alts:,} ALT alleles; the most that is read is {_MAX_ALTS:,}"
        if found < 0 or found >= self.plan.num_samples:
            return f"a genotype has allele {expected}, but the record has {num_alts} ALT alleles"
        call = line.split(b"\t", 10 + found)[9 + found].split(b"\t")[0]
        where = f"sample {self.plan.sample_names[found]} (column {10 + found}): GT is {_show(call.split(b':')[0])}"
        if status == _outcomes.BAD_ALLELE:
            return f"{where}, but the record has {num_alts} ALT alleles"
        return f"{where}, expected alleles separated by | or /"


_MAX_PLOIDY = 1024
_MAX_ALTS = 32767
BLANK_LINE = "the line is blank; remove it"


def _is_blank(text: NDArray[np.uint8]) -> bool:
    return bool(((text == 10) | (text == 13)).all())


class _FaultError(Exception):
    """A fault of the input inside a piece; the line number is added where the pieces come together."""


def _show(text: bytes) -> str:
    shown = text[:40].decode(errors="replace")
    return repr(shown if len(text) <= 40 else shown + "...")


def fault_error(fault: Fault, place: str) -> InputError:
    """A piece's fault as the error people see; ``place`` is its file and line."""
    kind = TruncatedInputError if "decompressed" in fault.message or "cut off" in fault.message else InputError
    return kind(f"{place}: {fault.message}")
