"""What a genome's file may hold and a repository may lack; regions; and a panel over chunks and batches.

Each is said plainly or counted as the rules have it: the panel against a count over all calls, the regions against
every pair of an interval and a region.
"""

import numpy as np
import pytest

import varstore as vs
import vcf_text
from varstore.errors import QueryError
from varstore.genome.narrowing import overlapping
from varstore.model.regions import Region, merge_regions

HEAD = (
    "##fileformat=VCFv4.3\n##contig=<ID=1,length=248956422>\n##contig=<ID=X,length=156040895>\n"
    "##ALT=<ID=NON_REF,Description='any other'>\n" + vcf_text.GT_META
)
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
OTHERS = ["1 100 A C 0/1 0/0 1/1", "1 200 C T 0/0 0/1 0/0", "1 300 GA G 1/1 0/1 0/0", "1 301 A *,T 0/1 0/2 1/1",
          "X 5000000 G A 1 0/1 0"]  # fmt: skip


def vcf(lines, samples=("me",)):
    """A VCF of lines ``CONTIG POS REF ALT CALL...``."""
    rows = (line.split() for line in lines)
    body = ("\t".join([c, p, ".", ref, alt, ".", "PASS", ".", "GT", *calls]) for c, p, ref, alt, *calls in rows)
    return HEAD + COLUMNS + "\t".join(samples) + "\n" + "".join(f"{line}\n" for line in body)


@pytest.fixture(scope="module")
def fx_odd(tmp_path_factory):
    """A repository of three people."""
    folder = tmp_path_factory.mktemp("odd")
    source = vcf_text.write_plain(folder / "others.vcf", vcf(OTHERS, ("a", "b", "c")))
    return vs.create(folder / "repo", source), folder


def compared(fx_odd, lines, write=vcf_text.write_plain, ends="\n", **options):
    repo, folder = fx_odd
    found = repo.compare_genome(write(folder / "me.vcf", vcf(lines).replace("\n", ends)), **options)
    names = ("position", "ref", "alt", "zygosity", "state", "allele_count", "allele_number")
    return list(zip(*(found.variants[name].tolist() for name in names), strict=True)), found


ODD = ["1 100 A C 0/1", "1 100 A C 1/1", "1 200 C T ./1", "1 300 GA G 0/1", "1 301 A *,T 1/2", "1 400 G <NON_REF> 0/0",
       "1 500 T C,<NON_REF> 0/1", "X 5000000 G A 1"]  # fmt: skip


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_odd_calls(fx_odd, ends):
    rows, found = compared(fx_odd, ODD, ends=ends)
    assert rows == [
        (100, "A", "C", "het", "found", 3, 6),
        (200, "C", "T", "het", "found", 1, 6),
        (300, "GA", "G", "het", "found", 3, 6),
        (301, "A", "T", "het", "found", 1, 6),
        (301, "A", "*", "het", "found", 3, 6),
        (500, "T", "C", "het", "unseen", 0, 0),
        (5_000_000, "G", "A", "hemi", "found", 2, 4),
    ]
    problems = found.summary["problems"]
    assert any(text.startswith("1 alleles stand in the file more than once") for text in problems)
    assert any(text.startswith("1 calls lack an allele") for text in problems)
    assert found.summary["variants"]["all"] == len(rows)


def test_a_repository_that_has_nothing_to_say(fx_odd):
    """No cohorts, sketch or axes, too few people: each is said, and nothing is made up."""
    repo, folder = fx_odd
    _, found = compared(fx_odd, ODD)
    said = repo.describe_genome(found).summary
    assert said["nearest"]["people"] is None
    assert said["nearest"]["reason"].startswith("no sketch")
    assert said["axes"] == {"coordinates": None, "reason": "no principal axes are stored with this repository"}
    assert said["sharing"]["closest"] is None
    assert said["sharing"]["reason"].startswith("no groups")
    assert said["homozygosity"]["reason"].startswith("a file of variants alone")
    assert said["sex"]["inferred"] == "unknown"
    assert said["person"]["stands_out"] == []
    found.write_html(folder / "report.html")
    page = (folder / "report.html").read_text()
    for text in ("Too few people to say", "no sketch", "no principal axes", "No closest group"):
        assert text in page


@pytest.mark.parametrize("lines", [["1 100 A C 0/0"], ["1 100 A C ./."]])
def test_a_genome_without_a_variant(fx_odd, lines):
    repo, folder = fx_odd
    rows, found = compared(fx_odd, lines)
    assert rows == []
    assert found.summary["problems"] == ["the genome has no variant: every call is reference or missing"]
    repo.describe_genome(found).write_html(folder / "report.html")
    assert "The genome has no allele to compare." in (folder / "report.html").read_text()


