"""The table of results, and the machine they were measured on."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from against.bench import installed
from against.figures import TARGETS, Row


def quantity(value: float, unit: str) -> str:
    """Return seconds or bytes with three digits and a unit that suits them."""
    scales = {"s": [(1, "s"), (1e-3, "ms")], "B": [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]}[unit]
    scale, name = next(((s, n) for s, n in scales if value >= s), scales[-1])
    return f"{value / scale:.3g} {name}"


def ratio_text(ratio: float, unit: str) -> str:
    return f"{ratio:.3g} x" if unit == "s" else f"{ratio:.2f}"


def judge(row: Row) -> tuple[str, str]:
    """Return the row's target in words and whether it is met, both empty without a target."""
    target = TARGETS.get((row.task, row.peer, row.data.name))
    if target is None:
        return "", ""
    unit = row.ours.unit
    if target.absolute:
        met = row.ours.value <= target.limit
        return f"at most {quantity(target.limit, unit)}", "yes" if met else "no"
    ratio = row.ratio()
    faster = unit == "s"
    text = f"at {'least' if faster else 'most'} {ratio_text(target.limit, unit)}"
    if ratio is None:
        return text, "?"
    return text, "yes" if (ratio >= target.limit if faster else ratio <= target.limit) else "no"


def row_cells(row: Row) -> list[str]:
    ratio = row.ratio()
    figures = [row.ours, row.theirs]
    shown = [f if isinstance(f, str) else f"{quantity(f.value, f.unit)} {f.how}" for f in figures]
    memory = [f.memory for f in figures if not isinstance(f, str) and f.memory]
    return [
        row.task,
        str(row.data),
        shown[0],
        row.peer,
        shown[1],
        "" if ratio is None else ratio_text(ratio, row.ours.unit),
        *judge(row),
        " / ".join(quantity(size, "B") for size in memory),
        row.answers,
    ]


def markdown(rows: Sequence[Row]) -> str:
    head = "task,data,varstore,peer,peer's figure,ratio,target,met,peak memory,answers".split(",")
    lines = [head, ["---"] * len(head), *map(row_cells, rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def describe_machine() -> str:
    """Return one paragraph: processor, Python, and the versions of the peers found."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    parts = [*models[:1], f"{os.cpu_count()} cores", f"Python {platform.python_version()}"]
    for tool in ("plink2", "bcftools", "sav"):
        if shutil.which(tool):
            said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
            parts.append((said.stdout or said.stderr).splitlines()[0])
    if installed("bio2zarr"):
        parts.append(f"bio2zarr {metadata.version('bio2zarr')}")
    return "; ".join(parts) + "."
