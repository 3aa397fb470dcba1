"""Measure varstore against its peers: same data, same machine, same run, warm, medians.

    python benchmarks/peers.py --full -o docs/benchmarks-table.md

Simulated cohorts come from tools/simulate.py and are kept in ``--data``, and so are the peers' own
files where only their size is wanted. A peer that is not installed is named in its row. Every
answer that a peer can give too is compared: one that differs, like any step that fails, makes the
exit status 1. Timings never do.

"process" is a whole process from start to end, interpreter and imports included; "warm" is one
call in a process that has the repository open and has made the same call before. Before anything
is timed, input files have been read once and varstore's numba cache is filled.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from against import (
    comparing,
    fields,
    genomes,
    growing,
    hardy,
    imports,
    kinship,
    linkage,
    nearest,
    queries,
    sizes,
    structure,
)
from against.bench import Bench
from against.data import (
    FIELDS,
    FIVE_FIELDS,
    GENOME,
    LOOKUP,
    MERGE,
    MISSING10K,
    QUICK,
    QUICK_FIELDS,
    QUICK_FIVE_FIELDS,
    QUICK_GENOME,
    QUICK_LOOKUP,
    QUICK_MISSING,
    QUICK_SKETCH,
    QUICK_X2,
    REAL,
    REAL_VCF,
    REAL_X66,
    ROOT,
    SIM10K,
    SIM100K,
    SKETCH,
    Dataset,
)
from against.figures import Row
from against.table import describe_machine, markdown


class Task(NamedTuple):
    """A name for ``--only``, what measures it, on what, and on what with ``--quick``."""

    name: str
    measure: Callable[[Bench, Dataset], Iterator[Row]]
    data: tuple[Dataset, ...]
    quick: Dataset = QUICK


TASKS = [
    Task("import", imports.import_rows, (SIM10K, SIM100K, REAL)),
    Task("import-bio2zarr", imports.import_bio2zarr_rows, (SIM10K, REAL)),
    Task("import-bcf", imports.import_bcf_rows, (SIM10K, SIM100K)),
    Task("import-fields", fields.import_fields_rows, (FIELDS,), QUICK_FIELDS),
    Task("import-fields-gt", fields.import_gt_rows, (FIELDS,), QUICK_FIELDS),
    Task("import-1kg-x66", imports.import_repeated_rows, (REAL_X66,), QUICK_X2),
    Task("two-cores", imports.two_cores_rows, (SIM10K, FIELDS)),
    Task("memory", imports.memory_rows, (SIM100K,)),
    Task("memory-fields", fields.memory_rows, (FIVE_FIELDS,), QUICK_FIVE_FIELDS),
    Task("counts", queries.counts_rows, (SIM10K, SIM100K, REAL)),
    Task("region", queries.region_rows, (SIM10K, SIM100K, REAL)),
    Task("genotype-counts", queries.genotype_rows, (SIM10K, SIM100K, REAL)),
    Task("cohorts", queries.cohorts_rows, (SIM10K, SIM100K, REAL)),
    Task("one-allele", queries.one_allele_rows, (SIM10K, SIM100K, REAL)),
    Task("fst", comparing.fst_rows, (SIM10K, REAL)),
    Task("fisher", comparing.fisher_rows, (SIM10K, REAL)),
    Task("hardy", hardy.hardy_rows, (SIM10K, REAL)),
    Task("kinship", kinship.kinship_rows, (SIM10K,)),
    Task("kinship-missing", kinship.kinship_rows, (MISSING10K,), QUICK_MISSING),
    Task("prune", linkage.prune_rows, (SIM10K,)),
    Task("pca", structure.pca_rows, (SIM10K,)),
    Task("pca-all", structure.pca_all_rows, (SIM10K,)),
    Task("size", sizes.size_rows, (SIM10K, SIM100K, REAL)),
    Task("size-fields", fields.size_rows, (FIELDS,), QUICK_FIELDS),
    Task("add", growing.add_rows, (SIM10K,)),
    Task("batches", growing.batches_rows, (SIM10K,)),
    Task("lookup", growing.lookup_rows, (LOOKUP,), QUICK_LOOKUP),
    Task("genome", genomes.genome_rows, (GENOME,), QUICK_GENOME),
    Task("merge", growing.merge_rows, (MERGE,)),
    Task("sketch", nearest.sketch_rows, (SKETCH,), QUICK_SKETCH),
    Task("cold-start", queries.cold_start_rows, (REAL,)),
]


def measure(bench: Bench, tasks: Sequence[Task]) -> tuple[list[Row], list[str]]:
    """Return the rows of the tasks, and what failed."""
    rows: list[Row] = []
    failures = []
    for task in tasks:
        for data in task.data:
            click.echo(f"{task.name}, {data}", err=True)
            try:
                rows += task.measure(bench, data)
            except Exception as error:
                failures.append(f"{task.name}, {data}: {type(error).__name__}: {error}")
                click.echo(failures[-1], err=True)
    return rows, failures


def choose_tasks(quick: bool, full: bool, only: Sequence[str]) -> list[Task]:
    """Return the tasks with the data to run them on."""
    left_out = set() if full else {SIM100K}
    if not REAL_VCF.exists():
        click.echo(f"{REAL}: left out, there is no {REAL_VCF}", err=True)
        left_out |= {REAL, REAL_X66}
    chosen = [task for task in TASKS if not only or task.name in only]
    if quick:
        return [task._replace(data=(task.quick,)) for task in chosen]
    return [task._replace(data=tuple(d for d in task.data if d not in left_out)) for task in chosen]


@click.command(help=__doc__.splitlines()[0])
@click.option("--quick", is_flag=True, help="Small data, everything once: checks, no figures.")
@click.option("--full", is_flag=True, help="With 100,000 people: hours the first time.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "benchmarks/data",
    help="Where simulated data and results are kept.",
)
@click.option("--only", multiple=True, type=click.Choice([task.name for task in TASKS]))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
def main(quick: bool, full: bool, data: Path, only: Sequence[str], output: Path | None) -> None:
    data.mkdir(parents=True, exist_ok=True)
    bench = Bench(data.resolve(), *((1, 3) if quick else (3, 15)))
    rows, failures = measure(bench, choose_tasks(quick, full, only))
    text = f"{describe_machine()}\n\n{markdown(rows)}"
    text += "".join(f"\nFailed: {failure}\n" for failure in failures)
    click.echo(text)
    if output is not None:
        output.write_text(text)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
