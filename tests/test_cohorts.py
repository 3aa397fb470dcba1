"""Cohorts: made by expression, column and id; combined; saved; counted."""

import json
import re
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
import varstore as vs
import vcf_text
from reference import assert_same_rows
from varstore.errors import CohortError, CohortExpressionError, UnknownSampleError, WithdrawnSampleError
from varstore.storage import files, manifest, saved_cohorts

NUM_SAMPLES = 13
GROUPS = ["b", "a", "", "c", "a", "b", "a"]


def table_of(names):
    """A table of people in which every column has somebody without a value."""
    lines = ["sample\tsex\tgroup\tage\tsmoker\tperson\tseen\tterms\tall"]
    for i, name in enumerate(names):
        sex = ("male", "female", "")[i % 3]
        age = "" if i % 5 == 4 else str(20 + 7 * i)
        smoker = ("true", "false", "")[i % 3]
        person = "" if i % 4 == 3 else f"P{i // 2}"
        seen = "" if i == 2 else f"20{10 + i}-01-31"
        lines.append(
            "\t".join([name, sex, GROUPS[i % 7], age, smoker, person, seen, ("HP:1;HP:2", "HP:3", "")[i % 3], "x"])
        )
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def fx_made(tmp_path_factory):
    """A repository of people in a table, and its people as the oracle reads them: never to be changed."""
    folder = tmp_path_factory.mktemp("cohorts")
    text = vcf_text.make_vcf(91, 37, NUM_SAMPLES, ploidy="mixed", missing=0.1, half_missing=0.1, max_alts=3,
                             contigs=("1", "22"))  # fmt: skip
    vcf = reference.read_vcf(text)
    table = folder / "people.tsv"
    table.write_text(table_of(vcf.samples))
    vs.create(folder / "repo", vcf_text.write_plain(folder / "a.vcf", text), samples=table)
    return folder / "repo", vcf


@pytest.fixture
def fx_own(fx_made, tmp_path):
    """The same, of one's own."""
    path, vcf = fx_made
    shutil.copytree(path, tmp_path / "repo")
    return tmp_path / "repo", vcf


def people_of(vcf, condition):
    return [i for i in range(len(vcf.samples)) if condition(i)]


def ids(vcf, people):
    return [vcf.samples[i] for i in people]


def group(i):
    return GROUPS[i % 7]


def age(i):
    return None if i % 5 == 4 else 20 + 7 * i


def person(i):
    return i if i % 4 == 3 else -1 - i // 2  # a number of one's own, or of two


EXAMPLES = [
    ("group == 'a'", lambda i: group(i) == "a"),
    ("group in ('a', 'c') and age >= 40", lambda i: group(i) in ("a", "c") and (age(i) or 0) >= 40),
    ("not group == 'a'", lambda i: group(i) not in ("a", "")),
    ("sex == 'female' or age < 30", lambda i: i % 3 == 1 or (age(i) is not None and age(i) < 30)),
    ("smoker", lambda i: i % 3 == 0),
    ("smoker is missing", lambda i: i % 3 == 2),
    ("seen >= '2015-01-31'", lambda i: i != 2 and i >= 5),
    ("terms has 'HP:2'", lambda i: i % 3 == 0),
    ("true", lambda i: True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "who"), EXAMPLES)
def test_an_expression_is_a_cohort_everywhere(fx_made, text, who):
    path, vcf = fx_made
    repo = vs.open(path)
    people = people_of(vcf, who)
    cohort = repo.cohort(text)
    assert cohort.samples == ids(vcf, people)
    assert len(cohort) == len(people)
    assert repr(cohort) == f"<Cohort of {len(people)}: {text}>"
    expected = reference.count_rows(vcf.records, people)
    for given_as in (cohort, text, ids(vcf, people)):
        assert_same_rows(repo.count_genotypes(cohort=given_as), expected)
    both = repo.count_genotypes(cohorts={"it": text, "the others": ~cohort if len(people) < NUM_SAMPLES else cohort})
    rows = both.cohort == "it"
    np.testing.assert_array_equal(both.allele_count[rows], repo.count_alleles(cohort=text).allele_count)


