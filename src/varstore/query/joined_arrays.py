"""INFO and FORMAT of joined records: arrays of several batches as one, by allele where they are by allele."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import QueryError
from ..storage.field_beside import OddCall
from ..storage.field_exceptions import Exceptions, FieldValues
from ..storage.named_arrays import ODD_NAMES, BatchArrays
from .chunked import by_chunk
from .joined_values import ALLELE_DIMS, allele_index, empty, is_missing, length_of, remapped, set_missing, widened

if TYPE_CHECKING:
    from .joined_store import JoinedStore

LITERAL = "varstore/literal/"
# What counted the people of one batch is not true of those of several.
COUNTS = ("AC", "AN", "AF", "NS", "DP")
_HIDDEN = {f"variant_{key}" for key in COUNTS}
_KINDS = {"i": "Integer", "u": "Integer", "f": "Float", "b": "Flag", "O": "String"}
_END = "variant_END"
Rows = NDArray[np.int64]


class JoinedArrays:
    """The arrays of joined records; ``storage.named_arrays.Arrays`` of a ``JoinedStore``."""

    def __init__(self, store: JoinedStore) -> None:
        self.store = store
        self.parts = [BatchArrays(batch) for batch in store.stores]
        self._names = [set(part.names) for part in self.parts]
        self.exceptions = JoinedExceptions(self)

    @cached_property
    def names(self) -> list[str]:
        """Site columns, fields that still hold, and where their -1 and -2 are numbers."""
        there = set().union(*self._names) - _HIDDEN
        fields = (f"{ODD_NAMES}variant_", f"{ODD_NAMES}call_", "variant_", "call_")
        kept = [name for name in there if name.removeprefix(LITERAL).startswith(fields)]
        tables = [name for name in ("contig_id", "filter_id", "filter_description") if name in there]
        return sorted({*kept, *tables, *(["contig_length"] if self._lengths is not None else [])})

    @cached_property
    def _lengths(self) -> list[int] | None:
        lengths = [length for length in self.store.lengths if length is not None]
        return lengths if len(lengths) == len(self.store.contigs) else None

    def having(self, name: str) -> list[int]:
        """Places of the batches that have an array."""
        return [batch for batch, names in enumerate(self._names) if name in names]

    def dims(self, name: str) -> list[str]:
        return max((self.parts[batch].dims(name) for batch in self.having(name)), key=len)

    def shape(self, name: str) -> tuple[int, ...]:
        """As wide as any record needs it."""
        if name == "variant_allele":
            widest = max(self.parts[batch].shape(name)[1] for batch in self.having(name))
            return self.store.num_variants, max(widest, self.store.most_alleles)
        dims, axes = self.dims(name), 1 if _is_info(name) else 2
        shapes = [self.parts[batch].shape(name)[axes:] for batch in self.having(name)]
        rest = max(shapes, key=lambda shape: (len(shape), shape))
        if rest and dims[axes] in ALLELE_DIMS and self.store.most_alleles > 2:
            rest = (max(rest[0], length_of(dims[axes], self.store.most_alleles)), *rest[1:])
        return (self.store.num_variants, len(self.store.samples))[:axes] + rest

    def dtype(self, name: str) -> np.dtype[Any]:
        """What holds the values of all batches. Raises QueryError where they are of different types."""
        kinds = {self.parts[batch].dtype(name) for batch in self.having(name)}
        words = {_KINDS[kind.kind] for kind in kinds}
        if len(words) > 1 and words != {"Integer", "Float"}:
            batches = ", ".join(sorted(words))
            raise QueryError(
                f"{_field_name(name)} is not of one type in all batches ({batches}): export them one by one"
            )
        if words == {"Integer", "Float"}:
            return np.dtype("f4")
        return np.result_type(*kinds)

    def description(self, name: str) -> str:
        return self.parts[self.having(name)[0]].description(name)

    def whole(self, name: str) -> NDArray[Any]:
        """One of the small arrays."""
        if name == "contig_id":
            return np.array([*self.store.contigs, ""], object)[:-1]
        if name == "contig_length":
            return np.array(self._lengths, np.int64)
        described: dict[str, str] = {}
        for part in self.parts:
            texts = part.whole("filter_description").tolist() if "filter_description" in part.names else []
            described |= {n: t for n, t in zip(part.whole("filter_id").tolist(), texts, strict=False) if t}
        names = self.store.filters
        values = names if name == "filter_id" else [described.get(n, "") for n in names]
        return np.array([*values, ""], object)[:-1]

    def rows(self, name: str, chunk: int, rows: Rows) -> NDArray[Any]:
        """A site column: INFO is that of the leading record, by allele as wide as the joined record."""
        if name == "variant_quality":
            return self._quality(chunk, rows)
        if name == "variant_id":
            return self._ids(chunk, rows)
        plain, is_mask = name.removeprefix(LITERAL), name.startswith(LITERAL)
        dtype = np.dtype(bool) if is_mask else self.dtype(plain)
        piece = self.store.piece(chunk)
        owner, record = piece.owner[rows], piece.record[rows]
        parts = []
        for batch in np.unique(owner).tolist():
            if name in self._names[batch]:
                mine = np.flatnonzero(owner == batch)
                values = self.store.rows_of(batch, name, record[mine]).reshape(len(mine), -1)
                parts.append((mine, values, None if is_mask else self._mask(batch, name, record[mine])))
        wide = {} if is_mask else self._by_allele(plain, rows, piece.spelled)
        width = max([1, *(values.shape[1] for _, values, _ in parts), *(new for new, _ in wide.values())])
        out = empty((len(rows), width), dtype)
        for mine, values, mask in parts:
            out[mine] = widened(values, width, dtype, mask)
            gone = is_missing(values, mask)
            for i, at in enumerate(mine.tolist() if wide or plain == _END else ()):
                row = int(rows[at])
                # The joined record's first ALTs are those of the leading record: what follows is missing.
                if row in wide and not gone[i]:
                    new, old = wide[row]
                    set_missing(out, (at, slice(old, new)))
                if plain == _END and row in piece.bare:
                    set_missing(out, at)
        return out[:, 0] if width == 1 and len(self.shape(plain)) == 1 else out

    def _mask(self, batch: int, name: str, records: Rows) -> NDArray[np.bool_] | None:
        """Where values of an INFO field are numbers, whatever they are: (records, values); None: nowhere."""
        if LITERAL + name not in self._names[batch]:
            return None
        return self.store.rows_of(batch, LITERAL + name, records).reshape(len(records), -1)

    def _by_allele(self, name: str, rows: Rows, spelled: Mapping[int, Any]) -> dict[int, tuple[int, int]]:
        """By row, the values of a field by allele in the joined record and in the leading one, where these differ."""
        dims = self.dims(name) if self.having(name) else []
        if not spelled or len(dims) < 2 or dims[1] not in ALLELE_DIMS:
            return {}
        out = {}
        for row in rows.tolist():
            if row in spelled:
                new, old = len(spelled[row].alleles), len(spelled[row].maps[0])
                if new != old:
                    out[row] = length_of(dims[1], new), length_of(dims[1], old)
        return out

    def _quality(self, chunk: int, rows: Rows) -> NDArray[np.float32]:
        """The highest of all members."""
        out = np.full(len(rows), np.nan, np.float32)
        for _, at, values in self._members("variant_quality", chunk, rows):
            known = out[at]
            # No maximum of NumPy's: a missing value is a NaN that some processors do not pass over.
            out[at] = np.where(np.isnan(known) | (values > known), values, known)
        set_missing(out, np.isnan(out))
        return out

    def _ids(self, chunk: int, rows: Rows) -> NDArray[Any]:
        """All that members have, each once."""
        out = np.full(len(rows), ".", object)
        for _, at, values in self._members("variant_id", chunk, rows):
            known = out[at]
            fresh = (values != ".") & (values != "") & (values != known)
            plain = fresh & (known == ".")
            out[at[plain]] = values[plain]
            for i in np.flatnonzero(fresh & ~plain).tolist():
                out[at[i]] = ";".join(dict.fromkeys([*known[i].split(";"), *values[i].split(";")]))
        return out

    def _members(self, name: str, chunk: int, rows: Rows) -> Iterator[tuple[int, Rows, NDArray[Any]]]:
        """(batch, which of ``rows`` it has a record of, their values of a site array)."""
        piece = self.store.piece(chunk)
        for batch in sorted(piece.members):
            records = piece.members[batch][rows]
            at = np.flatnonzero(records >= 0)
            if len(at) and name in self._names[batch]:
                yield batch, at, self.store.rows_of(batch, name, records[at])

    def calls(self, name: str, chunk: int, rows: Rows, samples: Rows) -> NDArray[Any]:
        """(rows, samples, values) of a FORMAT field; missing for people whose batch has no record or not the field."""
        plain, is_mask = name.removeprefix(LITERAL), name.startswith(LITERAL)
        dtype = np.dtype(bool) if is_mask else self.dtype(plain)
        callers = list(self._callers(name, chunk, rows, samples))
        values = [self._read(name, each) for each in callers]
        masks = [None if is_mask else self._call_mask(name, each) for each in callers]
        indexes = [self._indexes(plain, chunk, rows, each) for each in callers]
        width = max([1, *(v.shape[2] for v in values), *(len(own[0]) for each in indexes for own in each.values())])
        out = empty((len(rows), len(samples), width), dtype)
        for each, mine, mask, index in zip(callers, values, masks, indexes, strict=True):
            wide = widened(mine, width, dtype, mask)
            if index and wide is mine:
                wide = mine.copy()
            for i, own in index.items():
                haploid = self._haploid(own, chunk, rows[each.at[i]], samples[each.to])
                wide[i] = remapped(mine[i], own, width, dtype, None if mask is None else mask[i], haploid)
            out[each.at[:, np.newaxis], each.to] = wide
        return out[:, :, 0] if width == 1 and len(self.shape(plain)) == 2 else out

    def _callers(self, name: str, chunk: int, rows: Rows, samples: Rows) -> Iterator[_Callers]:
        """Of each batch that has the array, what is asked for of it."""
        piece = self.store.piece(chunk)
        place = np.full(len(self.store.samples) + 1, -1, np.int64)
        place[samples] = np.arange(len(samples))
        for batch, members in piece.members.items():
            column = place[self.store.columns[batch]]
            mine, records = np.flatnonzero(column >= 0), members[rows]
            at = np.flatnonzero(records >= 0)
            if name in self._names[batch] and len(mine) and len(at):
                yield _Callers(batch, at, records[at], mine, column[mine])

    def _read(self, name: str, of: _Callers) -> NDArray[Any]:
        """(rows, samples, values) as the batch has them."""
        part, height = self.parts[of.batch], self.store.stores[of.batch].chunk_variants
        values = by_chunk(of.records, height, lambda chunk, rows: part.calls(name, chunk, rows, of.mine))
        return values.reshape(len(of.at), len(of.mine), -1)

    def _call_mask(self, name: str, of: _Callers) -> NDArray[np.bool_] | None:
        return self._read(LITERAL + name, of) if LITERAL + name in self._names[of.batch] else None

    def _haploid(
        self, indexes: Sequence[NDArray[np.int64]], chunk: int, row: int, samples: Rows
    ) -> NDArray[np.bool_] | None:
        """Which people have one haplotype, where values by genotype do not say it: one value, of REF alone."""
        if len(indexes) < 2 or int((indexes[1] >= 0).sum()) > 1:
            return None
        codes, _ = self.store.read_calls(chunk, np.array([row]), samples)
        return np.asarray((codes[0] != -2).sum(axis=1) == 1)

    def _indexes(self, name: str, chunk: int, rows: Rows, of: _Callers) -> dict[int, list[NDArray[np.int64]]]:
        """For those of the batch's rows that need it, which of its values each of the joined record's is."""
        piece, dims = self.store.piece(chunk), self.parts[of.batch].dims(name)
        if not piece.spelled or len(dims) < 3 or dims[2] not in ALLELE_DIMS:
            return {}
        out = {}
        for i, row in enumerate(rows[of.at].tolist()):
            if row in piece.spelled:
                one = piece.spelled[row]
                own = one.maps[piece.batches[row].index(of.batch)]
                if own != tuple(range(len(one.alleles))):
                    out[i] = allele_index(dims[2], own, len(one.alleles))
        return out


@dataclass(frozen=True)
class _Callers:
    """What is asked for of a batch.

    at : which of the rows it has    records : of those    mine : its samples    to : their columns
    """

    batch: int
    at: Rows
    records: Rows
    mine: Rows
    to: Rows


class JoinedExceptions(Exceptions):
    """What batches keep beside their arrays, by number of the joined record."""

    def __init__(self, arrays: JoinedArrays) -> None:
        self.joined = arrays
        self.parts = [Exceptions(part) for part in arrays.parts]

    def literal(self, array: str) -> str | None:
        """The name of the array that says where ``array`` has numbers that equal -1 and -2."""
        return LITERAL + array if any(part.literal(array) for part in self.parts) else None

    def _found(self, wanted: Sequence[NDArray[np.int64]], *, leading: bool) -> Iterator[tuple[int, int, int]]:
        """(joined record, batch, record) of those records of each batch that are in the axis, in order.

        leading : only where the record leads
        """
        store = self.joined.store
        for chunk in range(store.num_chunks if any(map(len, wanted)) else 0):
            piece = store.piece(chunk)
            for batch, records in piece.members.items():
                hits = np.isin(records, wanted[batch]) if len(wanted[batch]) else np.zeros(len(piece), np.bool_)
                if leading:
                    hits &= piece.owner == batch
                for row in np.flatnonzero(hits).tolist():
                    yield chunk * store.chunk_variants + row, batch, int(records[row])

    @cached_property
    def overflow_records(self) -> NDArray[np.int64]:
        """Joined records of which some batch keeps a field apart."""
        wanted = [part.overflow_records for part in self.parts]
        return np.unique(np.array([joined for joined, *_ in self._found(wanted, leading=False)], np.int64))

    def overflow(self, array: str, record: int) -> FieldValues | None:
        """A joined record's calls, (samples, values), that the array of some batch is too narrow for."""
        store, arrays = self.joined.store, self.joined
        chunk, row = divmod(record, store.chunk_variants)
        piece, rows = store.piece(chunk), np.array([row])
        members = {b: int(records[row]) for b, records in piece.members.items() if records[row] >= 0}
        whole = {b: self.parts[b].overflow(array, own) for b, own in members.items()}
        if not any(found is not None for found in whole.values()):
            return None
        parts = []
        for each in arrays._callers(array, chunk, rows, np.arange(len(store.samples))):
            found = whole[each.batch]
            if found is None:
                values, mask = arrays._read(array, each)[0], arrays._call_mask(array, each)
                mask = None if mask is None else mask[0]
            else:
                values, mask = found.values[each.mine], None if found.literal is None else found.literal[each.mine]
            index = arrays._indexes(array, chunk, rows, each).get(0)
            parts.append((each.to, values, mask, index))
        width = max([1, *(len(index[0]) if index else values.shape[1] for _, values, _, index in parts)])
        dtype = np.result_type(*(values.dtype for _, values, _, _ in parts))
        out, literal = empty((len(store.samples), width), dtype), np.zeros((len(store.samples), width), np.bool_)
        for to, values, mask, index in parts:
            haploid = None if index is None else arrays._haploid(index, chunk, row, to)
            out[to] = _wide(values, index, width, dtype, mask, haploid)
            if mask is not None:
                literal[to] = _wide(mask, index, width, literal.dtype, None, haploid)
        return FieldValues(out, literal)

    @cached_property
    def odd_info(self) -> dict[int, str]:
        """INFO as text, by joined record, where the arrays of the leading record do not hold it whole."""
        wanted = [np.array(list(part.odd_info), np.int64) for part in self.parts]
        found = {}
        for joined, batch, record in self._found(wanted, leading=True):
            text = self.parts[batch].odd_info[record]
            kept = [item for item in text.split(";") if item.partition("=")[0] not in COUNTS]
            found[joined] = ";".join(kept) or "."
        return found

    @cached_property
    def odd_calls(self) -> dict[int, list[OddCall]]:
        """Calls by joined record that the arrays do not hold whole."""
        wanted = [np.array(list(part.odd_calls), np.int64) for part in self.parts]
        found: dict[int, list[OddCall]] = {}
        for joined, batch, record in self._found(wanted, leading=False):
            column = self.joined.store.columns[batch]
            odd = self.parts[batch].odd_calls[record]
            mine = [OddCall(int(column[call.sample]), call.key, call.text) for call in odd if column[call.sample] >= 0]
            found.setdefault(joined, []).extend(mine)
        return found


def _wide(
    values: NDArray[Any], index: list[NDArray[np.int64]] | None, width: int, dtype: np.dtype[Any], mask: Any,
    haploid: NDArray[np.bool_] | None,
) -> NDArray[Any]:  # fmt: skip
    if index is None:
        return widened(values, width, dtype, mask)
    return remapped(values, index, width, dtype, mask, haploid)


def _is_info(name: str) -> bool:
    return name.removeprefix(ODD_NAMES).startswith("variant_")


def _field_name(name: str) -> str:
    short = name.removeprefix(ODD_NAMES)
    return ("INFO/" if _is_info(name) else "FORMAT/") + short.partition("_")[2]
