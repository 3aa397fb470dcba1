"""Kin of a genome by the repository's sketch: found, named, and refused where a file cannot tell."""

import numpy as np
import pytest

import genomes
import varstore as vs
import vcf_text
from varstore.genome import kin
from varstore.relatedness.projection import project_dosages

PEOPLE, SITES = 60, 2000


@pytest.fixture(scope="module")
def fx_kin(tmp_path_factory):
    """A repository with a sketch. The last two of the people are a child of the first two, and the first again."""
    folder = tmp_path_factory.mktemp("kin")
    made = genomes.make_genomes(1, PEOPLE, SITES, missing=0.02)
    source = vcf_text.write_plain(folder / "all.vcf", genomes.vcf_of(made))
    return vs.create(folder / "repo", source), made, folder


def file_of(folder, made, person, *, variants=False):
    """One person's calls as a file; variants: only records with an ALT allele."""
    codes = made.codes[:, [person]]
    one = genomes.Genomes(made.contig, made.position, made.ref, made.alt, codes, ["me"])
    if variants:
        one = one.take(codes[:, 0] > 0)
    return vcf_text.write_plain(folder / f"{person}{variants}.vcf", genomes.vcf_of(one))


def test_kin_of_a_file_and_of_a_sample(fx_kin):
    repo, made, folder = fx_kin
    names = list(made.names)
    child = names[-2]
    found = repo.compare_genome(file_of(folder, made, PEOPLE - 2), carriers=True)
    rows = repo.describe_genome(found).summary["nearest"]["people"]
    assert [(row["sample"], row["label"]) for row in rows[:1]] == [(child, "duplicate/twin")]
    # The second of the first two, and the first, who is there twice.
    assert {row["sample"] for row in rows[1:4]} == {names[0], names[1], names[-1]}
    assert {row["label"] for row in rows[1:4]} == {"parent-offspring"}
    assert {row["label"] for row in rows[4:]} <= {"unrelated", "third degree"}
    for row in rows:
        n_sites, ibs0, _, kinship = genomes.king(made.codes[:, PEOPLE - 2], made.codes[:, names.index(row["sample"])])
        if len(repo.sketch_sites()) == SITES:
            assert (row["n_sites"], row["ibs0"], row["kinship"]) == (n_sites, ibs0, pytest.approx(kinship))
    by_sample = repo.describe_genome(repo.compare_genome(child)).summary["nearest"]
    assert [row["kinship"] for row in by_sample["people"]] == pytest.approx([row["kinship"] for row in rows[1:]] + [
        by_sample["people"][-1]["kinship"]
    ])  # fmt: skip
    assert {row["sample"] for row in by_sample["people"]} == {None}
    page = folder / "report.html"
    found.write_html(page)
    assert "duplicate/twin" in page.read_text()


def test_calls_at_the_sketch(fx_kin):
    repo, made, folder = fx_kin
    found = repo.compare_genome(file_of(folder, made, 7))
    sites = repo.sketch_sites()
    from varstore.relatedness.nearest import sketches_of

    codes = kin.codes_of(repo, found.genome, sketches_of(repo).sites)
    place = {key: i for i, key in enumerate(zip(made.contig, made.position, made.ref, made.alt, strict=True))}
    keys = zip(sites.contig, sites.position.tolist(), sites.ref, sites.alt, strict=True)
    assert codes.tolist() == [int(made.codes[place[key], 7]) for key in keys]
    assert set(np.unique(codes)) == {-1, 0, 1, 2}


def test_a_file_of_variants_alone_has_no_kin(fx_kin):
    repo, made, folder = fx_kin
    path = file_of(folder, made, 3, variants=True)
    said = repo.describe_genome(repo.compare_genome(path)).summary["nearest"]
    assert said["people"] is None
    assert "too few independent sites" in said["reason"] or "next to no site" in said["reason"]
    told = repo.describe_genome(repo.compare_genome(path, absent="reference")).summary["nearest"]
    assert told["people"][0]["label"] == "duplicate/twin"


def test_a_file_tells_as_much_as_a_comparison(fx_kin):
    """``kinship --against`` reads a file as ``genome`` does, and refuses what tells no kinship."""
    repo, made, folder = fx_kin
    child = file_of(folder, made, PEOPLE - 2)
    said = repo.describe_genome(repo.compare_genome(child, carriers=True)).summary["nearest"]["people"]
    table = repo.kinship_against(child)
    assert [row["sample"] for row in said] == table["sample"].tolist()[:10]
    assert [row["kinship"] for row in said] == table["kinship"].tolist()[:10]
    variants = file_of(folder, made, 3, variants=True)
    with pytest.raises(vs.QueryError, match=r"too few independent sites|next to no site"):
        repo.kinship_against(variants)
    assert len(repo.kinship_against(variants, force=True)) == len(repo.samples)
    assert repo.kinship_against(variants, absent="reference")["relationship"][0] == "duplicate/twin"


def test_absent_is_not_reference_on_contigs_without_a_record(fx_kin):
    """A file of one chromosome says nothing of the others."""
    repo, made, folder = fx_kin
    one = made.take(np.flatnonzero(made.contig == "7"))
    path = vcf_text.write_plain(folder / "seven.vcf", genomes.vcf_of(one.take(people=[3])))
    found = repo.compare_genome(path, absent="reference").genome
    from varstore.relatedness.nearest import sketches_of

    sites = sketches_of(repo).sites
    assert ((kin.codes_of(repo, found, sites) >= 0) == (sites.contig == "7")).all()
    with pytest.raises(vs.QueryError, match=r"too few independent sites \(\d+ called"):
        repo.kinship_against(path, absent="reference")


def test_a_repository_without_a_sketch_says_so(tmp_path):
    made = genomes.make_genomes(1, 10, 100)
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", genomes.vcf_of(made)))
    said = repo.describe_genome(repo.compare_genome(made.names[0])).summary["nearest"]
    assert said["people"] is None
    assert said["reason"] == "no sketch: too few people (10; needs 50)"


def test_where_it_falls(tmp_path):
    made = genomes.make_genomes(5, 60, 1200, missing=0.01)
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", genomes.vcf_of(made)))
    path = file_of(tmp_path, made, 7)
    none = repo.describe_genome(repo.compare_genome(path)).summary["axes"]
    assert (none["coordinates"], none["reason"]) == (None, "no principal axes are stored with this repository")
    repo.pca(axes=2, save="main")
    axes = repo.axes("main")
    cohorts = {"a": list(made.names[:30]), "b": list(made.names[30:])}
    said = repo.describe_genome(repo.compare_genome(path, cohorts=cohorts)).summary["axes"]
    place = {key: i for i, key in enumerate(zip(made.contig, made.position, made.ref, made.alt, strict=True))}
    keys = zip(axes.contig, axes.position.tolist(), axes.ref, axes.alt, strict=True)
    expected, _ = project_dosages(axes, made.codes[[place[key] for key in keys], 7][np.newaxis])
    assert said["coordinates"] == pytest.approx(expected[0].tolist())
    assert said["num_called"] <= axes.num_sites
    own = repo.describe_genome(repo.compare_genome(made.names[7])).summary["axes"]
    assert own["coordinates"] == pytest.approx(axes.coordinates[7].tolist())
    assert own["group"] is None
    alone = repo.describe_genome(repo.compare_genome(file_of(tmp_path, made, 7, variants=True))).summary["axes"]
    assert alone["coordinates"] is None
    assert "too few of the sites" in alone["reason"]
