"""The derived part ``keys``: a number for every ALT allele, by which alleles are found and matched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptRepositoryError
from .arrays import GROUP, ArraySpec, ColumnWriter, MapTasks, StoredArray, decode, pack_text, write_whole
from .field_beside import FILL, MISSING
from .reference import Reference, Sequences, contig_lengths, contig_runs

if TYPE_CHECKING:
    from .batch import Batch
    from .parts import Part, PartWriter

KIND = "keys"
VERSION = 2
_DIMS = ("variants", "alt_alleles")
_KEY = ArraySpec("allele_key", "<u8", _DIMS, "Key of the normalised allele")
_DIGEST = ArraySpec("allele_digest", "<u8", _DIMS, "Hash of an allele that its key does not spell out", fill=0)
_OCCURRENCE = ArraySpec("allele_occurrence", "<u8", _DIMS, "Earlier records of the batch with the allele", fill=0)
_RUNS = ArraySpec("key_runs", "<u8", ("runs", "run_fields"), "chunk, contig, lowest key, highest key")
STAND_IN = 7  # bits 31-29 of the key of an allele that has no row
# Occurrences count records below this bit, and above it earlier ALTs of the same record.
SAME_RECORD = 32


@dataclass(frozen=True)
class KeyChunk:
    """Keys of the ALT alleles of a chunk, each (rows, alt alleles) uint64; 0 where there is no allele.

    key : normalised position, and the alleles or their hash    digest : tells equal hashes apart, 0 if spelled out
    occurrence : how many earlier records of the batch have the allele; 2**32 more for each earlier ALT of its own
        record that is the same
    """

    key: NDArray[np.uint64]
    digest: NDArray[np.uint64]
    occurrence: NDArray[np.uint64]


def keys_of(batch: Batch, chunk: int, sequences: Sequences | None = None) -> tuple[NDArray[np.uint64], ...]:
    """Keys and digests of a chunk, (rows, most ALT alleles of one) each. Raises CorruptRepositoryError."""
    from ..kernels.keys import allele_keys  # noqa: PLC0415 - numba: readers of keys do without

    columns = [batch.array(f"variant_{name}").chunk(chunk) for name in ("contig", "position", "length")]
    packed = batch.array("variant_allele").packed(chunk, 0)
    width = batch.array("variant_allele").shape[1]
    text = np.frombuffer(bytearray(packed), np.uint8)
    num_alts = _num_alts(text, len(columns[0]), width)
    sites = np.stack([columns[1], num_alts, columns[2]], axis=1).astype(np.int64)
    keys, digests = np.zeros((2, len(sites), max(1, int(num_alts.max(initial=0)))), np.uint64)
    svlen = _svlen(batch, chunk, keys.shape) if b"<" in packed else np.zeros((len(sites), 0), np.int64)
    at = 4
    for begin, end, contig in contig_runs(columns[0]):
        sequence = np.zeros(0, np.uint8) if sequences is None else sequences(batch.contigs[contig])
        at = allele_keys(text, at, begin, end, sites, svlen, width, sequence, keys, digests)
    return keys, digests


def key_of(position: int, ref: str, alt: str, sequence: NDArray[np.uint8] | None = None) -> tuple[int, int]:
    """Key and digest of one allele that is not symbolic; left-aligned where its contig's bases are given."""
    from ..kernels.keys import allele_keys  # noqa: PLC0415

    text = np.frombuffer(bytearray(pack_text([ref, alt])), np.uint8)
    sites, nothing = np.array([(position, 1, len(ref))], np.int64), np.zeros(0, np.uint8)
    found = np.zeros((2, 1, 1), np.uint64)
    svlen = np.zeros((1, 0), np.int64)
    allele_keys(text, 4, 0, 1, sites, svlen, 2, nothing if sequence is None else sequence, found[0], found[1])
    return int(found[0, 0, 0]), int(found[1, 0, 0])


def _num_alts(text: NDArray[np.uint8], rows: int, width: int) -> NDArray[np.int64]:
    from ..kernels.packed import count_items  # noqa: PLC0415

    num_alts = np.zeros(rows, np.int64)
    if not count_items(text, width, num_alts):
        raise CorruptRepositoryError("a chunk of variant_allele is shorter than its items")
    return num_alts


