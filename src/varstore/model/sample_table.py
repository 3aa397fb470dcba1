"""Sample tables of users: TSV with a header, a column that names the person, and ``sex``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .ploidy import FEMALE, MALE, SEXES, UNKNOWN

# The first of these that a header has names the person.
_NAME_COLUMNS = ("sample", "sample_id", "#iid", "iid")
_SEX_OF = {
    "male": MALE, "m": MALE, "1": MALE, "xy": MALE, "female": FEMALE, "f": FEMALE, "2": FEMALE, "xx": FEMALE,
    **dict.fromkeys(("unknown", "u", "0", "", ".", "na", "nan", "n/a", "-9", "null", "none", "missing"), UNKNOWN),
}  # fmt: skip


@dataclass(frozen=True)
class SampleTable:
    """What a table says of people.

    sex : name of a sample to one of ``SEXES``    columns : name of a column to its texts by sample
    """

    sex: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]

    def check(self, samples: Sequence[str], path: str) -> None:
        """A table that names none of the samples is of others. Raises InputError."""
        if samples and not any(name in self.sex for name in samples):
            raise InputError(f"{path}: it names none of the samples of the input ({samples[0]!r} and so on)")

    def values(self, column: str, samples: Sequence[str]) -> list[str]:
        """A column for some samples; empty text where the table has nothing."""
        cells = self.columns[column]
        return [cells.get(name, "") for name in samples]

    def sexes(self, samples: Sequence[str]) -> list[str]:
        """The sex of some samples, ``unknown`` where the table has none."""
        return [self.sex.get(name, SEXES[UNKNOWN]) for name in samples]


def read_sample_table(path: Path) -> SampleTable:
    """Read a TSV of people. Raises InputError with file and line; a sex that is not given is no error."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: no text, expected a table of samples separated by tabs") from None
    header = [name.strip() for name in lines[0].split("\t")] if lines else []
    lowered = [name.lower() for name in header]
    name_column = next((lowered.index(name) for name in _NAME_COLUMNS if name in lowered), None)
    if name_column is None:
        raise InputError(f"{path}, line 1: found {lines[0] if lines else ''!r}, expected a header with a column sample")
    if len(set(lowered)) < len(lowered) or "" in lowered:
        raise InputError(f"{path}, line 1: a column has no name, or one that stands twice")
    sex_column = lowered.index("sex") if "sex" in lowered else None
    others = [i for i in range(len(header)) if i not in (name_column, sex_column)]
    sex: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {header[i]: {} for i in others}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        where = f"{path}, line {number}"
        if len(cells) != len(header):
            raise InputError(f"{where}: {len(cells)} columns, the header has {len(header)}")
        name = cells[name_column]
        if not name or name in sex:
            raise InputError(f"{where}: {'the sample is named twice' if name else 'no name'}: {name!r}")
        sex[name] = SEXES[_sex(cells[sex_column] if sex_column is not None else "", where)]
        for i in others:
            columns[header[i]][name] = cells[i]
    return SampleTable(sex, columns)


def _sex(text: str, where: str) -> int:
    if text.lower() not in _SEX_OF:
        raise InputError(f"{where}: sex is {text!r}, expected male, female or unknown (or 1, 2, 0; M, F)")
    return _SEX_OF[text.lower()]
