"""``varstore genome``: the person as a whole, and the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..errors import QueryError

_OPTIONS = (
    click.option(
        "--whole",
        is_flag=True,
        help="Describe the person as a whole, too: counts beside those of everybody else, sex, and who shares the rare "
        "alleles, by person and by --cohort or --by.",
    ),
    click.option(
        "--sex", type=click.Choice(["male", "female"]), help="As it is stated; calls on X are held against it."
    ),
    click.option(
        "--panel",
        metavar="BED",
        type=click.Path(),
        help="Genes: count rare alleles of the genome, and their carriers in REPO, gene by gene. Needs --html or a "
        "folder for -o.",
    ),
    click.option(
        "--html",
        metavar="FILE",
        type=click.Path(),
        help="Write a report as one HTML file; without -o and --format in place of the table.",
    ),
)


def person_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the person as a whole."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def describe(
    repo: Any, found: Any, folder: Path | None, *, whole: bool, sex: str | None, panel: str | None, html: str | None
) -> None:
    """Describe the person if it is asked for, write the report, and what else goes to a folder. Raises QueryError."""
    if not (whole or sex or panel or html):
        return
    repo.describe_genome(found, panel=panel, sex=sex)
    for line in _lines(found.summary):
        click.echo(f"varstore: {line}", err=True)
    if html is not None:
        found.write_html(html)
    if panel is not None and folder is not None:
        _write_panel(found.summary["panel"], folder / "panel.tsv")


def check_options(folder: Path | None, *, panel: str | None, html: str | None, **_: Any) -> None:
    """Refuse options that would have no place to write to. Raises QueryError."""
    if panel is not None and html is None and folder is None:
        raise QueryError("--panel needs --html FILE, or a folder for -o")


def _lines(summary: dict[str, Any]) -> list[str]:
    """What came out, in some lines."""
    from ..genome.checks import checks_of  # noqa: PLC0415

    sharing, sex = summary["sharing"], summary["sex"]
    closest = ", ".join(sharing["closest"] or ()) or f"nobody: {sharing['reason']}"
    lines = [f"closest by {sharing['num_shared']:,} shared rare alleles: {closest}"]
    lines.append(f"sex by X: {sex['inferred']}" + (f" ({sex['reason']})" if sex["reason"] else ""))
    return lines + [f"look at this: {check.text}" for check in checks_of(summary) if check.state == "look"]


def _write_panel(rows: list[dict[str, Any]], path: Path) -> None:
    lines = ["\t".join(rows[0])] if rows else []
    lines += ["\t".join("." if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
                        for value in row.values()) for row in rows]  # fmt: skip
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise QueryError(f"{path}: cannot be written ({error.strerror})") from None
