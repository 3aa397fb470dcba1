"""Make the golden repository of this format version: tests/golden/repository<N>, with what it answers.

    python tools/make_golden_repository.py

Run once a format version. What is there is never written again: a repository of an old format has to give the same
answers for ever, so a change of the code that makes them others is a bug, and making it anew would hide it.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import varstore as vs
from varstore.storage.manifest import FORMAT_VERSION

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "tests" / "golden" / f"repository{FORMAT_VERSION}"
NUM_SAMPLES = 11
PEOPLE = {"first": slice(9, 15), "second": slice(15, None)}


def sources(folder: Path) -> list[Path]:
    """Two files of other people at the same sites, with every oddity there is."""
    sys.path.insert(0, str(CHECKOUT / "tests"))
    import vcf_text  # noqa: PLC0415

    text = vcf_text.make_vcf(
        4,
        60,
        NUM_SAMPLES,
        ploidy="mixed",
        missing=0.1,
        half_missing=0.1,
        max_alts=4,
        unphased=0.3,
        mixed_phase=0.3,
        extra_format=True,
        no_gt=0.1,
        contigs=("1", "22", "X"),
    )
    lines = [line.split("\t") for line in text.splitlines()]
    made = []
    for name, columns in PEOPLE.items():
        kept = [line if len(line) == 1 else line[:9] + line[columns] for line in lines]
        whole = "".join("\t".join(line) + "\n" for line in kept)
        made.append(vcf_text.write_bgzf(folder / f"{name}.vcf.gz", whole))
    return made


def answers(path: Path) -> dict[str, Any]:
    """What the repository says: by version, a list for each kind of question."""
    found: dict[str, Any] = {}
    for version in (1, 2):
        repo = vs.open(path, version=version)
        people = repo.samples
        genotypes = repo.genotypes()
        found[str(version)] = {
            "samples": people,
            "everybody": table(repo.count_genotypes()),
            "some": table(repo.count_genotypes(samples=people[1:5])),
            "cohorts": table(repo.count_genotypes("22", cohorts={"a": people[:2], "b": people[2:]})),
            "filtered": table(repo.count_alleles("1", filters="PASS")),
            "call_genotype": genotypes.call_genotype.tolist(),
            "call_genotype_phased": genotypes.call_genotype_phased.tolist(),
            "variant_position": genotypes.variant_position.tolist(),
        }
    return found


def table(counts: vs.CountTable) -> list[str]:
    """A table as the command prints it."""
    return list(counts.to_tsv())


def main(folder: Path = FOLDER) -> None:
    if folder.exists():
        raise SystemExit(f"{folder}: the golden repository is there already; it is never made anew")
    folder.mkdir(parents=True)
    first, second = sources(folder)
    repo = vs.create(folder / "repo", first, assembly="GRCh38").add(second)
    if repo.verify() or repo.verify(first) or repo.verify(second) or not np.any(repo.genotypes().call_genotype > 2):
        raise SystemExit(f"{folder}: the repository is not fit to be kept")
    vs.open(folder / "repo", version=1).export(folder / "version1.vcf.gz", "vcf")
    packed = gzip.compress(json.dumps(answers(folder / "repo"), sort_keys=True).encode(), mtime=0)
    (folder / "answers.json.gz").write_bytes(packed)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
