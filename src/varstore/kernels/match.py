"""Alleles of several batches, matched, and counts of records put where they answer."""

from typing import Any

import numpy as np

from .jit import kernel

# Classes of alleles, as their keys say (docs/format.md, Keys).
SAME_LENGTH, INDEL, BY_KEY, NO_ROW = 0, 1, 2, 3


@kernel
def joined(
    position: Any, kind: Any, row: Any, batch: Any, record: Any, alt: Any, num_batches: int,
    out_row: Any, out_entry: Any,
) -> int:  # fmt: skip
    """Find the records that ``bcftools merge -m both`` would join to a row; return how many there are.

    Entries are sorted by key, so that those of one normalised position, and of one row, stand together.

    position, row, batch, record : (entries,) int64; kind, alt : (entries,) int64
        row : of the entry's allele, -1 of an entry that has none    alt : 1 of a first ALT, 0 of a record without
    out_row, out_entry : int64, filled as far as they go: a row, and the entry whose record answers for it

    For each row that is no ``BY_KEY``, of each batch without the allele: its first record whose first ALT has the
    same normalised position and class, else its first record there without ALT.
    """
    matched = np.full(num_batches, -1, np.int64)
    best = np.full(num_batches, -1, np.int64)
    found = 0
    begin = 0
    while begin < position.size:
        end = begin + 1
        while end < position.size and position[end] == position[begin]:
            end += 1
        at = begin
        while at < end:
            here = row[at]
            behind = at + 1
            while behind < end and row[behind] == here:
                behind += 1
            # All entries there are of one row, as most often: nothing can join it.
            if here >= 0 and kind[at] < BY_KEY and behind - at < end - begin:
                for entry in range(at, behind):
                    matched[batch[entry]] = here
                for entry in range(begin, end):
                    b = batch[entry]
                    fits = alt[entry] == 0 or (alt[entry] == 1 and kind[entry] == kind[at])
                    if matched[b] == here or not fits:
                        continue
                    other = best[b]
                    bare, other_bare = alt[entry] == 0, other >= 0 and alt[other] == 0
                    if other < 0 or (other_bare and not bare) or (
                        bare == other_bare and record[entry] < record[other]
                    ):  # fmt: skip
                        best[b] = entry
                for entry in range(begin, end):
                    if best[batch[entry]] == entry:
                        best[batch[entry]] = -1
                        if found < out_row.size:
                            out_row[found] = here
                            out_entry[found] = entry
                        found += 1
            at = behind
        begin = end
    return found


@kernel
def spread_records(row: Any, record: Any, values: Any, out: Any) -> None:
    """Add counts of records to the rows that they answer for.

    row, record : (answers,) int64    values : (cohorts, records) int64    out : (cohorts, rows) int64
    """
    for cohort in range(out.shape[0]):
        for i in range(row.size):
            out[cohort, row[i]] += values[cohort, record[i]]


@kernel
def spread_alleles(row: Any, record: Any, alt: Any, first_alt: Any, values: Any, out: Any) -> None:
    """Add counts of ALT alleles to the rows that they are; an answer with ``alt`` 0 is none of its record's.

    first_alt : (records + 1,) int64 into the second axis of ``values``, (cohorts, ALT alleles) int64
    """
    for cohort in range(out.shape[0]):
        for i in range(row.size):
            if alt[i] > 0:
                out[cohort, row[i]] += values[cohort, first_alt[record[i]] + alt[i] - 1]
