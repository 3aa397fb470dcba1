"""Families made by mating: three populations, 22 chromosomes at 1 cM/Mb, and what every pair truly shares by descent.

``simulate`` gives a ``Simulated``: haplotypes, the pedigree, and the founder haplotype that each allele came from, so
that of every pair the share of the genome that is identical by descent is known, not only the expected one. The same
arguments give the same families. ``calls`` puts missing calls and errors into the genotypes, ``write_vcf`` and
``write_ped`` make files of them.

Chromosomes are those of GRCh38, longer by a tenth: 31.6 Morgans. A family has seventeen people (``_family``): parents,
full and half siblings, grandparents, a great-grandchild, an uncle, cousins, half cousins and a duplicate.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

import vcf_text

# Millions of bases of chromosomes 1 to 22 of GRCh38, and a tenth more.
_MEGABASES = (249, 242, 198, 190, 182, 171, 159, 145, 138, 134, 135, 133, 114, 107, 102, 90, 83, 80, 59, 64, 47, 51)
LENGTHS = {str(n): round(size * 1.1e6) for n, size in enumerate(_MEGABASES, 1)}
X_LENGTH, Y_LENGTH, PAR1_END = 156_040_895, 57_227_415, 2_781_479  # GRCh38; the PAR begins at 10,001
MORGAN = 1e8
POPULATIONS = ("north", "south", "east")
FST = 0.09
MALE, FEMALE = 1, 2
# KING's cut-offs: Manichaikul et al. 2010, Bioinformatics 26:2867; powers of 2 half way between degrees.
DEGREES = ("duplicate", "first", "second", "third", "unrelated")
CUTOFFS = (2**-1.5, 2**-2.5, 2**-3.5, 2**-4.5)
NEAR = 0.015
AUTOSOME, PAR, X, Y = range(4)


@dataclass(frozen=True)
class Simulated:
    """A cohort of families. People are in a random order: children may come before their parents.

    contig : (sites,) object    position : (sites,) int64, 1-based    kind : (sites,) int, AUTOSOME, PAR, X or Y
    haplotypes : (sites, people, 2) int8, the father's copy first; -2: none (a female's Y). A male's X and Y stand twice
    origin : like ``haplotypes``, int32: the founder haplotype that each copy is
    father, mother : (people,) int64, index or -1    sex : (people,) MALE or FEMALE
    family : (people,) int64; people of different families share nothing    population : (people,) object
    duplicate_of : (people,) int64, index or -1
    """

    contig: np.ndarray
    position: np.ndarray
    kind: np.ndarray
    haplotypes: np.ndarray
    origin: np.ndarray
    samples: list
    father: np.ndarray
    mother: np.ndarray
    sex: np.ndarray
    family: np.ndarray
    population: np.ndarray
    duplicate_of: np.ndarray

    def __len__(self):
        return len(self.samples)

    @property
    def autosomes(self):
        """(sites,) whether each is on chromosomes 1 to 22."""
        return self.kind == AUTOSOME

    def shares(self, a, b):
        """Shares of the autosomes at which two people have 0, 1 and 2 copies that are identical by descent."""
        one, other = self.origin[self.autosomes, a], self.origin[self.autosomes, b]
        straight = (one == other).sum(axis=1)
        crossed = (one == other[:, ::-1]).sum(axis=1)
        copies = np.maximum(straight, crossed)
        return tuple(float((copies == k).mean()) for k in range(3))

    @cached_property
    def kinship(self):
        """(people, people) float64: probability that a copy of one and a copy of the other are the same, as it came."""
        out = np.zeros((len(self), len(self)))
        origin = np.ascontiguousarray(self.origin[self.autosomes].transpose(1, 2, 0))
        for family in np.unique(self.family):
            mine = np.flatnonzero(self.family == family)
            for a in mine:
                out[a, mine] = (origin[a, np.newaxis, :, np.newaxis] == origin[mine, np.newaxis]).mean(axis=(1, 2, 3))
        return out

    def pairs(self):
        """(a, b) of all pairs, a before b."""
        return np.triu_indices(len(self), 1)

    def is_parent(self, first, second):
        """(pairs,) whether one of two people, or of those they are duplicates of, is a parent of the other."""
        a, b = (np.where(self.duplicate_of[p] >= 0, self.duplicate_of[p], p) for p in (first, second))
        return (self.father[a] == b) | (self.mother[a] == b) | (self.father[b] == a) | (self.mother[b] == a)

    def degrees(self, first, second):
        """(pairs,) twice: the closest and the furthest of DEGREES that may be said of pairs, as indexes.

        That of what they share, and a neighbour within NEAR of a cut-off; of strangers, unrelated alone.
        """
        shared = self.kinship[first, second]
        near = np.where(shared > 0, NEAR, 0)
        return tuple((value[:, np.newaxis] <= CUTOFFS).sum(axis=1) for value in (shared + near, shared - near))

    def calls(self, missing=0.0, error=0.0, seed=0):
        """(sites, people, 2) int8 as they are called: -1 missing. error : share of calls with one allele wrong"""
        rng = np.random.default_rng((9, seed))
        out = self.haplotypes.copy()
        people = out.shape[:2]
        if error:
            wrong = (rng.random(people) < error) & (out[..., 0] >= 0)
            which = rng.integers(0, 2, people)
            site, person = np.nonzero(wrong)
            out[site, person, which[wrong]] ^= 1
            twice = np.isin(self.kind, (X, Y))[:, np.newaxis] & (self.sex == MALE) & wrong
            out[twice] = 1 - self.haplotypes[twice]
        if missing:
            out[(rng.random(people) < missing)[..., np.newaxis] & (out >= 0)] = -1
        return out

    def vcf(self, calls, *, people=None, haploid=True, separator="|"):
        """The text of a VCF, as bytes.

        people : these, by index; default: all    haploid : a male's X and Y are one allele, else two that are alike
        """
        people = np.arange(len(self)) if people is None else np.asarray(people)
        calls, male = calls[:, people], self.sex[people] == MALE
        digits = np.where(calls < 0, ord("."), ord("0") + calls).astype(np.uint8)
        cells = np.empty((*calls.shape[:2], 4), np.uint8)
        cells[..., 0], cells[..., 1] = ord("\t"), digits[..., 0]
        cells[..., 2], cells[..., 3] = ord(separator), digits[..., 1]
        one = {X: male & haploid, Y: np.full(len(people), haploid)}
        lines = [_header(self, people)]
        for i, (kind, contig, position) in enumerate(
            zip(self.kind.tolist(), self.contig, self.position.tolist(), strict=True)
        ):
            ref, alt = _ALLELES[position % len(_ALLELES)]
            lines.append(f"{contig}\t{position}\t.\t{ref}\t{alt}\t.\tPASS\t.\tGT".encode())
            if kind in (X, Y):
                keep = np.ones((len(people), 4), np.bool_)
                keep[one[kind], 2:] = False
                lines.append(cells[i][keep].tobytes())
            else:
                lines.append(cells[i].tobytes())
            lines.append(b"\n")
        return b"".join(lines)

    def ped(self, father=None, mother=None, sex=None):
        """The text of a pedigree of six columns; arguments say what it claims, by default the truth."""
        father = self.father if father is None else father
        mother = self.mother if mother is None else mother
        sex = self.sex if sex is None else sex
        name = [*self.samples, "0"]
        rows = [
            f"F{self.family[p]}\t{name[p]}\t{name[father[p]]}\t{name[mother[p]]}\t{sex[p]}\t-9\n"
            for p in range(len(self))
        ]
        return "".join(rows)

    def write_vcf(self, path, calls=None, **options):
        """Write a VCF: BGZF where the name ends in .gz; options as of ``vcf``."""
        data = self.vcf(self.haplotypes if calls is None else calls, **options)
        if path.suffix != ".gz":
            path.write_bytes(data)
            return path
        blocks = [vcf_text.bgzf_block(data[i : i + 65280]) for i in range(0, len(data), 65280)]
        path.write_bytes(b"".join(blocks) + vcf_text.BGZF_END)
        return path

    def write_ped(self, path, **claims):
        """Write a pedigree; claims as of ``ped``."""
        path.write_text(self.ped(**claims))
        return path


_ALLELES = ("AG", "CT", "GA", "TC", "AC", "GT", "AT")


def _header(simulated, people):
    lengths = {**LENGTHS, "X": X_LENGTH, "Y": Y_LENGTH}
    used = dict.fromkeys(simulated.contig)
    contigs = "".join(f"##contig=<ID={name},length={lengths[name]}>\n" for name in used)
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split() + [simulated.samples[p] for p in people]
    return ("##fileformat=VCFv4.3\n" + contigs + vcf_text.GT_META + "\t".join(columns) + "\n").encode()


def simulate(seed=1, *, sites=15_000, families=2, strangers=10, populations=3, sex_sites=0, consanguineous=0):
    """Make a cohort.

    sites : on the autosomes, spread evenly by chance    families, strangers : of each population
    sex_sites : on X outside the PAR; a tenth as many more in the PAR and on Y
    consanguineous : families of each population, of six people, in which first cousins have a child
    """
    rng = np.random.default_rng(seed)
    axis = _axis(rng, sites, sex_sites)
    people = _People(rng, axis)
    for population in range(populations):
        for _ in range(families):
            _family(people, population)
        for _ in range(consanguineous):
            _cousins_child(people, population)
        for _ in range(strangers):
            people.begin(population)
            people.founder(rng.integers(1, 3))
    return people.simulated(_founder_alleles(rng, axis, people), rng.permutation(len(people.sex)))


@dataclass(frozen=True)
class _Axis:
    """Sites in order, and where each contig's are. runs : kind and slice of each stretch that is inherited as one"""

    contig: np.ndarray
    position: np.ndarray
    kind: np.ndarray
    runs: list


