"""``varstore kinship --against``: one genome and everybody in a repository."""

from __future__ import annotations

from typing import Any

import click

from .options import format_option, open_repository, output_option, repo_argument, samples_file_option, samples_option


@click.command()
@repo_argument
@click.option(
    "--against",
    metavar="INPUT",
    required=True,
    type=click.Path(),
    help="A genome: VCF, BCF or gVCF, or the id of a sample of REPO.",
)
@click.option("--sample", metavar="ID", help="Who is meant, where INPUT has several samples.")
@click.option(
    "--absent",
    type=click.Choice(["unknown", "reference"]),
    help="What a site without a record in INPUT is.  [default: unknown; gVCF: reference where its blocks are sure]",
)
@click.option("--threshold", type=float, metavar="X", help="Print rows of this kinship or more.  [default: all]")
@click.option("--force", is_flag=True, help="Compare at however few sites the genome is called.")
@samples_option
@samples_file_option
@output_option
@format_option
def kinship(repo: str, output: str | None, form: str, **options: Any) -> None:
    """Print the kinship of one genome with everybody in REPO, or the samples given, highest first.

    KING-robust, by the sketch of REPO: common sites all over the autosomes, which varstore chooses and keeps.
    """
    from . import show  # noqa: PLC0415

    show.table(against(open_repository(repo), **options), output, form)


def against(
    repo: Any, against: str, sample: str | None, absent: str | None, samples: str | None, samples_file: str | None,
    **options: Any,
) -> Any:  # fmt: skip
    """Ask the repository what the options say: of a file where there is one of that name, else of a sample."""
    from pathlib import Path  # noqa: PLC0415

    from . import counting  # noqa: PLC0415

    people = counting.people(repo, samples, samples_file)
    if sample is None and absent is None and not Path(against).exists() and against in repo.samples:
        return repo.kinship_of(against, samples=people, **options)
    return repo.kinship_against(against, sample=sample, absent=absent, samples=people, **options)
