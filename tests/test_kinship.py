"""Kinship: kernels against pairs looked at call by call, labels of known kin, plink2, refusals and bad input."""

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import varstore as vs
import vcf_text
from kinship_oracle import Genome, pair, vcf
from test_diploid import expected_codes
from test_variant_stats import create, far_apart, several, split
from varstore.cli.main import main
from varstore.errors import QueryError, TooFewSitesError
from varstore.query.site_choice import SiteLimits, choose_sites
from varstore.relatedness import kinship
from varstore.relatedness.labels import LEAST_SITES, independent_sites, relationships
from varstore.relatedness.pruning import Pruning

SLICE = Path(__file__).resolve().parents[1].parent / "shared/data/real"
COUNTS = ("n_sites", "ibs0", "ibs1", "ibs2", "het_het")
VALUES = ("kinship", "ibs_distance")


def people_of(repo, samples=None):
    """(people, sites) copies of ALT, -1 missing, of the sites that kinship uses, by name."""
    names = list(repo.samples) if samples is None else samples
    numbers = np.array(sorted(repo.samples.index(name) for name in names))
    sites = choose_sites(repo, numbers, SiteLimits())
    codes = expected_codes(repo, sites, numbers)
    return {repo.samples[number]: codes[:, i].tolist() for i, number in enumerate(numbers.tolist())}


def check(table, people, pairs):
    """The table holds these pairs, in this order, with what the oracle counts."""
    assert list(zip(table["sample_1"], table["sample_2"], strict=True)) == pairs
    for row, (a, b) in enumerate(pairs):
        expected = pair(people[a], people[b])
        assert {name: int(table[name][row]) for name in COUNTS} == {name: expected[name] for name in COUNTS}
        for name in VALUES:
            assert table[name][row] == pytest.approx(expected[name], rel=0, abs=1e-12, nan_ok=True)


def made(folder, text):
    """A repository in a folder of its own."""
    folder.mkdir()
    return create(folder, text)


def every_pair(names):
    return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]


