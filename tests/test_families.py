"""Unrelated people, families and checks of pedigrees, on families made by mating with wrongs planted in the table."""

import numpy as np
import pytest

import pedigrees
import varstore as vs
from pedigrees import FEMALE, MALE
from varstore.errors import DenominatorWarning, TooFewSitesError
from varstore.relatedness.families import unrelated_people
from varstore.relatedness.graph import Pairs
from varstore.relatedness.stated import Stated, stated_kinship
from varstore.repository import Repository


@pytest.fixture(scope="module")
def fx_families():
    return pedigrees.simulate(3, sites=9000, families=1, strangers=3, sex_sites=400)


@pytest.fixture(scope="module")
def fx_repo(fx_families, tmp_path_factory):
    """A repository of the families with a true pedigree, some calls missing, some wrong."""
    return made(fx_families, tmp_path_factory.mktemp("families"))


def made(families, folder, haploid=True, missing=0.02, table=None, **claims):
    calls = families.calls(missing, 0.002)
    source = families.write_vcf(folder / "families.vcf", calls, haploid=haploid)
    table = families.write_ped(folder / "families.ped", **claims) if table is None else table
    return vs.create(folder / "repo", source, samples=table, assembly="GRCh38")


def rows(table):
    return list(zip(*(table[name].tolist() for name in table.columns), strict=True))


def problems(report, *kinds):
    return [row[:5] for row in rows(report.problems) if row[0] in kinds]


def test_no_two_of_the_unrelated_share_descent_and_nobody_could_be_added(fx_families, fx_repo):
    chosen = fx_repo.unrelated()
    related = fx_families.kinship > 0.06
    numbers = chosen.numbers
    assert not related[np.ix_(numbers, numbers)][~np.eye(len(numbers), dtype=bool)].any()
    others = np.setdiff1d(np.arange(len(fx_families)), numbers)
    assert (fx_families.kinship[np.ix_(others, numbers)] > 0.03).any(axis=1).all()
    # Of each family 7 founders and no descendant are unrelated, and all strangers.
    assert len(chosen) >= 3 * (7 + 3)
    assert fx_repo.unrelated().samples == chosen.samples
    assert fx_repo.count_alleles("1", cohort=chosen)["allele_number"].max() == 2 * len(chosen)


def test_of_duplicates_the_one_with_more_calls_is_taken(fx_families, tmp_path):
    twins = np.flatnonzero(fx_families.duplicate_of >= 0)
    pair = np.array([twins[0], fx_families.duplicate_of[twins[0]]])
    for fewer, more in (pair, pair[::-1]):
        calls = fx_families.calls(missing=0.05)
        calls[:900, fewer] = -1
        folder = tmp_path / str(fewer)
        folder.mkdir()
        repo = vs.create(folder / "repo", fx_families.write_vcf(folder / "a.vcf", calls))
        chosen = unrelated_people(
            repo, np.arange(len(fx_families)), Pairs(len(fx_families), pair[:1], pair[1:], np.array([0.5]))
        )
        assert np.setdiff1d(np.arange(len(fx_families)), chosen).tolist() == [fewer]
        assert more in chosen


def test_a_cohort_of_one_a_pair_or_a_family(fx_families, fx_repo):
    twin = int(np.flatnonzero(fx_families.duplicate_of >= 0)[0])
    names = [fx_families.samples[p] for p in (twin, fx_families.duplicate_of[twin])]
    assert fx_repo.unrelated(samples=names[:1]).samples == names[:1]
    assert len(fx_repo.families(samples=names[:1])) == 0
    alone = fx_repo.check_pedigree(samples=names[:1])
    assert len(alone.people) == 1
    assert len(alone.problems) == len(alone.trios) == len(alone.sites) == 0
    family = [fx_families.samples[p] for p in np.flatnonzero(fx_families.family == 0)]
    assert 0 < len(fx_repo.unrelated(samples=family)) <= 8
    assert set(fx_repo.families(samples=family)["family"]) == {1}


