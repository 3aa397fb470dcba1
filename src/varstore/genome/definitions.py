"""What the numbers of a report mean, in a sentence each; docs/personal-genome.md has a section of each title."""

from __future__ import annotations

from dataclasses import dataclass

DOCUMENT = "docs/personal-genome.md"


@dataclass(frozen=True)
class Definition:
    """A term of the report. ``title`` is the heading of its section in ``DOCUMENT``."""

    anchor: str
    title: str
    text: str


DEFINITIONS = (
    Definition(
        "compared",
        "Did the comparison work",
        "An allele of the genome is looked for by what it changes, whatever its spelling. Overlap is the share of the "
        "genome's ALT alleles that somebody in the repository has. It is low where the genome was called in another "
        "way, on another build, or comes from people whom the repository does not have.",
    ),
    Definition(
        "states",
        "Four states",
        "Found: somebody else has the allele. Novel: nobody has it, though people were called at its site. Unseen: the "
        "repository has no record there, and whether people could be called is not known. Not callable: outside what "
        "was covered. Only found and novel are statements about the repository's people.",
    ),
    Definition(
        "rarity",
        "Rarity",
        "Copies of the allele among everybody else in the repository, over all alleles called at its site: none, one, "
        "or a share below 1e-4, 1e-3, 1 %, 5 %, or above. Rare here is rare among the people of this repository.",
    ),
    Definition(
        "hardy",
        "Hardy-Weinberg proportions",
        "How many in 100 people would have the allele as this person has it, if alleles met by chance: 2p(1 - p) "
        "heterozygous, p squared homozygous, p of one copy, of a frequency p among the others. The p value (if it was "
        "asked for) is that of the exact test of the others' genotypes; a tiny one is a sign of faulty calls, or of "
        "groups that differ.",
    ),
    Definition(
        "person",
        "The person as a whole",
        "The same counts for every person of the repository, each compared with all the others. The band holds 90 in "
        "100 of them, the line their range, the tick the median. A percentile is the share of others below, plus half "
        "of those equal. A number stands out beyond three interquartile ranges from the quartiles (Tukey's outer "
        "fences); with fewer than 20 others none does.",
    ),
    Definition(
        "homozygosity",
        "Runs of homozygosity",
        "Stretches of at least a million bases and a hundred sites in which a person has two copies of the same (as "
        "plink 1.9 finds them). F is their share of the bases from the first site to the last of each contig. A file "
        "needs calls at nine tenths of the repository's sites, reference calls among them.",
    ),
    Definition(
        "sex",
        "Sex",
        "Of the ALT alleles on X outside the pseudoautosomal regions somebody with one X has next to none beside "
        "another allele: a share below 0.1 is called male, above 0.25 female. Fewer than 50 alleles say nothing.",
    ),
    Definition(
        "sharing",
        "Shared rare alleles",
        "Each rare allele of the genome is split over the copies that others have of it. A person's weight is the sum "
        "of what they hold, a group's the sum over its people; enrichment is a group's share of the weight over its "
        "share of the people. At least 20 shared alleles are needed to name groups.",
    ),
    Definition(
        "panel",
        "A panel of genes",
        "Rare alleles whose REF overlaps the interval of a gene: those of the genome, and how many people of the "
        "repository carry at least one. Whether an allele does anything is not looked at.",
    ),
    Definition(
        "kinship",
        "Nearest by kinship",
        "KING's robust kinship over common sites spread over the genome, where both have a call. Without such sites or "
        "without reference calls in the file, there is none, and shared rare alleles tell of kin only in part.",
    ),
    Definition(
        "axes",
        "Where it falls",
        "The genome's coordinates on the principal axes that were saved last, and the group of people around it. "
        "Axes of a part of the genome tell of that part.",
    ),
)

LIMITS = (
    "This is a comparison of frequencies. It is no diagnosis, and rarity alone does not make an allele harmful: "
    "everybody carries many rare alleles.",
    "Rare means rare among the people of this repository. If it holds few people of this person's origin, alleles that "
    "are common there will seem rare here.",
    "Novel and unseen alleles are where errors of sequencing and calling gather. Look at the reads before you "
    "believe one.",
    "The people of the repository are not healthy controls unless it says so, and consent, sequencing and calling "
    "differ among them.",
    "Closest groups are those whose members share rare alleles most. They are labels of the repository's table, and "
    "no statement of identity, nationality or ethnicity.",
    "Sharing and kinship from part of a genome (one chromosome, a panel, an exome) tell of that part's history alone.",
)