def test_expressions_know_the_people_of_their_version(fx_own, tmp_path):
    path, _ = fx_own
    text = vcf_text.make_vcf(92, 5, 3, contigs=("1",))
    for i, name in enumerate(reference.read_vcf(text).samples):
        text = text.replace(f"\t{name}", f"\tnew{i}", 1)
    names = re.search(r"\tFORMAT\t(.*)", text)[1].split("\t")
    (tmp_path / "new.tsv").write_text("sample\tsex\tgroup\n" + "".join(f"{name}\t\ta\n" for name in names))
    before = vs.open(path).cohort("group == 'a'")
    repo = vs.open(path)
    repo.add(vcf_text.write_plain(tmp_path / "new.vcf", text), samples=tmp_path / "new.tsv")
    assert repo.cohort("group == 'a'").samples == before.samples + names
    assert vs.open(path, version=1).cohort("group == 'a'").samples == before.samples
    with pytest.raises(CohortError, match="version 1 and one of version 2 do not combine"):
        before | repo.cohort("group == 'a'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert repo.count_alleles(cohort=before).position.size


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_cohorts_are_sets(fx_made, data):
    path, vcf = fx_made
    repo = vs.open(path)
    everybody = set(range(NUM_SAMPLES))
    subset = st.sets(st.integers(0, NUM_SAMPLES - 1))
    one, other = data.draw(subset), data.draw(subset)
    a, b = (repo.cohort(ids(vcf, sorted(each)), allow_empty=True) for each in (one, other))
    for made, expected in ((a & b, one & other), (a | b, one | other), (a - b, one - other), (~a, everybody - one)):
        assert made.samples == ids(vcf, sorted(expected))
        assert made.numbers.tolist() == sorted(expected)
    assert ((~a | b) & ~(a - b)).samples == (~(a - b)).samples


def test_cohorts_of_others_do_not_combine(fx_made, fx_small):
    path, _ = fx_made
    repo, other = vs.open(path), vs.open(fx_small.path)
    mine, theirs = repo.cohort("true"), other.cohort("true")
    for operation in (lambda: mine & theirs, lambda: mine | theirs, lambda: mine - theirs):
        with pytest.raises(CohortError, match="different repositories"):
            operation()
    with pytest.raises(CohortError, match="of another repository"):
        repo.count_alleles(cohort=other.cohort(other.samples[:2]))
    with pytest.raises(TypeError, match="unsupported operand"):
        mine & mine.samples
    with pytest.raises(CohortError, match="was not made by a repository"):
        ~vs.Cohort(np.array([0, 1]))


def test_an_empty_cohort_is_an_error_unless_asked_for(fx_made):
    path, vcf = fx_made
    repo = vs.open(path)
    for text in ("group == 'x'", "false"):
        with pytest.raises(CohortError, match=f"the cohort is empty: nobody is .*{text[-4:]}"):
            repo.cohort(text)
        with pytest.raises(CohortError, match="empty"):
            repo.count_alleles(cohorts={"x": text})
    with pytest.raises(CohortError, match="the cohort is empty: no sample is named"):
        repo.cohort([])
    one, other = repo.cohort("group == 'a'"), repo.cohort("group == 'b'")
    assert len(one & other) == 0
    with pytest.raises(CohortError, match="the cohort is empty"):
        repo.count_alleles(cohort=one & other)
    asked = repo.cohort("group == 'a'", allow_empty=True) & other
    nobody = reference.count_rows(vcf.records, [])
    for cohort in (asked, repo.cohort("false", allow_empty=True)):
        assert_same_rows(repo.count_genotypes(cohort=cohort), nobody)
    assert_same_rows(repo.count_genotypes(samples=[]), nobody)


def test_samples_are_ids_only(fx_made):
    path, vcf = fx_made
    repo = vs.open(path)
    with pytest.raises(vs.QueryError, match="samples is a list of sample ids, not one string; cohort= takes"):
        repo.count_alleles(samples="group == 'a'")
    with pytest.raises(UnknownSampleError, match="no sample 'group'"):
        repo.cohort(["group"])
    with pytest.raises(CohortExpressionError, match="did you mean group"):
        repo.count_alleles(cohort="grop == 'a'")
    with pytest.raises(CohortExpressionError, match="unknown column"):
        repo.cohort(vcf.samples[0].replace("-", "_"))


def test_cohorts_by_a_column(fx_made):
    path, vcf = fx_made
    repo = vs.open(path)
    found = repo.cohorts_by("group")
    assert list(found) == ["a", "b", "c", "."]
    for value, cohort in found.items():
        assert cohort.samples == ids(vcf, people_of(vcf, lambda i, value=value: group(i) == value.replace(".", "")))
    assert sum(map(len, found.values())) == NUM_SAMPLES
    within = repo.cohort("age < 60")
    inside = repo.cohorts_by("smoker", within)
    assert list(inside) == ["false", "true", "."]
    assert sorted(name for cohort in inside.values() for name in cohort.samples) == sorted(within.samples)
    assert list(repo.cohorts_by("age"))[:2] == ["20", "27"]
    assert next(iter(repo.cohorts_by("seen"))) == "2010-01-31"
    table = repo.count_genotypes(cohorts=found)
    rows = table.cohort == "."
    expected = reference.count_rows(vcf.records, people_of(vcf, lambda i: not group(i)))
    np.testing.assert_array_equal(table.n_het[rows], [row["n_het"] for row in expected])
    with pytest.raises(CohortError, match="unknown column 'gruop'; did you mean group"):
        repo.cohorts_by("gruop")


def test_the_super_populations_of_the_1000_genomes(fx_slice, fx_shared_data, tmp_path):
    """As the panel and INFO have them: alleles of EUR_AF, and people."""
    panel = fx_shared_data / "meta/integrated_call_samples_v3.20130502.ALL.panel"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its two empty columns
        repo = vs.create(tmp_path / "repo", fx_slice.source).set_samples(panel)
    found = repo.cohorts_by("super_pop")
    assert list(found) == ["AFR", "AMR", "EAS", "EUR", "SAS"]
    for name, cohort in found.items():
        assert sorted(cohort.samples) == sorted(fx_slice.populations[name])
        assert repo.cohort(f"super_pop == '{name}'").samples == cohort.samples
    table = repo.count_alleles(cohorts={name: f"super_pop == '{name}'" for name in found})
    for name in found:
        frequency = table.allele_frequency[table.cohort == name]
        expected = [float(info[f"{name}_AF"]) for info in fx_slice.info()]
        np.testing.assert_allclose(frequency, expected, atol=5.1e-5)


def test_too_many_groups_are_refused(monkeypatch, fx_made):
    monkeypatch.setattr("varstore.query.groups._MOST_GROUPS", 4)
    repo = vs.open(fx_made[0])
    assert len(repo.cohorts_by("group")) == 4
    with pytest.raises(CohortError, match="column 'age' has 11 values, expected at most 4"):
        repo.cohorts_by("age")


def test_distinct_persons(fx_made):
    path, vcf = fx_made
    repo = vs.open(path)
    for text, people in (("true", range(NUM_SAMPLES)), ("age >= 30", [i for i in range(13) if (age(i) or 0) >= 30])):
        first = {}
        for i in people:
            first.setdefault(person(i), i)
        persons = repo.cohort(text).persons()
        assert persons.samples == ids(vcf, sorted(first.values()))
        expected = reference.count_rows(vcf.records, sorted(first.values()))
        assert_same_rows(repo.count_genotypes(cohort=persons), expected)
    assert persons.persons().samples == persons.samples
    assert len(repo.cohort("true").persons()) < NUM_SAMPLES


def test_a_person_whose_first_sample_is_withdrawn_counts_by_the_next(fx_own):
    path, vcf = fx_own
    repo = vs.open(path)
    assert vcf.samples[0] in repo.cohort("true").persons().samples
    repo.withdraw(vcf.samples[:1])
    after = repo.cohort("true").persons().samples
    assert vcf.samples[1] in after
    assert vcf.samples[0] not in after


def test_withdrawn_people_are_in_no_cohort(fx_own):
    path, vcf = fx_own
    repo = vs.open(path)
    old = repo.cohort("group == 'a'")
    gone = vcf.samples[1]
    vs.open(path).withdraw([gone])
    described = [repo.cohort("group == 'a'"), repo.cohort("true"), repo.cohorts_by("group")["a"]]
    for cohort in (*described, ~repo.cohort("false", allow_empty=True), ~repo.cohort("group == 'b'")):
        assert gone not in cohort.samples
        assert 1 not in cohort.numbers
    assert gone not in old.samples
    with pytest.warns(UserWarning, match="1 of the 5 people of a cohort were withdrawn since"):
        repo.count_alleles(cohort=old)
    with pytest.raises(CohortError, match="empty"):
        repo.cohort(f"sample == '{gone}'")
    with pytest.raises(WithdrawnSampleError, match="was withdrawn"):
        repo.cohort([gone])


OBO = """format-version: 1.2

[Term]
id: HP:1
name: one

[Term]
id: HP:2
name: two
is_a: HP:1 ! one

[Term]
id: HP:4
name: four
"""


def test_terms_below_one_in_a_vocabulary(fx_own, fx_cli, tmp_path):
    path, vcf = fx_own
    vocabulary = tmp_path / "terms.obo"
    vocabulary.write_text(OBO)
    (tmp_path / "people.tsv").write_text(f"sample\tterms\n{vcf.samples[1]}\tHP:5|HP:2\n")
    repo = vs.open(path).set_samples(tmp_path / "people.tsv")
    exact = people_of(vcf, lambda i: i % 3 == 0)
    text = "terms has descendant of 'HP:1'"
    assert repo.cohort("terms has 'HP:1'").samples == ids(vcf, exact)
    assert repo.cohort(text, vocabulary=vocabulary).samples == ids(vcf, sorted([1, *exact]))
    done = fx_cli("count", path, "--cohort", f"below={text}", "--vocabulary", vocabulary)
    assert done.stdout == "".join(repo.count_genotypes(cohorts={"below": ids(vcf, sorted([1, *exact]))}).to_tsv())
    fx_cli("cohort", "define", path, "below", text, "--vocabulary", vocabulary)
    assert vs.open(path).saved_cohorts["below"].samples == ids(vcf, sorted([1, *exact]))
    with pytest.raises(CohortExpressionError, match=r"the vocabulary has no term 'HP:9'\n.*\n {26}\^"):
        repo.cohort("terms has descendant of 'HP:9'", vocabulary=vocabulary)
    with pytest.raises(CohortExpressionError, match="descendants need a vocabulary"):
        repo.count_alleles(cohort=text)
    with pytest.raises(vs.VarstoreError, match=r"nothing\.obo"):
        repo.cohort(text, vocabulary=tmp_path / "nothing.obo")


# Saved cohorts


def test_a_saved_cohort_is_fixed_by_version(fx_own, tmp_path):
    path, vcf = fx_own
    repo = vs.open(path).define_cohort("group a", "group == 'a'")
    assert repo.version == 2
    people = people_of(vcf, lambda i: group(i) == "a")
    saved = repo.saved_cohorts["group a"]
    assert saved.samples == ids(vcf, people)
    assert (saved.name, saved.expression, saved.version, saved.num_defined) == ("group a", "group == 'a'", 1, 5)
    assert repr(saved) == "<SavedCohort 'group a' of 5: group == 'a'>"
    assert repo.define_cohort("group a", "group == 'a'").version == 2  # as it is: no version
    text = vcf_text.make_vcf(93, 5, 2, contigs=("1",))
    names = re.search(r"\tFORMAT\t(.*)", text)[1].split("\t")
    for i, name in enumerate(names):
        text = text.replace(f"\t{name}", f"\tnew{i}", 1)
    (tmp_path / "new.tsv").write_text("sample\tsex\tgroup\nnew0\t\ta\nnew1\t\ta\n")
    repo.add(vcf_text.write_plain(tmp_path / "new.vcf", text), samples=tmp_path / "new.tsv")
    assert repo.version == 3
    assert repo.saved_cohorts["group a"].samples == ids(vcf, people)
    young = [i for i in people if 0 < (age(i) or 0) < 60]
    assert repo.cohort("cohort 'group a' and age < 60").samples == ids(vcf, young)
    assert repo.cohort("group == 'a' and not cohort 'group a'").samples == ["new0", "new1"]
    repo.define_cohort("group a", "group == 'a'")
    assert repo.saved_cohorts["group a"].samples == [*ids(vcf, people), "new0", "new1"]
    assert vs.open(path, version=3).saved_cohorts["group a"].samples == ids(vcf, people)
    assert vs.open(path, version=1).saved_cohorts == {}
    with pytest.raises(CohortExpressionError, match="no saved cohort 'group a'"):
        vs.open(path, version=1).cohort("cohort 'group a'")
    assert [row.action for row in repo.log()] == ["add", "define cohort", "add", "define cohort"]


def test_saved_cohorts_are_made_of_anything_and_deleted(fx_own):
    path, vcf = fx_own
    repo = vs.open(path)
    repo.define_cohort("listed", vcf.samples[2:5])
    repo.define_cohort("combined", repo.cohort("cohort listed") | repo.cohort(vcf.samples[:1]))
    assert repo.saved_cohorts["combined"].samples == ids(vcf, [0, 2, 3, 4])
    assert repo.saved_cohorts["combined"].expression is None
    counts = repo.count_genotypes(cohorts=repo.saved_cohorts)
    assert_same_rows(repo.count_genotypes(cohort=repo.saved_cohorts["listed"]),
                     reference.count_rows(vcf.records, [2, 3, 4]))  # fmt: skip
    assert set(counts.cohort) == {"listed", "combined"}
    repo.define_cohort("again", repo.saved_cohorts["listed"]).define_cohort(
        "old", vs.open(path, version=1).cohort("true")
    )
    versions = {name: saved.version for name, saved in repo.saved_cohorts.items()}
    assert versions == {"listed": 1, "combined": 2, "again": 1, "old": 1}  # those whose people were asked
    repo.delete_cohort("again").delete_cohort("old")
    repo.delete_cohort("listed")
    assert list(repo.saved_cohorts) == ["combined"]
    with pytest.raises(CohortError, match="no saved cohort 'listed'; there are 'combined'"):
        repo.delete_cohort("listed")
    for name in ("", " a", "a\nb", "x" * 101, "\ud800"):
        with pytest.raises(CohortError, match="is no name of a cohort"):
            repo.define_cohort(name, "true")
    with pytest.raises(CohortError, match="empty"):
        repo.define_cohort("nobody", "false")
    with pytest.raises(CohortExpressionError, match="this is no character"):
        repo.define_cohort("odd", "group == '\ud800'")
    assert list(vs.open(path).saved_cohorts) == ["combined"]
    assert vs.open(path).verify() == []


def test_withdrawn_people_leave_saved_cohorts_and_it_says_so(fx_own, fx_cli):
    path, vcf = fx_own
    repo = vs.open(path).define_cohort("a", "group == 'a'")
    people = people_of(vcf, lambda i: group(i) == "a")
    gone = vcf.samples[people[1]]
    repo.withdraw([gone])
    left = [i for i in people if i != people[1]]
    for opened in (repo, vs.open(path, version=2)):
        saved = opened.saved_cohorts["a"]
        assert (saved.samples, len(saved), saved.num_withdrawn) == (ids(vcf, left), 4, 1)
        assert "of 4, 1 withdrawn since" in repr(saved)
        words = "1 of the 5 people of the saved cohort 'a' were withdrawn since it was defined"
        with pytest.warns(UserWarning, match=words):
            assert opened.cohort("cohort a").samples == ids(vcf, left)
        with pytest.warns(UserWarning, match=words):
            counts = opened.count_genotypes(cohort=saved)
        assert_same_rows(counts, reference.count_rows(vcf.records, left))
    done = fx_cli("count", path, "--cohort", "cohort a")
    assert f"warning: {words}" in done.stderr
    assert fx_cli("cohort", "list", path).stdout.splitlines()[1].split("\t")[:4] == ["a", "4", "1", "1"]


def test_a_purge_takes_people_out_of_saved_cohorts(fx_own):
    path, vcf = fx_own
    gone = vcf.samples[1]
    repo = vs.open(path)
    repo.define_cohort("a", "group == 'a'").define_cohort("named", f"sample in ('{gone}', '{vcf.samples[2]}')")
    repo.define_cohort(f"of {gone}", "true")
    before = {name: saved.samples for name, saved in repo.saved_cohorts.items()}
    report = repo.withdraw([gone]).purge()
    assert report.left == []
    after = vs.open(path).saved_cohorts
    assert list(after) == ["a", "named", "purged 3"]
    for (_, samples), saved in zip(before.items(), after.values(), strict=True):
        assert saved.samples == [name for name in samples if name != gone]
        assert saved.num_withdrawn == 1
    assert (after["a"].expression, after["named"].expression) == ("group == 'a'", "...")
    (entry,) = [each for each in repo.manifest.document["cohorts"] if each["name"] == "a"]
    assert saved_cohorts.unpack(entry, NUM_SAMPLES).tolist() == after["a"].numbers.tolist()
    assert repo.verify() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda repo, gone: repo.withdraw([gone]).define_cohort("other", "true"),
        lambda repo, gone: repo.set_samples({"sample": [gone], "group": ["c"]}),
    ],
)
def test_a_cohort_is_defined_again_when_people_change_meanwhile(fx_own, monkeypatch, change):
    path, vcf = fx_own
    link, raced = files.link_new, []

    def late(source, target):
        """Another writer commits right before us, and then another."""
        if not raced:
            raced.append(True)
            change(vs.open(path), vcf.samples[1])
        link(source, target)

    repo = vs.open(path)
    with monkeypatch.context() as patch:
        patch.setattr(files, "link_new", late)
        repo.define_cohort("a", "group == 'a'")
    saved = repo.saved_cohorts
    assert list(saved)[-1] == "a"
    assert vcf.samples[1] not in saved["a"].samples
    assert (saved["a"].num_withdrawn, saved["a"].version) == (0, repo.version - 1)


