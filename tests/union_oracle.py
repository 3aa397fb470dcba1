"""The oracle for several batches: docs/semantics.md sections 4 and 5, said slowly.

Batches are ``Vcf`` of ``reference``; nothing is shared with the package.
"""

import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from reference import GENOTYPE_CLASSES, MISSING, NO_ROW, count_row, overlapping, read_vcf

BASES = "ACGT"


@dataclass
class BatchOf:
    """A batch: its file, and what it says where it has no record.

    ``absent(contig, position)`` gives a call for each sample; None: all missing
    ``covers(contig, position)``: whether its covered set holds a position of its contigs
    """

    vcf: object
    absent: object = None
    covers: object = lambda contig, position: True
    keys: dict = field(init=False)
    first: dict = field(init=False)

    def __post_init__(self):
        self.keys, seen = {}, Counter()
        self.first = defaultdict(list)
        for i, record in enumerate(self.vcf.records):
            found = [allele_key(record, alt) for alt in record.alts]
            for key in dict.fromkeys(key for key in found if key is not None):
                self.keys[key, seen[key]] = (i, found.index(key) + 1)
                seen[key] += 1
            if record.alts == (".",):
                self.first[record.contig, record.pos, "bare"].append(i)
            elif found[0] is not None and allele_class(found[0]) != "symbolic":
                self.first[record.contig, found[0][1], allele_class(found[0])].append(i)

    @property
    def contigs(self):
        return {record.contig for record in self.vcf.records}

    def answer(self, key, occurrence):
        """(record, its ALT allele that the row is, 0: none of them), or None."""
        if (key, occurrence) in self.keys:
            return self.keys[key, occurrence]
        if allele_class(key) == "symbolic":
            return None
        for kind in (allele_class(key), "bare"):
            if self.first[key[0], key[1], kind]:
                return self.first[key[0], key[1], kind][0], 0
        return None


def normalise(pos, ref, alt):
    """Trim what REF and ALT have in common, first behind, then in front."""
    ref, alt = ref.upper(), alt.upper()
    while min(len(ref), len(alt)) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while min(len(ref), len(alt)) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos, ref, alt


def allele_key(record, alt):
    """(contig, position, REF, ALT, END); None of an ALT that has no row."""
    if alt in NO_ROW:
        return None
    if alt == "*":
        return record.contig, record.pos, record.ref[0].upper(), "*", 0
    if not alt.isalpha():
        return record.contig, record.pos, record.ref.upper(), alt.upper(), record.pos + record.rlen - 1
    return record.contig, *normalise(record.pos, record.ref, alt), 0


def allele_class(key):
    if not key[3].isalpha():
        return "symbolic"
    return "same length" if len(key[2]) == len(key[3]) else "indel"


def union_rows(batches, people, table, regions=None):
    """Rows of count over ``batches``; ``people``: for each batch the numbers of its samples in the repository."""
    everybody = {number for numbers in people for number in numbers}
    owners = {}
    for b, batch in enumerate(batches):
        for (key, occurrence), (record, allele) in batch.keys.items():
            owners.setdefault((key, occurrence), (b, record, allele))
    order = sorted(
        owners.items(),
        key=lambda item: (table.index(item[0][0][0]), batches[item[1][0]].vcf.records[item[1][1]].pos, *item[1]),
    )
    rows = []
    for (key, occurrence), (b, record, allele) in order:
        spelled = batches[b].vcf.records[record]
        if regions is not None and not overlapping([spelled], regions):
            continue
        row = {"contig": key[0], "position": spelled.pos, "ref": spelled.ref, "alt": spelled.alts[allele - 1]}
        rows.append(row | _count(batches, people, everybody, key, occurrence))
    return rows


