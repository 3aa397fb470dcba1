"""Cut a VCF with GT alone into batches of disjoint people, each with the sites that vary among its own.

    python tools/cut_batches.py cohort.vcf.gz FOLDER --batches 32

writes ``FOLDER/00.vcf.gz`` and so on, gzip. Records keep all their ALTs.
"""

import argparse
import gzip
import re
from itertools import pairwise
from pathlib import Path

CARRIER = re.compile(rb"(?:^|[\t|/])[1-9]")


def cut_batches(source: Path, folder: Path, num_batches: int) -> list[Path]:
    """Write the batches; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:02d}.vcf.gz" for i in range(num_batches)]
    files = [gzip.open(path, "wb", compresslevel=1) for path in paths]
    bounds: list[tuple[int, int]] = []
    with gzip.open(source, "rb") as lines:
        for line in lines:
            if line.startswith(b"##"):
                for file in files:
                    file.write(line)
                continue
            columns = line.rstrip(b"\n").split(b"\t")
            if not bounds:
                people = len(columns) - 9
                cuts = [9 + people * i // num_batches for i in range(num_batches + 1)]
                bounds = list(pairwise(cuts))
            site = b"\t".join(columns[:9])
            for file, (begin, end) in zip(files, bounds, strict=True):
                calls = b"\t".join(columns[begin:end])
                if columns[0] == b"#CHROM" or CARRIER.search(calls):
                    file.write(site + b"\t" + calls + b"\n")
    for file in files:
        file.close()
    return paths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--batches", type=int, default=10)
    options = parser.parse_args()
    cut_batches(options.source, options.folder, options.batches)