def test_families_are_found(fx_families, fx_repo):
    table = fx_repo.families()
    family = dict(zip(table["sample"], table["family"], strict=True))
    inside = {(number, fx_families.family[fx_families.samples.index(name)]) for name, number in family.items()}
    assert len(inside) == len(set(family.values())) == 3
    assert len(family) == 3 * 17
    assert set(table["family_size"]) == {17}
    assert list(table["family"]) == sorted(table["family"])
    number = {name: i for i, name in enumerate(fx_families.samples)}
    for row in rows(table):
        me, closest = number[row[0]], number[row[4]]
        assert fx_families.kinship[me, closest] > np.delete(fx_families.kinship[me], me).max() - 0.06
        assert (row[5] == "duplicate/twin") == (
            closest == fx_families.duplicate_of[me] or me == fx_families.duplicate_of[closest]
        )
    assert table["n_relatives"].min() >= 1


def test_a_true_pedigree_has_no_problems_but_the_duplicates(fx_families, fx_repo):
    report = fx_repo.check_pedigree()
    assert report.kinship_refused is None
    assert {row[0] for row in rows(report.problems)} == {"duplicate"}
    twins = np.flatnonzero(fx_families.duplicate_of >= 0)
    expected = {frozenset((fx_families.samples[p], fx_families.samples[fx_families.duplicate_of[p]])) for p in twins}
    assert {frozenset(row[1:3]) for row in rows(report.problems)} == expected
    assert report.trios["child"].tolist() == [
        name for name, father in zip(fx_families.samples, fx_families.father, strict=True) if father >= 0
    ]
    assert report.trios["error_rate"].max() < 0.01


def test_planted_wrongs_are_named(fx_families, tmp_path):
    name = fx_families.samples
    father, mother, sex = fx_families.father.copy(), fx_families.mother.copy(), fx_families.sex.copy()
    children = np.setdiff1d(np.flatnonzero(father >= 0), fx_families.duplicate_of)
    a, b = (int(children[fx_families.family[children] == family][0]) for family in (0, 4))
    for column in (father, mother):
        column[[a, b]] = column[[b, a]]
    wrong_sex = int(np.flatnonzero((fx_families.father < 0) & (fx_families.family == 8))[0])
    sex[wrong_sex] = MALE + FEMALE - sex[wrong_sex]
    not_stated = int(children[fx_families.family[children] == 8][-1])
    told = name[father[not_stated]]
    father[not_stated] = -1
    report = made(fx_families, tmp_path, father=father, mother=mother, sex=sex).check_pedigree()
    expected = [(child, parent) for child in (a, b) for parent in (father[child], mother[child])]
    assert {row[1:3] for row in problems(report, "parent")} == {(name[c], name[p]) for c, p in expected}
    assert {row[4] for row in problems(report, "parent")} == {"unrelated"}
    assert {row[1:3] for row in problems(report, "swapped")} == {(name[a], name[b]), (name[b], name[a])}
    assert problems(report, "sex") == [
        ("sex", name[wrong_sex], ".", *[["male", "female"], ["female", "male"]][sex[wrong_sex] - 1])
    ]
    unstated = {frozenset(row[1:3]) for row in problems(report, "unstated") if row[4] == "parent-offspring"}
    assert frozenset((name[not_stated], told)) in unstated
    # The true parents of those who were swapped.
    assert {frozenset((name[c], name[p])) for c, p in [(a, father[b]), (a, mother[b]), (b, father[a])]} <= unstated
    errors = dict(zip(report.trios["child"], report.trios["error_rate"], strict=True))
    assert min(errors[name[a]], errors[name[b]]) > 0.1 > 0.01 > np.median(list(errors.values()))
    # What follows from a denied parent is not told again.
    assert set(report.problems["problem"]) == {"sex", "parent_sex", "parent", "swapped", "duplicate", "unstated"}