@st.composite
def cohorts(draw):
    """Calls of more people than a word at more sites than a block, rare ones among them."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    people, sites = draw(st.integers(2, 40)), draw(st.sampled_from([1, 63, 200, 3700]))
    rate = draw(st.sampled_from([0.0, 0.02, 0.4]))
    frequency = random.beta(0.4, 0.8, sites)
    codes = (random.random((2, sites, people)) < frequency[:, None]).sum(axis=0)
    related = random.integers(people)
    codes[:, related] = np.where(random.random(sites) < 0.9, codes[:, 0], codes[:, related])
    codes = np.where(random.random(codes.shape) < rate, -1, codes)
    if draw(st.booleans()):
        codes[:, random.integers(people)] = -1
    return codes, draw(st.sampled_from([0.01, 25.0, 1e6]))


@given(cohort=cohorts(), threshold=st.sampled_from([None, -0.2, 0.0, 0.0884, 0.3]))
@settings(deadline=None, max_examples=15)
def test_any_cohort(cohort, threshold, tmp_path_factory):
    """Whatever is a plane and what a list, at every threshold, with any missing calls."""
    codes, cost = cohort
    keep = (codes == 1).any(axis=1) | ((codes == 0).any(axis=1) & (codes == 2).any(axis=1))
    codes = codes[keep][:500] if len(codes) < 3000 else codes[keep]
    if not len(codes):
        return
    text = vcf(codes, ["1"] * len(codes), range(10, 10 + len(codes)))
    repo = create(tmp_path_factory.mktemp("kinship"), text)
    before, kinship._BLOCK_COST = kinship._BLOCK_COST, cost
    try:
        table = repo.kinship(threshold=threshold, force=True)
    finally:
        kinship._BLOCK_COST = before
    people = {f"p{i}": codes[:, i].tolist() for i in range(codes.shape[1])}
    pairs = every_pair(list(people))
    if threshold is not None:
        pairs = [(a, b) for a, b in pairs if pair(people[a], people[b])["kinship"] >= threshold]
    check(table, people, pairs)
    assert table["relationship"].tolist() == [None] * len(pairs)


def test_odd_calls_of_batches(tmp_path):
    """Half calls, haploid calls, absent people, several batches and one of them compacted."""
    text = far_apart(vcf_text.make_vcf(8, 300, 40, missing=0.05, half_missing=0.05, odd_alts=False, contigs=("1",)))
    repo = several(tmp_path, split(text, [20, 3, 17], drop_monomorphic=True), absent="reference")
    people = people_of(repo)
    check(repo.kinship(threshold=None, force=True), people, every_pair(list(people)))
    repo.compact()
    check(repo.kinship(threshold=None, force=True), people, every_pair(list(people)))
    some = repo.samples[3:24:4]
    check(repo.kinship(samples=some, threshold=None, force=True), people_of(repo, some), every_pair(some))


def test_some_against_others(tmp_path):
    """Nobody meets himself, two people meet once; those asked about come first."""
    random = np.random.default_rng(2)
    codes = random.integers(-1, 3, (90, 7))
    repo = create(tmp_path, vcf(codes, ["1"] * 90, range(10, 100)))
    people = people_of(repo)

    def pairs(samples, against):
        table = repo.kinship(samples=samples, against=against, threshold=None, force=True)
        found = list(zip(table["sample_1"], table["sample_2"], strict=True))
        used = people_of(repo, sorted({*samples, *against}))
        for row, (a, b) in enumerate(found):
            assert table["het_het"][row] == pair(used[a], used[b])["het_het"]
            assert table["ibs0"][row] == pair(used[a], used[b])["ibs0"]
        return found

    names = list(people)
    assert pairs(["p2"], names) == [("p2", name) for name in names if name != "p2"]
    assert pairs(["p1", "p4"], ["p0", "p6"]) == [("p1", "p0"), ("p1", "p6"), ("p4", "p0"), ("p4", "p6")]
    overlapping = pairs(["p1", "p2", "p3"], ["p2", "p3", "p5"])
    assert overlapping == [("p1", "p2"), ("p1", "p3"), ("p1", "p5"), ("p2", "p3"), ("p2", "p5"), ("p3", "p5")]


def test_tiles(tmp_path, monkeypatch):
    """Tiles narrower than the people, with columns that do not divide; progress ends at all pairs."""
    random = np.random.default_rng(5)
    codes = (random.random((2, 400, 70)) < random.beta(0.5, 2, 400)[:, None]).sum(axis=0)
    repo = create(tmp_path, vcf(codes, ["1"] * 400, range(10, 410)))
    monkeypatch.setattr(kinship, "_COLUMNS", 33)
    monkeypatch.setattr(kinship, "_ROWS", 5)
    seen = []
    table = repo.kinship(threshold=None, force=True, progress=lambda done, total: seen.append((done, total)))
    check(table, people_of(repo), every_pair(repo.samples))
    assert seen[-1] == (70 * 69 // 2, 70 * 69 // 2)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_interrupted(tmp_path):
    """What a progress callback raises ends it."""
    random = np.random.default_rng(5)
    repo = create(tmp_path, vcf(random.integers(0, 3, (40, 70)), ["1"] * 40, range(10, 50)))

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repo.kinship(threshold=None, force=True, progress=stop)
    assert len(repo.kinship(threshold=None, force=True)) == 70 * 69 // 2


def test_long_counts(tmp_path):
    """More sites than 2^16, all of them shared."""
    sites = 70_000
    codes = np.ones((sites, 3), int)
    codes[:, 2] = 2 * (np.arange(sites) % 2)
    codes[::7, 0] = 0
    repo = create(tmp_path, vcf(codes, ["1"] * sites, range(1, sites + 1)))
    people = {f"p{i}": codes[:, i].tolist() for i in range(3)}
    check(repo.kinship(threshold=None, force=True), people, every_pair(repo.samples))


FAMILY = {
    ("twin", "twin2"): "duplicate/twin",
    ("father", "twin"): "parent-offspring",
    ("father", "twin2"): "parent-offspring",
    ("mother", "twin"): "parent-offspring",
    ("mother", "sib"): "parent-offspring",
    ("twin", "sib"): "full sibling",
    ("father", "half"): "parent-offspring",
    ("twin", "half"): "second degree",
}


@pytest.mark.parametrize(("missing", "errors"), [(0.0, 0.0), (0.02, 0.002), (0.2, 0.005)])
def test_labels_of_a_family(missing, errors, tmp_path):
    """Twins, parents, sibs and half-sibs by descent over 22 chromosomes, among strangers."""
    genome = Genome(11, 9000)
    strangers = {f"s{i}": genome.stranger() for i in range(30)}
    father, mother, other = genome.stranger(), genome.stranger(), genome.stranger()
    twin = genome.child(father, mother)
    people = {
        "father": father, "mother": mother, "other": other, "twin": twin, "twin2": twin,
        "sib": genome.child(father, mother), "half": genome.child(father, other), **strangers,
    }  # fmt: skip
    repo = create(tmp_path, genome.text(people, missing, errors))
    table = repo.kinship(threshold=None)
    label = dict(zip(zip(table["sample_1"], table["sample_2"], strict=True), table["relationship"], strict=True))
    for names, expected in FAMILY.items():
        assert label[names] == expected, names
    assert {label[names] for names in label if names[0][0] == "s" and names[1][0] == "s" and "sib" not in names} == {
        "unrelated"
    }
    found = repo.kinship()
    assert set(zip(found["sample_1"], found["sample_2"], strict=True)) >= set(FAMILY)
    assert "unrelated" not in found["relationship"].tolist()
    pictures = table.plot()
    texts = [text.get_text() for text in pictures.axes[0].get_legend().get_texts()]
    assert "parent-offspring (" in " ".join(texts)


def test_a_cohort_of_one_family(tmp_path):
    """Frequencies come from the family alone: labels hold."""
    genome = Genome(12, 9000)
    father, mother = genome.stranger(), genome.stranger()
    people = {"father": father, "mother": mother} | {f"child{i}": genome.child(father, mother) for i in range(3)}
    repo = create(tmp_path, genome.text(people, 0.02))
    table = repo.kinship(threshold=None)
    expected = [
        "unrelated" if b == "mother" else "parent-offspring" if a in ("father", "mother") else "full sibling"
        for a, b in every_pair(repo.samples)
    ]
    assert table["relationship"].tolist() == expected
    two = repo.kinship(samples=["child0", "child2"], threshold=None)
    assert two["relationship"].tolist() == ["full sibling"]
    assert repo.kinship(samples=["father", "child2"])["relationship"].tolist() == ["parent-offspring"]


def test_little_called_has_no_label(tmp_path):
    """A pair with few sites in common has numbers and no label."""
    genome = Genome(13, 6000)
    people = {f"s{i}": genome.stranger() for i in range(6)}
    codes = np.stack([haplotypes.sum(axis=0) for haplotypes in people.values()], axis=1)
    codes[300:, 0] = -1
    repo = create(tmp_path, vcf(codes, [str(c) for c in genome.contig], genome.position, list(people)))
    table = repo.kinship(threshold=None)
    labels = dict(zip(zip(table["sample_1"], table["sample_2"], strict=True), table["relationship"], strict=True))
    assert {labels["s0", f"s{i}"] for i in range(1, 6)} == {None}
    assert labels["s1", "s2"] == "unrelated"
    assert "\t.\n" in "".join(table.to_tsv())
    assert '"relationship": null' in "".join(table.to_json_lines())
    assert table.to_arrow()["relationship"][0].as_py() is None


def test_cut_offs():
    kin = np.array([0.5, 0.36, 0.31, 0.25, 0.25, 0.25, 0.18, 0.17, 0.09, 0.08, 0.05, 0.04, -0.3, math.nan, 0.5])
    ibs0 = np.array([0, 0, 0, 0, 5, 20, 20, 0, 50, 50, 60, 60, 80, 0, 0])
    sites = np.full(len(kin), 1000)
    sites[-1] = 10
    labels = relationships(kin, ibs0, sites, 0.08, 100).tolist()
    assert labels == [
        "duplicate/twin", "duplicate/twin", "full sibling", "parent-offspring", "parent-offspring", "full sibling",
        "full sibling", "second degree", "second degree", "third degree", "third degree", "unrelated", "unrelated",
        None, None,
    ]  # fmt: skip
    assert LEAST_SITES == 1536


def spread(contigs, length, apart):
    """Contig and position of sites evenly over some contigs."""
    positions = list(range(1, length, apart))
    return [str(c) for c in range(1, contigs + 1) for _ in positions], positions * contigs


def test_one_chromosome_is_not_enough(tmp_path):
    """However many sites it has; on 22 a few thousand are."""
    random = np.random.default_rng(3)
    contig, position = spread(1, 249_000_000, 50_000)
    repo = made(tmp_path / "one", vcf(random.integers(0, 3, (len(contig), 4)), contig, position))
    with pytest.raises(TooFewSitesError, match=r"too few independent sites \(49\d; needs 1,536\)"):
        repo.kinship()
    assert set(repo.kinship(threshold=None, force=True)["relationship"]) == {None}
    contig, position = spread(22, 136_000_000, 1_400_000)
    repo = made(tmp_path / "all", vcf(random.integers(0, 3, (len(contig), 4)), contig, position))
    assert set(repo.kinship(threshold=None)["relationship"]) == {"unrelated"}


def test_independent_sites(tmp_path):
    codes = np.array([[0, 1, 2, 1]] * 5 + [[0, 0, 0, 0]] + [[1, 1, 1, 1]])
    position = [100, 500_099, 500_100, 1_000_099, 1_000_100, 2_000_000, 2_000_100]
    repo = create(tmp_path, vcf(codes, ["1"] * 7, position))
    sites = choose_sites(repo, np.arange(4), SiteLimits())
    assert independent_sites(sites.contig, sites.position, sites.frequency) == 4


def test_sites_asked_for(tmp_path):
    """Regions, limits and pruning choose the sites; numbers are of these."""
    random = np.random.default_rng(7)
    codes = np.repeat(random.integers(0, 3, (60, 12)), 3, axis=0)
    repo = create(tmp_path, vcf(codes, ["1"] * 180, range(10, 190)))
    assert repo.kinship(threshold=None, force=True).sites.num_sites == 180
    table = repo.kinship(threshold=None, region="1:13-15", force=True)
    assert table["n_sites"].tolist() == [3] * 66
    pruned = repo.kinship(threshold=None, prune=Pruning(10, 1, 0.9), force=True)
    assert pruned.sites.num_sites == len(repo.prune(Pruning(10, 1, 0.9))) <= 60
    check(pruned, {f"p{i}": codes[::3, i].tolist() for i in range(12)}, every_pair(repo.samples))
    frequent = repo.kinship(threshold=None, min_maf=0.45, force=True)
    assert 0 < frequent.sites.num_sites < 180


def test_bad_input(tmp_path):
    random = np.random.default_rng(4)
    repo = made(tmp_path / "a", vcf(random.integers(0, 3, (50, 4)), ["1"] * 50, range(1, 51)))
    with pytest.raises(QueryError, match="found 1 people to compare, expected two"):
        repo.kinship(samples=["p1"])
    with pytest.raises(QueryError, match="found 0 people"):
        repo.kinship(samples=[])
    with pytest.raises(vs.QueryError, match="p1"):
        repo.kinship(samples=["p1", "p1"])
    with pytest.raises(QueryError, match="NaN"):
        repo.kinship(threshold=math.nan, force=True)
    with pytest.raises(TooFewSitesError, match="no site serves"):
        repo.kinship(min_maf=0.5, min_call_rate=1, region="1:1-1", samples=["p0", "p1"], force=True)
    monomorphic = made(tmp_path / "b", vcf(np.full((30, 3), 2), ["1"] * 30, range(1, 31)))
    with pytest.raises(TooFewSitesError, match="no site serves"):
        monomorphic.kinship(force=True)
    haploid = vcf(random.integers(0, 2, (30, 3)), ["1"] * 30, range(1, 31)).replace("0/0", "0").replace("0/1", "1")
    with pytest.raises(TooFewSitesError, match="nobody has a call of two alleles"):
        made(tmp_path / "c", haploid).kinship(force=True)
    x = vcf(random.integers(0, 3, (30, 3)), ["1"] + ["X"] * 29, range(1, 31))
    assert made(tmp_path / "d", x).kinship(threshold=None, force=True)["n_sites"].max() == 1


def run_plink2(folder, source, options):
    """King table of plink2, by pair."""
    if shutil.which("plink2") is None:
        pytest.skip("plink2 is not installed")
    command = ["plink2", *source, "--max-alleles", "2", "--allow-extra-chr", "--make-king-table", "counts"]
    command += ["cols=id,nsnp,hethet,ibs0,ibs1,kinship", *options, "--out", str(folder / "peer")]
    subprocess.run(command, check=True, capture_output=True)
    lines = (folder / "peer.kin0").read_text().splitlines()
    return {frozenset(line.split()[:2]): line.split()[2:] for line in lines[1:]}


def check_plink2(table, expected):
    assert len(table) == len(expected)
    columns = [
        table[name].tolist() for name in ("sample_1", "sample_2", "n_sites", "ibs0", "ibs1", "het_het", "kinship")
    ]
    for a, b, *counts, value in zip(*columns, strict=True):
        n_sites, het_het, ibs0, one, other, theirs = expected[frozenset((a, b))]
        assert counts == [int(n_sites), int(ibs0), int(one) + int(other), int(het_het)]
        assert value == pytest.approx(float(theirs), rel=1e-5, abs=6e-7)


@pytest.mark.parametrize("missing", [0.0, 0.03])
def test_plink2(missing, tmp_path):
    random = np.random.default_rng(6)
    codes = (random.random((2, 5000, 60)) < random.beta(0.3, 1, 5000)[:, None]).sum(axis=0)
    codes[:, 31] = np.where(random.random(5000) < 0.8, codes[:, 30], codes[:, 31])
    codes = np.where(random.random(codes.shape) < missing, -1, codes)
    text = vcf(codes, ["1"] * 5000, range(10, 5010))
    (tmp_path / "a.vcf").write_text(text)
    repo = create(tmp_path, text)
    source = ["--vcf", str(tmp_path / "a.vcf"), "--mac", "1"]
    check_plink2(repo.kinship(threshold=None, force=True), run_plink2(tmp_path, source, []))
    some = run_plink2(tmp_path, source, ["--king-table-filter", "0.01"])
    assert 1 <= len(some) < 60 * 59 / 2
    check_plink2(repo.kinship(threshold=0.01, force=True), some)


def test_the_slice(tmp_path):
    """500 kb of the 1000 Genomes: refused; the numbers are plink2's."""
    path = SLICE / "1kg_p3_chr22_16-16.5mb.vcf.gz"
    if not path.exists():
        pytest.skip("needs the 1000 Genomes slice beside the checkout")
    repo = vs.create(tmp_path / "1kg.varstore", path)
    with pytest.raises(TooFewSitesError, match=r"too few independent sites \(\d; needs 1,536\)"):
        repo.kinship()
    expected = run_plink2(tmp_path, ["--vcf", str(path), "--mac", "1"], ["--king-table-filter", "0.25"])
    table = repo.kinship(threshold=0.25, force=True)
    assert len(table) > 100
    check_plink2(table, expected)


