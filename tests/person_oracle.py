"""The oracle of whole persons: what everybody carries and whom they share it with, said slowly.

Written from docs/personal-genome.md alone; nothing is shared with the package.
"""

from collections import Counter

import reference

PURINES = ({"A", "G"}, {"C", "T"})
NAMES = ("novel", "singleton", "<1e-4", "<1e-3", "<1%", "<5%", "common")


def rarity(count, number):
    """The class of an allele with so many copies among so many."""
    if count <= 1:
        return NAMES[max(count, 0)]
    share = count / number
    for bound, name in ((1e-4, "<1e-4"), (1e-3, "<1e-3"), (0.01, "<1%"), (0.05, "<5%")):
        if share < bound:
            return name
    return "common"


def change(ref, alt):
    """Whether one base is changed, and how."""
    ref, alt = ref.upper(), alt.upper()
    pairs = [{a, b} for a, b in zip(ref, alt, strict=False) if a != b]
    if len(ref) != len(alt) or len(pairs) != 1 or not pairs[0] <= set("ACGT"):
        return None
    return "n_transitions" if pairs[0] in PURINES else "n_transversions"


def alleles(vcf):
    """(record, code, ALT) of every ALT allele that has a row."""
    for record in vcf.records:
        for code, alt in enumerate(record.alts, start=1):
            if alt not in reference.NO_ROW:
                yield record, code, alt


def counts(record, code):
    """Copies of an allele, and alleles called."""
    flat = record.codes.reshape(-1).tolist()
    return sum(c == code for c in flat), sum(c >= 0 for c in flat)


def tallies(vcf, is_x=lambda record: record.contig == "X"):
    """What each person carries: a Counter each, rarity among all the others."""
    out = [Counter() for _ in vcf.samples]
    for record, code, alt in alleles(vcf):
        count, number = counts(record, code)
        for person, call in enumerate(record.codes.tolist()):
            call = [c for c in call if c != reference.FILL]
            copies = call.count(code)
            if not copies or reference.MISSING in call:
                continue
            mine = out[person]
            mine["n_" + rarity(count - copies, number - len(call))] += 1
            how = "het" if copies < len(call) else "hom_alt" if copies > 1 else "hemi"
            mine["n_" + how] += 1
            mine["n_x_" + how] += is_x(record)
            mine[change(record.ref, alt)] += 1
    return out


def carriers(vcf):
    """(which allele, person, copies) of everybody who has a copy, in the order of the file."""
    for which, (record, code, _) in enumerate(alleles(vcf)):
        for person, call in enumerate(record.codes.tolist()):
            if code in call:
                yield which, person, call.count(code)