@given(st.sets(st.integers(0, 5000)))
@settings(max_examples=100, deadline=None)
def test_numbers_are_packed_and_unpacked(numbers):
    entry = saved_cohorts.entry_of("x", None, np.array(sorted(numbers), np.int64), 1, "now")
    assert saved_cohorts.unpack(json.loads(json.dumps(entry)), 5001).tolist() == sorted(numbers)
    assert re.fullmatch(r"[\w-]*", entry["samples"])


def test_damaged_entries_are_errors():
    entry = saved_cohorts.entry_of("x", None, np.array([0, 4, 9]), 1, "now")
    for samples, num_people in (("?", 10), ("AAAA", 10), (entry["samples"], 9), (entry["samples"][:-4], 10), ("", 10)):
        with pytest.raises(vs.CorruptRepositoryError, match="saved cohort 'x'"):
            saved_cohorts.unpack(entry | {"samples": samples}, num_people)
    many = np.flatnonzero(np.random.default_rng(1).random(1_000_000) < 0.5)
    assert len(saved_cohorts.pack(many)) < 170_000
    assert len(saved_cohorts.pack(np.arange(1_000_000))) < 1_000


# The command line


def rows_of(done):
    header, *lines = [line.split("\t") for line in done.stdout.splitlines()]
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_the_options_of_count(fx_made, fx_cli, tmp_path):
    path, vcf = fx_made
    repo = vs.open(path)
    listed = tmp_path / "some people.txt"
    listed.write_text("\n".join(vcf.samples[3:6]) + "\n")
    texts = ["A=group == 'a'", "group=='b'", "age\n >\t30", "a_b=age<60", f"@{listed}", f"F=@{listed}", "true"]
    done = fx_cli("count", path, *(word for text in texts for word in ("--cohort", text)))
    named = {"A": "group == 'a'", "group=='b'": "group=='b'", "age > 30": "age > 30", "a_b": "age<60",
             "some people": vcf.samples[3:6], "F": vcf.samples[3:6], "true": "true"}  # fmt: skip
    assert done.stdout == "".join(repo.count_genotypes(cohorts=named).to_tsv())
    done = fx_cli("count", path, "--by", "group", "-r", "22")
    assert done.stdout == "".join(repo.count_genotypes("22", cohorts=repo.cohorts_by("group")).to_tsv())
    assert [row["cohort"] for row in rows_of(done)[:4]] == ["a", "b", "c", "."]
    within = repo.cohorts_by("group", repo.cohort("age < 60"))
    done = fx_cli("count", path, "--by", "group", "--cohort", "age < 60")
    assert done.stdout == "".join(repo.count_genotypes(cohorts=within).to_tsv())
    done = fx_cli("count", path, "--by", "group", "-S", listed)
    assert {row["cohort"] for row in rows_of(done)} == set(repo.cohorts_by("group", repo.cohort(vcf.samples[3:6])))


