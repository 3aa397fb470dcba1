"""Commands that ask a repository about sites, people and cohorts, and ``samples``, which says who they are."""

from __future__ import annotations

from typing import Any

import click

from .cohorts import cohort_options
from .options import (
    filters_option,
    format_option,
    open_repository,
    output_option,
    overlap_option,
    regions_file_option,
    regions_option,
    repo_argument,
    samples_file_option,
    samples_option,
    step_option,
    test_option,
    window_option,
    window_sites_option,
)


@click.command()
@repo_argument
@click.option("--set", "tables", metavar="FILE", multiple=True, type=click.Path(), help="Take in a table; repeat.")
@click.option(
    "--id",
    "id_column",
    metavar="COLUMN",
    help="Column that names the sample.  [default: sample, sample_id, IID, #IID or Sample name]",
)
@click.option(
    "--missing", metavar="LIST", help="Texts of missing cells, separated by commas.  [default: empty,NA,.,#REF!,#N/A]"
)
@click.option("--strict", is_flag=True, help="Rows of people who are not in REPO are an error.")
@click.option("--drop", metavar="COLUMN", multiple=True, help="Leave a column out from now on; repeat.")
@samples_option
@samples_file_option
@click.option("-o", "--output", type=click.Path(), help="Write here instead of to the screen.")
@click.option(
    "--format", "form", type=click.Choice(["tsv", "json", "arrow"]), help="Form of the table.  [default: tsv]"
)
def samples(repo: str, **options: Any) -> None:
    """Print what is known of the people of REPO, one row a sample; with --set or --drop, change it in a new version.

    FILE is a TSV or CSV with a header (.gz too), a pedigree (.ped, .fam, .psam), or GA4GH phenopackets (.json, .jsonl,
    or a folder of them). The last FILE that says something wins, cell by cell; a missing cell says nothing.
    """
    from . import samples as table  # noqa: PLC0415

    table.samples(open_repository(repo), **options)


@click.command()
@repo_argument
@regions_option
@regions_file_option
@samples_option
@samples_file_option
@filters_option
@cohort_options
@output_option
@format_option
def count(repo: str, output: str | None, form: str, **options: Any) -> None:
    """Print allele and genotype counts, one row an ALT allele.

    Regions select records that overlap them, each once.
    """
    from . import counting, show  # noqa: PLC0415

    show.table(counting.count(open_repository(repo), **options), output, form)


@click.command()
@repo_argument
@cohort_options
@test_option
@overlap_option
@click.option("--summary", is_flag=True, help="Print a paragraph that sums the comparison up, in place of the table.")
@regions_option
@regions_file_option
@filters_option
@output_option
@format_option
def compare(repo: str, output: str | None, form: str, summary: bool, **options: Any) -> None:
    """Compare two cohorts, one row an ALT allele.

    Frequencies of both, their difference, odds ratio with its 95 % interval, p-value, corrected by Bonferroni and
    Benjamini-Hochberg; alleles private to one cohort, and fixed differences.
    """
    from . import comparing, show  # noqa: PLC0415

    opened = open_repository(repo)
    table, names = comparing.compare(opened, **options)
    if summary:
        show.text(table.summary(names), output)
    else:
        show.table(table, output, form)


@click.command()
@repo_argument
@cohort_options
@window_option
@window_sites_option
@step_option
@regions_option
@regions_file_option
@filters_option
@output_option
@format_option
def fst(repo: str, output: str | None, form: str, **options: Any) -> None:
    """Measure how far cohorts are apart, one row a window and pair of them.

    Fst of Hudson and of Nei, Patterson's f2, and dxy, of sums over the sites of a window.
    """
    from . import comparing, show  # noqa: PLC0415

    opened = open_repository(repo)
    show.table(comparing.windows(opened, "fst", **options), output, form)


@click.command()
@repo_argument
@cohort_options
@window_option
@window_sites_option
@step_option
@regions_option
@regions_file_option
@filters_option
@output_option
@format_option
def diversity(repo: str, output: str | None, form: str, **options: Any) -> None:
    """Measure nucleotide diversity, one row a window and cohort."""
    from . import comparing, show  # noqa: PLC0415

    opened = open_repository(repo)
    show.table(comparing.windows(opened, "diversity", **options), output, form)


@click.command()
@repo_argument
@click.option(
    "--genes",
    metavar="BED",
    required=True,
    type=click.Path(),
    help="Intervals: contig, start, end (0-based, half-open) and name.",
)
@click.option(
    "--max-frequency",
    metavar="F",
    type=float,
    default=0.01,
    show_default=True,
    help="The largest frequency of a rare allele, in everybody.",
)
@cohort_options
@filters_option
@output_option
@format_option
def burden(repo: str, output: str | None, form: str, **options: Any) -> None:
    """Count rare alleles in genes, one row an interval and cohort.

    With two cohorts or more, each is compared with the others together by Fisher's exact test.
    """
    from . import comparing, show  # noqa: PLC0415

    opened = open_repository(repo)
    show.table(comparing.burden(opened, **options), output, form)


@click.command()
@repo_argument
@regions_option
@regions_file_option
@samples_option
@samples_file_option
@filters_option
@cohort_options
@click.option("--midp", is_flag=True, help="Mid-p of the Hardy-Weinberg test: tables as likely as this one count half.")
@click.option(
    "--per-sample", metavar="FILE", type=click.Path(), help="Write the table of people here too, from the same pass."
)
@click.option("--samples-only", is_flag=True, help="Print the table of people instead of that of sites.")
@output_option
@format_option
def stats(repo: str, **options: Any) -> None:
    """Print statistics of sites, one row an ALT allele: counts, call rate, heterozygosity, Hardy-Weinberg, singletons.

    With --per-sample or --samples-only those of people, one row a sample: calls, transitions and transversions,
    singletons, inbreeding. Options select as those of count do.
    """
    from . import statistics  # noqa: PLC0415

    statistics.stats(open_repository(repo), **options)


@click.command()
@repo_argument
@click.argument("kind", type=click.Choice(["spectrum", "frequencies", "manhattan", "qq"]))
@click.option(
    "-o", "--output", metavar="FILE", required=True, type=click.Path(), help="Picture to write: .png or .svg."
)
@cohort_options
@test_option
@overlap_option
@regions_option
@regions_file_option
@filters_option
def plot(repo: str, kind: str, output: str, **options: Any) -> None:
    """Draw a picture of KIND.

    spectrum: how many alleles are how common, a line a cohort. frequencies: the alleles of one cohort against those of
    another.
    manhattan, qq: p-values of two cohorts compared, along the genome or against those of chance.
    """
    from . import plotting  # noqa: PLC0415

    plotting.plot(open_repository(repo), kind, output, **options)