def _count(batches, people, everybody, key, occurrence):
    total = dict.fromkeys(("allele_count", "allele_number", *GENOTYPE_CLASSES), 0)
    answered = set()
    for batch, numbers in zip(batches, people, strict=True):
        if key[0] not in batch.contigs:
            continue
        answered |= set(numbers)
        answer = batch.answer(key, occurrence)
        if answer is None:
            calls = None if batch.absent is None else batch.absent(key[0], key[1])
            calls, allele = calls or [(MISSING,)] * len(numbers), 1
        else:
            calls, allele = batch.vcf.records[answer[0]].codes.tolist(), answer[1]
        counted = count_row(Counter(map(tuple, calls)), allele or 99_999)
        for name in total:
            total[name] += counted[name]
    total["n_missing"] += len(everybody - answered)
    number = total["allele_number"]
    return total | {"allele_frequency": total["allele_count"] / number if number else math.nan}


def count_of(batches, people, key, members=None):
    """Counts of one allele, the first of its key, over ``members``: numbers of people; None: everybody."""
    everybody = {number for numbers in people for number in numbers}
    members = everybody if members is None else set(members)
    total = dict.fromkeys(("allele_count", "allele_number", *GENOTYPE_CLASSES), 0)
    for batch, numbers in zip(batches, people, strict=True):
        chosen = [i for i, number in enumerate(numbers) if number in members]
        answer = batch.answer(key, 0) if key[0] in batch.contigs else None
        if answer is not None:
            calls, allele = batch.vcf.records[answer[0]].codes.tolist(), answer[1]
        elif batch.absent is not None and key[0] in batch.contigs:
            calls, allele = batch.absent(key[0], key[1]), 1
        else:
            calls, allele = [(MISSING,)] * len(numbers), 1
        counted = count_row(Counter(tuple(calls[i]) for i in chosen), allele or 99_999)
        for name in total:
            total[name] += counted[name]
    return total


def make_batches(seed, num_batches, num_samples=3, num_sites=14, contigs=("21", "22")):
    """Texts of VCFs of different people at sites of one short reference: many meet, in several spellings."""
    rng = random.Random(seed)
    sequence = {contig: "".join(rng.choice(BASES) for _ in range(60)) for contig in contigs}
    return [_batch_text(rng, sequence, b, num_samples, num_sites) for b in range(num_batches)]


def _batch_text(rng, sequence, number, num_samples, num_sites):
    names = [f"b{number}s{i}" for i in range(num_samples)]
    here = [contig for contig in sequence if rng.random() < 0.85] or [next(iter(sequence))]
    lines = ["##fileformat=VCFv4.3"]
    lines += [f"##contig=<ID={contig}>" for contig in sequence]
    lines += ['##INFO=<ID=END,Number=1,Type=Integer,Description="End">']
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    lines.append("\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split() + names))
    for contig in here:
        records = [_record_text(rng, contig, sequence[contig], num_samples) for _ in range(num_sites)]
        records += rng.sample(records, rng.choice((0, 0, 1)))
        lines += ["\t".join(map(str, record)) for record in sorted(records, key=lambda record: record[1])]
    return "\n".join(lines) + "\n"


def _record_text(rng, contig, sequence, num_samples):
    pos = rng.randint(1, 40)
    ref = sequence[pos - 1 : pos - 1 + rng.choice((1, 1, 1, 2, 3, 14))]
    choices = [ref[:-1] + base for base in BASES] + [ref + "A", ref + "AC", ref + "GATTACAGATTACA", ref[0], ref[:2]]
    choices = [alt for alt in dict.fromkeys(choices) if alt != ref] + ["*", "<DEL>"]
    alts = rng.sample(choices, rng.choice((1, 1, 1, 2, 3)))
    if rng.random() < 0.1:
        alts = ["."]
    elif rng.random() < 0.05:
        alts.append("<NON_REF>")
    codes = [".", *map(str, range(len(alts) + 1 if alts != ["."] else 1))]
    calls = [rng.choice("/|").join(rng.choices(codes, [1, *[3] * (len(codes) - 1)], k=2)) for _ in range(num_samples)]
    info = f"END={pos + rng.choice((5, 9))}" if "<DEL>" in alts else "."
    ref = ref.lower() if rng.random() < 0.1 else ref
    return [contig, pos, ".", ref, ",".join(alts), ".", "PASS", info, "GT", *calls]


def read_batches(texts):
    return [read_vcf(text) for text in texts]
