"""The sketch: its sites, what is stored of each batch, and one person against many."""

import json
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genomes
import varstore as vs
import varstore.changes.resketching  # imported before a test changes what is enough
import vcf_text
from varstore.changes import sketches as new_sketches
from varstore.errors import ContigLengthError, CorruptRepositoryError, MissingFileError, WithdrawnSampleError
from varstore.kernels.sketch import pack, scan
from varstore.query.version import Version
from varstore.relatedness import sketch_sites
from varstore.relatedness.nearest import nearest, sketches_of
from varstore.relatedness.sketch_sites import MIN_PEOPLE, MIN_SITES, SPACING, Candidates, choose_list, spread
from varstore.storage import sketch

PEOPLE, SITES = 60, 2000
COLUMNS = ("n_sites", "ibs0", "het_het", "kinship")


@pytest.fixture(scope="module")
def fx_genomes():
    return genomes.make_genomes(1, PEOPLE, SITES, missing=0.02)


@pytest.fixture(scope="module")
def fx_others(fx_genomes):
    """Other people at the same sites, but that some sites are gone."""
    others = genomes.make_genomes(2, 9, SITES, names="Q")
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 3, others.codes.shape).astype(np.int8)
    source = fx_genomes
    made = genomes.Genomes(source.contig, source.position, source.ref, source.alt, codes, others.names)
    return made.take(np.arange(SITES) % 7 != 0)


@pytest.fixture(scope="module")
def fx_template(fx_genomes, tmp_path_factory):
    """A repository with a sketch, never to be changed; its source beside it."""
    folder = tmp_path_factory.mktemp("sketch")
    source = vcf_text.write_plain(folder / "first.vcf", genomes.vcf_of(fx_genomes))
    vs.create(folder / "repo", source)
    return folder / "repo"


@pytest.fixture
def fx_repo(fx_template, fx_memory):
    """A copy of it, to be changed."""
    shutil.copytree(fx_template, fx_memory / "repo")
    return vs.open(fx_memory / "repo")


def write(folder, name, made, prefix=""):
    return vcf_text.write_plain(folder / f"{name}.vcf", genomes.vcf_of(made, prefix))


def codes_at_sketch(repo, made):
    """(sites of the sketch, people) codes of simulated genomes; missing where they have no such site."""
    place = {key: i for i, key in enumerate(zip(made.contig, made.position, made.ref, made.alt, strict=True))}
    sites = repo.sketch_sites()
    out = np.full((len(sites), len(made.names)), -1, np.int8)
    keys = zip(sites.contig, sites.position.tolist(), sites.ref, sites.alt, strict=True)
    for row, key in enumerate(keys):
        if key in place:
            out[row] = made.codes[place[key]]
    return out


def assert_nearest(table, mine, names, codes):
    """A table is what the naive formula says of all pairs, highest first."""
    rows = {name: i for i, name in enumerate(table.sample)}
    assert sorted(rows) == sorted(names)
    for name, column in zip(names, codes.T, strict=True):
        found = tuple(table[key][rows[name]] for key in COLUMNS)
        np.testing.assert_allclose(found, genomes.king(mine, column), rtol=0, atol=1e-12)
    order = np.nan_to_num(table.kinship, nan=-np.inf)
    assert (np.diff(order) <= 0).all()


