"""Batches whose joined records ``bcftools merge`` has too, and records said so that spelling does not matter."""

import random

BASES = "ACGT"
FORMAT = ("GT", "GQ", "AD", "PL", "FT")
META = (
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">',
    '##INFO=<ID=KIND,Number=1,Type=String,Description="Kind">',
    '##INFO=<ID=BY,Number=A,Type=Float,Description="By ALT">',
    '##FILTER=<ID=low,Description="Low">',
    '##FILTER=<ID=odd,Description="Odd">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">',
    '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">',
    '##FORMAT=<ID=FT,Number=1,Type=String,Description="Filters">',
)


def make_mergeable(seed, num_batches, num_samples=3, num_sites=25, fields=True, contigs=("21", "22")):
    """Texts of VCFs of different people at sites of one short reference; POS is where the first ALT differs."""
    rng = random.Random(seed)
    sequence = {contig: "".join(rng.choice(BASES) for _ in range(80)) for contig in contigs}
    return [_text(rng, sequence, b, num_samples, num_sites, fields) for b in range(num_batches)]


def _text(rng, sequence, number, num_samples, num_sites, fields):
    lines = ["##fileformat=VCFv4.3", *(f"##contig=<ID={contig},length=80>" for contig in sequence), *META]
    names = [f"b{number}s{i}" for i in range(num_samples)]
    lines.append("\t".join([*"#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split(), *names]))
    for contig in sequence:
        records = [_record(rng, contig, sequence[contig], num_samples, number, fields) for _ in range(num_sites)]
        lines += ["\t".join(map(str, record)) for record in sorted(records, key=lambda record: record[1])]
    return "\n".join(lines) + "\n"


def _record(rng, contig, sequence, num_samples, number, fields):
    pos = rng.randint(1, 40)
    kind = rng.choice(["snv", "snv", "snv", "mnv", "ins", "del", "both", "bare"])
    ref = sequence[pos - 1 : pos - 1 + {"mnv": 2, "del": rng.choice((2, 4)), "both": 3}.get(kind, 1)]
    others = [base for base in BASES if base != ref[0]]
    alts = {
        "snv": rng.sample(others, rng.choice((1, 1, 2))),
        "mnv": [rng.choice(others) + rng.choice([base for base in BASES if base != ref[-1]])],
        "ins": rng.sample([ref + "A", ref + "CC", ref + "GTT"], rng.choice((1, 1, 2))),
        "del": [ref[0]],
        "both": [ref[0], ref[0] + "TT" + ref[1:]],
        "bare": ["."],
    }[kind]
    codes = [".", *map(str, range(1 if kind == "bare" else 1 + len(alts)))]
    size = len(codes) - 1
    calls = []
    for _ in range(num_samples):
        ploidy = rng.choice((2, 2, 2, 1))
        call = [rng.choice("/|").join(rng.choices(codes, [1, *[3] * size], k=ploidy))]
        if fields:
            genotypes = size if ploidy == 1 else size * (size + 1) // 2
            call += [
                rng.choice((".", str(rng.randint(0, 99)))),
                rng.choice((".", ",".join(str(rng.randint(0, 300)) for _ in range(size)))),
                rng.choice((".", ",".join(str(rng.randint(0, 300)) for _ in range(genotypes)))),
                rng.choice((".", "PASS", "low")),
            ]
        calls.append(":".join(call))
    name = rng.choice((".", f"rs{pos}", f"rs{pos}", f"b{number}"))
    quality = rng.choice((".", rng.randint(1, 900) / 8))
    info = f"KIND={kind}" + ("" if kind == "bare" else ";BY=" + ",".join(str(i + number / 4) for i in range(size - 1)))
    filters = rng.choice((".", "PASS", "low", "low;odd"))
    return [
        contig,
        pos,
        name,
        ref,
        ",".join(alts),
        quality,
        filters,
        info,
        ":".join(FORMAT[: 5 if fields else 1]),
        *calls,
    ]


def tangled(texts):
    """(contig, POS) where bcftools 1.16 joins otherwise, by design of ours or by chance of its own.

    A batch with several records there that are not each one SNV or indel: bcftools does not begin to count anew which
    allele most of those left have, and takes a record without ALT if it comes first in the file.
    Different MNVs: bcftools joins one to SNVs only, or where it shares an allele.
    """
    found = set()
    together = {}
    for text in texts:
        there = {}
        for columns in (line.split("\t") for line in text.splitlines() if not line.startswith("#")):
            there.setdefault((columns[0], int(columns[1])), set()).add((columns[3], columns[4]))
        for place, records in there.items():
            together.setdefault(place, set()).update(records)
            simple = len({ref for ref, _ in records}) == 1 and all(alt.isalpha() for _, alt in records)
            if len(records) > 1 and not simple:
                found.add(place)
    for place, records in together.items():
        same_length = [(ref, alt) for ref, alt in records if len(ref) == len(alt.partition(",")[0]) and alt != "."]
        if len(same_length) > 1 and any(len(ref) > 1 for ref, _ in same_length):
            found.add(place)
    return found


def said(text):
    """The records of VCF text, each with its alleles by name in the place of codes, in an order of their own."""
    samples = next(line for line in text.splitlines() if line.startswith("#CHROM")).split("\t")[9:]
    return sorted(
        (_said(line.split("\t"), samples) for line in text.splitlines() if line and not line.startswith("#")), key=repr
    )


def _said(columns, samples):
    contig, pos, name, ref, alts, quality, filters, _, keys = columns[:9]
    alleles = [ref.upper(), *([] if alts == "." else alts.upper().split(","))]
    calls = {}
    for sample, call in zip(samples, columns[9:], strict=True):
        fields = dict(zip(keys.split(":"), call.split(":"), strict=False))
        calls[sample] = sorted(item for key, text in fields.items() for item in _by_allele(key, text, alleles))
    quality = "." if quality == "." else float(quality)
    names = tuple(sorted({*name.split(";")} - {"."}))
    return contig, int(pos), alleles[0], tuple(sorted(alleles[1:])), names, quality, filters, sorted(calls.items())


def _by_allele(key, text, alleles):
    """(key, allele or alleles, value) of what is not missing."""
    if key == "GT":
        named = ["." if c == "." else c if not c.isdigit() else alleles[int(c)] for c in _split(text)]
        if "." in named:
            # bcftools forgets the phase of what is missing; a call that is missing is one, whatever its ploidy.
            named = [text for text in named if text not in "/|"]
        return [] if set(named) <= {"."} else [(key, tuple(named), "")]
    values = text.split(",")
    if set(values) == {"."}:
        return []
    if key == "AD":
        return [(key, alleles[i], value) for i, value in enumerate(values) if value != "."]
    if key == "PL":
        if len(values) == len(alleles):
            pairs = [(allele,) for allele in alleles]
        else:
            pairs = [tuple(sorted((alleles[j], alleles[k]))) for k in range(len(alleles)) for j in range(k + 1)]
        return [(key, pair, value) for pair, value in zip(pairs, values, strict=False) if value != "."]
    return [(key, "", text)]


def _split(call):
    parts = [""]
    for character in call:
        if character in "/|":
            parts += [character, ""]
        else:
            parts[-1] += character
    return parts
