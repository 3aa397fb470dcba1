"""Tables of people in text: TSV or CSV, with a header."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

from ..errors import InputError
from .cells import MISSING
from .table import PeopleTable, Rows, make_table, warn

# The first of these that a header has, in any case, names the sample.
ID_COLUMNS = ("sample", "sample_id", "iid", "#iid", "sample name")


def read_text(path: Path) -> str:
    """The text of a file, inflated where it is gzip, without a byte-order mark. Raises InputError."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InputError(f"{path}: does not inflate: the file is damaged or cut short") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: no text (UTF-8), expected a table of samples") from None
    if "\0" in text:
        raise InputError(f"{path}: no text: there are zero bytes in it; expected a table of samples")
    return text


def read_table(path: Path, id_column: str | None = None, missing: Collection[str] = frozenset(MISSING)) -> PeopleTable:
    """Read a table with a header, separated by tabs, commas or semicolons, whichever its header has.

    id_column : the one that names the sample; None: the first of ``ID_COLUMNS``
    missing : cells that say nothing

    Warns of columns without a name, which are left out. Raises InputError with file and line.
    """
    header, lines, rows = _split(str(path), read_text(path))
    chosen = id_place(str(path), header, id_column)
    _check_header(str(path), header)
    rows = _as_wide(str(path), header, lines, rows)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    nameless = [place for place, name in enumerate(header) if not name]
    if nameless:
        warn(f"{path}: {len(nameless)} columns without a name are left out ({_numbers(nameless)})")
    stripped = [[cell.strip() for cell in column] for column in columns]
    cells = {name: stripped[place] for place, name in enumerate(header) if name and place != chosen}
    return make_table(Rows(str(path), stripped[chosen], cells, lines), missing)


def _numbers(places: Sequence[int]) -> str:
    shown = ", ".join(str(place + 1) for place in places[:5])
    return f"column {shown}{', ...' if len(places) > 5 else ''}"


def _split(source: str, text: str) -> tuple[list[str], list[int], list[list[str]]]:
    """Header, and lines and cells of the other rows; empty lines are none."""
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, rows = [], []
    begin = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        for row in reader:
            begin, line = reader.line_num, begin + 1
            if any(row) and not (len(row) == 1 and not row[0].strip()):
                lines.append(line)
                rows.append(row)
    except csv.Error as error:
        raise InputError(f"{source}, line {begin + 1}: {error}; is a quotation mark open?") from None
    return header, lines, rows


def _delimiter(text: str) -> str:
    """What separates the names of the header, outside quotation marks."""
    header = "".join(text.split("\n", 1)[0].split('"')[::2])
    return "\t" if "\t" in header else max(",;", key=header.count)


def id_place(source: str, header: Sequence[str], wanted: str | None) -> int:
    """Which column names the sample. Raises InputError."""
    if wanted is not None:
        exact = [place for place, name in enumerate(header) if name == wanted]
        found = exact or [place for place, name in enumerate(header) if name.lower() == wanted.lower()]
        if not found:
            raise InputError(f"{source}, line 1: no column {wanted!r}; there are {_shown(header)}")
        return found[0]
    lowered = [name.lower() for name in header]
    for name in ID_COLUMNS:
        if name in lowered:
            return lowered.index(name)
    raise InputError(
        f"{source}, line 1: found {_shown(header)}, expected a header with a column sample; name the column of ids "
        "(--id COLUMN)"
    )


def _shown(header: Sequence[str]) -> str:
    text = ", ".join(map(repr, header[:10]))
    return (text or "nothing") + (", ..." if len(header) > 10 else "")


def _check_header(source: str, header: Sequence[str]) -> None:
    """Raise InputError where a column stands twice; ``sex`` is one name in any case."""
    names = ["sex" if name.lower() == "sex" else name for name in header if name]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{source}, line 1: the column {name!r} stands twice; names of columns are unique")


def _as_wide(source: str, header: Sequence[str], lines: Sequence[int], rows: list[list[str]]) -> list[list[str]]:
    """Rows as wide as the header: cells that are empty, or of columns without a name, may lack at the end."""
    width = len(header)
    least = max((place + 1 for place, name in enumerate(header) if name), default=0)
    for number, row in enumerate(rows):
        if len(row) == width:
            continue
        if len(row) < least or any(map(str.strip, row[width:])):
            raise InputError(f"{source}, line {lines[number]}: {len(row)} columns, the header has {width}")
        rows[number] = (row + [""] * (width - len(row)))[:width]
    return rows
