"""The oracle of statistics: said slowly, in fractions, from the papers and docs/statistics.md alone."""

import math
from collections import Counter
from fractions import Fraction
from functools import cache

import reference


@cache
def _factorial(number):
    return math.factorial(number)


def diploid_tables(people, copies):
    """Every (hom, het, rest) of so many people with so many copies of an allele."""
    for het in range(copies % 2, copies + 1, 2):
        hom = (copies - het) // 2
        rest = people - het - hom
        if rest >= 0:
            yield hom, het, rest


def weight(hom, het, rest, hap1=0, hap2=0):
    """Ways to deal genotypes to diploid people and alleles to haploid ones, given the table."""
    diploid = Fraction(_factorial(hom + het + rest) * 2**het, _factorial(hom) * _factorial(het) * _factorial(rest))
    haploid = Fraction(_factorial(hap1 + hap2), _factorial(hap1) * _factorial(hap2))
    return diploid * haploid


def hardy(hom, het, rest, hap1=0, hap2=0, *, midp=False):
    """Exact p value: the probability of every table at most as likely as this one; mid-p halves the equally likely.

    Without haploid people: Wigginton et al. 2005; with them: Graffelman and Weir 2016.
    """
    people, haploids, copies = hom + het + rest, hap1 + hap2, 2 * hom + het + hap1
    if people == 0:
        return math.nan
    seen = weight(hom, het, rest, hap1, hap2)
    total = tail = Fraction(0)
    for theirs in range(max(0, copies - 2 * people), min(haploids, copies) + 1):
        for table in diploid_tables(people, copies - theirs):
            each = weight(*table, theirs, haploids - theirs)
            total += each
            if each <= seen:
                tail += each / 2 if midp and each == seen else each
    return float(tail / total)


STATISTICS = (
    "call_rate", "minor_allele_frequency", "heterozygosity", "expected_heterozygosity", "hwe_p_value", "is_singleton",
)  # fmt: skip


def variant_rows(records, samples=None, cohorts=None, filters=None, *, midp=False):
    """Statistics of every ALT allele, one dict a row; arguments as of ``reference.count_rows``."""
    rows = reference.count_rows(records, samples, cohorts, filters)
    groups = [samples] if cohorts is None else list(cohorts.values())
    at = iter(rows)
    for record in records:
        passed = filters is None or bool(set(filters) & set(record.filters))
        for allele, alt in enumerate(record.alts, start=1):
            if alt in reference.NO_ROW:
                continue
            mine = [next(at) for _ in groups]
            for row, members in zip(mine, groups, strict=True):
                codes = record.codes if members is None else record.codes[list(members)]
                calls = [alleles_of(call) for call in codes.tolist()] if passed else [[]] * len(codes)
                row |= site_statistics(calls, allele, row, midp=midp)
            if len(mine) > 1:
                for row in mine:
                    seen = [other["allele_count"] > 0 for other in mine]
                    row["is_private"] = row["allele_count"] > 0 and sum(seen) == 1
    return rows


def alleles_of(call):
    """The codes of a call that is called; none of one that is not."""
    codes = [code for code in call if code != reference.FILL]
    return codes if codes and min(codes) >= 0 else []


def site_statistics(calls, allele, counts, *, midp):
    """The statistics of one row. ``calls``: codes of everybody, empty where they are not called."""
    frequency = counts["allele_frequency"]
    diploid = Counter(sum(code == allele for code in call) for call in calls if len(call) == 2)
    haploid = Counter(call[0] == allele for call in calls if len(call) == 1)
    several = [call for call in calls if len(call) >= 2]
    table = diploid[2], diploid[1], diploid[0], haploid[True], haploid[False]
    return {
        "call_rate": ratio(sum(map(bool, calls)), len(calls)),
        "minor_allele_frequency": min(frequency, 1 - frequency),
        "heterozygosity": ratio(sum(allele in call and set(call) != {allele} for call in several), len(several)),
        "expected_heterozygosity": 2 * frequency * (1 - frequency),
        "hwe_p_value": hardy(*table, midp=midp) if max(map(len, calls), default=0) <= 2 else math.nan,
        "is_singleton": counts["allele_count"] == 1,
    }


def ratio(part, whole):
    return part / whole if whole else math.nan


NOT_DIPLOID_CONTIGS = {"X", "Y", "MT", "chrX", "chrY", "chrM"}
CHANGES = {frozenset("AG"): "n_transitions", frozenset("CT"): "n_transitions"}


def sample_rows(vcf, samples=None, filters=None, records=None):
    """Statistics of people, one dict each, in the order of the file. ``samples``: indexes, None: everybody."""
    people = range(len(vcf.samples)) if samples is None else sorted(samples)
    rows = [Counter() for _ in people]
    for record in vcf.records if records is None else records:
        passed = filters is None or bool(set(filters) & set(record.filters))
        codes = [
            [c for c in call if c != reference.FILL] if passed else [] for call in record.codes[list(people)].tolist()
        ]
        alleles = Counter(code for call in codes for code in call if code >= 0)
        number = sum(alleles.values())
        expected = 1 - sum(Fraction(count, number) ** 2 for count in alleles.values()) if number else Fraction(0)
        for row, call in zip(rows, codes, strict=True):
            row["n_singletons"] += sum(is_single(record, code, alleles) for code in call)
            add_call(row, record, call if call and min(call) >= 0 else [])
            if len(call) == 2 and min(call) >= 0 and expected and record.contig not in NOT_DIPLOID_CONTIGS:
                row["expected"] += expected
                row["observed"] += call[0] != call[1]
    return [sample_row(vcf.samples[person], row) for person, row in zip(people, rows, strict=True)]


def is_single(record, code, alleles):
    """Whether an allele that has a row is seen once."""
    return code > 0 and alleles[code] == 1 and record.alts[code - 1] not in reference.NO_ROW


def add_call(row, record, call):
    row["records"] += 1
    if not call:
        return
    kind = "n_het" if len(set(call)) > 1 else "n_hom_alt" if call[0] else "n_hom_ref"
    row[kind] += 1
    for code in set(call) - {0}:
        ref, alt = record.ref.upper(), record.alts[code - 1].upper()
        changed = [frozenset(pair) for pair in zip(ref, alt, strict=False) if len(set(pair)) == 2]
        if len(ref) == len(alt) and len(changed) == 1 and changed[0] <= set("ACGT"):
            row[CHANGES.get(changed[0], "n_transversions")] += 1


def sample_row(name, row):
    called = row["n_hom_ref"] + row["n_het"] + row["n_hom_alt"]
    out = {"sample": name, "n_called": called, "n_missing": row["records"] - called}
    out["call_rate"] = ratio(called, row["records"])
    out |= {name: row[name] for name in ("n_hom_ref", "n_het", "n_hom_alt")}
    out["heterozygosity"] = ratio(row["n_het"], called)
    out |= {name: row[name] for name in ("n_transitions", "n_transversions")}
    out["ts_tv"] = ratio(row["n_transitions"], row["n_transversions"])
    out["n_singletons"] = row["n_singletons"]
    out["inbreeding_coefficient"] = float(1 - row["observed"] / row["expected"]) if row["expected"] else math.nan
    return out
