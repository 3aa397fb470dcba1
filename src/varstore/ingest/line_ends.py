"""Line ends of a text file: CR LF, blank lines at the end, a last line without one."""

from __future__ import annotations

from collections.abc import Callable

from .problems import Kind, Problems
from .records import BLANK_LINE, Fault, ScanResult, fault_error


class LineEnds:
    """What was noticed of a file's line ends so far.

    place : (row) -> file and line    crlf : was noticed in the header already
    """

    def __init__(self, place: Callable[[int], str], problems: Problems, crlf: bool) -> None:
        self._place = place
        self._problems = problems
        self._crlf = crlf
        self._blank: int | None = None  # the row where blank lines begin

    def check(self, result: ScanResult) -> None:
        """Blank lines are harmless at the end only. Raises InputError if the next piece has records."""
        if self._blank is not None and (result.records or result.fault):
            raise fault_error(Fault(0, BLANK_LINE), self._place(self._blank))

    def note(self, result: ScanResult, row: int) -> None:
        """Take a piece's line ends in; ``row`` is the number of records up to its end."""
        if result.crlf and not self._crlf:
            self._crlf = True
            self._problems.add(Kind.CRLF, self._place(row - 1))
        if result.open_end:
            self._problems.add(Kind.NO_FINAL_NEWLINE, self._place(row - 1))
        if result.blank_end and self._blank is None:
            self._blank = row
            self._problems.add(Kind.BLANK_LAST_LINE, self._place(row))
