"""Genotypes of people of several populations that have drifted apart, and VCF of them."""

import numpy as np

BASES = np.array(list("ACGT"))


def frequencies(rng, sites, populations, fst):
    """(populations, sites) of ALT: ancestral ones drifted by Balding and Nichols' beta distributions."""
    ancestral = rng.uniform(0.05, 0.95, sites)
    spread = (1 - fst) / fst
    return rng.beta(ancestral * spread, (1 - ancestral) * spread, (populations, sites))


def dosages(rng, frequency, sizes, missing):
    """(sites, people) copies of ALT, -1 missing, populations one after another."""
    out = np.concatenate(
        [rng.binomial(2, p[:, None], (len(p), size)) for p, size in zip(frequency, sizes, strict=True)], axis=1
    ).astype(np.int8)
    out[rng.random(out.shape) < missing] = -1
    return out


def write_vcf(path, dosage, contigs=22, spacing=400_000):
    """VCF of (sites, people) copies of ALT, the sites spread over contigs; returns the path."""
    texts = np.array(["0/0", "0/1", "1/1", "./."])[dosage]
    people = [f"s{i}" for i in range(dosage.shape[1])]
    lines = ["##fileformat=VCFv4.3", '##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">']
    lines += [f"##contig=<ID={i + 1}>" for i in range(contigs)]
    lines.append("\t".join([*"#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split(), *people]))
    each = -(-len(dosage) // contigs)
    for i, calls in enumerate(texts.tolist()):
        contig, row = divmod(i, each)
        site = [
            str(contig + 1),
            str(spacing * (row + 1)),
            ".",
            BASES[i % 4],
            BASES[(i + 1) % 4],
            ".",
            "PASS",
            ".",
            "GT",
        ]
        lines.append("\t".join([*site, *calls]))
    path.write_text("\n".join(lines) + "\n")
    return path
