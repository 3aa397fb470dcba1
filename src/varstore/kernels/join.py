"""Records of several batches, joined: at most one of each batch in a group (docs/semantics.md, joined records)."""

from typing import Any

from .jit import inlined, kernel
from .match import BY_KEY, NO_ROW


@kernel
def groups(position: Any, kind: Any, batch: Any, key_start: Any, key: Any, digest: Any, out: Any) -> int:
    """Give every record its group, as ``bcftools merge -m both`` joins records; return how many groups there are.

    Records are sorted by position, class, batch and number in the batch.

    position : (records,) int64, normalised, of the first ALT    kind : (records,) int64, its class, NO_ROW of none
    key_start : (records + 1,) int64 into key, digest : uint64, of the ALTs that have a row    out : (records,) int64

    In every round of a position and class the allele is chosen that most of the records left have, the first of these,
    and each batch gives its first record with it, else, unless records go by key, its first. A record without ALT joins
    the first group there that has none of its batch.
    """
    out[:] = -1
    num = 0
    begin = 0
    first_here, start_here = 0, 0
    while begin < position.size:
        end = begin + 1
        while end < position.size and position[end] == position[begin] and kind[end] == kind[begin]:
            end += 1
        if begin == 0 or position[begin] != position[begin - 1]:
            first_here = num
            start_here = begin
        if kind[begin] == NO_ROW:
            num = _place_bare(batch, start_here, begin, end, first_here, num, out)
        elif kind[begin] != BY_KEY and _one_each(batch, begin, end):
            out[begin:end] = num
            num += 1
        else:
            num = _rounds(kind[begin] == BY_KEY, batch, key_start, key, digest, begin, end, num, out)
        begin = end
    return num


@inlined
def _one_each(batch: Any, begin: int, end: int) -> bool:
    alone = True
    for i in range(begin + 1, end):
        alone &= batch[i] != batch[i - 1]
    return alone


@kernel
def _rounds(
    exact: bool, batch: Any, key_start: Any, key: Any, digest: Any, begin: int, end: int, num: int, out: Any
) -> int:
    """Groups of the records of a position and class; return how many there are then."""
    while True:
        best, most = -1, 0
        for i in range(begin, end):
            if out[i] >= 0:
                continue
            for k in range(key_start[i], key_start[i + 1]):
                times = 0
                for j in range(begin, end):
                    if out[j] < 0 and _has(key_start, key, digest, j, k):
                        times += 1
                if times > most:
                    best, most = k, times
        if best < 0:
            return num
        i = begin
        while i < end:
            chosen, spare = -1, -1
            behind = i
            while behind < end and batch[behind] == batch[i]:
                if out[behind] < 0:
                    if spare < 0:
                        spare = behind
                    if chosen < 0 and _has(key_start, key, digest, behind, best):
                        chosen = behind
                behind += 1
            if chosen < 0 and not exact:
                chosen = spare
            if chosen >= 0:
                out[chosen] = num
            i = behind
        num += 1


@inlined
def _has(key_start: Any, key: Any, digest: Any, record: int, k: int) -> bool:
    """Whether a record has the allele ``k``."""
    found = False
    for own in range(key_start[record], key_start[record + 1]):
        found |= key[own] == key[k] and digest[own] == digest[k]
    return found


@kernel
def _place_bare(batch: Any, start: int, begin: int, end: int, first: int, num: int, out: Any) -> int:
    """Groups of the records without ALT at a position, which has groups from ``first`` on; return how many then."""
    for i in range(begin, end):
        for group in range(first, num + 1):
            taken = False
            for j in range(start, i):
                taken |= out[j] == group and batch[j] == batch[i]
            if not taken:
                out[i] = group
                num = max(num, group + 1)
                break
    return num


@kernel
def spelled_alike(seed: Any, start: Any, end: Any, key_start: Any, key: Any, digest: Any, out: Any) -> None:
    """Say of every record whether it is spelled as another: POS, end and alleles in their order.

    seed : (records,) int64, the other    start, end : (records,) int64
    key_start : (records + 1,) into key, digest : uint64, of all ALTs    out : (records,) bool
    """
    for i in range(seed.size):
        s = seed[i]
        size = key_start[i + 1] - key_start[i]
        same = start[i] == start[s] and end[i] == end[s] and size == key_start[s + 1] - key_start[s]
        if same:
            for k in range(size):
                same &= key[key_start[i] + k] == key[key_start[s] + k]
                same &= digest[key_start[i] + k] == digest[key_start[s] + k]
        out[i] = same


@kernel
def map_codes(codes: Any, maps: Any, which: Any) -> None:
    """Replace allele codes in place; those below 1 stay.

    codes : (rows, samples, ploidy) int8 or int16    maps : (maps, alleles) of that dtype
    which : (rows,) int64, the map of each row, -1 for none. Trusts that codes are below the alleles of their map.
    """
    for row in range(codes.shape[0]):
        m = which[row]
        if m < 0:
            continue
        for sample in range(codes.shape[1]):
            for i in range(codes.shape[2]):
                code = codes[row, sample, i]
                if code > 0:
                    codes[row, sample, i] = maps[m, code]