@pytest.mark.parametrize("haploid", [True, False])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_sex_by_calls(fx_families, haploid, missing, tmp_path):
    repo = made(fx_families, tmp_path, haploid=haploid, missing=missing)
    people = repo.check_pedigree().people
    words = np.array(["", "male", "female"], object)[fx_families.sex]
    np.testing.assert_array_equal(people["sex_found"], words)
    np.testing.assert_array_equal(people["sex"], words)
    male = fx_families.sex == MALE
    assert people["x_inbreeding"][male].min() > 0.98
    assert people["x_inbreeding"][~male].max() < 0.3
    assert (people["n_y"][~male] == 0).all()
    assert people["y_call_rate"][male].min() > 0.5
    calls = fx_families.calls(missing, 0.002)[fx_families.kind == pedigrees.X]
    np.testing.assert_array_equal(people["n_x"], (calls[..., 0] >= 0).sum(axis=0))
    np.testing.assert_array_equal(people["n_x_het"], (calls[..., 0] != calls[..., 1]).sum(axis=0))


def test_the_par_does_not_count_and_few_sites_say_nothing(tmp_path):
    few = pedigrees.simulate(4, sites=400, families=1, strangers=1, sex_sites=60)
    repo = made(few, tmp_path)
    people = repo.check_pedigree().people
    assert set(people["sex_found"]) == {"unknown"}
    assert np.isnan(people["x_inbreeding"]).all()
    assert people["n_y"].max() > 0
    assert people["n_x"].max() == (few.kind == pedigrees.X).sum()


def test_x_and_y_that_disagree(fx_families, tmp_path):
    """Somebody with the X of a female and calls on Y is of no sex that was found."""
    calls = fx_families.calls()
    lady = int(np.flatnonzero(fx_families.sex == FEMALE)[0])
    lad = int(np.flatnonzero(fx_families.sex == MALE)[0])
    calls[fx_families.kind == pedigrees.Y, lady] = calls[fx_families.kind == pedigrees.Y, lad]
    calls[fx_families.kind == pedigrees.Y, lad] = -1
    source = fx_families.write_vcf(tmp_path / "a.vcf", calls, haploid=False)
    repo = vs.create(tmp_path / "repo", source, samples=fx_families.write_ped(tmp_path / "a.ped"), assembly="GRCh38")
    report = repo.check_pedigree()
    assert [row[1:] for row in problems(report, "sex_chromosomes")] == sorted(
        [
            (fx_families.samples[lady], ".", "female", "female by X, male by Y"),
            (fx_families.samples[lad], ".", "male", "male by X, female by Y"),
        ],
        key=lambda row: fx_families.samples.index(row[0]),
    )
    assert not problems(report, "sex")


