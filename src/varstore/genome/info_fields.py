"""What is known of a genome's alleles as INFO fields of VCF: their keys, what the header says, and their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .text_rows import UNKNOWN, Codes, Frequency, highest_texts, number_texts

if TYPE_CHECKING:
    from .table import GenomeTable

PREFIX = "VS_"
CARRIERS = "carriers"
_ESCAPES = {";": "%3B", "=": "%3D", " ": "%20", "\t": "%09"}
Texts = tuple[NDArray[np.int32], Sequence[str]]


@dataclass(frozen=True)
class InfoField:
    """One field, with a value an ALT allele."""

    key: str
    type: str
    description: str

    @property
    def declared(self) -> str:
        """Its line of a header."""
        text = self.description.replace("\\", "\\\\").replace('"', '\\"')
        return f'##INFO=<ID={self.key},Number=A,Type={self.type},Description="{text}">'


def info_key(name: str) -> str:
    """A name as a key of INFO may be spelled."""
    found = re.sub(r"[^0-9A-Za-z_.]", "_", name)
    return found if re.match("[A-Za-z_]", found) else f"_{found}"


class InfoColumns:
    """The columns of a table as INFO fields.

    fields : in the order of the values that ``values`` gives
    """

    def __init__(self, table: GenomeTable, num_people: int) -> None:
        self._table = table
        names = table.counts.names
        self.fields = [
            InfoField("VS_STATE", "String", "found, novel, unseen or not_callable in the repository"),
            InfoField("VS_RARITY", "String", "Rarity class by frequency in the repository"),
            *self._counted("", f"{num_people} people of the repository"),
            *(field for name in names for field in self._counted(f"_{info_key(name)}", f"cohort {name}")),
        ]
        if names:
            self.fields += [
                InfoField("VS_MAX_AF", "Float", "Highest frequency of the allele in any cohort"),
                InfoField("VS_MAX_COHORT", "String", "The cohort of the highest frequency"),
            ]
        self._highest = table.highest if names else None
        self.fields += [InfoField(f"{PREFIX}{info_key(name)}", "String", _said(name)) for name in table.more]
        self._more = [_escaped(codes, "|" if name == CARRIERS else "%2C") for name, codes in table.more.items()]
        self.fields = list(_told_apart(self.fields))

    @property
    def keys(self) -> list[str]:
        """Keys of the fields."""
        return [field.key for field in self.fields]

    def _counted(self, suffix: str, who: str) -> Iterator[InfoField]:
        yield InfoField(f"VS_AC{suffix}", "Integer", f"Copies of the allele, {who}")
        yield InfoField(f"VS_AN{suffix}", "Integer", f"Alleles that are known, {who}")
        yield InfoField(f"VS_AF{suffix}", "Float", f"Frequency of the allele, {who}")
        yield InfoField(f"VS_NHOM{suffix}", "Integer", f"People who have only the allele, {who}")
        if not suffix:
            text = "Share of people expected to have the allele as the sample has it, in Hardy-Weinberg proportions"
            yield InfoField("VS_EXPECTED", "Float", text)
        if self._table.counts.hwe is not None:
            yield InfoField(f"VS_HWE{suffix}", "Float", f"P value of the exact Hardy-Weinberg test, {who}")

    def values(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64] | Texts]:
        """A column a field: int64 numbers, or int32 codes and their texts. rows : of the table"""
        table = self._table
        for name in ("state", "rarity"):
            yield _some(table.coded(name), rows)
        counts = {name: values[:, rows] for name, values in table.counts.counts.items()}
        zygosity = table.genome.alleles.zygosity[rows]
        shown = [Frequency(counts, k, zygosity) for k in range(1 + len(table.counts.names))]
        for k, frequency in enumerate(shown):
            yield counts["allele_count"][k]
            yield counts["allele_number"][k]
            yield frequency.frequency()
            yield counts["n_hom_alt"][k]
            if k == 0:
                yield frequency.expected()
            if table.counts.hwe is not None:
                yield number_texts(table.counts.hwe[k, rows])
        if self._highest is not None:
            yield highest_texts(shown, self._highest.codes[rows])
            yield _some(_escaped(self._highest, "%2C"), rows)
        for codes in self._more:
            yield _some(codes, rows)


def _said(name: str) -> str:
    return "Ids of who carries the allele, with | between them" if name == CARRIERS else name


def _told_apart(fields: Sequence[InfoField]) -> Iterator[InfoField]:
    """The fields, with a number behind a key that is there already."""
    taken: set[str] = set()
    for field in fields:
        number, key = 1, field.key
        while key in taken:
            number += 1
            key = f"{field.key}_{number}"
        taken.add(key)
        yield InfoField(key, field.type, field.description)


def _some(codes: Codes, rows: NDArray[np.int64]) -> Texts:
    """Some rows of a column, with the texts that they need where all are many."""
    mine: NDArray[Any] = codes.codes[rows]
    if len(codes.texts) <= len(rows):
        return mine, codes.texts
    used, found = np.unique(mine, return_inverse=True)
    return found.reshape(-1).astype(np.int32), [codes.texts[i] for i in used.tolist()]


def _escaped(codes: Codes, comma: str) -> Codes:
    """Texts as values of INFO: what would end one is percent-encoded, or a comma written in another way."""
    table = str.maketrans(_ESCAPES | {",": comma})
    return Codes(codes.codes, [UNKNOWN if text is None else text.translate(table) for text in codes.texts])
