"""What absent people are, said slowly: docs/denominators.md in plain Python, sharing nothing with the package.

PAR is given by the tests; positions are 1-based.
"""

from collections import Counter

FILL = -2


def kind_of(contig, position, par):
    """Class of a position. ``par``: closed intervals of X, or None where the build is not known."""
    name = contig.removeprefix("chr")
    if name in {"X", "Y", "MT", "M"}:
        if name == "X" and par and any(first <= position <= last for first, last in par):
            return "PAR"
        return "MT" if name == "M" else name
    return "autosome" if name.isdigit() and 1 <= int(name) <= 22 else "other"


def copies(vcf, sample, contig, position, par, sex):
    """How many copies a person has at a position; None: nobody knows."""
    wanted = kind_of(contig, position, par)
    seen = Counter()
    for record in vcf.records:
        codes = [code for code in record.codes[sample].tolist() if code != FILL]
        if any(code >= 0 for code in codes) and kind_of(record.contig, record.pos, par) == wanted:
            seen[len(codes)] += 1
    if wanted == "X" and not par and len(seen) > 1:
        return None
    ranked = seen.most_common()
    if ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]):
        return ranked[0][0]
    by_sex = {"X": {"female": 2, "male": 1 if par else None}, "Y": {"female": 0, "male": 1}}
    fixed = {"autosome": 2, "PAR": 2, "MT": 1}
    return fixed[wanted] if wanted in fixed else by_sex.get(wanted, {}).get(sex)


def absence(vcf, *, par=None, sexes=None, bed=None):
    """``absent(contig, position)`` of a batch with the policy ``reference``: a call for each sample.

    bed : (contig, start, end) 0-based, half-open, or None
    """
    kept = {}

    def absent(contig, position):
        covered = bed is None or any(name == contig and start < position <= end for name, start, end in bed)
        calls = []
        for sample, name in enumerate(vcf.samples):
            key = sample, contig, kind_of(contig, position, par)
            if key not in kept:
                kept[key] = copies(vcf, sample, contig, position, par, (sexes or {}).get(name, "unknown"))
            calls.append((0,) * kept[key] if covered and kept[key] else (-1,))
        return calls

    return absent
