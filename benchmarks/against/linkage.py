"""Sites thinned by linkage, and runs of homozygosity."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from against.answers import StepError
from against.bench import Bench, in_child, peak_memory
from against.data import Dataset
from against.figures import Figure, Row

WINDOW, STEP, R2 = 50, 5, 0.2


def prune_rows(bench: Bench, data: Dataset) -> Iterator[Row]:
    """Thin sites of two alleles, all of them and those of a minor allele frequency of 1 % and more."""
    for what, min_maf in (("all sites", 0.0), ("MAF of 1 % and more", 0.01)):
        ours, kept = in_child(time_prune, bench.repository(data), min_maf, bench.warm_runs)
        limits = ["--maf", str(min_maf)] if min_maf else ["--mac", "1"]
        names = ["--set-all-var-ids", "@:#:$r:$a", "--new-id-max-allele-len", "500"]
        command = ["--max-alleles", "2", *limits, *names, "--indep-pairwise", str(WINDOW), str(STEP), str(R2)]
        theirs = bench.query_plink2(data, *command)
        answers = "" if isinstance(theirs, str) else check_kept(kept, bench.path(f"{data.name}.answer.prune.in"))
        yield Row(f"LD pruning, {what}", data, ours, "plink2", theirs, answers)


def time_prune(repository: Path, min_maf: float, runs: int) -> tuple[Figure, list[str]]:
    """Open a repository, thin its sites once for nothing and then ``runs`` times."""
    import varstore
    from varstore.relatedness.pruning import Pruning

    repo = varstore.open(repository)
    seconds, table = [], Any
    for _ in range(1 + runs):
        start = perf_counter()
        table = repo.prune(Pruning(WINDOW, STEP, R2), min_maf=min_maf)
        seconds.append(perf_counter() - start)
    columns = (table[name].tolist() for name in ("contig", "position", "ref", "alt"))
    kept = [":".join(map(str, row)) for row in zip(*columns, strict=True)]
    return Figure(median(seconds[1:]), "s", "warm", peak_memory()), kept


def check_kept(ours: list[str], theirs: Path) -> str:
    """Raise StepError unless the peer keeps the same sites."""
    expected = theirs.read_text().split()
    if sorted(ours) != sorted(expected):
        differ = len(set(ours) ^ set(expected))
        raise StepError(f"{len(ours)} sites stay, {len(expected)} of the peer's; {differ} differ")
    return "equal"
