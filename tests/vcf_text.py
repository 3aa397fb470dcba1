"""Awkward but valid VCF text, made from a seed, and writers for it that need no other tool.

``make_vcf`` is reproducible: the same arguments give the same text. ``vcf_texts`` draws such texts
for Hypothesis. ``write_bgzf`` cuts its blocks wherever it is told to, through lines and words.
"""

import gzip
import random
import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import strategies as st

BASES = "ACGT"
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
GT_PLOIDIES = {"haploid": (1,), "diploid": (2,), "mixed": (1, 2), "triploid": (3,)}
META = """\
##fileformat=VCFv4.3
##FILTER=<ID=PASS,Description="All filters passed">
##FILTER=<ID=q10,Description="Quality below 10, or \\"near\\" it">
##FILTER=<ID=s50,Description="Less than 50 % of samples have data">
##source=vcf_text
"""
INFO_META = """\
##INFO=<ID=END,Number=1,Type=Integer,Description="End position">
##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type of structural variant">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Total depth">
##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency, as somebody else counted it">
##INFO=<ID=CIPOS,Number=2,Type=Integer,Description="Confidence interval around POS">
##INFO=<ID=DB,Number=0,Type=Flag,Description="dbSNP membership">
##INFO=<ID=NOTE,Number=.,Type=String,Description="Free words, <escaped> = yes">
"""
GT_META = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
FORMAT_META = """\
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depth of each allele">
##FORMAT=<ID=FT,Number=1,Type=String,Description="Filter of the call">
"""


@dataclass(frozen=True)
class Settings:
    """What a generated file is like. Rates are probabilities between 0 and 1.

    ploidy       ``haploid``, ``diploid``, ``triploid``, or ``mixed``: a record is diploid for all,
                 haploid for half the samples (as X is) or for all, or anything; here and there a
                 missing call is a lone ``.``
    missing      of a call to be missing altogether; ``half_missing``: to lack some of its alleles
    max_alts     the most ALT alleles of a record
    unphased     of a record to have only ``/``; ``mixed_phase``: to choose ``/`` or ``|`` by call
    extra_format further FORMAT fields, the last ones dropped here and there
    no_gt        of a record to have no GT (needs ``extra_format``)
    contigs      names, in the order of the header and of the records; one that is named ``empty``
                 has no record, others by chance
    filters      FILTER texts to choose from
    info         write INFO fields
    odd_alts     also write ``*``, symbolic ALTs with END, ``<NON_REF>``, ``<*>`` and ALT ``.``
    """

    ploidy: str = "diploid"
    missing: float = 0.0
    half_missing: float = 0.0
    max_alts: int = 1
    unphased: float = 0.0
    mixed_phase: float = 0.0
    extra_format: bool = False
    no_gt: float = 0.0
    contigs: tuple[str, ...] = ("22",)
    filters: tuple[str, ...] = ("PASS", "PASS", ".", "q10", "q10;s50")
    info: bool = True
    odd_alts: bool = True


def make_vcf(seed, num_variants, num_samples, **settings):
    """Make the text of a VCF with ``num_variants`` records; ``settings``: fields of Settings."""
    return _Writer(random.Random(seed), num_samples, Settings(**settings)).text(num_variants)


def sample_names(num_samples):
    """Make names with what real ones have: dashes, dots, double colons, no natural order."""
    shapes = ("NA{:05d}", "{}-b", "fam::{}", "S.{}_x")
    return [shapes[i % len(shapes)].format(i * 7919 % 100_003) for i in range(num_samples)]


