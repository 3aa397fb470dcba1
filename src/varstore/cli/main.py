"""``varstore``: the command line. Commands are thin: options in, one call, rows out.

Nothing heavy is imported before a command runs, so that help is instant.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from gc import freeze
from typing import Any

import click

from .. import __version__
from ..errors import VarstoreError
from .cohort_commands import cohort
from .family_commands import families, pedigree, unrelated
from .genomes import genome
from .linkage import ld, prune, roh
from .options import (
    absent_option,
    callable_option,
    fields_option,
    inline_option,
    inputs_argument,
    min_ref_gq_option,
    on_problem_option,
    open_repository,
    reference_option,
    regions_file_option,
    regions_option,
    rename_option,
    repo_argument,
    resume_option,
    samples_file_option,
    samples_option,
    table_option,
    threads_option,
)
from .questions import burden, compare, count, diversity, fst, plot, samples, stats
from .relatedness import kinship
from .structure import pca


class _Group(click.Group):
    """Commands in the order they are written; our errors are one sentence and exit status 1."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The program: others that run a command in a process of theirs call ``main.main``."""
        # Nothing here multiplies matrices: numpy's library for that starts no threads.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        try:
            return super().__call__(*args, **kwargs)
        finally:
            # The end of the process is near: to look for cycles among all that was imported takes it 40 ms.
            freeze()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        warnings.showwarning = lambda message, *_: click.echo(f"varstore: warning: {message}", err=True)
        try:
            return super().invoke(ctx)
        except VarstoreError as error:
            click.echo(f"varstore: {error}", err=True)
        except BrokenPipeError:
            # The reader of our output has seen enough.
            sys.stderr.close()
        ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="varstore")
def main() -> None:
    """A repository of genomes: stores genotypes, counts alleles."""


@main.command()
@repo_argument
@inputs_argument
@click.option("--assembly", help="Name of the reference build, like GRCh38.")
@threads_option
@fields_option
@inline_option
@on_problem_option
@rename_option
@absent_option
@callable_option
@table_option
@min_ref_gq_option
@resume_option
@reference_option
def create(repo: str, inputs: tuple[str, ...], assembly: str | None, **options: Any) -> None:
    """Make a new repository REPO, with INPUT files as its first batch.

    INPUT is VCF (BGZF, gzip or text), BCF, PLINK (.pgen or .bed, the other two files beside it) or a VCF Zarr folder or
    zip file; several may split the same samples by chromosome.
    """
    from .. import repository  # noqa: PLC0415

    options["rename"] = _renames(options["rename"])
    with _progress(inputs) as progress:
        made = repository.create(repo, *inputs, assembly=assembly, progress=progress, **options)
    _report(made)


@main.command()
@repo_argument
@click.argument("inputs", nargs=-1, required=True, type=click.Path())
@threads_option
@fields_option
@inline_option
@on_problem_option
@rename_option
@absent_option
@callable_option
@table_option
@min_ref_gq_option
@resume_option
@click.option("--reference", metavar="FASTA", type=click.Path(), help="Where the FASTA of REPO is now, if it moved.")
def add(repo: str, inputs: tuple[str, ...], **options: Any) -> None:
    """Add INPUT files to REPO as one more batch."""
    from .. import repository  # noqa: PLC0415

    opened = repository.open(repo)
    options["rename"] = _renames(options["rename"])
    with _progress(inputs) as progress:
        opened.add(*inputs, progress=progress, **options)
    _report(opened)


@main.command()
@repo_argument
@click.argument("inputs", nargs=-1, required=True, type=click.Path())
@fields_option
@inline_option
@on_problem_option
@rename_option
@absent_option
@callable_option
@table_option
@min_ref_gq_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the plan's path.")
def plan(repo: str, inputs: tuple[str, ...], **options: Any) -> None:
    """Cut an import of INPUT files into partitions, for many processes.

    Prints the plan's id and the number of partitions, separated by a tab. Run each partition, numbered from 0, with
    run-partition, in any order and on any machine that has the files at the same paths; then commit.
    """
    from . import partitions  # noqa: PLC0415

    options["rename"] = _renames(options["rename"])
    partitions.plan(open_repository(repo), inputs, **options)


