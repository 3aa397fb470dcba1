"""``varstore genome``: one person against the repository."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from ..errors import QueryError
from .cohorts import by_option, cohort_option, vocabulary_option
from .describing import check_options, describe, person_options
from .options import filters_option, open_repository, regions_file_option, regions_option, repo_argument

# Bytes to keep of what is read, where a command reads everything once.
_ONE_PASS = 1 << 24
_FORMS = ("tsv", "json", "arrow", "vcf", "bcf")
_SUFFIXES = {
    ".tsv": "tsv", ".json": "json", ".jsonl": "json", ".arrow": "arrow", ".vcf": "vcf", ".vcf.gz": "vcf",
    ".vcf.bgz": "vcf", ".bcf": "bcf",
}  # fmt: skip
_DEFAULT_NAMES = {"tsv": "variants.tsv", "json": "variants.jsonl", "arrow": "variants.arrow", "vcf": "variants.vcf.gz",
                  "bcf": "variants.bcf"}  # fmt: skip


@click.command()
@repo_argument
@click.argument("person", metavar="INPUT")
@click.option("--sample", metavar="ID", help="Which of the samples of INPUT; needed where it has several.")
@cohort_option
@by_option
@vocabulary_option
@regions_option
@regions_file_option
@filters_option
@click.option(
    "--annotate",
    metavar="FILE:KEYS",
    multiple=True,
    help="Add INFO fields of a sites VCF or BCF, like clinvar.vcf.gz:CLNSIG,CLNDN; repeat.",
)
@click.option("--carriers", is_flag=True, help="Name who in REPO carries each variant.")
@click.option(
    "--hwe", is_flag=True, help="Add the p value of the exact test of Hardy-Weinberg proportions; takes longer."
)
@click.option(
    "--absent",
    type=click.Choice(["auto", "unknown", "reference"]),
    default="auto",
    show_default=True,
    help="What the person is where INPUT says nothing; auto: unknown, and for a gVCF what its blocks say.",
)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    type=click.Path(),
    help="File for the table; or a folder, for the table and summary.json.",
)
@click.option("--format", "form", type=click.Choice(_FORMS), help="Form of the table.  [default: by PATH, else tsv]")
@person_options
def genome(repo: str, person: str, output: str | None, form: str | None, **options: Any) -> None:
    """Compare one genome with REPO, one row a variant: how common it is, in whom, and what is not known of it.

    INPUT is a VCF, BCF or gVCF, text of a direct-to-consumer service, or the id of a sample of REPO, who is left out of
    all counts then. A summary goes to the error stream.
    """
    whole = {name: options.pop(name) for name in ("whole", "sex", "panel", "html")}
    in_place_of_table = whole["html"] is not None and output is None and form is None
    target, form = _target(output, form)
    folder = target.parent if target is not None and Path(str(output)) != target else None
    check_options(folder, **whole)
    opened = open_repository(repo, None if any(whole.values()) else _ONE_PASS)
    found = _compare(opened, person, **options)
    _tell(found.summary)
    if not in_place_of_table:
        _write(found, target, form)
    describe(opened, found, folder, **whole)
    if folder is not None:
        _write_summary(found.summary, folder / "summary.json")


def _target(output: str | None, form: str | None) -> tuple[Path | None, str]:
    """The file of the table, and its form. Raises QueryError."""
    if output is None:
        if form in ("arrow", "bcf"):
            raise QueryError(f"--format {form} needs -o PATH")
        return None, form or "tsv"
    path = Path(output)
    suffix = next((end for end in sorted(_SUFFIXES, key=len, reverse=True) if path.name.endswith(end)), None)
    if suffix is not None and not path.is_dir():
        return path, form or _SUFFIXES[suffix]
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise QueryError(f"{path}: cannot be made a folder ({error.strerror})") from None
    return path / _DEFAULT_NAMES[form or "tsv"], form or "tsv"


def _compare(
    repo: Any, person: str, *, cohorts: tuple[str, ...], by: str | None, vocabulary: str | None, regions: str | None,
    apply_filters: str | None, **options: Any,
) -> Any:  # fmt: skip
    """Ask the repository what the options say."""
    from ..model.regions import split_regions  # noqa: PLC0415
    from .cohorts import chosen_cohorts  # noqa: PLC0415

    return repo.compare_genome(
        person,
        cohorts=chosen_cohorts(repo, cohorts, by, vocabulary=vocabulary),
        region=split_regions(regions, repo.contigs) if regions else None,
        filters=apply_filters,
        **options,
    )


def _tell(summary: dict[str, Any]) -> None:
    """What was compared and what came out, in some lines on the error stream."""
    who, whom, variants = summary["genome"], summary["repository"], summary["variants"]
    others = "other people" if who["in_repository"] else "people"
    build = f", {who['build']}" if who["build"] else ""
    lines = [
        f"{who['sample']} ({who['format']}{build}) against {whom['num_people']:,} {others}, version {whom['version']}; "
        f"filters: {summary['filters'] or 'none'}",
        f"{variants['all']:,} variants: {variants['found']:,} found, {variants['novel']:,} novel, "
        f"{variants['unseen']:,} unseen, {variants['not_callable']:,} not callable",
        "rarity: " + ", ".join(f"{name} {number:,}" for name, number in summary["rarity"].items()),
    ]
    for line in lines:
        click.echo(f"varstore: {line}", err=True)
    for problem in summary["problems"]:
        click.echo(f"varstore: warning: {problem}", err=True)


def _write(found: Any, target: Path | None, form: str) -> None:
    """Write the table."""
    if form in ("vcf", "bcf"):
        found.write_vcf(target or _screen(), form)
        return
    if form != "tsv":
        from . import show  # noqa: PLC0415

        show.table(found.variants, None if target is None else str(target), form)
        return
    if target is None:
        _put(found.variants, _screen())
        return
    try:
        with open(target, "wb") as file:
            _put(found.variants, file)
    except OSError as error:
        raise QueryError(f"{target}: cannot be written ({error.strerror})") from None


def _screen() -> BinaryIO:
    stream: BinaryIO = sys.stdout.buffer
    return stream


def _put(table: Any, stream: BinaryIO) -> None:
    for block in table.blocks():
        stream.write(block)
    stream.flush()


def _write_summary(summary: dict[str, Any], path: Path) -> None:
    try:
        path.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise QueryError(f"{path}: cannot be written ({error.strerror})") from None
