"""Fifty genomes of 22 chromosomes against a repository of their kin: who their kin are, and where they belong.

People of three populations, in families and without kin. Some are taken out, and each is compared, as a file of its
own, with those who stay: a duplicate, parents, children and full siblings are found by the right name, nobody is called
kin of a stranger, and the population is right by rare alleles and by principal axes. All of it rests on what the
simulation knows of descent, not on the code that is tested.
"""

import dataclasses

import numpy as np
import pytest

import pedigrees
import varstore as vs

# Of the people of a family, by birth (``pedigrees._family``): a duplicate, a daughter with a child, a grandchild.
TAKEN = (10, 4, 14)
RARE_SHARE = 0.5
FIRST = ("duplicate/twin", "parent-offspring", "full sibling")


def with_rare_sites(made, seed=1):
    """The same people, with a part of the sites rare: two or three founders of one population have the allele."""
    rng = np.random.default_rng(seed)
    founder_of = np.full(made.origin.max() + 1, "", object)
    for person in np.flatnonzero(made.father < 0):
        founder_of[made.origin[:, person]] = made.population[person]
    haplotypes = made.haplotypes.copy()
    pools = [np.flatnonzero(founder_of == name) for name in pedigrees.POPULATIONS]
    for site in np.flatnonzero(rng.random(len(haplotypes)) < RARE_SHARE).tolist():
        carriers = rng.choice(pools[rng.integers(len(pools))], rng.integers(2, 4), replace=False)
        haplotypes[site] = np.isin(made.origin[site], carriers)
    return dataclasses.replace(made, haplotypes=haplotypes)


def births(made):
    """(people,) place of each in the order of birth, within its family."""
    birth = np.array([int(name.rpartition("-")[2]) for name in made.samples])
    return birth - np.array([birth[made.family == family].min() for family in made.family])


def taken_out(made, number=50):
    """People who leave: some of each family, and people without kin until there are enough."""
    size = np.bincount(made.family)[made.family]
    mine = np.flatnonzero((size > 1) & np.isin(births(made), TAKEN))
    strangers = np.flatnonzero(size == 1)
    return np.sort(np.concatenate([mine, strangers[: number - len(mine)]]))


@pytest.fixture(scope="module")
def fx_fifty(tmp_path_factory):
    """The simulation, who left, and every answer by the name of who left; and a file of them and the repository."""
    folder = tmp_path_factory.mktemp("fifty")
    made = with_rare_sites(pedigrees.simulate(5, sites=20_000, families=2, strangers=40))
    left = taken_out(made)
    stay = np.setdiff1d(np.arange(len(made)), left)
    calls = made.calls(missing=0.01, error=0.001)
    mine = made.write_vcf(folder / "mine.vcf", calls, people=left)
    repo = vs.create(folder / "repo", made.write_vcf(folder / "others.vcf", calls, people=stay))
    rows = "".join(f"{made.samples[p]}\t{made.population[p]}\n" for p in stay)
    (folder / "people.tsv").write_text("sample\tpopulation\n" + rows)
    repo.set_samples(folder / "people.tsv")
    repo.pca(axes=2, save="main")
    found = {}
    for person in left.tolist():
        compared = repo.compare_genome(mine, sample=made.samples[person], by="population", carriers=True)
        found[person] = repo.describe_genome(compared).summary
    return made, stay, found, mine, repo


def test_fifty_left(fx_fifty):
    _, stay, found, *_ = fx_fifty
    assert len(found) == 50
    assert not set(found) & set(stay.tolist())


def truth(made, person, other):
    """What two people are to each other of the first degree and below, or None."""
    if other in (made.duplicate_of[person],) or made.duplicate_of[other] == person:
        return FIRST[0]
    a, b = (made.duplicate_of[p] if made.duplicate_of[p] >= 0 else p for p in (person, other))
    if made.is_parent(np.array([person]), np.array([other]))[0]:
        return FIRST[1]
    same = made.father[a] == made.father[b] >= 0 and made.mother[a] == made.mother[b] >= 0
    return FIRST[2] if same else None


