"""Line ends of a text file: CR LF, blank lines at the end, a last line without one."""

from __future__ import annotations

from .problems import Kind, Problems
from .records import ScanResult


class LineEnds:
    """What was noticed of a text file's line ends so far; ``blank_line`` is the first blank line at its end, or 0."""

    def __init__(self, crlf: bool) -> None:
        self.crlf = crlf
        self.blank_line = 0

    def note(self, result: ScanResult, problems: Problems, path: str, line: int) -> None:
        """Take a piece's line ends in; ``line`` is the line behind its records."""
        if result.crlf and not self.crlf:
            self.crlf = True
            problems.add(Kind.CRLF, path)
        if result.open_end:
            problems.add(Kind.NO_FINAL_NEWLINE, f"{path}, line {line - 1}")
        if result.blank_end and not self.blank_line:
            self.blank_line = line
            problems.add(Kind.BLANK_LAST_LINE, f"{path}, line {line}")