def _svlen(batch: Batch, chunk: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """SVLEN of each ALT allele without its sign, -1 where it has none; one value stands for all ALTs of a record."""
    found = np.full(shape, -1, np.int64)
    if "INFO/SVLEN" not in batch.fields.fields:
        return found
    values = batch.fields.chunk("INFO/SVLEN", chunk)
    if values.values.dtype.kind != "i":
        return found
    allele = batch.site_chunk(chunk).allele[:, 1 : 1 + shape[1]]
    symbolic = np.array([[alt.startswith("<") for alt in row] for row in allele.tolist()], np.bool_).reshape(shape)
    for row in np.flatnonzero(symbolic.any(axis=1)).tolist():
        numbers = [value for value in values.row(row).tolist() if value != FILL]
        given = numbers * shape[1] if len(numbers) == 1 else numbers
        for alt, number in enumerate(given[: shape[1]]):
            found[row, alt] = -1 if number == MISSING else abs(number)
    return found


class Occurrences:
    """Counts the records with each allele, chunk after chunk, as far back as an allele may come again.

    runs : (runs, 4), ``key_runs`` of the whole batch
    """

    def __init__(self, runs: NDArray[np.uint64]) -> None:
        # For each chunk, the lowest key on its last contig that a later chunk has.
        self._floor: dict[int, int] = {}
        lowest, of = 2**64 - 1, -1
        chunk = -1
        for run in reversed(runs.tolist()):
            if run[0] != chunk:
                chunk = run[0]
                self._floor[chunk] = lowest if run[1] == of else 2**64 - 1
            lowest = min(lowest, run[2]) if run[1] == of else run[2]
            of = run[1]
        # Contig, key, digest and the number of records of each allele that may come again.
        self._kept: NDArray[np.uint64] = np.zeros((4, 0), np.uint64)

    def of(self, chunk: int, contig: NDArray[np.int32], key: NDArray[np.uint64], digest: NDArray[np.uint64]) -> Any:
        """(rows, alt alleles) uint64 occurrences in a chunk. Chunks come in order."""
        occurrence = np.zeros(key.shape, np.uint64)
        row, alt = np.nonzero((key != 0) & (key >> np.uint64(29) & np.uint64(7) != STAND_IN))
        kept = self._kept.shape[1]
        new = np.stack([contig[row].astype(np.uint64), key[row, alt], digest[row, alt], np.zeros(len(row), np.uint64)])
        both = np.concatenate([self._kept, new], axis=1)
        record = np.concatenate([np.full(kept, -1), row])
        # Equal alleles together, in the order of records; what was kept comes first.
        order = np.lexsort((record, both[2], both[1], both[0]))
        both, record = both[:, order], record[order]
        fresh = np.ones(len(order), np.bool_)
        fresh[1:] = (both[:3, 1:] != both[:3, :-1]).any(axis=0)
        begin = np.flatnonzero(fresh)
        group = np.cumsum(fresh) - 1
        next_record = fresh.copy()
        next_record[1:] |= record[1:] != record[:-1]
        # Records of the allele up to this one, and those of earlier chunks.
        ordinal = np.cumsum(next_record)
        counted = ordinal - ordinal[begin][group] + both[3][begin][group].astype(np.int64) - (record[begin] < 0)[group]
        first = np.maximum.accumulate(np.where(next_record, np.arange(len(order)), 0))
        repeated = np.arange(len(order)) - first
        here = record >= 0
        place = order[here] - kept
        occurrence[row[place], alt[place]] = counted[here] + (repeated[here] << SAME_RECORD)
        self._keep(chunk, contig, both, counted + 1, np.append(begin[1:], len(order)) - 1)
        return occurrence

    def _keep(self, chunk: int, contig: NDArray[np.int32], found: NDArray[np.uint64], counts: Any, last: Any) -> None:
        """Keep the last of each group, with its count, where a later chunk may have it too."""
        floor = np.uint64(self._floor.get(chunk, 0))
        if not found.shape[1]:
            return
        kept = found[:, last]
        kept[3] = counts[last]
        self._kept = kept[:, (kept[1] >= floor) & (kept[0] == np.uint64(contig[-1]))]


def key_runs(chunk: int, contig: NDArray[np.int32], position: NDArray[np.int32], key: NDArray[np.uint64]) -> Any:
    """(runs, 4) uint64: chunk, contig, lowest and highest key; a record without ALT has its position as key."""
    low = np.where(key == 0, np.uint64(2**64 - 1), key).min(axis=1)
    at = position.astype(np.uint64) << np.uint64(32)
    low, high = np.where(key[:, 0] == 0, at, low), np.where(key[:, 0] == 0, at, key.max(axis=1))
    rows = [(chunk, code, low[begin:end].min(), high[begin:end].max()) for begin, end, code in contig_runs(contig)]
    return np.array(rows, np.uint64).reshape(-1, 4)


def write_keys(part: PartWriter, batch: Batch, reference: Reference | None = None, map_tasks: MapTasks = map) -> None:
    """Write the keys of a batch, staged or committed, chunk by chunk as the batch."""
    keys, digests, occurrences = (ColumnWriter(part, s, batch.chunk_variants, 1) for s in (_KEY, _DIGEST, _OCCURRENCE))
    sequences = _sequences(batch, reference)

    def write(chunk: int) -> tuple[Any, int, bool, bool]:
        """Runs of a chunk, ALT alleles of a record, whether there are digests, and whether a key comes twice."""
        key, digest = keys_of(batch, chunk, sequences)
        keys.put(chunk, key)
        hashed = bool(digest.any())
        if hashed:
            digests.put(chunk, digest)
        contig, position = _sites(batch, chunk)
        spelled = np.sort(key[key != 0])
        # Chunks of several contigs are looked at whole.
        repeated = bool(contig[0] != contig[-1]) or bool((spelled[1:] == spelled[:-1]).any())
        return key_runs(chunk, contig, position, key), key.shape[1], hashed, repeated

    made = list(map_tasks(write, range(batch.num_chunks)))
    all_runs = np.concatenate([runs for runs, *_ in made]) if made else np.zeros((0, 4), np.uint64)
    counter, again = Occurrences(all_runs), False
    meets = _meeting(all_runs, batch.num_chunks)
    for chunk, (_, _, hashed, repeated) in enumerate(made):
        if not (repeated or meets[chunk]):
            continue
        key = _read_back(part, _KEY, chunk, batch.chunk_variants)
        digest = _read_back(part, _DIGEST, chunk, batch.chunk_variants) if hashed else np.zeros_like(key)
        contig, _ = _sites(batch, chunk)
        occurrence = counter.of(chunk, contig, key[: len(contig)], digest[: len(contig)])
        if occurrence.any():
            occurrences.put(chunk, occurrence)
            again = True
    keys.finish(batch.num_variants, map_tasks)
    for column, needed in ((digests, any(hashed for _, _, hashed, _ in made)), (occurrences, again)):
        if needed:
            column.width = max(1, *(width for _, width, _, _ in made))
            column.finish(batch.num_variants, map_tasks)
    write_whole(part, _RUNS, all_runs)
    part.write(".zgroup", GROUP)


def _meeting(runs: NDArray[np.uint64], num_chunks: int) -> NDArray[np.bool_]:
    """(chunks,) whether keys of a chunk may be keys of another, too. runs : ``key_runs`` of all chunks, in order"""
    out = np.zeros(num_chunks, np.bool_)
    for contig in set(runs[:, 1].tolist()):
        here = runs[runs[:, 1] == contig]
        low, high = here[:, 2], here[:, 3]
        meets = np.zeros(len(here), np.bool_)
        meets[1:] = low[1:] <= np.maximum.accumulate(high)[:-1]
        meets[:-1] |= high[:-1] >= np.minimum.accumulate(low[::-1])[::-1][1:]
        out[here[meets, 0].astype(np.int64)] = True
    return out


def _sequences(batch: Batch, reference: Reference | None) -> Sequences | None:
    return None if reference is None else reference.sequences(contig_lengths(batch), str(batch.part.folder))


def _sites(batch: Batch, chunk: int) -> tuple[Any, Any]:
    return batch.array("variant_contig").chunk(chunk), batch.array("variant_position").chunk(chunk)


def _read_back(part: PartWriter, spec: ArraySpec, chunk: int, rows: int) -> NDArray[np.uint64]:
    data = decode(part.read(f"{spec.name}/{chunk}.0"), spec.compressor, spec.all_filters)
    return np.frombuffer(data, np.uint64).reshape(rows, -1)


class Keys:
    """The keys of a batch as a reader sees them."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._key = StoredArray(part, "allele_key")
        self._others = [
            StoredArray(part, spec.name) if part.has(f"{spec.name}/.zarray") else None
            for spec in (_DIGEST, _OCCURRENCE)
        ]

    def chunk(self, chunk: int) -> KeyChunk:
        """Keys of the records of a chunk."""
        key = self._key.chunk(chunk)
        digest, occurrence = (np.zeros_like(key) if array is None else array.chunk(chunk) for array in self._others)
        return KeyChunk(key, digest, occurrence)

    def pair(self, chunk: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64] | None]:
        """Keys of the records of a chunk, and their digests; None: all are 0."""
        digests = self._others[0]
        found = None if digests is None else digests.chunk(chunk)
        return self._key.chunk(chunk), found if found is not None and found.any() else None

    @cached_property
    def runs(self) -> NDArray[np.uint64]:
        """(runs, 4): chunk, contig of the batch, lowest and highest key, for each chunk and contig in it."""
        found: NDArray[np.uint64] = StoredArray(self._part, "key_runs").read()
        return found


def wrong_chunks(keys: Keys, batch: Batch, reference: Reference | None = None) -> Iterator[int]:
    """Chunks whose stored keys are not those of the alleles."""
    counter, sequences = Occurrences(keys.runs), _sequences(batch, reference)
    for chunk in range(batch.num_chunks):
        stored, (key, digest) = keys.chunk(chunk), keys_of(batch, chunk, sequences)
        contig, position = _sites(batch, chunk)
        found = [key, digest, counter.of(chunk, contig, key, digest)]
        runs = key_runs(chunk, contig, position, key)
        same = np.array_equal(keys.runs[keys.runs[:, 0] == chunk], runs)
        for array, right in zip((stored.key, stored.digest, stored.occurrence), found, strict=True):
            width = right.shape[1]
            same &= np.array_equal(array[:, :width], right) and not array[:, width:].any()
        if not same:
            yield chunk