def test_kin_have_the_right_names_and_strangers_none(fx_fifty):
    made, stay, found, *_ = fx_fifty
    number = {name: i for i, name in enumerate(made.samples)}
    seen = dict.fromkeys(FIRST, 0)
    for person, said in found.items():
        people = said["nearest"]["people"]
        assert people, said["nearest"]["reason"]
        label = {number[row["sample"]]: row["label"] for row in people}
        for other in stay.tolist():
            name = truth(made, person, other)
            if name is not None:
                assert label.get(other) == name, (made.samples[person], made.samples[other])
                seen[name] += 1
        for other, name in label.items():
            if made.kinship[person, other] == 0:
                assert name == "unrelated", (made.samples[person], made.samples[other])
            else:
                assert (name in FIRST) == (truth(made, person, other) is not None)
    assert seen["duplicate/twin"] == 6
    assert min(seen.values()) >= 6
    assert seen["parent-offspring"] >= 18


def test_the_population_is_right_for_all(fx_fifty):
    """By rare alleles of each; by the axes none is wrong, and at most two are farther from all than members are."""
    made, _, found, *_ = fx_fifty
    closest = [(said["sharing"]["closest"] or [None])[0] for said in found.values()]
    assert closest == [made.population[person] for person in found]
    falls = {person: said["axes"]["group"] for person, said in found.items()}
    assert all(group in (None, made.population[person]) for person, group in falls.items())
    assert sum(group is None for group in falls.values()) <= 2


def test_regions_narrow_what_the_person_is_like(fx_fifty, tmp_path):
    """Kin and axes too: calls elsewhere are not looked at, and few sites tell nothing. File and sample alike."""
    made, stay, found, mine, repo = fx_fifty
    person = next(iter(found))
    many = [str(n) for n in range(1, 20)]
    (tmp_path / "genes.bed").write_text("".join(f"{name}\t0\t300000000\n" for name in many))
    (tmp_path / "panel.bed").write_text("20\t0\t300000000\telsewhere\n1\t0\t300000000\there\n")
    for who, options in ((mine, {"sample": made.samples[person]}), (made.samples[stay[0]], {})):
        said, few = (
            repo.describe_genome(
                repo.compare_genome(who, by="population", carriers=True, **options, **where),
                panel=tmp_path / "panel.bed",
            ).summary
            for where in ({"regions_file": tmp_path / "genes.bed"}, {"region": "22"})
        )
        assert few["nearest"]["people"] is None
        assert "too few independent sites" in few["nearest"]["reason"]
        assert few["axes"]["coordinates"] is None
        assert "too few of the sites of the axes 'main'" in few["axes"]["reason"]
        assert [row["n_rare"] for row in few["panel"]] == [0, 0] == [row["n_carriers"] for row in few["panel"]]
        assert (said["panel"][0]["n_rare"], said["panel"][0]["num_rare_alleles"]) == (0, 0)
        assert said["panel"][1]["n_rare"] > 0 < said["panel"][1]["n_carriers"]
        whole = repo.describe_genome(repo.compare_genome(who, by="population", carriers=True, **options)).summary
        assert said["nearest"]["num_called"] < whole["nearest"]["num_called"]
        assert {row["n_sites"] for row in said["nearest"]["people"]} < set(range(whole["nearest"]["num_called"]))
        kin, same = ({row["sample"]: row for row in each["nearest"]["people"]} for each in (whole, said))
        for name in [name for name, row in kin.items() if row["label"] in FIRST]:
            assert same[name]["label"] in (*FIRST, None)
            assert same[name]["kinship"] == pytest.approx(kin[name]["kinship"], abs=0.05)
        assert said["axes"]["group"] == whole["axes"]["group"]
