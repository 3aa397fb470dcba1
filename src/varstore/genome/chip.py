"""Text of direct-to-consumer services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..query.version import Version
    from .reading import Genome


def is_chip(path: Path) -> bool:
    return False


def read_chip(version: Version, path: Path, absent: str) -> Genome:
    raise NotImplementedError
