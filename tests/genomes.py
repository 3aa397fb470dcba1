"""Genomes over the autosomes, simulated: common sites far apart, and who is whose parent, as arrays and as VCF."""

from dataclasses import dataclass

import numpy as np

CHROMOSOMES = tuple(map(str, range(1, 23)))
BASES = np.array(list("ACGT"), object)


@dataclass(frozen=True)
class Genomes:
    """Sites in order, and codes (sites, people) int8: copies of ALT, -1 missing."""

    contig: np.ndarray
    position: np.ndarray
    ref: np.ndarray
    alt: np.ndarray
    codes: np.ndarray
    names: list

    def take(self, sites=slice(None), people=slice(None), codes=None):
        names = np.array(self.names, object)[people].tolist()
        codes = (self.codes if codes is None else codes)[sites][:, people]
        return Genomes(self.contig[sites], self.position[sites], self.ref[sites], self.alt[sites], codes, names)


def make_genomes(seed, num_people, num_sites, *, missing=0.0, spacing=1_000_000, names="P"):
    """People without kin, but that the last two are a child of the first two, and the first again."""
    rng = np.random.default_rng(seed)
    contig = np.sort(rng.integers(0, 22, num_sites))
    counts = np.bincount(contig, minlength=22)
    position = np.concatenate([1000 + spacing * np.arange(n) + rng.integers(0, spacing // 2, n) for n in counts])
    ref = rng.integers(0, 4, num_sites)
    alt = (ref + rng.integers(1, 4, num_sites)) % 4
    frequency = rng.uniform(0.1, 0.9, num_sites)
    haplotypes = rng.random((num_sites, num_people, 2)) < frequency[:, None, None]
    chosen = rng.integers(0, 2, (num_sites, 2))
    haplotypes[:, -2, 0] = haplotypes[np.arange(num_sites), 0, chosen[:, 0]]
    haplotypes[:, -2, 1] = haplotypes[np.arange(num_sites), 1, chosen[:, 1]]
    haplotypes[:, -1] = haplotypes[:, 0]
    codes = haplotypes.sum(axis=2).astype(np.int8)
    codes[rng.random(codes.shape) < missing] = -1
    people = [f"{names}{i}" for i in range(num_people)]
    chromosomes = np.array(CHROMOSOMES, object)
    return Genomes(chromosomes[contig], position.astype(np.int64), BASES[ref], BASES[alt], codes, people)


def vcf_of(genomes, prefix=""):
    """The text of a VCF. prefix : in front of the names of contigs"""
    head = ["##fileformat=VCFv4.3", *(f"##contig=<ID={prefix}{name}>" for name in CHROMOSOMES)]
    head.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    head.append("\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split() + list(genomes.names)))
    calls = np.array(["./.", "0/0", "0/1", "1/1"], object)[genomes.codes + 1]
    sites = zip(genomes.contig, genomes.position, genomes.ref, genomes.alt, calls.tolist(), strict=True)
    lines = [f"{prefix}{c}\t{p}\t.\t{r}\t{a}\t.\tPASS\t.\tGT\t" + "\t".join(row) for c, p, r, a, row in sites]
    return "\n".join([*head, *lines]) + "\n"


def king(a, b):
    """KING-robust of two people by codes, and what it is made of: n_sites, ibs0, het_het, kinship."""
    both = (a >= 0) & (b >= 0)
    a, b = a[both].astype(int), b[both].astype(int)
    fewer = min((a == 1).sum(), (b == 1).sum())
    kinship = 0.5 - ((a - b) ** 2).sum() / (4 * fewer) if fewer else np.nan
    return int(both.sum()), int((abs(a - b) == 2).sum()), int(((a == 1) & (b == 1)).sum()), kinship