@main.command("run-partition")
@repo_argument
@click.argument("plan")
@click.argument("partition", type=click.IntRange(0))
@threads_option
def run_partition(repo: str, plan: str, partition: int, threads: int | None) -> None:
    """Read one PARTITION of PLAN; one that is done is left alone."""
    open_repository(repo).run_partition(plan, partition, threads=threads)


@main.command()
@repo_argument
@click.argument("plan")
@threads_option
def commit(repo: str, plan: str, threads: int | None) -> None:
    """Add the inputs of PLAN, whose partitions have all run, to REPO as one more batch."""
    _report(open_repository(repo).commit(plan, threads=threads))


@main.command()
@repo_argument
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
def info(repo: str, as_json: bool) -> None:
    """Say what is in REPO."""
    from . import show  # noqa: PLC0415

    show.info(open_repository(repo), as_json=as_json)


@main.command()
@repo_argument
@click.argument("batch_id", metavar="[ID]", required=False)
@click.option(
    "--absent",
    type=click.Choice(["unknown", "reference"]),
    help="What its people are at sites where it has no record.  [default: as it is]",
)
@callable_option
@click.option(
    "--min-ref-gq",
    metavar="N",
    type=click.IntRange(0),
    help="Least GQ of a sure reference block.  [default: as it is]",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def batch(repo: str, batch_id: str | None, **options: Any) -> None:
    """Show the batches of REPO, or the batch ID; with options, change what it says of sites where it has no record.

    ID may be the beginning of one batch's id. A change makes a new version; genotypes are not touched.
    """
    from . import batches  # noqa: PLC0415

    batches.batch(open_repository(repo), batch_id, callable_file=options.pop("callable"), **options)


for question in (samples, count, compare, fst, diversity, burden, stats):
    main.add_command(question)
for question in (kinship, unrelated, families, pedigree, ld, prune, pca, roh, plot):
    main.add_command(question)
main.add_command(genome)


@main.command()
@repo_argument
@click.option(
    "-O",
    "--output-type",
    "form",
    type=click.Choice(["vcf", "bcf", "vcz", "plink"]),
    help="Format.  [default: what the name of FILE says, else vcf]",
)
@click.option("-o", "--output", type=click.Path(), help="File to write; VCF and BCF go to the screen without it.")
@regions_option
@regions_file_option
@samples_option
@samples_file_option
@click.option("--batch", metavar="ID", help="One batch as it came: its own records and people.")
@click.option(
    "--write-index",
    is_flag=False,
    flag_value="csi",
    type=click.Choice(["csi", "tbi"]),
    help="Write an index beside FILE, a BCF or BGZF VCF; without a kind (--write-index=KIND) csi.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.option("--threads", type=click.IntRange(1), help="Threads.  [default: all cores]")
def export(repo: str, **options: Any) -> None:
    """Write records of REPO as VCF, BCF, VCF Zarr (vcz) or PLINK 2.

    VCF is BGZF where FILE ends in .gz or .bgz. vcz makes a folder, or a zip file where FILE ends in .zip; plink makes
    FILE.pgen, FILE.pvar and FILE.psam. Regions select records that overlap them, each once.
    """
    from . import exporting  # noqa: PLC0415

    exporting.export(open_repository(repo), **options)


main.add_command(cohort)


@main.command()
@repo_argument
@click.option("--purge", is_flag=True, help="Remove the bytes of withdrawn people, and the versions that hold them.")
@click.option("--threads", type=click.IntRange(1), help="Threads.  [default: all cores]")
def compact(repo: str, purge: bool, threads: int | None) -> None:
    """Let small batches of REPO share their files, up to 16,384 people together.

    Every answer stays the same, and readers are not disturbed. The old files stay for the versions that name them,
    until gc drops these.

    --purge writes what holds withdrawn people anew without them instead, drops all older versions, removes what no
    version needs, and ends with a search for their ids in every file.
    """
    opened = open_repository(repo)
    if purge:
        from . import purging  # noqa: PLC0415

        purging.purge(opened, threads)
        return
    report = opened.compact(threads=threads)
    for group in report.groups:
        click.echo(f"{repo}: {len(group)} batches share a part now: {', '.join(group)}")
    for batch in report.overtaken:
        click.echo(f"{repo}: batch {batch} was compacted by another process meanwhile, and left alone")
    if report.overlays:
        click.echo(f"{repo}: {report.overlays} overlays of the sample table are one now")
    if not report.groups and not report.overtaken and not report.overlays:
        click.echo(f"{repo}: nothing to compact")


@main.command()
@repo_argument
@click.argument("source", metavar="[INPUT]", required=False, type=click.Path())
def verify(repo: str, source: str | None) -> None:
    """Check every file of REPO against its checksum, every block and every total.

    With INPUT, compare what was stored of it with the file, read by another reader: htslib for VCF and BCF, pgenlib
    for .pgen, zarr-python for VCF Zarr.
    """
    from pathlib import Path  # noqa: PLC0415

    from .. import repository  # noqa: PLC0415

    found = repository.problems(Path(repo))
    if source is not None and not found:
        found = repository.open(repo).verify(source)
    for problem in found:
        click.echo(problem)
    if found:
        raise VarstoreError(f"{repo}: {len(found)} problem{'s' if len(found) > 1 else ''} found")
    click.echo(f"{repo}: everything is as it was written")


@main.command()
@repo_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def log(repo: str, as_json: bool) -> None:
    """Print the versions of REPO, oldest first: when, by what, and what was in it."""
    from . import upkeep  # noqa: PLC0415

    upkeep.log(open_repository(repo), as_json=as_json)


@main.command()
@repo_argument
@click.argument("samples", metavar="[SAMPLE]...", nargs=-1)
@click.option("-S", "--samples-file", type=click.Path(), help="File of sample ids, one a line.")
def withdraw(repo: str, samples: tuple[str, ...], samples_file: str | None) -> None:
    """Take people out of every later answer, of whatever version of REPO.

    Those who are withdrawn already stay so. The files of their batches are not changed.
    """
    from . import upkeep  # noqa: PLC0415

    upkeep.withdraw(open_repository(repo), samples, samples_file)


@main.command()
@repo_argument
@click.option(
    "--older-than",
    metavar="AGE",
    default="24h",
    show_default=True,
    help="Leave alone what is younger: a number with s, m, h or d.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Remove nothing, print what would be removed.")
@click.option(
    "--keep-versions",
    metavar="N",
    type=click.IntRange(1),
    help="Drop versions but the newest N, and what only they need.  [default: keep all]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def gc(repo: str, **options: Any) -> None:
    """Remove what no version of REPO needs.

    That is staging of processes that are gone, and parts that no version names. What a process at work holds is left
    alone. Prints path, bytes and reason of each thing, separated by tabs.
    """
    from . import upkeep  # noqa: PLC0415

    upkeep.gc(open_repository(repo), **options)


@main.command()
@repo_argument
@reference_option
@click.option("--sketch", is_flag=True, help="Choose the sites of the sketch anew, over everybody in REPO.")
def reindex(repo: str, reference: str | None, sketch: bool) -> None:
    """Make again what follows from the batches of REPO, where varstore is newer than it.

    With --reference, REPO gets a FASTA, and alleles of all its batches are matched left-aligned from then on. Batches
    without a sketch get one where REPO has enough common sites.
    """
    opened = open_repository(repo)
    made = opened.reindex(reference=reference, sketch=sketch)
    click.echo(f"{repo}: version {opened.version}, keys of {made:,} batches made again", err=True)


def _renames(path: str | None) -> dict[str, str] | None:
    from pathlib import Path  # noqa: PLC0415

    from ..storage.people import read_renames  # noqa: PLC0415

    return None if path is None else read_renames(Path(path))


@contextmanager
def _progress(inputs: tuple[str, ...]) -> Iterator[Callable[[int], None]]:
    """A progress bar over the bytes of the inputs, if somebody watches."""
    if not inputs or not sys.stderr.isatty():
        yield lambda _: None
        return
    import os  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    total = sum(os.path.getsize(path) for path in inputs if os.path.exists(path))
    columns = (TextColumn("importing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("import", total=total)
        yield lambda size: bar.advance(task, size)


def _report(repo: Any) -> None:
    from . import show  # noqa: PLC0415

    click.echo(
        f"{repo.path}: version {repo.version}, {repo.num_samples:,} samples, {repo.num_variants:,} variants", err=True
    )
    if repo.info()["batches"]:
        show.problems(repo.info()["batches"][-1]["problems"])