class _Writer:
    """One run of the generator: the random state and what holds for the whole file."""

    def __init__(self, rng, num_samples, settings):
        self.rng = rng
        self.num_samples = num_samples
        self.settings = settings
        self.one_copy = [rng.random() < 0.5 for _ in range(num_samples)]

    def text(self, num_variants):
        contigs = [name for name in self.settings.contigs if name != "empty"]
        cuts = sorted(self.rng.randint(0, num_variants) for _ in contigs[1:])
        spans = pairwise([0, *cuts, num_variants])
        lines = []
        for contig, (start, stop) in zip(contigs, spans, strict=True):
            lines.extend(self.contig_lines(contig, stop - start))
        return "".join([self.header(), *lines])

    def header(self):
        names = self.settings.contigs
        contigs = "".join(f"##contig=<ID={name},length=50000000>\n" for name in names)
        columns = "#CHROM POS ID REF ALT QUAL FILTER INFO".split()
        if self.num_samples:
            columns += ["FORMAT", *sample_names(self.num_samples)]
        info = INFO_META if self.settings.info or self.settings.odd_alts else ""
        extra = FORMAT_META if self.settings.extra_format else ""
        return META + contigs + info + GT_META + extra + "\t".join(columns) + "\n"

    def contig_lines(self, contig, num_variants):
        pos = self.rng.randint(1, 50)
        previous = None
        for _ in range(num_variants):
            if previous and self.rng.random() < 0.03:
                yield previous
                continue
            previous = self.record(contig, pos)
            yield previous
            pos += self.rng.choice([0, 0, 1, 1, 2, 3, 17, 300, 4000])

    def record(self, contig, pos):
        rng = self.rng
        ref, alts, end = self.alleles(pos)
        fields = [
            contig,
            str(pos),
            rng.choice([".", f"rs{pos}", f"rs{pos};esv{pos % 97}"]),
            ref,
            ",".join(alts) or ".",
            rng.choice([".", "0", "29", "9.6", "3450.64", "100"]),
            rng.choice(self.settings.filters),
            self.info(len(alts), end),
        ]
        if self.num_samples:
            fields += self.calls(len(alts))
        return "\t".join(fields) + "\n"

    def alleles(self, pos):
        """REF, the ALTs (none for ``.``) and an END or None."""
        rng = self.rng
        ref = self.bases(1 if rng.random() < 0.8 else rng.randint(2, 40))
        odd = ["star", "symbolic", "block", "none"] if self.settings.odd_alts else []
        kind = rng.choice(["sequence"] * 8 + odd)
        if kind == "none":
            return ref, [], None
        if kind == "symbolic":
            alt = rng.choice(["<DEL>", "<DUP:TANDEM>", "<CN0>"])
            return ref[:1], [alt], pos + rng.randint(0, 6000)
        alts = []
        for _ in range(rng.choice([1, 1, rng.randint(1, self.settings.max_alts)])):
            alt = self.bases(1 if rng.random() < 0.7 else rng.randint(2, 9))
            if alt.upper() not in {ref.upper(), *(other.upper() for other in alts)}:
                alts.append(alt)
        alts = alts or [ref + "T"]
        if kind == "star" and len(alts) < self.settings.max_alts:
            alts.insert(rng.randint(0, len(alts)), "*")
        if kind == "block":
            alts = [*alts[: self.settings.max_alts - 1], rng.choice(["<NON_REF>", "<*>"])]
        return ref, alts, None

    def bases(self, length):
        word = "".join(self.rng.choice(BASES) for _ in range(length))
        return word.lower() if self.rng.random() < 0.03 else word

    def info(self, num_alts, end):
        rng = self.rng
        fields = [] if end is None else [f"END={end}", "SVTYPE=X"]
        known = [
            f"DP={rng.randint(0, 99999)}",
            f"CIPOS={rng.randint(-60, 0)},{rng.randint(0, 60)}",
            "DB",
            rng.choice(["NOTE=a%3Bb,c|d", "NOTE=END%3D7", "NOTE=."]),
        ]
        if num_alts:
            known.append("AF=" + ",".join(rng.choice(["0", "0.5", "."]) for _ in range(num_alts)))
        if self.settings.info:
            fields += rng.sample(known, rng.randint(0, len(known)))
        return ";".join(fields) or "."

    def calls(self, num_alts):
        """The FORMAT column and the column of every sample."""
        rng, settings = self.rng, self.settings
        keys = ["GT"]
        if settings.extra_format:
            keys = ["GT", *rng.sample(["DP", "GQ", "AD", "FT"], rng.randint(0, 4))]
            if rng.random() < settings.no_gt:
                keys = keys[1:] or ["DP"]
        genotypes = self.genotypes(num_alts) if "GT" in keys else [None] * self.num_samples
        if keys == ["GT"]:
            return ["GT", *genotypes]
        return [":".join(keys), *(self.sample(keys, gt, num_alts) for gt in genotypes)]

    def genotypes(self, num_alts):
        rng, settings = self.rng, self.settings
        frequency = rng.choice([0, 0, 0.001, 0.02, 0.3, 0.7, 0.98, 1]) if num_alts else 0
        draw = rng.random()
        separators = "|"
        if draw < settings.unphased:
            separators = "/"
        elif draw < settings.unphased + settings.mixed_phase:
            separators = "/|"
        ploidies = self.ploidies()
        singleton = rng.randrange(self.num_samples) if num_alts and rng.random() < 0.2 else -1
        for sample in range(self.num_samples):
            codes = [
                str(rng.randint(1, num_alts)) if rng.random() < frequency else "0" for _ in range(ploidies[sample])
            ]
            if sample == singleton:
                codes[rng.randrange(len(codes))] = str(num_alts)
            yield rng.choice(separators).join(self.with_gaps(codes))

    def ploidies(self):
        rng, settings = self.rng, self.settings
        ploidies = GT_PLOIDIES[settings.ploidy]
        if settings.ploidy != "mixed":
            return ploidies * self.num_samples
        kind = rng.choice(["diploid", "sex", "haploid", "any"])
        if kind == "sex":
            return [1 if one_copy else 2 for one_copy in self.one_copy]
        if kind == "any":
            return [rng.choice(ploidies) for _ in range(self.num_samples)]
        return [1 if kind == "haploid" else 2] * self.num_samples

    def with_gaps(self, codes):
        rng, settings = self.rng, self.settings
        draw = rng.random()
        if draw < settings.missing:
            lone = settings.ploidy == "mixed" and rng.random() < 0.3
            return ["."] if lone else ["."] * len(codes)
        if draw < settings.missing + settings.half_missing and len(codes) > 1:
            for place in rng.sample(range(len(codes)), rng.randint(1, len(codes) - 1)):
                codes[place] = "."
        return codes

    def sample(self, keys, gt, num_alts):
        rng = self.rng
        values = []
        for key in keys:
            value = rng.choice([".", str(rng.randint(0, 300))])
            if key == "AD":
                value = ",".join(str(rng.randint(0, 300)) for _ in range(num_alts + 1))
            if key == "FT":
                value = rng.choice([".", "PASS", "q10;s50"])
            values.append(gt if key == "GT" else value)
        kept = len(values) if rng.random() < 0.8 else rng.randint(1, len(values))
        return ":".join(values[:kept])


