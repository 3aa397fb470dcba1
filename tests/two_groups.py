"""Two populations with rare alleles of their own, men and women, and a child of two of them: as VCF and as a table."""

from functools import cache

import numpy as np

RARE, COMMON, ON_X = 3000, 400, 200
EACH = 100


@cache
def calls(seed=7):
    """(sites, people, 2) codes: ``EACH`` of x, ``EACH`` of y, and a child of the first two of x."""
    rng = np.random.default_rng(seed)
    rare = np.where(np.arange(RARE) % 2 == 0, 0.012, 0.0)
    other = np.concatenate([rng.uniform(0.05, 0.6, COMMON), rng.uniform(0.2, 0.5, ON_X)])
    people = []
    for person in range(2 * EACH):
        share = np.concatenate([rare if person < EACH else rare[::-1], other])
        people.append((rng.random((len(share), 2)) < share[:, np.newaxis]).astype(int))
    sites = np.arange(RARE + COMMON + ON_X)
    people.append(np.stack([people[k][sites, rng.integers(0, 2, len(sites))] for k in range(2)], axis=1))
    codes = np.stack(people, axis=1)
    men = np.arange(codes.shape[1]) % 2 == 0
    on_x = np.ix_(np.arange(RARE + COMMON, len(sites)), men)
    codes[on_x] = codes[on_x][..., :1]
    return codes


def names():
    return [f"p{i}" for i in range(2 * EACH + 1)]


def vcf(codes, people=None):
    """The text of some of the people."""
    people = range(codes.shape[1]) if people is None else people
    head = "##fileformat=VCFv4.3\n##contig=<ID=1,length=1000000>\n##contig=<ID=X,length=1000000>\n"
    lines = ["\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split() + [names()[i] for i in people])]
    for site, row in enumerate(codes.tolist()):
        contig = "X" if site >= RARE + COMMON else "1"
        texts = [f"{row[i][0]}|{row[i][1]}" for i in people]
        lines.append("\t".join([contig, str(100 * site + 1), ".", "A", "CG"[site % 2], ".", ".", ".", "GT", *texts]))
    return head + "\n".join(lines) + "\n"


def table():
    """What is known of them: group and sex."""
    rows = [f"{name}\t{'y' if EACH <= i < 2 * EACH else 'x'}\t{'fm'[i % 2 == 0]}\n" for i, name in enumerate(names())]
    return "sample\tgroup\tsex\n" + "".join(
        row.replace("\tm\n", "\tmale\n").replace("\tf\n", "\tfemale\n") for row in rows
    )