def test_names_that_are_not_there(fx_odd, fx_cli):
    repo, folder = fx_odd
    path = vcf_text.write_plain(folder / "me.vcf", vcf(ODD))
    for command in ([path, "--sample", "you"], ["nobody"], [path, "-r", "7:1-9"], ["a", "--sample", "a"]):
        done = fx_cli("genome", repo.path, *command, status=1)
        assert done.stderr.startswith("varstore: ")
        assert "Traceback" not in done.stderr
    assert repr("you") in fx_cli("genome", repo.path, path, "--sample", "you", status=1).stderr
    with pytest.raises(QueryError, match="'you'; there are me"):
        repo.compare_genome(path, sample="you")


@pytest.mark.parametrize("seed", range(100))
def test_overlaps_are_those_of_every_pair(seed):
    rng = np.random.default_rng(seed)
    mine, regions = (rng.integers([0, 0, 1], [3, 30, 12], (size, 3)).tolist() for size in rng.integers(0, 12, 2))
    joined = merge_regions([Region(contig, start, start + size) for contig, start, size in regions])
    contig, start, size = np.array(mine, np.int64).reshape(-1, 3).T
    expected = [any(c == d and s < t + m and s + n > t for d, t, m in regions) for c, s, n in mine]
    assert overlapping(contig, start, start + size, joined).tolist() == expected


PEOPLE, SITES, IN_FIRST = 130, 6000, 70


@pytest.fixture(scope="module")
def fx_batches(tmp_path_factory):
    """Two batches of more than a chunk each, with sites of their own, absent is reference; and a genome of neither."""
    folder = tmp_path_factory.mktemp("panel")
    rng = np.random.default_rng(3)
    share = np.where(rng.random(SITES) < 0.8, rng.uniform(0.001, 0.008, SITES), rng.uniform(0.02, 0.5, SITES))
    codes = (rng.random((SITES, PEOPLE + 1, 2)) < share[:, np.newaxis, np.newaxis]).astype(int)
    repo = None
    for name, people in (("a", range(IN_FIRST)), ("b", range(IN_FIRST, PEOPLE)), ("me", [PEOPLE])):
        own = codes[:, list(people)].any(axis=(1, 2))
        own[: 5000 if name == "a" else 0] = True
        lines = [
            " ".join(["1", str(10 * i + 1), "A", "C", *(f"{x}|{y}" for x, y in codes[i, list(people)].tolist())])
            for i in np.flatnonzero(own).tolist()
        ]
        path = vcf_text.write_plain(folder / f"{name}.vcf", vcf(lines, [f"p{k}" for k in people]))
        if name == "a":
            repo = vs.create(folder / "repo", path, absent="reference")
        elif name == "b":
            repo.add(path, absent="reference")
    return vs.open(folder / "repo"), codes, folder


@pytest.mark.parametrize("region", [None, "1:20001-45000"])
def test_a_panel_over_chunks_and_batches(fx_batches, region):
    repo, codes, folder = fx_batches
    genes = [(0, 60_000), (38_000, 44_000), (40_955, 40_962), (49_000, 60_000), (59_985, 59_995), (70_000, 70_001)]
    (folder / "genes.bed").write_text("".join(f"1\t{a}\t{b}\tg{a}\n" for a, b in genes))
    found = repo.compare_genome(folder / "me.vcf", region=region)
    rows = repo.describe_genome(found, panel=folder / "genes.bed").summary["panel"]
    others, mine = codes[:, :PEOPLE], codes[:, PEOPLE].sum(axis=1)
    count = others.sum(axis=(1, 2))
    rare = count < 0.01 * 2 * PEOPLE
    at = 10 * np.arange(SITES)
    inside = (at >= 20_000) & (at < 45_000) if region else np.ones(SITES, np.bool_)
    assert len(rows) == len(genes)
    for row, (start, end) in zip(rows, genes, strict=True):
        here = inside & rare & (at >= start) & (at < end)
        carriers = int(others[here].any(axis=(0, 2)).sum())
        expected = ((mine > 0) & here).sum(), ((mine > 0) & here & (count == 0)).sum(), (here & (count > 0)).sum()
        assert (row["n_rare"], row["n_novel"], row["num_rare_alleles"]) == expected
        assert (row["n_carriers"], row["num_people"]) == (carriers, PEOPLE)
        assert row["n_hom_alt"] == ((mine == 2) & here).sum()
    assert max(row["n_carriers"] for row in rows) > 30