def test_command(tmp_path, capsys):
    from click.testing import CliRunner

    genome = Genome(14, 4000)
    father, mother = genome.stranger(), genome.stranger()
    people = {"f": father, "m": mother, "c": genome.child(father, mother), "d": genome.child(father, mother)}
    repo = create(tmp_path, genome.text(people))
    path = str(repo.path)

    def run(*options):
        result = CliRunner().invoke(main, ["kinship", path, *options])
        return result.exit_code, result.output

    code, text = run("--plot", str(tmp_path / "a.png"))
    assert code == 0
    assert (tmp_path / "a.png").stat().st_size > 10_000
    lines = [line.split("\t") for line in text.splitlines()]
    assert lines[0] == "sample_1 sample_2 n_sites ibs0 ibs1 ibs2 het_het kinship ibs_distance relationship".split()
    assert [(*line[:2], line[-1]) for line in lines[1:]] == [
        ("f", "c", "parent-offspring"), ("f", "d", "parent-offspring"), ("m", "c", "parent-offspring"),
        ("m", "d", "parent-offspring"), ("c", "d", "full sibling"),
    ]  # fmt: skip
    assert run("--threshold", "all")[1].count("\n") == 7
    assert run("-s", "c", "--against-all", "--threshold", "all")[1].count("\n") == 4
    assert run("--cohort", "sample == 'f' or sample == 'c'")[1].count("\n") == 2
    code, text = run("-r", "1")
    assert code == 1
    assert "too few independent sites" in text
    assert "Traceback" not in text
    assert run("-r", "1", "--force", "--threshold", "all")[1].count("\t.\n") == 6
    for wrong in (["--threshold", "high"], ["--against-all"], ["--plot", "a.pdf"], ["-s", "c"]):
        code, text = run(*wrong)
        assert code == 1, wrong
        assert text.startswith("varstore: ")