def _axis(rng, sites, sex_sites):
    total = sum(LENGTHS.values())
    spans = [(name, AUTOSOME, 1, length, round(sites * length / total)) for name, length in LENGTHS.items()]
    if sex_sites:
        few = max(1, sex_sites // 10)
        spans += [("X", PAR, 10_001, PAR1_END, few), ("X", X, PAR1_END + 1, X_LENGTH - 1_000_000, sex_sites)]
        spans += [("Y", Y, PAR1_END + 1, Y_LENGTH - 1_000_000, few)]
    contigs, positions, kinds, runs, begin = [], [], [], [], 0
    for name, kind, first, last, number in spans:
        chosen = np.unique(rng.integers(first, last + 1, number))
        contigs += [name] * len(chosen)
        positions.append(chosen)
        kinds += [kind] * len(chosen)
        runs.append((kind, slice(begin, begin + len(chosen)), last))
        begin += len(chosen)
    return _Axis(np.array(contigs, object), np.concatenate(positions), np.array(kinds), runs)


@dataclass
class _People:
    """People in the order in which they are born. origin : of each, (2, sites) int32"""

    rng: np.random.Generator
    axis: _Axis
    origin: list = field(default_factory=list)
    father: list = field(default_factory=list)
    mother: list = field(default_factory=list)
    sex: list = field(default_factory=list)
    family: list = field(default_factory=list)
    population: list = field(default_factory=list)
    duplicate_of: list = field(default_factory=list)
    founders: list = field(default_factory=list)

    def begin(self, population):
        """Whoever comes now is of a new family."""
        self.now = (self.family[-1] + 1 if self.family else 0, population)

    def _add(self, origin, father, mother, sex, duplicate_of=-1):
        if sex == FEMALE:
            origin[:, self.axis.kind == Y] = -1
        self.origin.append(origin)
        self.father.append(father)
        self.mother.append(mother)
        self.sex.append(int(sex))
        self.family.append(self.now[0])
        self.population.append(self.now[1])
        self.duplicate_of.append(duplicate_of)
        return len(self.sex) - 1

    def founder(self, sex):
        """Somebody of two new haplotypes; a male has one X and Y."""
        first = 2 * len(self.founders)
        self.founders.append(self.now[1])
        origin = np.repeat(np.array([[first], [first + 1]], np.int32), len(self.axis.kind), axis=1)
        if sex == MALE:
            origin[0, np.isin(self.axis.kind, (X, Y))] = first + 1
        return self._add(origin, -1, -1, sex)

    def child(self, father, mother, sex):
        """Somebody with a gamete of each."""
        paternal, maternal = self._gamete(father), self._gamete(mother)
        one_copy = np.isin(self.axis.kind, (X,)) & (sex == MALE)
        paternal[one_copy] = maternal[one_copy]
        on_y = self.axis.kind == Y
        maternal[on_y] = paternal[on_y]
        return self._add(np.stack([paternal, maternal]), father, mother, sex)

    def twin(self, of):
        """The same genome a second time; the pedigree knows no parents of it."""
        return self._add(self.origin[of].copy(), -1, -1, self.sex[of], of)

    def _gamete(self, parent):
        """Crossovers come as a Poisson process, one a Morgan; none where the two copies are one."""
        out = np.empty(len(self.axis.kind), np.int32)
        for _, run, length in self.axis.runs:
            crossovers = np.sort(self.rng.uniform(0, length, self.rng.poisson(length / MORGAN)))
            strand = (self.rng.integers(2) + np.searchsorted(crossovers, self.axis.position[run])) & 1
            out[run] = np.where(strand == 0, self.origin[parent][0, run], self.origin[parent][1, run])
        return out

    def simulated(self, alleles, order):
        """Everybody, put in an order. alleles : (sites, founder haplotypes) int8"""
        place = np.empty(len(order) + 1, np.int64)
        place[order], place[-1] = np.arange(len(order)), -1
        origin = np.ascontiguousarray(np.stack(self.origin)[order].transpose(2, 0, 1))
        flat = origin.reshape(len(origin), -1)
        haplotypes = np.take_along_axis(alleles, np.maximum(flat, 0), axis=1).reshape(origin.shape)
        haplotypes[origin < 0] = -2
        by_order = {
            name: np.array(getattr(self, name))[order] for name in ("father", "mother", "sex", "family", "duplicate_of")
        }
        for name in ("father", "mother", "duplicate_of"):
            by_order[name] = place[by_order[name]]
        population = np.array([POPULATIONS[self.population[p]] for p in order], object)
        names = [f"{population[i][0].upper()}{by_order['family'][i]:03d}-{order[i]}" for i in range(len(order))]
        axis = (self.axis.contig, self.axis.position, self.axis.kind)
        return Simulated(*axis, haplotypes, origin, names, population=population, **by_order)


def _family(people, population):
    """Seventeen people of four generations."""
    people.begin(population)
    grandfather, grandmother, other = people.founder(MALE), people.founder(FEMALE), people.founder(FEMALE)
    son, daughter = people.child(grandfather, grandmother, MALE), people.child(grandfather, grandmother, FEMALE)
    half = people.child(grandfather, other, FEMALE)
    wife, husband, husband2 = people.founder(FEMALE), people.founder(MALE), people.founder(MALE)
    first, second = people.child(son, wife, FEMALE), people.child(son, wife, MALE)
    people.child(husband, daughter, FEMALE)
    people.child(husband2, half, MALE)
    partner = people.founder(MALE)
    people.child(partner, first, MALE)
    people.twin(second)
    people.child(son, wife, FEMALE)


def _cousins_child(people, population):
    """First cousins have a child: a sixteenth of whose genome is expected to be autozygous."""
    people.begin(population)
    grandfather, grandmother = people.founder(MALE), people.founder(FEMALE)
    one, other = people.child(grandfather, grandmother, MALE), people.child(grandfather, grandmother, FEMALE)
    first = people.child(one, people.founder(FEMALE), MALE)
    second = people.child(people.founder(MALE), other, FEMALE)
    people.child(first, second, FEMALE)


def _founder_alleles(rng, axis, people):
    """(sites, founder haplotypes) int8: of populations as Balding and Nichols (1995) make them, about FST apart."""
    ancestral = rng.uniform(0.1, 0.9, len(axis.kind))
    scale = (1 - FST) / FST
    of_population = rng.beta(ancestral * scale, (1 - ancestral) * scale, (len(POPULATIONS), len(axis.kind)))
    population = np.repeat(people.founders, 2)
    return (rng.random((len(population), len(axis.kind))) < of_population[population]).T.astype(np.int8)