def test_where_kinship_is_refused_parents_are_judged_by_errors(fx_families, tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise TooFewSitesError("too few independent sites (1; needs 2)")

    monkeypatch.setattr(Repository, "kinship", refuse)
    father = fx_families.father.copy()
    child = int(np.flatnonzero(father >= 0)[0])
    father[child] = int(
        np.flatnonzero((fx_families.sex == MALE) & (fx_families.family != fx_families.family[child]))[0]
    )
    report = made(fx_families, tmp_path, father=father).check_pedigree()
    assert report.kinship_refused == "too few independent sites (1; needs 2)"
    names = fx_families.samples
    assert [row[1:] for row in problems(report, "parent")] == [
        (names[child], names[father[child]], "parent-offspring", "no parent and child")
    ]
    assert len(report.problems) == 1


def test_the_table_itself(fx_families, tmp_path):
    """Somebody who is his own grandfather, a mother who is male, parents nobody has, and one person's two samples."""
    names = fx_families.samples
    twin = int(np.flatnonzero(fx_families.duplicate_of >= 0)[0])
    other = int(fx_families.duplicate_of[twin])
    stranger = int(np.flatnonzero(fx_families.father < 0)[0])
    father = {names[p]: names[fx_families.father[p]] for p in range(len(names)) if fx_families.father[p] >= 0}
    mother = {names[p]: names[fx_families.mother[p]] for p in range(len(names)) if fx_families.mother[p] >= 0}
    old = next(
        p for p in range(len(names)) if fx_families.father[p] < 0 and any(father.get(q) == names[p] for q in father)
    )
    young = next(q for q in father if father[q] == names[old])
    father[names[old]] = young
    mother[names[stranger]] = "nobody"
    person = {names[p]: names[p] for p in range(len(names))} | {names[twin]: names[other]}
    alone = [
        p
        for p in range(len(names))
        if fx_families.father[p] < 0 and names[p] not in {*father.values(), *mother.values()}
    ]
    person[names[alone[0]]] = person[names[alone[1]]] = "both"
    lines = ["sample\tfather\tmother\tperson\tsex\n"]
    for p, name in enumerate(names):
        sex = "male" if p == fx_families.mother[twin if fx_families.father[twin] >= 0 else other] else "."
        lines.append(f"{name}\t{father.get(name, '.')}\t{mother.get(name, '.')}\t{person[name]}\t{sex}\n")
    (tmp_path / "people.tsv").write_text("".join(lines))
    report = made(fx_families, tmp_path, table=tmp_path / "people.tsv").check_pedigree()
    assert {row[1] for row in problems(report, "own_ancestor")} == {names[old], young}
    assert {row[1] for row in problems(report, "parent_sex")} == {names[fx_families.mother[other]]}
    assert [row[1:] for row in problems(report, "person")] == [
        (*(names[p] for p in sorted(alone[:2])), "one person", "unrelated")
    ]
    assert not any({names[twin], names[other]} == set(row[1:3]) for row in problems(report, "duplicate"))
    assert "nobody" not in str(rows(report.problems))


def test_without_a_pedigree_kinship_is_not_asked(fx_families, tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise AssertionError("kinship was asked")

    monkeypatch.setattr(Repository, "kinship", refuse)
    repo = vs.create(tmp_path / "repo", fx_families.write_vcf(tmp_path / "a.vcf"))
    report = repo.check_pedigree()
    assert report.kinship_refused == "the sample table states no parents"
    assert len(report.problems) == 0
    assert set(report.people["sex_found"]) == {"male", "female"}


def test_stated_kinship_is_that_of_the_recursion():
    rng = np.random.default_rng(8)
    for _ in range(40):
        number = int(rng.integers(1, 12))
        father, mother = np.full((2, number), -1)
        for child in range(2, number):
            if rng.random() < 0.7:
                father[child], mother[child] = rng.integers(-1, child, 2)
        order = rng.permutation(number)
        place = np.append(np.argsort(order), -1)
        shuffled = Stated(number, place[father[order]], place[mother[order]], [])
        found = np.zeros((number, number))
        pairs = stated_kinship(shuffled)
        found[pairs.first, pairs.second] = found[pairs.second, pairs.first] = pairs.kinship

        def phi(a, b, father=father, mother=mother):
            if a < 0 or b < 0:
                return 0.0
            if a == b:
                return 0.5 * (1 + phi(father[a], mother[a]))
            a, b = max(a, b), min(a, b)
            return 0.5 * (phi(father[a], b) + phi(mother[a], b))

        for a in range(number):
            for b in range(a):
                assert found[place[a], place[b]] == pytest.approx(phi(a, b))


def test_several_batches_and_withdrawn_people(fx_families, fx_repo, tmp_path):
    """The same people in two batches, one of which lacks sites; then a parent is withdrawn."""
    calls = fx_families.calls(0.02, 0.002)
    order = np.random.default_rng(1).permutation(len(fx_families))
    repo = vs.create(
        tmp_path / "repo", fx_families.write_vcf(tmp_path / "a.vcf", calls, people=order[:25]), assembly="GRCh38"
    )
    text = fx_families.vcf(calls, people=order[25:]).splitlines(keepends=True)
    lacking = [line for i, line in enumerate(text) if line.startswith(b"#") or i % 50]
    (tmp_path / "b.vcf").write_bytes(b"".join(lacking))
    repo.add(tmp_path / "b.vcf")
    repo.set_samples(fx_families.write_ped(tmp_path / "families.ped"))
    one = fx_repo.check_pedigree()
    with pytest.warns(DenominatorWarning, match="joined records some people have no record"):
        other = repo.check_pedigree()
    assert {frozenset(row[1:3]) for row in rows(one.problems)} == {frozenset(row[1:3]) for row in rows(other.problems)}
    errors = dict(zip(one.trios["child"], one.trios["n_errors"], strict=True))
    for child, sites, number in zip(*(other.trios[name] for name in ("child", "n_sites", "n_errors")), strict=True):
        assert number <= errors[child]
        assert 0.85 < sites / 9000 < 0.95
    assert set(other.people["sex_found"]) == {"male", "female"}
    parent = fx_families.samples[a_father(fx_families)]
    repo.withdraw([parent])
    with pytest.warns(DenominatorWarning, match="joined records some people have no record"):
        later = repo.check_pedigree()
    for table in (later.problems, later.people, later.trios, repo.families()):
        assert parent not in str(rows(table))
    assert parent not in repo.unrelated().samples
    assert "." in later.trios["father"]


def a_father(families):
    """A father without parents."""
    return int(next(p for p in families.father[families.father >= 0] if families.father[p] < 0))


def test_commands_print_what_the_library_gives(fx_families, fx_repo, fx_cli, tmp_path):
    family = [fx_families.samples[p] for p in np.flatnonzero(fx_families.family == 4)]
    (tmp_path / "ids").write_text("".join(f"{name}\n" for name in family))
    for options, asked in (
        (["-S", tmp_path / "ids", "--threshold", "0.2"], {"samples": family, "threshold": 0.2}),
        (["--cohort", "sex == 'female'"], {"cohort": "sex == 'female'"}),
    ):
        done = fx_cli("unrelated", fx_repo.path, *options)
        chosen = fx_repo.unrelated(**asked)
        assert done.stdout == "".join(f"{name}\n" for name in chosen.samples)
        assert done.stderr.startswith(f"{len(chosen)} of ")
        assert fx_cli("families", fx_repo.path, *options).stdout == "".join(fx_repo.families(**asked).to_tsv())
    done = fx_cli("unrelated", fx_repo.path, "-o", tmp_path / "unrelated")
    assert done.stdout == ""
    assert (tmp_path / "unrelated").read_text().split() == fx_repo.unrelated().samples
    done = fx_cli("pca", fx_repo.path, "--axes", "2", "--unrelated")
    assert f"2 axes of {len(fx_repo.unrelated())} people" in done.stderr
    report = fx_repo.check_pedigree()
    files = [tmp_path / name for name in ("sex", "trios", "sites")]
    done = fx_cli("pedigree", fx_repo.path, "--sex", files[0], "--trios", files[1], "--sites", files[2])
    tables = (report.people, report.trios, report.sites)
    assert [file.read_text() for file in files] == ["".join(table.to_tsv()) for table in tables]
    assert done.stdout == "".join(report.problems.to_tsv())
    assert done.stderr == ""


def test_commands_that_are_refused(fx_families, fx_repo, fx_cli, tmp_path):
    one = fx_families.samples[0]
    assert fx_cli("unrelated", fx_repo.path, "-s", one).stdout == f"{one}\n"
    assert "no sample 'nobody'" in fx_cli("families", fx_repo.path, "-s", "nobody", status=1).stderr
    both = ["--cohort", "true", "--cohort", "sex == 'male'"]
    assert "give one --cohort" in fx_cli("unrelated", fx_repo.path, *both, status=1).stderr
    twice = ["--sex", tmp_path / "a", "-o", tmp_path / "a"]
    assert "named for several tables" in fx_cli("pedigree", fx_repo.path, *twice, status=1).stderr


def test_where_sites_are_too_few_commands_say_so(tmp_path, fx_cli):
    families = pedigrees.simulate(6, sites=300, families=1, strangers=1)
    repo = made(families, tmp_path)
    for command in ("unrelated", "families"):
        error = fx_cli(command, repo.path, status=1).stderr
        assert error.startswith("varstore: too few independent sites (")
        assert fx_cli(command, repo.path, "--force").stdout
    done = fx_cli("pedigree", repo.path)
    assert done.stderr.startswith("varstore: warning: kinship was not asked: too few independent sites (")
    assert done.stdout == "problem\tsample\tother\tstated\tfound\tkinship\n"
