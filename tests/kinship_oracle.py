"""Kinship of a pair, call by call, as the definitions say; and files of people with known kin."""

import math

import numpy as np

CALLS = {-1: "./.", 0: "0/0", 1: "0/1", 2: "1/1"}


def pair(a, b):
    """What two people have in common: copies of ALT by site, -1 missing."""
    a, b = np.array(a), np.array(b)
    both = (a >= 0) & (b >= 0)
    a, b = a[both], b[both]
    ibs0, ibs1 = int((abs(a - b) == 2).sum()), int((abs(a - b) == 1).sum())
    het_het = int(((a == 1) & (b == 1)).sum())
    fewer = int(min((a == 1).sum(), (b == 1).sum()))
    return {
        "n_sites": len(a),
        "ibs0": ibs0,
        "ibs1": ibs1,
        "ibs2": len(a) - ibs0 - ibs1,
        "het_het": het_het,
        "kinship": 0.5 - (4 * ibs0 + ibs1) / (4 * fewer) if fewer else math.nan,
        "ibs_distance": (ibs1 + 2 * ibs0) / (2 * len(a)) if len(a) else math.nan,
    }


def vcf(codes, contig, position, names=None):
    """VCF of calls: (sites, people) copies of ALT, -1 missing."""
    names = names or [f"p{i}" for i in range(codes.shape[1])]
    lines = ["##fileformat=VCFv4.3"]
    lines += [f"##contig=<ID={name}>" for name in dict.fromkeys(contig)]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">']
    lines.append("\t".join([*"#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split(), *names]))
    for row, where, at in zip(codes.tolist(), contig, position, strict=True):
        lines.append("\t".join([str(where), str(at), ".", "A", "C", ".", ".", ".", "GT", *(CALLS[c] for c in row)]))
    return "\n".join(lines) + "\n"


class Genome:
    """Sites over 22 chromosomes of together 30 Morgans, and people who come from one another."""

    def __init__(self, seed, sites):
        self.random = np.random.default_rng(seed)
        self.contig = np.sort(self.random.integers(1, 23, sites))
        self.position = self.random.integers(1, 136_000_000, sites)
        order = np.lexsort((self.position, self.contig))
        self.position = self.position[order]
        for chromosome in range(1, 23):  # positions of a chromosome differ
            here = self.contig == chromosome
            self.position[here] = np.unique(
                np.concatenate([self.position[here], np.arange(200_000_000, 200_000_000 + here.sum())])
            )[: here.sum()]
        self.frequency = self.random.uniform(0.08, 0.92, sites)

    def stranger(self):
        return self.random.random((2, len(self.contig))) < self.frequency

    def child(self, father, mother):
        return np.stack([self._gamete(father), self._gamete(mother)])

    def _gamete(self, parent):
        """One of each two, changing where they crossed over: 1 cM a million bases."""
        which = np.zeros(len(self.contig), int)
        for chromosome in range(1, 23):
            here = self.contig == chromosome
            cuts = np.sort(self.random.integers(0, 136_000_000, self.random.poisson(1.36)))
            which[here] = (np.searchsorted(cuts, self.position[here]) + self.random.integers(2)) % 2
        return np.where(which == 0, parent[0], parent[1])

    def text(self, people, missing=0.0, errors=0.0):
        """VCF of people by name, some of whose calls are missing or wrong."""
        codes = np.stack([haplotypes.sum(axis=0) for haplotypes in people.values()], axis=1)
        wrong = self.random.random(codes.shape) < errors
        codes = np.where(wrong, (codes + self.random.integers(1, 3, codes.shape)) % 3, codes)
        codes = np.where(self.random.random(codes.shape) < missing, -1, codes)
        return vcf(codes, [str(c) for c in self.contig.tolist()], self.position.tolist(), list(people))
