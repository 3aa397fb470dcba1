"""The gate: checks of every record that the scanner does not make, in bulk, a chunk at a time.

Nothing harmful passes: a ``RowError`` names the record. What is harmless is entered in ``Problems``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import gate as _gate
from ..kernels import scan as _scan
from ..storage.field_table import Field
from .declarations import Declarations
from .problems import Kind, Problems
from .records import Records
from .sites import RowError, SiteColumns

_CONTIG = re.compile(r"<?[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*>?")
_KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*")
_FLAGS = {
    _gate.IUPAC: Kind.IUPAC,
    _gate.ALT_IS_REF: Kind.ALT_IS_REF,
    _gate.DUPLICATE_ALT: Kind.DUPLICATE_ALT,
    _gate.NO_ALT: Kind.NO_ALT,
    _gate.ID_SYNTAX: Kind.ID_SYNTAX,
    _gate.NEGATIVE_QUALITY: Kind.NEGATIVE_QUALITY,
    _gate.INFO_SYNTAX: Kind.INFO_SYNTAX,
    _gate.DUPLICATE_INFO: Kind.DUPLICATE_INFO,
}
# Which field a flag is about, to be shown.
_FIELD_OF = {
    Kind.ID_SYNTAX: _scan.ID, Kind.NEGATIVE_QUALITY: _scan.QUAL, Kind.NO_ALT: _scan.ALT_TEXT,
    Kind.INFO_SYNTAX: _scan.INFO, Kind.DUPLICATE_INFO: _scan.INFO,
}  # fmt: skip
_LENGTH_SHOWN = 40

Place = Callable[[int], str]


class Gate:
    """Checks the chunks of one import.

    problems : takes what is harmless    place : (row of the chunk) -> file and line
    """

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self._declared = Declarations()
        self._known: dict[str, set[str]] = {"contig": set(), "FILTER": set(), "INFO": set(), "FORMAT": set()}

    def declare(self, declared: Declarations, path: str) -> None:
        """Take what one input's header declares, and enter its problems."""
        for key, known in self._known.items():
            known.update(declared.ids[key])
        for kind, line, detail in declared.problems:
            self.problems.add(kind, f"{path}, line {line}", detail)

    def check(self, records: Records, sites: SiteColumns, lengths: Mapping[str, int | None], place: Place) -> None:
        """Check a chunk. Raises RowError, or InputError where harmless problems stop the import.

        lengths : of the contigs that the headers declare
        """
        text = records.text
        begin = np.ascontiguousarray(records.fields.T)
        flags = np.empty(records.num_rows, np.int64)
        _gate.site_flags(text, begin, records.num_alts, _gate.BASES, flags)
        _refuse_alleles(text, begin, flags)
        self._check_positions(records, sites, lengths)
        self._check_contigs(records, sites, place)
        self._check_info(text, begin, flags, place)
        for flag, kind in _FLAGS.items():
            rows = np.flatnonzero(flags & flag)
            if len(rows):
                self._add_rows(kind, rows, place, partial(_shown, text, begin, kind))
        self._check_filters(sites, place)
        self._check_formats(sites, place)

    def _add_rows(self, kind: Kind, rows: NDArray[Any], place: Place, detail: Callable[[int], str] | str) -> None:
        """Enter a problem of several rows; only those that are listed are looked at."""
        listed = rows[: max(1, self.problems.wants_places(kind))].tolist()
        for i, row in enumerate(listed, 1):
            text = detail if isinstance(detail, str) else detail(row)
            count = 1 if i < len(listed) else len(rows) - len(listed) + 1
            self.problems.add(kind, place(row), text, count)

    def _check_positions(self, records: Records, sites: SiteColumns, lengths: Mapping[str, int | None]) -> None:
        """POS is within the contig, or one behind it (a telomere). Raises RowError."""
        unknown = np.iinfo(np.int64).max - 1
        known = [unknown if lengths.get(name) is None else lengths[name] for name in sites.contig_names]
        most = np.array(known, np.int64)[sites.contig] + 1
        rows = np.flatnonzero(records.position > most)
        if len(rows):
            row = int(rows[0])
            contig, length = sites.contig_names[sites.contig[row]], int(most[row]) - 1
            found = int(records.position[row])
            raise RowError(row, Kind.POSITION.value.text.format(found=found, contig=contig, length=length))

    def _check_contigs(self, records: Records, sites: SiteColumns, place: Place) -> None:
        for code, name in enumerate(sites.contig_names):
            if name in self._known["contig"]:
                continue
            self._known["contig"].add(name)
            row = int(np.flatnonzero(sites.contig == code)[0])
            self.problems.add(Kind.UNDECLARED_CONTIG, place(row), name)
            if not _CONTIG.fullmatch(name) or (name[0] == "<") != (name[-1] == ">"):
                self.problems.add(Kind.CONTIG_NAME, place(row), name)

    def _check_info(self, text: Any, begin: Any, flags: Any, place: Place) -> None:
        key_begin, key_end, first = (np.empty(_gate.MAX_KEYS, np.int64) for _ in range(3))
        num = _gate.info_keys(text, begin[_scan.INFO], begin[_scan.INFO + 1] - 1, flags, key_begin, key_end, first)
        for at in range(num):
            key = bytes(text[key_begin[at] : key_end[at]]).decode(errors="replace")
            self._undeclared(Kind.UNDECLARED_INFO, "INFO", key, int(first[at]), place)

    def _check_filters(self, sites: SiteColumns, place: Place) -> None:
        for code, text in enumerate(sites.filter_texts):
            if text == ".":
                continue
            rows = sites.filters == code
            names = text.split(";")
            if any(name in ("", ".", "0") or re.search(r"\s", name) for name in names) or len(set(names)) < len(names):
                self._add_rows(Kind.FILTER_SYNTAX, np.flatnonzero(rows), place, repr(text[:_LENGTH_SHOWN]))
            for name in names:
                if name not in ("", ".", "PASS"):
                    self._undeclared(Kind.UNDECLARED_FILTER, "FILTER", name, int(np.argmax(rows)), place)

    def _check_formats(self, sites: SiteColumns, place: Place) -> None:
        for code, text in enumerate(sites.format_texts):
            keys = text.split(":")
            long = next((key for key in keys if not Field("FORMAT", key).has_file_name), None)
            if long is not None:
                row = int(np.argmax(sites.formats == code))
                raise RowError(row, f"FORMAT has a key of {len(long):,} characters, expected up to 250")
            new = [key for key in dict.fromkeys(keys) if key not in self._known["FORMAT"] and key not in (".", "")]
            odd = len(set(keys)) < len(keys) or "GT" in keys[1:] or not all(map(_is_key, keys))
            if text in ("", ".") or not (new or odd):
                continue
            rows = np.flatnonzero(sites.formats == code)
            if odd:
                self._add_rows(Kind.FORMAT_SYNTAX, rows, place, repr(text[:_LENGTH_SHOWN]))
            for key in new:
                self._undeclared(Kind.UNDECLARED_FORMAT, "FORMAT", key, int(rows[0]), place)

    def _undeclared(self, kind: Kind, key: str, name: str, row: int, place: Place) -> None:
        """Enter an id that no header declares, once."""
        if name not in self._known[key]:
            self._known[key].add(name)
            self.problems.add(kind, place(row), name[:_LENGTH_SHOWN])


def _is_key(key: str) -> bool:
    return _KEY.fullmatch(key) is not None or key == "1000G"


def _refuse_alleles(text: Any, begin: Any, flags: Any) -> None:
    """REF and ALT have the alphabets of the specification. Raises RowError."""
    for flag, kind, column in ((_gate.BAD_REF, Kind.REF, _scan.REF), (_gate.BAD_ALT, Kind.ALT, _scan.ALT_TEXT)):
        rows = np.flatnonzero(flags & flag)
        if len(rows):
            row = int(rows[0])
            raise RowError(row, kind.value.text.format(found=_field(text, begin, column, row)))


def _field(text: Any, begin: Any, column: int, row: int) -> str:
    found = bytes(text[begin[column, row] : begin[column + 1, row] - 1]).decode(errors="replace")
    return repr(found if len(found) <= _LENGTH_SHOWN else found[:_LENGTH_SHOWN] + "...")


def _shown(text: Any, begin: Any, kind: Kind, row: int) -> str:
    column = _FIELD_OF.get(kind)
    if column is not None:
        return _field(text, begin, column, row)
    return f"{_field(text, begin, _scan.REF, row)} to {_field(text, begin, _scan.ALT_TEXT, row)}"