def test_persons_at_the_command_line(fx_made, fx_cli):
    path, vcf = fx_made
    repo = vs.open(path)
    everybody = repo.cohort("true").persons()
    assert fx_cli("count", path, "--persons").stdout == "".join(repo.count_genotypes(cohort=everybody).to_tsv())
    some = repo.cohort(vcf.samples[1:7]).persons()
    done = fx_cli("count", path, "--persons", "-s", ",".join(vcf.samples[1:7]))
    assert done.stdout == "".join(repo.count_genotypes(cohort=some).to_tsv())
    done = fx_cli("count", path, "--persons", "--by", "all", "--cohort", "smoker is not missing")
    groups = {"x": repo.cohort("smoker is not missing").persons()}
    assert 0 < len(groups["x"]) < len(repo.cohort("smoker is not missing"))
    assert done.stdout == "".join(repo.count_genotypes(cohorts=groups).to_tsv())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cohort", "grp == 'a'"], "unknown column 'grp'; did you mean group?\n  grp == 'a'\n  ^"),
        (["--cohort", "age=60"], "a value is no condition; write a comparison, like age >= 60 (with ==, not =)\n  60"),
        (["--cohort", "group == 'x'"], "the cohort is empty: nobody is \"group == 'x'\""),
        (["--cohort", "a=true", "--cohort", "a=false"], "two cohorts are named 'a'"),
        (["--cohort", "true", "-s", "x"], "give -s or -S, or --cohort, not both"),
        (["--cohort", "true", "--cohort", "smoker", "--by", "group"], "--by divides one --cohort, not several"),
        (["--cohort", "@nothing.txt"], "nothing.txt: cannot be read"),
        (["--by", "nothing"], "unknown column 'nothing'; there are "),
        (["--vocabulary", "hp.obo"], "--vocabulary is for the expressions of --cohort"),
    ],
)
def test_what_the_options_refuse(fx_made, fx_cli, arguments, message):
    done = fx_cli("count", fx_made[0], *arguments, status=1)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_saved_cohorts_at_the_command_line(fx_own, fx_cli, tmp_path):
    path, vcf = fx_own
    repo = vs.open(path)
    done = fx_cli("cohort", "define", path, "a", "group == 'a'")
    assert done.stderr == f"{path}: version 2, cohort a: 5 samples\n"
    listed = tmp_path / "ids.txt"
    listed.write_text("\n".join(vcf.samples[3:6]) + "\n")
    fx_cli("cohort", "define", path, "some of them", f"@{listed}")
    rows = rows_of(fx_cli("cohort", "list", path))
    assert [(row["name"], row["samples"], row["withdrawn"], row["version"], row["expression"]) for row in rows] == [
        ("a", "5", "0", "1", "group == 'a'"),
        ("some of them", "3", "0", "2", "."),
    ]
    lines = fx_cli("cohort", "list", path, "--json").stdout.splitlines()
    assert json.loads(lines[1])["expression"] is None
    shown = [line for line in fx_cli("info", path).stdout.splitlines() if line.startswith("cohort")]
    assert shown == ["cohort    a: 5 samples; group == 'a'", "cohort    some of them: 3 samples"]
    assert [cohort["num_samples"] for cohort in vs.open(path).info()["cohorts"]] == [5, 3]
    done = fx_cli("count", path, "--cohort", "cohort a", "--cohort", "x=cohort 'some of them' and age > 0")
    assert [row["cohort"] for row in rows_of(done)[:2]] == ["a", "x"]
    assert "cohort a deleted" in fx_cli("cohort", "delete", path, "a").stderr
    assert "no saved cohort 'a'" in fx_cli("cohort", "delete", path, "a", status=1).stderr
    assert list(repo.saved_cohorts) == []
    assert list(vs.open(path).saved_cohorts) == ["some of them"]


def test_a_store_of_others_has_cohorts_but_saves_none(fx_made, tmp_path):
    path, vcf = fx_made
    vs.open(path).export(tmp_path / "plain.vcz", "vcz")
    store = vs.open(tmp_path / "plain.vcz")
    assert store.saved_cohorts == {}
    assert store.cohort(f"sample == '{vcf.samples[1]}'").samples == [vcf.samples[1]]
    assert (~store.cohort(vcf.samples[2:])).samples == vcf.samples[:2]
    for action in (lambda: store.define_cohort("a", "true"), lambda: store.delete_cohort("a")):
        with pytest.raises(vs.RepositoryError, match="read only"):
            action()


def test_an_older_manifest_has_no_saved_cohorts():
    assert manifest.first_document({"uuid": "x", "format": "varstore"}, None)["cohorts"] == []
