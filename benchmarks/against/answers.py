"""Answers of the peers, read from their files, and their comparison with ours."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np

Columns = dict[str, np.ndarray]


class StepError(Exception):
    """A command that had to work did not, or an answer differs from a peer's."""


def read_genotypes(repository: Path, vcz: Path) -> tuple[Columns, Columns]:
    """Return the genotypes of the first thousand sites, varstore's and bio2zarr's."""
    import zarr

    import varstore

    theirs: Any = zarr.open(vcz, mode="r")
    position = theirs["variant_position"][:]
    end = np.searchsorted(position, position[:1000][-1], side="right")
    contig = theirs["contig_id"][:][theirs["variant_contig"][0]]
    region = f"{contig}:{position[0]}-{position[end - 1]}"
    ours = varstore.open(repository).genotypes(region)
    name = "call_genotype"
    return {name: np.asarray(ours.call_genotype)}, {name: theirs[name][:end]}


def read_header(vcf: Path) -> list[str]:
    lines: list[str] = []
    with gzip.open(vcf, "rt") as file:
        while not lines or lines[-1].startswith("##"):
            lines.append(file.readline())
    return lines


def read_samples(vcf: Path) -> list[str]:
    return read_header(vcf)[-1].split()[9:]


def read_table(path: Path) -> dict[str, list[str]]:
    """Read a tab-separated table with a header line."""
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))


def read_plink_counts(path: Path) -> Columns:
    """Read an .acount file, one row an ALT allele."""
    table = read_table(path)
    counts = [list(map(int, text.split(","))) for text in table["ALT_CTS"]]
    numbers = [int(text) for text in table["OBS_CT"]]
    return {
        "allele_count": np.concatenate(counts),
        "allele_number": np.repeat(numbers, [len(alts) for alts in counts]),
    }


def read_plink_genotypes(path: Path) -> Columns:
    """Read a .gcount file, one row an ALT allele.

    Genotypes of two ALT alleles come in the order 1/1, 1/2, 2/2, 1/3 ...
    """
    table = read_table(path)
    names = ["HOM_REF_CT", "HET_REF_ALT_CTS", "TWO_ALT_GENO_CTS", "MISSING_CT"]
    rows = []
    for texts in zip(*(table[name] for name in names), strict=True):
        (hom_ref,), with_ref, pairs, (missing,) = (list(map(int, t.split(","))) for t in texts)
        alts = range(len(with_ref))
        both = np.zeros((len(alts), len(alts)), dtype=np.int64)
        both[tuple(zip(*((low, high) for high in alts for low in range(high + 1)), strict=True))] = pairs
        hom_alt = both.diagonal()
        het = with_ref + both.sum(axis=0) + both.sum(axis=1) - 2 * hom_alt
        rows += [(hom_ref, het[alt], hom_alt[alt], missing) for alt in alts]
    columns = np.array(rows).T
    return dict(zip(["n_hom_ref", "n_het", "n_hom_alt", "n_missing"], columns, strict=True))


def check_equal(ours: Columns, theirs: Columns) -> str:
    """Raise StepError unless both have the same columns with the same values."""
    for name, expected in theirs.items():
        if ours[name].shape != expected.shape:
            raise StepError(f"{name}: shape {ours[name].shape}, the peer's is {expected.shape}")
        differ = np.flatnonzero((ours[name] != expected).reshape(len(expected), -1).any(axis=1))
        if differ.size:
            row = differ[0]
            raise StepError(
                f"{name}: {differ.size} of {len(expected)} rows differ from the peer's; "
                f"row {row} has {ours[name][row]}, the peer {expected[row]}"
            )
    return "equal"
