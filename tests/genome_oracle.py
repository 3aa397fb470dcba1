"""What comparing a genome gives, said slowly: docs/personal-genome.md over the oracles of counts.

``Vcf`` and ``BatchOf`` are of ``reference`` and ``union_oracle``; nothing is shared with the package.
"""

from union_oracle import allele_key, count_of

LIMITS = (("<1e-4", 1e-4), ("<1e-3", 1e-3), ("<1%", 0.01), ("<5%", 0.05))


def carried(vcf, sample):
    """Key, zygosity of each allele that one sample of a file carries, the first where it comes again."""
    found = {}
    for record in vcf.records:
        codes = [code for code in record.codes[sample].tolist() if code != -2]
        for code in dict.fromkeys(code for code in codes if code > 0):
            key = allele_key(record, record.alts[code - 1])
            if key is not None and key not in found:
                hom = all(other == code for other in codes)
                found[key] = ("hemi" if len(codes) == 1 else "hom") if hom else "het"
    return found


def genome_rows(vcf, sample, batches, people, everybody=None):
    """A row of the table by (contig, position, REF, ALT).

    batches : ``BatchOf``    people : for each the numbers of its samples    everybody : who is counted
    """
    rows = {}
    for key, zygosity in carried(vcf, sample).items():
        rows[key[:4]] = {"zygosity": zygosity, **counted_row(batches, people, key, everybody)}
    return rows


def counted_row(batches, people, key, everybody=None):
    """State, rarity and counts of one allele."""
    counted = count_of(batches, people, key, everybody)
    count, number = counted["allele_count"], counted["allele_number"]
    covering = [batch for batch in batches if key[0] in batch.contigs]
    inside = any(batch.covers(key[0], key[1]) or batch.answer(key, 0) for batch in covering)
    return {
        "state": "found" if count else "novel" if number else "unseen" if inside else "not_callable",
        "rarity": rarity(count, number),
        "allele_count": count,
        "allele_number": number,
        "n_hom_alt": counted["n_hom_alt"],
    }


def rarity(count, number):
    if not number:
        return "."
    if count < 2:
        return ("novel", "singleton")[count]
    return next((name for name, limit in LIMITS if count / number < limit), "common")


def table_rows(table):
    """The same of a table that varstore gives."""
    names = ("zygosity", "state", "rarity", "allele_count", "allele_number", "n_hom_alt")
    columns = [table[name].tolist() for name in names]
    sites = zip(*(table[name].tolist() for name in ("contig", "position", "ref", "alt")), strict=True)
    return {
        site: dict(zip(names, row, strict=True)) for site, row in zip(sites, zip(*columns, strict=True), strict=True)
    }