# One against many


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5000), st.integers(1, 5), st.sampled_from([0, 0.02, 0.3, 1]))
def test_scan_counts_what_the_naive_formula_does(seed, sites, people, missing):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, (people, sites)).astype(np.int8)
    codes[1:][rng.random((people - 1, sites)) < missing] = -1
    mine = rng.integers(-1, 3, sites).astype(np.int8)
    words = -(-sites // 4096) * 64

    def planes(flags):
        out = np.zeros((len(flags), 64 * words), bool)
        out[:, :sites] = flags
        return np.packbits(out, axis=1, bitorder="little").view(np.uint64)

    low, high = np.empty((2, people, words), np.uint64)
    pack(planes(codes == 1), planes(codes == 2), planes(codes < 0), low, high)
    own = [planes(flags[np.newaxis])[0] for flags in (mine == 1, mine == 2, mine >= 0)]
    out = np.full((people, 5), -7, np.int32)
    scan(low.reshape(-1), high.reshape(-1), *own, 0, people, out)
    for row, theirs in zip(out.tolist(), codes, strict=True):
        both = (mine >= 0) & (theirs >= 0)
        a, b = mine[both].astype(int), theirs[both].astype(int)
        expected = [both.sum(), (a == 1).sum(), (b == 1).sum(), ((a == 1) & (b == 1)).sum(), (abs(a - b) == 2).sum()]
        assert row == expected


def test_scan_of_many_people_and_all_sites():
    """More people than 16 bits count, and as many sites as a sketch has."""
    people, words = 70_000, 64
    low = np.full((people, words), 2**64 - 1, np.uint64)
    called = np.full(words, 2**64 - 1, np.uint64)
    out = np.zeros((people, 5), np.int32)
    zeros = np.zeros_like(low)
    scan(low.reshape(-1), zeros.reshape(-1), called, zeros[0], called, 1, people, out)
    assert (out[0] == 0).all()
    assert (out[1:] == [4096, 4096, 4096, 4096, 0]).all()
    one, nothing = np.full(256, 2**64 - 1, np.uint64), np.zeros(256, np.uint64)
    scan(nothing, one, nothing, nothing, one, 0, 1, out)
    assert out[0].tolist() == [16384, 0, 0, 0, 16384]


def test_kinship_of_everybody_is_that_of_their_calls(fx_template, fx_genomes):
    repo = vs.open(fx_template)
    codes = codes_at_sketch(repo, fx_genomes)
    for person in (0, 7, PEOPLE - 1):
        name = fx_genomes.names[person]
        np.testing.assert_array_equal(repo.sketch_of(name), codes[:, person])
        others = np.arange(PEOPLE) != person
        names = np.array(fx_genomes.names, object)[others]
        assert_nearest(repo.kinship_of(name), codes[:, person], names, codes[:, others])
    table = repo.kinship_of("P0")
    assert table.sample[:2].tolist() == ["P59", "P58"]  # the same person, and a child
    assert table.kinship[0] > 0.49
    assert 0.2 < table.kinship[1] < 0.3
    assert table.columns == ["sample", *COLUMNS, "relationship"]
    assert table.relationship[:3].tolist() == ["duplicate/twin", "parent-offspring", "unrelated"]
    few = repo.kinship_of("P0", samples=["P0", "P5", "P59"], threshold=0.1)
    assert few.sample.tolist() == ["P59"]


def test_questions_that_make_no_sense(fx_template):
    repo = vs.open(fx_template)
    sites = len(repo.sketch_sites())
    with pytest.raises(vs.QueryError, match="0, 1, 2 or -1"):
        repo.kinship_of(np.full(sites, 3, np.int8))
    with pytest.raises(vs.QueryError, match=f"one for each of the sketch's {sites:,} sites"):
        repo.kinship_of(np.zeros(sites - 1, np.int8))
    with pytest.raises(vs.QueryError, match="codes of calls are integers, found float64"):
        repo.kinship_of(np.zeros(sites))
    with pytest.raises(vs.QueryError, match=f"called at 3 of the sketch's {sites:,} sites, needs {MIN_SITES:,}"):
        repo.kinship_of(np.where(np.arange(sites) < 3, 1, -1))
    with pytest.raises(vs.QueryError, match="no sample 'nobody'"):
        repo.kinship_of("nobody")
    nothing = repo.kinship_of(np.full(sites, -1, np.int8), force=True)
    assert np.isnan(nothing.kinship).all()
    assert (nothing.n_sites == 0).all()
    assert len(repo.kinship_of(np.full(sites, -1, np.int8), threshold=-1, force=True)) == 0


# The list of sites


def candidates(contigs, positions, frequency, bases=0b0100):
    key = np.asarray(positions, np.uint64) << np.uint64(32) | np.uint64(1 << 27 | 1 << 23)
    return Candidates(np.asarray(contigs), key | np.asarray(bases, np.uint64), np.asarray(frequency, float))


def far_apart(number, bases=0b0100, spacing=SPACING):
    return candidates(np.zeros(number, int), 1 + spacing * np.arange(number), np.full(number, 0.3), bases)


def test_a_list_needs_sites_that_are_far_apart():
    assert len(choose_list(far_apart(MIN_SITES), ["1"])) == MIN_SITES
    assert choose_list(far_apart(MIN_SITES - 1), ["1"]) is None
    assert choose_list(far_apart(2 * MIN_SITES, spacing=SPACING // 4), ["1"]) is None


def test_sites_that_look_alike_on_both_strands_are_left_out_where_the_others_are_enough():
    number = 2 * MIN_SITES
    half = np.where(np.arange(number) % 2, 0b0100, 0b1100)  # A>C and A>T
    assert set(choose_list(far_apart(number, half), ["1"]).alt) == {"C"}
    assert set(choose_list(far_apart(number - 1, half[1:]), ["1"]).alt) == {"C"}
    assert set(choose_list(far_apart(number - 2, half[2:]), ["1"]).alt) == {"C", "T"}
    few = np.where(np.arange(MIN_SITES) % 2, 0b1001, 0b0110)  # C>G, G>C
    assert set(choose_list(far_apart(MIN_SITES, few), ["1"]).alt) == {"C", "G"}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 40))
def test_a_list_is_spread_evenly(seed, size, number):
    """A bin has more sites than another only where the other has no more to give."""
    rng = np.random.default_rng(seed)
    position = np.sort(rng.choice(10_000, size, replace=False)) + 1
    found = candidates(np.zeros(size, int), position, rng.uniform(0.05, 0.95, size).round(2))
    chosen = spread(found, number)
    assert (np.diff(chosen) > 0).all()
    assert len(chosen) == min(size, number)
    if size <= number:
        return
    length = position[-1] - position[0] + 1
    bins = (position - position[0]) * number // length
    taken = np.isin(np.arange(size), chosen)
    here = np.bincount(bins[taken], minlength=number)
    left = np.bincount(bins[~taken], minlength=number) > 0
    assert here.max() - here[left].min() <= 1
    minor = np.minimum(found.frequency, 1 - found.frequency)
    for one in np.flatnonzero(left & (here > 0)):
        inside = bins == one
        assert minor[inside & taken].min() >= minor[inside & ~taken].max()


def test_what_becomes_a_site_of_the_list(fx_memory, monkeypatch):
    """Common, called, of autosomes, one base for another, alone at its position."""
    monkeypatch.setattr(sketch_sites, "MIN_SITES", 3)
    people = MIN_PEOPLE
    rows = {
        "1\t600000\t.\tA\tC": ("0/1", 30), "1\t1200000\t.\tC\tT": ("0/1", 5), "1\t1800000\t.\tG\tA": ("0/1", 4),
        "1\t2400000\t.\tG\tA,T": ("0/1", 30), "1\t3000000\t.\tGA\tG": ("0/1", 30), "1\t3600000\t.\tC\tA": ("./.", 3),
        "1\t4200000\t.\tC\tA": ("0/1", 30), "1\t4200000\t.\tC\tT": ("0/1", 30), "1\t4800000\t.\tGA\tGC": ("0/1", 30),
        "2\t900000\t.\tT\tG": ("1/1", 45), "X\t600000\t.\tA\tC": ("0/1", 30), "HLA\t600000\t.\tA\tC": ("0/1", 30),
    }  # fmt: skip
    head = genomes.vcf_of(genomes.make_genomes(1, people, 0)).rstrip("\n")
    rest = {"./.": "0/1"}
    lines = [
        "\t".join([site, ".", "PASS", ".", "GT", *[call] * n, *[rest.get(call, "0/0")] * (people - n)])
        for site, (call, n) in rows.items()
    ]
    source = vcf_text.write_plain(fx_memory / "a.vcf", "\n".join([head, *lines]) + "\n")
    repo = vs.create(fx_memory / "repo", source)
    sites = repo.sketch_sites()
    found = list(zip(sites.contig, sites.position.tolist(), sites.ref, sites.alt, strict=True))
    # 5 of 100 alleles are common, 4 are not; 3 of 50 people without a call are too many. AC is written as GA>GC.
    expected = [("1", 600000, "A", "C"), ("1", 1200000, "C", "T"), ("1", 4800001, "A", "C"), ("2", 900000, "T", "G")]
    assert found == expected
    np.testing.assert_allclose(sites.frequency, [0.3, 0.05, 0.3, 0.9])
    before = sites.to_pandas()
    assert repo.reindex(sketch=True) == 0
    assert repr(repo.sketch_sites().to_pandas()) == repr(before)


def test_a_repository_of_one_region_has_none(tmp_path, fx_slice_repo):
    repo = vs.open(fx_slice_repo)
    assert repo.info()["sketch"] is None
    text = f"no sketch: too few independent sites \\(1; needs {MIN_SITES:,}\\): they are common ones of autosomes"
    with pytest.raises(vs.QueryError, match=text):
        repo.kinship_of(repo.samples[0])
    shutil.copytree(fx_slice_repo, tmp_path / "repo")
    repo = vs.open(tmp_path / "repo")
    assert (repo.reindex(), repo.version) == (0, 1)
    with pytest.raises(vs.QueryError, match=f"too few sites for a sketch: 1 common ones .* needs {MIN_SITES:,}"):
        repo.reindex(sketch=True)
    assert repo.version == 1


# Batches


def test_a_second_batch_is_sketched_at_the_first_ones_sites(fx_repo, fx_others, fx_genomes, fx_memory):
    listed = fx_repo.sketch_sites().to_pandas()
    fx_repo.add(write(fx_memory, "second", fx_others, "chr"))
    assert repr(fx_repo.sketch_sites().to_pandas()) == repr(listed)
    assert fx_repo.info()["sketch"] == {"num_sites": len(listed), "num_samples": PEOPLE + 9}
    first, second = codes_at_sketch(fx_repo, fx_genomes), codes_at_sketch(fx_repo, fx_others)
    both = np.concatenate([first, second], axis=1)
    names = [*fx_genomes.names, *fx_others.names]
    assert (second[:, 0] == -1).sum() > 100
    for person in (3, PEOPLE + 2):
        others = np.arange(len(names)) != person
        table = fx_repo.kinship_of(names[person])
        assert_nearest(table, both[:, person], np.array(names, object)[others], both[:, others])
    assert fx_repo.verify() == []


def test_where_absent_is_reference_nobody_is_missing(fx_repo, fx_others, fx_memory):
    fx_repo.add(write(fx_memory, "second", fx_others))
    unknown = fx_repo.sketch_of("Q3")
    (_, batch) = [entry["id"] for entry in fx_repo.info()["batches"]]
    fx_repo.batch(batch, absent="reference")
    known = fx_repo.sketch_of("Q3")
    np.testing.assert_array_equal(known, np.where(unknown < 0, 0, unknown))
    assert (unknown < 0).sum() > 100
    fx_repo.batch(batch, absent="unknown")
    np.testing.assert_array_equal(fx_repo.sketch_of("Q3"), unknown)


def test_records_of_other_alleles(fx_repo, fx_genomes, fx_memory):
    """As in every question: a record of another allele answers with its reference calls, and no more."""
    repo = fx_repo
    sites = repo.sketch_sites()
    other = [next(b for b in "ACGT" if b not in (r, a)) for r, a in zip(sites.ref, sites.alt, strict=True)]
    head = (
        genomes.vcf_of(fx_genomes.take(slice(0, 0), slice(0, 4)))
        .rstrip("\n")
        .replace("P0\tP1\tP2\tP3", "Z0\tZ1\tZ2\tZ3")
    )
    calls = "0/0\t0/1\t1/1\t./."
    alts = [f"{sites.alt[0]},{other[0]}", f"{other[1]},{sites.alt[1]}", other[2], ".", sites.alt[4], sites.alt[5]]
    calls_of = [calls, calls, calls, "0/0\t0/0\t./.\t0/0", "0\t0/1/1\t0/.\t1|0", calls]
    lines = [
        f"{sites.contig[i]}\t{sites.position[i]}\t.\t{sites.ref[i]}\t{alts[i]}\t.\t.\t.\tGT\t{calls_of[i]}"
        for i in range(6)
    ]
    # The last one twice: the first record counts.
    lines.append(lines[-1].replace(calls, "1/1\t1/1\t1/1\t1/1"))
    expected = [[0, 1, 2, -1], [-1] * 4, [0, -1, -1, -1], [0, 0, -1, 0], [-1, -1, -1, 1], [0, 1, 2, -1]]
    repo.add(vcf_text.write_plain(fx_memory / "z.vcf", "\n".join([head, *lines]) + "\n"))
    found = np.array([repo.sketch_of(f"Z{i}") for i in range(4)]).T
    assert found[:6].tolist() == expected
    assert (found[6:] == -1).all()
    assert repo.verify() == []


def test_a_genome_in_several_batches_is_one(fx_genomes, fx_memory):
    """Chromosome by chromosome no add has enough sites: ``reindex`` chooses them of all."""
    low = np.isin(fx_genomes.contig, genomes.CHROMOSOMES[:8])
    repo = vs.create(fx_memory / "repo", write(fx_memory, "a", fx_genomes.take(low)))
    repo.add(write(fx_memory, "b", fx_genomes.take(~low)))
    assert repo.info()["sketch"] is None
    repo.reindex()
    assert repo.info()["sketch"]["num_samples"] == PEOPLE
    codes = codes_at_sketch(repo, fx_genomes)
    assert_nearest(repo.kinship_of("P4", samples=["P0", "P4", "P9"]), codes[:, 4], ["P0", "P9"], codes[:, [0, 9]])
    version = repo.version
    repo.reindex()
    assert repo.version == version


def test_a_first_batch_with_too_few_sites(fx_genomes, fx_others, fx_memory):
    """Who came before the list is read from the genotypes, until ``reindex``; answers are the same."""
    few = fx_others.take(slice(0, 900))
    repo = vs.create(fx_memory / "repo", write(fx_memory, "a", few))
    assert repo.info()["sketch"] is None
    repo.add(write(fx_memory, "b", fx_genomes))
    assert repo.info()["sketch"]["num_samples"] == PEOPLE
    before = repo.kinship_of("Q1", force=True).to_pandas()
    repo.reindex()
    assert repo.info()["sketch"]["num_samples"] == PEOPLE + 9
    assert repr(repo.kinship_of("Q1", force=True).to_pandas()) == repr(before)
    codes = codes_at_sketch(repo, few)
    np.testing.assert_array_equal(repo.sketch_of("Q1"), codes[:, 1])
    assert repo.verify() == []


@pytest.mark.parametrize("loser", ["others", "few"])
def test_of_two_first_batches_the_faster_chooses(fx_genomes, fx_others, fx_memory, monkeypatch, loser):
    """The slower one takes its list, whether it has one of its own or too few sites."""
    root = fx_memory / "repo"
    repo = vs.create(root)
    mine = genomes.make_genomes(5, PEOPLE, SITES, names="R") if loser == "others" else fx_others
    winner, second = write(fx_memory, "winner", fx_genomes), write(fx_memory, "second", mine)
    make, made = new_sketches.NewSketches.make, []

    def overtaken(self, document):
        make(self, document)
        if not made:
            made.append(vs)  # the inner add must not go round again
            vs.open(root).add(winner)

    monkeypatch.setattr(new_sketches.NewSketches, "make", overtaken)
    repo.add(second)
    monkeypatch.undo()
    entry = repo.manifest.document["sketch"]
    lists = {each["sites"] for each in repo.manifest.derived if each["kind"] == sketch.KIND}
    assert lists == {entry["id"]}
    assert repo.info()["sketch"]["num_samples"] == repo.num_samples == PEOPLE + len(mine.names)
    np.testing.assert_array_equal(repo.sketch_of("P4"), codes_at_sketch(repo, fx_genomes)[:, 4])
    assert (codes_at_sketch(repo, fx_genomes) >= 0).mean() > 0.97
    named = {ref.path for ref in repo.manifest.part_refs}
    assert {f"derived/{path.name}" for path in (root / "derived").iterdir()} <= named
    assert repo.verify() == []


# Changes


@pytest.mark.filterwarnings("ignore::varstore.errors.DenominatorWarning")
def test_withdrawn_people_are_no_ones_kin_and_their_calls_go(fx_repo, fx_others, fx_memory):
    repo = fx_repo
    repo.add(write(fx_memory, "second", fx_others))
    gone = ["P3", "P59", "Q8"]
    before = repo.kinship_of("P0", samples=[name for name in repo.samples if name not in gone]).to_pandas()
    repo.withdraw(gone)
    assert not set(gone) & set(repo.kinship_of("P0").sample)
    with pytest.raises(WithdrawnSampleError, match="withdrawn"):
        repo.kinship_of("P3")
    assert repo.info()["sketch"]["num_samples"] == PEOPLE + 6
    assert repo.purge().left == []
    sizes = {entry["id"]: entry["num_samples"] for entry in repo.manifest.batches}
    for entry in repo.manifest.derived:
        if entry["kind"] == sketch.KIND:
            shape = json.loads((repo.path / entry["part"]["path"] / "sketch_low/.zarray").read_text())["shape"]
            assert shape[0] == sizes[entry["batch"]]
    assert repr(repo.kinship_of("P0").to_pandas()) == repr(before)
    assert repo.verify() == []
    repo.withdraw([name for name in repo.samples if name.startswith("Q")]).purge()
    assert repr(repo.kinship_of("P0").to_pandas()) == repr(before[before["sample"].str.startswith("P")])
    assert repo.verify() == []


@pytest.mark.filterwarnings("ignore::varstore.errors.DenominatorWarning")
def test_compaction_keeps_the_sketches(fx_repo, fx_others, fx_memory):
    repo = fx_repo
    repo.add(write(fx_memory, "second", fx_others))
    before = repo.kinship_of("Q1").to_pandas()
    assert len(repo.compact().groups) == 1
    assert repr(repo.kinship_of("Q1").to_pandas()) == repr(before)
    assert repo.verify() == []
    assert repo.reindex(sketch=True) == 0
    assert repo.verify() == []


def test_a_new_list_replaces_all_sketches(fx_repo, fx_genomes, fx_others, fx_memory):
    repo = fx_repo
    repo.add(write(fx_memory, "second", fx_others))
    old = repo.manifest.document["sketch"]
    repo.reindex(sketch=True)
    new = repo.manifest.document["sketch"]
    assert new["id"] != old["id"]
    assert {e["sites"] for e in repo.manifest.derived if e["kind"] == sketch.KIND} == {new["id"]}
    # Sites that the second batch lacks are called in fewer than 95 % of all people.
    assert new["num_sites"] == len(repo.sketch_sites()) < old["num_sites"]
    np.testing.assert_array_equal(repo.sketch_of("P4"), codes_at_sketch(repo, fx_genomes)[:, 4])
    np.testing.assert_array_equal(repo.sketch_of("Q4"), codes_at_sketch(repo, fx_others)[:, 4])
    assert len(vs.open(repo.path, version=2).sketch_sites()) == old["num_sites"]


# Damage


def part_of(repo, kind):
    """The folder of the list of sites, or of the sketch of the first batch."""
    if kind == "list":
        return repo.path / repo.manifest.document["sketch"]["part"]["path"]
    return repo.path / next(e["part"]["path"] for e in repo.manifest.derived if e["kind"] == sketch.KIND)


@pytest.mark.parametrize(("kind", "file"), [("list", "site_key/0"), ("sketch", "sketch_high/0.0")])
def test_damage_is_seen(fx_repo, kind, file):
    path = part_of(fx_repo, kind) / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    with pytest.raises(CorruptRepositoryError, match="SHA-256"):
        fx_repo.kinship_of("P0")
    assert any(str(path) in problem for problem in fx_repo.verify())
    path.unlink()
    with pytest.raises(MissingFileError, match="gone"):
        vs.open(fx_repo.path).kinship_of("P0")
    # What does not need it still works.
    assert len(fx_repo.count_alleles("1:1-2000000")) == 2


def rewritten(repo, change):
    """Commit a manifest that is changed, as a program would that knows more or does wrong."""
    from varstore.changes.adding import commit

    commit(repo.path, repo.manifest.document, change, "test")
    return vs.open(repo.path)


def test_sketches_of_another_version_are_read_past(fx_repo):
    """Of batches from the genotypes, and without a list there is no sketch."""
    before = fx_repo.kinship_of("P0").to_pandas()

    def newer(document):
        for entry in document["derived"]:
            if entry["kind"] == sketch.KIND:
                entry["version"] = 99
        return document

    repo = rewritten(fx_repo, newer)
    assert repo.info()["sketch"]["num_samples"] == 0
    assert repr(repo.kinship_of("P0").to_pandas()) == repr(before)
    assert repo.verify() == []
    repo.reindex()
    assert repo.info()["sketch"]["num_samples"] == PEOPLE

    def newer_list(document):
        document["sketch"]["version"] = 99
        return document

    repo = rewritten(repo, newer_list)
    with pytest.raises(vs.QueryError, match="made by another varstore; `varstore reindex --sketch`"):
        repo.kinship_of("P0")
    assert (repo.reindex(), repo.info()["sketch"]) == (0, None)
    repo.reindex(sketch=True)
    assert repr(repo.kinship_of("P0").to_pandas()) == repr(before)


def test_a_sketch_that_says_something_else_is_told_by_verify(fx_repo):
    """Whole, with right checksums, and wrong."""
    from varstore.storage.manifest import staging_folder
    from varstore.storage.parts import Part, PartRef, PartWriter

    entry = next(e for e in fx_repo.manifest.derived if e["kind"] == sketch.KIND)
    sites = sketches_of(fx_repo).sites
    found = sketch.read_sketch(Part(fx_repo.path, PartRef(**entry["part"])), PEOPLE, sites)
    low = found.low.copy()
    low[3, 0] ^= np.uint64(4)
    shapes = {"other calls": sketch.Sketch(low, found.high, found.state), "fewer people": found.take(np.arange(9))}
    for place, (name, wrong) in enumerate(shapes.items()):
        writer = PartWriter(staging_folder(fx_repo.path) / "sketch")
        sketch.write_sketch(writer, wrong)
        ref = vars(writer.publish(fx_repo.path, f"derived/wrong{place}"))

        def change(document, ref=ref):
            next(e for e in document["derived"] if e["kind"] == sketch.KIND)["part"] = ref
            return document

        repo = rewritten(fx_repo, change)
        (problem,) = repo.verify()
        expected = "its sketch is not that of its genotypes" if name == "other calls" else f"not a sketch of {PEOPLE} "
        assert expected in problem


def test_a_writer_that_does_not_know_of_sketches_refuses(fx_repo):
    """It would leave purged people in them."""
    assert "sketch" in fx_repo.manifest.document["writer_features"]
    assert "sketch" not in fx_repo.manifest.document["reader_features"]


# One genome in a file


def test_a_genome_in_a_file(fx_repo, fx_genomes, fx_memory, fx_cli):
    repo = fx_repo
    codes = codes_at_sketch(repo, fx_genomes)
    child = fx_genomes.take(people=[PEOPLE - 2, 5])
    source = write(fx_memory, "me", child, "chr")
    table = repo.kinship_against(source, sample="P58")
    assert_nearest(table, codes[:, PEOPLE - 2], fx_genomes.names, codes)
    with pytest.raises(vs.QueryError, match=r"2 samples \(P58, P5\); name one with --sample"):
        repo.kinship_against(source)
    with pytest.raises(vs.QueryError, match="no sample 'P0'; there are P58, P5"):
        repo.kinship_against(source, sample="P0")
    with pytest.raises(vs.QueryError, match=r"P5: too few independent sites \(\d+ called of .* needs 1,536\)"):
        repo.kinship_against(write(fx_memory, "few", fx_genomes.take(slice(0, 500), [5])))
    few = repo.kinship_against(fx_memory / "few.vcf", force=True, threshold=0.4)
    assert few.sample.tolist() == ["P5"]
    printed = fx_cli("kinship", repo.path, "--against", source, "--sample", "P58", "--threshold", "0.2").stdout
    assert printed.splitlines()[0] == "sample\tn_sites\tibs0\thet_het\tkinship\trelationship"
    assert {line.split("\t")[0] for line in printed.splitlines()[1:]} == {"P58", "P59", "P0", "P1"}
    assert repo.version == 1
    done = fx_cli("kinship", repo.path, "--against", "P0", "-s", "P59,P58", "--format", "json")
    assert [json.loads(line)["sample"] for line in done.stdout.splitlines()] == ["P59", "P58"]
    assert "no such" in fx_cli("kinship", repo.path, "--against", fx_memory / "none.vcf", status=1).stderr.lower()


def test_a_genome_of_another_build_is_refused(fx_memory, fx_genomes):
    lengths = {"chr1": 248_956_422}
    text = genomes.vcf_of(fx_genomes.take(people=[0]), "chr")
    text = text.replace("##contig=<ID=chr1>", f"##contig=<ID=chr1,length={lengths['chr1']}>")
    mine = vcf_text.write_plain(fx_memory / "me.vcf", text)
    first = genomes.vcf_of(fx_genomes).replace("##contig=<ID=1>", "##contig=<ID=1,length=249250621>")
    repo = vs.create(fx_memory / "repo", vcf_text.write_plain(fx_memory / "a.vcf", first))
    with pytest.raises(ContigLengthError, match="GRCh3"):
        repo.kinship_against(mine)


def test_reference_blocks_are_reference(fx_repo, fx_genomes, fx_memory):
    """Of a gVCF: blocks that are sure are homozygous reference, others and no block are no call."""
    sites = fx_repo.sketch_sites()
    codes = codes_at_sketch(fx_repo, fx_genomes)[:, 0]
    head = genomes.vcf_of(fx_genomes.take(slice(0, 0), [0])).splitlines()
    more = [
        '##INFO=<ID=END,Number=1,Type=Integer,Description="End">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">',
    ]
    lines, expected = [], np.full(len(sites), -1)
    for i, code in enumerate(codes.tolist()):
        contig, position, ref, alt = (sites[name][i] for name in ("contig", "position", "ref", "alt"))
        if code > 0:
            call = "0/1" if code == 1 else "1/1"
            lines.append(f"{contig}\t{position}\t.\t{ref}\t{alt},<NON_REF>\t.\t.\t.\tGT:DP:GQ\t{call}:30:60")
            expected[i] = code
        elif code == 0:
            good = i % 3 != 0
            quality = 60 if good else 5
            block = f"END={position + 100}\tGT:DP:GQ\t0/0:30:{quality}"
            lines.append(f"{contig}\t{position - 100}\t.\tN\t<NON_REF>\t.\t.\t{block}")
            expected[i] = 0 if good else -1
    text = "\n".join([*head[:-1], *more, head[-1], *lines]) + "\n"
    from varstore.genome.kin import read_codes

    source = vcf_text.write_plain(fx_memory / "g.vcf", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = read_codes(fx_repo, str(source))
    np.testing.assert_array_equal(found, expected)


def test_nearest_takes_what_members_leaves(fx_template):
    """Rows come by the people asked for, in their order."""
    with Version(fx_template) as version:
        people = np.array([2, 5, 40])
        found = nearest(version, sketches_of(version).codes(5), people)
        assert found.number.tolist() == [2, 5, 40]
        assert found.kinship[1] == 0.5
