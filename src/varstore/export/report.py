"""How an export runs, and what it says at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """How to export.

    threads : for decoding, formatting and compressing    total : records there are
    progress : called with the records written since the last call, and the total
    """

    threads: int
    total: int
    progress: Callable[[int, int], None]

    def advance(self, num_rows: int) -> None:
        """Say that so many more records are written."""
        self.progress(num_rows, self.total)


@dataclass(frozen=True)
class ExportReport:
    """What was written, and what the format could not take, as sentences."""

    num_variants: int
    num_samples: int
    dropped: tuple[str, ...] = ()