@st.composite
def vcf_texts(draw, *, max_variants=12, max_samples=7):
    """Draw VCF texts of every kind that ``make_vcf`` knows, from no record and no sample on."""
    rates = st.sampled_from([0.0, 0.1, 0.5, 1.0])
    return make_vcf(
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(0, max_variants)),
        draw(st.integers(0, max_samples)),
        ploidy=draw(st.sampled_from(sorted(GT_PLOIDIES))),
        missing=draw(rates),
        half_missing=draw(rates),
        max_alts=draw(st.integers(1, 6)),
        unphased=draw(rates),
        mixed_phase=draw(rates),
        extra_format=draw(st.booleans()),
        no_gt=draw(st.sampled_from([0.0, 0.3])),
        contigs=draw(st.sampled_from([("22",), ("1", "chrUn_KI270742v1", "HLA-A*01:01:01:01")])),
        info=draw(st.booleans()),
    )


def write_plain(path, text):
    """Write ``text`` as it is."""
    path.write_bytes(text.encode())
    return path


def write_gzip(path, text, members=1):
    """Write ``text`` as plain gzip (no BGZF) of so many members, cut anywhere."""
    data = text.encode()
    step = -(-len(data) // members)
    path.write_bytes(b"".join(gzip.compress(data[i : i + step]) for i in range(0, len(data), step)))
    return path


def write_bgzf(path, text, block_size=3001, *, end=True):
    """Write ``text`` as BGZF, ``block_size`` bytes (at most 65,280) a block, with the end marker.

    Follows the SAM specification, section 4.1. ``end=False`` leaves the marker out, as a copy that
    was cut short would.
    """
    data = text.encode()
    blocks = [bgzf_block(data[i : i + block_size]) for i in range(0, len(data), block_size)]
    path.write_bytes(b"".join(blocks) + (BGZF_END if end else b""))
    return path


def bgzf_block(data):
    """Compress at most 65,280 bytes to one BGZF block."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    extra = struct.pack("<BBHH", ord("B"), ord("C"), 2, len(body) + 25)
    head = struct.pack("<4BI2BH", 31, 139, 8, 4, 0, 0, 255, len(extra))
    return head + extra + body + struct.pack("<II", zlib.crc32(data), len(data))
