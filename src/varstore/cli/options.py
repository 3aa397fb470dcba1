"""Arguments and options that several commands have."""

from __future__ import annotations

from typing import Any

import click

repo_argument = click.argument("repo", type=click.Path())
inputs_argument = click.argument("inputs", nargs=-1, type=click.Path())
regions_option = click.option(
    "-r",
    "--regions",
    multiple=True,
    callback=lambda ctx, param, texts: ",".join(texts) or None,
    help="Regions, separated by commas or given one by one: contig, contig:pos, contig:start-end; or alleles: "
    "contig:pos REF>ALT.",
)
regions_file_option = click.option(
    "-R", "--regions-file", type=click.Path(), help="File of regions: 1-based, closed; or .bed."
)
samples_option = click.option("-s", "--samples", help="Sample ids, separated by commas; ^ in front: all but these.")
samples_file_option = click.option(
    "-S", "--samples-file", type=click.Path(), help="File of sample ids, one a line; ^ in front: all but these."
)
threads_option = click.option("--threads", type=click.IntRange(1), help="Threads of the import.  [default: all cores]")
fields_option = click.option(
    "--fields",
    metavar="LIST",
    help="INFO and FORMAT fields to keep: INFO/KEY, FORMAT/KEY, INFO, FORMAT, GT (GT only), "
    "separated by commas; ^ in front: all but these.  [default: all]",
)
inline_option = click.option(
    "--max-alleles-inline",
    metavar="N",
    type=click.IntRange(1),
    help="Alleles that the arrays of FORMAT fields have room for; records with more are kept beside them.  "
    "[default: those of 99.9 % of the records]",
)

on_problem_option = click.option(
    "--on-problem",
    type=click.Choice(["warn", "stop"]),
    default="warn",
    show_default=True,
    help="What harmless problems of an input do: list them at the end, or refuse it.",
)

resume_option = click.option(
    "--resume", is_flag=True, help="Go on from an import of the same inputs that was interrupted, if there is one."
)
rename_option = click.option(
    "--rename", metavar="FILE", type=click.Path(), help="File of sample names, old and new, a pair a line."
)

absent_option = click.option(
    "--absent",
    type=click.Choice(["unknown", "reference"]),
    help="What people are at sites where the batch has no record.  [default: unknown; gVCF: reference where its "
    "blocks are sure]",
)
callable_option = click.option(
    "--callable",
    metavar="BED",
    type=click.Path(),
    help="Where they could be called: outside it people are unknown at sites without a record.",
)
table_option = click.option(
    "--samples", metavar="FILE", type=click.Path(), help="What is known of the people, as `varstore samples --set`."
)
min_ref_gq_option = click.option(
    "--min-ref-gq", metavar="N", type=click.IntRange(0), help="Least GQ of a sure reference block.  [default: 20]"
)


filters_option = click.option("-f", "--apply-filters", help="Count records with one of these filters only, like PASS,.")
min_maf_option = click.option(
    "--min-maf", type=click.FloatRange(0, 0.5), help="Sites of at least this minor allele frequency."
)
min_call_rate_option = click.option(
    "--min-call-rate", type=click.FloatRange(0, 1), help="Sites at which this share of people is called."
)
window_option = click.option(
    "--window",
    metavar="BASES",
    help="Windows of so many bases, like 100kb; each: every region, or contig, by itself.  [default: all in one]",
)
window_sites_option = click.option(
    "--window-sites", metavar="N", type=click.IntRange(1), help="Windows of so many sites instead."
)
step_option = click.option(
    "--step", metavar="N", help="From one window to the next, bases or sites.  [default: as large as a window]"
)
test_option = click.option(
    "--test",
    type=click.Choice(["fisher", "chi2", "genotypic", "dominant", "recessive", "trend"]),
    help="Of alleles: Fisher's exact, chi-square; of people: genotypic (2 degrees of freedom), dominant, recessive, "
    "Cochran-Armitage trend.  [default: fisher]",
)
overlap_option = click.option("--allow-overlap", is_flag=True, help="Let people be in both cohorts that are compared.")
output_option = click.option("-o", "--output", type=click.Path(), help="Write here instead of to the screen.")
format_option = click.option(
    "--format", "form", type=click.Choice(["tsv", "json", "arrow"]), default="tsv", show_default=True
)
reference_option = click.option(
    "--reference",
    metavar="FASTA",
    type=click.Path(),
    help="FASTA, plain or bgzip: REF must be its bases, and alleles are matched left-aligned.",
)


def open_repository(repo: str, cache_bytes: int | None = None) -> Any:
    """The repository of an argument; what it needs is imported here, so that help is instant."""
    from .. import repository  # noqa: PLC0415

    return repository.open(repo, cache_bytes=cache_bytes)
